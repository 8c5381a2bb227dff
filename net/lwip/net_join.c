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
unsigned net_join_waiting;         /* how many of them are used */

static bool join_may_wait(const struct net_arrival *a)
{
    const struct net_segment *s = &a->seg;

    return s->tcp && a->summed && !a->tight && s->total - s->data >= LEAST &&
           (s->tcp->_hdrlen_rsvd_flags & PP_HTONS(0xfff & ~TCP_PSH)) == PP_HTONS(TCP_ACK);
}

static bool join_same_connection(const struct net_arrival *a, const struct net_arrival *b)
{
    const uint8_t *p = a->seg.packet, *q = b->seg.packet;

    if (memcmp(&a->seg.tcp->src, &b->seg.tcp->src, 4) != 0 || a->type != b->type ||
        a->dev != b->dev)
        return false;
    return a->type == PP_HTONS(ETHTYPE_IPV6) ? memcmp(p + 8, q + 8, 32) == 0
                                             : memcmp(p + 12, q + 12, 8) == 0;
}

/* Traffic class with its mark of congestion, lifetime, DF; no options of IP. */
static bool join_same_ip(const struct net_arrival *a, const struct net_arrival *b)
{
    const uint8_t *p = a->seg.packet, *q = b->seg.packet;

    if (a->type == PP_HTONS(ETHTYPE_IPV6))
        return a->seg.upper == IP6_HLEN && b->seg.upper == IP6_HLEN && memcmp(p, q, 4) == 0 &&
               p[7] == q[7];
    return p[0] == 0x45 && memcmp(p, q, 2) == 0 && p[8] == q[8] && p[6] == q[6];
}

static bool join_same_options(const struct net_segment *a, const struct net_segment *b)
{
    const uint8_t *p = (const uint8_t *)(a->tcp + 1), *q = (const uint8_t *)(b->tcp + 1);

    for (const uint8_t *end = a->packet + a->data; p < end; p += 4, q += 4)
        if (memcmp(p, q, 4) != 0)
            return false;
    return true;
}

/* Does the segment b go on where f ends? */
static bool join_follows(const struct joined *f, const struct net_arrival *b)
{
    const struct tcp_hdr *h = f->a.seg.tcp, *g = b->seg.tcp;

    return lwip_ntohl(g->seqno) == f->next && h->ackno == g->ackno && h->wnd == g->wnd &&
           !((h->_hdrlen_rsvd_flags ^ g->_hdrlen_rsvd_flags) & ~PP_HTONS(TCP_PSH)) &&
           join_same_options(&f->a.seg, &b->seg) && join_same_ip(&f->a, b) &&
           f->all->tot_len + b->seg.total - b->seg.data <= 0xffff;
}

static struct joined *join_find(const struct net_arrival *a)
{
    for (unsigned i = 0; a->seg.tcp && i < net_join_waiting; i++)
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

    net_join_waiting--;
    memmove(f, f + 1, (size_t)(flows + net_join_waiting - f) * sizeof(*f));
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

bool net_join(const struct net_arrival *a, struct pbuf *data)
{
    struct joined *f = join_find(a);
    uint32_t len = a->seg.total - a->seg.data;
    struct tcp_hdr *h;

    if (!f || !join_may_wait(a) || !join_follows(f, a))
        return false;
    h = (struct tcp_hdr *)((uint8_t *)f->all->payload + f->a.seg.upper);
    h->_hdrlen_rsvd_flags |= a->seg.tcp->_hdrlen_rsvd_flags; /* PSH */
    f->last->next = data;
    f->last = join_last(data);
    f->all->tot_len = (u16_t)(f->all->tot_len + len);
    f->next += len;
    f->count++;
    if (h->_hdrlen_rsvd_flags & PP_HTONS(TCP_PSH))
        join_pass(f);
    return true;
}

void net_join_begin(const struct net_arrival *a, struct pbuf *p)
{
    struct joined *f = join_find(a);

    if (f)
        join_pass(f);
    if (!join_may_wait(a) || (a->seg.tcp->_hdrlen_rsvd_flags & PP_HTONS(TCP_PSH))) {
        net_input_pass(a, p);
        return;
    }
    if (net_join_waiting == FLOWS)
        join_pass(&flows[0]);
    f = &flows[net_join_waiting++];
    f->a = *a;
    f->all = p;
    f->last = join_last(p);
    f->next = lwip_ntohl(a->seg.tcp->seqno) + a->seg.total - a->seg.data;
    f->count = 1;
}

void net_join_flush(void)
{
    while (net_join_waiting)
        join_pass(&flows[0]);
}
