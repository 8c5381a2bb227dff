/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.h - the two ends of a connection, by lwIP's raw interface or by sockets that do not wait.
 * Each end sends a stream, which the other one checks byte by byte.
 */
#ifndef VIREO_TESTS_NET_FLOW_H
#define VIREO_TESTS_NET_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/tcp.h"
#include "path.h"

#define FLOW_ENDLESS UINT64_MAX

/* How an end ends. Of two ends, one at most may wait for the other. */
enum flow_ends {
    FLOW_SHUTS, /* ends its stream when all is sent, and closes at the end of the other's */
    FLOW_WAITS, /* ends its stream after the other's end */
    FLOW_CLOSES /* closes when all is sent, and all of the other's data is there */
};

/* One end. The first fields are the test's, before flow_listen() and flow_connect(). */
struct flow_end {
    uint64_t to_send; /* bytes; FLOW_ENDLESS: without an end */
    unsigned key;     /* of its stream */
    bool ip6, sock;
    enum flow_ends ends;
    bool holds; /* what arrives is not read, so the window closes; flow_read() ends this */

    enum path_side side;
    struct tcp_pcb *pcb; /* of the raw interface; NULL: not connected, or closed */
    int fd, listener;    /* of sockets; < 0: none */
    struct flow_end *peer;
    uint64_t written, received;
    uint32_t unread; /* bytes taken by which the window has not opened */
    uint64_t wrong;  /* pieces that are not what the other end sent */
    bool connected, fin_sent, fin_got, closed;
    int err; /* how the connection failed: an err_t, or errno's value */
};

/* `end` becomes the accepted side of the next connection to that port of its side. */
void flow_listen(struct flow_end *end, enum path_side side, uint16_t port);
/* Connects from a side (and that port; 0: any) to a port of the other side, where `peer` is. */
void flow_connect(struct flow_end *end, enum path_side side, uint16_t from, uint16_t port,
                  struct flow_end *peer);
/* What an end of sockets can do now; after each event. */
void flow_step(struct flow_end *end);
/* Reads what arrived while the end held, so the window opens. */
void flow_read(struct flow_end *end);
/* The application has more to send; its stream has not ended. */
void flow_more(struct flow_end *end, uint32_t bytes);
/* Both ends have closed. */
bool flow_over(const struct flow_end *end);
/* Closes listeners and sockets, aborts what is open, and forgets what is in TIME_WAIT. */
void flow_abort_all(void);

/* ---- what flow.c and flow_sock.c tell each other --------------------------------------------- */

/* Bytes of a stream from an offset on, *len of them at most; streams of different keys differ. */
const uint8_t *flow_bytes(unsigned key, uint64_t offset, uint32_t *len);
/* Compares what arrived. */
void flow_check(struct flow_end *e, const uint8_t *data, uint32_t len);
/* Is it time to end the stream, or to close? */
bool flow_may_end(const struct flow_end *e);
bool flow_may_close(const struct flow_end *e);

void flow_sock_listen(struct flow_end *end, uint16_t port);
void flow_sock_connect(struct flow_end *end, uint16_t from, uint16_t port);
void flow_sock_step(struct flow_end *end);
void flow_sock_abort_all(void);

#endif
