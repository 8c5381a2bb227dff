/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_arp.c - neighbours of IPv4 (RFC 826), in place of lwIP's etharp.c, whose functions these are:
 * a table that grows (net_table.h). A request that asks for this machine enters its sender as
 * heard, an answer to a question makes it known; what others say of each other changes rows, and
 * makes none. Packets wait for an answer, a bounded number in all.
 */
#include "lwip/etharp.h"

#include "lwip/prot/iana.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "net_table.h"
#include "netif/ethernet.h"

#define AGE_MOST    300 /* s: then a neighbour is forgotten */
#define AGE_ASK     270 /* one that is in use is asked before, by a packet for it alone */
#define AGE_ASK_ALL 285 /* and then by a broadcast */
#define ASK_PAUSE   2   /* s between two of those */
#define TRIES       3   /* one a second, for a neighbour that is not known */
#define WAIT_EACH   16  /* packets that wait for a neighbour */
#define WAIT_IN_ALL 512 /* and for all of them */

struct arp {
    struct etharp_q_entry *first, **end; /* packets that wait. end: valid if there is a first */
    uint16_t age;                        /* s since the last answer */
    uint8_t waiting, tries;
    uint8_t pause; /* s until it may be asked again */
    struct eth_addr mac;
};

static struct arp *arps;
static unsigned arp_rows, arp_waiting;

static bool arp_release(unsigned i);
static struct net_table arp_table = {.entries = (void **)&arps,
                                     .rows = &arp_rows,
                                     .entry_bytes = sizeof(struct arp),
                                     .release = arp_release};

static int arp_find(const struct netif *netif, const ip4_addr_t *ip)
{
    const uint32_t key[4] = {ip4_addr_get_u32(ip)};

    return net_table_find(&arp_table, netif, key);
}

static bool arp_is_complete(unsigned i)
{
    return arp_table.row[i].class >= NET_ROW_HEARD;
}

uint32_t net_arp_epoch = 1;

void net_arp_count(struct net_stats *s)
{
    net_table_count(&arp_table, s);
}

unsigned net_arp_waiting(void)
{
    return arp_waiting;
}

/* ---- packets that wait ----------------------------------------------------------------------- */

/* The packet that waits for the longest time; the caller gets its reference. */
static struct pbuf *arp_pop(struct arp *a)
{
    struct etharp_q_entry *e = a->first;
    struct pbuf *p = e->p;

    a->first = e->next;
    a->waiting--;
    arp_waiting--;
    net_free(e);
    return p;
}

static bool arp_release(unsigned i)
{
    while (arps[i].first)
        pbuf_free(arp_pop(&arps[i]));
    net_table_free(&arp_table, i);
    net_arp_epoch++;
    return true;
}

/* The packet itself, or a copy of one whose bytes belong to somebody else. NULL: no memory. */
static struct pbuf *arp_own(struct pbuf *p)
{
    for (const struct pbuf *q = p; q; q = q->next)
        if (PBUF_NEEDS_COPY(q))
            return pbuf_clone(PBUF_LINK, PBUF_RAM, p);
    pbuf_ref(p);
    return p;
}

static err_t arp_wait(struct arp *a, struct pbuf *p)
{
    struct etharp_q_entry *e;

    if (a->first && (a->waiting == WAIT_EACH || arp_waiting >= WAIT_IN_ALL))
        pbuf_free(arp_pop(a));
    p = arp_waiting < WAIT_IN_ALL ? arp_own(p) : NULL;
    e = p ? net_malloc(sizeof(*e)) : NULL;
    if (!e) {
        if (p)
            pbuf_free(p);
        ETHARP_STATS_INC(etharp.memerr);
        return ERR_MEM;
    }
    e->next = NULL;
    e->p = p;
    *(a->first ? a->end : &a->first) = e;
    a->end = &e->next;
    a->waiting++;
    arp_waiting++;
    return ERR_OK;
}

/* ---- messages -------------------------------------------------------------------------------- */

