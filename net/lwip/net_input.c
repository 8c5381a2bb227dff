/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_input.c - packets on their way from net_rx.c to lwIP: through the checks of frame_check.c,
 * and copied or dropped when receive buffers are short. And rules that lwIP lacks: frames of others
 * and packets for one machine in frames for many are dropped, tags of a priority are taken off,
 * SYNs of impossible senders are dropped, and a new connection may reuse the ports of one in
 * TIME_WAIT (RFC 9293, 3.10.7.4).
 *
 * Nearly all packets are of TCP or UDP, without options of IP, for the address of their interface,
 * and with right sums: those pass by lwIP's IP, which would look at all of that again.
 */
#include "lwip/etharp.h"
#include "lwip/ip6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "net_rx.h"
#include "tcp_fast.h"

enum { IP4_DEST = 16, IP6_DEST = 24 }; /* where an address stands in its header */

#define HELD_LITTLE 8192 /* a connection holds little if fewer bytes wait for its application */

struct net_arriving net_arriving;

static struct tcp_pcb *input_connection(const struct net_segment *s)
{
    ip_addr_t from, to;

    net_segment_ends(s, &from, &to);
    return net_conn_find(&from, lwip_ntohs(s->tcp->src), &to, lwip_ntohs(s->tcp->dest));
}

/* ---- SYNs ------------------------------------------------------------------------------------ */

