/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.h - block devices, asynchronously: a registry, and requests that complete by callback.
 *
 * A request is any number of bytes, in any number of segments. The layer cuts a request into what
 * the device admits (segments, segment size, logical blocks), joins neighbours that were submitted
 * together and are short, queues requests in order while the device has no room, and holds a flush
 * back until the writes before it have completed. Requests that are with the device at the same
 * time are otherwise not ordered: a write must not overlap any other request.
 *
 * A reset of the device loses no request. Those that the device had are sent again, in the order in
 * which they were submitted, three times at most, the last time with nothing else beside them.
 * Requests that are submitted meanwhile wait until the device works again, or is given up.
 *
 * A device's error is final for a request that was alone with the device. A request that failed
 * while neighbours of it were with the device is sent once more, alone: the layer or the device may
 * have joined them into one access, and the bad sector may be a neighbour's.
 *
 * Any number of submitters may use a disk at the same time. What waits goes to the device in the
 * order in which it was submitted, as soon as there is room, and `depth` transfers are with the
 * device at most (struct block_info). So a request waits for those before it, and for none that
 * came later: of two submitters that each submit the next request from done() of the last, each has
 * its share by the number of requests that it keeps submitted. Who submits thousands at once has
 * others wait for all of them, but by a share (block_share_submit): shares take turns, and each
 * request of others passes what waits in them. Without one, a bound on one's own requests that are
 * out is the submitter's to keep: `depth` of them, or a few times as many where neighbours are to
 * be joined, keep a disk busy.
 *
 * All functions are for task context: tasks, services, and the layer's own callbacks; not for
 * interrupt handlers. None parks. A sector is 512 bytes, whatever the device's logical block is.
 */
#ifndef VIREO_BLOCK_H
#define VIREO_BLOCK_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BLOCK_SECTOR       512u
#define BLOCK_SECTOR_SHIFT 9
#define BLOCK_ID_LEN       20 /* bytes of a serial number; no NUL ends one of that length */
#define BLOCK_LIFETIME_LEN 6

/*
 * How a read is made:
 *
 *     static char buf[4096];
 *     static struct block_seg seg = {buf, sizeof(buf)};
 *     static struct block_request r = {
 *         .op = BLOCK_READ, .sector = 8, .segs = &seg, .seg_count = 1, .done = done};
 *     struct block_request *one = &r;
 *     block_submit(block_find("vblk0"), &one, 1);
 *
 *     static void done(struct block_request *r)     // some time later, once
 *     {
 *         use(r->result == 0 ? buf : NULL);         // r and buf are the caller's again
 *     }
 */

/*
 * Those with odd numbers change the disk. BLOCK_WRITE_ZEROES, DISCARD, LIFETIME and SECURE_ERASE
 * are for devices of which block_can() says so; only a program that calls block_can() has their
 * code.
 */
enum block_op {
    BLOCK_READ = 0,
    BLOCK_WRITE = 1,
    BLOCK_FLUSH = 2,
    BLOCK_WRITE_ZEROES = 3, /* the sectors read as zeroes from then on */
    BLOCK_GET_ID = 4,
    BLOCK_DISCARD = 5,      /* nobody needs the data of the sectors: reads return anything */
    BLOCK_LIFETIME = 6,     /* the wear of the disk: block_lifetime() */
    BLOCK_SECURE_ERASE = 7, /* nobody can read the data again, nor copies that the device made */
};
#define BLOCK_CHANGES(op) ((op)&1u)

/*
 * A piece of the caller's memory, of any alignment. For BLOCK_READ and BLOCK_WRITE `len` is a
 * multiple of the device's block size; BLOCK_GET_ID has one segment of BLOCK_ID_LEN bytes,
 * BLOCK_LIFETIME one of BLOCK_LIFETIME_LEN; BLOCK_FLUSH has none. WRITE_ZEROES, DISCARD and
 * SECURE_ERASE have segments without memory (base is NULL): their sum is the length on the disk.
 */
struct block_seg {
    void *base;
    size_t len; /* bytes, above 0 */
};

/*
 * The caller fills in op to ctx. From block_submit() to done() the request, its segments and their
 * memory belong to the layer: the caller neither changes nor frees them, and does not read what a
 * BLOCK_READ fills.
 */
struct block_request {
    enum block_op op;
    uint64_t sector; /* first sector, the start of a logical block; 0 where `op` has none */
    const struct block_seg *segs;
    unsigned seg_count;
    bool unmap; /* WRITE_ZEROES only: the device may free the blocks, as by a DISCARD */
    /*
     * Called once, from a service or from block_poll(), never from within block_submit(). The
     * request is the caller's again, and may be submitted again from here.
     */
    void (*done)(struct block_request *r);
    void *ctx; /* the caller's */
    /* FLUSH only; NULL: all who name no flusher are told of a loss as one. */
    struct block_flusher *flusher;
    /*
     * FLUSH only, may be NULL: called when the device gets the flush, which covers every write
     * whose done() was called by then. Called again if the flush is sent again; not called if the
     * flush ends without the device. Must not call the layer.
     */
    void (*started)(struct block_request *r);

