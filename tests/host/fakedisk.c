/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakedisk.c - the device of fakedisk.h.
 */
#include "fakedisk.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"

static void judge(bool good, const char *what, uint64_t v)
{
    if (!good)
        host_violation("fakedisk: %s (%llu)", what, (unsigned long long)v);
}

static struct fakedisk *of(struct block_device *dev)
{
    return (struct fakedisk *)dev;
}

static bool moves_data(const struct block_transfer *t)
{
    return t->op == BLOCK_READ || t->op == BLOCK_WRITE;
}

static bool overlap(const struct block_transfer *a, const struct block_transfer *b)
{
    return a->sector * BLOCK_SECTOR < b->sector * BLOCK_SECTOR + b->bytes &&
           b->sector * BLOCK_SECTOR < a->sector * BLOCK_SECTOR + a->bytes;
}

static void judge_data(const struct fakedisk *f, const struct block_transfer *t, uint64_t total)
{
    uint64_t at = t->sector * BLOCK_SECTOR;

    judge(total == t->bytes && total > 0, "pieces unlike the length", total);
    judge(total % f->dev.block_size == 0 && at % f->dev.block_size == 0, "part of a block", at);
    judge(at < f->bytes && total <= f->bytes - at, "beyond the end", at);
    judge(t->op != BLOCK_WRITE || !f->dev.read_only, "write to a read-only disk", at);
    for (unsigned i = 0; i < f->dev.depth; i++) {
        const struct block_transfer *o = f->slot[i].t;

        if (o && moves_data(o) && (o->op == BLOCK_WRITE || t->op == BLOCK_WRITE))
            judge(!overlap(o, t), "overlaps a transfer that is out", at);
    }
}

static void judge_flush(const struct fakedisk *f, const struct block_transfer *t, unsigned n)
{
    judge(!n && !t->sector && !t->bytes, "flush with data", n);
    judge(!f->dev.read_only && f->dev.volatile_cache, "flush of what holds nothing back", 0);
    for (unsigned i = 0; i < f->dev.depth; i++)
        judge(!f->slot[i].t || f->slot[i].t->op != BLOCK_WRITE, "flush before a write is done", i);
}

/* No transfer of data is out for what becomes zeros. */
static void judge_zeroes(const struct fakedisk *f, const struct block_dma *dma, unsigned n)
{
    const struct block_range *r = host_dma_pointer(dma->addr, dma->len);

    judge(n == 1 && r && dma->len && dma->len % sizeof(*r) == 0, "ranges", dma->len);
    for (uint32_t k = 0; k < dma->len / sizeof(*r); k++) {
        const struct block_transfer span = {.sector = r[k].sector,
                                            .bytes = r[k].sectors * BLOCK_SECTOR};

        judge(r[k].sector + r[k].sectors <= f->bytes / BLOCK_SECTOR, "zeroes behind the end", k);
        for (unsigned i = 0; i < f->dev.depth; i++)
            judge(!f->slot[i].t || !moves_data(f->slot[i].t) || !overlap(f->slot[i].t, &span),
                  "zeroes overlap a transfer that is out", k);
    }
}

static uint64_t sum(const struct fakedisk *f, unsigned slot)
{
    uint64_t h = 14695981039346656037ull;

    for (unsigned k = 0; k < f->slot[slot].n; k++) {
        const struct block_dma *d = &f->slot[slot].dma[k];
        const uint8_t *p = host_dma_pointer(d->addr, d->len);

        judge(p != NULL, "piece that is no memory", d->addr);
        for (uint32_t i = 0; p && i < d->len; i++)
            h = (h ^ p[i]) * 1099511628211ull;
    }
    return h;
}

static bool room(struct block_device *dev)
{
    return of(dev)->out < dev->depth;
}

