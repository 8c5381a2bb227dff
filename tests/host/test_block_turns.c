/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_block_turns.c - whose turn it is at a disk: what goes at once by the short way, what has to
 * wait for something else, and how shares take turns.
 */
#include <string.h>

#include "check.h"
#include "fakedisk.h"
#include "host.h"

#define SECTORS 4096u

static const struct block_device plain = {
    .block_size = 512, .max_segs = 8, .max_seg_size = 1u << 16, .depth = 4, .volatile_cache = true};
static struct fakedisk *f;
static uint8_t memory[2 * 512];
static struct block_seg one_sector = {memory, 512}, another = {memory + 512, 512};

static void start(void)
{
    f = fakedisk_new(SECTORS * BLOCK_SECTOR, &plain);
    CHECK(f != NULL);
}

static void count_done(struct block_request *r)
{
    ++*(unsigned *)r->ctx;
}

static struct block_request request(enum block_op op, uint64_t sector, unsigned *ended)
{
    struct block_request r = {.op = op, .sector = sector, .done = count_done, .ctx = ended};

    if (op != BLOCK_FLUSH) {
        r.segs = &one_sector;
        r.seg_count = 1;
    }
    return r;
}

static void submit(struct block_request *r)
{
    block_submit(&f->dev, &r, 1);
}

static void run(void)
{
    while (fakedisk_step(f) | host_run_round())
        ;
}

/* ---- what waits ------------------------------------------------------------------------------ */

/* Nothing goes to a device that is being reset, however short its way would be. */
static void nothing_goes_while_paused(enum block_op op)
{
    unsigned ended = 0;
    struct block_request r = request(op, 8, &ended);

    start();
    block_pause(&f->dev);
    submit(&r);
    CHECK_EQ(f->out, 0);
    block_resume(&f->dev);
    CHECK_EQ(f->out, 1);
    run();
    CHECK(ended == 1 && !r.result);
}

static void a_read_waits_for_the_reset(void)
{
    nothing_goes_while_paused(BLOCK_READ);
}

static void a_flush_waits_for_the_reset(void)
{
    nothing_goes_while_paused(BLOCK_FLUSH);
}

/* Of several, too. */
static void two_wait_for_the_reset(void)
{
    unsigned ended = 0;
    struct block_request a = request(BLOCK_READ, 8, &ended), b = request(BLOCK_READ, 100, &ended);
    struct block_request *both[] = {&a, &b};

    start();
    b.segs = &another;
    block_pause(&f->dev);
    block_submit(&f->dev, both, 2);
    CHECK_EQ(f->out, 0);
    block_resume(&f->dev);
    run();
    CHECK_EQ(ended, 2);
}

/* Who was refused hears that before a flush that came later goes out. */
static void a_flush_waits_until_a_failure_is_told(void)
{
    unsigned failed = 0, flushed = 0;
    struct block_request w = request(BLOCK_WRITE, SECTORS, &failed);
    struct block_request flush = request(BLOCK_FLUSH, 0, &flushed);

    start();
    submit(&w);
    submit(&flush);
    CHECK(!failed && f->out == 0);
    host_run_round();
    CHECK(failed == 1 && w.result == -EIO && f->out == 1);
    run();
    CHECK(flushed == 1 && !flush.result);
}

/* A flush alone waits for a write that is out, and for no read. */
static void a_flush_waits_for_writes_alone(void)
{
    unsigned ended = 0;
    struct block_request w = request(BLOCK_WRITE, 8, &ended), r = request(BLOCK_READ, 100, &ended);
    struct block_request flush = request(BLOCK_FLUSH, 0, &ended);

    start();
    submit(&w);
    submit(&flush);
    CHECK_EQ(f->out, 1);
    run();
    CHECK(ended == 2 && f->flushes == 1 && f->durable[8 * 512] == memory[0]);
    submit(&r);
    submit(&flush);
    CHECK_EQ(f->out, 2);
    run();
    CHECK(ended == 4 && f->flushes == 2);
    CHECK_EQ(f->dev.stats.flushes, 2);
}

/* Flushes that wait together are one for the device. */
static void flushes_that_wait_are_one(void)
{
    unsigned ended = 0;
    struct block_request a = request(BLOCK_FLUSH, 0, &ended), b = a;

    start();
    block_hold(&f->dev);
    submit(&a);
    submit(&b);
    block_release(&f->dev);
    CHECK_EQ(f->out, 1);
    run();
    CHECK(ended == 2 && f->flushes == 1);
}

/* ---- shares ---------------------------------------------------------------------------------- */

#define MANY 1000u

/* One who has many requests at the disk. */
struct crowd {
    struct block_share share;
    struct block_request r[MANY], *all[MANY];
    unsigned ended, failed;
    uint64_t last; /* sector of the last one that ended */
    bool ordered;  /* each of a greater sector than the one before */
};

static void crowd_done(struct block_request *r)
{
    struct crowd *w = r->ctx;

    w->ordered &= r->sector >= w->last;
    w->last = r->sector;
    w->ended++;
    w->failed += r->result != 0;
}

