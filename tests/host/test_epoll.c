/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_epoll.c - platform/libc/epoll.c, poll.c and the descriptor table: over files of the test,
 * whose state is a word, and over sockets. What it expects is what Linux does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "check.h"
#include "files.h"
#include "host.h"
#include "loop.h"
#include "tasks.h"

/* ---- files of the test ----------------------------------------------------------------------- */

struct thing {
    int state;      /* POLLIN ... that hold */
    unsigned looks; /* calls of poll */
    bool closed;
};

static int thing_poll(struct file *f, int events)
{
    struct thing *t = f->ctx;

    t->looks++;
    return t->state & events;
}

static int thing_close(struct file *f)
{
    ((struct thing *)f->ctx)->closed = true;
    return 0;
}

static const struct file_ops thing_ops = {
    .name = "thing", .poll = thing_poll, .close = thing_close};
static const struct file_ops plain_ops = {.name = "plain"};

static int thing_open(struct thing *t)
{
    int fd = file_install(&thing_ops, t, O_RDWR);

    CHECK(fd >= 0);
    return fd;
}

/* Some events begin. */
static void thing_begins(int fd, struct thing *t, int events)
{
    t->state |= events;
    file_ready(file_get(fd), events);
}

static int control(int set, int op, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = (uint64_t)fd << 32 | 7};

    return epoll_ctl(set, op, fd, &e);
}

static void add(int set, int fd, uint32_t events)
{
    CHECK_EQ(control(set, EPOLL_CTL_ADD, fd, events), 0);
}

/* The events that a wait without time reports of one descriptor, and of no other; 0: none. */
static uint32_t reported(int set, int fd)
{
    struct epoll_event e[4];
    int n = epoll_wait(set, e, 4, 0);

    CHECK(n == 0 || n == 1);
    if (n == 1)
        CHECK_EQ(e[0].data.u64, (uint64_t)fd << 32 | 7);
    return n ? e[0].events : 0;
}

/* ---- levels, edges, once --------------------------------------------------------------------- */

static void a_level_is_reported_while_it_holds(void)
{
    struct thing t = {.state = POLLOUT};
    int set, fd;

    host_boot();
    set = epoll_create1(EPOLL_CLOEXEC);
    fd = thing_open(&t);
    add(set, fd, EPOLLIN);
    CHECK_EQ(reported(set, fd), 0);
    thing_begins(fd, &t, POLLIN);
    CHECK_EQ(reported(set, fd), EPOLLIN);
    CHECK_EQ(reported(set, fd), EPOLLIN);
    t.state = 0;
    CHECK_EQ(reported(set, fd), 0);
    CHECK_EQ(control(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT), 0);
    thing_begins(fd, &t, POLLOUT);
    CHECK_EQ(reported(set, fd), EPOLLOUT);
    t.state = POLLERR | POLLHUP | POLLIN; /* always reported, whatever was asked */
    CHECK_EQ(reported(set, fd), EPOLLERR | EPOLLHUP | EPOLLIN);
    CHECK_EQ(control(set, EPOLL_CTL_DEL, fd, 0), 0);
    CHECK_EQ(reported(set, fd), 0);
}

static void an_edge_is_reported_once(void)
{
    struct thing t = {.state = POLLIN};
    int set, fd;

    host_boot();
    set = epoll_create1(0);
    fd = thing_open(&t);
    add(set, fd, EPOLLIN | EPOLLOUT | EPOLLET);
    CHECK_EQ(reported(set, fd), EPOLLIN); /* it held already */
    CHECK_EQ(reported(set, fd), 0);
    thing_begins(fd, &t, POLLIN);
    CHECK_EQ(reported(set, fd), EPOLLIN);
    thing_begins(fd, &t, POLLOUT);
    CHECK_EQ(reported(set, fd), EPOLLIN | EPOLLOUT);
    CHECK_EQ(reported(set, fd), 0);
    file_ready(file_get(fd), POLLPRI); /* nobody asked for that */
    CHECK_EQ(reported(set, fd), 0);
    CHECK_EQ(control(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET), 0); /* looks anew */
    CHECK_EQ(reported(set, fd), EPOLLIN);
    t.state = 0;
    file_ready(file_get(fd), POLLIN); /* over before anybody looked */
    CHECK_EQ(reported(set, fd), 0);
}

