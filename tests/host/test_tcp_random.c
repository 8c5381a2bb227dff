/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_random.c - connections over random paths: loss, reordering, duplicates, delays that
 * change, lost tails, breaks; both ends send, and end in several ways. Every byte arrives, in
 * bounded time, and memory returns.
 *
 * `test_tcp_random seeds FIRST COUNT` runs those seeds, each in a process of its own; `both FIRST
 * COUNT` by both ways of segments (trace.h).
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "flow.h"
#include "hal.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tasks.h"
#include "trace.h"

#define FLOWS   3
#define MEMORY  (64u << 20)
#define A_WHILE (600 * HAL_SEC) /* longest that a scenario may take */

static struct flow_end ends[FLOWS][2];
static unsigned flows;
static uint64_t next_event;
static uint32_t worst; /* loss of either direction, of a million */

static bool one_in(uint32_t n)
{
    return path_random(n) == 0;
}

/* ---- a random path --------------------------------------------------------------------------- */

static uint64_t any_delay(void)
{
    static const uint32_t most_us[] = {100, 1000, 10000, 50000, 150000};

    return (1 + path_random(most_us[path_random(5)])) * 1000ull;
}

static uint32_t any_share(uint32_t most)
{
    static const uint32_t of[] = {0, 0, 100, 20, 4, 1};
    uint32_t part = of[path_random(6)];

    return part ? path_random(most / part + 1) : 0;
}

static void any_link(struct path_link *l)
{
    static const uint64_t rates[] = {0, 0, 0, 125000, 1250000, 12500000};

    *l = (struct path_link){.delay_ns = any_delay(),
                            .jitter_ns = one_in(3) ? any_delay() / 4 : 0,
                            .reorder_ns = any_delay(),
                            .rate = rates[path_random(6)],
                            .queue_ns = (20 + path_random(200)) * HAL_MS,
                            .loss = any_share(200000),
                            .reorder = any_share(200000),
                            .duplicate = any_share(100000),
                            .cut = any_share(50000)};
}

/* Losses of both directions count, as an acknowledgement that is lost may cost a timeout. */
static uint64_t any_amount(void)
{
    uint64_t most = worst > 60000   ? 60000
                    : worst > 15000 ? 300000
                    : worst > 2000  ? 1000000
                                    : 4000000;

    if (one_in(8))
        return path_random(3);
    return path_random((uint32_t)most);
}

static void any_path(void)
{
    any_link(&path.link[PATH_A]);
    any_link(&path.link[PATH_B]);
    worst = path.link[PATH_A].loss + path.link[PATH_A].cut;
    if (path.link[PATH_B].loss + path.link[PATH_B].cut > worst)
        worst = path.link[PATH_B].loss + path.link[PATH_B].cut;
    if (path.link[PATH_A].rate == 125000 || path.link[PATH_B].rate == 125000)
        worst = worst > 15000 ? worst : 15000;
}

/* Something changes in the middle. */
static void any_event(void)
{
    enum path_side side = path_random(2) ? PATH_A : PATH_B;
    struct flow_end *e = &ends[path_random(flows)][side];

    path.link[PATH_A].down = path.link[PATH_B].down = false;
    switch (path_random(6)) {
    case 0:
    case 1:
        path_set_delay(side, any_delay());
        break;
    case 2:
        path.link[side].down = true;
        break;
    case 3:
        e->holds = true;
        break;
    default:
        for (unsigned i = 0; i < flows; i++) {
            flow_read(&ends[i][0]);
            flow_read(&ends[i][1]);
        }
    }
    next_event = hal_now_ns() + (50 + path_random(2000)) * HAL_MS;
}

/* ---- random connections ---------------------------------------------------------------------- */

static void any_flow(unsigned i)
{
    struct flow_end *a = &ends[i][0], *b = &ends[i][1];
    uint16_t port = (uint16_t)(80 + i);

    *a = (struct flow_end){.key = 2 * i + 1, .to_send = any_amount(), .sock = path_random(2)};
    *b = (struct flow_end){.key = 2 * i + 2, .to_send = any_amount(), .sock = path_random(2)};
    a->ip6 = b->ip6 = !a->sock && !b->sock && one_in(3);
    a->ends = (enum flow_ends)path_random(3);
    b->ends = a->ends == FLOW_WAITS ? FLOW_SHUTS : (enum flow_ends)path_random(3);
    flow_listen(b, PATH_B, port);
    flow_connect(a, PATH_A, 0, port, b);
}

static bool over(void)
{
    bool all = true;

    for (unsigned i = 0; i < flows; i++) {
        flow_step(&ends[i][0]);
        flow_step(&ends[i][1]);
        all &= flow_over(&ends[i][0]);
    }
    return all;
}

