/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - loads on a network, each from this end of a connection: the other end is a peer
 * (tests/paths/netpeer.c). POSIX alone: the same source is a program of a Linux guest, for
 * comparison (scripts/vireolib/linux_guest.py).
 */
#ifndef NETPERF_LOAD_H
#define NETPERF_LOAD_H

#include <stdint.h>

/* The peer's services: each at this distance from the first port. */
enum load_port {
    PORT_SINK,      /* TCP: reads to the end, then answers the number of bytes as text */
    PORT_SOURCE,    /* TCP: reads a number as text with a newline, sends that many bytes */
    PORT_ECHO,      /* TCP: sends back what comes */
    PORT_UDP_ECHO,  /* UDP: likewise */
    PORT_UDP_SINK,  /* UDP: counts datagrams */
    PORT_UDP_COUNT, /* TCP: says "DATAGRAMS BYTES NS" of the sink since the last time */
    PORT_UDP_BLAST, /* UDP: "N SIZE RATE" has N datagrams sent back, RATE a second; then "END" */
};

struct load {
    const char *host;    /* the peer's IPv4 address */
    uint16_t port;       /* the first of its ports */
    uint32_t size;       /* bytes of a message or datagram */
    uint64_t operations; /* how many, or bytes of bulk; 0: as many as there is time for */
    uint64_t time_ns;    /* the time after which it ends; 0: none */
    uint32_t rate;       /* datagrams a second that the peer sends; 0: as many as it can */
    uint32_t batch;      /* datagrams a call */
};

struct load_result {
    uint64_t operations, bytes, ns;
    uint64_t peer_operations, peer_ns; /* what the peer counted; 0: it counts nothing */
    uint64_t lost;                     /* answers that did not come in time */
};

/*
 * Runs the load of that name: tcptx, tcprx, tcprr, udprr, udptx, udprx. Between the
 * two marks lies what is measured. 0, or -1 after a message on stderr.
 */
int load_run(const char *name, const struct load *load, struct load_result *out);

/*
 * The same of udptx, udprx and udprr without sockets (load_raw.c); of this image only.
 */
int load_run_raw(const char *name, const struct load *load, struct load_result *out);

/* What the peer's sink of datagrams has counted since the last time: 0, or -1 after a message. */
int load_count_at_peer(const struct load *load, struct load_result *out);

/* One line, "NAME operations=N bytes=N ns=N ...". */
void load_print(const char *name, const struct load_result *r);

/*
 * Supplied by the program: NOPs that a counting plugin recognises, hint #98 and #99
 * (scripts/bench_plugin.c).
 */
void load_mark_begin(void);
void load_mark_end(void);

#endif
