/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_read.c - how the cache reads: what one call makes it read, how far it reads ahead of
 * whom, who hears of a block that cannot be read, and what a disk is asked that shrinks or is given
 * up meanwhile.
 */
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "fakedisk.h"
#include "host.h"

#define BLOCK   4096u
#define READERS 40u

/* A caller that waits; `woken` counts. */
struct reader {
    struct bcache_wait wait; /* first: one is the other */
    unsigned woken;
};

static struct fakedisk *f;
static struct bcache *c;
static struct reader readers[READERS];
static struct bcache_block *got;

static void wake(struct bcache_wait *w)
{
    ((struct reader *)w)->woken++;
}

static void start(uint64_t blocks, unsigned cache_blocks)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 32,
                                               .volatile_cache = true};

    f = fakedisk_new(blocks * BLOCK, &limits);
    CHECK(f != NULL);
    c = bcache_create(&f->dev, cache_blocks * BLOCK);
    CHECK(c != NULL);
    for (unsigned i = 0; i < READERS; i++)
        readers[i].wait.wake = wake;
}

static void settle(void)
{
    while (fakedisk_step(f) | host_run_round())
        ;
}

static int ask(unsigned reader, uint64_t index, unsigned more)
{
    return bcache_get(c, index, BCACHE_READ, more, &readers[reader].wait, &got);
}

/* The final result of a reader, which asks ten times at most. */
static int read_block(unsigned reader, uint64_t index, unsigned more)
{
    int err = -EAGAIN;

    for (unsigned i = 0; i < 10 && err == -EAGAIN; i++) {
        err = ask(reader, index, more);
        settle();
    }
    CHECK(err || !memcmp(bcache_data(got), f->now + index * BLOCK, bcache_len(got)));
    return err;
}

/* Is the block in the cache, with its data? */
static bool has(uint64_t index)
{
    const struct bcache_block *b = bcache_find(c, index);

    return b && b->state == BCACHE_CLEAN;
}

/* Blocks of the cache that have their data. */
static unsigned held(void)
{
    unsigned n = 0;

    for (uint64_t i = 0; i < f->bytes / BLOCK; i++)
        n += has(i);
    return n;
}

/* ---- one call -------------------------------------------------------------------------------- */

/* Further wanted blocks are read in the same request and counted; cached blocks are not. */
static void more_blocks(void)
{
    struct bcache_stats s;

    start(256, 256);
    CHECK_EQ(read_block(0, 12, 0), 0);
    CHECK_EQ(ask(0, 10, 5), -EAGAIN);
    CHECK_EQ(f->commits, 2);
    settle();
    CHECK_EQ(ask(0, 10, 5), 0);
    for (unsigned i = 10; i < 16; i++)
        CHECK(has(i));
    CHECK(!has(9) && !has(16));
    CHECK_EQ(bcache_stats(0, &s), 0);
    CHECK_EQ(s.blocks_read, 6);
    CHECK_EQ(s.readahead, 0);
    CHECK_EQ(s.reads, 3); /* 12; 10 and 11; 13 to 15 */
    CHECK_EQ(s.misses, 2);
    CHECK_EQ(s.hits, 0);
}

/* One call reads a quarter of the cache at most, so it does not push out all the rest. */
static void a_quarter_at_most(void)
{
    start(1024, 64);
    CHECK_EQ(read_block(0, 100, 500), 0);
    CHECK_EQ(held(), 16);
    CHECK(has(115) && !has(116));
}

/* No more than what the disk has. */
static void up_to_the_end(void)
{
    start(20, 64);
    CHECK_EQ(read_block(0, 15, 10), 0);
    CHECK_EQ(held(), 5);
    CHECK_EQ(f->dev.stats.errors, 0);
}

/* Blocks whose memory is scattered need several requests, and one kick. */
static void one_kick(void)
{
    start(4096, 1024);
    for (unsigned i = 0; i < 300; i++) /* each block of memory is another's neighbour now */
        CHECK_EQ(read_block(0, (i * 37) % 300, 0), 0);
    for (unsigned i = 0; i < 900; i += 2)
        CHECK_EQ(read_block(0, 1000 + i, 0), 0);
    for (unsigned i = 0; i < 600; i++)
        CHECK_EQ(read_block(0, 2000 + (i * 37) % 600, 0), 0);
    f->commits = 0;
    c->stats.reads = 0;
    CHECK_EQ(ask(0, 3000, 99), -EAGAIN);
    CHECK(c->stats.reads > 1);
    CHECK_EQ(f->commits, 1);
    settle();
    CHECK_EQ(ask(0, 3000, 0), 0);
}

