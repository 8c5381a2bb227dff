/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_impl.h - what a block driver and the block layer see of each other.
 */
#ifndef VIREO_BLOCK_IMPL_H
#define VIREO_BLOCK_IMPL_H

#include "block/block.h"

/* A piece of a transfer, as the device reaches it. */
struct block_dma {
    uint64_t addr;
    uint32_t len;
};

/*
 * One request to the device: a part of a request, a whole one, or several neighbours. There are as
 * many as the device has room for; `slot` numbers them, for what the driver keeps for each.
 */
struct block_transfer {
    enum block_op op;
    unsigned slot;
    uint64_t sector;
    uint32_t bytes;
    uint64_t deadline_ns;

    /* the layer's own */
    struct block_transfer *next, *prev; /* the active ones, oldest first; or the free ones */
    struct block_request *first;
    unsigned count;  /* requests, linked by next */
    uint64_t offset; /* of the first byte in `first` */
    uint64_t covers; /* a flush: so many writes had completed before it went out */
    bool bounced;
    bool lost; /* the device had it when it was reset */
};

struct block_driver {
    /* Is there room for one more transfer of max_segs pieces before the next completion? */
    bool (*room)(struct block_device *dev);
    /* Takes a transfer and copies its pieces. The device need not hear of it before commit(). */
    void (*stage)(struct block_device *dev, struct block_transfer *t, const struct block_dma *dma,
                  unsigned n);
    /* Everything staged goes to the device. */
    void (*commit)(struct block_device *dev);
};

#define BLOCK_MAX_SEGS     62u        /* data pieces of a transfer */
#define BLOCK_MAX_TRANSFER (1u << 20) /* bytes */
#define BLOCK_BOUNCE       65536u     /* bytes of a bounce buffer, if a logical block is not more */
#define BLOCK_REPLAYS      3u         /* times that a request is sent again after a reset */

struct block_queue {
    struct block_request *head, *tail;
};

/* The driver fills in the first part and registers the device; it lives for ever. */
struct block_device {
    const char *name;
    const struct block_driver *driver;
    uint64_t sectors;      /* capacity, multiple of the logical block */
    uint32_t block_size;   /* power of two, >= 512 */
    uint32_t max_segs;     /* 1..BLOCK_MAX_SEGS */
    uint32_t max_seg_size; /* bytes, >= 512 */
    unsigned depth;        /* transfers that can be out */
    uint64_t timeout_ns;   /* for each transfer */
    bool read_only;
    bool volatile_cache;
    bool bounce_all; /* data goes through `bounce` only, which the driver then supplies */
    bool dead;
    unsigned plugs; /* block_plugs() */
    char id[BLOCK_ID_LEN + 1];

    /* the layer's own */
    struct block_device *next;
    struct block_transfer *transfers; /* depth of them */
    struct block_transfer *free;
    struct block_transfer *oldest, *newest;
    struct block_queue queue;    /* not, or not wholly, with the device */
    struct block_queue finished; /* done() is still to be called */
    unsigned hold;
    unsigned writes_out; /* write transfers with the device */
    bool wary;           /* not everything that waits may go: may_go() */
    bool paused;         /* nothing goes, but `first` */
    struct block_request *first;
    uint64_t wrote, durable; /* write transfers that completed, those of them that a flush covers */
    bool stale;              /* the next flush is told that writes before it may be lost */
    uint32_t unit;           /* a transfer is a multiple of this many bytes */
    uint32_t piece;          /* longest piece */
    uint32_t unit_pieces;
    uint8_t *bounce;
    uint64_t bounce_dma;
    bool bounce_busy;
    struct block_stats stats;
};

/* -EINVAL: limits that no request fits in; -ENOMEM. Names what is wrong in the log. */
int block_register(struct block_device *dev);

/* The capacity is another one now; requests beyond it fail from here on. */
void block_resize(struct block_device *dev, uint64_t sectors);

/*
 * The device is done with t: 0 or -errno. Calls the requests' callbacks. Between block_hold() and
 * block_release(), so that what the callbacks submit goes out together.
 */
void block_complete(struct block_device *dev, struct block_transfer *t, int result);

/* Ends every request, with the device or waiting, with -EIO, and those to come. */
void block_fail_all(struct block_device *dev, bool quarantine);

/* Recovery: nothing more is staged from here on. */
void block_pause(struct block_device *dev);
/*
 * The device was reset and knows of no transfer any more. The requests of those that it had (the
 * driver set `lost`) and of those that were only staged go back to the head of the queue, in order,
 * to be cut again. Paused.
 */
void block_requeue(struct block_device *dev);
/*
 * One request before all others, also while these are paused. It is forgotten, without its
 * callback, when the device is reset or given up before it completes. The device has timeout_ns.
 */
void block_ask(struct block_device *dev, struct block_request *r, uint64_t timeout_ns);
/* All may go, also after block_fail_all(). */
void block_resume(struct block_device *dev);

/* When the oldest transfer is overdue; HAL_NEVER when none is out. */
static inline uint64_t block_deadline(const struct block_device *dev)
{
    return dev->oldest ? dev->oldest->deadline_ns : HAL_NEVER;
}

/*
 * block_cut.c: makes t and dma of the queue's head. Pieces used; -EAGAIN: not now; else the head
 * failed with that error.
 */
int block_cut(struct block_device *dev, struct block_transfer *t, struct block_dma *dma);
/* After a bounced read: the data to where it belongs. */
void block_unbounce(struct block_device *dev, const struct block_transfer *t);

/* Takes the head off the queue; appends to it. */
struct block_request *block_dequeue(struct block_queue *q);
void block_enqueue(struct block_queue *q, struct block_request *r);

/* block.c, for block_lost.c: done() is called soon, with `result` if there is no other yet. */
void block_finish_later(struct block_device *dev, struct block_request *r, int result);
/* t is with the device no more. */
void block_deactivate(struct block_device *dev, struct block_transfer *t);
/* r is new to the layer; it is cut from its start again. */
void block_begin(struct block_request *r);
void block_rewind(struct block_request *r);
/* block_lost.c: may the queue's head go, while the device is wary? */
bool block_may_go(struct block_device *dev);

#endif
