/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_dgram.c - datagram (UDP) and raw sockets.
 */
#include <errno.h>
#include <poll.h>

#include "lwip/inet_chksum.h"
#include "sock.h"
#include "socket_ops.h"

#define BLOCK 14 /* datagrams: a block fits into 960 bytes */

struct sock_dgram_block {
    struct sock_dgram_block *next;
    struct sock_dgram d[BLOCK];
};

/* The first that waits; NULL: none. */
static struct sock_dgram *dgram_first(const struct sock *s)
{
    return s->rx_count ? &s->dgrams.head->d[s->dgrams.first] : NULL;
}

uint32_t sock_dgram_next(const struct sock *s)
{
    return s->rx_count ? dgram_first(s)->p->tot_len : 0;
}

/* The first block is empty: it is kept for those that come, unless memory is short. */
static void dgram_leave_block(struct sock_dgrams *q)
{
    struct sock_dgram_block *b = q->head;

    q->first = 0;
    q->head = b->next;
    if (!q->head)
        q->tail = NULL;
    if (q->spare || !net_mem_plenty())
        net_free(b);
    else
        q->spare = b;
}

/* As pbuf_free(), with a short way for data in a card's buffer that nobody else has. */
static inline void dgram_release(struct pbuf *p)
{
    if (p->ref == 1 && !p->next && (p->flags & PBUF_FLAG_IS_CUSTOM))
        ((struct pbuf_custom *)p)->custom_free_function(p);
    else
        pbuf_free(p);
}

/* Frees the first datagram that waits. */
static void dgram_pop(struct sock *s)
{
    struct sock_dgrams *q = &s->dgrams;
    struct pbuf *p = q->head->d[q->first++].p;

    s->rx_bytes -= p->tot_len;
    s->rx_count--;
    dgram_release(p);
    if (!s->rx_count && !q->spare && q->head == q->tail && net_mem_plenty())
        q->first = q->end = 0; /* the block is filled from its start again */
    else if (q->first == BLOCK || !s->rx_count)
        dgram_leave_block(q);
}

static void dgram_drop_all(struct sock *s)
{
    while (s->rx_count)
        dgram_pop(s);
    net_free(s->dgrams.head);
    net_free(s->dgrams.spare);
    s->dgrams = (struct sock_dgrams){0};
}

/* Another block at the end. False: no memory. */
static bool dgram_add_block(struct sock_dgrams *q)
{
    struct sock_dgram_block *b = q->spare ? q->spare : net_malloc(sizeof(*b));

    if (!b)
        return false;
    q->spare = NULL;
    q->end = 0;
    HAL_QUEUE_APPEND(q->head, q->tail, b, next);
    return true;
}

/* A place behind the last datagram, whose pbuf becomes the queue's. NULL: there is no room. */
static struct sock_dgram *dgram_place(struct sock *s, struct pbuf *p)
{
    struct sock_dgrams *q = &s->dgrams;
    struct sock_dgram *d;

    if (s->read_shut || s->rx_count >= SOCK_DGRAM_COUNT || s->rx_bytes + p->tot_len > s->rx_limit ||
        ((!q->tail || q->end == BLOCK) && !dgram_add_block(q)))
        return NULL;
    d = &q->tail->d[q->end++];
    d->p = p;
    s->rx_bytes += p->tot_len;
    s->rx_count++;
    return d;
}

/* What lwIP knows of the packet that it is handing over. */
static inline void dgram_origin(struct sock_origin *o, const ip_addr_t *from, u16_t port)
{
    o->from = *from;
    o->to = *ip_current_dest_addr();
    o->port = port;
    o->netif = netif_get_index(ip_current_input_netif());
    if (ip_current_is_v6()) {
        o->ttl = IP6H_HOPLIM(ip6_current_header());
        o->tos = IP6H_TC(ip6_current_header());
    } else {
        o->ttl = IPH_TTL(ip4_current_header());
        o->tos = IPH_TOS(ip4_current_header());
    }
}

/*
 * lwIP gives broadcasts and multicasts to every socket of the port, also to one that is connected
 * elsewhere, or bound to an address that is not the packet's.
 */
static bool dgram_is_for(const struct udp_pcb *pcb, const ip_addr_t *from, u16_t port)
{
    if ((pcb->flags & UDP_FLAGS_CONNECTED) &&
        (pcb->remote_port != port || !net_conn_is(&pcb->remote_ip, from)))
        return false;
    return net_conn_is(&pcb->local_ip, ip_current_dest_addr());
}

static void dgram_on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                         u16_t port)
{
    struct sock_dgram *d = NULL;

    if (net_arriving.ours || dgram_is_for(pcb, addr, port))
        d = dgram_place(arg, p);
    if (!d) {
        pbuf_free(p);
        return;
    }
    dgram_origin(&d->origin, addr, port);
    sock_readable(arg);
}

struct sock *sock_of_udp(const struct udp_pcb *pcb)
{
    return pcb->recv == dgram_on_udp ? pcb->recv_arg : NULL;
}

