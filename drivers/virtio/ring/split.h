/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.h - the private state of a split ring: for split.c, and for tests that start near the end
 * of an index.
 */
#ifndef VIREO_VIRTQ_SPLIT_H
#define VIREO_VIRTQ_SPLIT_H

#include "virtio/ring/virtq_impl.h"

struct virtq_desc; /* the parts of the ring: split.c */
struct virtq_avail;
struct virtq_used;

/* Both indexes run freely over 16 bits. */
struct virtq_split_queue {
    struct virtq q; /* first: a queue is its ring's */
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
    uint64_t *addrs;    /* by id: where the segment of a buffer of one segment is */
    uint16_t mask;      /* size - 1 */
    uint16_t avail_idx; /* next index to publish */
    uint16_t used_idx;  /* next used entry to look at */
};

static inline struct virtq_split_queue *virtq_split_of(const struct virtq *q)
{
    return (struct virtq_split_queue *)(uintptr_t)q;
}

#endif
