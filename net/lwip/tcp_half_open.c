/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_half_open.c - connections that a peer has begun to open (SYN-RECEIVED of RFC 9293), in a
 * table of what their SYNs said: less than 200 bytes each, where lwIP would have a control block
 * and a queue. When the end of the handshake comes, lwIP gets a control block as if it had answered
 * the SYN itself, and is shown the segment that came, if that has data or the end of the stream.
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
#define SCALE_MAX    14             /* RFC 7323, 2.3 */
#define HALF_CROWDED 1              /* the same while the table is half full: after 3 s */

struct half_open {
    struct half_open *next, **link; /* in its bucket */
    struct tcp_pcb_listen *listener;
    uint64_t challenges_ns; /* see net_allow() */
    uint64_t due_ns;        /* when the SYN-ACK is repeated, or all is given up */
    ip_addr_t local, remote;
    u16_t local_port, remote_port;
    u32_t irs, iss;
    uint32_t clock;   /* the offset of this side's timestamps */
    uint32_t sent_us; /* when the SYN-ACK was first sent */
    struct tcp_syn peer;
    uint8_t mac[ETH_HWADDR_LEN]; /* where its SYN came from */
    uint8_t resends;
    bool cookie; /* iss is one, and this is not in the table */
};

static struct half_open *half_table[HALF_BUCKETS];
static unsigned half_count;
static struct tcp_timer half_timer;

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
    struct tcp_pcb_listen *l = half_listener(e);

    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
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

static void answer_stamp(struct tcp_syn *says, const struct half_open *e)
{
    says->stamped = true;
    says->stamp = tcp_stamp_clock(e->clock);
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
    tcp_syn_ports(p, e->local_port, e->remote_port);
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
    if (e->next)
        e->next->link = &e->next;
    e->link = at;
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
    uint64_t secret =
        net_tcp_secret(ip_current_dest_addr(), h->dest, ip_current_src_addr(), h->src);
    uint64_t now = hal_now_ns();
    struct half_open e = {.listener = l,
                          .due_ns = now + HAL_SEC,
                          .local_port = h->dest,
                          .remote_port = h->src,
                          .irs = h->seqno,
                          .clock = tcp_stamp_offset(secret),
                          .sent_us = (uint32_t)(now / HAL_US)};

    if (l->accepts_pending >= l->backlog) {
        net_core.tcp_syns_dropped++;
        return;
    }
    ip_addr_copy(e.local, *ip_current_dest_addr());
    ip_addr_copy(e.remote, *ip_current_src_addr());
    memcpy(e.mac, net_core.sender, sizeof(e.mac));
    tcp_syn_read(&e.peer, h);
    if (half_has_room(l)) {
        e.iss = net_tcp_isn(secret, e.local_port, e.remote_port);
        half_remember(&e, l);
    } else {
        half_use_cookie(&e, h, l);
    }
    answer_syn(&e, l);
}

/* ---- the end of a handshake ------------------------------------------------------------------ */

/* What the peer's SYN said, as lwIP would have taken it. */
static void opened_options(struct tcp_pcb *pcb, const struct tcp_syn *peer)
{
    if (peer->mss)
        pcb->mss = peer->mss < TCP_MSS ? peer->mss : TCP_MSS;
    if (peer->options.scaled) {
        pcb->snd_scale = peer->options.scale < SCALE_MAX ? peer->options.scale : SCALE_MAX;
        tcp_set_flags(pcb, TF_WND_SCALE);
        tcp_window_scaled(pcb);
    }
    if (peer->options.sack)
        tcp_set_flags(pcb, TF_SACK);
    if (peer->stamped)
        tcp_stamp_agreed(pcb, peer->stamp);
    pcb->snd_wnd = pcb->snd_wnd_max = peer->window;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
}

/* A control block as lwIP would have it now, if it had answered the SYN. NULL: no memory. */
static struct tcp_pcb *opened_pcb(const struct half_open *e, struct tcp_pcb_listen *l)
{
    struct tcp_pcb *pcb = tcp_alloc(l->prio);

    if (!pcb)
        return NULL;
    ip_addr_copy(pcb->local_ip, e->local);
    ip_addr_copy(pcb->remote_ip, e->remote);
    pcb->local_port = e->local_port;
    pcb->remote_port = e->remote_port;
    pcb->state = ESTABLISHED;
    pcb->snd_wl1 = e->irs;
    pcb->rcv_nxt = pcb->ts_lastacksent = e->irs + 1;
    pcb->snd_wl2 = pcb->snd_nxt = pcb->snd_lbb = pcb->lastack = e->iss + 1;
    pcb->net.stamp.offset = e->clock;
    pcb->net.rec.backoff = e->resends;
    pcb->callback_arg = l->callback_arg;
    pcb->listener = l;
    pcb->so_options = l->so_options & SOF_INHERITED;
    pcb->netif_idx = l->netif_idx;
    tcp_window_open(pcb, &l->fixed);
    opened_options(pcb, &e->peer);
    tcp_mtu_begin(pcb);
    tcp_option_said(&pcb->net.opt, 0, 0, 0);
    return pcb;
}

