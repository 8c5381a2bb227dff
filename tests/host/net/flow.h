/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.h - the two ends of a connection by lwIP's raw interface, each of which sends a stream that
 * the other one checks byte by byte.
 */
#ifndef VIREO_TESTS_NET_FLOW_H
#define VIREO_TESTS_NET_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/tcp.h"
#include "path.h"

#define FLOW_ENDLESS UINT64_MAX

/* One end. The first four fields are the test's, before flow_listen() and flow_connect(). */
struct flow_end {
    uint64_t to_send; /* bytes, and then the end of the stream; FLOW_ENDLESS: without one */
    unsigned key;     /* of its stream */
    bool holds;       /* what arrives is not read: the window closes */
    bool ip6;
    struct tcp_pcb *pcb; /* NULL: not connected, or closed */
    struct flow_end *peer;
    uint64_t written, acked, received;
    uint64_t wrong; /* bytes that are not those that the other end sent */
    bool connected, fin_sent, fin_got;
    err_t err; /* how the connection failed */
};

/* `end` becomes the accepted side of the next connection to that port of its side. */
void flow_listen(struct flow_end *end, enum path_side side, uint16_t port);
/* Connects from a side to a port of the other one, where `peer` listens. */
void flow_connect(struct flow_end *end, enum path_side side, uint16_t port, struct flow_end *peer);
/* The window opens: what arrived while the end held is read. */
void flow_read(struct flow_end *end);
/* Both ends have sent all, and have closed. */
bool flow_over(const struct flow_end *end);
/* Closes listeners, aborts what is open, and forgets what is in TIME_WAIT. */
void flow_abort_all(void);

/* The byte at an offset of a stream: the streams of different keys differ. */
const uint8_t *flow_bytes(unsigned key, uint64_t offset, uint32_t *len);

#endif
