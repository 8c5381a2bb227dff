/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_options.c - an image's boot arguments (platform/runtime/option.c): words and quotes,
 * which of several counts, numbers and their ranges, what is reported; and what main() gets of them
 * (args.c): argv and the environment.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "check.h"
#include "host.h"
#include "runtime.h"
#include "vireo/image.h"

static struct board_info info;

const struct board_info *board_info(void)
{
    return &info;
}

static void boot_with(const char *args)
{
    CHECK(strlen(args) < sizeof(info.bootargs));
    strcpy(info.bootargs, args);
}

static bool is(const char *v, const char *text)
{
    return v && !strcmp(v, text);
}

static void words_and_quotes(void)
{
    boot_with("  vireo.a=1\tvireo.b=\"two words\"\nip=\"10.0.2.15\" vireo.c= vireo.d=x=y  flag ");
    CHECK(is(hal_option(NULL, "a"), "1"));
    CHECK(is(hal_option(NULL, "b"), "two words"));
    CHECK(is(hal_option(NULL, "c"), ""));
    CHECK(is(hal_option(NULL, "d"), "x=y"));
    CHECK(is(hal_bootarg("ip"), "10.0.2.15"));
    CHECK(hal_option(NULL, "e") == NULL && hal_option(NULL, "") == NULL);
    CHECK(hal_bootarg("flag") == NULL); /* without a value */
    CHECK(hal_option(NULL, "ip") == NULL && hal_bootarg("a") == NULL);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void the_last_counts(void)
{
    boot_with("vireo.a=1 vireo.a=2 ip=x ip=y vireo.a");
    CHECK(is(hal_option(NULL, "a"), "2"));
    CHECK(is(hal_bootarg("ip"), "y"));
    CHECK(is(hal_bootarg_nth("ip", 0), "x") && is(hal_bootarg_nth("ip", 1), "y"));
    CHECK(hal_bootarg_nth("ip", 2) == NULL);
}

static void a_device_has_its_own(void)
{
    boot_with("vireo.vnet0.poll=1 vireo.poll=0 vireo.vnet01.x=5");
    CHECK(is(hal_option("vnet0", "poll"), "1"));
    CHECK(is(hal_option("vnet1", "poll"), "0"));
    CHECK(is(hal_option(NULL, "poll"), "0"));
    CHECK(hal_option("vnet0", "x") == NULL && hal_option("vnet0", "1.x") == NULL);
    CHECK(is(hal_option("vnet01", "x"), "5"));
    CHECK(hal_option("vnet0", "pol") == NULL && hal_option("vnet0", "polls") == NULL);
}

static void numbers(void)
{
    boot_with("vireo.a=10 vireo.b=0x1F vireo.c=18446744073709551615 vireo.d=0xffffffffffffffff "
              "vireo.e=0Xa vireo.f=0");
    CHECK_EQ(hal_option_u64(NULL, "a", 3, 0, 100), 10);
    CHECK_EQ(hal_option_u64(NULL, "a", 3, 10, 10), 10);
    CHECK_EQ(hal_option_u64(NULL, "b", 3, 0, 100), 31);
    CHECK(hal_option_u64(NULL, "c", 3, 0, UINT64_MAX) == UINT64_MAX);
    CHECK(hal_option_u64(NULL, "d", 3, 0, UINT64_MAX) == UINT64_MAX);
    CHECK_EQ(hal_option_u64(NULL, "e", 3, 0, 100), 10);
    CHECK_EQ(hal_option_u64(NULL, "f", 3, 0, 100), 0);
    CHECK_EQ(hal_option_u64(NULL, "none", 3, 5, 100), 3); /* the default is not judged */
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void bad_numbers_give_the_default(void)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "1x",
                                      "-1",
                                      "+1",
                                      "0x",
                                      "1a",
                                      "1.5",
                                      " 1 ",
                                      "0xg",
                                      "18446744073709551616",
                                      "0x10000000000000000",
                                      "99999999999999999999999"};
    char args[64];

    /* One is tried in each process: the arguments are read once. */
    snprintf(args, sizeof(args), "vireo.a=\"%s\"", bad[case_variant]);
    boot_with(args);
    CHECK_EQ(hal_option_u64("vblk0", "a", 7, 0, UINT64_MAX), 7);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
    CHECK(host_logged("vblk0: boot argument vireo.a="));
    CHECK(host_logged("from 0 to 18446744073709551615; taking 7"));
}

