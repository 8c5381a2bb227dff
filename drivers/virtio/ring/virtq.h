/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.h - virtqueues as device drivers see them (virtio 1.4, section 2.6 to 2.8).
 *
 * A buffer is a chain of segments: first those that the device reads, then those that it writes.
 * It belongs to the device from virtq_submit until virtq_reap hands back its cookie, or until
 * virtq_take_back does after the queue or the device was reset. Each submitted buffer comes back
 * exactly once.
 *
 * Trust. Nothing that the device wrote is used before it is checked against private state: a
 * descriptor is never read back. A value that cannot be makes the queue broken with a cause; a
 * broken queue takes no more buffers and returns none until it is reset.
 *
 * Ring formats are tables (struct virtq_ring in virtq_impl.h) called once a batch.
 */
#ifndef VIREO_VIRTQ_H
#define VIREO_VIRTQ_H

#include "hal.h"

struct virtio_device;
struct virtq;

/* One piece of a buffer. len is in bytes and never 0. addr: bus address (hal_dma_addr). */
struct virtq_seg {
    uint64_t addr;
    uint32_t len;
};

/* A buffer to submit: segs[0..readable) are read by the device, the next `writable` are written. */
struct virtq_request {
    const struct virtq_seg *segs;
    uint16_t readable;
    uint16_t writable;
    void *cookie; /* never NULL */
};

/* A buffer that came back. len: bytes the device says it wrote, at most what was posted. */
struct virtq_done {
    void *cookie;
    uint32_t len;
};

enum virtq_state {
    VIRTQ_OFF, /* not with the device: before it starts, or after it let go of the queue */
    VIRTQ_OK,
    VIRTQ_BROKEN,    /* a rule was broken or a deadline passed; the cause says which */
    VIRTQ_RESETTING, /* the device was asked to let go of it, and has not said so yet */
    VIRTQ_GONE,      /* given up together with its device */
};

/* What a driver wants of a queue when it is set up. */
struct virtq_config {
    const char *name;      /* "rx"; appears in the log; lives as long as the device */
    uint16_t size;         /* wanted entries; the device's maximum and the ring's rules bound it */
    uint16_t max_segs;     /* longest chain, 1..; indirect tables are allocated for it */
    bool expects_progress; /* the device should complete what it is given within milliseconds
                              (transmit, block), unlike receive, which waits for the outside */
    bool lazy;             /* no interrupts while there is room: the driver reaps in passing, and
                              at each tick while buffers are out (transmit) */
};

/*
 * Submits up to n buffers in order, publishes them at once and kicks the device if it asks for it.
 * Returns how many were taken (fewer when the ring is full), or -EIO when the queue is broken or
 * off. -EINVAL: a request that no ring could hold (no segment, more than max_segs, zero length);
 * those before it are taken first.
 */
int virtq_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n);

/*
 * Collects up to max completed buffers. Returns how many; 0 when there are none; -EIO when the
 * queue is (or just became) broken. A broken queue's buffers come from virtq_take_back only.
 */
int virtq_reap(struct virtq *q, struct virtq_done *done, unsigned max);

/* Asks for an interrupt at the next completion; true if completions are waiting already. */
bool virtq_arm(struct virtq *q);
/* Asks for no interrupts, where the ring has a way to say so. [handler] */
void virtq_disarm(struct virtq *q);

/*
 * hold: the driver leaves in the ring what is complete, until it has room for it and says so here.
 * Meanwhile the queue causes no service: neither is an interrupt asked for, nor does what waits
 * there keep the service from sleeping. Something else has to make it look again.
 */
void virtq_hold(struct virtq *q, bool hold);

/*
 * The tick behind liveness (design: no wait rests on a suppression word alone). Called now and
 * then while buffers are out: looks at the suppression word again and kicks once more if a kick
 * was missed. Returns when it wants to be called next (HAL_NEVER: not before the next submit).
 */
uint64_t virtq_tick(struct virtq *q, uint64_t now);

/*
 * Kicks the device although nothing is new, whatever it asked for: for devices that have to be told
 * twice. Counted as a nudge.
 */
void virtq_nudge(struct virtq *q);

/* Buffers that can still be submitted, if each is one segment long (or indirect is negotiated). */
unsigned virtq_free_slots(const struct virtq *q);
/* Buffers that are with the device. */
unsigned virtq_in_flight(const struct virtq *q);
unsigned virtq_size(const struct virtq *q);
const char *virtq_name(const struct virtq *q); /* as in its virtq_config */
enum virtq_state virtq_state(const struct virtq *q);
/* Why the queue broke, in words, until it is restarted; "" if it did not. */
const char *virtq_cause(const struct virtq *q);
/*
 * The driver gives up on what the device does with this queue (a deadline passed, an answer that
 * cannot be): the queue is BROKEN with this cause, logged once, and recovered by the next service,
 * alone if RING_RESET was negotiated, else with its device. The first cause stays.
 */
void virtq_fail(struct virtq *q, const char *cause);

/*
 * After a reset only, of the device or of the queue: hands out the cookies of buffers that never
 * came back, one a call, NULL at the end.
 */
void *virtq_take_back(struct virtq *q);

/*
 * Takes the queue away from a device that goes on (section 2.6.1, RING_RESET), also when it is
 * broken: waits for a second at most until the device says that it has let go of it. Then its
 * buffers are taken back with virtq_take_back, and virtq_restart may follow. -ENOTSUP: not
 * negotiated. -EINVAL: the queue is off. -ETIMEDOUT: the device never said so; the queue is broken,
 * its buffers stay with the device, which its next service resets as a whole.
 */
int virtq_reset(struct virtq *q);

/*
 * Puts a queue that was reset back into service: an empty ring at its start, as at set-up, with
 * the same size and interrupt. -EINVAL: it is not off; -EBUSY: buffers were not taken back; else
 * what the transport says, and the queue stays off.
 */
int virtq_restart(struct virtq *q);

/* Counters, for status pages and tests. */
struct virtq_stats {
    uint64_t submitted, completed;
    uint64_t publishes; /* batches */
    uint64_t kicks;     /* doorbell stores, rekicks included */
    uint64_t rekicks;   /* kicks that the tick found missing, by the event index */
    uint64_t nudges;    /* kicks of the tick on a quiet queue, in case */
    uint64_t late;      /* completions found by a tick, without an interrupt */
};
const struct virtq_stats *virtq_stats(const struct virtq *q);

#endif
