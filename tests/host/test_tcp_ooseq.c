/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_ooseq.c - data that comes out of order, twice, or both, and what the image tells of it
 * (net/lwip/tcp_ooseq.c).
 */
#include <string.h>

#include "check.h"
#include "flow.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "talker.h"
#include "tasks.h"

#define MSS  TALKER_MSS
#define SPAN (1u << 20)

static struct talker t;
static int fd;
static uint32_t read_to; /* the number of the next byte to be read */

/* What the talker has sent, by offset from `first`. */
static uint8_t sent[SPAN];
static uint32_t first;

static void begin(bool stamped)
{
    t = (struct talker){.sack = true, .stamped = stamped};
    fd = talker_pair(&t, 7);
    CHECK(t.sack);
    first = read_to = t.seq;
    memset(sent, 0, sizeof(sent));
}

/* Sends bytes of the stream, by offset. */
static void put(uint32_t at, uint32_t len)
{
    talker_ahead(&t, (int32_t)(first + at - t.seq), SEG_ACK, len);
    memset(sent + at, 1, len);
}

/* Reads what is there, and compares. */
static void check_data(void)
{
    static uint8_t buf[65536];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            CHECK_EQ(buf[i], talker_byte(read_to + (uint32_t)i));
        read_to += (uint32_t)n;
    }
    CHECK_EQ(read_to, t.heard.ack);
}

