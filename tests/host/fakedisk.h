/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakedisk.h - a block device for tests of the block layer and the cache: a driver below
 * block_impl.h with a disk that loses what was not flushed. It answers in random order, and judges
 * every transfer.
 */
#ifndef VIREO_FAKEDISK_H
#define VIREO_FAKEDISK_H

#include "block/block_impl.h"
#include "check.h"

#define FAKEDISK_DEPTH 64

struct fakedisk {
    struct block_device dev; /* first: one is the other */
    uint8_t *now, *durable;  /* contents that reads see; contents after a power cut */
    uint64_t bytes;
    struct {
        struct block_transfer *t;
        struct block_dma dma[BLOCK_MAX_SEGS];
        unsigned n;
        uint64_t sum; /* of a write's data when it was handed over */
        bool bad;     /* fails with a neighbour */
    } slot[FAKEDISK_DEPTH];
    unsigned out;

    /* faults: percent of transfers that fail, and sectors that do not work */
    unsigned fail_reads, fail_writes, fail_flushes, fail_zeroes;
    uint64_t bad_sector, bad_write; /* to read, to write; UINT64_MAX: none */
    bool forgets;                   /* what a flush that fails should have saved is lost */
    bool
        merges; /* makes one access of the neighbours that it has, as QEMU does: all fail or none */

    unsigned commits, flushes, reads, writes, zeroes;
    uint64_t unmapped; /* sectors */
};

/*
 * The ways in which the layer may hand over its transfers, as variants of a case: what is plain by
 * stage_plain(), or all by stage(). Both have the same result.
 */
#define FAKEDISK_LONG_WAY 77
extern const struct test_variant fakedisk_ways[];

/*
 * A registered device. Of *limits the block size, the piece limits, depth, read_only and
 * volatile_cache count. NULL: block_register refused it.
 */
struct fakedisk *fakedisk_new(uint64_t bytes, const struct block_device *limits);
/* The device does BLOCK_WRITE_ZEROES from now on. */
void fakedisk_can_zero(struct fakedisk *f);
/* Completes one transfer, chosen at random; false if there is none. */
bool fakedisk_step(struct fakedisk *f);
/* Completes that in this slot. */
void fakedisk_finish(struct fakedisk *f, unsigned slot);
/*
 * The device is reset, and loses data that no flush covered. The test then calls block_resume(), or
 * block_fail_all() to give it up.
 */
void fakedisk_reset(struct fakedisk *f);

#endif
