/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmodel.h - a scripted virtio-net device that keeps what is sent and delivers what the test
 * says, and a stack on top of the driver that records what it is called with (virtio 1.4,
 * section 5.1).
 */
#ifndef VIREO_NETMODEL_H
#define VIREO_NETMODEL_H

#include "model.h"
#include "net/vnet.h"

enum {
    NET_F_CSUM = 0,
    NET_F_GUEST_CSUM = 1,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_GUEST_TSO4 = 7,
    NET_F_GUEST_TSO6 = 8,
    NET_F_GUEST_ECN = 9,
    NET_F_HOST_TSO4 = 11,
    NET_F_HOST_TSO6 = 12,
    NET_F_HOST_ECN = 13,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_HASH_REPORT = 57,
    NET_F_GUEST_HDRLEN = 59,
};

#define NET_RING    64
#define NET_FRAMES  8192
#define NET_PACKETS 512 /* test frames with memory of their own */
#define NET_LONGEST 66000

/*
 * Section 5.1.6, little-endian. On legacy devices without MRG_RXBUF `buffers` is absent, and what
 * follows everywhere without HASH_REPORT.
 */
struct net_header {
    uint8_t flags, gso;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, buffers;
    uint32_t hash;
    uint16_t report, padding;
};

/*
 * Cases that run over every ring and transport: NAME_mmio and so on, each with its rows. A macro,
 * because of the name. net_plug_way() plugs what case_variant says.
 */
enum net_plugged { NET_MMIO, NET_MMIO_PACKED, NET_LEGACY, NET_PCI, NET_PCI_PACKED };
#define EACH_WAY(f, rows)                                                                          \
    {#f "_mmio", f, rows, NET_MMIO}, {#f "_mmio_packed", f, rows, NET_MMIO_PACKED},                \
        {#f "_mmio_legacy", f, NULL, NET_LEGACY}, {#f "_pci", f, NULL, NET_PCI},                   \
    {                                                                                              \
#f "_pci_packed", f, NULL, NET_PCI_PACKED                                                  \
    }

struct net {
    /* what the test says */
    void (*plug)(struct model *m); /* onto which bus; NULL: slot 0 of virtio-mmio */
    bool keep;                     /* the stack keeps every frame */
    unsigned mtu;                  /* of the card, where it offers one; 0: 1400 */
    const struct vnet_meta *meta;  /* of frames that are sent */
    bool hold_tx;                  /* the device leaves what is sent in the ring */
    unsigned take_most;            /* the device takes so many of them at a time; 0: all */
    bool lies; /* the device fills the headers of what it delivers with rubbish */

    struct model *m;
    struct model_queue *rx, *tx;
    struct vnet *dev;
    unsigned hdr_len;

    /* what the stack was called with */
    struct vnet_rx *kept[NET_FRAMES];
    unsigned kept_count, inputs, batch_ends, room_calls, link_calls, tx_done;
    bool link_up;
    uint32_t last_len, last_hash, last_hash_type;
    unsigned last_parts; /* buffers that it came in */
    struct vnet_meta last_meta;
    uint8_t last_frame[NET_LONGEST];
    unsigned char frame_state[NET_FRAMES]; /* of frames to send: 1 with the driver, 2 done */

    /* frames that the device saw, in order */
    uint8_t wire[NET_FRAMES][1600];
    uint32_t wire_len[NET_FRAMES];
    unsigned wire_segs[NET_FRAMES]; /* descriptors that each came in */
    unsigned fill; /* bytes used of a receive buffer behind a frame's first; 0: all */
    struct net_header wire_header;  /* of the last one */
    uint8_t wire_last[NET_LONGEST]; /* the last one */
    unsigned wire_count;
};
extern struct net net;

/* The device at slot 0. MAC 52:54:00:12:34:56, link up, MTU 1400, as far as those are offered. */
void net_plug(enum model_transport t, const unsigned *bits, unsigned n);
/* As net_plug, on the ring and transport of case_variant; with MAC and STATUS. */
void net_plug_way(const unsigned *more, unsigned n);
void net_boot(void); /* and attaches the stack */
/* MAC and STATUS, and perhaps EVENT_IDX and INDIRECT_DESC; booted. */
void net_boot_plain(enum model_transport t);
/* The device takes everything that was sent, unless hold_tx; also what a kick does. */
void net_serve_tx(struct model *model, struct model_queue *q);

/* The bits of sums, segments and mergeable buffers. */
#define NET_OFFLOADS 9
extern const unsigned net_offloads[NET_OFFLOADS];
enum { NET_EVERYTHING = 255 }; /* vnet_offloads() of all of them */
/*
 * As net_plug_way and net_boot with all of these but `without`, ANY_LAYOUT on a legacy device, and
 * `more`; -1: none.
 */
void net_boot_offloads(int without, int more);
/* Nothing is lost: receive buffers are spare, with the stack or in the ring. */
void net_check_buffers(void);
extern uint8_t net_frame[NET_LONGEST]; /* some bytes for frames, after net_boot_offloads */

/* Puts a frame into the next receive buffer; `say` is the length that the device claims. */
void net_deliver(const void *frame, uint32_t len, uint32_t say);
void net_deliver_good(unsigned seed, uint32_t len);
/*
 * Puts a frame behind a header into as many receive buffers as it takes, and does not publish them.
 * Returns how many; that is what the header tells, if h->buffers is 0.
 */
unsigned net_deliver_behind(const struct net_header *h, const void *frame, uint32_t len);
/* Sends n frames of random lengths, one after the other: each arrives as it was sent. */
void net_check_receive(unsigned count);

/* Sends the n-th test frame in `pieces` pieces. Returns the result of vnet_send. */
int net_send(unsigned n, unsigned headroom, unsigned pieces, uint32_t len);
/* The at-th frame on the wire is the n-th test frame. */
void net_check_wire(unsigned at, unsigned n, uint32_t len);

#endif