    /*
     * Valid in done():
     *   0        done
     *   -EINVAL  not whole logical blocks, or segments that do not suit `op`
     *   -EROFS   a write to a read-only disk, or another change of it
     *   -ENOTSUP  the device does not do `op`, or block_can() is not linked
     *   -EIO     beyond the end of the disk; an error of the device; four resets of the device
     *            while it had the request; or the device is dead. A flush: what it was to cover may
     *            be lost, so the caller writes that again before the next flush
     *   -ENOMEM  the device cannot reach the memory, and there is none to copy the data to
     *   -ESTALE  a flush only: the device was reset, or another flush failed, and writes that had
     *            completed since the last good flush may be lost. The caller writes them again, and
     *            flushes again. Flushes that waited at that time end so, and the next flush of each
     *            flusher that none of them told.
     */
    int result;
    /*
     * With -EIO: the device was never seen to stop using the memory of the segments. The memory
     * must not be used again, nor freed.
     */
    bool quarantined;

    /* the layer's own */
    bool queued;        /* in the device's queue, not plain: not all of it was cut off yet */
    bool alone;         /* to be sent while no other request is with the device */
    bool shared;        /* a part of it failed while neighbours were with the device */
    bool lost;          /* the device had a part of it when it was reset */
    bool stale;         /* a flush that waited at a loss: will end with -ESTALE */
    bool plain;         /* needs no cutting: one segment that is one piece of one transfer */
    uint8_t replays;    /* resets at which the device had this request */
    unsigned seg_at;    /* the segment that is cut next */
    unsigned transfers; /* parts of this request that are with the device */
    size_t seg_done;    /* bytes of segs[seg_at] that were cut off already */
    uint64_t cut;       /* bytes that were cut off in all */
    uint64_t bytes;     /* of all segments */
    struct block_request *next;
    struct block_device *dev; /* by a share: that of the share, and the caller's done() */
    void (*own_done)(struct block_request *r);
};

struct block_device;

/* One of those who write to a disk and flush: each is told of a loss once. The layer's own. */
struct block_flusher {
    unsigned heard; /* losses of the device that this flusher was told of */
};

/* Counters since the boot, for status pages and tests. */
struct block_stats {
    uint64_t reads, bytes_read; /* requests completed without an error, and their data */
    uint64_t writes, bytes_written;
    uint64_t flushes;
    uint64_t transfers; /* requests that the device was given */
    uint64_t merged;    /* requests that were joined to the request before them */
    uint64_t bounced;   /* transfers whose data had to be copied */
    uint64_t errors;    /* requests that failed */
    uint64_t replayed;  /* requests that the device had at a reset, and that are sent again */
};

struct block_info {
    const char *name;    /* "vblk0" */
    uint64_t sectors;    /* capacity now */
    uint32_t block_size; /* logical block in bytes: 512, 4096 ... */
    bool read_only;
    bool volatile_cache;       /* a write is durable only after a flush */
    bool dead;                 /* given up: all requests fail */
    unsigned max_segs;         /* data segments of one transfer */
    unsigned depth;            /* transfers that can be with the device at a time */
    char id[BLOCK_ID_LEN + 1]; /* serial number in printable ASCII; "" when there is none */
    struct block_stats stats;
};

/*
 * The n-th block device in order of discovery, from 0; NULL past the last. A device is never
 * removed, so pointer and name are valid for ever: a dead device stays in the list, and works again
 * when the same disk (size, serial number) is plugged in again.
 */
struct block_device *block_get(unsigned n);
/* The device of this name, such as "vblk0"; NULL: there is none. */
struct block_device *block_find(const char *name);

/* Fills in *out with the present values. */
void block_describe(const struct block_device *dev, struct block_info *out);
/* The capacity in bytes now, a multiple of the block size. May change while the caller waits. */
uint64_t block_capacity(const struct block_device *dev);
/* Bytes of a logical block, a power of two from 512. Never changes, nor do name and read-only. */
uint32_t block_size(const struct block_device *dev);
const char *block_name(const struct block_device *dev);
bool block_read_only(const struct block_device *dev);
/* Is a write durable only after a flush? May change when the device was reset. */
bool block_volatile(const struct block_device *dev);
/* Was the device given up? Requests then end with -EIO, until the same disk is plugged in again. */
bool block_dead(const struct block_device *dev);
/*
 * How many times the disk was plugged in again since the boot. Blocks that were read before may
 * have been changed elsewhere meanwhile.
 */
