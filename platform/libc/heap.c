/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.c - the functions below and beside newlib's malloc. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime.h"

void *_sbrk(ptrdiff_t delta);

void *_sbrk(ptrdiff_t delta)
{
    void *old = arena_move(delta);

    if (old)
        return old;
    errno = ENOMEM;
    return (void *)-1;
}

int posix_memalign(void **out, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    void *p = memalign(align, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
