/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_mtu.c - segments of TCP fit the path: they carry DF (RFC 1191), and become smaller while a
 * connection is open. What is lost since it was too long is sent again at once, and is no sign of
 * congestion (RFC 1191, section 6.3; RFC 8201, section 5.4).
 */
#include "tcp_mtu.h"

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "net_path_mtu.h"
#include "tcp_scoreboard.h"

static unsigned mtu_headers_to(const ip_addr_t *to)
{
    return (IP_IS_V6(to) ? IP6_HLEN : IP_HLEN) + TCP_HLEN;
}

unsigned tcp_mtu_headers(const struct tcp_pcb *pcb)
{
    return mtu_headers_to(&pcb->remote_ip);
}

static const struct netif *mtu_netif(const struct tcp_pcb *pcb)
{
    return pcb->netif_idx != NETIF_NO_INDEX ? netif_get_by_index(pcb->netif_idx)
                                            : ip_route(&pcb->local_ip, &pcb->remote_ip);
}

static uint16_t mtu_min(unsigned a, unsigned b)
{
    return (uint16_t)(a < b ? a : b);
}

uint16_t tcp_mtu_of_link(const ip_addr_t *to, const struct netif *netif, unsigned user)
{
    unsigned mtu = IP_IS_V6(to) ? netif_mtu6(netif) : netif->mtu;
    unsigned mss = mtu ? mtu_min(TCP_MSS, mtu - mtu_headers_to(to)) : TCP_MSS;

    return mtu_min(mss, user ? user : mss);
}

uint16_t tcp_mtu_offer(const struct tcp_pcb *pcb, const struct netif *netif)
{
    return tcp_mtu_of_link(&pcb->remote_ip, netif, pcb->net.mtu.user);
}

unsigned tcp_mtu_longest(const struct tcp_pcb *pcb)
{
    const struct tcp_mtu *m = &pcb->net.mtu;
    const struct netif *netif = mtu_netif(pcb);
    unsigned longest = mtu_min(m->peer, m->user ? m->user : m->peer) + tcp_mtu_headers(pcb);

    return netif ? mtu_min(longest, net_path_mtu(netif, &pcb->remote_ip, NET_PATH_TCP)) : longest;
}

/* What a segment may have now, with its options. */
static uint16_t mtu_mss(const struct tcp_pcb *pcb)
{
    unsigned longest = tcp_mtu_longest(pcb), passes = pcb->net.mtu.passes;

    return (uint16_t)(mtu_min(longest, passes ? passes : longest) - tcp_mtu_headers(pcb));
}

void tcp_mtu_begin(struct tcp_pcb *pcb)
{
    pcb->net.mtu.peer = pcb->mss;
    pcb->net.mtu.passes = (uint16_t)net_path_guess(&pcb->remote_ip);
    pcb->mss = mtu_mss(pcb);
}

void tcp_mtu_update(struct tcp_pcb *pcb)
{
    tcp_mtu_path_is(pcb, tcp_mtu_longest(pcb));
    pcb->mss = mtu_mss(pcb);
    tcp_cc_mss(&pcb->net.cc, pcb->mss);
}

void tcp_mtu_limit(struct tcp_pcb *pcb, uint16_t mss)
{
    if (pcb->net.mtu.user == mss)
        return;
    pcb->net.mtu.user = mss;
    if (pcb->net.mtu.peer)
        tcp_mtu_update(pcb);
}

/* ---- what is said of a path ------------------------------------------------------------------ */

static struct tcp_pcb *mtu_find(const struct net_too_big *t)
{
    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (p->local_port == t->port && p->remote_port == t->peer_port &&
            net_path_same(&p->local_ip, t->local) && net_path_same(&p->remote_ip, t->peer))
            return p;
    return NULL;
}

/* The length of the packet, without its headers, that was sent at this number; 0: none. */
static unsigned mtu_sent_at(const struct tcp_seg *s, u32_t seq)
{
    for (; s; s = s->next)
        if (seq - lwip_ntohl(s->tcphdr->seqno) < s->len)
            return tcp_seg_packet(&s->net, s->len) + (LWIP_TCP_OPT_LENGTH(s->flags));
    return 0;
}

unsigned tcp_mtu_sent(const struct net_too_big *t)
{
    const struct tcp_pcb *pcb = mtu_find(t);
    unsigned len;

    if (!pcb || t->seq - pcb->lastack >= pcb->snd_nxt - pcb->lastack)
        return 0;
    len = mtu_sent_at(pcb->unacked, t->seq);
    if (!pcb->net.mtu.probe)
        len = mtu_min(len, pcb->mss);
    return len ? len + tcp_mtu_headers(pcb) : 0;
}

/* Segments that were sent before the quoted one have passed where that did not. */
void tcp_mtu_resend(const struct net_too_big *t)
{
    struct tcp_pcb *pcb = mtu_find(t);

    if (pcb)
        tcp_recovery_resize(pcb, t->seq);
}

/* Calls fn for the connections to this address; NULL: for all. */
static void mtu_each(const ip_addr_t *to, void (*fn)(struct tcp_pcb *pcb))
{
    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (p->net.mtu.peer && (!to || net_path_same(&p->remote_ip, to)))
            fn(p);
}

void tcp_mtu_follow(const ip_addr_t *to)
{
    mtu_each(to, tcp_mtu_update);
}

void tcp_mtu_forgotten(const ip_addr_t *to)
{
    mtu_each(to, tcp_mtu_try_longer);
}
