/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_zero.c - ranges of the block cache: blocks that become zeros while others are read and
 * written, over a disk that is reset; blocks that are read before, or let go of, because a caller
 * says what it will do; and the same for bytes of a disk (files/disk_zero.c).
 */
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"

#define BLOCK  4096u
#define BLOCKS 96u
#define ACTORS 12u

struct actor {
    struct bcache_wait wait; /* first: one is the other */
    bool waiting, wants;
    enum bcache_use use;
    unsigned index;
};

static struct fakedisk *f;
static struct bcache *c;
static struct disk *d;
static struct actor actors[ACTORS];
static struct bcache_zero zero;
static struct bcache_sync one_sync;
static bool zeroing, syncing, down;
static uint8_t model[BLOCKS], seen[BLOCKS]; /* the byte that fills a block; when the sync began */
static unsigned version[BLOCKS], seen_version[BLOCKS];
static unsigned zeros_done, syncs_done, resets, reads;

static const struct block_device limits = {.block_size = 512,
                                           .max_segs = 40,
                                           .max_seg_size = 1u << 20,
                                           .depth = 16,
                                           .volatile_cache = true};

static void wake(struct bcache_wait *w)
{
    ((struct actor *)w)->waiting = false;
}

static bool go_on(void *ctx)
{
    (void)ctx;
    return fakedisk_step(f) | host_run_round();
}

/* A disk of BLOCKS whose blocks are each full of one byte. */
static void start(unsigned cache_blocks)
{
    f = fakedisk_new(BLOCKS * BLOCK, &limits);
    CHECK(f != NULL);
    fakedisk_can_zero(f);
    for (unsigned i = 0; i < BLOCKS; i++) {
        model[i] = (uint8_t)(1 + i);
        memset(f->now + i * BLOCK, model[i], BLOCK);
    }
    memcpy(f->durable, f->now, BLOCKS * BLOCK);
    c = bcache_create(&f->dev, cache_blocks * BLOCK);
    d = disk_of(&f->dev);
    CHECK(c != NULL && d != NULL && d->cache == c);
    for (unsigned i = 0; i < ACTORS; i++)
        actors[i].wait.wake = wake;
    hosttask_on_wait(go_on, NULL);
}

static bool are(const uint8_t *p, size_t len, uint8_t byte)
{
    return p[0] == byte && !memcmp(p, p + 1, len - 1);
}

/* ---- at random ------------------------------------------------------------------------------- */

static void synced(struct bcache_sync *s)
{
    CHECK_EQ(s->result, 0);
    syncing = false;
    syncs_done++;
    for (unsigned i = 0; i < BLOCKS; i++)
        if (version[i] == seen_version[i])
            CHECK(are(f->durable + i * BLOCK, BLOCK, seen[i]));
}

static void begin_sync(void)
{
    if (syncing)
        return;
    memcpy(seen, model, sizeof(seen));
    memcpy(seen_version, version, sizeof(seen_version));
    syncing = true;
    one_sync.done = synced;
    if (bcache_sync(c, &one_sync) == 0)
        synced(&one_sync);
}

/* Durable at its end. */
static void zeroed(struct bcache_zero *z)
{
    CHECK_EQ(z->result, 0);
    for (uint64_t i = z->index; i < z->index + z->count; i++)
        CHECK(are(f->durable + i * BLOCK, BLOCK, 0));
    zeroing = false;
    zeros_done++;
}

static void begin_zero(void)
{
    unsigned from = random_below(BLOCKS), n = 1 + random_below(20);

    if (zeroing)
        return;
    n = n < BLOCKS - from ? n : BLOCKS - from;
    memset(model + from, 0, n);
    for (unsigned i = from; i < from + n; i++)
        version[i]++;
    zeroing = true;
    zero = (struct bcache_zero){.done = zeroed, .index = from, .count = n};
    bcache_zero(c, &zero);
}

static void act(struct actor *a)
{
    struct bcache_block *b;
    int err;

    if (a->waiting)
        return;
    if (!a->wants) {
        a->use = random_below(2) ? BCACHE_READ : random_below(2) ? BCACHE_UPDATE : BCACHE_OVERWRITE;
        a->index = random_below(BLOCKS);
    }
    a->wants = true;
    err = bcache_get(c, a->index, a->use, random_below(6), &a->wait, &b);
    a->waiting = err == -EAGAIN;
    if (a->waiting)
        return;
    CHECK_EQ(err, 0);
    a->wants = false;
    if (a->use != BCACHE_OVERWRITE)
        CHECK(are(bcache_data(b), BLOCK, model[a->index]));
    reads += a->use == BCACHE_READ;
    if (a->use == BCACHE_READ)
        return;
    model[a->index] = (uint8_t)(1 + random_below(255));
    version[a->index]++;
    memset(bcache_data(b), model[a->index], BLOCK);
}

