/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_udp.c - received datagrams (RFC 768) on a short way: whole ones without options or extension
 * headers, with right sums, from one machine to an address of their card, for the only control
 * block of their port. For these all checks of net_rx.c, net_input.c and udp_input() come to what
 * is checked here, once; every other frame takes the long way, which judges it from the start.
 */
#include "net_udp.h"

#include "lwip/ip.h"
#include "lwip/stats.h"
#include "lwip/udp.h"

enum {
    UDP_AT4 = SIZEOF_ETH_HDR + IP_HLEN, /* where its header begins in a frame */
    UDP_AT6 = SIZEOF_ETH_HDR + IP6_HLEN,
};

static inline uint32_t udp_load(const void *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* ---- IP -------------------------------------------------------------------------------------- */

/* Of whole words of 32 bits. */
static inline uint64_t udp_sum(const void *p, unsigned words)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < words; i++)
        sum += udp_load((const uint8_t *)p + 4 * i);
    return sum;
}

/* The same of a header of IPv4 without options. */
static inline uint64_t udp_head_sum(const struct ip_hdr *ip)
{
    const uint8_t *p = (const uint8_t *)ip;

    return (uint64_t)udp_load(p) + udp_load(p + 4) + udp_load(p + 8) + udp_load(p + 12) +
           udp_load(p + 16);
}

static inline void udp_set4(ip_addr_t *to, u32_t addr)
{
    ip_2_ip4(to)->addr = addr;
    IP_SET_TYPE(to, IPADDR_TYPE_V4);
}

/* Bytes of a datagram over IPv4 (RFC 791) whose addresses are now those of lwIP's packet; 0: of
 * none for this way. */
static inline unsigned udp_over_ip4(const struct netif *netif, const struct vnet_rx *rx)
{
    const struct ip_hdr *ip = (const void *)(rx->head + SIZEOF_ETH_HDR);
    unsigned total = lwip_ntohs(IPH_LEN(ip));

    if (IPH_PROTO(ip) != IP_PROTO_UDP || (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) ||
        total < IP_HLEN + UDP_HLEN || total > rx->len - SIZEOF_ETH_HDR ||
        !net_input_is_own4(ip->dest.addr, netif) || !net_input_sender4_ok(ip->src.addr, netif) ||
        udp_head_sum(ip) % 0xffff)
        return 0;
    udp_set4(&ip_data.current_iphdr_dest, ip->dest.addr);
    udp_set4(&ip_data.current_iphdr_src, ip->src.addr);
    return total - IP_HLEN;
}

/* The same over IPv6 (RFC 8200). */
static inline unsigned udp_over_ip6(struct netif *netif, const struct vnet_rx *rx)
{
    const struct ip6_hdr *ip = (const void *)(rx->head + SIZEOF_ETH_HDR);
    const struct udp_hdr *udp = (const void *)(rx->head + UDP_AT6);
    unsigned len = IP6H_PLEN(ip);

    if (IP6H_NEXTH(ip) != IP_PROTO_UDP || len < UDP_HLEN ||
        IP6_HLEN + len > rx->len - SIZEOF_ETH_HDR || !udp->chksum || !net_input_ends6(ip, netif))
        return 0;
    return len;
}

/* Is the sum of the datagram at `at` right, or was it for the card to say so? */
static inline bool udp_sum_ok(const struct vnet_rx *rx, unsigned at, unsigned len)
{
    const struct udp_hdr *udp = (const void *)(rx->head + at);
    uint64_t sum = PP_HTONS(IP_PROTO_UDP) + (uint32_t)udp->len;

    if (rx->meta.flags & VNET_NEEDS_CSUM)
        return rx->meta.csum_start == at &&
               rx->meta.csum_offset == offsetof(struct udp_hdr, chksum);
    if ((rx->meta.flags & VNET_CSUM_VALID) || !udp->chksum)
        return true;
    sum += at == UDP_AT4 ? udp_sum((const uint8_t *)udp - 8, 2)
                         : net_chksum((const uint8_t *)udp - 32, 32);
    if (rx->data)
        sum +=
            net_chksum(udp, UDP_HLEN) + net_chksum(rx->data + at + UDP_HLEN, (int)(len - UDP_HLEN));
    else
        sum += net_chksum(udp, (int)len);
    return sum % 0xffff == 0;
}

/* ---- to the control block -------------------------------------------------------------------- */

/* As net_conn_is(), without a call for most of IPv4. */
static inline bool udp_is(const ip_addr_t *own, const ip_addr_t *a)
{
    return (!(IP_GET_TYPE(own) | IP_GET_TYPE(a)) && ip_2_ip4(own)->addr == ip_2_ip4(a)->addr) ||
           net_conn_is(own, a);
}

