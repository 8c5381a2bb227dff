/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_ack.c - acknowledgements of data. At once: for two full segments' worth of bytes, however
 * many packets they came in; while there is a gap, and when one is filled; for TCP_QUICKACK. Else
 * an ACK waits 20 to 40 ms for data of this side to go with: a timer of 20 ms looks twice at what
 * waits, so that no segment costs a look at the clock. What came out of order or once more lwIP
 * acknowledges itself, at once; for windows see tcp_window.c.
 */
#include "tcp_ack.h"

#include <stddef.h>

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

#define LOOK_NS    (20 * HAL_MS)
#define FULL_LEAST 536u /* bytes of a segment that any path lets pass */

static void ack_fire(struct tcp_timer *t)
{
    struct tcp_pcb *pcb = (void *)((char *)t - offsetof(struct tcp_pcb, net.ack.timer));

    if (!(pcb->flags & TF_ACK_DELAY))
        return;
    if (pcb->net.ack.young) {
        pcb->net.ack.young = false;
        tcp_timer_set(t, hal_now_ns() + LOOK_NS);
        return;
    }
    tcp_ack_now(pcb);
    tcp_output(pcb);
}

void tcp_ack_open(struct tcp_pcb *pcb)
{
    pcb->net.ack.timer.fire = ack_fire;
    pcb->net.ack.full = FULL_LEAST;
}

void tcp_ack_end(struct tcp_pcb *pcb)
{
    tcp_timer_stop(&pcb->net.ack.timer);
}

/* Is there a gap, or was one filled? */
static bool ack_sees_gap(struct tcp_pcb *pcb)
{
    return (pcb->ooseq || pcb->net.ooseq.head) && (tcp_ooseq_filled(pcb) || pcb->ooseq);
}

void tcp_ack_data(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_acks *a = &pcb->net.ack;

    if (len > a->full)
        a->full = len < TCP_MSS ? len : TCP_MSS;
    if (pcb->rcv_nxt - pcb->ts_lastacksent >= 2 * a->full || ack_sees_gap(pcb) || a->quick) {
        tcp_ack_now(pcb);
        return;
    }
    if (pcb->flags & TF_ACK_DELAY)
        return;
    tcp_set_flags(pcb, TF_ACK_DELAY);
    a->young = true;
    if (!tcp_timer_pending(&a->timer))
        tcp_timer_set(&a->timer, hal_now_ns() + LOOK_NS);
}
