/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_check.c - the checks in front of lwIP: lengths that its parsers take for granted, and
 * packets that no honest peer sends. Each check is a rule of the standard named beside it. A packet
 * is read once, header by header; lwIP judges what is not known here.
 *
 * Only the packet's first bytes are at hand, in memory that no device writes to. Where the headers
 * go on beyond them, a packet is not judged, and is for the caller to copy as a whole.
 *
 * Each fragment is judged alone. The first fragment of a datagram holds all headers, whole (RFC
 * 7112; RFC 1858 for IPv4), and lwIP refuses fragments that overlap it. So lwIP's parsers see the
 * headers that were checked here.
 */
#include "frame_check.h"

#include <string.h>

#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/nd6.h"

#define ARP_LEN       28 /* RFC 826, for Ethernet and IPv4 */
#define LEAST_PAYLOAD 8  /* bytes: no protocol that lwIP speaks has a shorter header */
#define LEAST_MSS     48 /* bytes: a smaller one only multiplies packets (CVE-2019-11479) */
#define MOST_HEADERS  8  /* IPv6 extension headers of a packet */
#define ND_HOP_LIMIT  255
#define DATAGRAM_MAX  65535 /* bytes of a reassembled datagram, header included */

enum { IP4_OPT_END = 0, IP4_OPT_NOP = 1, IP4_OPT_LOOSE_ROUTE = 131, IP4_OPT_STRICT_ROUTE = 137 };

static unsigned frame_get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* ---- TCP (RFC 9293) and UDP (RFC 768) -------------------------------------------------------- */

static bool tcp_option_ok(const uint8_t *opt, bool syn)
{
    return !syn || opt[0] != LWIP_TCP_OPT_MSS || opt[1] != LWIP_TCP_OPT_LEN_MSS ||
           frame_get16(opt + 2) >= LEAST_MSS;
}

/* A timestamp alone, as nearly all segments have it (RFC 7323, appendix A). */
static bool tcp_option_is_stamp(const uint8_t *opt, unsigned len)
{
    uint32_t word;

    memcpy(&word, opt, sizeof(word));
    return len == LWIP_TCP_OPT_LEN_TS_OUT && word == PP_HTONL(0x0101080a);
}

/* RFC 9293, section 3.1: every option lies within the header. */
static bool tcp_options_fit(const uint8_t *opt, unsigned len, bool syn)
{
    if (!len || tcp_option_is_stamp(opt, len))
        return true;
    for (unsigned at = 0; at < len;) {
        if (opt[at] == LWIP_TCP_OPT_EOL)
            return true;
        if (opt[at] == LWIP_TCP_OPT_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= len || opt[at + 1] < 2 || opt[at + 1] > len - at)
            return false;
        if (!tcp_option_ok(opt + at, syn))
            return false;
        at += opt[at + 1];
    }
    return true;
}

static bool tcp_ok(const uint8_t *at, unsigned len)
{
    const struct tcp_hdr *tcp = (const struct tcp_hdr *)at;
    unsigned header, flags;

    if (len < TCP_HLEN)
        return false;
    header = TCPH_HDRLEN_BYTES(tcp);
    flags = TCPH_FLAGS(tcp);
    if (header < TCP_HLEN || header > len)
        return false;
    if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)))
        return false;
    return tcp_options_fit(at + TCP_HLEN, header - TCP_HLEN, flags & TCP_SYN);
}

/* The length field counts the whole datagram, of which a first fragment holds a part. */
static bool udp_ok(const uint8_t *at, unsigned len, bool fragment)
{
    unsigned told = len >= LEAST_PAYLOAD ? frame_get16(at + 4) : 0;

    return told >= LEAST_PAYLOAD && (fragment || told <= len);
}

/* ---- IPv4 (RFC 791) -------------------------------------------------------------------------- */

static bool ip_upper_ok(unsigned protocol, const uint8_t *at, unsigned len, bool fragment)
{
    if (len < LEAST_PAYLOAD)
        return false;
    if (protocol == IP_PROTO_TCP)
        return tcp_ok(at, len);
    return protocol != IP_PROTO_UDP || udp_ok(at, len, fragment);
}

/* RFC 791, 3.2; RFC 8200, 4.5: all but the last hold units of 8 bytes; none ends too far. */
static bool ip_fragment_ok(unsigned offset, bool more, unsigned len, unsigned header)
{
    return len && !(more && len % 8) && offset + len <= DATAGRAM_MAX - header;
}

