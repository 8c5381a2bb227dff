/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arch.h - register accessors and ordering verbs for x86, in 64 or 32 bits, as hal.h
 * specifies them.
 *
 * A CPU sees loads in order and stores in order, and so do devices. A load may pass an earlier
 * store to another address: `check` alone needs an instruction. Elsewhere the compiler has to keep
 * the order.
 *
 * An address below 64 KiB is an I/O port: legacy PCI devices have their registers there.
 */
#ifndef KERNELS_X86_64_HAL_ARCH_H
#define KERNELS_X86_64_HAL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t hal_mmio_t;

#ifdef __x86_64__
#define HAL_STACK "rsp"
#else
#define HAL_STACK "esp"
#endif
#define HAL_PORTS      0x10000u
#define HAL_COMPILER() __asm__ volatile("" : : : "memory")

/* The accessors of registers and of shared words, for one width each; `s` and `r` are the letter of
 * the instruction and the name of the register. */
#define HAL_ACCESS(bits, s, r)                                                                     \
    static inline uint##bits##_t hal_in##bits(uint16_t port)                                       \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        __asm__ volatile("in" s " %1, %" r : "=a"(v) : "Nd"(port) : "memory");                     \
        return v;                                                                                  \
    }                                                                                              \
    static inline void hal_out##bits(uint16_t port, uint##bits##_t v)                              \
    {                                                                                              \
        __asm__ volatile("out" s " %" r ", %1" : : "a"(v), "Nd"(port) : "memory");                 \
    }                                                                                              \
    static inline uint##bits##_t hal_read##bits(hal_mmio_t a)                                      \
    {                                                                                              \
        return a < HAL_PORTS ? hal_in##bits((uint16_t)a) : *(const volatile uint##bits##_t *)a;    \
    }                                                                                              \
    static inline void hal_write##bits(hal_mmio_t a, uint##bits##_t v)                             \
    {                                                                                              \
        if (a < HAL_PORTS)                                                                         \
            hal_out##bits((uint16_t)a, v);                                                         \
        else                                                                                       \
            *(volatile uint##bits##_t *)a = v;                                                     \
    }                                                                                              \
    static inline uint##bits##_t hal_read##bits##_sync(hal_mmio_t a)                               \
    {                                                                                              \
        uint##bits##_t v = hal_read##bits(a);                                                      \
        HAL_COMPILER();                                                                            \
        return v;                                                                                  \
    }                                                                                              \
    static inline void hal_write##bits##_sync(hal_mmio_t a, uint##bits##_t v)                      \
    {                                                                                              \
        HAL_COMPILER();                                                                            \
        hal_write##bits(a, v);                                                                     \
    }                                                                                              \
    static inline uint##bits##_t hal_shared_load##bits(const uint##bits##_t *p)                    \
    {                                                                                              \
        return *(const volatile uint##bits##_t *)p;                                                \
    }                                                                                              \
    static inline void hal_shared_store##bits(uint##bits##_t *p, uint##bits##_t v)                 \
    {                                                                                              \
        *(volatile uint##bits##_t *)p = v;                                                         \
    }
HAL_ACCESS(8, "b", "b0")
HAL_ACCESS(16, "w", "w0")
HAL_ACCESS(32, "l", "k0")
#undef HAL_ACCESS

static inline void hal_publish16(uint16_t *p, uint16_t v, bool platform)
{
    (void)platform;
    HAL_COMPILER();
    hal_shared_store16(p, v);
}

static inline uint16_t hal_observe16(const uint16_t *p, bool platform)
{
    uint16_t v = hal_shared_load16(p);

    (void)platform;
    HAL_COMPILER();
    return v;
}

static inline void hal_order_check(void)
{
    __asm__ volatile("lock orl $0, (%%" HAL_STACK ")" : : : "memory", "cc");
}

static inline uint16_t hal_check16(const uint16_t *p, bool platform)
{
    (void)platform;
    hal_order_check();
    return hal_shared_load16(p);
}

static inline uint32_t hal_check32(const uint32_t *p, bool platform)
{
    (void)platform;
    hal_order_check();
    return hal_shared_load32(p);
}

static inline void hal_ack_order(void)
{
    hal_order_check();
}

static inline void hal_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

#endif
