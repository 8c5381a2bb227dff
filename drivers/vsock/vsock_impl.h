/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_impl.h - the inside of the socket device's driver, shared by its source files.
 */
#ifndef VIREO_VSOCK_IMPL_H
#define VIREO_VSOCK_IMPL_H

#include "virtio/virtio.h"
#include "vsock/vsock.h"

#define VSOCK_RING          64            /* entries wanted of rx and tx */
#define VSOCK_EVENTS        8             /* buffers of the event queue */
#define VSOCK_BUF           4096          /* bytes of a buffer, the driver's part included */
#define VSOCK_REPLIES       128           /* resets that may wait for room in the transmit queue */
#define VSOCK_BUCKETS       64            /* of the table of connections */
#define VSOCK_CLOSE_TIMEOUT (8 * HAL_SEC) /* for the peer's last reset (section 5.10.6.6) */

/* Sections 5.10.1 to 5.10.4 */
enum { VIRTIO_VSOCK_Q_RX = 0, VIRTIO_VSOCK_Q_TX = 1, VIRTIO_VSOCK_Q_EVENT = 2 };
enum { VIRTIO_VSOCK_F_STREAM = 0, VIRTIO_VSOCK_F_NO_IMPLIED_STREAM = 2 };
enum { VIRTIO_VSOCK_CFG_GUEST_CID = 0 };

/* Section 5.10.6 */
enum {
    VIRTIO_VSOCK_OP_REQUEST = 1,
    VIRTIO_VSOCK_OP_RESPONSE = 2,
    VIRTIO_VSOCK_OP_RST = 3,
    VIRTIO_VSOCK_OP_SHUTDOWN = 4,
    VIRTIO_VSOCK_OP_RW = 5,
    VIRTIO_VSOCK_OP_CREDIT_UPDATE = 6,
    VIRTIO_VSOCK_OP_CREDIT_REQUEST = 7,
};
enum { VIRTIO_VSOCK_TYPE_STREAM = 1 };
enum { VIRTIO_VSOCK_EVENT_TRANSPORT_RESET = 0 };
enum { VSOCK_SHUT_BOTH = VSOCK_SHUT_RECEIVE | VSOCK_SHUT_SEND };

/* Little-endian, like every CPU that the drivers are built for. Upper halves of a CID are 0. */
struct virtio_vsock_hdr {
    uint32_t src_cid, src_cid_high;
    uint32_t dst_cid, dst_cid_high;
    uint32_t src_port, dst_port;
    uint32_t len;
    uint16_t type, op;
    uint32_t flags;
    uint32_t buf_alloc, fwd_cnt;
};
_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "header of section 5.10.6");

/* A packet's memory: the driver's part, then what the device reads or writes. */
struct vsock_buf {
    struct vsock_buf *next;
    uint64_t dma; /* of hdr */
    uint32_t at;  /* offset in data of what is to be read next */
    uint32_t end; /* offset in data where the payload ends */
    struct virtio_vsock_hdr hdr __attribute__((aligned(16)));
    uint8_t data[];
};
#define VSOCK_DATA (VSOCK_BUF - (uint32_t)offsetof(struct vsock_buf, data))

/* Packets that a connection owes its peer (bits). */
enum {
    VSOCK_OWES_REQUEST = 1,
    VSOCK_OWES_RESPONSE = 2,
    VSOCK_OWES_CREDIT_UPDATE = 4,
    VSOCK_OWES_CREDIT_REQUEST = 8,
    VSOCK_OWES_SHUTDOWN = 16,
    VSOCK_OWES_RST = 32,
};
/*
 * The life of a connection. vsock_conn.c alone changes the state, in one function that holds the
 * legal transitions.
 */
enum vsock_state { VSOCK_STATE_CONNECTING, VSOCK_STATE_CONNECTED, VSOCK_STATE_ENDED };