static unsigned length(const struct bcache_link *list)
{
    unsigned n = 0;

    for (const struct bcache_link *l = list->next; l != list; l = l->next)
        n++;
    return n;
}

/* All requests are out: a caller that needs another waits until a request has ended. */
static void no_request_left(void)
{
    start(1024, 1024);
    for (unsigned i = 0; i < BCACHE_IOS + 2; i++)
        CHECK_EQ(ask(i, 2 * i, 0), -EAGAIN);
    CHECK_EQ(c->free_io_count, 0);
    settle();
    CHECK_EQ(length(&c->young) + length(&c->old) + length(&c->free),
             c->blocks); /* also those that could not be read */
    for (unsigned i = 0; i < BCACHE_IOS + 2; i++) {
        CHECK_EQ(readers[i].woken, 1);
        CHECK_EQ(read_block(i, 2 * i, 0), 0);
    }
    CHECK_EQ(held(), BCACHE_IOS + 2);
}

/* The block that was used least recently makes room. */
static void what_is_evicted(void)
{
    start(64, 16);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(read_block(0, i, 0), 0);
    CHECK_EQ(read_block(0, 0, 0), 0);
    CHECK_EQ(read_block(0, 40, 1), 0);
    CHECK(has(0) && !has(1) && !has(2) && has(3) && has(41));
    CHECK_EQ(read_block(0, 50, 0), 0);
    CHECK(has(0) && !has(3) && has(40) && has(41)); /* nobody has used 41, but it came late */
    CHECK_EQ(c->stats.evictions, 3);
}

/*
 * Blocks that are in use stay while a reader goes once through a disk of sixty times the size of
 * the cache, whole blocks or small pieces; read ahead as well.
 */
static void scan(bool pieces)
{
    struct bcache_stream s = {0};
    unsigned there = 0;

    start(4096, 64);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 30; i++)
            CHECK_EQ(read_block(0, i, 0), 0);
    for (unsigned i = 100; i < 4000; i++) {
        bcache_advance(c, &s, i, 1);
        for (unsigned n = pieces ? 8 : 1; n; n--)
            CHECK_EQ(read_block(0, i, 0), 0);
    }
    for (unsigned i = 0; i < 30; i++)
        there += has(i);
    CHECK_EQ(there, 30);
    CHECK(c->stats.readahead > 3800);
    CHECK(c->stats.misses < 100);
}

static void a_scan(void)
{
    scan(false);
}

static void a_scan_in_pieces(void)
{
    scan(true);
}

/* A block that comes back soon after it was evicted is kept; after long it is a new one. */
static void evicted_and_back(void)
{
    start(4096, 64);
    for (unsigned i = 0; i < 65; i++)
        CHECK_EQ(read_block(0, i, 0), 0);
    CHECK(!has(0) && has(1));
    CHECK_EQ(read_block(0, 0, 0), 0);
    CHECK(bcache_find(c, 0)->kept && !bcache_find(c, 40)->kept);
    CHECK(!has(1));
    for (unsigned i = 100; i < 300; i++)
        CHECK_EQ(read_block(0, i, 0), 0);
    CHECK(has(0));
    CHECK_EQ(read_block(0, 1, 0), 0);
    CHECK(!bcache_find(c, 1)->kept);
}

/* What is in use no more makes room in the end. */
static void old_blocks_go(void)
{
    start(4096, 64);
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 0; i < 60; i++)
            CHECK_EQ(read_block(0, i, 0), 0);
    for (unsigned round = 0; round < 6; round++)
        for (unsigned i = 100; i < 150; i++)
            CHECK_EQ(read_block(0, i, 0), 0);
    for (unsigned i = 100; i < 150; i++)
        CHECK(has(i));
    CHECK(c->kept <= c->blocks);
}

