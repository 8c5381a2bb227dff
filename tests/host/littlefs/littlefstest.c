/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefstest.c - the disk and the calls of littlefstest.h. */
#include "littlefstest.h"

#include <fcntl.h>
#include <string.h>

const char mount_of_app[] = "/data:fake0";
static const void *const linked __attribute__((used)) = &fs_littlefs;

struct fakedisk *f;
uint8_t buf[1 << 20];

static bool go_on(void *ctx)
{
    (void)ctx;
    return fakedisk_step(f) | host_run_round();
}

struct block_device limits = {.block_size = 512,
                              .max_segs = 40,
                              .max_seg_size = 1u << 20,
                              .depth = 16,
                              .volatile_cache = true};

/* An empty file system of so many blocks at "/data". */
void start(unsigned blocks, uint32_t block_size)
{
    f = fakedisk_new((uint64_t)blocks * block_size, &limits);
    CHECK(f != NULL);
    hosttask_on_wait(go_on, NULL);
    host_boot();
    CHECK_EQ(littlefs_make(disk_of(&f->dev), block_size), 0);
}

void start_small(void)
{
    start(64, 4096);
}

/* ---- calls ----------------------------------------------------------------------------------- */

int open_path(const char *path, int flags)
{
    return path_root.open(path, flags, 0666);
}

int open_new(const char *path)
{
    int fd = open_path(path, O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0);
    return fd;
}

ssize_t put(int fd, const void *data, size_t len, off_t at)
{
    struct file *file = hosttask_file(fd);

    return file->ops->pwrite(file, data, len, at);
}

ssize_t get(int fd, void *data, size_t len, off_t at)
{
    struct file *file = hosttask_file(fd);

    return file->ops->pread(file, data, len, at);
}

int sync_file(int fd)
{
    return hosttask_file(fd)->ops->fsync(hosttask_file(fd));
}

int cut(int fd, off_t size)
{
    return hosttask_file(fd)->ops->truncate(hosttask_file(fd), size);
}

void make(const char *path, const char *text)
{
    int fd = open_path(path, O_CREAT | O_TRUNC | O_WRONLY);

    CHECK(fd >= 0);
    CHECK_EQ(put(fd, text, strlen(text), 0), strlen(text));
    CHECK_EQ(hosttask_close(fd), 0);
}

/* Is the text all that the file at path holds? */
bool holds(const char *path, const char *text)
{
    char have[256] = "";
    int fd = open_path(path, O_RDONLY);
    bool same = fd >= 0 && get(fd, have, sizeof(have) - 1, 0) >= 0 && !strcmp(have, text);

    if (fd >= 0)
        hosttask_close(fd);
    return same;
}

int look(const char *path, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    return path_root.stat(path, st);
}

/* The size, or an error. */
long long size_of(const char *path)
{
    struct stat st;
    int err = look(path, &st);

    return err ? err : st.st_size;
}

/* How many entries a directory has, and whether one is `name`. */
unsigned list(const char *path, const char *name, bool *there)
{
    int fd = open_path(path, O_RDONLY | O_DIRECTORY);
    struct file *file = hosttask_file(fd);
    char found[256];
    bool is_dir;
    unsigned n = 0;

    CHECK(file != NULL);
    *there = false;
    for (; file->ops->readdir(file, found, &is_dir) == 1; n++)
        *there = *there || !strcmp(found, name);
    CHECK_EQ(hosttask_close(fd), 0);
    return n;
}

/* A byte of a long file. */
void fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed + i + (i >> 8) * 7);
}
