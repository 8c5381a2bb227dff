/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_recover.c - the cache, /dev/vblkN and trees when the disk below is reset, given up and
 * comes back: what was synced is on the disk, what was not is still written, and nobody waits for
 * ever.
 */
#include <fcntl.h>
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "tarmaker.h"

#define BLOCK 4096u

static struct fakedisk *f;
static struct bcache *c;
static struct disk *d;
static unsigned resets_left; /* the disk is reset each time that it is given a flush */

static unsigned slot_of(enum block_op op)
{
    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t && f->slot[i].t->op == op)
            return i;
    return FAKEDISK_DEPTH;
}

static bool go_on(void *ctx)
{
    (void)ctx;
    if (resets_left && slot_of(BLOCK_FLUSH) < FAKEDISK_DEPTH) {
        resets_left--;
        fakedisk_reset(f);
        block_resume(&f->dev);
        return true;
    }
    return fakedisk_step(f) | host_run_round();
}

static void start(uint64_t bytes, size_t cache)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 16,
                                               .volatile_cache = true};

    f = fakedisk_new(bytes, &limits);
    CHECK(f != NULL);
    hosttask_on_wait(go_on, NULL);
    c = bcache_create(&f->dev, cache);
    d = disk_of(&f->dev);
    CHECK(c && d && d->cache == c);
}

static int write_block(uint64_t index, uint8_t byte)
{
    uint8_t buf[BLOCK];

    memset(buf, byte, sizeof(buf));
    return (int)disk_write(d, buf, BLOCK, index * BLOCK);
}

static void fill(uint64_t first, unsigned count, uint8_t byte)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(write_block(first + i, byte), BLOCK);
}

static void check_durable(uint64_t first, unsigned count, uint8_t byte)
{
    for (uint64_t at = first * BLOCK; at < (first + count) * BLOCK; at++)
        CHECK_EQ(f->durable[at], byte);
}

static void run(void)
{
    while (go_on(NULL))
        ;
}

/* ---- resets ---------------------------------------------------------------------------------- */

/* The flush finds the disk reset: all is written again, and only then does the sync end. */
static void reset_under_a_flush(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    resets_left = 1;
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
    CHECK_EQ(resets_left, 0);
    CHECK_EQ(bcache_dirty(c) + bcache_unflushed(c), 0);
    CHECK_EQ(bcache_errors(c), 0);
    CHECK(f->writes >= 2);
}

/* Written out by age, reset, and synced afterwards. */
static void reset_before_a_sync(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_unflushed(c), 10);
    CHECK_EQ(bcache_dirty(c), 0);
    fakedisk_reset(f);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
}

static unsigned syncs_good;

static void synced(struct bcache_sync *s)
{
    syncs_good += !s->result;
}

/* The disk comes back without a volatile cache: data that was in its old cache is written again. */
static void reset_and_write_through(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_unflushed(c), 10);
    fakedisk_reset(f);
    f->dev.volatile_cache = false;
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
    CHECK_EQ(bcache_dirty(c) + bcache_unflushed(c), 0);
}

/* The last block is a short one; the disk grows before a flush has covered it, and is reset. */
static void grown_before_a_flush(void)
{
    uint8_t buf[BLOCK], behind;

    start(64 * BLOCK, 64 * BLOCK);
    behind = f->now[10 * BLOCK + 512];
    block_resize(&f->dev, 10 * 8 + 1);
    memset(buf, 9, 512);
    CHECK_EQ(disk_write(d, buf, 512, 10 * BLOCK), 512);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_unflushed(c), 1);
    block_resize(&f->dev, 64 * 8);
    CHECK_EQ(disk_read(d, buf, BLOCK, 10 * BLOCK, NULL), BLOCK);
    CHECK(buf[511] == 9 && buf[512] == behind);
    fakedisk_reset(f);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(f->durable[10 * BLOCK] == 9 && f->durable[10 * BLOCK + 511] == 9);
}

/* A sync of ten blocks has its flush out; `count` blocks from `first` are written behind it. */
static void sync_and_write(struct bcache_sync *sync, uint64_t first, unsigned count)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(0, 10, 1);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_sync(c, sync), -EAGAIN);
    CHECK(slot_of(BLOCK_FLUSH) < FAKEDISK_DEPTH);
    fill(first, count, 2);
    bcache_start_round(c);
    while (slot_of(BLOCK_WRITE) < FAKEDISK_DEPTH)
        fakedisk_finish(f, slot_of(BLOCK_WRITE));
}

