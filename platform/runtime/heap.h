/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.h - blocks of any size for platform/libc/heap.c, which makes malloc of them, and the pages
 * below them. Nothing parks; handlers call none of it. A block that is not the caller's (freed
 * twice, never given, written past its end) ends the image with a panic where that is noticed: by
 * the tags around a block in any build, by a guard behind its bytes in a debug build.
 */
#ifndef VIREO_HEAP_H
#define VIREO_HEAP_H

#include <stddef.h>

/*
 * `size` bytes, not cleared, which are the caller's until heap_free(). Aligned to 16 (on 32-bit
 * machines 8), or to `align`, a power of two. NULL: out of memory.
 */
void *heap_alloc(size_t size);
void *heap_alloc_aligned(size_t align, size_t size);
void heap_free(void *block); /* NULL: nothing happens */

/*
 * Changes the size of a block, and may move it; what fits of its content stays. NULL: out of
 * memory, and the block is as it was. block NULL: as heap_alloc().
 */
void *heap_resize(void *block, size_t size);

/* Bytes that the block's owner may use: `size`, or some more. */
size_t heap_block_size(const void *block);

/* Bytes that the heap holds, and those of them in no block. */
struct heap_info {
    size_t total, free;
};
struct heap_info heap_info(void);

#endif
