/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_half_open.c - connections that a peer has begun to open (SYN-RECEIVED of RFC 9293), in a
 * table of what their SYNs said: 160 bytes each, where lwIP would have a control block and a queue.
 * When the end of the handshake comes, lwIP is shown the SYN, then the segment that came, and has a
 * connection as if it had answered the SYN itself.
 *
 * When a listener's part of the table, as large as its backlog, or all of the table is in use,
 * SYN-ACKs carry cookies (tcp_cookie.h) and nothing is kept, so that a flood of SYNs keeps nobody
 * out and takes no memory. A listener whose queue for accept() is full answers no SYN, and ignores
 * the end of a handshake until it has room.
 *
 * SYNs from this machine itself are lwIP's.
 */
#include "tcp_half_open.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ethernet.h"
#include "net_impl.h"
#include "net_way.h"
#include "tcp_cookie.h"
#include "tcp_syn.h"
#include "tcp_timer.h"

#define HALF_MAX     256 /* connections in the table */
#define HALF_LEAST   16  /* of a listener with a smaller backlog */
#define HALF_CALM    16  /* with no more, answers go out as other packets do */
#define HALF_BUCKETS 64
#define MSS_UNTOLD   536            /* RFC 9293, 3.7.1 */
#define HALF_SWEEP   (250 * HAL_MS) /* between two looks for SYN-ACKs to repeat */
#define HALF_RESENDS 5              /* after 1, 3, 7, 15 and 31 s; it is given up after 63 s */
#define HALF_CROWDED 1              /* the same while the table is half full: after 3 s */

struct half_open {
    struct half_open *next; /* in its bucket */
    struct tcp_pcb_listen *listener;
    uint64_t challenges_ns; /* see net_allow() */
    uint64_t due_ns;        /* when the SYN-ACK is repeated, or all is given up */
    ip_addr_t local, remote;
    u16_t local_port, remote_port;
    u32_t irs, iss;
    uint32_t sent_us; /* when the SYN-ACK was first sent */
    struct tcp_syn peer;
    uint8_t mac[ETH_HWADDR_LEN]; /* where its SYN came from */
    uint8_t resends;
    bool cookie; /* iss is one, and this is not in the table */
};

static struct half_open *half_table[HALF_BUCKETS];
static unsigned half_count;
static struct tcp_timer half_timer;

/* While lwIP is shown a SYN: the number that it shall choose, and nothing goes out. */
static struct {
    bool now;
    u32_t iss;
} half_replay;

/* ---- the table ------------------------------------------------------------------------------- */

static struct half_open **half_bucket(const ip_addr_t *remote, u16_t remote_port)
{
    static uint32_t secret;
    uint32_t at;

    if (!secret)
        secret = net_random32() | 1;
    at = IP_IS_V6(remote)
             ? ip_2_ip6(remote)->addr[0] ^ ip_2_ip6(remote)->addr[2] ^ ip_2_ip6(remote)->addr[3]
             : ip_2_ip4(remote)->addr;
    return &half_table[(at ^ (uint32_t)remote_port << 16 ^ secret) * secret >> 26];
}

/* Of the packet that lwIP is given now. */
static struct half_open *half_find(const struct tcp_hdr *h)
{
    struct half_open *e = *half_bucket(ip_current_src_addr(), h->src);

    while (e && (e->remote_port != h->src || e->local_port != h->dest ||
                 !ip_addr_cmp(&e->remote, ip_current_src_addr()) ||
                 !ip_addr_cmp(&e->local, ip_current_dest_addr())))
        e = e->next;
    return e;
}

/* The listener of an entry; NULL: it listens no more. */
static struct tcp_pcb_listen *half_listener(const struct half_open *e)
{
    return net_conn_listens(e->listener, e->local_port) ? e->listener : NULL;
}

static void half_forget(struct half_open *e)
{
    struct half_open **at = half_bucket(&e->remote, e->remote_port);
    struct tcp_pcb_listen *l = half_listener(e);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    half_count--;
    if (l && l->net.half_open)
        l->net.half_open--;
    net_free(e);
}

