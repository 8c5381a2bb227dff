/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache.c - the block cache against a copy of the disk: readers, writers, borrowers and syncs
 * in random order, over a disk that answers in random order and loses what was not flushed, with
 * and without faults.
 */
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "fakedisk.h"
#include "host.h"

#define ACTORS 24
#define SYNCS  4

struct actor {
    struct bcache_wait wait; /* first: one is the other */
    bool waiting, wants;
    enum bcache_use use;
    uint64_t index;
    struct bcache_stream stream;
    struct bcache_block *lent;
    uint8_t *lent_copy;
};

struct sync {
    struct bcache_sync sync; /* first */
    bool busy;
    uint16_t *seen; /* versions of all bytes when it began */
};

static struct fakedisk *f;
static struct bcache *c;
static struct actor actors[ACTORS];
static struct sync syncs[SYNCS];
static uint8_t *model;
static uint16_t *version; /* of each byte: how often it changed */
static uint64_t size, blocks, next_in_order;
static uint32_t block;
static bool faults, resets, down;
static unsigned reads_in_ten, reset_count;
static unsigned operations, calls_ok, calls_failed, syncs_ok, syncs_failed;

/* ---- syncs ----------------------------------------------------------------------------------- */

/* Blocks written before the sync, and not since, are durable. */
static void sync_done(struct bcache_sync *s)
{
    struct sync *y = (struct sync *)s;

    CHECK(y->busy);
    y->busy = false;
    if (s->result) {
        CHECK_EQ(s->result, -EIO);
        CHECK(faults);
        syncs_failed++;
        return;
    }
    syncs_ok++;
    for (uint64_t i = 0; i < size; i++)
        if (y->seen[i] == version[i] && f->durable[i] != model[i])
            check_fail(__FILE__, __LINE__, "byte %llu was synced, and is lost",
                       (unsigned long long)i);
}

static void start_sync(struct sync *y)
{
    int err;

    if (y->busy)
        return;
    y->busy = true;
    memcpy(y->seen, version, size * sizeof(*version));
    y->sync.done = sync_done;
    err = bcache_sync(c, &y->sync);
    if (err == -EAGAIN)
        return;
    CHECK_EQ(err, 0);
    y->sync.result = 0;
    sync_done(&y->sync);
}

/* ---- readers and writers --------------------------------------------------------------------- */

static void wake(struct bcache_wait *w)
{
    struct actor *a = (struct actor *)w;

    CHECK(a->waiting);
    a->waiting = false;
}

/* Every byte that is touched becomes another. */
static void change(uint64_t at, uint8_t *data, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        data[i] = model[at + i] = (uint8_t)(model[at + i] + 1 + random_below(200));
        version[at + i]++;
    }
}

static void borrow(struct actor *a, struct bcache_block *b)
{
    if (a->lent || bcache_borrow(c, b))
        return;
    a->lent = b;
    memcpy(a->lent_copy, bcache_data(b), bcache_len(b));
}

static void give_back(struct actor *a)
{
    if (!a->lent)
        return;
    CHECK(memcmp(a->lent_copy, bcache_data(a->lent), bcache_len(a->lent)) == 0);
    bcache_return(c, a->lent);
    a->lent = NULL;
}

static void use_block(struct actor *a, struct bcache_block *b)
{
    uint64_t at = a->index * block, len = size - at < block ? size - at : block;
    uint8_t *data = bcache_data(b);
    uint32_t from;

    CHECK_EQ(bcache_len(b), len);
    if (a->use != BCACHE_OVERWRITE)
        CHECK(memcmp(data, model + at, len) == 0);
    switch (a->use) {
    case BCACHE_READ:
        if (random_below(6) == 0)
            borrow(a, b);
        bcache_advance(c, &a->stream, a->index, 1);
        break;
    case BCACHE_UPDATE:
        from = random_below((uint32_t)len);
        change(at + from, data + from, 1 + random_below((uint32_t)len - from));
        break;
    default:
        change(at, data, (uint32_t)len);
    }
}

