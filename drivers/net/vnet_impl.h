/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_impl.h - the inside of the network driver, shared by its source files.
 */
#ifndef VIREO_VNET_IMPL_H
#define VIREO_VNET_IMPL_H

#include "net/vnet.h"
#include "virtio/virtio.h"

#define VNET_ETH_HLEN    14
#define VNET_RING        256           /* entries wanted of each ring */
#define VNET_BATCH       64            /* frames received in one run of the service */
#define VNET_RX_FIRST    (150u << 10)  /* bytes of buffers at probe; the load adds more */
#define VNET_RX_GROW     32            /* buffers added at a time */
#define VNET_RX_BYTES    (1u << 20)    /* upper bound of all receive buffers, as long as no */
#define VNET_RX_JOINED   (2u << 20)    /* stack has another; and if the device joins segments */
#define VNET_RX_COUNT    8192          /* buffers, whatever a stack allows */
#define VNET_RX_PAGE     4096          /* bytes of a buffer, if a frame may take several */
#define VNET_RX_RETRY    (10 * HAL_MS) /* between tries to map what could not be mapped */
#define VNET_TX_PENDING  64            /* frames queued between two flushes */
#define VNET_TX_FEW      8             /* most pieces of a frame, if the device cuts none */
#define VNET_TX_REAP     32            /* completions reaped at a time */
#define VNET_TX_NEAR     (16u << 20)   /* bytes around a frame that one bus address may stand for */
#define VNET_TX_RECLAIM  (10 * HAL_MS) /* completions are reaped at least this often */
#define VNET_TX_TIMEOUT  5000          /* default of timeout_ms: ms without a completion */
#define VNET_TX_PATIENCE (40 * HAL_SEC) /* upper bound of the doubled timeout */
#define VNET_TX_LOOK     (100 * HAL_MS) /* upper bound of the time counted between two looks */
#define VNET_TX_MARK     (10 * HAL_MS)  /* with frames out, before they are marked */

/* Section 5.1.2 */
enum { VIRTIO_NET_Q_RX = 0, VIRTIO_NET_Q_TX = 1, VIRTIO_NET_Q_CTRL = 2 };

/* Section 5.1.3 */
enum {
    VIRTIO_NET_F_CSUM = 0,
    VIRTIO_NET_F_GUEST_CSUM = 1,
    VIRTIO_NET_F_MTU = 3,
    VIRTIO_NET_F_MAC = 5,
    VIRTIO_NET_F_GUEST_TSO4 = 7,
    VIRTIO_NET_F_GUEST_TSO6 = 8,
    VIRTIO_NET_F_GUEST_ECN = 9,
    VIRTIO_NET_F_HOST_TSO4 = 11,
    VIRTIO_NET_F_HOST_TSO6 = 12,
    VIRTIO_NET_F_HOST_ECN = 13,
    VIRTIO_NET_F_MRG_RXBUF = 15,
    VIRTIO_NET_F_STATUS = 16,
    VIRTIO_NET_F_GUEST_HDRLEN = 59,
};
/* Of the control queue (vnet_ctrl.h) */
enum {
    VIRTIO_NET_F_CTRL_GUEST_OFFLOADS = 2,
    VIRTIO_NET_F_CTRL_VQ = 17,
    VIRTIO_NET_F_CTRL_RX = 18,
    VIRTIO_NET_F_CTRL_VLAN = 19,
    VIRTIO_NET_F_CTRL_RX_EXTRA = 20,
    VIRTIO_NET_F_GUEST_ANNOUNCE = 21,
    VIRTIO_NET_F_CTRL_MAC_ADDR = 23,
    VIRTIO_NET_F_NOTF_COAL = 53,
    VIRTIO_NET_F_HASH_REPORT = 57,
    VIRTIO_NET_F_SPEED_DUPLEX = 63,
};

/* Section 5.1.4: offsets of the fields in the config space */
enum { VIRTIO_NET_CFG_MAC = 0, VIRTIO_NET_CFG_STATUS = 6, VIRTIO_NET_CFG_MTU = 10 };
enum { VIRTIO_NET_CFG_SPEED = 12, VIRTIO_NET_CFG_DUPLEX = 16 };
enum { VIRTIO_NET_CFG_HASH_KEY = 17, VIRTIO_NET_CFG_HASH_TYPES = 20 };
enum { VIRTIO_NET_S_LINK_UP = 1, VIRTIO_NET_S_ANNOUNCE = 2 };

