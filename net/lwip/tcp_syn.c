/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_syn.c - SYNs and SYN-ACKs, read and written without a control block.
 */
#include "tcp_syn.h"

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "net_way.h"
#include "netif/ethernet.h"

enum { SYN_WORDS = TCP_HLEN / 4 + 6 };

static u32_t syn_read32(const u8_t *p)
{
    return (u32_t)p[0] << 24 | (u32_t)p[1] << 16 | (u32_t)p[2] << 8 | p[3];
}

static void syn_read_option(struct tcp_syn *says, const u8_t *opt)
{
    switch (opt[0] << 8 | opt[1]) {
    case LWIP_TCP_OPT_MSS << 8 | LWIP_TCP_OPT_LEN_MSS:
        says->mss = (u16_t)(opt[2] << 8 | opt[3]);
        break;
    case LWIP_TCP_OPT_WS << 8 | LWIP_TCP_OPT_LEN_WS:
        says->options.scaled = true;
        says->options.scale = opt[2];
        break;
    case LWIP_TCP_OPT_SACK_PERM << 8 | LWIP_TCP_OPT_LEN_SACK_PERM:
        says->options.sack = true;
        break;
    case LWIP_TCP_OPT_TS << 8 | LWIP_TCP_OPT_LEN_TS:
        says->stamped = tcp_stamp_on;
        says->stamp = tcp_stamp_on ? syn_read32(opt + 2) : 0;
        says->echo = tcp_stamp_on ? syn_read32(opt + 6) : 0;
        break;
    }
}

void tcp_syn_read(struct tcp_syn *says, const struct tcp_hdr *h)
{
    const u8_t *opt = (const u8_t *)(h + 1);
    unsigned len = TCPH_HDRLEN_BYTES(h) - TCP_HLEN;

    *says = (struct tcp_syn){.window = h->wnd};
    for (unsigned at = 0; at + 1 < len && opt[at] != LWIP_TCP_OPT_EOL;) {
        unsigned step = opt[at] == LWIP_TCP_OPT_NOP ? 1 : opt[at + 1];

        if (step == 0 || at + step > len)
            return;
        if (step > 1)
            syn_read_option(says, opt + at);
        at += step;
    }
}

struct pbuf *tcp_syn_write(const struct tcp_syn *says, unsigned flags, u32_t seq, u32_t ack)
{
    u32_t words[SYN_WORDS] = {0}, n = TCP_HLEN / 4;
    struct pbuf *p;

    if (says->mss)
        words[n++] = lwip_htonl(0x02040000u | says->mss);
    if (says->options.scaled)
        words[n++] = lwip_htonl(0x01030300u | says->options.scale);
    if (says->options.sack)
        words[n++] = PP_HTONL(0x01010402);
    if (says->stamped) {
        words[n++] = PP_HTONL(0x0101080a);
        words[n++] = lwip_htonl(says->stamp);
        words[n++] = lwip_htonl(says->echo);
    }
    words[1] = lwip_htonl(seq);
    words[2] = lwip_htonl(ack);
    words[3] = lwip_htonl(n << 28 | flags << 16 | says->window);
    p = pbuf_alloc(PBUF_IP, (u16_t)(n * 4), PBUF_RAM);
    if (p)
        memcpy(p->payload, words, n * 4);
    return p;
}

void tcp_syn_ports(struct pbuf *p, u16_t from, u16_t to)
{
    struct tcp_hdr *h = p->payload;

    h->src = lwip_htons(from);
    h->dest = lwip_htons(to);
}

/* ---- sending --------------------------------------------------------------------------------- */

static const uint8_t *syn_mac; /* where the answer goes that a card is given now */

/* To a neighbour that is not known yet, without asking: nobody knows whether it exists. */
static err_t syn_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    const ip4_addr_t *ip;
    struct eth_addr *known, mac;

    if (!ip4_addr_net_eq(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)) ||
        etharp_find_addr(netif, to, &known, &ip) >= 0)
        return etharp_output(netif, p, to);
    memcpy(&mac, syn_mac, sizeof(mac));
    return ethernet_output(netif, p, (const struct eth_addr *)netif->hwaddr, &mac, ETHTYPE_IP);
}

static err_t syn_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    struct eth_addr mac;

    (void)to;
    memcpy(&mac, syn_mac, sizeof(mac));
    return ethernet_output(netif, p, (const struct eth_addr *)netif->hwaddr, &mac, ETHTYPE_IPV6);
}

void tcp_syn_output(struct pbuf *p, struct netif *netif, const ip_addr_t *src, const ip_addr_t *dst,
                    const struct tcp_pcb_listen *l, const uint8_t *mac)
{
    netif_output_fn output4 = netif->output;
    netif_output_ip6_fn output6 = netif->output_ip6;
    const struct tcp_way *way =
        !mac && IP_IS_V4(dst) && !net_paths_cut ? net_way_find(src, dst, netif) : NULL;
    struct tcp_hdr *h = p->payload;

    TCP_STATS_INC(tcp.xmit);
    if (way) {
        net_way_send(way, p, 0, l->ttl, l->tos);
        pbuf_free(p);
        return;
    }
    h->chksum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, src, dst);
    if (mac && (netif->flags & NETIF_FLAG_ETHERNET)) {
        syn_mac = mac;
        netif->output = syn_output4;
        netif->output_ip6 = syn_output6;
    }
    if (mac)
        ip_output_if(p, src, dst, l->ttl, l->tos, IP_PROTO_TCP, netif);
    else
        net_way_tcp(p, src, dst, l->ttl, l->tos, netif);
    netif->output = output4;
    netif->output_ip6 = output6;
    pbuf_free(p);
}
