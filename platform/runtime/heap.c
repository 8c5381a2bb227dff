/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.c - the blocks of malloc (platform/libc/heap.c has malloc itself).
 *
 * The heap is made of segments, pieces of memory of whole pages. A segment is a row of chunks, each
 * used or free, and a chunk of length 0 at its end, the fence, which counts as used. Two free
 * chunks never touch. Free chunks hang in bins by their size: up to 64 units each size has its own
 * bin, above that each power of two has four. The heap takes pages when no free chunk is large
 * enough, and gives pages back when the end of a segment is free.
 *
 * Each free and each change of a length checks the chunk's tags. Debug builds also write a guard
 * behind the bytes that were asked for, and look at it when the block comes back.
 */
#include "heap.h"

#include "hal.h"
#include "runtime.h"

#define WORD         sizeof(size_t)
#define UNIT         (2 * WORD) /* chunks begin at multiples of it */
#define UNIT_SHIFT   (WORD == 8 ? 4u : 3u)
#define USED         ((size_t)1) /* the chunk is */
#define USED_BELOW   ((size_t)2) /* the chunk below is */
#define SIZE_OF(c)   ((c)->head & ~(UNIT - 1))
#define SMALL_BINS   64u
#define BINS         (SMALL_BINS + 38u * 4u) /* enough for RAM_LIMIT of any CPU */
#define BIN_BITS     (8u * (unsigned)sizeof(unsigned long))
#define SCAN_MAX     32u            /* chunks of one bin that are looked at before the next bin */
#define KEEP_FREE    (128u * 1024u) /* fewer free bytes at the end of a segment stay there */
#define GUARD        (HAL_DEBUG_BUILD ? UNIT : 0)
#define GUARD_BYTE   0xa5u
#define FREED_BYTE   0xddu
#define FREED_FILLED 4096u /* bytes of a freed block that debug builds overwrite */

/* A used chunk's block begins at `next` and ends with the `below` of the chunk above. */
struct chunk {
    size_t below;              /* length of the chunk below, if that is free */
    size_t head;               /* length in bytes, USED, USED_BELOW */
    struct chunk *next, *prev; /* of a free chunk: its neighbours in the bin */
};
#define CHUNK_MIN sizeof(struct chunk)

/* The start of a segment. */
struct segment {
    struct segment *next;
    uintptr_t end;
};
_Static_assert(sizeof(struct segment) == UNIT, "the first chunk begins one unit above");

static struct {
    struct segment *segments;
    struct chunk *bin[BINS];
    unsigned long filled[(BINS + BIN_BITS - 1) / BIN_BITS]; /* bins that are not empty */
    size_t total, free;                                     /* bytes */
} heap;

static struct chunk *chunk_above(const struct chunk *c)
{
    return (struct chunk *)((uintptr_t)c + SIZE_OF(c));
}

static struct chunk *chunk_of(const void *block)
{
    return (struct chunk *)((uintptr_t)block - UNIT);
}

static void *chunk_block(struct chunk *c)
{
    return &c->next;
}

/* ---- bins ------------------------------------------------------------------------------------ */

static unsigned heap_bin(size_t len)
{
    if (len < SMALL_BINS * UNIT)
        return (unsigned)(len / UNIT);
    unsigned log = 8 * (unsigned)sizeof(long) - 1 - (unsigned)__builtin_clzl(len);
    return SMALL_BINS + (log - 6 - UNIT_SHIFT) * 4 + (unsigned)(len >> (log - 2) & 3);
}

static void heap_bin_add(struct chunk *c)
{
    size_t len = SIZE_OF(c);
    unsigned n = heap_bin(len);

    c->prev = NULL;
    c->next = heap.bin[n];
    if (c->next)
        c->next->prev = c;
    heap.bin[n] = c;
    heap.filled[n / BIN_BITS] |= 1ul << n % BIN_BITS;
    heap.free += len;
}

