/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_block_cut.c - how requests become transfers: their length, their pieces, which neighbours
 * are joined, what goes through the bounce buffer, and what a disk that has shrunk is still asked.
 * The fake disk judges each transfer by its limits.
 */
#include <string.h>

#include "check.h"
#include "fakedisk.h"
#include "host.h"

#define MIB (1u << 20)

static struct fakedisk *f;
static unsigned ended;

static struct block_device limits = {.block_size = 512,
                                     .max_segs = 16,
                                     .max_seg_size = 1u << 16,
                                     .depth = 16,
                                     .volatile_cache = true};

static void done(struct block_request *r)
{
    (void)r;
    ended++;
}

static void start(uint64_t bytes)
{
    f = fakedisk_new(bytes, &limits);
    CHECK(f != NULL);
}

static void settle(void)
{
    while (fakedisk_step(f) | host_run_round())
        ;
}

/* The request of `op` at this sector, for `len` bytes in one segment. */
struct one {
    struct block_request r;
    struct block_seg seg;
};

static struct block_request *make(struct one *o, enum block_op op, uint64_t sector, void *buf,
                                  size_t len)
{
    o->seg = (struct block_seg){buf, len};
    o->r = (struct block_request){
        .op = op, .sector = sector, .segs = &o->seg, .seg_count = len ? 1 : 0, .done = done};
    return &o->r;
}

static void submit(struct block_request *r)
{
    block_submit(&f->dev, &r, 1);
}

/* The oldest transfer that the disk has. */
static const struct block_transfer *oldest(void)
{
    CHECK(block_oldest(&f->dev) != NULL);
    return block_oldest(&f->dev);
}

/* ---- length ---------------------------------------------------------------------------------- */

/* A transfer is 1 MiB at most, whatever the segments allow, and the data is all there. */
static void a_mebibyte_at_most(void)
{
    static uint8_t buf[3 * MIB + 512];
    static struct block_seg two[2] = {{buf, MIB - 1024}, {buf + MIB, 2 * MIB}};
    struct block_request r = {
        .op = BLOCK_READ, .sector = 1, .segs = two, .seg_count = 2, .done = done};
    struct one o;

    limits.max_seg_size = 4 * MIB;
    start(4 * MIB);
    submit(make(&o, BLOCK_READ, 1, buf, sizeof(buf)));
    CHECK_EQ(f->out, 4);
    CHECK_EQ(oldest()->bytes, MIB);
    CHECK_EQ(f->dev.ends.prev->bytes, 512);
    CHECK_EQ(f->dev.ends.prev->sector, 1 + 3 * MIB / 512);
    settle();
    CHECK_EQ(o.r.result, 0);
    CHECK(!memcmp(buf, f->now + 512, sizeof(buf)));
    submit(&r);
    CHECK_EQ(oldest()->bytes, MIB);
    settle();
    CHECK(!memcmp(buf + MIB, f->now + 512 + MIB - 1024, 2 * MIB));
}

/* A logical block takes several pieces, scattered in memory: never a part of one in a transfer. */
static void blocks_of_several_pieces(void)
{
    static uint8_t buf[16][4096 + 512];
    struct block_seg segs[16];
    struct block_request r = {
        .op = BLOCK_READ, .sector = 8, .segs = segs, .seg_count = 16, .done = done};

    limits.block_size = 4096;
    limits.max_seg_size = 1600; /* pieces of 1536: three a block */
    limits.max_segs = 8;
    start(MIB);
    for (unsigned i = 0; i < 16; i++)
        segs[i] = (struct block_seg){buf[i], 4096};
    submit(&r);
    CHECK_EQ(oldest()->bytes, 2 * 4096);
    CHECK_EQ(f->out, 8);
    settle();
    CHECK_EQ(r.result, 0);
    for (unsigned i = 0; i < 16; i++)
        CHECK(!memcmp(buf[i], f->now + (i + 1) * 4096, 4096));
}

/* Segments that follow each other in memory are one piece. */
static void segments_in_a_row(void)
{
    static uint8_t buf[4][512];
    struct block_seg segs[4];
    struct block_request r = {
        .op = BLOCK_READ, .sector = 8, .segs = segs, .seg_count = 4, .done = done};

    start(MIB);
    for (unsigned i = 0; i < 4; i++)
        segs[i] = (struct block_seg){buf[i], 512};
    submit(&r);
    CHECK_EQ(f->slot[oldest()->slot].n, 1);
    settle();
}

