/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_impl.h - the inside of a virtqueue: what the rings, the core and the transports share.
 * Device drivers see virtq.h only.
 */
#ifndef VIREO_VIRTQ_IMPL_H
#define VIREO_VIRTQ_IMPL_H

#include "hal.h"
#include "virtio/ring/features.h"
#include "virtio/ring/virtq.h"
#include "virtio/ring/virtq_owner.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "ring words are little-endian (and native in legacy mode): a big-endian CPU would "
               "have to swap them");

#define VIRTQ_MAX_SIZE      1024 /* entries; more would only cost memory */
#define VIRTQ_ALIGN         64   /* bytes; of a ring that no rule aligns further */
#define VIRTQ_TICK          (10 * HAL_MS)
#define VIRTQ_NUDGE_TICKS   25 /* ticks without progress after which the tick kicks once more */
#define VIRTQ_RESET_TIMEOUT HAL_SEC /* of one queue */

/* Sections 2.7.5 and 2.8.13: size of a descriptor, and the flags that both formats know. */
#define VIRTQ_DESC_BYTES 16
enum { VIRTQ_DESC_F_NEXT = 1, VIRTQ_DESC_F_WRITE = 2, VIRTQ_DESC_F_INDIRECT = 4 };

/*
 * What the driver remembers of a buffer, by its id: that of its first descriptor (split), or one
 * from a list of ids (packed). Never read back from shared memory.
 */
struct virtq_slot {
    void *cookie;      /* of the buffer with this id that is with the device; else NULL */
    uint16_t count;    /* descriptors that the chain takes in the ring */
    uint16_t next;     /* the next one of the chain (split), or of the free list */
    uint32_t writable; /* bytes that the device may write */
};
_Static_assert(sizeof(struct virtq_slot) == offsetof(struct virtq_slot, count) + 8,
               "what follows a cookie is one word, with the count in its lowest part");

/*
 * Where and how a kick is written (sections 2.9, 4.1.5.2, 4.2.3.3). The value is the id, with
 * NOTIFICATION_DATA and the ring's position in the upper half.
 */
struct virtq_doorbell {
    hal_mmio_t addr; /* 0: through the owner's notify() */
    uint8_t width;   /* 16 or 32; 32 with NOTIFICATION_DATA */
    uint16_t id;     /* the queue's number, or what NOTIF_CONFIG_DATA says */
    uint32_t off;    /* without an address: where the transport finds the doorbell */
};

/* The head of each ring's own structure (split.h, packed.h), whose size the ring's entry tells. */
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
    bool wants_kick;     /* the device asked for a kick when the last batch was published */
    uint32_t since_kick; /* published after the last kick: buffers (split), descriptors (packed) */
    struct virtq_doorbell doorbell;

    /* consumer */
    volatile bool armed; /* an interrupt was asked for and has not come yet [handler] */
    volatile bool asks;  /* the queue was armed, and not disarmed since [handler] */
    uint16_t oldest;     /* IN_ORDER: id of the oldest buffer that is out */
    uint16_t batch;      /* IN_ORDER: buffers that the last used entry still stands for, */
    uint32_t batch_len;  /* and the length that the entry told of the last of them */

    /* memory shared with the device */
    void *tables; /* indirect ones: max_segs descriptors for each id; or NULL */
    uint64_t tables_dma;
    void *memory;                           /* of the ring itself */
    uint64_t desc_dma, avail_dma, used_dma; /* its descriptors, driver area and device area */
    size_t ring_bytes, tables_bytes;

    /* cold */
    struct virtq_owner *owner;
    const char *name;
    uint16_t index;
    uint16_t vector;        /* MSI-X table entry, or VIRTQ_NO_VECTOR */
    enum virtq_state state; /* written by virtq_set_state alone */
    const char *cause;      /* why the queue broke, until it is restarted; "" if it did not */
    bool ring_reset;        /* RING_RESET was negotiated */
    bool expects_progress, lazy, rare;
    bool held;               /* the driver has no room for completions */
    uint16_t quiet;          /* ticks without progress */
    uint16_t take_next;      /* id at which virtq_take_back goes on */
    uint64_t reset_ns;       /* when its last reset alone was asked for; 0: never */
    uint64_t tick_completed; /* stats.completed at the last tick */
    uint64_t before_tick;    /* stats.completed before a service on a tick, if an interrupt was
                                asked for; else UINT64_MAX */
    struct virtq_stats stats;
};

#define VIRTQ_NO_VECTOR 0xffff

