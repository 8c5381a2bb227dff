/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_impl.h - the inside of the virtio block device: vblk.c moves requests, vblk_disk.c knows
 * which disk it is.
 */
#ifndef VIREO_VBLK_IMPL_H
#define VIREO_VBLK_IMPL_H

#include "block/block_impl.h"
#include "virtio/virtio.h"

/* Section 5.2.3 */
enum {
    VBLK_F_SIZE_MAX = 1,
    VBLK_F_SEG_MAX = 2,
    VBLK_F_RO = 5,
    VBLK_F_BLK_SIZE = 6,
    VBLK_F_FLUSH = 9,
    VBLK_F_CONFIG_WCE = 11,
};

#define VBLK_BATCH      32u
#define VBLK_BATCH_SEGS 512u

struct vblk_record;

/* What the configuration space says of a disk, checked. */
struct vblk_shape {
    uint64_t sectors;
    uint32_t block_size, max_segs, max_seg_size;
    bool read_only, volatile_cache;
};

struct vblk {
    struct block_device block; /* first: one is the other */
    struct virtio_device *dev;
    struct virtq *queue;
    struct vblk_record *records;
    uint64_t records_dma;
    uint8_t *room;  /* joined: the bounce buffer and what lies around it */
    bool joined;    /* two pieces a request: the queue holds no more */
    bool check_len; /* a completion's length means something (section 5.2.6.4: not in legacy) */

    /* staged for the queue: requests [first, count), whose segments lie in segs[0..seg_count) */
    struct virtq_request batch[VBLK_BATCH];
    struct virtq_seg segs[VBLK_BATCH_SEGS];
    unsigned first, count, seg_count;

    /* which disk it is: as it was at first, and as it is since the last reset */
    struct vblk_shape shape, seen;
    struct block_request id_request;
    struct block_seg id_seg;
    uint8_t *id;         /* what the device wrote */
    unsigned id_tries;   /* answers that were errors */
    unsigned unanswered; /* resets that came before an answer */
    bool id_known;       /* it has answered once: block.id holds for ever */
    bool came_back;      /* and is not yet known to be the same disk */
    bool given_up;       /* it was; another one may be in its place */
    bool quarantined;    /* it may still write into records and room: never use them again */
};

/* ---- vblk_disk.c ----------------------------------------------------------------------------- */

/* Fills in *s. -EINVAL: values that cannot be, named in the log; -EIO. */
int vblk_read_shape(struct vblk *b, struct vblk_shape *s);
void vblk_config_changed(struct virtio_device *dev);
/* Asks for the serial number, before any other request. */
void vblk_identify(struct vblk *b);
/* struct virtio_driver's */
int vblk_returned(struct virtio_device *dev);
void vblk_queue_back(struct virtio_device *dev, struct virtq *q);

/* ---- vblk.c ---------------------------------------------------------------------------------- */

/* Records, and room where pieces are joined. -ENOMEM; what was had of it is set. */
int vblk_allocate(struct vblk *b);

#endif
