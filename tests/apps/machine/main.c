/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine - what an image makes of the machine around it. The boot argument do= chooses:
 *
 *   wait   is ready, and waits for ever; entropy=1: has used the generator
 *   heap   takes all memory in blocks of size= bytes, gives them back, takes the largest block
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
    const char *what = hal_bootarg("do");

    if (what && !strcmp(what, "wait"))
        do_wait();
    if (what && !strcmp(what, "heap"))
        do_heap();
    return 0;
}
