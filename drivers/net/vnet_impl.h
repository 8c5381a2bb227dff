/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_impl.h - the inside of the network driver, shared by its source files.
 */
#ifndef VIREO_VNET_IMPL_H
#define VIREO_VNET_IMPL_H

#include "net/vnet.h"
#include "virtio/virtio.h"

#define VNET_ETH_HLEN    14
#define VNET_RING        256        /* entries wanted of each ring */
#define VNET_BATCH       64         /* frames a service run */
#define VNET_RX_FIRST    64         /* buffers posted at probe; more come with the load */
#define VNET_RX_GROW     32         /* buffers added at a time */
#define VNET_RX_BYTES    (1u << 20) /* limit of receive memory */
#define VNET_TX_PENDING  64         /* frames queued between two flushes */
#define VNET_TX_RECLAIM  (10 * HAL_MS)
#define VNET_TX_TIMEOUT  5000           /* ms without a completion, if no boot argument says else */
#define VNET_TX_PATIENCE (40 * HAL_SEC) /* the longest that resets in vain make of it */
#define VNET_TX_LOOK     (100 * HAL_MS) /* what one look counts for at most, however long ago */

/* Section 5.1.2 */
enum { VIRTIO_NET_Q_RX = 0, VIRTIO_NET_Q_TX = 1 };

/* Section 5.1.3 */
enum { VIRTIO_NET_F_MTU = 3, VIRTIO_NET_F_MAC = 5, VIRTIO_NET_F_STATUS = 16 };

/* Section 5.1.4: where the fields of the configuration space lie */
enum { VIRTIO_NET_CFG_MAC = 0, VIRTIO_NET_CFG_STATUS = 6, VIRTIO_NET_CFG_MTU = 10 };
enum { VIRTIO_NET_S_LINK_UP = 1 };

/*
 * Section 5.1.6: struct virtio_net_hdr. Without offloads every field is 0 on transmit, and nothing
 * in it may be used on receive. Legacy devices leave out num_buffers.
 */
struct virtio_net_hdr {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HDR_MAX, "header of section 5.1.6");

/* A receive buffer: the driver's part, the stack's part, then the header and the frame. */
struct vnet_buf {
    struct vnet_rx rx; /* first: the stack sees only this */
    struct vnet_buf *next_spare;
    struct virtq_seg segs[2]; /* ready for the ring */
};
/* Offset of the frame in a buffer: the IP header behind its 14 bytes lies on a multiple of 4. */
#define VNET_FRAME_OFFSET                                                                          \
    (((sizeof(struct vnet_buf) + VNET_HDR_MAX + VNET_ETH_HLEN + 15) & ~(size_t)15) - VNET_ETH_HLEN)

struct vnet_pending {
    struct virtq_seg segs[VNET_TX_PIECES + 1];
    uint32_t bytes;
};

struct vnet {
    struct virtio_device *dev;
    struct virtq *rxq, *txq;
    const struct vnet_client *client;
    bool dead;
    bool quarantine; /* the device may still write: what it had is never used again */
    bool link_up;
    bool one_seg; /* header and frame may share a descriptor (section 5.1.6.1, 2.7.4) */
    bool tx_up; /* the queue takes frames; else they are dropped, or refused when the device died */
    bool tx_drain;     /* frames are held back until all that are out have come back */
    bool tx_blocked;   /* vnet_send had to refuse */
    bool tx_scheduled; /* the next reclaim has its time */
    uint16_t mtu;
    uint8_t mac[VNET_MAC_LEN];
    uint8_t mac_told[VNET_MAC_LEN]; /* by the device, whether it can be used or not */
    unsigned hdr_len;
    uint32_t frame_max; /* mtu + 14 */

    /* receive */
    struct vnet_buf *spare;
    unsigned spare_count, buf_count, buf_limit;
    unsigned posted;
    unsigned held; /* with the stack */
    size_t buf_stride;
    uint64_t grow_after; /* memory was short: no new attempt before */
    struct virtq_request rx_requests[VNET_BATCH];
    struct virtq_done done[VNET_BATCH];
    struct vnet_buf *deliver[VNET_BATCH];

    /* transmit: frames queued since the last flush */
    unsigned tx_first, tx_count;
    struct virtq_request tx_requests[VNET_TX_PENDING];
    struct vnet_pending tx_pending[VNET_TX_PENDING];
    void *tx_hdr; /* one zero header for every frame without headroom */
    uint64_t tx_hdr_dma;
    /* The deadline: what the last look at the queue found, and how long it has been so. */
    uint64_t tx_timeout_ns, tx_patience_ns, tx_looked_ns, tx_completed;
    uint64_t tx_quiet_ns; /* without a completion */
    uint64_t tx_busy_ns;  /* never empty */

    struct vnet_stats stats;
    struct vnet *next;
};

/* vnet_rx.c */
int vnet_rx_setup(struct vnet *v);    /* sizes, and the first buffers; -ENOMEM */
void vnet_rx_post(struct vnet *v);    /* posts spare buffers; after virtio_start */
bool vnet_rx_service(struct vnet *v); /* reaps, refills, delivers a batch */
void vnet_rx_lost(struct vnet *v);    /* the queue let go of its buffers: they are spare again */
void vnet_rx_back(struct vnet *v);    /* it works again */

/* vnet_tx.c */
int vnet_tx_setup(struct vnet *v);
bool vnet_tx_reap(struct vnet *v);     /* hands cookies back; true if there were any */
void vnet_tx_room(struct vnet *v);     /* tells a stack that was refused; from the service only */
void vnet_tx_schedule(struct vnet *v); /* has the next reclaim happen in time */
void vnet_tx_watch(struct vnet *v);    /* the deadline; after a reap */
void vnet_tx_lost(struct vnet *v);     /* the queue let go of its frames: they are dropped */
void vnet_tx_back(struct vnet *v);     /* it works again */

#endif
