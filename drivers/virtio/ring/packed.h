/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packed.h - the private state of a packed ring: for packed.c, and for tests that start near the
 * end of a lap.
 */
#ifndef VIREO_VIRTQ_PACKED_H
#define VIREO_VIRTQ_PACKED_H

#include "virtio/ring/virtq_impl.h"

struct virtq_packed_desc; /* packed.c */

/* The wrap counter of each side is kept as the flags that the counter stands for. */
struct virtq_packed_queue {
    struct virtq q; /* first: a queue is its ring's */
    struct virtq_packed_desc *desc;
    const uint32_t *device_event;
    uint32_t *driver_event;
    uint64_t *addrs;      /* by id: where the segment of a buffer of one segment is */
    uint16_t next_avail;  /* slot */
    uint16_t avail_flags; /* of a descriptor that is made available in this lap */
    uint16_t next_used;   /* slot */
    uint16_t used_flags;  /* of a descriptor that is used in this lap */
    uint16_t says_write;  /* WRITE, once the device has set it in a used descriptor; else 0 */
};

static inline struct virtq_packed_queue *virtq_packed_of(const struct virtq *q)
{
    return (struct virtq_packed_queue *)(uintptr_t)q;
}

#endif
