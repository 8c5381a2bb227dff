/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_block_layer.c - the block layer over a device that answers in any order: requests of any
 * shape are cut, joined, bounced and ordered before flushes, against a copy of the disk.
 */
#include <string.h>

#include "check.h"
#include "fakedisk.h"
#include "host.h"

#define SLICES     24u
#define SLICE      (128u << 10) /* bytes of the disk that one requester has to itself */
#define DISK_BYTES ((uint64_t)SLICES * SLICE)
#define SEGS       60

struct requester {
    struct block_request r;
    struct block_seg segs[SEGS];
    uint64_t at, len;
    bool busy;
    unsigned writes; /* submitted so far */
    unsigned seen[SLICES];
    uint8_t mem[SLICE + SEGS * 64];
};

static struct requester all[SLICES];
static struct fakedisk *f;
static uint8_t model[DISK_BYTES];
static bool submitting, faults;
static unsigned done_count;

/* ---- random requests ------------------------------------------------------------------------- */

/* Sectors written before the flush was submitted, and not since, are durable. */
static void check_flushed(const struct requester *q)
{
    for (unsigned i = 0; i < SLICES && f->dev.volatile_cache; i++)
        if (q->seen[i] == all[i].writes)
            CHECK(memcmp(f->durable + i * SLICE, model + i * SLICE, SLICE) == 0);
}

static void check_failure(const struct requester *q)
{
    uint64_t bad = q->r.op == BLOCK_READ ? f->bad_sector : f->bad_write;

    CHECK(q->r.result == -EIO || (q->r.op == BLOCK_FLUSH && q->r.result == -ESTALE));
    CHECK(faults || (bad >= q->r.sector && bad - q->r.sector < q->len / BLOCK_SECTOR));
    if (q->r.op == BLOCK_WRITE) /* some of it may be there */
        memcpy(model + q->at, f->now + q->at, q->len);
}

static void done(struct block_request *r)
{
    struct requester *q = r->ctx;
    uint64_t at = q->at;

    CHECK(!submitting && q->busy);
    q->busy = false;
    done_count++;
    if (r->result) {
        check_failure(q);
        return;
    }
    if (r->op == BLOCK_FLUSH)
        check_flushed(q);
    for (unsigned i = 0; i < r->seg_count && r->op == BLOCK_READ; i++) {
        CHECK(memcmp(r->segs[i].base, model + at, r->segs[i].len) == 0);
        at += r->segs[i].len;
    }
}

/* Segments of whole blocks, some of them adjacent in memory, none aligned. */
static void make_segs(struct requester *q)
{
    uint32_t block = f->dev.block_size;
    size_t pos = random_below(64);
    unsigned n = 1 + random_below(random_below(4) ? 6 : SEGS);

    q->at = (uint64_t)(q - all) * SLICE + random_below(3) * 2 * block;
    q->len = 0;
    while (q->r.seg_count < n) {
        size_t len = (1 + random_below(4)) * block * (random_below(5) ? 1 : 4);

        if (q->at + q->len + len > (uint64_t)(q - all + 1) * SLICE || pos + len > sizeof(q->mem))
            break;
        q->segs[q->r.seg_count++] = (struct block_seg){q->mem + pos, len};
        pos += len + (random_below(2) ? random_below(64) : 0);
        q->len += len;
    }
}

static void fill(struct requester *q)
{
    uint64_t at = q->at;

    for (unsigned i = 0; i < q->r.seg_count; i++) {
        uint8_t *p = q->segs[i].base, with = (uint8_t)random32();

        for (size_t b = 0; b < q->segs[i].len; b++)
            p[b] = (uint8_t)(with + b * 13 + (b >> 8));
        memcpy(model + at, p, q->segs[i].len);
        at += q->segs[i].len;
    }
    q->writes++;
}

static void make(struct requester *q)
{
    q->r = (struct block_request){.done = done, .ctx = q, .segs = q->segs};
    q->r.op = random_below(10) == 0 ? BLOCK_FLUSH : random_below(2) ? BLOCK_WRITE : BLOCK_READ;
    q->busy = true;
    if (q->r.op == BLOCK_FLUSH)
        return;
    make_segs(q);
    q->r.sector = q->at / BLOCK_SECTOR;
    if (q->r.op == BLOCK_WRITE)
        fill(q);
}