/* But a piece is never longer than the longest. */
static void longest_piece(void)
{
    static uint8_t buf[4096];
    struct block_seg segs[3] = {{buf, 512}, {buf + 512, 1024}, {buf + 1536, 2560}};
    struct block_request r = {
        .op = BLOCK_READ, .sector = 8, .segs = segs, .seg_count = 3, .done = done};

    limits.max_seg_size = 1024;
    start(MIB);
    submit(&r);
    CHECK_EQ(f->slot[oldest()->slot].n, 4);
    settle();
    CHECK(!memcmp(buf, f->now + 8 * 512, sizeof(buf)));
}

/* ---- joining --------------------------------------------------------------------------------- */

/* Only what follows on the disk, goes the same way, and fits wholly. */
static void what_is_joined(void)
{
    static uint8_t buf[8][8192];
    struct one o[6];
    struct block_request *list[6];

    limits.max_segs = 4;
    limits.max_seg_size = 4096;
    start(MIB);
    list[0] = make(&o[0], BLOCK_READ, 0, buf[0], 4096);
    list[1] = make(&o[1], BLOCK_READ, 8, buf[2], 4096);   /* follows */
    list[2] = make(&o[2], BLOCK_READ, 17, buf[4], 4096);  /* a gap */
    list[3] = make(&o[3], BLOCK_WRITE, 25, buf[5], 4096); /* another way */
    list[4] = make(&o[4], BLOCK_WRITE, 33, buf[6], 8192);
    list[5] = make(&o[5], BLOCK_WRITE, 49, buf[7], 8192); /* does not fit wholly */
    memset(buf[5], 5, sizeof(buf[5]) * 3);
    block_submit(&f->dev, list, 6);
    CHECK_EQ(f->out, 4);
    CHECK_EQ(f->dev.stats.merged, 2);
    CHECK_EQ(oldest()->bytes, 8192);
    CHECK_EQ(f->dev.ends.prev->bytes, 8192);
    CHECK_EQ(f->commits, 1);
    settle();
    CHECK_EQ(ended, 6);
    CHECK(!memcmp(buf[2], f->now + 4096, 4096) && !memcmp(buf[4], f->now + 17 * 512, 4096));
    for (unsigned i = 25 * 512; i < 65 * 512; i++)
        CHECK_EQ(f->now[i], 5);
}

/* Joining gains nothing for requests that are long, and takes longer than the short way. */
static void long_requests_are_not_joined(void)
{
    static uint8_t buf[2][BLOCK_LONG];
    struct one o[2];
    struct block_request *list[2];
    bool plain = case_variant != FAKEDISK_LONG_WAY;

    start(MIB);
    list[0] = make(&o[0], BLOCK_READ, 0, buf[0], BLOCK_LONG);
    list[1] = make(&o[1], BLOCK_READ, BLOCK_LONG / 512, buf[1], BLOCK_LONG);
    block_submit(&f->dev, list, 2);
    CHECK_EQ(f->out, plain ? 2 : 1);
    CHECK_EQ(f->commits, 1);
    settle();
    CHECK(ended == 2 && !memcmp(buf, f->now, sizeof(buf)));
}

/* A neighbour that follows in memory, too, but does not fit wholly, leaves the piece as it was. */
static void what_does_not_fit(void)
{
    static uint8_t buf[512 + 8192];
    struct one o[2];
    struct block_request *list[2];

    limits.max_segs = 2;
    limits.max_seg_size = 4096;
    start(MIB);
    list[0] = make(&o[0], BLOCK_READ, 0, buf, 512);
    list[1] = make(&o[1], BLOCK_READ, 1, buf + 512, 8192);
    block_submit(&f->dev, list, 2);
    CHECK_EQ(f->out, 2);
    CHECK_EQ(oldest()->bytes, 512);
    CHECK_EQ(f->slot[oldest()->slot].dma[0].len, 512);
    settle();
    CHECK(!memcmp(buf, f->now, sizeof(buf)));
}

/* All flushes that wait together are one to the disk. */
static void flushes_are_one(void)
{
    struct one o[3];
    struct block_request *list[3];

    start(MIB);
    for (unsigned i = 0; i < 3; i++)
        list[i] = make(&o[i], BLOCK_FLUSH, 0, NULL, 0);
    block_submit(&f->dev, list, 3);
    CHECK_EQ(f->out, 1);
    settle();
    CHECK_EQ(f->flushes, 1);
    CHECK_EQ(ended, 3);
    CHECK_EQ(f->dev.stats.flushes, 3);
}

