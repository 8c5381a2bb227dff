/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c - poll(), select() and their kin over file_ops.poll. A task that finds nothing ready
 * leaves a note at each file. An event of a file marks its notes, and the tasks that are woken look
 * at marked files only: an event on one of two hundred descriptors costs a look at one.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "cancel.h"
#include "files.h"

#define NOTES_ON_STACK 8

/* A note: this poller waits for this file. */
struct poll_wait {
    struct file_watch watch;
    struct poller *poller;
    struct pollfd *fd;
    struct poll_wait *next_marked;
    bool marked;
};

struct poller {
    struct waitq queue;
    struct poll_wait *marked; /* notes whose files may have become ready */
};

static void poll_mark(struct file_watch *watch)
{
    struct poll_wait *w = (struct poll_wait *)watch;

    if (w->marked)
        return;
    w->marked = true;
    w->next_marked = w->poller->marked;
    w->poller->marked = w;
    waitq_wake_all(&w->poller->queue);
}

static const struct file_watcher poll_watcher = {.ready = poll_mark};

/* Sets revents; true if any bit of it is set. */
static bool poll_look(struct pollfd *p)
{
    struct file *f = file_get(p->fd);
    int wanted = p->events | POLLERR | POLLHUP;

    p->revents = 0;
    if (p->fd < 0)
        return false;
    if (!f)
        p->revents = POLLNVAL;
    else if (!f->ops->poll)
        p->revents = (short)(p->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
    else
        p->revents = (short)(f->ops->poll(f, wanted) & wanted);
    return p->revents != 0;
}

static int poll_look_at_all(struct pollfd *fds, nfds_t n)
{
    int count = 0;

    for (nfds_t i = 0; i < n; i++)
        count += poll_look(&fds[i]);
    return count;
}

static nfds_t poll_leave_notes(struct poller *p, struct poll_wait *notes, struct pollfd *fds,
                               nfds_t n)
{
    nfds_t left = 0;

    for (nfds_t i = 0; i < n; i++) {
        struct file *f = file_hold(fds[i].fd);
        if (!f)
            continue;
        struct poll_wait *w = &notes[left++];
        *w = (struct poll_wait){.poller = p, .fd = &fds[i]};
        w->watch.watcher = &poll_watcher;
        w->watch.events = fds[i].events | POLLERR | POLLHUP | FILE_CLOSED;
        file_watch(&w->watch, f);
    }
    return left;
}

static void poll_take_notes_back(struct poll_wait *notes, nfds_t left)
{
    for (nfds_t i = 0; i < left; i++)
        file_unwatch(&notes[i].watch);
    /* Last, since file_drop may park in the file's close(). */
    for (nfds_t i = 0; i < left; i++)
        file_drop(&notes[i].watch.file->file);
}

static int poll_look_at_marked(struct poller *p)
{
    int count = 0;

    while (p->marked) {
        struct poll_wait *w = p->marked;
        p->marked = w->next_marked;
        w->marked = false;
        count += poll_look(w->fd);
    }
    return count;
}

static int poll_wait_with_notes(struct poll_wait *notes, struct pollfd *fds, nfds_t n,
                                uint64_t deadline)
{
    struct poller p = {0};
    nfds_t left = poll_leave_notes(&p, notes, fds, n);
    int count = 0;

    while (!count && cancel_wait(&p.queue, deadline) == 0)
        count = poll_look_at_marked(&p);
    poll_take_notes_back(notes, left);
    return count;
}

/* The number of descriptors with revents, 0 at the deadline, or -errno. */
static int poll_until(struct pollfd *fds, nfds_t n, bool wait, uint64_t deadline)
{
    struct poll_wait on_stack[NOTES_ON_STACK], *notes = on_stack;
    int count;

    task_give_way();
    count = poll_look_at_all(fds, n);
    if (count)
        return count;
    if (!wait) {
        task_yield(); /* else a loop of such calls keeps the devices from running */
        return poll_look_at_all(fds, n);
    }
    if (n > NOTES_ON_STACK && !(notes = malloc(n * sizeof(*notes))))
        return -ENOMEM;
    count = poll_wait_with_notes(notes, fds, n, deadline);
    if (notes != on_stack)
        free(notes);
    return count;
}

/* The end of a wait of `time` from now on, or without limit: NULL. -EINVAL: it is no time. */
static int poll_deadline(const struct timespec *time, uint64_t *deadline)
{
    *deadline = HAL_NEVER;
    if (!time)
        return 0;
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= (long)HAL_SEC)
        return -EINVAL;
    if ((uint64_t)time->tv_sec < HAL_NEVER / HAL_SEC / 2)
        *deadline = hal_now_ns() + (uint64_t)time->tv_sec * HAL_SEC + (uint64_t)time->tv_nsec;
    return 0;
}

