/* SPDX-License-Identifier: BSD-2-Clause */
/* pipes.c - pipes: order, room, ends that close, readiness, a reader that waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix.h"
#include "vireo/task.h"

#define ROOM 65536

static int readiness(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = (short)events};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void check_one(void)
{
    struct stat st;
    char buf[20];
    int p[2], waits;

    is(!pipe(p) && readiness(p[0], POLLIN) == 0 && readiness(p[1], POLLOUT) == POLLOUT);
    is(write(p[1], "hello ", 6) == 6 && write(p[1], "pipe", 4) == 4);
    is(!ioctl(p[0], FIONREAD, &waits) && waits == 10 && readiness(p[0], POLLIN) == POLLIN);
    is(read(p[0], buf, 3) == 3 && read(p[0], buf + 3, 17) == 7 && !memcmp(buf, "hello pipe", 10));
    is(!fstat(p[0], &st) && S_ISFIFO(st.st_mode));
    fails(read(p[1], buf, 1), EBADF);
    fails(write(p[0], buf, 1), EBADF);
    fails(lseek(p[0], 0, SEEK_SET), ESPIPE);
    is(write(p[1], "z", 1) == 1 && !close(p[1]));
    is(readiness(p[0], POLLIN) == (POLLIN | POLLHUP));
    is(read(p[0], buf, 5) == 1 && read(p[0], buf, 5) == 0 && readiness(p[0], POLLIN) == POLLHUP);
    is(!close(p[0]));
}

static void check_full(void)
{
    static char many[ROOM + 10];
    int p[2];

    is(!pipe2(p, O_NONBLOCK | O_CLOEXEC));
    fails(read(p[0], many, 1), EAGAIN);
    is(write(p[1], many, sizeof(many)) == ROOM && readiness(p[1], POLLOUT) == 0);
    fails(write(p[1], many, 1), EAGAIN);
    is(read(p[0], many, PIPE_BUF - 1) == PIPE_BUF - 1);
    fails(write(p[1], many, PIPE_BUF), EAGAIN);
    is(read(p[0], many, 1) == 1 && write(p[1], many, PIPE_BUF) == PIPE_BUF);
    is(!close(p[0]) && (readiness(p[1], POLLOUT) & POLLERR));
    fails(write(p[1], many, 1), EPIPE);
    is(!close(p[1]));
    fails(pipe2(p, 0x40000000), EINVAL);
}

/* Sends numbers through a pipe that is narrower than they are many. */
#define NUMBERS 40000

static void send_numbers(void *arg)
{
    int fd = *(int *)arg;

    for (int i = 0; i < NUMBERS; i++)
        if (write(fd, &i, sizeof(i)) != (ssize_t)sizeof(i))
            break;
    close(fd);
}

static void check_tasks(void)
{
    int p[2], got, next = 0;

    is(!pipe(p) && task_spawn("sender", send_numbers, &p[1], 0));
    while (read(p[0], &got, sizeof(got)) == (ssize_t)sizeof(got) && got == next)
        next++;
    is(next == NUMBERS && !close(p[0]));
}

void check_pipes(void)
{
    check_one();
    check_full();
    check_tasks();
}
