/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diskcalls - makes the calls that lines on the serial line say, one a line, and answers each by
 * "call: RESULT ERRNO": the errno is 0 where the call succeeded.
 *
 *     open PATH FLAGS              FLAGS: letters of rwctxad (r: reads, w: writes, rw: both,
 *                                  c: O_CREAT, t: O_TRUNC, x: O_EXCL, a: O_APPEND, d: O_DSYNC)
 *     pread FD AT LEN              what was read follows as "COUNTxBYTE ..."
 *     pwrite FD AT LEN BYTE
 *     append FD LEN BYTE           write()
 *     fsync FD, fdatasync FD, sync, close FD
 *     size FD, truncate FD SIZE, unlink PATH, rename FROM TO, mkdir PATH, rmdir PATH
 *     list PATH                    how many names; those of folders end with a slash
 *     raw OP SECTOR COUNT BYTE     a request of block.h on vblk0: OP is read, write, flush, id,
 *                                  zeroes, discard, erase or lifetime
 *     end
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vireo.h>

#include "block/block.h"

enum { BUFFER = 1 << 20 };

static unsigned char *buffer;
static char words[5][128];
static long numbers[5];

static void show(long n)
{
    for (long i = 0, k; i < n; i = k) {
        for (k = i; k < n && buffer[k] == buffer[i]; k++)
            ;
        printf(" %ldx%u", k - i, buffer[i]);
    }
}

/* ---- requests of block.h --------------------------------------------------------------------- */

static bool raw_done;
static struct waitq raw_wait;

static void raw_ended(struct block_request *r)
{
    (void)r;
    raw_done = true;
    waitq_wake_all(&raw_wait);
}

static long raw(void)
{
    static const struct {
        const char *name;
        enum block_op op;
    } ops[] = {{"read", BLOCK_READ},           {"write", BLOCK_WRITE},
               {"flush", BLOCK_FLUSH},         {"id", BLOCK_GET_ID},
               {"zeroes", BLOCK_WRITE_ZEROES}, {"discard", BLOCK_DISCARD},
               {"erase", BLOCK_SECURE_ERASE},  {"lifetime", BLOCK_LIFETIME}};
    struct block_seg seg = {buffer, (size_t)numbers[3] * BLOCK_SECTOR};
    struct block_request r = {.sector = (uint64_t)numbers[2],
                              .segs = &seg,
                              .seg_count = numbers[3] != 0,
                              .done = raw_ended},
                         *one = &r;

    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(words[1], ops[i].name) == 0)
            r.op = ops[i].op;
    if (r.op == BLOCK_GET_ID || r.op == BLOCK_LIFETIME) {
        seg.len = r.op == BLOCK_GET_ID ? BLOCK_ID_LEN : BLOCK_LIFETIME_LEN;
        r.seg_count = 1;
    }
    memset(buffer, (int)numbers[4], seg.len);
    block_can(block_get(0), r.op); /* links what knows of the last four */
    if (r.op == BLOCK_WRITE_ZEROES || r.op == BLOCK_DISCARD || r.op == BLOCK_SECURE_ERASE)
        seg.base = NULL;
    raw_done = false;
    block_submit(block_get(0), &one, 1);
    while (!raw_done)
        waitq_wait(&raw_wait, HAL_NEVER);
    errno = -r.result;
    return r.result ? -1 : 0;
}

/* ---- calls of libc --------------------------------------------------------------------------- */

static int flags_of(const char *letters)
{
    int flags = strchr(letters, 'w') ? strchr(letters, 'r') ? O_RDWR : O_WRONLY : O_RDONLY;

    return flags | (strchr(letters, 'c') ? O_CREAT : 0) | (strchr(letters, 't') ? O_TRUNC : 0) |
           (strchr(letters, 'x') ? O_EXCL : 0) | (strchr(letters, 'a') ? O_APPEND : 0) |
           (strchr(letters, 'd') ? O_DSYNC : 0);
}

static bool is(const char *name)
{
    return strcmp(words[0], name) == 0;
}

static long call_of_path(void)
{
    if (is("open"))
        return open(words[1], flags_of(words[2]), 0600);
    if (is("unlink"))
        return unlink(words[1]);
    if (is("rename"))
        return rename(words[1], words[2]);
    if (is("mkdir"))
        return mkdir(words[1], 0700);
    if (is("rmdir"))
        return rmdir(words[1]);
    return -2;
}

/* The names go to the buffer, with a space in front of each. */
static long list_names(void)
{
    DIR *d = opendir(words[1]);
    struct dirent *e;
    size_t at = 0;
    long n = 0;

    buffer[0] = 0;
    if (!d)
        return -1;
    for (; (e = readdir(d)) && at + sizeof(e->d_name) + 3 < BUFFER; n++)
        at += (size_t)sprintf((char *)buffer + at, " %s%s", e->d_name,
                              e->d_type == DT_DIR ? "/" : "");
    return closedir(d) ? -1 : n;
}

static long call_of_file(void)
{
    int fd = (int)numbers[1];
    struct stat st;

    if (is("pread"))
        return pread(fd, buffer, (size_t)numbers[3], numbers[2]);
    if (is("pwrite"))
        return pwrite(fd, memset(buffer, (int)numbers[4], (size_t)numbers[3]), (size_t)numbers[3],
                      numbers[2]);
    if (is("append"))
        return write(fd, memset(buffer, (int)numbers[3], (size_t)numbers[2]), (size_t)numbers[2]);
    if (is("fsync"))
        return fsync(fd);
    if (is("fdatasync"))
        return fdatasync(fd);
    if (is("close"))
        return close(fd);
    if (is("truncate"))
        return ftruncate(fd, numbers[2]);
    if (is("size"))
        return fstat(fd, &st) ? -1 : (long)st.st_size;
    return -2;
}

static void call(void)
{
    long result;

    errno = 0;
    if (is("raw"))
        result = raw();
    else if (is("sync"))
        result = (sync(), 0);
    else if (is("list"))
        result = list_names();
    else if ((result = call_of_path()) == -2)
        result = call_of_file();
    printf("call: %ld %d", result, result < 0 ? errno : 0);
    if (is("pread"))
        show(result);
    else if (is("list"))
        printf("%s", result < 0 ? "" : (char *)buffer);
    else if (is("raw") && strcmp(words[1], "read") == 0 && !result)
        show(numbers[3] * (long)BLOCK_SECTOR);
    printf("\n");
}

int main(void)
{
    char line[400];

    buffer = malloc(BUFFER);
    if (!buffer)
        return 1;
    printf("diskcalls: ready\n");
    while (fgets(line, sizeof(line), stdin)) {
        int n = sscanf(line, "%127s %127s %127s %127s %127s", words[0], words[1], words[2],
                       words[3], words[4]);

        if (n < 1)
            continue;
        for (int i = 0; i < 5; i++)
            numbers[i] = i < n ? strtol(words[i], NULL, 0) : 0;
        if (is("end"))
            break;
        call();
    }
    return 0;
}