/* The packet is a whole one of TCP or UDP, with this header. */
static void segment_found(struct net_segment *s, unsigned proto, const uint8_t *at)
{
    s->upper = (uint16_t)(at - s->packet);
    s->len = s->total - s->upper;
    s->proto = (uint8_t)proto;
    if (proto == IP_PROTO_TCP) {
        s->tcp = (const struct tcp_hdr *)at;
        s->data = (uint16_t)(s->upper + TCPH_HDRLEN_BYTES(s->tcp));
    } else if (proto == IP_PROTO_UDP && frame_get16(at + 4) == s->len) {
        s->data = (uint16_t)(s->upper + LEAST_PAYLOAD);
    } else {
        s->upper = s->proto = 0;
        s->len = 0;
    }
}

/*
 * Options lie within the header (RFC 791, 3.1). A packet that names its own way back is not
 * answered (RFC 7126, 4.3 and 4.4).
 */
static bool ip4_options_ok(const uint8_t *opt, unsigned len)
{
    for (unsigned at = 0; at < len && opt[at] != IP4_OPT_END;) {
        if (opt[at] == IP4_OPT_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= len || opt[at + 1] < 2 || opt[at + 1] > len - at ||
            opt[at] == IP4_OPT_LOOSE_ROUTE || opt[at] == IP4_OPT_STRICT_ROUTE)
            return false;
        at += opt[at + 1];
    }
    return true;
}

static bool ip4_ok(const uint8_t *packet, unsigned len, struct net_segment *s)
{
    const struct ip_hdr *ip = (const struct ip_hdr *)packet;
    unsigned header, total, field, offset;
    bool fragment;

    if (len < IP_HLEN)
        return false;
    header = IPH_HL_BYTES(ip);
    total = lwip_ntohs(IPH_LEN(ip));
    if (IPH_V(ip) != 4 || header < IP_HLEN || total < header || total > len ||
        (header != IP_HLEN && !ip4_options_ok(packet + IP_HLEN, header - IP_HLEN)))
        return false;
    s->total = total;
    field = lwip_ntohs(IPH_OFFSET(ip));
    offset = (field & IP_OFFMASK) * 8;
    fragment = field & (IP_OFFMASK | IP_MF);
    if (fragment && !ip_fragment_ok(offset, field & IP_MF, total - header, header))
        return false;
    if (offset)
        return true;
    if (!ip_upper_ok(IPH_PROTO(ip), packet + header, total - header, fragment))
        return false;
    if (!fragment)
        segment_found(s, IPH_PROTO(ip), packet + header);
    return true;
}

/* ---- ICMPv6 and neighbour discovery (RFC 4861) ----------------------------------------------- */

/* RFC 4861, 4.6: none is empty, all lie in the packet, and an Ethernet address takes one unit. */
static bool nd_options_fit(const uint8_t *opt, unsigned len)
{
    while (len) {
        unsigned bytes = len < 2 ? 0 : 8u * opt[1];

        if (!bytes || bytes > len)
            return false;
        if ((opt[0] == ND6_OPTION_TYPE_SOURCE_LLADDR || opt[0] == ND6_OPTION_TYPE_TARGET_LLADDR) &&
            bytes != 8)
            return false;
        opt += bytes;
        len -= bytes;
    }
    return true;
}

static bool nd_ok(const uint8_t *at, unsigned len, unsigned hop_limit)
{
    static const uint8_t fixed[] = {
        [ICMP6_TYPE_RS - ICMP6_TYPE_RS] = 8,  [ICMP6_TYPE_RA - ICMP6_TYPE_RS] = 16,
        [ICMP6_TYPE_NS - ICMP6_TYPE_RS] = 24, [ICMP6_TYPE_NA - ICMP6_TYPE_RS] = 24,
        [ICMP6_TYPE_RD - ICMP6_TYPE_RS] = 40,
    };
    unsigned header = fixed[at[0] - ICMP6_TYPE_RS];

    return hop_limit == ND_HOP_LIMIT && len >= header && nd_options_fit(at + header, len - header);
}

/*
 * RFC 8201, section 4: a path has no MTU below 1280, whatever a packet says; lwIP would cut
 * datagrams into pieces of no length. RFC 6980: neighbour discovery is not fragmented; nor are
 * errors.
 */
static bool icmp6_ok(const uint8_t *at, unsigned len, unsigned hop_limit, bool fragment)
{
    if (len < LEAST_PAYLOAD)
        return false;
    if (at[0] == ICMP6_TYPE_EREQ || at[0] == ICMP6_TYPE_EREP)
        return true;
    if (fragment)
        return false;
    if (at[0] == ICMP6_TYPE_PTB)
        return len >= 8 + IP6_HLEN &&
               (frame_get16(at + 4) || frame_get16(at + 6) >= IP6_MIN_MTU_LENGTH);
    if (at[0] >= ICMP6_TYPE_RS && at[0] <= ICMP6_TYPE_RD)
        return nd_ok(at, len, hop_limit);
    return true;
}

