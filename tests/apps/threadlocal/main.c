/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threadlocal - each task has thread-local variables of its own: initial values, zeros, alignment,
 * another file's; through switches of tasks, semihosting calls, and many tasks' lives.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../checks.h"
#include "other.h"
#include "vireo/task.h"

enum { TASKS = 20, ROUNDS = 30, LIVES = 2000 };

static _Thread_local int number = 1234;
static _Thread_local char text[13] = "initial";
static __thread uint64_t zero;
static __thread unsigned char zeros[3001];
static _Thread_local struct {
    _Alignas(64) char line[64];
} aligned = {.line = "of a line"};
_Alignas(256) static __thread long wide;

static unsigned ended, wrong;
static struct waitq done;

/* What a task finds at its start. */
static bool fresh(void)
{
    for (unsigned i = 0; i < sizeof(zeros); i++)
        if (zeros[i])
            return false;
    return number == 1234 && !strcmp(text, "initial") && zero == 0 && wide == 0 &&
           !strcmp(aligned.line, "of a line") && other_number == 77 && !other_zero;
}

static bool at_their_places(void)
{
    return (uintptr_t)&aligned % 64 == 0 && (uintptr_t)&wide % 256 == 0 &&
           (uintptr_t)&zero % sizeof(zero) == 0 && other_place() == &other_number;
}

static void fill(unsigned n)
{
    number = (int)n;
    zero = other_zero = n * 0x100000001ull;
    wide = -(long)n;
    other_number = n + 1;
    snprintf(text, sizeof(text), "%u", n);
    memset(zeros, (int)n, sizeof(zeros));
    memset(aligned.line, (int)n, sizeof(aligned.line));
}

static bool filled(unsigned n)
{
    char digits[13];

    snprintf(digits, sizeof(digits), "%u", n);
    return number == (int)n && zero == n * 0x100000001ull && wide == -(long)n &&
           other_number == n + 1 && other_zero == zero && !strcmp(text, digits) &&
           zeros[0] == (n & 0xff) && zeros[3000] == (n & 0xff) && aligned.line[63] == (char)n;
}

static void task(void *arg)
{
    unsigned n = (unsigned)(uintptr_t)arg;

    wrong += !fresh() || !at_their_places();
    for (unsigned i = 0; i < ROUNDS; i++) {
        fill(n + i);
        task_yield();
        wrong += !filled(n + i);
    }
    ended++;
    waitq_wake_all(&done);
}

static void wait_for(unsigned n)
{
    while (ended < n)
        waitq_wait(&done, HAL_NEVER);
}

static void side_by_side(void)
{
    unsigned started = 0;

    fill(99);
    for (uintptr_t i = 1; i <= TASKS; i++)
        started += task_spawn("threadlocal", task, (void *)(i * 1000), 0) != NULL;
    wait_for(started);
    check(started == TASKS && wrong == 0, "%u tasks with their own: %u wrong", started, wrong);
    check(filled(99), "main's are as they were");
}

static void short_life(void *arg)
{
    wrong += !fresh();
    fill((unsigned)(uintptr_t)arg);
    ended++;
    waitq_wake_all(&done);
}

/* Memory that was used before holds the initial values again, and is given back. */
static void one_after_another(void)
{
    struct hal_memory before = {0}, after = {0};

    wrong = ended = 0;
    for (unsigned i = 0; i < LIVES; i++) {
        if (i == 10)
            hal_memory(&before);
        if (!task_spawn("short", short_life, (void *)(uintptr_t)(i + 1), 0))
            break;
        wait_for(i + 1);
        task_yield();
    }
    hal_memory(&after);
    check(ended == LIVES && wrong == 0, "%u tasks, one after another: %u wrong", ended, wrong);
    check(before.free == after.free, "no memory is lost: %llu bytes, %llu",
          (unsigned long long)before.free, (unsigned long long)after.free);
}

int main(void)
{
    check(fresh(), "main's initial values");
    check(at_their_places(), "alignment");
    side_by_side();
    one_after_another();
    return checks_end();
}
