/*
 * net.c - hostage's work on the network: one numbered datagram at a time, which the other end of
 * the cable (tests/hostile/station.py) checks and sends back complemented. One that has no answer
 * in time is lost, and the next one goes out: that is no error, networks lose datagrams.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostage.h"
#include "vireo.h"

enum { PORT = 7000, WORDS_MAX = 360, WAIT_MS = 60 };

struct tally echoes = {.name = "echo"};
unsigned net_lost;

static uint32_t out[WORDS_MAX], in[WORDS_MAX + 1];

/* Word 0 is the number, the others follow from it. */
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
    while (fd >= 0 && !hostage_stopping && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        tally_end(&echoes, -errno);
        hostage_pause(&echoes);
    }
    return fd;
}

/* The answer to what was sent last: 1; 0 when there is none in time. Older ones are passed over. */
static int answer(int fd, size_t len)
{
    uint64_t end = hal_now_ns() + WAIT_MS * HAL_MS;
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (hal_now_ns() < end && poll(&p, 1, (int)((end - hal_now_ns()) / HAL_MS) + 1) == 1) {
        ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
        bool same = n == (ssize_t)len;

        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n < 4 || in[0] != ~out[0])
            continue;
        for (unsigned i = 0; same && i < len / 4; i++)
            same = in[i] == ~out[i];
        if (same)
            return 1;
        tally_wrong(&echoes, "datagram", out[0]);
    }
    return 0;
}

void net_echoes(void *running)
{
    int fd = make_socket();

    for (uint32_t number = 1; !hostage_stopping; number++) {
        size_t len = fill(number);
        int result = send(fd, out, len, 0) == (ssize_t)len ? answer(fd, len) : -errno;

        if (result == 0 || result == -ENOBUFS)
            net_lost++;
        else
            tally_end(&echoes, result < 0 ? result : 0);
        hostage_pause(&echoes);
    }
    close(fd);
    *(unsigned *)running -= 1;
}
