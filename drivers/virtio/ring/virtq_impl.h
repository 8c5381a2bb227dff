/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_impl.h - the inside of a virtqueue: what the rings and the core share. Device drivers see
 * virtq.h only.
 */
#ifndef VIREO_VIRTQ_IMPL_H
#define VIREO_VIRTQ_IMPL_H

#include "hal.h"
#include "virtio/ring/virtq.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "ring words are little-endian (and native in legacy mode): a big-endian CPU would "
               "have to swap them");

#define VIRTQ_MAX_SIZE    1024 /* entries; more would only cost memory */
#define VIRTQ_TICK        (10 * HAL_MS)
#define VIRTQ_NUDGE_TICKS 25 /* quiet ticks after which one more kick is worth it */

/* Sections 2.7.5 and 2.8.13: size of a descriptor, and the flags that both formats know. */
#define VIRTQ_DESC_BYTES 16
enum { VIRTQ_DESC_F_NEXT = 1, VIRTQ_DESC_F_WRITE = 2, VIRTQ_DESC_F_INDIRECT = 4 };

struct virtq_desc; /* split.c */
struct virtq_avail;
struct virtq_used;
struct virtq_packed_desc; /* packed.c */

/* How far a split ring is. Both indexes run freely over 16 bits. */
struct virtq_split_state {
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
    uint16_t mask;      /* size - 1 */
    uint16_t avail_idx; /* next index to publish */
    uint16_t used_idx;  /* next used entry to look at */
};

/* How far a packed ring is. A side's wrap counter is kept as the flags that it stands for. */
struct virtq_packed_state {
    struct virtq_packed_desc *desc;
    const uint32_t *device_event;
    uint32_t *driver_event;
    uint16_t next_avail;  /* slot */
    uint16_t avail_flags; /* of a descriptor that is made available in this lap */
    uint16_t next_used;   /* slot */
    uint16_t used_flags;  /* of a descriptor that is used in this lap */
    bool says_write;      /* the device has set WRITE in a used descriptor before */
};

/*
 * What the driver remembers of a buffer, by its id: that of its first descriptor (split), or one
 * from a list of ids (packed). Never read back from shared memory.
 */
struct virtq_slot {
    void *cookie;      /* of the buffer with this id that is with the device; else NULL */
    uint32_t writable; /* bytes that the device may write */
    uint16_t count;    /* descriptors that the chain takes in the ring */
    uint16_t next;     /* the next one of the chain (split), or of the free list */
};

/*
 * Where and how a kick is written (sections 2.9, 4.1.5.2, 4.2.3.3). The value is the id, with
 * NOTIFICATION_DATA and the ring's position in the upper half.
 */
struct virtq_doorbell {
    hal_mmio_t addr; /* 0: through the transport's notify() */
    uint8_t width;   /* 16 or 32; 32 with NOTIFICATION_DATA */
    uint16_t id;     /* the queue's number, or what NOTIF_CONFIG_DATA says */
    uint32_t off;    /* without an address: where the transport finds it */
};

struct virtq {
    /* producer */
    const struct virtq_ring *ring;
    struct virtq_slot *slots; /* size of them */
    uint16_t size;
    uint16_t free_head;  /* id of the next buffer */
    uint16_t free_count; /* descriptors of the ring */
    uint16_t max_segs;
    uint16_t in_flight; /* buffers with the device */
    bool event_idx;
    bool indirect;
    bool in_order;
    bool order_platform;
    bool notification_data;
    uint32_t since_kick; /* published after the last kick: buffers (split), descriptors (packed) */
    struct virtq_doorbell doorbell;

    union {
        struct virtq_split_state split;
        struct virtq_packed_state packed;
    };

    /* consumer */
    volatile bool armed; /* an interrupt was asked for and has not come yet [handler] */
    /* IN_ORDER: the id of the oldest buffer out; and how many the last used entry still stands for,
     * with the length that it told of the last of them. */
    uint16_t oldest;
    uint16_t batch;
    uint32_t batch_len;

    /* memory shared with the device */
    void *tables; /* indirect ones: max_segs descriptors for each id; or NULL */
    uint64_t tables_dma;
    void *memory;                           /* of the ring itself */
    uint64_t desc_dma, avail_dma, used_dma; /* its descriptors, driver area and device area */
    size_t ring_bytes, tables_bytes;

    /* cold */
    struct virtio_device *dev;
    const char *name;
    uint16_t index;
    uint16_t vector; /* MSI-X table entry, or VIRTQ_NO_VECTOR */
    enum virtq_state state;
    const char *cause;
    bool expects_progress, lazy;
    bool held;               /* the driver does not want what is complete */
    uint16_t quiet;          /* ticks without progress */
    uint16_t take_next;      /* where virtq_take_back goes on */
    uint64_t reset_ns;       /* when its last reset alone was asked for; 0: never */
    uint64_t tick_completed; /* at the last tick */
    uint64_t before_tick; /* completed before it, if an interrupt was asked for; else UINT64_MAX */
    struct virtq_stats stats;
};

