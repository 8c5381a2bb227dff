/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet.h - network devices (virtio 1.4, section 5.1) as a protocol stack sees them.
 *
 * A client that sends and receives:
 *
 *     static void input(void *ctx, struct vnet_rx *rx)             a frame of rx->len bytes
 *     {
 *         struct vnet_piece piece = {frame, frame_len};            memory that devices reach
 *
 *         if (vnet_send(rx->dev, &piece, 1, 0, NULL, frame) == 0)  0: tx_done(frame) follows
 *             vnet_flush(rx->dev);
 *         vnet_rx_free(rx);
 *     }
 *     static const struct vnet_client client = {input, batch_end, tx_done, tx_room, link, NULL};
 *     ...
 *     vnet_attach(vnet_get(0), &client);
 *
 * Receive. The first bytes of a frame, its headers among them, are copied to memory that no device
 * is given (`head`): what is judged there is what is used. A short frame is in there as a whole.
 * A longer one is delivered where the device wrote it (`data`), and the device may still write to
 * it: no header is read there. Frame and buffers are the stack's until vnet_rx_free. The ring
 * was refilled before delivery, so a stack that keeps frames never shrinks the ring: when no spare
 * buffer is left, the next frame is dropped and counted, and its buffer is posted again.
 *
 * Transmit. A frame is a list of pieces that is queued without a copy. vnet_flush hands all queued
 * frames to the device: one publish and at most one kick. The memory of a frame is the device's
 * until tx_done returns the cookie.
 *
 * Offloads. With vnet_offloads() the device makes or checks sums of TCP and UDP, cuts long TCP
 * segments, and joins those that it delivers; `struct vnet_meta` says of a frame which of these it
 * needs, or has had.
 *
 * Recovery. A device that was reset has the same address, mtu and offloads afterwards; the frames
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
#define VNET_HDR_MAX    20    /* bytes of the longest virtio header: with HASH_REPORT; else 12 */
#define VNET_TX_PIECES  20    /* longest list of pieces */
#define VNET_FRAME_MAX  65550 /* bytes of the longest frame: one to cut, or that was joined */
#define VNET_RX_PRIVATE 96    /* bytes of a struct vnet_rx that are the stack's own */
#define VNET_RX_HEAD    256   /* a frame of that many bytes or fewer is copied as a whole */
#define VNET_RX_COPY    128   /* bytes of a longer frame that are copied */

/*
 * What is known of a frame beside its bytes (section 5.1.6), in the byte order of the CPU. All 0:
 * nothing. Offsets count from the first byte of the Ethernet header.
 */
struct vnet_meta {
    uint8_t flags;        /* VNET_NEEDS_CSUM, VNET_CSUM_VALID */
    uint8_t gso;          /* VNET_GSO_* */
    uint16_t hdr_len;     /* of a frame to cut: bytes of all its headers, exactly; received: 0 */
    uint16_t gso_size;    /* of a frame to cut, or joined: data of each segment on the wire */
    uint16_t csum_start;  /* with VNET_NEEDS_CSUM: where what is summed begins, up to the end, */
    uint16_t csum_offset; /* and where, from there on, its field is: it holds the pseudo header's */
};
enum {
    VNET_NEEDS_CSUM = 1, /* the sum is not made yet: by the device, or of a frame that is received
                            from this machine, by nobody so far */
    VNET_CSUM_VALID = 2, /* received only: the device checked the outermost sum of TCP or UDP */
};
enum {
    VNET_GSO_NONE = 0,
    VNET_GSO_TCP4 = 1,
    VNET_GSO_TCP6 = 4,
    VNET_GSO_ECN = 0x80, /* beside one of both: the segment has CWR set */
};

/*
 * Hashes of received frames, which a device with HASH_REPORT makes of addresses, and of ports where
 * the name has TCP or UDP (section 5.1.6.4.3). EX: IPv6 with the addresses of its
 * extension headers.
 */
enum {
    VNET_HASH_IP4 = 1,
    VNET_HASH_TCP4 = 2,
    VNET_HASH_UDP4 = 4,
    VNET_HASH_IP6 = 8,
    VNET_HASH_TCP6 = 16,
    VNET_HASH_UDP6 = 32,
    VNET_HASH_IP6_EX = 64,
    VNET_HASH_TCP6_EX = 128,
    VNET_HASH_UDP6_EX = 256,
    VNET_HASH_KINDS = 9,
};
#define VNET_HASH_KEY 40 /* bytes of a key: two addresses of IPv6 and two ports, and 4 */

/*
 * A received frame: an Ethernet header and what follows, without the frame check sequence. If it
 * came in several buffers, there is one structure for each, and those behind the first have `stack`
 * to `data_len` only. The structure lies in memory that no device is given.
 */