/* Requests of neighbouring slices in one call: some follow each other on the disk. */
static void submit_some(void)
{
    struct block_request *batch[8];
    unsigned n = 0, start = random_below(SLICES);

    for (unsigned i = 0, most = 1 + random_below(8); i < most; i++) {
        struct requester *q = &all[(start + i) % SLICES];

        if (q->busy)
            continue;
        make(q);
        for (unsigned s = 0; s < SLICES; s++)
            q->seen[s] = all[s].writes;
        batch[n++] = &q->r;
    }
    submitting = true;
    block_submit(&f->dev, batch, n);
    submitting = false;
}

static void drain(void)
{
    while (fakedisk_step(f) || host_run_round())
        ;
    for (unsigned i = 0; i < SLICES; i++)
        CHECK(!all[i].busy);
    CHECK(!block_oldest(&f->dev) && !f->dev.queue.head && !f->dev.writes_out && !f->out);
}

static void run_random(const struct block_device *limits, unsigned rounds)
{
    f = fakedisk_new(DISK_BYTES, limits);
    CHECK(f != NULL);
    memcpy(model, f->now, DISK_BYTES);
    f->bad_sector = random_below(3) ? UINT64_MAX : random_below(DISK_BYTES / BLOCK_SECTOR);
    f->bad_write = random_below(3) ? UINT64_MAX : random_below(DISK_BYTES / BLOCK_SECTOR);
    f->merges = random_below(2);
    f->fail_reads = f->fail_writes = f->fail_flushes = faults ? 5 : 0;
    for (unsigned i = 0; i < rounds; i++) {
        switch (random_below(4)) {
        case 0:
        case 1:
            submit_some();
            break;
        case 2:
            fakedisk_step(f);
            break;
        default:
            host_run_round();
        }
    }
    drain();
    CHECK(memcmp(model, f->now, DISK_BYTES) == 0);
    free(f->now);
    free(f->durable);
}

static struct block_device random_limits(void)
{
    static const uint32_t sizes[] = {512, 512, 512, 1024, 4096};
    struct block_device d = {.block_size = sizes[random_below(5)],
                             .depth = 1 + random_below(16),
                             .volatile_cache = random_below(4)};

    d.max_segs = 1 + random_below(62);
    d.max_seg_size = random_below(2) ? 1u << 20 : 512 + random_below(4096);
    if (d.max_seg_size < d.block_size && d.max_segs < 8) /* a block must fit */
        d.max_segs += 8;
    return d;
}

static void random_shapes(void)
{
    uint64_t merged = 0, transfers = 0;

    for (unsigned seed = 0; seed < 16; seed++) {
        struct block_device d = random_limits();

        run_random(&d, 600);
        merged += f->dev.stats.merged;
        transfers += f->dev.stats.transfers;
        CHECK_EQ(f->dev.stats.bounced, 0);
    }
    CHECK(merged > 0 && transfers > done_count / 2);
}

static void random_faults(void)
{
    faults = true;
    for (unsigned seed = 0; seed < 8; seed++) {
        struct block_device d = random_limits();

        run_random(&d, 600);
    }
}

static void random_bounced(void)
{
    host_dma_unreachable(true);
    for (unsigned seed = 0; seed < 6; seed++) {
        struct block_device d = random_limits();

        run_random(&d, 300);
        CHECK(f->dev.stats.bounced > 0);
    }
}

/* ---- one at a time --------------------------------------------------------------------------- */

static struct block_device plain = {.block_size = 512,
                                    .max_segs = 16,
                                    .max_seg_size = 1u << 16,
                                    .depth = 4,
                                    .volatile_cache = true};

static struct block_request last; /* as it was completed */

static void done_one(struct block_request *r)
{
    CHECK(!submitting);
    *(bool *)r->ctx = true;
    last = *r;
}

static int try(enum block_op op, uint64_t sector, const struct block_seg *segs, unsigned n)
{
    bool ended = false;
    struct block_request r = {
        .op = op, .sector = sector, .segs = segs, .seg_count = n, .done = done_one, .ctx = &ended};
    struct block_request *one = &r;

    submitting = true;
    block_submit(&f->dev, &one, 1);
    submitting = false;
    while (!ended)
        CHECK(fakedisk_step(f) || host_run_round());
    return r.result;
}

