/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_services.c - an image's services (platform/runtime/service.c): which run when, the
 * sweep while tasks keep the CPU busy, arming; and the heap of deadlines (deadline.c).
 */
#include <string.h>

#include "check.h"
#include "deadline.h"
#include "host.h"
#include "runtime.h"

#define SWEEP 100000u /* ns */

static char trace[64]; /* names of what ran, in order; arm() in capitals */

static void note(const char *name, bool arm)
{
    size_t n = strlen(trace);

    CHECK(n + 1 < sizeof(trace));
    trace[n] = (char)(arm ? name[0] - 'a' + 'A' : name[0]);
    trace[n + 1] = '\0';
}

static bool expect(const char *what)
{
    bool same = !strcmp(trace, what);

    if (!same)
        fprintf(stderr, "trace: \"%s\"\n", trace);
    trace[0] = '\0';
    return same;
}

static bool run(struct hal_service *s)
{
    note(s->name, false);
    CHECK(services_running() == s->name);
    CHECK(!s->pending);
    return s->ctx != NULL;
}

static bool arm(struct hal_service *s)
{
    note(s->name, true);
    CHECK(services_running() == s->name);
    return s->ctx != NULL;
}

static struct hal_service a = {.name = "a", .run = run, .arm = arm, .next_ns = HAL_NEVER};
static struct hal_service b = {.name = "b", .run = run, .arm = arm};
static struct hal_service c = {.name = "c", .run = run};

static void add_all(void)
{
    hal_service_add(&a);
    hal_service_add(&b);
    hal_service_add(&c);
    services_arm();
    trace[0] = '\0';
}

static void what_is_pending_runs(void)
{
    add_all();
    CHECK(!services_run(1000) && expect(""));
    hal_service_wake(&c);
    hal_service_wake(&a);
    CHECK(services_pending());
    CHECK(!services_run(1000) && expect("ac")); /* in the order in which they were added */
    CHECK(!services_pending() && !services_run(1000) && expect(""));
    CHECK(services_running() == NULL);
    b.ctx = &b;
    hal_service_wake(&b);
    CHECK(services_run(1000) && expect("b"));
}

static void what_is_due_runs(void)
{
    add_all();
    CHECK(services_next() == HAL_NEVER); /* b's 0 means never, too */
    a.next_ns = 7000;
    c.next_ns = 5000;
    CHECK_EQ(services_next(), 5000);
    services_run(4999);
    CHECK(expect(""));
    services_run(5000);
    CHECK(expect("c"));
    services_run(7000);
    CHECK(expect("ac"));
    CHECK(!services_pending());
}

static void what_is_polled_runs_always(void)
{
    add_all();
    CHECK(!services_polled());
    b.polled = true;
    CHECK(services_polled());
    services_run(1);
    services_run(2);
    CHECK(expect("bb"));
    services_arm();
    CHECK(expect("A")); /* what is polled needs no interrupt, and c has nothing to arm */
}

/* All run when neither arming nor a sweep came for 100 us. */
static void sweep(void)
{
    add_all();
    CHECK(!services_overdue(1000)); /* begins to count */
    services_run(1000 + SWEEP - 1);
    CHECK(expect(""));
    CHECK(!services_overdue(1000 + SWEEP - 1) && services_overdue(1000 + SWEEP));
    services_run(1000 + SWEEP);
    CHECK(expect("abc"));
    CHECK(!services_overdue(1000 + 2 * SWEEP - 1));
    services_run(1000 + 2 * SWEEP);
    CHECK(expect("abc"));
    services_arm();
    CHECK(expect("AB"));
    services_run(1000 + 10 * SWEEP); /* the CPU slept: it counts from here */
    CHECK(expect(""));
}

static void arming_finds_work(void)
{
    add_all();
    CHECK(!services_arm() && expect("AB"));
    b.ctx = &b;
    CHECK(services_arm() && expect("AB"));
    CHECK(b.pending && !a.pending && services_pending());
    services_run(0);
    CHECK(expect("b"));
    CHECK(services_running() == NULL);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void deadlines_in_order(void)
{
    struct deadline_heap h = {0};
    struct deadline d[5];
    static const uint64_t when[5] = {30, 10, 50, 10, 20};

    memset(d, 0, sizeof(d));
    deadline_remove(&h, &d[0]); /* is in no heap */
    for (unsigned i = 0; i < 5; i++)
        deadline_add(&h, &d[i], when[i]);
    uint64_t last = 0;
    for (unsigned n = 0; n < 5; n++) {
        CHECK(h.root && h.root->when_ns >= last && h.root->queued);
        last = h.root->when_ns;
        struct deadline *first = h.root;
        deadline_remove(&h, first);
        CHECK(!first->queued);
        deadline_remove(&h, first);
    }
    CHECK(!h.root && last == 50);
}

static void deadlines_at_random(void)
{
    enum { N = 64 };
    static struct deadline d[N];
    struct deadline_heap h = {0};

    for (unsigned step = 0; step < 20000; step++) {
        struct deadline *x = &d[random_below(N)];
        if (x->queued)
            deadline_remove(&h, x);
        else
            deadline_add(&h, x, random_below(1000));
        uint64_t first = HAL_NEVER;
        for (unsigned i = 0; i < N; i++)
            if (d[i].queued && d[i].when_ns < first)
                first = d[i].when_ns;
        CHECK(h.root ? h.root->when_ns == first : first == HAL_NEVER);
    }
}

static const struct test_case cases[] = {
    {"what_is_pending_runs", what_is_pending_runs},
    {"what_is_due_runs", what_is_due_runs},
    {"what_is_polled_runs_always", what_is_polled_runs_always},
    {"sweep", sweep},
    {"arming_finds_work", arming_finds_work},
    {"deadlines_in_order", deadlines_in_order},
    {"deadlines_at_random", deadlines_at_random},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
