/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_conn.c - control blocks by hash (net_conn.h). Connections are found by both ports and the
 * peer's address, listeners and control blocks of UDP by their own port. A sum of products with
 * random factors is the hash: nobody who does not know them can choose addresses and ports that
 * meet in one chain.
 */
#include "net_conn.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "net_impl.h"

#define FIRST_SIZE 64u /* chains of a table; a power of two */
#define PORTS_FROM 256 /* connections, before ports are counted */
#define IDLE_TICKS 4   /* of 500 ms, without a segment */
#define RECHECKS   64  /* sleeping connections, each tick */

struct conn_table {
    struct net_chain **chains; /* NULL: `first` */
    uint32_t size, count;      /* size 0: FIRST_SIZE */
    struct net_chain *first[FIRST_SIZE];
};

struct net_conn_hint net_conn_hint;
static struct conn_table conns, udp_ports;
static struct tcp_pcb **active_end = &tcp_active_pcbs; /* where the list of active ones ends */
static struct tcp_pcb_listen *listeners[FIRST_SIZE];

/* What few connections and ports need. */
static void conn_grow(struct conn_table *t) __attribute__((noinline, cold));
static void port_begin(void) __attribute__((noinline, cold));

/* ---- tables ---------------------------------------------------------------------------------- */

static uint32_t conn_size(const struct conn_table *t)
{
    return t->size ? t->size : FIRST_SIZE;
}

static struct net_chain **conn_chain(struct conn_table *t, uint32_t hash)
{
    return (t->chains ? t->chains : t->first) + (hash & (conn_size(t) - 1));
}

static void conn_push(struct conn_table *t, struct net_chain *c)
{
    struct net_chain **at = conn_chain(t, c->hash);

    c->next = *at;
    c->at = at;
    if (c->next)
        c->next->at = &c->next;
    *at = c;
}

static void conn_unlink(struct net_chain *c)
{
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
    c->at = NULL;
}

/* Twice as many chains. Without memory the present ones become longer. */
static void conn_grow(struct conn_table *t)
{
    uint32_t size = conn_size(t);
    struct net_chain **old = t->chains ? t->chains : t->first, *c, *order;
    struct net_chain **chains = hal_alloc(2 * size * sizeof(*chains));

    if (!chains)
        return;
    t->size = 2 * size;
    struct net_chain **given_back = t->chains;
    t->chains = chains;
    for (uint32_t i = 0; i < size; i++) {
        for (order = NULL; (c = old[i]); order = c) { /* the oldest first: the order stays */
            old[i] = c->next;
            c->next = order;
        }
        for (; (c = order);) {
            order = c->next;
            conn_push(t, c);
        }
    }
    hal_free(given_back);
}

static void conn_add(struct conn_table *t, struct net_chain *c, uint32_t hash)
{
    if (t->count++ >= 2 * conn_size(t))
        conn_grow(t);
    c->hash = hash;
    conn_push(t, c);
}

static void conn_remove(struct conn_table *t, struct net_chain *c)
{
    if (!c->at)
        return;
    t->count--;
    conn_unlink(c);
}

/* ---- connections ----------------------------------------------------------------------------- */

static uint64_t conn_factor[5]; /* zeros until the first connection enters */

static uint64_t conn_hash_ports(uint16_t remote_port, uint16_t local_port)
{
    return conn_factor[0] * ((uint32_t)remote_port << 16 | local_port);
}

static uint32_t conn_hash4(uint32_t remote, uint16_t remote_port, uint16_t local_port)
{
    return (uint32_t)((conn_hash_ports(remote_port, local_port) + conn_factor[1] * remote) >> 32);
}

static uint32_t conn_hash(const ip_addr_t *remote, uint16_t remote_port, uint16_t local_port)
{
    uint64_t sum;

    while (!conn_factor[0]) /* once */
        for (unsigned i = 0; i < 5; i++)
            conn_factor[i] = (uint64_t)net_random32() << 32 | net_random32();
    if (IP_IS_V4(remote))
        return conn_hash4(ip_2_ip4(remote)->addr, remote_port, local_port);
    sum = conn_hash_ports(remote_port, local_port);
    for (unsigned i = 0; i < 4; i++)
        sum += conn_factor[1 + i] * ip_2_ip6(remote)->addr[i];
    return (uint32_t)(sum >> 32);
}

static struct tcp_pcb *conn_pcb(struct net_chain *c)
{
    return (struct tcp_pcb *)((char *)c - offsetof(struct tcp_pcb, net.conn.chain));
}

static bool conn_same_address(const ip_addr_t *a, const ip_addr_t *b)
{
    if (!ip_addr_cmp_zoneless(a, b))
        return false;
    return IP_IS_V4(a) || !ip6_addr_has_zone(ip_2_ip6(a)) || !ip6_addr_has_zone(ip_2_ip6(b)) ||
           ip6_addr_zone(ip_2_ip6(a)) == ip6_addr_zone(ip_2_ip6(b));
}