static void stage(struct block_device *dev, struct block_transfer *t, const struct block_dma *dma,
                  unsigned n)
{
    struct fakedisk *f = of(dev);
    uint64_t total = 0;

    judge(t->slot < dev->depth && !f->slot[t->slot].t, "slot in use", t->slot);
    judge(n <= dev->max_segs, "too many pieces", n);
    for (unsigned k = 0; k < n; k++) {
        judge(dma[k].len && dma[k].len <= dev->max_seg_size, "length of a piece", dma[k].len);
        total += dma[k].len;
        f->slot[t->slot].dma[k] = dma[k];
        if (t->op == BLOCK_READ)
            host_dma_own(dma[k].addr, dma[k].len);
    }
    if (moves_data(t))
        judge_data(f, t, total);
    else if (t->op == BLOCK_FLUSH)
        judge_flush(f, t, n);
    else if (t->op == BLOCK_WRITE_ZEROES)
        judge_zeroes(f, dma, n);
    else
        judge(n == 1 && total == BLOCK_ID_LEN, "GET_ID of other than 20 bytes", total);
    f->slot[t->slot].t = t;
    f->slot[t->slot].n = n;
    f->slot[t->slot].bad = false;
    f->slot[t->slot].sum = t->op == BLOCK_WRITE ? sum(f, t->slot) : 0;
    f->out++;
}

static void commit(struct block_device *dev)
{
    of(dev)->commits++;
}

static void stage_plain(struct block_device *dev, struct block_transfer *t, unsigned n, bool last)
{
    judge(n > 0, "number of plain transfers", n);
    for (; n; n--, t = t->next) {
        judge(t->plain && moves_data(t) && t->count == 1, "not plain", t->slot);
        stage(dev, t, &(struct block_dma){t->addr, t->bytes}, 1);
    }
    if (last)
        commit(dev);
}

static void stage_flush(struct block_device *dev, struct block_transfer *t)
{
    judge(t->plain && t->op == BLOCK_FLUSH && t->count == 1, "not a flush alone", t->slot);
    stage(dev, t, NULL, 0);
    commit(dev);
}

const struct test_variant fakedisk_ways[] = {{"short", 0}, {"long", FAKEDISK_LONG_WAY}, {NULL, 0}};

static const struct block_driver drivers[] = {
    {.room = room,
     .stage = stage,
     .stage_plain = stage_plain,
     .stage_flush = stage_flush,
     .commit = commit},
    {.room = room, .stage = stage, .commit = commit},
};

struct fakedisk *fakedisk_new(uint64_t bytes, const struct block_device *limits)
{
    struct fakedisk *f = calloc(1, sizeof(*f));

    f->bytes = bytes;
    f->bad_sector = f->bad_write = UINT64_MAX;
    f->dev = *limits;
    f->dev.name = "fake0";
    f->dev.driver = &drivers[case_variant == FAKEDISK_LONG_WAY];
    f->dev.sectors = bytes / BLOCK_SECTOR;
    f->dev.timeout_ns = HAL_SEC;
    f->now = malloc(bytes);
    f->durable = malloc(bytes);
    for (uint64_t i = 0; i < bytes; i++)
        f->now[i] = f->durable[i] = (uint8_t)(i * 7 + (i >> 9));
    if (block_register(&f->dev) == 0)
        return f;
    free(f->now);
    free(f->durable);
    free(f);
    return NULL;
}

void fakedisk_can_zero(struct fakedisk *f)
{
    struct block_more *more = calloc(1, sizeof(*more));

    more->can = 1u << BLOCK_WRITE_ZEROES;
    more->limits.unmaps = true;
    more->range[BLOCK_WRITE_ZEROES] =
        (struct block_range_limit){.sectors = 64, .ranges = 4, .align = 1};
    more->ranges =
        hal_dma_alloc(f->dev.depth * BLOCK_RANGES * sizeof(*more->ranges), 64, &more->ranges_dma);
    more->check = block_more_check;
    more->cut = block_more_cut;
    f->dev.more = more;
}

/* ---- doing it -------------------------------------------------------------------------------- */

static void move(struct fakedisk *f, unsigned slot, bool write)
{
    uint64_t at = f->slot[slot].t->sector * BLOCK_SECTOR;

    for (unsigned k = 0; k < f->slot[slot].n; k++) {
        const struct block_dma *d = &f->slot[slot].dma[k];

        if (write)
            host_dma_read(d->addr, f->now + at, d->len);
        else
            host_dma_write(d->addr, f->now + at, d->len);
        if (write && !f->dev.volatile_cache)
            memcpy(f->durable + at, f->now + at, d->len);
        at += d->len;
    }
}

static bool holds(const struct block_transfer *t, uint64_t sector)
{
    return sector >= t->sector && sector - t->sector < t->bytes / BLOCK_SECTOR;
}

static bool holds_bad(const struct fakedisk *f, const struct block_transfer *t)
{
    return holds(t, t->op == BLOCK_READ ? f->bad_sector : f->bad_write);
}

