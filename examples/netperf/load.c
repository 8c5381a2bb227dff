/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c - the loads: bulk over TCP both ways, round trips over TCP and UDP, datagrams both ways.
 * Plain blocking sockets, as most programs use them.
 */
#define _GNU_SOURCE /* sendmmsg */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 65536,
    WARM_UP = 3,
    ANSWER_MS = 200,
    SILENCE_MS = 2000,
    CLOCK_EVERY = 64,
    BATCH_MAX = 64,
    FULL_US = 400, /* in which a card sends some of the hundreds of frames that it has */
};

#define NS_PER_S 1000000000ull

static char chunk[CHUNK];

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* What is measured begins, and ends. */
static uint64_t begin(void)
{
    uint64_t now = now_ns();

    load_mark_begin();
    return now;
}

static void end(struct load_result *r, uint64_t began)
{
    load_mark_end();
    r->ns = now_ns() - began;
}

/* Is there time left, and something to do? The clock is read every n operations. */
static int go_on(const struct load *l, uint64_t done, uint64_t began, unsigned n)
{
    if (l->operations && done >= l->operations)
        return 0;
    return !l->time_ns || done % n || now_ns() - began < l->time_ns;
}

static int failed(const char *what)
{
    fprintf(stderr, "netperf: %s: %s\n", what, strerror(errno));
    return -1;
}

