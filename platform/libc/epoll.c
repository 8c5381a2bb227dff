/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.c - <sys/epoll.h>. An entry of a set watches its file. An event puts the entry into the
 * set's queue, and a wait looks at queued entries only: its cost is that of what happened, whatever
 * the set holds. A level-triggered entry that was reported is queued again, until a look finds
 * nothing; an edge-triggered one waits for the next event.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "cancel.h"
#include "files.h"

#define DEPTH_MAX   5 /* sets in sets, as in Linux */
#define ALWAYS      (EPOLLERR | EPOLLHUP)
#define FLAGS       (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define LEGAL_ALONE (EPOLLIN | EPOLLOUT | ALWAYS | EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLET)

/* A place in a ring of entries; alone, it points to itself. */
struct epoll_link {
    struct epoll_link *next, *prev;
};

struct epoll {
    struct file *file;           /* its own */
    struct waitq queue;          /* tasks that wait */
    struct epoll_link queued;    /* entries whose files may be ready, the oldest first */
    struct epoll_entry *entries; /* all */
    bool closed;
};

/* Its watch.events: what it waits for; none: reported with EPOLLONESHOT. */
struct epoll_entry {
    struct file_watch watch;
    struct epoll_link queued;
    struct epoll *set;
    struct epoll_entry *next, **link; /* in the set */
    int fd;
    uint32_t flags; /* EPOLLET ... */
    epoll_data_t data;
};

static const struct file_ops epoll_ops;

/* ---- the queue ------------------------------------------------------------------------------- */

static struct epoll_entry *epoll_of_link(struct epoll_link *l)
{
    return (struct epoll_entry *)((char *)l - offsetof(struct epoll_entry, queued));
}

static void epoll_dequeue(struct epoll_link *l)
{
    l->next->prev = l->prev;
    l->prev->next = l->next;
    l->next = l->prev = l;
}

/* At the end; an entry that is queued keeps its place. */
static void epoll_enqueue(struct epoll_entry *e)
{
    struct epoll_link *l = &e->queued, *head = &e->set->queued;

    if (l->next != l)
        return;
    l->next = head;
    l->prev = head->prev;
    head->prev->next = l;
    head->prev = l;
}

static void epoll_on_ready(struct file_watch *w)
{
    struct epoll_entry *e = (struct epoll_entry *)w;
    struct epoll *set = e->set;

    epoll_enqueue(e);
    waitq_wake_all(&set->queue);
    file_ready(set->file, POLLIN | POLLRDNORM);
}

/* Which of its events hold now? */
static int epoll_look(const struct epoll_entry *e)
{
    struct file *f = &e->watch.file->file;

    return e->watch.events ? f->ops->poll(f, e->watch.events) & e->watch.events : 0;
}

/* After a look that found something: what the entry waits for from now on. */
static void epoll_reported(struct epoll_entry *e)
{
    if (e->flags & EPOLLONESHOT)
        e->watch.events = 0;
    else if (!(e->flags & EPOLLET))
        epoll_enqueue(e);
}

