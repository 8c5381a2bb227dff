/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - time by the CPU's time-stamp counter, whose frequency no register tells. The timer chip
 * (8254) counts down at a frequency that all PCs have.
 */
#include "x86.h"

#define PIT_HZ     1193182u
#define PIT_WINDOW 23864u /* counts of 20 ms */

enum { PIT_COUNTER = 0x40, PIT_COMMAND = 0x43 };
enum { PIT_LATCH = 0x00, PIT_RATE = 0x34 }; /* of counter 0; both bytes, rate generator */

static uint64_t ns_scale;    /* nanoseconds of a count of the time-stamp counter, times 2^32 */
static uint64_t timer_scale; /* units of the APIC's timer in a nanosecond, times 2^32 */
static uint64_t tsc_boot;

/* The three clocks at one moment. */
struct sample {
    uint64_t tsc;
    uint32_t pit, timer;
};

static uint64_t clock_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static uint32_t clock_pit(void)
{
    uint32_t low;

    hal_out8(PIT_COMMAND, PIT_LATCH);
    low = hal_in8(PIT_COUNTER);
    return low | (uint32_t)hal_in8(PIT_COUNTER) << 8;
}

/* The best of a few looks, since the host may take the CPU away in the middle of one. */
static struct sample clock_sample(void)
{
    struct sample best = {0};
    uint64_t shortest = UINT64_MAX;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = clock_tsc();
        struct sample s = {before, clock_pit(), x86_timer_left()};
        uint64_t took = clock_tsc() - before;

        if (took < shortest) {
            shortest = took;
            best = s;
        }
    }
    return best;
}

void x86_clock_start(void)
{
    struct sample from, to;
    uint64_t ns;

    hal_out8(PIT_COMMAND, PIT_RATE);
    hal_out8(PIT_COUNTER, 0); /* counts 65536 down, again and again: 55 ms */
    hal_out8(PIT_COUNTER, 0);
    x86_timer_set(UINT32_MAX);
    from = clock_sample();
    do
        to = clock_sample();
    while (((from.pit - to.pit) & 0xffff) < PIT_WINDOW);
    x86_timer_set(0);

    ns = ((from.pit - to.pit) & 0xffff) * HAL_SEC / PIT_HZ;
    ns_scale = (ns << 32) / (to.tsc - from.tsc);
    timer_scale = ((uint64_t)(from.timer - to.timer) << 32) / ns;
    tsc_boot = from.tsc;
}

static uint64_t clock_scaled(uint64_t v, uint64_t scale)
{
    return (uint64_t)((unsigned __int128)v * scale >> 32);
}

uint64_t hal_now_ns(void)
{
    return clock_scaled(clock_tsc() - tsc_boot, ns_scale);
}

uint32_t x86_timer_units(uint64_t when)
{
    uint64_t now = hal_now_ns();
    uint64_t units = when > now ? clock_scaled(when - now, timer_scale) : 0;

    return units < UINT32_MAX ? (uint32_t)units + 1 : UINT32_MAX;
}
