/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_guard.c - a look at each segment before lwIP acts on it: RFC 9293, section 3.10.7, with the
 * checks of RFC 5961 against those who cannot see a connection and guess. lwIP looks at the flags,
 * numbers and state in another order, and takes data from segments that prove nothing.
 *
 * A segment that does not fit is answered by an acknowledgement with the true numbers (a challenge:
 * who sees it and has lost the connection resets it). A connection challenges ten times at once,
 * and then twice a second; all connections together about 700 times a second, by a limit that
 * nobody can learn anything from, since each challenge spends a random part of it
 * (CVE-2016-5696). Segments of no connection are reset 200 at once, and then 500 a second.
 */
#include "tcp_guard.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tcp_half_open.h"

#define CHALLENGE_BURST     10
#define CHALLENGE_NS        (500 * HAL_MS)
#define ALL_CHALLENGE_BURST 500
#define ALL_CHALLENGE_NS    (1 * HAL_MS) /* and up to as much again */

#define RESET_BURST 200
#define RESET_NS    (2 * HAL_MS)

enum { GUARD_PASS = 0, GUARD_DROP = 1 };

/* What a segment says, and where it lies: bytes from the next expected one, modulo 2^32. */
struct guard_segment {
    unsigned flags;
    u32_t ack, len, ahead;
};

static struct guard_segment guard_read(const struct tcp_pcb *pcb, const struct tcp_hdr *h,
                                       const struct pbuf *p)
{
    unsigned flags = TCPH_FLAGS(h);

    return (struct guard_segment){.flags = flags,
                                  .ack = h->ackno,
                                  .len = p->tot_len + ((flags & (TCP_SYN | TCP_FIN)) ? 1u : 0u),
                                  .ahead = h->seqno - pcb->rcv_nxt};
}

static int guard_drop(void)
{
    net_core.tcp_forged++;
    return GUARD_DROP;
}

bool net_tcp_may_challenge(uint64_t *challenges_ns)
{
    static uint64_t all_ns;
    uint64_t each = ALL_CHALLENGE_NS + net_random32() % (unsigned)ALL_CHALLENGE_NS;

    if (!net_allow(challenges_ns, CHALLENGE_BURST, CHALLENGE_NS) ||
        !net_allow(&all_ns, ALL_CHALLENGE_BURST, each))
        return false;
    net_core.tcp_challenges++;
    return true;
}

bool net_tcp_may_reset(void)
{
    static uint64_t resets_ns;

    return !net_core.sender || net_allow(&resets_ns, RESET_BURST, RESET_NS);
}

/* The sender is told the true numbers, if the limits allow. */
static int guard_challenge(struct tcp_pcb *pcb)
{
    if (net_tcp_may_challenge(&pcb->net.guard.challenges_ns))
        tcp_send_empty_ack(pcb);
    return guard_drop();
}

/* ---- by state -------------------------------------------------------------------------------- */

/*
 * RFC 9293, 3.10.7.3. lwIP resets the sender of a wrong ACK, and sends its SYN once more. A SYN
 * without ACK comes of a peer that opens the connection as well: lwIP calls net_tcp_meet().
 */
static int guard_syn_sent(const struct tcp_pcb *pcb, const struct guard_segment *s)
{
    bool right = (s->flags & TCP_ACK) && s->ack == pcb->snd_nxt;

    if (s->flags & TCP_RST)
        return right ? GUARD_PASS : guard_drop();
    if ((s->flags & TCP_ACK) && !right)
        return GUARD_PASS;
    return (s->flags & TCP_SYN) ? GUARD_PASS : guard_drop();
}

/*
 * RFC 1337: a reset does not end it. A SYN that may open a new connection was taken before
 * (net_input.c). The peer's FIN comes again if our ACK was lost.
 */
static int guard_time_wait(struct tcp_pcb *pcb, const struct guard_segment *s)
{
    if ((s->flags & (TCP_RST | TCP_ACK)) != TCP_ACK && !(s->flags & TCP_SYN))
        return guard_drop();
    if ((s->flags & (TCP_SYN | TCP_FIN)) == TCP_FIN && s->ahead + s->len == 0)
        return GUARD_PASS;
    return s->len ? guard_challenge(pcb) : guard_drop();
}