static void refusals(void)
{
    static uint8_t buf[8192];
    struct block_seg one = {buf, 512}, odd = {buf, 511}, none = {buf, 0}, id = {buf, 20};
    struct block_seg huge[2] = {{buf, SIZE_MAX & ~511ull}, {buf, 1024}};

    f = fakedisk_new(64 * 512, &plain);
    CHECK_EQ(try(BLOCK_READ, 63, &one, 1), 0);
    CHECK_EQ(try(BLOCK_READ, 64, &one, 1), -EIO);
    CHECK_EQ(try(BLOCK_READ, UINT64_MAX, &one, 1), -EIO);
    CHECK_EQ(try(BLOCK_READ, 1ull << 55, &one, 1), -EIO);
    CHECK_EQ(try(BLOCK_READ, 0, &odd, 1), -EINVAL);
    CHECK_EQ(try(BLOCK_READ, 0, &none, 1), -EINVAL);
    CHECK_EQ(try(BLOCK_WRITE, 0, &one, 0), -EINVAL);
    CHECK_EQ(try(BLOCK_READ, 0, huge, 2), -EINVAL);
    CHECK_EQ(try(BLOCK_READ, 0, huge, 1), -EIO);
    CHECK_EQ(try(BLOCK_FLUSH, 0, &one, 1), -EINVAL);
    CHECK_EQ(try(BLOCK_GET_ID, 0, &one, 1), -EINVAL);
    CHECK_EQ(try(BLOCK_GET_ID, 0, &id, 1), 0);
    CHECK(memcmp(buf, "FAKE-DISK-0123456789", 20) == 0);
    CHECK_EQ(try(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(f->flushes, 1);
    f->dev.volatile_cache = false;
    CHECK_EQ(try(BLOCK_FLUSH, 0, NULL, 0), 0); /* nothing to do */
    CHECK_EQ(f->flushes, 1);
    f->dev.read_only = true;
    block_set_plain(&f->dev);
    CHECK_EQ(try(BLOCK_WRITE, 0, &one, 1), -EROFS);
    block_resize(&f->dev, 32);
    CHECK_EQ(try(BLOCK_READ, 32, &one, 1), -EIO);
    CHECK_EQ(try(BLOCK_READ, 31, &one, 1), 0);
}

static void blocks_of_4096(void)
{
    static uint8_t buf[4096];
    struct block_device d = plain;
    struct block_seg whole = {buf, 4096}, part = {buf, 512};

    d.block_size = 4096;
    f = fakedisk_new(64 * 512, &d);
    CHECK_EQ(try(BLOCK_READ, 8, &whole, 1), 0);
    CHECK_EQ(try(BLOCK_READ, 1, &whole, 1), -EINVAL);
    CHECK_EQ(try(BLOCK_READ, 8, &part, 1), -EINVAL);
}

/* A capacity that shrinks while requests wait counts for those, too. */
static void shrinks_while_waiting(void)
{
    static uint8_t buf[2][512];
    bool ended[2] = {false, false};
    struct block_seg seg[2] = {{buf[0], 512}, {buf[1], 512}};
    struct block_request r[2], *both[2] = {&r[0], &r[1]};
    struct block_device d = plain;

    d.depth = 1;
    f = fakedisk_new(64 * 512, &d);
    for (unsigned i = 0; i < 2; i++)
        r[i] = (struct block_request){.op = BLOCK_READ,
                                      .sector = i ? 60 : 3,
                                      .segs = &seg[i],
                                      .seg_count = 1,
                                      .done = done_one,
                                      .ctx = &ended[i]};
    block_submit(&f->dev, both, 2);
    block_resize(&f->dev, 32);
    f->bytes = 32 * 512;
    while (!ended[0] || !ended[1])
        CHECK(fakedisk_step(f) || host_run_round());
    CHECK_EQ(r[0].result, 0);
    CHECK_EQ(r[1].result, -EIO);
}

/* Of neighbours that travelled together and failed, only the one with the bad sector fails. */
static void neighbours_of_a_bad_sector(void)
{
    static uint8_t buf[8][512];
    struct block_seg seg[8];
    struct block_request r[8], *list[8];
    bool ended[8] = {false};

    f = fakedisk_new(64 * 512, &plain);
    f->bad_sector = 5;
    for (unsigned i = 0; i < 8; i++) {
        seg[i] = (struct block_seg){buf[i], 512};
        r[i] = (struct block_request){.op = BLOCK_READ,
                                      .sector = i,
                                      .segs = &seg[i],
                                      .seg_count = 1,
                                      .done = done_one,
                                      .ctx = &ended[i]};
        list[i] = &r[i];
    }
    block_submit(&f->dev, list, 8);
    CHECK_EQ(f->out, 1);
    CHECK_EQ(f->commits, 1);
    while (fakedisk_step(f) || host_run_round())
        ;
    for (unsigned i = 0; i < 8; i++) {
        CHECK(ended[i]);
        CHECK_EQ(r[i].result, i == 5 ? -EIO : 0);
        CHECK(i == 5 || memcmp(buf[i], f->now + i * 512, 512) == 0);
    }
}

/* Two requests that are too long for one transfer; the device makes one access of them. */
static void one_access_of_neighbours(enum block_op op)
{
    static uint8_t buf[2][8 * 512];
    struct block_seg seg[2] = {{buf[0], sizeof(buf[0])}, {buf[1], sizeof(buf[1])}};
    struct block_request r[2], *both[2] = {&r[0], &r[1]};
    struct block_device d = plain;
    bool ended[2] = {false};

    d.max_segs = 1;
    d.max_seg_size = 12 * 512;
    f = fakedisk_new(64 * 512, &d);
    f->merges = true;
    *(op == BLOCK_READ ? &f->bad_sector : &f->bad_write) = 17;
    for (unsigned i = 0; i < 2; i++)
        r[i] = (struct block_request){.op = op,
                                      .sector = i ? 16 : 8,
                                      .segs = &seg[i],
                                      .seg_count = 1,
                                      .done = done_one,
                                      .ctx = &ended[i]};
    block_submit(&f->dev, both, 2);
    CHECK_EQ(f->out, 2);
    while (fakedisk_step(f) | host_run_round())
        CHECK(f->out <= 2);
    CHECK(ended[0] && ended[1]);
    CHECK_EQ(r[0].result, 0);
    CHECK_EQ(r[1].result, -EIO);
    CHECK_EQ(f->reads + f->writes, 4); /* each together, and each alone */
    CHECK_EQ(f->dev.stats.errors, 1);
}

static void neighbours_that_the_device_joins(void)
{
    one_access_of_neighbours(BLOCK_READ);
}

static void writes_that_the_device_joins(void)
{
    one_access_of_neighbours(BLOCK_WRITE);
}

/* One that failed with nothing beside it has failed: it is not sent again. */
static void alone_from_the_start(void)
{
    static uint8_t buf[512];
    struct block_seg one = {buf, 512};

    f = fakedisk_new(64 * 512, &plain);
    f->bad_sector = 5;
    CHECK_EQ(try(BLOCK_READ, 5, &one, 1), -EIO);
    CHECK_EQ(f->reads, 1);
}

/* The write is cut in two and its first half fails: its caller hears that before the flush ends. */
static void flush_behind_a_failed_write(void)
{
    static uint8_t buf[1024];
    struct block_seg seg = {buf, sizeof(buf)};
    struct block_device d = plain;
    bool ended[2] = {false};
    struct block_request w = {
        .op = BLOCK_WRITE, .segs = &seg, .seg_count = 1, .done = done_one, .ctx = &ended[0]};
    struct block_request flush = {.op = BLOCK_FLUSH, .done = done_one, .ctx = &ended[1]};
    struct block_request *list[] = {&w, &flush};

    d.depth = d.max_segs = 1;
    d.max_seg_size = 512;
    d.volatile_cache = true;
    f = fakedisk_new(64 * 512, &d);
    f->bad_write = 0;
    block_submit(&f->dev, list, 2);
    while (fakedisk_step(f))
        ;
    CHECK(!ended[1]);
    while (host_run_round() || fakedisk_step(f))
        ;
    CHECK(ended[0] && ended[1]);
    CHECK_EQ(w.result, -EIO);
    CHECK_EQ(flush.result, 0);
}

/* The device is given up: its requests are quarantined; waiting and later ones only fail. */
static void death(void)
{
    static uint8_t buf[3][512];
    struct block_seg seg[3];
    struct block_request r[3], *list[3];
    bool ended[3] = {false};
    struct block_device d = plain;

    d.depth = 1;
    f = fakedisk_new(64 * 512, &d);
    for (unsigned i = 0; i < 3; i++) {
        seg[i] = (struct block_seg){buf[i], 512};
        r[i] = (struct block_request){.op = BLOCK_WRITE,
                                      .sector = 10 * i,
                                      .segs = &seg[i],
                                      .seg_count = 1,
                                      .done = done_one,
                                      .ctx = &ended[i]};
        list[i] = &r[i];
    }
    block_submit(&f->dev, list, 3);
    block_fail_all(&f->dev, true);
    CHECK_EQ(block_deadline(&f->dev), HAL_NEVER);
    host_run_services();
    for (unsigned i = 0; i < 3; i++) {
        CHECK(ended[i]);
        CHECK_EQ(r[i].result, -EIO);
        CHECK_EQ(r[i].quarantined, i == 0);
    }
    f->slot[0].t = NULL;
    CHECK_EQ(try(BLOCK_READ, 0, seg, 1), -EIO);
    CHECK_EQ(try(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    CHECK(!last.quarantined);
}

static void no_memory_to_bounce(void)
{
    static uint8_t buf[512];
    struct block_seg one = {buf, 512};

    f = fakedisk_new(64 * 512, &plain);
    host_dma_unreachable(true);
    host_fail_alloc_after(0);
    CHECK_EQ(try(BLOCK_READ, 0, &one, 1), -ENOMEM);
    host_fail_alloc_after(-1);
    CHECK_EQ(try(BLOCK_READ, 7, &one, 1), 0);
    CHECK(memcmp(buf, f->now + 7 * 512, 512) == 0);
}

/* ---- memory that can be mapped only later ---------------------------------------------------- */

static struct block_request later[2];
static uint8_t memory[2][128 << 10];
static unsigned ended[2];

static void later_done(struct block_request *r)
{
    ended[r - later]++;
}

/* Writes memory that can be mapped, or not. */
static void write_later(unsigned n, bool mapped, uint64_t sector, size_t len)
{
    static struct block_seg seg[2];
    struct block_request *r = &later[n];

    seg[n] = (struct block_seg){memory[n], len};
    *r = (struct block_request){BLOCK_WRITE, sector, &seg[n], 1, .done = later_done};
    host_dma_fail_after(mapped ? -1 : 0);
    block_submit(&f->dev, &r, 1);
}

static void check_later(int second)
{
    while (fakedisk_step(f))
        host_run_services();
    CHECK(ended[0] == 1 && ended[1] == 1);
    CHECK(later[0].result == 0 && later[1].result == second);
}

/* The first half of a request is in the bounce buffer; the memory of the other can be mapped. */
static void mapped_after_a_half(void)
{
    struct block_device one_piece = plain;

    one_piece.max_seg_size = sizeof(memory[0]);
    f = fakedisk_new(DISK_BYTES, &one_piece);
    memset(memory[0], 1, sizeof(memory[0]));
    write_later(0, false, 0, sizeof(memory[0]));
    CHECK_EQ(f->out, 1);
    write_later(1, true, 1024, 512);
    check_later(0);
    CHECK(memcmp(f->now, memory[0], sizeof(memory[0])) == 0);
}

/* A request waits for the bounce buffer, and can be mapped then; it ends also if it fails. */
static void mapped_after_a_wait(void)
{
    f = fakedisk_new(DISK_BYTES, &plain);
    f->bad_write = 1024;
    write_later(0, false, 0, 512);
    write_later(1, false, 1024, 512);
    CHECK_EQ(f->out, 1);
    host_dma_fail_after(-1);
    check_later(-EIO);
}

static void limits_that_fit_nothing(void)
{
    struct block_device d = plain;

    d.block_size = 4096;
    d.max_seg_size = 512;
    d.max_segs = 7;
    CHECK(fakedisk_new(64 * 512, &d) == NULL);
    CHECK(host_log_lines(HAL_ERROR) == 1);
    d.max_segs = 8;
    f = fakedisk_new(64 * 512, &d);
    CHECK(f != NULL && block_get(0) == &f->dev && block_get(1) == NULL);
    CHECK(block_find("fake0") == &f->dev && block_find("fake") == NULL);
    host_fail_alloc_after(0);
    CHECK(fakedisk_new(64 * 512, &plain) == NULL);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"random_shapes", random_shapes},
        {"random_faults", random_faults},
        {"random_bounced", random_bounced},
        {"refusals", refusals},
        {"blocks_of_4096", blocks_of_4096},
        {"shrinks_while_waiting", shrinks_while_waiting},
        {"neighbours_of_a_bad_sector", neighbours_of_a_bad_sector},
        {"neighbours_that_the_device_joins", neighbours_that_the_device_joins},
        {"writes_that_the_device_joins", writes_that_the_device_joins},
        {"alone_from_the_start", alone_from_the_start},
        {"flush_behind_a_failed_write", flush_behind_a_failed_write},
        {"death", death},
        {"no_memory_to_bounce", no_memory_to_bounce},
        {"mapped_after_a_half", mapped_after_a_half},
        {"mapped_after_a_wait", mapped_after_a_wait},
        {"limits_that_fit_nothing", limits_that_fit_nothing},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
