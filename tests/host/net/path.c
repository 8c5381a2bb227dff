/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c - the path of path.h: a service of the host's loop that delivers each packet when its time
 * has come.
 */
#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "check.h"
#include "host.h"
#include "lwip/etharp.h"
#include "net_impl.h"
#include "peer.h"
#include "trace.h"

enum { ETH = 14, PAD = 2, IP4 = 20, IP6 = 40, TCP = 20, LONGEST = 65535, PROTO_TCP = 6 };

/* A packet on its way, and then in lwIP, which gives it back. */
struct traveller {
    struct pbuf_custom pc;
    uint64_t at, order;
    enum path_side to;
    bool copy;
    uint32_t len;    /* of the packet */
    uint8_t frame[]; /* PAD, an Ethernet header, the packet */
};

struct path path;
bool path_offloads;
static struct net_dev devs[2];
static struct hal_service service;
static struct traveller **heap; /* the first is the next to arrive */
static uint32_t heap_room;
static uint64_t order, state;
static uint64_t link_free[2]; /* when the last packet at the given rate has gone out */
static uint64_t last_at[2];   /* when the last one in order arrives */
static void (*watcher)(const struct path_seen *s), (*script[2])(const struct path_seen *s);

uint32_t path_random(uint32_t n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((state >> 32) * n >> 32);
}

static bool by_chance(uint32_t of_a_million)
{
    return of_a_million && path_random(PATH_MILLION) < of_a_million;
}

/* ---- the order of arrival -------------------------------------------------------------------- */

static bool before(const struct traveller *a, const struct traveller *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_add(struct traveller *t)
{
    uint32_t i = (uint32_t)path.travelling++;

    if (i == heap_room) {
        heap_room = heap_room ? 2 * heap_room : 256;
        heap = realloc(heap, heap_room * sizeof(*heap));
        CHECK(heap != NULL);
    }
    for (; i && before(t, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = t;
    service.next_ns = heap[0]->at;
    hal_service_changed(&service);
}

static struct traveller *heap_take(void)
{
    struct traveller *first = heap[0], *last = heap[--path.travelling];
    uint32_t n = (uint32_t)path.travelling, i = 0;

    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], last))
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    service.next_ns = n ? heap[0]->at : HAL_NEVER;
    return first;
}

/* ---- who sees packets ------------------------------------------------------------------------ */

static struct path_seen seen(enum path_side side, bool out, bool copy, const uint8_t *packet,
                             uint32_t len)
{
    struct path_seen s = {
        .side = side, .out = out, .copy = copy, .ns = hal_now_ns(), .packet = packet, .len = len};

    segment_read(&s.tcp, packet, len);
    path_captured(&s);
    if (watcher)
        watcher(&s);
    return s;
}

void path_watch(void (*fn)(const struct path_seen *s))
{
    watcher = fn;
}

void path_script(enum path_side side, void (*hear)(const struct path_seen *s))
{
    script[side] = hear;
}

/* ---- what changes in a packet ---------------------------------------------------------------- */

static void address6(uint8_t *at, enum path_side side, uint8_t last)
{
    memset(at, 0, 16);
    at[0] = 0xfd;
    at[3] = side == PATH_A ? 0xa : 0xb;
    at[15] = last;
}

/* The addresses of a packet between the sides: as a side sends it, or as it comes to one. */
static uint32_t addresses(uint8_t *at, bool ip6, enum path_side side, bool out)
{
    uint32_t own = out ? 0 : ip6 ? 16 : 4, alias = (ip6 ? 16 : 4) - own;

    if (ip6) {
        address6(at + own, side, 1);
        address6(at + alias, side, 2);
        return 32;
    }
    peer_put32(at + own, PATH_OWN(side));
    peer_put32(at + alias, PATH_ALIAS(side));
    return 8;
}

static uint32_t header_of(const uint8_t *packet)
{
    return packet[0] >> 4 == 6 ? IP6 : (packet[0] & 15u) * 4;
}

static bool is_tcp(const uint8_t *packet)
{
    return packet[0] >> 4 == 6 ? packet[6] == PROTO_TCP
                               : packet[9] == PROTO_TCP && !(peer_get16(packet + 6) & 0x1fff);
}

