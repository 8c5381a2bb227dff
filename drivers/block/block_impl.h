/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_impl.h - what a block driver and the block layer see of each other, and what the files of
 * the layer share. Everything here is for task context, and nothing parks.
 *
 * A driver registers a device once, with block_register(). The layer then calls stage() for each
 * transfer and commit() after the last one; the driver answers each transfer exactly once, with
 * block_complete(), block_requeue() (after a reset) or block_fail_all() (given up).
 */
#ifndef VIREO_BLOCK_IMPL_H
#define VIREO_BLOCK_IMPL_H

#include "block/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of a transfer, as the device reaches it. */
struct block_dma {
    uint64_t addr;
    uint32_t len; /* bytes */
};

/*
 * One request to the device: a part of a request, a whole one, or several neighbours. The layer
 * owns block_device.depth of them, numbered by `slot`; a driver may keep data of its own for each
 * slot.
 */
struct block_transfer {
    enum block_op op;
    unsigned slot; /* 0..depth-1 */
    uint64_t sector;
    uint32_t bytes; /* of data */
    uint64_t deadline_ns;
    uint64_t addr; /* of a plain one: where the device reaches all of its data */
    bool plain;    /* came by stage_plain() or stage_flush() */
    void *own;     /* the driver's; NULL at first */

    /* the layer's own, but `lost` */
    struct block_transfer *next, *prev; /* those with the device, oldest first; or, by next, the
                                           free ones */
    struct block_request *first;
    unsigned count;  /* requests, from `first` on, linked by next */
    uint64_t offset; /* of the transfer's first byte in `first` */
    uint64_t covers; /* a flush: how many write transfers had completed before it went out */
    bool bounced;    /* the data lies in the device's bounce buffer */
    bool lost;       /* set by the driver: the device had it when the device was reset */
};

struct block_driver {
    /* Is there room for one more transfer of max_segs pieces before the next completion? */
    bool (*room)(struct block_device *dev);
    /*
     * Takes transfer t with the n pieces of `dma`, 0..max_segs; the driver copies what it needs of
     * the array. t is the driver's until it answers it. The driver may keep t from the device until
     * commit(). Called only after room() said yes; cannot fail.
     */
    void (*stage)(struct block_device *dev, struct block_transfer *t, const struct block_dma *dma,
                  unsigned n);
    /*
     * Takes n reads and writes of one piece each, t and those behind it (next), as stage() does;
     * `last`: and commits, as commit() does. The driver has room for as many as there are slots.
     * NULL: it takes them one by one, by stage().
     */
    void (*stage_plain)(struct block_device *dev, struct block_transfer *t, unsigned n, bool last);
    /*
     * Takes the flush t, for which there is room as for plain ones, and commits: a flush that
     * waits for nothing. NULL: by stage().
     */
    void (*stage_flush)(struct block_device *dev, struct block_transfer *t);
    /* Gives the device everything that was staged. A failure shows later, as a reset. */
    void (*commit)(struct block_device *dev);
    /* block_poll(), while transfers are with the device. NULL: it finds nothing. */
    bool (*poll)(struct block_device *dev);
};

#define BLOCK_MAX_SEGS     62u        /* data pieces of a transfer */
#define BLOCK_MAX_TRANSFER (1u << 20) /* bytes */
#define BLOCK_BOUNCE       65536u     /* bytes of a bounce buffer, or a logical block if larger */
#define BLOCK_LONG         65536u     /* bytes of a plain request that is not joined to the next */
#define BLOCK_REPLAYS      3u         /* times that a request is sent again after a reset */

/* The memory that is mapped for a transfer (hal_dma_map), where HAL_DMA_MAPS is 1. */
struct block_map {
    unsigned count;
    struct block_dma range[BLOCK_MAX_SEGS];
};

struct block_queue {
    struct block_request *head, *tail;
};

#define BLOCK_OPS    8u
#define BLOCK_RANGES 16u /* ranges of one transfer, at most */

/* A range of sectors, as the device reads it (virtio 1.4, section 5.2.6). */
struct block_range {
    uint64_t sector;
    uint32_t sectors;
    uint32_t flags;
};
#define BLOCK_RANGE_UNMAP 1u

