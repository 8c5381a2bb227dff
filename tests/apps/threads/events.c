/* SPDX-License-Identifier: BSD-2-Clause */
/* events.c - eventfd, timerfd, ppoll, pselect, and both kinds of file in all calls that wait. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>

#include "facts.h"

static int fd;
static uint64_t value;

static void take(const char *name)
{
    value = 0;
    fact_of(name, read(fd, &value, sizeof(value)));
    fact_number("value", (long)value);
}

static void add(const char *name, uint64_t n)
{
    fact_of(name, write(fd, &n, sizeof(n)));
}

static void look(const char *name)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    fact_number(name, (p.revents & POLLIN ? 1 : 0) + (p.revents & POLLOUT ? 2 : 0));
}

static void *add_later(void *arg)
{
    uint64_t n = (uint64_t)(intptr_t)arg;

    settle();
    return (void *)(intptr_t)write(fd, &n, sizeof(n));
}

static void *take_later(void *arg)
{
    uint64_t n = 0;

    (void)arg;
    settle();
    if (read(fd, &n, sizeof(n)) != sizeof(n))
        return NULL;
    return (void *)(intptr_t)(n == UINT64_MAX - 1);
}

static void counters(void)
{
    pthread_t t;

    fd = eventfd(3, EFD_NONBLOCK);
    look("eventfd of 3");
    take("read");
    take("read of none");
    look("eventfd of 0");
    add("write 2", 2);
    add("write 5", 5);
    take("read");
    fact_of("short read", read(fd, &value, 4));
    fact_of("short write", write(fd, &value, 7));
    add("too much", UINT64_MAX);
    add("the most", UINT64_MAX - 1);
    look("full");
    add("write to a full one", 1);
    fcntl(fd, F_SETFL, 0);
    t = start(take_later, NULL);
    add("write that waits", 9);
    fact_number("taken", join(t));
    take("read");
    t = start(add_later, (void *)4);
    take("read that waits");
    join(t);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    take("semaphore");
    take("semaphore");
    take("semaphore");
    fact_of("eventfd_write", eventfd_write(fd, 1));
    fact_of("eventfd_read", eventfd_read(fd, &value));
    fact_number("value", (long)value);
    close(fd);
    fact_of("wrong flags", eventfd(0, 0x10000000));
}

/* Each call that waits is woken by a write of another thread. */
static void waits(void)
{
    struct timespec soon = {.tv_nsec = 1000000}, later = {.tv_sec = 10};
    struct pollfd p = {.events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    fd_set set;
    pthread_t t;
    int epfd = epoll_create1(0);

    p.fd = fd = eventfd(0, 0);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    fact_of("epoll_ctl", epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
    fact_of("ppoll without", ppoll(&p, 1, &soon, NULL));
    fact_of("pselect without", pselect(fd + 1, &set, NULL, NULL, &soon, NULL));
    fact_of("epoll without", epoll_wait(epfd, &event, 1, 1));
    soon.tv_nsec = 1000000000;
    fact_of("ppoll, no time", ppoll(&p, 1, &soon, NULL));
    fact_of("pselect, no time", pselect(fd + 1, &set, NULL, NULL, &soon, NULL));
    t = start(add_later, (void *)1);
    fact_of("ppoll", ppoll(&p, 1, &later, NULL));
    join(t);
    take("read");
    t = start(add_later, (void *)1);
    FD_SET(fd, &set);
    fact_of("pselect", pselect(fd + 1, &set, NULL, NULL, NULL, NULL));
    fact_number("in the set", !!FD_ISSET(fd, &set));
    join(t);
    take("read");
    t = start(add_later, (void *)1);
    fact_of("epoll", epoll_wait(epfd, &event, 1, 10000));
    join(t);
    close(fd);
    close(epfd);
}

static void set_timer(const char *name, int flags, long value_ms, long interval_ms)
{
    struct itimerspec to = {0}, old;

    to.it_value.tv_nsec = value_ms * 1000000;
    to.it_interval.tv_nsec = interval_ms * 1000000;
    fact_of(name, timerfd_settime(fd, flags, &to, &old));
    fact_number("was set", old.it_value.tv_sec || old.it_value.tv_nsec);
}

static void timers(void)
{
    struct pollfd p = {.events = POLLIN};
    struct itimerspec now;
    struct epoll_event event = {.events = EPOLLIN};
    int epfd = epoll_create1(0);

    fact_of("wrong clock", timerfd_create(99, 0));
    p.fd = fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    take("read of a new one");
    look("new");
    set_timer("in 5 ms", 0, 5, 0);
    fact_of("gettime", timerfd_gettime(fd, &now));
    fact_number("is set", now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 5000000);
    take("read before");
    fact_of("poll", poll(&p, 1, 1000));
    take("read");
    take("read again");
    fact_of("write", write(fd, &value, sizeof(value)));
    set_timer("each 5 ms", 0, 5, 5);
    fact_of("epoll_ctl", epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
    fact_of("epoll", epoll_wait(epfd, &event, 1, 1000));
    settle();
    fact_of("read", read(fd, &value, sizeof(value)));
    fact_number("several", value >= 4 && value < 400);
    set_timer("never", 0, 0, 5);
    fact_of("poll", poll(&p, 1, 10));
    fcntl(fd, F_SETFL, 0);
    set_timer("in 5 ms", 0, 5, 0);
    take("read that waits");
    set_timer("long ago", TFD_TIMER_ABSTIME, 1, 0);
    take("read");
    set_timer("too long", 0, 1000, 0);
    fact_of("wrong flags", timerfd_settime(fd, 77, &now, NULL));
    close(fd);
    fd = eventfd(0, 0);
    fact_of("of another file", timerfd_gettime(fd, &now));
    close(fd);
    fact_of("of none", timerfd_gettime(fd, &now));
    fd = timerfd_create(CLOCK_REALTIME, 0);
    now.it_interval = (struct timespec){0};
    now.it_value = time_after(CLOCK_REALTIME, 5);
    fact_of("at a time", timerfd_settime(fd, TFD_TIMER_ABSTIME, &now, NULL));
    take("read");
    close(fd);
    close(epfd);
}

void event_facts(void)
{
    counters();
    waits();
    timers();
}
