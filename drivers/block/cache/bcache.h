/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache.h - a write-back cache over a block device, asynchronously: a call that cannot be answered
 * at once returns -EAGAIN, and the cache calls back when the caller should ask again. (The calls
 * that wait are in files/disk.h.)
 *
 * A cache block is 4 KiB, or the device's logical block if that is larger; the last block of a disk
 * may be shorter. A written block is dirty until the device has its data, and unflushed until a
 * flush has covered it. Only then may the block leave the cache: a reset of the device may lose
 * unflushed data, and the cache then writes the block again.
 *
 * Dirty blocks go out in order of address, in large requests: when a quarter of the cache is dirty,
 * after 5 s, or for a sync. When a quarter of the cache is unflushed, the cache flushes. At most a
 * half of the cache is dirty, and at most three quarters are dirty or unflushed: beyond that a
 * writer waits.
 *
 * All functions are for task context (tasks, services, callbacks of the block layer); none parks.
 * The callbacks of the cache come from a service or from a call into the cache.
 */
#ifndef VIREO_BCACHE_H
#define VIREO_BCACHE_H

#include "block/block.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bcache;
struct bcache_block;

/*
 * How byte 5000 of a disk is read, and changed; files/disk.c does this for any bytes:
 *
 *     static struct bcache_wait w = {.wake = woken};       // woken() makes the task runnable
 *
 *     while ((err = bcache_get(c, 1, BCACHE_UPDATE, 0, &w, &b)) == -EAGAIN)
 *         park();                                          // until woken()
 *     if (!err)
 *         ((uint8_t *)bcache_data(b))[904]++;              // at once: b is not ours for long
 *
 *     static struct bcache_sync s = {.done = synced};      // synced() looks at s->result
 *     if (bcache_sync(c, &s) == 0)
 *         synced(&s);                                      // there was nothing to do
 */

/*
 * A caller that waits. Zeroed at first but for `wake`, then the cache's from an -EAGAIN until
 * wake() is called, once for each -EAGAIN. The caller then asks again for the same block: it may
 * have to wait again, or learn that the block cannot be read.
 */
struct bcache_wait {
    void (*wake)(struct bcache_wait *w);

    /* the cache's own */
    struct bcache_wait *next;
    uint64_t errors,
        round;     /* for_room: write errors before, and the round whose end may make room */
    bool for_room; /* waits for room */
    bool missed;   /* was counted as a miss */
    bool failed;   /* the read that was waited for has failed */
};

enum bcache_use {
    BCACHE_READ,     /* the block is looked at */
    BCACHE_UPDATE,   /* a part of the block is changed, so the block is read first */
    BCACHE_OVERWRITE /* all of the block is changed, so it is not read */
};

/* What a reader says of itself. */
enum bcache_habit {
    BCACHE_HABIT_SEEN,    /* nothing: whether it is sequential is seen by what it reads */
    BCACHE_HABIT_IN_TURN, /* it is sequential: read ahead far, from its first read on */
    BCACHE_HABIT_RANDOM   /* it is not: nothing is read ahead */
};

/* The position of one reader, by which the cache reads ahead. Zeroed at first. */
struct bcache_stream {
    enum bcache_habit habit; /* the caller's */

    uint64_t next;   /* the block with which the reader goes on if it is sequential */
    uint64_t ahead;  /* the first block that was not read ahead */
    unsigned window; /* blocks that are read ahead; 0: the reader is not sequential */
};

/*
 * A request to make everything written so far durable. The cache's from bcache_sync() with -EAGAIN
 * until done().
 */
struct bcache_sync {
    void (*done)(struct bcache_sync *s);
    int result; /* 0; -EIO: a block could not be written or flushed since bcache_sync() */

    /* the cache's own */
    struct bcache_sync *next;
    uint64_t errors;       /* write errors before */
    uint64_t round, flush; /* must end before this sync does; flush 0: not known yet, or none */
};

/*
 * The cache of a device, of `bytes` at most (at least 16 blocks); it grows as it is used. Each
 * device has one cache: a later call returns the same cache and ignores `bytes`. A cache is never
 * freed. NULL: no memory.
 */
struct bcache *bcache_create(struct block_device *dev, size_t bytes);

/* Bytes of a cache block. Never changes. */
uint32_t bcache_block_size(const struct bcache *c);

/*
 * Gives block `index` of the disk. 0: *out is valid until the caller parks or calls the cache
 * again; with UPDATE and OVERWRITE it is dirty from now on, so the caller changes it at once. If
 * the block must be read, `more` blocks behind it are read in the same request. -EAGAIN: w->wake()
 * will be called. -ENXIO: beyond the end. -EROFS. -EIO: the block cannot be read, the device was
 * given up, or the cache is full of blocks that cannot be written.
 */
int bcache_get(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
               struct bcache_wait *w, struct bcache_block **out);

