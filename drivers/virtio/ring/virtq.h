/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.h - virtqueues as device drivers see them (virtio 1.4, sections 2.6 to 2.8).
 *
 * A buffer is a chain of segments: first those that the device reads, then those that it writes.
 * Each submitted buffer comes back exactly once: from virtq_reap when the device has used it, or
 * from virtq_take_back after the queue or the device was reset.
 *
 *     struct virtq_seg segs[2] = {{cmd_dma, 16}, {answer_dma, 64}};   both of hal_dma_alloc
 *     struct virtq_request r = {.segs = segs, .readable = 1, .writable = 1, .cookie = cmd};
 *     struct virtq_done done[8];
 *     int n = virtq_submit(q, &r, 1);              1: cmd and answer are the device's; 0: ring full
 *
 *     while ((n = virtq_reap(q, done, 8)) > 0)     in the driver's service()
 *         for (int i = 0; i < n; i++)
 *             finish(done[i].cookie, done[i].len); both are the driver's again
 *
 *     while ((cookie = virtq_take_back(q)))        in queue_lost() and dead(): the device never
 *         cancel(cookie);                          answered, and no longer reaches the memory
 *
 * Trust. Nothing that the device wrote is used before it is checked against private state: a
 * descriptor is never read back. An impossible value makes the queue broken with a cause; a broken
 * queue takes no more buffers and returns none until it is reset.
 *
 * Context. All functions run in task context and never park. None of them allocates.
 */
#ifndef VIREO_VIRTQ_H
#define VIREO_VIRTQ_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virtq;

/* One piece of a buffer. */
struct virtq_seg {
    uint64_t addr; /* on the bus (hal_dma_map); a request with HAL_DMA_NONE is malformed */
    uint32_t len;  /* bytes, 1 or more */
};

/* A buffer to submit: segs[0..readable) are read by the device, the next `writable` are written. */
struct virtq_request {
    const struct virtq_seg *segs;
    uint16_t readable;
    uint16_t writable;
    void *cookie; /* the driver's name for the buffer, which comes back with it; never NULL */
};

/*
 * A buffer whose table of indirect descriptors (section 2.7.5.3) the driver keeps, in memory of
 * hal_dma_alloc: for requests that are all alike. The driver makes the table once, changes address
 * and length of an entry, `at` and `len`, in place, and the ring takes one descriptor.
 */
struct virtq_entry {
    uint64_t at;  /* on the bus */
    uint32_t len; /* bytes, 1 or more */
    uint32_t rest;
};
struct virtq_tabled {
    void *cookie;      /* as in a request */
    uint64_t table;    /* where the device finds it */
    uint32_t bytes;    /* of the table */
    uint32_t writable; /* bytes that the device may write: the sum of those entries */
};

/* A buffer that came back. */
struct virtq_done {
    void *cookie; /* as submitted */
    uint32_t len; /* bytes that the device says it wrote, at most what was posted for writing */
    uint16_t id;  /* of virtq_reap_kept, for virtq_repost; else not set */
};

/* virtq_life.c has the list of the states that may follow each. */
enum virtq_state {
    VIRTQ_OFF,       /* not with the device: not enabled yet, or reset. Its buffers can be taken */
    VIRTQ_OK,        /* in service */
    VIRTQ_BROKEN,    /* a rule was broken or a deadline passed; the log has the cause */
    VIRTQ_RESETTING, /* the device was asked to reset it and has not confirmed that */
    VIRTQ_GONE,      /* given up together with its device */
};

/* What a driver wants of a queue when the queue is set up. */
struct virtq_config {
    const char *name;      /* "rx"; appears in the log; lives as long as the device */
    uint16_t size;         /* wanted entries; the device's maximum and the ring's rules bound it */
    uint16_t max_segs;     /* longest chain, 1..; indirect tables are allocated for it */
    bool expects_progress; /* the device should complete what it is given within milliseconds
                              (transmit, block), unlike receive, which waits for the outside */
    bool lazy;             /* no interrupts while there is room: the driver reaps in passing, and
                              at each tick while buffers are out (transmit) */
    bool rare;             /* few completions: where each queue has an interrupt of its own, this
                              one shares that of configuration changes (control) */
};

/* ---- buffers --------------------------------------------------------------------------------- */

/*
 * Submits reqs[0..n) in order, publishes them at once, and kicks the device if it asks for kicks.
 * Returns how many were taken, from the front: their memory is the device's from here on; requests
 * and segments are copied, and stay the caller's. Fewer than n: the ring is full, or the next
 * request is malformed. -EINVAL: the first request is malformed, so that no ring could hold it (no
 * segment, more than max_segs, a segment of 0 bytes or at HAL_DMA_NONE, 2^32 bytes or more in all,
 * no cookie). -EIO: the queue is not in service.
 */
int virtq_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n);

/*
 * Tables, for queues with indirect descriptors only; the feature may be absent. virtq_make_table
 * writes all entries of a table, as the ring has them: those that the device reads, then those that
 * it writes. After the queue or its device was reset the tables are to be made again.
 * virtq_submit_tables is virtq_submit of such buffers, whose tables were made and are not checked
 * again. Table and memory are the device's until the buffer comes back; the structs stay where they
 * are until then, and are the driver's.
 */
bool virtq_takes_tables(const struct virtq *q);
void virtq_make_table(const struct virtq *q, struct virtq_entry *table,
                      const struct virtq_request *r);
