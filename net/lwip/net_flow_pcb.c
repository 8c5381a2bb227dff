/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_flow_pcb.c - flows of lwIP's control blocks of UDP. A control block that sends twice to one
 * destination gets a flow, which holds for as long as all is the same that lwIP asks of it.
 */
#include "net_flow_pcb.h"

#include "lwip/udp.h"
#include "net_flow.h"
#include "net_path_mtu.h"

#define PCB_FLOWS 4 /* a power of two */

/* Of a control block, what its packets depend on; and the flow, if `learnt`. */
struct pcb_flow {
    const struct udp_pcb *pcb;
    ip_addr_t local;
    uint32_t ip; /* interface, options, TOS and TTL */
    uint16_t local_port;
    uint8_t flags;
    bool learnt;
    struct net_flow flow;
};
static struct pcb_flow pcb_flows[PCB_FLOWS];

static struct pcb_flow *pcb_flow_of(const struct udp_pcb *pcb)
{
    return &pcb_flows[(uintptr_t)pcb / 32 % PCB_FLOWS];
}

static uint32_t pcb_ip(const struct udp_pcb *pcb)
{
    uint32_t word;

    _Static_assert(offsetof(struct udp_pcb, ttl) == offsetof(struct udp_pcb, netif_idx) + 3, "");
    memcpy(&word, &pcb->netif_idx, sizeof(word));
    return word;
}

static bool pcb_same(const struct pcb_flow *k, const struct udp_pcb *pcb)
{
    return k->pcb == pcb && k->ip == pcb_ip(pcb) && k->local_port == pcb->local_port &&
           k->flags == pcb->flags && !memcmp(&k->local, &pcb->local_ip, sizeof(k->local));
}

/* Is the datagram in one pbuf that has room for headers, as pbuf_alloc(PBUF_TRANSPORT) makes it? */
static bool pcb_may_fill(const struct pbuf *p)
{
    return !p->next && p->type_internal == (u8_t)PBUF_RAM && !p->flags && !p->tx_size &&
           (const uint8_t *)p->payload >= (const uint8_t *)(p + 1) + NET_FLOW_ROOM;
}

bool net_flow_pcb_send(const struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to,
                       uint16_t port, err_t *err)
{
    struct pcb_flow *k = pcb_flow_of(pcb);

    if (!k->learnt || !pcb_same(k, pcb) || !pcb_may_fill(p) ||
        !net_flow_fits(&k->flow, to, port, p->len))
        return false;
    *err = net_flow_pass(&k->flow, p);
    return true;
}

/* Is it an address of this machine, to which packets do not leave by a card? */
static bool pcb_is_own(const ip_addr_t *a)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (IP_IS_V6(a) ? netif_get_ip6_addr_match((struct netif *)netif, ip_2_ip6(a)) >= 0
                        : ip4_addr_eq(ip_2_ip4(a), netif_ip4_addr(netif)))
            return true;
    }
    return false;
}

/* The address that lwIP sends from; NULL: there is none, or none that stays. */
static const ip_addr_t *pcb_source(const struct udp_pcb *pcb, const ip_addr_t *to,
                                   struct netif *netif)
{
    if (ip_addr_ismulticast(&pcb->local_ip))
        return NULL;
    if (!ip_addr_isany(&pcb->local_ip))
        return &pcb->local_ip;
    return IP_IS_V6(to) ? ip6_select_source_address(netif, ip_2_ip6(to)) : netif_ip_addr4(netif);
}

static bool pcb_learn(struct pcb_flow *k, const struct udp_pcb *pcb, const ip_addr_t *to,
                      uint16_t port, struct netif *netif)
{
    const ip_addr_t *from = pcb_source(pcb, to, netif);
    struct net_flow_way way = {.netif = netif,
                               .to = *to,
                               .from_port = pcb->local_port,
                               .to_port = port,
                               .ttl = pcb->ttl,
                               .tos = pcb->tos};

    if (!from || (pcb->flags & UDP_FLAGS_NOCHKSUM) || pcb_is_own(to))
        return false;
    way.from = *from;
    way.mtu = net_path_mtu(netif, to, NET_PATH_DATAGRAMS);
    return net_flow_begin(&k->flow, &way);
}

err_t net_flow_pcb_sent(const struct udp_pcb *pcb, const ip_addr_t *to, uint16_t port,
                        struct netif *netif, err_t err)
{
    struct pcb_flow *k = pcb_flow_of(pcb);

    if (err != ERR_OK)
        return err;
    if (pcb_same(k, pcb) && k->flow.port == port && net_path_same(&k->flow.to, to)) {
        k->learnt = pcb_learn(k, pcb, to, port, netif);
    } else {
        *k = (struct pcb_flow){.pcb = pcb,
                               .local = pcb->local_ip,
                               .ip = pcb_ip(pcb),
                               .local_port = pcb->local_port,
                               .flags = pcb->flags};
    }
    k->flow.to = *to;
    k->flow.port = port;
    return err;
}