/* Of three that failed together each goes by itself; nor does one that waits travel with them. */
static void alone_with_nobody(void)
{
    static uint8_t buf[4][512];
    struct one o[4];
    struct block_request *list[3];

    start(MIB);
    f->bad_sector = 10;
    for (unsigned i = 0; i < 3; i++)
        list[i] = make(&o[i], BLOCK_READ, 8 + i, buf[i], 512);
    block_submit(&f->dev, list, 3);
    CHECK_EQ(f->out, 1);
    block_hold(&f->dev);
    fakedisk_step(f);
    submit(make(&o[3], BLOCK_READ, 11, buf[3], 512)); /* follows the third */
    block_release(&f->dev);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(f->out, 1);
        CHECK_EQ(oldest()->bytes, 512);
        fakedisk_step(f);
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(o[i].r.result, i == 2 ? -EIO : 0);
    CHECK_EQ(f->reads, 5);
}

/* ---- a disk that shrinks --------------------------------------------------------------------- */

/* Two neighbours wait, and the disk ends between them: they are not joined across its end. */
static void joined_up_to_the_end(void)
{
    static uint8_t buf[3][1024];
    struct one o[3];
    struct block_request *list[3];

    limits.depth = 1;
    start(MIB);
    list[0] = make(&o[0], BLOCK_READ, 0, buf[0], 1024);
    list[1] = make(&o[1], BLOCK_WRITE, 64, buf[1], 1024);
    list[2] = make(&o[2], BLOCK_WRITE, 66, buf[2], 1024);
    block_submit(&f->dev, list, 3);
    CHECK_EQ(f->out, 1);
    block_resize(&f->dev, 67); /* in the middle of the third */
    f->bytes = 67 * 512;
    fakedisk_step(f);
    CHECK_EQ(oldest()->bytes, 1024);
    settle();
    CHECK_EQ(o[0].r.result, 0);
    CHECK_EQ(o[1].r.result, 0);
    CHECK_EQ(o[2].r.result, -EIO);
    CHECK_EQ(f->writes, 1);
}

/* The same with an end that lies before both. */
static void beyond_the_end(void)
{
    static uint8_t buf[3][1024];
    struct one o[3];
    struct block_request *list[3];

    limits.depth = 1;
    start(MIB);
    for (unsigned i = 0; i < 3; i++)
        list[i] = make(&o[i], BLOCK_READ, i ? 62 + 2 * i : 0, buf[i], 1024);
    block_submit(&f->dev, list, 3);
    block_resize(&f->dev, 32);
    f->bytes = 32 * 512;
    settle();
    CHECK_EQ(o[0].r.result, 0);
    CHECK_EQ(o[1].r.result, -EIO);
    CHECK_EQ(o[2].r.result, -EIO);
    CHECK_EQ(f->reads, 1);
}

/* A request of which a part is with the disk fails when its rest lies beyond the end. */
static void half_of_a_request(void)
{
    static uint8_t buf[4096];
    struct one o;

    limits.depth = 1;
    limits.max_segs = 1;
    limits.max_seg_size = 1024;
    start(MIB);
    submit(make(&o, BLOCK_READ, 64, buf, 4096));
    block_resize(&f->dev, 68);
    f->bytes = 68 * 512;
    settle();
    CHECK_EQ(ended, 1);
    CHECK_EQ(o.r.result, -EIO);
    CHECK_EQ(f->reads, 1);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* The first part of a request fails: the disk is not asked for the others. */
static void the_rest_is_not_asked_for(void)
{
    static uint8_t buf[8192];
    struct one o;

    limits.depth = 1;
    limits.max_segs = 1;
    limits.max_seg_size = 1024;
    start(MIB);
    f->bad_sector = 64;
    submit(make(&o, BLOCK_READ, 64, buf, 8192));
    settle();
    CHECK_EQ(ended, 1);
    CHECK_EQ(o.r.result, -EIO);
    CHECK_EQ(f->reads, 1);
}

/* A request of several parts fails since the disk joined one of them with a bad neighbour. */
static void parts_beside_a_bad_neighbour(void)
{
    static uint8_t buf[2][4096];
    struct one o[2];

    limits.max_segs = 1;
    limits.max_seg_size = 1024;
    start(MIB);
    f->merges = true;
    f->bad_sector = 72;
    block_hold(&f->dev);
    submit(make(&o[0], BLOCK_READ, 64, buf[0], 4096));
    submit(make(&o[1], BLOCK_READ, 72, buf[1], 4096));
    block_release(&f->dev);
    settle();
    CHECK_EQ(ended, 2);
    CHECK_EQ(o[0].r.result, 0);
    CHECK_EQ(o[1].r.result, -EIO);
    CHECK(!memcmp(buf[0], f->now + 64 * 512, 4096));
}

/* The slot of the transfer that begins there. */
static unsigned slot_at(uint64_t sector)
{
    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t && f->slot[i].t->sector == sector)
            return i;
    check_fail(__FILE__, __LINE__, "nothing is out at sector %llu", (unsigned long long)sector);
}