static void heap_bin_remove(struct chunk *c)
{
    size_t len = SIZE_OF(c);

    heap.free -= len;
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev) {
        c->prev->next = c->next;
        return;
    }
    unsigned n = heap_bin(len);
    heap.bin[n] = c->next;
    if (!c->next)
        heap.filled[n / BIN_BITS] &= ~(1ul << n % BIN_BITS);
}

/* The first bin from n on that holds a chunk; BINS: none does. */
static unsigned heap_bin_filled(unsigned n)
{
    unsigned word = n / BIN_BITS;

    if (n >= BINS)
        return BINS;
    unsigned long bits = heap.filled[word] & (~0ul << n % BIN_BITS);
    while (!bits) {
        if (++word == sizeof(heap.filled) / sizeof(*heap.filled))
            return BINS;
        bits = heap.filled[word];
    }
    return word * BIN_BITS + (unsigned)__builtin_ctzl(bits);
}

/* A free chunk of at least len bytes, of which `limit` are looked at in len's own bin. Or NULL. */
static struct chunk *heap_find(size_t len, unsigned limit)
{
    unsigned n = heap_bin(len);

    if (n >= BINS)
        return NULL;
    for (struct chunk *c = heap.bin[n]; c && limit; c = c->next, limit--)
        if (SIZE_OF(c) >= len)
            return c;
    n = heap_bin_filled(n + 1);
    return n < BINS ? heap.bin[n] : NULL;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* Makes the unused bytes from c on, which lie between two used chunks, a free chunk. */
static void chunk_set_free(struct chunk *c, size_t len)
{
    struct chunk *above = (struct chunk *)((uintptr_t)c + len);

    c->head = len | USED_BELOW;
    above->below = len;
    above->head &= ~USED_BELOW;
    heap_bin_add(c);
}

/* Joins [c, c + len), whose chunk is no longer used, with free neighbours; the free chunk of all.
 */
static struct chunk *chunk_join(struct chunk *c, size_t len)
{
    struct chunk *above = (struct chunk *)((uintptr_t)c + len);

    if (!(above->head & USED)) {
        heap_bin_remove(above);
        len += SIZE_OF(above);
    }
    if (!(c->head & USED_BELOW)) {
        len += c->below;
        c = (struct chunk *)((uintptr_t)c - c->below);
        heap_bin_remove(c);
    }
    chunk_set_free(c, len);
    return c;
}

/* Cuts a used chunk down to len bytes, if the rest is enough for a chunk. */
static void chunk_cut(struct chunk *c, size_t len)
{
    size_t rest = SIZE_OF(c) - len;
    struct chunk *tail = (struct chunk *)((uintptr_t)c + len);

    if (rest < CHUNK_MIN)
        return;
    c->head -= rest;
    tail->head = rest | USED | USED_BELOW;
    chunk_join(tail, rest);
}

/* Takes a free chunk out of its bin, and cuts it down to len bytes. */
static struct chunk *chunk_take(struct chunk *c, size_t len)
{
    size_t has = SIZE_OF(c);
    struct chunk *above = chunk_above(c);

