/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_impl.h - the inside of the virtio block driver: vblk.c starts and stops it, vblk_io.c moves
 * requests, vblk_disk.c knows which disk the device is. Everything is for task context, and nothing
 * parks.
 */
#ifndef VIREO_VBLK_IMPL_H
#define VIREO_VBLK_IMPL_H

#include "block/block_impl.h"
#include "virtio/virtio.h"

/* Section 5.2.3 */
enum {
    VBLK_F_SIZE_MAX = 1,
    VBLK_F_SEG_MAX = 2,
    VBLK_F_GEOMETRY = 4,
    VBLK_F_RO = 5,
    VBLK_F_BLK_SIZE = 6,
    VBLK_F_FLUSH = 9,
    VBLK_F_TOPOLOGY = 10,
    VBLK_F_CONFIG_WCE = 11,
    VBLK_F_DISCARD = 13,
    VBLK_F_WRITE_ZEROES = 14,
    VBLK_F_LIFETIME = 15,
    VBLK_F_SECURE_ERASE = 16,
    VBLK_F_ZONED = 17, /* never accepted */
};

/* Section 5.2.4: a field of the configuration space that two files know */
enum { VBLK_CONFIG_WRITEBACK = 32 };

/* The features of each driver of disks; vblk_more.c knows more. */
#define VBLK_FEATURES                                                                              \
    {VBLK_F_SIZE_MAX, "size_max", {0, 0}}, {VBLK_F_SEG_MAX, "seg_max", {0, 0}},                    \
        {VBLK_F_RO, "ro", {0, 0}}, {VBLK_F_BLK_SIZE, "blk_size", {0, 0}},                          \
        {VBLK_F_FLUSH, "flush", {0, 0}},                                                           \
    {                                                                                              \
        VBLK_F_CONFIG_WCE, "config_wce",                                                           \
        {                                                                                          \
            0, 0                                                                                   \
        }                                                                                          \
    }

#define VBLK_DEPTH      128u /* entries of the queue that is asked for, at most */
#define VBLK_BATCH      32u  /* transfers that are staged before they go to the queue */
#define VBLK_BATCH_SEGS 512u /* their pieces */
#define VBLK_REAP       32u  /* completions taken from the queue at a time */

struct vblk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* What the device sees of a transfer besides its data. One for each slot, for the device to write.
 */
struct vblk_record {
    struct vblk_header header;
    uint8_t status;
    uint8_t pad[15];
};

#define VBLK_HEADROOM 64u /* in front of joined data: the header, and alignment */
#define VBLK_ROOM     (VBLK_HEADROOM + BLOCK_BOUNCE + 1)

/* The same with its table: header, data, status. */
struct vblk_plain_record {
    struct vblk_header header;
    struct virtq_entry table[3];
    uint8_t status;
    uint8_t pad[15];
};

/* The plain transfer of a slot, which has it as `own` from its first use on. */
struct vblk_plain {
    struct virtq_tabled buffer;
    struct vblk_plain_record *record;
    struct virtq_entry first, last; /* of its table: of header and status */
};

/* What the configuration space says of a disk, checked. Sizes are in bytes. */
struct vblk_shape {
    uint64_t sectors;
    uint32_t block_size, max_segs, max_seg_size;
    bool read_only, volatile_cache;
};

struct vblk {
    struct block_device block; /* first: a block device is cast to its vblk */
    struct virtio_device *dev;
    struct virtq *queue;
    struct vblk_record *records;
    uint64_t records_dma;
    uint8_t *room;  /* joined: memory with the bounce buffer in its middle */
    bool joined;    /* a request has two pieces, since the queue holds no three */
    bool check_len; /* the length of a completion is right (legacy devices: section 5.2.6.4) */

    /* staged for the queue: requests first..count-1, whose segments are segs[0..seg_count-1] */
    struct virtq_request batch[VBLK_BATCH];
    struct virtq_seg segs[VBLK_BATCH_SEGS];
    unsigned first, count, seg_count;

    /* plain transfers, whose tables have their place: one for each slot */
    struct vblk_plain *plain; /* NULL: the queue takes no tables */
    uint32_t plain_rest[2];   /* of the data's entry, of a read's table and of a write's */
    struct vblk_plain_record *plain_records;
    uint64_t plain_dma;
    const struct virtq_tabled *ready[VBLK_DEPTH]; /* staged for the queue */
    unsigned ready_count;

    struct virtq_done done[VBLK_REAP]; /* what a run of the service takes from the queue at once */

    /* which disk it is */
    struct vblk_shape shape; /* as found at the boot */
    struct vblk_shape seen;  /* as found after the last reset */
    struct block_request id_request;
    struct block_seg id_seg;
    uint8_t *id;         /* where the device writes the serial number */
    unsigned id_tries;   /* errors in answer to GET_ID since the last reset */
    unsigned unanswered; /* resets in a row before an answer to GET_ID */
    bool id_known;       /* the device has answered GET_ID once; block.id stays from then on */
    bool came_back;      /* from a reset, and not yet known to be the same disk */
    bool given_up;       /* since then another disk may be in its place */
    bool quarantined;    /* the device may still write into records and room */
};

/* ---- vblk_disk.c ----------------------------------------------------------------------------- */

/*
 * Operation of struct virtio_driver. -ENOTSUP: a host-managed zoned disk, which must be written by
 * zones.
 */
int vblk_vet(struct virtio_device *dev);
/*
 * Reads the shape of the disk from the configuration space into *s. -EINVAL: impossible values,
 * named in the log; -EIO: the configuration space cannot be read.
 */
int vblk_read_shape(struct vblk *b, struct vblk_shape *s);
/*
 * Asks for the serial number, before any other request. When the answer shows another disk, the
 * device is refused, else all requests may go.
 */
void vblk_identify(struct vblk *b);
/* Operations of struct virtio_driver (virtio/virtio.h). */
void vblk_config_changed(struct virtio_device *dev);
int vblk_returned(struct virtio_device *dev);
void vblk_queue_back(struct virtio_device *dev, struct virtq *q);

/* ---- vblk_io.c ------------------------------------------------------------------------------- */

/* For queues that take tables, and for others. */
extern const struct block_driver vblk_block_driver, vblk_one_by_one;
/* Operation of struct virtio_driver. */
bool vblk_service(struct virtio_device *dev);

/* ---- vblk.c ---------------------------------------------------------------------------------- */

/* Operations of struct virtio_driver. */
int vblk_probe(struct virtio_device *dev);
void vblk_queue_lost(struct virtio_device *dev, struct virtq *q);
void vblk_dead(struct virtio_device *dev, bool quarantine);

/*
 * Allocates records, and room where pieces are joined. -ENOMEM: what could be allocated is set in
 * *b, and is the caller's to free.
 */
int vblk_allocate(struct vblk *b);

#endif
