/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_block.c - a disk (virtio 1.4, section 5.2) with any configuration, and what it answers: the
 * driver, the block layer and the cache. Every request and every sync ends exactly once, whatever
 * status, length and order the device chose.
 */
#include <string.h>

#include "block/cache/bcache.h"
#include "block/vblk.h"
#include "diskmodel.h"
#include "fuzz.h"
#include "virtio/virtio.h"

#define IOS  16
#define ROOM (64u << 10)

static struct io ios[IOS];
static bool busy[IOS];
static uint8_t memory[IOS][ROOM + 16] __attribute__((aligned(16))); /* requests begin at 0 to 3 */
static struct bcache *cache;
static struct bcache_stream stream;
static struct bcache_sync sync;
static bool syncing;

#define WAITS 4
static struct bcache_wait waits[WAITS];
static bool waiting[WAITS];

static void woken(struct bcache_wait *w)
{
    CHECK(waiting[w - waits]);
    waiting[w - waits] = false;
}

static void synced(struct bcache_sync *s)
{
    CHECK(syncing && s == &sync);
    syncing = false;
}

static void plug(void)
{
    static const unsigned choice[] = {
        DISK_F_SIZE_MAX,      DISK_F_SEG_MAX,        DISK_F_RO,
        DISK_F_BLK_SIZE,      DISK_F_FLUSH,          DISK_F_CONFIG_WCE,
        VIRTIO_F_RING_PACKED, VIRTIO_F_INDIRECT_DESC};
    static const unsigned more[] = {DISK_F_TOPOLOGY, DISK_F_DISCARD, DISK_F_WRITE_ZEROES,
                                    DISK_F_LIFETIME, DISK_F_SECURE_ERASE};
    unsigned bits[14], n = 0;
    uint8_t features = fuzz8(), odd = fuzz8();

    for (unsigned i = 0; i < 8; i++)
        if (features >> i & 1)
            bits[n++] = choice[i];
    if (odd & 1)
        bits[n++] = VIRTIO_F_EVENT_IDX;
    disk.size_max = odd & 2 ? fuzz_odd32() : 4096;
    disk.seg_max = odd & 4 ? fuzz_odd32() : 16;
    if (odd & 64) {
        uint8_t which = fuzz8();

        for (unsigned i = 0; i < 5; i++)
            if (which >> i & 1)
                bits[n++] = more[i];
        disk.max_sectors = fuzz_odd32();
        disk.max_ranges = which & 32 ? fuzz_odd32() : 4;
        disk.align = which & 64 ? fuzz_odd32() : 8;
        disk.physical_exponent = fuzz8();
        disk.aligned_at = fuzz8();
    }
    disk_plug(MODEL_MMIO, bits, n);
    disk.m->on.kick = NULL; /* answers are the input's */
    if (odd & 8)
        model_field(disk.m, 0, 8, fuzz64());
    if (odd & 16 && features & 8)
        model_field(disk.m, 20, 4, fuzz_odd32());
    if (odd & 32)
        disk.q->max = 1 + fuzz_below(64);
    disk_boot();
}

static void request(void)
{
    unsigned i = fuzz_below(IOS);
    uint8_t what = fuzz8();
    enum block_op op = what % 8;
    bool ranges = block_can(disk.dev, op) && op > BLOCK_FLUSH && BLOCK_CHANGES(op);
    uint64_t sector = what & 0x80 ? fuzz64() : fuzz16();
    size_t len = 512u * (1 + fuzz8() % (ROOM / 512));

    if (busy[i] && !ios[i].calls)
        return;
    busy[i] = true;
    if (op == BLOCK_GET_ID)
        len = BLOCK_ID_LEN;
    if (op == BLOCK_LIFETIME)
        len = BLOCK_LIFETIME_LEN;
    if (ranges)
        len <<= what >> 4 & 7;
    io_start(&ios[i], op, sector, ranges ? NULL : memory[i] + (what >> 4 & 3),
             op == BLOCK_FLUSH ? 0 : len);
}