    heap_bin_remove(c);
    if (has - len < CHUNK_MIN) {
        c->head |= USED;
        above->head |= USED_BELOW;
        return c;
    }
    c->head = len | USED | USED_BELOW;
    chunk_set_free((struct chunk *)((uintptr_t)c + len), has - len);
    return c;
}

/* ---- segments -------------------------------------------------------------------------------- */

static struct chunk *segment_fence(uintptr_t end)
{
    return (struct chunk *)(end - UNIT);
}

/* Makes [p, p + len), whole pages, part of the heap, behind the segment that it touches or alone.
 */
static void heap_add(uintptr_t p, size_t len)
{
    struct segment *s = heap.segments;
    struct chunk *c;

    while (s && s->end != p)
        s = s->next;
    heap.total += len;
    if (s) {
        c = segment_fence(p);
    } else {
        s = (struct segment *)p;
        s->next = heap.segments;
        heap.segments = s;
        c = (struct chunk *)(s + 1);
        c->head = USED_BELOW;
        len -= 2 * UNIT;
    }
    s->end = (uintptr_t)c + len + UNIT;
    segment_fence(s->end)->head = USED | USED_BELOW;
    chunk_join(c, len);
}

/* Takes pages for a chunk of len bytes. False: there are none. */
static bool heap_grow(size_t len)
{
    size_t more = pages_for(len + 2 * UNIT) * PAGE_SIZE;
    void *p = memory_heap_take(more);

    if (p)
        heap_add((uintptr_t)p, more);
    return p != NULL;
}

/*
 * Gives back the pages of c, the free chunk below the fence of a segment: all, if the segment holds
 * nothing else; of a smaller one than KEEP_FREE only then.
 */
static void heap_trim(struct chunk *c)
{
    uintptr_t end = (uintptr_t)chunk_above(c) + UNIT;
    struct segment **link = &heap.segments;

    while ((*link)->end != end)
        link = &(*link)->next;
    struct segment *s = *link;
    if (c != (struct chunk *)(s + 1) && SIZE_OF(c) < KEEP_FREE)
        return;
    uintptr_t cut = ((uintptr_t)c + CHUNK_MIN + UNIT + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    heap_bin_remove(c);
    if (c == (struct chunk *)(s + 1)) {
        *link = s->next;
        cut = (uintptr_t)s;
    } else {
        s->end = cut;
        segment_fence(cut)->head = USED;
        chunk_set_free(c, cut - UNIT - (uintptr_t)c);
    }
    heap.total -= end - cut;
    memory_heap_give((void *)cut, end - cut);
}

/* ---- mistakes of the caller ------------------------------------------------------------------ */

/* Of debug builds: the last word of a chunk's block holds the length that was asked for. */
static size_t *chunk_asked(const struct chunk *c)
{
    return (size_t *)((uintptr_t)chunk_above(c));
}

static void chunk_set_guard(struct chunk *c, size_t asked)
{
    uint8_t *end = (uint8_t *)chunk_asked(c);

    if (!GUARD)
        return;
    *chunk_asked(c) = asked;
    for (uint8_t *p = (uint8_t *)chunk_block(c) + asked; p < end; p++)
        *p = GUARD_BYTE;
}

static void chunk_check_guard(const struct chunk *c)
{
    const uint8_t *end = (const uint8_t *)chunk_asked(c), *block = (const uint8_t *)c + UNIT;
    size_t asked = *chunk_asked(c);

    bool whole = asked <= (size_t)(end - block);
    for (const uint8_t *p = block + asked; whole && p < end; p++)
        whole = *p == GUARD_BYTE;
    if (!whole)
        hal_panic("the block of malloc at %p was written past its end", block);
}

static bool heap_holds(const void *block)
{
    for (const struct segment *s = heap.segments; s; s = s->next)
        if ((uintptr_t)block > (uintptr_t)s && (uintptr_t)block < s->end)
            return true;
    return false;
}

/* The used chunk of a block. Panics if there is none. */
static struct chunk *chunk_check(const void *block, const char *who)
{
    struct chunk *c = chunk_of(block);

    if ((uintptr_t)block % UNIT || (uintptr_t)block < PAGE_SIZE ||
        (HAL_DEBUG_BUILD && !heap_holds(block)))
        hal_panic("%s(%p): malloc gave no such block", who, block);
    if (!(c->head & USED))
        hal_panic("%s(%p): the block is free already, or malloc never gave it", who, block);
    if (SIZE_OF(c) < CHUNK_MIN || SIZE_OF(c) > heap.total ||
        (HAL_DEBUG_BUILD && !heap_holds(chunk_above(c))) || !(chunk_above(c)->head & USED_BELOW))
        hal_panic("%s(%p): malloc gave no such block, or what lies around it was overwritten", who,
                  block);
    if (GUARD)
        chunk_check_guard(c);
    return c;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The length of a chunk for `size` bytes; 0: more than any memory has. */
static size_t chunk_len(size_t size)
{
    if (size > SIZE_MAX / 2)
        return 0;
    size_t len = (size + GUARD + WORD + UNIT - 1) & ~(UNIT - 1);
    return len < CHUNK_MIN ? CHUNK_MIN : len;
}

static struct chunk *heap_take(size_t len)
{
    struct chunk *c = heap_find(len, SCAN_MAX);

    if (!c && heap_grow(len))
        c = heap_find(len, SCAN_MAX);
    if (!c)
        c = heap_find(len, ~0u);
    return c ? chunk_take(c, len) : NULL;
}

void *heap_alloc(size_t size)
{
    size_t len = chunk_len(size);
    struct chunk *c = len ? heap_take(len) : NULL;

    if (!c)
        return NULL;
    chunk_set_guard(c, size);
    return chunk_block(c);
}

void *heap_alloc_aligned(size_t align, size_t size)
{
    size_t len = chunk_len(size);

    if (align <= UNIT)
        return heap_alloc(size);
    if (!len || align > SIZE_MAX / 4)
        return NULL;
    struct chunk *c = heap_take(len + align + CHUNK_MIN);
    if (!c)
        return NULL;
    uintptr_t block = (uintptr_t)chunk_block(c);
    uintptr_t at = (block + align - 1) & ~(uintptr_t)(align - 1);
    if (at != block && at - block < CHUNK_MIN)
        at += align;
    if (at != block) {
        struct chunk *head = c;
        c = chunk_of((void *)at);
        c->head = (SIZE_OF(head) - (at - block)) | USED | USED_BELOW;
        chunk_join(head, at - block);
    }
    chunk_cut(c, len);
    chunk_set_guard(c, size);
    return chunk_block(c);
}

void heap_free(void *block)
{
    if (!block)
        return;
    struct chunk *c = chunk_check(block, "free");
    size_t len = SIZE_OF(c);
    if (HAL_DEBUG_BUILD)
        memset(block, FREED_BYTE, len - UNIT < FREED_FILLED ? len - UNIT : FREED_FILLED);
    c->head &= ~USED; /* also where the chunk becomes the upper part of another */
    c = chunk_join(c, len);
    if (!SIZE_OF(chunk_above(c)) && (SIZE_OF(c) >= KEEP_FREE || heap.segments->next))
        heap_trim(c);
}

/* Makes a used chunk longer, by the free chunk above it. False: that is not enough. */
static bool chunk_stretch(struct chunk *c, size_t len)
{
    struct chunk *above = chunk_above(c);
    size_t has = SIZE_OF(c);

    if (above->head & USED || has + SIZE_OF(above) < len)
        return false;
    heap_bin_remove(above);
    c->head += SIZE_OF(above);
    chunk_above(c)->head |= USED_BELOW;
    return true;
}

void *heap_resize(void *block, size_t size)
{
    if (!block)
        return heap_alloc(size);
    struct chunk *c = chunk_check(block, "realloc");
    size_t len = chunk_len(size), had = heap_block_size(block);
    if (!len)
        return NULL;
    if (SIZE_OF(c) >= len || chunk_stretch(c, len)) {
        chunk_cut(c, len);
        chunk_set_guard(c, size);
        return block;
    }
    void *fresh = heap_alloc(size);
    if (!fresh)
        return NULL;
    memcpy(fresh, block, had < size ? had : size);
    heap_free(block);
    return fresh;
}

size_t heap_block_size(const void *block)
{
    const struct chunk *c = chunk_of(block);

    return GUARD ? *chunk_asked(c) : SIZE_OF(c) - WORD;
}

struct heap_info heap_info(void)
{
    return (struct heap_info){.total = heap.total, .free = heap.free};
}
