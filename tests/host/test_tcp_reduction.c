/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_reduction.c - how the congestion window shrinks (net/lwip/tcp_congestion.c, tcp_cubic.c,
 * tcp_reno.c): losses, timeouts, their undoing, pauses, and what the window lets out meanwhile.
 */
#include <string.h>

#include "acks.h"
#include "check.h"

/* ---- loss ------------------------------------------------------------------------------------ */

static void one_reduction(void)
{
    static const struct {
        unsigned alg;
        double to;
    } of[] = {{TCP_CC_CUBIC, 0.7}, {TCP_CC_RENO, 0.5}};

    for (unsigned i = 0; i < 2; i++) {
        acks_begin(of[i].alg);
        acks_set_window(100);
        acks_round_trip();
        double w = cc.cwnd;
        tcp_cc_enter_recovery(&cc, cc.cwnd);
        tcp_cc_recovering(&cc, MSS, 30 * MSS, 60 * MSS, false);
        tcp_cc_enter_recovery(&cc, 60 * MSS); /* of the same window */
        CHECK(acks_near(cc.ssthresh, of[i].to * w, 0.0001));
        tcp_cc_recovered(&cc);
        CHECK_EQ(cc.cwnd, cc.ssthresh);
        tcp_cc_recovered(&cc);
        for (unsigned n = 0; n < 30; n++)
            acks_lose_one();
        CHECK_EQ(cc.ssthresh, 2 * MSS);
    }
}

/* A window that was not used is not the measure, but what was in flight. */
static void loss_in_an_unused_window(void)
{
    acks_begin(TCP_CC_RENO);
    acks_set_window(100);
    tcp_cc_acked(&cc, MSS, 10 * MSS, 0, rtt, now, false);
    tcp_cc_enter_recovery(&cc, 10 * MSS);
    CHECK_EQ(cc.ssthresh, 5 * MSS);
}

static void timeouts(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    acks_round_trip();
    uint32_t w = cc.cwnd;
    tcp_cc_timeout(&cc, w, false);
    CHECK_EQ(cc.cwnd, MSS);
    CHECK(acks_near(cc.ssthresh, 0.7 * w, 0.001));
    uint32_t ssthresh = cc.ssthresh;
    tcp_cc_timeout(&cc, MSS, true); /* backed off */
    CHECK_EQ(cc.cwnd, MSS);
    CHECK_EQ(cc.ssthresh, ssthresh);
    while (tcp_cc_slow_start(&cc))
        acks_round_trip();
    CHECK_EQ(cc.state.cubic.w_max, 0);
    acks_round_trip();
    CHECK_EQ(cc.state.cubic.k, 0); /* RFC 9438, 4.8 */

    tcp_cc_enter_recovery(&cc, cc.cwnd);
    ssthresh = cc.ssthresh;
    tcp_cc_timeout(&cc, cc.cwnd, false); /* of the same window */
    CHECK_EQ(cc.ssthresh, ssthresh);
    CHECK_EQ(cc.cwnd, MSS);
    CHECK(!cc.recovering);
}

/* ---- proportional rate reduction ------------------------------------------------------------- */

/*
 * RFC 9937. A window of `flight` segments lost the first `lost`; the rest arrives, one
 * acknowledgement each. Sends what it may. Returns the bytes sent before the retransmissions are
 * acknowledged.
 */
static uint32_t reduction(unsigned flight, unsigned lost)
{
    uint32_t pipe = flight * MSS, sent = 0, delivered = 0;

    tcp_cc_enter_recovery(&cc, pipe);
    pipe -= lost * MSS;
    for (unsigned i = lost; i < flight; i++) {
        uint32_t lost_now = i == lost ? lost * MSS : 0;

        pipe -= MSS;
        delivered += MSS;
        tcp_cc_recovering(&cc, MSS, lost_now, pipe, false);
        CHECK(cc.cwnd >= MSS);
        for (; pipe + MSS <= cc.cwnd; pipe += MSS, sent += MSS)
            tcp_cc_sent(&cc, MSS);
        if (pipe > cc.ssthresh)
            CHECK(sent <= delivered);
        CHECK(sent <= delivered + MSS);
        if (i == lost)
            CHECK_EQ(sent, MSS); /* the fast retransmission is not held back */
    }
    return sent;
}

/* The sending goes on evenly: seven (five) of ten acknowledgements let a segment out. */
static void evenly(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    CHECK(acks_near(reduction(100, 1) / MSS, 0.7 * 99, 0.03));
    CHECK(acks_near(cc.cwnd, 70 * MSS, 0.02));
    acks_begin(TCP_CC_RENO);
    acks_set_window(100);
    CHECK(acks_near(reduction(100, 1) / MSS, 0.5 * 99, 0.03));
}

