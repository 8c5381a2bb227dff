/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.c - a process as a machine: time, memory that can be shared, interrupts that are
 * descriptors to be read, a console. One thread; a handler runs while the process waits.
 *
 *     vhost-user.elf blk=SOCKET net=SOCKET vireo.poll=1
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "vireo_drivers.h"

#define FDS 16

uint8_t *process_memory;
int process_memory_fd;

static struct pollfd fds[FDS]; /* fd is negative while the line is masked */
static struct {
    hal_irq_t irq;
    int fd;
} fd_of[FDS];
static unsigned fd_count;

/* ---- console, end, time ---------------------------------------------------------------------- */

void machine_putc(char c)
{
    putchar(c);
}

void machine_exit(int status)
{
    exit(status);
}

uint64_t hal_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HAL_SEC + (uint64_t)now.tv_nsec;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void machine_memory(void)
{
    process_memory_fd = memfd_create("vireo", MFD_CLOEXEC);
    if (process_memory_fd < 0 || ftruncate(process_memory_fd, PROCESS_MEMORY))
        hal_panic("no memory that can be shared");
    process_memory =
        mmap(NULL, PROCESS_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, process_memory_fd, 0);
    if (process_memory == MAP_FAILED)
        hal_panic("the shared memory cannot be mapped");
    vireo_give_memory(process_memory, PROCESS_MEMORY);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void process_line_fd(hal_irq_t irq, int fd)
{
    hal_assert(fd_count < FDS);
    fd_of[fd_count].irq = irq;
    fd_of[fd_count].fd = fd;
    fds[fd_count++] = (struct pollfd){-1, POLLIN, 0};
}

int machine_line(hal_irq_t irq, bool on)
{
    int err = -EINVAL;

    for (unsigned i = 0; i < fd_count; i++)
        if (fd_of[i].irq == irq) {
            fds[i].fd = on ? fd_of[i].fd : -1;
            err = 0;
        }
    return err;
}

void machine_interrupts(bool on)
{
    (void)on; /* handlers run in machine_wait alone */
}

void machine_wait(uint64_t when)
{
    uint64_t now = hal_now_ns(), left = when > now ? when - now : 0;
    struct timespec limit = {(time_t)(left / HAL_SEC), (long)(left % HAL_SEC)};

    if (ppoll(fds, fd_count, when == HAL_NEVER ? NULL : &limit, NULL) <= 0)
        return;
    for (unsigned i = 0; i < fd_count; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            kernel_interrupt(fd_of[i].irq);
}

/* ---- start ----------------------------------------------------------------------------------- */

int main(int count, char **words)
{
    static char all[1024];

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < count; i++) {
        if (!strncmp(words[i], "blk=", 4))
            vhost_add(VIRTIO_ID_BLOCK, words[i] + 4);
        else if (!strncmp(words[i], "net=", 4))
            vhost_add(VIRTIO_ID_NET, words[i] + 4);
        else if (strlen(all) + strlen(words[i]) + 2 < sizeof(all))
            strcat(strcat(all, words[i]), " ");
    }
    kernel_words = all;
    kernel_main();
}
