/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c - time and the one-shot timer: the virtual counter and its comparator (Arm ARM, D11).
 *
 * Nanoseconds are ticks times a 32.32 fixed-point factor: a multiplication of 64 by 64 bits, no
 * division. Nanoseconds to ticks rounds up, so the timer never fires early.
 */
#include "cpu.h"
#include "virt.h"

enum { CTL_ENABLE = 1, CTL_MASK = 2 };

static struct {
    uint64_t base;         /* counter at start */
    uint64_t ns_per_tick;  /* 32.32 */
    uint64_t ticks_per_ns; /* 32.32, rounded up */
} timer;

uint64_t hal_now_ns(void)
{
    if (runtime_round.reads) {
        runtime_round.reads--;
        return runtime_round.now_ns;
    }
    return cpu_scale(cpu_counter() - timer.base, timer.ns_per_tick);
}

void board_timer_set(uint64_t when_ns)
{
    if (when_ns == HAL_NEVER) {
        cpu_timer_control(0);
        return;
    }
    uint64_t ticks = cpu_counter();
    uint64_t now = cpu_scale(ticks - timer.base, timer.ns_per_tick);
    uint64_t wait = when_ns > now ? cpu_scale(when_ns - now, timer.ticks_per_ns) + 1 : 0;
    cpu_timer_at(ticks + wait < ticks ? UINT64_MAX : ticks + wait);
    cpu_timer_control(CTL_ENABLE);
    cpu_isb();
}

/* Silences the timer, whose line is level-triggered, before the runtime sets it again. */
static void timer_interrupt(void *ctx)
{
    (void)ctx;
    cpu_timer_control(CTL_ENABLE | CTL_MASK);
    cpu_isb();
    runtime_timer();
}

void timer_start_clock(void)
{
    uint64_t hz = cpu_counter_hz();

    if (!hz)
        hz = 62500000; /* the boot loader did not set it; QEMU's value */
    timer.base = cpu_counter();
    timer.ns_per_tick = (HAL_SEC << 32) / hz;
    timer.ticks_per_ns = UINT64_MAX / timer.ns_per_tick + 1;
}

const char *timer_init(void)
{
    if (virt.timer_irq < 0)
        return "the device tree has no virtual timer interrupt";
    cpu_timer_control(0);
    int err = hal_irq_attach(virt.timer_irq, timer_interrupt, NULL);
    if (err == -ENOMEM)
        return "no memory is free: the device tree reserves all of it";
    if (err)
        return "the timer's interrupt cannot be attached";
    return NULL;
}

void board_wait(void)
{
    cpu_wait();
}
