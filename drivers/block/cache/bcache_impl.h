/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_impl.h - the inside of the block cache: bcache.c finds blocks and room for them,
 * bcache_evict.c says which block makes room, bcache_read.c fills them, bcache_write.c gets them to
 * the disk, bcache_range.c zeroes ranges and lets go of them, bcache_io.c has the requests.
 * Everything is for task context, and nothing parks.
 */
#ifndef VIREO_BCACHE_IMPL_H
#define VIREO_BCACHE_IMPL_H

#include "block/cache/bcache.h"

/*
 * The state of a block says which list holds it. Only bcache_set_state() changes it, as the table
 * bcache_next_states in bcache.c allows.
 */
enum bcache_state {
    BCACHE_FREE,      /* of no disk block. On `free` */
    BCACHE_EMPTY,     /* of a disk block, without its data. On `young`, or about to be filled */
    BCACHE_READING,   /* with the device. On no list. What follows has data */
    BCACHE_CLEAN,     /* as on the disk. On `young` or `old`, also while borrowed */
    BCACHE_DIRTY,     /* newer than the disk. On `dirty` or `outgoing` */
    BCACHE_WRITING,   /* with the device. On no list */
    BCACHE_UNFLUSHED, /* written, and no flush covers it. On `unflushed` or `flushing` */
    BCACHE_ORPHAN,    /* borrowed, and another block has its place in the hash. On no list */
    BCACHE_LOST,      /* the device may use the memory for ever: never used again. On no list */
    BCACHE_STATES
};

struct bcache_link {
    struct bcache_link *prev, *next;
};

struct bcache_block {
    struct bcache_link link; /* first: a link is cast to its block */
    struct bcache_block *hash_next;
    struct bcache_block *chain; /* the next block of the same request */
    struct bcache_wait *waiters;
    uint64_t index; /* of the block on the disk */
    uint8_t *data;  /* block_size bytes */
    uint32_t len;   /* bytes that are on the disk: fewer at the disk's end */
    uint16_t pins;  /* times that it is borrowed */
    uint8_t state;  /* enum bcache_state */
    uint8_t uses;   /* since it came into its list, 3 at most (bcache_evict.c) */
    bool kept;      /* belongs to `old`, else to `young` */
    bool alone;     /* a request for it and others has failed: the next is for it alone */
};

/* A block that was evicted from `young`. */
struct bcache_ghost {
    uint32_t index; /* its low bits */
    uint32_t when;  /* `gone` at that time */
};

#define BCACHE_IO_SEGS       32u /* segments of a request */
#define BCACHE_IO_BLOCKS     64u /* blocks of a request */
#define BCACHE_IOS           32u /* requests of a cache */
#define BCACHE_IOS_FOR_READS 8u  /* requests that are kept for reads */

/* A request to the device, for neighbouring blocks. */
struct bcache_io {
    struct block_request req;
    struct bcache *cache;
    struct bcache_block *first, *last; /* linked by chain */
    struct bcache_io *next;            /* of free_ios */
    unsigned count;                    /* blocks */
    struct block_seg segs[BCACHE_IO_SEGS];
};

struct bcache {
    struct hal_service service; /* first: a service is cast to its cache */
    struct bcache *next;
    struct block_device *dev;
    uint32_t block_size; /* bytes, 1 << block_shift */
    unsigned block_shift;
    unsigned blocks, max_blocks; /* allocated blocks without the LOST ones; their limit */
    struct bcache_block **hash;  /* blocks of a disk block, by index */
    unsigned hash_shift;         /* 32 less the bits of the number of buckets */

    /* what the device was when it was looked at last */
    const unsigned *changes; /* block_changes(), and its value */
    unsigned changes_seen;
    uint64_t whole_blocks; /* blocks of the disk that end before its end */

    struct bcache_link free;
    struct bcache_link young, old;    /* blocks that may go, the newest first (bcache_evict.c) */
    unsigned kept;                    /* blocks with that flag */
    struct bcache_block *last_used;   /* the block that a caller got last */
    struct bcache_ghost *ghosts;      /* as many as buckets */
    uint32_t gone;                    /* blocks that were evicted from `young` */
    struct bcache_link dirty;         /* oldest first */
    struct bcache_link outgoing;      /* of the round under way, by index */
    struct bcache_link unflushed;     /* oldest first */
    struct bcache_link flushing;      /* those that the flush with the device covers */
    unsigned in_state[BCACHE_STATES]; /* blocks in each of BCACHE_COUNTED */
    unsigned borrowed;                /* blocks with pins */
    unsigned plugs;                   /* block_plugs() when the clean blocks were read */

