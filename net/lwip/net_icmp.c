/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_icmp.c - what lwIP does not tell the sockets: ICMP errors (RFC 792, RFC 1122 section 3.2.2,
 * RFC 4443 section 3) and neighbours that do not answer. An error quotes the packet that it is
 * about; sockets compare that with their connections before they believe it (RFC 5927).
 */
#include <errno.h>

#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/udp.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "net_path_mtu.h"

enum { ICMP_HEADER = 8, QUOTED_PORTS = 8 }; /* bytes */

/* Errors that are sent: so many at once, and then one in that time. */
#define ERROR_BURST 50
#define ERROR_NS    (10 * HAL_MS)

struct icmp_meaning {
    int error;
    bool hard;
};

/* By the code of "destination unreachable". */
static const struct icmp_meaning unreachable4[] = {
    {ENETUNREACH, false},
    {EHOSTUNREACH, false},
    {ENOPROTOOPT, true},
    {ECONNREFUSED, true},
    {0, false},
    {EOPNOTSUPP, false},
    {ENETUNREACH, true},
    {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
    {ENETUNREACH, true},
    {EHOSTUNREACH, true},
    {ENETUNREACH, false},
    {EHOSTUNREACH, false},
    {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
};
static const struct icmp_meaning unreachable6[] = {
    {ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
    {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
};
static const struct icmp_meaning time_exceeded = {EHOSTUNREACH, false};
static const struct icmp_meaning bad_parameter = {EPROTO, true};
static const struct icmp_meaning nothing = {0, false};

static struct icmp_meaning meaning_of4(unsigned type, unsigned code)
{
    if (type == ICMP_DUR && code < sizeof(unreachable4) / sizeof(unreachable4[0]))
        return unreachable4[code];
    return type == ICMP_TE ? time_exceeded : type == ICMP_PP ? bad_parameter : nothing;
}

static struct icmp_meaning meaning_of6(unsigned type, unsigned code)
{
    if (type == ICMP6_TYPE_DUR && code < sizeof(unreachable6) / sizeof(unreachable6[0]))
        return unreachable6[code];
    return type == ICMP6_TYPE_TE ? time_exceeded : type == ICMP6_TYPE_PP ? bad_parameter : nothing;
}

static u16_t read16(const uint8_t *p)
{
    return (u16_t)(p[0] << 8 | p[1]);
}

/* Ports and sequence number of the quoted packet stand at `at`. */
static void icmp_tell(const struct pbuf *p, u16_t at, unsigned proto, const ip_addr_t *local,
                      const ip_addr_t *peer, struct icmp_meaning m)
{
    uint8_t quoted[QUOTED_PORTS];

    if (!net_core.events || (proto != IP_PROTO_TCP && proto != IP_PROTO_UDP) ||
        pbuf_copy_partial(p, quoted, sizeof(quoted), at) != sizeof(quoted))
        return;
    net_core.events->unreachable(proto, local, read16(quoted), peer, read16(quoted + 2),
                                 (u32_t)read16(quoted + 4) << 16 | read16(quoted + 6), m.error,
                                 m.hard);
}

/*
 * A packet that was too long: the quoted header names what is in *t, and ports stand at `at` if it
 * is the first piece of a datagram.
 */
static void icmp_too_big(const struct pbuf *p, u16_t at, struct net_too_big *t)
{
    uint8_t quoted[QUOTED_PORTS];

    if (pbuf_copy_partial(p, quoted, sizeof(quoted), at) != sizeof(quoted))
        return;
    t->port = read16(quoted);
    t->peer_port = read16(quoted + 2);
    t->seq = (u32_t)read16(quoted + 4) << 16 | read16(quoted + 6);
    net_path_too_big(t);
}

/* RFC 1191, section 4. A packet without DF is cut, and never too long. */
static void icmp4_too_big(const struct pbuf *p, const uint8_t *icmp, const ip_addr_t *local,
                          const ip_addr_t *peer)
{
    const uint8_t *ip = icmp + ICMP_HEADER;
    struct net_too_big t = {.proto = ip[9],
                            .local = local,
                            .peer = peer,
                            .len = read16(ip + 2),
                            .mtu = read16(icmp + 6)};

    if (read16(ip + 6) & IP_DF)
        icmp_too_big(p, (u16_t)(ICMP_HEADER + (ip[0] & 15) * 4), &t);
}

void net_icmp4_input(const struct pbuf *p)
{
    uint8_t icmp[ICMP_HEADER + IP_HLEN], *ip = icmp + ICMP_HEADER;
    struct icmp_meaning m;
    ip_addr_t local, peer;
    u32_t word;

    if (pbuf_copy_partial(p, icmp, sizeof(icmp), 0) != sizeof(icmp) || ip[0] >> 4 != 4 ||
        (read16(ip + 6) & IP_OFFMASK) || inet_chksum_pbuf((struct pbuf *)p) != 0)
        return;
    memcpy(&word, ip + 12, 4);
    ip_addr_set_ip4_u32_val(local, word);
    memcpy(&word, ip + 16, 4);
    ip_addr_set_ip4_u32_val(peer, word);
    if (icmp[0] == ICMP_DUR && icmp[1] == ICMP_DUR_FRAG)
        icmp4_too_big(p, icmp, &local, &peer);
    m = meaning_of4(icmp[0], icmp[1]);
    if (!m.error)
        return;
    icmp_tell(p, (u16_t)(ICMP_HEADER + (ip[0] & 15) * 4), ip[9], &local, &peer, m);
}

static void address6(ip_addr_t *out, const uint8_t *from)
{
    ip6_addr_t ip;

    memcpy(ip.addr, from, sizeof(ip.addr));
    ip6_addr_clear_zone(&ip);
    ip6_addr_assign_zone(&ip, IP6_UNKNOWN, ip_current_input_netif());
    ip_addr_copy_from_ip6(*out, ip);
}

/* RFC 8201. Of extension headers, the first piece of a datagram has one, of 8 bytes. */
static void icmp6_too_big(const struct pbuf *p, const uint8_t *icmp, const ip_addr_t *local,
                          const ip_addr_t *peer)
{
    const uint8_t *ip = icmp + ICMP_HEADER;
    unsigned mtu = (unsigned)read16(icmp + 4) << 16 | read16(icmp + 6);
    struct net_too_big t = {
        .proto = ip[6], .local = local, .peer = peer, .len = IP6_HLEN + read16(ip + 4), .mtu = mtu};
    struct ip6_frag_hdr piece = {0};
    u16_t at = ICMP_HEADER + IP6_HLEN;

    if (t.proto == IP6_NEXTH_FRAGMENT) {
        at += pbuf_copy_partial(p, &piece, IP6_FRAG_HLEN, at);
        t.proto = piece._nexth;
    }
    if (!(piece._fragment_offset & PP_HTONS(IP6_FRAG_OFFSET_MASK)))
        icmp_too_big(p, at, &t);
}

/* Its checksum was verified by lwIP. Packets with extension headers are not looked into. */
void net_icmp6_input(const struct pbuf *p)
{
    uint8_t icmp[ICMP_HEADER + IP6_HLEN], *ip = icmp + ICMP_HEADER;
    struct icmp_meaning m;
    ip_addr_t local, peer;

    if (pbuf_copy_partial(p, icmp, sizeof(icmp), 0) != sizeof(icmp) || ip[0] >> 4 != 6)
        return;
    address6(&local, ip + 8);
    address6(&peer, ip + 24);
    if (icmp[0] == ICMP6_TYPE_PTB)
        icmp6_too_big(p, icmp, &local, &peer);
    m = meaning_of6(icmp[0], icmp[1]);
    if (!m.error)
        return;
    icmp_tell(p, sizeof(icmp), ip[6], &local, &peer, m);
}

bool net_icmp_allowed(void)
{
    static uint64_t spent_ns;

    return net_allow(&spent_ns, ERROR_BURST, ERROR_NS);
}

void net_icmp_quotes_udp(struct pbuf *p)
{
    struct udp_hdr *udp;

    if (!net_arriving.partial)
        return;
    pbuf_header_force(p, UDP_HLEN);
    udp = p->payload;
    udp->chksum = 0;
    udp->chksum = ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, ip_current_src_addr(),
                                   ip_current_dest_addr());
    if (!udp->chksum) /* 0: there is none (RFC 768) */
        udp->chksum = 0xffff;
    pbuf_remove_header(p, UDP_HLEN);
}

void net_arp_failed(const struct netif *netif, const ip4_addr_t *ip)
{
    ip_addr_t neighbour;

    ip_addr_copy_from_ip4(neighbour, *ip);
    if (net_core.events)
        net_core.events->missing(netif, &neighbour);
}

void net_nd6_failed(const struct netif *netif, const ip6_addr_t *ip)
{
    ip_addr_t neighbour;

    ip_addr_copy_from_ip6(neighbour, *ip);
    if (net_core.events)
        net_core.events->missing(netif, &neighbour);
}
