/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arch.h - shared words and ordering verbs for a process, as hal.h specifies them: the device
 * is another process on other CPUs, so C11's atomic orders say all of it, whatever the CPU. There
 * are no registers: the accessors are here for transports that are compiled and not used.
 */
#ifndef KERNELS_VHOST_USER_HAL_ARCH_H
#define KERNELS_VHOST_USER_HAL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t hal_mmio_t;

#define HAL_DMA_MAPS 1 /* dma.c */

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
        return hal_read##bits(a);                                                                  \
    }                                                                                              \
    static inline void hal_write##bits##_sync(hal_mmio_t a, uint##bits##_t v)                      \
    {                                                                                              \
        hal_write##bits(a, v);                                                                     \
    }                                                                                              \
    static inline uint##bits##_t hal_shared_load##bits(const uint##bits##_t *p)                    \
    {                                                                                              \
        return __atomic_load_n(p, __ATOMIC_RELAXED);                                               \
    }                                                                                              \
    static inline void hal_shared_store##bits(uint##bits##_t *p, uint##bits##_t v)                 \
    {                                                                                              \
        __atomic_store_n(p, v, __ATOMIC_RELAXED);                                                  \
    }
HAL_ACCESS(8)
HAL_ACCESS(16)
HAL_ACCESS(32)
#undef HAL_ACCESS

static inline void hal_publish16(uint16_t *p, uint16_t v, bool platform)
{
    (void)platform;
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline uint16_t hal_observe16(const uint16_t *p, bool platform)
{
    (void)platform;
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint16_t hal_check16(const uint16_t *p, bool platform)
{
    (void)platform;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return hal_shared_load16(p);
}

static inline uint32_t hal_check32(const uint32_t *p, bool platform)
{
    (void)platform;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return hal_shared_load32(p);
}

static inline void hal_ack_order(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void hal_relax(void)
{
}

#endif