static void try(struct actor *a)
{
    struct bcache_block *b;
    int err = bcache_get(c, a->index, a->use, random_below(8), &a->wait, &b);

    a->waiting = err == -EAGAIN;
    if (a->waiting)
        return;
    a->wants = false;
    if (err) {
        CHECK_EQ(err, -EIO);
        CHECK(faults);
        calls_failed++;
        return;
    }
    calls_ok++;
    use_block(a, b);
}

static void act(struct actor *a)
{
    if (a->waiting)
        return;
    if (!a->wants) {
        a->wants = true;
        operations++;
        a->use = random_below(10) < reads_in_ten ? BCACHE_READ
                 : random_below(2)               ? BCACHE_UPDATE
                                                 : BCACHE_OVERWRITE;
        a->index = random_below(3) ? next_in_order++ % blocks : random_below((uint32_t)blocks);
    }
    try(a);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void start(uint64_t bytes, const struct block_device *limits, size_t cache)
{
    size = bytes;
    f = fakedisk_new(bytes, limits);
    CHECK(f != NULL);
    c = bcache_create(&f->dev, cache);
    CHECK(c != NULL && bcache_create(&f->dev, 1) == c);
    block = bcache_block_size(c);
    blocks = (size + block - 1) / block;
    model = malloc(size);
    memcpy(model, f->now, size);
    version = calloc(size, sizeof(*version));
    memset(actors, 0, sizeof(actors));
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i].wait.wake = wake;
        actors[i].lent_copy = malloc(block);
    }
    for (unsigned i = 0; i < SYNCS; i++)
        syncs[i] = (struct sync){.seen = malloc(size * sizeof(*version))};
}

/*
 * Now and then the disk is reset, loses what was not flushed, and comes back some time later; but
 * fewer times in a row than make the cache report an error.
 */
static void reset_or_return(void)
{
    if (!down && c->stale_flushes > 3)
        return;
    down = !down;
    reset_count += down;
    if (down)
        fakedisk_reset(f);
    else
        block_resume(&f->dev);
}

/* Blocks that may not be on the disk are dirty again after a reset. */
static unsigned most_dirty(void)
{
    return ACTORS + (resets ? c->max_blocks - c->max_blocks / 4 : c->max_blocks / 2);
}

static void step(void)
{
    unsigned what = random_below(32);

    if (what < 18)
        act(&actors[random_below(ACTORS)]);
    else if (what < 20)
        give_back(&actors[random_below(ACTORS)]);
    else if (what < 27)
        fakedisk_step(f);
    else if (what < 31)
        host_run_round();
    else if (random_below(10) == 0)
        start_sync(&syncs[random_below(SYNCS)]);
    else if (random_below(50) == 0)
        host_advance(HAL_SEC);
    if (resets && random_below(down ? 20 : 400) == 0)
        reset_or_return();
    CHECK(faults || bcache_dirty(c) <= most_dirty());
    CHECK(c->blocks <= c->max_blocks && c->borrowed <= c->max_blocks / 4);
}

static bool somebody_waits(void)
{
    bool any = false;

    for (unsigned i = 0; i < ACTORS; i++) {
        if (actors[i].wants && !actors[i].waiting)
            try(&actors[i]);
        any |= actors[i].wants;
    }
    for (unsigned i = 0; i < SYNCS; i++)
        any |= syncs[i].busy;
    return any;
}

/* No task may be left waiting when the disk has nothing to do. */
static void drain(void)
{
    bool waits = true;

    for (unsigned i = 0; i < ACTORS; i++)
        give_back(&actors[i]);
    for (unsigned n = 0; waits; n++) {
        bool moved = fakedisk_step(f) | host_run_round();

        waits = somebody_waits();
        if ((waits && !moved && !somebody_waits()) || n > 200000)
            waits = false;
        CHECK(n < 200000);
    }
    for (unsigned i = 0; i < ACTORS; i++)
        give_back(&actors[i]);
}

