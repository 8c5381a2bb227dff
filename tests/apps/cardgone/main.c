/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cardgone - what sockets see when the network card is reset, and when it is given up, both by the
 * image's own hand. Boot argument: tcp=PORT, an echo server at 10.0.2.2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../checks.h"
#include "hal.h"
#include "net.h"
#include "vireo/image.h"
#include "virtio/virtio.h"

static bool exchange(int fd, const char *text)
{
    char got[64];
    size_t len = strlen(text), have = 0;

    if (send(fd, text, len, 0) != (ssize_t)len)
        return false;
    while (have < len) {
        ssize_t n = recv(fd, got + have, len - have, 0);

        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return memcmp(got, text, len) == 0;
}

/* Checks that connect() and sendto() to the address fail with errno `want`; 0: they succeed. */
static void check_way(const struct sockaddr_in *to, int want)
{
    int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);
    int err = connect(stream, (const struct sockaddr *)to, sizeof(*to)) ? errno : 0;

    check(err == want, "connect: %d", err);
    err = sendto(datagram, "x", 1, 0, (const struct sockaddr *)to, sizeof(*to)) == 1 ? 0 : errno;
    check(err == want, "sendto: %d", err);
    close(stream);
    close(datagram);
}

int main(void)
{
    const char *port = hal_bootarg("tcp");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port ? atoi(port) : 0)};
    struct virtio_device *card = virtio_find("vnet0");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    if (!check(card && net_wait_up(hal_now_ns() + 60 * HAL_SEC) == 0, "there is a network") ||
        !check(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connected"))
        return checks_end();
    check(exchange(fd, "before"), "an exchange");
    for (unsigned i = 0; i < 2; i++) {
        virtio_fail(card, "a test says so");
        check(exchange(fd, "after a reset"), "an exchange after a reset");
    }
    check_way(&to, 0);
    virtio_refuse(card, "a test says so");
    check(recv(fd, &byte, 1, 0) == -1 && errno == ENETDOWN, "recv, which waited: %d", errno);
    check(send(fd, "x", 1, MSG_NOSIGNAL) == -1, "send: %d", errno);
    check(!virtio_works(card), "the card is given up");
    check_way(&to, ENETUNREACH);
    close(fd);
    return checks_end();
}
