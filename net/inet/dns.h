/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns.h - asking the name servers (RFC 1035, section 7). A lookup is one or two questions about one
 * name, which go out side by side. The task that asks sends, and parks until both have ended;
 * lwIP's callbacks leave at the question what they got, and wake that task.
 *
 * All functions are called inside net_enter() and net_leave(), and do not park unless their comment
 * says so.
 */
#ifndef VIREO_DNS_H
#define VIREO_DNS_H

#include "dns_message.h"
#include "lwip/dns.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#include "net_impl.h"

#define DNS_PORT 53

/* A server, as one question sees it. */
struct dns_server {
    struct dns_query *query;
    struct udp_pcb *udp; /* with a port of its own; NULL: not yet asked */
    ip_addr_t addr;
    bool failed; /* is not asked again */
};

struct dns_query {
    struct waitq *waiter; /* the task that asks */
    bool ended, sent;
    bool hurry;               /* the server that was asked has failed: the next one is due */
    enum dns_verdict verdict; /* the answer's; without one: what servers that failed said, or
                                 DNS_FOREIGN if none said anything */
    struct dns_answer answer; /* of DNS_FOUND; its message is `reply` */
    uint8_t *reply;           /* owned; NULL: none */

    uint8_t message[DNS_QUERY_MAX];
    size_t len;
    struct dns_server servers[DNS_MAX_SERVERS];
    unsigned count; /* of servers */
    unsigned turn;  /* counts up, server by server, round by round */
    uint64_t deadline, limit;

    struct dns_server *truncated; /* the server whose answer did not fit: it is asked by TCP */
    struct tcp_pcb *tcp;          /* NULL: no connection */
    uint8_t prefix[2];            /* the length in front of a message */
    uint8_t *coming;              /* the message, owned; NULL: none yet */
    size_t received;              /* bytes, with the prefix */
};

struct dns_lookup {
    struct waitq waiter;
    unsigned count; /* of queries */
    struct dns_query queries[2];
};

/* ---- dns_query.c ----------------------------------------------------------------------------- */

/*
 * Asks for data of `count` types (1 or 2) of a name that dns_name_parse() has made. The queries of
 * the lookup have ended; dns_free() frees it. NULL: out of memory. Returns within half a minute.
 * [parks]
 */
struct dns_lookup *dns_look_up(const uint8_t *name, const enum dns_type *types, unsigned count);
void dns_free(struct dns_lookup *l);
/* Takes a message that the server sent, owned, to a question that has not ended. */
void dns_take(struct dns_server *s, uint8_t *message, size_t len);
/* The server is not asked again, and the next one is due. */
void dns_server_fails(struct dns_server *s, enum dns_verdict verdict);

/* ---- dns_cache.c ----------------------------------------------------------------------------- */

/* Takes the answer from those that are kept, if it is there. */
bool dns_cache_find(struct dns_query *q);
/* Keeps the answer, which was found. */
void dns_cache_keep(const struct dns_query *q);

/* ---- dns_tcp.c ------------------------------------------------------------------------------- */

/* Asks the server `truncated` by TCP. False: that cannot be tried now. */
bool dns_tcp_start(struct dns_query *q);
/* Ends what dns_tcp_start() began, if anything. */
void dns_tcp_stop(struct dns_query *q);

#endif
