/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_conn.h - control blocks of lwIP, found by what a packet says. lwIP's lists stay as they are;
 * what enters or leaves them enters or leaves a hash here. lwIP includes this file in its tcp.h and
 * udp.h. All functions are called entered; ports are in host byte order.
 */
#ifndef VIREO_NET_CONN_H
#define VIREO_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

struct ip_hdr;
struct tcp_hdr;
struct tcp_pcb;
struct tcp_pcb_listen;
struct udp_pcb;

/* A place in a chain of the hash; at is NULL: in none. */
struct net_chain {
    struct net_chain *next, **at;
    uint32_t hash;
};

/*
 * Of each connection. Those that sleep need nothing of lwIP's timers, which look at the others
 * only; in lwIP's list of active ones they stand behind these.
 */
struct net_conn {
    struct net_chain chain;
    struct tcp_pcb **link; /* what points to the control block in lwIP's list */
    bool sleeps;
};

/* A control block enters one of lwIP's lists of TCP (TCP_REG), or leaves it (TCP_RMV). */
void net_conn_enter(struct tcp_pcb **list, struct tcp_pcb *pcb);
void net_conn_leave(struct tcp_pcb **list, struct tcp_pcb *pcb);
/* As net_conn_leave, but what points to the control block in the list is left to the caller. */
void net_conn_forget(struct tcp_pcb *pcb);

/*
 * The connection between two ends, in TIME_WAIT too; NULL: there is none. An address of the link
 * without a zone, as it stands in a frame, is that of any zone.
 */
struct tcp_pcb *net_conn_find(const ip_addr_t *remote, uint16_t remote_port, const ip_addr_t *local,
                              uint16_t local_port);
/* The same of a packet of IPv4, whose headers these are. */
struct tcp_pcb *net_conn_find4(const struct ip_hdr *ip, const struct tcp_hdr *h);
/* The connection of the next packet, or NULL: set where it was looked for already. */
extern struct net_conn_hint {
    struct tcp_pcb *pcb;
    bool found; /* pcb counts */
} net_conn_hint;
/* The connection of the packet that lwIP is given now, if it is in TIME_WAIT as asked. */
struct tcp_pcb *net_conn_of(const struct tcp_hdr *h, bool time_wait);
/* Something happens to a connection that sleeps. */
void net_conn_wake(struct tcp_pcb *pcb);
/* At the end of each tick of lwIP's slow timer: connections that are idle fall asleep. */
void net_conn_rest(void);

/* Who listens at an address: first of all at that one alone. NULL: nobody. */
struct tcp_pcb_listen *net_conn_listener(const ip_addr_t *local, uint16_t port);
/* Does this one listen at the port still? It may be gone. */
bool net_conn_listens(const struct tcp_pcb_listen *l, uint16_t port);

/* May a control block of TCP have this local port? Each that has one says so; of a few that have
 * none, all are to be asked. */
bool net_conn_port_used(uint16_t port);

/* A control block of UDP has got its port, or another one; it has none any more. */
void net_conn_enter_udp(struct udp_pcb *pcb);
void net_conn_leave_udp(struct udp_pcb *pcb);
/*
 * Control blocks that may have the port (others may be among them), the newest first; NULL: no
 * more.
 */
struct udp_pcb *net_conn_first_udp(uint16_t port);
struct udp_pcb *net_conn_next_udp(const struct udp_pcb *pcb);
/* Is an address of a control block of UDP that of a packet, or any? */
bool net_conn_is(const ip_addr_t *own, const ip_addr_t *a);
/* The control block of a port; NULL: there is none, or more than one. */
struct udp_pcb *net_conn_only_udp(uint16_t port);

#endif
