/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.h - block devices, asynchronously: a registry, and requests that complete by callback.
 *
 * A request is any number of bytes, in any number of segments. The layer cuts it into what the
 * device admits (segments, segment size, logical blocks), joins neighbours that were submitted
 * together, keeps what the device has no room for, in order, and holds a flush back until the
 * writes before it have completed. Requests that are out together are otherwise not ordered: do not
 * overlap a write with anything.
 *
 * A device that is reset loses none of them. Those that it had are sent again, in the order in
 * which they were submitted, three times at most, the last time with nothing else beside; those
 * that come meanwhile wait until it works again, or is given up.
 *
 * All calls are made in task context and none parks. Sectors are 512 bytes, whatever the device's
 * logical block is.
 */
#ifndef VIREO_BLOCK_H
#define VIREO_BLOCK_H

#include "hal.h"

#define BLOCK_SECTOR       512u
#define BLOCK_SECTOR_SHIFT 9
#define BLOCK_ID_LEN       20 /* what GET_ID stores; not terminated by a NUL if it is that long */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_GET_ID };

/*
 * A piece of the caller's memory, of any alignment. For BLOCK_READ and BLOCK_WRITE len is a
 * multiple of the device's block_size; for BLOCK_GET_ID there is one segment of BLOCK_ID_LEN bytes.
 */
struct block_seg {
    void *base;
    size_t len;
};

struct block_request {
    enum block_op op;
    uint64_t sector;              /* first sector; READ and WRITE only */
    const struct block_seg *segs; /* they and their memory belong to the layer until done() */
    unsigned seg_count;
    /* Called once, from task context or a service, never from within block_submit(). */
    void (*done)(struct block_request *r);
    void *ctx;

    /*
     * 0; -EINVAL: not whole logical blocks; -EROFS; -EIO: beyond the end, a device's error, four
     * resets of the device while it had the request, or the device is dead; -ENOMEM: memory that
     * the device cannot reach and none to copy it to.
     * -ESTALE, of a flush only: the device was reset, and writes that it had completed since the
     * last good flush may be lost. Write them again, then flush again. Told to the flushes that
     * waited then, or else to the next one, once, whoever wrote: of several who write to one disk
     * (the cache is one of them) and flush without knowing of each other, not all are told.
     */
    int result;
    /* With -EIO: the device never let go of the memory. It must not be used for anything else. */
    bool quarantined;

    /* the layer's own */
    struct block_request *next;
    size_t seg_done; /* bytes of segs[seg_at] that were cut off already */
    uint64_t cut;    /* bytes that were cut off in all */
    uint64_t bytes;
    unsigned seg_at;
    unsigned transfers; /* of this request that are with the device */
    uint8_t replays;    /* how often it was with a device that was reset */
    bool queued;        /* still in the device's queue */
    bool alone;         /* failed together with others: tried by itself */
    bool lost, stale;
};

struct block_device;

/* Counters, for status pages and tests. */
struct block_stats {
    uint64_t reads, writes, flushes; /* requests completed */
    uint64_t bytes_read, bytes_written;
    uint64_t transfers; /* requests that the device saw */
    uint64_t merged;    /* requests that travelled with the one before them */
    uint64_t bounced;   /* transfers that had to be copied */
    uint64_t errors;    /* requests that failed */
    uint64_t replayed;  /* requests that were with a device when it was reset, and go out again */
};

struct block_info {
    const char *name;    /* "vblk0" */
    uint64_t sectors;    /* capacity now */
    uint32_t block_size; /* logical block in bytes: 512, 4096 ... */
    bool read_only;
    bool volatile_cache; /* a write is durable only after a flush */
    bool dead;
    unsigned max_segs;
    unsigned depth;            /* requests that can be with the device */
    char id[BLOCK_ID_LEN + 1]; /* serial, printable ASCII; "" when there is none */
    struct block_stats stats;
};

/*
 * The n-th block device in order of discovery, or NULL. A dead device stays in the list; it lives
 * again when the same disk (size, serial number) is plugged in again.
 */
struct block_device *block_get(unsigned n);
/* By name, or NULL. */
struct block_device *block_find(const char *name);

void block_describe(const struct block_device *dev, struct block_info *out);
/* Capacity in bytes now, a multiple of the block size. */
uint64_t block_capacity(const struct block_device *dev);
uint32_t block_size(const struct block_device *dev);
const char *block_name(const struct block_device *dev);
bool block_read_only(const struct block_device *dev);
bool block_volatile(const struct block_device *dev);
bool block_dead(const struct block_device *dev);
/*
 * How often the disk was plugged in again. What was read before may have been written elsewhere
 * meanwhile.
 */
unsigned block_plugs(const struct block_device *dev);

/* Submits n requests in order, with one kick. Whatever happens, each ends with its callback. */
void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n);

/*
 * What is submitted between these two goes to the device at once, at the outer block_release().
 * Calls nest.
 */
void block_hold(struct block_device *dev);
void block_release(struct block_device *dev);

#endif