/* False: it is not for the other side. */
static bool rewrite(enum path_side from, uint8_t *packet)
{
    bool ip6 = packet[0] >> 4 == 6;
    uint8_t old[32], new[32], *at = packet + (ip6 ? 8 : 12);
    uint32_t len = addresses(old, ip6, from, true);

    if (memcmp(at, old, len) != 0)
        return false;
    addresses(new, ip6, path_other(from), false);
    memcpy(at, new, len);
    if (!ip6)
        segment_sum_change(packet + 10, old, new, len);
    if (is_tcp(packet))
        segment_sum_change(packet + header_of(packet) + 16, old, new, len);
    return true;
}

/* The last bytes of the data are lost; the rest is right. Returns the packet's length. */
static uint32_t cut_tail(uint8_t *packet, uint32_t len)
{
    struct segment s;
    uint8_t *tcp = packet + header_of(packet);
    bool ip6 = packet[0] >> 4 == 6;
    uint32_t gone, sum;

    if (!segment_read(&s, packet, len) || s.len < 2)
        return len;
    gone = 1 + path_random(s.len - 1);
    len -= gone;
    peer_put16(packet + (ip6 ? 4 : 2), ip6 ? len - IP6 : len);
    tcp[13] &= (uint8_t) ~(SEG_FIN | SEG_PSH);
    if (!ip6) {
        peer_put16(packet + 10, 0);
        peer_put16(packet + 10, segment_folded(segment_sum(0, packet, header_of(packet))));
    }
    peer_put16(tcp + 16, 0);
    len -= header_of(packet);
    sum = segment_sum(PROTO_TCP + len, ip6 ? packet + 8 : packet + 12, ip6 ? 32 : 8);
    peer_put16(tcp + 16, segment_folded(segment_sum(sum, tcp, len)));
    return len + header_of(packet);
}

/* ---- onto the path --------------------------------------------------------------------------- */

/* When the packet arrives; 0: the queue is full. */
static uint64_t arrival(enum path_side from, uint32_t len)
{
    const struct path_link *l = &path.link[from];
    uint64_t out = hal_now_ns(), at;

    if (l->rate) {
        if (link_free[from] < out)
            link_free[from] = out;
        if (link_free[from] - out > l->queue_ns)
            return 0;
        link_free[from] += len * HAL_SEC / l->rate;
        out = link_free[from];
    }
    at = out + l->delay_ns + (l->jitter_ns ? path_random((uint32_t)l->jitter_ns) : 0);
    if (by_chance(l->reorder)) {
        path.count[from].reordered++;
        return at + l->reorder_ns;
    }
    if (at < last_at[from])
        at = last_at[from];
    return last_at[from] = at;
}

static void travel(enum path_side from, const uint8_t *packet, uint32_t len, uint64_t at, bool copy)
{
    struct traveller *t = malloc(sizeof(*t) + PAD + ETH + len);

    CHECK(t != NULL);
    *t = (struct traveller){
        .at = at, .order = order++, .to = path_other(from), .copy = copy, .len = len};
    memcpy(t->frame + PAD + ETH, packet, len);
    heap_add(t);
}

static bool too_long(enum path_side from, const uint8_t *packet, uint32_t len)
{
    const struct path_link *l = &path.link[from];
    bool may_cut = packet[0] >> 4 == 4 && !(packet[6] & 0x40);

    if (!l->mtu || len <= l->mtu)
        return false;
    path.count[from].too_long++;
    if (!l->black_hole && !may_cut)
        path_too_big(from, packet, len, l->mtu);
    return true;
}

void path_send(enum path_side from, const uint8_t *packet, uint32_t len)
{
    static uint8_t copy[LONGEST + 1];
    const struct path_link *l = &path.link[from];
    struct path_count *n = &path.count[from];
    uint64_t at;

    CHECK(len >= IP4 && len <= LONGEST);
    seen(from, true, false, packet, len);
    memcpy(copy, packet, len);
    if (too_long(from, packet, len) || !rewrite(from, copy))
        return;
    n->packets++;
    if (!(at = arrival(from, len))) {
        n->overflowed++;
        return;
    }
    if (l->down || by_chance(l->loss)) {
        n->lost++;
        return;
    }
    if (by_chance(l->cut)) {
        n->cut++;
        len = cut_tail(copy, len);
    }
    travel(from, copy, len, at, false);
    if (!by_chance(l->duplicate))
        return;
    n->duplicated++;
    travel(from, copy, len, at + path_random((uint32_t)l->delay_ns / 4 + 1), true);
}