/* The window that the segment tells which ended the handshake. */
static void opened_window(struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    pcb->snd_wnd = SND_WND_SCALE(pcb, h->wnd);
    if (pcb->snd_wnd_max < pcb->snd_wnd)
        pcb->snd_wnd_max = pcb->snd_wnd;
    pcb->snd_wl1 = h->seqno;
    tcp_window_acked(pcb);
}

/* That segment, if it is nothing else: no data, no end. Else lwIP shall see it. */
static bool opened_by_ack(struct tcp_pcb *pcb, const struct tcp_hdr *h, const struct pbuf *p)
{
    if (p->tot_len || (TCPH_FLAGS(h) & TCP_FIN) || h->seqno != pcb->rcv_nxt)
        return false;
    if (pcb->flags & TF_TIMESTAMP)
        tcp_stamp_agreed(pcb, tcp_stamp.value);
    tcp_option_heard(&pcb->net.opt, 0, tcp_ticks);
    return true;
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

/*
 * The listener takes the connection, or resets it. False: it is gone. What the listener sends goes
 * out behind the segment that ended the handshake, whose data and timestamp it then answers.
 */
static bool opened_accept(struct tcp_pcb *pcb)
{
    err_t err;

    tcp_input_pcb = pcb; /* tcp_output() leaves it alone */
    TCP_EVENT_ACCEPT(pcb->listener, pcb, pcb->callback_arg, ERR_OK, err);
    tcp_input_pcb = NULL;
    if (err != ERR_OK && err != ERR_ABRT)
        tcp_abort(pcb);
    return err == ERR_OK;
}

/* Has the listener left the connection open? It may have opened others since. */
static bool opened_lives(const struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    return tcp_active_pcbs == pcb ||
           net_conn_find(ip_current_src_addr(), h->src, ip_current_dest_addr(), h->dest) == pcb;
}

/* No memory: the listener is told. */
static void opened_not(struct tcp_pcb_listen *l)
{
    uint64_t refused = net_core.tcp_refused;
    err_t err;

    TCP_EVENT_ACCEPT(l, NULL, l->callback_arg, ERR_MEM, err);
    (void)err;
    net_core.tcp_refused = refused + 1;
}

/*
 * The handshake is done. Without room for the connection its peer is heard again, when it or its
 * SYN-ACK is repeated. The listener may end the connection as it takes it.
 */
static void half_end(struct half_open *e, bool in_table, struct tcp_pcb_listen *l,
                     struct tcp_hdr *h, struct pbuf *p)
{
    uint32_t rtt_us = in_table && !e->resends ? tcp_now_us() - e->sent_us : 0;
    struct tcp_pcb *pcb;
    bool done;

    if (l->accepts_pending >= l->backlog)
        return;
    pcb = opened_pcb(e, l);
    if (!pcb) {
        opened_not(l);
        return;
    }
    if (in_table)
        half_forget(e);
    net_tcp_opened(pcb, rtt_us);
    opened_window(pcb, h);
    done = opened_by_ack(pcb, h, p);
    TCP_REG_ACTIVE(pcb);
    if (!opened_accept(pcb))
        return;
    if (!done)
        replay_segment(h, p);
    else if (opened_lives(pcb, h) && (pcb->unsent || pcb->flags & TF_ACK_NOW))
        tcp_output(pcb);
}

/* The stamp of the segment into tcp_stamp. Is it one that the connection may have (RFC 7323, 3.2
 * and 5.3)? */
static bool half_stamp_fits(struct half_open *e, const struct tcp_pcb_listen *l,
                            const struct tcp_hdr *h)
{
    struct tcp_syn said;
    bool old;

    if (!tcp_stamp_read(h, TCPH_HDRLEN_BYTES(h) - TCP_HLEN, NULL)) {
        tcp_syn_read(&said, h);
        tcp_stamp = (struct tcp_stamp){said.stamped, said.stamp, said.echo};
    }
    old = tcp_stamp.there && TCP_SEQ_LT(tcp_stamp.value, e->peer.stamp);
    if (e->peer.stamped && old)
        answer_challenge(e, l);
    return !e->peer.stamped || (tcp_stamp.there && !old);
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
    if (half_stamp_fits(e, l, h))
        half_end(e, true, l, h, p);
    return 1;
}

/* What the SYN-ACK's timestamp held, if the segment echoes it. */
static void half_read_stamp(struct half_open *e, const struct tcp_hdr *h)
{
    struct tcp_syn said;

    tcp_syn_read(&said, h);
    e->clock =
        tcp_stamp_offset(net_tcp_secret(&e->local, e->local_port, &e->remote, e->remote_port));
    e->peer.stamped = said.stamped &&
                      tcp_cookie_read_stamp(tcp_stamp_clock(e->clock), said.echo, &e->peer.options);
    e->peer.stamp = said.stamp;
    tcp_stamp = (struct tcp_stamp){said.stamped, said.stamp, said.echo};
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

    if (!net_core.sender)
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
