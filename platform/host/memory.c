/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c (host) - driver memory, and memory that devices reach: see host.h for the arena.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "asan.h"
#include "host.h"

#define PAGE       4096u
#define ARENA_SIZE (512u << 20)
#define BLOCKS     16384

static struct block {
    uint64_t off; /* of the first byte, in the arena */
    size_t size;
    bool live;
    bool data; /* has no bus address: devices reach it while it is mapped */
} blocks[BLOCKS];
static unsigned block_count;
static uint8_t *arena;
static uint8_t *owned; /* for each byte of the arena: the number of a device's buffers it is in */
static uint64_t arena_used;

static uint64_t alloc_calls;
static int64_t live_blocks;
static int64_t fail_after = -1;
static bool unreachable;
static bool identity;
static bool owners_off;

static bool host_alloc_allowed(const char *what)
{
    if (host_in_handler())
        host_violation("%s in handler context", what);
    alloc_calls++;
    if (fail_after == 0)
        return false;
    if (fail_after > 0)
        fail_after--;
    return true;
}

void *hal_alloc(size_t size)
{
    void *p = host_alloc_allowed("hal_alloc") ? calloc(1, size ? size : 1) : NULL;

    live_blocks += p != NULL;
    return p;
}

void hal_free(void *p)
{
    if (host_in_handler())
        host_violation("hal_free in handler context");
    live_blocks -= p != NULL;
    if (p)
        host_dma_check_free(p, 1);
    free(p);
}

void host_dma_identity(void)
{
    identity = true;
}

static void host_arena_create(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (identity ? MAP_FIXED_NOREPLACE : 0);
    void *at = identity ? (void *)(uintptr_t)HOST_DMA_BASE : NULL;

    arena = mmap(at, ARENA_SIZE, PROT_NONE, flags, -1, 0);
    owned = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED || owned == MAP_FAILED) {
        perror("DMA arena");
        abort();
    }
    LSAN_ROOT(arena, ARENA_SIZE);
}

void host_memory_reset(void)
{
    if (!arena)
        host_arena_create();
    if (arena_used) {
        ASAN_UNPOISON_MEMORY_REGION(arena, arena_used);
        madvise(arena, arena_used, MADV_DONTNEED);
        mprotect(arena, arena_used, PROT_NONE);
        madvise(owned, arena_used, MADV_DONTNEED);
    }
    host_dma_forget();
    arena_used = 0;
    block_count = 0;
    live_blocks = 0;
}