/* ---- ring formats ---------------------------------------------------------------------------- */

/* A ring format, an entry of the list in rings.c. Each function is called once a batch, or less. */
struct virtq_ring {
    const char *name;
    uint8_t feature;    /* the bit that chooses it; 0: it is used when no other format is chosen */
    size_t queue_bytes; /* of its private state, whose head is a struct virtq */
    size_t slot_more;   /* bytes for each buffer, behind all slots */
    /* Largest size not above `wanted` that the format admits; 0: none. */
    unsigned (*size_rule)(unsigned wanted);
    /*
     * How much memory the ring takes, and where its parts lie in it: sets ring_bytes, and
     * avail_dma and used_dma as offsets. used_align: bytes, of the part that the device writes.
     */
    void (*lay_out)(struct virtq *q, unsigned used_align);
    /* Sets the private state to that of an empty ring in q->memory, which is zeroed. */
    void (*start)(struct virtq *q);
    /*
     * Places and publishes up to n requests, 1 or more, and adds them to since_kick; sets
     * wants_kick if any were published. Returns how many, or -EINVAL when the very first is
     * malformed.
     */
    int (*submit)(struct virtq *q, const struct virtq_request *reqs, unsigned n);
    /* As submit, of buffers whose tables the driver keeps; how many had room. NULL: no tables. */
    unsigned (*submit_tables)(struct virtq *q, const struct virtq_tabled *const *buffers,
                              unsigned n);
    /* As virtq_submit_table, for a queue in service. NULL: by submit_tables. */
    bool (*submit_table)(struct virtq *q, const struct virtq_tabled *buffer);
    /* What stands behind address and length of an entry of a table; last: no entry follows. */
    uint32_t (*entry_rest)(unsigned at, bool writable, bool last);
    /* As virtq_reap, for a queue in service. */
    int (*reap)(struct virtq *q, struct virtq_done *done, unsigned max);
    /* As virtq_reap_kept and virtq_repost, for a queue in service, and never IN_ORDER. repost sets
     * wants_kick as submit does. NULL, both: the format has neither. */
    int (*reap_kept)(struct virtq *q, struct virtq_done *done, unsigned max);
    void (*repost)(struct virtq *q, const struct virtq_done *done, unsigned n);
    /* Asks for an interrupt at the next completion; true if completions are waiting already. */
    bool (*arm)(struct virtq *q);
    /* Asks for no interrupt, if the format can express that. [handler] */
    void (*disarm)(struct virtq *q);
    /* Some time after publishing: does the device wait for a kick that it never got? */
    bool (*kick_missed)(struct virtq *q);
    /* Where the next buffer will be placed, as NOTIFICATION_DATA tells it (section 2.9): 16 bits.
     */
    uint32_t (*position)(const struct virtq *q);
};
extern const struct virtq_ring virtq_split, virtq_packed;

/* rings.c: the first whose feature was accepted is used; one that needs no feature comes last. */
extern const struct virtq_ring *const virtq_rings[];
/* choose.c: the format that a set of accepted features chooses. Never NULL. */
const struct virtq_ring *virtq_ring_for(const struct virtio_features *accepted);

/* rings.c: feature bits that queues implement, for negotiation. */
extern const struct virtio_feature virtq_features[];
extern const unsigned virtq_feature_count;

/* For each slot, behind all of them: the bus address of a buffer of one segment (slot_more). */
static inline uint64_t *virtq_addrs(const struct virtq *q)
{
    return (uint64_t *)(q->slots + q->size);
}

/* ---- for the core ---------------------------------------------------------------------------- */

/* Arguments of virtq_create. Only *owner and cfg->name must outlive the call. */
struct virtq_setup {
    struct virtq_owner *owner;
    const struct virtq_config *cfg; /* what the driver wants */
    const struct virtq_ring *ring;  /* virtq_ring_for(accepted) */
    const struct virtio_features *accepted;
    unsigned index;    /* the queue's number */
    unsigned size_max; /* entries; the device's limit */
    bool size_fixed;   /* the device decides (legacy PCI): the size is size_max */
    unsigned align;    /* bytes; of the ring, and of its part that the device writes */
};

/*
 * A new queue with an empty ring, in state VIRTQ_OFF: not yet known to the device. NULL: out of
 * memory, or no size that device and format admit.
 */
struct virtq *virtq_create(const struct virtq_setup *setup);
/* Frees the queue. Only when the device can no longer reach its memory. */
void virtq_destroy(struct virtq *q);

