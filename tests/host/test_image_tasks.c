/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_tasks.c - an image's tasks (platform/runtime/task.c): order of turns and of wake-ups,
 * mutexes, ends, stacks, where nothing may park.
 */
#include "taskframe.h"

static void noting(void *arg)
{
    note(*(const char *)arg);
    task_yield();
    note(*(const char *)arg);
}

static void main_turns(void)
{
    CHECK(!strcmp(task_name(task_self()), "main") && task_may_park());
    CHECK(task_spawn("a", noting, "a", 0) && task_spawn("b", noting, "b", 0));
    expect(""); /* a new task waits for its turn */
    task_yield();
    note('m');
    task_yield();
    expect("abmab");
    CHECK_EQ(fakecpu.masked, 0);
}
IN_MAIN(turns)

static void main_wake_order(void)
{
    task_spawn("a", waits, "a", 0);
    task_spawn("b", waits, "b", 0);
    task_spawn("c", waits, "c", 0);
    task_yield();
    task_spawn("d", noting, "d", 0);
    waitq_wake_all(&queue);
    expect("");
    task_yield();
    expect("dabc"); /* behind who can run already */
    task_yield();
    expect("d");
    waitq_wake_all(&queue); /* nobody */
    CHECK(!queue.head && !queue.tail);
}
IN_MAIN(wake_order)

static struct task_mutex mutex;

static void locks(void *arg)
{
    task_mutex_lock(&mutex);
    note(*(const char *)arg);
    task_mutex_lock(&mutex);
    task_yield();
    note(*(const char *)arg);
    task_mutex_unlock(&mutex);
    task_mutex_unlock(&mutex);
}

static void main_mutex_order(void)
{
    CHECK(task_mutex_trylock(&mutex) && task_mutex_trylock(&mutex));
    task_spawn("a", locks, "a", 0);
    task_spawn("b", locks, "b", 0);
    task_yield();
    task_mutex_unlock(&mutex);
    task_yield();
    expect(""); /* it was locked twice */
    task_mutex_unlock(&mutex);
    CHECK(!task_mutex_trylock(&mutex)); /* the longest waiter has it already */
    task_mutex_lock(&mutex);
    expect("aabb");
    task_mutex_unlock(&mutex);
    CHECK(!mutex.owner && mutex.depth == 0);
}
IN_MAIN(mutex_order)

/* ---- ends, stacks, libc's state -------------------------------------------------------------- */

static void close_streams(struct _reent *r)
{
    CHECK(!r && "the streams of all tasks are closed");
}

static void short_lived(void *arg)
{
    (void)arg;
    CHECK(_impure_ptr != &fake_global_reent);
    CHECK(_impure_ptr->_stdout == fake_streams && !_impure_ptr->__cleanup);
    _impure_ptr->__cleanup = close_streams; /* as if the task had printed */
    _impure_ptr->_errno = 77;
    note('s');
}

static void main_ends_give_all_back(void)
{
    struct hal_memory before, after;
    unsigned own = guards;

    hal_memory(&before);
    for (unsigned i = 0; i < 50; i++) {
        CHECK(task_spawn("s", short_lived, NULL, i * 100) != NULL);
        task_yield();
    }
    task_yield();
    hal_memory(&after);
    CHECK(before.free == after.free);
    CHECK(guards == own && reclaimed == 50);
    CHECK(_impure_ptr == &fake_global_reent && _impure_ptr->_errno == 0);
}
IN_MAIN(ends_give_all_back)