/* The block with this number says what the talker has sent around `at`, as far as it goes. */
static void check_block(unsigned i, uint32_t at)
{
    uint32_t a = at, b = at;

    while (sent[a - 1])
        a--;
    while (sent[b])
        b++;
    CHECK(t.heard.blocks > i);
    CHECK_EQ(t.heard.block[i].start - first, a);
    CHECK_EQ(t.heard.block[i].end - first, b);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void the_newest_block_is_first(void)
{
    begin(false);
    for (uint32_t i = 1; i <= 6; i++) {
        put(i * 2000, 1000);
        CHECK_EQ(t.heard.ack, first);
        CHECK_EQ(t.heard.blocks, i < 4 ? i : 4);
        for (unsigned n = 0; n < t.heard.blocks; n++)
            check_block(n, (i - n) * 2000);
    }
    put(5000, 500); /* grows to the right, and is the newest */
    check_block(0, 5000);
    check_block(1, 12000);
    put(3500, 500); /* to the left */
    check_block(0, 4000);
    put(5500, 500); /* joins two */
    check_block(0, 4000);
    CHECK_EQ(t.heard.block[0].end - first, 7000);
    put(0, 1000);
    put(1000, 1000);
    CHECK_EQ(t.heard.ack - first, 3000);
    put(3000, 500);
    CHECK_EQ(t.heard.ack - first, 7000);
    for (unsigned n = 0; n < t.heard.blocks; n++)
        CHECK((int32_t)(t.heard.block[n].start - t.heard.ack) > 0);
    check_data();
    flow_abort_all();
}

static void three_blocks_beside_timestamps(void)
{
    begin(true);
    for (uint32_t i = 1; i <= 6; i++)
        put(i * 2000, 1000);
    CHECK(t.heard.stamped);
    CHECK_EQ(t.heard.blocks, 3);
    check_block(0, 12000);
    check_block(2, 8000);
    flow_abort_all();
}

/* RFC 2883: what came twice is told once, before the other blocks. */
static void duplicates_are_told(void)
{
    begin(false);
    put(0, 1000);
    put(1000, 1000);
    CHECK_EQ(t.heard.ack - first, 2000);
    put(200, 500); /* below what is acknowledged */
    CHECK_EQ(t.heard.blocks, 1);
    CHECK_EQ(t.heard.block[0].start - first, 200);
    CHECK_EQ(t.heard.block[0].end - first, 700);
    put(4000, 1000);
    CHECK_EQ(t.heard.blocks, 1);
    check_block(0, 4000);
    put(6000, 1000);
    put(4000, 1000); /* above: its block is the second one */
    CHECK_EQ(t.heard.blocks, 3);
    CHECK_EQ(t.heard.block[0].start - first, 4000);
    CHECK_EQ(t.heard.block[0].end - first, 5000);
    check_block(1, 4000);
    check_block(2, 6000);
    check_data();
    flow_abort_all();
}

static void without_sack_nothing_is_told(void)
{
    t = (struct talker){.sack = false};
    fd = talker_pair(&t, 7);
    first = read_to = t.seq;
    put(1000, 1000);
    put(1000, 1000);
    CHECK_EQ(t.heard.blocks, 0);
    put(0, 1000);
    CHECK_EQ(t.heard.ack - first, 2000);
    check_data();
    flow_abort_all();
}

static void one_gap_after_another(void)
{
    begin(false);
    for (uint32_t at = 0; at < 20000; at += 2000) {
        put(at + 1000, 1000);
        CHECK_EQ(t.heard.blocks, 1);
        put(at, 1000);
        CHECK_EQ(t.heard.blocks, 0);
        CHECK_EQ(t.heard.ack - first, at + 2000);
    }
    check_data();
    flow_abort_all();
}

/* ---- the end of a stream --------------------------------------------------------------------- */

static void a_fin_ahead(bool alone)
{
    char end;

    begin(false);
    talker_ahead(&t, alone ? 3000 : 2000, SEG_ACK | SEG_FIN, alone ? 0 : 1000);
    CHECK_EQ(t.heard.ack, first);
    put(4000, 1000); /* behind the end: nothing */
    if (alone)
        put(2000, 1000);
    put(1000, 1000);
    put(0, 1000);
    CHECK_EQ(t.heard.ack - first, 3001);
    t.heard.ack--;
    check_data();
    CHECK_EQ(recv(fd, &end, 1, 0), 0);
    flow_abort_all();
}

static void a_fin_with_data_ahead(void)
{
    a_fin_ahead(false);
}

static void a_fin_alone_ahead(void)
{
    a_fin_ahead(true);
}

/* ---- any order ------------------------------------------------------------------------------- */

static void any_order(void)
{
    uint32_t base = 0;

    begin(false);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 200000);
    put(0, MSS);
    put(MSS, MSS); /* the window is told */
    base = 2 * MSS;
    for (unsigned i = 0; i < 4000 && base < SPAN - 200000; i++) {
        uint32_t at = base + random_below(random_below(3) ? 20000 : 150000);
        uint32_t len = 1 + random_below(random_below(5) ? MSS : 60), was = t.heard.ack - first;

        if (random_below(20) == 0)
            at = base;
        if (at < was && random_below(2))
            at = was;
        put(at, len);
        while (sent[base])
            base++;
        talker_pass_ms(50);
        CHECK_EQ(t.heard.ack - first, base);
        if (t.heard.blocks && t.heard.block[0].start - first >= base && at > base)
            for (uint32_t b = t.heard.block[0].start; b != t.heard.block[0].end; b++)
                CHECK(sent[b - first]);
        if (random_below(4) == 0)
            check_data();
    }
    check_data();
    CHECK(base > 100000);
    flow_abort_all();
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Hundreds of segments behind a gap, in any direction, are a short list, and come out at once. */
static void a_full_window(bool backwards)
{
    enum { N = 700 };

    begin(false);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, SPAN);
    put(0, MSS);
    put(MSS, MSS);
    for (uint32_t i = 0; i < N; i++)
        put((3 + (backwards ? N - 1 - i : i)) * MSS, MSS);
    CHECK(talker_pcb(&t)->net.ooseq.pieces <= N * MSS / 32768 + N * MSS / 65536);
    CHECK_EQ(talker_pcb(&t)->net.ooseq.packets, N);
    check_block(0, 3 * MSS);
    put(2 * MSS, MSS);
    CHECK_EQ(t.heard.ack - first, (3 + N) * MSS);
    CHECK(talker_pcb(&t)->ooseq == NULL);
    check_data();
    flow_abort_all();
}