void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma)
{
    uint64_t pages = ((uint64_t)size + PAGE - 1) / PAGE * PAGE;

    if (size == 0 || align == 0 || (align & (align - 1)) || align > 16 * PAGE)
        host_violation("hal_dma_alloc(%zu, %zu)", size, align);
    if (!host_alloc_allowed("hal_dma_alloc"))
        return NULL;
    if (!arena)
        host_arena_create();
    if (block_count == BLOCKS || arena_used + pages + 2 * PAGE + align > ARENA_SIZE)
        return NULL;
    /* At the end of its pages, as near to the guard page as the alignment lets it. */
    uint64_t first = arena_used + PAGE;
    if (align > PAGE)
        first = (first + align - 1) / align * align;
    uint64_t off = first + (pages - size) / align * align;
    arena_used = first + pages;
    if (mprotect(arena + first, pages, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    ASAN_POISON_MEMORY_REGION(arena + first, pages);
    ASAN_UNPOISON_MEMORY_REGION(arena + off, size);
    blocks[block_count++] = (struct block){off, size, true, !dma};
    live_blocks++;
    if (dma)
        *dma = HOST_DMA_BASE + off;
    return arena + off;
}

void hal_dma_free(void *p, size_t size)
{
    if (host_in_handler())
        host_violation("hal_dma_free in handler context");
    if (!p)
        return;
    for (unsigned i = 0; i < block_count; i++) {
        struct block *b = &blocks[i];
        if (!b->live || arena + b->off != p)
            continue;
        if (b->size != size)
            host_violation("hal_dma_free of %zu bytes, allocated %zu", size, b->size);
        host_dma_check_free(p, size);
        b->live = false;
        live_blocks--;
        uint64_t page = b->off / PAGE * PAGE;
        mprotect(arena + page, (b->size + PAGE - 1) / PAGE * PAGE, PROT_NONE);
        return;
    }
    host_violation("hal_dma_free of %p, which is no block", p);
}

uint64_t hal_dma_addr(const void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p, base = (uintptr_t)arena;

    if (unreachable || !p)
        return HAL_DMA_NONE;
    if (!arena || at < base || at >= base + ARENA_SIZE)
        return at;
    return host_dma_is_block(HOST_DMA_BASE + (at - base), len) ? HOST_DMA_BASE + (at - base)
                                                               : HAL_DMA_NONE;
}

bool host_dma_is_block(uint64_t bus, size_t len)
{
    for (unsigned i = 0; i < block_count; i++) {
        uint64_t start = HOST_DMA_BASE + blocks[i].off;
        if (blocks[i].live && bus >= start && len <= blocks[i].size &&
            bus - start <= blocks[i].size - len)
            return true;
    }
    return false;
}

/* Is that memory of a block that devices reach without a mapping? */
static bool host_dma_is_shared(uint64_t bus)
{
    for (unsigned i = 0; i < block_count; i++)
        if (blocks[i].live && bus - HOST_DMA_BASE - blocks[i].off < blocks[i].size)
            return !blocks[i].data;
    return false;
}

/* The memory at [bus, bus+len), if the device may access it in that direction. */
static void *host_dma_reach(uint64_t bus, size_t len, enum hal_dma_direction direction)
{
    void *copy = host_dma_copy_at(bus);
    bool in_arena = bus >= HOST_DMA_BASE && bus < HOST_DMA_BASE + ARENA_SIZE;

    if (in_arena && !host_dma_is_block(bus, len))
        return NULL;
    if (in_arena && (owners_off || host_dma_is_shared(bus)))
        return arena + (bus - HOST_DMA_BASE);
    if (identity && !in_arena && !owners_off)
        return bus >= PAGE && bus >> 47 == 0 ? (void *)(uintptr_t)bus : NULL;
    if (!host_dma_is_mapped(bus, len, direction) || (owners_off && !copy))
        return NULL;
    /* Heap, stack or data otherwise; AddressSanitizer checks that it is such. */
    return copy ? copy : in_arena ? arena + (bus - HOST_DMA_BASE) : (void *)(uintptr_t)bus;
}

void *host_dma_pointer(uint64_t bus, size_t len)
{
    return host_dma_reach(bus, len, HAL_DMA_BOTH);
}

/* Counts buffers of a device in the arena. Several may share memory that the device reads. */
static void host_dma_mark(uint64_t bus, size_t len, int change)
{
    if (bus < HOST_DMA_BASE || bus >= HOST_DMA_BASE + ARENA_SIZE)
        return;
    for (uint8_t *at = owned + (bus - HOST_DMA_BASE), *end = at + len; at < end; at++)
        *at = (uint8_t)(*at + change);
}

bool host_dma_owned(const volatile void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p - (uintptr_t)arena;

    if (!arena || at >= ARENA_SIZE)
        return false;
    for (size_t i = 0; i < len && at + i < ARENA_SIZE; i++)
        if (owned[at + i])
            return true;
    return false;
}

void host_dma_ownership(bool on)
{
    owners_off = !on;
}

void host_dma_own(uint64_t bus, size_t len)
{
    void *p = owners_off || host_dma_copy_at(bus) ? NULL : host_dma_pointer(bus, len);

    if (!p)
        return;
    ASAN_POISON_MEMORY_REGION(p, len);
    host_dma_mark(bus, len, 1);
}

void host_dma_return(uint64_t bus, size_t len)
{
    void *p = host_dma_pointer(bus, len);

    /* The driver may have ended a mapping before a device that is gone gives the memory back. */
    if (!p && host_dma_is_block(bus, len))
        p = arena + (bus - HOST_DMA_BASE);
    if (owners_off || !p || host_dma_copy_at(bus))
        return;
    ASAN_UNPOISON_MEMORY_REGION(p, len);
    host_dma_mark(bus, len, -1);
}

/* A device's access is no access of the program: it is not judged by AddressSanitizer. */
__attribute__((no_sanitize("address"))) static void
host_raw_copy(volatile uint8_t *to, const volatile uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i];
}

/* host_dma_reach(); a violation if the device cannot. */
static void *host_dma_access(uint64_t bus, size_t len, enum hal_dma_direction direction)
{
    void *p = host_dma_reach(bus, len, direction);

    if (!p && !owners_off && len)
        host_violation("the device %s %zu bytes at %#llx, which are not mapped for that",
                       direction == HAL_DMA_TO_DEVICE ? "reads" : "writes", len,
                       (unsigned long long)bus);
    return p;
}

bool host_dma_read(uint64_t bus, void *buf, size_t len)
{
    void *p = host_dma_access(bus, len, HAL_DMA_TO_DEVICE);

    if (p)
        host_raw_copy(buf, p, len);
    return p != NULL;
}

bool host_dma_write(uint64_t bus, const void *buf, size_t len)
{
    void *p = host_dma_access(bus, len, HAL_DMA_FROM_DEVICE);

    if (p)
        host_raw_copy(p, buf, len);
    return p != NULL;
}

uint64_t host_allocs(void)
{
    return alloc_calls;
}

int64_t host_live_blocks(void)
{
    return live_blocks;
}

void host_fail_alloc_after(int64_t n)
{
    fail_after = n;
}

void host_dma_unreachable(bool on)
{
    unreachable = on;
}

bool host_is_unreachable(void)
{
    return unreachable;
}
