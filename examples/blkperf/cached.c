/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cached.c - reads that find their block in the cache, by pread() and borrowed, and the first
 * opening of a file.
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

enum { BLOCKS = 64, BLOCK = 4096 };

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

int load_cached(const struct load *l, struct load_result *out)
{
    char path[32];
    int fd, result = 0;

    if (strcmp(l->name, "open") == 0)
        return cached_open(l, out);
    snprintf(path, sizeof(path), "/dev/%s", block_name(l->dev));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cached_failed(path);
    for (off_t i = 0; i < BLOCKS && !result; i++)
        if (pread(fd, buffer, BLOCK, i * BLOCK) != BLOCK)
            result = cached_failed(path);
    if (!result)
        result = cached_run(l, fd, out);
    close(fd);
    return result;
}
