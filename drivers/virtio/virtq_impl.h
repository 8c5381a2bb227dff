/*
 * virtq_impl.h - the inside of a virtqueue: what the rings and the core share. Device drivers see
 * virtq.h only.
 */
#ifndef VIREO_VIRTQ_IMPL_H
#define VIREO_VIRTQ_IMPL_H

#include "hal.h"
#include "virtio/virtq.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "ring words are little-endian (and native in legacy mode): a big-endian CPU would "
               "have to swap them");

#define VIRTQ_MAX_SIZE    1024 /* entries; more would only cost memory */
#define VIRTQ_TICK        (10 * HAL_MS)
#define VIRTQ_NUDGE_TICKS 25 /* quiet ticks after which one more kick is worth it */

/* Section 2.7.5: a descriptor; indirect tables hold the same. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
enum { VIRTQ_DESC_F_NEXT = 1, VIRTQ_DESC_F_WRITE = 2, VIRTQ_DESC_F_INDIRECT = 4 };

/* Section 2.7.6 and 2.7.8. The event word of the other side follows each ring. */
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

/* What the driver remembers of a descriptor: never read back from shared memory. */
struct virtq_slot {
    void *cookie;      /* of the chain that starts here and is with the device; else NULL */
    uint32_t writable; /* bytes that the device may write */
    uint16_t count;    /* descriptors that the chain takes in the ring */
    uint16_t next;     /* the next one of the chain, or of the free list */
};

/*
 * Where and how a kick is written (sections 2.9, 4.1.5.2, 4.2.3.3). The value is the id, with
 * NOTIFICATION_DATA and the ring's position in the upper half.
 */
struct virtq_doorbell {
    hal_mmio_t addr; /* 0: through the transport's notify() */
    uint8_t width;   /* 16 or 32; 32 with NOTIFICATION_DATA */
    uint16_t id;     /* the queue's number, or what NOTIF_CONFIG_DATA says */
};

struct virtq {
    /* producer */
    const struct virtq_ring *ring;
    struct virtq_slot *slots; /* size of them */
    uint16_t size;
    uint16_t mask; /* size - 1 */
    uint16_t free_head;
    uint16_t free_count;
    uint16_t avail_idx; /* next index to publish */
    uint16_t max_segs;
    uint16_t in_flight; /* buffers with the device */
    bool event_idx;
    bool indirect;
    bool order_platform;
    bool notification_data;
    uint32_t since_kick; /* buffers published after the last kick */
    struct virtq_doorbell doorbell;

    /* consumer */
    uint16_t used_idx;   /* next used entry to look at */
    volatile bool armed; /* an interrupt was asked for and has not come yet [handler] */

    /* ring memory, shared with the device */
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
    struct virtq_desc *tables; /* max_segs for each slot, or NULL */
    uint64_t desc_dma, avail_dma, used_dma, tables_dma;
    size_t ring_bytes, tables_bytes;

    /* cold */
    struct virtio_device *dev;
    const char *name;
    uint16_t index;
    uint16_t vector; /* MSI-X table entry, or VIRTQ_NO_VECTOR */
    enum virtq_state state;
    const char *cause;
    bool expects_progress, lazy;
    uint16_t tick_used; /* used_idx at the last tick */
    uint16_t quiet;     /* ticks without progress */
    uint16_t take_next; /* where virtq_take_back goes on */
    struct virtq_stats stats;
};

#define VIRTQ_NO_VECTOR 0xffff

/* A ring format. Each function is called once a batch, or less. */
struct virtq_ring {
    const char *name;
    /* Largest size not above `wanted` that the format admits; 0: none. */
    unsigned (*size_rule)(unsigned wanted);
    /* Lays out the ring in fresh zeroed memory; used_align: of the part that the device writes. */
    int (*create)(struct virtq *q, unsigned used_align);
    void (*destroy)(struct virtq *q);
    /*
     * Places and publishes up to n requests; *kick tells whether the device asked to be told.
     * Returns how many, or -EINVAL when the very first is malformed.
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
extern const struct virtq_ring virtq_split;

/* ---- for the core and the transports --------------------------------------------------------- */

/*
 * A new queue, not yet known to the device. size_max: the device's limit; size_fixed: the device
 * does not let the driver choose (legacy PCI). NULL: out of memory, or no admissible size.
 */
struct virtq *virtq_create(struct virtio_device *dev, unsigned index,
                           const struct virtq_config *cfg, unsigned size_max, bool size_fixed);
/* Frees the queue. Only when the device can no longer reach it. */
void virtq_destroy(struct virtq *q);

/* Makes the queue broken; the first cause stays. */
void virtq_break(struct virtq *q, const char *cause);

/* Is the request one that a ring can hold? Shared by the rings; adds up what the device may write.
 */
bool virtq_request_valid(const struct virtq *q, const struct virtq_request *r, uint32_t *writable);

#endif