/* What one transfer of ranges may hold. */
struct block_range_limit {
    uint32_t sectors; /* of a range, whole logical blocks */
    uint32_t ranges;  /* 1..BLOCK_RANGES */
    uint32_t align;   /* sectors, a power of two: where a range is best cut */
};

/* What is wanted of a disk's cache, whatever its mode is after a reset. */
enum block_cache_mode { BLOCK_CACHE_AS_FOUND, BLOCK_CACHE_BACK, BLOCK_CACHE_THROUGH };

/* The part of a device that a program has with block_can(). */
struct block_more {
    /* the driver's */
    uint32_t
        can; /* 1 << op: what the device does of WRITE_ZEROES, DISCARD, LIFETIME, SECURE_ERASE */
    struct block_limits limits;
    struct block_range_limit range[BLOCK_OPS];
    struct block_range *ranges; /* BLOCK_RANGES for each slot; NULL: the device does no such type */
    uint64_t ranges_dma;
    /* Tells the device its cache mode. 0; -EIO; -ENOTSUP. */
    int (*set_write_back)(struct block_device *dev, bool on);
    /* What block_accept() and block_cut() are to these types. */
    int (*check)(const struct block_device *dev, struct block_request *r);
    int (*cut)(struct block_device *dev, struct block_transfer *t, struct block_dma *dma);

    /* block_more.c's, but that the driver reads `mode` */
    enum block_cache_mode mode;
    bool flushing; /* `flush` is out */
    bool again;    /* and is to be sent once more */
    struct block_request flush;
    struct block_flusher flusher;
};

/*
 * The driver fills in the first part, zeroes the rest, and registers the device, which is the
 * layer's for ever. Afterwards the driver changes volatile_cache and id only, and the rest
 * by the functions below.
 */
struct block_device {
    const char *name;
    const struct block_driver *driver;
    uint64_t sectors;      /* capacity, a multiple of the logical block */
    uint32_t block_size;   /* bytes of a logical block, a power of two, >= 512 */
    uint32_t max_segs;     /* pieces of a transfer, 1..BLOCK_MAX_SEGS */
    uint32_t max_seg_size; /* bytes of a piece, >= 512 */
    unsigned depth;        /* transfers that can be with the device, >= 1 */
    uint64_t timeout_ns;   /* for each transfer */
    bool read_only;
    bool volatile_cache;
    bool bounce_all;         /* all data goes through `bounce`, which the driver then supplies */
    bool dead;               /* given up: block_fail_all() to block_resume() */
    unsigned plugs, changes; /* block_plugs(), block_changes() */
    char id[BLOCK_ID_LEN + 1];
    struct block_more *more; /* NULL: block_can() is not linked */
    uint32_t align;    /* where long transfers are cut: bytes, a power of two, from align_at */
    uint32_t align_at; /* bytes. block_register() sets align to the logical block, and this to 0 */

    /* the layer's own */
    struct block_device *next;
    struct block_transfer *transfers; /* depth of them */
    struct block_transfer *free;      /* linked by next */
    struct block_transfer ends;       /* of those with the device: a ring from here to here */
    struct block_queue queue;         /* requests that are not, or not wholly, cut off */
    struct block_queue finished;      /* done() is still to be called */
    unsigned hold;                    /* depth of block_hold() */
    unsigned writes_out;              /* transfers with the device that change the disk */
    bool wary;                        /* block_may_go() is asked before each transfer */
    bool paused;                      /* only `first` may be sent */
    struct block_request *first;      /* of block_ask() */
    uint64_t wrote, durable; /* changes of the disk that completed; those that a flush covers */
    unsigned losses;         /* times that such writes may have been lost */
    struct block_flusher flusher; /* of all flushes that name none */
    uint32_t unit;                /* bytes; a transfer of data is a multiple of it */
    uint32_t unit_mask;           /* unit - 1 */
    uint32_t piece;               /* bytes of the longest piece */
    uint32_t unit_pieces;         /* pieces that a unit needs */
    uint32_t plain_max[2]; /* bytes of the longest plain BLOCK_READ and BLOCK_WRITE, at most those
                              of the disk; 0: none is */
    uint8_t *bounce;       /* NULL until it is needed */
    uint64_t bounce_dma;
    bool bounce_busy; /* a transfer with the device uses it */
    struct block_stats stats;
    struct block_share *last_share; /* block_share.c: of the ring of shares that wait, or NULL */
    unsigned shares_out;            /* requests of shares that were submitted */
    struct block_map *maps;         /* for each slot, where HAL_DMA_MAPS is 1 */
    struct block_map *map;          /* of the transfer that is being cut */
};

