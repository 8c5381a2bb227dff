/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h - what the CPU offers beyond C, on 32-bit Arm (ARMv7-A with LPAE, DDI 0406C): coprocessor
 * registers, barriers, the counter and its timer (B8), the interrupt controller's CPU interface
 * (IHI 0069, 12.3), frame records. The same functions as platform/arch/aarch64/cpu.h.
 */
#ifndef VIREO_CPU_H
#define VIREO_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers of a register are part of the instruction, so these cannot be functions. */
#define cp15_read(op1, crn, crm, op2)                                                              \
    ({                                                                                             \
        uint32_t cp15_value_;                                                                      \
        __asm__ volatile("mrc p15, " #op1 ", %0, " #crn ", " #crm ", " #op2                        \
                         : "=r"(cp15_value_)                                                       \
                         :                                                                         \
                         : "memory");                                                              \
        cp15_value_;                                                                               \
    })
#define cp15_write(op1, crn, crm, op2, value)                                                      \
    __asm__ volatile("mcr p15, " #op1 ", %0, " #crn ", " #crm ", " #op2                            \
                     :                                                                             \
                     : "r"((uint32_t)(value))                                                      \
                     : "memory")
#define cp15_write64(op1, crm, value)                                                              \
    __asm__ volatile("mcrr p15, " #op1 ", %Q0, %R0, " #crm : : "r"((uint64_t)(value)) : "memory")

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

/* This core's affinity: a byte for each level; there is no level 3. */
static inline uint32_t cpu_affinity(void)
{
    return cp15_read(0, c0, c0, 5) & 0xffffff; /* MPIDR */
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The virtual counter. */
static inline uint64_t cpu_counter(void)
{
    uint64_t v;

    cpu_isb(); /* else the counter may be read early, and seem to go back */
    __asm__ volatile("mrrc p15, 1, %Q0, %R0, c14" : "=r"(v) : : "memory");
    return v;
}

/* The counter's frequency in Hz, as the boot loader set it; 0: not set. */
static inline uint32_t cpu_counter_hz(void)
{
    return cp15_read(0, c14, c0, 0); /* CNTFRQ */
}

/* Control of the virtual timer: bit 0 is on, bit 1 masks its interrupt. */
static inline void cpu_timer_control(uint32_t v)
{
    cp15_write(0, c14, c3, 1, v); /* CNTV_CTL */
}

/* The virtual timer fires when the counter reaches `ticks`. */
static inline void cpu_timer_at(uint64_t ticks)
{
    cp15_write64(3, c14, ticks); /* CNTV_CVAL */
}

/* v times a 32.32 fixed-point factor, rounded down: what is above 64 bits is lost. */
static inline uint64_t cpu_scale(uint64_t v, uint64_t factor)
{
    uint32_t v_low = (uint32_t)v, f_low = (uint32_t)factor;

    return (v >> 32) * factor + v_low * (factor >> 32) + ((uint64_t)v_low * f_low >> 32);
}

/* ---- the CPU interface of a GICv3 ------------------------------------------------------------ */

/* Interrupts of group 1 with a priority above `mask` reach the core. */
static inline void cpu_gic_enable(uint32_t mask)
{
    cp15_write(0, c12, c12, 5, cp15_read(0, c12, c12, 5) | 1); /* ICC_SRE: system registers */
    cpu_isb();
    cp15_write(0, c4, c6, 0, mask); /* ICC_PMR */
    cp15_write(0, c12, c12, 7, 1);  /* ICC_IGRPEN1 */
    cpu_isb();
}

/* Acknowledges the pending interrupt of the highest priority, and returns its id. */
static inline uint32_t cpu_gic_ack(void)
{
    uint32_t id = cp15_read(0, c12, c12, 0) & 0xffffff; /* ICC_IAR1 */

    cpu_dsb(); /* the acknowledgement reaches the GIC before the handler runs */
    return id;
}

static inline void cpu_gic_end(uint32_t id)
{
    cp15_write(0, c12, c12, 1, id); /* ICC_EOIR1 */
    cpu_isb();
}

/* ---- frame records --------------------------------------------------------------------------- */

/*
 * A frame record is two words: the caller's frame pointer, and the return address. The frame
 * pointer (r11, as GCC keeps it in A32 code) points CPU_FRAME_BIAS bytes into it.
 */
#define CPU_FRAME_BIAS  4u
#define CPU_FRAME_ALIGN 4u
/* A function that calls nothing saves r11 alone, and points r11 to it. */
#define CPU_LEAF_RECORDS true

/* Does the code at a return address keep records? T32 code, such as newlib's, does not. */
static inline bool cpu_keeps_record(uintptr_t back)
{
    return !(back & 1);
}

/* Is there a call in front of this address of A32 code: BL, BLX label or BLX register? */
static inline bool cpu_after_call(uintptr_t back)
{
    if (back % 4)
        return false;
    uint32_t call = *(const uint32_t *)(back - 4);
    return (call & 0x0f000000) == 0x0b000000 || call >> 25 == 0x7d ||
           (call & 0x0ffffff0) == 0x012fff30;
}

/* The address of the call that returns to `back`, whose bit 0 is set if that is T32 code. */
static inline uintptr_t cpu_call_site(uintptr_t back)
{
    return back & 1 ? back - 3 : back - 4;
}

#endif
