/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_way.c - ready headers of Ethernet and IPv4 (RFC 791), for a few pairs of addresses.
 */
#include "net_way.h"

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "lwip/stats.h"
#include "net_hooks.h"

#define WAYS 16 /* a power of two */

static struct tcp_way ways[WAYS];
static uint32_t way_serial;

static struct tcp_way *way_of(const ip_addr_t *from, const ip_addr_t *to)
{
    uint32_t both = ip4_addr_get_u32(ip_2_ip4(from)) ^ ip4_addr_get_u32(ip_2_ip4(to));

    return &ways[(both * 0x9e3779b1u) >> 16 & (WAYS - 1)];
}

static bool way_holds(const struct tcp_way *w, const ip_addr_t *from, const ip_addr_t *to,
                      const struct netif *netif)
{
    return w->to == ip4_addr_get_u32(ip_2_ip4(to)) && w->from == ip4_addr_get_u32(ip_2_ip4(from)) &&
           w->routes == net_route_epoch && w->neighbours == net_arp_epoch && w->netif == netif;
}

static uint16_t way_sum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* Puts the headers in front. */
static void way_head(const struct tcp_way *w, struct pbuf *p, uint8_t ttl, uint8_t tos,
                     uint16_t flags)
{
    uint16_t len = lwip_htons((u16_t)(p->tot_len + IP_HLEN)), id = net_ip4_id(flags);
    struct way_headers *h = (void *)((uint8_t *)p->payload - sizeof(*h));

    p->payload = h;
    p->len = (u16_t)(p->len + sizeof(*h));
    p->tot_len = (u16_t)(p->tot_len + sizeof(*h));
    *h = w->headers;
    IPH_TOS_SET(&h->ip, tos);
    IPH_LEN_SET(&h->ip, len);
    IPH_ID_SET(&h->ip, id);
    IPH_OFFSET_SET(&h->ip, flags);
    IPH_TTL_SET(&h->ip, ttl);
    IPH_CHKSUM_SET(&h->ip, way_sum((uint32_t)w->sum + lwip_htons(tos) + len + id + flags +
                                   lwip_htons((u16_t)(ttl << 8))));
    IP_STATS_INC(ip.xmit);
}

const struct tcp_way *net_way_find(const ip_addr_t *from, const ip_addr_t *to,
                                   const struct netif *netif)
{
    const struct tcp_way *w = way_of(from, to);

    return way_holds(w, from, to, netif) ? w : NULL;
}

/* The card makes the sum of TCP, or it is made here. */
static void way_seal(const struct tcp_way *w, struct pbuf *p, uint16_t size)
{
    const struct net_dev *d = w->netif->state;
    struct tcp_hdr *tcp = p->payload;

    if (size && (d->tx_offloads & VNET_TX_CSUM)) {
        p->tx_size = size;
        tcp->chksum = (uint16_t)~way_sum((uint32_t)w->pseudo + lwip_htons(p->tot_len));
    } else {
        tcp->chksum = (uint16_t)~way_sum((uint32_t)w->pseudo + lwip_htons(p->tot_len));
        tcp->chksum = inet_chksum_pbuf(p);
    }
}

err_t net_way_send(const struct tcp_way *w, struct pbuf *p, uint16_t size, uint8_t ttl, uint8_t tos)
{
    way_seal(w, p, size);
    way_head(w, p, ttl, tos, PP_HTONS(IP_DF));
    if (w->netif->linkoutput == net_tx_output)
        return net_tx_lone(w->netif->state, p);
    return w->netif->linkoutput(w->netif, p);
}

/* Where packets to that address leave. NULL: not by a card, or to none of its neighbours. */
static const struct eth_addr *way_neighbour(struct netif *netif, const ip4_addr_t *to)
{
    const ip4_addr_t *hop, *found;
    const struct netif *own;
    struct eth_addr *mac;

    NETIF_FOREACH(own)
    {
        if (ip4_addr_cmp(to, netif_ip4_addr(own)))
            return NULL;
    }
    if (!net_route_is_card(netif) || !(hop = net_next_hop4(netif, to)) ||
        etharp_find_addr(netif, hop, &mac, &found) < 0)
        return NULL;
    return mac;
}

static void way_learn(struct tcp_way *w, const ip_addr_t *from, const ip_addr_t *to,
                      struct netif *netif)
{
    const struct eth_addr *mac = way_neighbour(netif, ip_2_ip4(to));

    if (!mac)
        return;
    *w = (struct tcp_way){.from = ip4_addr_get_u32(ip_2_ip4(from)),
                          .to = ip4_addr_get_u32(ip_2_ip4(to)),
                          .serial = ++way_serial,
                          .routes = net_route_epoch,
                          .neighbours = net_arp_epoch,
                          .netif = netif};
    w->headers.eth.dest = *mac;
    memcpy(&w->headers.eth.src, netif->hwaddr, ETH_HWADDR_LEN);
    w->headers.eth.type = PP_HTONS(ETHTYPE_IP);
    IPH_VHL_SET(&w->headers.ip, 4, IP_HLEN / 4);
    IPH_PROTO_SET(&w->headers.ip, IP_PROTO_TCP);
    ip4_addr_copy(w->headers.ip.src, *ip_2_ip4(from));
    ip4_addr_copy(w->headers.ip.dest, *ip_2_ip4(to));
    w->sum = LWIP_CHKSUM(&w->headers.ip, IP_HLEN);
    w->pseudo = (uint16_t)~way_sum((w->from & 0xffff) + (w->from >> 16) + (w->to & 0xffff) +
                                   (w->to >> 16) + PP_HTONS(IP_PROTO_TCP));
}

err_t net_way_tcp(struct pbuf *p, const ip_addr_t *from, const ip_addr_t *to, u8_t ttl, u8_t tos,
                  struct netif *netif)
{
    struct tcp_way *w = way_of(from, to);
    err_t err;

    if (IP_IS_V6(to))
        return ip_output_if(p, from, to, ttl, tos, IP_PROTO_TCP, netif);
    if (way_holds(w, from, to, netif) && (p->tx_size || p->tot_len + IP_HLEN <= netif->mtu)) {
        way_head(w, p, ttl, tos, net_ip4_flags(p, IP_PROTO_TCP, ip_2_ip4(to)));
        return netif->linkoutput(netif, p);
    }
    err = ip_output_if(p, from, to, ttl, tos, IP_PROTO_TCP, netif);
    if (err == ERR_OK)
        way_learn(w, from, to, netif);
    return err;
}