#define VIRTQ_NO_VECTOR 0xffff

/* A ring format. Each function is called once a batch, or less. */
struct virtq_ring {
    const char *name;
    /* Largest size not above `wanted` that the format admits; 0: none. */
    unsigned (*size_rule)(unsigned wanted);
    /*
     * How much memory the ring takes, and where its parts lie in it: sets ring_bytes, and
     * avail_dma and used_dma as offsets. used_align: of the part that the device writes.
     */
    void (*lay_out)(struct virtq *q, unsigned used_align);
    /* A new, empty ring in q->memory, which is zeroed. All buffers are back. */
    void (*start)(struct virtq *q);
    /*
     * Places and publishes up to n requests, and adds them to since_kick; *kick tells whether the
     * device asked to be told. Returns how many, or -EINVAL when the very first is malformed.
     */
    int (*submit)(struct virtq *q, const struct virtq_request *reqs, unsigned n, bool *kick);
    int (*reap)(struct virtq *q, struct virtq_done *done, unsigned max);
    bool (*arm)(struct virtq *q);
    void (*disarm)(struct virtq *q);
    /* Looking again some time after publishing: does the device wait for a kick that it never got?
     */
    bool (*kick_missed)(struct virtq *q);
    /* Where the next buffer will be placed, as NOTIFICATION_DATA tells it (section 2.9): 16 bits.
     */
    uint32_t (*position)(const struct virtq *q);
};
extern const struct virtq_ring virtq_split, virtq_packed;

/* ---- for the core and the transports --------------------------------------------------------- */

/*
 * A new queue, not yet known to the device. size_max: the device's limit; size_fixed: the device
 * does not let the driver choose (legacy PCI). NULL: out of memory, or no admissible size.
 */
struct virtq *virtq_create(struct virtio_device *dev, unsigned index,
                           const struct virtq_config *cfg, unsigned size_max, bool size_fixed);
/* Frees the queue. Only when the device can no longer reach it. */
void virtq_destroy(struct virtq *q);

/* An empty ring at its start, in memory that is zeroed. No buffer is out. */
void virtq_start_ring(struct virtq *q);

/* The same once more, after a reset: its buffers were all taken back. */
void virtq_renew(struct virtq *q);

/* Makes the queue broken; the first cause stays. */
void virtq_break(struct virtq *q, const char *cause);

/* ---- for the rings --------------------------------------------------------------------------- */

/* Is the request one that a ring can hold? Shared by the rings; adds up what the device may write.
 */
bool virtq_request_valid(const struct virtq *q, const struct virtq_request *r, uint32_t *writable);

/* The flags of segment i of the `count` of a request. */
static inline uint16_t virtq_segment_flags(const struct virtq_request *r, unsigned i,
                                           unsigned count)
{
    return (uint16_t)((i >= r->readable ? VIRTQ_DESC_F_WRITE : 0u) |
                      (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0u));
}

/* The buffer `id` goes to the device, in `count` descriptors of the ring. */
static inline void virtq_slot_take(struct virtq *q, unsigned id, const struct virtq_request *r,
                                   uint32_t writable, unsigned count)
{
    q->slots[id].cookie = r->cookie;
    q->slots[id].writable = writable;
    q->slots[id].count = (uint16_t)count;
    q->free_count = (uint16_t)(q->free_count - count);
    q->in_flight++;
}

/* It is back, with a length that the device told: no more counts than was posted. */
static inline void virtq_slot_finish(struct virtq *q, unsigned id, uint32_t len,
                                     struct virtq_done *done)
{
    struct virtq_slot *slot = &q->slots[id];

    done->cookie = slot->cookie;
    done->len = len < slot->writable ? len : slot->writable;
    slot->cookie = NULL;
    q->free_count = (uint16_t)(q->free_count + slot->count);
    q->in_flight--;
}

/* The id of a used entry, or a broken queue: it must be that of a buffer which is out. */
static inline bool virtq_id_valid(struct virtq *q, uint32_t id)
{
    if (id < q->size && q->slots[id].cookie)
        return true;
    virtq_break(q, id < q->size ? "used id is not outstanding" : "used id out of range");
    return false;
}

/*
 * IN_ORDER (sections 2.7.9 and 2.8.8). Ids are ring positions then, so the buffer after the one
 * with this id begins `count` descriptors further on.
 */
static inline uint16_t virtq_in_order_next(const struct virtq *q, unsigned id)
{
    unsigned next = id + q->slots[id].count;

    return (uint16_t)(next < q->size ? next : next - q->size);
}

/*
 * IN_ORDER: a used entry with this id stands for all buffers up to it, at most `most`. Sets
 * q->batch; false, and a broken queue, when the id is not among the oldest.
 */
bool virtq_in_order_batch(struct virtq *q, uint32_t id, uint32_t len, unsigned most);

/* IN_ORDER: the oldest of the batch is back. Those before its last were used completely. */
void virtq_in_order_take(struct virtq *q, struct virtq_done *done);

#endif
