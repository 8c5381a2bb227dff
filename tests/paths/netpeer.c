/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netpeer - the other end of the loads of examples/netperf: a program of the host, built and
 * started by scripts/vireolib/netpeer.py.
 *
 *   netpeer PORT
 *
 * Serves the ports that examples/netperf/load.h names, PORT being the first, each in a thread of
 * its own; says "ready" when all of them are open, and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../examples/netperf/load.h"

enum { CHUNK = 262144, WRITTEN = 65536, BACKLOG = 64, DATAGRAM_MAX = 65507, ENDS = 5 };
enum { END_GAP_US = 20000, BURST_US = 1000, QUEUE = 4 << 20 };

#define NS_PER_S 1000000000ull

static uint16_t first_port;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "netpeer: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_service(enum load_port service, int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(first_port + service)};
    int fd = socket(AF_INET, type, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
        die("a port");
    return fd;
}

static void *buffer(void)
{
    void *data = calloc(1, CHUNK);

    if (!data)
        die("memory");
    return data;
}

static void send_all(int fd, const char *data, size_t n)
{
    for (ssize_t sent; n && (sent = send(fd, data, n, MSG_NOSIGNAL)) > 0; n -= (size_t)sent)
        data += sent;
}

/* ---- a TCP client: each of these in a thread of its own -------------------------------------- */

static void sink(int fd, char *data)
{
    uint64_t bytes = 0;
    char text[32];

    for (ssize_t n; (n = recv(fd, data, CHUNK, 0)) > 0;)
        bytes += (uint64_t)n;
    send_all(fd, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64 "\n", bytes));
}

static void source(int fd, char *data)
{
    char text[32] = "";
    uint64_t left;

    if (recv(fd, text, sizeof(text) - 1, 0) <= 0)
        return;
    left = strtoull(text, NULL, 10);
    for (ssize_t n; left; left -= (uint64_t)n)
        if ((n = send(fd, data, left < WRITTEN ? left : WRITTEN, MSG_NOSIGNAL)) <= 0)
            return;
}

static void echo(int fd, char *data)
{
    for (ssize_t n; (n = recv(fd, data, CHUNK, 0)) > 0;)
        send_all(fd, data, (size_t)n);
}

struct client {
    int fd;
    void (*serve)(int fd, char *data);
};

static void *serve_client(void *arg)
{
    struct client *client = arg;
    char *data = buffer();

    client->serve(client->fd, data);
    close(client->fd);
    free(data);
    free(client);
    return NULL;
}

static void start(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, arg))
        die("a thread");
    pthread_detach(thread);
}

struct service {
    enum load_port port;
    int type;
    void *(*run)(void *fd);
    void (*serve)(int fd, char *data); /* each client of serve_clients */
    int fd;
};

static void *serve_clients(void *arg)
{
    const struct service *s = arg;
    int one = 1;

    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
        struct client *client = malloc(sizeof(*client));

        if (!client)
            die("memory");
        *client = (struct client){fd, s->serve};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        start(serve_client, client);
    }
    die("accept");
    return NULL;
}

/* ---- UDP ------------------------------------------------------------------------------------- */

/* The next datagram, with a zero behind it; its sender. */
static ssize_t next_datagram(int fd, char *data, struct sockaddr_in *from)
{
    socklen_t len = sizeof(*from);
    ssize_t n = recvfrom(fd, data, DATAGRAM_MAX, 0, (struct sockaddr *)from, &len);

    if (n < 0)
        die("recvfrom");
    data[n] = '\0';
    return n;
}

static void *serve_udp_echo(void *arg)
{
    const struct service *s = arg;
    char *data = buffer();
    struct sockaddr_in from;

    for (ssize_t n; (n = next_datagram(s->fd, data, &from)) >= 0;)
        sendto(s->fd, data, (size_t)n, 0, (struct sockaddr *)&from, sizeof(from));
    return NULL;
}

struct count {
    uint64_t datagrams, bytes, first, last;
};