static int epoll_collect(struct epoll *set, struct epoll_event *out, int most)
{
    struct epoll_link *last = set->queued.prev, *l;
    int n = 0;

    do {
        l = set->queued.next;
        if (l == &set->queued)
            break;
        struct epoll_entry *e = epoll_of_link(l);
        int events = epoll_look(e);
        epoll_dequeue(l);
        if (!events)
            continue;
        out[n++] = (struct epoll_event){(uint32_t)events, e->data};
        epoll_reported(e);
    } while (l != last && n < most);
    return n;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void epoll_remove(struct epoll_entry *e)
{
    epoll_dequeue(&e->queued);
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    free(e);
}

static void epoll_on_gone(struct file_watch *w)
{
    epoll_remove((struct epoll_entry *)w);
}

static const struct file_watcher epoll_watcher = {.ready = epoll_on_ready, .gone = epoll_on_gone};

static struct epoll_entry *epoll_find(struct epoll *set, const struct file *f, int fd)
{
    for (struct file_watch *w = ((struct open_file *)f)->watches; w; w = w->next) {
        struct epoll_entry *e = (struct epoll_entry *)w;
        if (w->watcher == &epoll_watcher && e->set == set && e->fd == fd)
            return e;
    }
    return NULL;
}

/* Sets what the entry waits for, and looks whether that holds already. */
static void epoll_arm(struct epoll_entry *e, const struct epoll_event *event)
{
    e->watch.events = (int)((event->events & FILE_ANY) | ALWAYS);
    e->flags = event->events & FLAGS;
    e->data = event->data;
    if (epoll_look(e))
        epoll_on_ready(&e->watch);
}

/* How many sets deep is a file? More than DEPTH_MAX: too deep, or `never` is one of them. */
static int epoll_depth_below(const struct file *f, const struct file *never, int budget)
{
    const struct epoll *set = f->ctx;
    int most = 0;

    if (f->ops != &epoll_ops)
        return 0;
    if (f == never || !budget)
        return DEPTH_MAX + 1;
    for (const struct epoll_entry *e = set->entries; e; e = e->next) {
        int n = epoll_depth_below(&e->watch.file->file, never, budget - 1);
        most = n > most ? n : most;
    }
    return most + 1;
}

/* And how many sets contain it, one in the other? */
static int epoll_depth_above(const struct file *f, int budget)
{
    int most = 0;

    for (const struct file_watch *w = ((const struct open_file *)f)->watches; w && budget;
         w = w->next)
        if (w->watcher == &epoll_watcher) {
            int n = 1 + epoll_depth_above(((const struct epoll_entry *)w)->set->file, budget - 1);
            most = n > most ? n : most;
        }
    return most;
}

static int epoll_may_add(const struct epoll *set, const struct file *f, uint32_t events)
{
    bool alone = events & EPOLLEXCLUSIVE;

    if (alone && (f->ops == &epoll_ops || (events & ~LEGAL_ALONE)))
        return -EINVAL;
    if (f->ops == &epoll_ops &&
        epoll_depth_below(f, set->file, DEPTH_MAX) + 1 + epoll_depth_above(set->file, DEPTH_MAX) >
            DEPTH_MAX)
        return -ELOOP;
    return 0;
}

static int epoll_add(struct epoll *set, struct file *f, int fd, const struct epoll_event *event)
{
    struct epoll_entry *e = malloc(sizeof(*e));

    if (!e)
        return -ENOMEM;
    *e = (struct epoll_entry){
        .watch.watcher = &epoll_watcher, .set = set, .fd = fd, .link = &set->entries};
    e->queued.next = e->queued.prev = &e->queued;
    e->next = set->entries;
    if (e->next)
        e->next->link = &e->next;
    set->entries = e;
    file_watch(&e->watch, f);
    epoll_arm(e, event);
    return 0;
}

static int epoll_control(struct file *set, int op, int fd, const struct epoll_event *event)
{
    struct file *f = file_get(fd);
    struct epoll_entry *e;
    int err;

    if (op != EPOLL_CTL_DEL && !event)
        return -EFAULT;
    if (!set || !f)
        return -EBADF;
    if (!f->ops->poll)
        return -EPERM;
    if (set->ops != &epoll_ops || set == f)
        return -EINVAL;
    e = epoll_find(set->ctx, f, fd);
    switch (op) {
    case EPOLL_CTL_ADD:
        err = epoll_may_add(set->ctx, f, event->events);
        return err ? err : e ? -EEXIST : epoll_add(set->ctx, f, fd, event);
    case EPOLL_CTL_MOD:
        if (event->events & EPOLLEXCLUSIVE)
            return -EINVAL;
        if (!e)
            return -ENOENT;
        if (e->flags & EPOLLEXCLUSIVE)
            return -EINVAL;
        epoll_dequeue(&e->queued);
        epoll_arm(e, event);
        return 0;
    case EPOLL_CTL_DEL:
        if (!e)
            return -ENOENT;
        file_unwatch(&e->watch);
        epoll_remove(e);
        return 0;
    default:
        return -EINVAL;
    }
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return (int)posix_result(epoll_control(file_get(epfd), op, fd, event));
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* As poll_until(): devices get a turn also if the caller never waits. */
static int epoll_until(struct epoll *set, struct epoll_event *out, int most, bool wait,
                       uint64_t deadline)
{
    int n;

    task_give_way();
    while (!(n = epoll_collect(set, out, most))) {
        if (!wait) {
            task_yield();
            return epoll_collect(set, out, most);
        }
        if (set->closed)
            return -EBADF;
        if (cancel_wait(&set->queue, deadline))
            return 0;
    }
    return n;
}

static int epoll_wait_for(int epfd, struct epoll_event *out, int most, bool wait, uint64_t deadline)
{
    struct file *f = file_hold(epfd);
    int n;

    if (!f)
        return (int)posix_result(-EBADF);
    if (f->ops != &epoll_ops || most <= 0 || (unsigned)most > INT_MAX / sizeof(*out))
        n = -EINVAL;
    else if (!out)
        n = -EFAULT;
    else
        n = epoll_until(f->ctx, out, most, wait, deadline);
    file_drop(f);
    if (n == 0)
        cancel_act();
    return (int)posix_result(n);
}

int epoll_wait(int epfd, struct epoll_event *events, int most, int timeout)
{
    uint64_t deadline = HAL_NEVER;

    if (timeout > 0)
        deadline = hal_now_ns() + (uint64_t)timeout * HAL_MS;
    return epoll_wait_for(epfd, events, most, timeout != 0, deadline);
}

int epoll_pwait(int epfd, struct epoll_event *events, int most, int timeout, const sigset_t *mask)
{
    (void)mask;
    return epoll_wait(epfd, events, most, timeout);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int most, const struct timespec *timeout,
                 const sigset_t *mask)
{
    uint64_t deadline = HAL_NEVER;

    (void)mask;
    if (timeout) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= (long)HAL_SEC)
            return (int)posix_result(-EINVAL);
        if ((uint64_t)timeout->tv_sec < HAL_NEVER / HAL_SEC / 2)
            deadline =
                hal_now_ns() + (uint64_t)timeout->tv_sec * HAL_SEC + (uint64_t)timeout->tv_nsec;
    }
    return epoll_wait_for(epfd, events, most, !timeout || timeout->tv_sec || timeout->tv_nsec,
                          deadline);
}

