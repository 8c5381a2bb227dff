/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_flush.c - flushes: what one covers, who is told when one failed or the device was reset, and
 * how many the cache sends.
 */
#include <fcntl.h>
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"

#define BLOCK 4096u

static struct fakedisk *f;
static struct disk *d;
static struct bcache *c;

static void run(void)
{
    while (fakedisk_step(f) | host_run_round())
        ;
}

static bool go_on(void *ctx)
{
    (void)ctx;
    return fakedisk_step(f) | host_run_round();
}

static void start(void)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 16,
                                               .volatile_cache = true};

    f = fakedisk_new(256 * BLOCK, &limits);
    CHECK(f != NULL);
    hosttask_on_wait(go_on, NULL);
    d = disk_of(&f->dev);
    CHECK(d != NULL);
    c = d->cache;
}

/* The slot that a transfer of this kind has; FAKEDISK_DEPTH: none. */
static unsigned slot_of(enum block_op op)
{
    unsigned i = 0;

    while (i < FAKEDISK_DEPTH && !(f->slot[i].t && f->slot[i].t->op == op))
        i++;
    return i;
}

static void write_block(unsigned index, uint8_t byte)
{
    uint8_t buf[BLOCK];

    memset(buf, byte, sizeof(buf));
    CHECK_EQ(disk_write(d, buf, BLOCK, index * BLOCK), BLOCK);
}

static bool durable(unsigned index, uint8_t byte)
{
    const uint8_t *p = f->durable + index * BLOCK;

    return p[0] == byte && !memcmp(p, p + 1, BLOCK - 1);
}

/* ---- flushers of the block layer ------------------------------------------------------------- */

static void ended(struct block_request *r)
{
    ++*(unsigned *)r->ctx;
}

static int flush_as(struct block_flusher *who)
{
    unsigned n = 0;
    struct block_request r = {.op = BLOCK_FLUSH, .done = ended, .ctx = &n, .flusher = who};
    struct block_request *one = &r;

    block_submit(&f->dev, &one, 1);
    run();
    CHECK_EQ(n, 1);
    return r.result;
}

static void write_raw(uint64_t sector)
{
    static uint8_t mem[512];
    unsigned n = 0;
    struct block_seg seg = {mem, sizeof(mem)};
    struct block_request r = {.op = BLOCK_WRITE,
                              .sector = sector,
                              .segs = &seg,
                              .seg_count = 1,
                              .done = ended,
                              .ctx = &n};
    struct block_request *one = &r;

    block_submit(&f->dev, &one, 1);
    run();
    CHECK(n == 1 && !r.result);
}

static void reset(void)
{
    fakedisk_reset(f);
    block_resume(&f->dev);
}

/* After a reset each hears of it once: two who have names, and those who have none. */
static void each_flusher_hears_of_a_reset(void)
{
    struct block_flusher one, two, later;

    start();
    block_flusher_init(&f->dev, &one);
    block_flusher_init(&f->dev, &two);
    write_raw(8);
    CHECK_EQ(flush_as(&one), 0);
    write_raw(8);
    reset();
    block_flusher_init(&f->dev, &later);
    CHECK_EQ(flush_as(&one), -ESTALE);
    CHECK_EQ(flush_as(&later), 0);
    CHECK_EQ(flush_as(&two), -ESTALE);
    CHECK_EQ(flush_as(NULL), -ESTALE);
    CHECK_EQ(flush_as(&one), 0);
    CHECK_EQ(flush_as(&two), 0);
    CHECK_EQ(flush_as(NULL), 0);
}

/* The device may have forgotten what a flush that failed was to cover: all others hear of it. */
static void each_flusher_hears_of_a_failed_flush(void)
{
    struct block_flusher one, two;

    start();
    block_flusher_init(&f->dev, &one);
    block_flusher_init(&f->dev, &two);
    write_raw(8);
    f->fail_flushes = 100;
    CHECK_EQ(flush_as(&one), -EIO);
    f->fail_flushes = 0;
    CHECK_EQ(flush_as(&one), 0);
    CHECK_EQ(flush_as(&two), -ESTALE);
    CHECK_EQ(flush_as(&two), 0);
    f->fail_flushes = 100; /* nothing was written since */
    CHECK_EQ(flush_as(&one), -EIO);
    f->fail_flushes = 0;
    CHECK_EQ(flush_as(&two), 0);
}