/* The only control block of the port, if the packet of lwIP with these ports is for it. */
static inline struct udp_pcb *udp_find(const struct netif *netif, u16_t from, u16_t to)
{
    struct udp_pcb *pcb = net_conn_only_udp(to);

    if (!pcb || !from || (pcb->netif_idx && pcb->netif_idx != netif_get_index(netif)) ||
        !udp_is(&pcb->local_ip, ip_current_dest_addr()))
        return NULL;
    if ((pcb->flags & UDP_FLAGS_CONNECTED) &&
        (pcb->remote_port != from || !udp_is(&pcb->remote_ip, ip_current_src_addr())))
        return NULL;
    return pcb;
}

static void udp_free(struct pbuf *p)
{
    vnet_rx_free((struct vnet_rx *)p);
}

/* The data, where it lies, as the one pbuf that the frame's memory holds. */
static inline struct pbuf *udp_pbuf(const struct netif *netif, struct vnet_rx *rx, unsigned at,
                                    unsigned len)
{
    struct pbuf_custom *pc = (struct pbuf_custom *)rx->stack;
    struct pbuf *p = &pc->pbuf;

    pc->custom_free_function = udp_free;
    p->next = NULL;
    p->payload = (rx->data ? rx->data : rx->head) + at;
    p->tot_len = (u16_t)len;
    p->len = (u16_t)len;
    p->type_internal = PBUF_REF;
    p->flags = PBUF_FLAG_IS_CUSTOM;
    p->ref = 1;
    p->if_idx = netif_get_index(netif);
    p->tx_size = 0;
    return p;
}

/* What lwIP and callbacks ask of the packet, from here on and after it. */
static inline void udp_tell(struct netif *netif, const struct vnet_rx *rx, unsigned at)
{
    void *ip = (uint8_t *)rx->head + SIZEOF_ETH_HDR;

    net_arriving.ours = true;
    net_core.sender = ((const struct eth_hdr *)rx->head)->src.addr;
    ip_data.current_netif = ip_data.current_input_netif = netif;
    ip_data.current_ip4_header = at == UDP_AT4 ? ip : NULL;
    ip_data.current_ip6_header = at == UDP_AT4 ? NULL : ip;
    ip_data.current_ip_header_tot_len = (u16_t)(at - SIZEOF_ETH_HDR);
}

static inline void udp_told(void)
{
    net_arriving.ours = false;
    net_core.sender = NULL;
    ip_data.current_netif = ip_data.current_input_netif = NULL;
    ip_data.current_ip4_header = NULL;
    ip_data.current_ip6_header = NULL;
    ip_data.current_ip_header_tot_len = 0;
}

/* Is the frame for this card alone, in one buffer, as all on this way are? */
static inline bool udp_frame_ok(const struct net_dev *d, const struct vnet_rx *rx)
{
    const uint8_t *own = d->netif.hwaddr;

    return !rx->next && !rx->meta.gso &&
           !((udp_load(rx->head) ^ udp_load(own)) |
             ((udp_load(rx->head + 2) ^ udp_load(own + 2)))) &&
           netif_is_up(&d->netif) && !raw_pcbs && !vnet_rx_tight(d->vnet);
}

bool net_udp_rx(struct net_dev *d, struct vnet_rx *rx)
{
    uint32_t kind = udp_load(rx->head + SIZEOF_ETH_HDR - 2);
    struct netif *netif = &d->netif;
    const struct udp_hdr *udp;
    struct udp_pcb *pcb;
    unsigned at, len;
    struct pbuf *p;

    if (!udp_frame_ok(d, rx))
        return false;
    if ((kind & PP_HTONL(0xffffff00)) == PP_HTONL(0x08004500)) {
        at = UDP_AT4;
        len = udp_over_ip4(netif, rx);
    } else if ((kind & PP_HTONL(0xfffff000)) == PP_HTONL(0x86dd6000)) {
        at = UDP_AT6;
        len = udp_over_ip6(netif, rx);
    } else {
        return false;
    }
    udp = (const void *)(rx->head + at);
    if (!len || lwip_ntohs(udp->len) != len || !udp_sum_ok(rx, at, len) ||
        !(pcb = udp_find(netif, lwip_ntohs(udp->src), lwip_ntohs(udp->dest))))
        return false;
    (at == UDP_AT4 ? &lwip_stats.ip : &lwip_stats.ip6)->recv++;
    lwip_stats.udp.recv++;
    p = udp_pbuf(netif, rx, at + UDP_HLEN, len - UDP_HLEN);
    udp_tell(netif, rx, at);
    if (pcb->recv)
        pcb->recv(pcb->recv_arg, pcb, p, ip_current_src_addr(), lwip_ntohs(udp->src));
    else
        pbuf_free(p);
    udp_told();
    return true;
}