/*
 * Section 5.1.6: struct virtio_net_hdr. Without offloads every field is 0 on transmit, and no field
 * is used on receive. Legacy devices leave out num_buffers, but with MRG_RXBUF.
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
enum {
    VIRTIO_NET_HDR_F_NEEDS_CSUM = 1,
    VIRTIO_NET_HDR_F_DATA_VALID = 2,
    VIRTIO_NET_HDR_F_RSC_INFO = 4,
};
/* With HASH_REPORT every header is longer; what is behind it has a meaning on receive only. */
struct virtio_net_hdr_hash {
    struct virtio_net_hdr plain;
    uint32_t hash_value;
    uint16_t hash_report; /* 0: there is none; else 1 and the number of a bit of VNET_HASH_* */
    uint16_t padding;
};
_Static_assert(sizeof(struct virtio_net_hdr_hash) == VNET_HDR_MAX, "header of section 5.1.6");
_Static_assert(sizeof(struct vnet_meta) == offsetof(struct virtio_net_hdr, num_buffers) &&
                   offsetof(struct vnet_meta, csum_offset) ==
                       offsetof(struct virtio_net_hdr, csum_offset),
               "metadata is the header without its last field");

/* A receive buffer: its memory is the device's, or holds a part of a frame. */
struct vnet_buf {
    struct vnet_buf *next_spare; /* while the buffer is spare */
    uint8_t *frame;              /* where a frame begins, behind the virtio header */
    struct virtq_seg segs[2];    /* of header and frame, ready for the ring */
};

/* A piece of memory for several buffers or records; they are never freed. */
struct vnet_slab {
    struct vnet_slab *next;
    void *memory[] __attribute__((aligned(16)));
};

/* What the stack is given, or spare. */
struct vnet_record {
    struct vnet_rx rx;              /* first: the stack sees only this member */
    struct vnet_record *next_spare; /* while the record is spare */
    struct vnet_buf *buf;           /* of rx.data; NULL: the frame was copied */
};
_Static_assert((offsetof(struct vnet_rx, head) + VNET_ETH_HLEN) % 16 == 0, "alignment of headers");

/* The mappings of a frame from vnet_send to its end, where HAL_DMA_MAPS is 1. */
struct vnet_map {
    struct vnet_map *next; /* while the record is free */
    void *cookie;          /* of the frame */
    unsigned count;
    struct virtq_seg *range; /* room for tx_pieces */
};

struct vnet {
    /* transmit: what each frame needs */
    struct virtq_request *tx_next;  /* describes the next one */
    struct virtq_request *tx_first; /* the oldest that is queued; tx_next: none is */
    uintptr_t near;   /* what begins in [near, near + near_span) is at near_offset more on the */
    size_t near_span; /* bus, and contiguous: frames of frame_max bytes with their headers */
    uint64_t near_offset;
    uint32_t frame_max;   /* mtu + 14 */
    unsigned tx_headroom; /* with so much a frame of one piece needs no further look, */
    unsigned tx_sums;     /* nor one that needs a sum, with such flags and gso << 8 */

    struct virtio_device *dev;
    struct virtq *rxq, *txq;
    const struct vnet_client *client;
    bool dead;
    bool quarantine; /* the device may still reach its buffers: they are never used again */
    bool link_up;
    bool one_seg;      /* header and frame may share a descriptor (sections 5.1.6.1, 2.7.4) */
    bool mergeable;    /* a frame may take several buffers */
    bool rx_keeps;     /* the buffer of a short frame stays in the ring, and is posted again */
    bool headers;      /* received headers have a meaning, of a sum or of joined segments */
    bool hashes;       /* received headers are asked for a hash: vnet_hash was called */
    bool tx_up;        /* false: frames are dropped; refused if the device is dead */
    bool tx_blocked;   /* vnet_send returned -EAGAIN: tx_room is owed */
    bool tx_scheduled; /* the service has been asked to run for the next reclaim */
    uint16_t mtu;
    uint8_t mac[VNET_MAC_LEN];      /* in use */
    uint8_t mac_told[VNET_MAC_LEN]; /* in the device's config space, unicast or not */
    unsigned hdr_len;               /* bytes of the virtio header: 10, 12 or 20 */
    unsigned offloads;              /* as vnet_offloads() says: switched on now */
    unsigned negotiated;            /* the same: what frames may have that are received */
    uint32_t hash_types;            /* VNET_HASH_*: that the device has taken */

