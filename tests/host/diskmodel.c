/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diskmodel.c - the device of diskmodel.h: it answers in random order, and checks every request's
 * framing (virtio 1.4, section 5.2.6).
 */
#include "diskmodel.h"

#include <stdlib.h>
#include <string.h>

#include "block/vblk.h"
#include "check.h"
#include "virtio/virtio.h"

enum {
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    T_GET_LIFETIME = 10,
    T_DISCARD = 11,
    T_WRITE_ZEROES = 13,
    T_SECURE_ERASE = 14
};

struct diskmodel disk = {.id = DISK_ID,
                         .answers = DISK_NEVER,
                         .killer = UINT64_MAX,
                         .block_size = 512,
                         .max_sectors = 1000,
                         .max_ranges = 4,
                         .align = 8};

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
    bool apart = disk.q->num > 2; /* else the pieces hold header or status too */
    unsigned first = apart, last = c->count - apart;

    judge(bytes > 0 && bytes % 512 == 0, "data length", bytes);
    judge(c->count - 2 <= (disk.seg_max ? disk.seg_max : 1), "more segments than seg_max",
          c->count - 2);
    for (unsigned i = first; i < last; i++)
        judge(!disk.size_max || c->segs[i].len <= disk.size_max, "segment above size_max",
              c->segs[i].len);
    judge(h->sector < DISK_SECTORS && bytes / 512 <= DISK_SECTORS - h->sector, "beyond the end",
          (unsigned)h->sector);
}

static bool changes(uint32_t type)
{
    return type == T_OUT || type == T_DISCARD || type == T_WRITE_ZEROES || type == T_SECURE_ERASE;
}

/* What sectors are like after a type of ranges. */
static void change_range(uint32_t type, uint64_t sector, uint32_t sectors)
{
    size_t at = sector * 512, len = (size_t)sectors * 512;

    memset(disk.data + at, type == T_WRITE_ZEROES ? 0 : type == T_DISCARD ? 0xdd : 0xee, len);
    if (type == T_SECURE_ERASE || !model_accepted(disk.m, DISK_F_FLUSH))
        memcpy(disk.platter + at, disk.data + at, len);
}

static uint8_t serve_ranges(const struct model_chain *c, const struct header *h)
{
    static const unsigned bits[] = {[T_DISCARD] = DISK_F_DISCARD,
                                    [T_WRITE_ZEROES] = DISK_F_WRITE_ZEROES,
                                    [T_SECURE_ERASE] = DISK_F_SECURE_ERASE};
    unsigned bytes = c->read_bytes - 16;
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range;

    judge(model_accepted(disk.m, bits[h->type]), "type was not negotiated", h->type);
    judge(!model_accepted(disk.m, DISK_F_RO), "change of a read-only disk", h->type);
    judge(h->sector == 0, "sector of a request of ranges", (unsigned)h->sector);
    judge(bytes && bytes % 16 == 0 && c->write_bytes == 1, "length of ranges", bytes);
    judge(bytes / 16 <= disk.max_ranges, "too many ranges", bytes / 16);
    for (unsigned at = 16; at < c->read_bytes; at += 16) {
        model_gather(c, at, &range, 16);
        judge(range.sectors && range.sectors <= disk.max_sectors, "sectors", range.sectors);
        judge(range.sector < DISK_SECTORS && range.sectors <= DISK_SECTORS - range.sector,
              "range beyond the end", (unsigned)range.sector);
        judge((range.sector | range.sectors) % (disk.block_size / 512) == 0, "part of a block",
              (unsigned)range.sector);
        judge(!(range.flags & ~1u), "reserved flags", range.flags);
        judge(h->type == T_WRITE_ZEROES || !range.flags, "unmap", range.flags);
        disk.ranges++;
        disk.unmaps += range.flags;
        disk.ragged += (range.sector + range.sectors) % disk.align != 0;
        change_range(h->type, range.sector, range.sectors);
    }
    return 0;
}

