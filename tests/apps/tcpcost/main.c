/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcpcost - what TCP costs, in instructions of the guest, through sockets: port 5001 answers each
 * byte with it, port 5002 sends BULK bytes, port 5003 receives as many. For each client a line says
 * how many instructions its connection took, from the first byte on. Started by scripts/bench, with
 * -icount, which makes the counter of retired instructions exact; a sleeping CPU retires none.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../instructions.h"
#include "vireo.h"

enum { ECHO = 5001, SOURCE, SINK, CHUNK = 65536, BULK = 16 << 20 };

static char data[CHUNK];

/* ---- what is measured: each returns the operations, and where they begin --------------------- */

static long echo(int fd, uint32_t *from)
{
    long n = 0;

    if (recv(fd, data, 1, 0) != 1 || send(fd, data, 1, 0) != 1)
        return 0;
    *from = (uint32_t)counter();
    for (; recv(fd, data, 1, 0) == 1; n++)
        if (send(fd, data, 1, 0) != 1)
            break;
    return n;
}

static long source(int fd, uint32_t *from)
{
    long sent = 0;

    *from = (uint32_t)counter();
    for (ssize_t n; sent < BULK && (n = send(fd, data, CHUNK, 0)) > 0;)
        sent += n;
    shutdown(fd, SHUT_WR);
    while (recv(fd, data, CHUNK, 0) > 0)
        ;
    return sent;
}

static long sink(int fd, uint32_t *from)
{
    long received = 0;

    *from = (uint32_t)counter();
    for (ssize_t n; (n = recv(fd, data, CHUNK, 0)) > 0;)
        received += n;
    return received;
}

struct work {
    uint16_t port;
    const char *name;
    long (*run)(int fd, uint32_t *from);
    int listener;
};

static int listen_on(struct work *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(w->port)};

    w->listener = socket(AF_INET, SOCK_STREAM, 0);
    return w->listener < 0 || bind(w->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
           listen(w->listener, 1) < 0;
}

static int serve(struct work *w)
{
    int fd = accept(w->listener, NULL, NULL);
    uint32_t from = 0;
    long n;

    if (fd < 0)
        return 1;
    n = w->run(fd, &from);
    printf("cost %s n=%ld insn=%lu\n", w->name, n, (unsigned long)((uint32_t)counter() - from));
    close(fd);
    return n <= 0;
}

int main(void)
{
    static struct work works[] = {{.port = ECHO, .name = "echo", .run = echo},
                                  {.port = SOURCE, .name = "source", .run = source},
                                  {.port = SINK, .name = "sink", .run = sink}};
    enum { WORKS = sizeof(works) / sizeof(works[0]) };

    counter_start();
    for (int i = 0; i < WORKS; i++) {
        if (listen_on(&works[i])) {
            perror("tcpcost: no port");
            return 1;
        }
    }
    vireo_ready();
    for (int i = 0; i < WORKS; i++)
        if (serve(&works[i]))
            return 1;
    return 0;
}