/* Moves the queue to another state. Debug builds check that `state` may follow the present one. */
void virtq_set_state(struct virtq *q, enum virtq_state state);

/* After a reset, all buffers taken back: the ring is empty again, and its memory zeroed. */
void virtq_renew(struct virtq *q);

/*
 * Asks for an interrupt at the next completion. True: completions are waiting already, so no
 * interrupt may come. False also when the queue is not in service, or was armed before.
 */
bool virtq_arm(struct virtq *q);
/* Asks for no interrupt, if the format can express that. [handler] */
void virtq_disarm(struct virtq *q);

/*
 * No queue relies on a suppression word alone. Called at most every VIRTQ_TICK while buffers are
 * out: looks at the suppression word again, and kicks once more if a kick was missed. Returns the
 * time of the next call; HAL_NEVER: not before the owner's tick_later.
 */
uint64_t virtq_tick(struct virtq *q, uint64_t now);

/* ---- for the rings --------------------------------------------------------------------------- */

/* Kicks the device, whatever it asked for. */
void virtq_kick(struct virtq *q);

/* Buffers are out, and no tick is due, or the queue is full: the owner is to call virtq_tick within
 * VIRTQ_TICK, or to arm the queue before the CPU sleeps. */
void virtq_tell_owner(struct virtq *q);

/* n buffers were published; `wants`: the device asks for a kick. */
static inline void virtq_published(struct virtq *q, unsigned n, bool wants)
{
    q->stats.submitted += n;
    q->stats.publishes++;
    if (wants)
        virtq_kick(q);
    if (q->owner->tick_ns == HAL_NEVER || !q->free_count)
        virtq_tell_owner(q);
}

/* Makes a queue in service, or one that could not be reset, VIRTQ_BROKEN; logs the cause and wakes
 * the owner. */
void virtq_break(struct virtq *q, const char *cause);

/* Could a ring hold the request? Sets *writable to the bytes that the device may write. */
bool virtq_request_valid(const struct virtq *q, const struct virtq_request *r, uint32_t *writable);

/* The error for a request for which there is no room: -EINVAL if it is malformed, else -ENOSPC. */
int virtq_no_room(const struct virtq *q, const struct virtq_request *r);

#define VIRTQ_MALFORMED (1ull << 62) /* as the sum of lengths: more than any request may have */

/* The same in three parts, for a ring that checks while it places: what needs no segment, */
static inline bool virtq_shape_valid(const struct virtq *q, const struct virtq_request *r)
{
    return (unsigned)r->readable + r->writable - 1u < q->max_segs && r->cookie;
}

/* a segment, */
static inline bool virtq_segment_valid(const struct virtq_seg *seg)
{
    return seg->len && seg->addr != HAL_DMA_NONE;
}

/* and the bytes of all segments (section 2.7.5.2: at most 2^32 a chain). */
static inline bool virtq_total_valid(uint64_t total)
{
    return total <= UINT32_MAX;
}

/*
 * Requests of one segment that the device only reads, which every ring takes in one descriptor, are
 * placed in runs. Is that one, and does the queue have runs? Both counts are one word, compared at
 * once.
 */
static inline bool virtq_counts_single(const struct virtq_request *r)
{
    uint32_t counts;

    _Static_assert(offsetof(struct virtq_request, writable) ==
                       offsetof(struct virtq_request, readable) + sizeof(uint16_t),
                   "the counts of a request are one word");
    memcpy(&counts, (const char *)r + offsetof(struct virtq_request, readable), sizeof(counts));
    return counts == 1;
}

static inline bool virtq_runs(const struct virtq *q, const struct virtq_request *r)
{
    return virtq_counts_single(r) && !q->in_order;
}

/* A request of one segment, its words loaded once: stores to a ring may make others be loaded
 * again.
 */
struct virtq_single {
    uint64_t addr;
    uint32_t len;
    void *cookie;
};

/* Loads the request, if a valid one follows in the run. */
static inline bool virtq_in_run(const struct virtq_request *r, struct virtq_single *one)
{
    if (!virtq_counts_single(r) || !r->cookie || !virtq_segment_valid(r->segs))
        return false;
    *one = (struct virtq_single){r->segs->addr, r->segs->len, r->cookie};
    return true;
}

/*
 * All of a slot but its cookie, as one word. That of a buffer of one segment which is only read is
 * known, and tells that nothing more is to be looked at when the buffer is back.
 */
