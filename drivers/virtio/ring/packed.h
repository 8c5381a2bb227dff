/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packed.h - the private state of a packed ring: for packed.c, packed_reap.c, and tests that start
 * near the end of a lap.
 */
#ifndef VIREO_VIRTQ_PACKED_H
#define VIREO_VIRTQ_PACKED_H

#include "virtio/ring/virtq_impl.h"

/* Section 2.8.13; the entries of an indirect table look the same. */
struct virtq_packed_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
};
_Static_assert(sizeof(struct virtq_packed_desc) == VIRTQ_DESC_BYTES, "layout of a descriptor");

/* Section 2.8.1: what a wrap counter of 1 stands for. */
enum {
    PACKED_AVAIL = 1 << 7,
    PACKED_USED = 1 << 15,
};

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

/* A slot, and what the flags of descriptors are in that lap: of available or of used ones. */
struct packed_place {
    unsigned slot, lap;
};

static inline struct virtq_packed_queue *virtq_packed_of(const struct virtq *q)
{
    return (struct virtq_packed_queue *)(uintptr_t)q;
}

/* Was a descriptor with these flags used by the device, in that lap? */
static inline bool packed_is_used(unsigned flags, unsigned lap)
{
    return (flags & (PACKED_AVAIL | PACKED_USED)) == lap;
}

/* packed_reap.c: members of virtq_packed */
int virtq_packed_reap(struct virtq *q, struct virtq_done *done, unsigned max);
int virtq_packed_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max);

#endif
