/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h - reads a disk from start to end with the asynchronous requests of block.h, several at a
 * time and past the cache, so that the data come from the disk.
 */
#ifndef BLKCHECK_READER_H
#define BLKCHECK_READER_H

#include <sys/types.h>
#include <vireo.h>

#include "block/block.h"

#define READER_DEPTH 8u

struct reader {
    struct block_device *dev;
    uint64_t next, end; /* bytes: where the next request begins; the end of what is wanted */
    size_t piece;       /* bytes of a request, a multiple of the logical block */
    unsigned turn;      /* the slot whose data comes next */
    bool held;          /* the caller has the data of the slot before */
    struct waitq wait;
    struct reader_slot {
        struct block_request request;
        struct block_seg seg;
        bool out, done;
    } slots[READER_DEPTH];
};

/*
 * Reads [0, bytes) of dev through buf, which is len bytes (at least READER_DEPTH logical blocks)
 * and stays the reader's until reader_stop, or for good when a read failed.
 */
void reader_start(struct reader *r, struct block_device *dev, uint64_t bytes, char *buf,
                  size_t len);

/*
 * Gives the next piece, which is valid until the next call. Returns its length in bytes, whole
 * logical blocks; 0 at the end; -EIO or another error of the request. Parks.
 */
ssize_t reader_next(struct reader *r, const char **data);

/* Waits for the requests that are still with the disk. Parks. */
void reader_stop(struct reader *r);

#endif