/* A socket that is connected to a service of the peer, or -1 after a message. */
static int open_to(const struct load *l, enum load_port service, int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(l->port + service)};
    int fd = socket(AF_INET, type, 0), one = 1;

    if (fd < 0)
        return failed("a socket");
    if (!inet_aton(l->host, &at.sin_addr) || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        failed(l->host);
        close(fd);
        return -1;
    }
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void set_patience(int fd, unsigned ms)
{
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

/* Reads up to n - 1 bytes, until the end; the text that they are. */
static const char *read_text(int fd, char *text, size_t n)
{
    size_t have = 0;

    for (ssize_t got; have < n - 1 && (got = recv(fd, text + have, n - 1 - have, 0)) > 0;)
        have += (size_t)got;
    text[have] = '\0';
    return text;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static int send_bulk(int fd, const struct load *l, struct load_result *r)
{
    uint64_t began = begin();
    char text[32];

    for (; go_on(l, r->bytes, began, 1); r->operations++) {
        uint64_t left = l->operations ? l->operations - r->bytes : CHUNK;
        ssize_t n = send(fd, chunk, left < CHUNK ? (size_t)left : CHUNK, 0);

        if (n <= 0)
            return failed("send");
        r->bytes += (uint64_t)n;
    }
    shutdown(fd, SHUT_WR);
    r->peer_operations = strtoull(read_text(fd, text, sizeof(text)), NULL, 10);
    end(r, began);
    if (r->peer_operations == r->bytes)
        return 0;
    fprintf(stderr, "netperf: %" PRIu64 " bytes were sent, %" PRIu64 " came\n", r->bytes,
            r->peer_operations);
    return -1;
}

static int receive_bulk(int fd, const struct load *l, struct load_result *r)
{
    uint64_t wanted = l->operations ? l->operations : INT64_MAX, began = begin();
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", wanted);

    if (send(fd, text, (size_t)len, 0) != len)
        return failed("send");
    for (; go_on(l, r->bytes, began, 1); r->operations++) {
        ssize_t n = recv(fd, chunk, CHUNK, 0);

        if (n <= 0)
            return failed("recv");
        r->bytes += (uint64_t)n;
    }
    end(r, began);
    return 0;
}

/* One message there and back. */
static int round_trip(int fd, uint32_t size)
{
    if (send(fd, chunk, size, 0) != (ssize_t)size)
        return failed("send");
    for (uint32_t have = 0; have < size;) {
        ssize_t n = recv(fd, chunk + have, size - have, 0);

        if (n <= 0)
            return failed("recv");
        have += (uint32_t)n;
    }
    return 0;
}

static int round_trips(int fd, const struct load *l, struct load_result *r)
{
    uint64_t began;

    for (int i = 0; i < WARM_UP; i++)
        if (round_trip(fd, l->size))
            return -1;
    for (began = begin(); go_on(l, r->operations, began, CLOCK_EVERY); r->operations++)
        if (round_trip(fd, l->size))
            return -1;
    end(r, began);
    return 0;
}

/* ---- UDP ------------------------------------------------------------------------------------- */

/* 1: the answer was lost. */
static int udp_round_trip(int fd, uint32_t size)
{
    if (send(fd, chunk, size, 0) != (ssize_t)size)
        return failed("send");
    if (recv(fd, chunk, CHUNK, 0) >= 0)
        return 0;
    return errno == EAGAIN ? 1 : failed("recv");
}

static int udp_round_trips(int fd, const struct load *l, struct load_result *r)
{
    uint64_t began;
    int lost;

    set_patience(fd, ANSWER_MS);
    for (int i = 0; i < WARM_UP; i++)
        if (udp_round_trip(fd, l->size) < 0)
            return -1;
    for (began = begin(); go_on(l, r->operations, began, CLOCK_EVERY); r->operations++) {
        if ((lost = udp_round_trip(fd, l->size)) < 0)
            return -1;
        r->lost += (uint64_t)lost;
    }
    end(r, began);
    return 0;
}

int load_count_at_peer(const struct load *l, struct load_result *r)
{
    int fd = open_to(l, PORT_UDP_COUNT, SOCK_STREAM);
    char text[80];
    uint64_t bytes;
    int found;

    if (fd < 0)
        return -1;
    found = sscanf(read_text(fd, text, sizeof(text)), "%" SCNu64 " %" SCNu64 " %" SCNu64,
                   &r->peer_operations, &bytes, &r->peer_ns);
    close(fd);
    return found == 3 ? 0 : failed("the peer's count");
}

/* Is that an error of a moment, after which one sends again? */
static int is_passing(int error)
{
    return error == ENOBUFS || error == EAGAIN || error == ECONNREFUSED;
}

/* Sends one, or a batch by one call. How many were sent, or -1. */
static int send_some(int fd, const struct load *l)
{
    static struct mmsghdr batch[BATCH_MAX];
    static struct iovec iov = {.iov_base = chunk};
    unsigned n = l->batch < BATCH_MAX ? l->batch : BATCH_MAX;

    if (n <= 1)
        return send(fd, chunk, l->size, 0) == (ssize_t)l->size ? 1 : -1;
    iov.iov_len = l->size;
    for (unsigned i = 0; i < n; i++)
        batch[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    return sendmmsg(fd, batch, n, 0);
}

static int send_datagrams(int fd, const struct load *l, struct load_result *r)
{
    uint64_t began;

    if (load_count_at_peer(l, r))
        return -1;
    for (began = begin(); go_on(l, r->operations, began, l->batch > 1 ? 1 : CLOCK_EVERY);) {
        int n = send_some(fd, l);

        if (n > 0)
            r->operations += (uint64_t)n;
        else if (is_passing(errno))
            usleep(FULL_US); /* the card's queue is full */
        else
            return failed("send");
    }
    end(r, began);
    usleep(300000); /* what is under way arrives */
    return load_count_at_peer(l, r);
}

static int receive_datagrams(int fd, const struct load *l, struct load_result *r)
{
    uint64_t began = 0, now = 0, wanted = l->operations ? l->operations : 1000;
    char text[64];
    int len =
        snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu32 " %" PRIu32, wanted, l->size, l->rate);
    int room = 4 << 20;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    set_patience(fd, SILENCE_MS);
    if (send(fd, text, (size_t)len, 0) != len)
        return failed("send");
    for (ssize_t n; (n = recv(fd, chunk, CHUNK, 0)) > 3; r->operations++) {
        if (!began)
            began = now = begin();
        if (r->operations % CLOCK_EVERY == 0)
            now = now_ns(); /* the end comes some time after the last datagram */
    }
    end(r, began);
    r->ns = now - began;
    r->lost = wanted - r->operations;
    return 0;
}

/* ---- by name --------------------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    enum load_port service;
    int type;
    int (*run)(int fd, const struct load *l, struct load_result *r);
} kinds[] = {
    {"tcptx", PORT_SINK, SOCK_STREAM, send_bulk},
    {"tcprx", PORT_SOURCE, SOCK_STREAM, receive_bulk},
    {"tcprr", PORT_ECHO, SOCK_STREAM, round_trips},
    {"udprr", PORT_UDP_ECHO, SOCK_DGRAM, udp_round_trips},
    {"udptx", PORT_UDP_SINK, SOCK_DGRAM, send_datagrams},
    {"udprx", PORT_UDP_BLAST, SOCK_DGRAM, receive_datagrams},
};

int load_run(const char *name, const struct load *load, struct load_result *out)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int fd, result;

        if (strcmp(kinds[i].name, name))
            continue;
        *out = (struct load_result){0};
        if ((fd = open_to(load, kinds[i].service, kinds[i].type)) < 0)
            return -1;
        result = kinds[i].run(fd, load, out);
        close(fd);
        return result;
    }
    fprintf(stderr, "netperf: there is no load %s; there is:", name);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "\n");
    return -1;
}

void load_print(const char *name, const struct load_result *r)
{
    printf("netperf: %s operations=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64
           " peer_operations=%" PRIu64 " peer_ns=%" PRIu64 " lost=%" PRIu64 "\n",
           name, r->operations, r->bytes, r->ns, r->peer_operations, r->peer_ns, r->lost);
    fflush(stdout);
}