/*
 * What is left of the kept blocks is borrowed, and the others are on their way to the disk: one of
 * the young blocks makes room.
 */
static void kept_blocks_are_away(void)
{
    struct bcache_block *b, *next;
    unsigned borrowed = 0;

    start(4096, 64);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 45; i++)
            CHECK_EQ(read_block(0, i, 0), 0);
    for (unsigned i = 100; i < 140; i++)
        CHECK_EQ(read_block(0, i, 0), 0);
    for (b = bcache_first(&c->old); &b->link != &c->old; b = next) {
        next = (struct bcache_block *)b->link.next;
        if (borrowed < 16 && bcache_borrow(c, b) == 0)
            borrowed++;
        else
            bcache_mark_dirty(c, b);
    }
    CHECK(borrowed == 16 && !bcache_list_empty(&c->young));
    CHECK_EQ(ask(1, 1000, 0), -EAGAIN);
    CHECK(!readers[1].wait.for_room && bcache_find(c, 1000));
}

/* The short call finds what lies in one whole block of the cache, and nothing else. */
static void the_short_way(void)
{
    uint64_t hits;

    start(64, 64);
    block_resize(&f->dev, 20 * 8 + 3);
    CHECK(!bcache_look(c, 0, BLOCK));
    CHECK_EQ(read_block(0, 19, 1), 0);
    hits = c->stats.hits;
    CHECK(!memcmp(bcache_look(c, 19 * BLOCK + 100, 3996), f->now + 19 * BLOCK + 100, 3996));
    CHECK_EQ(c->stats.hits, hits + 1);
    CHECK(!bcache_look(c, 19 * BLOCK + 100, 3997)); /* of two blocks */
    CHECK(!bcache_look(c, 20 * BLOCK, 512));        /* of a short one */
    CHECK_EQ(bcache_lend(c, 19 * BLOCK + 100, 8, &got), bcache_look(c, 19 * BLOCK + 100, 8));
    CHECK_EQ(c->borrowed, 1);
    bcache_return(c, got);
    CHECK_EQ(c->borrowed, 0);
    c->borrowed = c->max_blocks / 4;
    CHECK(!bcache_lend(c, 19 * BLOCK + 100, 8, &got));
    c->borrowed = 0;
    CHECK(!bcache_look(c, 30 * BLOCK, 512));
    block_resize(&f->dev, 19 * 8);
    CHECK(!bcache_look(c, 19 * BLOCK, 512));
    CHECK_EQ(read_block(0, 19, 0), -ENXIO);
}

/* ---- reading ahead --------------------------------------------------------------------------- */

static struct bcache_stream stream;

/* One read of `count` blocks, as a file does it. */
static void advance(uint64_t index, unsigned count)
{
    bcache_advance(c, &stream, index, count);
    settle();
}

/* The second read in a row makes a reader sequential. It has 4 blocks read ahead, and soon 64. */
static void the_window_grows(void)
{
    start(4096, 1024);
    advance(100, 1);
    CHECK_EQ(c->stats.readahead, 0);
    advance(101, 1);
    CHECK_EQ(c->stats.readahead, 4);
    CHECK(has(102) && has(105) && !has(106) && !has(101));
    advance(102, 1);
    CHECK_EQ(c->stats.readahead, 9);
    CHECK(has(110) && !has(111));
    for (unsigned i = 103; i <= 136; i++)
        advance(i, 1);
    CHECK(has(169) && !has(170)); /* 64 from 106 on; half of them are left */
    advance(137, 1);
    CHECK(has(201) && !has(202));
    for (unsigned i = 138; i < 600; i++)
        advance(i, 1);
    CHECK_EQ(stream.window, 64);
    CHECK(has(600) && has(600 + 31) && !has(600 + 64));
    CHECK_EQ(c->stats.readahead, held());
}

/* The window is an eighth of the cache at most. */
static void a_small_cache(void)
{
    start(4096, 64);
    for (unsigned i = 100; i < 200; i++)
        advance(i, 1);
    CHECK_EQ(stream.window, 8);
    CHECK(!has(208));
}