static bool neighbours(const struct block_transfer *a, const struct block_transfer *b)
{
    return a->op == b->op && (a->sector + a->bytes / BLOCK_SECTOR == b->sector ||
                              b->sector + b->bytes / BLOCK_SECTOR == a->sector);
}

/* Is there a neighbour of this slot's transfer that fails, or is about to? */
static bool infected(const struct fakedisk *f, unsigned slot)
{
    for (unsigned i = 0; i < f->dev.depth; i++) {
        const struct block_transfer *o = f->slot[i].t;

        if (o && i != slot && neighbours(o, f->slot[slot].t) && f->slot[i].bad)
            return true;
    }
    return false;
}

/* The neighbours of a bad sector, and theirs, fail with it. */
static void spread(struct fakedisk *f)
{
    bool more = f->merges;

    while (more) {
        more = false;
        for (unsigned i = 0; i < f->dev.depth; i++) {
            const struct block_transfer *t = f->slot[i].t;

            if (!t || !moves_data(t) || f->slot[i].bad || !(holds_bad(f, t) || infected(f, i)))
                continue;
            f->slot[i].bad = more = true;
        }
    }
}

static int zero(struct fakedisk *f, const struct block_dma *dma)
{
    const struct block_range *r = host_dma_pointer(dma->addr, dma->len);

    f->zeroes++;
    if (random_below(100) < f->fail_zeroes)
        return -EIO;
    for (uint32_t k = 0; k < dma->len / sizeof(*r); k++) {
        f->unmapped += r[k].flags & BLOCK_RANGE_UNMAP ? r[k].sectors : 0;
        memset(f->now + r[k].sector * BLOCK_SECTOR, 0, r[k].sectors * BLOCK_SECTOR);
    }
    if (!f->dev.volatile_cache)
        memcpy(f->durable, f->now, f->bytes);
    return 0;
}

static int serve(struct fakedisk *f, unsigned slot)
{
    const struct block_transfer *t = f->slot[slot].t;
    static const char id[BLOCK_ID_LEN] = "FAKE-DISK-0123456789";

    switch (t->op) {
    case BLOCK_READ:
        f->reads++;
        if (random_below(100) < f->fail_reads || holds_bad(f, t) || f->slot[slot].bad)
            return -EIO;
        move(f, slot, false);
        return 0;
    case BLOCK_WRITE:
        f->writes++;
        judge(sum(f, slot) == f->slot[slot].sum, "data changed while it was written", t->sector);
        if (random_below(100) < f->fail_writes || holds_bad(f, t) || f->slot[slot].bad)
            return -EIO;
        move(f, slot, true);
        return 0;
    case BLOCK_FLUSH:
        if (random_below(100) < f->fail_flushes) {
            if (f->forgets)
                memcpy(f->now, f->durable, f->bytes);
            return -EIO;
        }
        memcpy(f->durable, f->now, f->bytes);
        f->flushes++;
        return 0;
    case BLOCK_WRITE_ZEROES:
        return zero(f, f->slot[slot].dma);
    default:
        host_dma_write(f->slot[slot].dma[0].addr, id, BLOCK_ID_LEN);
        return 0;
    }
}

static struct block_transfer *let_go(struct fakedisk *f, unsigned slot)
{
    struct block_transfer *t = f->slot[slot].t;

    if (t->op == BLOCK_READ)
        for (unsigned k = 0; k < f->slot[slot].n; k++)
            host_dma_return(f->slot[slot].dma[k].addr, f->slot[slot].dma[k].len);
    f->slot[slot].t = NULL;
    f->out--;
    return t;
}

void fakedisk_finish(struct fakedisk *f, unsigned slot)
{
    int result;

    spread(f);
    result = serve(f, slot);
    block_hold(&f->dev);
    block_complete(&f->dev, let_go(f, slot), result);
    block_release(&f->dev);
}

bool fakedisk_step(struct fakedisk *f)
{
    unsigned busy[FAKEDISK_DEPTH], n = 0;

    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t)
            busy[n++] = i;
    if (n)
        fakedisk_finish(f, busy[random_below(n)]);
    return n != 0;
}

void fakedisk_reset(struct fakedisk *f)
{
    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t)
            let_go(f, i)->lost = true;
    memcpy(f->now, f->durable, f->bytes);
    block_requeue(&f->dev);
}