/* Of two flushes that the device has, one fails: the other one does not count. */
static void a_flush_beside_one_that_fails(void)
{
    unsigned n = 0;
    struct block_flusher who[2];
    struct block_request r[2], *list[2];

    start();
    write_raw(8);
    for (unsigned i = 0; i < 2; i++) {
        block_flusher_init(&f->dev, &who[i]);
        r[i] =
            (struct block_request){.op = BLOCK_FLUSH, .done = ended, .ctx = &n, .flusher = &who[i]};
        list[i] = &r[i];
        block_submit(&f->dev, &list[i], 1);
    }
    f->fail_flushes = 100;
    fakedisk_finish(f, f->slot[0].t->first == &r[0] ? 0 : 1);
    f->fail_flushes = 0;
    run();
    CHECK_EQ(n, 2);
    CHECK_EQ(r[0].result, -EIO);
    CHECK_EQ(r[1].result, -ESTALE);
    CHECK_EQ(flush_as(&who[0]), 0);
    CHECK_EQ(flush_as(&who[1]), 0);
}

/* Flushes that wait together are one transfer, but for that of a flusher who has not heard. */
static void a_flush_with_news_does_not_join(void)
{
    unsigned n = 0;
    struct block_flusher one, two;
    struct block_request r[2] = {
        {.op = BLOCK_FLUSH, .done = ended, .ctx = &n, .flusher = &one},
        {.op = BLOCK_FLUSH, .done = ended, .ctx = &n, .flusher = &two},
    };
    struct block_request *list[2] = {&r[0], &r[1]};

    start();
    block_flusher_init(&f->dev, &one);
    block_flusher_init(&f->dev, &two);
    write_raw(8);
    reset();
    CHECK_EQ(flush_as(&one), -ESTALE);
    block_submit(&f->dev, list, 2);
    run();
    CHECK_EQ(n, 2);
    CHECK_EQ(r[0].result, 0);
    CHECK_EQ(r[1].result, -ESTALE);
}

/* Another user of the disk writes, flushes, and is told of the loss; so is the cache. */
static void the_cache_beside_another_flusher(void)
{
    struct block_flusher other;

    start();
    block_flusher_init(&f->dev, &other);
    write_block(3, 7);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_unflushed(c), 1);
    reset();
    CHECK_EQ(flush_as(&other), -ESTALE);
    CHECK_EQ(flush_as(&other), 0);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(3, 7));
}

/* ---- the cache ------------------------------------------------------------------------------- */

struct syncer {
    struct bcache_sync sync; /* first: one is the other */
    unsigned ended;
};

static void synced(struct bcache_sync *s)
{
    ((struct syncer *)s)->ended++;
}

static void begin_sync(struct syncer *s)
{
    s->sync.done = synced;
    CHECK_EQ(bcache_sync(c, &s->sync), -EAGAIN);
}

/* Lets A's flush wait for B's write: the flush is submitted, and then the write of B completes. */
static void hold_a_flush_back(struct syncer *a, struct syncer *b)
{
    write_block(1, 1);
    begin_sync(a);
    write_block(9, 2);
    begin_sync(b);
    fakedisk_finish(f, slot_of(BLOCK_WRITE)); /* A's: the next round begins, and the flush waits */
    CHECK(c->flush_out && !c->flush_started);
    fakedisk_finish(f, slot_of(BLOCK_WRITE)); /* B's */
    CHECK(c->flush_started && slot_of(BLOCK_FLUSH) < FAKEDISK_DEPTH);
}

