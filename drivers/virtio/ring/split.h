/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.h - the parts of a split ring, and its private state: for split.c, split_reap.c, and tests
 * that start near the end of an index.
 */
#ifndef VIREO_VIRTQ_SPLIT_H
#define VIREO_VIRTQ_SPLIT_H

#include "virtio/ring/virtq_impl.h"

/* Section 2.7.5: a descriptor; indirect tables hold the same. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtq_desc) == VIRTQ_DESC_BYTES, "layout of a descriptor");

/* Sections 2.7.6 and 2.7.8. The event word of the other side follows each ring. */
struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};
struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};
struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};
enum { VIRTQ_AVAIL_F_NO_INTERRUPT = 1, VIRTQ_USED_F_NO_NOTIFY = 1 };

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

/* split_reap.c: members of virtq_split */
int virtq_split_reap(struct virtq *q, struct virtq_done *done, unsigned max);
int virtq_split_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max);

#endif
