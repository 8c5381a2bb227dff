/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl.h - what a protocol stack or an application asks of a network device beside frames, by
 * the device's control queue (virtio 1.4, section 5.1.6.5).
 *
 *     vnet_mode(v, VNET_ALL_MULTICAST, true);              every multicast frame from now on
 *     ...
 *     if (vnet_ctrl_result(v, VNET_CTRL_MULTICAST) == -EIO)      the device refused that
 *
 * No function waits: a command is noted, and sent by the driver's service. What is asked for is a
 * state of the device, not an event. So it is kept here and set again whenever the device was
 * reset or plugged in again, and of two calls in a row the device may see the last one only.
 *
 * A device that leaves a command without an answer for timeout_ms is reset. If that happens twice
 * in a row, the control queue is given up and the device is used without: vnet_ctrl_result says
 * -EIO, frames go on. It is tried again when the device is plugged in again.
 *
 * All functions run in task context and never park. Each is linked only where it is called. One
 * that needs a feature which was not negotiated returns -ENOTSUP.
 */
#ifndef VIREO_VNET_CTRL_H
#define VIREO_VNET_CTRL_H

#include "net/vnet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The commands, as vnet_ctrl_result() names them. */
enum vnet_ctrl_command {
    VNET_CTRL_PROMISCUOUS, /* vnet_mode: VNET_PROMISCUOUS */
    VNET_CTRL_MULTICAST,   /* vnet_mode: VNET_ALL_MULTICAST; or too many groups for a table */
    VNET_CTRL_ALL_UNICAST, /* vnet_mode: the others */
    VNET_CTRL_NO_MULTICAST,
    VNET_CTRL_NO_UNICAST,
    VNET_CTRL_NO_BROADCAST,
    VNET_CTRL_TABLE,       /* of addresses: vnet_ctrl_attach, vnet_groups_changed */
    VNET_CTRL_ADDRESS,     /* vnet_set_mac */
    VNET_CTRL_VLAN,        /* vnet_vlan */
    VNET_CTRL_OFFLOADS,    /* vnet_rx_offloads */
    VNET_CTRL_COALESCE_TX, /* vnet_coalesce */
    VNET_CTRL_COALESCE_RX,
    VNET_CTRL_HASH,      /* vnet_hash */
    VNET_CTRL_ANNOUNCED, /* the answer to a device that asked for an announcement */
};

/*
 * How the last command of this kind ended: 0, done; -EAGAIN, not answered yet; -EIO, the
 * device refused it or answers no commands; -ENOENT, none was asked for.
 */
int vnet_ctrl_result(const struct vnet *v, enum vnet_ctrl_command what);

/* ---- for a protocol stack -------------------------------------------------------------------- */

/* No function may be NULL; they never park, and may call vnet_send and vnet_flush. */
struct vnet_ctrl_client {
    /*
     * Fills mac[0..max) with the multicast addresses of the groups that the stack has joined, each
     * once, and returns their number. More than max: the device passes every multicast frame.
     */
    unsigned (*groups)(void *ctx, uint8_t (*mac)[VNET_MAC_LEN], unsigned max);
    /* The device's place in the network changed, or its address did: tell the neighbours. */
    void (*announce)(void *ctx);
    /* vnet_mac() has another value from now on; announce() follows. */
    void (*address)(void *ctx);
    void *ctx; /* first argument of each */
};

/*
 * Attaches the stack to the control queue, for good: *client must last as long as the device. From
 * now on the device need only deliver frames to its own address, to all, and to the groups. 0, also
 * for a device without a control queue; -EBUSY: attached already; -ENOMEM.
 */
int vnet_ctrl_attach(struct vnet *v, const struct vnet_ctrl_client *client);

/* The stack has joined or left a group: the table of addresses is made again, soon. */
void vnet_groups_changed(struct vnet *v);

/* ---- for applications ------------------------------------------------------------------------ */

/* What the device delivers beside frames to its own address, to its groups, and to all. */
enum vnet_mode {
    VNET_PROMISCUOUS,   /* every frame */
    VNET_ALL_MULTICAST, /* every multicast frame */
    VNET_ALL_UNICAST,   /* every unicast frame */
    VNET_NO_MULTICAST,  /* no multicast frame, whatever groups there are */
    VNET_NO_UNICAST,
    VNET_NO_BROADCAST,
};
/* Switches one on or off. -ENOMEM. */
int vnet_mode(struct vnet *v, enum vnet_mode mode, bool on);

/*
 * Gives the device another address, VNET_MAC_LEN bytes: vnet_mac() changes when the device has
 * taken it. -EINVAL: not a unicast address. -ENOMEM.
 */
int vnet_set_mac(struct vnet *v, const uint8_t *mac);

/*
 * Lets frames of the VLAN `id` (0..4095) through, or stops them. Where the device filters, and is
 * not promiscuous, it drops every tagged frame of other VLANs. -EINVAL, -ENOMEM.
 */
int vnet_vlan(struct vnet *v, unsigned id, bool on);

/*
 * Switches the offloads of receiving: `on` says which of VNET_RX_* (vnet_offloads) are on from then
 * on, the others are off. link() is called when the device has done it. -EINVAL: one that was not
 * negotiated, or without one that it needs. -ENOMEM.
 */
int vnet_rx_offloads(struct vnet *v, unsigned on);

/*
 * Interrupts of the device wait until `frames` frames or `usecs` microseconds have passed since the
 * first frame: of those received (rx), or sent. 0, 0: no wait. -ENOMEM.
 */
int vnet_coalesce(struct vnet *v, bool rx, uint32_t frames, uint32_t usecs);

/* The hashes that the device can make of received frames: VNET_HASH_*; 0: none. */
uint32_t vnet_hash_types(struct vnet *v);
/*
 * Has the device hash what it receives: with the most specific of `types` that fits a frame; 0:
 * none. The key is copied. The hash of a frame is in struct vnet_rx, from the answer on
 * (VNET_CTRL_HASH): the key may be secret, but a device is free to tell any hash at all. -EINVAL:
 * a type that the device does not have, or a key that is too long for it; -ENOMEM.
 */
int vnet_hash(struct vnet *v, uint32_t types, const uint8_t key[VNET_HASH_KEY]);

/* ---- what the configuration space says ------------------------------------------------------- */

#define VNET_SPEED_UNKNOWN UINT32_MAX

/*
 * The speed of the link in Mbit/s, or VNET_SPEED_UNKNOWN, as of now; *full: 1 full duplex, 0 half,
 * -1 unknown. Read again after link() told of a change (section 5.1.4).
 */
uint32_t vnet_speed(struct vnet *v, int *full);

#ifdef __cplusplus
}
#endif

#endif
