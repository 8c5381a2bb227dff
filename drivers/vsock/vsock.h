/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock.h - stream connections over the virtio socket device (virtio 1.4, section 5.10), as a
 * socket layer sees them.
 *
 * A connection belongs to its caller until vsock_close, which ends it in the background. Received
 * data waits in the buffers that the device wrote, within the space that the peer was promised.
 * Data to send is copied into packets as far as the peer has room, and no further.
 *
 * An image has one socket device: the context id (CID) belongs to the machine. All functions run in
 * task context and never park. Errors are negative errno values. Sizes and spaces are bytes.
 */
#ifndef VIREO_VSOCK_H
#define VIREO_VSOCK_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsock_conn;

/* Section 5.10.4: the CID of the host. VSOCK_CID_NONE is no CID: there is no device. */
enum { VSOCK_CID_HOST = 2 };
#define VSOCK_CID_NONE UINT32_MAX

struct vsock_addr {
    uint32_t cid, port;
};

/* Receive space of a connection: bytes that the peer may send before they are read. */
enum { VSOCK_SPACE_MIN = 4096, VSOCK_SPACE_DEFAULT = 128 << 10, VSOCK_SPACE_MAX = 1 << 20 };

/* Bits of vsock_shutdown, as in section 5.10.6.6. */
enum { VSOCK_SHUT_RECEIVE = 1, VSOCK_SHUT_SEND = 2 };

/* Called when vsock_status, vsock_accept or vsock_up may have a new result. Calls no vsock_*. */
typedef void (*vsock_notify_fn)(void *ctx);

/* Is there a device that was not given up? */
bool vsock_up(void);
/* Its CID; VSOCK_CID_NONE without one. A transport reset, or recovery, may change the CID. */
uint32_t vsock_cid(void);

/* ---- connections ----------------------------------------------------------------------------- */

/*
 * Asks the peer for a connection from local_port, with a receive space of `space`
 * (VSOCK_SPACE_MIN..MAX). Without an answer within timeout_ns (1..) the connection ends with
 * -ETIMEDOUT. notify may be NULL. 0: *out is the caller's until vsock_close, and VSOCK_CONNECTING.
 * -ENXIO: no device; -EADDRINUSE: that pair of addresses is still in use; -ENOMEM.
 */
int vsock_connect(struct vsock_addr peer, uint32_t local_port, uint32_t space, uint64_t timeout_ns,
                  vsock_notify_fn notify, void *ctx, struct vsock_conn **out);

/*
 * Ends the caller's ownership: c must not be used again, and notify is not called any more. Data
 * that was not received is dropped. Data that was sent goes out, and the peer is told; a peer that
 * does not answer within 8 seconds is sent a reset.
 */
void vsock_close(struct vsock_conn *c);

/*
 * Takes bytes to send, at most len (1..), and copies them; how many, at least 1. -EAGAIN: no room,
 * or still connecting: notify tells when to try again; -EPIPE: the peer receives no more, or
 * vsock_shutdown ended sending, or the connection ended in order; else the error that ended the
 * connection.
 */
int vsock_send(struct vsock_conn *c, const void *buf, uint32_t len);

/*
 * Copies received bytes out, at most len (1..); how many. peek: they stay for the next call. 0: no
 * more will come, the peer or vsock_shutdown ended that; -EAGAIN: none yet, notify tells; else the
 * error that ended the connection.
 */
int vsock_recv(struct vsock_conn *c, void *buf, uint32_t len, bool peek);

/* Bytes that vsock_recv would find. */
uint32_t vsock_waiting(const struct vsock_conn *c);

/*
 * Ends receiving, sending or both (bits VSOCK_SHUT_*), and tells the peer. Nothing happens unless
 * the connection is established. The caller still owns c.
 */
void vsock_shutdown(struct vsock_conn *c, unsigned how);

/* Makes the receive space larger. A smaller one is ignored: the peer relies on the space that it
 * was promised. */
void vsock_set_space(struct vsock_conn *c, uint32_t space);

/* The present state; VSOCK_CONNECTING comes alone. notify is called when a bit becomes set. */
enum {
    VSOCK_CAN_READ = 1,   /* vsock_recv would not return -EAGAIN */
    VSOCK_CAN_WRITE = 2,  /* vsock_send would not return -EAGAIN */
    VSOCK_PEER_DONE = 4,  /* no more data will come */
    VSOCK_ENDED = 8,      /* the connection is over, in both directions */
    VSOCK_CONNECTING = 16 /* the peer has not answered yet */
};
unsigned vsock_status(struct vsock_conn *c);

/* The error that ended the connection; 0: it ended in order, or has not ended. */
int vsock_error(const struct vsock_conn *c);
/* The address of the other side. */
struct vsock_addr vsock_peer(const struct vsock_conn *c);

/* ---- listeners ------------------------------------------------------------------------------- */

/* A listener, in the caller's memory from vsock_listen to vsock_unlisten. */
struct vsock_listener {
    /* Set by the caller before vsock_listen. */
    uint32_t port;
    unsigned backlog; /* connections that may wait to be accepted, 1.. */
    uint32_t space;   /* receive space of each, VSOCK_SPACE_MIN..MAX */
    vsock_notify_fn notify;
    void *ctx;
    /* The driver's own. */
    struct vsock_conn *head, *tail;
    unsigned waiting;
    struct vsock_listener *next;
};

/*
 * Begins to listen at l->port, also while there is no device; a transport reset does not end it
 * (section 5.10.6.7). 0, or -EADDRINUSE: there is a listener at that port.
 */
int vsock_listen(struct vsock_listener *l);
/* Stops listening, and resets the connections that wait. */
void vsock_unlisten(struct vsock_listener *l);
/* Takes the oldest connection that waits: the caller's until vsock_close. NULL: none waits. */
struct vsock_conn *vsock_accept(struct vsock_listener *l, vsock_notify_fn notify, void *ctx);

/* Is the local port in use by a connection, closed but not yet ended ones included? */
bool vsock_port_used(uint32_t port);

#ifdef __cplusplus
}
#endif

#endif
