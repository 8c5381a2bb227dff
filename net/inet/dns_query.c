/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_query.c - a question to the name servers (RFC 1035, 4.2.1 and 7; RFC 5452): each server in
 * its turn, in three rounds, until one has answered. An answer counts if the asked server sent it,
 * from its port to the one that this question alone has, with the number of the question. Answers
 * of servers that were asked earlier count as long as the question lasts.
 */
#include "dns.h"
#include "lwip/pbuf.h"

#define QUERY_LIMIT      (30 * HAL_SEC) /* for all of a question */
#define QUERY_GRACE      (3 * HAL_SEC)  /* for a question whose sibling is answered */
#define QUERY_TCP_WAIT   (5 * HAL_SEC)
#define QUERY_ROUNDS     3
#define QUERY_PORT_LOW   49152u /* ports of RFC 6335 for this; to 65535 */
#define QUERY_PORT_TRIES 16

/* The patience of each round, which its servers share; each of them has a second at least. */
static const uint64_t round_patience[QUERY_ROUNDS] = {1 * HAL_SEC, 3 * HAL_SEC, 6 * HAL_SEC};

/* ---- what servers say ------------------------------------------------------------------------ */

static void query_end(struct dns_query *q, enum dns_verdict verdict)
{
    q->verdict = verdict;
    q->ended = true;
    waitq_wake_all(q->waiter);
}

void dns_server_fails(struct dns_server *s, enum dns_verdict verdict)
{
    struct dns_query *q = s->query;

    s->failed = true;
    q->verdict = verdict;
    q->hurry |= s == q->truncated || (!q->truncated && s == &q->servers[(q->turn - 1) % q->count]);
    waitq_wake_all(q->waiter);
}

void dns_take(struct dns_server *s, uint8_t *message, size_t len)
{
    struct dns_query *q = s->query;
    enum dns_verdict verdict = dns_judge(q->message, q->len, message, len, &q->answer);

    if (verdict == DNS_FOUND) {
        q->reply = message;
        dns_cache_keep(q);
    } else {
        net_free(message);
    }
    if (verdict >= DNS_NO_NAME)
        query_end(q, verdict);
    else if (verdict == DNS_SERVER_TROUBLE || verdict == DNS_SERVER_REFUSES)
        dns_server_fails(s, verdict);
    else if (verdict == DNS_TRUNCATED && !q->truncated && !s->failed) {
        q->truncated = s;
        waitq_wake_all(q->waiter);
    }
}

static void query_on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                              u16_t port)
{
    struct dns_server *s = arg;
    uint8_t *message = s->query->ended ? NULL : net_malloc(p->tot_len);

    (void)pcb, (void)addr, (void)port; /* lwIP compares them with what udp_connect() was told */
    if (message) {
        pbuf_copy_partial(p, message, p->tot_len, 0);
        dns_take(s, message, p->tot_len);
    }
    pbuf_free(p);
}

/* An ICMP error: nobody listens at that server, or it cannot be reached. */
static void query_on_refusal(u16_t port, const ip_addr_t *server, u16_t server_port)
{
    for (struct udp_pcb *p = udp_pcbs; p; p = p->next)
        if (p->recv == query_on_datagram && p->local_port == port &&
            p->remote_port == server_port && ip_addr_cmp(&p->remote_ip, server)) {
            struct dns_server *s = p->recv_arg;

            if (!s->query->ended)
                dns_server_fails(s, DNS_SERVER_TROUBLE);
            return;
        }
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* A port that cannot be guessed (RFC 5452, section 9.2; RFC 6056). */
static bool query_bind(struct udp_pcb *udp)
{
    for (int i = 0; i < QUERY_PORT_TRIES; i++) {
        u16_t port = (u16_t)(QUERY_PORT_LOW + net_random32() % (65536 - QUERY_PORT_LOW));

        if (udp_bind(udp, IP_ANY_TYPE, port) == ERR_OK)
            return true;
    }
    return false;
}

static bool query_open(struct dns_server *s)
{
    struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);

    if (!udp)
        return false;
    if (!query_bind(udp) || udp_connect(udp, &s->addr, DNS_PORT) != ERR_OK) {
        udp_remove(udp);
        return false;
    }
    udp_recv(udp, query_on_datagram, s);
    s->udp = udp;
    return true;
}

