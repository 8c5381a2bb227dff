/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_evict.c - which block of the cache makes room: S3-FIFO (J. Yang, Y. Zhang, Z. Qiu, Y. Yue,
 * R. Vinayak: "FIFO Queues are All You Need for Cache Eviction", SOSP 2023). Blocks that were used
 * once leave early, so a reader who goes through the disk once does not push out what is in use.
 *
 * There are two queues. A new block comes into `young`, which has about a tenth of the cache. Who
 * leaves it after two uses or more is kept, in `old`; who leaves it after fewer goes, and a ghost
 * remembers its index. A block whose ghost is there when it is read again is kept at once. A block
 * at the end of `old` goes round once more for each use, three times at most.
 *
 * A use is a call of a caller, not the read ahead; see bcache_used(). Blocks that are not on the
 * disk yet are in neither queue, and come to its front afterwards. A block that is borrowed goes
 * round until it is returned.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_TRIES 64u /* blocks that stay, in one search */

/*
 * Has `young` more than its share? That is a tenth of the cache; or 256 blocks, or a quarter of the
 * cache, if that is more, so that what is read ahead is there until its reader comes.
 */
static bool bcache_young_is_full(const struct bcache *c)
{
    unsigned quarter = c->max_blocks / 4, share = c->max_blocks / 10;
    unsigned least = quarter < 256 ? quarter : 256;
    unsigned young = c->blocks - c->kept, busy = bcache_dirty(c) + bcache_unflushed(c);

    return young > busy && young - busy > (share > least ? share : least);
}

/* The queue whose oldest block is looked at next. */
static struct bcache_link *bcache_next_queue(struct bcache *c)
{
    if (bcache_list_empty(&c->old))
        return &c->young;
    return bcache_list_empty(&c->young) || !bcache_young_is_full(c) ? &c->old : &c->young;
}

static struct bcache_ghost *bcache_ghost_of(const struct bcache *c, uint64_t index)
{
    return &c->ghosts[bcache_bucket_of(c, index)];
}

/* b, at the end of its queue, was used: it stays. */
static void bcache_stay(struct bcache *c, struct bcache_block *b)
{
    bcache_unlink(b);
    if (b->kept) {
        b->uses--;
    } else {
        b->uses = 0;
        b->kept = true;
        c->kept++;
    }
    bcache_insert_after(&c->old, b);
}

/* The oldest block of a queue that is not borrowed. NULL: there is none. */
static struct bcache_block *bcache_not_borrowed(struct bcache_link *queue)
{
    struct bcache_link *at = queue->prev;

    while (at != queue && ((struct bcache_block *)at)->pins)
        at = at->prev;
    return at != queue ? (struct bcache_block *)at : NULL;
}

/*
 * All blocks in the queue whose turn it is are borrowed. It stays its turn while others of its
 * blocks are on their way to the disk: either queue makes room.
 */
static struct bcache_block *bcache_choose_any(struct bcache *c)
{
    struct bcache_block *b = bcache_not_borrowed(&c->young);

    return b ? b : bcache_not_borrowed(&c->old);
}

/* The block that is to go. NULL: there is none. */
static struct bcache_block *bcache_choose(struct bcache *c)
{
    unsigned tries = BCACHE_TRIES, borrowed = c->borrowed;

    for (;;) {
        struct bcache_link *from = bcache_next_queue(c);
        struct bcache_block *b = (struct bcache_block *)from->prev;

        if (bcache_list_empty(from))
            return NULL;
        if (b->pins) {
            if (!borrowed--)
                return bcache_choose_any(c);
            bcache_unlink(b);
            bcache_insert_after(from, b);
        } else if (!tries-- || b->state == BCACHE_EMPTY || b->uses < (b->kept ? 1 : 2)) {
            return b;
        } else {
            bcache_stay(c, b);
        }
    }
}

struct bcache_block *bcache_evict(struct bcache *c)
{
    struct bcache_block *b = bcache_choose(c);

    if (!b)
        return NULL;
    bcache_unlink(b);
    if (!b->kept)
        *bcache_ghost_of(c, b->index) = (struct bcache_ghost){(uint32_t)b->index, c->gone++};
    bcache_not_kept(c, b);
    c->stats.evictions++;
    return b;
}

void bcache_arrived(struct bcache *c, struct bcache_block *b)
{
    const struct bcache_ghost *g = bcache_ghost_of(c, b->index);

    bcache_not_kept(c, b);
    b->uses = 0;
    if (g->index != (uint32_t)b->index || c->gone - g->when > c->max_blocks)
        return;
    b->kept = true;
    c->kept++;
}

void bcache_may_go(struct bcache *c, struct bcache_block *b)
{
    bcache_insert_after(b->kept ? &c->old : &c->young, b);
}

void bcache_not_kept(struct bcache *c, struct bcache_block *b)
{
    c->kept -= b->kept;
    b->kept = false;
    if (c->last_used == b)
        c->last_used = NULL;
}
