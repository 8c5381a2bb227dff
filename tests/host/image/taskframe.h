/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * taskframe.h - what the programs that test an image's tasks (platform/runtime/task.c) share, each
 * of which includes it once: a board whose timer and interrupts they see, contexts that are
 * threads, one of which has the turn, and cases that run as main()'s task.
 */
#ifndef VIREO_TASKFRAME_H
#define VIREO_TASKFRAME_H

#include <pthread.h>
#include <reent.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>

#include "board.h"
#include "check.h"
#include "cpu.h"
#include "host.h"
#include "runtime.h"
#include "vireo/task.h"

#define RAM_LEN (8u << 20)

static struct board_info info;
static uint64_t timer;          /* as board_timer_set was told last */
static unsigned timer_sets;     /* how often */
static uint64_t fired;          /* the time of its last interrupt */
static bool stops;              /* the machine does, when the timer is set next */
static void (*interrupt)(void); /* what happens while the CPU sleeps; NULL: the timer fires */
static char *guard;             /* the last page without access */
static unsigned guards;
static bool no_guards; /* there is no page for a table */
struct _reent fake_global_reent, *_impure_ptr = &fake_global_reent;
static unsigned reclaimed;

/* ---- what the board and arch/ supply --------------------------------------------------------- */

const struct board_info *board_info(void)
{
    return &info;
}

void board_timer_set(uint64_t when_ns)
{
    timer = when_ns;
    timer_sets++;
    if (stops && !fakecpu.masked) { /* the whole machine, until that time */
        stops = false;
        host_advance(when_ns - hal_now_ns());
        fakecpu.masked = true;
        board_irq();
        fakecpu.masked = false;
    }
}

void board_wait(void)
{
    CHECK(fakecpu.masked > 0);
    fakecpu.waits++;
    if (interrupt)
        return;
    if (timer == HAL_NEVER)
        check_fail(__FILE__, __LINE__, "the CPU sleeps for ever");
    uint64_t now = hal_now_ns();
    if (timer > now)
        host_advance(timer - now);
}

void board_irq(void)
{
    void (*fn)(void) = interrupt;

    CHECK(fakecpu.masked > 0);
    interrupt = NULL;
    if (fn)
        fn();
    if (timer > hal_now_ns())
        return;
    fired = timer;
    timer = HAL_NEVER;
    runtime_timer();
}

int arch_protect(void *addr, size_t len, enum arch_prot prot)
{
    CHECK(len == 4096 && (uintptr_t)addr % 4096 == 0);
    if (prot == ARCH_NONE && no_guards)
        return -ENOMEM;
    if (prot == ARCH_NONE) {
        guard = addr;
        guards++;
    } else {
        guards--;
    }
    return mprotect(addr, len, prot == ARCH_NONE ? PROT_NONE : PROT_READ | PROT_WRITE) ? -ENOMEM
                                                                                       : 0;
}

struct thread {
    sem_t turn;
    void (*entry)(void *);
    void *arg, *stack_top;
};

static void *begin(void *p)
{
    struct thread *t = p;

    sem_wait(&t->turn);
    t->entry(t->arg);
    check_fail(__FILE__, __LINE__, "the function of a context returned");
}

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg)
{
    struct thread *t = calloc(1, sizeof(*t));
    pthread_t id;

    t->entry = entry;
    t->arg = arg;
    t->stack_top = stack_top;
    sem_init(&t->turn, 0, 0);
    c->sp = t;
    CHECK(pthread_create(&id, NULL, begin, t) == 0);
    pthread_detach(id);
}

void arch_switch(struct arch_context *from, struct arch_context *to)
{
    struct thread *self = from->sp ? from->sp : calloc(1, sizeof(*self));
    struct thread *next = to->sp;

    if (!from->sp)
        sem_init(&self->turn, 0, 0);
    from->sp = self;
    sem_post(&next->turn);
    sem_wait(&self->turn);
}

char fake_streams[1];

void _reclaim_reent(struct _reent *r)
{
    CHECK(r != &fake_global_reent && !r->__cleanup);
    reclaimed++;
}

/* ---- the frame of a case --------------------------------------------------------------------- */

static void (*body)(void);
static char trace[128];

static void note(char c)
{
    size_t n = strlen(trace);

    CHECK(n + 1 < sizeof(trace));
    trace[n] = c;
}

static void expect(const char *what)
{
    if (strcmp(trace, what))
        check_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", trace, what);
    memset(trace, 0, sizeof(trace));
}

static void main_task(void)
{
    body();
    if (host_violations() > 0)
        check_fail("model", 0, "%s", host_first_violation());
    exit(0);
}

/* Runs a case as main()'s task. */
static void in_main(void (*fn)(void))
{
    char *ram = mmap(NULL, RAM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    info.ram[0] = (struct board_range){(uintptr_t)ram, RAM_LEN};
    info.ram_count = 1;
    memory_init(&info);
    host_time_step(0);
    body = fn;
    CHECK(!task_self() && !task_may_park() && !strcmp(runtime_task_name(), "boot"));
    uintptr_t low, high;
    CHECK(!runtime_task_stack(&low, &high));
    task_start_main(main_task);
}

/* Case NAME as main()'s task: a macro, since the harness wants a function of its own. */
#define IN_MAIN(name)                                                                              \
    static void name(void)                                                                         \
    {                                                                                              \
        in_main(main_##name);                                                                      \
    }

static struct waitq queue;

static void waits(void *arg)
{
    int r = waitq_wait(&queue, HAL_NEVER);

    CHECK_EQ(r, 0);
    note(*(const char *)arg);
}

#endif