/* Some were written again meanwhile, others while the flush was out. */
static void reset_under_a_flush_and_writes(void)
{
    struct bcache_sync sync = {.done = synced};

    sync_and_write(&sync, 5, 10);
    fakedisk_reset(f);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    CHECK_EQ(syncs_good, 1);
    check_durable(0, 5, 1);
    check_durable(5, 10, 2);
}

/* Reset at every flush: in the end who syncs is told, and nothing is forgotten. */
static void reset_under_every_flush(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    resets_left = 1000;
    CHECK_EQ(disk_sync(d), -EIO);
    CHECK(resets_left > 900);
    CHECK_EQ(bcache_dirty(c), 10);
    resets_left = 0;
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
}

/* Far more than the cache holds is written and never synced: it flushes by itself, in time. */
static void nothing_unflushed_is_evicted(void)
{
    uint8_t buf[BLOCK];

    start(256 * BLOCK, 16 * BLOCK);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(write_block(i, (uint8_t)(i + 1)), BLOCK);
        CHECK(bcache_dirty(c) + bcache_unflushed(c) <= 13);
        if (i % 50 == 49) {
            fakedisk_reset(f);
            block_resume(&f->dev);
        }
    }
    CHECK(f->flushes > 5);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(disk_read(d, buf, BLOCK, i * BLOCK, NULL), BLOCK);
        CHECK_EQ(buf[17], (uint8_t)(i + 1));
    }
    CHECK_EQ(disk_sync(d), 0);
    for (unsigned i = 0; i < 200; i++)
        check_durable(i, 1, (uint8_t)(i + 1));
}

/* A reader gets room although all that could go is unflushed. */
static void a_reader_has_room_made(void)
{
    uint8_t buf[BLOCK];

    start(256 * BLOCK, 16 * BLOCK);
    fill(0, 11, 5);
    bcache_start_round(c);
    run();
    for (unsigned i = 100; i < 140; i++)
        CHECK_EQ(disk_read(d, buf, BLOCK, i * BLOCK, NULL), BLOCK);
    fakedisk_reset(f);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(0, 11, 5);
}

static void write_out(uint64_t first, unsigned count)
{
    fill(first, count, 2);
    bcache_start_round(c);
    while (slot_of(BLOCK_WRITE) < FAKEDISK_DEPTH)
        fakedisk_finish(f, slot_of(BLOCK_WRITE));
}

/* A flush ends that covers nothing of what is unflushed; nothing is dirty, and nobody syncs. */
static void a_writer_has_room_made(void)
{
    struct bcache_sync sync = {.done = synced};

    start(256 * BLOCK, 16 * BLOCK);
    write_out(0, 1);
    CHECK_EQ(bcache_sync(c, &sync), -EAGAIN);
    for (unsigned i = 0; i < 12; i += 3)
        write_out(i, 3);
    fakedisk_finish(f, slot_of(BLOCK_FLUSH));
    CHECK_EQ(syncs_good, 1);
    CHECK(bcache_unflushed(c) == 12 && !bcache_dirty(c) && !c->flush_out);
    fill(100, 1, 2);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(0, 12, 2);
}

/* ---- given up, and back ---------------------------------------------------------------------- */

static void give_up(bool quarantine)
{
    fakedisk_reset(f);
    block_fail_all(&f->dev, quarantine);
    run();
}

/* Every sync gets an error; dirty blocks are written when the disk is back, without a call. */
static void gone_and_back(void)
{
    struct file *file;
    uint8_t buf[BLOCK];
    int fd;

    start(256 * BLOCK, 64 * BLOCK);
    fd = disk_open(&f->dev, O_RDWR);
    file = hosttask_file(fd);
    fill(3, 10, 7);
    give_up(false);
    CHECK_EQ(file->ops->fsync(file), -EIO);
    CHECK_EQ(write_block(50, 1), -EIO);
    CHECK_EQ(disk_read(d, buf, BLOCK, 60 * BLOCK, NULL), -EIO);
    CHECK_EQ(disk_read(d, buf, BLOCK, 3 * BLOCK, NULL), BLOCK); /* from the cache */
    CHECK_EQ(disk_open(&f->dev, O_RDONLY), -EIO);
    CHECK_EQ(bcache_dirty(c), 10);
    host_run_for(30 * HAL_SEC);
    CHECK_EQ(bcache_dirty(c), 10);
    block_resume(&f->dev);
    for (unsigned i = 0; i < 20 && bcache_dirty(c); i++) {
        host_run_for(HAL_SEC);
        run();
    }
    CHECK_EQ(bcache_dirty(c), 0);
    CHECK_EQ(file->ops->fsync(file), 0);
    check_durable(3, 10, 7);
    CHECK_EQ(disk_read(d, buf, BLOCK, 60 * BLOCK, NULL), BLOCK);
    hosttask_close(fd);
}

