/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - all RAM that the image does not occupy: pages, malloc's arena, device memory.
 *
 * The largest free range is the arena: malloc's heap grows from its bottom, and pages are cut from
 * its top once the smaller ranges are used up. When the two meet, or the heap wants more than is
 * left, the largest of the other ranges becomes the arena, and the rest of the old one is a range
 * like others. Setting up writes one head per free range, so it takes as long for 8 GiB as for
 * 5 MiB.
 */
#include <stdlib.h>

#include "board.h"
#include "hal.h"
#include "runs.h"
#include "runtime.h"
#include "vireo/image.h"

#define DMA_GRANULE 64ul /* bytes of a cache line: two blocks never share a line */

static const struct board_info *board;
static struct runs pages = {.granule = PAGE_SIZE};
static struct runs dma_pool = {.granule = DMA_GRANULE};
static uint64_t pages_out;  /* bytes handed out as pages */
static uint64_t pages_lent; /* bytes of pages_out that the host has */
static uint64_t heap_bytes; /* of whole pages, in this arena and in former ones */

/* The heap has [start, brk); [brk, end) is free, for the heap from below and pages from above. */
static struct {
    uintptr_t start, brk, end;
} arena;

static uintptr_t memory_round_up(uintptr_t v, uintptr_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

/* Adds free RAM, whole pages: the largest range is the arena, all others go to `pages`. */
static void memory_add_range(uint64_t low, uint64_t high)
{
    low = (low + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    high &= ~(uint64_t)(PAGE_SIZE - 1);
    if (low == 0)
        low = PAGE_SIZE; /* page 0 is not mapped */
    if (high > UINTPTR_MAX)
        high = UINTPTR_MAX & ~(PAGE_SIZE - 1);
    if (low >= high)
        return;
    if (high - low > arena.end - arena.start) {
        uintptr_t old = arena.start, old_end = arena.end;
        arena.start = arena.brk = (uintptr_t)low;
        arena.end = (uintptr_t)high;
        if (old_end == old)
            return;
        low = old;
        high = old_end;
    }
    runs_give(&pages, (void *)(uintptr_t)low, (size_t)(high - low));
}

/* The lowest reserved range that overlaps [low, high), or NULL. */
static const struct board_range *memory_first_reserved(uint64_t low, uint64_t high)
{
    const struct board_range *first = NULL;

    for (unsigned i = 0; i < board->reserved_count; i++) {
        const struct board_range *r = &board->reserved[i];
        if (r->len && r->base < high && r->base + r->len > low && (!first || r->base < first->base))
            first = r;
    }
    return first;
}

void memory_init(const struct board_info *info)
{
    board = info;
    for (unsigned i = 0; i < info->ram_count; i++) {
        uint64_t low = info->ram[i].base, high = low + info->ram[i].len;
        const struct board_range *r;
        while (low < high && (r = memory_first_reserved(low, high)) != NULL) {
            if (r->base > low)
                memory_add_range(low, r->base);
            low = r->base + r->len;
        }
        if (low < high)
            memory_add_range(low, high);
    }
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void *arena_take(size_t len, size_t align)
{
    if (arena.end - arena.brk < len)
        return NULL;
    uintptr_t at = (arena.end - len) & ~(uintptr_t)(align - 1);
    if (at < arena.brk)
        return NULL;
    size_t above = arena.end - (at + len);
    arena.end = at;
    if (above)
        runs_give(&pages, (void *)(at + len), above);
    return (void *)at;
}

void *page_take(size_t n, size_t align)
{
    size_t len = n * PAGE_SIZE;

    if (n == 0 || n > SIZE_MAX / PAGE_SIZE)
        return NULL;
    if (align < PAGE_SIZE)
        align = PAGE_SIZE;
    void *p = runs_take(&pages, len, align);
    if (!p)
        p = arena_take(len, align);
    if (p)
        pages_out += len;
    return p;
}

void *page_alloc(size_t n)
{
    void *p = page_take(n, PAGE_SIZE);

    if (p)
        memset(p, 0, n * PAGE_SIZE);
    return p;
}

/* Panics if p lies in the arena or in a free page: then the caller does not own it. */
static void memory_check_owned(const void *p)
{
    uintptr_t at = (uintptr_t)p;

    if ((at >= arena.start && at < arena.end) || runs_hold(&pages, p))
        hal_panic("memory at %p was freed, but is not in use", p);
}

/* What then touches the arena's end is the arena's. */
static void pages_give(void *p, size_t len)
{
    struct run *run = runs_give(&pages, p, len);

    if ((uintptr_t)run != arena.end)
        return;
    arena.end += run->len;
    runs_cut(&pages, run, run, run->len);
}

void page_free(void *p, size_t n)
{
    size_t len = n * PAGE_SIZE;

    if (!p || !n)
        return;
    memory_check_owned(p);
    pages_out -= len;
    pages_give(p, len);
}

/* ---- malloc's heap --------------------------------------------------------------------------- */

/* Makes the largest of the other ranges the arena. False: it has fewer than len bytes. */
static bool arena_next(size_t len)
{
    struct run *largest = pages.first;

    for (struct run *run = largest; run; run = run->next)
        if (run->len > largest->len)
            largest = run;
    if (!largest || largest->len < len)
        return false;
    uintptr_t start = (uintptr_t)largest, end = start + largest->len;
    runs_cut(&pages, largest, largest, largest->len);
    if (arena.brk < arena.end)
        runs_give(&pages, (void *)arena.brk, arena.end - arena.brk);
    arena.start = arena.brk = start;
    arena.end = end;
    return true;
}

void *memory_heap_take(size_t len)
{
    if (arena.end - arena.brk < len && !arena_next(len))
        return NULL;
    void *p = (void *)arena.brk;
    arena.brk += len;
    heap_bytes += len;
    return p;
}

void memory_heap_give(void *p, size_t len)
{
    heap_bytes -= len;
    if ((uintptr_t)p + len == arena.brk)
        arena.brk = (uintptr_t)p;
    else
        pages_give(p, len);
}

void *hal_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void hal_free(void *p)
{
    free(p);
}

/* ---- device memory --------------------------------------------------------------------------- */

void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma)
{
    if (size == 0 || size > SIZE_MAX / 2 || align > SIZE_MAX / 2 || (align & (align - 1)))
        return NULL;
    size_t len = memory_round_up(size, DMA_GRANULE);
    void *p = runs_take(&dma_pool, len, align);
    if (!p) {
        size_t n = pages_for(len);
        void *fresh = page_take(n, align);
        if (!fresh)
            return NULL;
        runs_give(&dma_pool, fresh, n * PAGE_SIZE);
        p = runs_take(&dma_pool, len, align);
    }
    memset(p, 0, len);
    *dma = (uintptr_t)p;
    return p;
}

void hal_dma_free(void *p, size_t size)
{
    if (!p)
        return;
    memory_check_owned(p);
    struct run *run = runs_give(&dma_pool, p, memory_round_up(size, DMA_GRANULE));
    uintptr_t low = memory_round_up((uintptr_t)run, PAGE_SIZE);
    uintptr_t high = ((uintptr_t)run + run->len) & ~(PAGE_SIZE - 1);
    if (low < high) {
        runs_cut(&dma_pool, run, (void *)low, high - low);
        page_free((void *)low, (high - low) / PAGE_SIZE);
    }
}

#ifdef HAL_DMA_NEAR
struct hal_dma_range hal_dma_range;
#endif

/* hal_dma_near() knows this range from now on. */
static void memory_note_near(uint64_t base, uint64_t len)
{
#ifdef HAL_DMA_NEAR
    hal_dma_range = (struct hal_dma_range){base, len};
#else
    (void)base;
    (void)len;
#endif
}

/* None in the first page, as NULL points there. */
uint64_t hal_dma_addr(const void *p, size_t len)
{
    uint64_t at = (uintptr_t)p;

    for (unsigned i = 0; i < board->ram_count; i++) {
        uint64_t base = board->ram[i].base, end = base + board->ram[i].len;
        if (base < PAGE_SIZE)
            base = PAGE_SIZE;
        if (at >= base && at < end && len <= end - at) {
            memory_note_near(base, end - base);
            return at;
        }
    }
    return HAL_DMA_NONE;
}

/* ---- pages lent to the host ------------------------------------------------------------------ */

uint64_t hal_page_lend(void)
{
    void *p = page_take(1, PAGE_SIZE);

    if (!p)
        return HAL_DMA_NONE;
    pages_lent += PAGE_SIZE;
    return (uintptr_t)p;
}

void hal_page_return(uint64_t page)
{
    pages_lent -= PAGE_SIZE;
    page_free((void *)(uintptr_t)page, 1);
}

/* ---- accounts -------------------------------------------------------------------------------- */

void vireo_memory(struct memory_info *out)
{
    *out = (struct memory_info){.pages_used = pages_out - pages_lent,
                                .lent = pages_lent,
                                .heap_used = heap_bytes,
                                .free = pages.total + (arena.end - arena.brk)};
    for (unsigned i = 0; i < board->ram_count; i++)
        out->total += board->ram[i].len;
    for (unsigned i = 0; i < board->reserved_count; i++)
        out->image += board->reserved[i].len;
    out->image -= board->initrd.len;
}

void hal_memory(struct hal_memory *out)
{
    struct memory_info info;

    vireo_memory(&info);
    *out = (struct hal_memory){info.total, info.free};
}
