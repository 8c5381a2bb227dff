/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tls.c - the block of a task's thread-local variables (__thread, _Thread_local), as the ABIs of
 * both CPUs lay it out (ELF Handling For Thread-Local Storage, section 3, variant I): the thread
 * pointer points to two words that are not used here; behind them, aligned, lie the variables. Code
 * of an image's own rooms has none.
 */
#include <stdint.h>
#include <string.h>

#include "runtime.h"

#define TLS_HEAD (2 * sizeof(void *)) /* the two words */

/* Set by the linker script: initial values and their end, the end of all, start + alignment. */
extern char __tls_start[], __tls_data_end[], __tls_end[], __tls_aligned[];

static size_t tls_size(void)
{
    return (uintptr_t)__tls_end - (uintptr_t)__tls_start;
}

/* At least that of the two words: the stack below them is aligned, too. */
static size_t tls_align(void)
{
    size_t align = (uintptr_t)__tls_aligned - (uintptr_t)__tls_start;

    return align < TLS_HEAD ? TLS_HEAD : align;
}

size_t tls_room(void)
{
    return tls_size() ? 2 * tls_align() + tls_size() : 0;
}

void *tls_make(char *end)
{
    size_t align = tls_align(), data = (uintptr_t)__tls_data_end - (uintptr_t)__tls_start;

    if (!tls_size())
        return end;
    char *block = (char *)(((uintptr_t)end - tls_size()) & ~(uintptr_t)(align - 1));
    memcpy(block, __tls_start, data);
    memset(block + data, 0, tls_size() - data);
    return block - align;
}
