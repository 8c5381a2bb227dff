/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checks.h - what the test appliances share: a line for each thing they looked at, which the host's
 * test reads, and how many failed as the exit status.
 */
#ifndef TESTS_CHECKS_H
#define TESTS_CHECKS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int checks_passed, checks_failed;

/* Prints "check: ok NAME" or "check: FAIL NAME (errno ...)"; returns what it was given. */
__attribute__((format(printf, 2, 3))) static inline bool check(bool holds, const char *name, ...)
{
    int seen = errno;
    va_list ap;

    printf("check: %s ", holds ? "ok" : "FAIL");
    va_start(ap, name);
    vprintf(name, ap);
    va_end(ap);
    if (!holds)
        printf(" (errno %d: %s)", seen, strerror(seen));
    printf("\n");
    *(holds ? &checks_passed : &checks_failed) += 1;
    return holds;
}

/* The last line, and main()'s result. */
static inline int checks_end(void)
{
    printf("checks: passed=%d failed=%d\n", checks_passed, checks_failed);
    return checks_failed ? 1 : 0;
}

#endif
