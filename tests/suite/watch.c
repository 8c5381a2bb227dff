/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c - what the driver calls (suite.h), and how its accesses to memory are seen: a compiler
 * with -fsanitize=thread calls __tsan_* before each access; those functions are here, in place of
 * that sanitizer's own. What an access did is looked at before the next one.
 */
#include <string.h>

#include "device.h"
#include "judge.h"
#include "model_ring.h"

#ifndef __has_feature /* clang's way to tell; gcc defines a macro */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define __asan_region_is_poisoned(p, n) ((void)(p), (void)(n), NULL)
#endif

#define ARENA_END (HOST_DMA_BASE + (1ull << 30))
#define SPINS     200 /* looks at the same thing before time passes faster */

static struct {
    const volatile void *word; /* the last access of a ring; NULL: none */
    unsigned width;
    bool store, fenced;
    bool stored;    /* to a ring, since the last barrier for stores */
    bool published; /* likewise, since the last full barrier */
    uint64_t spun_at, spun_value;
    unsigned spins;
} w;

/* ---- rings ----------------------------------------------------------------------------------- */

static struct model_queue *queue_at(const volatile void *p)
{
    uint64_t at = (uintptr_t)p;

    if (at < HOST_DMA_BASE || at >= ARENA_END)
        return NULL;
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        struct model_queue *q = &world.m->queues[i];
        bool split = q->ring == &model_split_ring;

        if (q->ready &&
            (at - q->desc < 16ull * q->num || at - q->driver < (split ? 6 + 2ull * q->num : 4) ||
             at - q->device < (split ? 6 + 8ull * q->num : 4)))
            return q;
    }
    return NULL;
}

__attribute__((no_sanitize("address"))) static uint64_t value_at(const volatile void *p,
                                                                 unsigned width)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < width && i < 8; i++)
        v |= (uint64_t)((const volatile uint8_t *)p)[i] << 8 * i;
    return v;
}

void watch_settle(void)
{
    const volatile void *word = w.word;

    if (!word)
        return;
    w.word = NULL;
    struct model_queue *q = queue_at(word);
    if (!q)
        return;
    if (w.store) {
        order_store(word, w.fenced);
        model_has_more(world.m, q); /* takes notice of what is published now */
        return;
    }
    host_event(w.fenced ? HOST_CHECKED : HOST_LOAD, word, w.width, value_at(word, w.width), false);
}

/* Time passes while the driver looks at the same thing again and again. */
static void spin(uint64_t at, uint64_t value)
{
    w.spins = at == w.spun_at && value == w.spun_value ? w.spins + 1 : 0;
    w.spun_at = at;
    w.spun_value = value;
    world_wait(w.spins > SPINS ? HAL_MS : 100);
}

void suite_load(const volatile void *p, unsigned width)
{
    watch_settle();
    if (!world.m || !queue_at(p))
        return;
    spin((uintptr_t)p, value_at(p, width));
    w.word = p;
    w.width = width <= 8 ? width : 8;
    w.store = false;
    w.fenced = !w.published;
}

void suite_store(const volatile void *p, unsigned width)
{
    watch_settle();
    if (!world.m || !queue_at(p))
        return;
    w.word = p;
    w.width = width;
    w.store = true;
    w.fenced = !w.stored;
    w.stored = w.published = true;
}

void suite_fence(enum suite_fence what)
{
    watch_settle();
    if (what != SUITE_FENCE_LOAD)
        w.stored = false;
    if (what == SUITE_FENCE_FULL)
        w.published = false;
}

/* ---- services -------------------------------------------------------------------------------- */

#define WINDOW 0x0a000000ull

static hal_mmio_t window(void)
{
    static hal_mmio_t at;

    if (!at)
        at = hal_mmio_map(WINDOW, SUITE_WINDOW);
    return at;
}

uint32_t suite_read(unsigned offset, unsigned width)
{
    suite_fence(SUITE_FENCE_FULL);
    uint32_t v = host_mmio_read(window() + offset, width, true);
    spin(offset, v);
    return v;
}

void suite_write(unsigned offset, unsigned width, uint32_t v)
{
    suite_fence(SUITE_FENCE_FULL);
    host_mmio_write(window() + offset, width, v, true);
}

void suite_write_relaxed(unsigned offset, unsigned width, uint32_t v)
{
    watch_settle();
    host_mmio_write(window() + offset, width, v, false);
}

