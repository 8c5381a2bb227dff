/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - loads on a disk: through the asynchronous queue of block.h, through the cache, on files,
 * and the first opening of a file in a tree. Between the two marks lies what is measured.
 */
#ifndef BLKPERF_LOAD_H
#define BLKPERF_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct block_device;

struct load {
    /* randread, randwrite, seqread, seqwrite, flush; pread, borrow, miss; open, reopen; append,
     * create, files */
    const char *name;
    struct block_device *dev;
    const char
        *path; /* the file of `open`, `reopen` and `append`, the folder of `create` and `files` */
    uint32_t size;       /* bytes of a request, a multiple of the logical block */
    unsigned depth;      /* requests that are out at a time */
    bool burst;          /* so many are submitted when all of the last are back */
    uint64_t operations; /* how many; 0: as many as there is time for */
    uint64_t time_ns;    /* the time after which a load without `operations` ends */
};

struct load_result {
    uint64_t operations, bytes, ns;
};

/* Runs a load on the disk itself. 0, or -1 after a message. [parks] */
int load_queue(const struct load *l, struct load_result *out);
/* Runs pread, borrow, miss, open or reopen. 0, or -1 after a message. [parks] */
int load_cached(const struct load *l, struct load_result *out);

/* Runs append, create or files. 0, or -1 after a message. [parks] */
int load_files(const struct load *l, struct load_result *out);

/* What is measured begins, and ends: a count of instructions, and the time. */
void load_begin(struct load_result *r);
void load_end(struct load_result *r);

/* A block of `blocks`, by a generator that begins with the same number each time. */
static inline uint64_t load_random_block(uint64_t blocks)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % blocks;
}

#endif