/* ---- IPv6 (RFC 8200) ------------------------------------------------------------------------- */

/* A way through the headers of a packet. */
struct walk {
    const uint8_t *at; /* the next header */
    unsigned left;     /* bytes of the packet from there on */
    unsigned next;     /* the protocol number of that header */
    bool fragment;     /* a fragment header came before */
};

static void ip6_step(struct walk *w, unsigned bytes)
{
    w->next = w->at[0];
    w->at += bytes;
    w->left -= bytes;
}

/* Goes past a header of options (RFC 8200, 4.2), which fill it. False: malformed. */
static bool ip6_options_ok(struct walk *w)
{
    unsigned bytes = w->left < 8 ? 0 : 8u * (1 + w->at[1]), at = 2;

    if (!bytes || bytes > w->left)
        return false;
    while (at < bytes) {
        if (w->at[at] == IP6_PAD1_OPTION)
            at++;
        else if (at + 1 < bytes && w->at[at + 1] <= bytes - at - 2)
            at += 2 + w->at[at + 1];
        else
            return false;
    }
    ip6_step(w, bytes);
    return true;
}

/* The same for a routing header (4.4). */
static bool ip6_routing_ok(struct walk *w)
{
    unsigned bytes = w->left < 8 ? 0 : 8u * (1 + w->at[1]);

    if (!bytes || bytes > w->left)
        return false;
    ip6_step(w, bytes);
    return true;
}

/* The same for a fragment header (4.5). before: bytes of the packet up to it. */
static bool ip6_fragment_ok(struct walk *w, unsigned before, unsigned *offset)
{
    unsigned field = w->left < IP6_FRAG_HLEN ? 0 : frame_get16(w->at + 2);

    *offset = field & 0xfff8u;
    if (w->left <= IP6_FRAG_HLEN || w->fragment ||
        !ip_fragment_ok(*offset, field & 1, w->left - IP6_FRAG_HLEN, before))
        return false;
    w->fragment = true;
    ip6_step(w, IP6_FRAG_HLEN);
    return true;
}

static bool ip6_upper_ok(const struct ip6_hdr *ip, const struct walk *w, struct net_segment *s)
{
    if (w->next == IP6_NEXTH_ICMP6)
        return icmp6_ok(w->at, w->left, IP6H_HOPLIM(ip), w->fragment);
    if (w->next == IP6_NEXTH_NONE)
        return true;
    if (!ip_upper_ok(w->next, w->at, w->left, w->fragment))
        return false;
    if (w->next == IP6_NEXTH_UDP && !frame_get16(w->at + 6)) /* RFC 8200, 8.1: it has a checksum */
        return false;
    if (!w->fragment)
        segment_found(s, w->next, w->at);
    return true;
}

static bool ip6_ok(const uint8_t *packet, unsigned len, struct net_segment *s)
{
    const struct ip6_hdr *ip = (const struct ip6_hdr *)packet;
    struct walk w = {.at = packet + IP6_HLEN};
    unsigned offset = 0;

    if (len < IP6_HLEN || IP6H_V(ip) != 6 || IP6H_PLEN(ip) > len - IP6_HLEN)
        return false;
    s->total = IP6_HLEN + IP6H_PLEN(ip);
    w.left = IP6H_PLEN(ip);
    w.next = IP6H_NEXTH(ip);
    for (unsigned n = 0; n < MOST_HEADERS; n++) {
        bool good;

        switch (w.next) {
        case IP6_NEXTH_HOPBYHOP:
        case IP6_NEXTH_DESTOPTS:
            good = ip6_options_ok(&w);
            break;
        case IP6_NEXTH_ROUTING:
            good = ip6_routing_ok(&w);
            break;
        case IP6_NEXTH_FRAGMENT:
            good = ip6_fragment_ok(&w, (unsigned)(w.at - packet), &offset);
            break;
        default:
            return ip6_upper_ok(ip, &w, s);
        }
        if (!good || offset)
            return good;
    }
    return false;
}

/* ---- any packet ------------------------------------------------------------------------------ */

/*
 * Do all headers lie in the first `have` bytes? In those of IPv6 behind its fixed one, and in
 * ICMPv6, nobody knows before they are read.
 */
