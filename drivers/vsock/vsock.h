/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock.h - stream connections over the virtio socket device (virtio 1.4, section 5.10), as a
 * socket layer sees them.
 *
 * A connection belongs to its caller until vsock_close, which ends it in the background. Received
 * data waits in the buffers that the device wrote, within the space that was promised to the peer;
 * data to send is copied into packets as far as the peer has room for it, never queued beyond.
 *
 * There is one device an image: the context id (CID) is a property of the machine. All functions
 * run in task context and never park. Errors are negative errno values.
 */
#ifndef VIREO_VSOCK_H
#define VIREO_VSOCK_H

#include "hal.h"

struct vsock_conn;

/* Section 5.10.4: reserved context ids. */
enum { VSOCK_CID_HOST = 2 };
#define VSOCK_CID_NONE UINT32_MAX

struct vsock_addr {
    uint32_t cid, port;
};

/* Receive space of a connection, in bytes: what the peer may send before it is read. */
enum { VSOCK_SPACE_MIN = 4096, VSOCK_SPACE_DEFAULT = 128 << 10, VSOCK_SPACE_MAX = 1 << 20 };

/* Bits of vsock_shutdown, as in section 5.10.6.6. */
enum { VSOCK_SHUT_RECEIVE = 1, VSOCK_SHUT_SEND = 2 };

/* Something changed at a connection or a listener: whoever waits looks again. It must not call. */
typedef void (*vsock_notify_fn)(void *ctx);

/* Is there a device that works, and what is its CID? VSOCK_CID_NONE without one. */
bool vsock_up(void);
uint32_t vsock_cid(void);

/* ---- connections ----------------------------------------------------------------------------- */

/*
 * Asks the peer for a connection from local_port; no answer within timeout_ns (above 0) ends it
 * with -ETIMEDOUT. -ENXIO: no device; -EADDRINUSE: that pair of addresses is still in use; -ENOMEM.
 */
int vsock_connect(struct vsock_addr peer, uint32_t local_port, uint32_t space, uint64_t timeout_ns,
                  vsock_notify_fn notify, void *ctx, struct vsock_conn **out);

/* Gives the connection up. What was sent still goes out; the peer is told, within a bounded time.
 */
void vsock_close(struct vsock_conn *c);

/*
 * Takes up to len bytes to be sent, in order: how many were taken, at least 1. -EAGAIN: no room,
 * notify tells when; -EPIPE: the peer receives no more, or this side said that it sends no more;
 * else why the connection ended.
 */
int vsock_send(struct vsock_conn *c, const void *buf, uint32_t len);

/*
 * Takes up to len bytes that came (peek: and leaves them). 0: the peer sends no more; -EAGAIN: none
 * yet; else why the connection ended.
 */
int vsock_recv(struct vsock_conn *c, void *buf, uint32_t len, bool peek);

/* Bytes that wait to be received. */
uint32_t vsock_waiting(const struct vsock_conn *c);

/* Tells the peer that this side will not receive, or not send, any more (bits VSOCK_SHUT_*). */
void vsock_shutdown(struct vsock_conn *c, unsigned how);

/* New receive space. Taking back what the peer was promised already is allowed for. */
void vsock_set_space(struct vsock_conn *c, uint32_t space);

/* What holds now. A bit that is not set is announced by notify when it becomes so. */
enum {
    VSOCK_CAN_READ = 1,   /* vsock_recv would not say -EAGAIN */
    VSOCK_CAN_WRITE = 2,  /* vsock_send would not say -EAGAIN */
    VSOCK_PEER_DONE = 4,  /* the peer sends no more */
    VSOCK_ENDED = 8,      /* nothing comes or goes any more */
    VSOCK_CONNECTING = 16 /* not answered yet */
};
unsigned vsock_status(struct vsock_conn *c);

/* Why it ended; 0: in order, or it has not. */
int vsock_error(const struct vsock_conn *c);
struct vsock_addr vsock_peer(const struct vsock_conn *c);
uint32_t vsock_local_port(const struct vsock_conn *c);

/* ---- listeners ------------------------------------------------------------------------------- */

/* The caller's memory; port, backlog, space, notify and ctx are set by the caller. */
struct vsock_listener {
    uint32_t port;
    unsigned backlog; /* connections that may wait to be accepted, 1.. */
    uint32_t space;
    vsock_notify_fn notify;
    void *ctx;
    struct vsock_conn *head, *tail; /* the driver's from here on */
    unsigned waiting;
    struct vsock_listener *next;
};

/* -EADDRINUSE: somebody listens there. Listening outlives the device's CID (5.10.6.7). */
int vsock_listen(struct vsock_listener *l);
/* Stops listening; connections that wait are reset. */
void vsock_unlisten(struct vsock_listener *l);
/* The oldest connection that waits, now the caller's; NULL: none. */
struct vsock_conn *vsock_accept(struct vsock_listener *l, vsock_notify_fn notify, void *ctx);

/* Is a connection using that port of ours? Those that are being closed count. */
bool vsock_port_used(uint32_t port);

/* ---- counters, for status pages and tests ---------------------------------------------------- */

struct vsock_stats {
    uint64_t rx_packets, rx_bytes; /* accepted, payload */
    uint64_t tx_packets, tx_bytes; /* handed to the device */
    uint64_t rx_bad;               /* malformed, or not for this CID */
    uint64_t rx_unknown;           /* for no connection: answered with a reset */
    uint64_t resets;               /* connections that ended by a rule that the peer broke */
    uint64_t events, events_bad;
    uint64_t rx_stopped;  /* times that receiving waited for room to answer */
    uint32_t connections; /* in the table, being closed ones included */
    uint32_t buffers;     /* receive buffers that exist */
};
void vsock_get_stats(struct vsock_stats *out);

#endif
