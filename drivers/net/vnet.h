/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet.h - network devices (virtio 1.4, section 5.1) as a protocol stack sees them.
 *
 * A client that sends and receives:
 *
 *     static void input(void *ctx, struct vnet_rx *rx)         rx->data, rx->len: the frame
 *     {
 *         struct vnet_piece piece = {frame, frame_len};        memory that devices reach
 *
 *         if (vnet_send(rx->dev, &piece, 1, 0, frame) == 0)    0: tx_done(frame) follows
 *             vnet_flush(rx->dev);
 *         vnet_rx_free(rx);
 *     }
 *     static const struct vnet_client client = {input, batch_end, tx_done, tx_room, link, NULL};
 *     ...
 *     vnet_attach(vnet_get(0), &client);
 *
 * Receive. A frame is delivered where the device wrote it, in a buffer with room in front for the
 * stack's own packet header. The buffer is the stack's until vnet_rx_free. The ring was refilled
 * before delivery, so a stack that keeps frames never shrinks the ring: when no spare buffer is
 * left, the next frame is dropped and counted, and its buffer is posted again.
 *
 * Transmit. A frame is a list of pieces that is queued without a copy. vnet_flush hands all queued
 * frames to the device: one publish and at most one kick. The memory of a frame is the device's
 * until tx_done returns the cookie.
 *
 * Recovery. A device that was reset has the same address, mtu and link state afterwards; the frames
 * that it held are lost. If no reset completed, the device may still reach its buffers, and they
 * are never used again: tx_done does not come for those frames, and those receive buffers are not
 * filled once more.
 *
 * All functions run in task context and never park. A `struct vnet` lasts as long as the image.
 */
#ifndef VIREO_VNET_H
#define VIREO_VNET_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vnet;

#define VNET_MAC_LEN    6
#define VNET_HDR_MAX    12 /* bytes of the virtio header: 12, or 10 on a legacy device */
#define VNET_TX_PIECES  8  /* longest list of pieces */
#define VNET_RX_PRIVATE 64 /* bytes of a receive buffer that are the stack's own */

/* A received frame: an Ethernet header and what follows, without the frame check sequence. */
struct vnet_rx {
    uint8_t stack[VNET_RX_PRIVATE] __attribute__((aligned(16))); /* for the stack to use freely */
    uint8_t *data;    /* the frame; the end of its 14-byte header is aligned to 4 */
    uint32_t len;     /* bytes of the frame; at least 14 */
    uint32_t room;    /* bytes from data on that the stack may write */
    struct vnet *dev; /* the device that received the frame */
};

struct vnet_piece {
    void *data;   /* memory that can be mapped for the device (hal_dma_map) */
    uint32_t len; /* bytes; never 0 */
};

/*
 * What a stack supplies; no member may be NULL. The driver calls these functions from its service,
 * tx_done and tx_room also as told below. They never park. input, batch_end, tx_room and link may
 * call vnet_send, vnet_flush and vnet_rx_free; tx_done may call vnet_rx_free only.
 */
struct vnet_client {
    /* A frame came. The stack owns rx until vnet_rx_free. */
    void (*input)(void *ctx, struct vnet_rx *rx);
    /* The frames of one batch were delivered: send what they caused, and flush. */
    void (*batch_end)(void *ctx);
    /* A frame was sent, or is dropped: its memory is the stack's again. Also called within
     * vnet_send and vnet_flush. */
    void (*tx_done)(void *ctx, void *cookie);
    /* There is room after vnet_send returned -EAGAIN. Never called within vnet_send. */
    void (*tx_room)(void *ctx);
    /* The link came up or went down. false with vnet_is_dead: the device was given up. */
    void (*link)(void *ctx, bool up);
    void *ctx; /* first argument of each */
};

struct vnet_stats {
    uint64_t rx_frames, rx_bytes; /* delivered */
    uint64_t tx_frames, tx_bytes; /* handed to the device */
    uint64_t rx_no_spare;         /* frames dropped: the stack holds all spare buffers */
    uint64_t rx_no_client;        /* frames dropped: no stack is attached */
    uint64_t rx_bad_length; /* frames dropped: shorter than a header, or longer than a frame */
    uint64_t tx_full;       /* calls of vnet_send that returned -EAGAIN */
    uint64_t tx_lost;       /* frames dropped: queued, in the ring, or sent during a reset */
    uint32_t rx_buffers;    /* receive buffers that exist */
    uint32_t rx_spare;      /* receive buffers that are spare now */
    uint32_t rx_spare_low;  /* fewest spare buffers after a batch; UINT32_MAX before the first */
    uint32_t rx_held;       /* receive buffers that the stack holds now */
};

/* The n-th network device (0..) in order of discovery; NULL past the last. */
struct vnet *vnet_get(unsigned n);

/*
 * fn is called for each network device that is found from now on, at the end of its probe: fn may
 * attach a stack to it. There is one listener; NULL removes it.
 */
void vnet_on_new(void (*fn)(struct vnet *v));

/* "vnet0". The text lasts as long as the image. */
const char *vnet_name(const struct vnet *v);

/* The address in use, VNET_MAC_LEN bytes; they never change. */
const uint8_t *vnet_mac(const struct vnet *v);

/* Bytes of the largest packet behind the Ethernet header: 68..65521. Never changes. */
unsigned vnet_mtu(const struct vnet *v);

/* Is the link up? Always true for a living device that reports no link state. */
bool vnet_link_up(const struct vnet *v);

/* Was the device given up? Then it sends and receives nothing until it is plugged in again. */
bool vnet_is_dead(const struct vnet *v);

/* Copies the counters to *out. */
void vnet_get_stats(const struct vnet *v, struct vnet_stats *out);

/*
 * Attaches the stack, for good: *client must last as long as the device. From now on frames are
 * delivered. -EBUSY: a stack is attached already.
 */
int vnet_attach(struct vnet *v, const struct vnet_client *client);

/* Gives the buffer of a delivered frame back; at any time, once for each frame. */
void vnet_rx_free(struct vnet_rx *rx);

/*
 * Does the stack hold more than half of the buffers that are not in the ring? Then it should copy
 * the frames that it keeps and give their buffers back, or bursts will find no spare buffer.
 */
bool vnet_rx_tight(const struct vnet *v);

/*
 * Queues a frame of n pieces (1..VNET_TX_PIECES), with its Ethernet header, at most mtu + 14 bytes;
 * only after vnet_attach. `headroom`: bytes in front of pieces[0].data that belong to the frame too
 * and may be overwritten; with VNET_HDR_MAX of them the frame takes a descriptor less. The array of
 * pieces is not needed after the call. `cookie`: not NULL.
 *
 * 0: the frame's memory is the device's until tx_done(cookie), which may come before the call
 * returns. While the device is being recovered, frames are taken, dropped and counted (tx_lost).
 * On an error nothing was taken, and tx_done does not come:
 * -EAGAIN: no room; tx_room tells when there is; -EMSGSIZE: the frame is too long, or has too many
 * pieces (a queue with few entries takes fewer); -EIO: the device is dead; -EFAULT: a piece is in
 * memory that the device cannot reach.
 */
int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              void *cookie);

/* Hands over the queued frames, as far as the ring has room; the driver sends the rest later. */
void vnet_flush(struct vnet *v);

/* Are frames queued that were not handed to the device yet? */
bool vnet_queued(const struct vnet *v);

#ifdef __cplusplus
}
#endif

#endif
