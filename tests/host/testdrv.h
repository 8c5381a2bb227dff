/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testdrv.h - a device driver for tests of the core: it claims MODEL_DEVICE_ID, sets up the queues
 * that the test names, and records what comes back.
 */
#ifndef VIREO_TESTDRV_H
#define VIREO_TESTDRV_H

#include "host.h"
#include "model.h"
#include "virtio/virtio.h"

/* Feature bits of the test's device type, with their dependencies; see testdrv.c. */
enum { TD_A = 0, TD_B = 1, TD_NEEDS_A = 2, TD_NEEDS_B_AND_2 = 3, TD_HIGH = 50 };
enum { TD_WORD_2 = 70, TD_LAST = 127 }; /* on PCI, whose feature words reach that far */

#define TESTDRV_DONE 4096

struct testdrv {
    /* set by the test before host_boot() */
    unsigned queues; /* 0: probe sets up none, and fails */
    struct virtq_config cfg[4];
    int (*probe)(struct virtio_device *dev); /* before the queues; may be NULL */
    bool no_reap;                            /* service() leaves the queues alone */
    bool recovers;                           /* testdrv_boot: the driver with queue_lost */
    int (*returned)(struct virtio_device *dev);
    void (*queue_back)(struct virtio_device *dev, struct virtq *q);

    /* what happened */
    struct virtio_device *dev;
    struct virtq *q[4];
    unsigned probes, services, config_changes, deaths;
    bool quarantine;
    int reap_error;
    unsigned taken_back;
    unsigned lost[4], back[4]; /* calls, by queue */
    unsigned returns;
    struct virtq_done done[TESTDRV_DONE]; /* in order of completion */
    unsigned done_queue[TESTDRV_DONE];
    unsigned done_count;
};
extern struct testdrv td;

/* One queue "t" of `size` entries, chains of up to max_segs. */
void testdrv_one_queue(unsigned size, unsigned max_segs);

/*
 * Cases about any ring: NAME_split and NAME_packed, each with the rows that it shows. A packed one
 * runs with RING_PACKED offered. A macro, because of the name.
 */
#define EACH_RING(f, split_rows, packed_rows)                                                      \
    {#f "_split", f, split_rows, TD_SPLIT},                                                        \
    {                                                                                              \
#f "_packed", f, packed_rows, TD_PACKED                                                    \
    }
enum { TD_SPLIT, TD_PACKED };

/* The words that the driver publishes with, and checks or arms; as the event log names them. */
struct testdrv_words {
    uintptr_t publish;     /* the next publish */
    uintptr_t suppression; /* what it checks after that */
    uintptr_t used;        /* shows the next completion */
    uintptr_t arm;         /* asks for an interrupt */
};
struct testdrv_words testdrv_words(const struct virtq *q);

/* A model at slot 0 with a queue 0 of at most `max` entries, booted with the driver. */
struct model *testdrv_boot(enum model_transport t, unsigned max, const unsigned *bits, unsigned n);

/* Submits one buffer of one readable and one writable segment from a fixed DMA area. */
#define TESTDRV_BUF 64
int testdrv_submit(struct virtq *q, unsigned n);
void *testdrv_cookie(unsigned n); /* of the n-th buffer, n below 4096 */
unsigned testdrv_number(const void *cookie);
/* Segments of buffer n, with the given lengths (at most TESTDRV_BUF together). */
struct virtq_seg testdrv_seg(unsigned n, unsigned off, uint32_t len);

#endif