/* Does one request; the status, and in *written how many bytes of data the device wrote. */
static uint8_t serve(const struct model_chain *c, const struct header *h, uint32_t *written)
{
    if (disk.fail_left > 0) {
        disk.fail_left--;
        return disk.fail_status;
    }
    switch (h->type) {
    case T_IN:
        judge_data(c, h);
        *written = model_scatter(c, 0, disk.data + h->sector * 512, c->write_bytes - 1);
        return 0;
    case T_OUT:
        judge_data(c, h);
        judge(c->write_bytes == 1, "write with writable data", c->write_bytes);
        judge(!model_accepted(disk.m, DISK_F_RO), "write to a read-only disk", 0);
        model_gather(c, 16, disk.data + h->sector * 512, c->read_bytes - 16);
        if (!model_accepted(disk.m, DISK_F_FLUSH))
            memcpy(disk.platter + h->sector * 512, disk.data + h->sector * 512, c->read_bytes - 16);
        return 0;
    case T_FLUSH:
        judge(h->sector == 0 && c->count == 2, "flush with a sector or data", c->count);
        judge(model_accepted(disk.m, DISK_F_FLUSH), "flush was not negotiated", 0);
        disk.flushes++;
        memcpy(disk.platter, disk.data, sizeof(disk.data));
        return 0;
    case T_GET_ID:
        judge(c->write_bytes == 21, "id length", c->write_bytes);
        disk.identified++;
        if (!disk.id[0])
            return 2;
        *written = model_scatter(c, 0, disk.id, BLOCK_ID_LEN);
        return 0;
    case T_GET_LIFETIME:
        judge(model_accepted(disk.m, DISK_F_LIFETIME), "lifetime was not negotiated", 0);
        judge(h->sector == 0 && c->write_bytes == 7, "lifetime length", c->write_bytes);
        *written = model_scatter(c, 0, disk.lifetime, 6);
        return 0;
    case T_DISCARD:
    case T_WRITE_ZEROES:
    case T_SECURE_ERASE:
        return serve_ranges(c, h);
    default:
        return 2;
    }
}

static void answer(const struct model_chain *c)
{
    bool apart = disk.q->num > 2; /* a smaller queue has no room for pieces of their own */
    struct header h = {0};
    uint32_t written = 0;

    judge(c->count >= 2 && c->read_bytes >= 16 && c->write_bytes >= 1, "pieces", c->count);
    judge(!apart || c->segs[0].len == 16, "header", c->segs[0].len);
    judge(!apart || c->segs[c->count - 1].len == 1, "status byte", c->segs[c->count - 1].len);
    model_gather(c, 0, &h, 16);
    judge(h.reserved == 0, "reserved field", h.reserved);
    disk.requests++;
    disk.writes_pending -= changes(h.type);
    uint8_t status = serve(c, &h, &written);
    if (status != 0xee) /* 0xee: it does not even write the status */
        model_scatter(c, c->write_bytes - 1, &status, 1);
    model_push(disk.m, disk.q, c,
               written + 1 - (disk.short_by < written ? disk.short_by : written));
}

void disk_break(void)
{
    model_forge(disk.m, disk.q, 0xffff, 0);
    model_show(disk.m, disk.q);
    model_raise(disk.m, 1, disk.q);
}

/* Notes what the request asks for. True: it is the one that breaks the queue. */
static bool take(const struct model_chain *c)
{
    struct header h;

    model_gather(c, 0, &h, 16);
    judge(h.type != T_FLUSH || !disk.writes_pending, "flush while writes before it are out",
          disk.writes_pending);
    disk.writes_pending += changes(h.type);
    if (disk.taken < DISK_ORDER)
        disk.order[disk.taken++] =
            (struct disk_order){h.type, c->read_bytes + c->write_bytes - 17, h.sector};
    return h.type != T_FLUSH && h.type != T_GET_ID && h.sector == disk.killer;
}

/* Takes everything there is, answers in random order. */
static struct model_chain held[4 * DISK_RING]; /* of the longest ring of a test */

static void on_kick(struct model *model, struct model_queue *q)
{
    unsigned n = 0;
    bool broken = false;

    while (!disk.mute && model_pop(model, q, &held[n]))
        broken |= take(&held[n++]);
    model_want_kick(disk.m, q, true);
    while (n > 0 && !broken && disk.answers) {
        unsigned at = random_below(n);

        answer(&held[at]);
        held[at] = held[--n];
        disk.answers -= disk.answers != DISK_NEVER;
    }
    if (!disk.mute)
        model_publish(model, q);
    if (broken)
        disk_break();
}

static void on_queue_reset(struct model *model, struct model_queue *q)
{
    (void)model, (void)q;
    disk.writes_pending = 0;
    disk.answers = DISK_NEVER;
}

static void on_status(struct model *model, uint32_t status)
{
    if (status || model->stuck)
        return;
    on_queue_reset(model, disk.q);
    if (disk.forgets)
        memcpy(disk.data, disk.platter, sizeof(disk.data));
}

static void plug_into_bus(enum model_transport t)
{
    if (t == MODEL_PCI || t == MODEL_PCI_LEGACY) {
        struct hal_pci_host h = model_pci_windows();

        model_pci_bridge(&h, true);
        model_plug_pci(&disk.pci, disk.m, 1, false);
    } else {
        model_plug_mmio(disk.m, 0);
    }
}

static void offer_ranges(unsigned bit, unsigned at, bool aligned)
{
    if (!(disk.m->offered[0] >> bit & 1))
        return;
    model_field(disk.m, at, 4, disk.max_sectors);
    model_field(disk.m, at + 4, 4, disk.max_ranges);
    if (aligned)
        model_field(disk.m, at + 8, 4, disk.align);
}

