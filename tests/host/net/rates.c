/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rates.c - `test_tcp_path rates`: side A sends to side B for some seconds of virtual time. Each
 * run is a process of its own.
 */
#include "rates.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "flow.h"
#include "hal.h"
#include "tasks.h"

#define GIGABIT 125000000u /* bytes a second: as fast as any of the paths is */

struct kind {
    const char *name;
    uint64_t delay_us; /* one way */
    uint32_t loss, reorder;
    uint64_t rate, queue_ns;
};

static const struct kind kinds[] = {
    {"10 ms, none lost", 5000, 0, 0, GIGABIT, 20 * HAL_MS},
    {"10 ms, 0.1 % lost", 5000, 1000, 0, GIGABIT, 20 * HAL_MS},
    {"10 ms, 1 % lost", 5000, 10000, 0, GIGABIT, 20 * HAL_MS},
    {"10 ms, 5 % lost", 5000, 50000, 0, GIGABIT, 20 * HAL_MS},
    {"10 ms, 20 % lost", 5000, 200000, 0, GIGABIT, 20 * HAL_MS},
    {"10 ms, 5 % reordered", 5000, 0, 50000, GIGABIT, 20 * HAL_MS},
    {"50 ms, none lost", 25000, 0, 0, GIGABIT, 50 * HAL_MS},
    {"10 Mbit/s, queue of 50 ms", 5000, 0, 0, 1250000, 50 * HAL_MS},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define SECONDS 5

/* What side A's segments show. */
static struct {
    bool began;
    uint32_t next;    /* the end of what was sent */
    uint64_t last_ns; /* when a packet was at side A */
    uint64_t again, timeouts, stall /* longest silence, ns */;
    uint64_t spurious; /* data that side B had already, which no duplicate brought */
} shown;

/* Bytes of the stream that side B has, by sequence number. */
#define SPAN (1u << 26)
static uint8_t have[SPAN / 8];
static uint32_t have_from; /* all before this are there */

static bool has(uint32_t seq)
{
    return (int32_t)(seq - have_from) < 0 || have[seq % SPAN / 8] >> seq % 8 & 1;
}

static void arrived(const struct path_seen *s)
{
    bool news = false;

    if (s->tcp.flags & SEG_SYN)
        have_from = s->tcp.seq + 1;
    for (uint32_t seq = s->tcp.seq; seq != s->tcp.seq + s->tcp.len; seq++) {
        news |= !has(seq);
        if ((int32_t)(seq - have_from) >= 0)
            have[seq % SPAN / 8] |= (uint8_t)(1 << seq % 8);
    }
    for (; have[have_from % SPAN / 8] >> have_from % 8 & 1; have_from++)
        have[have_from % SPAN / 8] &= (uint8_t) ~(1 << have_from % 8);
    shown.spurious += s->tcp.len && !news && !s->copy;
}

static void departed(const struct path_seen *s)
{
    uint32_t end = s->tcp.seq + segment_span(&s->tcp);

    if (!shown.began)
        shown.next = s->tcp.seq;
    shown.began = true;
    if (segment_span(&s->tcp) && (int32_t)(s->tcp.seq - shown.next) < 0) {
        shown.again++;
        shown.timeouts += s->ns - shown.last_ns >= 190 * HAL_MS;
    }
    if ((int32_t)(end - shown.next) > 0)
        shown.next = end;
}

static void watch(const struct path_seen *s)
{
    if (s->side == PATH_B && !s->out)
        arrived(s);
    if (s->side == PATH_B)
        return;
    if (s->out)
        departed(s);
    if (s->ns - shown.last_ns > shown.stall)
        shown.stall = s->ns - shown.last_ns;
    shown.last_ns = s->ns;
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void run(const struct kind *k, unsigned seed)
{
    static struct flow_end a = {.to_send = FLOW_ENDLESS}, b;
    struct path_link l = {.delay_ns = k->delay_us * 1000,
                          .loss = k->loss,
                          .reorder = k->reorder,
                          .reorder_ns = k->delay_us * 250 + 2 * HAL_MS,
                          .rate = k->rate,
                          .queue_ns = k->queue_ns};
    double seconds = cpu_seconds();
    const struct path_count *n = &path.count[PATH_A];

    host_set_ram(256 << 20);
    path_boot(seed);
    path.link[PATH_A] = path.link[PATH_B] = l;
    path_watch(watch);
    flow_listen(&b, PATH_B, 80);
    flow_connect(&a, PATH_A, 0, 80, &b);
    path_run_for(SECONDS * HAL_SEC);
    path_capture(NULL, PATH_A);
    printf("%-26s %5u %9.3f %8llu %6llu %6llu %7llu %8llu %7.0f %6.2f%s%s\n", k->name, seed,
           (double)b.received / SECONDS / 1e6, (unsigned long long)n->packets,
           (unsigned long long)(n->lost + n->overflowed), (unsigned long long)shown.again,
           (unsigned long long)shown.timeouts, (unsigned long long)shown.spurious,
           (double)shown.stall / 1e6, cpu_seconds() - seconds, b.wrong ? " WRONG BYTES" : "",
           a.err || b.err ? " FAILED" : "");
    fflush(stdout);
    _exit(b.wrong || a.err || b.err);
}

static int run_apart(const struct kind *k, unsigned seed)
{
    int status;
    pid_t child = fork();

    if (!child)
        run(k, seed);
    return waitpid(child, &status, 0) != child || status;
}

int rates_main(int argc, char **argv)
{
    int failed = 0;

    printf("%-26s %5s %9s %8s %6s %6s %7s %8s %7s %6s\n", "path", "seed", "MB/s", "packets", "lost",
           "again", "timeout", "spurious", "stall/ms", "CPU/s");
    fflush(stdout);
    for (unsigned i = 0; i < KINDS; i++) {
        if (argc > 2 && !strstr(kinds[i].name, argv[2]))
            continue;
        for (int n = 3; n < argc || n == 3; n++)
            failed |= run_apart(&kinds[i], n < argc ? (unsigned)atoi(argv[n]) : 1);
    }
    return failed;
}