struct tcp_pcb *net_conn_find(const ip_addr_t *remote, uint16_t remote_port, const ip_addr_t *local,
                              uint16_t local_port)
{
    uint32_t hash = conn_hash(remote, remote_port, local_port);

    for (struct net_chain *c = *conn_chain(&conns, hash); c; c = c->next) {
        struct tcp_pcb *pcb = conn_pcb(c);

        if (c->hash == hash && pcb->remote_port == remote_port && pcb->local_port == local_port &&
            conn_same_address(&pcb->remote_ip, remote) && conn_same_address(&pcb->local_ip, local))
            return pcb;
    }
    return NULL;
}

struct tcp_pcb *net_conn_find4(const struct ip_hdr *ip, const struct tcp_hdr *h)
{
    uint16_t remote = lwip_ntohs(h->src), local = lwip_ntohs(h->dest);
    uint32_t hash = conn_hash4(ip->src.addr, remote, local);

    for (struct net_chain *c = *conn_chain(&conns, hash); c; c = c->next) {
        struct tcp_pcb *pcb = conn_pcb(c);

        if (c->hash == hash && pcb->remote_port == remote && pcb->local_port == local &&
            ip_2_ip4(&pcb->remote_ip)->addr == ip->src.addr && IP_IS_V4_VAL(pcb->remote_ip) &&
            ip_2_ip4(&pcb->local_ip)->addr == ip->dest.addr)
            return pcb;
    }
    return NULL;
}

/*
 * lwIP asks for an open connection, and if there is none, for one in TIME_WAIT. One that sleeps is
 * woken by tcp_output(), which is what a segment that counts for anything ends with.
 */
struct tcp_pcb *net_conn_of(const struct tcp_hdr *h, bool time_wait)
{
    static struct tcp_pcb *pcb;

    if (!time_wait) {
        pcb = net_conn_hint.found
                  ? net_conn_hint.pcb
                  : net_conn_find(ip_current_src_addr(), h->src, ip_current_dest_addr(), h->dest);
        net_conn_hint.found = false;
    }
    return pcb && (pcb->state == TIME_WAIT) == time_wait ? pcb : NULL;
}

/* ---- listeners ------------------------------------------------------------------------------- */

static struct tcp_pcb_listen **conn_listeners(uint16_t port)
{
    return &listeners[port % FIRST_SIZE];
}

struct tcp_pcb_listen *net_conn_listener(const ip_addr_t *local, uint16_t port)
{
    struct tcp_pcb_listen *any = NULL;

    for (struct tcp_pcb_listen *l = *conn_listeners(port); l; l = l->net.next) {
        if (l->local_port != port)
            continue;
        if (IP_IS_ANY_TYPE_VAL(l->local_ip) ||
            (IP_GET_TYPE(&l->local_ip) == IP_GET_TYPE(local) && ip_addr_isany(&l->local_ip)))
            any = l;
        else if (conn_same_address(&l->local_ip, local))
            return l;
    }
    return any;
}

bool net_conn_listens(const struct tcp_pcb_listen *l, uint16_t port)
{
    const struct tcp_pcb_listen *at = *conn_listeners(port);

    while (at && at != l)
        at = at->net.next;
    return at;
}

static void conn_drop_listener(struct tcp_pcb_listen *l)
{
    struct tcp_pcb_listen **at = conn_listeners(l->local_port);

    while (*at != l)
        at = &(*at)->net.next;
    *at = l->net.next;
}

/* ---- local ports ----------------------------------------------------------------------------- */

/* How many control blocks of TCP have each, from PORTS_FROM connections on; UINT16_MAX: very many,
 * for good. NULL: not counted yet. */
static uint16_t *port_users;

static void port_count(uint16_t port)
{
    if (port_users[port] != UINT16_MAX)
        port_users[port]++;
}

static void port_left(uint16_t port)
{
    if (port_users && port_users[port] != UINT16_MAX)
        port_users[port]--;
}

/* Without memory a look goes on to walk over all. */
static void port_begin(void)
{
    port_users = hal_alloc((UINT16_MAX + 1) * sizeof(*port_users));
    if (!port_users)
        return;
    memset(port_users, 0, (UINT16_MAX + 1) * sizeof(*port_users));
    for (int i = 0; i < NUM_TCP_PCB_LISTS; i++)
        for (const struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next)
            port_count(p->local_port);
}

bool net_conn_port_used(uint16_t port)
{
    return !port_users || port_users[port];
}

/* ---- lwIP's lists ---------------------------------------------------------------------------- */

/* The control block has been put where `link` is. */
static void conn_linked(struct tcp_pcb **link, struct tcp_pcb *pcb)
{
    pcb->net.conn.link = link;
    if (pcb->next)
        pcb->next->net.conn.link = &pcb->next;
    else if (link == active_end)
        active_end = &pcb->next;
}

