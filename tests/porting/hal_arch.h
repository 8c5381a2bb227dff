/* SPDX-License-Identifier: BSD-2-Clause */
/* hal_arch.h - any CPU, with one full barrier for all that drivers order. */
#include <stdbool.h>
#include <stdint.h>

#define HAL_BARRIER() __asm__ volatile("fence iorw,iorw" : : : "memory")

#define HAL_LOAD(name, type, before, after)                                                        \
    static inline type name                                                                        \
    {                                                                                              \
        before;                                                                                    \
        type v = *(const volatile type *)p;                                                        \
        after;                                                                                     \
        return v;                                                                                  \
    }
#define HAL_STORE(name, type, before)                                                              \
    static inline void name                                                                        \
    {                                                                                              \
        before;                                                                                    \
        *(volatile type *)p = v;                                                                   \
    }
#define HAL_ACCESSORS(n, type)                                                                     \
    HAL_LOAD(hal_read##n(hal_mmio_t p), type, , )                                                  \
    HAL_LOAD(hal_read##n##_sync(hal_mmio_t p), type, , HAL_BARRIER())                              \
    HAL_LOAD(hal_shared_load##n(const type *p), type, , )                                          \
    HAL_LOAD(hal_observe##n(const type *p, bool bus), type, (void)bus, HAL_BARRIER())              \
    HAL_LOAD(hal_check##n(const type *p, bool bus), type, (void)bus; HAL_BARRIER(), )              \
    HAL_STORE(hal_write##n(hal_mmio_t p, type v), type, )                                          \
    HAL_STORE(hal_write##n##_sync(hal_mmio_t p, type v), type, HAL_BARRIER())                      \
    HAL_STORE(hal_shared_store##n(type *p, type v), type, )                                        \
    HAL_STORE(hal_publish##n(type *p, type v, bool bus), type, (void)bus; HAL_BARRIER())

typedef uintptr_t hal_mmio_t;
HAL_ACCESSORS(8, uint8_t)
HAL_ACCESSORS(16, uint16_t)
HAL_ACCESSORS(32, uint32_t)
#define hal_ack_order() HAL_BARRIER()
#define hal_relax()     HAL_BARRIER()
