/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_option.c - what options of IPPROTO_TCP change in lwIP's behaviour.
 */
#include "tcp_option.h"

#include <stddef.h>

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

#define TCP_CORK_NS (200 * HAL_MS) /* that a segment is held */

/* ---- TCP_CONGESTION ----------------------------------------------------------------------------
 */

uint8_t tcp_option_congestion;

void tcp_option_init(void)
{
    const char *name = hal_option(NULL, "tcp_congestion");
    int alg = name ? tcp_cc_find(name) : TCP_CC_CUBIC;

    if (alg < 0)
        hal_option_bad(NULL, "tcp_congestion", "cubic, reno");
    else
        tcp_option_congestion = (uint8_t)alg;
}

/* ---- TCP_NOTSENT_LOWAT ----------------------------------------------------------------------- */

uint32_t tcp_option_unsent(const struct tcp_pcb *pcb)
{
    return pcb->snd_lbb - pcb->snd_nxt;
}

/* ---- TCP_CORK -------------------------------------------------------------------------------- */

void tcp_option_push(struct tcp_pcb *pcb)
{
    pcb->net.opt.push = true;
    tcp_output(pcb);
    pcb->net.opt.push = false;
}

void tcp_option_output(struct tcp_pcb *pcb, bool more)
{
    bool cork = pcb->net.opt.cork;

    if (more && !pcb->unacked && pcb->unsent && !(pcb->flags & (TF_ACK_NOW | TF_FIN)) &&
        tcp_option_holds(pcb))
        return; /* tcp_output() would find no more to do */
    pcb->net.opt.cork = cork || more;
    tcp_output(pcb);
    pcb->net.opt.cork = cork;
}

static void option_hold_is_over(struct tcp_timer *t)
{
    tcp_option_push((struct tcp_pcb *)((char *)t - offsetof(struct tcp_pcb, net.opt.hold)));
}

bool tcp_option_holds(struct tcp_pcb *pcb)
{
    struct tcp_option *o = &pcb->net.opt;
    const struct tcp_seg *seg = pcb->unsent;
    uint32_t seq = lwip_ntohl(seg->tcphdr->seqno);

    if (o->push || seg->next || seg->len >= tcp_stamp_payload(pcb) ||
        TCPH_FLAGS(seg->tcphdr) & TCP_SYN)
        return false;
    if (!tcp_timer_pending(&o->hold) || o->held != seq) {
        o->held = seq;
        o->hold.fire = option_hold_is_over;
        tcp_timer_set(&o->hold, hal_now_ns() + TCP_CORK_NS);
    }
    return true;
}

/* ---- TCP_INFO -------------------------------------------------------------------------------- */

void tcp_option_opened(struct tcp_pcb *pcb, bool active)
{
    pcb->net.opt.seen_in = pcb->rcv_nxt;
    pcb->net.opt.seen_out = active ? pcb->snd_lbb - 1 : pcb->snd_lbb;
}

void tcp_option_count(struct tcp_pcb *pcb)
{
    struct tcp_option *o = &pcb->net.opt;

    if (pcb->state < ESTABLISHED)
        return;
    o->bytes_in += pcb->rcv_nxt - o->seen_in;
    o->seen_in = pcb->rcv_nxt;
    if (TCP_SEQ_LT(pcb->lastack, o->seen_out))
        return; /* the peer's ACK of our SYN is being handled */
    o->bytes_acked += pcb->lastack - o->seen_out;
    o->seen_out = pcb->lastack;
}

/* ---- TCP_USER_TIMEOUT ------------------------------------------------------------------------ */

bool tcp_option_tick(struct tcp_pcb *pcb)
{
    struct tcp_option *o = &pcb->net.opt;

    tcp_option_count(pcb);
    if (!pcb->persist_backoff || o->stuck_at != pcb->lastack) {
        o->stuck = 0;
        o->stuck_at = pcb->lastack;
        return false;
    }
    o->stuck++;
    return pcb->net.rec.patience_ms &&
           (o->stuck - 1) * (uint64_t)TCP_SLOW_INTERVAL >= pcb->net.rec.patience_ms;
}

/* ---- keep-alive, and the end ----------------------------------------------------------------- */

bool tcp_option_keeps_alive(const struct tcp_pcb *pcb)
{
    bool waits = pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
                 (pcb->state == FIN_WAIT_2 && !(pcb->flags & TF_RXCLOSED));

    return ip_get_option(pcb, SOF_KEEPALIVE) && waits && !pcb->unacked && !pcb->unsent;
}

uint32_t tcp_option_fin_wait(const struct tcp_pcb *pcb)
{
    int s = pcb->net.opt.fin_wait_s;

    return (uint32_t)(s < 0 ? 0 : s ? s : TCP_FIN_WAIT_S) * (1000 / TCP_SLOW_INTERVAL);
}

void tcp_option_end(struct tcp_pcb *pcb)
{
    tcp_timer_stop(&pcb->net.opt.hold);
}
