/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * powerdisk.h - a disk in memory that loses its power, in place of files/disk.c, for one program:
 * what was written since the last flush is then there in part, sector by sector.
 */
#ifndef VIREO_POWERDISK_H
#define VIREO_POWERDISK_H

#include <errno.h>
#include <string.h>

#include "block/block_impl.h"
#include "check.h"
#include "disk.h"

#define SECTORS 2048u /* at most */
#define BLOCK   512u

static uint8_t now[SECTORS * BLOCK], durable[sizeof(now)];
static bool unflushed[SECTORS];
static unsigned dirty[SECTORS], dirty_count;
static unsigned left, flushes_left; /* writes, flushes until the power goes; 0: it stays */
static bool dead;
static struct block_device device = {.name = "disk", .block_size = BLOCK};
static struct disk disk = {.dev = &device};
bool (*disk_files_first)(void);

/* What reached the disk of the writes since the last flush: all, none, or any. */
static void power_goes(void)
{
    unsigned percent = random_below(3) * 50;

    for (unsigned i = 0; i < dirty_count; i++)
        if (random_below(100) < percent)
            memcpy(durable + dirty[i] * BLOCK, now + dirty[i] * BLOCK, BLOCK);
    dead = true;
}

/* For one of these, which are `left` before the power goes; false: it has gone. */
static bool has_power(unsigned *of)
{
    if (!dead && *of && !--*of)
        power_goes();
    return !dead;
}

struct disk *disk_of(struct block_device *dev)
{
    (void)dev;
    return &disk;
}

ssize_t disk_read(struct disk *d, void *buf, size_t len, uint64_t at, struct bcache_stream *s)
{
    (void)s;
    if (at + len > block_capacity(d->dev))
        return 0;
    memcpy(buf, now + at, len);
    return (ssize_t)len;
}

ssize_t disk_lend(struct disk *d, size_t len, uint64_t at, struct bcache_stream *s,
                  struct file_loan *loan)
{
    (void)d, (void)len, (void)at, (void)s, (void)loan;
    return -EBUSY;
}

ssize_t disk_write(struct disk *d, const void *buf, size_t len, uint64_t at)
{
    CHECK(len && at + len <= block_capacity(d->dev));
    if (!has_power(&left))
        return -EIO;
    memcpy(now + at, buf, len);
    for (uint64_t s = at / BLOCK; s <= (at + len - 1) / BLOCK; s++)
        if (!unflushed[s]) {
            unflushed[s] = true;
            dirty[dirty_count++] = (unsigned)s;
        }
    return (ssize_t)len;
}

int disk_sync(struct disk *d)
{
    (void)d;
    if (!has_power(&flushes_left))
        return -EIO;
    for (unsigned i = 0; i < dirty_count; i++) {
        memcpy(durable + dirty[i] * BLOCK, now + dirty[i] * BLOCK, BLOCK);
        unflushed[dirty[i]] = false;
    }
    dirty_count = 0;
    return 0;
}

bool disk_sync_all(void)
{
    return disk_files_first && disk_files_first();
}

#endif