/* False: there is no way to the server. Where memory is short, the next round may do better. */
static bool query_send(struct dns_server *s)
{
    struct dns_query *q = s->query;
    struct pbuf *p;
    err_t err;

    if (!s->udp && !query_open(s))
        return true;
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)q->len, PBUF_RAM);
    if (!p)
        return true;
    memcpy(p->payload, q->message, q->len);
    err = udp_send(s->udp, p);
    pbuf_free(p);
    q->sent |= err == ERR_OK;
    return err == ERR_OK || err == ERR_MEM || err == ERR_BUF;
}

static void query_ask_next(struct dns_query *q, uint64_t now)
{
    while (q->turn < q->count * QUERY_ROUNDS && now < q->limit) {
        struct dns_server *s = &q->servers[q->turn % q->count];
        uint64_t wait = round_patience[q->turn / q->count] / q->count;

        q->turn++;
        if (s->failed)
            continue;
        if (!query_send(s)) {
            s->failed = true;
            continue;
        }
        q->deadline = now + (wait < HAL_SEC ? HAL_SEC : wait);
        return;
    }
    query_end(q, q->verdict);
}

/* Does what is due. */
static void query_advance(struct dns_query *q, uint64_t now)
{
    if (q->truncated && !q->tcp && !q->hurry) {
        q->deadline = now + QUERY_TCP_WAIT;
        q->hurry = !dns_tcp_start(q);
    }
    if (!q->hurry && now < q->deadline && now < q->limit)
        return;
    if (q->truncated)
        q->truncated->failed = true;
    dns_tcp_stop(q);
    q->hurry = false;
    query_ask_next(q, now);
}

/* ---- lookups --------------------------------------------------------------------------------- */

static void query_begin(struct dns_query *q, const uint8_t *name, enum dns_type type)
{
    q->len = dns_query_make(q->message, (uint16_t)net_random32(), name, type);
    q->ended = dns_cache_find(q);
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        const ip_addr_t *addr = dns_getserver(i);

        if (!ip_addr_isany(addr))
            q->servers[q->count++] = (struct dns_server){.query = q, .addr = *addr};
    }
    q->limit = hal_now_ns() + QUERY_LIMIT;
}

static void query_close(struct dns_query *q)
{
    dns_tcp_stop(q);
    for (unsigned i = 0; i < q->count; i++)
        if (q->servers[i].udp) {
            udp_remove(q->servers[i].udp);
            q->servers[i].udp = NULL;
        }
}

/* Some servers never answer one of the two questions: the answer to the other one is not held up.
 */
static void lookup_hasten(struct dns_lookup *l, uint64_t now)
{
    struct dns_query *a = &l->queries[0], *b = &l->queries[1], *open = a->ended ? b : a;

    if (l->count == 2 && a->ended != b->ended && (a->ended ? a : b)->verdict >= DNS_NO_NAME &&
        open->limit > now + QUERY_GRACE)
        open->limit = now + QUERY_GRACE;
}

/* The next time at which a question has something to do; 0: all have ended. */
static uint64_t lookup_advance(struct dns_lookup *l)
{
    uint64_t now = hal_now_ns(), next = 0;

    for (unsigned i = 0; i < l->count; i++) {
        struct dns_query *q = &l->queries[i];
        uint64_t due;

        if (!q->ended)
            query_advance(q, now);
        if (q->ended)
            continue;
        due = q->deadline < q->limit ? q->deadline : q->limit;
        next = !next || due < next ? due : next;
    }
    return next;
}

struct dns_lookup *dns_look_up(const uint8_t *name, const enum dns_type *types, unsigned count)
{
    struct dns_lookup *l = net_calloc(1, sizeof(*l));
    uint64_t next;

    if (!l)
        return NULL;
    l->count = count;
    net_core.question_refused = query_on_refusal;
    for (unsigned i = 0; i < count; i++) {
        l->queries[i].waiter = &l->waiter;
        query_begin(&l->queries[i], name, types[i]);
    }
    while ((next = lookup_advance(l))) {
        net_kick();
        net_park(&l->waiter, next);
        lookup_hasten(l, hal_now_ns());
    }
    for (unsigned i = 0; i < count; i++)
        query_close(&l->queries[i]);
    return l;
}

void dns_free(struct dns_lookup *l)
{
    for (unsigned i = 0; i < l->count; i++)
        net_free(l->queries[i].reply);
    net_free(l);
}
