/* SPDX-License-Identifier: BSD-2-Clause */
/* net_flow.c - datagrams to one destination (RFC 768, RFC 791, RFC 8200). */
#include "net_flow.h"

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"
#include "lwip/stats.h"
#include "net_impl.h"

/* The headers of all frames of a flow, by their distance from what follows them. */
#define FLOW_UDP(data) ((struct udp_hdr *)((data)-UDP_HLEN))
#define FLOW_IP4(data) ((struct ip_hdr *)((data)-UDP_HLEN - IP_HLEN))
#define FLOW_IP6(data) ((struct ip6_hdr *)((data)-UDP_HLEN - IP6_HLEN))
#define FLOW_ETH(data) ((struct eth_hdr *)((data)-UDP_HLEN - IP_HLEN - SIZEOF_ETH_HDR))

enum {
    FLOW_ROOM = PBUF_LINK_ENCAPSULATION_HLEN, /* in front of a frame */
    /* Where data begins in the memory of a frame. */
    FLOW_DATA = (sizeof(struct pbuf) + FLOW_ROOM + NET_FLOW_HEADERS + 15) & ~15u,
};
_Static_assert(SIZEOF_ETH_HDR + IP6_HLEN + UDP_HLEN <= NET_FLOW_HEADERS, "room for all headers");

static void flow_headers4(struct net_flow *f, const struct net_flow_way *way)
{
    struct ip_hdr *ip = FLOW_IP4(f->headers + NET_FLOW_HEADERS);

    IPH_VHL_SET(ip, 4, IP_HLEN / 4);
    IPH_TOS_SET(ip, way->tos);
    IPH_TTL_SET(ip, way->ttl);
    IPH_PROTO_SET(ip, IP_PROTO_UDP);
    IPH_OFFSET_SET(ip, way->whole ? PP_HTONS(IP_DF) : 0);
    ip4_addr_copy(ip->src, *ip_2_ip4(&way->from));
    ip4_addr_copy(ip->dest, *ip_2_ip4(&way->to));
    f->ip_sum = LWIP_CHKSUM(ip, IP_HLEN);
    f->udp_sum = LWIP_CHKSUM(&ip->src, 8);
}

static void flow_headers6(struct net_flow *f, const struct net_flow_way *way)
{
    struct ip6_hdr *ip = FLOW_IP6(f->headers + NET_FLOW_HEADERS);

    IP6H_VTCFL_SET(ip, 6, way->tos, 0);
    IP6H_NEXTH_SET(ip, IP6_NEXTH_UDP);
    IP6H_HOPLIM_SET(ip, way->ttl);
    ip6_addr_copy_to_packed(ip->src, *ip_2_ip6(&way->from));
    ip6_addr_copy_to_packed(ip->dest, *ip_2_ip6(&way->to));
    f->udp_sum = LWIP_CHKSUM(&ip->src, 32);
}

__attribute__((cold)) bool net_flow_begin(struct net_flow *f, const struct net_flow_way *way)
{
    struct udp_hdr *udp = FLOW_UDP(f->headers + NET_FLOW_HEADERS);
    bool six = IP_IS_V6_VAL(way->to);
    unsigned headers = (six ? IP6_HLEN : IP_HLEN) + UDP_HLEN;

    f->epoch = net_route_epoch - 1;
    if (!net_route_is_card(way->netif) || ip_addr_ismulticast(&way->to) || way->mtu < headers ||
        (!six && ip4_addr_isbroadcast(ip_2_ip4(&way->to), way->netif)))
        return false;
    *f = (struct net_flow){.epoch = net_route_epoch,
                           .port = way->to_port,
                           .most = (uint16_t)(way->mtu - headers),
                           .to = way->to,
                           .netif = way->netif};
    if (six)
        flow_headers6(f, way);
    else
        flow_headers4(f, way);
    udp->src = lwip_htons(way->from_port);
    udp->dest = lwip_htons(way->to_port);
    f->udp_sum += PP_HTONS(IP_PROTO_UDP) + udp->src + udp->dest;
    return true;
}

