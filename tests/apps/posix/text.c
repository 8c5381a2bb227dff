/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - messages for the log, searches. */
#include <complex.h>
#include <float.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "posix.h"

static int same_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void check_search(void)
{
    struct element {
        struct element *next, *before;
    } first, second, third;
    int table[4] = {3, 1}, key = 1;
    size_t count = 2;

    is(lfind(&key, table, &count, sizeof(int), same_int) == &table[1]);
    key = 9;
    is(!lfind(&key, table, &count, sizeof(int), same_int));
    is(lsearch(&key, table, &count, sizeof(int), same_int) == &table[2] && count == 3);
    insque(&first, NULL);
    insque(&third, &first);
    insque(&second, &first);
    is(first.next == &second && second.next == &third && third.before == &second && !third.next);
    remque(&second);
    is(first.next == &third && third.before == &first);
}

static bool near(long double complex got, long double real, long double imag)
{
    long double most = 1e-15L * (fabsl(real) + fabsl(imag));

    return fabsl(creall(got) - real) <= most && fabsl(cimagl(got) - imag) <= most;
}

static void check_complex(void)
{
    const long double big = LDBL_MAX / 2, small = LDBL_MIN * 2;

    is(near(csqrtl(-4), 0, 2) && near(csqrtl(CMPLXL(-4, -0.0L)), 0, -2));
    is(near(csqrtl(CMPLXL(3, 4)), 2, 1) && near(csqrtl(CMPLXL(-3, -4)), 1, -2));
    is(near(csqrtl(big), sqrtl(big), 0) && near(csqrtl(-small), 0, sqrtl(small)));
#if LDBL_MANT_DIG != DBL_MANT_DIG /* else it is newlib's, without these of annex G */
    is(isinf(creall(csqrtl(CMPLXL(NAN, INFINITY)))) && isnan(creall(csqrtl(CMPLXL(NAN, 1)))));
#endif
    is(near(cexpl(CMPLXL(1, 0)), expl(1), 0) && near(cexpl(CMPLXL(0, 2)), cosl(2), sinl(2)));
    is(isnan(creall(cexpl(CMPLXL(1, INFINITY)))) && cexpl(CMPLXL(-INFINITY, 1)) == 0);
    is(near(cacoshl(2), acoshl(2), 0));
}

void check_text(void)
{
    check_complex();
    check_search();
    is(ftrylockfile(stdout) == 0);
    funlockfile(stdout);
    openlog("program", 0, LOG_DAEMON);
    errno = ENOENT;
    syslog(LOG_WARNING, "warned of %d%%: %m\n", 50);
    is(setlogmask(LOG_UPTO(LOG_ERR)) == 0xff);
    syslog(LOG_INFO, "not told");
    syslog(LOG_ERR, "an error");
    closelog();
}