static void once_is_once(void)
{
    struct thing t = {.state = POLLIN};
    int set, fd;

    host_boot();
    set = epoll_create1(0);
    fd = thing_open(&t);
    add(set, fd, EPOLLIN | EPOLLONESHOT);
    CHECK_EQ(reported(set, fd), EPOLLIN);
    thing_begins(fd, &t, POLLIN | POLLHUP);
    CHECK_EQ(reported(set, fd), 0);
    CHECK_EQ(control(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
    CHECK_EQ(reported(set, fd), EPOLLIN | EPOLLHUP);
    CHECK_EQ(reported(set, fd), 0);
}

/* ---- order and cost -------------------------------------------------------------------------- */

#define MANY 10000

static void a_wait_looks_at_what_happened(void)
{
    struct thing *t = calloc(MANY, sizeof(*t));
    struct epoll_event e[8];
    unsigned looks = 0;
    int set, fd[MANY];

    host_boot();
    set = epoll_create1(0);
    for (int i = 0; i < MANY; i++)
        add(set, fd[i] = thing_open(&t[i]), EPOLLIN);
    for (int i = 0; i < MANY; i++)
        t[i].looks = 0;
    for (int round = 0; round < 100; round++) {
        int i = round * 97 % MANY;

        thing_begins(fd[i], &t[i], POLLIN);
        CHECK_EQ(epoll_wait(set, e, 8, -1), 1);
        CHECK_EQ(e[0].data.u64 >> 32, (unsigned)fd[i]);
        t[i].state = 0;
    }
    for (int i = 0; i < MANY; i++)
        looks += t[i].looks;
    CHECK(looks <= 200); /* when it was ready, and once more, as a level may go on */
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(fd_close(fd[i]), 0);
    CHECK_EQ(fd_close(set), 0);
    for (int i = 0; i < MANY; i++)
        CHECK(t[i].closed);
    free(t);
}

static void small_waits_take_turns(void)
{
    struct thing t[5] = {0};
    struct epoll_event e[2];
    unsigned seen[5] = {0};
    int set, fd[5];

    host_boot();
    set = epoll_create1(0);
    for (int i = 0; i < 5; i++) {
        t[i].state = POLLIN;
        add(set, fd[i] = thing_open(&t[i]), EPOLLIN);
    }
    for (int round = 0; round < 5; round++) {
        CHECK_EQ(epoll_wait(set, e, 2, 0), 2);
        for (int i = 0; i < 2; i++)
            seen[(int)(e[i].data.u64 >> 32) - fd[0]]++;
    }
    for (int i = 0; i < 5; i++)
        CHECK_EQ(seen[i], 2);
}

/* ---- ends of descriptors --------------------------------------------------------------------- */

static void a_closed_file_leaves_the_set(void)
{
    struct thing a = {0}, b = {.state = POLLIN};
    int set, fd;

    host_boot();
    set = epoll_create1(0);
    fd = thing_open(&a);
    add(set, fd, EPOLLIN);
    thing_begins(fd, &a, POLLIN); /* queued when it is closed */
    CHECK_EQ(fd_close(fd), 0);
    CHECK(a.closed);
    CHECK_EQ(reported(set, fd), 0);
    CHECK_EQ(thing_open(&b), fd); /* the number is another file's */
    CHECK_FAILS(control(set, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
    CHECK_EQ(reported(set, fd), 0);
    add(set, fd, EPOLLIN);
    CHECK_EQ(reported(set, fd), EPOLLIN);
}

static void another_descriptor_keeps_it(void)
{
    struct thing t = {0};
    int set, fd, copy;

    host_boot();
    set = epoll_create1(0);
    fd = thing_open(&t);
    copy = file_duplicate(file_get(fd), 0);
    add(set, fd, EPOLLIN | EPOLLET);
    add(set, copy, EPOLLOUT);
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(reported(set, fd), 0); /* that a descriptor was closed is no event */
    thing_begins(copy, &t, POLLIN);
    CHECK_EQ(reported(set, fd), EPOLLIN);
    CHECK_FAILS(control(set, EPOLL_CTL_DEL, fd, 0), EBADF);
    CHECK_EQ(fd_close(copy), 0);
    CHECK(t.closed);
    CHECK_EQ(reported(set, fd), 0);
}

static void wait_and_close(void *arg)
{
    struct epoll_event e;

    CHECK_FAILS(epoll_wait(*(int *)arg, &e, 1, -1), EBADF);
    *(int *)arg = -1;
}

static void a_closed_set_ends_its_waits(void)
{
    struct thing t = {0};
    int set, fd, waits;

    host_boot();
    waits = set = epoll_create1(0);
    fd = thing_open(&t);
    add(set, fd, EPOLLIN);
    task_spawn("waits", wait_and_close, &waits, 0);
    task_yield();
    CHECK_EQ(fd_close(set), 0);
    AWAIT(waits == -1, 1);
    thing_begins(fd, &t, POLLIN); /* nobody watches */
    CHECK_EQ(fd_close(fd), 0);
}

/* ---- several tasks, and time ----------------------------------------------------------------- */

static struct {
    int set, n;
    bool done;
} waiter;

static void wait_for_one(void *arg)
{
    struct epoll_event e;

    (void)arg;
    waiter.n = epoll_wait(waiter.set, &e, 1, -1);
    waiter.done = true;
}

static void a_waiting_task_is_woken(void)
{
    struct thing t = {0};
    int fd;

    host_boot();
    waiter.set = epoll_create1(0);
    fd = thing_open(&t);
    add(waiter.set, fd, EPOLLIN);
    task_spawn("waits", wait_for_one, NULL, 0);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    file_ready(file_get(fd), POLLIN); /* without reason: it goes on to wait */
    file_ready(file_get(fd), POLLOUT);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    CHECK(!waiter.done);
    thing_begins(fd, &t, POLLIN);
    AWAIT(waiter.done, 1);
    CHECK_EQ(waiter.n, 1);
}

static void waits_have_an_end(void)
{
    struct timespec ts = {.tv_nsec = 3000000};
    struct epoll_event e;
    uint64_t start;
    int set;

    host_boot();
    set = epoll_create1(0);
    start = hal_now_ns();
    CHECK_EQ(epoll_wait(set, &e, 1, 20), 0);
    CHECK(hal_now_ns() - start >= 20 * HAL_MS);
    start = hal_now_ns();
    CHECK_EQ(epoll_pwait(set, &e, 1, 5, NULL), 0);
    CHECK_EQ(epoll_pwait2(set, &e, 1, &ts, NULL), 0);
    CHECK(hal_now_ns() - start >= 8 * HAL_MS && hal_now_ns() - start < 30 * HAL_MS);
    ts = (struct timespec){0};
    CHECK_EQ(epoll_pwait2(set, &e, 1, &ts, NULL), 0);
    ts.tv_nsec = 1000000000;
    CHECK_FAILS(epoll_pwait2(set, &e, 1, &ts, NULL), EINVAL);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void what_is_refused(void)
{
    struct epoll_event e, *volatile none = NULL;
    struct thing t = {0};
    volatile int most = -1;
    int set, fd, plain, other;

    host_boot();
    CHECK_FAILS(epoll_create(0), EINVAL);
    CHECK_FAILS(epoll_create1(1), EINVAL);
    set = epoll_create(1);
    other = epoll_create1(0);
    fd = thing_open(&t);
    plain = file_install(&plain_ops, NULL, O_RDWR);
    CHECK_FAILS(epoll_ctl(set, EPOLL_CTL_ADD, 999, NULL), EFAULT);
    CHECK_FAILS(control(set, EPOLL_CTL_ADD, 999, 0), EBADF);
    CHECK_FAILS(control(999, EPOLL_CTL_ADD, fd, 0), EBADF);
    CHECK_FAILS(control(fd, EPOLL_CTL_ADD, set, 0), EINVAL);
    CHECK_FAILS(control(set, EPOLL_CTL_ADD, set, 0), EINVAL);
    CHECK_FAILS(control(set, EPOLL_CTL_ADD, plain, 0), EPERM);
    CHECK_FAILS(control(set, 9, fd, 0), EINVAL);
    CHECK_FAILS(control(set, EPOLL_CTL_MOD, fd, 0), ENOENT);
    CHECK_FAILS(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), ENOENT);
    add(set, fd, EPOLLIN);
    CHECK_FAILS(control(set, EPOLL_CTL_ADD, fd, EPOLLOUT), EEXIST);
    CHECK_FAILS(epoll_wait(set, &e, most, 0), EINVAL);
    CHECK_FAILS(epoll_wait(set, &e, ++most, 0), EINVAL);
    CHECK_FAILS(epoll_wait(set, none, 1, 0), EFAULT);
    CHECK_FAILS(epoll_wait(fd, &e, 1, 0), EINVAL);
    CHECK_FAILS(epoll_wait(999, &e, 1, 0), EBADF);
    /* EPOLLEXCLUSIVE: at ADD, with few others, of no set. */
    CHECK_FAILS(control(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    CHECK_FAILS(control(other, EPOLL_CTL_ADD, fd, EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
    CHECK_FAILS(control(other, EPOLL_CTL_ADD, set, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    add(other, fd, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
    CHECK_FAILS(control(other, EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
    t.state = POLLIN;
    file_ready(file_get(fd), POLLIN);
    CHECK_EQ(reported(other, fd), EPOLLIN);
    CHECK_EQ(file_get(set)->refs, 1);
    CHECK_EQ(file_get(fd)->refs, 1);
}

/* ---- sets in sets ---------------------------------------------------------------------------- */

static void a_set_in_a_set(void)
{
    struct thing t = {0};
    int inner, outer, fd;

    host_boot();
    inner = epoll_create1(0);
    outer = epoll_create1(0);
    fd = thing_open(&t);
    add(inner, fd, EPOLLIN);
    add(outer, inner, EPOLLIN);
    CHECK_EQ(reported(outer, inner), 0);
    thing_begins(fd, &t, POLLIN);
    CHECK_EQ(fd_poll(inner, POLLIN), POLLIN);
    CHECK_EQ(reported(outer, inner), EPOLLIN);
    CHECK_EQ(reported(inner, fd), EPOLLIN);
    CHECK_EQ(reported(outer, inner), EPOLLIN);
    t.state = 0;
    CHECK_EQ(reported(outer, inner), 0);
    CHECK_EQ(fd_poll(inner, POLLIN), 0);
    CHECK_EQ(fd_close(inner), 0);
    CHECK_EQ(reported(outer, inner), 0);
}

/* The first refused link of a chain of sets, made from its end or from its start; 0: none. */
static int chain(int n, bool from_end)
{
    int set[8], refused = 0;

    for (int i = 0; i < n; i++)
        set[i] = epoll_create1(0);
    for (int k = 0; k < n - 1 && !refused; k++) {
        int i = from_end ? n - 2 - k : k;

        if (control(set[i], EPOLL_CTL_ADD, set[i + 1], EPOLLIN)) {
            CHECK_EQ(errno, ELOOP);
            refused = k + 1;
        }
    }
    for (int i = 0; i < n; i++)
        fd_close(set[i]);
    return refused;
}

static void chains_and_circles_of_sets(void)
{
    int a, b, c;

    host_boot();
    CHECK_EQ(chain(5, false), 0);
    CHECK_EQ(chain(5, true), 0);
    CHECK_EQ(chain(6, false), 5);
    CHECK_EQ(chain(6, true), 5);
    a = epoll_create1(0);
    b = epoll_create1(0);
    c = epoll_create1(0);
    add(a, b, EPOLLIN);
    add(b, c, EPOLLIN);
    CHECK_FAILS(control(b, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
    CHECK_FAILS(control(c, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
    CHECK_EQ(control(b, EPOLL_CTL_DEL, c, 0), 0);
    add(c, a, EPOLLIN);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static void a_stream_tells_what_happens(void)
{
    static char data[300000];
    struct loop p;
    int set;

    host_boot();
    p = loop_pair();
    set = epoll_create1(0);
    fd_set_nonblock(p.near, true);
    add(set, p.near, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    CHECK_EQ(reported(set, p.near), EPOLLOUT);
    CHECK_EQ(reported(set, p.near), 0);
    CHECK_EQ(send(p.far, "a", 1, 0), 1);
    AWAIT(fd_poll(p.near, POLLIN), 1);
    CHECK_EQ(reported(set, p.near), EPOLLIN | EPOLLOUT);
    CHECK_EQ(reported(set, p.near), 0);
    CHECK_EQ(send(p.far, "b", 1, 0), 1); /* the first is not read yet: still an edge */
    AWAIT(reported(set, p.near) == (EPOLLIN | EPOLLOUT), 1);
    CHECK_EQ(recv(p.near, data, 9, 0), 2);
    CHECK(send(p.near, data, sizeof(data), 0) < (ssize_t)sizeof(data)); /* full */
    task_sleep_until(hal_now_ns() + HAL_SEC);
    reported(set, p.near); /* what little the peer's window let go */
    while (send(p.near, data, sizeof(data), 0) > 0)
        task_sleep_until(hal_now_ns() + HAL_SEC);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(reported(set, p.near) & EPOLLOUT, 0);
    CHECK(recv(p.far, data, sizeof(data), 0) > 0);
    AWAIT(reported(set, p.near) == EPOLLOUT, 5);
    CHECK_EQ(fd_close(p.far), 0); /* with unread data: a reset */
    AWAIT(reported(set, p.near) & EPOLLERR, 5);
}

static void a_listener_and_its_connections(void)
{
    int listener, set;
    struct loop p;

    host_boot();
    listener = loop_listen(7, 4);
    set = epoll_create1(0);
    add(set, listener, EPOLLIN);
    p.near = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(p.near, loop4(7), sizeof(struct sockaddr_in)), EINPROGRESS);
    add(set, p.near, EPOLLOUT | EPOLLET | EPOLLONESHOT);
    struct epoll_event e[4];
    AWAIT(epoll_wait(set, e, 4, 0) == 2, 1);
    p.far = accept(listener, NULL, NULL);
    CHECK_EQ(reported(set, listener), 0);
    CHECK_EQ(shutdown(p.near, SHUT_WR), 0);
    add(set, p.far, EPOLLRDHUP);
    AWAIT(reported(set, p.far) == EPOLLRDHUP, 1);
}

/* ---- the descriptor table -------------------------------------------------------------------- */

static void descriptors_are_the_lowest_free(void)
{
    struct thing t = {0};
    int fd;

    host_boot();
    for (int i = 3; i < 5000; i++)
        CHECK_EQ(thing_open(&t), i);
    static const int gaps[] = {4999, 4100, 64, 63, 3, 4096, 4095};
    for (unsigned i = 0; i < 7; i++)
        CHECK_EQ(fd_close(gaps[i]), 0);
    static const int order[] = {3, 63, 64, 4095, 4096, 4100, 4999, 5000};
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(thing_open(&t), order[i]);
    fd = file_duplicate(file_get(3), FILES_MAX - 1);
    CHECK_EQ(fd, FILES_MAX - 1);
    CHECK_EQ(file_duplicate(file_get(3), FILES_MAX - 1), -EMFILE);
    CHECK_EQ(file_duplicate(file_get(3), FILES_MAX), -EINVAL);
    CHECK_EQ(file_replace(file_get(3), FILES_MAX), -EBADF);
    CHECK_EQ(file_duplicate(file_get(3), 10), 5001);
    CHECK(!file_get(FILES_MAX) && !file_get(-1));
    for (int i = 3; i <= 5001; i++)
        CHECK_EQ(fd_close(i), 0);
    CHECK_EQ(fd_close(fd), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(a_level_is_reported_while_it_holds, NULL),
        SHOWS(an_edge_is_reported_once, NULL),
        SHOWS(once_is_once, NULL),
        SHOWS(a_wait_looks_at_what_happened, NULL),
        SHOWS(small_waits_take_turns, NULL),
        SHOWS(a_closed_file_leaves_the_set, NULL),
        SHOWS(another_descriptor_keeps_it, NULL),
        SHOWS(a_closed_set_ends_its_waits, NULL),
        SHOWS(a_waiting_task_is_woken, NULL),
        SHOWS(waits_have_an_end, NULL),
        SHOWS(what_is_refused, NULL),
        SHOWS(a_set_in_a_set, NULL),
        SHOWS(chains_and_circles_of_sets, NULL),
        SHOWS(a_stream_tells_what_happens, NULL),
        SHOWS(a_listener_and_its_connections, NULL),
        SHOWS(descriptors_are_the_lowest_free, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