/* Plugged in again with other contents: blocks that were only read are read again, written blocks
 * stay. */
static void written_elsewhere(void)
{
    struct bcache_wait w = {0};
    struct bcache_block *lent;
    uint8_t before[BLOCK], buf[3 * BLOCK];

    start(256 * BLOCK, 64 * BLOCK);
    CHECK_EQ(disk_read(d, buf, 3 * BLOCK, 3 * BLOCK, NULL), 3 * BLOCK);
    memcpy(before, buf + BLOCK, BLOCK);
    fill(5, 1, 7);
    CHECK_EQ(bcache_get(c, 4, BCACHE_READ, 0, &w, &lent), 0);
    CHECK_EQ(bcache_borrow(c, lent), 0);
    give_up(false);
    memset(f->now + 3 * BLOCK, 9, 3 * BLOCK);
    memset(f->durable + 3 * BLOCK, 9, 3 * BLOCK);
    block_replugged(&f->dev);
    block_resume(&f->dev);
    CHECK_EQ(disk_read(d, buf, 3 * BLOCK, 3 * BLOCK, NULL), 3 * BLOCK);
    CHECK(buf[0] == 9 && buf[BLOCK] == 9 && buf[2 * BLOCK] == 7);
    CHECK(memcmp(bcache_data(lent), before, BLOCK) == 0);
    bcache_return(c, lent);
    CHECK_EQ(c->borrowed, 0);
    CHECK_EQ(disk_read(d, buf, BLOCK, 4 * BLOCK, NULL), BLOCK);
    CHECK_EQ(buf[0], 9);
}

/* With writes and a sync under way: both end. */
static void gone_under_a_sync(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    bcache_start_round(c);
    CHECK(slot_of(BLOCK_WRITE) < FAKEDISK_DEPTH);
    give_up(false);
    CHECK_EQ(disk_sync(d), -EIO);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
}

/* Unflushed writes are written again after the disk is back. */
static void gone_with_unflushed_writes(void)
{
    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    bcache_start_round(c);
    run();
    CHECK_EQ(bcache_unflushed(c), 10);
    give_up(false);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 10, 7);
}

/*
 * A reset loses what was written behind a flush, which is to tell of it; the disk does not come
 * back, so that flush fails. The next one tells.
 */
static void gone_with_news_of_a_reset(void)
{
    struct bcache_sync sync = {.done = synced};

    sync_and_write(&sync, 10, 5);
    give_up(false);
    CHECK_EQ(sync.result, -EIO);
    block_resume(&f->dev);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(0, 10, 1);
    check_durable(10, 5, 2);
}

static void never_let_go(void)
{
    for (unsigned i = 0; i < f->dev.depth; i++)
        f->slot[i].t = NULL;
    f->out = 0;
    block_fail_all(&f->dev, true);
    run();
}

/* No reset completed, so the disk may read the memory: dirty data moves to other blocks. */
static void gone_and_not_let_go(void)
{
    struct bcache_block *old[10];

    start(256 * BLOCK, 64 * BLOCK);
    fill(3, 10, 7);
    bcache_start_round(c);
    for (unsigned i = 0; i < 10; i++)
        old[i] = bcache_find(c, 3 + i);
    never_let_go();
    CHECK_EQ(bcache_dirty(c), 10);
    block_resume(&f->dev);
    fill(3, 5, 9);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(bcache_find(c, 3 + i) != old[i]);
        CHECK_EQ(old[i]->state, BCACHE_LOST);
        CHECK_EQ(old[i]->data[0], 7);
    }
    disk_sync(d);
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 5, 9);
    check_durable(8, 5, 7);
}

static void wake_nobody(struct bcache_wait *w)
{
    (void)w;
}