static void numbers_out_of_range(void)
{
    boot_with("vireo.a=11 vireo.b=4");
    CHECK_EQ(hal_option_u64(NULL, "a", 7, 5, 10), 7);
    CHECK_EQ(hal_option_u64(NULL, "b", 7, 5, 10), 7);
    CHECK_EQ(host_log_matches("from 5 to 10; taking 7"), 2);
}

/* By the name that was typed, and once, whoever asks, as often as they do. */
static void bad_values_are_told_once(void)
{
    boot_with(
        "vireo.qsize=99999 vireo.kv.port=x vireo.port=5 vireo.poll=hybird vireo.vnet0.poll=2");
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(hal_option_u64("vblk0", "qsize", 0, 1, 32768), 0);
        CHECK_EQ(hal_option_u64("vnet0", "qsize", 0, 1, 32768), 0);
        CHECK_EQ(hal_option_u64("kv", "port", 80, 1, 65535), 80);
        hal_option_bad("vblk0", "poll", "use 1, hybrid, or 0");
        hal_option_bad("vnet0", "poll", "use 1, hybrid, or 0");
        hal_option_bad("vnet0", "absent", "use it");
    }
    CHECK(host_logged("vblk0: boot argument vireo.qsize=99999 is ignored: use a number from 1 to"));
    CHECK(
        host_logged("kv: boot argument vireo.kv.port=x: use a number from 1 to 65535; taking 80"));
    CHECK(host_logged("vblk0: boot argument vireo.poll=hybird: use 1, hybrid, or 0"));
    CHECK(host_logged("vnet0: boot argument vireo.vnet0.poll=2: use 1, hybrid, or 0"));
    CHECK_EQ(host_log_lines(HAL_WARN), 4);
}

static const struct test_variant bad_numbers[] = {
    {"empty", 0},    {"letter", 1},       {"letter_behind", 2}, {"minus", 3},  {"plus", 4},
    {"0x", 5},       {"hex_digit", 6},    {"fraction", 7},      {"blanks", 8}, {"0xg", 9},
    {"2_to_64", 10}, {"hex_2_to_64", 11}, {"long", 12},         {NULL, 0},
};

static void what_nobody_asked_for_is_reported(void)
{
    boot_with("vireo.pol=1 vireo.poll=1 vireo.log ip=off vireo.vnet0.poll=1");
    hal_option("vnet0", "poll");
    hal_option(NULL, "log");
    hal_option(NULL, "log");
    option_report();
    CHECK_EQ(host_log_lines(HAL_WARN), 2);
    CHECK(host_logged("vireo.pol is not known here; this image knows: poll log"));
    CHECK(!host_logged("poll log poll") && !host_logged("log log"));
    CHECK(host_logged("boot argument vireo.log has no value"));
}

/* A name that is the end or the beginning of another is a name of its own. */
static void names_are_listed_once(void)
{
    boot_with("vireo.x=1");
    hal_option(NULL, "timeout_ms");
    hal_option(NULL, "timeout");
    hal_option(NULL, "out");
    hal_option(NULL, "timeout");
    option_report();
    CHECK(host_logged("knows: timeout_ms timeout out"));
    CHECK(!host_logged("out timeout"));
}