/* The memory of a block, and how many bytes of it are on the disk: fewer at the disk's end. */
void *bcache_data(const struct bcache_block *b);
uint32_t bcache_len(const struct bcache_block *b);

/*
 * The common case of a reader, in one short call. If the len bytes at byte `at` of the disk lie in
 * one block, and that is in the cache, as bcache_get(): where they are. NULL: nothing was done, and
 * bcache_get() is to be called.
 */
const void *bcache_look(struct bcache *c, uint64_t at, size_t len);

/* The same, and borrows the block, which bcache_return() takes. NULL also if that is not possible.
 */
const void *bcache_lend(struct bcache *c, uint64_t at, size_t len, struct bcache_block **b);

/* bcache_advance() by the block that holds byte `at` of the disk. */
void bcache_passed(struct bcache *c, struct bcache_stream *s, uint64_t at);

/*
 * Tells the cache that the reader at `s` read, or is about to read, `count` blocks from `index`.
 * The cache reads ahead of a sequential reader.
 */
void bcache_advance(struct bcache *c, struct bcache_stream *s, uint64_t index, unsigned count);

/*
 * Borrows a block that bcache_get() gave for reading: until bcache_return() its memory is neither
 * changed nor reused (a writer gets a new block). A block may be borrowed several times, and must
 * be returned as many times. 0; -EBUSY: a quarter of the cache is borrowed, or this block 65,535
 * times: copy the data. Must be the first call of the cache after bcache_get().
 */
int bcache_borrow(struct bcache *c, struct bcache_block *b);
/* Ends one bcache_borrow(). Wakes the callers that wait for room. */
void bcache_return(struct bcache *c, struct bcache_block *b);

/*
 * Writes out what is dirty now, then flushes. 0: there is nothing to do; s->result is 0, and done()
 * is not called. -EAGAIN: done() will be called, perhaps before this returns.
 */
int bcache_sync(struct bcache *c, struct bcache_sync *s);

/* ---- bcache_range.c: what a caller knows of a range of blocks -------------------------------- */

/*
 * Blocks [index, index + count) will be read: those that the cache has not are read, as far as
 * there is room and a quarter of the cache at most. Nobody waits, and an error is for those who
 * read the blocks.
 */
void bcache_will_need(struct bcache *c, uint64_t index, uint64_t count);
/*
 * Blocks [index, index + count) will not be read: those that are as on the disk leave the cache,
 * while a borrower keeps what it has. The others begin to be written out, and stay.
 */
void bcache_wont_need(struct bcache *c, uint64_t index, uint64_t count);
/* Begins to write out what is dirty now, and waits for nothing. */
void bcache_write_out(struct bcache *c);

/*
 * Blocks that are to read as zeros, durably, by a BLOCK_WRITE_ZEROES of the device. The caller
 * fills in done to unmap. The cache's from bcache_zero() until done(), which comes once, from a
 * service or from within bcache_zero(); done() may call the cache.
 */
struct bcache_zero {
    struct bcache_wait wait; /* the cache's own; first: it is cast to its bcache_zero */
    void (*done)(struct bcache_zero *z);
    uint64_t index, count; /* blocks, one at least, BCACHE_ZERO_MAX at most */
    bool unmap;            /* the device may free the blocks */
    /*
     * 0; -ENXIO: not all of the blocks are on the disk; -EROFS; -ENOTSUP: the device cannot do
     * that; -EIO: what the blocks hold is not known, which counts as a write error.
     */
    int result;

    /* the cache's own */
    struct bcache *cache;
    struct bcache_zero *next;
    uint64_t at; /* the blocks before this one have left the cache */
    unsigned tries;
    struct block_seg seg;
    struct block_request request;
    struct block_flusher flusher;
};
#define BCACHE_ZERO_MAX 65536u

/*
 * What the cache has of the blocks is dropped, whether or not the disk has it. From here until
 * done() callers that want one of the blocks wait, and so do syncs.
 */
void bcache_zero(struct bcache *c, struct bcache_zero *z);

/* Write errors since the boot. A caller that keeps the number can tell whether errors followed. */
uint64_t bcache_errors(const struct bcache *c);

struct bcache_stats {
    const char *device; /* its name */
    uint32_t block_size;
    uint64_t blocks, max_blocks; /* allocated; the limit */
    uint64_t dirty, unflushed, borrowed;
    uint64_t hits, misses;     /* calls of bcache_get() that found the block, or had it read */
    uint64_t blocks_read;      /* for a caller of bcache_get() */
    uint64_t readahead;        /* for a sequential reader */
    uint64_t reads, writeouts; /* requests to the device */
    uint64_t blocks_written;
    uint64_t evictions;
    uint64_t flushes, errors;
};

/* Fills in *out for the n-th cache, from 0. 0, or -ENOENT past the last. */
int bcache_stats(unsigned n, struct bcache_stats *out);

#ifdef __cplusplus
}
#endif

#endif