    struct bcache_io *ios, *free_ios;
    unsigned free_io_count;
    struct bcache_wait *room_waiters;

    /* write-out happens in rounds: what was dirty when a round began is written when it ends */
    bool round_active;
    bool round_failed;          /* a write of the last round failed: a waiter begins the next one */
    uint64_t round, round_done; /* number of the last round that began; that ended */
    bool flush_out;             /* flush_request is with the block layer */
    bool flush_started;         /* and the device got it: it covers no later write */
    bool unflushed_writes;      /* the device may hold writes that no flush covers */
    uint64_t flush, flush_done; /* number of the last flush that began; that ended */
    unsigned stale_flushes;     /* in a row that found that the device had been reset */
    struct block_request flush_request;
    struct block_flusher flusher;
    struct bcache_sync *syncs; /* those that wait */
    uint64_t errors;           /* bcache_errors() */
    struct bcache_zero *zeros; /* the first has its blocks closed; the others wait */
    struct bcache_wait *zero_waiters;
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

/* b is on no list. */
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

/* Takes b off its list. Does nothing to a block that was taken off before. */
static inline void bcache_unlink(struct bcache_block *b)
{
    b->link.prev->next = b->link.next;
    b->link.next->prev = b->link.prev;
    bcache_list_init(&b->link);
}

/* The first block of a list, or NULL. */
static inline struct bcache_block *bcache_first(struct bcache_link *l)
{
    return bcache_list_empty(l) ? NULL : (struct bcache_block *)l->next;
}

/* ---- states ---------------------------------------------------------------------------------- */

extern const uint16_t bcache_next_states[BCACHE_STATES];

/* The states whose blocks are counted: those that the disk may not have. */
#define BCACHE_COUNTED (1u << BCACHE_DIRTY | 1u << BCACHE_WRITING | 1u << BCACHE_UNFLUSHED)

/* The one place that changes the state of a block. The caller moves it to the list of its state. */
static inline void bcache_set_state(struct bcache *c, struct bcache_block *b,
                                    enum bcache_state state)
{
    hal_debug_assert(bcache_next_states[b->state] & 1u << state);
    if (BCACHE_COUNTED & 1u << b->state)
        c->in_state[b->state]--;
    if (BCACHE_COUNTED & 1u << state)
        c->in_state[state]++;
    b->state = (uint8_t)state;
}

/* Blocks whose contents the device does not have yet. */
static inline unsigned bcache_dirty(const struct bcache *c)
{
    return c->in_state[BCACHE_DIRTY] + c->in_state[BCACHE_WRITING];
}

/* Blocks that the device has, and may lose. */
static inline unsigned bcache_unflushed(const struct bcache *c)
{
    return c->in_state[BCACHE_UNFLUSHED];
}

/* Are so many blocks dirty or unflushed, three quarters, that writers must wait? */
static inline bool bcache_crowded(const struct bcache *c)
{
    return bcache_dirty(c) + bcache_unflushed(c) >= c->max_blocks - c->max_blocks / 4;
}

/* May no other block become dirty? */
static inline bool bcache_too_dirty(const struct bcache *c)
{
    return bcache_dirty(c) >= c->max_blocks / 2 || bcache_crowded(c);
}

/* ---- bcache.c -------------------------------------------------------------------------------- */

/* The number of cache blocks on the disk now; the bytes of block `index`, below that number. */
uint64_t bcache_disk_blocks(const struct bcache *c);
uint32_t bcache_disk_len(const struct bcache *c, uint64_t index);

static inline size_t bcache_bucket_of(const struct bcache *c, uint64_t index)
{
    return (uint32_t)index * 0x9e3779b1u >> c->hash_shift;
}

static inline size_t bcache_buckets(const struct bcache *c)
{
    return (size_t)1 << (32 - c->hash_shift);
}

/* The block of the disk block `index`, or NULL. */
static inline struct bcache_block *bcache_find(const struct bcache *c, uint64_t index)
{
    struct bcache_block *b = c->hash[bcache_bucket_of(c, index)];

    while (b && b->index != index)
        b = b->hash_next;
    return b;
}

/*
 * A caller has got b. Uses that follow one another directly count once: a reader of small pieces
 * does not use a block more often than a reader of large ones.
 */
static inline void bcache_used(struct bcache *c, struct bcache_block *b)
{
    if (b == c->last_used)
        return;
    c->last_used = b;
    if (b->uses < 3)
        b->uses++;
}

/*
 * The common case of a reader: the block is there, whole, and the disk is as it was. NULL: the long
 * way is to be gone, which tells why.
 */
static inline struct bcache_block *bcache_hit(struct bcache *c, uint64_t index)
{
    struct bcache_block *b;

    if (*c->changes != c->changes_seen || index >= c->whole_blocks)
        return NULL;
    b = bcache_find(c, index);
    if (!b || b->state <= BCACHE_READING || b->len != c->block_size)
        return NULL;
    bcache_used(c, b);
    return b;
}

/* bcache_borrow() */
static inline int bcache_pin(struct bcache *c, struct bcache_block *b)
{
    if (b->pins == UINT16_MAX || (!b->pins && c->borrowed >= c->max_blocks / 4))
        return -EBUSY;
    c->borrowed += !b->pins++;
    return 0;
}

/* Is block `index` closed, since it is about to be zeros? */
static inline bool bcache_closed(const struct bcache *c, uint64_t index)
{
    return c->zeros && index - c->zeros->index < c->zeros->count;
}

/* A block for `index`, which has none: EMPTY, in the hash, on no list. NULL: no room now. */
struct bcache_block *bcache_take(struct bcache *c, uint64_t index);

/* The end of a read or a write: puts b, which is on no list, into the state and on its list. */
void bcache_settle_clean(struct bcache *c, struct bcache_block *b);
void bcache_settle_empty(struct bcache *c, struct bcache_block *b);
/* b is never used again and no longer counted, so another block may be allocated. */
void bcache_settle_lost(struct bcache *c, struct bcache_block *b);

/* Wakes the callers that wait for b; `failed`: the read of b has failed. */
void bcache_wake_block(struct bcache_block *b, bool failed);
/* Wakes the callers that wait for room; for closed blocks. */
void bcache_wake_room(struct bcache *c);
void bcache_wake_zero(struct bcache *c);
/* Adds w to those that wait. -EAGAIN */
int bcache_wait_for(struct bcache_wait **list, struct bcache_wait *w);
/* Has a copy of b's disk block leave the cache; a borrowed block keeps its contents. */
void bcache_drop(struct bcache *c, struct bcache_block *b);

/* ---- bcache_evict.c -------------------------------------------------------------------------- */

/* Takes the block that is to make room off its list; it stays in the hash. NULL: none may go. */
struct bcache_block *bcache_evict(struct bcache *c);
/* b, which is on no list, has got another disk block: is it one that was evicted not long ago? */
void bcache_arrived(struct bcache *c, struct bcache_block *b);
/* b, which is on no list, may go from now on. */
void bcache_may_go(struct bcache *c, struct bcache_block *b);
/* b is of no disk block any more. */
void bcache_not_kept(struct bcache *c, struct bcache_block *b);

/* ---- bcache_io.c ----------------------------------------------------------------------------- */

/* A request without blocks; NULL: all are in use, or the rest is kept for reads. */
struct bcache_io *bcache_io_get(struct bcache *c, enum block_op op);
void bcache_io_put(struct bcache_io *io);
/* Must b have a request of its own: it does not follow the last block of io, or does not fit? */
bool bcache_io_full(const struct bcache_io *io, const struct bcache_block *b);
void bcache_io_add(struct bcache_io *io, struct bcache_block *b);
/* io, which has a block, is the block layer's until bcache_read_done() or bcache_write_done(). */
void bcache_io_submit(struct bcache_io *io);

/* ---- bcache_read.c --------------------------------------------------------------------------- */

/*
 * Starts to read those of the blocks [index, index + count) that have no data, at most a quarter of
 * the cache, and adds their number to *started. `index` is a block of the disk. True: block `index`
 * has data or is READING; false: there is no room, or no request.
 */
bool bcache_read(struct bcache *c, uint64_t index, uint64_t count, uint64_t *started);
/* The block layer has ended io. */
void bcache_read_done(struct bcache_io *io);

/* ---- bcache_write.c -------------------------------------------------------------------------- */

/* Makes b DIRTY, unless it is DIRTY. The caller changes the contents of b before it parks. */
void bcache_mark_dirty(struct bcache *c, struct bcache_block *b);
/* Begins a round, if there is something to write and none is under way. */
void bcache_start_round(struct bcache *c);
/* Begins a flush, if blocks wait for one and none is under way. */
void bcache_start_flush(struct bcache *c);
/* Goes on with the round under way, as far as there are requests. */
void bcache_write_more(struct bcache *c);
/* The block layer has ended io. */
void bcache_write_done(struct bcache_io *io);
/* A write, a flush or a bcache_zero() has ended: ends what is complete, begins what is needed. */
void bcache_progress(struct bcache *c);
/* A write, a flush or a bcache_zero() has ended: ends what is complete, begins what is needed. */
void bcache_progress(struct bcache *c);
/* The service of a cache. */
bool bcache_run(struct hal_service *s);

#endif
