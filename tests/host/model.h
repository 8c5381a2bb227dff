/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - a scripted virtio device for host tests: the device side of virtio-mmio (both
 * versions), virtio-pci and both rings. It judges what the driver does (each broken rule is a
 * host_violation) and does what the test says, lawful or not.
 */
#ifndef VIREO_MODEL_H
#define VIREO_MODEL_H

#include "host.h"

#define MODEL_QUEUES   8
#define MODEL_RING_MAX 1024
#define MODEL_SEGS     256
#define MODEL_CONFIG   256
#define MODEL_TRACE    4096

#define MODEL_NOT_SELECTED                                                                         \
    UINT32_MAX /* of a selector register, since the reset or its last use                          \
                */

/* Device types that no driver of the stack claims. */
enum { MODEL_DEVICE_ID = 0x3f, MODEL_RECOVERS_ID = 0x3e };

/* One register access, for tests of the order of steps. */
struct model_access {
    uint16_t off;
    uint8_t width;
    bool write, sync;
    uint32_t v;
};

struct model_seg {
    uint64_t addr;
    uint32_t len;
    bool write;
};

/* A slot of a packed ring, in the lap of this wrap counter. */
struct model_place {
    uint16_t slot;
    bool wrap;
};

struct model_packed_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
};

/* What a slot of a packed ring held when it was exposed, until it is used. */
struct model_shown {
    struct model_packed_desc desc;
    bool out;
};

/* Flags of a used descriptor that are still to be stored. */
struct model_pending {
    uint16_t slot, flags;
};

/* A buffer that the driver made available. */
struct model_chain {
    uint16_t head;            /* the id in its used entry */
    uint16_t at;              /* split: its available index */
    struct model_place place; /* packed: its first slot */
    unsigned slots;           /* descriptors of the ring that it takes */
    unsigned count, readable; /* segments; the first `readable` are for the device to read */
    uint32_t read_bytes, write_bytes;
    bool indirect;
    bool owned;     /* in the model's own copy: its memory is the device's */
    uint64_t table; /* bus address and length of the indirect table */
    uint32_t table_len;
    struct model_seg segs[MODEL_SEGS]; /* last: only `count` of them are copied */
};

struct model_queue {
    unsigned index;
    uint32_t max; /* the device's largest size; 0: no such queue */
    uint32_t num;
    uint64_t desc, driver, device; /* bus addresses */
    unsigned halves;               /* address halves written, bits 0..5 */
    uint32_t align, pfn;           /* legacy */
    bool ready, checked_idle;
    uint16_t vector;     /* PCI: MSI-X entry */
    uint16_t notify_off; /* PCI */
    uint16_t notif_data; /* PCI: the value that NOTIF_CONFIG_DATA uses for the queue */

    const struct model_ring *ring;    /* model_ring.h; set when the queue starts */
    uint16_t seen;                    /* chains popped; split: the next index to pop */
    uint16_t used;                    /* chains used; split: the next used index */
    uint16_t published;               /* chains that `exposed` has taken in */
    bool outstanding[MODEL_RING_MAX]; /* ids that the device holds */
    struct model_chain *exposed;      /* num: as it was when published, in turn */
    unsigned expose_next, pop_next;   /* indexes of it */
    struct model_chain *held;         /* num: popped, by id */
    unsigned skipped, skipped_slots;  /* IN_ORDER: chains that the next entry stands for */
    uint64_t kicks, pops, pushes, irqs;

    uint16_t signalled; /* split: used index at the last interrupt decision */
    uint16_t next_slot; /* split, IN_ORDER: the next head */

    struct model_shown *shown; /* packed: num of them */
    unsigned slots_out;
    struct model_place expose_at, put_at, shown_at, signal_at;
    struct model_pending pending[MODEL_RING_MAX];
    unsigned pending_count;

    unsigned reset_left; /* mmio: reads of QueueReset until a reset of the queue is complete */
};

struct model;
struct model_vpci; /* model_pci.h */
struct model_ring; /* model_ring.h */

/* Where a register access goes: offsets are from the start of each. */
enum model_space {
    MODEL_AT_REGISTERS, /* of virtio-mmio; the common structure; the legacy header */
    MODEL_AT_ISR,       /* PCI, modern: the one byte */
    MODEL_AT_NOTIFY,    /* PCI, modern */
    MODEL_AT_CONFIG,    /* of the device type */
    MODEL_AT_FUNCTION,  /* PCI: configuration space of the function */
    MODEL_SPACES
};

/* What a test wants to hear of. All may be NULL. */
struct model_events {
    /* Every access, a read when it was answered with v. What it returns is the answer then. */
    uint32_t (*access)(struct model *m, enum model_space s, unsigned off, bool write, uint32_t v);
    /* A used entry was put, and is not shown yet: model_amend changes it. */
    void (*put)(struct model *m, struct model_queue *q, const struct model_chain *c);
    void (*kick)(struct model *m, struct model_queue *q);
    void (*status)(struct model *m, uint32_t status);            /* after a write of it */
    void (*queue_reset)(struct model *m, struct model_queue *q); /* asked for, not yet done */
    void (*config_read)(struct model *m, unsigned off);
    void (*config_write)(struct model *m, unsigned off, unsigned width, uint32_t v);
};