/* Half of the window was lost: what is in flight is less than ssthresh, and no more leaves than was
 * delivered. */
static void after_heavy_loss(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    CHECK(acks_near(reduction(100, 60) / MSS, 40, 0.001));
    /* Retransmissions get through: one segment more for each (slow start), up to ssthresh. */
    uint32_t pipe = 40 * MSS;
    tcp_cc_recovering(&cc, MSS, 0, pipe - MSS, true);
    CHECK_EQ(cc.cwnd, pipe - MSS + 2 * MSS);
    tcp_cc_sent(&cc, 2 * MSS);
    tcp_cc_recovering(&cc, MSS, MSS, pipe, true); /* not if one of them was lost again */
    CHECK_EQ(cc.cwnd, pipe + MSS);
    tcp_cc_sent(&cc, MSS);
    tcp_cc_recovering(&cc, MSS, 0, 70 * MSS - 1000, true);
    CHECK_EQ(cc.cwnd, 70 * MSS);
    tcp_cc_recovering(&cc, 0, 0, 30 * MSS, true); /* nothing new is delivered */
    CHECK_EQ(cc.cwnd, 70 * MSS);
}

/* However much is lost of however large a window: reduction() checks what leaves. */
static void any_loss(void)
{
    for (unsigned i = 0; i < 2000; i++) {
        unsigned flight = 4 + random_below(500), lost = 1 + random_below(flight - 1);

        acks_begin(i % TCP_CC_COUNT);
        acks_set_window(flight);
        uint32_t sent = reduction(flight, lost), arrived = (flight - lost) * MSS;

        CHECK(sent <= arrived);
        CHECK(lost > flight / 4 || sent + 2 * MSS >= cc.ssthresh - lost * MSS);
        CHECK(cc.cwnd <= cc.ssthresh + MSS || cc.cwnd <= (flight - lost) * MSS);
    }
}

/* A timer showed the loss: nothing was delivered, and the retransmission leaves nevertheless. */
static void loss_without_an_acknowledgement(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(10);
    tcp_cc_enter_recovery(&cc, 10 * MSS);
    tcp_cc_recovering(&cc, 0, MSS, 9 * MSS, false);
    CHECK_EQ(cc.cwnd, 10 * MSS);
    tcp_cc_acked(&cc, 0, 9 * MSS, 0, rtt, now, true);
}

/* ---- undo, pauses, the path ------------------------------------------------------------------ */

static void undo(void)
{
    for (unsigned alg = 0; alg < TCP_CC_COUNT; alg++) {
        acks_begin(alg);
        acks_set_window(100);
        acks_lose_one();
        for (unsigned i = 0; i < 10; i++)
            acks_round_trip();
        struct tcp_cc before = cc;

        acks_lose_one();
        CHECK(cc.cwnd < before.cwnd);
        tcp_cc_undo(&cc);
        CHECK_EQ(cc.cwnd, before.cwnd);
        CHECK_EQ(cc.ssthresh, before.ssthresh);
        CHECK(memcmp(&cc.state, &before.state, sizeof(cc.state)) == 0);
        tcp_cc_timeout(&cc, cc.cwnd, false);
        tcp_cc_timeout(&cc, cc.cwnd, true);
        tcp_cc_undo(&cc);
        CHECK_EQ(cc.cwnd, before.cwnd);
        cc.cwnd = 5 * MSS;
        tcp_cc_undo(&cc); /* once only */
        CHECK_EQ(cc.cwnd, 5 * MSS);
    }
}

/* In the middle of recovery; and only the timeout was spurious, not the loss before. */
static void undo_in_recovery(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    tcp_cc_enter_recovery(&cc, 100 * MSS);
    tcp_cc_recovering(&cc, MSS, MSS, 98 * MSS, false);
    tcp_cc_undo(&cc);
    CHECK(!cc.recovering);
    CHECK_EQ(cc.cwnd, 100 * MSS);

    tcp_cc_enter_recovery(&cc, 100 * MSS);
    tcp_cc_timeout(&cc, 100 * MSS, false);
    tcp_cc_undo(&cc);
    CHECK_EQ(cc.cwnd, 70 * MSS);
    CHECK_EQ(cc.ssthresh, 70 * MSS);
}

