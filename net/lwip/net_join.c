/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_join.c - segments of TCP that follow one another in a batch of frames become one, of up to 64
 * KiB, so that lwIP and its callers do for many what they would do for each. Devices that do that
 * themselves (virtio 1.4, section 5.1.6.4) leave little to do here.
 *
 * Only what means the same afterwards is joined: data behind data, with headers that differ in
 * sequence number, length, sums and IPv4's identification alone. PSH ends a joined segment, and
 * nothing waits beyond its batch. Packets of other connections may be passed on before.
 */
#include <string.h>

#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "net_rx.h"

#define FLOWS 8   /* connections whose segments wait */
#define LEAST 512 /* bytes of data that are worth it */

/* Segments of a connection that wait. */
struct joined {
    struct net_arrival a; /* of the first one */
    struct pbuf *all, *last;
    uint32_t next;  /* the sequence number behind them */
    uint32_t count; /* of segments */
};
static struct joined flows[FLOWS]; /* in order of their first one */
static unsigned flow_count;

/* Length of the header, and flags. */
static unsigned join_flags(const struct net_segment *s)
{
    return lwip_ntohs(s->tcp->_hdrlen_rsvd_flags);
}

static bool join_may_wait(const struct net_arrival *a)
{
    const struct net_segment *s = &a->seg;

    return s->tcp && a->summed && !a->tight && s->total - s->data >= LEAST &&
           (join_flags(s) & 0xfff & ~TCP_PSH) == TCP_ACK;
}

static bool join_same_connection(const struct net_arrival *a, const struct net_arrival *b)
{
    bool six = a->type == PP_HTONS(ETHTYPE_IPV6);

    return memcmp(&a->seg.tcp->src, &b->seg.tcp->src, 4) == 0 && a->type == b->type &&
           a->dev == b->dev &&
           (six ? memcmp(a->seg.packet + 8, b->seg.packet + 8, 32)
                : memcmp(a->seg.packet + 12, b->seg.packet + 12, 8)) == 0;
}

/* Traffic class with its mark of congestion, lifetime, DF; no options of IP. */
static bool join_same_ip(const struct net_arrival *a, const struct net_arrival *b)
{
    const uint8_t *p = a->seg.packet, *q = b->seg.packet;

    if (a->type == PP_HTONS(ETHTYPE_IPV6))
        return a->seg.upper == IP6_HLEN && b->seg.upper == IP6_HLEN && memcmp(p, q, 4) == 0 &&
               p[7] == q[7];
    return p[0] == 0x45 && q[0] == 0x45 && p[1] == q[1] && p[8] == q[8] && p[6] == q[6];
}

/* Does the segment b go on where f ends? */
static bool join_follows(const struct joined *f, const struct net_arrival *b)
{
    const struct tcp_hdr *h = f->a.seg.tcp, *g = b->seg.tcp;

    return lwip_ntohl(g->seqno) == f->next && h->ackno == g->ackno && h->wnd == g->wnd &&
           !((join_flags(&f->a.seg) ^ join_flags(&b->seg)) & ~TCP_PSH) &&
           memcmp(h + 1, g + 1, b->seg.data - b->seg.upper - TCP_HLEN) == 0 &&
           join_same_ip(&f->a, b) && f->all->tot_len + b->seg.total - b->seg.data <= 0xffff;
}

static struct joined *join_find(const struct net_arrival *a)
{
    for (unsigned i = 0; a->seg.tcp && i < flow_count; i++)
        if (join_same_connection(&flows[i].a, a))
            return &flows[i];
    return NULL;
}

/* Lengths, and the sum of IPv4's header, as if the segment had come like this. */
static void join_finish(struct joined *f)
{
    uint8_t *packet = f->all->payload;
    unsigned total = f->all->tot_len, left = total;
    uint16_t field = lwip_htons((u16_t)total);

    for (struct pbuf *p = f->all; p; p = p->next) {
        p->tot_len = (u16_t)left;
        left -= p->len;
    }
    f->a.seg.len += total - f->a.seg.total;
    f->a.seg.total = total;
    f->a.partial = true; /* the sum of TCP counts the first segment alone */
    if (f->a.type == PP_HTONS(ETHTYPE_IPV6)) {
        IP6H_PLEN_SET((struct ip6_hdr *)packet, total - IP6_HLEN);
        return;
    }
    memcpy(packet + 2, &field, 2);
    memset(packet + 10, 0, 2);
    field = (uint16_t)~net_chksum(packet, IP_HLEN);
    memcpy(packet + 10, &field, 2);
}

static void join_pass(struct joined *f)
{
    struct joined one = *f;

    flow_count--;
    memmove(f, f + 1, (size_t)(flows + flow_count - f) * sizeof(*f));
    if (one.count > 1)
        join_finish(&one);
    net_input_pass(&one.a, one.all);
}

static struct pbuf *join_last(struct pbuf *p)
{
    while (p->next)
        p = p->next;
    return p;
}

/* The data of the packet goes behind that of f. */
static void join_append(struct joined *f, const struct net_arrival *a, struct pbuf *p)
{
    struct tcp_hdr *h = (struct tcp_hdr *)((uint8_t *)f->all->payload + f->a.seg.upper);
    uint32_t len = a->seg.total - a->seg.data;

    h->_hdrlen_rsvd_flags |= a->seg.tcp->_hdrlen_rsvd_flags; /* PSH */
    pbuf_remove_header(p, a->seg.data);
    p = net_payload(p);
    f->last->next = p;
    f->last = join_last(p);
    f->all->tot_len = (u16_t)(f->all->tot_len + len);
    f->next += len;
    f->count++;
    if (join_flags(&f->a.seg) & TCP_PSH)
        join_pass(f);
}

void net_join(const struct net_arrival *a, struct pbuf *p)
{
    bool wait = join_may_wait(a);
    struct joined *f = join_find(a);

    if (f && wait && join_follows(f, a)) {
        join_append(f, a, p);
        return;
    }
    if (f)
        join_pass(f);
    if (!wait || (join_flags(&a->seg) & TCP_PSH)) {
        net_input_pass(a, p);
        return;
    }
    if (flow_count == FLOWS)
        join_pass(&flows[0]);
    flows[flow_count++] = (struct joined){
        .a = *a,
        .all = p,
        .last = join_last(p),
        .next = lwip_ntohl(a->seg.tcp->seqno) + a->seg.total - a->seg.data,
        .count = 1,
    };
}

void net_join_flush(void)
{
    while (flow_count)
        join_pass(&flows[0]);
}