struct vsock_conn {
    struct vsock_conn *next;       /* in its bucket, until the connection has ended */
    struct vsock_conn *next_owing; /* in the list of connections that owe a packet */
    struct vsock_addr peer;
    uint32_t local_port;
    enum vsock_state state;
    int error;                   /* once ended: why; 0: in order */
    bool closed;                 /* the caller does not own the connection any more */
    bool owing;                  /* in the list of connections that owe a packet */
    uint8_t owes;                /* VSOCK_OWES_* */
    uint8_t own_shut, peer_shut; /* VSOCK_SHUT_*; no bit is ever taken back */
    bool asked;                  /* a credit request was sent since the peer last told its credit */
    bool wants_room;             /* notify when something can be sent */
    uint64_t deadline;           /* for an answer, or for the peer's last reset; or HAL_NEVER */
    vsock_notify_fn notify;
    void *ctx;
    struct vsock_listener *listener; /* in whose queue the connection waits; or NULL */
    struct vsock_conn *next_waiting;

    /* Section 5.10.6.3: free-running counters of 32 bits. */
    uint32_t tx_cnt, peer_fwd_cnt, peer_buf_alloc;
    uint32_t rx_cnt, fwd_cnt, buf_alloc;
    uint32_t told_fwd_cnt; /* fwd_cnt that the peer was told last */
    struct vsock_buf *rx_head, *rx_tail;
};

/* A reset that is owed to an address without a connection. */
struct vsock_reply {
    struct vsock_addr peer;
    uint32_t local_port;
    uint16_t type;
};

/* For tests: nothing else reads them. */
struct vsock_stats {
    uint64_t rx_packets, rx_bytes; /* accepted; payload */
    uint64_t tx_packets, tx_bytes; /* handed to the device; payload */
    uint64_t rx_bad;               /* packets that are malformed, or not for this CID */
    uint64_t rx_unknown;           /* packets without a connection: answered with a reset */
    uint64_t resets;               /* connections that ended because the peer broke a rule */
    uint64_t events, events_bad;
    uint64_t rx_stopped;  /* times that receiving waited for room to answer */
    uint32_t connections; /* in the table */
    uint32_t buffers;     /* receive buffers that exist */
};

struct vsock {
    struct virtio_device *dev;
    struct virtq *rxq, *txq, *eventq;
    bool dead;
    bool quarantine; /* the device may still reach its buffers: they are never used again */
    bool tx_short;   /* a connection found no buffer to send with */
    bool told_bad;   /* a malformed packet was logged */
    uint32_t cid;
    uint64_t deadline; /* the earliest of all connections; or HAL_NEVER */
    struct vsock_conn *buckets[VSOCK_BUCKETS];
    struct vsock_conn *owing_head, *owing_tail;
    struct vsock_reply replies[VSOCK_REPLIES];
    unsigned reply_first, reply_count;
    unsigned leaving; /* connections that have ended and are in the list of those that owe */

    struct vsock_buf *spare; /* for receiving */
    unsigned posted;
    struct virtq_seg rx_segs[VSOCK_RING];
    struct virtq_request rx_requests[VSOCK_RING];
    struct virtq_done done[VSOCK_RING];

    struct vsock_buf *tx_free;
    unsigned tx_count; /* transmit buffers: no more than the ring has entries */
    struct virtq_seg tx_segs[VSOCK_RING];
    struct virtq_request tx_requests[VSOCK_RING];
    unsigned staged; /* requests that the next vsock_tx_submit hands over */

    uint32_t *events;
    uint64_t events_dma;
    struct vsock_stats stats;
};

/* The device of this image, dead or alive; NULL: none was found yet. */
extern struct vsock *vsock_device;

/* vsock.c */
void vsock_transport_reset(struct vsock *v);

