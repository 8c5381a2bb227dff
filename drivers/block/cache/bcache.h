/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache.h - a write-back cache over a block device, asynchronously: what cannot be answered at
 * once answers -EAGAIN and calls back when it is worth asking again. (The calls that wait are in
 * files/.)
 *
 * A cache block is 4 KiB, or the device's logical block if that is larger; the last one of a disk
 * may be shorter. Written blocks are dirty until the device has them, and unflushed until a flush
 * has covered them. Dirty blocks go out in order of address, in large requests: when a quarter of
 * the cache is dirty, after some seconds, or when somebody syncs; at most half of the cache is
 * dirty. A block that no flush covers yet stays in the cache, since a device that is reset may lose
 * it: then it is written once more. A quarter of the cache being unflushed, it flushes by itself;
 * at most three quarters are dirty or unflushed.
 *
 * No call parks; all are made in task context.
 */
#ifndef VIREO_BCACHE_H
#define VIREO_BCACHE_H

#include "block/block.h"

struct bcache;
struct bcache_block;

/* One who waits: wake() is called once for each -EAGAIN, from a service. Zeroed at first. */
struct bcache_wait {
    void (*wake)(struct bcache_wait *w);

    /* the cache's own */
    struct bcache_wait *next;
    uint64_t errors, round;
    bool for_room, missed;
};

enum bcache_use {
    BCACHE_READ,     /* look at it */
    BCACHE_UPDATE,   /* change a part of it: it is read first */
    BCACHE_OVERWRITE /* change all of it: it is not */
};

/* How one reader moves over the disk; zeroed at first. */
struct bcache_stream {
    uint64_t next;   /* the block that would make it sequential */
    uint64_t ahead;  /* read ahead up to here */
    unsigned window; /* blocks */
};

/* A request to make everything written so far durable. */
struct bcache_sync {
    void (*done)(struct bcache_sync *s);
    int result; /* 0, or -EIO: something written was lost or may be */

    /* the cache's own */
    struct bcache_sync *next;
    uint64_t errors;
    uint64_t round, flush;
};

/*
 * A cache that grows up to `bytes` (at least 16 blocks). NULL: no memory. It lives for ever.
 * There is one for each device: asking again gives the same.
 */
struct bcache *bcache_create(struct block_device *dev, size_t bytes);

uint32_t bcache_block_size(const struct bcache *c);

/*
 * Gives block `index` of the disk. 0: *out is valid until the caller parks or calls the cache
 * again; with UPDATE and OVERWRITE it counts as changed now. `more` is how many blocks behind it
 * are wanted as well: if this one must be read, so are they, in the same request.
 * -EAGAIN: w->wake() will be called; -ENXIO: beyond the end; -EROFS; -EIO.
 */
int bcache_get(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
               struct bcache_wait *w, struct bcache_block **out);

void *bcache_data(const struct bcache_block *b);
uint32_t bcache_len(const struct bcache_block *b);

/*
 * Tells the cache that a reader wanted `count` blocks from `index`, and lets it read ahead of a
 * sequential one. Never waits.
 */
void bcache_advance(struct bcache *c, struct bcache_stream *s, uint64_t index, unsigned count);

/*
 * Borrows a block that bcache_get gave for reading: its memory is neither changed nor reused until
 * it is returned (a writer gets a new block). -EBUSY: a quarter of the cache is borrowed; copy.
 */
int bcache_borrow(struct bcache *c, struct bcache_block *b);
void bcache_return(struct bcache *c, struct bcache_block *b);

/* Writes out what is dirty now, then flushes. 0: nothing to do; -EAGAIN: done() follows. */
int bcache_sync(struct bcache *c, struct bcache_sync *s);

/* How many times writing failed. One who remembers the number knows of errors since then. */
uint64_t bcache_errors(const struct bcache *c);

struct bcache_stats {
    const char *device;
    uint32_t block_size;
    uint64_t blocks, max_blocks; /* allocated and in use, limit */
    uint64_t dirty, unflushed, borrowed;
    uint64_t hits, misses;
    uint64_t blocks_read;      /* because they were asked for */
    uint64_t readahead;        /* because they were likely to be */
    uint64_t reads, writeouts; /* requests to the device */
    uint64_t blocks_written;
    uint64_t evictions;
    uint64_t flushes, errors;
};

/* The n-th cache; -ENOENT past the last. */
int bcache_stats(unsigned n, struct bcache_stats *out);

#endif