unsigned net_tcp_half_open(void)
{
    return half_count;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static u32_t half_clock(const struct half_open *e)
{
    return tcp_stamp_clock(tcp_stamp_offset(&e->local, e->local_port, &e->remote, e->remote_port));
}

static void answer_stamp(struct tcp_syn *says, const struct half_open *e)
{
    says->stamped = true;
    says->stamp = half_clock(e);
    if (e->cookie)
        says->stamp = tcp_cookie_stamp(says->stamp, &e->peer.options);
    says->echo = e->peer.stamp;
}

/* While many connections are half open, a flood may be going on: see tcp_syn_output(). */
static void answer_send(struct tcp_syn *says, unsigned flags, u32_t seq, const struct half_open *e,
                        const struct tcp_pcb_listen *l)
{
    struct netif *netif = ip_route(&e->local, &e->remote);
    struct pbuf *p;

    if (!netif)
        return;
    if (flags & TCP_SYN)
        says->mss = tcp_mtu_of_link(&e->remote, netif, l->net.mss);
    says->window = tcp_window_of_syn(&l->fixed, says->options.scaled);
    if (e->peer.stamped)
        answer_stamp(says, e);
    p = tcp_syn_write(says, flags, seq, e->irs + 1);
    if (!p)
        return;
    tcp_syn_address(p, &e->local, e->local_port, &e->remote, e->remote_port);
    tcp_syn_output(p, netif, &e->local, &e->remote, l, half_count > HALF_CALM ? e->mac : NULL);
}

static void answer_syn(const struct half_open *e, const struct tcp_pcb_listen *l)
{
    struct tcp_syn own = {.options = e->peer.options};

    own.options.scale = TCP_RCV_SCALE;

    answer_send(&own, TCP_SYN | TCP_ACK, e->iss, e, l);
}

/* Tells the true numbers: a peer that has begun anew resets this connection then. */
static void answer_challenge(struct half_open *e, const struct tcp_pcb_listen *l)
{
    struct tcp_syn nothing = {0};

    if (net_tcp_may_challenge(&e->challenges_ns))
        answer_send(&nothing, TCP_ACK, e->iss + 1, e, l);
}

/* ---- repeating ------------------------------------------------------------------------------- */

static void half_sweep(struct tcp_timer *t);

static void half_watch(void)
{
    half_timer.fire = half_sweep;
    if (half_count && !tcp_timer_pending(&half_timer))
        tcp_timer_set(&half_timer, hal_now_ns() + HALF_SWEEP);
}

static void half_repeat(struct half_open *e)
{
    struct tcp_pcb_listen *l = half_listener(e);
    unsigned most = half_count > HALF_MAX / 2 ? HALF_CROWDED : HALF_RESENDS;

    if (!l || e->resends >= most) {
        half_forget(e);
        return;
    }
    e->resends++;
    e->due_ns += HAL_SEC << e->resends;
    answer_syn(e, l);
}

static void half_sweep(struct tcp_timer *t)
{
    uint64_t now = hal_now_ns();
    struct half_open *next;

    (void)t;
    for (unsigned i = 0; i < HALF_BUCKETS; i++)
        for (struct half_open *e = half_table[i]; e; e = next) {
            next = e->next;
            if (e->due_ns <= now)
                half_repeat(e);
        }
    half_watch();
}

/* ---- a SYN ----------------------------------------------------------------------------------- */

static bool half_has_room(const struct tcp_pcb_listen *l)
{
    unsigned most = l->backlog > HALF_LEAST ? l->backlog : HALF_LEAST;

    return half_count < HALF_MAX && l->net.half_open < most;
}

static void half_remember(const struct half_open *said, struct tcp_pcb_listen *l)
{
    struct half_open **at = half_bucket(&said->remote, said->remote_port);
    struct half_open *e = net_malloc(sizeof(*e));

    if (!e)
        return;
    *e = *said;
    e->next = *at;
    *at = e;
    half_count++;
    l->net.half_open++;
    half_watch();
}

static struct tcp_cookie_of half_cookie_of(const struct tcp_hdr *h, u32_t irs)
{
    return (struct tcp_cookie_of){ip_current_dest_addr(), ip_current_src_addr(), h->dest, h->src,
                                  irs};
}

/* Nothing is kept. Options that neither the cookie nor a timestamp can hold are not used. */
static void half_use_cookie(struct half_open *e, const struct tcp_hdr *h, struct tcp_pcb_listen *l)
{
    struct tcp_cookie_of of = half_cookie_of(h, e->irs);

    e->iss = tcp_cookie_make(&of, e->peer.mss ? e->peer.mss : MSS_UNTOLD, hal_now_ns());
    e->cookie = true;
    if (!e->peer.stamped)
        e->peer.options = (struct tcp_cookie_options){0};
    l->net.cookies_ns = hal_now_ns() + 2 * TCP_COOKIE_NS;
    net_core.tcp_cookies++;
}

static void half_begin(struct tcp_pcb_listen *l, const struct tcp_hdr *h)
{
    struct half_open e = {.listener = l,
                          .due_ns = hal_now_ns() + HAL_SEC,
                          .local_port = h->dest,
                          .remote_port = h->src,
                          .irs = h->seqno,
                          .sent_us = tcp_now_us()};

    if (l->accepts_pending >= l->backlog) {
        net_core.tcp_syns_dropped++;
        return;
    }
    ip_addr_copy(e.local, *ip_current_dest_addr());
    ip_addr_copy(e.remote, *ip_current_src_addr());
    memcpy(e.mac, net_core.sender, sizeof(e.mac));
    tcp_syn_read(&e.peer, h);
    if (half_has_room(l)) {
        e.iss = net_tcp_isn(&e.local, e.local_port, &e.remote, e.remote_port);
        half_remember(&e, l);
    } else {
        half_use_cookie(&e, h, l);
    }
    answer_syn(&e, l);
}

/* ---- the end of a handshake ------------------------------------------------------------------ */

static err_t replay_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)p;
    (void)to;
    lwip_stats.ip.xmit--;
    lwip_stats.tcp.xmit--;
    return ERR_OK;
}