void net_conn_enter(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    pcb->next = *list;
    *list = pcb;
    if (list == &tcp_listen_pcbs.pcbs) {
        struct tcp_pcb_listen *l = (struct tcp_pcb_listen *)pcb;

        l->net.next = *conn_listeners(l->local_port);
        *conn_listeners(l->local_port) = l;
    } else if (list != &tcp_bound_pcbs) {
        conn_linked(list, pcb);
        conn_add(&conns, &pcb->net.conn.chain,
                 conn_hash(&pcb->remote_ip, pcb->remote_port, pcb->local_port));
    }
    if (port_users)
        port_count(pcb->local_port);
    else if (conns.count == PORTS_FROM)
        port_begin();
    tcp_timer_needed();
}

/* The control block is about to be taken out. */
static void conn_unlinked(struct tcp_pcb *pcb)
{
    if (pcb->next)
        pcb->next->net.conn.link = pcb->net.conn.link;
    else if (active_end == &pcb->next)
        active_end = pcb->net.conn.link;
}

void net_conn_forget(struct tcp_pcb *pcb)
{
    port_left(pcb->local_port);
    conn_remove(&conns, &pcb->net.conn.chain);
    conn_unlinked(pcb);
    pcb->net.conn.sleeps = false;
}

void net_conn_leave(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    bool listens = list == &tcp_listen_pcbs.pcbs;

    if (listens)
        conn_drop_listener((struct tcp_pcb_listen *)pcb);
    if (listens || list == &tcp_bound_pcbs) {
        port_left(pcb->local_port);
        while (*list != pcb)
            list = &(*list)->next;
    } else {
        list = pcb->net.conn.link;
        if (!list)
            return; /* closed within a callback: it has left, and lwIP takes it out once more */
        net_conn_forget(pcb);
        pcb->net.conn.link = NULL;
    }
    *list = pcb->next;
    pcb->next = NULL;
}

/* ---- idle connections ------------------------------------------------------------------------ */

/* Those that sleep go to the end of the list of active ones, others to its start. */
static void conn_move(struct tcp_pcb *pcb, bool sleeps)
{
    struct tcp_pcb **to;

    conn_unlinked(pcb);
    *pcb->net.conn.link = pcb->next;
    pcb->net.conn.sleeps = sleeps;
    to = sleeps ? active_end : &tcp_active_pcbs;
    pcb->next = *to;
    *to = pcb;
    conn_linked(to, pcb);
    tcp_active_pcbs_changed = 1;
}

void net_conn_wake(struct tcp_pcb *pcb)
{
    conn_move(pcb, false);
}

/*
 * Does no timer of lwIP have to look at the connection? It must also have been silent for some
 * ticks, so that one that is used does not come and go.
 */
static bool conn_is_idle(const struct tcp_pcb *pcb)
{
    return pcb->state == ESTABLISHED && tcp_ticks - pcb->tmr >= IDLE_TICKS && !pcb->unsent &&
           !pcb->unacked && !pcb->ooseq && !pcb->refused_data && !pcb->poll &&
           !ip_get_option(pcb, SOF_KEEPALIVE) &&
           !(pcb->flags & (TF_CLOSEPEND | TF_ACK_NOW | TF_NAGLEMEMERR));
}

/* What a raw application sets in a control block wakes nobody: some that sleep are looked at. */
void net_conn_rest(void)
{
    struct tcp_pcb *pcb = tcp_active_pcbs, *next, **end = active_end;
    unsigned looks = 0;

    for (; pcb && looks < RECHECKS; pcb = &pcb->next == end ? NULL : next) {
        bool idle = conn_is_idle(pcb);

        next = pcb->next;
        looks += pcb->net.conn.sleeps;
        if (idle || pcb->net.conn.sleeps)
            conn_move(pcb, idle);
    }
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static struct udp_pcb *conn_udp(struct net_chain *c)
{
    return c ? (struct udp_pcb *)((char *)c - offsetof(struct udp_pcb, chain)) : NULL;
}

void net_conn_leave_udp(struct udp_pcb *pcb)
{
    conn_remove(&udp_ports, &pcb->chain);
}

void net_conn_enter_udp(struct udp_pcb *pcb)
{
    net_conn_leave_udp(pcb);
    conn_add(&udp_ports, &pcb->chain, pcb->local_port);
}

struct udp_pcb *net_conn_first_udp(uint16_t port)
{
    return conn_udp(*conn_chain(&udp_ports, port));
}

struct udp_pcb *net_conn_next_udp(const struct udp_pcb *pcb)
{
    return conn_udp(pcb->chain.next);
}

struct udp_pcb *net_conn_only_udp(uint16_t port)
{
    struct net_chain *c = *conn_chain(&udp_ports, port), *next;

    for (; c && c->hash != port; c = c->next)
        ;
    for (next = c ? c->next : NULL; next; next = next->next)
        if (next->hash == port)
            return NULL;
    return conn_udp(c);
}

bool net_conn_is(const ip_addr_t *own, const ip_addr_t *a)
{
    if (IP_IS_ANY_TYPE_VAL(*own))
        return true;
    return IP_GET_TYPE(own) == IP_GET_TYPE(a) && (ip_addr_isany(own) || ip_addr_eq(own, a));
}
