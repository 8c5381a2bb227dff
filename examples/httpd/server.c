/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.c - the listener and the loop over epoll. What is idle costs nothing.
 *
 * The number of connections is bounded. At the bound, one that does nothing is closed for a new
 * one, first of all one whose client never sent a byte (conn_idleness). If all are busy, new
 * clients wait in the listener's backlog until a connection ends.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"

#define SWEEP_MS   1000u /* from one look for passed deadlines to the next */
#define EVENTS_MAX 64    /* of one wait */
#define ACCEPT_MAX 32u   /* new connections in a round, before the others get their turn */
#define BACKLOG    128

uint64_t server_now_ms;

static int
    set; /* of epoll; the data of a connection's events is the connection, the listener's NULL */
static unsigned count, limit;
static uint64_t next_sweep_ms;
static bool full; /* the listener is not watched */
static bool room; /* a connection has ended since the last look at newcomers */

/* ---- the listener --------------------------------------------------------------------------- */

static int listen_on(int family, const struct sockaddr *addr, socklen_t len)
{
    int on = 1, off = 0;
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* its connections have it, too */
    if ((family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
        bind(fd, addr, len) != 0 || listen(fd, BACKLOG) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        int e = errno;
        close(fd);
        return -e;
    }
    return fd;
}

int server_listen(uint16_t port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = listen_on(AF_INET6, (struct sockaddr *)&six, sizeof(six));

    return fd >= 0 ? fd : listen_on(AF_INET, (struct sockaddr *)&four, sizeof(four));
}

/* ---- connections ---------------------------------------------------------------------------- */

static int watch(int op, int fd, struct conn *c, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    return epoll_ctl(set, op, fd, &e);
}

/* The listener is not watched while no connection can be taken: until one ends, or SWEEP_MS has
 * passed. */
static int pause_listener(int listener)
{
    full = true;
    room = false;
    return watch(EPOLL_CTL_MOD, listener, NULL, 0) ? -errno : 0;
}

static void resume_listener(int listener)
{
    if (full)
        watch(EPOLL_CTL_MOD, listener, NULL, EPOLLIN);
    full = false;
}

static void drop(struct conn *c)
{
    conn_free(c);
    server_stats.open = --count;
    room = true;
}

/* Closes the connection that can best be done without; false: all are needed. */
static bool evict(void)
{
    struct conn *c = conn_idlest();

    if (!c)
        return false;
    server_stats.evicted++;
    drop(c);
    return true;
}

/*
 * After a connection has run: what is to be waited for. A change of an entry looks at what holds
 * already, so it also brings back a connection whose turn ended early.
 */
static void settle(struct conn *c, int op)
{
    bool out = c->again || c->state == CONN_SEND;

    if (c->state != CONN_CLOSED && (op == EPOLL_CTL_ADD || out) &&
        watch(op, c->fd, c, EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0)) != 0)
        c->state = CONN_CLOSED;
    if (c->state == CONN_CLOSED)
        drop(c);
}

static void add(int fd, const struct sockaddr_in6 *peer)
{
    struct conn *c = conn_new(fd, peer);

    if (!c) {
        server_stats.refused++;
        close(fd);
        return;
    }
    server_stats.open = ++count;
    server_stats.accepted++;
    conn_run(c); /* the request has often come with the connection */
    settle(c, EPOLL_CTL_ADD);
}

/* Accepts new connections, as many as can be taken. */
static int accept_some(int listener)
{
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in6 peer = {0};
        socklen_t len = sizeof(peer);

        if (count == limit && !evict())
            return pause_listener(listener);
        int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK);
        if (fd >= 0) {
            add(fd, &peer);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            return pause_listener(listener);
        if (errno != ECONNABORTED && errno != EINTR)
            return -errno;
    }
    return 0;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void tell_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    server_now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Ends connections whose deadline passed. */
static void sweep(void)
{
    struct conn *c;

    next_sweep_ms = server_now_ms + SWEEP_MS;
    while ((c = conn_due())) {
        conn_timeout(c);
        settle(c, EPOLL_CTL_MOD);
    }
}

/* Without connections nothing can time out. */
static int wait_ms(void)
{
    if (count == 0 && !full)
        return -1;
    return next_sweep_ms > server_now_ms ? (int)(next_sweep_ms - server_now_ms) : 0;
}

/* An event of a connection. */
static void serve(struct conn *c, uint32_t events)
{
    if (!(events & (EPOLLIN | EPOLLOUT))) { /* an error, and nothing left to read or to send */
        drop(c);
        return;
    }
    conn_input(c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    conn_run(c);
    settle(c, EPOLL_CTL_MOD);
}

/* One turn of the loop. */
static int turn(int listener)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(set, events, EVENTS_MAX, wait_ms()), rc = 0;
    bool newcomers = false;

    if (n < 0 && errno != EINTR)
        return -errno;
    tell_time();
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr)
            serve(events[i].data.ptr, events[i].events);
        else
            newcomers = true;
    if (newcomers)
        rc = accept_some(listener);
    else if (room)
        resume_listener(listener);
    if (server_now_ms >= next_sweep_ms) {
        sweep();
        resume_listener(listener);
    }
    return rc;
}

int server_run(int listener, unsigned max)
{
    int rc = 0;

    limit = server_stats.limit = max;
    set = epoll_create1(0);
    if (set < 0 || watch(EPOLL_CTL_ADD, listener, NULL, EPOLLIN) != 0)
        return -errno;
    tell_time();
    while (rc == 0)
        rc = turn(listener);
    return rc;
}
