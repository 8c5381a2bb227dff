/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon - tells what the image has and what the host has, whenever that changes, and uses memory
 * in between, checking that nobody else does. Boot arguments: use=MIB, the memory that it uses;
 * end=PAGES, it ends when the host has had more than that and has so many again.
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

/* Blocks of malloc, each full of its own number. False: one was changed by somebody else. */
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
    unsigned use = number("use"), end = number("end"), most = 0, seen = UINT32_MAX;
    struct balloon_info b;
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
        if (b.lent != seen)
            printf("lent: %u of %u pages, %llu KiB free, %llu KiB lent\n", b.lent, b.wanted,
                   (unsigned long long)(m.free >> 10), (unsigned long long)(m.lent >> 10));
        seen = b.lent;
        most = b.lent > most ? b.lent : most;
        whole &= use_memory(use);
    } while (b.alive && (b.lent != end || most <= end));
    check(whole, "memory is the image's own");
    check(b.alive, "the device is alive");
    return checks_end();
}
