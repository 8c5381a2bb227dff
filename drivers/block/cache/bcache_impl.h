/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_impl.h - the inside of the block cache: bcache.c finds blocks and room for them,
 * bcache_read.c fills them, bcache_write.c gets them to the disk.
 */
#ifndef VIREO_BCACHE_IMPL_H
#define VIREO_BCACHE_IMPL_H

#include "block/cache/bcache.h"

enum bcache_state {
    BCACHE_FREE,   /* on free; of no disk block */
    BCACHE_EMPTY,  /* on lru; has a place, no data */
    BCACHE_FAILED, /* on lru; could not be read, and somebody is to be told */
    BCACHE_READING,
    BCACHE_CLEAN, /* on lru unless borrowed */
    BCACHE_DIRTY, /* on dirty or outgoing */
    BCACHE_WRITING,
    BCACHE_UNFLUSHED, /* on unflushed or flushing */
    BCACHE_ORPHAN,    /* borrowed, and replaced by a newer block meanwhile */
    BCACHE_LOST       /* a dead device may still reach it: never used again */
};

struct bcache_link {
    struct bcache_link *prev, *next;
};

struct bcache_block {
    struct bcache_link link; /* first: one is the other */
    struct bcache_block *hash_next;
    struct bcache_block *chain; /* the next one of the same request */
    struct bcache_wait *waiters;
    uint64_t index;
    uint8_t *data;
    uint32_t len; /* the part that is on the disk */
    uint16_t pins;
    uint8_t state;
    bool alone; /* a request that it was part of has failed: the next is for it alone */
};

#define BCACHE_IO_SEGS       32u
#define BCACHE_IO_BLOCKS     64u
#define BCACHE_IOS           32u
#define BCACHE_IOS_FOR_READS 8u

/* One request to the device. */
struct bcache_io {
    struct block_request req;
    struct bcache *cache;
    struct bcache_block *first, *last;
    struct bcache_io *next; /* free ones */
    unsigned count;
    struct block_seg segs[BCACHE_IO_SEGS];
};

struct bcache {
    struct hal_service service; /* first: one is the other */
    struct bcache *next;
    struct block_device *dev;
    uint32_t block_size;
    unsigned block_shift;
    unsigned blocks, max_blocks;
    struct bcache_block **hash;
    size_t hash_mask;

    struct bcache_link free, lru;           /* lru: most recent first */
    struct bcache_link dirty, outgoing;     /* outgoing: sorted, of the round that is under way */
    struct bcache_link unflushed, flushing; /* oldest first */
    unsigned dirty_count;                   /* dirty, outgoing and being written */
    unsigned unflushed_count;
    unsigned writing; /* blocks */
    unsigned borrowed;
    unsigned plugs; /* block_plugs() when the clean blocks were read */

    struct bcache_io *ios, *free_ios;
    unsigned free_io_count;
    struct bcache_wait *room_waiters;

    /* write-out happens in rounds: what was dirty when one began is written when it ends */
    bool round_active;
    bool round_failed; /* the last one did, or this one does: only who waits for one begins one */
    uint64_t round, round_done;
    bool flush_out, unflushed_writes; /* the device may hold writes that no flush covers */
    uint64_t flush, flush_done;
    unsigned stale_flushes; /* in a row that found the device reset */
    struct block_request flush_request;
    struct bcache_sync *syncs;
    uint64_t errors;
    struct bcache_stats stats;
};

/* ---- lists ----------------------------------------------------------------------------------- */

static inline void bcache_list_init(struct bcache_link *l)
{
    l->prev = l->next = l;
}

static inline bool bcache_list_empty(const struct bcache_link *l)
{
    return l->next == l;
}

static inline void bcache_insert_after(struct bcache_link *at, struct bcache_block *b)
{
    b->link.prev = at;
    b->link.next = at->next;
    at->next->prev = &b->link;
    at->next = &b->link;
}

static inline void bcache_append(struct bcache_link *l, struct bcache_block *b)
{
    bcache_insert_after(l->prev, b);
}

/* Of no list: a second removal does no harm. */
static inline void bcache_unlink(struct bcache_block *b)
{
    b->link.prev->next = b->link.next;
    b->link.next->prev = b->link.prev;
    bcache_list_init(&b->link);
}

static inline struct bcache_block *bcache_first(struct bcache_link *l)
{
    return bcache_list_empty(l) ? NULL : (struct bcache_block *)l->next;
}

/* ---- bcache.c -------------------------------------------------------------------------------- */

/* Blocks on the disk now, and how many bytes of one there are. */
uint64_t bcache_disk_blocks(const struct bcache *c);
uint32_t bcache_disk_len(const struct bcache *c, uint64_t index);

struct bcache_block *bcache_find(const struct bcache *c, uint64_t index);
/* A block for `index`, of no list, state EMPTY, in the hash; NULL: no room now. */
struct bcache_block *bcache_take(struct bcache *c, uint64_t index);
/* A block of no list and no disk block; NULL: no room now. */
struct bcache_block *bcache_take_any(struct bcache *c);
/* The disk's block is `b` from here on; `old`, which is of no list then, has no place any more. */
void bcache_move(struct bcache *c, struct bcache_block *old, struct bcache_block *b);
/* Its state is final: it goes where blocks of that state go. */
void bcache_settle_clean(struct bcache *c, struct bcache_block *b);
void bcache_settle_empty(struct bcache *c, struct bcache_block *b, bool failed);
void bcache_settle_lost(struct bcache *c, struct bcache_block *b);

void bcache_wake_block(struct bcache_block *b);
void bcache_wake_room(struct bcache *c);

struct bcache_io *bcache_io_get(struct bcache *c, enum block_op op);
void bcache_io_put(struct bcache_io *io);
bool bcache_io_full(const struct bcache_io *io, const struct bcache_block *b);
void bcache_io_add(struct bcache_io *io, struct bcache_block *b);
void bcache_io_submit(struct bcache_io *io);

/* ---- bcache_read.c --------------------------------------------------------------------------- */

/*
 * Starts to read those of [index, index + count) that are not there, and adds how many to *started.
 * Returns whether block `index` is there or on its way.
 */
bool bcache_read(struct bcache *c, uint64_t index, uint64_t count, uint64_t *started);
void bcache_read_done(struct bcache_io *io);

/* ---- bcache_write.c -------------------------------------------------------------------------- */

/* Are there as many blocks that the disk does not hold for sure as may be? */
static inline bool bcache_crowded(const struct bcache *c)
{
    return c->dirty_count + c->unflushed_count >= c->max_blocks - c->max_blocks / 4;
}

static inline bool bcache_too_dirty(const struct bcache *c)
{
    return c->dirty_count >= c->max_blocks / 2 || bcache_crowded(c);
}

void bcache_mark_dirty(struct bcache *c, struct bcache_block *b);
/* Begins a round if there is something to write and none is under way. */
void bcache_start_round(struct bcache *c);
/* Begins a flush if blocks wait for one and none is out. */
void bcache_start_flush(struct bcache *c);
void bcache_write_more(struct bcache *c);
void bcache_write_done(struct bcache_io *io);
bool bcache_run(struct hal_service *s);

#endif
