/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_sleep.c - how an image's tasks wait (platform/runtime/task.c): deadlines, when the CPU
 * sleeps and until when, what ends its sleep.
 */
#include "taskframe.h"

/* One in the middle of the queue leaves it at its deadline; the others stay in order. */
static void waits_until(void *arg)
{
    uint64_t when = hal_now_ns() + 10 * HAL_MS;
    int r = waitq_wait(&queue, when);

    CHECK(r == -ETIMEDOUT && hal_now_ns() >= when);
    note(*(const char *)arg);
}

static void main_deadlines(void)
{
    task_spawn("a", waits, "a", 0);
    task_spawn("b", waits_until, "b", 0);
    task_spawn("c", waits, "c", 0);
    task_yield();
    uint64_t before = hal_now_ns();
    task_sleep_until(before + 5 * HAL_MS);
    CHECK(hal_now_ns() == before + 5 * HAL_MS);
    expect("");
    task_sleep_until(before + 20 * HAL_MS);
    expect("b");
    waitq_wake_all(&queue);
    task_yield();
    expect("ac");
    CHECK_EQ(waitq_wait(&queue, 1), -ETIMEDOUT); /* in the past */
    CHECK_EQ(waitq_wait(&queue, hal_now_ns() + 1), -ETIMEDOUT);
    task_sleep_until(0);
    CHECK(timer_sets >= 3 && fakecpu.waits >= 3);
}
IN_MAIN(deadlines)

/* Woken before the deadline: the deadline is forgotten. */
static void wakes(void *arg)
{
    (void)arg;
    waitq_wake_all(&queue);
}

static void main_woken_in_time(void)
{
    uint64_t before = hal_now_ns();

    task_spawn("w", wakes, NULL, 0);
    CHECK_EQ(waitq_wait(&queue, before + 10 * HAL_MS), 0);
    CHECK(hal_now_ns() == before);
    task_sleep_until(before + 50 * HAL_MS);
    CHECK(hal_now_ns() == before + 50 * HAL_MS); /* not at 10 ms */
    CHECK_EQ(fakecpu.waits, 1);
}
IN_MAIN(woken_in_time)

/* The timer fires while it is being set for a turn: the next wait has its time all the same. */
static void main_stopped_meanwhile(void)
{
    stops = true;
    task_yield();
    CHECK(!stops);
    uint64_t before = hal_now_ns();
    task_sleep_until(before + 5 * HAL_MS);
    CHECK(hal_now_ns() == before + 5 * HAL_MS);
}
IN_MAIN(stopped_meanwhile)

/* A task ends while the time of a wait that ended early is still to come. */
static void ends_early(void *arg)
{
    (void)arg;
    CHECK_EQ(waitq_wait(&queue, hal_now_ns() + 10 * HAL_MS), 0);
}

static void main_ended_before_its_deadline(void)
{
    uint64_t before = hal_now_ns();

    for (unsigned i = 0; i < 3; i++) {
        task_spawn("e", ends_early, NULL, 0);
        task_yield();
        waitq_wake_all(&queue);
        task_yield();
    }
    CHECK_EQ(fakecpu.waits, 0);
    task_sleep_until(before + 50 * HAL_MS);
    CHECK_EQ(hal_now_ns(), before + 50 * HAL_MS);
    CHECK_EQ(fakecpu.waits, 1);
}
IN_MAIN(ended_before_its_deadline)

/* ---- services and sleep ---------------------------------------------------------------------- */

static unsigned served;
static bool wakes_queue, has_work, late;
static bool (*in_service)(void);

static bool serve(struct hal_service *s)
{
    served++;
    if (in_service)
        in_service();
    if (wakes_queue)
        waitq_wake_all(&queue);
    return s->ctx != NULL;
}

static bool arm_service(struct hal_service *s)
{
    bool work = has_work;
    has_work = false;
    if (late) {
        late = false;
        hal_service_wake(s); /* a handler, after this one looked */
    }
    return work;
}

static struct hal_service service = {
    .name = "svc", .run = serve, .arm = arm_service, .next_ns = HAL_NEVER};

static void raise_service(void)
{
    hal_service_wake(&service);
}

/* An interrupt ends the sleep, the service runs, and the task that it wakes. */
static void main_interrupt_ends_sleep(void)
{
    hal_service_add(&service);
    wakes_queue = true;
    interrupt = raise_service;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0);
    CHECK_EQ(served, 1);
    CHECK_EQ(fakecpu.waits, 1);
    CHECK(timer == hal_now_ns() + HAL_SEC && timer_sets == 1); /* a long turn would be noticed */
}
IN_MAIN(interrupt_ends_sleep)