static err_t replay_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif;
    (void)p;
    (void)to;
    lwip_stats.ip6.xmit--;
    lwip_stats.tcp.xmit--;
    return ERR_OK;
}

/* Shows lwIP the SYN. Its answer, which the peer has heard long ago, does not go out. */
static void replay_syn(const struct half_open *e, struct netif *out)
{
    struct pbuf *syn = tcp_syn_write(&e->peer, TCP_SYN, e->irs, 0);
    netif_output_fn output4 = out->output;
    netif_output_ip6_fn output6 = out->output_ip6;

    if (!syn)
        return;
    tcp_syn_address(syn, &e->remote, e->remote_port, &e->local, e->local_port);
    out->output = replay_output4;
    out->output_ip6 = replay_output6;
    half_replay.now = net_way_off = true;
    half_replay.iss = e->iss;
    lwip_stats.tcp.recv--;
    tcp_input(syn, ip_current_input_netif());
    half_replay.now = net_way_off = false;
    out->output = output4;
    out->output_ip6 = output6;
}

u32_t net_tcp_choose_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                         u16_t remote_port)
{
    return half_replay.now ? half_replay.iss
                           : net_tcp_isn(local_ip, local_port, remote_ip, remote_port);
}

/* Gives lwIP the segment once more, as it came. */
static void replay_segment(struct tcp_hdr *h, struct pbuf *p)
{
    h->src = lwip_htons(h->src);
    h->dest = lwip_htons(h->dest);
    h->seqno = lwip_htonl(h->seqno);
    h->ackno = lwip_htonl(h->ackno);
    h->wnd = lwip_htons(h->wnd);
    pbuf_add_header_force(p, TCPH_HDRLEN_BYTES(h));
    pbuf_ref(p);
    lwip_stats.tcp.recv--;
    tcp_input(p, ip_current_input_netif());
}

/* The new connection stands first in lwIP's list. False: there was no memory for one. */
static bool replay_worked(const struct half_open *e)
{
    const struct tcp_pcb *pcb = tcp_active_pcbs;

    return pcb && pcb->state == SYN_RCVD && pcb->unacked && pcb->remote_port == e->remote_port &&
           pcb->local_port == e->local_port && pcb->rcv_nxt == e->irs + 1;
}

/* When the SYN-ACK was sent, which lwIP took for sent just now: a sample of the round trip, or
 * none. */
