/* SPDX-License-Identifier: BSD-2-Clause */
/* tasks - task.h: turns, sleeping, wait queues with deadlines, mutexes, many tasks, their ends. */
#include <stdint.h>
#include <stdlib.h>

#include "../checks.h"
#include "vireo/task.h"

enum { MANY = 200, TURNS = 50, SHORT = 5000 };

static unsigned turns, ended;
static struct waitq queue, done;
static struct task_mutex mutex;
static bool inside;
static bool alone = true;

static void takes_turns(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        turns++;
        task_yield();
    }
    ended += (uintptr_t)arg;
    waitq_wake_all(&done);
}

static void wait_for_ends(unsigned n)
{
    uint64_t deadline = hal_now_ns() + 80 * HAL_SEC;

    while (ended < n && waitq_wait(&done, deadline) == 0)
        ;
}

static void many_tasks(void)
{
    unsigned started = 0;

    for (int i = 0; i < MANY; i++)
        started += task_spawn("turns", takes_turns, (void *)1, 16384) != NULL;
    check(started == MANY, "%u tasks started", started);
    wait_for_ends(MANY);
    check(ended == MANY && turns == MANY * TURNS, "each had its turns: %u", turns);
}

static void one_after_another(void)
{
    int n = 0;

    for (ended = 1; n < SHORT && ended == 1; n++) {
        ended = 0;
        if (task_spawn("short", takes_turns, (void *)1, 0))
            wait_for_ends(1);
    }
    check(n == SHORT && ended == 1, "%d tasks, one after another", n);
}

static void deadline(void)
{
    uint64_t before = hal_now_ns();
    int r = waitq_wait(&queue, before + 30 * HAL_MS);

    check(r == -ETIMEDOUT, "a wait ends at its deadline: %d", r);
    check(hal_now_ns() >= before + 30 * HAL_MS, "and not before");
    check(waitq_wait(&queue, 1) == -ETIMEDOUT, "a deadline in the past ends at once");
}

static void holds_mutex(void *arg)
{
    (void)arg;
    task_mutex_lock(&mutex);
    task_mutex_lock(&mutex);
    alone &= !inside;
    inside = true;
    task_sleep_until(hal_now_ns() + HAL_MS);
    inside = false;
    task_mutex_unlock(&mutex);
    task_mutex_unlock(&mutex);
    ended++;
    waitq_wake_all(&done);
}

static void mutexes(void)
{
    ended = 0;
    for (int i = 0; i < 20; i++)
        task_spawn("mutex", holds_mutex, NULL, 0);
    wait_for_ends(20);
    check(ended == 20 && alone, "a mutex admits one task, that one twice");
    check(task_mutex_trylock(&mutex), "it is free afterwards");
    task_mutex_unlock(&mutex);
}

enum { SLEEPERS = 5 };

/* Sleepers of one round: all fall asleep before the first is due, or the round shows nothing. */
static uint64_t begun, step;
static unsigned woken[SLEEPERS];
static bool late;

static void sleeps(void *arg)
{
    uintptr_t number = (uintptr_t)arg;

    late |= hal_now_ns() >= begun + step;
    task_sleep_until(begun + number * step);
    woken[ended++] = (unsigned)number;
    waitq_wake_all(&done);
}

/* The last to wake begins first. A busy machine may need longer steps. */
static void sleeps_in_order(void)
{
    for (step = 20 * HAL_MS; step < 10 * HAL_SEC; step *= 4) {
        begun = hal_now_ns();
        late = false;
        ended = 0;
        for (uintptr_t i = SLEEPERS; i > 0; i--)
            task_spawn("sleeper", sleeps, (void *)i, 0);
        wait_for_ends(SLEEPERS);
        if (!late)
            break;
    }
    check(ended == SLEEPERS, "all sleepers woke");
    for (unsigned i = 0; i < SLEEPERS; i++)
        check(woken[i] == i + 1, "sleeper %u woke in order", i + 1);
}

int main(void)
{
    check(task_may_park(), "main may park");
    check(strcmp(task_name(task_self()), "main") == 0, "it is called main");
    many_tasks();
    one_after_another();
    deadline();
    mutexes();
    sleeps_in_order();
    return checks_end();
}
