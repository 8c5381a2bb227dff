/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c - hostage's work on the network: a few numbered datagrams at a time, which the other
 * end of the cable (tests/hostile/card.py) checks and sends back complemented. Those that have no
 * answer in time are lost, and the next ones go out: that is no error, networks lose datagrams.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostage.h"
#include "net/vnet_ctrl.h"
#include "vireo.h"

enum { PORT = 7000, WORDS_MAX = 360, BURST = 3, WAIT_MS = 60 };

struct tally echoes = {.name = "echo"};
unsigned net_lost;

static uint32_t out[WORDS_MAX], in[WORDS_MAX + 1];

/* What datagram `number` is, in `out`; its length. Word 0 is the number, the others follow. */
static size_t fill(uint32_t number)
{
    unsigned words = 2 + number * 37 % (WORDS_MAX - 2);

    for (unsigned i = 0; i < words; i++)
        out[i] = i ? number * 0x9e3779b9u + i * 0x85ebca6bu : number;
    return words * 4;
}

static int make_socket(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    inet_pton(AF_INET, "10.77.0.1", &to.sin_addr);
    while (fd >= 0 && !hostage_stopping && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        tally_end(&echoes, -errno);
        hostage_pause(&echoes);
    }
    return fd;
}

/* Are the n bytes in `in` the complement of that datagram? */
static bool complement(uint32_t number, ssize_t n)
{
    size_t len = fill(number);
    bool same = n == (ssize_t)len;

    for (unsigned i = 0; same && i < len / 4; i++)
        same = in[i] == ~out[i];
    return same;
}

/* Takes the answers to `count` datagrams from `first`; how many came in time, or a negative errno.
 * Older ones, and those that come twice, are passed over. */
static int answers(int fd, uint32_t first, unsigned count)
{
    uint64_t end = hal_now_ns() + WAIT_MS * HAL_MS;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    unsigned seen = 0, came = 0;

    while (came < count && hal_now_ns() < end &&
           poll(&p, 1, (int)((end - hal_now_ns()) / HAL_MS) + 1) == 1) {
        ssize_t n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
        uint32_t which = ~in[0] - first;

        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n < 4 || which >= count || seen >> which & 1)
            continue;
        if (!complement(first + which, n)) {
            tally_wrong(&echoes, "datagram", first + which);
            continue;
        }
        seen |= 1u << which;
        came++;
    }
    return (int)came;
}

/* Sends some, and waits for their answers; how many were answered, or a negative errno. */
static int burst(int fd, uint32_t first)
{
    unsigned sent = 0;

    for (; sent < BURST; sent++) {
        size_t len = fill(first + sent);

        if (send(fd, out, len, 0) != (ssize_t)len) {
            if (errno != ENOBUFS)
                return -errno;
            break;
        }
    }
    return answers(fd, first, sent);
}

void net_echoes(void *running)
{
    static const uint8_t key[VNET_HASH_KEY] = {1};
    struct vnet *card = vnet_get(0);
    int fd = make_socket();

    if (card) /* so that each field of a longer header is read, where there is one */
        vnet_hash(card, vnet_hash_types(card), key);
    for (uint32_t number = 1; !hostage_stopping; number += BURST) {
        int result = burst(fd, number);

        if (result < 0)
            tally_end(&echoes, result);
        else if (result == BURST)
            tally_end(&echoes, 0);
        else
            net_lost += BURST - (unsigned)result;
        hostage_pause(&echoes);
    }
    close(fd);
    *(unsigned *)running -= 1;
}