    /* receive */
    struct vnet_slab *slabs; /* private memory of all buffers and records */
    struct vnet_buf *spare;
    struct vnet_record *spare_records;
    unsigned spare_count, buf_count, buf_limit;
    unsigned record_count; /* that exist */
    unsigned posted;       /* buffers in the ring, */
    unsigned rx_target;    /* and how many should be */
    unsigned held;         /* buffers with the stack */
    unsigned records_held; /* with the stack */
    uint32_t buf_room;     /* bytes of a frame in a buffer */
    uint32_t plain_max;    /* bytes of the longest frame that was not joined */
    unsigned merge_left;   /* buffers of a frame that are still to come */
    struct vnet_record *merge_first, *merge_last; /* what came; NULL: the frame is dropped */
    uint64_t grow_after; /* 0, or when memory may be asked for again: it was short */
    unsigned rx_more;    /* of rx_requests: buffers to post that are not in the ring already */
    struct virtq_request rx_requests[VNET_BATCH];
    struct virtq_done done[VNET_BATCH];
    struct vnet_rx *deliver[VNET_BATCH];
    struct vnet_rx *finished; /* by vnet_rx_take(): the frame that is complete; NULL: none is */
    uint16_t rx_segs;         /* of a buffer */

    /* transmit: frames queued since the last flush */
    unsigned tx_pieces;                                    /* most pieces of a frame */
    struct virtq_request tx_requests[VNET_TX_PENDING + 1]; /* of the last, segs is NULL */
    struct virtq_done tx_done[VNET_TX_REAP];
    struct virtq_seg *tx_segs; /* tx_pieces and one for the header, of each frame */
    void *tx_hdr;              /* one header of zeroes for all frames without headroom */
    uint64_t tx_hdr_dma;
    uint64_t tx_timeout_ns;  /* timeout_ms */
    uint64_t tx_patience_ns; /* the same, doubled after each futile reset */
    uint64_t tx_looked_ns;   /* when vnet_tx_watch last looked; 0: the queue was empty then */
    uint64_t tx_completed;   /* completions of the queue at that time */
    uint64_t tx_quiet_ns;    /* time without a completion */
    uint64_t tx_busy_ns;     /* time that the queue has not been empty: see vnet_tx_withheld */
    uint64_t tx_overtaken;   /* completions after which all of those would be back, in order */
    size_t near_next;        /* bytes that are looked at for that next time; 0: no more */

    /* control queue (vnet_ctrl_impl.h): NULL, both, without CTRL_VQ */
    struct virtq *ctrlq;
    struct vnet_ctrl *ctrl; /* NULL also if the queue cannot be used */
    bool ctrl_pending;      /* a command is to be sent, or with the device */

    struct vnet_stats stats;
    struct vnet *next;
    struct vnet_map *tx_map_records; /* where HAL_DMA_MAPS is 1 */
    struct virtq_seg *tx_map_ranges; /* of all records */
    struct vnet_map *tx_maps;        /* records that are free */
};

/* Is there no room behind the frames that are queued? */
static inline bool vnet_tx_full(const struct vnet *v)
{
    return !v->tx_next->segs;
}

/* A field of a received header, loaded once; and where those are that each frame is asked for. */
static inline uint16_t vnet_rx_field(const uint8_t *header, size_t off)
{
    return hal_shared_load16((const uint16_t *)(header + off));
}
#define VNET_HDR_KIND    offsetof(struct virtio_net_hdr, flags) /* and gso_type */
#define VNET_HDR_BUFFERS offsetof(struct virtio_net_hdr, num_buffers)

/* Offset of the frame in the memory of a buffer: the end of its 14-byte header is aligned to 16. */
static inline unsigned vnet_frame_offset(const struct vnet *v)
{
    return ((v->hdr_len + VNET_ETH_HLEN + 15) & ~15u) - VNET_ETH_HLEN;
}

static inline void vnet_rx_push_spare(struct vnet *v, struct vnet_buf *b)
{
    b->next_spare = v->spare;
    v->spare = b;
    v->spare_count++;
}

static inline struct vnet_buf *vnet_rx_pop_spare(struct vnet *v)
{
    struct vnet_buf *b = v->spare;

    if (!b)
        return NULL;
    v->spare = b->next_spare;
    v->spare_count--;
    return b;
}

/* A record that is spare has no data, no buffer and nothing behind it. */
static inline void vnet_rx_push_record(struct vnet *v, struct vnet_record *r)
{
    r->next_spare = v->spare_records;
    v->spare_records = r;
    v->records_held--;
}

