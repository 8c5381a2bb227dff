/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer.h - another machine on the image's cable, by frames: netmodel's card, and behind it a peer
 * that answers ARP, keeps what it hears, and sends what a test says. IPv4 only.
 */
#ifndef VIREO_TESTS_NET_PEER_H
#define VIREO_TESTS_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses in host byte order. */
#define PEER_IP   0x0a000202u /* 10.0.2.2 */
#define IMAGE_IP  0x0a00020fu /* 10.0.2.15, given by peer_boot() */
#define ROUTER_IP 0x0a000203u /* 10.0.2.3, which sends errors */

enum { PEER_ICMP = 1, PEER_IGMP = 2, PEER_TCP = 6, PEER_UDP = 17 };
enum { PEER_FIN = 1, PEER_SYN = 2, PEER_RST = 4, PEER_PSH = 8, PEER_ACK = 16 };

/* What the image sent in an IPv4 packet. */
struct heard {
    unsigned proto;
    uint32_t src, dst;
    uint16_t sport, dport;  /* TCP and UDP */
    uint32_t seq, ack;      /* TCP */
    unsigned flags, window; /* TCP; the window unscaled */
    const uint8_t *options; /* TCP: up to data */
    const uint8_t *data;    /* behind the header of TCP and UDP; else behind that of IP */
    uint32_t len;           /* of it */
};

/* The card takes CSUM and HOST_TSO4. Frames that it is to cut are counted, and not heard. */
extern bool peer_offloads;
extern unsigned peer_large;
/* What the card does; set by the test, some of it before peer_boot(). */
struct net_header;
extern struct peer_card {
    bool joins;                      /* it offers to check sums and to join segments */
    bool hold;                       /* frames come with others, at peer_deliver() */
    unsigned spoilt;                 /* bits of sums of TCP and UDP that are wrong */
    const struct net_header *header; /* of each frame; flags & 1: sums are not made yet */
} peer_card;
/* Delivers the frames that are held, in one batch. */
void peer_deliver(void);

/* Boots the image with a card, of net.mtu if that is set, and this ip= (NULL: "ip=10.0.2.15/24").
 */
void peer_boot(const char *ip);
/* Called for each packet of the image, while it is sent: must not send itself. NULL: nobody. */
void peer_listen(void (*fn)(const struct heard *h));
/* The last packet of this protocol (0: of any); CHECKs that there is one. */
struct heard peer_last(unsigned proto);
unsigned peer_count(unsigned proto);
void peer_forget(void);

/* Sends an Ethernet frame, and runs services until all is settled. */
void peer_frame(uint16_t type, const void *payload, uint32_t len);
/* An IPv4 packet from src to dst with right sums; options and fragments are not for this. */
void peer_ip4(unsigned proto, uint32_t src, uint32_t dst, const void *payload, uint32_t len);
void peer_udp(uint16_t sport, uint16_t dport, const void *data, uint32_t len);
/* From and to any address. */
void peer_udp_between(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, const void *data,
                      uint32_t len);

/* The router reports that a packet of the image could not be delivered. seq: of TCP. With
 * peer_icmp_spoilt, the checksum is wrong. */
extern bool peer_icmp_spoilt;
void peer_icmp_error(unsigned type, unsigned code, const struct heard *about, uint32_t seq);

/* A TCP segment, its header included, from and to any address; its sum is filled in. */
void peer_tcp_between(uint32_t src, uint32_t dst, uint8_t *segment, uint32_t len);

/* The peer's side of a TCP connection. */
struct peer_tcp {
    uint16_t port, image_port;
    uint32_t seq, ack; /* next to send, next expected */
    uint16_t window;
};
/* One segment; seq goes on by its length. */
void peer_segment(struct peer_tcp *c, unsigned flags, const void *data, uint32_t len);
/* Connects to a port of the image, which listens. */
void peer_connect(struct peer_tcp *c, uint16_t port, uint16_t image_port);
/* Takes the image's SYN, which was the last segment heard, and answers it. */
void peer_accept(struct peer_tcp *c);

/* Times that the image asked by ARP for an address that nobody has. */
extern unsigned peer_arp_unanswered;
extern bool peer_mute; /* ARP is not answered */

void peer_put16(uint8_t *p, uint32_t v);
void peer_put32(uint8_t *p, uint32_t v);
uint32_t peer_get16(const uint8_t *p);
uint32_t peer_get32(const uint8_t *p);

#endif
