/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netctrl.h - the control queue of the device of netmodel.h: it judges each command, does it, and
 * remembers what state it is in (virtio 1.4, section 5.1.6.5).
 */
#ifndef VIREO_NETCTRL_H
#define VIREO_NETCTRL_H

#include "net/vnet_ctrl.h"
#include "netmodel.h"

enum {
    NET_F_GUEST_OFFLOADS = 2,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_VLAN = 19,
    NET_F_CTRL_RX_EXTRA = 20,
    NET_F_GUEST_ANNOUNCE = 21,
    NET_F_CTRL_MAC_ADDR = 23,
    NET_F_NOTF_COAL = 53,
    NET_F_SPEED_DUPLEX = 63,
};

#define NETCTRL_ADDRESSES 128
#define NETCTRL_ALL       6 /* modes of enum vnet_mode */

struct netctrl {
    /* what the test says */
    bool hold;       /* commands stay in the ring */
    int refuse;      /* class * 256 + command, which is answered with `answer`; -1: none */
    uint8_t answer;  /* 1, or garbage */
    unsigned groups; /* that the stack has joined */

    struct model_queue *q;
    unsigned commands; /* since the start */
    unsigned last;     /* class * 256 + command */
    unsigned kicks;

    /* the device, as a reset leaves it */
    bool mode[NETCTRL_ALL]; /* promiscuous at first */
    unsigned tables;        /* commands that set both tables */
    unsigned uni, multi;
    uint8_t uni_mac[NETCTRL_ADDRESSES][6], multi_mac[NETCTRL_ADDRESSES][6];
    uint8_t mac[6];
    bool vlan[4096];
    unsigned vlans;
    unsigned announced;
    uint64_t offloads;
    uint32_t coalesce[2][2]; /* of TX_SET and RX_SET: usecs, packets */
    uint32_t hash_types;
    uint8_t hash_key[40];

    /* the stack */
    unsigned announcements, addresses;
};
extern struct netctrl netctrl;

/* The queue of a device that is about to be plugged in (net_plug does it). */
void netctrl_init(void);
/* The device does what it was told; also what a kick does. */
void netctrl_serve(void);
/* Attaches a stack with `netctrl.groups` groups to the control queue. */
void netctrl_attach(void);
#define NETCTRL_EVERY 8 /* the last two are of the ring, and may be left out */
extern const unsigned netctrl_every[NETCTRL_EVERY]; /* all that a queue of commands is for */
extern struct virtio_device *netctrl_dev;           /* of netctrl_boot() */
/* A card of case_variant that offers these beside its address and status. */
void netctrl_boot(const unsigned *more, unsigned n);
/* With everything offered, and a stack of three groups, which is told. */
void netctrl_boot_attached(void);
/* The device answers all that it may, within a millisecond. */
void netctrl_settle(void);
/* The device asks for a reset, and comes back. */
void netctrl_ask_for_reset(void);
/* The device's table has its own address, and these groups. */
void netctrl_check_table(unsigned groups);
/* The same, all is answered, and the device passes nothing else. */
void netctrl_check_filters(unsigned groups);
/* Frames go both ways. */
void netctrl_check_traffic(void);

/* The n-th group of the stack. */
void netctrl_group(unsigned n, uint8_t mac[6]);

#endif
