/*
 * test_blk.c - virtio-blk and the block layer (virtio 1.4, section 5.2) against a device model that
 * keeps a small disk and checks every request's framing.
 */
#include <stdlib.h>
#include <string.h>

#include "block/block.h"
#include "block/vblk.h"
#include "check.h"
#include "model.h"
#include "virtio/virtio.h"

enum { F_SIZE_MAX = 1, F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_CONFIG_WCE = 11 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };

#define SECTORS 4096u
#define RING 64

static struct model *m;
static struct model_queue *mq;
static uint8_t disk[SECTORS * 512];
static struct block_device *dev;

/* What the device does with the next requests. */
static unsigned fail_left;
static uint8_t fail_status;
static bool mute;                /* takes requests and never answers */
static uint32_t size_max, seg_max;
static unsigned device_flushes, device_requests, writes_pending;
static uint32_t short_by;        /* says that it wrote so much less */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static void judge(bool good, const char *what, unsigned v)
{
    if (!good)
        host_violation("blk: %s (%u)", what, v);
}

static void judge_data(const struct model_chain *c, const struct header *h)
{
    uint32_t bytes = h->type == T_OUT ? c->read_bytes - 16 : c->write_bytes - 1;
    unsigned first = 1, last = c->count - 1;

    judge(bytes > 0 && bytes % 512 == 0, "data length", bytes);
    judge(last - first <= (seg_max ? seg_max : 1), "more segments than seg_max", last - first);
    for (unsigned i = first; i < last; i++)
        judge(!size_max || c->segs[i].len <= size_max, "segment above size_max", c->segs[i].len);
    judge(h->sector < SECTORS && bytes / 512 <= SECTORS - h->sector, "beyond the end",
          (unsigned)h->sector);
}

/* Does one request; the status, and in *written how many bytes of data the device wrote. */
static uint8_t serve(const struct model_chain *c, const struct header *h, uint32_t *written)
{
    static const char id[20] = "VIREO-MODEL-0123456";

    if (fail_left > 0) {
        fail_left--;
        return fail_status;
    }
    switch (h->type) {
    case T_IN:
        judge_data(c, h);
        *written = model_scatter(c, 0, disk + h->sector * 512, c->write_bytes - 1);
        return 0;
    case T_OUT:
        judge_data(c, h);
        judge(c->write_bytes == 1, "write with writable data", c->write_bytes);
        judge(!model_accepted(m, F_RO), "write to a read-only disk", 0);
        model_gather(c, 16, disk + h->sector * 512, c->read_bytes - 16);
        return 0;
    case T_FLUSH:
        judge(h->sector == 0 && c->count == 2, "flush with a sector or data", c->count);
        judge(model_accepted(m, F_FLUSH), "flush was not negotiated", 0);
        judge(writes_pending == 0, "flush while writes are out", writes_pending);
        device_flushes++;
        return 0;
    case T_GET_ID:
        judge(c->write_bytes == 21, "id length", c->write_bytes);
        *written = model_scatter(c, 0, id, 20);
        return 0;
    default:
        return 2;
    }
}

static void answer(const struct model_chain *c)
{
    struct header h = {0};
    uint32_t written = 0;

    judge(c->count >= 2 && c->segs[0].len == 16 && !c->segs[0].write, "header", c->count);
    judge(c->segs[c->count - 1].len == 1 && c->segs[c->count - 1].write, "status byte", c->count);
    model_gather(c, 0, &h, 16);
    judge(h.reserved == 0, "reserved field", h.reserved);
    device_requests++;
    writes_pending -= h.type == T_OUT;
    uint8_t status = serve(c, &h, &written);
    if (status != 0xee) /* 0xee: it does not even write the status */
        model_scatter(c, c->write_bytes - 1, &status, 1);
    model_push(m, mq, c, written + 1 - (short_by < written ? short_by : written));
}

/* Takes everything there is, answers in random order. */
static struct model_chain held[RING];

static void on_kick(struct model *model, struct model_queue *q)
{
    unsigned n = 0;

    while (!mute && model_pop(model, q, &held[n])) {
        struct header h;

        model_gather(&held[n], 0, &h, 16);
        writes_pending += h.type == T_OUT;
        n++;
    }
    model_want_kick(m, q, true);
    while (n > 0) {
        unsigned at = random_below(n);

        answer(&held[at]);
        held[at] = held[--n];
    }
    if (!mute)
        model_publish(model, q);
}

