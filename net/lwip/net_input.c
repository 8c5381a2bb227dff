/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_input.c - frames on their way from the driver to lwIP: through the checks of frame_check.c,
 * and copied or dropped when receive buffers are short. And one rule that lwIP lacks (RFC 9293,
 * 3.10.7.4): a new connection may reuse the ports of one in TIME_WAIT.
 */
#include "frame_check.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "netif/ethernet.h"

#define HELD_LITTLE 8192 /* a connection holds little if fewer bytes wait for its application */

/* Addresses of a frame have no zone; lwIP gives the link-local addresses of a
   connection one. */
static bool input_same_connection(const struct tcp_pcb *pcb, const struct net_segment *s)
{
    return pcb->remote_port == lwip_ntohs(s->tcp->src) &&
           pcb->local_port == lwip_ntohs(s->tcp->dest) &&
           ip_addr_cmp_zoneless(&pcb->remote_ip, &s->src) &&
           ip_addr_cmp_zoneless(&pcb->local_ip, &s->dst);
}

/* A SYN beyond the window of a connection in TIME_WAIT opens a new one: the old one is dropped. */
static void input_reuse_time_wait(const struct net_segment *s)
{
    if (!s->tcp || (TCPH_FLAGS(s->tcp) & (TCP_SYN | TCP_ACK)) != TCP_SYN)
        return;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        if (!input_same_connection(pcb, s))
            continue;
        if (TCP_SEQ_GT(lwip_ntohl(s->tcp->seqno), pcb->rcv_nxt))
            tcp_abort(pcb);
        return;
    }
}

/* ---- when receive buffers are short ---------------------------------------------------------- */

/* Bytes of the segment's connection that its application has not read yet. */
static uint32_t input_held_bytes(const struct net_segment *s)
{
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (input_same_connection(pcb, s))
            return TCP_WND_MAX(pcb) - pcb->rcv_wnd;
    return 0;
}

static bool input_may_keep(const struct net_segment *s)
{
    uint32_t held;

    if (net_mem_admit(NET_MEM_RX))
        return true;
    held = s->tcp ? input_held_bytes(s) : HELD_LITTLE;
    return held == 0 || (held < HELD_LITTLE && net_mem_admit(NET_MEM_RX_SMALL));
}

/*
 * Socket queues hold most receive buffers, and a burst would soon find none: what will be kept is
 * copied, and its buffer goes back to the ring. When memory is short as well, data is dropped, and
 * its sender repeats it; but segments without data pass, since they end the shortage, and so does
 * data of connections that hold nothing or little. NULL: dropped.
 */
static struct pbuf *input_relieve(struct pbuf *p, const struct net_segment *s)
{
    struct pbuf *copy;

    if (s->tcp && s->len == TCPH_HDRLEN_BYTES(s->tcp))
        return p;
    copy = input_may_keep(s) ? pbuf_clone(PBUF_RAW, PBUF_RAM, p) : NULL;
    if (copy)
        net_core.rx_copied++;
    else
        net_core.rx_no_memory++;
    pbuf_free(p);
    return copy;
}

void net_input(struct net_dev *d, struct pbuf *p, bool tight)
{
    struct net_segment s;

    if (!net_frame_ok(p->payload, p->len, &s)) {
        net_core.rx_malformed++;
        pbuf_free(p);
        return;
    }
    if (((const struct eth_hdr *)p->payload)->type == PP_HTONS(ETHTYPE_ARP))
        net_lease_arp(d, (const uint8_t *)p->payload + SIZEOF_ETH_HDR);
    input_reuse_time_wait(&s);
    if (tight && !(p = input_relieve(p, &s)))
        return;
    ethernet_input(p, &d->netif);
}
