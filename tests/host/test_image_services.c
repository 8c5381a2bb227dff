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

/* An interrupt of a device that works while it is probed. */
static void woken_before_it_is_added(void)
{
    hal_service_wake(&b);
    hal_service_wake(&a);
    hal_service_add(&a);
    hal_service_add(&b);
    CHECK(services_pending() && !services_run(1000) && expect("ba"));
}

static void what_is_pending_runs(void)
{
    add_all();
    CHECK(!services_run(1000) && expect(""));
    hal_service_wake(&c);
    hal_service_wake(&a);
    hal_service_wake(&c);
    CHECK(services_pending());
    CHECK(!services_run(1000) && expect("ca")); /* in the order in which they were woken */
    CHECK(!services_pending() && !services_run(1000) && expect(""));
    CHECK(services_running() == NULL);
    b.ctx = &b;
    hal_service_wake(&b);
    CHECK(services_run(1000) && expect("b"));
}

/* A service that is woken in a round runs in it, but once only. */
static struct hal_service *wakes[3]; /* by a, b and c */

static bool run_and_wake(struct hal_service *s)
{
    struct hal_service *other = wakes[s->name[0] - 'a'];
    bool worked = run(s);

    if (other)
        hal_service_wake(other);
    return worked;
}

static void what_is_woken_in_a_round_runs_in_it(void)
{
    add_all();
    a.run = b.run = c.run = run_and_wake;
    wakes[0] = &c;
    hal_service_wake(&a);
    services_run(1000);
    CHECK(expect("ac") && !services_pending());
    wakes[2] = &a;
    wakes[1] = &b;
    hal_service_wake(&a);
    hal_service_wake(&b);
    services_run(1000);
    CHECK(expect("abc")); /* b once, and a once */
    CHECK(services_pending() && b.pending && a.pending);
    services_run(1000);
    CHECK(expect("bac")); /* and so on: c wakes a, which has run */
    CHECK(services_pending() && b.pending && a.pending && !c.pending);
    wakes[0] = wakes[1] = wakes[2] = NULL;
    services_run(1000);
    CHECK(expect("ba") && !services_pending());
}

static void at(struct hal_service *s, uint64_t when_ns)
{
    s->next_ns = when_ns;
    hal_service_changed(s);
}

static void what_is_due_runs(void)
{
    add_all();
    CHECK(services_next() == HAL_NEVER); /* b's 0 means never, too */
    at(&a, 7000);
    at(&c, 5000);
    services_arm();
    CHECK(expect("A")); /* it changed, so it may have something to arm; c has not */
    CHECK_EQ(services_next(), 5000);
    services_run(4999);
    CHECK(expect(""));
    services_run(5000);
    CHECK(expect("c"));
    services_run(7000);
    CHECK(expect("ca"));
    CHECK(!services_pending());
}

/* A time that was put off or given up is not slept towards, and one that was lowered is. */
static bool puts_off(struct hal_service *s)
{
    s->next_ns = s == &a ? 9000 : HAL_NEVER;
    return run(s);
}

static void what_is_due_changes(void)
{
    add_all();
    at(&a, 5000);
    at(&c, 6000);
    services_run(1000);
    a.next_ns = 8000; /* later: that need not be told */
    c.next_ns = HAL_NEVER;
    CHECK_EQ(services_next(), 8000);
    services_run(7000);
    CHECK(expect(""));
    at(&c, 7500);
    services_run(7400);
    CHECK_EQ(services_next(), 7500);
    a.run = c.run = puts_off;
    services_run(8000);
    CHECK(expect("ca"));
    CHECK_EQ(services_next(), 9000);
    services_run(8999);
    CHECK(expect(""));
    services_run(9000);
    CHECK(expect("a"));
}

static void what_is_polled_runs_always(void)
{
    add_all();
    CHECK(!services_polled());
    b.polled = true;
    hal_service_changed(&b);
    services_run(1);
    CHECK(services_polled() && !services_pending());
    services_run(2);
    CHECK(expect("bb"));
    services_arm();
    CHECK(expect("")); /* what is polled needs no interrupt */
    b.polled = false;
    services_run(3);
    CHECK(!services_polled() && expect(""));
    hal_service_wake(&b);
    services_run(4);
    services_arm();
    CHECK(expect("bB"));
    b.polled = true; /* again */
    hal_service_changed(&b);
    services_run(5);
    services_run(6);
    CHECK(expect("bb"));
}

/* run() and arm() need not tell what they change. */
static bool begins_polling(struct hal_service *s)
{
    s->polled = true;
    s->next_ns = 4000;
    return run(s);
}

static void what_run_changes_is_noted(void)
{
    add_all();
    c.run = begins_polling;
    hal_service_wake(&c);
    services_run(1);
    CHECK(services_polled());
    CHECK_EQ(services_next(), 4000);
    services_run(2);
    CHECK(expect("cc"));
}