static void a_full_window_forwards(void)
{
    a_full_window(false);
}

static void a_full_window_backwards(void)
{
    a_full_window(true);
}

/* Each second segment of a window was lost in a queue that overflowed: the others are all kept. */
static void a_window_of_gaps(void)
{
    enum { N = 340 };

    begin(false);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, SPAN);
    put(0, MSS);
    put(MSS, MSS);
    for (uint32_t i = 0; i < N; i++)
        put((3 + 2 * i) * MSS, MSS);
    CHECK_EQ(talker_pcb(&t)->net.ooseq.pieces, N);
    for (uint32_t i = 0; i < N; i++)
        put((2 + 2 * i) * MSS, MSS);
    CHECK_EQ(t.heard.ack - first, (2 + 2 * N) * MSS);
    check_data();
    flow_abort_all();
}

/* Segments of 60 KB that a card has joined, out of order: one fills the gap before others. */
static void joined_segments_out_of_order(void)
{
    enum { LEN = 60000 };

    begin(false);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, SPAN);
    put(0, MSS);
    for (uint32_t i = 5; i > 0; i--)
        put(MSS + i * LEN, LEN);
    CHECK_EQ(t.heard.ack - first, MSS);
    check_block(0, MSS + LEN);
    put(MSS + LEN / 2, LEN); /* a part of it is there already */
    check_block(0, MSS + LEN);
    put(MSS, LEN);
    CHECK_EQ(t.heard.ack - first, MSS + 6 * LEN);
    check_data();
    flow_abort_all();
}

/* A peer that leaves gaps, and one that sends single bytes, holds no more than a window. */
static void gaps_and_crumbs_have_limits(void)
{
    begin(false);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 400000);
    put(0, MSS);
    put(MSS, MSS);
    uint64_t before = net_mem_lent();
    for (uint32_t i = 0; i < 1000; i++)
        talker_ahead(&t, (int32_t)(first + 4000 + i * 300 - t.seq), SEG_ACK, 1);
    CHECK(talker_pcb(&t)->net.ooseq.pieces <= 256 + 400000 / 2048);
    CHECK(net_mem_lent() - before < 460 * 500);
    put(2 * MSS, 4000 - 2 * MSS);
    CHECK_EQ(t.heard.ack - first, 4001);
    check_data();
    flow_abort_all();
}

/* When memory is short, data out of order is the first that is not kept. */
static void not_while_memory_is_short(void)
{
    begin(false);
    void *hog = net_malloc(net_mem_limit() / 8 * 3);
    CHECK(hog != NULL);
    put(1000, 1000);
    CHECK_EQ(t.heard.blocks, 0);
    CHECK(talker_pcb(&t)->ooseq == NULL);
    put(0, 1000);
    talker_pass_ms(50);
    CHECK_EQ(t.heard.ack - first, 1000);
    net_free(hog);
    put(3000, 1000);
    CHECK_EQ(t.heard.blocks, 1);
    check_data();
    flow_abort_all();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(the_newest_block_is_first, NULL),
        SHOWS(three_blocks_beside_timestamps, NULL),
        SHOWS(duplicates_are_told, NULL),
        SHOWS(without_sack_nothing_is_told, NULL),
        SHOWS(one_gap_after_another, NULL),
        SHOWS(a_fin_with_data_ahead, NULL),
        SHOWS(a_fin_alone_ahead, NULL),
        SHOWS(any_order, NULL),
        SHOWS(a_full_window_forwards, NULL),
        SHOWS(a_full_window_backwards, NULL),
        SHOWS(a_window_of_gaps, NULL),
        SHOWS(joined_segments_out_of_order, NULL),
        SHOWS(gaps_and_crumbs_have_limits, NULL),
        SHOWS(not_while_memory_is_short, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