static void too_big4(enum path_side to, const uint8_t *packet, uint32_t mtu, uint8_t *out)
{
    enum { QUOTED = IP4 + 8, LEN = IP4 + 8 + QUOTED };

    memset(out, 0, IP4 + 8);
    out[0] = 0x45;
    peer_put16(out + 2, LEN);
    out[8] = 64;
    out[9] = 1;
    peer_put32(out + 12, PATH_ROUTER(to));
    peer_put32(out + 16, PATH_OWN(to));
    peer_put16(out + 10, segment_folded(segment_sum(0, out, IP4)));
    out[IP4] = 3;
    out[IP4 + 1] = 4;
    peer_put16(out + IP4 + 6, mtu);
    memcpy(out + IP4 + 8, packet, QUOTED);
    peer_put16(out + IP4 + 2, segment_folded(segment_sum(0, out + IP4, LEN - IP4)));
    travel(path_other(to), out, LEN, hal_now_ns(), false);
}

static void too_big6(enum path_side to, const uint8_t *packet, uint32_t len, uint32_t mtu,
                     uint8_t *out)
{
    uint32_t body = 8 + (len > 1232 ? 1232 : len);

    memset(out, 0, IP6 + 8);
    out[0] = 0x60;
    peer_put16(out + 4, body);
    out[6] = 58;
    out[7] = 64;
    address6(out + 8, to, 0xfe);
    address6(out + 24, to, 1);
    out[IP6] = 2;
    peer_put32(out + IP6 + 4, mtu);
    memcpy(out + IP6 + 8, packet, body - 8);
    peer_put16(out + IP6 + 2,
               segment_folded(segment_sum(segment_sum(58 + body, out + 8, 32), out + IP6, body)));
    travel(path_other(to), out, IP6 + body, hal_now_ns(), false);
}

void path_too_big(enum path_side to, const uint8_t *packet, uint32_t len, uint32_t mtu)
{
    uint8_t out[IP6 + 8 + 1232];

    if (packet[0] >> 4 == 4)
        too_big4(to, packet, mtu, out);
    else
        too_big6(to, packet, len, mtu, out);
}

/* ---- off the path ---------------------------------------------------------------------------- */

static void given_back(struct pbuf *p)
{
    struct traveller *t = (struct traveller *)p;

    _Static_assert(offsetof(struct traveller, pc) == 0, "given_back() casts back");
    path.held--;
    free(t);
}

static void to_lwip(struct traveller *t)
{
    struct net_dev *d = &devs[t->to];
    uint8_t *eth = t->frame + PAD;
    struct pbuf *p;

    memcpy(eth, d->netif.hwaddr, 6);
    memset(eth + 6, 2, 6);
    peer_put16(eth + 12, eth[ETH] >> 4 == 6 ? ETHTYPE_IPV6 : ETHTYPE_IP);
    t->pc.custom_free_function = given_back;
    p = pbuf_alloced_custom(PBUF_RAW, (u16_t)(ETH + t->len), PBUF_REF, &t->pc, eth,
                            (u16_t)(ETH + t->len));
    CHECK(p != NULL);
    path.held++;
    arrival_pass(d, p);
}

static void deliver(struct traveller *t)
{
    struct path_seen s = seen(t->to, false, t->copy, t->frame + PAD + ETH, t->len);

    path.count[path_other(t->to)].delivered++;
    if (!script[t->to]) {
        to_lwip(t);
        return;
    }
    net_leave_service();
    script[t->to](&s);
    net_enter_service();
    free(t);
}

static bool path_service(struct hal_service *s)
{
    uint64_t now = hal_now_ns();

    if (now < s->next_ns)
        return false;
    net_enter_service();
    while (path.travelling && heap[0]->at <= now)
        deliver(heap_take());
    net_end_of_work();
    net_leave_service();
    return true;
}

/* ---- the two interfaces ---------------------------------------------------------------------- */

static enum path_side side_of(const struct netif *netif)
{
    return netif == &devs[PATH_B].netif ? PATH_B : PATH_A;
}

/* What net_tx.c does where a card does not. */
static void cut_in_software(enum path_side side, struct pbuf *p)
{
    static uint8_t packet[LONGEST + 1];
    struct vnet_piece parts[NET_TX_PARTS];
    struct net_tx_cut cut;
    uint32_t len;

    net_tx_cut_begin(&cut, p, 0);
    for (unsigned n; (n = net_tx_cut_next(&cut, packet, parts, true));) {
        len = cut.data;
        for (unsigned i = 0; i < n; len += parts[i++].len)
            memcpy(packet + len, parts[i].data, parts[i].len);
        path_send(side, packet, len);
    }
}