static void plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    m = calloc(1, sizeof(*m));
    model_init(m, t, VIRTIO_ID_BLOCK);
    m->queues[0].max = RING;
    for (unsigned i = 0; i < n; i++)
        model_offer(m, bits[i]);
    mq = &m->queues[0];
    m->on.kick = on_kick;
    model_field(m, 0, 8, SECTORS);
    if (m->offered[0] >> F_SIZE_MAX & 1)
        model_field(m, 8, 4, size_max);
    if (m->offered[0] >> F_SEG_MAX & 1)
        model_field(m, 12, 4, seg_max);
    if (m->offered[0] >> F_BLK_SIZE & 1)
        model_field(m, 20, 4, 512);
    if (m->offered[0] >> F_CONFIG_WCE & 1)
        model_field(m, 32, 1, 1);
    model_plug_mmio(m, 0);
    model_watch(m);
}

static void boot(void)
{
    CHECK(*vblk_linked != '\0'); /* links the driver */
    host_boot();
    host_run_services();
    dev = block_find("vblk0");
}

static void boot_plain(void)
{
    static const unsigned bits[] = {F_SEG_MAX, F_FLUSH, VIRTIO_F_EVENT_IDX,
                                    VIRTIO_F_INDIRECT_DESC};

    seg_max = 16;
    plug(MODEL_MMIO, bits, random_below(2) ? 4 : 3);
    boot();
    CHECK(dev != NULL);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

struct io {
    struct block_request r;
    struct block_seg seg[40];
    unsigned calls;
};

static unsigned outstanding;

static void io_done(struct block_request *r)
{
    struct io *io = r->ctx;

    io->calls++;
    CHECK_EQ(io->calls, 1);
    outstanding--;
}

static void io_start(struct io *io, enum block_op op, uint64_t sector, void *buf, size_t len)
{
    struct block_request *r = &io->r;

    memset(io, 0, sizeof(*io));
    io->seg[0] = (struct block_seg){buf, len};
    *r = (struct block_request){.op = op, .sector = sector, .segs = io->seg,
                                .seg_count = len > 0, .done = io_done, .ctx = io};
    outstanding++;
    block_submit(dev, &r, 1);
}

static int io_wait(struct io *io)
{
    host_run_services();
    for (unsigned i = 0; i < 100 && io->calls == 0; i++)
        host_run_for(10 * HAL_SEC);
    CHECK_EQ(io->calls, 1);
    return io->r.result;
}

static int io_run(enum block_op op, uint64_t sector, void *buf, size_t len)
{
    static struct io io;

    io_start(&io, op, sector, buf, len);
    return io_wait(&io);
}

/* ---- plain use -------------------------------------------------------------------------------------------- */

static void describes_itself(void)
{
    struct block_info info;

    boot_plain();
    block_describe(dev, &info);
    CHECK_EQ(info.sectors, SECTORS);
    CHECK_EQ(info.block_size, 512);
    CHECK(!info.read_only && info.volatile_cache && !info.dead);
    CHECK_EQ(info.max_segs, 16);
    CHECK(strcmp(info.id, "VIREO-MODEL-0123456") == 0);
    CHECK(block_get(0) == dev && block_get(1) == NULL && block_find("vblk1") == NULL);
}

static void write_then_read(enum model_transport t)
{
    static const unsigned bits[] = {F_SEG_MAX, F_FLUSH};
    static uint8_t out[64 * 512], in[64 * 512];

    seg_max = 4;
    plug(t, bits, 2);
    boot();
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + i / 512);
    CHECK_EQ(io_run(BLOCK_WRITE, 100, out, sizeof(out)), 0);
    CHECK(memcmp(disk + 100 * 512, out, sizeof(out)) == 0);
    CHECK_EQ(io_run(BLOCK_READ, 100, in, sizeof(in)), 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(device_flushes, 1);
}

static void write_then_read_modern(void)
{
    write_then_read(MODEL_MMIO);
}

static void write_then_read_legacy(void)
{
    write_then_read(MODEL_MMIO_LEGACY);
}

/* Random reads and writes in random segments, many at once, that do not overlap, against a reference. */
#define IOS 32
#define REGION (SECTORS / IOS)

static void random_io(void)
{
    static struct io io[IOS];
    static uint8_t ref[sizeof(disk)], buf[IOS][REGION * 512];
    struct block_request *batch[IOS];

    boot_plain();
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < IOS; i++) {
            unsigned len = 1 + random_below(REGION), at = random_below(REGION - len + 1), off = 0;
            struct block_request *r = &io[i].r;

            memset(&io[i], 0, sizeof(io[i]));
            *r = (struct block_request){.op = random_below(2) ? BLOCK_READ : BLOCK_WRITE,
                                        .sector = i * REGION + at, .segs = io[i].seg,
                                        .done = io_done, .ctx = &io[i]};
            while (off < len) {
                unsigned n = r->seg_count == 39 ? len - off : 1 + random_below(len - off);
                io[i].seg[r->seg_count++] = (struct block_seg){buf[i] + off * 512, n * 512};
                off += n;
            }
            for (unsigned b = 0; b < len * 512; b++)
                buf[i][b] = (uint8_t)random32();
            if (r->op == BLOCK_WRITE)
                memcpy(ref + r->sector * 512, buf[i], len * 512);
            batch[i] = r;
        }
        outstanding = IOS;
        block_submit(dev, batch, IOS);
        host_run_services();
        CHECK_EQ(outstanding, 0);
        for (unsigned i = 0; i < IOS; i++) {
            size_t bytes = 0;
            for (unsigned s = 0; s < io[i].r.seg_count; s++)
                bytes += io[i].seg[s].len;
            CHECK_EQ(io[i].r.result, 0);
            CHECK(memcmp(ref + io[i].r.sector * 512, buf[i], bytes) == 0);
        }
    }
    CHECK(memcmp(ref, disk, sizeof(disk)) == 0);
}