void disk_plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    disk.m = calloc(1, sizeof(*disk.m));
    model_init(disk.m, t, VIRTIO_ID_BLOCK);
    disk.m->queues[0].max = DISK_RING;
    for (unsigned i = 0; i < n; i++)
        model_offer(disk.m, bits[i]);
    disk.q = &disk.m->queues[0];
    disk.m->on.kick = on_kick;
    disk.m->on.status = on_status;
    disk.m->on.queue_reset = on_queue_reset;
    model_field(disk.m, 0, 8, DISK_SECTORS);
    if (disk.m->offered[0] >> DISK_F_SIZE_MAX & 1)
        model_field(disk.m, 8, 4, disk.size_max);
    if (disk.m->offered[0] >> DISK_F_SEG_MAX & 1)
        model_field(disk.m, 12, 4, disk.seg_max);
    if (disk.m->offered[0] >> DISK_F_BLK_SIZE & 1)
        model_field(disk.m, 20, 4, disk.block_size);
    if (disk.m->offered[0] >> DISK_F_CONFIG_WCE & 1)
        model_field(disk.m, 32, 1, 1);
    if (disk.m->offered[0] >> DISK_F_TOPOLOGY & 1) {
        model_field(disk.m, 24, 1, disk.physical_exponent);
        model_field(disk.m, 25, 1, disk.aligned_at);
        model_field(disk.m, 26, 2, 8);
        model_field(disk.m, 28, 4, 256);
    }
    offer_ranges(DISK_F_DISCARD, 36, true);
    offer_ranges(DISK_F_WRITE_ZEROES, 48, false);
    offer_ranges(DISK_F_SECURE_ERASE, 60, true);
    if (disk.m->offered[0] >> DISK_F_WRITE_ZEROES & 1)
        model_field(disk.m, 56, 1, 1);
    if (disk.plug)
        disk.plug(disk.m);
    else
        plug_into_bus(t);
    model_watch(disk.m);
}

void disk_boot(void)
{
    CHECK(*vblk_linked != '\0'); /* links the driver */
    host_boot();
    host_run_services();
    disk.dev = block_find("vblk0");
}

void disk_boot_plain(void)
{
    static const unsigned bits[] = {DISK_F_SEG_MAX, DISK_F_FLUSH, VIRTIO_F_EVENT_IDX,
                                    VIRTIO_F_INDIRECT_DESC};

    disk.seg_max = 16;
    disk_plug(MODEL_MMIO, bits, random_below(2) ? 4 : 3);
    disk_boot();
    CHECK(disk.dev != NULL);
}

enum { PACKED = 1, PCI = 2 };
const struct test_variant disk_ways[] = {
    {"mmio-split", 0}, {"mmio-packed", PACKED}, {"pci-split", PCI}, {"pci-packed", PCI | PACKED},
    {NULL, 0},
};

void disk_boot_way(const unsigned *bits, unsigned n)
{
    unsigned all[16] = {DISK_F_SEG_MAX, DISK_F_FLUSH, VIRTIO_F_EVENT_IDX}, count = 3;

    for (unsigned i = 0; i < n; i++)
        all[count++] = bits[i];
    if (case_variant & PACKED)
        all[count++] = VIRTIO_F_RING_PACKED;
    if (!disk.seg_max)
        disk.seg_max = 16;
    disk_plug(case_variant & PCI ? MODEL_PCI : MODEL_MMIO, all, count);
    disk_boot();
    CHECK(disk.dev != NULL);
}

/* ---- requests -------------------------------------------------------------------------------- */

unsigned io_outstanding;

void io_done(struct block_request *r)
{
    struct io *io = r->ctx;

    io->calls++;
    CHECK_EQ(io->calls, 1);
    io_outstanding--;
}

void io_start(struct io *io, enum block_op op, uint64_t sector, void *buf, size_t len)
{
    struct block_request *r = &io->r;

    memset(io, 0, sizeof(*io));
    io->seg[0] = (struct block_seg){buf, len};
    *r = (struct block_request){.op = op,
                                .sector = sector,
                                .segs = io->seg,
                                .seg_count = len > 0,
                                .done = io_done,
                                .ctx = io};
    io_outstanding++;
    block_submit(disk.dev, &r, 1);
}

int io_wait(struct io *io)
{
    host_run_services();
    for (unsigned i = 0; i < 100 && io->calls == 0; i++)
        host_run_for(10 * HAL_SEC);
    CHECK_EQ(io->calls, 1);
    return io->r.result;
}

int io_run(enum block_op op, uint64_t sector, void *buf, size_t len)
{
    static struct io io;

    io_start(&io, op, sector, buf, len);
    return io_wait(&io);
}