/* The flush covers what is written when the device gets it: one does for both. */
static void one_flush_for_two(void)
{
    struct syncer a = {0}, b = {0};

    start();
    hold_a_flush_back(&a, &b);
    fakedisk_finish(f, slot_of(BLOCK_FLUSH));
    CHECK(a.ended == 1 && !a.sync.result && b.ended == 1 && !b.sync.result);
    run();
    CHECK_EQ(f->flushes, 1);
    CHECK(durable(1, 1) && durable(9, 2));
}

/* It fails, and the disk forgets: what was written while it waited is written again, too. */
static void a_flush_that_waited_fails(void)
{
    struct syncer a = {0}, b = {0};

    start();
    hold_a_flush_back(&a, &b);
    f->fail_flushes = 100;
    fakedisk_finish(f, slot_of(BLOCK_FLUSH));
    memcpy(f->now, f->durable, f->bytes);
    f->fail_flushes = 0;
    run();
    CHECK_EQ(a.sync.result, -EIO);
    CHECK_EQ(b.sync.result, -EIO);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(1, 1) && durable(9, 2));
}

/* A write completes while the device has the flush, which fails, and the disk forgets all. */
static void written_under_a_flush_that_fails(void)
{
    struct syncer a = {0};

    start();
    write_block(1, 1);
    begin_sync(&a);
    fakedisk_finish(f, slot_of(BLOCK_WRITE));
    CHECK(c->flush_started);
    write_block(9, 2);
    bcache_start_round(c);
    fakedisk_finish(f, slot_of(BLOCK_WRITE));
    f->fail_flushes = 100;
    fakedisk_finish(f, slot_of(BLOCK_FLUSH));
    memcpy(f->now, f->durable, f->bytes);
    f->fail_flushes = 0;
    CHECK_EQ(a.sync.result, -EIO);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(1, 1) && durable(9, 2));
}

/* A write completes while the device has the flush, which succeeds: another flush follows. */
static void written_under_a_flush(void)
{
    struct syncer a = {0}, b = {0};

    start();
    write_block(1, 1);
    begin_sync(&a);
    fakedisk_finish(f, slot_of(BLOCK_WRITE));
    write_block(9, 2);
    begin_sync(&b);
    fakedisk_finish(f, slot_of(BLOCK_WRITE));
    fakedisk_finish(f, slot_of(BLOCK_FLUSH));
    CHECK(a.ended == 1 && b.ended == 0);
    run();
    CHECK(b.ended == 1 && !b.sync.result);
    CHECK_EQ(f->flushes, 2);
}

/* Two who write and sync in turn, 500 times each, send one flush for both. */
static void two_with_500_syncs(void)
{
    struct syncer s[2] = {0};
    unsigned done[2] = {0};

    start();
    while (done[0] < 500 || done[1] < 500) {
        for (unsigned i = 0; i < 2; i++) {
            if (s[i].ended != done[i] || done[i] == 500)
                continue;
            write_block(10 * i, (uint8_t)done[i]);
            begin_sync(&s[i]);
            done[i]++;
        }
        fakedisk_step(f);
        host_run_round();
    }
    run();
    CHECK(s[0].ended == 500 && s[1].ended == 500);
    CHECK(f->flushes <= 550);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"each_flusher_hears_of_a_reset", each_flusher_hears_of_a_reset},
        {"each_flusher_hears_of_a_failed_flush", each_flusher_hears_of_a_failed_flush},
        {"a_flush_beside_one_that_fails", a_flush_beside_one_that_fails},
        {"a_flush_with_news_does_not_join", a_flush_with_news_does_not_join},
        {"the_cache_beside_another_flusher", the_cache_beside_another_flusher},
        {"one_flush_for_two", one_flush_for_two},
        {"a_flush_that_waited_fails", a_flush_that_waited_fails},
        {"written_under_a_flush_that_fails", written_under_a_flush_that_fails},
        {"written_under_a_flush", written_under_a_flush},
        {"two_with_500_syncs", two_with_500_syncs},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