static bool input_is_syn(const struct net_segment *s)
{
    return s->tcp && (TCPH_FLAGS(s->tcp) & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* What nearly no packet meets. */
static bool input_syn_ok(const struct net_segment *s) __attribute__((noinline, cold));
static void input_reuse_time_wait(const struct net_segment *s) __attribute__((noinline, cold));
static void input_tight(const struct net_arrival *a, struct pbuf *p)
    __attribute__((noinline, cold));

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
    ip_addr_t from, to;

    net_segment_ends(s, &from, &to);
    if (!s->tcp->src || !s->tcp->dest || ip_addr_isloopback(&from) || ip_addr_isany(&from))
        return false;
    if (IP_IS_V4(&from) && ip4_addr1(ip_2_ip4(&from)) == 0)
        return false;
    if (IP_IS_V6(&from) && ip6_addr_isipv4mappedipv6(ip_2_ip6(&from)))
        return false;
    return !input_is_own_address(&from);
}

/*
 * A SYN beyond the window of a connection in TIME_WAIT opens a new one, if somebody listens: the
 * old one is dropped.
 */
static void input_reuse_time_wait(const struct net_segment *s)
{
    struct tcp_pcb *pcb = input_connection(s);

    if (!pcb || pcb->state != TIME_WAIT || !TCP_SEQ_GT(lwip_ntohl(s->tcp->seqno), pcb->rcv_nxt) ||
        !net_conn_listener(&pcb->local_ip, pcb->local_port))
        return;
    net_tcp_isn_above(pcb->snd_nxt, pcb->local_port, pcb->remote_port);
    tcp_abort(pcb);
}

/* ---- when receive buffers are short ---------------------------------------------------------- */

/* Bytes of the segment's connection that its application has not read yet. */
static uint32_t input_held_bytes(const struct net_segment *s)
{
    const struct tcp_pcb *pcb = input_connection(s);

    return pcb && pcb->state != TIME_WAIT ? TCP_WND_MAX(pcb) - pcb->rcv_wnd : 0;
}

static bool input_may_keep(const struct net_segment *s)
{
    uint32_t held;

    if (net_mem_admit(NET_MEM_RX))
        return true;
    held = s->tcp ? input_held_bytes(s) : HELD_LITTLE;
    return held == 0 || (held < HELD_LITTLE && net_mem_admit(NET_MEM_RX_SMALL));
}

/* A copy, pbuf by pbuf, since no long one may find a place. NULL: no memory. */
static struct pbuf *input_copy(const struct pbuf *p, const struct net_segment *s)
{
    struct pbuf *all = NULL, *one;

    if (!input_may_keep(s))
        return NULL;
    for (; p; p = p->next) {
        one = pbuf_alloc(PBUF_RAW, p->len, PBUF_RAM);
        if (!one) {
            if (all)
                pbuf_free(all);
            return NULL;
        }
        memcpy(one->payload, p->payload, p->len);
        if (all)
            pbuf_cat(all, one);
        else
            all = one;
    }
    return all;
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

    if (s->tcp && s->data == s->total) {
        pbuf_ref(p);
        return p;
    }
    copy = input_copy(p, s);
    if (!copy && tcp_ooseq_drop_all())
        copy = input_copy(p, s);
    if (copy)
        net_core.rx_copied++;
    else
        net_core.rx_no_memory++;
    return copy;
}

/* ---- Ethernet -------------------------------------------------------------------------------- */

uint16_t net_input_type(const uint8_t *frame, unsigned have, unsigned *skip)
{
    const uint8_t *tag = frame + SIZEOF_ETH_HDR;
    uint16_t type = ((const struct eth_hdr *)frame)->type;

    *skip = SIZEOF_ETH_HDR;
    if (type != PP_HTONS(ETHTYPE_VLAN) || have < SIZEOF_ETH_HDR + SIZEOF_VLAN_HDR ||
        (tag[0] & 0x0f) || tag[1])
        return type;
    *skip += SIZEOF_VLAN_HDR;
    return ((const struct eth_vlan_hdr *)tag)->tpid;
}

/*
 * Is the frame for this machine? A frame for all or many carries no packet for one (RFC 1122,
 * 3.3.6), but for answers of DHCP to who has no address yet. 0.0.0.0 is nobody's address; lwIP
 * takes it for a broadcast.
 */
static bool input_for_us(const struct net_arrival *a)
{
    const struct netif *netif = &a->dev->netif;
    const uint8_t *packet = a->seg.packet;
    bool ip4 = a->type == PP_HTONS(ETHTYPE_IP);
    ip4_addr_t to;

    if (ip4)
        memcpy(&to, packet + IP4_DEST, sizeof(to));
    if (ip4 && !to.addr)
        return false;
    if (!(a->eth->dest.addr[0] & 1))
        return memcmp(a->eth->dest.addr, netif->hwaddr, ETH_HWADDR_LEN) == 0;
    if (a->type == PP_HTONS(ETHTYPE_IPV6))
        return packet[IP6_DEST] == 0xff;
    if (!ip4 || !a->dev->told)
        return true;
    return ip4_addr_ismulticast(&to) || ip4_addr_isbroadcast(&to, netif);
}

enum net_verdict net_input_judge(struct net_arrival *a, const uint8_t *packet, unsigned have,
                                 unsigned len)
{
    enum net_verdict v = net_packet_judge(a->type, packet, have, len, &a->seg);

    if (v == NET_GOOD && (a->seg.total > 0xffff || !input_for_us(a) ||
                          (!a->seg.plain && input_is_syn(&a->seg) && !input_syn_ok(&a->seg))))
        v = NET_BAD;
    if (v == NET_BAD)
        net_core.rx_malformed++;
    return v;
}

/* ---- into lwIP ------------------------------------------------------------------------------- */

/* What lwIP's IP tells of a packet to the address of its interface; the rest is by family. */
static void input_tell(const struct net_arrival *a, struct pbuf *p)
{
    net_arriving.ours = true;
    ip_data.current_netif = ip_data.current_input_netif = &a->dev->netif;
    ip_data.current_ip_header_tot_len = a->seg.upper;
    p->payload = (uint8_t *)p->payload + a->seg.upper;
    p->len = (u16_t)(p->len - a->seg.upper);
    p->tot_len = (u16_t)(p->tot_len - a->seg.upper);
    if (a->seg.tcp)
        tcp_input(p, &a->dev->netif);
    else
        udp_input(p, &a->dev->netif);
    ip_data.current_netif = ip_data.current_input_netif = NULL;
    ip_data.current_ip_header_tot_len = 0;
}

/* Hands a packet of TCP or UDP over without lwIP's IP. False: that has to look at it. */
static bool input_ip4(const struct net_arrival *a, struct pbuf *p)
{
    const struct ip_hdr *ip = (const struct ip_hdr *)a->seg.packet;
    struct netif *netif = &a->dev->netif;

    if (!net_input_is_own4(ip->dest.addr, netif) || !netif_is_up(netif) ||
        !net_input_sender4_ok(ip->src.addr, netif))
        return false;
    ip_addr_copy_from_ip4(ip_data.current_iphdr_dest, ip->dest);
    ip_addr_copy_from_ip4(ip_data.current_iphdr_src, ip->src);
    ip_data.current_ip4_header = ip;
    lwip_stats.ip.recv++;
    input_tell(a, p);
    ip_data.current_ip4_header = NULL;
    return true;
}

bool net_input_ends6(const struct ip6_hdr *ip, struct netif *netif)
{
    ip6_addr_t *from = ip_2_ip6(&ip_data.current_iphdr_src);
    ip6_addr_t *to = ip_2_ip6(&ip_data.current_iphdr_dest);
    int i;

    ip_addr_copy_from_ip6_packed(ip_data.current_iphdr_src, ip->src);
    ip_addr_copy_from_ip6_packed(ip_data.current_iphdr_dest, ip->dest);
    if (ip6_addr_isany(from) || ip6_addr_ismulticast(from) || ip6_addr_isipv4mappedipv6(from) ||
        ip6_addr_isloopback(from))
        return false;
    ip6_addr_assign_zone(from, IP6_UNICAST, netif);
    ip6_addr_assign_zone(to, IP6_UNICAST, netif);
    i = netif_get_ip6_addr_match(netif, to);
    return i >= 0 && ip6_addr_isvalid(netif_ip6_addr_state(netif, i));
}

/* The same for IPv6. */
static bool input_ip6(const struct net_arrival *a, struct pbuf *p)
{
    const struct ip6_hdr *ip = (const struct ip6_hdr *)a->seg.packet;
    struct netif *netif = &a->dev->netif;

    if (!netif_is_up(netif) || !net_input_ends6(ip, netif))
        return false;
    ip_data.current_ip6_header = LWIP_CONST_CAST(struct ip6_hdr *, ip);
    lwip_stats.ip6.recv++;
    input_tell(a, p);
    ip_data.current_ip6_header = NULL;
    return true;
}

static void input_to_lwip(const struct net_arrival *a, struct pbuf *p)
{
    struct netif *netif = &a->dev->netif;

    if (a->summed && !raw_pcbs &&
        ((a->seg.plain && input_ip4(a, p)) ||
         (a->type == PP_HTONS(ETHTYPE_IPV6) && a->seg.upper == IP6_HLEN && input_ip6(a, p))))
        return;
    if (a->type == PP_HTONS(ETHTYPE_IP))
        ip4_input(p, netif);
    else if (a->type == PP_HTONS(ETHTYPE_IPV6))
        ip6_input(p, netif);
    else if (a->type == PP_HTONS(ETHTYPE_ARP))
        etharp_input(p, netif);
    else
        pbuf_free(p);
}

struct pbuf *net_payload(struct pbuf *p)
{
    struct pbuf *next;

    while (!p->len && (next = p->next)) {
        p->next = NULL;
        pbuf_free(p);
        p = next;
    }
    return p;
}

static void input_told(const struct net_arrival *a, struct pbuf *p)
{
    p->if_idx = netif_get_index(&a->dev->netif);
    net_core.sender = a->eth->src.addr;
    net_arriving = (struct net_arriving){.summed = a->summed, .partial = a->partial};
    input_to_lwip(a, p);
    net_arriving = (struct net_arriving){0};
    net_core.sender = NULL;
}

/* The packet stays until lwIP is done with the copy, since its headers are named meanwhile. */
static void input_tight(const struct net_arrival *a, struct pbuf *p)
{
    struct pbuf *copy = input_relieve(p, &a->seg);

    if (copy)
        input_told(a, copy);
    pbuf_free(p);
}

void net_input_pass(const struct net_arrival *a, struct pbuf *p)
{
    if (a->seg.plain && a->seg.tcp && a->summed && !a->tight && !raw_pcbs && tcp_fast_input(a, p))
        return;
    if (!a->seg.plain && a->type == PP_HTONS(ETHTYPE_ARP))
        net_lease_arp(a->dev, a->seg.packet);
    if (!a->seg.plain && input_is_syn(&a->seg))
        input_reuse_time_wait(&a->seg);
    if (a->tight)
        input_tight(a, p);
    else
        input_told(a, p);
}

/* An acknowledgement, perhaps with data or an end: no option but a timestamp in its usual place. */
static bool input_is_simple(const struct tcp_hdr *h, unsigned len)
{
    uint16_t word = h->_hdrlen_rsvd_flags & (uint16_t)~PP_HTONS(TCP_PSH | TCP_FIN);
    const uint32_t *option = (const void *)(h + 1);

    if (word == PP_HTONS(TCP_HLEN / 4 << 12 | TCP_ACK))
        return true;
    return word == PP_HTONS((TCP_HLEN + LWIP_TCP_OPT_LEN_TS_OUT) / 4 << 12 | TCP_ACK) &&
           len >= TCP_HLEN + LWIP_TCP_OPT_LEN_TS_OUT && option[0] == PP_HTONL(0x0101080a);
}

/* Any other segment is judged. *pcb: its connection, which a SYN may replace. False: dropped. */
static bool input_odd_ok(const uint8_t *frame, unsigned len, struct tcp_pcb **pcb)
    __attribute__((noinline));
static bool input_odd_ok(const uint8_t *frame, unsigned len, struct tcp_pcb **pcb)
{
    const uint8_t *packet = frame + SIZEOF_ETH_HDR;
    struct net_segment s;
    bool syn;

    if (!net_tcp_judge(packet, len, &s) || ((syn = input_is_syn(&s)) && !input_syn_ok(&s))) {
        net_core.rx_malformed++;
        return false;
    }
    if (syn && *pcb) {
        input_reuse_time_wait(&s);
        *pcb = net_conn_find4((const void *)packet, s.tcp);
    }
    return true;
}

void net_input_tcp4(struct net_dev *d, const uint8_t *frame, struct pbuf *p, struct tcp_pcb *pcb,
                    bool partial)
{
    const struct ip_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
    struct netif *netif = &d->netif;

    if (!input_is_simple(p->payload, p->len) && !input_odd_ok(frame, IP_HLEN + p->len, &pcb)) {
        pbuf_free(p);
        return;
    }
    net_conn_hint = (struct net_conn_hint){pcb, true};
    net_core.sender = frame + ETH_HWADDR_LEN;
    net_arriving = (struct net_arriving){.summed = true, .partial = partial, .ours = true};
    ip_addr_copy_from_ip4(ip_data.current_iphdr_dest, ip->dest);
    ip_addr_copy_from_ip4(ip_data.current_iphdr_src, ip->src);
    ip_data.current_netif = ip_data.current_input_netif = netif;
    ip_data.current_ip4_header = ip;
    ip_data.current_ip_header_tot_len = IP_HLEN;
    lwip_stats.ip.recv++;
    tcp_input(p, netif);
    ip_data.current_netif = ip_data.current_input_netif = NULL;
    ip_data.current_ip4_header = NULL;
    ip_data.current_ip_header_tot_len = 0;
    net_arriving = (struct net_arriving){0};
    net_core.sender = NULL;
    net_conn_hint.found = false;
}

void net_input(struct net_dev *d, struct pbuf *p, bool tight)
{
    struct net_arrival a = {.dev = d, .eth = p->payload, .tight = tight};
    unsigned skip;

    a.type = net_input_type(p->payload, p->len, &skip);
    pbuf_remove_header(p, skip);
    if (net_input_judge(&a, p->payload, p->len, p->tot_len) != NET_GOOD) {
        pbuf_free(p);
        return;
    }
    pbuf_realloc(p, (u16_t)a.seg.total);
    net_input_pass(&a, p);
}