static err_t arp_say(struct netif *netif, unsigned op, const struct eth_addr *to,
                     const struct eth_addr *target_mac, const ip4_addr_t *target)
{
    struct pbuf *p = pbuf_alloc(PBUF_LINK, SIZEOF_ETHARP_HDR, PBUF_RAM);
    struct etharp_hdr *h;

    if (!p)
        return ERR_MEM;
    h = p->payload;
    h->hwtype = PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET);
    h->proto = PP_HTONS(ETHTYPE_IP);
    h->hwlen = ETH_HWADDR_LEN;
    h->protolen = sizeof(ip4_addr_t);
    h->opcode = lwip_htons((u16_t)op);
    memcpy(&h->shwaddr, netif->hwaddr, ETH_HWADDR_LEN);
    memcpy(&h->sipaddr, netif_ip4_addr(netif), sizeof(ip4_addr_t));
    memcpy(&h->dhwaddr, target_mac, ETH_HWADDR_LEN);
    memcpy(&h->dipaddr, target, sizeof(ip4_addr_t));
    ethernet_output(netif, p, (const struct eth_addr *)netif->hwaddr, to, ETHTYPE_ARP);
    ETHARP_STATS_INC(etharp.xmit);
    pbuf_free(p);
    return ERR_OK;
}

err_t etharp_request(struct netif *netif, const ip4_addr_t *ip)
{
    return arp_say(netif, ARP_REQUEST, &ethbroadcast, &ethzero, ip);
}

/* The row has this MAC now: what waits for it goes. */
static void arp_learn(struct netif *netif, unsigned i, const struct eth_addr *mac)
{
    struct arp *a = &arps[i];

    net_arp_epoch += !eth_addr_eq(&a->mac, mac);
    a->mac = *mac;
    a->age = a->pause = 0;
    while (a->first) {
        struct pbuf *p = arp_pop(a);

        ethernet_output(netif, p, (const struct eth_addr *)netif->hwaddr, mac, ETHTYPE_IP);
        pbuf_free(p);
    }
}

/* Who has sent a message; for_us: it is an answer to this machine, or asks for it. */
static void arp_hear(struct netif *netif, const struct etharp_hdr *h, bool for_us)
{
    bool asks = h->opcode == PP_HTONS(ARP_REQUEST);
    struct eth_addr mac;
    ip4_addr_t from;
    int i;

    memcpy(&from, &h->sipaddr, sizeof(from));
    memcpy(&mac, &h->shwaddr, sizeof(mac));
    if (ip4_addr_isany_val(from) || ip4_addr_isbroadcast(&from, netif) ||
        ip4_addr_ismulticast(&from))
        return;
    i = arp_find(netif, &from);
    if (i < 0 && for_us && asks) {
        const uint32_t key[4] = {ip4_addr_get_u32(&from)};

        i = net_table_take(&arp_table, netif, key, NET_ROW_HEARD);
    }
    if (i < 0)
        return;
    if (!arp_is_complete((unsigned)i) || (for_us && !asks && arps[i].pause)) /* it was asked */
        net_table_move(&arp_table, (unsigned)i, NET_ROW_KNOWN);
    arp_learn(netif, (unsigned)i, &mac);
}

void etharp_input(struct pbuf *p, struct netif *netif)
{
    const struct etharp_hdr *h = p->payload;
    ip4_addr_t from, to;
    struct eth_addr mac;
    bool for_us;

    ETHARP_STATS_INC(etharp.recv);
    if (h->hwtype != PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET) || h->proto != PP_HTONS(ETHTYPE_IP) ||
        h->hwlen != ETH_HWADDR_LEN || h->protolen != sizeof(ip4_addr_t)) {
        ETHARP_STATS_INC(etharp.proterr);
        pbuf_free(p);
        return;
    }
    memcpy(&from, &h->sipaddr, sizeof(from));
    memcpy(&to, &h->dipaddr, sizeof(to));
    for_us = !ip4_addr_isany_val(to) && ip4_addr_cmp(&to, netif_ip4_addr(netif));
    arp_hear(netif, h, for_us);
    if (for_us && h->opcode == PP_HTONS(ARP_REQUEST) && !ip4_addr_cmp(&from, &to)) {
        memcpy(&mac, &h->shwaddr, sizeof(mac));
        arp_say(netif, ARP_REPLY, &mac, &mac, &from);
    }
    pbuf_free(p);
}