/* RFC 5961, 3.2: only a reset with the very next number counts; a near one is challenged. */
static int guard_reset(struct tcp_pcb *pcb, const struct guard_segment *s)
{
    if (s->ahead == 0)
        return GUARD_PASS;
    return s->ahead < pcb->rcv_wnd ? guard_challenge(pcb) : guard_drop();
}

/*
 * Does the segment begin or end in the window (RFC 9293, table 6)? One without data may stand at
 * its right edge, where a sender is that has used it up. One with data may be a copy of what has
 * come before: lwIP acknowledges that again.
 */
static bool guard_in_window(const struct tcp_pcb *pcb, const struct guard_segment *s)
{
    return s->ahead <= pcb->rcv_wnd || (s->len && 0 - s->ahead <= TCP_WND_MAX(pcb));
}

/* From SYN_RCVD to LAST_ACK, in the order of RFC 9293, 3.10.7.4. */
static int guard_synchronized(struct tcp_pcb *pcb, const struct guard_segment *s)
{
    if (s->flags & TCP_RST)
        return guard_reset(pcb, s);
    if (s->flags & TCP_SYN) /* the peer's own SYN again: lwIP answers as it did before */
        return pcb->state == SYN_RCVD && s->ahead == UINT32_MAX ? GUARD_PASS : guard_challenge(pcb);
    if (!(s->flags & TCP_ACK))
        return guard_drop();
    if (!guard_in_window(pcb, s))
        return guard_challenge(pcb);
    if (pcb->state == SYN_RCVD) /* lwIP resets the sender of a wrong ACK */
        return GUARD_PASS;
    if (s->ack - (pcb->lastack - pcb->snd_wnd_max) > pcb->snd_nxt - pcb->lastack + pcb->snd_wnd_max)
        return guard_challenge(pcb); /* RFC 5961, 5.2 */
    return GUARD_PASS;
}

/* ---- opening from both ends (RFC 9293, 3.5, figure 8) ---------------------------------------- */

void net_tcp_meet(struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    pcb->net.guard.met = true;
    pcb->rcv_nxt = h->seqno + 1;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    pcb->snd_wnd = pcb->snd_wnd_max = h->wnd;
    pcb->snd_wl1 = pcb->rcv_nxt; /* windows count from the segment behind the SYN on: scaled ones */
    pcb->snd_wl2 = pcb->lastack;
    tcp_mtu_begin(pcb);
    pcb->state = SYN_RCVD;
    if (pcb->unacked)
        TCPH_SET_FLAG(pcb->unacked->tcphdr, TCP_ACK);
    net_tcp_resend_syn(pcb);
}

bool net_tcp_met(const struct tcp_pcb *pcb, u32_t ack)
{
    return pcb->net.guard.met && ack == pcb->snd_nxt;
}

/* ---- all states ------------------------------------------------------------------------------ */

int net_tcp_check(struct tcp_pcb *pcb, struct tcp_hdr *h, struct pbuf *p)
{
    struct guard_segment s;

    if (pcb->state == LISTEN)
        return net_tcp_listening((struct tcp_pcb_listen *)pcb, h, p) ||
               ((TCPH_FLAGS(h) & (TCP_ACK | TCP_RST)) == TCP_ACK && !net_tcp_may_reset());
    if (pcb->state >= ESTABLISHED && pcb->state != TIME_WAIT &&
        (TCPH_FLAGS(h) & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK &&
        h->seqno - pcb->rcv_nxt <= pcb->rcv_wnd &&
        h->ackno - pcb->lastack <= pcb->snd_nxt - pcb->lastack)
        return GUARD_PASS; /* nearly all */
    s = guard_read(pcb, h, p);
    if (pcb->state == SYN_SENT)
        return guard_syn_sent(pcb, &s);
    return pcb->state == TIME_WAIT ? guard_time_wait(pcb, &s) : guard_synchronized(pcb, &s);
}