/* n reads, every `step` sectors from `first` on. */
static void crowd_come(struct crowd *w, unsigned n, uint64_t first, unsigned step)
{
    static uint8_t buffers[2 * MANY][512];
    static struct block_seg segs[2 * MANY];
    static unsigned used;

    memset(w, 0, sizeof(*w));
    w->ordered = true;
    block_share_init(&f->dev, &w->share);
    for (unsigned i = 0; i < n; i++, used = (used + 1) % (2 * MANY)) {
        segs[used] = (struct block_seg){buffers[used], 512};
        w->r[i] = (struct block_request){.op = BLOCK_READ,
                                         .sector = first + (uint64_t)i * step,
                                         .segs = &segs[used],
                                         .seg_count = 1,
                                         .done = crowd_done,
                                         .ctx = w};
        w->all[i] = &w->r[i];
    }
    block_share_submit(&w->share, w->all, n);
}

/* The disk completes what it has in order, one by one, until *ended is n. Returns how many. */
static unsigned complete_until(const unsigned *ended, unsigned n)
{
    unsigned count = 0;

    for (; *ended < n; count++) {
        CHECK(block_oldest(&f->dev) != NULL);
        fakedisk_finish(f, block_oldest(&f->dev)->slot);
        host_run_round();
    }
    return count;
}

static struct crowd crowds[2];

/* Who comes with one request waits for few of a thousand, by a share of its own or without. */
static void one_among_thousands(void)
{
    unsigned ended = 0, most = 16 + 2;
    struct block_request r = request(BLOCK_READ, 4000, &ended), *one = &r;
    struct block_share share;

    start();
    crowd_come(&crowds[0], MANY, 0, 2);
    complete_until(&crowds[0].ended, 100);
    submit(&r);
    CHECK(complete_until(&ended, 1) <= most);
    block_share_init(&f->dev, &share);
    block_share_submit(&share, &one, 1);
    CHECK(complete_until(&ended, 2) <= most);
    CHECK(crowds[0].ended < 100 + 2 * most);
    complete_until(&crowds[0].ended, MANY);
    CHECK(!crowds[0].failed && crowds[0].ordered && r.done == count_done);
    CHECK_EQ(f->dev.shares_out, 0);
}

/* Two with a thousand each have the same part of the disk from when both are there. */
static void two_with_a_thousand(void)
{
    unsigned before;

    start();
    crowd_come(&crowds[0], MANY, 0, 2);
    complete_until(&crowds[0].ended, 200);
    before = crowds[0].ended;
    crowd_come(&crowds[1], MANY, 2000, 2);
    complete_until(&crowds[1].ended, 300);
    CHECK(crowds[0].ended - before <= 300 + 17 && crowds[0].ended - before >= 300);
    complete_until(&crowds[0].ended, MANY);
    complete_until(&crowds[1].ended, MANY);
    CHECK(crowds[0].ordered && crowds[1].ordered);
}

/* Neighbours of a share are joined though another has its turns in between. */
static void neighbours_go_in_one_turn(void)
{
    start();
    crowd_come(&crowds[1], 100, 2000, 3);
    crowd_come(&crowds[0], 320, 0, 1);
    run();
    CHECK(crowds[0].ended == 320 && crowds[1].ended == 100);
    CHECK(f->dev.stats.merged >= 200);
}

/* They do not keep the others waiting for more than a run. */
static void a_run_ends(void)
{
    start();
    crowd_come(&crowds[0], MANY, 0, 1);
    crowd_come(&crowds[1], 4, 2000, 7);
    while (crowds[1].ended < 4)
        CHECK(fakedisk_step(f) | host_run_round());
    CHECK(crowds[0].ended <= 8 * 16);
    run();
    CHECK_EQ(crowds[0].ended, MANY);
}

/* The device is given up: all end, those that still wait for a turn as well. */
static void shares_of_a_dead_disk(void)
{
    start();
    crowd_come(&crowds[0], MANY, 0, 2);
    block_fail_all(&f->dev, false);
    while (host_run_round())
        ;
    CHECK(crowds[0].ended == MANY && crowds[0].failed == MANY);
    CHECK(f->dev.shares_out == 0 && !f->dev.last_share);
}

static struct block_share again_share;

/* Submits the request again, by the same share, from done(). */
static void come_again(struct block_request *r)
{
    struct block_request *one = r;

    if (++*(unsigned *)r->ctx < 50)
        block_share_submit(&again_share, &one, 1);
}

static void submitted_again_from_done(void)
{
    unsigned ended = 0;
    struct block_request r = request(BLOCK_WRITE, 8, &ended), *one = &r;

    start();
    r.done = come_again;
    block_share_init(&f->dev, &again_share);
    block_share_submit(&again_share, &one, 1);
    run();
    CHECK(ended == 50 && f->writes == 50);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"a_read_waits_for_the_reset", a_read_waits_for_the_reset},
        {"a_flush_waits_for_the_reset", a_flush_waits_for_the_reset},
        {"two_wait_for_the_reset", two_wait_for_the_reset},
        {"a_flush_waits_until_a_failure_is_told", a_flush_waits_until_a_failure_is_told},
        {"a_flush_waits_for_writes_alone", a_flush_waits_for_writes_alone},
        {"flushes_that_wait_are_one", flushes_that_wait_are_one},
        {"one_among_thousands", one_among_thousands},
        {"two_with_a_thousand", two_with_a_thousand},
        {"neighbours_go_in_one_turn", neighbours_go_in_one_turn},
        {"a_run_ends", a_run_ends},
        {"shares_of_a_dead_disk", shares_of_a_dead_disk},
        {"submitted_again_from_done", submitted_again_from_done},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