static unsigned length(const struct bcache_link *list)
{
    unsigned n = 0;

    for (const struct bcache_link *l = list->next; l != list; l = l->next)
        n++;
    return n;
}

/* All that was written is on the disk, and every block is where it belongs. */
static void finish(void)
{
    f->fail_reads = f->fail_writes = f->fail_flushes = 0;
    if (down)
        reset_or_return();
    drain();
    start_sync(&syncs[0]); /* one that may hear of errors before */
    while (syncs[0].busy)
        CHECK(fakedisk_step(f) | host_run_round());
    faults = false;
    start_sync(&syncs[0]);
    while (syncs[0].busy)
        CHECK(fakedisk_step(f) | host_run_round());
    while (fakedisk_step(f) | host_run_round()) /* what nobody waits for */
        ;
    CHECK(memcmp(f->durable, model, size) == 0);
    CHECK_EQ(bcache_dirty(c) + bcache_unflushed(c) + c->in_state[BCACHE_WRITING] + c->borrowed, 0);
    CHECK_EQ(c->free_io_count, BCACHE_IOS);
    CHECK_EQ(length(&c->young) + length(&c->old) + length(&c->free), c->blocks);
    free(model);
    free(version);
    for (unsigned i = 0; i < ACTORS; i++)
        free(actors[i].lent_copy);
    for (unsigned i = 0; i < SYNCS; i++)
        free(syncs[i].seen);
}

static void random_run(unsigned steps)
{
    static const uint32_t sizes[] = {512, 512, 512, 4096, 8192};
    struct block_device d = {.block_size = sizes[random_below(5)],
                             .max_segs = 1 + random_below(40),
                             .max_seg_size = 1u << 20,
                             .depth = 1 + random_below(30),
                             .volatile_cache = random_below(4)};
    uint64_t most = random_below(3) ? (1u << 20) / d.block_size : 40;

    start((1 + random_below((uint32_t)most)) * (uint64_t)d.block_size, &d,
          (16 + random_below(random_below(2) ? 16 : 200)) * 4096u);
    if (faults) {
        f->fail_reads = random_below(20);
        f->fail_writes = random_below(20);
        f->fail_flushes = random_below(30);
    }
    reads_in_ten = (unsigned[]){8, 2, 5}[random_below(3)];
    for (unsigned i = 0; i < steps; i++)
        step();
}

static void random_use(void)
{
    for (unsigned seed = 0; seed < 10; seed++) {
        random_run(6000);
        finish();
        CHECK_EQ(f->dev.stats.errors, 0); /* nothing is asked of the disk that cannot be */
    }
    CHECK(calls_ok > 10000 && syncs_ok > 50 && calls_failed + syncs_failed == 0);
}

static void random_faults(void)
{
    for (unsigned seed = 0; seed < 10; seed++) {
        faults = true;
        random_run(6000);
        finish();
    }
    CHECK(calls_ok > 5000 && syncs_ok > 20 && calls_failed > 10 && syncs_failed > 5);
}

/* No caller notices a reset, and no reset loses synced data. */
static void random_resets(void)
{
    resets = true;
    for (unsigned seed = 0; seed < 10; seed++) {
        random_run(6000);
        finish();
        for (unsigned i = 0; i < f->dev.depth; i++)
            CHECK(!f->slot[i].t);
    }
    CHECK(calls_ok > 5000 && syncs_ok > 20 && reset_count > 50);
    CHECK_EQ(calls_failed + syncs_failed, 0);
}

static void random_resets_and_faults(void)
{
    resets = true;
    for (unsigned seed = 0; seed < 6; seed++) {
        faults = true;
        random_run(6000);
        finish();
    }
    CHECK(calls_ok > 3000 && syncs_ok > 10 && reset_count > 30);
}

