/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_ack.c - when the image acknowledges, and timestamps (net/lwip/tcp_ack.c, tcp_stamp.c).
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "flow.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "talker.h"
#include "tasks.h"

#define MSS TALKER_MSS
#define ALL SIZE_MAX

static struct talker t;
static int fd;

static void begin(bool stamped)
{
    t = (struct talker){.sack = true, .stamped = stamped, .stamp = 1000};
    fd = talker_pair(&t, 7);
    CHECK_EQ(t.stamped, stamped);
}

/* Sends a segment; whether it is acknowledged now, 19 ms later not yet, or 22 ms later. */
enum when { NOW, LATE, NEVER };
static enum when acked(uint32_t len)
{
    unsigned before = t.count;

    talker_send(&t, SEG_ACK, len);
    if (t.count > before)
        return NOW;
    talker_pass_ms(19);
    CHECK_EQ(t.count, before);
    talker_pass_ms(22);
    return t.count > before ? LATE : NEVER;
}

/* ---- ACKs ------------------------------------------------------------------------------------ */

/* Segments with CWR (RFC 3168) go the way of lwIP. */
static void every_second_full_segment(void)
{
    begin(false);
    CHECK_EQ(acked(MSS), LATE);
    for (int i = 0; i < 10; i++) {
        unsigned before = t.count, flags = i % 2 ? SEG_ACK | SEG_CWR : SEG_ACK;

        talker_send(&t, flags, MSS);
        CHECK_EQ(t.count, before);
        talker_send(&t, flags, MSS);
        CHECK_EQ(t.count, before + 1);
        CHECK_EQ(t.heard.ack, t.seq);
        CHECK_EQ(talker_take(fd, ALL), 2 * MSS + (i ? 0 : MSS));
    }
    CHECK_EQ(acked(MSS), LATE);
    flow_abort_all();
}

/* Bytes count, not packets: small ones wait for each other. */
static void small_segments_wait(void)
{
    begin(false);
    CHECK_EQ(acked(1), LATE);
    unsigned before = t.count;
    for (int i = 0; i < 29; i++)
        talker_send(&t, SEG_ACK | (i % 2 ? SEG_PSH : SEG_CWR), 100);
    CHECK_EQ(t.count, before + 2); /* 1,072 bytes each: two segments of the least size */
    talker_take(fd, ALL);
    flow_abort_all();
}

