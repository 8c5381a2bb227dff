/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cards - a machine with several network cards: echoes what comes by TCP to port 7, and sends a
 * datagram to 8.8.8.8, each time from a new socket, every 20 ms ("cards: no way" when there is no
 * route, "cards: a way" when there is one again). With vireo.cards.neighbours=N it measures what
 * a datagram costs, in instructions, with two neighbours and with N (-icount makes them exact).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../checks.h"
#include "../instructions.h"
#include "net.h"
#include "vireo.h"

enum { PORT = 7, CONNECTIONS = 16, TICK_MS = 20, SENDS = 2048, BATCH = 32 };

/* ---- echo and ticks -------------------------------------------------------------------------- */

static void tick(void)
{
    static bool lost;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    bool sent;

    to.sin_addr.s_addr = htonl(0x08080808);
    sent = sendto(fd, "tick", 4, 0, (struct sockaddr *)&to, sizeof(to)) == 4;
    if (sent == lost)
        printf("cards: %s\n", sent ? "a way" : "no way");
    lost = !sent;
    close(fd);
}

static void echo(struct pollfd *p)
{
    char buf[4096];
    ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

    if (n > 0 && send(p->fd, buf, (size_t)n, 0) == n)
        return;
    printf("cards: a connection ended (%zd)\n", n);
    close(p->fd);
    p->fd = -1;
}

static void serve(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct pollfd polled[CONNECTIONS];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    uint64_t next = hal_now_ns();

    if (bind(listener, (struct sockaddr *)&any, sizeof(any)) || listen(listener, 8))
        exit(1);
    for (int i = 0; i < CONNECTIONS; i++)
        polled[i] = (struct pollfd){i ? -1 : listener, POLLIN, 0};
    vireo_ready();
    for (unsigned used = 1;;) {
        if (hal_now_ns() >= next) {
            tick();
            next = hal_now_ns() + TICK_MS * HAL_MS;
        }
        poll(polled, CONNECTIONS, TICK_MS / 2);
        if ((polled[0].revents & POLLIN) && used < CONNECTIONS)
            polled[used++].fd = accept(listener, NULL, NULL);
        for (unsigned i = 1; i < used; i++)
            if (polled[i].revents)
                echo(&polled[i]);
    }
}

/* ---- what a neighbour costs ------------------------------------------------------------------ */

static int datagrams;
static bool six;

static void send_to(unsigned n)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

    to.sin_addr.s_addr = htonl(0x0a470000 + n);
    memcpy(&to6.sin6_addr, "\xfe\x80", 2);
    to6.sin6_addr.s6_addr[14] = (uint8_t)(n >> 8);
    to6.sin6_addr.s6_addr[15] = (uint8_t)n;
    to6.sin6_scope_id = 2;
    if (six)
        sendto(datagrams, "x", 1, 0, (struct sockaddr *)&to6, sizeof(to6));
    else
        sendto(datagrams, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

/* Of one datagram to neighbours that are known, from the call to the ring. */
static unsigned long cost(unsigned neighbours)
{
    unsigned long sum = 0;

    for (unsigned i = 0; i < SENDS; i++) {
        unsigned long before = counter();

        send_to(1 + i * 7 % neighbours);
        sum += counter() - before;
        if (i % BATCH == BATCH - 1)
            usleep(2000);
    }
    return sum / SENDS;
}

static void measure(unsigned neighbours)
{
    counter_start();
    for (int family = 0; family < 2; family++) {
        six = family;
        datagrams = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
        for (unsigned n = 0; n < neighbours; n++) {
            send_to(1 + n);
            if (n % BATCH == BATCH - 1)
                usleep(50000);
        }
        usleep(200000);
        /* a socket remembers the last one: two take turns */
        printf("cards: IPv%d %lu with two, %lu with %u\n", six ? 6 : 4, cost(2), cost(neighbours),
               neighbours);
    }
}

int main(void)
{
    unsigned neighbours = (unsigned)hal_option_u64("cards", "neighbours", 0, 1, 4000);

    net_wait_up(hal_now_ns() + 20 * HAL_SEC);
    if (neighbours)
        measure(neighbours);
    else
        serve();
    return 0;
}
