/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bad.c - a small polled virtio-blk driver for virtio-mmio version 2 with a split ring. It keeps
 * the rules, unless SUITE_BAD in the environment names one that it breaks: tests/test_suite.py has
 * the names, and the rows that the suite must find broken. It is also an example of an adapter:
 * compiled with -fsanitize=thread, it needs no call for its accesses of memory.
 */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
enum { NEXT = 1, WRITE = 2 };
enum { F_RO = 5, F_FLUSH = 9, F_VERSION_1 = 0, F_ACCESS_PLATFORM = 1 }; /* the last two: word 1 */
enum { IN = 0, OUT = 1, FLUSH = 4 };

#define SIZE     4u
#define PATIENCE 5000000000ull /* nanoseconds for an answer */

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* The three parts of the ring, as one block. */
static struct ring {
    struct desc desc[SIZE];
    struct {
        uint16_t flags, idx, ring[SIZE], used_event;
    } avail;
    struct {
        uint16_t flags, idx;
        struct {
            uint32_t id, len;
        } ring[SIZE];
        uint16_t avail_event;
    } used __attribute__((aligned(4)));
} * ring;

static uint32_t features[4];
static uint64_t capacity;
static uint16_t avail_idx, seen;
static bool broken; /* the device is given up */

static bool bad(const char *what)
{
    const char *env = getenv("SUITE_BAD");

    return env && !strcmp(env, what);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t get(unsigned off)
{
    return suite_read(off, 4);
}

static void put(unsigned off, uint32_t v)
{
    suite_write(off, 4, v);
}

static void add_status(uint32_t bits)
{
    put(0x70, bad("drops-bits") && bits == DRIVER_OK ? bits : get(0x70) | bits);
}

static int give_up(void)
{
    if (!bad("no-failed"))
        add_status(FAILED);
    return -1;
}

static bool reset(void)
{
    put(0x70, 0);
    for (unsigned i = 0; !bad("hasty-reset") && i < 1000; i++) {
        if (get(0x70) == 0)
            return true;
        suite_relax();
    }
    return bad("hasty-reset");
}

static bool negotiate(void)
{
    const uint32_t mine[4] = {1u << F_RO | 1u << F_FLUSH,
                              (bad("no-version-1") ? 0 : 1u << F_VERSION_1) |
                                  1u << F_ACCESS_PLATFORM};

    for (uint32_t i = 0; i < (bad("one-word") ? 1 : bad("takes-all") ? 4 : 2); i++) {
        if (!bad("no-selection"))
            put(0x14, i);
        uint32_t offered = get(0x10);

        features[i] = bad("takes-all") ? offered : offered & mine[i];
        if (bad("takes-unoffered"))
            features[i] |= 1u << 20;
        put(0x24, i);
        put(0x20, features[i]);
    }
    if (bad("no-features-ok"))
        return true;
    add_status(FEATURES_OK);
    if (bad("late-features")) {
        put(0x24, 0);
        put(0x20, features[0]);
    }
    return bad("believes-features-ok") || get(0x70) & FEATURES_OK;
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void put_address(unsigned off, const void *p)
{
    put(off, (uint32_t)(uintptr_t)p);
    if (!bad("half-address"))
        put(off + 4, (uint32_t)((uint64_t)(uintptr_t)p >> 32));
}

static bool set_up_queue(void)
{
    if (!bad("no-queue-sel"))
        put(0x30, 0);
    if (!bad("not-idle") && get(0x44) != 0)
        return false;
    uint32_t size = get(0x34) < SIZE ? get(0x34) : SIZE;
    if (size != SIZE)
        return false;
    uint8_t *p = suite_alloc(sizeof(*ring) + 64, 64);
    if (!p)
        return false;
    if (bad("dirty-ring"))
        memset(p, 0x11, sizeof(*ring));
    ring = (struct ring *)(p + (bad("unaligned") ? 8 : 0));
    avail_idx = seen = 0;
    if (!bad("no-size"))
        put(0x38, bad("oversize") ? 4096 : SIZE);
    put_address(0x80, ring->desc);
    put_address(0x90, &ring->avail);
    put_address(0xa0, &ring->used);
    put(0x44, 1);
    if (bad("late-address"))
        put(0x80, (uint32_t)(uintptr_t)ring->desc);
    return true;
}

/* ---- configuration --------------------------------------------------------------------------- */

static uint64_t read_capacity(void)
{
    uint32_t before, low = 0, high = 0;

    if (bad("narrow-config"))
        return suite_read(0x100, 1) | suite_read(0x101, 1) << 8;
    for (unsigned i = 0; i < 100; i++) {
        before = bad("no-generation") ? 0 : get(0xfc);
        low = get(0x100);
        high = get(0x104);
        if (bad("no-generation") || get(0xfc) == before)
            break;
    }
    if (bad("strange-field"))
        get(0x100 + 12);
    return (uint64_t)high << 32 | low;
}

static int probe(enum suite_device kind)
{
    if (get(0x00) != 0x74726976 || get(0x04) != 2)
        return -1;
    uint32_t id = get(0x08);
    if (bad("noses-around"))
        get(0x0c);
    if (id != (kind == SUITE_BLK ? 2 : 1))
        return -1;
    if (bad("odd-width"))
        suite_read(0x70, 1);
    if (bad("unknown-register"))
        get(0x0e0);
    if (bad("reads-write-only"))
        get(0x30);
    if (!bad("no-reset") && !reset())
        return give_up();
    if (bad("two-steps")) {
        put(0x70, ACKNOWLEDGE | DRIVER);
    } else {
        if (!bad("no-acknowledge"))
            add_status(ACKNOWLEDGE);
        if (!bad("no-driver"))
            add_status(DRIVER);
    }
    if (bad("early-queue"))
        set_up_queue();
    if (bad("early-config"))
        put(0x100, 0);
    if (!negotiate())
        return bad("no-failed") ? -1 : give_up();
    if (bad("early-ok"))
        add_status(DRIVER_OK);
    if (!set_up_queue())
        return give_up();
    capacity = read_capacity();
    if (bad("early-kick"))
        put(0x50, 0);
    add_status(DRIVER_OK);
    broken = false;
    return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static void fill(unsigned i, const void *p, uint32_t len, uint16_t flags)
{
    ring->desc[i] = (struct desc){(uintptr_t)p, len, flags, (uint16_t)(i + 1)};
    if (bad("writable-for-readable"))
        ring->desc[i].flags ^= flags & NEXT ? 0 : WRITE;
}

static void barrier(void)
{
    if (!bad("no-barrier"))
        suite_fence(SUITE_FENCE_STORE);
}

static void publish(void)
{
    ring->avail.ring[avail_idx % SIZE] = bad("wrong-head") ? SIZE + 1 : 0;
    barrier();
    avail_idx = (uint16_t)(avail_idx + (bad("jumps") ? 20 : 1));
    *(volatile uint16_t *)&ring->avail.idx = avail_idx;
    if (bad("changes-published"))
        ring->desc[0].len++;
    if (!bad("no-full-barrier"))
        suite_fence(SUITE_FENCE_FULL);
    bool wanted = !(*(volatile uint16_t *)&ring->used.flags & 1);
    if (bad("kicks-always") || (wanted && !bad("no-kick")))
        put(0x50, bad("wrong-queue") ? 0x10000 : 0);
}

/* Waits for the answer, and checks it. */
static int wait_for(void)
{
    uint64_t end = suite_now_ns() + PATIENCE;

    while (*(volatile uint16_t *)&ring->used.idx == seen) {
        if (suite_now_ns() > end && !bad("waits"))
            return -1;
        suite_relax();
    }
    suite_fence(SUITE_FENCE_LOAD);
    uint32_t id = *(volatile uint32_t *)&ring->used.ring[seen % SIZE].id;
    if (bad("trusts-id")) {
        static uint8_t state[SIZE];
        state[id]++;
    } else if (id != 0) {
        return -1;
    }
    seen++;
    return *(volatile uint16_t *)&ring->used.idx == seen ? 0 : -1;
}

/* The device is reset, since it may still have the request. */
static int fail(void)
{
    broken = true;
    if (!reset())
        give_up();
    return -1;
}

static int request(uint32_t type, uint64_t sector, void *buf, uint32_t sectors)
{
    struct header *h = calloc(1, sizeof(*h) + 1);
    volatile uint8_t *status = (uint8_t *)h + sizeof(*h);
    uint16_t data = NEXT | (type == IN ? WRITE : 0);
    bool status_first = bad("status-first") && type == OUT;
    unsigned n = 0;

    if (broken)
        return -1;
    *h = (struct header){type, 0, sector};
    *status = 0xff;
    fill(n++, h, sizeof(*h), NEXT);
    if (status_first)
        fill(n++, (void *)status, 1, NEXT | WRITE);
    if (sectors)
        fill(n++, buf, 512 * sectors - (bad("odd-length") ? 1 : 0), data);
    if (status_first)
        ring->desc[n - 1].flags &= (uint16_t)~NEXT;
    else
        fill(n++, (void *)status, 1, WRITE);
    if (bad("loop"))
        ring->desc[n - 1].flags |= NEXT, ring->desc[n - 1].next = 0;
    if (bad("indirect"))
        ring->desc[n - 1].flags |= 4;
    publish();
    if (wait_for() < 0)
        return fail();
    uint8_t was = *status;
    free(bad("reads-back") ? (void *)(uintptr_t)ring->desc[0].addr : h);
    return was == 0 || bad("believes-status") ? 0 : -1;
}

static bool inside(uint64_t sector, uint32_t sectors)
{
    return bad("no-limit") || (sectors <= capacity && sector <= capacity - sectors);
}

static int read_sectors(uint64_t sector, void *buf, uint32_t sectors)
{
    return inside(sector, sectors) ? request(IN, sector, buf, sectors) : -1;
}

static int write_sectors(uint64_t sector, const void *buf, uint32_t sectors)
{
    if (features[0] & 1u << F_RO && !bad("writes-read-only"))
        return -1;
    return inside(sector, sectors) ? request(OUT, sector, (void *)buf, sectors) : -1;
}

static int flush(void)
{
    if (!(features[0] & 1u << F_FLUSH))
        return 0;
    return request(FLUSH, bad("flush-sector") ? 5 : 0, NULL, 0);
}

static uint64_t sectors_of(void)
{
    return capacity;
}

static void end(void)
{
    reset();
}

const struct suite_driver suite_driver = {
    .name = "bad",
    .version = "1",
    .devices = SUITE_BLK,
    .transports = SUITE_MMIO,
    .fences = true,
    .watched = true,
    .probe = probe,
    .remove = end,
    .blk_sectors = sectors_of,
    .blk_read = read_sectors,
    .blk_write = write_sectors,
    .blk_flush = flush,
};