void *suite_alloc(size_t size, size_t align)
{
    uint64_t bus;

    host_dma_identity();
    return hal_dma_alloc(size, align, &bus);
}

void suite_free(void *p, size_t size)
{
    watch_settle();
    hal_dma_free(p, size);
}

uint64_t suite_now_ns(void)
{
    return hal_now_ns();
}

void suite_relax(void)
{
    watch_settle();
    world_wait(10 * HAL_US);
    if (suite_driver.irq && world.m->interrupt_status)
        device_interrupt();
}

/* ---- the compiler's calls -------------------------------------------------------------------- */

/* Memory that is no block, or that the device may write, is not the driver's. */
static void touch(const volatile void *p, size_t size, bool write)
{
    bool owned = host_dma_owned(p, size);

    world_step();
    if (world_in_call() && (write || !owned) && __asan_region_is_poisoned((void *)p, size))
        world_fail("%s() %s %zu bytes of memory that %s", world.calling,
                   write ? "writes to" : "reads", size,
                   owned ? "the device has" : "is not its own, or not any more");
    if (write)
        suite_store(p, (unsigned)size);
    else
        suite_load(p, (unsigned)size);
}

/* Macros: the compiler has one function for each width and kind of access. */
#define TSAN_ACCESS(name, size)                                                                    \
    void __tsan_read##name(void *p);                                                               \
    void __tsan_read##name(void *p)                                                                \
    {                                                                                              \
        touch(p, size, false);                                                                     \
    }                                                                                              \
    void __tsan_write##name(void *p);                                                              \
    void __tsan_write##name(void *p)                                                               \
    {                                                                                              \
        touch(p, size, true);                                                                      \
    }                                                                                              \
    void __tsan_unaligned_read##name(void *p);                                                     \
    void __tsan_unaligned_read##name(void *p)                                                      \
    {                                                                                              \
        touch(p, size, false);                                                                     \
    }                                                                                              \
    void __tsan_unaligned_write##name(void *p);                                                    \
    void __tsan_unaligned_write##name(void *p)                                                     \
    {                                                                                              \
        touch(p, size, true);                                                                      \
    }
TSAN_ACCESS(1, 1)
TSAN_ACCESS(2, 2)
TSAN_ACCESS(4, 4)
TSAN_ACCESS(8, 8)
TSAN_ACCESS(16, 16)

#define TSAN_ATOMIC(bits, type)                                                                    \
    type __tsan_atomic##bits##_load(const volatile void *p, int order);                            \
    type __tsan_atomic##bits##_load(const volatile void *p, int order)                             \
    {                                                                                              \
        (void)order;                                                                               \
        touch(p, sizeof(type), false);                                                             \
        return __atomic_load_n((const volatile type *)p, __ATOMIC_SEQ_CST);                        \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile void *p, type v, int order);                         \
    void __tsan_atomic##bits##_store(volatile void *p, type v, int order)                          \
    {                                                                                              \
        if (order >= __ATOMIC_RELEASE)                                                             \
            suite_fence(SUITE_FENCE_STORE);                                                        \
        touch(p, sizeof(type), true);                                                              \
        __atomic_store_n((volatile type *)p, v, __ATOMIC_SEQ_CST);                                 \
    }
TSAN_ATOMIC(8, unsigned char)
TSAN_ATOMIC(16, unsigned short)
TSAN_ATOMIC(32, unsigned int)
TSAN_ATOMIC(64, unsigned long)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    suite_fence(order == __ATOMIC_SEQ_CST   ? SUITE_FENCE_FULL
                : order == __ATOMIC_ACQUIRE ? SUITE_FENCE_LOAD
                                            : SUITE_FENCE_STORE);
}

void __tsan_read_range(void *p, long size);
void __tsan_read_range(void *p, long size)
{
    touch(p, (size_t)size, false);
}
void __tsan_write_range(void *p, long size);
void __tsan_write_range(void *p, long size)
{
    touch(p, (size_t)size, true);
}
void __tsan_init(void);
void __tsan_init(void)
{
}
void __tsan_func_entry(void *from);
void __tsan_func_entry(void *from)
{
    (void)from;
}
void __tsan_func_exit(void *from);
void __tsan_func_exit(void *from)
{
    (void)from;
}
