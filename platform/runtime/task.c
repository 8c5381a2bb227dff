/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task.c - cooperative tasks on one core, and the loop that runs when a task parks (hal.h,
 * "services"). There is no idle task: the loop runs on the stack of the task that parks. It ends
 * when a task is runnable: by a switch to that task, or by a return if that task is the same.
 */
#include "vireo/task.h"

#include <reent.h>
#include <stdlib.h>

#include "board.h"
#include "deadline.h"
#include "pace.h"
#include "runtime.h"
#include "turn.h"

/* main()'s stack: a sixteenth of what is free, within these limits; bytes. */
#define MAIN_STACK_MIN (128u * 1024u)
#define MAIN_STACK_MAX (1024u * 1024u)
#define STACK_CANARY   0x5afe57acdeadf00dull /* lowest word of each stack */

/* The memory of a task, upwards: guard page, stack, struct task, thread-local variables. */
struct task {
    struct arch_context context;
    struct task *next, *prev;     /* neighbours in `queue` */
    struct waitq *queue;          /* the queue that holds the task (`runnable` is one), or NULL */
    uint64_t until_ns;            /* of the wait; HAL_NEVER: no limit, or it does not wait */
    struct hal_deadline deadline; /* no later than until_ns (task_set_deadline) */
    bool timed_out;
    const char *name;
    char *memory; /* page_count pages, the guard page first */
    size_t page_count;
    void (*fn)(void *);
    void *arg;
    struct _reent *reent; /* libc's state: errno and the like */
    struct _reent own_reent;
};

static struct {
    struct task *current;
    struct task *ended; /* the task that runs next frees its memory; NULL: none */
    struct waitq runnable;
    struct deadline_heap deadlines;
    struct pace pace; /* of the loop, which runs for one task at a time */
    bool parking_forbidden;
} tasks;
static uint64_t timer_set_ns = HAL_NEVER; /* when the board's timer fires, or has fired */

/* What few turns need stands apart, so that the loop is short. */
static void task_expire(uint64_t now) __attribute__((noinline, cold));
static void task_set_alarm(uint64_t latest) __attribute__((noinline, cold));
static void task_release(struct task *t) __attribute__((noinline, cold));
static struct task *task_create(const char *name, size_t stack) __attribute__((cold));
static void task_run_spawned(void *arg) __attribute__((cold));
static size_t task_main_stack(void) __attribute__((cold));
struct task *task_spawn(const char *name, void (*fn)(void *), void *arg, size_t stack)
    __attribute__((cold));
void task_start_main(void (*fn)(void)) __attribute__((cold));
void task_exit(void) __attribute__((cold));
static bool task_pace(bool worked) __attribute__((noinline));

/* ---- queues ---------------------------------------------------------------------------------- */

static void task_enqueue(struct waitq *q, struct task *t)
{
    t->queue = q;
    t->prev = q->tail;
    HAL_QUEUE_APPEND(q->head, q->tail, t, next);
}

static void task_dequeue(struct task *t)
{
    struct waitq *q = t->queue;

    if (!q)
        return;
    if (t->prev)
        t->prev->next = t->next;
    else
        q->head = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        q->tail = t->prev;
    t->queue = NULL;
}

static void task_make_runnable(struct task *t, bool timed_out)
{
    task_dequeue(t);
    t->until_ns = HAL_NEVER;
    t->timed_out = timed_out;
    task_enqueue(&tasks.runnable, t);
}

/*
 * Notes when the wait of t ends. A task stays in the heap at the time of an earlier wait until that
 * time comes, or is the next for which the timer is to be set: most waits end before their time.
 */
static void task_set_deadline(struct task *t, uint64_t when_ns)
{
    t->until_ns = when_ns;
    if (t->deadline.queued && t->deadline.when_ns <= when_ns)
        return;
    deadline_remove(&tasks.deadlines, &t->deadline);
    if (when_ns != HAL_NEVER)
        deadline_add(&tasks.deadlines, &t->deadline, when_ns);
}

/* The task whose wait ends first; NULL: none has a limit. */
static struct task *task_first_due(void)
{
    while (tasks.deadlines.root) {
        struct task *t =
            (struct task *)((char *)tasks.deadlines.root - offsetof(struct task, deadline));

        if (t->until_ns == t->deadline.when_ns)
            return t;
        deadline_remove(&tasks.deadlines, &t->deadline);
        task_set_deadline(t, t->until_ns);
    }
    return NULL;
}