static uint16_t flow_sum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* What is not the same in all datagrams. */
static inline void flow_fill(const struct net_flow *f, uint8_t *data, size_t len)
{
    uint16_t total = lwip_htons((u16_t)(len + UDP_HLEN));
    struct ip_hdr *ip = FLOW_IP4(data);
    struct udp_hdr *udp = FLOW_UDP(data);

    udp->len = total;
    udp->chksum = flow_sum(f->udp_sum + 2u * total + net_chksum(data, (int)len));
    if (!udp->chksum)
        udp->chksum = 0xffff; /* 0 says that there is none */
    lwip_stats.udp.xmit++;
    if (IP_IS_V6_VAL(f->to)) {
        FLOW_IP6(data)->_plen = total;
        lwip_stats.ip6.xmit++;
        return;
    }
    IPH_LEN_SET(ip, lwip_htons((u16_t)(len + UDP_HLEN + IP_HLEN)));
    IPH_ID_SET(ip, net_ip4_id(IPH_OFFSET(ip)));
    IPH_CHKSUM_SET(ip, flow_sum(f->ip_sum + IPH_LEN(ip) + IPH_ID(ip)));
    lwip_stats.ip.xmit++;
}

/* The neighbour is looked up once a second at least, so that it counts as used. */
static void flow_find_mac(struct net_flow *f)
{
    const ip4_addr_t *hop = net_next_hop4(f->netif, ip_2_ip4(&f->to)), *found;
    struct eth_hdr *eth = FLOW_ETH(f->headers + NET_FLOW_HEADERS);
    struct eth_addr *mac;

    if (!hop || etharp_find_addr(f->netif, hop, &mac, &found) < 0)
        return;
    f->mac_epoch = net_arp_epoch;
    eth->dest = *mac;
    memcpy(&eth->src, f->netif->hwaddr, ETH_HWADDR_LEN);
    eth->type = PP_HTONS(ETHTYPE_IP);
}

/* A packet whose neighbour is to be found; of IPv6 each, since it counts as used. */
static err_t flow_output(struct net_flow *f, struct pbuf *p) __attribute__((noinline, cold));
static err_t flow_output(struct net_flow *f, struct pbuf *p)
{
    err_t err;

    if (IP_IS_V6_VAL(f->to))
        return f->netif->output_ip6(f->netif, p, ip_2_ip6(&f->to));
    err = f->netif->output(f->netif, p, ip_2_ip4(&f->to));
    if (err == ERR_OK)
        flow_find_mac(f);
    return err;
}

err_t net_flow_pass(struct net_flow *f, struct pbuf *p)
{
    uint8_t *data = p->payload, *frame = (uint8_t *)FLOW_ETH(data);
    u16_t len = p->len;
    bool known;

    memcpy(data - NET_FLOW_HEADERS, f->headers, NET_FLOW_HEADERS);
    flow_fill(f, data, len);
    known = f->mac_epoch == net_arp_epoch;
    if (!known)
        frame = IP_IS_V6_VAL(f->to) ? (uint8_t *)FLOW_IP6(data) : (uint8_t *)FLOW_IP4(data);
    p->payload = frame;
    p->tot_len = p->len = (u16_t)(data + len - frame);
    if (!known)
        return flow_output(f, p);
    return f->netif->linkoutput == net_tx_output ? net_tx_lone(f->netif->state, p)
                                                 : f->netif->linkoutput(f->netif, p);
}

err_t net_flow_send(struct net_flow *f, const struct iovec *iov, int parts, size_t len)
{
    struct pbuf *p = net_malloc(FLOW_DATA + len);
    uint8_t *to = (uint8_t *)p + FLOW_DATA;
    err_t err;

    if (!p)
        return ERR_MEM;
    *p = (struct pbuf){.payload = to, .len = (u16_t)len, .type_internal = (u8_t)PBUF_RAM, .ref = 1};
    for (; parts; parts--, iov++) {
        memcpy(to, iov->iov_base, iov->iov_len);
        to += iov->iov_len;
    }
    err = net_flow_pass(f, p);
    if (p->ref > 1)
        p->ref--; /* the card frees it */
    else
        pbuf_free(p);
    return err;
}