/* vsock_rx.c */
int vsock_rx_setup(struct vsock *v);    /* makes the first buffers; -ENOMEM */
void vsock_rx_post(struct vsock *v);    /* fills the ring with spare buffers */
bool vsock_rx_service(struct vsock *v); /* reaps, handles, refills; true: there were packets */
void vsock_rx_release(struct vsock *v, struct vsock_buf *b); /* b was read to its end */
void vsock_rx_take_back(struct vsock *v); /* the ring is empty after a reset: buffers are spare */
void vsock_rx_free_all(struct vsock *v);  /* frees the spare buffers */

/*
 * vsock_packet.c: handles a received packet. used: bytes that the device wrote; may_keep: the ring
 * has another buffer in place of b. True: a connection owns b now.
 */
bool vsock_packet(struct vsock *v, struct vsock_buf *b, uint32_t used, bool may_keep);

/* vsock_tx.c */
int vsock_tx_setup(struct vsock *v);  /* makes the buffers; -ENOMEM */
bool vsock_tx_reap(struct vsock *v);  /* takes sent buffers back; true: there were some */
void vsock_tx_flush(struct vsock *v); /* sends the packets that are owed, as far as there is room */
bool vsock_tx_room(struct vsock *v);  /* is there a buffer to send with? Reaps if need be */
void vsock_tx_reply(struct vsock *v, const struct virtio_vsock_hdr *to); /* owes a reset */
void vsock_tx_owe(struct vsock *v, struct vsock_conn *c, unsigned what); /* VSOCK_OWES_* */
/* Sends data within the peer's credit and the buffers that are free; bytes that were sent. */
int vsock_tx_data(struct vsock *v, struct vsock_conn *c, const uint8_t *data, uint32_t len);
void vsock_tx_take_back(struct vsock *v); /* the ring is empty after a reset: buffers are free */
void vsock_tx_free_all(struct vsock *v);  /* frees the free buffers; nothing is owed any more */

/* vsock_conn.c: the table of connections, their lives and their credit */
struct vsock_conn *vsock_conn_new(struct vsock *v, struct vsock_addr peer, uint32_t local_port,
                                  uint32_t space);
struct vsock_conn *vsock_conn_find(struct vsock *v, struct vsock_addr peer, uint32_t local_port);
void vsock_conn_established(struct vsock_conn *c); /* connected from now on */
/* Takes the connection out of the table; it is freed once its caller has closed it as well. */
void vsock_conn_end(struct vsock *v, struct vsock_conn *c, int error);
void vsock_conn_reset(struct vsock *v, struct vsock_conn *c, int error); /* and tells the peer */
/* c was taken out of the list of those that owe, or closed: frees it if nothing needs it. */
void vsock_conn_unowed(struct vsock *v, struct vsock_conn *c);
/* Drops received bytes that were not read; the peer gets their space back. */
void vsock_conn_drop_data(struct vsock *v, struct vsock_conn *c);
void vsock_conn_notify(struct vsock_conn *c);
void vsock_conn_deadline(struct vsock *v, struct vsock_conn *c, uint64_t at);
void vsock_conn_timeouts(struct vsock *v, uint64_t now); /* resets those whose deadline passed */
void vsock_conn_room(struct vsock *v);                   /* there are buffers to send with again */
void vsock_conn_end_all(struct vsock *v, int error);
/* Bytes that the peer has room for. */
uint32_t vsock_credit(const struct vsock_conn *c);
/* Stores the credit of a packet. False: the peer broke a rule, and nothing was changed. */
bool vsock_credit_update(struct vsock_conn *c, const struct virtio_vsock_hdr *h);
/* Bytes that the peer may still send. */
uint32_t vsock_space_left(const struct vsock_conn *c);

/* vsock_listen.c */
struct vsock_listener *vsock_listener_find(uint32_t port);
void vsock_listener_add(struct vsock_listener *l, struct vsock_conn *c); /* c waits for accept */
void vsock_listener_drop(struct vsock_conn *c); /* takes c off its listener's queue */
void vsock_listeners_notify(void);              /* the device is dead */

#endif
