/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_recovery_timer.c - what TCP sends when no acknowledgement comes: timeouts and their
 * doubling, the probe of the tail, the end of patience, and what is undone when a timeout came too
 * early (net/lwip/tcp_resend.c, tcp_recovery.c).
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

/* Milliseconds between what was heard i-th and the one before it. */
static unsigned gap_ms(unsigned i)
{
    CHECK(i && i < receiver.heard);
    return (unsigned)((receiver.told[i].ns - receiver.told[i - 1].ns) / HAL_MS);
}

static void check_gap(unsigned i, unsigned ms)
{
    CHECK(gap_ms(i) + 1 >= ms && gap_ms(i) <= ms + 1);
}

/* ---- SYN and FIN ----------------------------------------------------------------------------- */

/* RFC 6298: one second, doubled; RFC 9293, 3.8.3: for three minutes. */
static void a_syn_that_nobody_answers(void)
{
    receiver_boot_mute();
    receiver_run_ms(179000);
    CHECK(receiver.pcb != NULL);
    CHECK_EQ(receiver.heard, 8);
    for (unsigned i = 1; i < receiver.heard; i++)
        check_gap(i, 1000u << (i - 1));
    receiver_run_ms(2000);
    CHECK(receiver.pcb == NULL);
    CHECK_EQ(receiver.err, ERR_ABRT);
    CHECK_EQ(receiver.heard, 8);
}

/* After the SYN was lost twice: one segment (RFC 5681, 3.1; RFC 6928, section 2), and three seconds
 * (RFC 6298, 5.7). */
static void data_after_a_lost_syn(void)
{
    receiver_boot_mute();
    receiver_run_ms(1500);
    receiver.mute = false;
    receiver_run_ms(2000);
    CHECK_EQ(receiver.pcb->state, ESTABLISHED);
    CHECK_EQ(receiver.pcb->net.rtt.srtt_us, 0); /* Karn's rule */
    receiver_forget();
    receiver.sack = false;
    receiver_feed(5 * SEG);
    CHECK_EQ(receiver.heard, 1);
    receiver_run_ms(3100);
    CHECK_EQ(receiver.heard, 2);
    check_gap(1, 3000);
}