/* ---- sending --------------------------------------------------------------------------------- */

static err_t arp_ethernet(struct netif *netif, struct pbuf *p, const struct eth_addr *to)
{
    return ethernet_output(netif, p, (const struct eth_addr *)netif->hwaddr, to, ETHTYPE_IP);
}

/* A neighbour that is in use is asked again before it would be forgotten. */
static void arp_ask_again(struct netif *netif, unsigned i, const ip4_addr_t *ip)
{
    if (arps[i].pause)
        return;
    arps[i].pause = ASK_PAUSE;
    if (arps[i].age >= AGE_ASK_ALL)
        etharp_request(netif, ip);
    else
        arp_say(netif, ARP_REQUEST, &arps[i].mac, &ethzero, ip);
}

/* To a neighbour whose MAC is not known: it is asked for, and the packet waits. */
static err_t arp_ask(struct netif *netif, struct pbuf *p, const ip4_addr_t *ip, int i)
{
    const uint32_t key[4] = {ip4_addr_get_u32(ip)};

    if (i < 0 && (i = net_table_take(&arp_table, netif, key, NET_ROW_ASKED)) >= 0)
        etharp_request(netif, ip);
    return i < 0 ? ERR_MEM : arp_wait(&arps[i], p);
}

err_t etharp_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    const ip4_addr_t *hop;
    int i;

    hop = net_next_hop4(netif, to);
    if (!hop)
        return ERR_RTE;
    if (ip4_addr_ismulticast(hop)) { /* RFC 1112, 6.4 */
        struct eth_addr group = {{LL_IP4_MULTICAST_ADDR_0, LL_IP4_MULTICAST_ADDR_1,
                                  LL_IP4_MULTICAST_ADDR_2, ip4_addr2(to) & 0x7f, ip4_addr3(to),
                                  ip4_addr4(to)}};

        return arp_ethernet(netif, p, &group);
    }
    if (ip4_addr_get_u32(hop) == IPADDR_BROADCAST)
        return arp_ethernet(netif, p, &ethbroadcast);
    i = arp_find(netif, hop);
    if (i < 0 || !arp_is_complete((unsigned)i))
        return arp_ask(netif, p, hop, i);
    net_table_use(&arp_table, (unsigned)i);
    if (arps[i].age >= AGE_ASK)
        arp_ask_again(netif, (unsigned)i, hop);
    return arp_ethernet(netif, p, &arps[i].mac);
}

ssize_t etharp_find_addr(struct netif *netif, const ip4_addr_t *ip, struct eth_addr **mac,
                         const ip4_addr_t **found)
{
    int i = arp_find(netif, ip);

    if (i < 0 || !arp_is_complete((unsigned)i))
        return -1;
    *mac = &arps[i].mac;
    *found = ip;
    return i;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void arp_second(unsigned i)
{
    struct net_table_row *r = &arp_table.row[i];
    struct arp *a = &arps[i];
    ip4_addr_t ip = {r->key[0]};

    a->pause -= a->pause > 0;
    if (r->class == NET_ROW_ASKED && ++a->tries < TRIES) {
        etharp_request((struct netif *)r->netif, &ip);
    } else if (r->class == NET_ROW_ASKED) {
        net_arp_failed(r->netif, &ip);
        arp_release(i);
    } else if (++a->age >= AGE_MOST) {
        arp_release(i);
    }
}

/* lwIP's timer, once a second. */
void etharp_tmr(void)
{
    arp_table.second++;
    net_arp_epoch++;
    for (unsigned i = 0; i < arp_rows; i++)
        if (arp_table.row[i].class)
            arp_second(i);
}

void etharp_cleanup_netif(struct netif *netif)
{
    for (unsigned i = 0; i < arp_rows; i++)
        if (arp_table.row[i].class && arp_table.row[i].netif == netif)
            arp_release(i);
}
