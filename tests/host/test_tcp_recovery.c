/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_recovery.c - what TCP sends again, and what not: holes that SACK or duplicate
 * acknowledgements tell of, reductions that were for nothing, blocks that lie, segments that a
 * block or an acknowledgement covers in part (net/lwip/tcp_sack.c, tcp_cut.c, tcp_recovery.c).
 */
#include <string.h>

#include "check.h"
#include "hal.h"
#include "net_impl.h"
#include "receiver.h"
#include "tasks.h"
#include "tcp_scoreboard.h"

static struct tcp_recovery *rec(void)
{
    return &receiver.pcb->net.rec;
}

static uint32_t cwnd(void)
{
    return tcp_cc_window(&receiver.pcb->net.cc);
}

/* The scoreboard is what its lists and flags say. */
static void check_scoreboard(void)
{
    const struct tcp_recovery *r = rec();
    uint32_t in_flight = 0, lost = 0, sacked = 0;
    unsigned lists = 0, listed = 0;
    const struct tcp_seg *run = NULL;

    for (const struct tcp_seg *s = receiver.pcb->unacked; s; s = s->next) {
        uint32_t len = s->net.end - s->net.seq;

        *(s->net.flags & TCP_SEG_SACKED ? &sacked
          : s->net.flags & TCP_SEG_LOST ? &lost
                                        : &in_flight) += len;
        lists += !!(s->net.flags & (TCP_SEG_LOST | TCP_SEG_RESENT));
        CHECK_EQ(lwip_ntohl(s->tcphdr->seqno) + s->net.cut, s->net.seq);
        if (s->next)
            CHECK_EQ(s->net.end, s->next->net.seq);
        else
            CHECK(s == receiver.pcb->net.unacked_last);
        if (!(s->net.flags & TCP_SEG_SACKED)) {
            run = NULL;
        } else if (!run) {
            run = s;
        }
        if (run && (!s->next || !(s->next->net.flags & TCP_SEG_SACKED)))
            CHECK(run->net.run_end == s);
    }
    for (const struct tcp_seg *s = r->lost.first; s; s = s->net.next, listed++)
        CHECK((s->net.flags & TCP_SEG_LOST) &&
              (!s->net.next || tcp_before(s->net.seq, s->net.next->net.seq)));
    for (const struct tcp_seg *s = r->resent.first; s; s = s->net.next, listed++)
        CHECK(s->net.flags & TCP_SEG_RESENT);
    CHECK_EQ(r->in_flight, in_flight);
    CHECK_EQ(r->lost_bytes, lost);
    CHECK_EQ(r->sacked_bytes, sacked);
    CHECK_EQ(lists, listed);
}

/* Ten segments arrive, and thirty more wait. */
static void ten_of_forty(bool sack)
{
    receiver_boot(sack);
    receiver_feed(40 * SEG);
    CHECK_EQ(receiver.heard, 10); /* RFC 6928 */
}

/* ---- holes ----------------------------------------------------------------------------------- */

