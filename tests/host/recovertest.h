/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recovertest.h - what the tests of recovery share: a device with the driver of testdrv.h that
 * recovers, and buffers that are out when it breaks.
 */
#ifndef VIREO_RECOVERTEST_H
#define VIREO_RECOVERTEST_H

#include "model_pci.h"
#include "testdrv.h"
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

#define RT_SIZE 8
#define RT_OUT  3

struct recovertest {
    struct model *m;
    struct model_queue *mq;
    struct virtq *q;
    struct model_chain chain[RT_OUT];
};
extern struct recovertest rt;

/* A device of `queues` queues with EVENT_IDX, a, and RING_RESET where the transport has it. */
void rt_boot_queues(enum model_transport t, unsigned queues, bool ring_reset);
/* The same with one queue and no RING_RESET. */
void rt_boot(enum model_transport t);
/* Buffers 0..2 are out: two taken by the device, one not. */
void rt_put_out(void);

struct virtio_info rt_info(void);
/* Three times round the ring of each queue, by interrupt (or polled), none of them late. */
void rt_traffic(void);
/* CHECKs that the device was reset `times` times as a whole, and works. */
void rt_recovered(unsigned times);
/* Puts an impossible used entry into queue n. */
void rt_break_queue(unsigned n);

#endif