static void use_cache(void)
{
    uint8_t what = fuzz8();
    uint64_t index = fuzz8();
    struct bcache_block *b = NULL;
    unsigned w = what % WAITS;
    int err;

    if (!cache && !(cache = bcache_create(disk.dev, 256u << 10)))
        return;
    if (what % 8 == 7 && !syncing) {
        syncing = true;
        if (bcache_sync(cache, &sync) != -EAGAIN)
            syncing = false;
        return;
    }
    if (waiting[w])
        return;
    waits[w].wake = woken;
    err = bcache_get(cache, index, what % 3, what / 8 % 4, &waits[w], &b);
    waiting[w] = err == -EAGAIN;
    if (!err) {
        if (what % 3)
            memset(bcache_data(b), what, bcache_len(b));
        if (what % 3 == 0 && bcache_borrow(cache, b) == 0)
            bcache_return(cache, b);
    }
    bcache_advance(cache, &stream, index, 1 + what / 64);
}

/* One request that the device holds ends, mostly as it should. */
static void answer(void)
{
    uint8_t how = fuzz8();
    struct model_chain c;
    uint32_t len;

    if (!disk.q->ready || !model_pop(disk.m, disk.q, &c))
        return;
    len = c.write_bytes;
    if (len && !(how & 1)) {
        uint8_t status = how & 2 ? fuzz8() : 0;
        model_scatter(&c, c.write_bytes - 1, &status, 1);
    }
    model_push(disk.m, disk.q, &c, how & 4 ? fuzz_odd32() : len);
    if (!(how & 8))
        model_publish(disk.m, disk.q);
}

/* Limits of what ranges a disk takes, shape and wear, as no disk may change them while it works. */
static void change_limits(unsigned which)
{
    static const uint32_t limits[] = {0, 1, 3, 7, 8, 1000, 0x80000001u, UINT32_MAX};
    static const uint8_t fields[][2] = {
        {36, DISK_F_DISCARD},      {40, DISK_F_DISCARD},      {44, DISK_F_DISCARD},
        {48, DISK_F_WRITE_ZEROES}, {52, DISK_F_WRITE_ZEROES}, {60, DISK_F_SECURE_ERASE},
        {64, DISK_F_SECURE_ERASE}, {68, DISK_F_SECURE_ERASE}, {28, DISK_F_TOPOLOGY}};

    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (disk.m->offered[0] >> fields[i][1] & 1)
            model_field(disk.m, fields[i][0], 4, limits[(which + i) % 8]);
}

/* The other sizes of a disk that was resized, its limits, and the cache mode, which is switched as
 * well. */
static void change(void)
{
    uint8_t how = fuzz8();

    model_field(disk.m, 0, 8, how & 1 ? fuzz64() : fuzz16());
    if (how & 2)
        change_limits(how >> 4);
    disk.m->generation++;
    if (disk.m->status & VIRTIO_STATUS_DRIVER_OK)
        model_raise(disk.m, 2, NULL);
    if (how & 4)
        block_set_write_back(disk.dev, how & 8);
}

/* The device that holds requests for ever goes: they fail. */
static void settle(void)
{
    disk.m->reset_reads = 0;
    disk.m->dead_silent = false;
    disk.m->generation_never_settles = false;
    host_run_for(HAL_SEC);
    fuzz_lies(disk.m);
    disk.m->gone = true;
    virtio_refuse(virtio_find("vblk0"), "the end of the input");
    host_run_for(600 * HAL_SEC);
    for (unsigned i = 0; i < IOS; i++)
        CHECK(!busy[i] || ios[i].calls == 1);
    CHECK_EQ(io_outstanding, 0);
    CHECK(!syncing);
    for (unsigned i = 0; i < WAITS; i++)
        CHECK(!waiting[i]);
}

void fuzz_one(void)
{
    sync.done = synced;
    plug();
    if (!disk.dev) {
        fuzz_end(HAL_SEC);
        return;
    }
    for (unsigned i = 0; i < 300 && fuzz_more(); i++) {
        uint8_t what = fuzz8();
        if (what < 64)
            request();
        else if (what < 104)
            use_cache();
        else if (what < 168)
            answer();
        else if (what < 184)
            host_run_services();
        else if (what < 188)
            change();
        else
            fuzz_device(disk.m);
    }
    settle();
    host_shutdown();
}