/* ---- a set as a file ------------------------------------------------------------------------- */

/* A set is readable while one of its files is ready. */
static int epoll_op_poll(struct file *f, int events)
{
    struct epoll *set = f->ctx;
    struct epoll_link *l;

    while ((l = set->queued.next) != &set->queued) {
        if (epoll_look(epoll_of_link(l)))
            return events & (POLLIN | POLLRDNORM);
        epoll_dequeue(l);
    }
    return 0;
}

static void epoll_op_abandon(struct file *f)
{
    struct epoll *set = f->ctx;

    set->closed = true;
    waitq_wake_all(&set->queue);
}

static int epoll_op_close(struct file *f)
{
    struct epoll *set = f->ctx;

    while (set->entries) {
        file_unwatch(&set->entries->watch);
        epoll_remove(set->entries);
    }
    free(set);
    return 0;
}

static const struct file_ops epoll_ops = {
    .name = "epoll", .poll = epoll_op_poll, .abandon = epoll_op_abandon, .close = epoll_op_close};

int epoll_create1(int flags)
{
    struct epoll *set;
    int fd;

    if (flags & ~EPOLL_CLOEXEC)
        return (int)posix_result(-EINVAL);
    if (!(set = calloc(1, sizeof(*set))))
        return (int)posix_result(-ENOMEM);
    set->queued.next = set->queued.prev = &set->queued;
    fd = file_install(&epoll_ops, set, O_RDWR);
    if (fd < 0)
        free(set);
    else
        set->file = file_get(fd);
    return (int)posix_result(fd);
}

int epoll_create(int size)
{
    return size > 0 ? epoll_create1(0) : (int)posix_result(-EINVAL);
}