/*
 * Adds a device to the list, where block_get() finds it from then on. 0; -EINVAL: no request fits
 * its limits, which the log names; -ENOMEM. After an error the device is still the driver's.
 */
int block_register(struct block_device *dev);

/*
 * The capacity is `sectors` now, a multiple of the logical block. Requests beyond that capacity,
 * waiting ones included, fail with -EIO from here on.
 */
void block_resize(struct block_device *dev, uint64_t sectors);

/* The disk was plugged in again, and is the same: block_plugs(). */
void block_replugged(struct block_device *dev);

/*
 * The device has ended transfer t with `result`, 0 or -errno, and does not use its memory any more.
 * t is the layer's again, and the callbacks of requests that this ends are called. Only between
 * block_hold() and block_release(), so that what the callbacks submit goes out together.
 */
static inline void block_complete(struct block_device *dev, struct block_transfer *t, int result);
/*
 * block_release() for who knows the time: the driver's service, which looks at the deadline itself.
 * The driver's functions are called with `hold` above 0 then.
 */
static inline void block_release_at(struct block_device *dev, uint64_t now);

/*
 * The device is given up: every request, with the device or waiting, ends with -EIO, and so do
 * those to come, until block_resume(). quarantine: the device may still use the memory of what it
 * had; `quarantined` is set in those requests. All transfers are the layer's again. Callbacks come
 * later.
 */
void block_fail_all(struct block_device *dev, bool quarantine);

/* A reset begins: nothing more is staged from here on. */
void block_pause(struct block_device *dev);
/*
 * The device was reset, and uses no memory of any transfer any more; the driver has set `lost` in
 * those that the device had. They and those that were only staged are the layer's again; their
 * requests go back to the head of the queue, in order, to be cut again. The device is paused.
 */
void block_requeue(struct block_device *dev);
/*
 * Sends r before all others, also while those are paused; the device has timeout_ns to answer. Only
 * one such request at a time. r is dropped, without its callback, when the device is reset or given
 * up before r completes.
 */
void block_ask(struct block_device *dev, struct block_request *r, uint64_t timeout_ns);
/* The device works (again): all requests may go. Ends block_pause() and block_fail_all(). */
void block_resume(struct block_device *dev);

/* The oldest transfer that is with the device; NULL: there is none. */
static inline struct block_transfer *block_oldest(const struct block_device *dev)
{
    return dev->ends.next == &dev->ends ? NULL : dev->ends.next;
}

/* When that one is overdue; HAL_NEVER: there is none. */
static inline uint64_t block_deadline(const struct block_device *dev)
{
    return dev->ends.next->deadline_ns;
}

/* ---- block_cut.c ----------------------------------------------------------------------------- */

/*
 * Makes transfer t and its pieces (dma has room for max_segs) of the request at the head of the
 * queue, which is not empty, and of neighbours behind it. Returns the number of pieces, 0 for a
 * flush. -EAGAIN: the bounce buffer is busy. Another error: t is unused, and the head is to fail
 * with it.
 */
int block_cut(struct block_device *dev, struct block_transfer *t, struct block_dma *dma);
/* After a read through the bounce buffer: copies the data to the memory of the request. */
void block_unbounce(struct block_device *dev, const struct block_transfer *t);

/* ---- block_more.c ---------------------------------------------------------------------------- */

/* For struct block_more. */
int block_more_check(const struct block_device *dev, struct block_request *r);
int block_more_cut(struct block_device *dev, struct block_transfer *t, struct block_dma *dma);

/* ---- block_map.c: calls that HAL_DMA_MAPS 0 leaves out ----------------------------------------
 */

/* In block_register(): room to remember mappings. -ENOMEM. */
int block_map_setup(struct block_device *dev);
/* Maps [p, p+len) for the transfer that is being cut. HAL_DMA_NONE: not possible. */
uint64_t block_map_range(const struct block_device *dev, void *p, uint32_t len, enum block_op op);
/* Ends all mappings of `map` but the first `keep`. */
void block_map_end(struct block_map *map, unsigned keep, enum block_op op);