static void one_kick_a_batch(void)
{
    static struct io io[8];
    static uint8_t buf[8][512];
    struct block_request *batch[8];

    boot_plain();
    uint64_t kicks = mq->kicks;
    for (unsigned i = 0; i < 8; i++) {
        io[i].seg[0] = (struct block_seg){buf[i], 512};
        io[i].r = (struct block_request){.op = BLOCK_READ, .sector = 2 * i, .segs = io[i].seg,
                                         .seg_count = 1, .done = io_done, .ctx = &io[i]};
        batch[i] = &io[i].r;
    }
    outstanding = 8;
    uint64_t allocs = host_allocs();
    block_submit(dev, batch, 8);
    CHECK_EQ(outstanding, 8); /* never from within block_submit */
    CHECK_EQ(mq->kicks - kicks, 1);
    host_run_services();
    CHECK_EQ(outstanding, 0);
    CHECK_EQ(host_allocs(), allocs);
}

static void limits_of_the_device(void)
{
    static const unsigned bits[] = {F_SIZE_MAX, F_SEG_MAX};
    static uint8_t buf[40 * 512];

    size_max = 1024;
    seg_max = 3;
    plug(MODEL_MMIO, bits, 2);
    boot();
    for (unsigned i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)random32();
    CHECK_EQ(io_run(BLOCK_WRITE, 7, buf, sizeof(buf)), 0);
    CHECK(memcmp(disk + 7 * 512, buf, sizeof(buf)) == 0);
}

static void flush_waits_for_writes(void)
{
    static struct io w[10], f;
    static uint8_t buf[10][512];

    boot_plain();
    block_hold(dev);
    for (unsigned i = 0; i < 10; i++)
        io_start(&w[i], BLOCK_WRITE, 3 * i, buf[i], 512);
    io_start(&f, BLOCK_FLUSH, 0, NULL, 0);
    block_release(dev);
    CHECK_EQ(io_wait(&f), 0);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(w[i].calls, 1);
    CHECK_EQ(device_flushes, 1);
}

static void write_through_needs_no_flush(void)
{
    plug(MODEL_MMIO, NULL, 0);
    boot();
    CHECK(!block_volatile(dev));
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(device_flushes, 0);
}

static void read_only_disk(void)
{
    static const unsigned bits[] = {F_RO, F_FLUSH};
    static uint8_t buf[512];

    plug(MODEL_MMIO, bits, 2);
    boot();
    unsigned before = device_requests;
    CHECK(block_read_only(dev));
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), -EROFS);
    CHECK_EQ(device_requests, before);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), 0);
}

static void bad_requests(void)
{
    static uint8_t buf[1024];

    boot_plain();
    unsigned before = device_requests;
    CHECK_EQ(io_run(BLOCK_READ, SECTORS, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, SECTORS - 1, buf, 1024), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, UINT64_MAX, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, UINT64_MAX / 512, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 511), -EINVAL);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 513), -EINVAL);
    CHECK_EQ(io_run(BLOCK_READ, 0, NULL, 0), -EINVAL);
    CHECK_EQ(device_requests, before);
}