static inline uint64_t virtq_slot_word(const struct virtq_slot *slot)
{
    uint64_t word;

    memcpy(&word, &slot->count, sizeof(word));
    return word;
}
#define VIRTQ_SLOT_READ 1ull

/* The slot of such a buffer. Returns the next one that is free. */
static inline size_t virtq_slot_single(struct virtq_slot *slot, const struct virtq_single *one)
{
    uint64_t word = VIRTQ_SLOT_READ;
    size_t next = slot->next;

    slot->cookie = one->cookie;
    memcpy(&slot->count, &word, sizeof(word));
    return next;
}

/* The slot of a buffer whose table the driver keeps. */
static inline void virtq_slot_tabled(struct virtq_slot *slot, const struct virtq_tabled *b)
{
    slot->cookie = b->cookie;
    slot->writable = b->writable;
    slot->count = 1;
}

/* The flags of segment i of the `count` of a request. */
static inline uint16_t virtq_segment_flags(const struct virtq_request *r, unsigned i,
                                           unsigned count)
{
    return (uint16_t)((i >= r->readable ? VIRTQ_DESC_F_WRITE : 0u) |
                      (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0u));
}

/* The second half of a descriptor, from its length on, in one store. */
static inline void virtq_desc_rest(uint32_t *at, uint32_t len, unsigned low, unsigned high)
{
    uint64_t rest = len | (uint64_t)(low | high << 16) << 32;

    memcpy(at, &rest, sizeof(rest));
}

/* The descriptor of a kept buffer goes in front of the free ones. */
static inline void virtq_slot_free(struct virtq *q, unsigned id)
{
    q->slots[id].next = q->free_head;
    q->free_head = (uint16_t)id;
    q->free_count++;
}

/* n buffers go to the device, in `descs` descriptors of the ring. */
static inline void virtq_count_taken(struct virtq *q, unsigned n, unsigned descs)
{
    q->free_count = (uint16_t)(q->free_count - descs);
    q->in_flight = (uint16_t)(q->in_flight + n);
}

/* n buffers are back. */
static inline void virtq_count_back(struct virtq *q, unsigned n, unsigned descs)
{
    q->free_count = (uint16_t)(q->free_count + descs);
    q->in_flight = (uint16_t)(q->in_flight - n);
}

/* The slot of a buffer that goes to the device. */
static inline void virtq_slot_fill(struct virtq_slot *slot, const struct virtq_request *r,
                                   uint32_t writable, unsigned count)
{
    slot->cookie = r->cookie;
    slot->writable = writable;
    slot->count = (uint16_t)count;
}

/*
 * The buffer of the slot is back, with the length that the device told: at most what was posted
 * counts. Returns the number of its descriptors.
 */
static inline unsigned virtq_slot_empty(struct virtq_slot *slot, uint32_t len,
                                        struct virtq_done *done)
{
    done->cookie = slot->cookie;
    done->len = len < slot->writable ? len : slot->writable;
    slot->cookie = NULL;
    return slot->count;
}

/* The same of one whose word is VIRTQ_SLOT_READ. */
static inline void virtq_slot_read(struct virtq_slot *slot, struct virtq_done *done)
{
    done->cookie = slot->cookie;
    memset(&done->len, 0, sizeof(*done) - offsetof(struct virtq_done, len));
    slot->cookie = NULL;
}

/* Slot and counts of one buffer, `id`, at once. */
static inline void virtq_slot_take(struct virtq *q, unsigned id, const struct virtq_request *r,
                                   uint32_t writable, unsigned count)
{
    virtq_slot_fill(&q->slots[id], r, writable, count);
    virtq_count_taken(q, 1, count);
}

static inline void virtq_slot_finish(struct virtq *q, unsigned id, uint32_t len,
                                     struct virtq_done *done)
{
    virtq_count_back(q, 1, virtq_slot_empty(&q->slots[id], len, done));
}

/* Is the id of a used entry that of a buffer which is out? If not, the queue is to be broken: */
static inline bool virtq_id_out(const struct virtq_slot *slots, uint32_t size, uint32_t id)
{
    return id < size && slots[id].cookie;
}
void virtq_bad_id(struct virtq *q, uint32_t id);

/* Both at once. */
static inline bool virtq_id_valid(struct virtq *q, uint32_t id)
{
    if (virtq_id_out(q->slots, q->size, id))
        return true;
    virtq_bad_id(q, id);
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

/* IN_ORDER: the oldest buffer of the batch is back. The device used all but the last completely. */
void virtq_in_order_take(struct virtq *q, struct virtq_done *done);

#endif