enum model_transport { MODEL_MMIO, MODEL_MMIO_LEGACY, MODEL_PCI, MODEL_PCI_LEGACY };

struct model {
    enum model_transport transport;
    uint32_t magic, version, device_id, vendor_id;
    uint32_t offered[4], accepted[4];
    uint32_t status;
    bool features_checked; /* status was read back with FEATURES_OK */
    uint32_t feature_sel, driver_feature_sel, queue_sel;
    uint32_t page_size; /* legacy; 0 until written */
    uint32_t generation;
    uint32_t interrupt_status;
    hal_irq_t irq;          /* virtio-mmio's line; -1 on PCI */
    struct model_vpci *pci; /* the function that it is behind, or NULL */

    uint8_t config[MODEL_CONFIG];
    unsigned config_len;
    /* Width of the field at each offset, at its first byte: 1, 2, 4, 8 (read as 4+4); 0: none. */
    uint8_t field[MODEL_CONFIG];

    struct model_queue queues[MODEL_QUEUES];
    struct model_events on;
    void *ctx;

    /* What a bad device does. */
    bool refuse_features; /* FEATURES_OK never sticks */
    uint32_t refuse[4];   /* nor with any of these bits accepted */
    unsigned refused;     /* times that it did not stick */
    bool alias_features;  /* words above 1 read as word 1, like QEMU's virtio-mmio */
    unsigned reset_reads; /* reads of the status after a reset before it is 0 */
    bool reset_never;
    unsigned generation_changes; /* config reads that are each followed by a new generation */
    bool generation_never_settles;
    bool gone;                  /* every read is all-ones */
    uint32_t bogus_interrupts;  /* undefined InterruptStatus bits that are always set */
    bool dead_silent;           /* never interrupts */
    bool no_write_flag;         /* packed: WRITE is never set in a used descriptor, as in QEMU */
    uint16_t used_flags;        /* packed: that every used descriptor has beside its own */
    unsigned queue_reset_reads; /* reads of QueueReset before a reset of a queue is complete */
    bool queue_reset_never;
    bool queue_reset_lies; /* QueueReset reads 0, and the queue goes on, as with QEMU's mmio */
    bool cached;           /* what it reads lies in a cache, where others may read it as well */
    bool scribbles;        /* it writes descriptors: the driver is not blamed for changes */
    bool lenient; /* legacy: GuestPageSize outlives a reset, the configuration has no widths */
    bool lied;    /* about used buffers: available ones are no longer judged */

    unsigned reset_left;
    bool stuck; /* a reset was asked for, and reset_never was set */
    uint64_t resets;
    struct model_access trace[MODEL_TRACE];
    unsigned trace_len;
    const char *name;
    const struct model_ring *ring; /* of a test's own; NULL: split or packed, as negotiated */
};

/* A device with VERSION_1 (not on legacy), nothing else offered, no config space and no queues. */
void model_init(struct model *m, enum model_transport t, uint32_t device_id);
void model_offer(struct model *m, unsigned bit);
void model_withdraw(struct model *m, unsigned bit);
bool model_accepted(const struct model *m, unsigned bit);
/* Declares a config field of `width` bytes at `off` and sets its value (little-endian). */
void model_field(struct model *m, unsigned off, unsigned width, uint64_t v);
/* Registers the device at slot n of the virtio-mmio windows (interrupt line 16 + n). */
void model_plug_mmio(struct model *m, unsigned n);
/* A window that answers as if no device were there; any access but to offsets 0, 4, 8 is judged. */
void model_plug_empty(unsigned n);

/* Is it a device of before virtio 1.0? */
static inline bool model_is_legacy(const struct model *m)
{
    return m->transport == MODEL_MMIO_LEGACY || m->transport == MODEL_PCI_LEGACY;
}

/*
 * Judges one rule: `rows` are the rows of tests/conformance/requirements.csv that it stands for,
 * with spaces; "" if it is stricter than the standard. A broken rule is a host_violation with this
 * text, unless a judge listens: that one hears of rules that were kept, too.
 */