static bool nothing_open(void)
{
    return !tcp_active_pcbs;
}

static void judge(const struct flow_end *e)
{
    CHECK_EQ(e->err, 0);
    CHECK_EQ(e->wrong, 0);
    CHECK_EQ(e->received, e->peer->to_send);
    CHECK(e->closed);
}

/* Connections from their SYN to the memory that they leave. */
static void one_scenario(void)
{
    uint64_t lent = net_mem_lent(), end = hal_now_ns() + A_WHILE;

    any_path();
    flows = 1 + path_random(FLOWS);
    for (unsigned i = 0; i < flows; i++)
        any_flow(i);
    next_event = hal_now_ns() + (50 + path_random(2000)) * HAL_MS;
    while (hal_now_ns() < end && !path_run(next_event - hal_now_ns(), over))
        any_event();
    for (unsigned i = 0; i < flows; i++) {
        judge(&ends[i][0]);
        judge(&ends[i][1]);
    }
    path.link[PATH_A].down = path.link[PATH_B].down = false;
    CHECK(path_run(A_WHILE, nothing_open));
    flow_abort_all();
    CHECK(path_settle(A_WHILE));
    CHECK_EQ(path.held, 0);
    CHECK_EQ(net_mem_lent(), lent);
}

static void random_paths(void)
{
    path_offloads = case_variant % 2;
    path_boot(case_variant);
    host_set_ram(MEMORY);
    for (unsigned i = 0; i < 3; i++)
        one_scenario();
    if (getenv("VIREO_RANDOM_TELL"))
        printf("%u: %llu packets in %.0f s\n", case_variant,
               (unsigned long long)(path.count[0].packets + path.count[1].packets),
               (double)hal_now_ns() / HAL_SEC);
}

/* Requests and answers, most of them of one packet; pauses, so that connections are idle. */
static void random_talk(void)
{
    path_offloads = case_variant % 2;
    path_boot(case_variant);
    any_path();
    flows = 1 + path_random(FLOWS);
    for (unsigned i = 0; i < flows; i++) {
        for (unsigned k = 0; k < 2; k++)
            ends[i][k] =
                (struct flow_end){.key = 2 * i + k + 1, .ends = FLOW_WAITS, .sock = path_random(2)};
        flow_listen(&ends[i][1], PATH_B, (uint16_t)(80 + i));
        flow_connect(&ends[i][0], PATH_A, 0, (uint16_t)(80 + i), &ends[i][1]);
    }
    for (unsigned i = 0; i < 300; i++) {
        path_run((1 + path_random(one_in(20) ? 3000 : 100)) * HAL_MS, over);
        flow_more(&ends[path_random(flows)][path_random(2)],
                  1 + path_random(one_in(5) ? 5000 : 1500));
    }
    for (unsigned i = 0; i < flows; i++) {
        ends[i][0].ends = FLOW_SHUTS;
        flow_more(&ends[i][0], 1);
    }
    CHECK(path_run(A_WHILE, over));
}

/* The same with the short way of segments (net/lwip/tcp_fast.c) and without. */
static void by_both_ways(void)
{
    CHECK(trace_both_ways(random_talk) > 100);
    CHECK(trace_both_ways(random_paths) > 100);
}

/* ---- all seeds ------------------------------------------------------------------------------- */

static int run_seeds(unsigned first, unsigned count, void (*fn)(void))
{
    struct test_case c = {"random_paths", fn, NULL, 0, NULL};
    char name[32], *argv[] = {(char *)"seeds", NULL};
    int failed = 0;

    for (unsigned seed = first; seed < first + count; seed++) {
        snprintf(name, sizeof(name), "random_paths[%u]", seed);
        c.name = name;
        c.variant = seed;
        failed |= run_cases(&c, 1, 1, argv);
    }
    return failed;
}

static const struct test_variant seeds[] = {
    {"1", 1}, {"2", 2},   {"3", 3},   {"4", 4},   {"5", 5},   {"6", 6},   {"7", 7},  {"8", 8},
    {"9", 9}, {"10", 10}, {"11", 11}, {"12", 12}, {"13", 13}, {"14", 14}, {NULL, 0},
};

static const struct test_variant some[] = {{"101", 101}, {"102", 102}, {"103", 103}, {NULL, 0}};

static const struct test_case cases[] = {
    {"random_paths", random_paths, NULL, 0, seeds},
    {"by_both_ways", by_both_ways, NULL, 0, some},
};

int main(int argc, char **argv)
{
    if (argc > 3 && !strcmp(argv[1], "seeds"))
        return run_seeds((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), random_paths);
    if (argc > 3 && !strcmp(argv[1], "both"))
        return run_seeds((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), by_both_ways);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