int virtq_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers, unsigned n);
/* The same for one buffer, by a shorter way. False: it was not taken. */
bool virtq_submit_table(struct virtq *q, const struct virtq_tabled *buffer);

/*
 * Collects up to max buffers that the device has used, in the order in which it used them. Returns
 * how many lie in done[]: their memory is the driver's again. 0: there are none. -EIO: the queue is
 * not in service, or just broke; what is out stays the device's until virtq_take_back.
 */
int virtq_reap(struct virtq *q, struct virtq_done *done, unsigned max);

/*
 * For a queue of buffers that are submitted again as they were. Can it keep them? The answer never
 * changes.
 */
bool virtq_keeps(const struct virtq *q);

/*
 * As virtq_reap, only where virtq_keeps() and each buffer is one segment that the device writes.
 * The buffers keep their descriptors: virtq_repost follows with all of them, before any other call
 * for the queue.
 */
int virtq_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max);

/*
 * Submits those buffers of done[0..n) again whose cookie is not NULL, each with its segment and
 * this cookie, and frees the descriptors of the others. 0; -EIO: the queue is not in service, and
 * all of the buffers stay the driver's.
 */
int virtq_repost(struct virtq *q, const struct virtq_done *done, unsigned n);

/*
 * Between those two: puts another buffer of the same length into the place of one that was kept.
 * Bus address addr; the cookie is not NULL.
 */
void virtq_replace(struct virtq *q, struct virtq_done *done, void *cookie, uint64_t addr);

/*
 * Hands out the buffers that never came back: the cookie of one of them a call, in no particular
 * order, NULL after the last. Their memory is the driver's again. Only in state VIRTQ_OFF or
 * VIRTQ_GONE, so in a driver's queue_lost() and dead(), and after virtq_reset.
 */
void *virtq_take_back(struct virtq *q);

/*
 * hold = true: the driver has no room for completions and leaves them in the ring. Until the call
 * with false, the queue asks for no interrupt, and completions in the ring do not keep the service
 * from sleeping; something else has to wake the service then. Allowed in any state.
 */
void virtq_hold(struct virtq *q, bool hold);

/*
 * Kicks the device although nothing new was submitted and whatever the device asked for: for
 * devices that need a second kick. Counted in stats.nudges. Does nothing out of service.
 */
void virtq_nudge(struct virtq *q);

/* ---- facts, in any state --------------------------------------------------------------------- */

/*
 * Buffers that can be submitted now, if each is one segment long or indirect descriptors were
 * negotiated; else descriptors. 0 out of service.
 */
unsigned virtq_free_slots(const struct virtq *q);
/* Buffers that are with the device. */
unsigned virtq_in_flight(const struct virtq *q);
/* Entries of the ring, which is fixed when the queue is set up: 1..VIRTQ_MAX_SIZE. */
unsigned virtq_size(const struct virtq *q);
const char *virtq_name(const struct virtq *q); /* as in its virtq_config */
enum virtq_state virtq_state(const struct virtq *q);

/* ---- trouble --------------------------------------------------------------------------------- */

/*
 * The driver found a fault of the device in this queue (a passed deadline, an impossible answer):
 * the queue becomes VIRTQ_BROKEN with this cause, logged once. The next service recovers it, alone
 * if RING_RESET was negotiated, else with its device: queue_lost() follows. `cause` lives for ever.
 * Does nothing unless the queue is in service, so the first cause stays.
 */
void virtq_fail(struct virtq *q, const char *cause);

/*
 * Takes a queue, broken or not, from a device that goes on (section 2.6.1): asks the device to
 * reset it, and waits for up to a second until the device says that it did. 0: the queue is
 * VIRTQ_OFF; take its buffers back, then call virtq_restart. -ENOTSUP: RING_RESET was not
 * negotiated. -EINVAL: the device is not in service, or the queue neither VIRTQ_OK nor
 * VIRTQ_BROKEN. -ETIMEDOUT: the device did not reset it; the queue is VIRTQ_BROKEN, its buffers
 * stay the device's, and the next service resets the whole device.
 */
int virtq_reset(struct virtq *q);

/*
 * Puts a queue that was reset back into service: an empty ring with the same size and interrupt.
 * -EINVAL: the device is not in service, or the queue not VIRTQ_OFF. -EBUSY: buffers were not taken
 * back. Another error: the device does not take the queue, which stays VIRTQ_OFF.
 */
int virtq_restart(struct virtq *q);

/*
 * For a queue whose buffers the device only reads: marks those that are out, and tells whether one
 * of them still is. A look at each slot. A device that lets others overtake a buffer for long never
 * completes it.
 */
void virtq_mark(struct virtq *q);
bool virtq_marked(const struct virtq *q);

/* ---- counters, for status pages and tests ---------------------------------------------------- */

struct virtq_stats {
    uint64_t submitted, completed; /* buffers */
    uint64_t publishes;            /* batches */
    uint64_t kicks;                /* doorbell stores, rekicks and nudges included */
    uint64_t rekicks;              /* kicks that the tick found missing, by the event index */
    uint64_t nudges; /* kicks that may have been needless: of the tick, and by virtq_nudge */
    uint64_t late;   /* completions that a tick found although an interrupt was asked for */
};
/* Never NULL; counts on as long as the device exists. */
const struct virtq_stats *virtq_stats(const struct virtq *q);

#ifdef __cplusplus
}
#endif

#endif