/* vnet_rx_frame.c */
/* Takes what a used buffer holds; returns the buffer to post. Sets v->finished. */
struct vnet_buf *vnet_rx_take(struct vnet *v, const struct virtq_done *d);
void vnet_rx_drop_merged(struct vnet *v); /* drops the frame of which buffers are still to come */

/* vnet_rx_buf.c */
int vnet_rx_setup(struct vnet *v);    /* in probe: sizes, and the first buffers; -ENOMEM */
void vnet_rx_cleanup(struct vnet *v); /* probe failed: frees what private memory there is */
/* Makes buffers and records until `need` of each are spare, as far as limit and memory allow. */
void vnet_rx_grow_for(struct vnet *v, unsigned need);
/* So many buffers exist. The ring should hold two thirds; the others replace those of a batch. */
void vnet_rx_have(struct vnet *v, unsigned count);
static inline bool vnet_rx_short_of(const struct vnet *v, unsigned need)
{
    return v->spare_count < need || v->record_count - v->records_held < need;
}

/* vnet_rx.c */
void vnet_rx_post(struct vnet *v);    /* posts spare buffers; after virtio_start */
bool vnet_rx_service(struct vnet *v); /* reaps, refills, delivers a batch; true: there was one */
void vnet_rx_lost(struct vnet *v);    /* the ring is empty after a reset: its buffers are spare */
void vnet_rx_back(struct vnet *v);    /* the queue works again: posts buffers */
bool vnet_rx_starves(struct vnet *v); /* posts what could not be mapped; true: not all of it */

/* vnet_tx.c */
/* A frame that the device no longer has, or never had, is the stack's again. */
void vnet_tx_ended(struct vnet *v, void *cookie);
bool vnet_tx_reap(struct vnet *v);     /* hands cookies back; true: there were some */
void vnet_tx_room(struct vnet *v);     /* calls tx_room if that is owed; from the service only */
void vnet_tx_schedule(struct vnet *v); /* asks for the service in time for the next reclaim */

/* vnet_tx_watch.c */
int vnet_tx_setup(struct vnet *v);        /* in probe: what frames need; -ENOMEM */
void vnet_tx_up(struct vnet *v, bool up); /* frames are handed over from now on, or not */
void vnet_tx_cleanup(struct vnet *v);     /* probe failed: frees that */
/* Not all of the queued frames were taken, or there was an error. True: try again. */
bool vnet_tx_some_taken(struct vnet *v, int taken);
bool vnet_tx_close_up(struct vnet *v); /* is there room for a frame in the queue, or made now? */
void vnet_tx_watch(struct vnet *v);    /* checks the timeout; after vnet_tx_reap */
void vnet_tx_lost(struct vnet *v);     /* the ring is empty after a reset: its frames are dropped */
void vnet_tx_back(struct vnet *v);     /* the queue works again */

/* vnet_ctrl.c */
int vnet_ctrl_setup(struct vnet *v);     /* in probe, after the queues; -ENOMEM */
void vnet_ctrl_free(struct vnet *v);     /* after a probe that failed */
bool vnet_ctrl_service(struct vnet *v);  /* while ctrl_pending; true: there were answers */
void vnet_ctrl_announce(struct vnet *v); /* the device asks for an announcement */
void vnet_ctrl_lost(struct vnet *v);     /* the queue was reset */
void vnet_ctrl_plugged(struct vnet *v);  /* the device is back after it was given up */
void vnet_ctrl_back(struct vnet *v);     /* the queue works again */

/* vnet_map.c: what HAL_DMA_MAPS 0 leaves out */
int vnet_map_setup(struct vnet *v); /* in probe: records for all frames that can be out; -ENOMEM */
/* Maps a buffer that is to be posted, and fills in its segments. False: not possible now. */
bool vnet_map_buf(struct vnet *v, struct vnet_buf *b);
void vnet_unmap_buf(struct vnet *v, struct vnet_buf *b);
/* Puts n mapped segments and the cookie of their frame into a record, which it returns. */
void *vnet_map_keep(struct vnet *v, const struct virtq_seg *segs, unsigned n, void *cookie);
/* Ends the mappings of a record, or not (`quarantine`), and gives the frame's cookie. */
void *vnet_map_end(struct vnet *v, struct vnet_map *map, bool quarantine);
/* Ends the mappings of n segments that no record has. */
void vnet_map_undo(const struct virtq_seg *segs, unsigned n);

#endif
