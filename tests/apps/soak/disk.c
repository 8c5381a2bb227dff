/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - what a disk holds after a number of rounds, and the task that writes and checks it.
 *
 * The n-th unit written since the disk was blank is unit n * STRIDE of the disk, so after any
 * number of rounds each unit has one content that is right, and every pass writes every unit once.
 * A disk that was used before is read whole first: the last round found may be torn, and all before
 * it must be complete, for each had been acknowledged before the next began.
 */
#include "disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vireo/task.h"

enum { DISKS_MAX = 4, WORDS = UNIT / sizeof(uint64_t), PAUSE_MS = 20 };

#define STRIDE 0x9e3779b97f4a7c15u /* odd: each unit of a power of two comes once a pass */
#define MAGIC  0x6b616f736f657256u

static struct disk disks[DISKS_MAX];
static unsigned disk_count;
static uint64_t pause_ms;

static void read_options(void)
{
    pause_ms = hal_option_u64("soak", "pause_ms", 2, 0, 60000);
}
HAL_INIT(HAL_INIT_STACK, read_options);

/* ---- what is right --------------------------------------------------------------------------- */

static uint64_t unit_of(const struct disk *d, uint64_t n)
{
    return n * STRIDE & (d->units - 1);
}

/* The inverse of STRIDE modulo 2^64, by Newton's method: 3 bits are right at first. */
static uint64_t inverse(void)
{
    uint64_t x = STRIDE;

    for (int i = 0; i < 5; i++)
        x *= 2 - STRIDE * x;
    return x;
}

/* Which write this unit holds after `writes` of them: 1 for the first, 0 if it is still blank. */
static uint64_t latest(const struct disk *d, uint64_t unit, uint64_t writes)
{
    uint64_t first = unit * inverse() & (d->units - 1);

    return writes > first ? (writes - 1 - first) / d->units * d->units + first + 1 : 0;
}

static void fill(uint64_t *w, uint64_t unit, uint64_t nth)
{
    uint64_t x = nth * STRIDE ^ unit << 40;

    memset(w, 0, UNIT);
    if (nth == 0)
        return;
    for (unsigned i = 0; i < WORDS; i++, x += MAGIC)
        w[i] = x * STRIDE ^ x >> 29;
    w[0] = MAGIC;
    w[1] = unit;
    w[2] = nth;
}

static bool is(const void *buf, uint64_t unit, uint64_t nth)
{
    static uint64_t wanted[WORDS];

    fill(wanted, unit, nth);
    return memcmp(buf, wanted, UNIT) == 0;
}

static void wrong(struct disk *d, uint64_t unit, uint64_t nth, const void *buf)
{
    uint64_t w[3];

    memcpy(w, buf, sizeof(w));
    if (d->bad++ < 10)
        printf("soak: %s: unit %llu is not write %llu but magic %d unit %llu write %llu\n", d->id,
               (unsigned long long)unit, (unsigned long long)nth, w[0] == MAGIC,
               (unsigned long long)w[1], (unsigned long long)w[2]);
}

/* ---- calls that may fail --------------------------------------------------------------------- */

static int timed(struct disk *d, uint64_t begun, int rc)
{
    uint64_t ms = (hal_now_ns() - begun) / HAL_MS;

    if (ms > d->longest_ms)
        d->longest_ms = ms;
    if (rc) {
        d->errors++;
        task_sleep_until(hal_now_ns() + PAUSE_MS * HAL_MS); /* no busy loop on a dead disk */
    }
    return rc;
}

static int write_round(struct disk *d, uint64_t round)
{
    uint64_t units[ROUND], begun = hal_now_ns();

    for (unsigned i = 0; i < ROUND; i++) {
        units[i] = unit_of(d, round * ROUND + i);
        fill((uint64_t *)d->buf[i], units[i], round * ROUND + i + 1);
    }
    return timed(d, begun, d->way->write(d, units));
}

static int flush(struct disk *d)
{
    uint64_t begun = hal_now_ns();
    int rc = timed(d, begun, d->way->flush(d));

    if (rc == -ESTALE)
        d->stale++;
    return rc;
}

/* Reads ROUND units, however often it takes; false when the end was asked for before. */
static bool read_units(struct disk *d, const uint64_t *units)
{
    for (;;) {
        uint64_t begun = hal_now_ns();

        if (timed(d, begun, d->way->read(d, units)) == 0)
            return true;
        if (d->stop)
            return false;
    }
}

/* ---- the task -------------------------------------------------------------------------------- */

/* Is every write of that round on the disk? */
static bool complete(const struct disk *d, const uint64_t *holds, uint64_t round)
{
    for (uint64_t n = round * ROUND; n < (round + 1) * ROUND; n++)
        if (holds[unit_of(d, n)] != n + 1)
            return false;
    return true;
}