/* Names beyond the list's room are left out; the list stays whole. */
static void many_names(void)
{
    char name[64];

    boot_with("vireo.x=1");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "a_rather_long_name_of_an_option_%u", i);
        hal_option(NULL, name);
    }
    hal_option(NULL, "x");
    option_report();
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void nothing_is_nothing(void)
{
    boot_with("");
    CHECK(hal_option(NULL, "a") == NULL && hal_option("d", "a") == NULL);
    CHECK(hal_bootarg("ip") == NULL);
    option_report();
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void too_many_words(void)
{
    char args[1024];
    size_t n = 0;

    for (unsigned i = 0; i < 66; i++)
        n += (size_t)snprintf(args + n, sizeof(args) - n, "w%u=%u ", i, i);
    boot_with(args);
    CHECK(is(hal_bootarg("w63"), "63"));
    CHECK(hal_bootarg("w64") == NULL);
    CHECK_EQ(host_log_matches("more than 64 boot arguments: w64=64 is ignored, and 1 behind it"),
             1);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
}

static void as_long_as_there_is_room(void)
{
    memset(info.bootargs, 'a', sizeof(info.bootargs) - 1);
    memcpy(info.bootargs, "x=", 2);
    info.bootargs_truncated = true;
    const char *v = hal_bootarg("x");
    CHECK(v && strlen(v) == sizeof(info.bootargs) - 3);
    CHECK(host_logged("boot arguments are longer than 2047 bytes"));
}

static void an_open_quote(void)
{
    boot_with("vireo.a=\"1 2");
    CHECK(is(hal_option(NULL, "a"), "1 2"));
    CHECK(host_logged("a double quote is not closed"));
}

/* argv of main() is the image's name, then `words` up to NULL. */
static void main_gets(const char *args, const char *const *words)
{
    int argc = -1, n = 0;

    boot_with(args);
    char **argv = args_begin(&argc);
    CHECK(is(argv[0], "vireo"));
    for (; words[n]; n++)
        CHECK(n + 1 < argc && is(argv[n + 1], words[n]));
    CHECK_EQ(argc, n + 1);
    CHECK(argv[argc] == NULL);
    if (option_rest())
        free(argv);
}

static void words_of_main(void)
{
    main_gets("vireo.a=1 -- -p 80\tx\n--  vireo.b=2 ",
              (const char *const[]){"-p", "80", "x", "--", "vireo.b=2", NULL});
    CHECK(is(hal_option(NULL, "a"), "1") && hal_option(NULL, "b") == NULL);
    option_report(); /* vireo.b is none of the image's arguments */
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void quotes_of_main(void)
{
    main_gets("-- \"two words\" 'a \"b\\c' \"\" e\\ f g\"h i\"'j k' \"\\\"\\\\\\n\" \\\\",
              (const char *const[]){"two words", "a \"b\\c", "", "e f", "gh ij k", "\"\\\\n", "\\",
                                    NULL});
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void main_without_words(void)
{
    main_gets("a --b -c --=d e--", (const char *const[]){NULL});
    CHECK(option_rest() == NULL);
}

static void main_behind_nothing(void)
{
    main_gets("-- ", (const char *const[]){NULL});
}

static void main_with_an_open_quote(void)
{
    main_gets("-- a 'b c", (const char *const[]){"a", "b c", NULL});
    CHECK(host_logged("a quote behind -- is not closed"));
}

/* As many words as fit. */
static void main_with_many_words(void)
{
    int argc;

    memset(info.bootargs, '-', sizeof(info.bootargs) - 1);
    for (size_t i = 2; i < sizeof(info.bootargs) - 1; i += 2)
        info.bootargs[i] = ' ';
    for (size_t i = 3; i < sizeof(info.bootargs) - 1; i += 2)
        info.bootargs[i] = 'w';
    char **argv = args_begin(&argc);
    CHECK_EQ(argc, 1 + (int)(sizeof(info.bootargs) - 3) / 2);
    CHECK(is(argv[argc - 1], "w") && argv[argc] == NULL);
    free(argv);
}

static void variables(void)
{
    boot_with("env.A=1 env.B=\"x = y\" env. env.=3 env.C env.D= A=2 -- env.E=5");
    for (unsigned i = 0; i < 2; i++) {
        CHECK(is(option_variable(0), "A=1"));
        CHECK(is(option_variable(1), "B=x = y"));
        CHECK(is(option_variable(2), "D="));
        CHECK(option_variable(3) == NULL);
    }
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static const struct test_case cases[] = {
    {"words_and_quotes", words_and_quotes},
    {"the_last_counts", the_last_counts},
    {"a_device_has_its_own", a_device_has_its_own},
    {"numbers", numbers},
    {"bad_numbers_give_the_default", bad_numbers_give_the_default, NULL, 0, bad_numbers},
    {"numbers_out_of_range", numbers_out_of_range},
    {"bad_values_are_told_once", bad_values_are_told_once},
    {"what_nobody_asked_for_is_reported", what_nobody_asked_for_is_reported},
    {"names_are_listed_once", names_are_listed_once},
    {"many_names", many_names},
    {"nothing_is_nothing", nothing_is_nothing},
    {"too_many_words", too_many_words},
    {"as_long_as_there_is_room", as_long_as_there_is_room},
    {"an_open_quote", an_open_quote},
    {"words_of_main", words_of_main},
    {"quotes_of_main", quotes_of_main},
    {"main_without_words", main_without_words},
    {"main_behind_nothing", main_behind_nothing},
    {"main_with_an_open_quote", main_with_an_open_quote},
    {"main_with_many_words", main_with_many_words},
    {"variables", variables},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