/* One that begins there fails, as if the disk had joined it with others. */
static void fail_at(uint64_t sector)
{
    f->slot[slot_at(sector)].bad = true;
    fakedisk_finish(f, slot_at(sector));
}

/* The first part of a request fails with a neighbour, the second succeeds, or is still to be cut.
 */
static void first_part_fails(unsigned depth)
{
    static uint8_t buf[2048], before[1024];
    struct one o[2];

    limits.max_segs = 1;
    limits.max_seg_size = 1024;
    limits.depth = depth;
    start(MIB);
    submit(make(&o[0], BLOCK_READ, 62, before, 1024));
    submit(make(&o[1], BLOCK_READ, 64, buf, 2048));
    CHECK_EQ(f->out, depth);
    fail_at(64);
    if (depth == 3)
        fakedisk_finish(f, slot_at(66));
    CHECK_EQ(ended, 0);
    CHECK_EQ(f->out, 1);
    fail_at(62);
    settle();
    CHECK_EQ(ended, 2);
    CHECK_EQ(o[0].r.result, 0);
    CHECK_EQ(o[1].r.result, 0);
    CHECK(!memcmp(buf, f->now + 64 * 512, 2048) && !memcmp(before, f->now + 62 * 512, 1024));
    CHECK_EQ(f->dev.stats.errors, 0);
}

static void first_of_two_parts(void)
{
    first_part_fails(3);
}

static void first_part_of_what_waits(void)
{
    first_part_fails(2);
}

/* A reset puts a request in front of one that is to go alone: they stay apart. */
static void alone_behind_another(void)
{
    static uint8_t buf[2][512];
    struct one o[2];

    limits.volatile_cache = false;
    start(MIB);
    submit(make(&o[0], BLOCK_READ, 8, buf[0], 512));
    submit(make(&o[1], BLOCK_READ, 9, buf[1], 512));
    fail_at(9);
    fakedisk_reset(f);
    block_resume(&f->dev);
    CHECK_EQ(f->out, 1);
    CHECK_EQ(oldest()->sector, 8);
    CHECK_EQ(oldest()->bytes, 512);
    settle();
    CHECK_EQ(ended, 2);
}

/* One of several parts has failed, and the disk is reset, or given up, before the others are
 * answered.
 */
static void parts_at_a_reset(bool give_up)
{
    static uint8_t buf[2][2048];
    struct one o[2];

    limits.max_segs = 1;
    limits.max_seg_size = 1024;
    limits.volatile_cache = false;
    start(MIB);
    f->merges = true;
    f->bad_sector = 68;
    block_hold(&f->dev);
    submit(make(&o[0], BLOCK_READ, 64, buf[0], 2048));
    submit(make(&o[1], BLOCK_READ, 68, buf[1], 2048));
    block_release(&f->dev);
    CHECK_EQ(f->out, 4);
    fakedisk_finish(f, f->dev.ends.next->next->slot); /* the second part of the first */
    CHECK_EQ(ended, 0);
    fakedisk_reset(f);
    if (give_up)
        block_fail_all(&f->dev, false);
    else
        block_resume(&f->dev);
    f->bad_sector = give_up ? 68 : UINT64_MAX;
    settle();
    CHECK_EQ(ended, 2);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(o[i].r.result, give_up ? -EIO : 0);
}

static void parts_and_a_reset(void)
{
    parts_at_a_reset(false);
}

static void parts_and_the_end(void)
{
    parts_at_a_reset(true);
}

