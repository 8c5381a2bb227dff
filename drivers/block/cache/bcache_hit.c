/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_hit.c - the short way of a reader: a block that is in the cache. It has no meaning of its
 * own: what it does not find, bcache_get() does. Compiled to be fast, unlike the rest of the cache.
 */
#include "block/cache/bcache_impl.h"

/* The block that holds the len bytes at `at`, if the cache has it whole. Else NULL. */
static inline struct bcache_block *bcache_holding(struct bcache *c, uint64_t at, size_t len)
{
    uint32_t off = (uint32_t)at & (c->block_size - 1);

    return len <= c->block_size - off ? bcache_hit(c, at >> c->block_shift) : NULL;
}

static inline const void *bcache_byte(const struct bcache *c, const struct bcache_block *b,
                                      uint64_t at)
{
    return b->data + ((uint32_t)at & (c->block_size - 1));
}

const void *bcache_look(struct bcache *c, uint64_t at, size_t len)
{
    const struct bcache_block *b = bcache_holding(c, at, len);

    if (!b)
        return NULL;
    c->stats.hits++;
    return bcache_byte(c, b, at);
}

const void *bcache_lend(struct bcache *c, uint64_t at, size_t len, struct bcache_block **out)
{
    struct bcache_block *b = bcache_holding(c, at, len);

    if (!b || bcache_pin(c, b))
        return NULL;
    c->stats.hits++;
    *out = b;
    return bcache_byte(c, b, at);
}
