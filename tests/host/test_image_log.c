/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_log.c - an image's log (platform/runtime/log.c) and its formatter (format.c): levels,
 * lines that are cut or begin in the middle of another, interrupts masked while a line goes out,
 * every conversion against the C library's.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "check.h"
#include "cpu.h"
#include "host.h"
#include "runtime.h"

static char out[8192];
static size_t out_len;
static const char *level; /* vireo.log */

void board_console_write(const char *s, size_t len)
{
    CHECK(fakecpu.masked > 0);
    CHECK(out_len + len < sizeof(out));
    memcpy(out + out_len, s, len);
    out_len += len;
}

const char *hal_option(const char *dev, const char *name)
{
    CHECK(!dev && !strcmp(name, "log"));
    return level;
}

/* CHECKs that exactly this went to the console since the last check. */
static bool expect(const char *text)
{
    bool same = out_len == strlen(text) && !memcmp(out, text, out_len);

    if (!same)
        fprintf(stderr, "console: \"%.*s\"\n", (int)out_len, out);
    out_len = 0;
    CHECK_EQ(fakecpu.masked, 0);
    return same;
}

static void at(uint64_t ns)
{
    host_time_step(0);
    host_advance(ns - hal_now_ns());
}

static void a_line_has_time_and_name(void)
{
    at(1234567890123ull);
    hal_log(HAL_INFO, "vnet0", "link %s, %u", "up", 7u);
    CHECK(expect("[ 1234.567890] vnet0: link up, 7\n"));
    at(99999999999999ull);
    hal_log(HAL_ERROR, "its", "x");
    CHECK(expect("[99999.999999] its: error: x\n"));
    hal_log(HAL_WARN, "its", "x");
    CHECK(expect("[99999.999999] its: warning: x\n"));
}

static unsigned lines_of_all_levels(void)
{
    unsigned n = 0;

    out_len = 0;
    for (int l = HAL_ERROR; l <= HAL_DEBUG; l++)
        hal_log((enum hal_level)l, "x", "y");
    for (size_t i = 0; i < out_len; i++)
        n += out[i] == '\n';
    out_len = 0;
    return n;
}

static void levels(void)
{
    CHECK_EQ(lines_of_all_levels(), 3); /* no debug */
    level = "error";
    log_init();
    CHECK_EQ(lines_of_all_levels(), 1);
    level = "warn";
    log_init();
    CHECK_EQ(lines_of_all_levels(), 2);
    level = "debug";
    log_init();
    CHECK_EQ(lines_of_all_levels(), 4);
    level = "info";
    log_init();
    CHECK_EQ(lines_of_all_levels(), 3);
    level = NULL;
    log_init();
    CHECK_EQ(lines_of_all_levels(), 3);
    level = "errors";
    at(HAL_SEC);
    log_init();
    CHECK(expect("[    1.000000] vireo: warning: boot argument vireo.log=errors: use error, warn, "
                 "info or debug\n"));
    CHECK_EQ(lines_of_all_levels(), 3);
}

static void long_lines_are_cut(void)
{
    char text[600];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    hal_log(HAL_INFO, "a", "%s", text);
    CHECK_EQ(out_len, 512);
    CHECK(out[511] == '\n' && out[510] == 'x');
    out_len = 0;
    hal_log(HAL_INFO, text, "y");
    CHECK(out_len == 512 && out[511] == '\n');
}

/* A line of the log never begins behind other text. */
static void lines_begin_at_the_left(void)
{
    console_put("half", 4);
    CHECK(expect("half"));
    console_put_line("whole\n", 6);
    CHECK(expect("\nwhole\n"));
    console_put_line("whole\n", 6);
    CHECK(expect("whole\n"));
    console_put("one\ntwo", 7);
    console_put(" and\n", 5);
    CHECK(expect("one\ntwo and\n"));
    console_put_line("next\n", 5);
    CHECK(expect("next\n"));
    console_put("", 0);
    console_put_line("", 0);
    CHECK(expect(""));
}

static void long_text_passes(void)
{
    static char text[3000];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 23);
    console_put(text, sizeof(text));
    CHECK(out_len == sizeof(text) && !memcmp(out, text, sizeof(text)));
    CHECK_EQ(fakecpu.masked, 0);
}

/* ---- the formatter --------------------------------------------------------------------------- */

/* Both write the same; a macro, since the arguments are any. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours_[200], theirs_[200];                                                             \
        size_t n_ = runtime_format(ours_, sizeof(ours_), __VA_ARGS__);                             \
        snprintf(theirs_, sizeof(theirs_), __VA_ARGS__);                                           \
        if (n_ != strlen(theirs_) || memcmp(ours_, theirs_, n_))                                   \
            check_fail(__FILE__, __LINE__, "\"%.*s\", not \"%s\"", (int)n_, ours_, theirs_);       \
    } while (0)

static void numbers(void)
{
    static const int values[] = {0, 1, -1, 9, 10, 42, -42, INT_MAX, INT_MIN};

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        int v = values[i];
        SAME("%d|%u|%x|%5d|%-5d|%05d|%12x|%012x", v, v, v, v, v, v, v, v);
        SAME("%ld|%lu|%lx|%zu|%lld|%llu|%llx", (long)v, (long)v, (long)v, (size_t)v, (long long)v,
             (long long)v, (long long)v);
    }
    SAME("%lld %lld %llu %llx", LLONG_MAX, LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
    SAME("%030lld", LLONG_MIN);
    SAME("%p %20p|%-20p|", (void *)0x1234, (void *)0x1234, (void *)0xabcdef);
}

static void text(void)
{
    SAME("%s|%5s|%-5s|%.*s|%.*s|%.*s", "abc", "abc", "abc", 2, "abc", 9, "abc", 0, "abc");
    SAME("%c|%3c|%-3c|%%", 'x', 'y', 'z');
    SAME("plain");
    char o[32];
    const char *volatile none = NULL;
    size_t n = runtime_format(o, sizeof(o), "%s", (const char *)none);
    CHECK(n == 6 && !memcmp(o, "(null)", 6));
}

static void cut(void)
{
    char o[8] = "zzzzzzz";

    CHECK_EQ(runtime_format(o, 4, "%s%d", "ab", 12345), 4);
    CHECK(!memcmp(o, "ab12zzz", 8));
    CHECK_EQ(runtime_format(o, 0, "abc"), 0);
    CHECK_EQ(runtime_format(o, 3, "%5d", 1), 3);
    CHECK(!memcmp(o, "   2", 4));
}

/* An unknown directive is copied with the rest of the format: its arguments are unknown, too. */
static void what_is_not_known(void)
{
    static const char *const formats[] = {"a%q %d", "a%f %d", "a%", "a%5", "a%lls%hd"};
    char o[64];

    for (unsigned i = 0; i < 4; i++) {
        const char *f = formats[i];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        size_t n = runtime_format(o, sizeof(o), f, 1);
#pragma GCC diagnostic pop
        CHECK(n == strlen(f) && !memcmp(o, f, n));
    }
}

static const struct test_case cases[] = {
    {"a_line_has_time_and_name", a_line_has_time_and_name},
    {"levels", levels},
    {"long_lines_are_cut", long_lines_are_cut},
    {"lines_begin_at_the_left", lines_begin_at_the_left},
    {"long_text_passes", long_text_passes},
    {"numbers", numbers},
    {"text", text},
    {"cut", cut},
    {"what_is_not_known", what_is_not_known},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