static void main_stacks(void)
{
    uintptr_t low, high, other_low;
    unsigned own = guards, least = case_variant < 8192 ? 8192 : (unsigned)case_variant;

    CHECK(runtime_task_stack(&low, &high));
    CHECK(high - low >= RAM_LEN / 16 && high - low < RAM_LEN / 16 + 8192);
    CHECK(guards == 1 && (uintptr_t)guard == low - 4096);
    struct task *t = task_spawn("t", short_lived, NULL, case_variant);
    CHECK(t && guards == own + 1);
    other_low = (uintptr_t)guard + 4096;
    CHECK((uintptr_t)t - other_low >= least && (uintptr_t)t - other_low < least + 8192);
    CHECK((uintptr_t)t % 64 == 0);
    struct thread *thread = *(struct thread **)t; /* its context comes first */
    CHECK(thread->stack_top == t);
    CHECK(task_spawn("t", short_lived, NULL, SIZE_MAX) == NULL);
    CHECK(task_spawn("t", short_lived, NULL, RAM_LEN) == NULL);
    no_guards = true;
    struct hal_memory before, after;
    hal_memory(&before);
    CHECK(task_spawn("t", short_lived, NULL, 0) == NULL);
    hal_memory(&after);
    CHECK(before.free == after.free);
    CHECK_EQ(guards, own + 1);
}
IN_MAIN(stacks)
static const struct test_variant sizes[] = {
    {"8192", 8192}, {"12000", 12000}, {"too_small", 1}, {NULL, 0}};

/* A machine without room for main()'s stack says so. */
static void no_room_for_main(void)
{
    jmp_buf out;

    info.ram_count = 0;
    memory_init(&info);
    host_expect_panic(&out);
    if (!setjmp(out))
        task_start_main(main_task);
    CHECK(strstr(host_panic_text(), "no memory for main's stack of 128 KiB"));
}

/* ---- where nothing may park ------------------------------------------------------------------ */

/* Runs fn, which must end in this panic. */
static void panics(void (*fn)(void), const char *text)
{
    jmp_buf out;

    host_expect_panic(&out);
    if (!setjmp(out)) {
        fn();
        check_fail(__FILE__, __LINE__, "no panic: %s", text);
    }
    if (!strstr(host_panic_text(), text))
        check_fail(__FILE__, __LINE__, "panic \"%s\"", host_panic_text());
}

static void sleeps(void)
{
    task_sleep_until(0);
}

static void overruns(void)
{
    memset(guard + 4096, 0x11, 16); /* the lowest words of main's stack */
    task_spawn("t", short_lived, NULL, 0);
    task_yield();
}

static void unlocks(void)
{
    task_mutex_unlock(&mutex);
}

static void waits_with_interrupts_masked(void)
{
    waitq_wait(&queue, HAL_NEVER);
}

static bool sleeps_in_service(struct hal_service *s)
{
    (void)s;
    CHECK(!task_may_park());
    task_sleep_until(0);
    return true;
}

static void main_panics_where_nothing_may_park(void)
{
    panics(unlocks, "assertion failed");
    task_forbid_parking(true);
    CHECK(!task_may_park());
    panics(sleeps, "sleep before main(), where nothing may park");
    task_forbid_parking(false);
    unsigned long state = arch_irq_save();
    CHECK(!task_may_park());
    panics(waits_with_interrupts_masked, "waitq_wait in a handler or with interrupts masked");
    arch_irq_restore(state);
    CHECK(task_may_park());
    static struct hal_service service = {.name = "svc", .run = sleeps_in_service};
    hal_service_add(&service);
    hal_service_wake(&service);
    panics(task_yield, "sleep in service svc, which must not park");
}
IN_MAIN(panics_where_nothing_may_park)

static void main_overrun(void)
{
    panics(overruns, "task main ran over the end of its stack of 528384 bytes");
}
IN_MAIN(overrun)

static const struct test_case cases[] = {
    {"turns", turns},
    {"wake_order", wake_order},
    {"mutex_order", mutex_order},
    {"ends_give_all_back", ends_give_all_back},
    {"stacks", stacks, NULL, 0, sizes},
    {"no_room_for_main", no_room_for_main},
    {"panics_where_nothing_may_park", panics_where_nothing_may_park},
    {"overrun", overrun},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
