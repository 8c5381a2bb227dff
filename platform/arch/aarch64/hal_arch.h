/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arch.h - register accessors and ordering verbs for AArch64, as hal.h specifies them.
 *
 * Device memory is mapped nGnRE, shared words live in ordinary write-back memory. The barriers:
 *
 *     publish                     dmb ishst      earlier stores before the index or flags
 *     observe                     dmb ishld      the index or flags before the entries
 *     check                       dmb ish        our stores before a load of the device's word
 *     write_sync                  dmb oshst      memory before the register that starts the device
 *     read_sync                   dmb oshld      the register before memory that it lets us touch
 *     ack_order                   dmb osh        the acknowledgement before draining
 *
 * With ORDER_PLATFORM the first three take their osh forms.
 */
#ifndef VIREO_HAL_ARCH_H
#define VIREO_HAL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t hal_mmio_t;

/* Options are boot arguments. */
#define HAL_OPTION "vireo.%s.%s"

/*
 * In assembly, so that the compiler cannot choose an addressing mode with write-back, which a
 * hypervisor cannot decode.
 */
static inline uint8_t hal_read8(hal_mmio_t a)
{
    uint32_t v;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a));
    return (uint8_t)v;
}

static inline uint16_t hal_read16(hal_mmio_t a)
{
    uint32_t v;
    __asm__ volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(a));
    return (uint16_t)v;
}

static inline uint32_t hal_read32(hal_mmio_t a)
{
    uint32_t v;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a));
    return v;
}

static inline void hal_write8(hal_mmio_t a, uint8_t v)
{
    __asm__ volatile("strb %w0, [%1]" : : "rZ"((uint32_t)v), "r"(a));
}

static inline void hal_write16(hal_mmio_t a, uint16_t v)
{
    __asm__ volatile("strh %w0, [%1]" : : "rZ"((uint32_t)v), "r"(a));
}

static inline void hal_write32(hal_mmio_t a, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" : : "rZ"(v), "r"(a));
}

static inline uint32_t hal_read32_sync(hal_mmio_t a)
{
    uint32_t v = hal_read32(a);
    __asm__ volatile("dmb oshld" : : : "memory");
    return v;
}

static inline uint8_t hal_read8_sync(hal_mmio_t a)
{
    uint8_t v = hal_read8(a);
    __asm__ volatile("dmb oshld" : : : "memory");
    return v;
}

static inline void hal_write8_sync(hal_mmio_t a, uint8_t v)
{
    __asm__ volatile("dmb oshst" : : : "memory");
    hal_write8(a, v);
}

static inline void hal_write16_sync(hal_mmio_t a, uint16_t v)
{
    __asm__ volatile("dmb oshst" : : : "memory");
    hal_write16(a, v);
}

static inline void hal_write32_sync(hal_mmio_t a, uint32_t v)
{
    __asm__ volatile("dmb oshst" : : : "memory");
    hal_write32(a, v);
}

static inline void hal_ack_order(void)
{
    __asm__ volatile("dmb osh" : : : "memory");
}

static inline uint8_t hal_shared_load8(const uint8_t *p)
{
    return *(const volatile uint8_t *)p;
}

/* By the instruction: of a volatile object the compiler would extend the value once more. */
static inline uint16_t hal_shared_load16(const uint16_t *p)
{
    uint32_t v;

    __asm__ volatile("ldrh %w0, %1" : "=r"(v) : "m"(*p));
    if (v > UINT16_MAX)
        __builtin_unreachable();
    return (uint16_t)v;
}

static inline uint32_t hal_shared_load32(const uint32_t *p)
{
    return *(const volatile uint32_t *)p;
}

static inline void hal_shared_store16(uint16_t *p, uint16_t v)
{
    *(volatile uint16_t *)p = v;
}

static inline void hal_shared_store32(uint32_t *p, uint32_t v)
{
    *(volatile uint32_t *)p = v;
}

static inline void hal_order_publish(bool platform)
{
    if (__builtin_expect(platform, 0))
        __asm__ volatile("dmb oshst" : : : "memory");
    else
        __asm__ volatile("dmb ishst" : : : "memory");
}

static inline void hal_order_observe(bool platform)
{
    if (__builtin_expect(platform, 0))
        __asm__ volatile("dmb oshld" : : : "memory");
    else
        __asm__ volatile("dmb ishld" : : : "memory");
}

static inline void hal_order_check(bool platform)
{
    if (__builtin_expect(platform, 0))
        __asm__ volatile("dmb osh" : : : "memory");
    else
        __asm__ volatile("dmb ish" : : : "memory");
}

static inline void hal_publish16(uint16_t *p, uint16_t v, bool platform)
{
    hal_order_publish(platform);
    hal_shared_store16(p, v);
}

static inline uint16_t hal_observe16(const uint16_t *p, bool platform)
{
    uint16_t v = hal_shared_load16(p);
    hal_order_observe(platform);
    return v;
}

static inline uint16_t hal_check16(const uint16_t *p, bool platform)
{
    hal_order_check(platform);
    return hal_shared_load16(p);
}

static inline uint32_t hal_check32(const uint32_t *p, bool platform)
{
    hal_order_check(platform);
    return hal_shared_load32(p);
}

static inline void hal_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

/*
 * A NOP (hint #96 + mark, mark 0..31) that a counting plugin recognises in the instruction stream.
 * mark must be a compile-time constant.
 */
static inline __attribute__((always_inline)) void arch_mark_insn(unsigned mark)
{
    __asm__ volatile("hint #(96 + %0)" : : "i"(mark) : "memory");
}

/* Masks interrupts and returns the former state, which arch_irq_restore sets again. [handler] */
static inline unsigned long arch_irq_save(void)
{
    unsigned long state;

    __asm__ volatile("mrs %0, daif\n\t"
                     "msr daifset, #3"
                     : "=r"(state)
                     :
                     : "memory");
    return state;
}

static inline void arch_irq_restore(unsigned long state)
{
    __asm__ volatile("msr daif, %0" : : "r"(state) : "memory");
}

#endif