/* Fewer times in a row than are an error. */
static void reset_or_return(void)
{
    if (!down && (c->stale_flushes > 2 || (zeroing && zero.tries > 2)))
        return;
    down = !down;
    resets += down;
    if (down)
        fakedisk_reset(f);
    else
        block_resume(&f->dev);
}

static void step(bool with_resets)
{
    unsigned what = random_below(64);

    if (what < 36)
        act(&actors[random_below(ACTORS)]);
    else if (what < 50)
        fakedisk_step(f);
    else if (what < 61)
        host_run_round();
    else if (what == 61)
        begin_zero();
    else if (what == 62)
        begin_sync();
    else
        bcache_wont_need(c, random_below(BLOCKS), random_below(20));
    if (with_resets && random_below(down ? 20 : 300) == 0)
        reset_or_return();
}

static void run(bool with_resets)
{
    start(40);
    for (unsigned i = 0; i < 60000; i++)
        step(with_resets);
    if (down)
        reset_or_return();
    for (bool busy = true; busy; busy = zeroing || syncing) {
        CHECK(go_on(NULL) || !(zeroing || syncing));
        for (unsigned i = 0; i < ACTORS; i++)
            busy |= actors[i].wants ? (act(&actors[i]), true) : false;
    }
    for (unsigned i = 0; i < ACTORS; i++)
        while (actors[i].wants)
            act(&actors[i]), go_on(NULL);
    CHECK_EQ(disk_sync(d), 0);
    for (unsigned i = 0; i < BLOCKS; i++)
        CHECK(are(f->durable + i * BLOCK, BLOCK, model[i]));
    CHECK(zeros_done > 100 && syncs_done > 100 && reads > 1000);
    CHECK_EQ(bcache_errors(c), 0);
}

static void random_zeros(void)
{
    run(false);
}

static void random_zeros_and_resets(void)
{
    run(true);
    CHECK(resets > 20);
}

/* ---- bytes of a disk ------------------------------------------------------------------------- */

static uint8_t buf[BLOCKS * BLOCK];

/* The bytes of the disk but [at, at + len) are as they were, and those are zeros. */
static void check_zeros(uint64_t at, uint64_t len)
{
    CHECK_EQ(disk_read(d, buf, sizeof(buf), 0, NULL), sizeof(buf));
    for (uint64_t i = 0; i < sizeof(buf); i++)
        CHECK_EQ(buf[i], i >= at && i - at < len ? 0 : 1 + i / BLOCK);
}

/* Whole blocks go to the device, as blocks that it may free; the rest of the bytes is written. */
static void any_bytes(void)
{
    start(64);
    CHECK_EQ(disk_zero(d, 5000, 3 * BLOCK, true), 0);
    check_zeros(5000, 3 * BLOCK);
    CHECK_EQ(f->zeroes, 1);
    CHECK_EQ(f->unmapped, 2 * BLOCK / 512);
    CHECK_EQ(disk_sync(d), 0);
    CHECK_EQ(disk_read(d, buf, 1, 0, NULL), 1);
    CHECK(are(f->durable + 5000, 3 * BLOCK, 0));
}

static void within_a_block(void)
{
    start(64);
    CHECK_EQ(disk_zero(d, 5000, 100, true), 0);
    check_zeros(5000, 100);
    CHECK_EQ(f->zeroes, 0);
}

static void the_end_of_the_disk(void)
{
    start(64);
    CHECK_EQ(disk_zero(d, (BLOCKS - 1) * BLOCK, BLOCK, false), 0);
    check_zeros((BLOCKS - 1) * BLOCK, BLOCK);
    CHECK_EQ(f->zeroes, 1);
    CHECK_EQ(f->unmapped, 0);
}

/* What was written to the blocks before, and is not on the disk, never gets there. */
static void dirty_blocks_are_dropped(void)
{
    start(64);
    memset(buf, 0xee, BLOCK);
    for (unsigned i = 10; i < 20; i++)
        CHECK_EQ(disk_write(d, buf, BLOCK, i * BLOCK), BLOCK);
    CHECK_EQ(disk_zero(d, 10 * BLOCK, 10 * BLOCK, false), 0);
    CHECK_EQ(bcache_dirty(c), 0);
    CHECK_EQ(f->writes, 0);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(are(f->durable + 10 * BLOCK, 10 * BLOCK, 0));
}

