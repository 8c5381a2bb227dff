/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h - a CPU for files of an image that are tested on this machine (platform/arch/NAME/cpu.h has
 * the real ones): a counter that the test sets, a timer and a GICv3 interface that it looks at.
 */
#ifndef VIREO_CPU_H
#define VIREO_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct fakecpu {
    uint32_t affinity, hz, timer_control;
    uint64_t counter, timer_at;
    unsigned waits; /* calls of cpu_wait */
    bool masked;    /* interrupts are */
    uint32_t gic_mask, pending, ended;
    bool gic_on;
};
extern struct fakecpu fakecpu;

static inline void cpu_isb(void)
{
}

static inline void cpu_dsb(void)
{
}

static inline void cpu_wait(void)
{
    fakecpu.waits++;
}

static inline uint32_t cpu_affinity(void)
{
    return fakecpu.affinity;
}

static inline uint64_t cpu_counter(void)
{
    return fakecpu.counter;
}

static inline uint32_t cpu_counter_hz(void)
{
    return fakecpu.hz;
}

static inline void cpu_timer_control(uint32_t v)
{
    fakecpu.timer_control = v;
}

static inline void cpu_timer_at(uint64_t ticks)
{
    fakecpu.timer_at = ticks;
}

static inline uint64_t cpu_scale(uint64_t v, uint64_t factor)
{
    __extension__ typedef unsigned __int128 u128;

    return (uint64_t)((u128)v * factor >> 32);
}

static inline void cpu_gic_enable(uint32_t mask)
{
    fakecpu.gic_mask = mask;
    fakecpu.gic_on = true;
}

static inline uint32_t cpu_gic_ack(void)
{
    return fakecpu.pending;
}

static inline void cpu_gic_end(uint32_t id)
{
    fakecpu.ended = id;
}

#endif