/* The result of a call that waits, behind which a cancelled thread ends. */
static int poll_result(int count)
{
    if (count == 0)
        cancel_act();
    return (int)posix_result(count);
}

int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
    uint64_t deadline = HAL_NEVER;

    if (nfds > FILES_MAX)
        return (int)posix_result(-EINVAL);
    if (timeout > 0)
        deadline = hal_now_ns() + (uint64_t)timeout * HAL_MS;
    return poll_result(poll_until(fds, nfds, timeout != 0, deadline));
}

/* No signal interrupts a wait, so the mask changes nothing. */
int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask)
{
    uint64_t deadline;

    (void)mask;
    if (nfds > FILES_MAX || poll_deadline(timeout, &deadline))
        return (int)posix_result(-EINVAL);
    bool wait = !timeout || timeout->tv_sec || timeout->tv_nsec;
    return poll_result(poll_until(fds, nfds, wait, deadline));
}

/* ---- select ---------------------------------------------------------------------------------- */

#define MASK_BITS (8 * sizeof(fd_mask))

/* Sets are accessed by the word: the caller's FD_SETSIZE decides how long they are. */
static bool select_in_set(const fd_set *set, int fd)
{
    return set && (set->fds_bits[(unsigned)fd / MASK_BITS] >> ((unsigned)fd % MASK_BITS) & 1);
}

static int select_put(fd_set *set, int fd, bool on)
{
    if (!select_in_set(set, fd))
        return 0;
    if (on)
        return 1;
    set->fds_bits[(unsigned)fd / MASK_BITS] &= ~((fd_mask)1 << ((unsigned)fd % MASK_BITS));
    return 0;
}

static nfds_t select_to_poll(struct pollfd *fds, int n, const fd_set *r, const fd_set *w,
                             const fd_set *e)
{
    nfds_t used = 0;

    for (int fd = 0; fd < n; fd++) {
        int events = (select_in_set(r, fd) ? POLLIN : 0) | (select_in_set(w, fd) ? POLLOUT : 0) |
                     (select_in_set(e, fd) ? POLLPRI : 0);
        if (events)
            fds[used++] = (struct pollfd){.fd = fd, .events = (short)events};
    }
    return used;
}

static int select_from_poll(const struct pollfd *fds, nfds_t used, fd_set *r, fd_set *w, fd_set *e)
{
    int count = 0;

    for (nfds_t i = 0; i < used; i++)
        if (fds[i].revents & POLLNVAL)
            return -EBADF;
    for (nfds_t i = 0; i < used; i++) {
        int got = fds[i].revents, fd = fds[i].fd;
        count += select_put(r, fd, got & (POLLIN | POLLHUP | POLLERR));
        count += select_put(w, fd, got & (POLLOUT | POLLERR));
        count += select_put(e, fd, got & POLLPRI);
    }
    return count;
}

static int select_until(int n, fd_set *r, fd_set *w, fd_set *e, bool wait, uint64_t deadline)
{
    nfds_t most = 0;

    if (n < 0 || n > FILES_MAX)
        return -EINVAL;
    for (int fd = 0; fd < n; fd++)
        most += select_in_set(r, fd) || select_in_set(w, fd) || select_in_set(e, fd);
    struct pollfd *fds = malloc((most + 1) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    nfds_t used = select_to_poll(fds, n, r, w, e);
    int count = poll_until(fds, used, wait, deadline);
    if (count >= 0)
        count = select_from_poll(fds, used, r, w, e);
    free(fds);
    return count;
}

int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout,
            const sigset_t *mask)
{
    uint64_t deadline;
    int err = poll_deadline(timeout, &deadline);

    (void)mask;
    if (err)
        return (int)posix_result(err);
    bool wait = !timeout || timeout->tv_sec || timeout->tv_nsec;
    return poll_result(select_until(n, r, w, e, wait, deadline));
}

int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
    struct timespec time = {0};

    if (!timeout)
        return pselect(n, r, w, e, NULL, NULL);
    if (timeout->tv_usec < 0 || timeout->tv_usec >= 1000000)
        return (int)posix_result(-EINVAL);
    time.tv_sec = timeout->tv_sec;
    time.tv_nsec = timeout->tv_usec * 1000;
    return pselect(n, r, w, e, &time, NULL);
}