unsigned block_plugs(const struct block_device *dev);
/*
 * A number that is another after block_capacity() or block_plugs() changed. The pointer is valid
 * for ever, so that who keeps what follows from these two need not ask for them each time.
 */
const unsigned *block_changes(const struct block_device *dev);

/* Makes *f a flusher of the device, which need not be told of losses before this call. */
void block_flusher_init(const struct block_device *dev, struct block_flusher *f);

/*
 * Submits n requests in this order, with one kick of the device. Also from within done(). Each ends
 * with its callback, later, whatever happens: a request that is refused has its error in `result`.
 * The array itself is not used after the call.
 */
void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n);

/* ---- block_share.c: turns -------------------------------------------------------------------- */

/*
 * One of those who keep many requests at a disk, thousands if they like. All fields are the
 * layer's. The share must last until all that was submitted by it has ended.
 */
struct block_share {
    struct block_device *dev;
    struct block_request *head, *tail; /* what waits for a turn */
    struct block_share *next;          /* in the ring of shares that wait; NULL: not in it */
    unsigned run;                      /* neighbours that went in this turn */
};

/* Makes *s a share of the device. */
void block_share_init(struct block_device *dev, struct block_share *s);

/*
 * As block_submit(), but that the requests wait for their turn: among all shares of a disk, one
 * request goes after the other, or up to 16 neighbours on the disk. The device's queue takes
 * `depth` requests of all shares at most, or 16 where that is more, so a request of block_submit()
 * waits for so many, and the first of another share for one more. Requests of one share stay in
 * order, flushes among them.
 */
void block_share_submit(struct block_share *s, struct block_request *const *reqs, unsigned n);

/*
 * What is submitted between block_hold() and block_release() goes to the device at the outermost
 * block_release(), with one kick, and neighbours among it are joined. Calls nest; the caller must
 * not park in between.
 */
void block_hold(struct block_device *dev);
void block_release(struct block_device *dev);

/*
 * Looks now for what the device has completed, and calls done() of all that ended with that; what
 * they submit goes out with one kick. True: there was something. For a task that waits for its
 * requests and has nothing else to do: the disk's service does the same whenever it runs, which
 * needs no call, but costs a round of all services. Who spins on this function keeps the CPU from
 * other tasks, and calls task_yield() now and then. False, and does nothing, from within done() and
 * between block_hold() and block_release().
 */
bool block_poll(struct block_device *dev);

/* ---- block_more.c: what some devices can do besides ------------------------------------------ */

/* What a device says of itself. Sizes are in bytes. */
struct block_limits {
    uint32_t physical_block; /* what the disk writes at once: its block size, or more */
    uint32_t aligned_at;     /* where on the disk the first physical block begins */
    uint32_t min_io;         /* a smaller request is slow; 0: not told */
    uint64_t opt_io;         /* the best length of a long request; 0: not told */
    uint32_t discard_align; /* a discard of less than an aligned unit of this size may do nothing */
    uint16_t cylinders;     /* the geometry, for partition tables of old; 0: not told */
    uint8_t heads, track_sectors;
    bool unmaps;   /* WRITE_ZEROES with `unmap` may free blocks */
    bool switches; /* block_set_write_back() */
};

/* How worn a disk is. 0 is unknown. */
struct block_lifetime {
    uint8_t reserve;  /* reserved blocks in use: 1 below 80 %, 2 80 % at least, 3 90 % at least */
    uint8_t slc, mlc; /* life used up of cells of either type: 1 up to 10 %, 2 up to 20 % ... */
};

/* Does the device do `op`? Not of a read-only one that would change. */
bool block_can(const struct block_device *dev, enum block_op op);
/* Fills in *out; may change with block_changes(). */
void block_limits(const struct block_device *dev, struct block_limits *out);
/* What a BLOCK_LIFETIME request wrote. Values that the standard reserves count as unknown. */
void block_lifetime(const uint8_t raw[BLOCK_LIFETIME_LEN], struct block_lifetime *out);
/*
 * Switches the disk's cache (virtio 1.4, section 5.2.5.2): write-back (on), or write-through, where
 * a write is durable at its end. Kept through resets. Off: what was written before is flushed
 * first; block_volatile() is false when that is done, and stays true if the disk fails it: call
 * again. 0; -ENOTSUP: the device cannot be switched so; -EROFS; -EIO: the device does not take
 * the value, or is dead.
 */
int block_set_write_back(struct block_device *dev, bool on);

#ifdef __cplusplus
}
#endif

#endif