static void big_blocks(void)
{
    static const unsigned bits[] = {F_BLK_SIZE};
    static uint8_t buf[4096];

    plug(MODEL_MMIO, bits, 1);
    model_field(m, 0, 8, SECTORS - 3);
    model_field(m, 20, 4, 4096);
    boot();
    CHECK_EQ(block_size(dev), 4096);
    CHECK_EQ(block_capacity(dev), (SECTORS - 8) * 512);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), -EINVAL);
    CHECK_EQ(io_run(BLOCK_READ, 1, buf, 4096), -EINVAL);
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, 4096), 0);
}

/* ---- errors of the device -------------------------------------------------------------------------------- */

static void status_decides(uint8_t status)
{
    static uint8_t buf[512];

    boot_plain();
    fail_left = 1;
    fail_status = status;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
    CHECK(!block_dead(dev));
}

static void status_ioerr(void)
{
    status_decides(1);
}

static void status_unsupported(void)
{
    status_decides(2);
}

static void status_unknown(void)
{
    status_decides(0x55);
}

static void status_never_written(void)
{
    status_decides(0xee);
}

static void failed_flush(void)
{
    boot_plain();
    fail_left = 1;
    fail_status = 1;
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
}

/* One bad sector among requests that travelled together fails one request. */
static void one_of_merged_fails(void)
{
    static struct io io[4];
    static uint8_t buf[4][512];

    boot_plain();
    fail_left = 1;
    fail_status = 1;
    block_hold(dev);
    for (unsigned i = 0; i < 4; i++)
        io_start(&io[i], BLOCK_WRITE, i, buf[i], 512);
    block_release(dev);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(io_wait(&io[i]), 0); /* the first try failed, the tries alone did not */
}

static void short_read(void)
{
    static uint8_t buf[512];

    boot_plain();
    short_by = 100;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), -EIO);
    short_by = 0;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
}

/* Devices from before 1.0 are known to say anything in the used length (section 5.2.6.4). */
static void short_read_legacy(void)
{
    static uint8_t buf[512];

    plug(MODEL_MMIO_LEGACY, NULL, 0);
    boot();
    short_by = 100;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
}

static void no_answer(bool reset_too)
{
    static struct io io[4];
    static uint8_t buf[4][512];
    uint64_t start = hal_now_ns();

    boot_plain();
    mute = true;
    m->reset_never = !reset_too;
    for (unsigned i = 0; i < 4; i++)
        io_start(&io[i], i % 2 ? BLOCK_READ : BLOCK_WRITE, 100 * i, buf[i], 512);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(io_wait(&io[i]), -EIO);
        CHECK_EQ(io[i].r.quarantined, !reset_too);
    }
    CHECK(hal_now_ns() - start < 60 * HAL_SEC);
    CHECK(block_dead(dev));
    CHECK_EQ(io_run(BLOCK_READ, 0, buf[0], 512), -EIO);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    CHECK_EQ(outstanding, 0);
}

static void no_answer_then_reset(void)
{
    no_answer(true);
}

static void no_answer_no_reset(void)
{
    no_answer(false);
}

static void broken_queue(void)
{
    static struct io io[6];
    static uint8_t buf[6][512];

    boot_plain();
    mute = true;
    for (unsigned i = 0; i < 6; i++)
        io_start(&io[i], BLOCK_READ, 100 * i, buf[i], 512);
    model_put_used(mq, mq->used, 0xdead, 0);
    model_put_used_idx(mq, (uint16_t)(mq->used + 1));
    model_raise(m, 1, mq);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(io_wait(&io[i]), -EIO);
    CHECK(block_dead(dev));
    CHECK_EQ(outstanding, 0);
    CHECK_EQ(host_log_matches("broken"), 1);
}

/* More requests than the ring holds: all complete. */
static void more_than_the_ring(void)
{
    static struct io io[500];
    static uint8_t buf[500][512];

    boot_plain();
    for (unsigned i = 0; i < 500; i++)
        io_start(&io[i], BLOCK_READ, (i * 37) % SECTORS, buf[i], 512);
    host_run_services();
    CHECK_EQ(outstanding, 0);
}

/* ---- odd devices ------------------------------------------------------------------------------------------- */

static void refused(void)
{
    boot();
    CHECK(dev == NULL);
    CHECK(block_get(0) == NULL);
    CHECK(m->status & 128);
    CHECK(host_log_lines(HAL_ERROR) > 0);
    CHECK_EQ(host_live_blocks(), 0);
}

static void odd_block_size(uint32_t v)
{
    static const unsigned bits[] = {F_BLK_SIZE};

    plug(MODEL_MMIO, bits, 1);
    model_field(m, 20, 4, v);
    refused();
}