/* Two holes in one window: both are filled at once, and nothing else is sent twice. */
static void two_holes(void)
{
    ten_of_forty(true);
    receiver_say(2, 3, 4);
    receiver_say(2, 3, 5);
    receiver_run_ms(12);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    receiver_ack(2 * SEG, SEGS(6, 7), SEGS(3, 5), NONE);
    check_scoreboard();
    receiver_ack(2 * SEG, SEGS(6, 10), SEGS(3, 5), NONE);
    check_scoreboard();
    receiver_ack(5 * SEG, SEGS(6, 17), NONE, NONE);
    check_scoreboard();
    for (unsigned i = 0; i < 17; i++)
        CHECK_EQ(receiver_times_seg(i), i == 2 || i == 5 ? 2u : 1u);
    CHECK_EQ(rec()->total_timeouts, 0);
    CHECK_EQ(rec()->total_resent, 2);
    CHECK_EQ(rec()->state, TCP_REC_RECOVERY);
    uint32_t ssthresh = receiver.pcb->net.cc.ssthresh;
    receiver_ack(receiver.pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK_EQ(receiver.pcb->net.cc.ssthresh, ssthresh); /* one reduction */
    check_scoreboard();
}

/* A retransmission that is lost is sent once more, since one sent later arrived. */
static void a_lost_retransmission(void)
{
    ten_of_forty(true);
    receiver_ack(0, SEGS(3, 8), NONE, NONE);
    CHECK_EQ(receiver_times_seg(0), 2);
    CHECK_EQ(receiver_times_seg(1), 2);
    CHECK_EQ(receiver_times_seg(2), 2);
    receiver_ack(0, SEGS(2, 8), NONE, NONE); /* 2, but neither 0 nor 1 */
    receiver_ack(0, SEGS(2, 10), NONE, NONE);
    receiver_ack(0, SEGS(2, 11), NONE, NONE);
    check_scoreboard();
    CHECK_EQ(receiver_times_seg(0), 3);
    CHECK_EQ(receiver_times_seg(1), 3);
    CHECK_EQ(rec()->total_timeouts, 0);
}

/* Duplicates of peers without SACK: the third one resends, a partial acknowledgement the next. */
static void holes_without_sack(void)
{
    ten_of_forty(false);
    receiver_ack(2 * SEG, NONE, NONE, NONE);
    unsigned before = receiver.heard;
    receiver_say(2, 0, 0);
    receiver_run_ms(21);
    CHECK_EQ(receiver.heard, before + 1); /* limited transmit: new data */
    receiver_say(2, 0, 0);
    receiver_run_ms(21);
    CHECK_EQ(receiver.heard, before + 2);
    CHECK_EQ(receiver_times_seg(2), 1);
    receiver_say(2, 0, 0);
    receiver_run_ms(21);
    CHECK_EQ(receiver_times_seg(2), 2);
    CHECK_EQ(receiver_times_seg(5), 1);
    receiver_ack(5 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver_times_seg(5), 2);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(receiver_times_seg(i), i == 2 || i == 5 ? 2u : 1u);
    receiver_ack(receiver.pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK_EQ(rec()->total_timeouts, 0);
    check_scoreboard();
}

/* More duplicates than there are segments do not open the window further. */
static void duplicates_without_end(void)
{
    ten_of_forty(false);
    for (unsigned i = 0; i < 100; i++)
        receiver_say(0, 0, 0);
    receiver_run_ms(21);
    CHECK(rec()->dup_bytes <= receiver.pcb->snd_nxt - receiver.pcb->lastack - SEG);
    CHECK_EQ(receiver_times_seg(0), 2);
    check_scoreboard();
}

/* New data for the first two duplicates (RFC 3042), with SACK as well. */
static void limited_transmit(void)
{
    ten_of_forty(true);
    receiver_say(0, 1, 2);
    receiver_run_ms(1);
    receiver_say(0, 1, 3);
    receiver_run_ms(19);
    CHECK_EQ(receiver.heard, 11);
    receiver_run_ms(2);
    CHECK_EQ(receiver.heard, 12);
    CHECK_EQ(receiver_times_seg(0), 1);
}

/* ---- reordering ------------------------------------------------------------------------------ */

/* Once reordering was seen, a segment is late for a quarter of a round trip before it is lost. */
static void late_is_not_lost(void)
{
    ten_of_forty(true);
    receiver_say(0, 1, 3);
    receiver_ack(3 * SEG, NONE, NONE, NONE); /* it was late, and not sent again */
    CHECK(rec()->reordering);
    CHECK_EQ(rec()->total_resent, 0);
    receiver_say(3, 4, 9);
    receiver_run_ms(10);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    receiver_run_ms(30);
    CHECK_EQ(receiver_times_seg(3), 2);
    CHECK_EQ(rec()->total_timeouts, 0);
}

/* All that was sent again is reported as duplicate (RFC 2883): the window is what it was. */
static void duplicates_undo(void)
{
    ten_of_forty(true);
    uint32_t before = cwnd();
    receiver_say(0, 1, 4);
    receiver_run_ms(17);
    receiver_say(4, 0, 0); /* the first copy was late */
    receiver_run_ms(1);
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver_times_seg(0), 2);
    CHECK_EQ(rec()->total_resent, 1);
    CHECK(cwnd() < before);
    receiver_ack(10 * SEG, SEGS(0, 1), NONE, NONE);
    CHECK(cwnd() >= before);
    CHECK_EQ(rec()->total_undone, 1);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK_EQ(rec()->reo_mult, 1);
    receiver_ack(10 * SEG, SEGS(0, 1), NONE, NONE);
    CHECK_EQ(rec()->total_undone, 1);
    CHECK_EQ(rec()->reo_mult, 1); /* once a round trip */
    check_scoreboard();
}

/* What arrives much sooner than it can, since it was sent again, was only late: no DSACK needed. */
static void late_after_all(void)
{
    ten_of_forty(true);
    uint32_t before = cwnd();
    receiver_say(0, 2, 5);
    receiver_run_ms(11);
    CHECK_EQ(rec()->total_resent, 2);
    CHECK_EQ(rec()->state, TCP_REC_RECOVERY);
    receiver_say(1, 2, 5);
    receiver_run_ms(1);
    receiver_say(5, 0, 0);
    receiver_run_ms(9);
    CHECK_EQ(rec()->total_undone, 0); /* one of two */
    receiver_run_ms(2);
    CHECK_EQ(rec()->total_undone, 1);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK(cwnd() >= before);
    CHECK_EQ(rec()->reo_mult, 1);
    check_scoreboard();
}

/* A duplicate of data that has arrived out of order is a part of the second block. */
static void a_duplicate_in_a_block(void)
{
    ten_of_forty(true);
    receiver_say(0, 2, 5);
    receiver_run_ms(11);
    CHECK_EQ(rec()->total_resent, 2);
    uint32_t edges[] = {receiver.base + SEG, receiver.base + 2 * SEG, receiver.base + SEG,
                        receiver.base + 5 * SEG};
    receiver_run_ms(6);
    receiver_raw(receiver.base, 2, edges);
    receiver_run_ms(1);
    receiver_say(5, 0, 0);
    receiver_run_ms(11);
    CHECK_EQ(rec()->total_undone, 0); /* one of two */
    receiver_ack(5 * SEG, SEGS(0, 1), NONE, NONE);
    CHECK_EQ(rec()->total_undone, 1);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void blocks_that_lie(void)
{
    ten_of_forty(true);
    uint32_t base = receiver.base;
    const uint32_t edges[][2] = {
        {base + 10 * SEG, base + 11 * SEG}, /* not sent yet */
        {base + 5 * SEG, base + 11 * SEG},
        {base + 4 * SEG, base + 3 * SEG}, /* turned around */
        {base + 4 * SEG, base + 4 * SEG},
        {base - 5 * SEG, base - 4 * SEG},
        {base - 5 * SEG, base + 5 * SEG},
        {base, base + 5 * SEG}, /* what is missing, by the acknowledgement */
        {base + 0x80000000u, base + SEG},
    };
    for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        receiver_raw(base, 1, edges[i]);
        receiver_run_ms(1);
    }
    receiver_run_ms(11);
    CHECK_EQ(rec()->sacked_bytes, 0);
    CHECK_EQ(rec()->in_flight, 10 * SEG);
    CHECK(!rec()->total_undone && !rec()->reo_mult);
    check_scoreboard();
}

/* Holes are filled in any order, by blocks that overlap. */
static void blocks_in_any_order(void)
{
    ten_of_forty(true);
    receiver_ack(0, SEGS(8, 9), NONE, NONE);
    check_scoreboard();
    receiver_ack(0, SEGS(2, 3), SEGS(8, 9), NONE);
    check_scoreboard();
    receiver_ack(0, SEGS(4, 6), SEGS(2, 3), SEGS(8, 9));
    check_scoreboard();
    receiver_ack(0, SEGS(2, 6), SEGS(8, 9), NONE);
    check_scoreboard();
    receiver_ack(0, SEGS(1, 10), NONE, NONE);
    check_scoreboard();
    CHECK_EQ(rec()->sacked_bytes, 9 * SEG);
    CHECK(rec()->top == receiver.pcb->unacked->next);
    receiver_ack(5 * SEG, SEGS(7, 10), NONE, NONE); /* 5 and 6 are gone again: nobody does that */
    check_scoreboard();
    CHECK(rec()->top == receiver.pcb->unacked);
    receiver_ack(12 * SEG, NONE, NONE, NONE);
    check_scoreboard();
}

/* ---- parts of segments ----------------------------------------------------------------------- */

/* A block that ends within a segment cuts it, and the missing part alone is sent again. */
static void cut_at_a_block(void)
{
    ten_of_forty(true);
    receiver_ack(0, (struct arrived){700, 5 * SEG - 600}, NONE, NONE);
    check_scoreboard();
    CHECK_EQ(rec()->sacked_bytes, 5 * SEG - 1300);
    CHECK_EQ(receiver_times(0), 2);
    CHECK_EQ(receiver_times(699), 2);
    CHECK_EQ(receiver_times(700), 1);
    CHECK_EQ(rec()->pieces, 2);
    receiver_ack(0, (struct arrived){700, 5 * SEG - 600}, SEGS(6, 10), NONE);
    receiver_run_ms(100);
    CHECK_EQ(receiver_times(5 * SEG - 601), 1);
    CHECK_EQ(receiver_times(5 * SEG - 600), 2);
    check_scoreboard();
    receiver_ack(40 * SEG < receiver.pcb->snd_nxt - receiver.base
                     ? 40 * SEG
                     : receiver.pcb->snd_nxt - receiver.base,
                 NONE, NONE, NONE);
    CHECK_EQ(rec()->pieces, 0);
    CHECK_EQ(rec()->in_flight, receiver.pcb->snd_nxt - receiver.pcb->lastack);
}

/* An acknowledgement within a segment frees its front at once; what is sent again begins there. */
static void cut_at_an_acknowledgement(void)
{
    ten_of_forty(true);
    uint32_t room = receiver.pcb->snd_buf;
    receiver_ack(2 * SEG + 501, NONE, NONE, NONE);
    check_scoreboard();
    CHECK_EQ(receiver.pcb->snd_buf, room + 2 * SEG + 501);
    receiver_ack(2 * SEG + 501, SEGS(3, 10), NONE, NONE);
    CHECK_EQ(receiver_times(2 * SEG + 500), 1);
    CHECK_EQ(receiver_times(2 * SEG + 501), 2);
    CHECK_EQ(receiver_times(3 * SEG - 1), 2);
    check_scoreboard();
    uint32_t all = receiver.pcb->snd_nxt - receiver.base;
    receiver_ack(all, NONE, NONE, NONE);
    CHECK_EQ(receiver.pcb->snd_buf, room + all);
}

/* Without memory for a piece, or while a driver holds the segment, it counts as missing. */
static void no_memory_to_cut(void)
{
    ten_of_forty(true);
    static void *hog[60000];
    unsigned n = 0;
    struct pbuf *held = receiver.pcb->unacked->p;
    pbuf_ref(held);
    receiver_ack(0, (struct arrived){700, 2 * SEG}, NONE, NONE);
    pbuf_free(held);
    CHECK_EQ(rec()->pieces, 0);
    CHECK_EQ(rec()->sacked_bytes, 0);
    receiver_say(0, 0, 0);
    receiver_run_ms(9);
    while (n < 60000 && (hog[n] = net_malloc(512)))
        n++;
    uint32_t edges[] = {receiver.base + 700, receiver.base + 5 * SEG};
    receiver_raw(receiver.base, 1, edges);
    receiver_run_ms(21);
    CHECK_EQ(rec()->pieces, 0);
    CHECK_EQ(rec()->sacked_bytes, 0);
    check_scoreboard();
    while (n)
        net_free(hog[--n]);
    receiver_run_ms(3000);
    CHECK(receiver_times(0) >= 2);
}

/* Odd blocks do not cost memory without end. */
static void pieces_are_bounded(void)
{
    ten_of_forty(true);
    for (unsigned i = 0; i < 400; i++) {
        uint32_t at = receiver.base + SEG + 4 + i * 20, edges[] = {at, at + 2};

        receiver_raw(receiver.base, 1, edges);
        receiver_run_ms(1);
    }
    receiver_run_ms(21);
    CHECK_EQ(rec()->pieces, 256);
    check_scoreboard();
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    check_scoreboard();
    CHECK_EQ(rec()->pieces, 0);
}

/* ---- queues ---------------------------------------------------------------------------------- */

/* A queue that seems to end early would mislead who walks it; its end is known. */
static void nothing_is_walked(void)
{
    ten_of_forty(true);
    struct tcp_pcb *pcb = receiver.pcb;
    pcb->snd_buf = 1 << 20;
    receiver_feed(200 * SEG);
    struct tcp_seg *second = pcb->unsent->next, *later = second->next;

    CHECK(pcb->net.unsent_last->next == NULL);
    second->next = NULL; /* the end, for whoever walks there */
    net_enter();
    CHECK_EQ(tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY), ERR_OK);
    tcp_input_pcb = pcb; /* nothing is sent yet */
    CHECK_EQ(tcp_shutdown(pcb, 0, 1), ERR_OK);
    tcp_input_pcb = NULL;
    net_leave();
    CHECK(second->next == NULL);
    second->next = later;
    CHECK(TCPH_FLAGS(pcb->net.unsent_last->tcphdr) & TCP_FIN);
    CHECK(later != NULL && pcb->net.unsent_last->next == NULL);
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    for (unsigned i = 0; pcb->unacked && i < 40; i++)
        receiver_ack(pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK_EQ(receiver_last().at, 240 * SEG);
}

static const struct test_case cases[] = {
    {"two_holes", two_holes},
    {"a_lost_retransmission", a_lost_retransmission},
    {"holes_without_sack", holes_without_sack},
    {"duplicates_without_end", duplicates_without_end},
    {"limited_transmit", limited_transmit},
    {"late_is_not_lost", late_is_not_lost},
    {"duplicates_undo", duplicates_undo},
    {"late_after_all", late_after_all},
    {"a_duplicate_in_a_block", a_duplicate_in_a_block},
    {"blocks_that_lie", blocks_that_lie},
    {"blocks_in_any_order", blocks_in_any_order},
    {"cut_at_a_block", cut_at_a_block},
    {"cut_at_an_acknowledgement", cut_at_an_acknowledgement},
    {"no_memory_to_cut", no_memory_to_cut},
    {"pieces_are_bounded", pieces_are_bounded},
    {"nothing_is_walked", nothing_is_walked},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