static bool headers_at_hand(unsigned type, const uint8_t *packet, unsigned have)
{
    unsigned header = IP6_HLEN, next;

    if (have < IP6_HLEN)
        return false;
    if (type == PP_HTONS(ETHTYPE_IP)) {
        header = IPH_HL_BYTES((const struct ip_hdr *)packet);
        next = IPH_PROTO((const struct ip_hdr *)packet);
    } else if (type == PP_HTONS(ETHTYPE_IPV6)) {
        next = IP6H_NEXTH((const struct ip6_hdr *)packet);
        if (next != IP6_NEXTH_TCP && next != IP6_NEXTH_UDP)
            return false;
    } else {
        return true;
    }
    if (have < header + TCP_HLEN)
        return false;
    return next != IP_PROTO_TCP ||
           have >= header + TCPH_HDRLEN_BYTES((const struct tcp_hdr *)(packet + header));
}

/* Where data begins behind a header of TCP without options but a timestamp; 0: nothing so plain. */
static unsigned plain_tcp(const struct tcp_hdr *tcp, unsigned len, unsigned have)
{
    unsigned header = TCPH_HDRLEN_BYTES(tcp);

    if (header > len || header > have || (TCPH_FLAGS(tcp) & TCP_SYN) ||
        (header != TCP_HLEN &&
         (header < TCP_HLEN ||
          !tcp_option_is_stamp((const uint8_t *)(tcp + 1), header - TCP_HLEN))))
        return 0;
    return IP_HLEN + header;
}

/*
 * Nearly all packets are whole ones of TCP or UDP over IPv4 without options of IP, and segments of
 * open connections. What is found here is what the checks above find.
 */
static bool segment_is_plain(const uint8_t *packet, unsigned have, unsigned len,
                             struct net_segment *s)
{
    const struct ip_hdr *ip = (const struct ip_hdr *)packet;
    const struct tcp_hdr *tcp = (const struct tcp_hdr *)(packet + IP_HLEN);
    unsigned total, data = 0;

    if (have < IP_HLEN + TCP_HLEN || packet[0] != 0x45 ||
        (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)))
        return false;
    total = lwip_ntohs(IPH_LEN(ip));
    if (total > len || total < IP_HLEN + LEAST_PAYLOAD)
        return false;
    if (IPH_PROTO(ip) == IP_PROTO_TCP)
        data = plain_tcp(tcp, total - IP_HLEN, have - IP_HLEN);
    else if (IPH_PROTO(ip) == IP_PROTO_UDP && frame_get16(packet + IP_HLEN + 4) == total - IP_HLEN)
        data = IP_HLEN + LEAST_PAYLOAD;
    s->packet = packet;
    s->tcp = IPH_PROTO(ip) == IP_PROTO_TCP ? tcp : NULL;
    s->total = total;
    s->len = total - IP_HLEN;
    s->proto = IPH_PROTO(ip);
    s->plain = true;
    s->upper = IP_HLEN;
    s->data = (uint16_t)data;
    return data != 0;
}

enum net_verdict net_packet_judge(unsigned type, const uint8_t *packet, unsigned have, unsigned len,
                                  struct net_segment *s)
{
    bool good = true;

    if (type == PP_HTONS(ETHTYPE_IP) && segment_is_plain(packet, have, len, s))
        return NET_GOOD;
    if (have < len && !headers_at_hand(type, packet, have))
        return NET_UNSEEN;
    *s = (struct net_segment){.packet = packet, .total = len};
    if (type == PP_HTONS(ETHTYPE_IP))
        good = ip4_ok(packet, len, s);
    else if (type == PP_HTONS(ETHTYPE_IPV6))
        good = ip6_ok(packet, len, s);
    else if (type == PP_HTONS(ETHTYPE_ARP))
        good = len >= ARP_LEN;
    return good ? NET_GOOD : NET_BAD;
}

bool net_tcp_judge(const uint8_t *packet, unsigned len, struct net_segment *s)
{
    *s = (struct net_segment){.packet = packet, .total = len};
    if (!tcp_ok(packet + IP_HLEN, len - IP_HLEN))
        return false;
    segment_found(s, IP_PROTO_TCP, packet + IP_HLEN);
    return true;
}

void net_segment_ends(const struct net_segment *s, ip_addr_t *from, ip_addr_t *to)
{
    const struct ip_hdr *four = (const struct ip_hdr *)s->packet;
    const struct ip6_hdr *six = (const struct ip6_hdr *)s->packet;

    if (IPH_V(four) == 4) {
        ip_addr_copy_from_ip4(*from, four->src);
        ip_addr_copy_from_ip4(*to, four->dest);
    } else {
        ip_addr_copy_from_ip6_packed(*from, six->src);
        ip_addr_copy_from_ip6_packed(*to, six->dest);
    }
}
