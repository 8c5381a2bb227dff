/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flood - a task that never waits. It sends datagrams faster than the card takes them, and asks
 * again at once, or asks poll(), which is ready at once; it accepts and reads from a socket that is
 * not to block, again and again. None of it may keep out the services that it all depends on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../checks.h"
#include "hal.h"

/* A flood goes on until the card has had no room once, up to MOST datagrams. */
enum { COUNT = 3000, MOST = 100 * COUNT, BYTES = 1400 };

static char bytes[BYTES];

/* Sends a datagram; the number of times that there was no room, or -1. */
static int send_one(int fd, const struct sockaddr_in *to, bool polling)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int full = 0;

    while (sendto(fd, bytes, BYTES, 0, (const struct sockaddr *)to, sizeof(*to)) != BYTES) {
        if (errno != ENOBUFS)
            return -1;
        full++;
        if (polling && poll(&p, 1, 4000) != 1)
            return -1;
    }
    return full;
}

static void flood(const char *how, bool polling)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), sent = 0, full = 0;
    uint64_t longest = 0;

    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    for (; sent < COUNT || (!full && sent < MOST); sent++) {
        uint64_t start = hal_now_ns(), took;
        int n = send_one(fd, &to, polling);

        if (n < 0)
            break;
        full += n;
        took = hal_now_ns() - start;
        longest = took > longest ? took : longest;
    }
    close(fd);
    check(sent >= COUNT && full, "%s: %d datagrams sent, %d times no room", how, sent, full);
    check(longest < 3 * HAL_SEC, "%s: none took longer than 3 s (%u ms)", how,
          (unsigned)(longest / HAL_MS));
}

/* A refused connection: from then on the router's hardware address is known. */
static void meet_router(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    check(connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == ECONNREFUSED,
          "the router answers");
    close(fd);
}

/* Echoes a line to a client. accept, recv and read return EAGAIN until there is something. */
static void echo(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), client;
    ssize_t n = -1;

    check(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0, "listening");
    printf("flood: listening\n");
    while ((client = accept(fd, NULL, NULL)) < 0 && errno == EAGAIN)
        ;
    while (client >= 0 && (n = recv(client, bytes, 5, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
        ;
    check(n > 0 && send(client, bytes, (size_t)n, 0) == n, "accept and recv, without waiting");
    fcntl(client, F_SETFL, O_NONBLOCK);
    while ((n = read(client, bytes, 1)) < 0 && errno == EAGAIN)
        ;
    check(n == 0, "read, without waiting: the end");
    close(client);
    close(fd);
}

int main(void)
{
    echo();
    meet_router();
    flood("poll", true);
    flood("again", false);
    return checks_end();
}
