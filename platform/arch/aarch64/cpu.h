/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h - what the CPU offers beyond C, on AArch64: system registers, barriers, the counter and its
 * timer (Arm ARM, D11), the interrupt controller's CPU interface (IHI 0069, 12.2), frame records.
 * platform/arch/arm/cpu.h has the same functions for 32-bit Arm.
 */
#ifndef VIREO_CPU_H
#define VIREO_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* Register names are part of the instruction, so these two cannot be functions. */
#define cpu_read(reg)                                                                              \
    ({                                                                                             \
        uint64_t cpu_value_;                                                                       \
        __asm__ volatile("mrs %0, " #reg : "=r"(cpu_value_) : : "memory");                         \
        cpu_value_;                                                                                \
    })
#define cpu_write(reg, value)                                                                      \
    __asm__ volatile("msr " #reg ", %x0" : : "rZ"((uint64_t)(value)) : "memory")

static inline void cpu_isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void cpu_dsb(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

/* Sleeps until an interrupt is pending, masked or not. */
static inline void cpu_wait(void)
{
    cpu_dsb();
    __asm__ volatile("wfi" : : : "memory");
}

/* This core's affinity: a byte for each level, level 3 on top. */
static inline uint32_t cpu_affinity(void)
{
    uint64_t mpidr = cpu_read(mpidr_el1);

    return (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32 & 0xff) << 24;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The virtual counter. */
static inline uint64_t cpu_counter(void)
{
    cpu_isb(); /* else the counter may be read early, and seem to go back */
    return cpu_read(cntvct_el0);
}

/* The counter's frequency in Hz, as the boot loader set it; 0: not set. */
static inline uint32_t cpu_counter_hz(void)
{
    return (uint32_t)cpu_read(cntfrq_el0);
}

/* Control of the virtual timer: bit 0 is on, bit 1 masks its interrupt. */
static inline void cpu_timer_control(uint32_t v)
{
    cpu_write(cntv_ctl_el0, v);
}

/* The virtual timer fires when the counter reaches `ticks`. */
static inline void cpu_timer_at(uint64_t ticks)
{
    cpu_write(cntv_cval_el0, ticks);
}

/* v times a 32.32 fixed-point factor, rounded down. */
static inline uint64_t cpu_scale(uint64_t v, uint64_t factor)
{
    __extension__ typedef unsigned __int128 u128;

    return (uint64_t)((u128)v * factor >> 32);
}

/* ---- the CPU interface of a GICv3 ------------------------------------------------------------ */

/* Interrupts of group 1 with a priority above `mask` reach the core. */
static inline void cpu_gic_enable(uint32_t mask)
{
    cpu_write(S3_0_C12_C12_5, cpu_read(S3_0_C12_C12_5) | 1); /* ICC_SRE_EL1: system registers */
    cpu_isb();
    cpu_write(S3_0_C4_C6_0, mask); /* ICC_PMR_EL1 */
    cpu_write(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
    cpu_isb();
}

/* Acknowledges the pending interrupt of the highest priority, and returns its id. */
static inline uint32_t cpu_gic_ack(void)
{
    uint32_t id = (uint32_t)cpu_read(S3_0_C12_C12_0) & 0xffffff; /* ICC_IAR1_EL1 */

    cpu_dsb(); /* the acknowledgement reaches the GIC before the handler runs */
    return id;
}

static inline void cpu_gic_end(uint32_t id)
{
    cpu_write(S3_0_C12_C12_1, id); /* ICC_EOIR1_EL1 */
    cpu_isb();
}

/* ---- frame records --------------------------------------------------------------------------- */

/*
 * A frame record is two words: the caller's frame pointer, and the return address. The frame
 * pointer points CPU_FRAME_BIAS bytes into it.
 */
#define CPU_FRAME_BIAS  0u
#define CPU_FRAME_ALIGN 16u
/* Functions that call nothing keep no record. */
#define CPU_LEAF_RECORDS false

/* Does the code at a return address keep records? All code does. */
static inline bool cpu_keeps_record(uintptr_t back)
{
    (void)back;
    return true;
}

/* Is there a call in front of this address? Not asked here: all code keeps records. */
static inline bool cpu_after_call(uintptr_t back)
{
    (void)back;
    return false;
}

/* The address of the call that returns to `back`. */
static inline uintptr_t cpu_call_site(uintptr_t back)
{
    return back - 4;
}

#endif
