/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.c - two ways to a disk: as a file, through the write-back cache, in pieces that are no
 * whole blocks; and past the cache, with all units of a round out at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk.h"
#include "vireo/task.h"

/* ---- as a file ------------------------------------------------------------------------------- */

enum { CUT = 1000 }; /* where a unit is cut in two writes: the cache must read and change */

static bool file_open(struct disk *d)
{
    char path[40];

    snprintf(path, sizeof(path), "/dev/%s", block_name(d->dev));
    d->fd = open(path, O_RDWR);
    return d->fd >= 0;
}

static int moved(ssize_t n, size_t wanted)
{
    return n < 0 ? -errno : (size_t)n == wanted ? 0 : -EIO;
}

static int file_write(struct disk *d, const uint64_t *units)
{
    int rc = 0;

    for (unsigned i = 0; i < ROUND && rc == 0; i++) {
        off_t at = (off_t)(units[i] * UNIT);

        rc = moved(pwrite(d->fd, d->buf[i], CUT, at), CUT);
        if (rc == 0)
            rc = moved(pwrite(d->fd, d->buf[i] + CUT, UNIT - CUT, at + CUT), UNIT - CUT);
    }
    return rc;
}

static int file_flush(struct disk *d)
{
    return fsync(d->fd) == 0 ? 0 : -errno;
}

static int file_read(struct disk *d, const uint64_t *units)
{
    int rc = 0;

    for (unsigned i = 0; i < ROUND && rc == 0; i++)
        rc = moved(pread(d->fd, d->buf[i], UNIT, (off_t)(units[i] * UNIT)), UNIT);
    return rc;
}

const struct backend way_posix = {"posix", file_open, file_write, file_flush, file_read};

/* ---- past the cache -------------------------------------------------------------------------- */

enum { TOLD_MAX = 20 }; /* lines about units that failed */

static unsigned depth;

static void read_options(void)
{
    depth = (unsigned)hal_option_u64("soak", "depth", ROUND, 1, ROUND);
}
HAL_INIT(HAL_INIT_STACK, read_options);

struct batch {
    struct waitq waiter;
    unsigned out;
    int result; /* of the first that failed */
    bool quarantined[ROUND];
    struct block_request requests[ROUND];
    struct block_seg segs[ROUND];
};

static void done(struct block_request *r)
{
    struct batch *b = r->ctx;

    if (r->result && !b->result)
        b->result = r->result;
    b->quarantined[r - b->requests] = r->quarantined;
    if (--b->out == 0)
        waitq_wake_all(&b->waiter);
}

/* Submits them together, and waits for all: the block layer completes every one. */
static void submit_together(struct disk *d, struct batch *b, unsigned first, unsigned n)
{
    struct block_request *list[ROUND];

    for (unsigned i = 0; i < n; i++)
        list[i] = &b->requests[first + i];
    b->out = n;
    block_submit(d->dev, list, n);
    while (b->out)
        waitq_wait(&b->waiter, HAL_NEVER);
}

/* A request for each of n units. */
static int submit(struct disk *d, enum block_op op, const uint64_t *units, unsigned n)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (!b)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        b->segs[i] = (struct block_seg){d->buf[i], UNIT};
        b->requests[i] = (struct block_request){.op = op, .done = done, .ctx = b};
        if (op != BLOCK_FLUSH) {
            b->requests[i].sector = units[i] * (UNIT / BLOCK_SECTOR);
            b->requests[i].segs = &b->segs[i];
            b->requests[i].seg_count = 1;
        }
    }
    for (unsigned i = 0; i < n; i += depth)
        submit_together(d, b, i, n - i < depth ? n - i : depth);
    int rc = b->result;
    for (unsigned i = 0; i < n && rc; i++)
        if (b->requests[i].result && units && d->told++ < TOLD_MAX)
            printf("soak: %s: unit %llu failed: %d\n", d->id, (unsigned long long)units[i],
                   b->requests[i].result);
    for (unsigned i = 0; i < n; i++)
        if (b->quarantined[i]) { /* the device may still write there: never used again */
            unsigned char *fresh = malloc(UNIT);

            if (!fresh)
                abort();
            d->buf[i] = fresh;
        }
    free(b);
    return rc;
}

static bool raw_open(struct disk *d)
{
    return !block_read_only(d->dev);
}

static int raw_write(struct disk *d, const uint64_t *units)
{
    return submit(d, BLOCK_WRITE, units, ROUND);
}

static int raw_flush(struct disk *d)
{
    return submit(d, BLOCK_FLUSH, NULL, 1);
}

static int raw_read(struct disk *d, const uint64_t *units)
{
    return submit(d, BLOCK_READ, units, ROUND);
}

const struct backend way_raw = {"raw", raw_open, raw_write, raw_flush, raw_read};
