/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_clock.c - time of an image (platform/virt/timer.c): nanoseconds from the counter at
 * any frequency, and the one-shot timer, which is never early.
 */
#include <string.h>

#include "board.h"
#include "check.h"
#include "cpu.h"
#include "host.h"
#include "virt.h"

struct virt_machine virt; /* board.c's */

static hal_irq_fn handler;
static int attach_result;

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    CHECK(irq == 27 && !ctx);
    handler = fn;
    return attach_result;
}

static const uint32_t hertz[] = {62500000, 1000000000, 1000000, 24000000, 54000000, 333333333};
static const struct test_variant frequencies[] = {
    {"62.5MHz", 0}, {"1GHz", 1}, {"1MHz", 2}, {"24MHz", 3}, {"54MHz", 4}, {"333MHz", 5}, {NULL, 0}};

static void start(void)
{
    fakecpu.hz = hertz[case_variant];
    fakecpu.counter = 0x123456789abcull; /* the machine is on for longer than the image */
    timer_start_clock();
}

/* The exact time, and one nanosecond in 2 seconds less at most. */
static bool about(uint64_t ns, uint64_t ticks)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t exact = (uint64_t)((u128)ticks * HAL_SEC / fakecpu.hz);

    return ns <= exact && exact - ns <= 1 + exact / (2 * HAL_SEC);
}

static void nanoseconds(void)
{
    uint64_t base, last = 0;

    start();
    base = fakecpu.counter;
    CHECK_EQ(hal_now_ns(), 0);
    for (uint64_t ticks = 1; ticks < 1ull << 52; ticks = ticks * 3 + 1) {
        fakecpu.counter = base + ticks;
        uint64_t now = hal_now_ns();
        CHECK(about(now, ticks) && now >= last);
        last = now;
    }
}

/* While a round lasts, its time is given, for some calls. */
static void the_time_of_a_round(void)
{
    start();
    fakecpu.counter += 62500000;
    uint64_t real = hal_now_ns();
    runtime_round = (struct runtime_round){.now_ns = 77, .reads = 2};
    CHECK(hal_now_ns() == 77 && hal_now_ns() == 77);
    CHECK(runtime_round.reads == 0 && hal_now_ns() == real);
}

static void a_boot_loader_that_did_not_say(void)
{
    fakecpu.hz = 0;
    timer_start_clock();
    fakecpu.counter += 62500000;
    fakecpu.hz = 62500000;
    CHECK(about(hal_now_ns(), 62500000));
}

/* When the counter gets there, the time has come; and not a microsecond too late. */
static void never_early(void)
{
    static const uint64_t waits[] = {
        1, 15, 16, 17, 999, 1000000, 123456789, 5 * HAL_SEC, 3600 * HAL_SEC};
    uint64_t tick_ns = HAL_SEC / hertz[case_variant] + 1;

    start();
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        fakecpu.counter += 12345;
        uint64_t when = hal_now_ns() + waits[i];
        board_timer_set(when);
        CHECK_EQ(fakecpu.timer_control, 1);
        uint64_t now = fakecpu.counter;
        CHECK(fakecpu.timer_at > now);
        fakecpu.counter = fakecpu.timer_at;
        CHECK(hal_now_ns() >= when);
        CHECK(hal_now_ns() - when <= 2 * tick_ns + waits[i] / 1000000);
        fakecpu.counter = now;
    }
}

static void limits_of_the_timer(void)
{
    start();
    fakecpu.counter += 1000000;
    board_timer_set(5); /* has passed: fires at once */
    CHECK(fakecpu.timer_at <= fakecpu.counter && fakecpu.timer_control == 1);
    board_timer_set(HAL_NEVER);
    CHECK_EQ(fakecpu.timer_control, 0);
    board_timer_set(HAL_NEVER - 1); /* beyond what the counter reaches */
    CHECK(fakecpu.timer_at > fakecpu.counter && fakecpu.timer_control == 1);
    fakecpu.counter = UINT64_MAX - 5;
    board_timer_set(hal_now_ns() + HAL_SEC);
    CHECK(fakecpu.timer_at == UINT64_MAX);
}

static unsigned runtime_timers;

void runtime_timer(void)
{
    CHECK_EQ(fakecpu.timer_control, 3); /* it is silent already */
    runtime_timers++;
}

/* The interrupt is silenced at its source until the next board_timer_set. */
static void the_interrupt(void)
{
    start();
    virt.timer_irq = 27;
    fakecpu.timer_control = 1;
    CHECK(!timer_init() && handler);
    CHECK_EQ(fakecpu.timer_control, 0);
    board_timer_set(1);
    handler(NULL);
    CHECK_EQ(fakecpu.timer_control, 3);
    board_timer_set(1);
    CHECK_EQ(fakecpu.timer_control, 1);
    board_wait();
    CHECK_EQ(fakecpu.waits, 1);
}

static void no_timer(void)
{
    start();
    virt.timer_irq = VIRT_IRQ_NONE;
    CHECK(strstr(timer_init(), "no virtual timer interrupt"));
    virt.timer_irq = 27;
    attach_result = -EINVAL;
    CHECK(strstr(timer_init(), "cannot be attached"));
    attach_result = -ENOMEM;
    CHECK(strstr(timer_init(), "no memory is free"));
}

static const struct test_case cases[] = {
    {"nanoseconds", nanoseconds, NULL, 0, frequencies},
    {"the_time_of_a_round", the_time_of_a_round},
    {"a_boot_loader_that_did_not_say", a_boot_loader_that_did_not_say},
    {"never_early", never_early, NULL, 0, frequencies},
    {"limits_of_the_timer", limits_of_the_timer},
    {"the_interrupt", the_interrupt},
    {"no_timer", no_timer},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
