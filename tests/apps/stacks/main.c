/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stacks - how much of a task's stack the services take that run on it. A task with the least stack
 * yields all the time, so the services of network, disk and entropy run on its stack; main() echoes
 * what clients send on TCP port 7, and reads the first disk meanwhile. When a client sends "end" by
 * UDP to port 7, the image says how much of the stack was ever used.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board.h"
#include "net.h"
#include "vireo.h"

#define FILL 0xc5c5c5c5c5c5c5c5ull

static volatile bool over;
static uintptr_t low, high;

/* The stack below this function's frame, but for the canary, is filled; then services run there. */
static __attribute__((noinline)) void fill_stack(void)
{
    uintptr_t end = (uintptr_t)__builtin_frame_address(0) - 256;

    for (uintptr_t at = low + 8; at < end; at += 8)
        *(volatile uint64_t *)at = FILL;
}

static void yielder(void *arg)
{
    (void)arg;
    runtime_task_stack(&low, &high);
    fill_stack();
    uintptr_t own = (uintptr_t)__builtin_frame_address(0);
    while (!over)
        task_yield();
    const uint64_t *p = (const uint64_t *)low + 1;
    while (*p == FILL)
        p++;
    printf("stacks: services took %zu of %zu bytes\n", (size_t)(own - (uintptr_t)p),
           (size_t)(high - low));
    exit(0);
}

static int listening(int type)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int fd = socket(AF_INET, type, 0);

    if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 16)))
        perror("stacks");
    return fd;
}

#define CLIENTS 16
static struct pollfd fds[2 + CLIENTS];
static char buffer[16384];

static void echo(struct pollfd *p)
{
    ssize_t n = recv(p->fd, buffer, sizeof(buffer), 0);

    for (ssize_t done = 0, k; n > 0 && done < n; done += k)
        if ((k = send(p->fd, buffer + done, (size_t)(n - done), 0)) < 0)
            n = -1;
    if (n > 0)
        return;
    close(p->fd);
    p->fd = -1;
}

static void serve(int disk)
{
    poll(fds, 2 + CLIENTS, -1);
    if (fds[1].revents && recv(fds[1].fd, buffer, sizeof(buffer), 0) == 3)
        over = true;
    if (fds[0].revents) {
        int fd = accept(fds[0].fd, NULL, NULL);
        unsigned i = 2;
        while (i < 2 + CLIENTS && fds[i].fd >= 0)
            i++;
        if (i < 2 + CLIENTS)
            fds[i].fd = fd;
        else
            close(fd);
    }
    for (unsigned i = 2; i < 2 + CLIENTS; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            echo(&fds[i]);
    if (disk >= 0 && pread(disk, buffer, sizeof(buffer), lseek(disk, 0, SEEK_CUR)) > 0)
        lseek(disk, sizeof(buffer), SEEK_CUR);
}

int main(void)
{
    int disk = open("/dev/vblk0", O_RDONLY);

    task_spawn("yielder", yielder, NULL, TASK_STACK_MIN);
    net_wait_up(HAL_NEVER);
    for (unsigned i = 0; i < 2 + CLIENTS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[0].fd = listening(SOCK_STREAM);
    fds[1].fd = listening(SOCK_DGRAM);
    vireo_ready();
    for (;;)
        serve(disk);
}