/* Each time it keeps memory of a small cache: other memory takes its place. */
static void often_not_let_go(void)
{
    uint8_t buf[BLOCK];

    start(256 * BLOCK, 16 * BLOCK);
    for (unsigned i = 0; i < 20; i++) {
        struct bcache_wait w = {.wake = wake_nobody};
        struct bcache_block *b;

        CHECK_EQ(bcache_get(c, 100 + 4 * i, BCACHE_READ, 3, &w, &b), -EAGAIN);
        fill(3, 3, (uint8_t)i);
        bcache_start_round(c);
        never_let_go();
        CHECK_EQ(bcache_dirty(c), 3);
        block_resume(&f->dev);
        CHECK_EQ(disk_read(d, buf, BLOCK, (100 + 4 * i) * BLOCK, NULL), BLOCK);
        CHECK(c->blocks <= c->max_blocks);
    }
    CHECK_EQ(disk_sync(d), 0);
    check_durable(3, 3, 19);
}

/* A tree of files on a disk that was away. */
static void a_tree_works_again(void)
{
    struct tarmaker a = {0};
    const struct ftree *t;

    tarmaker_file(&a, "file", 600);
    tarmaker_end(&a);
    start(64 * BLOCK, 64 * BLOCK);
    memcpy(f->now, a.image, a.len);
    memcpy(f->durable, a.image, a.len);
    tarmaker_free(&a);
    give_up(false);
    CHECK_EQ(ftree_named("fake0", &t), -EIO);
    block_resume(&f->dev);
    CHECK_EQ(ftree_named("fake0", &t), 0);
    CHECK(ftree_find(t, "file", 4) != FTREE_NONE);
    give_up(false);
    block_resume(&f->dev);
    CHECK_EQ(ftree_named("fake0", &t), 0);
    CHECK(ftree_find(t, "file", 4) != FTREE_NONE);
}

/* ---- the block layer below ------------------------------------------------------------------- */

static unsigned ended;

static void end(struct block_request *r)
{
    (void)r;
    ended++;
}

/* Two flushes are out; that which began before a write completes last, and does not cover it. */
static void flushes_that_overlap(void)
{
    static uint8_t mem[512];
    struct block_seg seg = {mem, 512};
    struct block_request w = {.op = BLOCK_WRITE, .segs = &seg, .seg_count = 1, .done = end};
    struct block_request one = {.op = BLOCK_FLUSH, .done = end}, two = one;
    struct block_request *list[] = {&w, &one, &two};

    start(64 * BLOCK, 64 * BLOCK);
    block_submit(&f->dev, &list[0], 1);
    run();
    block_submit(&f->dev, &list[1], 1); /* slot 0 */
    block_submit(&f->dev, &list[0], 1); /* slot 1 */
    CHECK(f->slot[0].t && f->slot[0].t->op == BLOCK_FLUSH && f->slot[1].t);
    fakedisk_finish(f, 1);
    fakedisk_finish(f, 0); /* of the first write only */
    CHECK_EQ(ended, 3);
    fakedisk_reset(f);
    block_resume(&f->dev);
    block_submit(&f->dev, &list[2], 1);
    run();
    CHECK_EQ(two.result, -ESTALE);
    block_submit(&f->dev, &list[2], 1);
    run();
    CHECK_EQ(two.result, 0);
    CHECK_EQ(ended, 5);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"reset_under_a_flush", reset_under_a_flush},
        {"reset_before_a_sync", reset_before_a_sync},
        {"reset_and_write_through", reset_and_write_through},
        {"grown_before_a_flush", grown_before_a_flush},
        {"reset_under_a_flush_and_writes", reset_under_a_flush_and_writes},
        {"reset_under_every_flush", reset_under_every_flush},
        {"nothing_unflushed_is_evicted", nothing_unflushed_is_evicted},
        {"a_reader_has_room_made", a_reader_has_room_made},
        {"a_writer_has_room_made", a_writer_has_room_made},
        {"gone_and_back", gone_and_back},
        {"written_elsewhere", written_elsewhere},
        {"gone_under_a_sync", gone_under_a_sync},
        {"gone_with_unflushed_writes", gone_with_unflushed_writes},
        {"gone_with_news_of_a_reset", gone_with_news_of_a_reset},
        {"gone_and_not_let_go", gone_and_not_let_go},
        {"often_not_let_go", often_not_let_go},
        {"a_tree_works_again", a_tree_works_again},
        {"flushes_that_overlap", flushes_that_overlap},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
