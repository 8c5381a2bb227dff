/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine - what an image makes of the machine around it. The boot argument do= chooses:
 *
 *   wait   is ready, and waits for ever; entropy=1: has used the generator
 *   heap   takes all memory in blocks of size= bytes, gives them back, takes the largest block
 *   twice  frees a block twice
 *   frame  a frame of kib= KiB with a write to its lowest byte, in main(); task=1: in a task
 *   hog    a task that does not park for ms= milliseconds
 *   power  writes to the first disk and waits for the power button; hook=1: has a SIGTERM handler,
 *          which ends at the second press; hook=2: ignores it; hook=3: waits in getchar()
 *   clock  prints both clocks, in milliseconds, ten times a second
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vireo.h"

static unsigned long number(const char *name, unsigned long absent)
{
    const char *text = hal_bootarg(name);

    return text ? strtoul(text, NULL, 0) : absent;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void do_wait(void)
{
    unsigned char random[16];

    if (number("entropy", 0) && getentropy(random, sizeof(random)) == 0)
        printf("machine: %02x%02x\n", random[0], random[1]);
    vireo_ready();
    task_sleep_until(HAL_NEVER);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t largest(void)
{
    size_t most = 0;

    for (size_t step = SIZE_MAX / 4 + 1; step >= 4096; step /= 2) {
        void *p = malloc(most + step);
        if (p)
            most += step;
        free(p);
    }
    return most;
}

/* Blocks of one size until there are no more, linked; each is filled to its end. */
static size_t fill(size_t size)
{
    struct block {
        struct block *next;
        size_t number;
    } *first = NULL, *b;
    size_t count = 0;

    for (; (b = malloc(size)) != NULL; first = b) {
        b->next = first;
        b->number = count;
        ((size_t *)b)[size / sizeof(size_t) - 1] = count++;
    }
    for (size_t n = count; n--;) {
        b = first;
        if (b->number != n || ((size_t *)b)[size / sizeof(size_t) - 1] != n)
            printf("machine: block %zu was changed\n", n);
        first = b->next;
        free(b);
    }
    return count;
}

static void do_heap(void)
{
    size_t size = number("size", 65536), count = fill(size), again = fill(size);
    struct memory_info m;

    vireo_memory(&m);
    printf("machine: total %llu KiB, taken %zu KiB, again %zu KiB, largest %zu KiB\n",
           (unsigned long long)m.total >> 10, count * size >> 10, again * size >> 10,
           largest() >> 10);
}

static void do_twice(void)
{
    char *volatile p = malloc(100);

    free(p);
    free(p);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) void large_frame(size_t kib)
{
    volatile char *p = __builtin_alloca(kib * 1024);

    p[0] = 1;
    printf("machine: a frame of %zu KiB at %p\n", kib, (void *)p);
}

static void idle(void *arg)
{
    volatile unsigned char mine[8192];

    (void)arg;
    memset((void *)mine, 0x11, sizeof(mine));
    usleep(200000);
    for (size_t i = 0; i < sizeof(mine); i++)
        if (mine[i] != 0x11) {
            printf("machine: another task's stack was changed\n");
            break;
        }
}

static void framing(void *arg)
{
    (void)arg;
    large_frame(number("kib", 100));
}

static void do_frame(void)
{
    if (!number("task", 0)) {
        framing(NULL);
        return;
    }
    task_spawn("above", idle, NULL, 0);
    task_spawn("framing", framing, NULL, 0);
    task_spawn("below", idle, NULL, 0);
    usleep(400000);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void hog(void *arg)
{
    uint64_t end = hal_now_ns() + number("ms", 0) * HAL_MS;

    (void)arg;
    while (hal_now_ns() < end)
        ;
    task_yield();
}

static long long clock_ms(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void do_clock(void)
{
    for (;;) {
        printf("machine: wall %lld monotonic %lld\n", clock_ms(CLOCK_REALTIME),
               clock_ms(CLOCK_MONOTONIC));
        usleep(100000);
    }
}

static void do_hog(void)
{
    task_spawn("grinder", hog, NULL, 0);
    sleep(1);
    task_yield();
}

/* ---- the power button ------------------------------------------------------------------------ */

static void at_exit(void)
{
    printf("machine: atexit\n");
}

static void on_term(int number)
{
    static int count;

    printf("machine: signal %d in task %s, %d\n", number, task_name(task_self()), ++count);
    if (count == 2)
        exit(7);
}

static void do_power(void)
{
    int disk = open("/dev/vblk0", O_RDWR);

    atexit(at_exit);
    if (disk >= 0 && pwrite(disk, "written late", 12, 8192) != 12)
        printf("machine: no write\n");
    if (number("hook", 0) == 1)
        signal(SIGTERM, on_term);
    if (number("hook", 0) == 2)
        signal(SIGTERM, SIG_IGN);
    printf("machine: not flushed yet");
    vireo_ready();
    if (number("hook", 0) == 3)
        getchar();
    task_sleep_until(HAL_NEVER);
}

int main(void)
{
    const char *what = hal_bootarg("do");

    if (what && !strcmp(what, "wait"))
        do_wait();
    if (what && !strcmp(what, "heap"))
        do_heap();
    if (what && !strcmp(what, "twice"))
        do_twice();
    if (what && !strcmp(what, "frame"))
        do_frame();
    if (what && !strcmp(what, "power"))
        do_power();
    if (what && !strcmp(what, "clock"))
        do_clock();
    if (what && !strcmp(what, "hog"))
        do_hog();
    return 0;
}
