/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_blk - /init of the Linux guest that `make bench BENCH=blk` compares an image with: loads
 * the modules /m/0.ko, /m/1.ko ..., sets up its disk, and then does what lines on the console say:
 *
 *     NAME SIZE DEPTH N MS PATH    a load as examples/blkperf has it: append, create and files at
 *                                  PATH, others on the disk without the page cache
 *
 * Each line is answered by "linux_blk: status N" in the end. PATH "disk" is the disk, "sqlite" a
 * load of linux_sql.c; /data is the file system of a second one, ext4. As a program of the host,
 * with a file and such words as arguments, it puts the load on the file: what no guest can exceed.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../examples/blkperf/load.h"
#include "linux_sql.h"

enum { DEPTH_MAX = 128, SIZE_MAX_LOAD = 131072, CLOCK_EVERY = 64, CACHED_BLOCKS = 64 };

static char buffers[DEPTH_MAX][SIZE_MAX_LOAD] __attribute__((aligned(4096)));

static const char *disk = "/dev/vda";

static struct {
    int fd;
    char name[16];
    bool random, writes;
    uint32_t size, depth;
    uint64_t most, time_ns, blocks, next, begun, done;
} job;

/* ---- what is measured ------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#ifdef __aarch64__
#define MARK(n) __asm__ volatile("hint #" #n : : : "memory")
#else
#define MARK(n) (void)0
#endif

static off_t next_place(void)
{
    static uint64_t state = 88172645463325252u;

    job.begun++;
    if (!job.random)
        return (off_t)(job.next++ % job.blocks * job.size);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (off_t)(state % job.blocks * job.size);
}

static bool goes_on(uint64_t began)
{
    if (job.begun >= job.most)
        return false;
    if (!job.time_ns || job.begun % CLOCK_EVERY)
        return true;
    return now_ns() - began < job.time_ns;
}

/* One at a time. */
static int one_by_one(uint64_t began)
{
    bool flush = strcmp(job.name, "flush") == 0;

    while (goes_on(began)) {
        off_t at = next_place();
        ssize_t n = job.writes ? pwrite(job.fd, buffers[0], job.size, at)
                               : pread(job.fd, buffers[0], job.size, at);

        if (n != (ssize_t)job.size || (flush && fdatasync(job.fd)))
            return -1;
        job.done++;
    }
    return 0;
}

/* `depth` at a time, with the kernel's asynchronous calls. */
static int many(uint64_t began)
{
    static struct iocb blocks[DEPTH_MAX], *ready[DEPTH_MAX];
    struct io_event events[DEPTH_MAX];
    aio_context_t context = 0;
    long n = (long)job.depth, out = 0, got;

    if (syscall(SYS_io_setup, job.depth, &context))
        return -1;
    for (long i = 0; i < n; i++) {
        blocks[i] = (struct iocb){.aio_fildes = (uint32_t)job.fd,
                                  .aio_lio_opcode = job.writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                                  .aio_buf = (uintptr_t)buffers[i],
                                  .aio_nbytes = job.size,
                                  .aio_offset = next_place()};
        ready[i] = &blocks[i];
    }
    while (n || out) {
        if (n && syscall(SYS_io_submit, context, n, ready) != n)
            return -1;
        out += n;
        got = syscall(SYS_io_getevents, context, 1, job.depth, events, NULL);
        if (got < 1)
            return -1;
        out -= got;
        job.done += (uint64_t)got;
        n = 0;
        for (long i = 0; i < got; i++) {
            if (events[i].res != (int64_t)job.size)
                return -1;
            if (!goes_on(began))
                continue;
            ready[n] = (struct iocb *)(uintptr_t)events[i].obj;
            ready[n++]->aio_offset = next_place();
        }
    }
    return (int)syscall(SYS_io_destroy, context);
}

void load_begin(struct load_result *r)
{
    r->ns = now_ns();
    MARK(98);
}

void load_end(struct load_result *r)
{
    MARK(99);
    r->ns = now_ns() - r->ns;
}