/* A fresh reader at the start of the disk is not sequential yet; nor is who reads a block twice. */
static void who_is_not_sequential(void)
{
    start(4096, 1024);
    advance(0, 1);
    CHECK_EQ(c->stats.readahead, 0);
    stream = (struct bcache_stream){0};
    for (unsigned i = 0; i < 4; i++)
        advance(50, 1);
    CHECK_EQ(c->stats.readahead, 0);
    advance(70, 1);
    advance(90, 3);
    CHECK_EQ(c->stats.readahead, 0);
    CHECK_EQ(held(), 0);
}

/* A read may begin in the block in which the one before it ended. */
static void pieces_of_blocks(void)
{
    start(4096, 1024);
    advance(10, 3);
    advance(12, 3);
    CHECK_EQ(c->stats.readahead, 4);
    CHECK(has(15) && has(18) && !has(14));
}

/* After a jump the reader starts again with a small window. */
static void a_jump(void)
{
    start(4096, 1024);
    for (unsigned i = 0; i < 200; i++)
        advance(i, 1);
    c->stats.readahead = 0;
    advance(2000, 1);
    CHECK_EQ(c->stats.readahead, 0);
    advance(2001, 1);
    CHECK_EQ(c->stats.readahead, 4);
    CHECK(has(2005) && !has(2006));
}

static void not_beyond_the_end(void)
{
    start(110, 1024);
    for (unsigned i = 100; i < 110; i++)
        advance(i, 1);
    advance(110, 1); /* it shrank, or the caller is mistaken */
    CHECK_EQ(f->dev.stats.errors, 0);
    CHECK_EQ(held(), 8);
}

static void not_from_a_dead_disk(void)
{
    start(1024, 1024);
    block_fail_all(&f->dev, false);
    advance(100, 1);
    advance(101, 1);
    CHECK_EQ(f->dev.stats.errors, 0);
    CHECK_EQ(c->stats.readahead, 0);
}

/* ---- what cannot be read --------------------------------------------------------------------- */

/* Four neighbours are wanted, and one is bad: only who asks for that one hears of it. */
static void a_bad_neighbour(void)
{
    start(1024, 1024);
    f->bad_sector = 13 * 8 + 2;
    for (unsigned i = 10; i < 15; i++)
        CHECK_EQ(ask(i, i, 14 - i), -EAGAIN);
    settle();
    for (unsigned i = 10; i < 15; i++)
        CHECK_EQ(read_block(i, i, 14 - i), i == 13 ? -EIO : 0);
    f->bad_sector = UINT64_MAX;
    CHECK_EQ(read_block(0, 13, 0), 0); /* and once it can be read, nobody does */
}

/* The same when the disk joins its requests into one access. */
static void a_bad_neighbour_that_the_disk_joins(void)
{
    start(1024, 1024);
    f->merges = true;
    f->bad_sector = 13 * 8;
    CHECK_EQ(ask(0, 10, 0), -EAGAIN);
    block_hold(&f->dev);
    CHECK_EQ(ask(1, 12, 0), -EAGAIN);
    stream.next = 13;
    bcache_advance(c, &stream, 13, 1);
    block_release(&f->dev);
    settle();
    CHECK_EQ(readers[1].woken, 1);
    CHECK_EQ(ask(1, 12, 0), 0);
    CHECK_EQ(read_block(1, 14, 0), 0);
    CHECK_EQ(read_block(1, 13, 0), -EIO);
}

/* A block was read ahead alone, and could not be read: who wants it has it read again. */
static void a_failed_read_ahead_is_forgotten(void)
{
    start(103, 1024);
    f->bad_sector = 102 * 8;
    advance(100, 1);
    advance(101, 1);
    CHECK_EQ(c->stats.readahead, 1);
    CHECK_EQ(f->reads, 1);
    f->bad_sector = UINT64_MAX;
    CHECK_EQ(ask(0, 102, 0), -EAGAIN);
    settle();
    CHECK_EQ(ask(0, 102, 0), 0);
}

/* All who wait for a block hear that it cannot be read, and it is read for them once. */
static void all_who_wait_hear(void)
{
    start(1024, 1024);
    f->bad_sector = 7 * 8;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(ask(i, 7, 0), -EAGAIN);
    settle();
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(ask(i, 7, 0), -EIO);
    CHECK_EQ(f->reads, 1);
    f->bad_sector = UINT64_MAX;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(read_block(i, 7, 0), 0);
}