struct vnet_rx {
    uint8_t stack[VNET_RX_PRIVATE] __attribute__((aligned(16))); /* for the stack to use freely */
    struct vnet *dev;      /* the device that received the frame */
    struct vnet_rx *next;  /* what follows, in another buffer; NULL: the end */
    uint8_t *data;         /* where the device wrote the frame; NULL: a short one, in head */
    uint32_t data_len;     /* bytes there, which the stack may write to as well */
    uint32_t len;          /* bytes of the frame, in all its buffers: 14..VNET_FRAME_MAX */
    uint16_t head_len;     /* bytes in head: len, or VNET_RX_COPY if data is not NULL */
    struct vnet_meta meta; /* checked: within the frame, and of what was negotiated */
    uint32_t hash;         /* by the device, which may lie; meaningless if hash_type is 0 */
    uint16_t hash_type __attribute__((aligned(16))); /* the VNET_HASH_* of it; 0: there is none */
    uint8_t head[VNET_RX_HEAD]; /* the frame's first bytes; their 14th ends on a multiple of 16 */
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
    uint64_t rx_no_spare;         /* frames dropped: the stack holds all that are spare */
    uint64_t rx_no_client;        /* frames dropped: no stack is attached */
    uint64_t rx_bad_length;   /* frames dropped: shorter than a header, or longer than a frame */
    uint64_t rx_bad_header;   /* frames dropped: metadata beyond them, or of nothing negotiated */
    uint64_t rx_joined;       /* frames delivered that the device had joined of several */
    uint64_t rx_merged;       /* frames delivered in several buffers */
    uint64_t tx_cut;          /* frames handed to the device to be cut */
    uint64_t tx_full;         /* calls of vnet_send that returned -EAGAIN */
    uint64_t tx_lost;         /* frames dropped: queued, in the ring, or sent during a reset */
    uint32_t rx_buffers;      /* receive buffers that exist */
    uint32_t rx_spare;        /* receive buffers that are spare now */
    uint32_t rx_spare_low;    /* fewest spare buffers after a batch; UINT32_MAX before the first */
    uint32_t rx_held;         /* receive buffers that the stack holds now */
    uint32_t rx_records;      /* struct vnet_rx that exist */
    uint32_t rx_records_held; /* struct vnet_rx that the stack holds now, of short frames too */
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

enum { /* of vnet_offloads() */
       VNET_TX_CSUM = 1,
       VNET_TX_TSO4 = 2,
       VNET_TX_TSO6 = 4,
       VNET_TX_ECN = 8, /* also for segments with CWR set */
       VNET_RX_CSUM = 16,
       VNET_RX_TSO4 = 32,
       VNET_RX_TSO6 = 64,
       VNET_RX_ECN = 128,
};

/*
 * What the device does for the stack: VNET_TX_* of frames that it is given with such metadata,
 * VNET_RX_* of frames that it delivers. No bit is set that was not negotiated.
 */
unsigned vnet_offloads(const struct vnet *v);

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

/*
 * Gives a delivered frame back, with all behind rx->next; at any time, once. A stack may cut the
 * list, and give each part back by itself.
 */
void vnet_rx_free(struct vnet_rx *rx);

/*
 * Does the stack hold more than half of the buffers that are not in the ring, or as many frames?
 * Then it should copy the frames that it keeps and give them back, or bursts will find none.
 */
bool vnet_rx_tight(const struct vnet *v);

/*
 * All receive buffers may take `bytes` of memory from now on; those that exist stay. They are made
 * as the load needs them. Before: 1 MiB, or 2 if the device joins segments, and no more buffers
 * than two rings hold. The stack knows better how much memory there is, and how much of it may wait
 * in sockets.
 */
void vnet_rx_room(struct vnet *v, size_t bytes);

/*
 * Queues a frame of n pieces (1..VNET_TX_PIECES), with its Ethernet header, at most mtu + 14 bytes,
 * or VNET_FRAME_MAX if the device is to cut it; only after vnet_attach. `headroom`: bytes in front
 * of pieces[0].data that belong to the frame too and may be overwritten; with VNET_HDR_MAX of them
 * the frame takes a descriptor less. `meta`: what the device has to do; NULL: nothing. It needs
 * VNET_HDR_MAX bytes of headroom. Neither the array of pieces nor *meta is needed after the call.
 * `cookie`: not NULL.
 *
 * 0: the frame's memory is the device's until tx_done(cookie), which may come before the call
 * returns. While the device is being recovered, frames are taken, dropped and counted (tx_lost).
 * On an error nothing was taken, and tx_done does not come:
 * -EAGAIN: no room; tx_room tells when there is; -EMSGSIZE: the frame is too long, or has too many
 * pieces (a queue with few entries takes fewer, and a device that cuts no segments 8); -EINVAL:
 * metadata beyond the frame, of an offload that is not among vnet_offloads(), or without headroom;
 * -EIO: the device is dead; -EFAULT: a piece is in memory that the device cannot reach.
 */
int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              const struct vnet_meta *meta, void *cookie);

/* Hands over the queued frames, as far as the ring has room; the driver sends the rest later. */
void vnet_flush(struct vnet *v);

/* Are frames queued that were not handed to the device yet? */
bool vnet_queued(const struct vnet *v);

#ifdef __cplusplus
}
#endif

#endif