/* A load of examples/blkperf/files.c. */
static int run_files(const char *path)
{
    struct load l = {.name = job.name,
                     .path = strcmp(path, "disk") == 0 ? disk : path,
                     .size = job.size,
                     .operations = job.most};
    struct load_result r = {0};

    if (load_files(&l, &r))
        return 1;
    printf("blkperf: %s operations=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 "\n", job.name,
           r.operations, r.bytes, r.ns);
    return 0;
}

/* The words of a load on the file or disk at `path`. 0, or a status that is not 0. */
static int run(const char *path, const char *words)
{
    uint64_t began, ms;
    char at[64];
    bool cached;
    int err, flags, n;

    memset(&job, 0, sizeof(job));
    n = sscanf(words, "%15s %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %63s", job.name,
               &job.size, &job.depth, &job.most, &ms, at);
    if (n == 6 && strcmp(at, "sqlite") == 0)
        return load_sql ? load_sql(job.name, job.most) : 5;
    if (n == 6)
        return run_files(at);
    if (n != 5 || !job.depth || job.depth > DEPTH_MAX || !job.size || job.size > SIZE_MAX_LOAD)
        return 2;
    cached = strcmp(job.name, "pread") == 0;
    job.random = cached || strncmp(job.name, "rand", 4) == 0;
    job.writes = !strstr(job.name, "read");
    job.time_ns = job.most ? 0 : ms * 1000000;
    job.most = job.most ? job.most : UINT64_MAX;
    flags = (job.writes ? O_RDWR : O_RDONLY) | O_CLOEXEC;
    job.fd = cached ? -1 : open(path, flags | O_DIRECT);
    if (job.fd < 0) /* a file system may have no other way than its cache */
        job.fd = open(path, flags);
    if (job.fd < 0)
        return 3;
    job.blocks = cached ? CACHED_BLOCKS : (uint64_t)lseek(job.fd, 0, SEEK_END) / job.size;
    for (uint64_t i = 0; cached && i < job.blocks; i++)
        if (pread(job.fd, buffers[0], job.size, (off_t)(i * job.size)) < 0)
            return 4;
    began = now_ns();
    MARK(98);
    err = job.depth == 1 ? one_by_one(began) : many(began);
    MARK(99);
    began = now_ns() - began;
    if (!err)
        printf("blkperf: %s operations=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 "\n", job.name,
               job.done, job.done * job.size, began);
    close(job.fd);
    return err ? 1 : 0;
}

/* ---- the guest ------------------------------------------------------------------------------- */

static void fail(const char *what)
{
    printf("linux_blk: failed: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(1);
}

static void load_modules(void)
{
    char path[] = "/m/0.ko";

    for (int fd; (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0; path[3]++) {
        if (syscall(SYS_finit_module, fd, "", 0) < 0)
            fail(path);
        close(fd);
    }
}

/* A setting of a disk's queue. */
static void set_queue(const char *disk, const char *name, const char *value)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/sys/block/%s/queue/%s", strrchr(disk, '/') + 1, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        fail(path);
    close(fd);
}

static void set_up(const char *path)
{
    set_queue(path, "scheduler", "none");
    set_queue(path, "iostats", "0");
    set_queue(path, "nomerges", "2");
}

/* Where there are two disks, one of them has ext4. Which is found first is the machine's choice. */
static void mount_second(void)
{
    static const char *const disks[] = {"/dev/vda", "/dev/vdb"};

    mkdir("/data", 0755);
    for (int i = 0; i < 2 && access(disks[1], F_OK) == 0; i++)
        if (mount(disks[i], "/data", "ext4", MS_NOATIME, NULL) == 0) {
            set_up(disks[i]);
            disk = disks[!i];
            return;
        }
    if (access(disks[1], F_OK) == 0)
        fail("ext4 of the second disk");
}

/* Lines come as they were typed, and are not shown. */
static void quiet_console(void)
{
    struct termios t;

    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_lflag &= (tcflag_t)~ECHO;
        t.c_oflag &= (tcflag_t)~ONLCR;
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
}

int main(int argc, char **argv)
{
    char line[256];

    if (argc == 3)
        return run(argv[1], argv[2]);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    load_modules();
    mount_second();
    set_up(disk);
    quiet_console();
    printf("linux_blk: ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        int status = run(disk, line);

        printf("linux_blk: status %d\n", status);
        fflush(stdout);
    }
    return 0;
}
