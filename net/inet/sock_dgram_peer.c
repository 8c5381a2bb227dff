/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_dgram_peer.c - datagram (UDP) and raw sockets: the address of a raw one, and the peer.
 */
#include <errno.h>

#include "sock.h"

int sock_dgram_bind_raw(struct sock *s, const ip_addr_t *addr)
{
    if (!ip_addr_isany(addr) && !ip_addr_ismulticast(addr) && !sock_is_local(addr))
        return -EADDRNOTAVAIL;
    ip_addr_copy(s->bound, *addr);
    return -net_errno(raw_bind(s->raw, addr));
}

/* The peer, and this side's address of what is sent to it. */
static void dgram_set_peer(struct sock *s, const ip_addr_t *peer, u16_t port, const ip_addr_t *from)
{
    ip_addr_copy(s->udp->remote_ip, *peer);
    if (from)
        ip_addr_copy(s->udp->local_ip, *from);
    if (s->kind == SOCK_KIND_RAW) {
        s->raw->flags |= RAW_FLAGS_CONNECTED;
    } else {
        s->udp->remote_port = port;
        s->udp->flags |= UDP_FLAGS_CONNECTED;
    }
    s->has_peer = true;
    s->peer_port = port;
    sock_dgram_forget_flow(s);
}

int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    ip_addr_t peer = *addr, from;
    struct netif *netif;
    int routed, err = s->kind == SOCK_KIND_UDP ? sock_bind_any(s) : 0;

    if (err)
        return err;
    sock_route_to_self(s, &peer);
    routed = sock_route_wait(s, &peer, 0, &netif, &from);
    if (routed && routed != -EAGAIN)
        return routed;
    if (sock_is_broadcast(&peer) && !s->options.broadcast)
        return -EACCES;
    dgram_set_peer(s, &peer, port, routed ? NULL : &from);
    return 0;
}

void sock_dgram_disconnect(struct sock *s)
{
    sock_dgram_forget_flow(s);
    s->has_peer = false;
    ip_addr_copy(s->udp->remote_ip, *sock_addr_any(s));
    if (s->kind == SOCK_KIND_RAW) {
        raw_disconnect(s->raw);
        return;
    }
    udp_disconnect(s->udp);
    ip_addr_copy(s->udp->local_ip, s->bound);
    if (!s->port_bound)
        sock_lose_port(s);
}