/* The waiting reader does not ask again, since the disk shrank; after it has grown, a read
 * succeeds.
 */
static void nobody_came_back_to_hear(void)
{
    start(1024, 1024);
    f->bad_sector = 900 * 8;
    CHECK_EQ(ask(0, 900, 0), -EAGAIN);
    settle();
    block_resize(&f->dev, 500 * 8);
    CHECK_EQ(ask(0, 900, 0), -ENXIO);
    block_resize(&f->dev, 1024 * 8);
    f->bad_sector = UINT64_MAX;
    CHECK_EQ(ask(0, 900, 0), -EAGAIN);
    settle();
    CHECK_EQ(ask(0, 900, 0), 0);
}

/* Blocks that were read alone after a failure are read together again when they could be. */
static void together_again(void)
{
    start(1024, 16);
    f->bad_sector = 102 * 8;
    for (unsigned i = 100; i < 104; i++)
        CHECK_EQ(read_block(0, i, 103 - i), i == 102 ? -EIO : 0);
    f->bad_sector = UINT64_MAX;
    for (unsigned i = 100; i < 104; i++)
        CHECK_EQ(read_block(0, i, 0), 0);
    block_replugged(&f->dev); /* everything is read again, into the same blocks */
    c->stats.reads = 0;
    CHECK_EQ(read_block(0, 100, 3), 0);
    CHECK(has(103));
    CHECK_EQ(c->stats.reads, 1);
}

/* The block that a read failed for has another length now: what is read with it fits the disk. */
static void shorter_at_the_next_try(void)
{
    start(64, 64);
    f->bad_sector = 51 * 8;
    CHECK_EQ(read_block(0, 51, 0), -EIO);
    f->bad_sector = UINT64_MAX;
    block_resize(&f->dev, 51 * 8 + 3);
    CHECK_EQ(read_block(0, 50, 5), 0);
    CHECK(has(51));
    CHECK_EQ(bcache_find(c, 51)->len, 3 * 512);
    CHECK_EQ(f->dev.stats.errors, 1);
}

/* A device that is given up may write into what it had: that memory is used for nothing else. */
static void memory_that_is_not_let_go(void)
{
    unsigned before;

    start(64, 16);
    CHECK_EQ(ask(0, 5, 2), -EAGAIN);
    before = c->blocks;
    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t)
            f->slot[i].t->lost = true, f->slot[i].t = NULL, f->out--;
    block_fail_all(&f->dev, true);
    settle();
    CHECK_EQ(c->blocks, before - 3);
    CHECK(!bcache_find(c, 5));
    CHECK_EQ(ask(0, 5, 0), -EIO);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"more_blocks", more_blocks},
        {"a_quarter_at_most", a_quarter_at_most},
        {"up_to_the_end", up_to_the_end},
        {"one_kick", one_kick},
        {"no_request_left", no_request_left},
        {"what_is_evicted", what_is_evicted},
        {"a_scan", a_scan},
        {"a_scan_in_pieces", a_scan_in_pieces},
        {"evicted_and_back", evicted_and_back},
        {"old_blocks_go", old_blocks_go},
        {"kept_blocks_are_away", kept_blocks_are_away},
        {"the_short_way", the_short_way},
        {"the_window_grows", the_window_grows},
        {"a_small_cache", a_small_cache},
        {"who_is_not_sequential", who_is_not_sequential},
        {"pieces_of_blocks", pieces_of_blocks},
        {"a_jump", a_jump},
        {"not_beyond_the_end", not_beyond_the_end},
        {"not_from_a_dead_disk", not_from_a_dead_disk},
        {"a_bad_neighbour", a_bad_neighbour},
        {"a_bad_neighbour_that_the_disk_joins", a_bad_neighbour_that_the_disk_joins},
        {"a_failed_read_ahead_is_forgotten", a_failed_read_ahead_is_forgotten},
        {"all_who_wait_hear", all_who_wait_hear},
        {"nobody_came_back_to_hear", nobody_came_back_to_hear},
        {"together_again", together_again},
        {"shorter_at_the_next_try", shorter_at_the_next_try},
        {"memory_that_is_not_let_go", memory_that_is_not_let_go},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
