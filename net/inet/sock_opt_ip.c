/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_opt_ip.c - options of the levels IPPROTO_IP and IPPROTO_IPV6 (RFC 3493, RFC 3542). A socket
 * of IPv6 has those of IPv4 too, for what it sends to mapped addresses.
 */
#include <errno.h>
#include <string.h>

#include "sock.h"
#include "socket_ops.h"

/* An int, or a single byte, as these levels take it. */
static int opt_number_in(const void *value, socklen_t len, int *v)
{
    *v = 0;
    if (len >= sizeof(int))
        return socket_int_in(value, len, v);
    if (!value && len)
        return -EINVAL;
    if (len)
        *v = *(const uint8_t *)value;
    return 0;
}

/* An int, or a byte if there is no room for more. */
static int opt_number_out(int v, void *value, socklen_t *len)
{
    uint8_t byte = (uint8_t)v;

    if (*len && *len < sizeof(int) && v >= 0 && v <= 255)
        socket_value_out(&byte, sizeof(byte), value, len);
    else
        socket_value_out(&v, sizeof(v), value, len);
    return 0;
}

static int opt_mtu_discover(int v, uint8_t *out)
{
    if (v < IP_PMTUDISC_DONT || v > IP_PMTUDISC_OMIT)
        return -EINVAL;
    *out = (uint8_t)v;
    return 0;
}

static int opt_get_mtu(const struct sock *s, void *value, socklen_t *len)
{
    int mtu, err = sock_mtu_get(s, &mtu);

    return err ? err : opt_number_out(mtu, value, len);
}

/* A limit of hops: from `min` to 255; -1 stands for `def`. */
static int opt_hops(int v, int min, uint8_t def, uint8_t *out)
{
    if (v != -1 && (v < min || v > 255))
        return -EINVAL;
    *out = v == -1 ? def : (uint8_t)v;
    return 0;
}

static int opt_want(struct sock *s, uint8_t want, int on)
{
    s->wants = (uint8_t)(on ? s->wants | want : s->wants & ~want);
    return 0;
}

/* ---- IPv4 ------------------------------------------------------------------------------------ */

/* The interface that a struct ip_mreq or ip_mreqn names; NULL: none. */
static struct netif *opt_group_netif(const struct ip_mreqn *m, const ip_addr_t *group)
{
    ip4_addr_t interface = {m->imr_address.s_addr};
    struct netif *netif;

    if (m->imr_ifindex)
        return sock_netif((unsigned)m->imr_ifindex);
    if (!ip4_addr_isany_val(interface))
        return sock_netif_of(&interface);
    netif = ip_route(IP4_ADDR_ANY, group);
    return netif ? netif : netif_default;
}

static int opt_set_membership(struct sock *s, int name, const void *value, socklen_t len)
{
    struct ip_mreqn m = {.imr_ifindex = 0};
    struct netif *netif;
    ip_addr_t group;

    if (!value || len < sizeof(struct ip_mreq))
        return -EINVAL;
    if (s->kind == SOCK_KIND_TCP)
        return -EPROTO;
    memcpy(&m, value, len < sizeof(m) ? sizeof(struct ip_mreq) : sizeof(m));
    ip_addr_set_ip4_u32_val(group, m.imr_multiaddr.s_addr);
    netif = opt_group_netif(&m, &group);
    if (name == IP_DROP_MEMBERSHIP)
        return sock_group_leave(s, netif, &group);
    return ip_addr_ismulticast(&group) ? sock_group_join(s, netif, &group) : -EINVAL;
}

/* IP_MULTICAST_IF: a struct in_addr, ip_mreq or ip_mreqn. */
static int opt_set_group_netif(struct sock *s, const void *value, socklen_t len)
{
    struct ip_mreqn m = {.imr_ifindex = 0};
    struct netif *netif = NULL;
    ip4_addr_t interface;

    if (!value || len < sizeof(struct in_addr))
        return -EINVAL;
    if (len < sizeof(struct ip_mreq))
        memcpy(&m.imr_address, value, sizeof(m.imr_address));
    else
        memcpy(&m, value, len < sizeof(m) ? sizeof(struct ip_mreq) : sizeof(m));
    interface.addr = m.imr_address.s_addr;
    if (m.imr_ifindex)
        netif = sock_netif((unsigned)m.imr_ifindex);
    else if (!ip4_addr_isany_val(interface))
        netif = sock_netif_of(&interface);
    if (!netif && (m.imr_ifindex || !ip4_addr_isany_val(interface)))
        return -EADDRNOTAVAIL;
    s->options.group_netif = netif ? netif_get_index(netif) : 0;
    return 0;
}

