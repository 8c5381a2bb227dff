/* SPDX-License-Identifier: BSD-2-Clause */
/* disk_impl.h - what disk.c and disk_async.c share: one block of many that a call wants. */
#ifndef VIREO_DISK_IMPL_H
#define VIREO_DISK_IMPL_H

#include "disk.h"

/* What one call wants of the disk. */
struct disk_span {
    uint64_t first; /* cache block; of a read only */
    unsigned count; /* cache blocks; of a read only */
    bool write;
    struct bcache_stream *stream; /* NULL: none, or bcache_advance() was called */
};

/* How many cache blocks hold the len bytes at `at`. */
unsigned disk_blocks_of(const struct disk *d, uint64_t at, size_t len);
/*
 * Gets the block for n bytes at `at`, all in one block. The device is given the reads of the whole
 * span first, and those ahead of it right behind them. 0, or an error of bcache_get(), -EAGAIN
 * among them.
 */
int disk_try(struct disk *d, uint64_t at, size_t n, struct disk_span *span, struct bcache_wait *w,
             struct bcache_block **b);
/* How many of the n bytes at `off` of a block are on the disk: fewer if the disk has shrunk. */
size_t disk_clip(const struct bcache_block *b, uint32_t off, size_t n);

#endif