static void a_syn_ack_that_is_lost(void)
{
    static const uint8_t none[1];
    struct segment s = {.sport = 4000,
                        .dport = 80,
                        .seq = 1,
                        .flags = SEG_SYN,
                        .window = 1000,
                        .mss = 1460,
                        .scale = SEG_NO_OPTS,
                        .data = none};
    uint8_t packet[200];

    receiver_boot(true);
    net_enter();
    struct tcp_pcb *l = tcp_new();
    CHECK_EQ(tcp_bind(l, IP_ADDR_ANY, 80), ERR_OK);
    l = tcp_listen(l);
    net_leave();
    receiver.mute = true;
    path_send(PATH_B, packet, segment_make(&s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
    receiver_run_ms(16000);
    CHECK_EQ(receiver.heard, 5);
    for (unsigned i = 1; i < 5; i++) /* looked at every 250 ms (tcp_half_open.c) */
        CHECK(gap_ms(i) + 251 >= 1000u << (i - 1) && gap_ms(i) <= (1000u << (i - 1)) + 251);
    receiver_forget();
    path_send(PATH_B, packet, segment_make(&s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
    receiver_run_ms(21);
    CHECK_EQ(receiver.heard, 1); /* the client repeats its SYN: answered at once */
    net_enter();
    tcp_close(l);
    net_leave();
}

static void a_fin_that_is_lost(void)
{
    receiver_boot(true);
    net_enter();
    CHECK_EQ(tcp_shutdown(receiver.pcb, 0, 1), ERR_OK);
    net_leave();
    receiver_run_ms(1000);
    CHECK_EQ(receiver.pcb->state, FIN_WAIT_1);
    CHECK(receiver.heard >= 3);
    for (unsigned i = 0; i < receiver.heard; i++)
        CHECK(receiver.told[i].flags & SEG_FIN && !receiver.told[i].len);
    receiver_raw(receiver.base + 1, 0, NULL);
    receiver_run_ms(12);
    CHECK_EQ(receiver.pcb->state, FIN_WAIT_2);
    receiver_forget();
    receiver_run_ms(2000);
    CHECK_EQ(receiver.heard, 0);
}

/* ---- timeouts -------------------------------------------------------------------------------- */

/* One segment each time, later and later; the end after three minutes. */
static void silence(void)
{
    receiver_boot(false);
    receiver_feed(5 * SEG);
    uint64_t began = receiver.told[0].ns;
    receiver_run_ms(30000);
    uint32_t rto = receiver.pcb->net.rtt.rto_us / 1000;
    CHECK_EQ(rto, 220);
    CHECK_EQ(receiver.heard, 12); /* at 0.22 s, 0.66, 1.54, 3.3, 6.8, 13.9, 27.9 */
    for (unsigned i = 5; i < 12; i++) {
        CHECK_EQ(receiver.told[i].at, 0);
        check_gap(i, rto << (i - 5));
    }
    receiver_run_ms(150000 - 100 - (hal_now_ns() - began - 30000 * HAL_MS) / HAL_MS);
    CHECK(receiver.pcb != NULL);
    receiver_run_ms(200);
    CHECK_EQ(receiver.err, ERR_ABRT);
}

/* A user may have less patience. */
static void patience(void)
{
    receiver_boot(true);
    rec()->patience_ms = 5000;
    receiver_feed(5 * SEG);
    receiver_run_ms(4900);
    CHECK(receiver.pcb != NULL);
    receiver_run_ms(200);
    CHECK_EQ(receiver.err, ERR_ABRT);
}

/* After a timeout, the window grows from one segment; what arrived is not sent again. */
static void after_a_timeout(void)
{
    receiver_boot(true);
    receiver_feed(10 * SEG);
    receiver_say(0, 4, 5);
    receiver_run_ms(11);
    receiver_forget();
    receiver_run_ms(260);
    CHECK_EQ(rec()->state, TCP_REC_LOSS);
    CHECK_EQ(receiver_last().at, 0);
    CHECK_EQ(tcp_cc_window(&receiver.pcb->net.cc), SEG);
    receiver_ack(SEG, SEGS(4, 5), NONE, NONE);
    receiver_ack(3 * SEG, SEGS(4, 5), NONE, NONE);
    receiver_ack(7 * SEG, NONE, NONE, NONE);
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver_times_seg(4), 0);
    for (unsigned i = 1; i < 10; i++)
        CHECK(i == 4 || receiver_times_seg(i) >= 1);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK(receiver.pcb->unacked == NULL);
}

/* The peer has thrown away what it had reported (RFC 2018, section 8). */
static void reneging(void)
{
    receiver_boot(true);
    receiver_feed(10 * SEG);
    receiver_ack(0, SEGS(2, 10), NONE, NONE);
    receiver_ack(2 * SEG, NONE, NONE, NONE);
    CHECK_EQ(rec()->sacked_bytes, 8 * SEG);
    receiver_forget();
    receiver_run_ms(300);
    CHECK_EQ(rec()->sacked_bytes, 0);
    CHECK_EQ(receiver_times_seg(2), 1);
    for (unsigned i = 3; i <= 10; i++)
        receiver_ack(i * SEG, NONE, NONE, NONE);
    for (unsigned i = 3; i < 10; i++)
        CHECK_EQ(receiver_times_seg(i), 1);
    CHECK(receiver.pcb->unacked == NULL);
}

/* Karn's rule: what arrived long ago is acknowledged when the hole before it is filled. */
static void no_sample_behind_a_hole(void)
{
    receiver_boot(true);
    receiver_feed(3 * SEG);
    rec()->probing = true;
    receiver_run_ms(500);
    CHECK_EQ(rec()->total_timeouts, 1);
    receiver_ack(SEG, SEGS(2, 3), NONE, NONE);
    CHECK_EQ(receiver.pcb->net.rtt.srtt_us / 1000, 20);
    receiver_ack(3 * SEG, NONE, NONE, NONE);
    CHECK(receiver.pcb->unacked == NULL);
    CHECK_EQ(receiver.pcb->net.rtt.srtt_us / 1000, 20);
    receiver_feed(3 * SEG); /* without a timeout */
    receiver_ack(3 * SEG, SEGS(4, 5), NONE, NONE);
    receiver_run_ms(100);
    receiver_ack(6 * SEG, NONE, NONE, NONE);
    CHECK(receiver.pcb->unacked == NULL);
    CHECK_EQ(receiver.pcb->net.rtt.srtt_us / 1000, 20);
}

/* All was only late (RFC 5682): nothing but the first segment is sent again. */
static void a_timeout_for_nothing(void)
{
    receiver_boot(true);
    receiver_feed(10 * SEG);
    receiver_feed(20 * SEG);
    uint32_t window = tcp_cc_window(&receiver.pcb->net.cc);
    rec()->probing = true; /* no probe, so that it is clear what is sent */
    receiver_run_ms(225);
    CHECK_EQ(rec()->state, TCP_REC_LOSS);
    CHECK_EQ(receiver_times_seg(0), 2);
    for (unsigned i = 1; i <= 10; i++) {
        receiver_say(i, 0, 0);
        receiver_run_ms(1);
    }
    receiver_run_ms(30);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK_EQ(rec()->total_undone, 1);
    CHECK(tcp_cc_window(&receiver.pcb->net.cc) >= window);
    CHECK_EQ(receiver_times_seg(0), 2);
    for (unsigned i = 1; i < 30; i++)
        CHECK(receiver_times_seg(i) <= 1);
}

/* The echo of a time stamp tells at once that the first copy has arrived, after all (RFC 3522). */
static void an_echo_of_the_first_copy(void)
{
    receiver_boot_stamps();
    receiver_feed(10 * 1448);
    CHECK_EQ(receiver.heard, 10);
    receiver.echo = receiver.told[0].stamp;
    rec()->probing = true; /* no probe */
    uint32_t window = tcp_cc_window(&receiver.pcb->net.cc);
    receiver_run_ms(225);
    CHECK_EQ(rec()->state, TCP_REC_LOSS);
    receiver_forget();
    receiver_raw(receiver.base + 1448, 0, NULL);
    receiver_run_ms(11);
    CHECK_EQ(rec()->state, TCP_REC_OPEN);
    CHECK_EQ(rec()->total_undone, 1);
    CHECK(tcp_cc_window(&receiver.pcb->net.cc) >= window);
    receiver_raw(receiver.base + 10 * 1448, 0, NULL);
    receiver_run_ms(30);
    CHECK_EQ(receiver.heard, 0);
}

static void an_echo_of_the_second_copy(void)
{
    receiver_boot_stamps();
    receiver_feed(10 * 1448);
    rec()->probing = true;
    receiver_run_ms(235);
    CHECK_EQ(receiver.heard, 11);
    receiver.echo = receiver_last().stamp;
    receiver_raw(receiver.base + 1448, 0, NULL);
    receiver_run_ms(11);
    CHECK_EQ(rec()->state, TCP_REC_LOSS);
    CHECK_EQ(rec()->total_undone, 0);
}

/* A segment that the driver still holds has not left: it is not sent a second time. */
static void a_driver_holds_the_segment(void)
{
    receiver_boot(false);
    receiver_feed(SEG);
    struct pbuf *p = receiver.pcb->unacked->p;
    pbuf_ref(p);
    receiver_run_ms(2000);
    CHECK_EQ(receiver.heard, 1);
    CHECK_EQ(rec()->total_timeouts, 0);
    pbuf_free(p);
    receiver_run_ms(25);
    CHECK_EQ(receiver.heard, 2);
    CHECK_EQ(rec()->total_timeouts, 1);
    pbuf_ref(p);
    receiver_run_ms(190000);
    CHECK_EQ(receiver.err, ERR_ABRT); /* this wait ends as well */
    pbuf_free(p);
}

/* Nothing can be sent, as there is no way to the peer any more: that ends, too. */
static void no_way_out(void)
{
    receiver_boot(true);
    net_enter();
    struct netif *n = ip_route(&receiver.pcb->local_ip, &receiver.pcb->remote_ip);
    netif_set_link_down(n);
    net_leave();
    receiver_feed(SEG);
    receiver_run_ms(170000);
    CHECK(receiver.pcb != NULL);
    CHECK_EQ(receiver.heard, 0);
    receiver_run_ms(12000);
    CHECK_EQ(receiver.err, ERR_ABRT);
    net_enter();
    netif_set_link_up(n);
    net_leave();
}

/* ---- probes ---------------------------------------------------------------------------------- */

/* The last segment is lost: two round trips later it is sent again, and one reduction follows. */
static void the_tail_is_lost(void)
{
    receiver_boot(true);
    receiver_feed(5 * SEG);
    receiver_ack(4 * SEG, NONE, NONE, NONE);
    receiver_forget();
    receiver_run_ms(300);
    CHECK_EQ(receiver.heard >= 1, true);
    CHECK_EQ(receiver.told[0].at, 4 * SEG);
    CHECK_EQ(rec()->total_timeouts, 0);
    uint32_t window = tcp_cc_window(&receiver.pcb->net.cc);
    receiver_ack(5 * SEG, NONE, NONE, NONE);
    receiver_feed(SEG);
    receiver_ack(6 * SEG, NONE, NONE, NONE);
    CHECK(tcp_cc_window(&receiver.pcb->net.cc) < window);
}

/* Several segments of the tail are lost: the probe's SACK tells, and no timeout is needed. */
static void more_of_the_tail_is_lost(void)
{
    receiver_boot(true);
    receiver_feed(10 * SEG);
    uint64_t sent = receiver_last().ns;
    receiver_run_ms(45);
    CHECK_EQ(receiver.heard, 11);
    CHECK_EQ(receiver_last().at, 9 * SEG);
    CHECK(receiver_last().ns - sent > 40 * HAL_MS && receiver_last().ns - sent < 44 * HAL_MS);
    receiver_ack(0, SEGS(9, 10), NONE, NONE);
    CHECK_EQ(receiver_times_seg(0), 2);
    receiver_ack(SEG, SEGS(9, 10), NONE, NONE);
    receiver_ack(3 * SEG, SEGS(9, 10), NONE, NONE);
    receiver_ack(6 * SEG, SEGS(9, 10), NONE, NONE);
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(receiver_times_seg(i), 2);
    CHECK(receiver.pcb->unacked == NULL);
    CHECK_EQ(rec()->total_timeouts, 0);
}

/* The probe was for nothing, as its duplicate tells: the window stays. */
static void a_probe_for_nothing(void)
{
    receiver_boot(true);
    receiver_feed(3 * SEG);
    receiver_run_ms(45);
    CHECK_EQ(receiver.heard, 4);
    uint32_t window = tcp_cc_window(&receiver.pcb->net.cc);
    receiver_say(3, 0, 0);
    receiver_ack(3 * SEG, SEGS(2, 3), NONE, NONE);
    receiver_feed(SEG);
    receiver_ack(4 * SEG, NONE, NONE, NONE);
    CHECK(tcp_cc_window(&receiver.pcb->net.cc) >= window);
    CHECK_EQ(rec()->total_undone, 0);
}

/* New data is a better probe. */
static void a_probe_of_new_data(void)
{
    receiver_boot(true);
    receiver_feed(12 * SEG);
    CHECK_EQ(receiver.heard, 10);
    receiver_run_ms(45);
    CHECK_EQ(receiver.heard, 11);
    CHECK_EQ(receiver_last().at, 10 * SEG);
    receiver_run_ms(100);
    CHECK_EQ(receiver.heard, 11); /* one probe */
}

/* ---- windows and pauses ---------------------------------------------------------------------- */

/* While the closed window is probed, nothing times out. */
static void a_closed_window(void)
{
    receiver_boot(true);
    receiver_feed(5 * SEG);
    receiver.window = 0;
    receiver_ack(5 * SEG, NONE, NONE, NONE);
    receiver_feed(5 * SEG);
    for (unsigned i = 0; i < 250; i++) {
        receiver_run_ms(1000);
        CHECK(receiver.pcb != NULL);
        receiver_raw(receiver.pcb->lastack, 0, NULL);
    }
    CHECK_EQ(rec()->total_timeouts, 0);
    receiver.window = 0xffff;
    receiver_forget();
    receiver_ack(5 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver_times_seg(9), 1);
}

/* The byte of such a probe may be acknowledged: it is not sent again with the rest. */
static void a_probed_byte(void)
{
    receiver_boot(true);
    receiver.window = 0;
    receiver_raw(receiver.base, 0, NULL);
    receiver_run_ms(11);
    receiver_feed(2 * SEG);
    receiver_run_ms(3000);
    CHECK(receiver.heard && receiver_last().len == 1);
    uint32_t room = receiver.pcb->snd_buf;
    receiver_ack(1, NONE, NONE, NONE);
    CHECK_EQ(receiver.pcb->snd_buf, room + 1);
    receiver_forget();
    receiver.window = 0xffff;
    receiver_ack(1, NONE, NONE, NONE);
    CHECK_EQ(receiver.told[0].at, 1);
    receiver_ack(1 + SEG, NONE, NONE, NONE);
    receiver_ack(2 * SEG, NONE, NONE, NONE);
    CHECK(receiver.pcb->unacked == NULL && receiver.pcb->unsent == NULL);
    CHECK_EQ(receiver.pcb->snd_buf, room + 2 * SEG);
}

/* The window shrinks over data in flight: its first segment is the probe, for as long as it takes.
 */
static void a_window_that_shrinks(void)
{
    receiver_boot(true);
    receiver_feed(5 * SEG);
    receiver.window = 0;
    receiver_ack(2 * SEG, NONE, NONE, NONE);
    for (unsigned i = 0; i < 250; i++) {
        receiver_run_ms(1000);
        CHECK(receiver.pcb != NULL);
        receiver_raw(receiver.pcb->lastack, 0, NULL);
    }
    CHECK_EQ(receiver_times_seg(3), 1);
    CHECK(receiver_times_seg(2) > 3);
    receiver.window = SEG; /* of the two that are lost, one */
    receiver_ack(3 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver_times_seg(3), 2);
    CHECK_EQ(receiver_times_seg(4), 1);
    receiver.window = 0xffff;
    receiver_ack(4 * SEG, NONE, NONE, NONE);
    receiver_run_ms(100);
    receiver_ack(5 * SEG, NONE, NONE, NONE);
    CHECK(receiver.pcb->unacked == NULL);
}

/* The image sleeps while nothing is in flight: no timer of TCP is left to wake it. */
static void nothing_to_wait_for(void)
{
    receiver_boot(true);
    receiver_feed(3 * SEG);
    CHECK(tcp_timers_next() != HAL_NEVER);
    receiver_ack(3 * SEG, NONE, NONE, NONE);
    receiver_run_ms(1000);
    CHECK_EQ(receiver.pcb->state, ESTABLISHED);
    CHECK(tcp_timers_next() == HAL_NEVER);
}

/* With nothing in flight, a segment leaves that is longer than the window: a probe of the MTU. */
static void a_segment_longer_than_the_window(void)
{
    receiver_boot(true);
    receiver.pcb->net.cc.cwnd = SEG / 2;
    receiver_feed(2 * SEG);
    CHECK_EQ(receiver.heard, 1);
}

/* After a pause the window is the initial one (RFC 5681, 4.1). */
static void after_a_pause(void)
{
    receiver_boot(true);
    for (unsigned sent = 0; sent < 40; sent = receiver_last().at / SEG + 1) {
        receiver_feed(20 * SEG);
        receiver_ack(receiver.pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    }
    while (receiver.pcb->unacked)
        receiver_ack(receiver.pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK(tcp_cc_window(&receiver.pcb->net.cc) > 10 * SEG);
    receiver_run_ms(2000);
    receiver_forget();
    receiver_feed(40 * SEG);
    CHECK_EQ(receiver.heard, 10);
}

static const struct test_case cases[] = {
    {"a_syn_that_nobody_answers", a_syn_that_nobody_answers},
    {"data_after_a_lost_syn", data_after_a_lost_syn},
    {"a_syn_ack_that_is_lost", a_syn_ack_that_is_lost},
    {"a_fin_that_is_lost", a_fin_that_is_lost},
    {"silence", silence},
    {"patience", patience},
    {"after_a_timeout", after_a_timeout},
    {"reneging", reneging},
    {"no_sample_behind_a_hole", no_sample_behind_a_hole},
    {"a_timeout_for_nothing", a_timeout_for_nothing},
    {"an_echo_of_the_first_copy", an_echo_of_the_first_copy},
    {"an_echo_of_the_second_copy", an_echo_of_the_second_copy},
    {"a_driver_holds_the_segment", a_driver_holds_the_segment},
    {"no_way_out", no_way_out},
    {"the_tail_is_lost", the_tail_is_lost},
    {"more_of_the_tail_is_lost", more_of_the_tail_is_lost},
    {"a_probe_for_nothing", a_probe_for_nothing},
    {"a_probe_of_new_data", a_probe_of_new_data},
    {"a_closed_window", a_closed_window},
    {"a_probed_byte", a_probed_byte},
    {"a_window_that_shrinks", a_window_that_shrinks},
    {"nothing_to_wait_for", nothing_to_wait_for},
    {"a_segment_longer_than_the_window", a_segment_longer_than_the_window},
    {"after_a_pause", after_a_pause},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