/* An undo in the first slow start goes on with that, its search for a delay included. */
static void undo_in_slow_start(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_round_trip();
    acks_lose_one();
    CHECK(!tcp_cc_slow_start(&cc));
    tcp_cc_undo(&cc);
    CHECK_EQ(cc.cwnd, 20 * MSS);
    acks_round_trip();
    CHECK_EQ(cc.cwnd, 40 * MSS);
    acks_hystart_round(80 * MS);
    acks_hystart_round(80 * MS);
    acks_hystart_round(100 * MS);
    CHECK(cc.hystart.css_rounds);
}

static void idle(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    tcp_cc_idle(&cc, 200 * MS, 200 * MS);
    CHECK_EQ(cc.cwnd, 100 * MSS);
    tcp_cc_idle(&cc, 201 * MS, 200 * MS);
    CHECK_EQ(cc.cwnd, 10 * MSS);
    CHECK_EQ(cc.ssthresh, 100 * MSS);
    acks_set_window(100);
    cc.ssthresh = 10 * MSS;
    tcp_cc_idle(&cc, 201 * MS, 200 * MS);
    CHECK_EQ(cc.ssthresh, 75 * MSS); /* the way back is slow start's */
    cc.cwnd = 3 * MSS;
    tcp_cc_idle(&cc, UINT32_MAX, 200 * MS);
    CHECK_EQ(cc.cwnd, 3 * MSS);
}

static void mss_changes(void)
{
    acks_begin(TCP_CC_CUBIC);
    tcp_cc_mss(&cc, 1000);
    CHECK_EQ(cc.cwnd, 10000); /* nothing was measured yet: the initial window of such a path */
    acks_set_window(3);
    tcp_cc_mss(&cc, 1400);
    CHECK_EQ(cc.cwnd, 3 * MSS);
    tcp_cc_mss(&cc, 8960);
    CHECK_EQ(cc.cwnd, 8960);
    CHECK_EQ(cc.ssthresh, 2 * 8960);
    tcp_cc_mss(&cc, 0);
    acks_round_trip();
}

static void pacing(void)
{
    acks_begin(TCP_CC_CUBIC);
    CHECK_EQ(tcp_cc_pacing_us(&cc, MSS, 100 * MS), 0); /* ten segments */
    acks_set_window(100);
    CHECK_EQ(tcp_cc_pacing_us(&cc, MSS, 0), 0);
    CHECK_EQ(tcp_cc_pacing_us(&cc, MSS, 1 * MS), 0);
    CHECK(acks_near(tcp_cc_pacing_us(&cc, 120 * MSS, 100 * MS), 100 * MS, 0.001));
    cc.ssthresh = TCP_CC_MAX;
    CHECK(acks_near(tcp_cc_pacing_us(&cc, 200 * MSS, 100 * MS), 100 * MS, 0.001));
    cc.cwnd = TCP_CC_MAX;
    CHECK(acks_near(tcp_cc_pacing_us(&cc, 1u << 30, 60000 * MS), 30000 * MS, 0.7));
}

static void by_name(void)
{
    CHECK_EQ(tcp_cc_find("cubic"), TCP_CC_CUBIC);
    CHECK_EQ(tcp_cc_find("reno"), TCP_CC_RENO);
    CHECK_EQ(tcp_cc_find("bbr"), -1);
    CHECK_EQ(tcp_cc_find(""), -1);
    CHECK(strcmp(tcp_cc_name(TCP_CC_RENO), "reno") == 0);
    CHECK(!tcp_cc_name(TCP_CC_COUNT));
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(100);
    acks_lose_one();
    acks_round_trip();
    uint32_t w = cc.cwnd;
    tcp_cc_choose(&cc, TCP_CC_RENO);
    CHECK_EQ(cc.cwnd, w);
    acks_round_trip();
    CHECK(acks_near(cc.cwnd, w + MSS, 0.01));
    acks_lose_one();
    CHECK(acks_near(cc.cwnd, (w + MSS) / 2, 0.01));
}

static const struct test_case cases[] = {
    {"one_reduction", one_reduction},
    {"loss_in_an_unused_window", loss_in_an_unused_window},
    {"timeouts", timeouts},
    {"evenly", evenly},
    {"after_heavy_loss", after_heavy_loss},
    {"any_loss", any_loss},
    {"loss_without_an_acknowledgement", loss_without_an_acknowledgement},
    {"undo", undo},
    {"undo_in_recovery", undo_in_recovery},
    {"undo_in_slow_start", undo_in_slow_start},
    {"idle", idle},
    {"mss_changes", mss_changes},
    {"pacing", pacing},
    {"by_name", by_name},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
