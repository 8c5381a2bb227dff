/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_share.c - connections that share the narrowest link of a path: each of two gets 30 % of
 * it or more, the second one too that begins later, and the link is used.
 */
#include "check.h"
#include "flow.h"
#include "hal.h"
#include "net_impl.h"
#include "tasks.h"

#define RATE 2500000u /* bytes a second: 20 Mbit/s */

static struct flow_end from[2], to[2];

static const struct test_variant round_trips[] = {{"10 ms", 10}, {"100 ms", 100}, {NULL, 0}};

static void begin(unsigned i)
{
    uint16_t port = (uint16_t)(80 + i);

    from[i] = (struct flow_end){.to_send = FLOW_ENDLESS, .key = 1 + i};
    to[i] = (struct flow_end){.key = 3 + i, .to_send = FLOW_ENDLESS, .ends = FLOW_WAITS};
    to[i].written = FLOW_ENDLESS;
    flow_listen(&to[i], PATH_B, port);
    flow_connect(&from[i], PATH_A, 0, port, &to[i]);
}

static void two_share(void)
{
    uint64_t delay_ns = case_variant * HAL_MS / 2, had[2], got[2], sum;

    host_set_ram(256 << 20);
    path_boot(1);
    for (enum path_side s = PATH_A; s <= PATH_B; s++)
        path.link[s] = (struct path_link){
            .delay_ns = delay_ns, .rate = RATE, .queue_ns = 2 * delay_ns + 20 * HAL_MS};
    begin(0);
    path_run_for(5 * HAL_SEC);
    begin(1);
    path_run_for(20 * HAL_SEC); /* to find their shares */
    for (unsigned i = 0; i < 2; i++)
        had[i] = to[i].received;
    path_run_for(30 * HAL_SEC);
    for (unsigned i = 0; i < 2; i++) {
        got[i] = to[i].received - had[i];
        CHECK_EQ(to[i].wrong, 0);
    }
    sum = got[0] + got[1];
    if (getenv("VIREO_TELL"))
        printf("%llu and %llu bytes, %llu %% of the link\n", (unsigned long long)got[0],
               (unsigned long long)got[1], (unsigned long long)(sum * 100 / (30ull * RATE)));
    CHECK(got[0] * 100 >= sum * 30);
    CHECK(got[1] * 100 >= sum * 30);
    CHECK(sum * 100 >= 30ull * RATE * 80);
    flow_abort_all();
    CHECK(path_settle(HAL_SEC));
    CHECK_EQ(path.held, 0);
}

static const struct test_case cases[] = {
    {.name = "two_share", .fn = two_share, .variants = round_trips},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
