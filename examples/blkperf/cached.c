/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cached.c - reads that find their block in the cache, by pread() and borrowed; reads that do not;
 * and the opening of a file, for the first time and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <vireo.h>

#include "block/block.h"
#include "block/cache/bcache.h"
#include "load.h"

enum { BLOCKS = 64, BLOCK = 4096, STRIDE = 7919 /* a prime */, SMALL_CACHE = 1 << 20 };

static char buffer[BLOCK];

static int cached_failed(const char *what)
{
    printf("blkperf: %s: %s\n", what, strerror(errno));
    return -1;
}

static bool cached_pread(int fd)
{
    return pread(fd, buffer, BLOCK, (off_t)(load_random_block(BLOCKS) * BLOCK)) == BLOCK;
}

/* Borrows a block, looks at its first byte, and returns it. */
static bool cached_borrow(struct bcache *c)
{
    struct bcache_block *b;
    const char *p = bcache_lend(c, load_random_block(BLOCKS) * BLOCK, BLOCK, &b);

    if (!p)
        return false;
    buffer[0] = *p;
    bcache_return(c, b);
    return true;
}

/* The blocks are in the cache, which the disk has since its file was opened. */
static int cached_run(const struct load *l, int fd, struct load_result *out)
{
    struct bcache *c = bcache_create(l->dev, 0);
    bool borrow = strcmp(l->name, "borrow") == 0, good = true;

    load_begin(out);
    for (uint64_t i = 0; i < l->operations && good; i++)
        good = borrow ? cached_borrow(c) : cached_pread(fd);
    load_end(out);
    out->operations = l->operations;
    out->bytes = l->operations * BLOCK;
    return good ? 0 : cached_failed(l->name);
}

/* Reads n blocks of the whole disk, none twice before all were read, and none behind another. */
static bool cached_read_others(int fd, uint64_t n, uint64_t blocks)
{
    static uint64_t at;
    bool good = true;

    for (; n && good; n--, at = (at + STRIDE) % blocks)
        good = pread(fd, buffer, BLOCK, (off_t)(at * BLOCK)) == BLOCK;
    return good;
}

/* The cache is small, and full before the count begins: each block takes the place of another. */
static int cached_miss(const struct load *l, int fd, struct load_result *out)
{
    uint64_t blocks = block_capacity(l->dev) / BLOCK;
    bool good = blocks > 2 * SMALL_CACHE / BLOCK;

    good = good && cached_read_others(fd, 2 * SMALL_CACHE / BLOCK, blocks);
    load_begin(out);
    good = good && cached_read_others(fd, l->operations, blocks);
    load_end(out);
    out->operations = l->operations;
    out->bytes = l->operations * BLOCK;
    return good ? 0 : cached_failed(l->name);
}

/* The file is known, since it was opened before. */
static int cached_reopen(const struct load *l, struct load_result *out)
{
    int fd = open(l->path, O_RDONLY | O_CLOEXEC);

    load_begin(out);
    for (uint64_t i = 0; i < l->operations && fd >= 0; i++) {
        close(fd);
        fd = open(l->path, O_RDONLY | O_CLOEXEC);
    }
    load_end(out);
    out->operations = l->operations;
    return fd < 0 ? cached_failed(l->path) : close(fd);
}

static int cached_open(const struct load *l, struct load_result *out)
{
    int fd;

    load_begin(out);
    fd = open(l->path, O_RDONLY | O_CLOEXEC);
    load_end(out);
    out->operations = 1;
    if (fd < 0)
        return cached_failed(l->path);
    return close(fd);
}

/* Has the cache read what will be looked for. */
static bool cached_fill(int fd)
{
    for (off_t i = 0; i < BLOCKS; i++)
        if (pread(fd, buffer, BLOCK, i * BLOCK) != BLOCK)
            return false;
    return true;
}

int load_cached(const struct load *l, struct load_result *out)
{
    char path[32];
    int fd, result = 0;

    if (strcmp(l->name, "open") == 0)
        return cached_open(l, out);
    if (strcmp(l->name, "reopen") == 0)
        return cached_reopen(l, out);
    if (strcmp(l->name, "miss") == 0)
        bcache_create(l->dev, SMALL_CACHE); /* which the disk then has */
    snprintf(path, sizeof(path), "/dev/%s", block_name(l->dev));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cached_failed(path);
    if (strcmp(l->name, "miss") == 0)
        result = cached_miss(l, fd, out);
    else if (cached_fill(fd))
        result = cached_run(l, fd, out);
    else
        result = cached_failed(path);
    close(fd);
    return result;
}