static void path_cut(void *side, const uint8_t *packet, uint32_t len)
{
    path_send(*(enum path_side *)side, packet, len);
}

static err_t path_output(struct netif *netif, struct pbuf *p)
{
    static uint8_t packet[LONGEST + 1];
    enum path_side side = side_of(netif);

    if (p->tx_size && !path_offloads) {
        cut_in_software(side, p);
        return ERR_OK;
    }
    pbuf_copy_partial(p, packet, p->tot_len, 0);
    if (p->tx_size)
        segment_cut(packet, p->tot_len, p->tx_size, path_cut, &side);
    else
        path_send(side, packet, p->tot_len);
    return ERR_OK;
}

static err_t path_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    return (void)to, path_output(netif, p);
}
static err_t path_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    return (void)to, path_output(netif, p);
}

/* Frames below IP: of segments by net_way.c, and ARP's, which end here. */
static err_t path_frame(struct netif *netif, struct pbuf *p)
{
    const struct eth_hdr *eth = p->payload;

    if (eth->type != PP_HTONS(ETHTYPE_IP))
        return ERR_OK;
    pbuf_remove_header(p, ETH);
    path_output(netif, p);
    pbuf_add_header(p, ETH);
    return ERR_OK;
}

static err_t dev_init(struct netif *netif)
{
    netif->name[0] = 'p';
    netif->name[1] = netif == &devs[PATH_B].netif ? 'b' : 'a';
    netif->hwaddr_len = 6;
    memset(netif->hwaddr, 4 + 2 * (netif == &devs[PATH_B].netif), 6);
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = path_output4;
    netif->output_ip6 = path_output6;
    netif->linkoutput = path_frame;
    return ERR_OK;
}

static void add_side(enum path_side side)
{
    struct netif *netif = &devs[side].netif;
    ip4_addr_t own = {lwip_htonl(PATH_OWN(side))}, mask = {lwip_htonl(0xffffff00)}, none = {0};
    ip6_addr_t own6;

    devs[side].tx_offloads = path_offloads ? VNET_TX_CSUM | VNET_TX_TSO4 | VNET_TX_TSO6 : 0;
    CHECK(netif_add(netif, &own, &mask, &none, &devs[side], dev_init, NULL) == netif);
    address6((uint8_t *)own6.addr, side, 1);
    ip6_addr_clear_zone(&own6);
    netif_ip6_addr_set(netif, 0, &own6);
    netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
    netif_set_up(netif);
    netif_set_link_up(netif);
}

void path_boot(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15ull + 1;
    random_seed(state);
    path_random(2);
    path_offloads |= getenv("VIREO_OFFLOADS") != NULL;
    host_time_step(0);
    host_boot();
    net_enter();
    add_side(PATH_A);
    add_side(PATH_B);
    arrival_neighbour(&devs[PATH_A], PATH_ALIAS(PATH_A));
    arrival_neighbour(&devs[PATH_B], PATH_ALIAS(PATH_B));
    net_leave();
    service = (struct hal_service){.name = "path", .run = path_service, .next_ns = HAL_NEVER};
    hal_service_add(&service);
    if (getenv("VIREO_PCAP"))
        path_capture(fopen(getenv("VIREO_PCAP"), "wb"), getenv("VIREO_PCAP_B") ? PATH_B : PATH_A);
    trace_begin();
}

void path_both(uint64_t delay_us, uint32_t loss)
{
    for (enum path_side s = PATH_A; s <= PATH_B; s++)
        path.link[s] = (struct path_link){.delay_ns = delay_us * 1000, .loss = loss};
}

void path_set_delay(enum path_side from, uint64_t delay_ns)
{
    path.link[from].delay_ns = delay_ns;
    last_at[from] = 0;
}

/* ---- running --------------------------------------------------------------------------------- */

static bool never(void)
{
    return false;
}

static bool settled(void)
{
    return !path.travelling;
}

bool path_run(uint64_t ns, bool (*done)(void))
{
    uint64_t end = hal_now_ns() + ns;

    for (;;) {
        uint64_t now, next;

        host_run_services();
        if (done())
            return true;
        host_run_services();
        now = hal_now_ns();
        next = host_next_due();
        if (next > end) {
            host_advance(end - now);
            return done();
        }
        host_advance(next > now ? next - now : 0);
    }
}

void path_run_for(uint64_t ns)
{
    path_run(ns, never);
}

bool path_settle(uint64_t ns)
{
    return path_run(ns, settled);
}
