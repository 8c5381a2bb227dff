/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_mtu_probe.c - paths that lose long packets without a word: a full segment that two timeouts
 * do not bring across becomes smaller ones. Then, and when what was said of a path is too old, the
 * search for longer packets (RFC 4821, RFC 8899) sends one segment of a greater length, the others
 * as before; if that arrives, all segments are as long. One that is lost is no sign of congestion
 * (RFC 4821, section 7.5), and goes again in pieces.
 */
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "net_path_mtu.h"
#include "tcp_mtu.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

/* Bytes of IP packets. */
#define FIRST_BASE4 1064 /* segments of 1024; the next step is NET_PATH_LEAST4 */
#define ANY_PATH4   576  /* RFC 791, 3.2: nobody has trouble with as many */
#define NEAR        16   /* the search ends with a range of that */

#define TRIES 3 /* of one length (MAX_PROBES of RFC 8899): what is lost may be lost by chance */

static bool probe_on;

void tcp_mtu_init(void)
{
    probe_on = hal_option_u64(NULL, "tcp_mtu_probe", 1, 0, 1);
}

/* ---- the search ------------------------------------------------------------------------------ */

static void probe_search(struct tcp_mtu *m, unsigned passes, unsigned longest)
{
    m->tries = 0;
    m->passes = (uint16_t)passes;
    m->fails = (uint16_t)(longest + 1);
    m->next = (uint16_t)(passes < longest ? longest : 0);
}

static void probe_narrow(struct tcp_mtu *m)
{
    m->tries = 0;
    m->next = (uint16_t)(m->fails - m->passes > NEAR ? (m->passes + m->fails) / 2 : 0);
}

void tcp_mtu_path_is(struct tcp_pcb *pcb, unsigned mtu)
{
    struct tcp_mtu *m = &pcb->net.mtu;

    if (!m->passes || mtu >= m->fails)
        return;
    if (mtu < m->probe)
        m->probe = 0; /* a router has said what becomes of it */
    m->fails = (uint16_t)(mtu + 1);
    m->next = (uint16_t)(mtu > m->passes ? mtu : 0);
    if (mtu <= m->passes)
        m->passes = 0; /* the path's MTU alone counts */
}

void tcp_mtu_try_longer(struct tcp_pcb *pcb)
{
    unsigned longest = tcp_mtu_longest(pcb);

    if (!probe_on)
        tcp_mtu_update(pcb);
    else if (pcb->mss + tcp_mtu_headers(pcb) < longest)
        probe_search(&pcb->net.mtu, pcb->mss + tcp_mtu_headers(pcb), longest);
}

static void probe_arrived(struct tcp_pcb *pcb)
{
    struct tcp_mtu *m = &pcb->net.mtu;

    m->passes = m->probe;
    m->probe = 0;
    if (m->passes < tcp_mtu_longest(pcb)) {
        net_path_found(&pcb->remote_ip, m->passes);
        probe_narrow(m);
    } else {
        net_path_found(&pcb->remote_ip, NET_PATH_MOST);
        m->passes = m->next = 0;
    }
    tcp_mtu_update(pcb);
}

void tcp_mtu_probe_lost(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    struct tcp_mtu *m = &pcb->net.mtu;
    uint16_t length = m->probe;

    if (!length || seg->net.end != m->probe_end)
        return;
    m->probe = 0;
    if (++m->tries < TRIES)
        return;
    m->fails = length;
    probe_narrow(m);
    if (net_path_found(&pcb->remote_ip, m->passes))
        hal_log(HAL_WARN, "net",
                "packets of %u bytes to %s are lost and no router says so: they have %u now",
                m->fails, ipaddr_ntoa(&pcb->remote_ip), m->passes);
}

bool tcp_mtu_probe_alone(const struct tcp_pcb *pcb)
{
    const struct tcp_seg_list *lost = &pcb->net.rec.lost;

    return pcb->net.mtu.probe && lost->first && lost->first == lost->last &&
           lost->first->net.end == pcb->net.mtu.probe_end;
}

/* ---- sending a probe ------------------------------------------------------------------------- */

/*
 * The segments that hold the first `len` bytes that are unsent, the last of which ends there. NULL:
 * there are not enough, or nothing behind them, whose arrival would tell of a loss.
 */
static struct tcp_seg *probe_last(struct tcp_pcb *pcb, unsigned len)
{
    struct tcp_seg *seg = pcb->unsent;

    while (seg && seg->len < len && !(TCPH_FLAGS(seg->tcphdr) & (TCP_SYN | TCP_FIN))) {
        len -= seg->len;
        seg = seg->next;
    }
    if (!seg || seg->len < len || (seg->len == len && !seg->next))
        return NULL;
    return tcp_queue_divide(pcb, seg, (u16_t)len) == ERR_OK ? seg : NULL;
}

