/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_tasks.c - an image's tasks (platform/runtime/task.c): order of turns and of wake-ups,
 * deadlines, mutexes, when the CPU sleeps and until when, ends, stacks, where nothing may park. A
 * context is a thread here; one at a time has the turn.
 */
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

static void close_streams(struct _reent *r)
{
    CHECK(!r && "the streams of all tasks are closed");
}

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

static struct waitq queue;

static void waits(void *arg)
{
    int r = waitq_wait(&queue, HAL_NEVER);

    CHECK_EQ(r, 0);
    note(*(const char *)arg);
}

static void main_wake_order(void)
{
    task_spawn("a", waits, "a", 0);
    task_spawn("b", waits, "b", 0);
    task_spawn("c", waits, "c", 0);
    task_yield();
    waitq_wake_all(&queue);
    expect("");
    task_yield();
    expect("abc");
    waitq_wake_all(&queue); /* nobody */
    CHECK(!queue.head && !queue.tail);
}
IN_MAIN(wake_order)

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

/* ---- ends, stacks, libc's state -------------------------------------------------------------- */

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

static bool sleeps_in_service(void)
{
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
    hal_service_add(&service);
    hal_service_wake(&service);
    in_service = sleeps_in_service;
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
    {"deadlines", deadlines},
    {"woken_in_time", woken_in_time},
    {"ended_before_its_deadline", ended_before_its_deadline},
    {"mutex_order", mutex_order},
    {"interrupt_ends_sleep", interrupt_ends_sleep},
    {"sleeps_until_the_first", sleeps_until_the_first},
    {"waits_that_end_early", waits_that_end_early},
    {"polled", polled},
    {"no_lost_wakeup", no_lost_wakeup},
    {"gives_way", gives_way},
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
