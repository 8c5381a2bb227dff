/* SPDX-License-Identifier: BSD-2-Clause */
/* clock - time and the C library: the clocks move, sleeps last, numbers print. */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../checks.h"

static int64_t ns(clockid_t id)
{
    struct timespec t = {0};

    check(clock_gettime(id, &t) == 0, "clock_gettime(%d)", (int)id);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleeps(void)
{
    static const long lengths_ms[] = {1, 20, 150};

    for (unsigned i = 0; i < sizeof(lengths_ms) / sizeof(lengths_ms[0]); i++) {
        struct timespec t = {0, lengths_ms[i] * 1000000};
        int64_t before = ns(CLOCK_MONOTONIC), slept;

        check(nanosleep(&t, NULL) == 0, "nanosleep(%ld ms)", lengths_ms[i]);
        slept = ns(CLOCK_MONOTONIC) - before;
        check(slept >= t.tv_nsec, "it lasted %ld us of %ld", (long)(slept / 1000),
              t.tv_nsec / 1000);
        check(slept < t.tv_nsec + 2000000000ll, "it came back");
    }
}

static void never_back(void)
{
    struct timespec a, b;
    bool forward = true;

    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 100000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        forward &= b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec);
        a = b;
    }
    check(forward, "monotonic time never goes back");
}

static void prints(void)
{
    char text[128];

    snprintf(text, sizeof(text), "%d %lld %s %.3f %x", -7, 1234567890123456789ll, "str", 3.14159,
             0xbeef);
    check(strcmp(text, "-7 1234567890123456789 str 3.142 beef") == 0, "printf: %s", text);
#ifdef _WANT_IO_C99_FORMATS /* newlib was configured with them: ours is */
    snprintf(text, sizeof(text), "%zu %hhu", sizeof(text), 0x1ff);
    check(strcmp(text, "128 255") == 0, "printf: %s", text);
#endif
    check(strtod("2.5e3", NULL) == 2500.0, "strtod");
    check(strtoll("-9000000000", NULL, 10) == -9000000000ll, "strtoll");
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void sorts(void)
{
    int v[] = {5, 3, 9, 1, 7};

    qsort(v, 5, sizeof(v[0]), by_value);
    check(v[0] == 1 && v[4] == 9, "qsort");
}

int main(void)
{
    struct timespec bad = {0, 2000000000};

    printf("clock: unix=%ld\n", (long)time(NULL));
    sleeps();
    never_back();
    prints();
    sorts();
    check(nanosleep(&bad, NULL) == -1 && errno == EINVAL, "nanosleep refuses 2e9 ns");
    check(write(1, "clock: by write\n", 16) == 16, "write to descriptor 1");
    check(write(77, "x", 1) == -1 && errno == EBADF, "write to no descriptor");
    check(isatty(1) == 0 || isatty(1) == 1, "isatty");
    return checks_end();
}