static int opt_set_ip_number(struct sock *s, int name, int v)
{
    struct sock_options *o = &s->options;

    switch (name) {
    case IP_TTL:
        return opt_hops(v, 1, IP_DEFAULT_TTL, &o->ttl);
    case IP_TOS:
        o->tos = (uint8_t)(s->kind == SOCK_KIND_TCP ? v & ~3 : v); /* TCP: ECN is not its user's */
        return 0;
    case IP_MTU_DISCOVER:
        return opt_mtu_discover(v, &o->mtu_discover);
    case IP_MULTICAST_TTL:
        return s->kind == SOCK_KIND_TCP ? -EINVAL : opt_hops(v, 0, 1, &o->group_ttl);
    case IP_MULTICAST_LOOP:
        o->group_loop = v != 0;
        return 0;
    case IP_PKTINFO:
        return opt_want(s, SOCK_WANT_PKTINFO, v);
    case IP_RECVTTL:
        return opt_want(s, SOCK_WANT_TTL, v);
    case IP_RECVTOS:
        return opt_want(s, SOCK_WANT_TOS, v);
    default:
        return -ENOPROTOOPT;
    }
}

int sock_opt_set_ip(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err;

    if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)
        return opt_set_membership(s, name, value, len);
    if (name == IP_MULTICAST_IF)
        return opt_set_group_netif(s, value, len);
    err = opt_number_in(value, len, &v);
    if (!err)
        err = opt_set_ip_number(s, name, v);
    if (!err)
        sock_apply_options(s);
    return err;
}