/* t, whose slot has no mapping, is being cut from here on. */
static inline void block_map_begin(struct block_device *dev, const struct block_transfer *t)
{
    if (HAL_DMA_MAPS)
        dev->map = &dev->maps[t->slot];
}
/* Where a device reaches [p, p+len), for the transfer that is being cut. */
static inline uint64_t block_lend(const struct block_device *dev, void *p, uint32_t len,
                                  enum block_op op)
{
    return HAL_DMA_MAPS ? block_map_range(dev, p, len, op)
                        : hal_dma_map(p, len, HAL_DMA_BOTH /* of no account */);
}
/* The same for a plain one, whose head takes the long way after HAL_DMA_NONE. */
static inline uint64_t block_lend_plain(const struct block_device *dev, void *p, uint32_t len,
                                        enum block_op op)
{
#if HAL_DMA_MAPS
    return block_map_range(dev, p, len, op);
#else
    (void)dev;
    (void)op;
    return hal_dma_near(p, len);
#endif
}
/* The number of mappings so far, and the end of those since. */
static inline unsigned block_map_mark(const struct block_device *dev)
{
    return HAL_DMA_MAPS ? dev->map->count : 0;
}
static inline void block_map_undo(struct block_device *dev, unsigned mark, enum block_op op)
{
    if (HAL_DMA_MAPS)
        block_map_end(dev->map, mark, op);
}
/* The device no longer accesses the memory of t. */
static inline void block_unmap(struct block_device *dev, const struct block_transfer *t)
{
    if (HAL_DMA_MAPS)
        block_map_end(&dev->maps[t->slot], 0, t->op);
}
/* The device may access the memory of t for ever. */
static inline void block_map_forget(struct block_device *dev, const struct block_transfer *t)
{
    if (HAL_DMA_MAPS)
        dev->maps[t->slot].count = 0;
}

/* ---- queues, and the transfers that are with the device ---------------------------------------
 */

static inline void block_enqueue(struct block_queue *q, struct block_request *r)
{
    HAL_QUEUE_APPEND(q->head, q->tail, r, next);
}

/* Takes the head off a queue that is not empty. r->next stays: it links a transfer's requests. */
static inline struct block_request *block_dequeue(struct block_queue *q)
{
    struct block_request *r = q->head;

    q->head = r->next;
    if (!q->head)
        q->tail = NULL;
    return r;
}

/* The free transfers from the first to `last` are with the device from now on. Each has its
 * predecessor in `prev`; that of the first is the newest. */
static inline void block_link(struct block_device *dev, struct block_transfer *last)
{
    struct block_transfer *first = dev->free;

    dev->free = last->next;
    dev->ends.prev->next = first;
    last->next = &dev->ends;
    dev->ends.prev = last;
}

/* t is free. */
static inline void block_unlink(struct block_device *dev, struct block_transfer *t)
{
    struct block_transfer *prev = t->prev, *next = t->next;

    prev->next = next;
    next->prev = prev;
    t->next = dev->free;
    dev->free = t;
}

/* A free transfer is as a plain one needs it. */
static inline void block_transfer_clear(struct block_transfer *t)
{
    t->count = 1;
    t->offset = 0;
    t->bounced = false;
    t->plain = true;
}
/* ---- block_slow.c ---------------------------------------------------------------------------- */

/* Prepends all of `back`, which may be empty. */
void block_prepend(struct block_queue *q, const struct block_queue *back);
/* r has ended: it is counted, and is the caller's again. */
void block_deliver(struct block_device *dev, struct block_request *r);
/* Sends the head of the queue by the long way. False: what waits stays. */
bool block_send_head(struct block_device *dev, uint64_t deadline_ns);
/* Sends the flush at the head, behind which nothing waits, by the short way. False: it takes the
 * long way, or the head is no flush. There is a free transfer, and the device is not wary. */