static void block_size_0(void)
{
    odd_block_size(0);
}

static void block_size_513(void)
{
    odd_block_size(513);
}

static void block_size_256(void)
{
    odd_block_size(256);
}

static void block_size_huge(void)
{
    odd_block_size(0x80000000u);
}

static void capacity_huge(void)
{
    plug(MODEL_MMIO, NULL, 0);
    model_field(m, 0, 8, UINT64_MAX);
    refused();
}

static void capacity_0(void)
{
    static uint8_t buf[512];

    plug(MODEL_MMIO, NULL, 0);
    model_field(m, 0, 8, 0);
    boot();
    CHECK(dev != NULL);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), -EIO);
}

static void queue_of(unsigned max)
{
    static uint8_t buf[16 * 512];

    plug(MODEL_MMIO, NULL, 0);
    m->queues[0].max = max;
    boot();
    if (max < 3) {
        CHECK(dev == NULL);
        return;
    }
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, sizeof(buf)), 0);
}

static void queue_of_1(void)
{
    queue_of(1);
}

static void queue_of_2(void)
{
    queue_of(2);
}

static void queue_of_4(void)
{
    queue_of(4);
}

static void segment_limits_of(uint32_t segs, uint32_t size)
{
    static const unsigned bits[] = {F_SIZE_MAX, F_SEG_MAX};
    static uint8_t buf[16 * 512];

    plug(MODEL_MMIO, bits, 2);
    model_field(m, 8, 4, size);
    model_field(m, 12, 4, segs);
    seg_max = segs ? segs : 1;
    boot();
    CHECK(dev != NULL);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, sizeof(buf)), 0);
}

static void segment_limits_of_0(void)
{
    segment_limits_of(0, 0);
}

static void segment_limits_of_all_ones(void)
{
    segment_limits_of(UINT32_MAX, UINT32_MAX);
}

static void segment_limits_odd(void)
{
    segment_limits_of(2, 1000);
}

static void out_of_memory(unsigned n)
{
    plug(MODEL_MMIO, NULL, 0);
    host_fail_alloc_after(n);
    boot();
    if (dev)
        return;
    CHECK_EQ(host_live_blocks(), 0);
    CHECK(m->status & 128 || m->trace_len == 3);
}

static void out_of_memory_1(void)
{
    out_of_memory(1);
}

static void out_of_memory_3(void)
{
    out_of_memory(3);
}

static void out_of_memory_4(void)
{
    out_of_memory(4);
}

static void out_of_memory_5(void)
{
    out_of_memory(5);
}

static void out_of_memory_6(void)
{
    out_of_memory(6);
}

static void capacity_changes(void)
{
    static uint8_t buf[512];

    boot_plain();
    model_field(m, 0, 8, 100);
    m->generation++;
    model_raise(m, 2, NULL);
    host_run_services();
    CHECK_EQ(block_capacity(dev), 100 * 512);
    CHECK_EQ(io_run(BLOCK_READ, 100, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, 99, buf, 512), 0);
}

int main(int argc, char **argv)
{
#define CASE(f) {#f, f}
    static const struct test_case cases[] = {
        CASE(describes_itself),
        CASE(write_then_read_modern),
        CASE(write_then_read_legacy),
        CASE(random_io),
        CASE(one_kick_a_batch),
        CASE(limits_of_the_device),
        CASE(flush_waits_for_writes),
        CASE(write_through_needs_no_flush),
        CASE(read_only_disk),
        CASE(bad_requests),
        CASE(big_blocks),
        CASE(status_ioerr),
        CASE(status_unsupported),
        CASE(status_unknown),
        CASE(status_never_written),
        CASE(failed_flush),
        CASE(one_of_merged_fails),
        CASE(short_read),
        CASE(short_read_legacy),
        CASE(no_answer_then_reset),
        CASE(no_answer_no_reset),
        CASE(broken_queue),
        CASE(more_than_the_ring),
        CASE(block_size_0),
        CASE(block_size_513),
        CASE(block_size_256),
        CASE(block_size_huge),
        CASE(capacity_huge),
        CASE(capacity_0),
        CASE(queue_of_1),
        CASE(queue_of_2),
        CASE(queue_of_4),
        CASE(segment_limits_of_0),
        CASE(segment_limits_of_all_ones),
        CASE(segment_limits_odd),
        CASE(out_of_memory_1),
        CASE(out_of_memory_3),
        CASE(out_of_memory_4),
        CASE(out_of_memory_5),
        CASE(out_of_memory_6),
        CASE(capacity_changes),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