int sock_opt_get_ip(struct sock *s, int name, void *value, socklen_t *len)
{
    const struct sock_options *o = &s->options;
    struct in_addr interface = {INADDR_ANY};

    switch (name) {
    case IP_TTL:
        return opt_number_out(o->ttl, value, len);
    case IP_TOS:
        return opt_number_out(o->tos, value, len);
    case IP_MTU_DISCOVER:
        return opt_number_out(o->mtu_discover, value, len);
    case IP_MTU:
        return opt_get_mtu(s, value, len);
    case IP_MULTICAST_TTL:
        return opt_number_out(o->group_ttl, value, len);
    case IP_MULTICAST_LOOP:
        return opt_number_out(o->group_loop, value, len);
    case IP_PKTINFO:
        return opt_number_out((s->wants & SOCK_WANT_PKTINFO) != 0, value, len);
    case IP_RECVTTL:
        return opt_number_out((s->wants & SOCK_WANT_TTL) != 0, value, len);
    case IP_RECVTOS:
        return opt_number_out((s->wants & SOCK_WANT_TOS) != 0, value, len);
    case IP_MULTICAST_IF:
        if (sock_netif(o->group_netif))
            interface.s_addr = netif_ip4_addr(sock_netif(o->group_netif))->addr;
        socket_value_out(&interface, sizeof(interface), value, len);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static int opt_set_membership6(struct sock *s, int name, const void *value, socklen_t len)
{
    struct ipv6_mreq m;
    struct netif *netif;
    ip6_addr_t group;
    ip_addr_t a;

    if (!value || len < sizeof(m))
        return -EINVAL;
    if (s->kind == SOCK_KIND_TCP)
        return -EPROTO;
    memcpy(&m, value, sizeof(m));
    memcpy(group.addr, m.ipv6mr_multiaddr.s6_addr, sizeof(group.addr));
    ip6_addr_clear_zone(&group);
    netif = m.ipv6mr_interface ? sock_netif(m.ipv6mr_interface) : netif_default;
    if (netif)
        ip6_addr_assign_zone(&group, IP6_MULTICAST, netif);
    ip_addr_copy_from_ip6(a, group);
    if (name == IPV6_LEAVE_GROUP)
        return sock_group_leave(s, netif, &a);
    return ip6_addr_ismulticast(&group) ? sock_group_join(s, netif, &a) : -EINVAL;
}

static int opt_set_v6only(struct sock *s, int on)
{
    if (s->has_peer || s->udp->local_ip.type == IPADDR_TYPE_V4 ||
        (s->kind != SOCK_KIND_RAW && sock_has_port(s)) ||
        (s->kind == SOCK_KIND_TCP && s->state != SOCK_TCP_IDLE))
        return -EINVAL;
    s->v6only = on != 0;
    ip_addr_copy(s->bound, *sock_addr_any(s));
    ip_addr_copy(s->udp->local_ip, s->bound);
    return 0;
}

static int opt_set_group_netif6(struct sock *s, int number)
{
    if (number && !sock_netif((unsigned)number))
        return -ENODEV;
    s->options.group_netif6 = (uint8_t)number;
    return 0;
}

static int opt_set_ip6_number(struct sock *s, int name, int v)
{
    struct sock_options *o = &s->options;

    switch (name) {
    case IPV6_V6ONLY:
        return s->udp ? opt_set_v6only(s, v) : -EINVAL;
    case IPV6_UNICAST_HOPS:
        return opt_hops(v, 0, IP_DEFAULT_TTL, &o->hops);
    case IPV6_MTU_DISCOVER:
        return opt_mtu_discover(v, &o->mtu_discover6);
    case IPV6_DONTFRAG:
        return opt_mtu_discover(v ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT, &o->mtu_discover6);
    case IPV6_MULTICAST_HOPS:
        return s->kind == SOCK_KIND_TCP ? -ENOPROTOOPT : opt_hops(v, 0, 1, &o->group_hops);
    case IPV6_MULTICAST_LOOP:
        if (v != 0 && v != 1)
            return -EINVAL;
        o->group_loop6 = v;
        return 0;
    case IPV6_MULTICAST_IF:
        return opt_set_group_netif6(s, v);
    case IPV6_RECVPKTINFO:
        return opt_want(s, SOCK_WANT_PKTINFO6, v);
    case IPV6_RECVHOPLIMIT:
        return opt_want(s, SOCK_WANT_HOPLIMIT, v);
    case IPV6_RECVTCLASS:
        return opt_want(s, SOCK_WANT_TCLASS, v);
    case IPV6_TCLASS:
        return opt_hops(v, 0, 0, &o->tos);
    default:
        return -ENOPROTOOPT;
    }
}

int sock_opt_set_ip6(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err;

    if (s->family != AF_INET6)
        return -ENOPROTOOPT;
    if (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)
        return opt_set_membership6(s, name, value, len);
    err = socket_int_in(value, len, &v);
    if (!err)
        err = opt_set_ip6_number(s, name, v);
    if (!err)
        sock_apply_options(s);
    return err;
}

int sock_opt_get_ip6(struct sock *s, int name, void *value, socklen_t *len)
{
    const struct sock_options *o = &s->options;

    if (s->family != AF_INET6)
        return -EOPNOTSUPP;
    switch (name) {
    case IPV6_V6ONLY:
        return opt_number_out(s->v6only, value, len);
    case IPV6_UNICAST_HOPS:
        return opt_number_out(o->hops, value, len);
    case IPV6_MTU_DISCOVER:
        return opt_number_out(o->mtu_discover6, value, len);
    case IPV6_DONTFRAG:
        return opt_number_out(o->mtu_discover6 == IP_PMTUDISC_DO, value, len);
    case IPV6_MTU:
        return opt_get_mtu(s, value, len);
    case IPV6_MULTICAST_HOPS:
        return opt_number_out(o->group_hops, value, len);
    case IPV6_MULTICAST_LOOP:
        return opt_number_out(o->group_loop6, value, len);
    case IPV6_MULTICAST_IF:
        return opt_number_out(o->group_netif6, value, len);
    case IPV6_RECVPKTINFO:
        return opt_number_out((s->wants & SOCK_WANT_PKTINFO6) != 0, value, len);
    case IPV6_RECVHOPLIMIT:
        return opt_number_out((s->wants & SOCK_WANT_HOPLIMIT) != 0, value, len);
    case IPV6_RECVTCLASS:
        return opt_number_out((s->wants & SOCK_WANT_TCLASS) != 0, value, len);
    case IPV6_TCLASS:
        return opt_number_out(o->tos, value, len);
    default:
        return -ENOPROTOOPT;
    }
}
