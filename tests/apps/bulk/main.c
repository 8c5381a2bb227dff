/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bulk - bytes for whoever connects: port 5001 sends zeros until the client hangs up, port 5002
 * reads until then. A task for each client, with plain send() and recv(). tests/paths/linux_bulk.c
 * is the same in a Linux guest, and `make bench BENCH=paths` compares the two.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vireo.h"
#include "vireo/task.h"

enum { SOURCE = 5001, SINK, CHUNK = 65536, BACKLOG = 8 };

static char zeros[CHUNK], swallowed[CHUNK];

static void send_all(void *arg)
{
    int fd = (int)(intptr_t)arg;

    while (send(fd, zeros, CHUNK, MSG_NOSIGNAL) > 0)
        ;
    close(fd);
}

static void receive_all(void *arg)
{
    int fd = (int)(intptr_t)arg;

    while (recv(fd, swallowed, CHUNK, 0) > 0)
        ;
    close(fd);
}

/* A socket that listens on that port, or -1. */
static int listen_on(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0) {
        perror("bulk: no port");
        return -1;
    }
    return fd;
}

/* Starts a task for each client of the socket, as long as that is possible. */
static void serve(int listener, const char *name, void (*work)(void *))
{
    int fd;

    while ((fd = accept(listener, NULL, NULL)) >= 0)
        if (!task_spawn(name, work, (void *)(intptr_t)fd, 0))
            close(fd);
    perror("bulk: accept");
}

static void serve_sink(void *listener)
{
    serve((int)(intptr_t)listener, "sink", receive_all);
}

int main(void)
{
    int source = listen_on(SOURCE), sink = listen_on(SINK);

    if (source < 0 || sink < 0 || !task_spawn("sinks", serve_sink, (void *)(intptr_t)sink, 0))
        return 1;
    vireo_ready();
    serve(source, "source", send_all);
    return 1;
}
