/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tasks.c - the runtime of tasks.h.
 */
#include "tasks.h"
#include "vireo/image.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "files.h"
#include "host.h"

#define TASKS       136
#define STEP        (2 * HAL_MS)
#define LONGEST     (3600 * HAL_SEC) /* virtual time in which some task must be woken */
#define RAM_AT_ONCE (64ull << 20)

struct task {
    const char *name;
    void (*fn)(void *);
    void *arg;
    pthread_t thread;
    struct waitq *parked; /* NULL: can run */
    struct task *next;    /* in that queue */
    uint64_t deadline;
    bool ended;
};

static struct task tasks[TASKS] = {{.name = "main"}};
static unsigned task_count = 1;
static unsigned running;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static bool in_services;

/* ---- whose turn it is ------------------------------------------------------------------------ */

struct task *task_self(void)
{
    return &tasks[running];
}

const char *task_name(const struct task *t)
{
    return t->name;
}

bool task_may_park(void)
{
    return !in_services;
}

static void queue_remove(struct waitq *q, struct task *t)
{
    struct task **at = &q->head, *before = NULL;

    for (; *at != t; at = &(*at)->next)
        before = *at;
    *at = t->next;
    if (q->tail == t)
        q->tail = before;
}

/* Tasks whose deadline has passed leave their queues. */
static void wake_late(void)
{
    for (unsigned i = 0; i < task_count; i++) {
        struct task *t = &tasks[i];

        if (!t->parked || hal_now_ns() < t->deadline)
            continue;
        queue_remove(t->parked, t);
        t->parked = NULL;
    }
}

static bool can_run(const struct task *t)
{
    return !t->ended && !t->parked;
}

/* The next task that can run, after the present one; TASKS: none. */
static unsigned next_task(void)
{
    for (unsigned i = 1; i <= task_count; i++)
        if (can_run(&tasks[(running + i) % task_count]))
            return (running + i) % task_count;
    return TASKS;
}

static unsigned find_task(void)
{
    uint64_t end = hal_now_ns() + LONGEST;
    unsigned n;

    while ((n = next_task()) == TASKS) {
        in_services = true;
        host_run_services();
        in_services = false;
        wake_late();
        if ((n = next_task()) != TASKS)
            break;
        if (hal_now_ns() > end)
            check_fail(__FILE__, __LINE__, "all tasks wait for what cannot come");
        host_advance(STEP);
    }
    return n;
}

/* Gives the turn to a task that can run, and waits for it to come back. */
static void switch_task(void)
{
    unsigned self = running, to = find_task();

    if (to == self)
        return;
    running = to;
    pthread_cond_broadcast(&turn);
    while (running != self)
        pthread_cond_wait(&turn, &lock);
}

static void *task_main(void *arg)
{
    struct task *t = arg;

    pthread_mutex_lock(&lock);
    while (task_self() != t)
        pthread_cond_wait(&turn, &lock);
    t->fn(t->arg);
    t->ended = true;
    running = find_task();
    pthread_cond_broadcast(&turn);
    pthread_mutex_unlock(&lock);
    return NULL;
}

struct task *task_spawn(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
    static bool locked;
    struct task *t = &tasks[task_count];

    (void)stack;
    CHECK(task_count < TASKS);
    if (!locked)
        pthread_mutex_lock(&lock); /* main's turn began with the process */
    locked = true;
    *t = (struct task){.name = name, .fn = fn, .arg = arg};
    task_count++;
    CHECK_EQ(pthread_create(&t->thread, NULL, task_main, t), 0);
    return t;
}

/* ---- parking --------------------------------------------------------------------------------- */

int waitq_wait(struct waitq *q, uint64_t deadline_ns)
{
    struct task *t = task_self();

    CHECK(task_may_park());
    if (deadline_ns != HAL_NEVER && hal_now_ns() >= deadline_ns)
        return -ETIMEDOUT;
    t->parked = q;
    t->deadline = deadline_ns;
    t->next = NULL;
    if (q->tail)
        q->tail->next = t;
    else
        q->head = t;
    q->tail = t;
    switch_task();
    return deadline_ns != HAL_NEVER && hal_now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

bool waitq_wake_first(struct waitq *q)
{
    struct task *t = q->head;

    if (!t)
        return false;
    queue_remove(q, t);
    t->parked = NULL;
    return true;
}

void waitq_wake_all(struct waitq *q)
{
    while (waitq_wake_first(q))
        ;
}

void task_sleep_until(uint64_t when_ns)
{
    static struct waitq sleepers;

    while (hal_now_ns() < when_ns)
        waitq_wait(&sleepers, when_ns);
}

void task_yield(void)
{
    in_services = true;
    host_run_services();
    in_services = false;
    switch_task();
}

void task_give_way(void)
{
    task_yield();
}

void task_mutex_lock(struct task_mutex *m)
{
    m->depth++;
}

void task_mutex_unlock(struct task_mutex *m)
{
    m->depth--;
}

/* ---- descriptors: those of platform/libc/file.c ---------------------------------------------- */

static ssize_t no_console(struct file *f, void *buf, size_t len)
{
    (void)f, (void)buf, (void)len;
    return -EIO;
}

static const struct file_ops console_ops = {.name = "console", .read = no_console};
struct open_file console_file = {.file = {.ops = &console_ops, .refs = 3}, .descriptors = 3};

static ssize_t fd_result(struct file *f, ssize_t r)
{
    file_drop(f);
    return posix_result(r);
}

ssize_t fd_read(int fd, void *buf, size_t len)
{
    struct file *f = file_hold(fd);

    return f ? fd_result(f, f->ops->read(f, buf, len)) : posix_result(-EBADF);
}

ssize_t fd_write(int fd, const void *buf, size_t len)
{
    struct file *f = file_hold(fd);

    return f ? fd_result(f, f->ops->write(f, buf, len)) : posix_result(-EBADF);
}

int fd_close(int fd)
{
    return (int)posix_result(file_close(fd));
}

int fd_ioctl(int fd, unsigned long request, void *arg)
{
    struct file *f = file_hold(fd);

    return f ? (int)fd_result(f, f->ops->ioctl(f, request, arg)) : (int)posix_result(-EBADF);
}

void fd_set_nonblock(int fd, bool on)
{
    struct file *f = file_get(fd);

    CHECK_EQ(f->ops->set_nonblock(f, on), 0);
}

int fd_poll(int fd, int events)
{
    struct file *f = file_get(fd);

    return f->ops->poll(f, events);
}

/* ---- the image ------------------------------------------------------------------------------- */

static uint64_t ram = RAM_AT_ONCE;
static bool no_entropy;
static const unsigned char *entropy; /* NULL: any */

void host_set_ram(uint64_t bytes)
{
    ram = bytes;
}

void vireo_memory(struct memory_info *out)
{
    *out = (struct memory_info){.total = ram, .free = ram};
}

void host_no_entropy(void)
{
    no_entropy = true;
}

void host_set_entropy(const void *bytes)
{
    entropy = bytes;
}

int getentropy(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = entropy ? entropy[i % 16] : (unsigned char)random32();
    if (no_entropy)
        errno = EIO;
    return no_entropy ? -1 : 0;
}

/* ---- the end of an image --------------------------------------------------------------------- */

static void (*at_end)(void);

int vireo_before_end(void (*fn)(void))
{
    CHECK(!at_end);
    at_end = fn;
    return 0;
}

void host_end_image(void)
{
    at_end();
}
