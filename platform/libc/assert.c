/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assert.c - what a failed assert() calls: the line of Linux, then abort(). newlib's takes a second
 * printf into the image, of 4 KB, for one number.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Never returns. `function` may be NULL: the compiler knows none. */
void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    char number[sizeof("-2147483648")];
    const char *const where[] = {file, itoa(line, number, 10), function ? function : "?"};

    for (unsigned i = 0; i < sizeof(where) / sizeof(where[0]); i++)
        fputs(where[i], stderr), fputs(i < 1 ? ":" : ": ", stderr);
    fputs("Assertion `", stderr), fputs(condition, stderr), fputs("' failed.\n", stderr);
    abort();
}

void __assert(const char *file, int line, const char *condition)
{
    __assert_func(file, line, NULL, condition);
}
