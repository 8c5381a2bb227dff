/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_cmsg.c - ancillary data of datagrams: where one went to, its TTL, and from where one shall
 * be sent (ip(7) of Linux; RFC 3542, section 6).
 */
#include <errno.h>
#include <string.h>

#include "sock.h"

/* ---- sending --------------------------------------------------------------------------------- */

static int cmsg_source(struct sock_msg *m, const ip_addr_t *source, unsigned number)
{
    if (number && !sock_netif(number))
        return -ENODEV;
    if (!ip_addr_isany(source) && !sock_is_local(source))
        return IP_IS_V4(source) ? -ENETUNREACH : -EINVAL;
    if (!ip_addr_isany(source))
        ip_addr_copy(m->source, *source);
    m->netif = (uint8_t)number;
    m->directed = number || !ip_addr_isany(&m->source);
    return 0;
}

static int cmsg_in4(const struct cmsghdr *c, struct sock_msg *m)
{
    struct in_pktinfo info;
    ip_addr_t source;

    if (c->cmsg_type != IP_PKTINFO || c->cmsg_len != CMSG_LEN(sizeof(info)))
        return -EINVAL;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    ip_addr_set_ip4_u32_val(source, info.ipi_spec_dst.s_addr);
    return cmsg_source(m, &source, (unsigned)info.ipi_ifindex);
}

static int cmsg_in6(const struct cmsghdr *c, struct sock_msg *m)
{
    struct in6_pktinfo info;
    ip_addr_t source;
    ip6_addr_t ip;

    if (c->cmsg_type != IPV6_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
        return -EINVAL;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    memcpy(ip.addr, info.ipi6_addr.s6_addr, sizeof(ip.addr));
    ip6_addr_clear_zone(&ip);
    if (sock_netif(info.ipi6_ifindex))
        ip6_addr_assign_zone(&ip, IP6_UNICAST, sock_netif(info.ipi6_ifindex));
    ip_addr_copy_from_ip6(source, ip);
    return cmsg_source(m, &source, info.ipi6_ifindex);
}

int sock_cmsg_in(const struct sock *s, const struct msghdr *msg, struct sock_msg *m)
{
    const char *end = (const char *)msg->msg_control + msg->msg_controllen;
    int err = 0;

    if (!msg->msg_control)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c && !err; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_len < sizeof(*c) || c->cmsg_len > (size_t)(end - (const char *)c))
            return -EINVAL;
        if (c->cmsg_level == IPPROTO_IP)
            err = cmsg_in4(c, m);
        else if (c->cmsg_level == IPPROTO_IPV6 && s->family == AF_INET6)
            err = cmsg_in6(c, m);
    }
    return err;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Adds a record; what has no room is cut off. *at: bytes that are filled. */
static void cmsg_put(struct msghdr *msg, size_t room, size_t *at, int level, int type,
                     const void *data, size_t len)
{
    struct cmsghdr c = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    size_t left = room - *at;

    if (!msg->msg_control || left < sizeof(c)) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    if (left < c.cmsg_len) {
        msg->msg_flags |= MSG_CTRUNC;
        c.cmsg_len = left;
    }
    memcpy((char *)msg->msg_control + *at, &c, sizeof(c));
    memcpy((char *)msg->msg_control + *at + CMSG_LEN(0), data, c.cmsg_len - CMSG_LEN(0));
    *at += left < CMSG_SPACE(len) ? left : CMSG_SPACE(len);
}

static struct in_pktinfo cmsg_pktinfo(const struct sock_origin *from)
{
    struct in_pktinfo info = {.ipi_ifindex = from->netif,
                              .ipi_addr.s_addr = ip_2_ip4(&from->to)->addr};
    struct netif *netif = sock_netif(from->netif);

    info.ipi_spec_dst = info.ipi_addr;
    if (!sock_is_local(&from->to) && netif)
        info.ipi_spec_dst.s_addr = netif_ip4_addr(netif)->addr;
    return info;
}

static struct in6_pktinfo cmsg_pktinfo6(const struct sock_origin *from)
{
    struct in6_pktinfo info = {.ipi6_ifindex = from->netif};

    if (IP_IS_V4_VAL(from->to)) {
        info.ipi6_addr.s6_addr[10] = info.ipi6_addr.s6_addr[11] = 0xff;
        info.ipi6_addr.s6_addr32[3] = ip_2_ip4(&from->to)->addr;
    } else {
        memcpy(info.ipi6_addr.s6_addr, ip_2_ip6(&from->to)->addr, 16);
    }
    return info;
}

static void cmsg_out4(const struct sock *s, const struct sock_origin *from, struct msghdr *msg,
                      size_t room, size_t *at)
{
    struct in_pktinfo info = cmsg_pktinfo(from);
    int ttl = from->ttl;

    if (s->wants & SOCK_WANT_PKTINFO)
        cmsg_put(msg, room, at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    if (s->wants & SOCK_WANT_TTL)
        cmsg_put(msg, room, at, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
    if (s->wants & SOCK_WANT_TOS)
        cmsg_put(msg, room, at, IPPROTO_IP, IP_TOS, &from->tos, 1);
}

static void cmsg_out6(const struct sock *s, const struct sock_origin *from, struct msghdr *msg,
                      size_t room, size_t *at)
{
    struct in6_pktinfo info = cmsg_pktinfo6(from);
    int hops = from->ttl, class = from->tos;
    bool mapped = IP_IS_V4_VAL(from->to);

    if (s->wants & SOCK_WANT_PKTINFO6)
        cmsg_put(msg, room, at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    if (!mapped && (s->wants & SOCK_WANT_HOPLIMIT))
        cmsg_put(msg, room, at, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    if (!mapped && (s->wants & SOCK_WANT_TCLASS))
        cmsg_put(msg, room, at, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

void sock_cmsg_out(const struct sock *s, const struct sock_origin *from, struct msghdr *msg)
{
    size_t room = msg->msg_controllen, at = 0;

    if (IP_IS_V4_VAL(from->to))
        cmsg_out4(s, from, msg, room, &at);
    if (s->family == AF_INET6)
        cmsg_out6(s, from, msg, room, &at);
    msg->msg_controllen = (socklen_t)at;
}
