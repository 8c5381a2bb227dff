/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_window.c - windows and send buffers that grow with the path (RFC 9293, 3.8.6; RFC 7323, 2).
 *
 * Receiving. A connection announces 64 KiB at first, the most that a SYN can say, so the first
 * round trips of a peer's slow start are not held up. When the application reads more than half of
 * the limit within one and a half round trips, the limit doubles: it stays ahead of a slow start,
 * and ends at three to six times the bandwidth-delay product. What the peer sends and nobody reads
 * lets nothing grow. A limit falls only by what the application reads, so no announced byte is
 * taken back. The edge of a scaled window is rounded, and up if it would move back otherwise: the
 * limit may be a sixteenth larger for that.
 *
 * Sending. A buffer begins with 16 KiB, and becomes twice the congestion window: one window is on
 * its way, the next one waits.
 *
 * Memory. A connection may hold no more than a quarter of what is free of the first half of lwIP's
 * limit, or 4 KiB of unsent data: so connections that hold as much as they can leave a share for
 * the next one, and the other half for many more that hold little.
 */
#include "tcp_window.h"

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tcp_timer.h"

#define RTT_UNKNOWN_US 100000u /* a round trip that was not measured is taken for this */
#define RTT_LEAST_US   1000u   /* shorter ones for this: a busy machine reads no sooner */
#define IDLE_TICKS     20u     /* of 500 ms: the limit of a connection that long idle falls */
#define PBUFS_ALWAYS   512u    /* that may be queued to be sent */

uint8_t tcp_window_scale;
static uint32_t window_max;

/* What few reads and few ACKs need. */
static void window_adapt(struct tcp_pcb *pcb, uint32_t len) __attribute__((noinline));
static void window_set_send(struct tcp_pcb *pcb, uint32_t want) __attribute__((noinline));

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void tcp_window_init(void)
{
    uint64_t share = net_mem_share(), kib = TCP_BUFFER_MAX >> 10;

    if (share < TCP_BUFFER_MAX)
        kib = larger((uint32_t)share, TCP_WINDOW_START) >> 10;
    kib = hal_option_u64(NULL, "tcp_buffer", kib, TCP_WINDOW_START >> 10, 1 << 20);
    window_max = (uint32_t)kib << 10;
    while (0xffffu << tcp_window_scale < window_max && tcp_window_scale < 14)
        tcp_window_scale++;
}

uint32_t tcp_window_max(void)
{
    return window_max;
}

