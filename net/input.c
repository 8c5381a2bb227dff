/*
 * input.c - checks in front of lwIP: lengths that its parsers take for granted, segments that no
 * honest peer sends, and one rule that it lacks (RFC 9293, 3.10.7.4: a new connection may reuse the
 * ports of one in TIME_WAIT).
 *
 * A frame is looked at once, header by header; what is not understood here is lwIP's to judge.
 */
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/nd6.h"
#include "net_impl.h"
#include "netif/ethernet.h"

#define HELD_LITTLE 8192 /* bytes that wait for the application of one connection */

struct segment {
    ip_addr_t src, dst;
    const struct tcp_hdr *tcp; /* NULL: not a TCP segment, or a fragment of one */
    unsigned len; /* header, options and data */
};

/* Section 3.1 of RFC 9293: every option lies within the header. */
static bool options_fit(const uint8_t *opt, unsigned len)
{
    for (unsigned at = 0; at < len;) {
        if (opt[at] == LWIP_TCP_OPT_EOL)
            return true;
        if (opt[at] == LWIP_TCP_OPT_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= len || opt[at + 1] < 2 || opt[at + 1] > len - at)
            return false;
        at += opt[at + 1];
    }
    return true;
}

/* A frame names no zone, while lwIP gives link-local addresses of a connection one. */
static bool same_connection(const struct tcp_pcb *pcb, const struct segment *s)
{
    return pcb->remote_port == lwip_ntohs(s->tcp->src) &&
           pcb->local_port == lwip_ntohs(s->tcp->dest) &&
           ip_addr_cmp_zoneless(&pcb->remote_ip, &s->src) &&
           ip_addr_cmp_zoneless(&pcb->local_ip, &s->dst);
}

/* A SYN beyond the window of the old connection starts a new one: the old one is forgotten. */
static void reuse_time_wait(const struct segment *s)
{
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        if (!same_connection(pcb, s))
            continue;
        if (TCP_SEQ_GT(lwip_ntohl(s->tcp->seqno), pcb->rcv_nxt))
            tcp_abort(pcb);
        return;
    }
}

static bool tcp_ok(const struct segment *s)
{
    unsigned header, flags;

    if (s->len < TCP_HLEN)
        return false;
    header = TCPH_HDRLEN_BYTES(s->tcp);
    flags = TCPH_FLAGS(s->tcp);
    if (header < TCP_HLEN || header > s->len)
        return false;
    if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)))
        return false;
    if (header > TCP_HLEN && !options_fit((const uint8_t *)(s->tcp + 1), header - TCP_HLEN))
        return false;
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && tcp_tw_pcbs)
        reuse_time_wait(s);
    return true;
}

static bool ip4_ok(const uint8_t *packet, unsigned len, struct segment *s)
{
    const struct ip_hdr *ip = (const struct ip_hdr *)packet;
    unsigned header, total;

    if (len < IP_HLEN)
        return false;
    header = IPH_HL_BYTES(ip);
    total = lwip_ntohs(IPH_LEN(ip));
    if (IPH_V(ip) != 4 || header < IP_HLEN || total < header || total > len)
        return false;
    if (IPH_PROTO(ip) != IP_PROTO_TCP || (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)))
        return true;
    ip_addr_copy_from_ip4(s->src, ip->src);
    ip_addr_copy_from_ip4(s->dst, ip->dest);
    s->tcp = (const struct tcp_hdr *)(packet + header);
    s->len = total - header;
    return tcp_ok(s);
}

static bool ip6_ok(const uint8_t *packet, unsigned len, struct segment *s)
{
    const struct ip6_hdr *ip = (const struct ip6_hdr *)packet;

    if (len < IP6_HLEN || IP6H_V(ip) != 6 || IP6H_PLEN(ip) > len - IP6_HLEN)
        return false;
    if (IP6H_NEXTH(ip) != IP6_NEXTH_TCP)
        return true;
    ip_addr_copy_from_ip6_packed(s->src, ip->src);
    ip_addr_copy_from_ip6_packed(s->dst, ip->dest);
    s->tcp = (const struct tcp_hdr *)(packet + IP6_HLEN);
    s->len = IP6H_PLEN(ip);
    return tcp_ok(s);
}

/* p is one piece, and at least an Ethernet header long. A TCP segment is described in *s. */
static bool frame_ok(const struct pbuf *p, struct segment *s)
{
    const struct eth_hdr *eth = p->payload;
    const uint8_t *packet = (const uint8_t *)(eth + 1);
    unsigned len = p->len - SIZEOF_ETH_HDR;

    s->tcp = NULL;
    switch (eth->type) {
    case PP_HTONS(ETHTYPE_IP): return ip4_ok(packet, len, s);
    case PP_HTONS(ETHTYPE_IPV6): return ip6_ok(packet, len, s);
    default: return true;
    }
}

/* ---- when receive buffers are short ---------------------------------------------------------- */

/* Bytes of the segment's connection that its application has not read yet. */
static uint32_t held_bytes(const struct segment *s)
{
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (same_connection(pcb, s))
            return TCP_WND_MAX(pcb) - pcb->rcv_wnd;
    return 0;
}

static bool may_keep(const struct segment *s)
{
    uint32_t held;

    if (net_mem_admit(NET_MEM_RX))
        return true;
    held = s->tcp ? held_bytes(s) : HELD_LITTLE;
    return held == 0 || (held < HELD_LITTLE && net_mem_admit(NET_MEM_RX_SMALL));
}

/*
 * So many buffers are held in socket queues that bursts would soon find none: what will be kept is
 * copied. When memory is short as well, segments without data still pass, since they end the
 * shortage, and so do those of connections that hold nothing; what only adds to a backlog is
 * dropped, for its sender to repeat.
 */
static struct pbuf *relieve(struct pbuf *p, const struct segment *s)
{
    struct pbuf *copy;

    if (s->tcp && s->len == TCPH_HDRLEN_BYTES(s->tcp))
        return p;
    copy = may_keep(s) ? pbuf_clone(PBUF_RAW, PBUF_RAM, p) : NULL;
    if (copy)
        net_core.rx_copied++;
    else
        net_core.rx_no_memory++;
    pbuf_free(p);
    return copy;
}

void net_input(struct net_dev *d, struct pbuf *p, bool tight)
{
    struct segment s;

    if (!frame_ok(p, &s)) {
        net_core.rx_malformed++;
        pbuf_free(p);
        return;
    }
    if (tight && !(p = relieve(p, &s)))
        return;
    ethernet_input(p, &d->netif);
}
