/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h - a device of any ring on any bus of the model, with a driver that knows where each of its
 * buffers is. What design and virtq.h promise is checked after every step (rig_check): a buffer is
 * in exactly one place, what was submitted ends exactly once, nothing is touched that the device
 * has, nothing leaks.
 */
#ifndef VIREO_RIG_H
#define VIREO_RIG_H

#include "check.h"
#include "host.h"
#include "model.h"
#include "model_pci.h"
#include "virtio/virtio.h"

/* ---- variants: bus and ring ------------------------------------------------------------------ */

enum rig_bus { RIG_MMIO, RIG_MMIO_LEGACY, RIG_PCI, RIG_PCI_LEGACY, RIG_WINDOW };
#define RIG(bus, packed) ((bus)*2 + (packed))

/* Tables for test_case.variants; case_variant tells rig_plug. */
extern const struct test_variant rig_all[], rig_split[], rig_packed[], rig_modern[], rig_pci[];

enum rig_bus rig_bus(void);
bool rig_is_packed(void);
/* For model_init, and what else asks for it (diskmodel.h, netmodel.h). */
enum model_transport rig_transport(void);
/* Plugs m in on the bus of the variant, and offers RING_PACKED if that is its ring. */
void rig_plug(struct model *m);
extern struct model_vpci rig_vpci; /* on PCI */

/* ---- the device and its driver --------------------------------------------------------------- */

#define RIG_DEVICE_ID 0x3d
#define RIG_SIZE      16
#define RIG_BUFFERS   64
#define RIG_READABLE  16 /* bytes of a buffer that the device reads, in one segment */
#define RIG_WRITABLE  32 /* and that it writes */
#define RIG_DEADLINE  HAL_SEC

enum rig_place { RIG_FREE, RIG_OUT };

struct rig_buffer {
    enum rig_place place;
    unsigned submitted, completed, cancelled; /* the last two add up to the first, or one less */
    uint64_t since;
    uint32_t len; /* as the last completion told it */
};

struct rig {
    /* the test may set these */
    bool serve;                    /* at each kick the device takes and completes all buffers */
    bool no_reap;                  /* the service leaves the queue alone */
    void (*plug)(struct model *m); /* onto a bus of the test's own; NULL: that of the variant */
    void (*plugged)(void);         /* called before the bus is scanned; may be NULL */
    int (*probe)(struct virtio_device *dev); /* before the queue; may be NULL */

    struct model *m;
    struct model_queue *mq;
    struct virtio_device *dev; /* NULL: it was refused */
    struct virtq *q;
    struct rig_buffer buffer[RIG_BUFFERS];
    unsigned lost, back, deaths, config_changes; /* how often the driver was told */
    bool dead, quarantine;
    int64_t blocks; /* host_live_blocks after the boot */
};
extern struct rig rig;

/* The model, and its queue of RIG_SIZE entries; these bits are offered beside VERSION_1. */
void rig_make(const unsigned *bits, unsigned n);
/* Plugs it in, and boots. */
void rig_boot(void);
/* Submits a free buffer: its number, or an error. -EAGAIN: none is free, or the ring is full. */
int rig_submit(void);
/* n of them, which the device takes out of the ring and keeps. */
void rig_hand_out(unsigned n, struct model_chain *chain);
unsigned rig_out(void);       /* buffers that are with the driver or its device */
unsigned rig_completed(void); /* in all */
unsigned rig_cancelled(void);

/* The invariants. */
void rig_check(void);
/* Interrupts for what was shown, lets the services run for `ns`, and checks. */
void rig_run(uint64_t ns);
/* The outcome: the device works and every buffer has ended; or the device was given up. */
enum rig_verdict { RIG_UNHARMED, RIG_RECOVERED, RIG_GIVEN_UP };
enum rig_verdict rig_settle(void);
/* A further buffer for each slot of the ring goes there and back, by the device's own answers. */
void rig_check_works(void);
/* The queue broke for this reason, said so once, lost nothing, was reset, and works again. */
void rig_check_broken(const char *cause);

#endif