static void task_expire(uint64_t now)
{
    struct task *t;

    while ((t = task_first_due()) && t->until_ns <= now)
        task_make_runnable(t, true);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/*
 * While services run, hal_now_ns() gives the time at which the round began, so that the counter is
 * read once a round (pace.h says why). Not for ever, since a service may wait for a register with a
 * deadline.
 */
#define ROUND_READS 32

static void task_begin_round(uint64_t now)
{
    runtime_round.now_ns = now;
    runtime_round.reads = ROUND_READS;
}

/* The time is noted first: the timer may fire, and its handler set it again, before the return. */
static void task_set_timer(uint64_t when_ns)
{
    timer_set_ns = when_ns;
    board_timer_set(when_ns);
}

/* Sets the timer for the next deadline of a service or a task, or for `latest`, unless it is set
 * for an earlier time. */
static void task_set_alarm(uint64_t latest)
{
    const struct task *t = task_first_due();
    uint64_t when = services_next();

    if (latest < when)
        when = latest;
    if (t && t->until_ns < when)
        when = t->until_ns;
    if (when < timer_set_ns)
        task_set_timer(when);
}

/*
 * Sleeps until an interrupt, or until the next deadline of a service or a task, or `latest`.
 * Returns at once if a handler has woken a service, and soon if a deadline has passed, since the
 * timer fires then. A timer that is set for an earlier time stays: it ends the sleep for nothing
 * once, which costs less than to set the timer for each sleep.
 */
static void task_idle(uint64_t latest)
{
    unsigned long state = arch_irq_save();

    runtime_round.reads = 0;
    if (!services_pending()) {
        if (latest < timer_set_ns || deadline_before(&services.due, timer_set_ns) ||
            deadline_before(&tasks.deadlines, timer_set_ns))
            task_set_alarm(latest);
        board_wait();
        board_irq(); /* by a call, since an exception takes longer */
    }
    arch_irq_restore(state);
}

void runtime_timer(void)
{
    uint64_t now = hal_now_ns();

    timer_set_ns = HAL_NEVER;
    if (turn_check(now))
        task_set_timer(now + TURN_LONG);
}

/* A turn begins. Without a timer that fires soon, one is set, by which a long turn is noticed. */
static void task_begin_turn(uint64_t now)
{
    turn_begin(now);
    if (timer_set_ns > now + 2 * TURN_LONG)
        task_set_timer(now + TURN_LONG);
}

/* Takes the first runnable task out of its queue. NULL: there is none. */
static inline struct task *task_take_runnable(void)
{
    struct task *t = tasks.runnable.head;

    if (!t)
        return NULL;
    tasks.runnable.head = t->next;
    if (t->next)
        t->next->prev = NULL;
    else
        tasks.runnable.tail = NULL;
    t->queue = NULL;
    return t;
}

/*
 * Nothing can run: arms the services, and sleeps. A service that did something is armed without a
 * further round, since a round runs what was woken or is polled, and nothing was.
 */
static inline void task_arm_and_idle(void)
{
    if (!services_arm() && !tasks.runnable.head)
        task_idle(HAL_NEVER);
}

/* The same while services are polled. True: the next round has the time of this one. */
static bool task_pace(bool worked)
{
    struct pace *p = &tasks.pace;
    uint64_t until;

    if (pace_round(p, !worked && !services_arm() && !tasks.runnable.head))
        return true;
    runtime_round.reads = 0;
    if (p->rounds && (until = pace_sleep(p, hal_now_ns())))
        task_idle(until);
    return false;
}

static struct task *task_next(void)
{
    uint64_t now = hal_now_ns();

    turn_end(now);
    for (tasks.pace.rounds = 0;;) {
        task_begin_round(now);
        bool worked = services_run(now);
        if (deadline_before(&tasks.deadlines, now + 1))
            task_expire(now);
        struct task *t = task_take_runnable();
        if (t) {
            runtime_round.reads = 0;
            task_begin_turn(now);
            return t;
        }
        if (services_polled()) {
            if (task_pace(worked))
                continue;
        } else if (!services_pending()) {
            tasks.pace.rounds = 0;
            task_arm_and_idle();
        }
        runtime_round.reads = 0;
        now = hal_now_ns();
    }
}

static void task_check_stack(const struct task *t)
{
    if (*(const uint64_t *)(t->memory + PAGE_SIZE) != STACK_CANARY)
        hal_panic("task %s ran over the end of its stack of %zu bytes; give it a larger one",
                  t->name, (t->page_count - 1) * PAGE_SIZE);
}

static void task_release(struct task *t)
{
    char *memory = t->memory;
    size_t n = t->page_count;

    arch_protect(memory, PAGE_SIZE, ARCH_READ_WRITE);
    page_free(memory, n);
}

static void task_release_ended(void)
{
    struct task *t = tasks.ended;

    tasks.ended = NULL;
    if (t)
        task_release(t);
}

/*
 * Runs the next runnable task. The caller has put the running one into a queue, or has given it a
 * deadline, or has ended it.
 */
static void task_schedule(void)
{
    struct task *self = tasks.current, *t = task_next();

    if (t == self)
        return;
    task_check_stack(self);
    tasks.current = t;
    _impure_ptr = t->reent;
    arch_switch(&self->context, &t->context);
    task_release_ended();
}

/* Are interrupts masked, as they are in a handler? */
static bool task_masked(void)
{
    unsigned long before = arch_irq_save();
    unsigned long while_masked = arch_irq_save();

    arch_irq_restore(before);
    return before == while_masked;
}

bool task_may_park(void)
{
    return tasks.current && !tasks.parking_forbidden && !services_running() && !task_masked();
}

static void task_check_park(const char *what)
{
    if (services.running)
        hal_panic("%s in service %s, which must not park", what, services_running());
    if (tasks.parking_forbidden)
        hal_panic("%s before main(), where nothing may park", what);
#ifdef VIREO_DEBUG
    if (!task_may_park())
        hal_panic("%s in a handler or with interrupts masked", what);
#endif
}

void task_forbid_parking(bool on)
{
    tasks.parking_forbidden = on;
    if (!on)
        task_begin_turn(hal_now_ns());
}

/* ---- the life of a task ---------------------------------------------------------------------- */

#pragma weak __sf /* not there in an image without stdio */

/* Makes the libc state of a new task. The standard streams are those of all  */
static void task_init_reent(struct _reent *r)
{
    _REENT_INIT_PTR_ZEROED(r);
}

static void task_destroy_reent(struct _reent *r)
{
    r->__cleanup = NULL; /* the streams belong to all tasks: they stay open */
    _impure_ptr = _GLOBAL_REENT;
    _reclaim_reent(r);
}

static struct task *task_create(const char *name, size_t stack)
{
    if (stack > SIZE_MAX / 2)
        return NULL;
    size_t n = pages_for(stack + sizeof(struct task) + tls_room()) + 1;
    char *memory = page_take(n, PAGE_SIZE);
    if (!memory)
        return NULL;
    if (arch_protect(memory, PAGE_SIZE, ARCH_NONE) < 0) {
        page_free(memory, n);
        return NULL;
    }
    void *thread = tls_make(memory + n * PAGE_SIZE);
    struct task *t = (struct task *)(((uintptr_t)thread - sizeof(*t)) & ~(uintptr_t)63);
    memset(t, 0, sizeof(*t));
    t->context.thread = thread;
    t->until_ns = HAL_NEVER;
    t->name = name;
    t->memory = memory;
    t->page_count = n;
    *(uint64_t *)(memory + PAGE_SIZE) = STACK_CANARY;
    return t;
}

void task_exit(void)
{
    struct task *t = tasks.current;

    task_check_park("the end of a task");
    task_destroy_reent(&t->own_reent);
    deadline_remove(&tasks.deadlines, &t->deadline);
    tasks.ended = t;
    task_schedule();
    hal_panic("task %s ran on after its end", t->name);
}

static void task_run_spawned(void *arg)
{
    struct task *t = arg;

    task_release_ended();
    t->fn(t->arg);
    task_exit();
}

struct task *task_spawn(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
    if (stack == 0)
        stack = TASK_STACK_DEFAULT;
    struct task *t = task_create(name, stack < TASK_STACK_MIN ? TASK_STACK_MIN : stack);

    if (!t)
        return NULL;
    t->fn = fn;
    t->arg = arg;
    t->reent = &t->own_reent;
    task_init_reent(t->reent);
    arch_context_init(&t->context, t, task_run_spawned, t);
    task_enqueue(&tasks.runnable, t);
    return t;
}

static void task_run_main(void *arg)
{
    struct task *t = arg;

    ((void (*)(void))t->arg)();
    hal_panic("main task ran on after its end");
}

static size_t task_main_stack(void)
{
    struct hal_memory m;

    hal_memory(&m);
    if (m.free / 16 < MAIN_STACK_MIN)
        return MAIN_STACK_MIN;
    return m.free / 16 < MAIN_STACK_MAX ? (size_t)(m.free / 16) : MAIN_STACK_MAX;
}

void task_start_main(void (*fn)(void))
{
    static struct arch_context boot; /* never resumed */
    struct task *t = task_create("main", task_main_stack());

    if (!t)
        hal_panic("no memory for main's stack of %u KiB; give the machine more",
                  MAIN_STACK_MIN / 1024);
    t->arg = (void *)fn;
    t->reent = _GLOBAL_REENT;
    arch_context_init(&t->context, t, task_run_main, t);
    tasks.current = t;
    arch_switch(&boot, &t->context);
    hal_panic("the boot stack was resumed");
}

struct task *task_self(void)
{
    return tasks.current;
}

const char *task_name(const struct task *t)
{
    return t->name;
}

const char *runtime_task_name(void)
{
    return tasks.current ? tasks.current->name : "boot";
}

bool runtime_task_stack(uintptr_t *low, uintptr_t *high)
{
    if (!tasks.current)
        return false;
    *low = (uintptr_t)tasks.current->memory + PAGE_SIZE;
    *high = (uintptr_t)tasks.current;
    return true;
}

/* ---- parking --------------------------------------------------------------------------------- */

void task_yield(void)
{
    task_check_park("task_yield");
    task_enqueue(&tasks.runnable, tasks.current);
    task_schedule();
}

void task_give_way(void)
{
    if (services_overdue(hal_now_ns()) && task_may_park())
        task_yield();
}

void task_sleep_until(uint64_t when_ns)
{
    task_check_park("sleep");
    task_set_deadline(tasks.current, when_ns);
    task_schedule();
}

int waitq_wait(struct waitq *q, uint64_t deadline_ns)
{
    task_check_park("waitq_wait");
    struct task *self = tasks.current;
    task_enqueue(q, self);
    if (deadline_ns != HAL_NEVER)
        task_set_deadline(self, deadline_ns);
    task_schedule();
    return self->timed_out ? -ETIMEDOUT : 0;
}

/* The whole queue is appended to that of the runnable ones. */
void waitq_wake_all(struct waitq *q)
{
    struct task *first = q->head;

    if (!first)
        return;
    for (struct task *t = first; t; t = t->next) {
        t->queue = &tasks.runnable;
        t->until_ns = HAL_NEVER;
        t->timed_out = false;
    }
    first->prev = tasks.runnable.tail;
    if (tasks.runnable.tail)
        tasks.runnable.tail->next = first;
    else
        tasks.runnable.head = first;
    tasks.runnable.tail = q->tail;
    q->head = q->tail = NULL;
}

bool waitq_wake_first(struct waitq *q)
{
    if (!q->head)
        return false;
    task_make_runnable(q->head, false);
    return true;
}

bool task_interrupt(struct task *t)
{
    if (t == tasks.current || t->queue == &tasks.runnable)
        return false;
    task_make_runnable(t, false);
    return true;
}

/*
 * task_mutex_unlock makes the longest waiting task the owner. So a task that locks and unlocks in a
 * loop cannot keep others out.
 */
void task_mutex_lock(struct task_mutex *m)
{
    if (m->owner && m->owner != tasks.current) {
        waitq_wait(&m->waiters, HAL_NEVER);
        hal_assert(m->owner == tasks.current);
        return;
    }
    m->owner = tasks.current;
    m->depth++;
}

bool task_mutex_trylock(struct task_mutex *m)
{
    if (m->owner && m->owner != tasks.current)
        return false;
    m->owner = tasks.current;
    m->depth++;
    return true;
}

void task_mutex_unlock(struct task_mutex *m)
{
    hal_assert(m->owner == tasks.current && m->depth > 0);
    if (--m->depth)
        return;
    m->owner = m->waiters.head;
    if (m->owner) {
        m->depth = 1;
        task_make_runnable(m->owner, false);
    }
}