/* What one connection may hold at most with the memory that is free now, `least` in any case. */
static uint32_t window_share(uint32_t least)
{
    uint64_t share = net_mem_share();

    return share < least ? least : share > window_max ? window_max : (uint32_t)share;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint32_t window_clamped(const struct tcp_fixed *fixed, uint32_t limit)
{
    return fixed->clamp ? smaller(limit, fixed->clamp) : limit;
}

/* The limit at first, while the window is not scaled. */
static uint32_t window_first(const struct tcp_fixed *fixed)
{
    uint32_t first =
        fixed->receive ? fixed->receive : smaller(window_share(TCP_BUFFER_START), TCP_WINDOW_START);

    return window_clamped(fixed, first);
}

uint16_t tcp_window_of_syn(const struct tcp_fixed *fixed, bool scaled)
{
    uint32_t unit = scaled ? (1u << tcp_window_scale) - 1 : 0;

    return (uint16_t)smaller(window_first(fixed) & ~unit, 0xffff);
}

void tcp_window_open(struct tcp_pcb *pcb, const struct tcp_fixed *fixed)
{
    struct tcp_window *w = &pcb->net.win;

    w->fixed = *fixed;
    w->receive = w->goal = tcp_window_of_syn(fixed, false);
    w->send = w->fixed.send ? w->fixed.send : TCP_BUFFER_START;
    w->round_us = tcp_now_us();
    w->read_tick = tcp_ticks;
    pcb->rcv_wnd = pcb->rcv_ann_wnd = w->receive;
    pcb->snd_buf = w->send;
    tcp_ack_open(pcb);
    tcp_stamp_open(pcb);
}

/* Lets the limit grow to this, which a window without scaling cannot tell. */
static void window_grow(struct tcp_pcb *pcb, uint32_t limit)
{
    struct tcp_window *w = &pcb->net.win;

    if (!(pcb->flags & TF_WND_SCALE))
        limit = smaller(limit, 0xffff);
    limit = window_clamped(&w->fixed, limit);
    w->goal = limit;
    if (limit <= w->receive)
        return;
    pcb->rcv_wnd += limit - w->receive;
    w->receive = limit;
}

void tcp_window_scaled(struct tcp_pcb *pcb)
{
    uint32_t unit = (1u << tcp_window_scale) - 1;

    pcb->rcv_scale = tcp_window_scale;
    window_grow(pcb, window_first(&pcb->net.win.fixed));
    pcb->rcv_ann_wnd = smaller(pcb->rcv_ann_wnd + unit, pcb->rcv_wnd) & ~unit;
}

/* The right edge stays, but for the unit of the scale. */
static void window_keep(struct tcp_pcb *pcb, uint32_t told)
{
    struct tcp_window *w = &pcb->net.win;
    uint32_t unit = (1u << pcb->rcv_scale) - 1, up = (told + unit) & ~unit;

    if (up > pcb->rcv_wnd && w->over + up - pcb->rcv_wnd <= w->receive / 16) {
        w->over += up - pcb->rcv_wnd;
        w->receive += up - pcb->rcv_wnd;
        pcb->rcv_wnd = up;
    }
    pcb->rcv_ann_wnd = up <= pcb->rcv_wnd ? up : told & ~unit;
}

uint32_t tcp_window_announce(struct tcp_pcb *pcb)
{
    uint32_t told = pcb->rcv_ann_right_edge - pcb->rcv_nxt;
    uint32_t open = pcb->rcv_wnd >> pcb->rcv_scale << pcb->rcv_scale;

    if ((int32_t)told < 0)
        told = 0; /* the peer has sent more, and it was taken */
    if (open < told + smaller(pcb->net.win.receive / 2, pcb->mss)) {
        window_keep(pcb, told);
        return 0;
    }
    pcb->rcv_ann_wnd = open;
    return open - told;
}

static uint32_t window_rtt_us(const struct tcp_pcb *pcb)
{
    uint32_t us = pcb->net.rtt.srtt_us;

    return us ? larger(us, RTT_LEAST_US) : RTT_UNKNOWN_US;
}

/* More than half of the limit was read since the round began: was that quick? */
static void window_round(struct tcp_pcb *pcb)
{
    struct tcp_window *w = &pcb->net.win;
    uint32_t now = tcp_now_us(), took = now - w->round_us;
    uint32_t rtt = window_rtt_us(pcb);

    w->round_us = now;
    w->read = 0;
    if (took > rtt + rtt / 2)
        return;
    window_grow(pcb, larger(w->receive, smaller(2 * w->receive, window_share(TCP_BUFFER_START))));
}

/* Where the limit is to fall. */
static void window_fall(struct tcp_window *w)
{
    if (tcp_ticks - w->read_tick > IDLE_TICKS)
        w->goal = smaller(w->goal, TCP_WINDOW_START);
    if (!net_mem_plenty())
        w->goal = smaller(w->goal, window_share(TCP_BUFFER_START));
}

static void window_adapt(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_window *w = &pcb->net.win;
    uint32_t kept;

    if (!w->fixed.receive) {
        window_fall(w);
        if (w->read > w->receive / 2)
            window_round(pcb);
    }
    w->read_tick = tcp_ticks;
    if (w->receive <= w->goal)
        return;
    kept = smaller(len, w->receive - w->goal);
    w->receive -= kept;
    w->over -= smaller(kept, w->over);
    pcb->rcv_wnd -= kept;
}

void tcp_window_read(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_window *w = &pcb->net.win;

    w->read += len;
    if (w->read > w->receive / 2 || (w->receive - w->goal) >> tcp_window_scale ||
        w->read_tick != tcp_ticks || !net_mem_plenty())
        window_adapt(pcb, len);
}

bool tcp_window_tell(const struct tcp_pcb *pcb, uint32_t gain)
{
    uint32_t half = pcb->net.win.receive / 2;
    uint32_t told = pcb->rcv_ann_wnd - gain; /* what the peer may still send */

    return gain && gain >= smaller(half, larger(2u * pcb->mss, told));
}

/* ---- sending --------------------------------------------------------------------------------- */

static uint32_t window_queued(const struct tcp_pcb *pcb)
{
    return pcb->snd_lbb - pcb->lastack;
}

static void window_set_room(struct tcp_pcb *pcb)
{
    uint32_t queued = window_queued(pcb), limit = pcb->net.win.send;

    pcb->snd_buf = limit > queued ? limit - queued : 0;
}

/* The limit of the send buffer grows to `want` or falls, as memory lets it. */
static void window_set_send(struct tcp_pcb *pcb, uint32_t want)
{
    struct tcp_window *w = &pcb->net.win;
    uint32_t share = window_share(TCP_BUFFER_MIN);

    if (!w->fixed.send)
        w->send = want > w->send ? larger(w->send, smaller(want, share)) : smaller(w->send, share);
    window_set_room(pcb);
}

/* Jumbo frames: what is sent first is full packets, so that Nagle's algorithm holds none of it. */
void tcp_window_established(struct tcp_pcb *pcb)
{
    if (4u * pcb->mss > pcb->net.win.send)
        window_set_send(pcb, 4u * pcb->mss);
}

void tcp_window_acked(struct tcp_pcb *pcb)
{
    uint32_t want = smaller(smaller(pcb->net.cc.cwnd, pcb->snd_wnd_max), window_max / 2) * 2;

    if (want > pcb->net.win.send || !net_mem_plenty())
        window_set_send(pcb, want);
    else
        window_set_room(pcb);
}

uint32_t tcp_window_room(const struct tcp_pcb *pcb)
{
    uint32_t queued, share;

    if (net_mem_plenty())
        return pcb->snd_buf;
    queued = window_queued(pcb);
    share = window_share(TCP_BUFFER_MIN);
    return share <= queued ? 0 : smaller(pcb->snd_buf, share - queued);
}

static uint32_t window_pbufs(const struct tcp_pcb *pcb)
{
    return PBUFS_ALWAYS + pcb->net.win.send / 1024;
}

bool tcp_window_queue_full(const struct tcp_pcb *pcb)
{
    return pcb->snd_queuelen >= smaller(window_pbufs(pcb), TCP_SND_QUEUELEN);
}

bool tcp_window_writable(const struct tcp_pcb *pcb)
{
    return tcp_window_room(pcb) >= smaller(pcb->net.win.send, window_share(TCP_BUFFER_MIN)) / 3 &&
           pcb->snd_queuelen < window_pbufs(pcb) / 2;
}

/* ---- sizes that an application sets ---------------------------------------------------------- */

void tcp_window_fix(struct tcp_pcb *pcb, const struct tcp_fixed *fixed)
{
    struct tcp_window *w = &pcb->net.win;

    w->fixed = *fixed;
    if (pcb->state == CLOSED)
        return; /* tcp_window_open() will look */
    if ((w->fixed.receive || w->fixed.clamp) && pcb->state != SYN_SENT)
        window_grow(pcb, w->fixed.receive ? w->fixed.receive : w->goal);
    if (w->fixed.send) {
        w->send = w->fixed.send;
        window_set_room(pcb);
    }
}
