/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h - a path between two interfaces of the image's one lwIP, in virtual time. Side A is
 * 10.0.0.1, and reaches side B at 10.0.0.2; side B is 10.1.0.1, and reaches side A at 10.1.0.2
 * (IPv6: fd00:a::1 and 2, fd00:b::1 and 2). The path rewrites the addresses, so both ends of a
 * connection are lwIP's. All is repeatable: the same seed gives the same packets.
 */
#ifndef VIREO_TESTS_NET_PATH_H
#define VIREO_TESTS_NET_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "segment.h"

enum path_side { PATH_A, PATH_B };
static inline enum path_side path_other(enum path_side s)
{
    return s == PATH_A ? PATH_B : PATH_A;
}

/* Addresses in host byte order: a side's own, and the one by which it reaches the other side. */
#define PATH_OWN(side)     ((side) == PATH_A ? 0x0a000001u : 0x0a010001u)
#define PATH_ALIAS(side)   ((side) == PATH_A ? 0x0a000002u : 0x0a010002u)
#define PATH_ROUTER(side)  ((side) == PATH_A ? 0x0a0000feu : 0x0a0100feu) /* sends errors */
#define PATH_MILLION       1000000u
#define PATH_QUEUE_ENDLESS UINT64_MAX

/* What happens to packets that one side sends; may be changed at any time, but for delay_ns. */
struct path_link {
    uint64_t delay_ns;   /* one way; path_set_delay() while packets travel */
    uint64_t jitter_ns;  /* up to this more, in order */
    uint64_t reorder_ns; /* how much later a reordered packet comes */
    uint64_t rate;       /* bytes of packets a second; 0: no limit */
    uint64_t queue_ns;   /* a packet that would wait longer than this for the rate is dropped */
    uint32_t loss, reorder, duplicate, cut; /* packets of a million; cut: the data's tail is lost */
    uint32_t mtu;                           /* bytes of a packet that pass; 0: all */
    bool black_hole;                        /* too long a packet is dropped without an error */
    bool down;                              /* nothing passes */
};

/* What has happened to them. */
struct path_count {
    uint64_t packets, lost, overflowed, too_long, reordered, duplicated, cut, delivered;
};

extern struct path {
    struct path_link link[2];
    struct path_count count[2];
    uint64_t travelling; /* packets on the path */
    uint64_t held;       /* delivered packets whose memory lwIP has not given back */
} path;

/* A packet at the interface of a side: sent by the side, or delivered to it. */
struct path_seen {
    enum path_side side;
    bool out;
    bool copy; /* the second one of a duplicated packet */
    uint64_t ns;
    const uint8_t *packet; /* its IP header */
    uint32_t len;
    struct segment tcp; /* sport 0: no segment of TCP */
};

/*
 * Do the interfaces make packets and sums, as cards do that have such offloads? Else net_tx.c does.
 * Asked at boot; at first as the environment's VIREO_OFFLOADS says.
 */
extern bool path_offloads;

/* Boots the image with both interfaces, and an ideal path: no delay, no loss. */
void path_boot(uint64_t seed);
/* Both directions: a delay in microseconds one way, and losses of a million packets. */
void path_both(uint64_t delay_us, uint32_t loss);
/* Packets that are sent from now on may overtake those that travel. */
void path_set_delay(enum path_side from, uint64_t delay_ns);
/* A number below n from the path's own generator. */
uint32_t path_random(uint32_t n);

/* Called for each packet at either side. It may not send; fn of NULL: nobody is called. */
void path_watch(void (*fn)(const struct path_seen *s));
/* Writes the packets at a side to a file, as pcap does (nanoseconds, raw IP); NULL: no more. */
void path_capture(FILE *to, enum path_side side);
/* For the path itself: a packet that may belong there. */
void path_captured(const struct path_seen *s);

/*
 * Runs lwIP and the path until done() or for `ns` of virtual time. done is asked after each event,
 * and may call sockets that do not wait. True: done() was.
 */
bool path_run(uint64_t ns, bool (*done)(void));
void path_run_for(uint64_t ns);
/* Runs until no packet travels, for `ns` at most. */
bool path_settle(uint64_t ns);

/* Packets for this side go to hear() in place of lwIP; NULL: to lwIP again. */
void path_script(enum path_side side, void (*hear)(const struct path_seen *s));
/* Sends an IP packet as if the side had; it meets the path's delays and losses. */
void path_send(enum path_side from, const uint8_t *packet, uint32_t len);
/* The router next to a side reports that a packet (of the side) was too long for the next link. */
void path_too_big(enum path_side to, const uint8_t *packet, uint32_t len, uint32_t mtu);

#endif