/* The data of the first segments, up to `last`, becomes that of the first. */
static bool probe_join(struct tcp_pcb *pcb, struct tcp_seg *last, unsigned len)
{
    struct tcp_seg *first = pcb->unsent, *rest = last->next, *next;
    u16_t header = TCPH_HDRLEN_BYTES(first->tcphdr), at = header;
    struct pbuf *p;

    if (first == last)
        return true;
    p = pbuf_alloc(PBUF_IP, (u16_t)(header + len), PBUF_RAM);
    if (!p)
        return false;
    memcpy(p->payload, first->tcphdr, header);
    for (struct tcp_seg *s = first; s != rest; s = s->next) {
        pbuf_copy_partial(s->p, (uint8_t *)p->payload + at, s->len,
                          (u16_t)(s->p->tot_len - s->len));
        at = (u16_t)(at + s->len);
        pcb->snd_queuelen = (u16_t)(pcb->snd_queuelen - pbuf_clen(s->p));
    }
    pbuf_free(first->p);
    first->p = p;
    first->len = (u16_t)len;
    first->tcphdr = p->payload;
    pcb->snd_queuelen = (u16_t)(pcb->snd_queuelen + 1);
    for (struct tcp_seg *s = first->next; s != rest; s = next) {
        next = s->next;
        tcp_seg_free(s);
    }
    first->next = rest;
    return true;
}

static bool probe_fits_windows(const struct tcp_pcb *pcb, unsigned len)
{
    const struct tcp_recovery *r = &pcb->net.rec;

    return r->state == TCP_REC_OPEN && !r->lost.first && !pcb->persist_backoff &&
           pcb->snd_nxt - pcb->lastack + len <= pcb->snd_wnd &&
           tcp_flight(r) + len <= tcp_cc_window(&pcb->net.cc);
}

static void probe_begin(struct tcp_pcb *pcb)
{
    struct tcp_mtu *m = &pcb->net.mtu;
    struct tcp_seg *last;
    unsigned len;

    if (m->next > tcp_mtu_longest(pcb))
        m->next = (uint16_t)tcp_mtu_longest(pcb);
    if (m->next <= m->passes) {
        m->next = 0;
        return;
    }
    len = m->next - tcp_mtu_headers(pcb) - (LWIP_TCP_OPT_LENGTH(pcb->unsent->flags));
    if (!probe_fits_windows(pcb, len) || !(last = probe_last(pcb, len)) ||
        !probe_join(pcb, last, len))
        return;
    m->probe = m->next;
    m->probe_end = lwip_ntohl(pcb->unsent->tcphdr->seqno) + len;
}

bool tcp_mtu_probe_is(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    const struct tcp_mtu *m = &pcb->net.mtu;

    return m->probe && lwip_ntohl(seg->tcphdr->seqno) + seg->len == m->probe_end &&
           seg->len > tcp_seg_most(pcb, seg);
}

bool tcp_mtu_probe_step(struct tcp_pcb *pcb)
{
    struct tcp_mtu *m = &pcb->net.mtu;

    if (m->probe && TCP_SEQ_GEQ(pcb->lastack, m->probe_end))
        probe_arrived(pcb);
    if (!pcb->unsent)
        return false;
    if (m->probe && TCP_SEQ_LT(pcb->snd_nxt, m->probe_end) && !tcp_mtu_probe_is(pcb, pcb->unsent))
        m->probe = 0; /* it was divided for a small window */
    if (!m->probe && m->next)
        probe_begin(pcb);
    return tcp_mtu_probe_is(pcb, pcb->unsent);
}

/* ---- black holes ----------------------------------------------------------------------------- */

/* Has the peer a segment that is as long, and behind the one that it lacks? */
static bool probe_peer_has(const struct tcp_pcb *pcb, unsigned len)
{
    for (const struct tcp_seg *s = pcb->unacked; s; s = s->next)
        if ((s->net.flags & TCP_SEG_SACKED) && tcp_seg_packet(&s->net, s->len) >= len)
            return true;
    return false;
}

void tcp_mtu_timeout(struct tcp_pcb *pcb)
{
    struct tcp_mtu *m = &pcb->net.mtu;
    const struct tcp_seg *head = pcb->unacked;
    unsigned len, packet, least;

    if (!probe_on || !m->peer || !head)
        return;
    len = tcp_seg_packet(&head->net, head->len);
    packet = len + (LWIP_TCP_OPT_LENGTH(head->flags)) + tcp_mtu_headers(pcb);
    least = IP_IS_V6_VAL(pcb->remote_ip) ? NET_PATH_LEAST6
            : packet > FIRST_BASE4       ? FIRST_BASE4
                                         : NET_PATH_LEAST4;
    if (packet <= least || packet <= ANY_PATH4 || probe_peer_has(pcb, len))
        return;
    if (!m->stuck || m->stuck_una != pcb->lastack) {
        m->stuck = true;
        m->stuck_una = pcb->lastack;
        return;
    }
    probe_search(m, least, tcp_mtu_longest(pcb));
    tcp_mtu_update(pcb);
    tcp_cc_timeout(&pcb->net.cc, tcp_flight(&pcb->net.rec), true); /* one segment, a small one */
}