static void take_datagrams(int fd, char *data, struct count *count)
{
    for (ssize_t n; (n = recv(fd, data, CHUNK, MSG_DONTWAIT)) >= 0; count->datagrams++) {
        count->last = now_ns();
        if (!count->datagrams)
            count->first = count->last;
        count->bytes += (uint64_t)n;
    }
}

static void tell_count(int listener, struct count *count)
{
    int fd = accept(listener, NULL, NULL);
    char text[80];

    send_all(fd, text,
             (size_t)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                              count->datagrams, count->bytes, count->last - count->first));
    close(fd);
    *count = (struct count){0};
}

static void *serve_udp_sink(void *arg)
{
    const struct service *s = arg;
    struct pollfd both[2] = {{.fd = s->fd, .events = POLLIN},
                             {.fd = open_service(PORT_UDP_COUNT, SOCK_STREAM), .events = POLLIN}};
    struct count count = {0};
    char *data = buffer();

    while (poll(both, 2, -1) >= 0) {
        if (both[0].revents)
            take_datagrams(s->fd, data, &count);
        if (both[1].revents)
            tell_count(both[1].fd, &count);
    }
    die("poll");
    return NULL;
}

/* Waits until the k-th of `rate` datagrams a second is due: those of a millisecond go together. */
static void wait_for_turn(uint64_t began, uint64_t k, uint64_t rate)
{
    uint64_t due = began + (rate ? k * NS_PER_S / rate : 0), now = now_ns();

    if (rate && due > now)
        usleep(rate > 1000 ? BURST_US : (useconds_t)((due - now) / 1000));
}

static void blast(int fd, char *data, const struct sockaddr_in *to)
{
    uint64_t n = 0, size = 64, rate = 0, began = now_ns();

    sscanf(data, "%" SCNu64 " %" SCNu64 " %" SCNu64, &n, &size, &rate);
    size = size < 4 ? 4 : size > DATAGRAM_MAX ? DATAGRAM_MAX : size;
    for (uint64_t k = 0; k < n; k++) {
        wait_for_turn(began, k, rate);
        while (sendto(fd, data, size, 0, (struct sockaddr *)to, sizeof(*to)) < 0 &&
               (errno == ENOBUFS || errno == EAGAIN))
            ;
    }
    for (int i = 0; i < ENDS; i++) { /* one of them will arrive */
        usleep(END_GAP_US);
        sendto(fd, "END", 3, 0, (struct sockaddr *)to, sizeof(*to));
    }
}

static void *serve_udp_blast(void *arg)
{
    const struct service *s = arg;
    char *data = buffer();
    struct sockaddr_in from;

    while (next_datagram(s->fd, data, &from) >= 0)
        blast(s->fd, data, &from);
    return NULL;
}

/* ---- the program ----------------------------------------------------------------------------- */

static struct service services[] = {
    {PORT_SINK, SOCK_STREAM, serve_clients, sink, -1},
    {PORT_SOURCE, SOCK_STREAM, serve_clients, source, -1},
    {PORT_ECHO, SOCK_STREAM, serve_clients, echo, -1},
    {PORT_UDP_ECHO, SOCK_DGRAM, serve_udp_echo, NULL, -1},
    {PORT_UDP_SINK, SOCK_DGRAM, serve_udp_sink, NULL, -1},
    {PORT_UDP_BLAST, SOCK_DGRAM, serve_udp_blast, NULL, -1},
};

/* As root beyond the system's limit, which would lose datagrams. */
static void make_room(int fd)
{
    int room = QUEUE;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

int main(int argc, char **argv)
{
    char typed;

    if (argc != 2 || !(first_port = (uint16_t)atoi(argv[1]))) {
        fprintf(stderr, "netpeer: the argument is the first port\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        services[i].fd = open_service(services[i].port, services[i].type);
        make_room(services[i].fd);
        start(services[i].run, &services[i]);
    }
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &typed, 1) > 0)
        ;
    return 0;
}