bool block_send_flush(struct block_device *dev, uint64_t deadline_ns);
/* Such a flush has succeeded: what it covers is noted, and whether it is too late. */
void block_end_flush(struct block_device *dev, const struct block_transfer *t);
/* block_complete() of any transfer. */
void block_complete_any(struct block_device *dev, struct block_transfer *t, int result);
/* Queues r, which was not judged plain, if it is right. */
void block_accept(struct block_device *dev, struct block_request *r);
/* Are the segments of r whole blocks within the disk? 0, -EINVAL, -EIO. Adds up r->bytes. */
int block_check_span(const struct block_device *dev, struct block_request *r);
/* Takes t, of whatever kind, off the list of transfers that the device has. */
void block_deactivate(struct block_device *dev, struct block_transfer *t);
/* r is to be cut from its start again. */
static inline void block_rewind(struct block_request *r)
{
    r->seg_at = 0;
    r->seg_done = 0;
    r->cut = 0;
}
/* Sets up the layer's part of a request that is submitted. */
static inline void block_begin(struct block_request *r)
{
    block_rewind(r);
    r->transfers = 0;
    r->bytes = 0;
    r->result = 0;
    r->replays = 0;
    r->queued = r->alone = r->shared = r->quarantined = r->lost = r->stale = r->plain = false;
}
/* r is to be sent while nothing else is with the device. */
static inline void block_set_alone(struct block_request *r)
{
    r->alone = true;
    r->plain = false;
}
/* Queues r. What r may be joined to takes the long way, where requests are joined. */
static inline void block_append(struct block_device *dev, struct block_request *r)
{
    struct block_request *tail = dev->queue.tail;

    r->next = NULL;
    dev->queue.tail = r;
    if (!tail) {
        dev->queue.head = r;
        return;
    }
    tail->next = r;
    if (tail->sector + (tail->bytes >> BLOCK_SECTOR_SHIFT) == r->sector && tail->op == r->op &&
        tail->bytes < BLOCK_LONG)
        tail->plain = false;
}

/* ---- block.c --------------------------------------------------------------------------------- */

/* Gives the device what waits, in order, as far as it has room. */
void block_pump(struct block_device *dev, uint64_t now);

static inline void block_release_at(struct block_device *dev, uint64_t now)
{
    if (dev->hold == 1 && dev->queue.head)
        block_pump(dev, now);
    dev->hold--;
}

/* t has ended well, and so has its one request. */
static inline void block_complete_plain(struct block_device *dev, struct block_transfer *t)
{
    hal_debug_assert(dev->hold);
    block_unmap(dev, t);
    block_unlink(dev, t);
    if (t->op == BLOCK_READ) {
        dev->stats.reads++;
        dev->stats.bytes_read += t->bytes;
    } else if (t->op == BLOCK_FLUSH) {
        block_end_flush(dev, t);
    } else {
        dev->writes_out--;
        dev->wrote++;
        dev->stats.writes++;
        dev->stats.bytes_written += t->bytes;
    }
    t->first->done(t->first);
}

static inline void block_complete(struct block_device *dev, struct block_transfer *t, int result)
{
    if (t->plain && !result)
        block_complete_plain(dev, t);
    else
        block_complete_any(dev, t, result);
}

/* ---- block_list.c ---------------------------------------------------------------------------- */

/* done() is called from the layer's service, with `result` if r has no error yet. */
void block_finish_later(struct block_device *dev, struct block_request *r, int result);
/* Which requests are plain from now on; none of a dead device. */
void block_set_plain(struct block_device *dev);

/* ---- block_lost.c ---------------------------------------------------------------------------- */

/* While the device is wary: may the head of the queue, which is not empty, be sent? */
bool block_may_go(struct block_device *dev);
/*
 * Completed writes that no flush covers may be lost: flushes that wait or are with the device end
 * with -ESTALE, and so does the next flush of each flusher that hears of no loss by these.
 */
void block_note_loss(struct block_device *dev);
/* Does the flush r have to tell its flusher of a loss? */
bool block_flush_is_stale(const struct block_device *dev, const struct block_request *r);
/* r, a flush, ends with an error that tells its flusher of all losses so far. */
void block_tell_loss(struct block_device *dev, const struct block_request *r);
/*
 * r has failed, and none of its parts waits or is with the device. True: a neighbour may be the
 * cause. Then r has no error any more, and the caller queues r to be sent once more, alone.
 */
bool block_tries_alone(struct block_device *dev, struct block_request *r);

#ifdef __cplusplus
}
#endif

#endif
