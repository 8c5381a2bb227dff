/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.c - the listener and the poll() loop.
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
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"

#define SWEEP_MS   1000u /* from one look for passed deadlines to the next */
#define ACCEPT_MAX 32u   /* new connections in a round, before the others get their turn */
#define BACKLOG    128

uint64_t server_now_ms;

/* polls[0] is the listener's; connection i has polls[i + 1]. */
static struct pollfd *polls;
static struct conn **conns;
static unsigned count, limit;
static uint64_t next_sweep_ms;

/* ---- the listener --------------------------------------------------------------------------- */

static int listen_on(int family, const struct sockaddr *addr, socklen_t len)
{
    int on = 1, off = 0;
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
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

/* Frees connection i; the last connection takes its place. */
static void drop(unsigned i)
{
    conn_free(conns[i]);
    count--;
    conns[i] = conns[count];
    polls[i + 1] = polls[count + 1];
    server_stats.open = count;
    polls[0].events = POLLIN;
}

/* Closes the connection that can best be done without; false: all are needed. */
static bool evict(void)
{
    unsigned best = count;
    uint64_t most = 0;

    for (unsigned i = 0; i < count; i++) {
        uint64_t idleness = conn_idleness(conns[i]);
        if (idleness > most) {
            most = idleness;
            best = i;
        }
    }
    if (best == count)
        return false;
    server_stats.evicted++;
    drop(best);
    return true;
}

/* Runs a connection and brings its poll entry up to date; false: it ended and its place is free. */
static bool advance(unsigned i)
{
    conn_run(conns[i]);
    if (conns[i]->state == CONN_CLOSED) {
        drop(i);
        return false;
    }
    polls[i + 1].events = conn_events(conns[i]);
    return true;
}

static void add(int fd, const struct sockaddr_in6 *peer)
{
    int on = 1;
    struct conn *c = NULL;

    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        c = conn_new(fd, peer);
    if (!c) {
        server_stats.refused++;
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    conns[count] = c;
    polls[count + 1] = (struct pollfd){.fd = fd};
    server_stats.open = ++count;
    server_stats.accepted++;
    advance(count - 1); /* the request has often come with the connection */
}

/* Accepts new connections. If none can be taken, the listener is not polled until a connection
 * ends, or SWEEP_MS has passed. */
static int accept_some(int listener)
{
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        if (count == limit && !evict()) {
            polls[0].events = 0;
            return 0;
        }
        struct sockaddr_in6 peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept(listener, (struct sockaddr *)&peer, &len);
        if (fd >= 0) {
            add(fd, &peer);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            polls[0].events = 0;
            return 0;
        }
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

/* Ends connections whose deadline passed. Backwards: the last takes the place of an ended one. */
static void sweep(void)
{
    next_sweep_ms = server_now_ms + SWEEP_MS;
    polls[0].events = POLLIN;
    for (unsigned i = count; i-- > 0;)
        if (conns[i]->deadline_ms <= server_now_ms) {
            conn_timeout(conns[i]);
            if (conns[i]->state == CONN_CLOSED)
                drop(i);
            else
                polls[i + 1].events = conn_events(conns[i]);
        }
}

/* Without connections nothing can time out. */
static int wait_ms(void)
{
    if (count == 0 && polls[0].events)
        return -1;
    return next_sweep_ms > server_now_ms ? (int)(next_sweep_ms - server_now_ms) : 0;
}

/* Serves those of [first, end) that poll() named. Backwards: see drop(). */
static void serve_range(unsigned first, unsigned end)
{
    for (unsigned i = end; i-- > first;) {
        short events = i < count ? polls[i + 1].revents : 0;
        if (!events)
            continue;
        polls[i + 1].revents = 0;
        if (!(events & (POLLIN | POLLOUT))) /* an error, and nothing left to read or to send */
            drop(i);
        else
            advance(i);
    }
}

/* Each round begins with another connection, so that each is first to get memory in turn. */
static void serve_ready(void)
{
    static unsigned turn;

    turn = turn + 1 < count ? turn + 1 : 0;
    serve_range(0, turn);
    serve_range(turn, count);
}

int server_run(int listener, unsigned max)
{
    polls = calloc(max + 1, sizeof(*polls));
    conns = calloc(max, sizeof(*conns));
    if (!polls || !conns)
        return -ENOMEM;
    limit = server_stats.limit = max;
    polls[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    tell_time();
    for (;;) {
        int n = poll(polls, count + 1, wait_ms());
        if (n < 0 && errno != EINTR)
            return -errno;
        tell_time();
        bool newcomers = n > 0 && polls[0].revents;
        if (n > newcomers)
            serve_ready();
        int rc = newcomers ? accept_some(listener) : 0;
        if (rc < 0)
            return rc;
        if (server_now_ms >= next_sweep_ms)
            sweep();
    }
}
