/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_path.c - TCP between two interfaces of the image, over a path in virtual time
 * (tests/host/net/path.h). `test_tcp_path rates` measures throughput: see rates.h.
 */
#include <string.h>

#include "check.h"
#include "flow.h"
#include "hal.h"
#include "net_impl.h"
#include "rates.h"
#include "tasks.h"

static struct flow_end a, b;

static bool over(void)
{
    flow_step(&a);
    flow_step(&b);
    return flow_over(&a);
}

/* Both directions, with the end of each stream, on a path that loses nothing. */
static void ideal(bool ip6)
{
    path_boot(1);
    path_both(5000, 0);
    a = (struct flow_end){.to_send = 300000, .key = 1, .ip6 = ip6};
    b = (struct flow_end){.to_send = 200000, .key = 2, .ip6 = ip6};
    flow_listen(&b, PATH_B, 80);
    flow_connect(&a, PATH_A, 0, 80, &b);
    CHECK(path_run(20 * HAL_SEC, over));
    CHECK_EQ(a.received, 200000);
    CHECK_EQ(b.received, 300000);
    CHECK_EQ(a.wrong + b.wrong, 0);
    CHECK_EQ(a.err, ERR_OK);
    CHECK_EQ(b.err, ERR_OK);
    CHECK_EQ(path.count[PATH_A].lost, 0);
}

static void nothing_is_lost(void)
{
    ideal(false);
}

static void nothing_is_lost_of_ipv6(void)
{
    ideal(true);
}

static const struct test_case cases[] = {
    {"nothing_is_lost", nothing_is_lost},
    {"nothing_is_lost_of_ipv6", nothing_is_lost_of_ipv6},
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "rates"))
        return rates_main(argc, argv);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