/* No write works any more: writers hear of it, and the cache does not try for ever. */
static void every_write_fails(void)
{
    for (unsigned seed = 0; seed < 4; seed++) {
        uint64_t rounds;
        unsigned before;

        faults = true;
        random_run(1000);
        f->fail_writes = 100;
        reads_in_ten = 0;
        rounds = c->round;
        before = operations;
        for (unsigned i = 0; i < 6000; i++)
            step();
        CHECK(operations - before > 20);
        CHECK(c->round - rounds <= operations - before + syncs_failed + 50);
        while (fakedisk_step(f) | host_run_round())
            ;
        rounds = c->round;
        for (unsigned i = 0; i < 2000; i++)
            fakedisk_step(f), host_run_round();
        CHECK_EQ(c->round, rounds);
        finish();
    }
}

/* ---- one thing at a time --------------------------------------------------------------------- */

static const struct block_device plain = {.block_size = 512,
                                          .max_segs = 40,
                                          .max_seg_size = 1u << 20,
                                          .depth = 16,
                                          .volatile_cache = true};

/* Runs the disk until the block can be had. */
static int get(uint64_t index, enum bcache_use use, struct bcache_block **b)
{
    struct actor *a = &actors[0];
    int err;

    while ((err = bcache_get(c, index, use, 0, &a->wait, b)) == -EAGAIN) {
        a->waiting = true;
        while (a->waiting)
            CHECK(fakedisk_step(f) | host_run_round());
    }
    return err;
}

static void edges(void)
{
    struct bcache_block *b;

    start(5 * 4096 + 512, &plain, 64 << 12); /* the last block is short */
    CHECK_EQ(get(5, BCACHE_READ, &b), 0);
    CHECK_EQ(bcache_len(b), 512);
    CHECK_EQ(get(6, BCACHE_READ, &b), -ENXIO);
    CHECK_EQ(get(UINT64_MAX, BCACHE_READ, &b), -ENXIO);
    CHECK_EQ(get(UINT64_MAX >> 12, BCACHE_OVERWRITE, &b), -ENXIO);
    f->dev.read_only = true;
    CHECK_EQ(get(0, BCACHE_UPDATE, &b), -EROFS);
    CHECK_EQ(get(0, BCACHE_READ, &b), 0);
    CHECK_EQ(bcache_sync(c, &syncs[0].sync), 0);
    f->dev.read_only = false;
    finish();
}

/* Written data is read back from the cache, and is not durable before the sync. */
static void write_back(void)
{
    struct bcache_block *b;

    start(64 * 4096, &plain, 64 << 12);
    CHECK_EQ(get(3, BCACHE_OVERWRITE, &b), 0);
    change(3 * 4096, bcache_data(b), 4096);
    CHECK_EQ(f->reads, 0); /* all of it is changed: it is not read first */
    CHECK_EQ(get(3, BCACHE_READ, &b), 0);
    CHECK(memcmp(bcache_data(b), model + 3 * 4096, 4096) == 0);
    CHECK_EQ(f->reads + f->writes, 0);
    CHECK(memcmp(f->durable, model, size) != 0);
    finish();
    CHECK_EQ(f->writes, 1);
    CHECK_EQ(f->flushes, 1);
}

static void dirty_blocks_age(void)
{
    struct bcache_block *b;

    start(64 * 4096, &plain, 64 << 12);
    CHECK_EQ(get(9, BCACHE_UPDATE, &b), 0);
    change(9 * 4096, bcache_data(b), 1);
    for (unsigned i = 0; i < 100 && !f->writes; i++) {
        host_run_for(HAL_SEC);
        fakedisk_step(f);
    }
    CHECK_EQ(f->writes, 1);
    finish();
}

/* Ten neighbours, dirtied backwards, go out in one write. */
static void neighbours_go_together(void)
{
    struct bcache_block *b;

    start(64 * 4096, &plain, 64 << 12);
    for (unsigned i = 20; i > 10; i--) {
        CHECK_EQ(get(i, BCACHE_OVERWRITE, &b), 0);
        change(i * 4096, bcache_data(b), 4096);
    }
    finish();
    CHECK_EQ(f->writes, 1);
}