/* Sleeps until a service is due, or a task, whichever is first. */
static void main_sleeps_until_the_first(void)
{
    uint64_t now = hal_now_ns();

    hal_service_add(&service);
    service.next_ns = now + 3 * HAL_MS;
    wakes_queue = true;
    CHECK_EQ(waitq_wait(&queue, now + 5 * HAL_MS), 0);
    CHECK(fired == now + 3 * HAL_MS && hal_now_ns() == now + 3 * HAL_MS);
    service.next_ns = now + 9 * HAL_MS;
    hal_service_changed(&service);
    CHECK_EQ(waitq_wait(&queue, now + 5 * HAL_MS), -ETIMEDOUT);
    CHECK(fired == now + 5 * HAL_MS);
    unsigned sets = timer_sets;
    service.next_ns = HAL_NEVER;
    wakes_queue = false;
    interrupt = raise_service; /* wakes nobody: sleeps again, by the timer that is set */
    CHECK_EQ(waitq_wait(&queue, now + 8 * HAL_MS), -ETIMEDOUT);
    CHECK_EQ(fired, now + 8 * HAL_MS);
    CHECK_EQ(timer_sets, sets + 2); /* for the sleep, and for a long turn after it */
}
IN_MAIN(sleeps_until_the_first)

/*
 * Waits that end before their time move neither the timer nor their place among the deadlines, nor
 * is one that is left there taken for the limit of another wait.
 */
static void main_waits_that_end_early(void)
{
    uint64_t start = hal_now_ns();

    hal_service_add(&service);
    wakes_queue = true;
    for (unsigned i = 0; i < 100; i++) {
        interrupt = raise_service;
        CHECK_EQ(waitq_wait(&queue, hal_now_ns() + 10 * HAL_MS), 0);
        host_advance(50 * HAL_US);
    }
    CHECK_EQ(timer_sets, 1);
    CHECK_EQ(timer, start + 10 * HAL_MS);
    unsigned waits = fakecpu.waits;
    wakes_queue = false;
    CHECK_EQ(waitq_wait(&queue, start + 40 * HAL_MS), -ETIMEDOUT);
    CHECK_EQ(hal_now_ns(), start + 40 * HAL_MS);
    CHECK_EQ(fakecpu.waits, waits + 2); /* once for nothing, at 10 ms */
    interrupt = raise_service;
    wakes_queue = true;
    CHECK_EQ(waitq_wait(&queue, start + 60 * HAL_MS), 0);
    CHECK_EQ(waitq_wait(&queue, start + 50 * HAL_MS), -ETIMEDOUT); /* earlier than the one before */
    CHECK_EQ(hal_now_ns(), start + 50 * HAL_MS);
    host_advance(100 * HAL_MS);
    interrupt = raise_service;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0);
    interrupt = raise_service;
    CHECK_EQ(waitq_wait(&queue, hal_now_ns() + HAL_MS), 0);
    host_advance(5 * HAL_MS);
    interrupt = raise_service;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0); /* the limit of the wait before is over */
    task_spawn("w", wakes, NULL, 0);
    CHECK_EQ(waitq_wait(&queue, hal_now_ns() + 10 * HAL_MS), 0);
    unsigned sets = timer_sets;
    interrupt = raise_service;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0);
    CHECK_EQ(timer_sets, sets); /* nobody waits for a time any more */
}
IN_MAIN(waits_that_end_early)

/* While a service is polled, or arming finds work, the CPU does not sleep. */
static bool three_times(void)
{
    wakes_queue = served == 3;
    return true;
}

static void main_polled(void)
{
    hal_service_add(&service);
    service.polled = true;
    hal_service_changed(&service);
    in_service = three_times;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0);
    CHECK(served == 3 && fakecpu.waits == 0);
    service.polled = false;
    has_work = true;
    in_service = NULL;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0); /* armed: there is work, so it runs */
    CHECK(served == 4 && fakecpu.waits == 0);
}
IN_MAIN(polled)

/* A wake-up after arming, before interrupts are masked, keeps the CPU from sleeping. */
static void main_no_lost_wakeup(void)
{
    hal_service_add(&service);
    wakes_queue = late = true;
    CHECK_EQ(waitq_wait(&queue, HAL_NEVER), 0);
    CHECK_EQ(fakecpu.waits, 0);
}
IN_MAIN(no_lost_wakeup)

/* Where tasks keep the CPU busy, services that found work have a turn each 100 us. */
static void main_gives_way(void)
{
    hal_service_add(&service);
    service.ctx = &service;
    hal_service_wake(&service);
    task_yield();
    host_advance(99999);
    task_give_way();
    CHECK_EQ(served, 1);
    host_advance(1);
    task_give_way();
    task_give_way();
    CHECK_EQ(served, 2);
    host_advance(100000);
    task_forbid_parking(true);
    task_give_way(); /* where nothing may park, it does not */
    CHECK_EQ(served, 2);
}
IN_MAIN(gives_way)

static const struct test_case cases[] = {
    {"deadlines", deadlines},
    {"woken_in_time", woken_in_time},
    {"stopped_meanwhile", stopped_meanwhile},
    {"ended_before_its_deadline", ended_before_its_deadline},
    {"interrupt_ends_sleep", interrupt_ends_sleep},
    {"sleeps_until_the_first", sleeps_until_the_first},
    {"waits_that_end_early", waits_that_end_early},
    {"polled", polled},
    {"no_lost_wakeup", no_lost_wakeup},
    {"gives_way", gives_way},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
