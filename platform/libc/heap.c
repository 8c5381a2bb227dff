/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.c - malloc and its kin (C11 7.22.3, POSIX.1-2024, newlib's <malloc.h>), over the blocks of
 * runtime/heap.h. All of newlib's own are here, also those with a struct _reent that newlib itself
 * calls, so that nothing of its malloc is linked.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "runtime.h"

/* The block, or NULL with errno set. */
static void *heap_result(struct _reent *r, void *block)
{
    if (!block)
        r->_errno = ENOMEM;
    return block;
}

void *_malloc_r(struct _reent *r, size_t size)
{
    return heap_result(r, heap_alloc(size));
}

void *_calloc_r(struct _reent *r, size_t count, size_t size)
{
    size_t all;
    void *block = __builtin_mul_overflow(count, size, &all) ? NULL : heap_alloc(all);

    return block ? memset(block, 0, all) : heap_result(r, NULL);
}

void *_realloc_r(struct _reent *r, void *block, size_t size)
{
    return heap_result(r, heap_resize(block, size));
}

void _free_r(struct _reent *r, void *block)
{
    (void)r;
    heap_free(block);
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
    if (align & (align - 1)) {
        r->_errno = EINVAL;
        return NULL;
    }
    return heap_result(r, heap_alloc_aligned(align, size));
}

void *_valloc_r(struct _reent *r, size_t size)
{
    return _memalign_r(r, PAGE_SIZE, size);
}

void *_pvalloc_r(struct _reent *r, size_t size)
{
    if (size > SIZE_MAX - PAGE_SIZE)
        return heap_result(r, NULL);
    return _memalign_r(r, PAGE_SIZE, pages_for(size) * PAGE_SIZE);
}

void *malloc(size_t size)
{
    return _malloc_r(_REENT, size);
}

void *calloc(size_t count, size_t size)
{
    return _calloc_r(_REENT, count, size);
}

void *realloc(void *block, size_t size)
{
    return _realloc_r(_REENT, block, size);
}

void free(void *block)
{
    heap_free(block);
}

void cfree(void *block)
{
    heap_free(block);
}

void *memalign(size_t align, size_t size)
{
    return _memalign_r(_REENT, align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

void *valloc(size_t size)
{
    return _valloc_r(_REENT, size);
}

void *pvalloc(size_t size)
{
    return _pvalloc_r(_REENT, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    void *p = heap_alloc_aligned(align, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

/* ---- about the heap -------------------------------------------------------------------------- */

size_t _malloc_usable_size_r(struct _reent *r, void *block)
{
    (void)r;
    return block ? heap_block_size(block) : 0;
}

size_t malloc_usable_size(void *block)
{
    return _malloc_usable_size_r(NULL, block);
}

struct mallinfo _mallinfo_r(struct _reent *r)
{
    struct heap_info h = heap_info();

    (void)r;
    return (struct mallinfo){.arena = h.total, .uordblks = h.total - h.free, .fordblks = h.free};
}

struct mallinfo mallinfo(void)
{
    return _mallinfo_r(NULL);
}

void _malloc_stats_r(struct _reent *r)
{
    struct heap_info h = heap_info();

    (void)r;
    fprintf(stderr, "malloc: %zu bytes from the machine, %zu in use, %zu free\n", h.total,
            h.total - h.free, h.free);
}

void malloc_stats(void)
{
    _malloc_stats_r(NULL);
}

/* There is nothing to set: 0, "an error", as for an unknown parameter. */
int _mallopt_r(struct _reent *r, int what, int value)
{
    (void)r;
    (void)what;
    (void)value;
    return 0;
}

int mallopt(int what, int value)
{
    return _mallopt_r(NULL, what, value);
}

/* Free memory at the end of a segment goes back at once: nothing is left to give. */
int _malloc_trim_r(struct _reent *r, size_t keep)
{
    (void)r;
    (void)keep;
    return 0;
}

int malloc_trim(size_t keep)
{
    return _malloc_trim_r(NULL, keep);
}
