/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acks.c - see acks.h.
 */
#include "acks.h"

#include <stdio.h>

struct tcp_cc cc;
uint32_t now = 0xfff00000;
uint32_t rtt = 100 * MS;

void acks_begin(unsigned alg)
{
    tcp_cc_init(&cc, alg);
    tcp_cc_established(&cc, MSS);
}

void acks_set_window(uint32_t segments)
{
    cc.cwnd = cc.ssthresh = segments * MSS;
}

void acks_some(uint32_t total, uint32_t us)
{
    uint32_t start = now;

    for (uint32_t done = 0; done < total; done += MSS) {
        now = start + (uint32_t)((uint64_t)us * done / total);
        tcp_cc_acked(&cc, MSS, cc.cwnd, 0, rtt, now, true);
    }
    now = start + us;
}

void acks_round_trip(void)
{
    acks_some(cc.cwnd, rtt);
}

void acks_hystart_round(uint32_t us)
{
    uint32_t left;

    do {
        left = cc.hystart.round_left;
        now += us / (cc.cwnd / MSS);
        tcp_cc_acked(&cc, MSS, cc.cwnd, us, us, now, true);
    } while (cc.hystart.round_left < left);
}

void acks_lose_one(void)
{
    uint32_t flight = cc.cwnd;

    tcp_cc_enter_recovery(&cc, flight);
    tcp_cc_recovering(&cc, MSS, MSS, flight - 2 * MSS, false);
    tcp_cc_sent(&cc, MSS);
    now += rtt;
    tcp_cc_recovered(&cc);
}

bool acks_near(double is, double should, double part)
{
    double off = is > should ? is - should : should - is;
    bool ok = off <= part * should;

    if (!ok)
        fprintf(stderr, "%f is not near %f\n", is, should);
    return ok;
}
