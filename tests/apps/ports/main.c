/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports - the ports of a virtio console from inside. The boot argument `do` says what to do:
 *   echo    sends back what it reads from /dev/vport/echo, until the host hangs up
 *   fill    writes to /dev/vport/fill until it is full, without waiting; waits until the host
 * reads; and checks the errors of open and read leave   closes its standard streams, and ends list
 * prints each port, and what is known of it stuck   ends with something left to write to
 * /dev/vport/stuck, which nobody reads talk    writes lines to standard output and reads one from
 * standard input wait    prints on the serial line what happens to /dev/vport/echo
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../checks.h"
#include "vireo.h"

enum { LINES = 150 };

static char buf[10000];

/* The ports that the host has configured arrive one by one. */
static int open_soon(const char *path, int flags)
{
    uint64_t end = hal_now_ns() + 20 * HAL_SEC;
    int fd;

    while ((fd = open(path, flags)) < 0 && errno == ENOENT && hal_now_ns() < end)
        task_yield();
    return fd;
}

static int do_echo(void)
{
    int fd = open_soon("/dev/vport/echo", O_RDWR);
    unsigned long total = 0;
    ssize_t n;

    if (fd < 0)
        return 1;
    vireo_ready();
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        if (write(fd, buf, (size_t)n) != n)
            return 1;
        total += (unsigned long)n;
    }
    printf("ports: echoed %lu bytes\n", total);
    return n < 0;
}

static int do_fill(void)
{
    int fd = open_soon("/dev/vport/fill", O_RDWR | O_NONBLOCK);
    struct pollfd p = {fd, POLLOUT | POLLIN, 0};
    unsigned long total = 0;
    ssize_t n;

    check(fd >= 0, "open");
    check(open("/dev/vport/fill", O_RDWR) == -1 && errno == EBUSY, "open twice");
    check(read(fd, buf, 1) == -1 && errno == EAGAIN, "nothing to read");
    while (poll(&p, 1, 20000) == 1 && !(p.revents & POLLOUT))
        task_yield(); /* until a program of the host has its end open */
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (char)i;
    do
        while ((n = write(fd, buf, sizeof(buf))) > 0)
            total += (unsigned long)n;
    while (errno == EAGAIN && poll(&p, 1, 500) == 1 && p.revents == POLLOUT);
    check(n == -1 && errno == EAGAIN, "EAGAIN when it is full");
    check(p.revents == 0, "poll says so too");
    printf("ports: full after %lu\n", total);
    vireo_ready();
    check(poll(&p, 1, 20000) == 1 && p.revents == POLLOUT, "poll when there is room again");
    check(fcntl(fd, F_SETFL, 0) == 0, "blocking from now on");
    check(fsync(fd) == 0, "fsync");
    check(write(fd, "end", 3) == 3 && fsync(fd) == 0, "the end");
    n = read(fd, buf, 5);
    check(n == 5 && memcmp(buf, "hello", 5) == 0, "an answer of %d bytes", (int)n);
    check(read(fd, buf, 5) == 0, "the host hangs up");
    check(poll(&p, 1, 0) == 1 && p.revents & POLLHUP, "poll says so too");
    check(close(fd) == 0, "close");
    return checks_end();
}

static int do_list(void)
{
    struct winsize w;
    char path[32];

    open_soon("/dev/vport/last", O_RDWR);
    for (unsigned d = 0; d < 2; d++)
        for (unsigned i = 0; i < 64; i++) {
            snprintf(path, sizeof(path), "/dev/vport%up%u", d, i);
            int fd = open(path, O_RDWR);
            if (fd < 0 && errno != EBUSY)
                continue;
            printf("ports: %s%s%s%s\n", path, fd < 0 ? " busy" : "",
                   fd >= 0 && isatty(fd) ? " terminal" : "",
                   fd >= 0 && ioctl(fd, TIOCGWINSZ, &w) == 0 ? " with a size" : "");
            if (fd >= 0)
                close(fd);
        }
    return 0;
}

static int do_talk(void)
{
    printf("terminal: %d\n", isatty(1));
    for (int i = 0; i < LINES; i++)
        printf("line %d\n", i);
    printf("say something\n");
    if (!fgets(buf, sizeof(buf), stdin))
        return 1;
    printf("you said: %s", buf);
    return 7;
}

/* Closes the standard streams, and overwrites the memory in which they were kept. */
static int do_leave(void)
{
    printf("leaving\n");
    fflush(stdout);
    close(0);
    close(1);
    for (size_t size = 16; size <= 512; size += 16)
        memset(malloc(size), 0x5a, size);
    return 7;
}

/* Ends with bytes left to write to a host that reads nothing: they are given up. */
static int do_stuck(void)
{
    int fd = open_soon("/dev/vport/stuck", O_RDWR | O_NONBLOCK);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        return 1;
    while (poll(&p, 1, 500) == 1 && p.revents == POLLOUT)
        while (write(fd, buf, sizeof(buf)) > 0)
            continue;
    fcntl(fd, F_SETFL, 0);
    fprintf(f, "never read");
    return 5;
}

static int do_wait(void)
{
    int fd = open_soon("/dev/vport/echo", O_RDWR);
    ssize_t n;

    if (fd < 0)
        return 1;
    vireo_ready();
    while ((n = read(fd, buf, 100)) > 0)
        printf("ports: %d bytes\n", (int)n);
    printf("ports: end\n");
    printf("ports: write gives %s\n", write(fd, "x", 1) < 0 ? strerror(errno) : "no error");
    close(fd);
    fd = open_soon("/dev/vport/again", O_RDWR);
    printf("ports: opened again %s\n", fd < 0 ? strerror(errno) : "");
    return fd < 0;
}

int main(void)
{
    const char *what = hal_bootarg("do");

    if (what && !strcmp(what, "echo"))
        return do_echo();
    if (what && !strcmp(what, "fill"))
        return do_fill();
    if (what && !strcmp(what, "leave"))
        return do_leave();
    if (what && !strcmp(what, "list"))
        return do_list();
    if (what && !strcmp(what, "stuck"))
        return do_stuck();
    if (what && !strcmp(what, "wait"))
        return do_wait();
    return do_talk();
}