/* Sets d->rounds to what the disk holds. */
static void scan(struct disk *d)
{
    uint64_t *holds = calloc(d->units, sizeof(*holds)), units[ROUND], last = 0;

    for (uint64_t at = 0; holds && at < d->units; at += ROUND) {
        for (unsigned i = 0; i < ROUND; i++)
            units[i] = at + i;
        if (!read_units(d, units))
            break;
        for (unsigned i = 0; i < ROUND; i++) {
            uint64_t nth = ((uint64_t *)d->buf[i])[2];

            d->checked++;
            if (!is(d->buf[i], at + i, nth) || (nth && unit_of(d, nth - 1) != at + i))
                wrong(d, at + i, nth, d->buf[i]);
            holds[at + i] = nth;
            last = nth > last ? nth : last;
        }
    }
    /* The round that write `last` belongs to may be torn; those before it may not. */
    d->rounds = last ? (last - 1) / ROUND : 0;
    if (holds && complete(d, holds, d->rounds))
        d->rounds++;
    for (uint64_t unit = 0; holds && unit < d->units; unit++)
        if (holds[unit] < latest(d, unit, d->rounds * ROUND)) {
            printf("soak: %s: unit %llu lost write %llu\n", d->id, (unsigned long long)unit,
                   (unsigned long long)latest(d, unit, d->rounds * ROUND));
            d->bad++;
        }
    free(holds);
    d->scanned = true;
    printf("soak: %s: %llu units, %llu rounds before\n", d->id, (unsigned long long)d->units,
           (unsigned long long)d->rounds);
}

static void check_some(struct disk *d, uint64_t turn)
{
    uint64_t units[ROUND];

    for (unsigned i = 0; i < ROUND; i++)
        units[i] = (turn * ROUND + i) * 7 & (d->units - 1);
    if (!read_units(d, units))
        return;
    for (unsigned i = 0; i < ROUND; i++) {
        uint64_t nth = latest(d, units[i], d->rounds * ROUND);

        d->checked++;
        if (!is(d->buf[i], units[i], nth))
            wrong(d, units[i], nth, d->buf[i]);
    }
}

static void run(void *arg)
{
    struct disk *d = arg;

    scan(d);
    for (uint64_t turn = 0; !d->stop; turn++) {
        while (write_round(d, d->rounds) || flush(d)) {
            /* A flush that failed acknowledges nothing: the whole round goes out again. */
            if (d->stop)
                goto out;
        }
        d->rounds++;
        check_some(d, turn);
        task_sleep_until(hal_now_ns() + pause_ms * HAL_MS);
    }
out:
    d->stopped = true;
}

static const struct backend *way_of(const char *id)
{
    static const struct backend *const ways[] = {&way_posix, &way_raw};

    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strncmp(id, ways[i]->name, strlen(ways[i]->name)) == 0)
            return ways[i];
    return NULL;
}

static bool start(struct disk *d, struct block_device *dev, const struct block_info *info)
{
    uint64_t units = 1;

    *d = (struct disk){.dev = dev, .way = way_of(info->id)};
    strcpy(d->id, info->id);
    while (units * 2 <= info->sectors * BLOCK_SECTOR / UNIT)
        units *= 2;
    d->units = units;
    for (unsigned i = 0; i < ROUND; i++)
        if (!(d->buf[i] = malloc(UNIT)))
            return false;
    return units >= ROUND && d->way->open(d) && task_spawn(d->id, run, d, 0);
}

/* A disk's serial number is asked for when it starts, and is there a little later. */
static void describe(struct block_device *dev, struct block_info *info)
{
    uint64_t deadline = hal_now_ns() + 5 * HAL_SEC;

    for (block_describe(dev, info); !info->id[0] && hal_now_ns() < deadline;
         block_describe(dev, info))
        task_sleep_until(hal_now_ns() + HAL_MS);
}

unsigned disks_start(void)
{
    struct block_device *dev;
    struct block_info info;

    for (unsigned n = 0; (dev = block_get(n)) != NULL && disk_count < DISKS_MAX; n++) {
        describe(dev, &info);
        if (!way_of(info.id))
            continue;
        if (start(&disks[disk_count], dev, &info))
            disk_count++;
        else
            printf("soak: %s: cannot be verified\n", info.id);
    }
    return disk_count;
}

struct disk *disk_get(unsigned n)
{
    return n < disk_count ? &disks[n] : NULL;
}

void disks_stop(void)
{
    for (unsigned n = 0; n < disk_count; n++)
        disks[n].stop = true;
}
