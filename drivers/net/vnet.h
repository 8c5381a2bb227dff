/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet.h - network devices (virtio 1.4, section 5.1) as a protocol stack sees them.
 *
 * Receive: a frame is delivered where the device wrote it, in a buffer with room in front for the
 * stack's own packet header. The buffer belongs to the stack until vnet_rx_free. The ring was
 * refilled before delivery, so a stack that holds on to frames never shrinks it: when no spare
 * buffer is left the next frame is dropped, counted, and its buffer posted again.
 *
 * Transmit: a frame is a gather list that is queued without a copy, and sent by vnet_flush: one
 * publish and at most one kick for all that were queued. Its memory belongs to the device until
 * tx_done hands the cookie back.
 *
 * Recovery. A device that is reset is the same afterwards (address, mtu, link state), frames that
 * it held are lost. If no reset completed, what it could still reach is never used again: neither
 * does tx_done come for those frames, nor are those receive buffers filled once more.
 *
 * All functions run in task context and never park.
 */
#ifndef VIREO_VNET_H
#define VIREO_VNET_H

#include "hal.h"

struct vnet;

#define VNET_MAC_LEN    6
#define VNET_HDR_MAX    12 /* bytes of headroom that spare a descriptor (vnet_hdr_len) */
#define VNET_TX_PIECES  8  /* longest gather list */
#define VNET_RX_PRIVATE 64 /* bytes of a receive buffer that are the stack's own */

/* A received frame: an Ethernet header and what follows, without the frame check sequence. */
struct vnet_rx {
    uint8_t stack[VNET_RX_PRIVATE] __attribute__((aligned(16))); /* for the stack to use freely */
    uint8_t *data; /* the frame; its 14-byte header ends on a multiple of 4 */
    uint32_t len;  /* bytes of it; at least 14 */
    uint32_t room; /* bytes that may be written at data */
    struct vnet *dev;
};

struct vnet_piece {
    void *data;
    uint32_t len; /* never 0 */
};

/* What a stack supplies. Called from the driver's service, or below vnet_send and vnet_flush. */
struct vnet_client {
    /* A frame. The stack owns rx from now on. */
    void (*input)(void *ctx, struct vnet_rx *rx);
    /* The frames of one batch were delivered: the time to send what they caused. */
    void (*batch_end)(void *ctx);
    /* A frame left, or never will (the device was reset or died). */
    void (*tx_done)(void *ctx, void *cookie);
    /* There is room again after vnet_send had said -EAGAIN. Never called below vnet_send. */
    void (*tx_room)(void *ctx);
    /* The link came up or went down; down, and vnet_is_dead, when the device was given up. */
    void (*link)(void *ctx, bool up);
    void *ctx;
};

struct vnet_stats {
    uint64_t rx_frames, rx_bytes; /* delivered */
    uint64_t tx_frames, tx_bytes; /* handed to the device */
    uint64_t rx_no_spare;         /* dropped: the stack holds all spare buffers */
    uint64_t rx_no_client;        /* dropped: nobody listens */
    uint64_t rx_bad_length;       /* dropped: shorter than a header, or longer than a frame */
    uint64_t tx_full;             /* refused: the ring was full */
    uint64_t tx_lost;             /* queued or in the ring when a reset came, or sent meanwhile */
    uint32_t rx_buffers;          /* receive buffers that exist */
    uint32_t rx_spare;            /* of them, free now */
    uint32_t rx_spare_low;        /* the least that were free after a batch was refilled */
    uint32_t rx_held;             /* with the stack now */
};

/* The n-th network device in order of discovery; NULL past the last. */
struct vnet *vnet_get(unsigned n);
/* From now on fn is called for each one that is plugged in. One listener; NULL: none. */
void vnet_on_new(void (*fn)(struct vnet *v));

const char *vnet_name(const struct vnet *v);
const uint8_t *vnet_mac(const struct vnet *v);
/* Largest packet behind the Ethernet header, in bytes; 68..65521. */
unsigned vnet_mtu(const struct vnet *v);
bool vnet_link_up(const struct vnet *v);
/* Given up: it sends and receives nothing unless it is plugged in again. */
bool vnet_is_dead(const struct vnet *v);
void vnet_get_stats(const struct vnet *v, struct vnet_stats *out);

/* Attaches the stack (one a device). The client must outlive the device. -EBUSY: there is one. */
int vnet_attach(struct vnet *v, const struct vnet_client *client);

/* Gives a frame's buffer back. */
void vnet_rx_free(struct vnet_rx *rx);
/*
 * The stack holds so many buffers that bursts may soon find none: it copies what it means to keep,
 * and gives the buffer back.
 */
bool vnet_rx_tight(const struct vnet *v);

/* Bytes of header that go before each frame: 10 or 12. */
unsigned vnet_hdr_len(const struct vnet *v);

/*
 * Queues a frame of n pieces (1..VNET_TX_PIECES). headroom: bytes before pieces[0].data that belong
 * to the frame too and may be overwritten; with vnet_hdr_len() of them the frame takes a descriptor
 * less. On 0 the memory is the device's until tx_done(cookie), which may come before this returns;
 * cookie must not be NULL. While the device is being recovered, frames are taken, dropped, and
 * counted: what is repeated then, as TCP does, goes through later.
 * -EAGAIN: no room, tx_room will tell when; -EMSGSIZE: longer than mtu + 14, or too many pieces (a
 * short queue takes fewer);
 * -EIO: the device is dead; -EFAULT: memory that the device cannot reach.
 */
int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              void *cookie);

/* Hands what is queued to the device. */
void vnet_flush(struct vnet *v);
/* Anything queued and not flushed? */
bool vnet_queued(const struct vnet *v);

#endif