/* ---- through the bounce buffer --------------------------------------------------------------- */

/* Memory that the disk cannot reach: one transfer at a time, of 64 KiB at most. */
static void bounced(void)
{
    static uint8_t in[200 * 1024], out[200 * 1024];
    struct one o[2];

    start(MIB);
    host_dma_unreachable(true);
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 11 + (i >> 8));
    submit(make(&o[0], BLOCK_WRITE, 3, out, sizeof(out)));
    submit(make(&o[1], BLOCK_READ, 1024, in, sizeof(in)));
    while (f->out) {
        CHECK_EQ(f->out, 1);
        CHECK(oldest()->bytes <= BLOCK_BOUNCE);
        fakedisk_step(f);
    }
    CHECK_EQ(ended, 2);
    CHECK(!memcmp(out, f->now + 3 * 512, sizeof(out)));
    CHECK(!memcmp(in, f->now + 1024 * 512, sizeof(in)));
    CHECK_EQ(f->dev.stats.bounced, 8);
    CHECK_EQ(f->dev.stats.merged, 0);
}

/* A failed read leaves the caller's memory as it was. */
static void bounced_in_vain(void)
{
    static uint8_t buf[1024];
    struct one o;

    start(MIB);
    host_dma_unreachable(true);
    f->bad_sector = 8;
    memset(buf, 7, sizeof(buf));
    submit(make(&o, BLOCK_READ, 8, buf, sizeof(buf)));
    settle();
    CHECK_EQ(o.r.result, -EIO);
    for (unsigned i = 0; i < sizeof(buf); i++)
        CHECK_EQ(buf[i], 7);
}

/* Where all data goes through the buffer, the serial number does, too, when it is free. */
static void the_id_is_bounced(void)
{
    static uint8_t buf[1024], id[BLOCK_ID_LEN];
    struct one o[2];

    limits.bounce_all = true;
    start(MIB);
    f->dev.bounce = hal_dma_alloc(BLOCK_BOUNCE, 4096, &f->dev.bounce_dma);
    submit(make(&o[0], BLOCK_WRITE, 8, buf, sizeof(buf)));
    submit(make(&o[1], BLOCK_GET_ID, 0, id, BLOCK_ID_LEN));
    CHECK_EQ(f->out, 1);
    fakedisk_step(f);
    CHECK_EQ(f->slot[oldest()->slot].dma[0].addr, f->dev.bounce_dma);
    settle();
    CHECK_EQ(ended, 2);
    CHECK(!memcmp(id, "FAKE-DISK-0123456789", BLOCK_ID_LEN));
}

/* Memory for a serial number that the disk cannot reach is an error: nothing is copied there. */
static void the_id_out_of_reach(void)
{
    static uint8_t id[BLOCK_ID_LEN];
    struct one o;

    start(MIB);
    host_dma_unreachable(true);
    submit(make(&o, BLOCK_GET_ID, 0, id, BLOCK_ID_LEN));
    settle();
    CHECK_EQ(ended, 1);
    CHECK_EQ(o.r.result, -ENOMEM);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"a_mebibyte_at_most", a_mebibyte_at_most},
        {"blocks_of_several_pieces", blocks_of_several_pieces},
        {"segments_in_a_row", segments_in_a_row},
        {"longest_piece", longest_piece},
        {"what_is_joined", what_is_joined},
        {"long_requests_are_not_joined", long_requests_are_not_joined},
        {"what_does_not_fit", what_does_not_fit},
        {"flushes_are_one", flushes_are_one},
        {"alone_with_nobody", alone_with_nobody},
        {"joined_up_to_the_end", joined_up_to_the_end},
        {"beyond_the_end", beyond_the_end},
        {"half_of_a_request", half_of_a_request},
        {"the_rest_is_not_asked_for", the_rest_is_not_asked_for},
        {"parts_beside_a_bad_neighbour", parts_beside_a_bad_neighbour},
        {"first_of_two_parts", first_of_two_parts},
        {"first_part_of_what_waits", first_part_of_what_waits},
        {"alone_behind_another", alone_behind_another},
        {"parts_and_a_reset", parts_and_a_reset},
        {"parts_and_the_end", parts_and_the_end},
        {"bounced", bounced},
        {"bounced_in_vain", bounced_in_vain},
        {"the_id_is_bounced", the_id_is_bounced},
        {"the_id_out_of_reach", the_id_out_of_reach},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