void model_rule(bool kept, const char *rows, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
extern void (*model_on_rule)(bool kept, const char *rows, const char *text);
static inline void model_kept(const char *rows)
{
    if (model_on_rule)
        model_on_rule(true, rows, "");
}

/* ---- for the transports of the model --------------------------------------------------------- */

void model_reset(struct model *m);
void model_reset_queue(struct model_queue *q);
/* The memory of all the queue's buffers is the driver's again; the device remembers them. */
void model_let_all_go(struct model_queue *q);
void model_write_status(struct model *m, uint32_t v);
uint32_t model_read_status(struct model *m);
void model_write_features(struct model *m, uint32_t word, uint32_t v);
uint32_t model_read_features(struct model *m, uint32_t word);
uint32_t model_read_config(struct model *m, unsigned off, unsigned width);
void model_write_config(struct model *m, unsigned off, unsigned width, uint32_t v);
/* The same of what begins at addr: after a lie only the driver knows what it was told. */
void model_disown(struct model *m, uint64_t addr);
/* The buffer with this id is the driver's again, whether or not it was taken. */
void model_let_go(struct model_queue *q, uint32_t id);
void model_start_queue(struct model *m, struct model_queue *q);
void model_kick(struct model *m, uint32_t queue, bool sync);
/* Section 2.9: how far the driver is, as NOTIFICATION_DATA has to say it. */
uint16_t model_position(const struct model_queue *q);
void model_raise(struct model *m, uint32_t cause, struct model_queue *q);
void model_trace(struct model *m, unsigned off, unsigned width, bool write, bool sync, uint32_t v);
/* The answer to a read, after on.access; and tells it of a write. */
uint32_t model_answer(struct model *m, enum model_space s, unsigned off, unsigned width,
                      uint32_t v);
void model_written(struct model *m, enum model_space s, unsigned off, uint32_t v);
void model_check_setup(struct model *m, const char *what);

/* ---- the rings, device side ------------------------------------------------------------------ */

/* Takes notice of what is published at the moment when it is; without it, when it is popped. */
void model_watch(struct model *m);
/* What the hook of model_watch does, for a test with a hook of its own. */
void model_hear(const struct host_event *e, void *model);
/* Takes the next available chain, judging it. False: there is none. */
bool model_pop(struct model *m, struct model_queue *q, struct model_chain *c);
/* Is there a chain to pop? */
bool model_has_more(struct model *m, struct model_queue *q);
/* Fills the chain's writable segments with `fill` bytes, gives its memory back, puts it into the
 * used ring with length `len`, and interrupts if the driver asked for it. */
void model_complete(struct model *m, struct model_queue *q, const struct model_chain *c,
                    uint32_t len);
/* The same, but not to be seen yet, so that several are published at once by model_publish. */
void model_push(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len);
void model_publish(struct model *m, struct model_queue *q);
/* The two halves of model_publish, without the interrupt itself. */
void model_show(struct model *m, struct model_queue *q);
bool model_wants_irq(struct model *m, struct model_queue *q);
/* IN_ORDER: completes c without a used entry: the entry of the next push stands for c too. */
void model_skip(struct model_queue *q, const struct model_chain *c);
/* Copies from or to the data of a chain. Returns bytes copied. */
uint32_t model_gather(const struct model_chain *c, uint32_t off, void *buf, uint32_t len);
uint32_t model_scatter(const struct model_chain *c, uint32_t off, const void *buf, uint32_t len);
/* Pops all and completes each with its whole writable length. Returns how many. */
unsigned model_serve(struct model *m, struct model_queue *q);
/* Does the device want a kick at the next buffer? Written as event index, event or flag. */
void model_want_kick(struct model *m, struct model_queue *q, bool on);

/* A lie: a used entry with this id, whatever is out. Not to be seen before model_show/publish. */
void model_forge(struct model *m, struct model_queue *q, uint32_t id, uint32_t len);

/* The same with an entry that was just put, in on.put: one word of it. */
enum model_used_word { MODEL_USED_ID, MODEL_USED_LEN, MODEL_USED_FLAGS /* packed: toggles bits */ };
void model_amend(struct model_queue *q, enum model_used_word which, uint32_t v);

/* Raw access to a split ring, for attacks: no rule is kept. */
void model_put_used(struct model_queue *q, uint16_t at, uint32_t id, uint32_t len);
void model_put_used_idx(struct model_queue *q, uint16_t idx);
uint16_t model_avail_idx(const struct model_queue *q);
uint16_t model_avail_flags(const struct model_queue *q);
uint16_t model_used_event(const struct model_queue *q);
void model_put_avail_event(struct model_queue *q, uint16_t v);
void model_put_used_flags(struct model_queue *q, uint16_t v);
uint16_t *model_used_idx_word(const struct model_queue *q);
uint16_t *model_used_event_word(const struct model_queue *q);
/* Starts both sides' indexes at `start`; before anything was submitted. */
void model_start_index(struct model_queue *q, uint16_t start);
/* The reference for "does the driver have to be told?": by walking, not by arithmetic. */
bool model_event_reference(uint16_t old, uint16_t new, uint16_t event);

/* The same of a packed ring. Events: slot and wrap counter in the low half, flags in the upper. */
uint32_t model_driver_event(const struct model_queue *q);
void model_put_device_event(struct model_queue *q, uint32_t v);
/* Is the slot and wrap counter of `event` one of those from `from` up to, not with, `to`? */
bool model_packed_event_reference(const struct model_queue *q, struct model_place from,
                                  struct model_place to, uint16_t event);

#endif
