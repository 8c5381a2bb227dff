/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_path_mtu.c - a small table of destinations whose path is narrower than the first link (RFC
 * 1191, RFC 8201). It is looked into when a connection opens, when a router complains, and for
 * datagrams that are longer than the least packet of their family.
 */
#include "net_path_mtu.h"

#include <errno.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "net_route.h"
#include "tcp_mtu.h"

#define PATHS       32
#define PATH_MS     (10 * 60 * 1000) /* RFC 8201, section 4 */
#define PATH_LOWERS 8                /* words that are believed of one path in that time */
#define LEAST_LINK4 68               /* RFC 791 */

struct path {
    ip_addr_t to;
    enum net_path_kind kind;
    uint16_t mtu; /* 0: the entry is free */
    uint8_t lowers;
    bool guess; /* found by a connection, not said by a router */
    bool cut;   /* the path is narrower than the least, so routers may cut packets */
    uint64_t end_ns;
    uint64_t used; /* path_uses at the last use */
};

static struct path paths[PATHS];
static unsigned paths_known; /* entries in use */
static uint64_t path_uses;

/* Paths of TCP over which DF is not set. */
unsigned net_paths_cut;

/* lwIP's macro is long. */
bool net_path_same(const ip_addr_t *a, const ip_addr_t *b)
{
    return ip_addr_eq(a, b);
}

static struct path *path_known(const ip_addr_t *to, enum net_path_kind kind)
{
    for (struct path *p = paths; paths_known && p < paths + PATHS; p++)
        if (p->mtu && p->kind == kind && net_path_same(&p->to, to)) {
            p->used = ++path_uses;
            return p;
        }
    return NULL;
}

static unsigned path_least(const ip_addr_t *to)
{
    return IP_IS_V6(to) ? NET_PATH_LEAST6 : NET_PATH_LEAST4;
}

unsigned net_path_mtu(const struct netif *netif, const ip_addr_t *to, enum net_path_kind kind)
{
    unsigned mtu = IP_IS_V6(to) ? netif_mtu6(netif) : netif->mtu;
    const struct path *p = path_known(to, kind);

    if (!mtu)
        mtu = NET_PATH_MOST; /* loopback */
    return p && !p->guess && p->mtu < mtu ? p->mtu : mtu;
}

u16_t net_path_ip6_mtu(const struct pbuf *p, const struct netif *netif, const ip6_addr_t *to)
{
    ip_addr_t a;

    if (IP6H_NEXTH((struct ip6_hdr *)p->payload) == IP6_NEXTH_TCP || (p->flags & NET_PBUF_WHOLE))
        return netif_mtu6(netif);
    ip_addr_copy_from_ip6(a, *to);
    return (u16_t)net_path_mtu(netif, &a, NET_PATH_DATAGRAMS);
}

/* DHCP may say less than IPv6 can do with; that is for IPv4 alone. */
void net_path_ip6_link(struct netif *netif, u16_t mtu)
{
    u16_t most = netif->mtu < NET_PATH_LEAST6 ? netif->mtu6 : netif->mtu;

    netif->mtu6 = mtu < most ? mtu : most;
    tcp_mtu_follow(NULL);
}