/* Those that are not armed run when neither arming nor a sweep came for 100 us. */
static void sweep(void)
{
    add_all();
    a.ctx = &a;
    hal_service_wake(&a);
    hal_service_wake(&b);
    hal_service_wake(&c);
    CHECK(!services_overdue(1000)); /* begins to count */
    services_run(1000 + SWEEP - 1);
    CHECK(expect("abc"));
    CHECK(!services_overdue(1000 + SWEEP - 1) && services_overdue(1000 + SWEEP));
    services_run(1000 + SWEEP);
    CHECK(expect("Ba")); /* a did something last time; b did not, and is armed */
    CHECK(!services_overdue(1000 + 2 * SWEEP - 1));
    a.ctx = NULL;
    services_run(1000 + 2 * SWEEP);
    CHECK(expect("a"));
    services_run(1000 + 3 * SWEEP);
    CHECK(expect("A"));
    services_run(1000 + 4 * SWEEP);
    services_arm();
    CHECK(expect(""));                           /* all are armed */
    CHECK(!services_overdue(1000 + 10 * SWEEP)); /* the CPU slept: it counts from here */
    services_run(1000 + 10 * SWEEP);
    CHECK(expect(""));
}

/* The sweep arms one in which work has come meanwhile: it runs at once. */
static void sweep_finds_work(void)
{
    add_all();
    hal_service_wake(&b);
    services_overdue(1000);
    services_run(1000);
    CHECK(expect("b"));
    b.ctx = &b;
    services_run(1000 + SWEEP);
    CHECK(expect("Bb"));
}

static void arming_finds_work(void)
{
    add_all();
    hal_service_changed(&a);
    hal_service_changed(&b);
    CHECK(!services_arm() && expect("AB"));
    CHECK(!services_arm() && expect("")); /* both are armed */
    b.ctx = &b;
    hal_service_changed(&b);
    CHECK(services_arm() && expect("B"));
    CHECK(b.pending && !a.pending && services_pending());
    services_run(0);
    CHECK(expect("b"));
    b.ctx = NULL;
    CHECK(!services_arm() && expect("B")); /* it ran */
    CHECK(services_running() == NULL);
}

/* A round costs by what happened: nothing is called of services that have nothing to do. */
static void what_is_idle_costs_nothing(void)
{
    static struct hal_service idle[100];

    add_all();
    for (unsigned i = 0; i < 100; i++) {
        idle[i] = (struct hal_service){.name = "i", .run = run, .arm = arm};
        hal_service_add(&idle[i]);
        services_arm();
        CHECK(expect("I")); /* once, when it is new */
    }
    for (uint64_t now = 1000; now < 1000 + 100 * SWEEP; now += SWEEP / 2) {
        hal_service_wake(&b);
        services_run(now);
        CHECK(expect("b"));
        services_arm();
        CHECK(expect("B"));
    }
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void deadlines_in_order(void)
{
    struct deadline_heap h = {0};
    struct hal_deadline d[5];
    static const uint64_t when[5] = {30, 10, 50, 10, 20};

    memset(d, 0, sizeof(d));
    deadline_remove(&h, &d[0]); /* is in no heap */
    for (unsigned i = 0; i < 5; i++)
        deadline_add(&h, &d[i], when[i]);
    uint64_t last = 0;
    for (unsigned n = 0; n < 5; n++) {
        CHECK(h.root && h.root->when_ns >= last && h.root->queued);
        last = h.root->when_ns;
        struct hal_deadline *first = h.root;
        deadline_remove(&h, first);
        CHECK(!first->queued);
        deadline_remove(&h, first);
    }
    CHECK(!h.root && last == 50);
}

static void deadlines_at_random(void)
{
    enum { N = 64 };
    static struct hal_deadline d[N];
    struct deadline_heap h = {0};

    for (unsigned step = 0; step < 20000; step++) {
        struct hal_deadline *x = &d[random_below(N)];
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
    {"woken_before_it_is_added", woken_before_it_is_added},
    {"what_is_pending_runs", what_is_pending_runs},
    {"what_is_woken_in_a_round_runs_in_it", what_is_woken_in_a_round_runs_in_it},
    {"what_is_due_runs", what_is_due_runs},
    {"what_is_due_changes", what_is_due_changes},
    {"what_is_polled_runs_always", what_is_polled_runs_always},
    {"what_run_changes_is_noted", what_run_changes_is_noted},
    {"sweep", sweep},
    {"sweep_finds_work", sweep_finds_work},
    {"arming_finds_work", arming_finds_work},
    {"what_is_idle_costs_nothing", what_is_idle_costs_nothing},
    {"deadlines_in_order", deadlines_in_order},
    {"deadlines_at_random", deadlines_at_random},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