/* Of IPv6 without headers, and ICMPv6 with a right sum alone (RFC 3542, section 3). */
static bool dgram_strip6(const struct raw_pcb *pcb, struct pbuf *p)
{
    pbuf_remove_header(p, ip_current_header_tot_len());
    return !pcb->chksum_reqd || !ip6_chksum_pseudo(p, pcb->protocol, p->tot_len,
                                                   ip6_current_src_addr(), ip6_current_dest_addr());
}

/* A raw socket gets a copy, with all sums: lwIP goes on with the packet. */
static u8_t dgram_on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    struct sock_dgram *d = NULL;

    if (!copy)
        return 0;
    if (net_arriving.partial)
        net_sum_complete(copy->payload, copy->len);
    if (!ip_current_is_v6() || dgram_strip6(pcb, copy))
        d = dgram_place(arg, copy);
    if (d) {
        dgram_origin(&d->origin, addr, 0);
        sock_readable(arg);
    } else {
        pbuf_free(copy);
    }
    return 0;
}

static int dgram_open_udp(struct sock *s)
{
    s->udp = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!s->udp)
        return -ENOMEM;
    udp_recv(s->udp, dgram_on_udp, s);
    if (s->v6only)
        IP_SET_TYPE_VAL(s->udp->local_ip, IPADDR_TYPE_V6);
    sock_apply_options(s);
    return 0;
}

int sock_dgram_open(struct sock *s, int protocol)
{
    if (s->kind == SOCK_KIND_UDP)
        return dgram_open_udp(s);
    s->raw =
        raw_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6, (u8_t)protocol);
    if (!s->raw)
        return -ENOMEM;
    if (s->family == AF_INET6 && protocol == IPPROTO_ICMPV6) {
        s->raw->chksum_reqd = 1; /* RFC 3542, section 3.1 */
        s->raw->chksum_offset = SOCK_ICMP6_SUM;
    }
    raw_recv(s->raw, dgram_on_raw, s);
    sock_apply_options(s);
    return 0;
}

void sock_dgram_close(struct sock *s)
{
    if (s->kind == SOCK_KIND_RAW)
        raw_remove(s->raw);
    else
        udp_remove(s->udp);
    s->udp = NULL;
    sock_dgram_forget_flow(s);
    sock_group_leave_all(s);
    dgram_drop_all(s);
}

int sock_dgram_poll(struct sock *s, int events)
{
    int ready = POLLOUT | POLLWRNORM;

    if (sock_awaits_route(s)) {
        sock_await_means(s);
        ready = 0;
    }

    if (s->rx_count || s->read_shut)
        ready |= POLLIN | POLLRDNORM;
    if (s->read_shut)
        ready |= POLLRDHUP;
    if (s->read_shut && s->write_shut)
        ready |= POLLHUP;
    if (s->error)
        ready |= POLLERR;
    return ready & events;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Data in several pbufs, or for several parts. */
static size_t dgram_scatter_any(const struct pbuf *p, const struct sock_msg *m)
    __attribute__((noinline, cold));
static size_t dgram_scatter_any(const struct pbuf *p, const struct sock_msg *m)
{
    size_t done = 0;

    for (int i = 0; i < m->iovcnt && done < p->tot_len; i++) {
        size_t len = m->iov[i].iov_len;
        u16_t n = len < (size_t)p->tot_len - done ? (u16_t)len : (u16_t)(p->tot_len - done);

        done += pbuf_copy_partial(p, m->iov[i].iov_base, n, (u16_t)done);
    }
    return done;
}

static inline size_t dgram_scatter(const struct pbuf *p, const struct sock_msg *m)
{
    size_t n;

    if (p->next || m->iovcnt != 1)
        return dgram_scatter_any(p, m);
    n = m->iov->iov_len < p->len ? m->iov->iov_len : p->len;
    memcpy(m->iov->iov_base, p->payload, n);
    return n;
}

int sock_dgram_await(struct sock *s, int flags)
{
    uint64_t deadline = 0;
    int err = 0;

    while (!err) {
        if (s->error && (!s->rx_count || !deadline))
            return -sock_take_error(s);
        if (s->rx_count)
            return 1;
        if (s->read_shut)
            return 0;
        err = sock_wait(s, &s->readers, s->read_timeout, &deadline, flags);
    }
    return err;
}

const struct pbuf *sock_dgram_first(const struct sock *s)
{
    return dgram_first(s)->p;
}

struct pbuf *sock_dgram_take(struct sock *s)
{
    struct pbuf *p = dgram_first(s)->p;

    pbuf_ref(p);
    dgram_pop(s);
    return p;
}

ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags)
{
    struct sock_dgram *d;
    size_t n;

    if (!s->rx_count || s->error) {
        int there = sock_dgram_await(s, flags);

        if (there <= 0) {
            m->has_addr = false;
            return there;
        }
    }
    d = dgram_first(s);
    n = dgram_scatter(d->p, m);
    if (m->has_addr)
        m->origin = d->origin;
    m->truncated = n < d->p->tot_len;
    if (flags & MSG_TRUNC)
        n = d->p->tot_len;
    if (!(flags & MSG_PEEK))
        dgram_pop(s);
    return (ssize_t)n;
}
