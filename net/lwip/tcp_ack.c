/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_ack.c - acknowledgements of data. At the end of the batch of frames in which it came: for two
 * full segments' worth of bytes, however many packets they came in. At once: while there is a gap,
 * when one is filled, and for the 16 packets after that or after data that came twice: a sender
 * that has just lost something has few segments on their way, and waits for the ACK of the last
 * one; for TCP_QUICKACK. Else an ACK waits 20 to 40 ms for data of this side to go with: a timer of
 * 20 ms looks twice at what waits, so that no segment costs a look at the clock. What came out of
 * order or once more lwIP acknowledges itself, at once; for windows see tcp_window.c.
 *
 * A segment that a card or net_join.c has joined of many counts as one (RFC 5681, 4.2, leaves a
 * receiver to acknowledge less often): one alone waits for the next one, but only as long as the
 * CPU has anything to do, and for LAZY_NS at most. So a peer with much on its way gets an ACK for
 * each second one, and a peer that waits for an ACK gets it before the CPU sleeps.
 */
#include "tcp_ack.h"

#include <stddef.h>

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

#define LOOK_NS    (20 * HAL_MS)
#define LAZY_NS    (HAL_MS / 2)
#define FULL_LEAST 536u /* bytes of a segment that any path lets pass */
#define AFTER_LOSS 16   /* packets acknowledged at once after a loss was seen */

static struct tcp_pcb *ack_due; /* connections with net.ack.due */

static void ack_send(struct tcp_pcb *pcb)
{
    tcp_ack_now(pcb);
    tcp_output(pcb);
}

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
    ack_send(pcb);
}

void tcp_ack_open(struct tcp_pcb *pcb)
{
    pcb->net.ack.timer.fire = ack_fire;
    pcb->net.ack.full = FULL_LEAST;
}

void tcp_ack_end(struct tcp_pcb *pcb)
{
    struct tcp_pcb **at = &ack_due;

    tcp_timer_stop(&pcb->net.ack.timer);
    if (!pcb->net.ack.due)
        return;
    while (*at != pcb)
        at = &(*at)->net.ack.next;
    *at = pcb->net.ack.next;
}

/* ---- what waits for the end of the batch, or for the CPU to sleep ------------------------------
 */

static uint32_t ack_owed(const struct tcp_pcb *pcb)
{
    return pcb->flags & TF_ACK_DELAY ? pcb->rcv_nxt - pcb->ts_lastacksent : 0;
}

static void ack_put_off(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_acks *a = &pcb->net.ack;

    tcp_set_flags(pcb, TF_ACK_DELAY);
    a->enough = 2 * (len > a->full ? len : a->full);
    if (a->due)
        return;
    a->due = true;
    a->next = ack_due;
    ack_due = pcb;
    if (ack_owed(pcb) >= a->enough)
        return;
    a->young = false;
    tcp_timer_set(&a->timer, hal_now_ns() + LAZY_NS);
    hal_service_changed(&net_core.service); /* to be asked before the CPU sleeps */
}

/* Acknowledges what is due; with `all`, also what may still wait. True: there was something. */
static bool ack_flush(bool all)
{
    struct tcp_pcb **at = &ack_due, *pcb;
    bool any = false;

    while ((pcb = *at)) {
        uint32_t owed = ack_owed(pcb);

        if (owed && owed < pcb->net.ack.enough && !all) {
            at = &pcb->net.ack.next;
            continue;
        }
        pcb->net.ack.due = false;
        *at = pcb->net.ack.next;
        if (!owed)
            continue;
        ack_send(pcb);
        any = true;
    }
    return any;
}

void tcp_ack_batch_end(void)
{
    if (ack_due)
        ack_flush(false);
}

bool tcp_ack_before_sleep(void)
{
    return ack_due && ack_flush(true);
}

/* ---- data that came in order -------------------------------------------------------------------
 */

/* Is there a gap, or was one filled? */
static bool ack_sees_gap(struct tcp_pcb *pcb)
{
    return (pcb->ooseq || pcb->net.ooseq.head) && (tcp_ooseq_filled(pcb) || pcb->ooseq);
}

void tcp_ack_lossy(struct tcp_pcb *pcb)
{
    pcb->net.ack.after_loss = AFTER_LOSS;
}

void tcp_ack_data(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_acks *a = &pcb->net.ack;

    if (len > a->full)
        a->full = len < pcb->mss ? len : pcb->mss;
    if (ack_sees_gap(pcb))
        a->after_loss = AFTER_LOSS + 1;
    if (a->after_loss || a->quick) {
        a->after_loss -= a->after_loss > 0;
        tcp_ack_now(pcb);
        return;
    }
    if (pcb->rcv_nxt - pcb->ts_lastacksent >= 2 * a->full) {
        ack_put_off(pcb, len);
        return;
    }
    if (pcb->flags & TF_ACK_DELAY)
        return;
    tcp_set_flags(pcb, TF_ACK_DELAY);
    a->young = true;
    if (!tcp_timer_pending(&a->timer))
        tcp_timer_set(&a->timer, hal_now_ns() + LOOK_NS);
}
