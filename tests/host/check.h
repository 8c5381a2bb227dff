/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - the harness of the host unit tests. Each case runs in a process of its own, so it
 * starts with a fresh machine, and a crash or a hang fails that case only.
 */
#ifndef VIREO_CHECK_H
#define VIREO_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* One of the ways in which a case runs; a table of them ends with a name of NULL. */
struct test_variant {
    const char *name;
    unsigned value;
};

/*
 * shows: rows of tests/conformance/requirements.csv that the case shows, with spaces. A case with
 * variants runs once for each, as "name[variant]".
 */
struct test_case {
    const char *name;
    void (*fn)(void);
    const char *shows;
    unsigned variant; /* what the case sees as case_variant, without variants */
    const struct test_variant *variants;
};
extern unsigned case_variant;
/* The name that the running case is listed with. */
extern const char *case_name;
/* A case by its function's name: SHOWS(full_ring, "SPLIT-09"). A macro, because of the name. */
#define SHOWS(f, rows)                                                                             \
    {                                                                                              \
#f, f, rows                                                                                \
    }

/*
 * Runs the cases whose names contain argv[1] (all without one), prints "ok NAME" or
 * "FAIL NAME: why" for each and "N passed, N failed" last. Returns the exit status.
 * With --list: prints "NAME: ROWS" for each case and runs none.
 */
int run_cases(const struct test_case *cases, unsigned n, int argc, char **argv);

/* Ends the case as failed. */
void check_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Macros, because they name the place and the expression. */
#define CHECK(c)                                                                                   \
    do {                                                                                           \
        if (!(c))                                                                                  \
            check_fail(__FILE__, __LINE__, "%s", #c);                                              \
    } while (0)
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_)                                                                              \
            check_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld (%#llx)", #a, a_,         \
                       (unsigned long long)a_, b_, (unsigned long long)b_);                        \
    } while (0)

/* A case that provokes exactly n broken rules of the model calls this before it ends. */
void expect_violations(unsigned n);

/* A repeatable random number; the seed is a constant, or VIREO_SEED of the environment. */
uint32_t random32(void);
uint32_t random_below(uint32_t n); /* 0..n-1 */
void random_seed(uint64_t v);

#endif