bool net_path_cut(const ip4_addr_t *to)
{
    const struct path *p;
    ip_addr_t a;

    ip_addr_copy_from_ip4(a, *to);
    p = path_known(&a, NET_PATH_TCP);
    return p && p->cut;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void path_set_cut(struct path *p, bool cut)
{
    net_paths_cut += (unsigned)cut - (unsigned)p->cut;
    p->cut = cut;
}

/* The word about a path is forgotten: its connections look whether more passes by now. */
static void path_forget(struct path *p)
{
    path_set_cut(p, false);
    p->mtu = 0;
    net_route_epoch++;
    paths_known--;
    if (p->kind == NET_PATH_TCP)
        tcp_mtu_forgotten(&p->to);
}

static void path_timer(void *arg)
{
    uint64_t now = hal_now_ns(), first = HAL_NEVER;

    (void)arg;
    for (struct path *p = paths; p < paths + PATHS; p++) {
        if (p->mtu && p->end_ns <= now)
            path_forget(p);
        if (p->mtu && p->end_ns < first)
            first = p->end_ns;
    }
    if (first != HAL_NEVER)
        sys_timeout((u32_t)((first - now) / HAL_MS) + 1, path_timer, NULL);
}

/* The timer runs as long as an entry is in use. */
static void path_start_timer(void)
{
    if (paths_known)
        return;
    sys_timeout(PATH_MS, path_timer, NULL);
    net_timers_changed();
}

/* A free entry, or the one that was not used for the longest time. */
static struct path *path_free(void)
{
    struct path *p = paths;

    path_start_timer();
    for (struct path *at = paths; at < paths + PATHS && p->mtu; at++)
        if (!at->mtu || at->used < p->used)
            p = at;
    if (p->mtu)
        path_forget(p);
    return p;
}

/* old: the entry of that destination, in whose place the new one comes. */
static struct path *path_new(const ip_addr_t *to, enum net_path_kind kind, struct path *old)
{
    struct path *p = old ? old : path_free();

    path_set_cut(p, false);
    paths_known += !p->mtu;
    *p = (struct path){.kind = kind, .mtu = NET_PATH_MOST, .used = ++path_uses};
    ip_addr_copy(p->to, *to);
    return p;
}

bool net_path_lower(const ip_addr_t *to, enum net_path_kind kind, unsigned mtu)
{
    struct path *p = path_known(to, kind);
    bool cut = mtu < path_least(to);

    if (cut)
        mtu = path_least(to);
    if (!p || p->guess)
        p = path_new(to, kind, p);
    if (p->lowers == PATH_LOWERS || (mtu >= p->mtu && (p->cut || !cut)))
        return false;
    p->mtu = (uint16_t)mtu;
    p->lowers++;
    p->end_ns = hal_now_ns() + PATH_MS * HAL_MS;
    path_set_cut(p, cut && kind == NET_PATH_TCP && !IP_IS_V6(to));
    net_route_epoch++;
    return true;
}

bool net_path_found(const ip_addr_t *to, unsigned mtu)
{
    struct path *p = path_known(to, NET_PATH_TCP);
    bool news = !p || !p->guess;

    if (mtu == NET_PATH_MOST) {
        if (!news) {
            p->mtu = 0;
            paths_known--;
        }
        return false;
    }
    if (news)
        p = path_new(to, NET_PATH_TCP, p);
    p->guess = true;
    p->mtu = (uint16_t)mtu;
    p->end_ns = hal_now_ns() + PATH_MS * HAL_MS;
    return news;
}

unsigned net_path_guess(const ip_addr_t *to)
{
    const struct path *p = path_known(to, NET_PATH_TCP);

    return p && p->guess ? p->mtu : 0;
}

/* ---- what a router says ---------------------------------------------------------------------- */

/* For a router that names no MTU: the next smaller one that links have (RFC 1191, section 7). */
static unsigned path_plateau(unsigned len)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    unsigned i = 0;

    while (i + 1 < sizeof(plateaus) / sizeof(plateaus[0]) && plateaus[i] >= len)
        i++;
    return plateaus[i];
}

/* Has a socket sent such a datagram? */
static bool path_udp_sent(const struct net_too_big *t)
{
    for (const struct udp_pcb *p = udp_pcbs; p; p = p->next)
        if (p->local_port == t->port &&
            (ip_addr_isany(&p->local_ip) || net_path_same(&p->local_ip, t->local)) &&
            (!(p->flags & UDP_FLAGS_CONNECTED) ||
             (p->remote_port == t->peer_port && net_path_same(&p->remote_ip, t->peer))))
            return true;
    return false;
}

/* Of other protocols, IPv6 alone needs to know what its fragments may have. */
static bool path_datagram_sent(const struct net_too_big *t)
{
    return t->proto == IP_PROTO_UDP ? path_udp_sent(t) : IP_IS_V6(t->peer);
}

static void path_tcp_too_big(const struct net_too_big *t, const struct netif *netif)
{
    unsigned len = tcp_mtu_sent(t), known = net_path_mtu(netif, t->peer, NET_PATH_TCP);
    unsigned mtu = t->mtu ? t->mtu : path_plateau(len);

    if (mtu < LEAST_LINK4 || mtu >= len || mtu > known)
        return;
    if (mtu < known) {
        if (!net_path_lower(t->peer, NET_PATH_TCP, mtu))
            return;
        tcp_mtu_follow(t->peer);
    }
    tcp_mtu_resend(t);
}

static void path_datagram_too_big(const struct net_too_big *t, const struct netif *netif)
{
    unsigned mtu = t->mtu ? t->mtu : path_plateau(t->len);

    if (mtu < LEAST_LINK4 || mtu >= net_path_mtu(netif, t->peer, NET_PATH_DATAGRAMS) ||
        !path_datagram_sent(t) || !net_path_lower(t->peer, NET_PATH_DATAGRAMS, mtu))
        return;
    if (net_core.events)
        net_core.events->unreachable(t->proto, t->local, t->port, t->peer, t->peer_port, 0,
                                     EMSGSIZE, true);
}

void net_path_too_big(const struct net_too_big *t)
{
    const struct netif *netif = ip_route(t->local, t->peer);

    if (!netif)
        return;
    if (t->proto == IP_PROTO_TCP)
        path_tcp_too_big(t, netif);
    else
        path_datagram_too_big(t, netif);
}
