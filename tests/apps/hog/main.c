/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hog - takes all memory, uses it, gives it back, and takes as much again: malloc must end in NULL
 * and ENOMEM, not in a fault, and what was freed must be there afterwards.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "../checks.h"

#define PIECE (64u * 1024u)

struct piece {
    struct piece *next;
    uintptr_t tag;
    char rest[PIECE - 2 * sizeof(void *)];
};

static struct piece *take_all(unsigned *count)
{
    struct piece *all = NULL, *p;

    for (*count = 0; (p = malloc(sizeof(*p))) != NULL; (*count)++) {
        memset(p->rest, (int)(*count & 255), sizeof(p->rest));
        p->tag = (uintptr_t)p ^ *count;
        p->next = all;
        all = p;
    }
    return all;
}

/* Frees all pieces. False: one was given out twice, or overwritten. */
static bool give_back(struct piece *all, unsigned count)
{
    bool whole = true;

    while (all) {
        struct piece *next = all->next;

        count--;
        whole &= all->tag == ((uintptr_t)all ^ count);
        whole &= (unsigned char)all->rest[0] == (count & 255);
        whole &= (unsigned char)all->rest[sizeof(all->rest) - 1] == (count & 255);
        free(all);
        all = next;
    }
    return whole && count == 0;
}

int main(void)
{
    volatile size_t absurd = SIZE_MAX / 16; /* volatile: the compiler would warn of it */
    unsigned first, second;
    struct piece *all = take_all(&first);

    check(errno == ENOMEM, "malloc sets ENOMEM");
    check(first > 0, "memory was given out");
    check(give_back(all, first), "all of it was whole");
    all = take_all(&second);
    check(second >= first - first / 50, "as much again: %u of %u pieces", second, first);
    check(give_back(all, second), "all of it was whole again");
    check(malloc(absurd * 8) == NULL, "an absurd size is refused");
    check(calloc(absurd, 32) == NULL, "an overflowing calloc is refused");
    check(realloc(NULL, 100) != NULL, "realloc works after it");
    printf("hog: KiB=%u\n", first * (PIECE / 1024));
    return checks_end();
}