static void a_peer_of_small_segments(void)
{
    begin(false);
    acked(536);
    talker_pass_ms(100);
    unsigned before = t.count;
    for (int i = 0; i < 20; i++)
        talker_send(&t, SEG_ACK, 536);
    CHECK_EQ(t.count, before + 10);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* What waits anew has its 20 ms at least. */
static void an_ack_waits_for_data(void)
{
    begin(false);
    for (int i = 0; i < 5; i++) {
        unsigned before = t.count;
        talker_send(&t, SEG_ACK | SEG_PSH, 10);
        talker_pass_ms(19);
        CHECK_EQ(t.count, before);
        CHECK_EQ(send(fd, "answer", 6, 0), 6);
        talker_pass_ms(1);
        CHECK_EQ(t.count, before + 1);
        CHECK_EQ(t.heard.ack, t.seq);
        CHECK_EQ(t.heard.len, 6);
        talker_ack(&t);
    }
    talker_take(fd, ALL);
    unsigned before = t.count;
    talker_pass_ms(1000);
    CHECK_EQ(t.count, before); /* none that carries nothing */
    flow_abort_all();
}

static void gaps_are_acked_at_once(void)
{
    begin(false);
    CHECK_EQ(acked(MSS), LATE);
    unsigned before = t.count;
    talker_ahead(&t, 100, SEG_ACK, 100); /* a gap */
    CHECK_EQ(t.count, before + 1);
    CHECK_EQ(acked(50), NOW); /* in order, before it */
    CHECK_EQ(acked(50), NOW); /* it is filled */
    CHECK_EQ(t.heard.ack, t.seq + 100);
    t.seq += 100;
    for (int i = 0; i < 16; i++)
        CHECK_EQ(acked(50), NOW); /* its sender may have little on the way */
    CHECK_EQ(acked(50), LATE);    /* and all is as before */
    talker_take(fd, ALL);
    flow_abort_all();
}

/* Data that comes twice tells of lost segments, or of lost ACKs, without any gap. */
static void acks_after_data_that_came_twice(void)
{
    begin(false);
    CHECK_EQ(acked(50), LATE);
    t.seq -= 50;
    CHECK_EQ(acked(50), NOW); /* once more */
    for (int i = 0; i < 16; i++)
        CHECK_EQ(acked(50), NOW);
    CHECK_EQ(acked(50), LATE);
    talker_take(fd, ALL);
    flow_abort_all();
}

static void quick_acks(void)
{
    begin(false);
    CHECK_EQ(acked(10), LATE);
    talker_pcb(&t)->net.ack.quick = true;
    CHECK_EQ(acked(10), NOW);
    CHECK_EQ(acked(10), NOW);
    talker_pcb(&t)->net.ack.quick = false;
    CHECK_EQ(acked(10), LATE);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* An ACK for which there was no memory is sent soon. */
static void an_ack_without_memory(void)
{
    static void *hogs[400000];
    unsigned n = 0;

    begin(false);
    talker_send(&t, SEG_ACK, 10);
    while (n < 400000 && (hogs[n] = net_malloc(n < 30000 ? 2000 : 40)))
        n++;
    unsigned before = t.count;
    talker_pass_ms(100);
    CHECK_EQ(t.count, before);
    while (n)
        net_free(hogs[--n]);
    talker_pass_ms(300);
    CHECK_EQ(t.count, before + 1);
    CHECK_EQ(t.heard.ack, t.seq);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* ---- batches, and segments that were joined -------------------------------------------------- */

static void a_batch_has_one_ack(void)
{
    begin(false);
    CHECK_EQ(acked(MSS), LATE);
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = t.count;
        for (unsigned n = 0; n < 5; n++)
            talker_queue(&t, SEG_ACK, MSS);
        CHECK_EQ(acked(MSS), NOW);
        CHECK_EQ(t.count, before + 1);
        CHECK_EQ(t.heard.ack, t.seq);
    }
    talker_take(fd, ALL);
    flow_abort_all();
}

/* The peer may wait for it: it goes out before the CPU sleeps. */
static void a_joined_segment_alone(void)
{
    begin(false);
    CHECK_EQ(acked(20 * MSS), NOW);
    CHECK_EQ(t.heard.ack, t.seq);
    CHECK_EQ(acked(2 * MSS), NOW);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* Has all been acknowledged when a joined segment of that length has come in a batch of its own? */
static bool acked_at_batch_end(struct tcp_pcb *pcb, uint32_t len)
{
    net_enter();
    pcb->rcv_nxt += len;
    pcb->rcv_wnd -= len;
    tcp_ack_data(pcb, len);
    tcp_ack_batch_end();
    net_leave();
    return pcb->ts_lastacksent == pcb->rcv_nxt;
}

static void an_ack_for_two_joined_segments(void)
{
    begin(false);
    CHECK_EQ(acked(MSS), LATE);
    struct tcp_pcb *pcb = talker_pcb(&t);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(acked_at_batch_end(pcb, 5 * MSS), i % 2);
    CHECK(!acked_at_batch_end(pcb, 5 * MSS));
    CHECK(tcp_timer_pending(&pcb->net.ack.timer)); /* where the CPU never sleeps */
    CHECK(pcb->net.ack.timer.due_ns <= hal_now_ns() + HAL_MS);
    net_enter();
    CHECK(tcp_ack_before_sleep());
    CHECK(!tcp_ack_before_sleep());
    net_leave();
    CHECK_EQ(pcb->ts_lastacksent, pcb->rcv_nxt);
    flow_abort_all();
}

/* Where the CPU never sleeps, a timer sends it. */
static bool never_sleeps(struct hal_service *s)
{
    (void)s;
    return false;
}

static void a_joined_segment_while_all_is_polled(void)
{
    static struct hal_service busy = {.name = "busy", .run = never_sleeps, .polled = true};

    begin(false);
    hal_service_add(&busy);
    CHECK_EQ(acked(20 * MSS), NOW);
    CHECK_EQ(t.heard.ack, t.seq);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* Data of this side takes the ACK along. */
static void an_answer_to_a_joined_segment(void)
{
    begin(false);
    talker_queue(&t, SEG_ACK, 20 * MSS);
    CHECK_EQ(send(fd, "answer", 6, 0), 6);
    unsigned before = t.count;
    talker_pass_ms(1);
    CHECK(t.count <= before + 2);
    CHECK_EQ(t.heard.ack, t.seq);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* A connection that ends takes what it owes with it. */
static void an_end_before_the_ack(void)
{
    begin(false);
    struct talker next = {.sack = true, .image_port = 80, .scale = 7};

    next.port = (uint16_t)(t.port + 1);
    talker_syn(&next);
    talker_queue(&t, SEG_ACK, 20 * MSS);
    talker_queue(&t, SEG_RST, 0);
    talker_queue(&next, SEG_ACK, 0); /* a connection in the same memory */
    talker_queue(&next, SEG_ACK, 20 * MSS);
    talker_pass_ms(100);
    CHECK_EQ(next.heard.ack, next.seq);
    CHECK(tcp_active_pcbs && !tcp_active_pcbs->next);
    flow_abort_all();
}

/* ---- timestamps ------------------------------------------------------------------------------ */

static void both_sides_agree(void)
{
    begin(true);
    CHECK_EQ(t.heard.stamped, true);
    uint32_t at = t.heard.stamp;
    talker_pass_ms(5000);
    t.stamp = 5000;
    CHECK_EQ(acked(10), LATE);
    CHECK_EQ(t.heard.stamped, true);
    CHECK(t.heard.stamp - at >= 5019 && t.heard.stamp - at <= 5042); /* milliseconds */
    CHECK_EQ(t.heard.echo, 5000);
    CHECK_EQ(send(fd, "answer", 6, 0), 6);
    talker_pass_ms(1);
    CHECK(t.heard.stamped && t.heard.len == 6);
    talker_ack(&t);
    talker_take(fd, ALL);
    flow_abort_all();
}

static void a_peer_without_them(void)
{
    begin(false);
    CHECK_EQ(t.heard.stamped, false);
    CHECK_EQ(acked(10), LATE);
    CHECK_EQ(t.heard.stamped, false);
    t.stamped = true; /* not agreed: the option says nothing */
    t.stamp = 0;
    CHECK_EQ(acked(10), LATE);
    CHECK_EQ(t.heard.stamped, false);
    CHECK_EQ(t.heard.ack, t.seq);
    talker_take(fd, ALL);
    flow_abort_all();
}

static void switched_off(void)
{
    host_set_bootargs("vireo.tcp_timestamps=0");
    t = (struct talker){.stamped = true, .sack = true};
    fd = talker_pair(&t, 7);
    CHECK_EQ(t.stamped, false);
    CHECK_EQ(acked(10), LATE);
    CHECK_EQ(t.heard.stamped, false);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* Section 4.3: of the first segment that an ACK is for; ones out of order are not echoed. */
static void which_stamp_is_echoed(void)
{
    begin(true);
    t.stamp = 2000;
    talker_send(&t, SEG_ACK, 10);
    t.stamp = 2001;
    talker_send(&t, SEG_ACK, 10);
    talker_pass_ms(50);
    CHECK_EQ(t.heard.ack, t.seq);
    CHECK_EQ(t.heard.echo, 2000);
    t.stamp = 2003;
    talker_ahead(&t, 100, SEG_ACK, 10);
    CHECK_EQ(t.heard.echo, 2000);
    t.stamp = 2002;
    talker_send(&t, SEG_ACK, 10);
    CHECK_EQ(t.heard.echo, 2002);
    t.stamp = 9000; /* beside the window: no one of this connection */
    talker_ahead(&t, -20000, SEG_ACK, 10);
    t.stamp = 2004;
    CHECK_EQ(acked(10), NOW);
    CHECK_EQ(t.heard.echo, 2004);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* An old duplicate is dropped with an ACK (section 5.3), but a reset counts (section 5.2). */
static void old_segments_are_dropped(void)
{
    begin(true);
    t.stamp = 2000;
    CHECK_EQ(acked(10), LATE);
    t.stamp = 1999;
    unsigned before = t.count;
    talker_ahead(&t, 0, SEG_ACK, 10);
    CHECK_EQ(t.count, before + 1);
    CHECK_EQ(t.heard.ack, t.seq);
    CHECK_EQ(talker_take(fd, ALL), 10);
    talker_ack(&t); /* without data: one answer in a while is enough */
    talker_ack(&t);
    talker_ack(&t);
    CHECK(t.count <= before + 2);
    t.stamp = 2000; /* as new as the last */
    CHECK_EQ(acked(10), LATE);
    t.stamped = false; /* the option is missing: section 3.2 */
    before = t.count;
    talker_ahead(&t, 0, SEG_ACK, 10);
    talker_pass_ms(100);
    CHECK_EQ(t.count, before);
    t.stamped = true;
    t.stamp = 5;
    talker_send(&t, SEG_RST, 0);
    char c;
    CHECK_EQ(recv(fd, &c, 1, 0), 1);
    talker_take(fd, 9);
    CHECK_FAILS(recv(fd, &c, 1, 0), ECONNRESET);
}

/* The peer's clock may have passed half its circle in 24 days (section 5.5). */
static void after_24_idle_days(void)
{
    begin(true);
    t.stamp = 2000;
    CHECK_EQ(acked(10), LATE);
    t.stamp = 2000 + 0x80000001u;
    tcp_ticks += 24 * 86400 * 2 - 100;
    unsigned before = t.count;
    talker_ahead(&t, 0, SEG_ACK, 10);
    talker_pass_ms(50);
    CHECK_EQ(t.count, before + 1);
    CHECK_EQ(t.heard.ack, t.seq);
    tcp_ticks += 200;
    CHECK_EQ(acked(10), LATE);
    CHECK_EQ(t.heard.ack, t.seq);
    CHECK_EQ(t.heard.echo, t.stamp);
    CHECK_EQ(talker_take(fd, ALL), 20);
    flow_abort_all();
}

/* Keep-alives, and probes of a closed window, have the option as well. */
static void probes_have_stamps(void)
{
    begin(true);
    loop_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    talker_pcb(&t)->keep_idle = 2000;
    unsigned before = t.count;
    talker_pass_ms(3500);
    CHECK(t.count > before);
    CHECK(t.heard.stamped && t.heard.len <= 1);
    loop_set(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
    talker_send(&t, SEG_ACK, 10);
    t.window = 0;
    talker_send(&t, SEG_ACK, 10);
    CHECK_EQ(send(fd, "wait", 4, 0), 4);
    before = t.count;
    talker_pass_ms(5000);
    CHECK(t.count > before);
    CHECK(t.heard.stamped && t.heard.len == 1);
    talker_take(fd, ALL);
    flow_abort_all();
}

/* Strangers learn no time from the clock, and two connections have different ones. */
static void clocks_are_apart(void)
{
    static struct talker other;

    begin(true);
    other = (struct talker){.port = 4001, .image_port = 81, .stamped = true, .scale = 7};
    int l = talker_socket(81);
    CHECK_EQ(listen(l, 8), 0);
    int second = talker_accepted(&other, l);
    uint32_t apart = t.heard.stamp - other.heard.stamp;
    CHECK(apart > 1000 && apart < UINT32_MAX - 1000);
    CHECK(t.heard.stamp > 100000);
    CHECK_EQ(fd_close(second), 0);
    flow_abort_all();
}

/* A full segment of a connection with the option is full for Nagle's algorithm, too. */
static void full_segments_are_not_held_back(void)
{
    static char data[4 * TALKER_MSS];

    begin(true);
    t.window = 1 << 20;
    talker_ack(&t);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    unsigned before = t.count;
    CHECK_EQ(send(fd, data, MSS - 12, 0), MSS - 12);
    talker_pass_ms(1);
    CHECK_EQ(t.count, before + 2);
    CHECK_EQ(t.heard.len, MSS - 12);
    flow_abort_all();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(every_second_full_segment, NULL),
        SHOWS(small_segments_wait, NULL),
        SHOWS(a_peer_of_small_segments, NULL),
        SHOWS(an_ack_waits_for_data, NULL),
        SHOWS(gaps_are_acked_at_once, NULL),
        SHOWS(acks_after_data_that_came_twice, NULL),
        SHOWS(quick_acks, NULL),
        SHOWS(an_ack_without_memory, NULL),
        SHOWS(both_sides_agree, NULL),
        SHOWS(a_peer_without_them, NULL),
        SHOWS(switched_off, NULL),
        SHOWS(which_stamp_is_echoed, NULL),
        SHOWS(old_segments_are_dropped, NULL),
        SHOWS(after_24_idle_days, NULL),
        SHOWS(probes_have_stamps, NULL),
        SHOWS(clocks_are_apart, NULL),
        SHOWS(full_segments_are_not_held_back, NULL),
        SHOWS(a_batch_has_one_ack, NULL),
        SHOWS(a_joined_segment_alone, NULL),
        SHOWS(an_ack_for_two_joined_segments, NULL),
        SHOWS(a_joined_segment_while_all_is_polled, NULL),
        SHOWS(an_answer_to_a_joined_segment, NULL),
        SHOWS(an_end_before_the_ack, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
