/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arch.h - register accessors and ordering verbs for RISC-V, 32 and 64 bits, as hal.h specifies
 * them.
 *
 * RVWMO orders nothing but accesses of one address. A fence names what comes before and what after:
 * i and o are reads and writes of registers, r and w those of memory.
 *
 *     publish                     fence w,w      earlier stores before the index or flags
 *     observe                     fence r,rw     the index or flags before the entries
 *     check                       fence rw,rw    our stores before a load of the device's word
 *     write_sync                  fence rw,o     memory before the register that starts the device
 *     read_sync                   fence i,rw     the register before memory that it lets us touch
 *     ack_order                   fence io,rw    the acknowledgement before draining
 *
 * Registers lie in one strongly ordered I/O region, so their accesses need no fence among
 * themselves. One kind of fence serves devices with and without ORDER_PLATFORM: both are observers
 * of coherent memory.
 */
#ifndef KERNELS_RISCV64_HAL_ARCH_H
#define KERNELS_RISCV64_HAL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t hal_mmio_t;

#define HAL_FENCE(before, after) __asm__ volatile("fence " #before "," #after : : : "memory")

/* The accessors of registers and of shared words, for one width each. */
#define HAL_ACCESS(bits)                                                                           \
    static inline uint##bits##_t hal_read##bits(hal_mmio_t a)                                      \
    {                                                                                              \
        return *(const volatile uint##bits##_t *)a;                                                \
    }                                                                                              \
    static inline void hal_write##bits(hal_mmio_t a, uint##bits##_t v)                             \
    {                                                                                              \
        *(volatile uint##bits##_t *)a = v;                                                         \
    }                                                                                              \
    static inline uint##bits##_t hal_read##bits##_sync(hal_mmio_t a)                               \
    {                                                                                              \
        uint##bits##_t v = hal_read##bits(a);                                                      \
        HAL_FENCE(i, rw);                                                                          \
        return v;                                                                                  \
    }                                                                                              \
    static inline void hal_write##bits##_sync(hal_mmio_t a, uint##bits##_t v)                      \
    {                                                                                              \
        HAL_FENCE(rw, o);                                                                          \
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
HAL_ACCESS(8)
HAL_ACCESS(16)
HAL_ACCESS(32)
#undef HAL_ACCESS

static inline void hal_publish16(uint16_t *p, uint16_t v, bool platform)
{
    (void)platform;
    HAL_FENCE(w, w);
    hal_shared_store16(p, v);
}

static inline uint16_t hal_observe16(const uint16_t *p, bool platform)
{
    uint16_t v = hal_shared_load16(p);

    (void)platform;
    HAL_FENCE(r, rw);
    return v;
}

static inline uint16_t hal_check16(const uint16_t *p, bool platform)
{
    (void)platform;
    HAL_FENCE(rw, rw);
    return hal_shared_load16(p);
}

static inline uint32_t hal_check32(const uint32_t *p, bool platform)
{
    (void)platform;
    HAL_FENCE(rw, rw);
    return hal_shared_load32(p);
}

static inline void hal_ack_order(void)
{
    HAL_FENCE(io, rw);
}

static inline void hal_relax(void)
{
    __asm__ volatile("nop" : : : "memory");
}

#endif
