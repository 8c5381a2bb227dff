/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * formats - each type of the C library agrees with its letters and macros for printf and scanf, by
 * the compiler's eyes (app.mk: -Werror=format) and in what is printed and read.
 */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#include "../checks.h"

static char text[200];

__attribute__((format(printf, 2, 3))) static void prints(const char *right, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    check(!strcmp(text, right), "%s prints %s", fmt, text);
}

static void lengths(void)
{
    size_t size = (size_t)-5;
    ssize_t ssize = -5;
    ptrdiff_t difference = -6;
    intmax_t most = INTMAX_MIN;
    uintmax_t umost = UINTMAX_MAX;
    signed char small = -7;
    unsigned char usmall = 250;
    short half = -8;

    prints("-5 -5 -5", "%zd %zi %zd", ssize, ssize, (ssize_t)size);
    prints(sizeof(size_t) == 8 ? "18446744073709551611 fffffffffffffffb" : "4294967291 fffffffb",
           "%zu %zx", size, size);
    prints("-6 -6", "%td %ti", difference, difference);
    prints("-9223372036854775808 18446744073709551615", "%jd %ju", most, umost);
    prints("-7 250 -8 65528", "%hhd %hhu %hd %hu", small, usmall, half, (unsigned short)half);
    prints("-9 9 -10 10", "%ld %lu %lld %llu", -9L, 9UL, -10LL, 10ULL);
    prints("0x1.8p+0 2.5 2E+10", "%a %g %G", 1.5, 2.5, 2e10);
}

static void exact(void)
{
    int8_t i8 = INT8_MIN;
    int16_t i16 = INT16_MIN;
    int32_t i32 = INT32_MIN;
    int64_t i64 = INT64_MIN;
    uint8_t u8 = UINT8_MAX;
    uint16_t u16 = UINT16_MAX;
    uint32_t u32 = UINT32_MAX;
    uint64_t u64 = UINT64_MAX;

    prints("-128 -32768", "%" PRId8 " %" PRIi16, i8, i16);
    prints("-2147483648 -9223372036854775808", "%" PRId32 " %" PRIi64, i32, i64);
    prints("255 ffff", "%" PRIu8 " %" PRIx16, u8, u16);
    prints("4294967295 FFFFFFFFFFFFFFFF", "%" PRIu32 " %" PRIX64, u32, u64);
    prints("37777777777 1777777777777777777777", "%" PRIo32 " %" PRIo64, u32, u64);
    prints("-1 -2 1", "%" PRIdMAX " %" PRIdPTR " %" PRIxPTR, (intmax_t)-1, (intptr_t)-2,
           (uintptr_t)1);
}

static void at_least(void)
{
    int_fast8_t f8 = -1;
    int_fast16_t f16 = -2;
    int_fast32_t f32 = -3;
    int_fast64_t f64 = -4;
    int_least8_t l8 = -5;
    int_least16_t l16 = -6;
    int_least32_t l32 = -7;
    int_least64_t l64 = -8;
    uint_fast32_t uf32 = 9;
    uint_least32_t ul32 = 10;

    prints("-1 -2 -3 -4", "%" PRIdFAST8 " %" PRIdFAST16 " %" PRIdFAST32 " %" PRIdFAST64, f8, f16,
           f32, f64);
    prints("-5 -6 -7 -8", "%" PRIdLEAST8 " %" PRIdLEAST16 " %" PRIdLEAST32 " %" PRIdLEAST64, l8,
           l16, l32, l64);
    prints("9 10", "%" PRIuFAST32 " %" PRIuLEAST32, uf32, ul32);
}

/* POSIX has no letters for these: a cast to intmax_t is the way that always works. */
static void system_types(void)
{
    off_t offset = -1;
    time_t t = 0x123456789;
    struct stat st = {.st_size = 7, .st_mode = 0444};
    struct timeval tv = {.tv_sec = t, .tv_usec = 5};
    struct timespec ts = {.tv_sec = t, .tv_nsec = 999999999};

    prints("-1 4886718345 7", "%jd %jd %jd", (intmax_t)offset, (intmax_t)t, (intmax_t)st.st_size);
    prints("5 999999999", "%ld %ld", (long)tv.tv_usec, ts.tv_nsec);
    prints("444", "%o", (unsigned)st.st_mode);
}

/* A value goes through the text and is the same; the bytes beside it are left alone. */
static void reads(void)
{
    struct {
        ssize_t ssize, guard;
    } z = {0, 77};
    size_t size;
    ptrdiff_t difference;
    intmax_t most;
    int8_t i8[2] = {0, 77};
    int32_t i32[2] = {0, 77};
    uint32_t u32;
    int64_t i64;
    uint16_t u16[2] = {0, 77};
    uintptr_t pointer;

    check(sscanf("-5 6 -7 -8", "%zd %zu %td %jd", &z.ssize, &size, &difference, &most) == 4 &&
              z.ssize == -5 && z.guard == 77 && size == 6 && difference == -7 && most == -8,
          "scanf of %%zd %%zu %%td %%jd");
    check(sscanf("-9 -10 ffffffff -11", "%" SCNd8 " %" SCNd32 " %" SCNx32 " %" SCNd64, &i8[0],
                 &i32[0], &u32, &i64) == 4 &&
              i8[0] == -9 && i8[1] == 77 && i32[0] == -10 && i32[1] == 77 && u32 == UINT32_MAX &&
              i64 == -11,
          "scanf of exact widths");
    check(sscanf("65535 abc", "%" SCNu16 " %" SCNxPTR, &u16[0], &pointer) == 2 && u16[0] == 65535 &&
              u16[1] == 77 && pointer == 0xabc,
          "scanf of uint16_t and uintptr_t");
}

/* Macros and types tell the same range. */
_Static_assert(sizeof(ssize_t) == sizeof(size_t) && SSIZE_MAX == SIZE_MAX / 2, "ssize_t");
_Static_assert(_Generic((int32_t)0, int : 1, default : 0), "int32_t");
_Static_assert(sizeof(time_t) == 8 && (time_t)-1 < 0, "time_t");

int main(void)
{
    lengths();
    exact();
    at_least();
    system_types();
    reads();
    return checks_end();
}
