/* SPDX-License-Identifier: BSD-2-Clause */
/* net_flow.c - datagrams to one destination (RFC 768, RFC 791). */
#include "net_flow.h"

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/stats.h"
#include "net_impl.h"
#include "net_route.h"

bool net_flow_begin(struct net_flow *f, const struct net_flow_way *way)
{
    f->epoch = net_route_epoch - 1;
    if (!net_route_is_card(way->netif) || ip4_addr_ismulticast(&way->to) ||
        ip4_addr_isbroadcast(&way->to, way->netif) || way->mtu < IP_HLEN + UDP_HLEN)
        return false;
    *f = (struct net_flow){.epoch = net_route_epoch,
                           .port = way->to_port,
                           .most = (uint16_t)(way->mtu - IP_HLEN - UDP_HLEN),
                           .to = way->to,
                           .netif = way->netif};
    IPH_VHL_SET(&f->ip, 4, IP_HLEN / 4);
    IPH_TOS_SET(&f->ip, way->tos);
    IPH_TTL_SET(&f->ip, way->ttl);
    IPH_PROTO_SET(&f->ip, IP_PROTO_UDP);
    IPH_OFFSET_SET(&f->ip, way->whole ? PP_HTONS(IP_DF) : 0);
    ip4_addr_copy(f->ip.src, way->from);
    ip4_addr_copy(f->ip.dest, way->to);
    f->udp.src = lwip_htons(way->from_port);
    f->udp.dest = lwip_htons(way->to_port);
    f->ip_sum = LWIP_CHKSUM(&f->ip, IP_HLEN);
    f->udp_sum = LWIP_CHKSUM(&f->ip.src, 8) + PP_HTONS(IP_PROTO_UDP);
    return true;
}

bool net_flow_fits(const struct net_flow *f, const ip4_addr_t *to, uint16_t port, size_t len)
{
    return f->epoch == net_route_epoch && f->port == port && ip4_addr_cmp(&f->to, to) &&
           len <= f->most;
}

static uint16_t flow_sum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The datagram's headers, behind room for that of Ethernet. */
static void flow_fill(const struct net_flow *f, struct ip_hdr *ip, struct udp_hdr *udp,
                      uint16_t len)
{
    memcpy(ip, &f->ip, IP_HLEN);
    memcpy(udp, &f->udp, UDP_HLEN);
    IPH_LEN_SET(ip, lwip_htons((u16_t)(len + IP_HLEN)));
    IPH_ID_SET(ip, net_ip4_id(IPH_OFFSET(ip)));
    IPH_CHKSUM_SET(ip, flow_sum(f->ip_sum + IPH_LEN(ip) + IPH_ID(ip)));
    udp->len = lwip_htons(len);
    udp->chksum = flow_sum(f->udp_sum + udp->len + LWIP_CHKSUM(udp, len));
    if (!udp->chksum)
        udp->chksum = 0xffff; /* 0 says that there is none */
}

/* The neighbour is looked up once a second at least, so that it counts as used. */
static void flow_find_mac(struct net_flow *f)
{
    const ip4_addr_t *hop = net_next_hop4(f->netif, &f->to), *found;
    struct eth_addr *mac;

    if (!hop || etharp_find_addr(f->netif, hop, &mac, &found) < 0)
        return;
    f->mac_epoch = net_arp_epoch;
    f->eth.dest = *mac;
    memcpy(&f->eth.src, f->netif->hwaddr, ETH_HWADDR_LEN);
    f->eth.type = PP_HTONS(ETHTYPE_IP);
}

err_t net_flow_send(struct net_flow *f, struct pbuf *p)
{
    uint16_t len = (uint16_t)(p->tot_len + UDP_HLEN);
    uint8_t *frame;
    err_t err;

    if (pbuf_add_header(p, SIZEOF_ETH_HDR + IP_HLEN + UDP_HLEN))
        return ERR_BUF;
    frame = p->payload;
    flow_fill(f, (void *)(frame + SIZEOF_ETH_HDR), (void *)(frame + SIZEOF_ETH_HDR + IP_HLEN), len);
    lwip_stats.udp.xmit++;
    lwip_stats.ip.xmit++;
    if (f->mac_epoch == net_arp_epoch) {
        memcpy(frame, &f->eth, SIZEOF_ETH_HDR);
        return f->netif->linkoutput(f->netif, p);
    }
    pbuf_remove_header(p, SIZEOF_ETH_HDR);
    err = f->netif->output(f->netif, p, &f->to);
    if (err == ERR_OK)
        flow_find_mac(f);
    return err;
}
