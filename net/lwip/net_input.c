/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_input.c - frames on their way from the driver to lwIP: through the checks of frame_check.c,
 * and copied or dropped when receive buffers are short. And rules that lwIP lacks: frames of others
 * and packets for one machine in frames for many are dropped, tags of a priority are taken off,
 * SYNs of impossible senders are dropped, and a new connection may reuse the ports of one in
 * TIME_WAIT (RFC 9293, 3.10.7.4).
 */
#include "frame_check.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ethernet.h"
#include "net_impl.h"
#include "netif/ethernet.h"

enum { IP4_DEST = 16, IP6_DEST = 24 }; /* where an address stands in its header */

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

/* ---- SYNs ------------------------------------------------------------------------------------ */

static bool input_is_syn(const struct net_segment *s)
{
    return s->tcp && (TCPH_FLAGS(s->tcp) & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool input_is_own_address(const ip_addr_t *a)
{
    for (const struct netif *netif = netif_list; netif; netif = netif->next) {
        if (IP_IS_V4(a) && ip4_addr_cmp(ip_2_ip4(a), netif_ip4_addr(netif)))
            return true;
        for (int i = 0; IP_IS_V6(a) && i < LWIP_IPV6_NUM_ADDRESSES; i++)
            if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
                ip6_addr_cmp_zoneless(ip_2_ip6(a), netif_ip6_addr(netif, i)))
                return true;
    }
    return false;
}

/*
 * Can the sender be answered (RFC 1122, 3.2.1.3; RFC 9293, 3.9.2.3)? Not at an address of this
 * machine, whose packets do not come over the cable, at one of no machine, or at port 0. lwIP
 * drops multicasts and broadcasts as senders.
 */
static bool input_syn_ok(const struct net_segment *s)
{
    if (!s->tcp->src || !s->tcp->dest || ip_addr_isloopback(&s->src) || ip_addr_isany(&s->src))
        return false;
    if (IP_IS_V4(&s->src) && ip4_addr1(ip_2_ip4(&s->src)) == 0)
        return false;
    if (IP_IS_V6(&s->src) && ip6_addr_isipv4mappedipv6(ip_2_ip6(&s->src)))
        return false;
    return !input_is_own_address(&s->src);
}

static bool input_is_listened_to(const struct net_segment *s)
{
    for (const struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs; l; l = l->next)
        if (l->local_port == lwip_ntohs(s->tcp->dest) &&
            (ip_addr_isany(&l->local_ip) || ip_addr_cmp_zoneless(&l->local_ip, &s->dst)))
            return true;
    return false;
}

/*
 * A SYN beyond the window of a connection in TIME_WAIT opens a new one, if somebody listens: the
 * old one is dropped.
 */
static void input_reuse_time_wait(const struct net_segment *s)
{
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        if (!input_same_connection(pcb, s))
            continue;
        if (TCP_SEQ_GT(lwip_ntohl(s->tcp->seqno), pcb->rcv_nxt) && input_is_listened_to(s)) {
            net_tcp_isn_above(pcb->snd_nxt, pcb->local_port, pcb->remote_port);
            tcp_abort(pcb);
        }
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

static struct pbuf *input_copy(struct pbuf *p, const struct net_segment *s)
{
    return input_may_keep(s) ? pbuf_clone(PBUF_RAW, PBUF_RAM, p) : NULL;
}

/*
 * Socket queues hold most receive buffers, and a burst would soon find none: what will be kept is
 * copied, and its buffer goes back to the ring. When memory is short as well, what waits behind
 * gaps of TCP is dropped, then data that comes, and its sender repeats it; but segments without
 * data pass, since they end the shortage, and so does data of connections that hold nothing or
 * little. NULL: dropped.
 */
static struct pbuf *input_relieve(struct pbuf *p, const struct net_segment *s)
{
    struct pbuf *copy;

    if (s->tcp && s->len == TCPH_HDRLEN_BYTES(s->tcp))
        return p;
    copy = input_copy(p, s);
    if (!copy && tcp_ooseq_drop_all())
        copy = input_copy(p, s);
    if (copy)
        net_core.rx_copied++;
    else
        net_core.rx_no_memory++;
    pbuf_free(p);
    return copy;
}

/* ---- Ethernet -------------------------------------------------------------------------------- */

/* A tag of VLAN 0 says a priority only (IEEE 802.1Q, 9.6): the frame is taken without. */
static void input_untag(struct pbuf *p)
{
    const struct eth_hdr *eth = p->payload;
    const uint8_t *tag = (const uint8_t *)p->payload + SIZEOF_ETH_HDR;

    if (eth->type != PP_HTONS(ETHTYPE_VLAN) || p->len < SIZEOF_ETH_HDR + SIZEOF_VLAN_HDR ||
        (tag[0] & 0x0f) || tag[1])
        return;
    memmove((uint8_t *)p->payload + SIZEOF_VLAN_HDR, p->payload, 2 * ETH_HWADDR_LEN);
    pbuf_remove_header(p, SIZEOF_VLAN_HDR);
}

/*
 * Is the frame for this machine? A frame for all or many carries no packet for one (RFC 1122,
 * 3.3.6), but for answers of DHCP to who has no address yet.
 */
static bool input_for_us(const struct net_dev *d, const struct pbuf *p)
{
    const struct eth_hdr *eth = p->payload;
    const uint8_t *packet = (const uint8_t *)p->payload + SIZEOF_ETH_HDR;
    const struct netif *netif = &d->netif;
    ip4_addr_t to;

    if (!(eth->dest.addr[0] & 1))
        return memcmp(eth->dest.addr, netif->hwaddr, ETH_HWADDR_LEN) == 0;
    if (eth->type == PP_HTONS(ETHTYPE_IPV6))
        return packet[IP6_DEST] == 0xff;
    if (eth->type != PP_HTONS(ETHTYPE_IP) || !d->told)
        return true;
    memcpy(&to, packet + IP4_DEST, sizeof(to));
    return ip4_addr_ismulticast(&to) || ip4_addr_isbroadcast(&to, netif);
}

void net_input(struct net_dev *d, struct pbuf *p, bool tight)
{
    struct net_segment s;

    input_untag(p);
    if (!net_frame_ok(p->payload, p->len, &s) || !input_for_us(d, p) ||
        (input_is_syn(&s) && !input_syn_ok(&s))) {
        net_core.rx_malformed++;
        pbuf_free(p);
        return;
    }
    if (((const struct eth_hdr *)p->payload)->type == PP_HTONS(ETHTYPE_ARP))
        net_lease_arp(d, (const uint8_t *)p->payload + SIZEOF_ETH_HDR);
    if (input_is_syn(&s))
        input_reuse_time_wait(&s);
    if (tight && !(p = input_relieve(p, &s)))
        return;
    net_core.sender = ((const struct eth_hdr *)p->payload)->src.addr;
    ethernet_input(p, &d->netif);
    net_core.sender = NULL;
}
