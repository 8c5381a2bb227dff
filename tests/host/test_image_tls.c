/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_tls.c - a task's block of thread-local variables (platform/runtime/tls.c): place,
 * alignment and initial values, whatever the memory held before. tests/host/image/threadlocal.c
 * says how large the image's are.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "runtime.h"

enum { DATA = 24, SIZE = 124, ALIGN = 128 };

/* Wherever the room ends: the block lies in it, aligned, and the two words before it as well. */
static void place(void)
{
    size_t room = tls_room();

    for (size_t shift = 0; shift < 2 * ALIGN; shift++) {
        char *memory = malloc(room + shift), *end = memory + room + shift;
        memset(memory, 0xa5, room + shift);
        char *thread = tls_make(end), *variables = thread + ALIGN;
        CHECK(thread >= memory + shift && variables + SIZE <= end);
        CHECK((uintptr_t)variables % ALIGN == 0);
        CHECK(!strcmp(variables, "initial values of tasks"));
        for (unsigned i = DATA; i < SIZE; i++)
            CHECK(variables[i] == 0);
        for (char *p = memory; p < thread; p++)
            CHECK(*p == (char)0xa5);
        free(memory);
    }
}

/* No more is taken than the block, and what alignment may cost. */
static void size(void)
{
    CHECK(tls_room() >= ALIGN + SIZE && tls_room() <= 2 * ALIGN + SIZE);
}

static const struct test_case cases[] = {
    {"place", place},
    {"size", size},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
