/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_start.c - from runtime_start() to main() and from there to the end of an image
 * (platform/runtime/start.c, initrd.c): the init table by level, what comes before main(), shutdown
 * functions, the lines that others read.
 */
#include <string.h>

#include "board.h"
#include "check.h"
#include "cpu.h"
#include "host.h"
#include "runtime.h"
#include "vireo/image.h"

static struct board_info info;
static jmp_buf over;
static char trace[128], console[256];
static int exit_status = -1;
static bool forbidden;

static void note(const char *what)
{
    CHECK(strlen(trace) + strlen(what) + 2 < sizeof(trace));
    strcat(trace, what);
    strcat(trace, " ");
}

static void expect(const char *what)
{
    if (strcmp(trace, what))
        check_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", trace, what);
    trace[0] = '\0';
}

/* ---- what start.c stands on ------------------------------------------------------------------ */

const struct board_info *board_info(void)
{
    return &info;
}

char **args_begin(int *argc)
{
    static char name[] = "vireo", *argv[] = {name, NULL};

    *argc = 1;
    return argv;
}

void board_exit(int status)
{
    exit_status = status;
    longjmp(over, 2);
}

void console_put_line(const char *s, size_t len)
{
    strncat(console, s, len);
}

void log_init(void)
{
    note("log");
}

void option_report(void)
{
    note("report");
    CHECK(forbidden);
}

void task_forbid_parking(bool on)
{
    forbidden = on;
}

void task_start_main(void (*fn)(void))
{
    fakecpu.masked = true;
    fn();
    abort();
}

/* main() of the image: the compiler knows start.c's by this name. */
int image_main(int argc, char **argv);
int image_main(int argc, char **argv)
{
    CHECK(argc == 1 && !strcmp(argv[0], "vireo") && !argv[1]);
    CHECK(!forbidden && !fakecpu.masked);
    note("main");
    longjmp(over, 1);
}

static void init_stack(void)
{
    note("stack");
    CHECK(forbidden);
}
HAL_INIT(HAL_INIT_STACK, init_stack);

static void init_bus(void)
{
    note("bus");
}
HAL_INIT(HAL_INIT_BUS, init_bus);

static void init_device(void)
{
    note("device");
}
HAL_INIT(HAL_INIT_DEVICE, init_device);

static void constructor(void)
{
    note("constructor");
    CHECK(!forbidden);
}
static void (*const constructors[])(void)
    __attribute__((used, section("image_init"))) = {constructor};

/* ---- cases ----------------------------------------------------------------------------------- */

static void start(void)
{
    info.ram_count = 2;
    info.ram[0].len = 100ull << 20;
    info.ram[1].len = 28ull << 20;
    if (!setjmp(over))
        runtime_start();
    expect("log bus device stack report constructor main ");
    CHECK(host_logged("128 MiB of memory"));
}

static void stops(void *ctx)
{
    note(ctx);
}

static void stops_and_panics(void *ctx)
{
    note(ctx);
    runtime_stop_devices(); /* as a panic does */
}

static void before_the_end(void)
{
    CHECK(!fakecpu.masked);
    note("first");
}

static void fails_before_the_end(void)
{
    note("fails");
    vireo_end_failed(74);
    vireo_end_failed(75);
}

/* What the image still has to do comes first, the last first, while interrupts are on. */
static void before_the_end_comes_more(void)
{
    CHECK_EQ(vireo_before_end(before_the_end), 0);
    CHECK_EQ(vireo_before_end(fails_before_the_end), 0);
    CHECK_EQ(vireo_before_end(before_the_end), 0);
    CHECK_EQ(vireo_before_end(before_the_end), 0);
    CHECK_EQ(vireo_before_end(before_the_end), -ENOSPC);
    CHECK_EQ(hal_on_shutdown(stops, "a"), 0);
    if (!setjmp(over))
        vireo_exit(0);
    expect("first first fails first a ");
    CHECK_EQ(exit_status, 74);
}

/* A status of its own stays. */
static void fails_with_another_status(void)
{
    CHECK_EQ(vireo_before_end(fails_before_the_end), 0);
    if (!setjmp(over))
        vireo_exit(3);
    CHECK_EQ(exit_status, 3);
}

static void the_end(void)
{
    CHECK(hal_on_shutdown(stops, "a") == 0 && hal_on_shutdown(stops_and_panics, "b") == 0);
    CHECK(hal_on_shutdown(stops, "c") == 0);
    if (!setjmp(over))
        vireo_exit(0x103);
    expect("c b a "); /* the last first, each once */
    CHECK(fakecpu.masked);
    CHECK_EQ(exit_status, 3);
    CHECK(!strcmp(console, "vireo: exit 3\n"));
}

static void shutdown_functions_are_limited(void)
{
    unsigned n = 0;

    while (hal_on_shutdown(stops, "x") == 0)
        CHECK(++n < 1000);
    CHECK_EQ(n, 32);
    CHECK_EQ(hal_on_shutdown(stops, "x"), -ENOSPC);
}

static void ready_is_said_once(void)
{
    vireo_ready();
    vireo_ready();
    CHECK(!strcmp(console, "vireo: ready\n"));
}

static void initrd(void)
{
    static const char disk[100];
    size_t len = 7;

    CHECK(!vireo_initrd(&len) && len == 0);
    info.initrd = (struct board_range){(uintptr_t)disk, sizeof(disk)};
    CHECK(vireo_initrd(&len) == disk && len == 100);
}

static const struct test_case cases[] = {
    {"start", start},
    {"the_end", the_end},
    {"before_the_end_comes_more", before_the_end_comes_more},
    {"fails_with_another_status", fails_with_another_status},
    {"shutdown_functions_are_limited", shutdown_functions_are_limited},
    {"ready_is_said_once", ready_is_said_once},
    {"initrd", initrd},
};

void power_watch(void)
{
}

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
