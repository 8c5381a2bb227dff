/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_block_turns.c - whose turn it is at a disk: what goes at once by the short way, and what has
 * to wait for something else.
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

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"a_read_waits_for_the_reset", a_read_waits_for_the_reset},
        {"a_flush_waits_for_the_reset", a_flush_waits_for_the_reset},
        {"two_wait_for_the_reset", two_wait_for_the_reset},
        {"a_flush_waits_until_a_failure_is_told", a_flush_waits_until_a_failure_is_told},
        {"a_flush_waits_for_writes_alone", a_flush_waits_for_writes_alone},
        {"flushes_that_wait_are_one", flushes_that_wait_are_one},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
