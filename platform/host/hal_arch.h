/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arch.h (host) - register accessors and ordering verbs of hal.h on Linux.
 *
 * A register access calls the device model that has the address (host.h). An access of a word
 * shared with a device is an atomic one of the order that the verb promises, so that
 * ThreadSanitizer understands a device in a second thread. One hook (host_set_hook) sees each
 * access and may change the word then: so double fetches and races are tested.
 */
#ifndef VIREO_HAL_ARCH_H
#define VIREO_HAL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mappings are kept account of, and may be copies (host.h); but in a file that is compiled with 0.
 */
#ifndef HAL_DMA_MAPS
#define HAL_DMA_MAPS 1
#endif

/* Options are boot arguments. */
#define HAL_OPTION "vireo.%s.%s"

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque: only hal_mmio_map makes one. It is neither a pointer nor the bus address. */
typedef uint64_t hal_mmio_t;

uint32_t host_mmio_read(hal_mmio_t a, unsigned width, bool sync);
void host_mmio_write(hal_mmio_t a, unsigned width, uint32_t v, bool sync);
void host_relax(void);

enum host_event_kind {
    HOST_LOAD,    /* hal_shared_load*: after the load, v is what it gave */
    HOST_STORE,   /* hal_shared_store*: before the store */
    HOST_PUBLISH, /* hal_publish*: before the store */
    HOST_OBSERVE, /* hal_observe*: after the load */
    HOST_CHECK,   /* hal_check*: before the load, v is 0 */
    HOST_CHECKED, /* hal_check*: after the load */
    HOST_READ,    /* hal_read*: addr is the bus address, v the answer */
    HOST_WRITE,   /* hal_write*: before the model sees it */
    HOST_ACK_ORDER,
};

/* True if there is a hook or the log is on. False in tests under ThreadSanitizer. */
extern bool host_events_on;
void host_event(enum host_event_kind kind, const volatile void *word, unsigned width, uint64_t v,
                bool strong);

/* A full barrier that ThreadSanitizer does not take for synchronisation with another thread. */
static inline void host_full_barrier(void)
{
    static __thread unsigned own;
    __atomic_fetch_add(&own, 1, __ATOMIC_SEQ_CST);
}

static inline uint8_t hal_read8(hal_mmio_t a)
{
    return (uint8_t)host_mmio_read(a, 1, false);
}
static inline uint16_t hal_read16(hal_mmio_t a)
{
    return (uint16_t)host_mmio_read(a, 2, false);
}
static inline uint32_t hal_read32(hal_mmio_t a)
{
    return host_mmio_read(a, 4, false);
}
static inline uint32_t hal_read32_sync(hal_mmio_t a)
{
    return host_mmio_read(a, 4, true);
}
static inline uint8_t hal_read8_sync(hal_mmio_t a)
{
    return (uint8_t)host_mmio_read(a, 1, true);
}
static inline void hal_write8(hal_mmio_t a, uint8_t v)
{
    host_mmio_write(a, 1, v, false);
}
static inline void hal_write16(hal_mmio_t a, uint16_t v)
{
    host_mmio_write(a, 2, v, false);
}
static inline void hal_write32(hal_mmio_t a, uint32_t v)
{
    host_mmio_write(a, 4, v, false);
}
static inline void hal_write8_sync(hal_mmio_t a, uint8_t v)
{
    host_mmio_write(a, 1, v, true);
}
static inline void hal_write16_sync(hal_mmio_t a, uint16_t v)
{
    host_mmio_write(a, 2, v, true);
}
static inline void hal_write32_sync(hal_mmio_t a, uint32_t v)
{
    host_mmio_write(a, 4, v, true);
}

static inline void hal_ack_order(void)
{
    if (host_events_on)
        host_event(HOST_ACK_ORDER, NULL, 0, 0, false);
    host_full_barrier();
}

static inline void hal_relax(void)
{
    host_relax();
}

/*
 * The accessors of shared words, for one width each. A macro, as C has no other way to write the
 * same function for three types.
 */
#define HOST_SHARED(bits)                                                                          \
    static inline uint##bits##_t hal_shared_load##bits(const uint##bits##_t *p)                    \
    {                                                                                              \
        uint##bits##_t v = __atomic_load_n(p, __ATOMIC_RELAXED);                                   \
        if (host_events_on)                                                                        \
            host_event(HOST_LOAD, p, (bits) / 8, v, false);                                        \
        return v;                                                                                  \
    }                                                                                              \
    static inline void hal_shared_store##bits(uint##bits##_t *p, uint##bits##_t v)                 \
    {                                                                                              \
        if (host_events_on)                                                                        \
            host_event(HOST_STORE, p, (bits) / 8, v, false);                                       \
        __atomic_store_n(p, v, __ATOMIC_RELAXED);                                                  \
    }
HOST_SHARED(8)
HOST_SHARED(16)
HOST_SHARED(32)
#undef HOST_SHARED

static inline void hal_publish16(uint16_t *p, uint16_t v, bool platform)
{
    if (host_events_on)
        host_event(HOST_PUBLISH, p, 2, v, platform);
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline uint16_t hal_observe16(const uint16_t *p, bool platform)
{
    uint16_t v = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    if (host_events_on)
        host_event(HOST_OBSERVE, p, 2, v, platform);
    return v;
}

#define HOST_CHECKS(bits)                                                                          \
    static inline uint##bits##_t hal_check##bits(const uint##bits##_t *p, bool platform)           \
    {                                                                                              \
        if (host_events_on)                                                                        \
            host_event(HOST_CHECK, p, (bits) / 8, 0, platform);                                    \
        host_full_barrier();                                                                       \
        uint##bits##_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                   \
        if (host_events_on)                                                                        \
            host_event(HOST_CHECKED, p, (bits) / 8, v, platform);                                  \
        return v;                                                                                  \
    }
HOST_CHECKS(16)
HOST_CHECKS(32)
#undef HOST_CHECKS

/* For files of an image: their test supplies these. */
unsigned long arch_irq_save(void);
void arch_irq_restore(unsigned long state);

#ifdef __cplusplus
}
#endif

#endif
