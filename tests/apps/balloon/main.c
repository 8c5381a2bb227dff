/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon - looks at the balloon again and again, and prints what the host has and wants when
 * either has changed since the last look. So a state that lasts is printed, and one that passes
 * between two looks may not be. In between the image uses memory, and checks that nobody else does.
 *
 * Boot arguments: use=MIB, memory to use; end=PAGES: the image ends at a look that finds that the
 * host has PAGES pages, after one that found more.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../checks.h"
#include "balloon/balloon.h"
#include "vireo.h"

enum { BLOCK = 4096 };

static unsigned number(const char *name)
{
    const char *text = hal_bootarg(name);

    return text ? (unsigned)strtoul(text, NULL, 0) : 0;
}

/* Fills blocks of malloc, each with its own pattern. False: one was changed, or there were too few.
 */
static bool use_memory(unsigned mib)
{
    unsigned n = mib << 20 >> 12, got = 0;
    unsigned **blocks = calloc(n + 1, sizeof(*blocks));
    bool same = blocks != NULL;

    for (; same && got < n && (blocks[got] = malloc(BLOCK)); got++)
        for (unsigned i = 0; i < BLOCK / sizeof(unsigned); i++)
            blocks[got][i] = got * 31 + i;
    usleep(1000);
    for (unsigned b = 0; b < got; b++) {
        for (unsigned i = 0; i < BLOCK / sizeof(unsigned); i++)
            same &= blocks[b][i] == b * 31 + i;
        free(blocks[b]);
    }
    free(blocks);
    return same && got == n;
}

int main(void)
{
    unsigned use = number("use"), end = number("end"), most = 0;
    struct balloon_info b, seen = {.lent = UINT32_MAX};
    bool whole = true;

    if (!check(balloon_info(0, &b) == 0, "there is a balloon"))
        return checks_end();
    printf("floor: %llu MiB\n", (unsigned long long)(b.floor >> 20));
    vireo_ready();
    do {
        struct memory_info m;

        usleep(10000);
        balloon_info(0, &b);
        vireo_memory(&m);
        if (b.lent != seen.lent || b.wanted != seen.wanted)
            printf("lent: %u of %u pages, %llu KiB free, %llu KiB lent\n", b.lent, b.wanted,
                   (unsigned long long)(m.free >> 10), (unsigned long long)(m.lent >> 10));
        seen = b;
        most = b.lent > most ? b.lent : most;
        whole &= use_memory(use);
    } while (b.alive && (b.lent != end || most <= end));
    check(whole, "nobody else changed the image's memory");
    check(b.alive, "the device is alive");
    return checks_end();
}
