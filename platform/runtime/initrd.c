/* SPDX-License-Identifier: BSD-2-Clause */
/* initrd.c - the initial RAM disk that the board found. */
#include "board.h"
#include "vireo/image.h"

const void *vireo_initrd(size_t *len)
{
    const struct board_range *r = &board_info()->initrd;

    *len = (size_t)r->len;
    return r->len ? (const void *)(uintptr_t)r->base : NULL;
}