/* Blocks that a failed flush may have lost are written again. */
static void failed_flush(void)
{
    struct bcache_block *b;

    start(64 * 4096, &plain, 64 << 12);
    CHECK_EQ(get(3, BCACHE_OVERWRITE, &b), 0);
    change(3 * 4096, bcache_data(b), 4096);
    f->fail_flushes = 100;
    faults = true;
    start_sync(&syncs[0]);
    while (syncs[0].busy)
        CHECK(fakedisk_step(f) | host_run_round());
    CHECK_EQ(syncs_failed, 1);
    CHECK_EQ(f->writes, 1);
    f->fail_flushes = 0;
    faults = false;
    start_sync(&syncs[0]);
    while (syncs[0].busy)
        CHECK(fakedisk_step(f) | host_run_round());
    CHECK_EQ(f->writes, 2);
    finish();
}

/* Reads have all the requests that there are; when they end, the write goes out. */
static void reads_before_a_write(void)
{
    struct bcache_block *b;

    start(256 * 4096, &plain, 256 << 12);
    CHECK_EQ(get(0, BCACHE_OVERWRITE, &b), 0);
    change(0, bcache_data(b), 4096);
    for (unsigned i = 0; i < ACTORS; i++)
        actors[i].waiting =
            bcache_get(c, 10 + 2 * i, BCACHE_READ, 0, &actors[i].wait, &b) == -EAGAIN;
    CHECK_EQ(c->free_io_count, BCACHE_IOS_FOR_READS);
    start_sync(&syncs[0]);
    CHECK_EQ(c->in_state[BCACHE_WRITING], 0);
    while (fakedisk_step(f))
        ;
    CHECK(!syncs[0].busy && syncs_ok == 1);
    finish();
}

/* A borrowed block keeps its bytes when a writer comes; a quarter of the cache can be borrowed. */
static void borrowed_blocks_stay(void)
{
    struct bcache_block *old, *b, *lent[64];
    unsigned n = 0;

    start(64 * 4096, &plain, 64 << 12);
    CHECK_EQ(get(7, BCACHE_READ, &old), 0);
    CHECK_EQ(bcache_borrow(c, old), 0);
    CHECK_EQ(get(7, BCACHE_UPDATE, &b), 0);
    CHECK(bcache_data(b) != bcache_data(old));
    memcpy(actors[1].lent_copy, bcache_data(old), 4096);
    change(7 * 4096, bcache_data(b), 4096);
    CHECK(memcmp(actors[1].lent_copy, bcache_data(old), 4096) == 0);
    bcache_return(c, old);
    for (; n < 64; n++) {
        CHECK_EQ(get(n, BCACHE_READ, &lent[n]), 0);
        if (bcache_borrow(c, lent[n]))
            break;
    }
    CHECK_EQ(n, 16);
    while (n > 0)
        bcache_return(c, lent[--n]);
    finish();
}

static void no_memory(void)
{
    struct fakedisk *g;

    for (int i = 0; i < 3; i++) {
        g = fakedisk_new(64 * 4096, &plain);
        host_fail_alloc_after(i);
        c = bcache_create(&g->dev, 64 << 12);
        host_fail_alloc_after(-1);
        CHECK(c == NULL || c->blocks <= c->max_blocks);
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"random_use", random_use},
        {"random_faults", random_faults},
        {"random_resets", random_resets},
        {"random_resets_and_faults", random_resets_and_faults},
        {"every_write_fails", every_write_fails},
        {"edges", edges},
        {"write_back", write_back},
        {"dirty_blocks_age", dirty_blocks_age},
        {"neighbours_go_together", neighbours_go_together},
        {"failed_flush", failed_flush},
        {"reads_before_a_write", reads_before_a_write},
        {"borrowed_blocks_stay", borrowed_blocks_stay},
        {"no_memory", no_memory},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