/* A borrower keeps its bytes. */
static void borrowed_blocks_stay(void)
{
    struct file_loan loan;

    start(64);
    CHECK_EQ(disk_lend(d, BLOCK, 7 * BLOCK, NULL, &loan), BLOCK);
    CHECK_EQ(disk_zero(d, 7 * BLOCK, BLOCK, false), 0);
    CHECK(are(loan.data, BLOCK, 8));
    loan.end(loan.owner, loan.part);
    check_zeros(7 * BLOCK, BLOCK);
    CHECK_EQ(c->borrowed, 0);
}

/* A device that cannot, or fails to: the zeros are written, and a failure is an error of writing.
 */
static void without_the_device(void)
{
    start(64);
    f->dev.more->can = 0;
    CHECK_EQ(disk_zero(d, 0, 2 * BLOCK, true), 0);
    check_zeros(0, 2 * BLOCK);
    CHECK_EQ(bcache_errors(c), 0);
    f->dev.more->can = 1u << BLOCK_WRITE_ZEROES;
    f->fail_zeroes = 100;
    CHECK_EQ(disk_zero(d, 0, 3 * BLOCK, true), 0);
    CHECK_EQ(bcache_errors(c), 1);
    CHECK_EQ(f->zeroes, 1);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(are(f->durable, 3 * BLOCK, 0));
    check_zeros(0, 3 * BLOCK);
}

static void ended(struct bcache_zero *z)
{
    CHECK(z->result != 0);
}

static void refused(void)
{
    start(64);
    zero = (struct bcache_zero){.done = ended, .index = BLOCKS - 1, .count = 2};
    bcache_zero(c, &zero);
    CHECK_EQ(zero.result, -ENXIO);
    f->dev.read_only = true;
    CHECK_EQ(disk_zero(d, 0, 2 * BLOCK, true), -EROFS);
    f->dev.read_only = false;
    CHECK_EQ(f->zeroes, 0);
}

/* ---- advice ---------------------------------------------------------------------------------- */

static bool has(unsigned index)
{
    const struct bcache_block *b = bcache_find(c, index);

    return b && b->state == BCACHE_CLEAN;
}

static void will_need(void)
{
    start(64);
    bcache_will_need(c, 10, 5);
    bcache_will_need(c, BLOCKS - 1, 5);
    bcache_will_need(c, BLOCKS, 5);
    while (go_on(NULL))
        ;
    CHECK(!has(9) && has(10) && has(14) && !has(15) && has(BLOCKS - 1));
    CHECK_EQ(f->reads, 2);
}

/* What is on the disk leaves, what is not is written out and stays. */
static void wont_need(void)
{
    start(64);
    CHECK_EQ(disk_read(d, buf, 4 * BLOCK, 10 * BLOCK, NULL), 4 * BLOCK);
    CHECK_EQ(disk_write(d, buf, BLOCK, 11 * BLOCK), BLOCK);
    bcache_wont_need(c, 10, 3);
    CHECK(!has(10) && !has(12) && has(13));
    CHECK(bcache_find(c, 11)->state == BCACHE_WRITING);
    while (go_on(NULL))
        ;
    CHECK_EQ(f->writes, 1);
    CHECK(bcache_find(c, 11)->state == BCACHE_UNFLUSHED);
    bcache_wont_need(c, 0, UINT64_MAX); /* by way of all blocks of the cache */
    CHECK(!has(13));
}

static void habits(void)
{
    struct bcache_stream s = {.habit = BCACHE_HABIT_RANDOM};

    start(64);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(disk_read(d, buf, BLOCK, i * BLOCK, &s), BLOCK);
    CHECK_EQ(c->stats.readahead, 0);
    s.habit = BCACHE_HABIT_IN_TURN;
    CHECK_EQ(disk_read(d, buf, BLOCK, 20 * BLOCK, &s), BLOCK);
    while (go_on(NULL))
        ;
    CHECK_EQ(c->stats.readahead, 8); /* an eighth of the cache, at once */
    s.habit = BCACHE_HABIT_SEEN;
    CHECK_EQ(disk_read(d, buf, BLOCK, 40 * BLOCK, &s), BLOCK);
    CHECK_EQ(c->stats.readahead, 8);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"random_zeros", random_zeros},
        {"random_zeros_and_resets", random_zeros_and_resets},
        {"any_bytes", any_bytes},
        {"within_a_block", within_a_block},
        {"the_end_of_the_disk", the_end_of_the_disk},
        {"dirty_blocks_are_dropped", dirty_blocks_are_dropped},
        {"borrowed_blocks_stay", borrowed_blocks_stay},
        {"without_the_device", without_the_device},
        {"refused", refused},
        {"will_need", will_need},
        {"wont_need", wont_need},
        {"habits", habits},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
