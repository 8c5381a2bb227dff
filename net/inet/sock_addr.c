/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_addr.c - addresses of <sys/socket.h> to addresses of lwIP, and back. An IPv6 socket speaks
 * IPv4 through mapped addresses (RFC 4291, 2.5.5.2) unless it is IPV6_V6ONLY.
 */
#include <errno.h>

#include "sock.h"

static int addr_from_in(const struct sockaddr_in *in, ip_addr_t *addr, u16_t *port)
{
    ip_addr_set_ip4_u32_val(*addr, in->sin_addr.s_addr);
    *port = ntohs(in->sin_port);
    return 0;
}

static int addr_from_in6(const struct sock *s, const struct sockaddr_in6 *in6, ip_addr_t *addr,
                         u16_t *port)
{
    ip6_addr_t ip6;

    *port = ntohs(in6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        if (s->v6only)
            return -ENETUNREACH;
        ip_addr_set_ip4_u32_val(*addr, in6->sin6_addr.s6_addr32[3]);
        return 0;
    }
    memcpy(ip6.addr, in6->sin6_addr.s6_addr32, sizeof(ip6.addr));
    ip6_addr_clear_zone(&ip6);
    if (ip6_addr_has_scope(&ip6, IP6_UNKNOWN)) {
        struct netif *netif =
            in6->sin6_scope_id ? netif_get_by_index((u8_t)in6->sin6_scope_id) : netif_default;

        if (!netif)
            return -EINVAL;
        ip6_addr_set_zone(&ip6, netif_get_index(netif));
    }
    ip_addr_copy_from_ip6(*addr, ip6);
    return 0;
}

int sock_addr_in(const struct sock *s, const struct sockaddr *sa, socklen_t len, ip_addr_t *addr,
                 u16_t *port)
{
    bool six = s->family == AF_INET6;

    if (!sa || len < (six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)))
        return -EINVAL;
    if (sa->sa_family != s->family)
        return -EAFNOSUPPORT;
    return six ? addr_from_in6(s, (const struct sockaddr_in6 *)(const void *)sa, addr, port)
               : addr_from_in((const struct sockaddr_in *)(const void *)sa, addr, port);
}

int sock_addr_peer(const struct sock *s, const struct sockaddr *sa, socklen_t len, ip_addr_t *addr,
                   u16_t *port)
{
    bool ip4 = s->kind == SOCK_KIND_UDP && s->family == AF_INET6 && !s->v6only && sa &&
               len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET;

    return ip4 ? addr_from_in((const struct sockaddr_in *)(const void *)sa, addr, port)
               : sock_addr_in(s, sa, len, addr, port);
}

const ip_addr_t *sock_addr_any(const struct sock *s)
{
    return s->family == AF_INET ? IP4_ADDR_ANY : s->v6only ? IP6_ADDR_ANY : IP_ANY_TYPE;
}

static void addr_to_in6(const ip_addr_t *addr, struct sockaddr_in6 *in6)
{
    if (IP_IS_V4_VAL(*addr)) {
        in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
        in6->sin6_addr.s6_addr32[3] = ip_2_ip4(addr)->addr;
    } else {
        memcpy(in6->sin6_addr.s6_addr32, ip_2_ip6(addr)->addr, 16);
        in6->sin6_scope_id = ip6_addr_zone(ip_2_ip6(addr));
    }
}

void sock_addr_out(const struct sock *s, const ip_addr_t *addr, u16_t port, struct sockaddr *sa,
                   socklen_t *len)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t size = s->family == AF_INET ? sizeof(u.in) : sizeof(u.in6);

    if (!sa || !len)
        return;
    memset(&u, 0, sizeof(u));
    if (s->family == AF_INET) {
        u.in.sin_family = AF_INET;
        u.in.sin_port = htons(port);
        u.in.sin_addr.s_addr = ip_2_ip4(addr)->addr;
    } else {
        u.in6.sin6_family = AF_INET6;
        u.in6.sin6_port = htons(port);
        addr_to_in6(addr, &u.in6);
    }
    memcpy(sa, &u, *len < size ? *len : size);
    *len = size;
}