static void replay_time(struct tcp_pcb *pcb, const struct half_open *e, bool in_table)
{
    if (in_table && !e->resends)
        pcb->unacked->net.sent_us = e->sent_us;
    else
        pcb->unacked->net.flags |= TCP_SEG_AGAIN;
    if (e->resends) {
        pcb->net.rec.backoff = e->resends;
        tcp_cc_timeout(&pcb->net.cc, 0, e->resends > 1);
    }
}

/* Without room for the connection its peer is heard again, when it or its SYN-ACK is repeated. */
static void half_end(struct half_open *e, bool in_table, const struct tcp_pcb_listen *l,
                     struct tcp_hdr *h, struct pbuf *p)
{
    struct netif *out = ip_route(&e->local, &e->remote);
    uint64_t refused = net_core.tcp_refused;

    if (l->accepts_pending >= l->backlog || !out)
        return;
    replay_syn(e, out);
    if (!replay_worked(e)) {
        net_core.tcp_refused = refused + 1;
        return;
    }
    replay_time(tcp_active_pcbs, e, in_table);
    if (in_table)
        half_forget(e);
    replay_segment(h, p);
}

/* RFC 9293, 3.10.7.4, of SYN-RECEIVED. */
static int half_segment(struct half_open *e, struct tcp_pcb_listen *l, struct tcp_hdr *h,
                        struct pbuf *p)
{
    uint32_t ahead = h->seqno - e->irs - 1;
    uint32_t window = ahead ? tcp_window_of_syn(&l->fixed, false) : 1;
    unsigned flags = TCPH_FLAGS(h);

    if (flags & TCP_RST) {
        if (ahead == 0)
            half_forget(e);
        else if (ahead < window)
            answer_challenge(e, l);
        return 1;
    }
    if ((flags & TCP_SYN) && h->seqno == e->irs) {
        answer_syn(e, l);
        return 1;
    }
    if ((flags & TCP_SYN) || ahead > window) {
        answer_challenge(e, l);
        return 1;
    }
    if (!(flags & TCP_ACK))
        return 1;
    if (h->ackno != e->iss + 1)
        return 0; /* lwIP resets the sender */
    half_end(e, true, l, h, p);
    return 1;
}

/* What the SYN-ACK's timestamp held, if the segment echoes it. */
static void half_read_stamp(struct half_open *e, const struct tcp_hdr *h)
{
    struct tcp_syn said;

    tcp_syn_read(&said, h);
    e->peer.stamped =
        said.stamped && tcp_cookie_read_stamp(half_clock(e), said.echo, &e->peer.options);
    e->peer.stamp = said.stamp;
}

/* A segment with ACK, of a connection that is not in the table. */
static int half_cookie(struct tcp_pcb_listen *l, struct tcp_hdr *h, struct pbuf *p)
{
    struct half_open e = {.listener = l,
                          .local_port = h->dest,
                          .remote_port = h->src,
                          .irs = h->seqno - 1,
                          .iss = h->ackno - 1,
                          .peer = {.window = h->wnd}};
    struct tcp_cookie_of of = half_cookie_of(h, e.irs);

    if (hal_now_ns() >= l->net.cookies_ns)
        return 0;
    if (!tcp_cookie_is(&of, e.iss, hal_now_ns(), &e.peer.mss))
        return p->tot_len ? 1 : 0; /* data may come before what the cookie is in: it comes again */
    ip_addr_copy(e.local, *ip_current_dest_addr());
    ip_addr_copy(e.remote, *ip_current_src_addr());
    half_read_stamp(&e, h);
    net_core.tcp_cookies_taken++;
    half_end(&e, false, l, h, p);
    return 1;
}

int net_tcp_listening(struct tcp_pcb_listen *l, struct tcp_hdr *h, struct pbuf *p)
{
    unsigned flags = TCPH_FLAGS(h);
    struct half_open *e;

    if (!net_core.sender || half_replay.now)
        return 0;
    if ((const u8_t *)p->payload != (const u8_t *)h + TCPH_HDRLEN_BYTES(h))
        return 1; /* a header in pieces */
    e = half_find(h);
    if (e)
        return half_segment(e, l, h, p);
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        half_begin(l, h);
        return 1;
    }
    return (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK ? half_cookie(l, h, p) : 0;
}
