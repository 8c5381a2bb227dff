/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c - the machine of a scenario, and the calls of the driver (world.h).
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "judge.h"

#define CALL_LIMIT (600 * HAL_SEC)
#define STEPS      20000000u /* accesses of memory in one call */
#define WAITS      1000000u  /* looks at the device, or at a ring, in one call */

struct world world;
static uint64_t deadline;
static unsigned waits, steps;

void world_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("failed: ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
    _exit(1);
}

/* ---- making ---------------------------------------------------------------------------------- */

void world_make(enum suite_device kind, enum suite_transport t)
{
    static struct model model;

    world.kind = kind;
    world.legacy = t == SUITE_MMIO_LEGACY;
    world.m = &model;
    world.capacity = WORLD_SECTORS;
    world.honest = true;
    model_init(&model, world.legacy ? MODEL_MMIO_LEGACY : MODEL_MMIO, kind == SUITE_NET ? 1 : 2);
    model.name = "device";
    model.lenient = true; /* the standard says nothing of these */
    world_queues(64);
    for (unsigned i = 0; i < sizeof(world.disk); i++)
        world.disk[i] = (uint8_t)(i * 7 + i / 512);
}

void world_queues(unsigned max)
{
    for (unsigned i = 0; i < (world.kind == SUITE_NET ? 2 : 1); i++)
        world.m->queues[i].max = max;
}

void world_offer(unsigned bit)
{
    model_offer(world.m, bit);
}

bool world_accepted(unsigned bit)
{
    return model_accepted(world.m, bit);
}

static void hear(const struct host_event *e, void *ctx)
{
    order_hear(e);
    model_hear(e, ctx);
}

void world_plug(void)
{
    device_fields();
    world.m->on.kick = device_kick;
    world.m->on.status = device_status;
    world.m->on.access = order_access;
    host_set_hook(hear, world.m);
    model_on_rule = judge_rule;
    order_begin();
    model_plug_mmio(world.m, 0);
}

/* ---- calling --------------------------------------------------------------------------------- */

bool world_in_call(void)
{
    return world.calling != NULL;
}

void world_wait(uint64_t ns)
{
    host_advance(ns);
    device_look();
    if (world.calling && (hal_now_ns() > deadline || ++waits > WAITS))
        world_fail("%s() waits for ever", world.calling);
}

void world_step(void)
{
    if (world.calling && ++steps > STEPS)
        world_fail("%s() runs for ever", world.calling);
}

static void begin(const char *what)
{
    world.calling = what;
    waits = steps = 0;
    deadline = hal_now_ns() + CALL_LIMIT;
}

static void end(void)
{
    watch_settle();
    if (suite_driver.irq && world.m->interrupt_status)
        device_interrupt();
    world.calling = NULL;
    if (world.honest && world.alive)
        device_judge_kicks();
}

int world_probe(void)
{
    begin("probe");
    int err = suite_driver.probe(world.kind);

    world.alive = err >= 0;
    end();
    if (world.honest)
        order_features();
    return err;
}

void world_remove(void)
{
    begin("remove");
    suite_driver.remove();
    world.alive = false;
    end();
}

uint64_t world_sectors(void)
{
    begin("blk_sectors");
    uint64_t n = suite_driver.blk_sectors();

    end();
    return n;
}

int world_read(uint64_t sector, uint32_t sectors)
{
    size_t len = 512ull * sectors;
    uint8_t *buf = malloc(len);

    memset(buf, 0xee, len);
    begin("blk_read");
    int err = suite_driver.blk_read(sector, buf, sectors);

    end();
    if (err >= 0 &&
        (sector + sectors > WORLD_SECTORS || memcmp(buf, world.disk + 512 * sector, len) != 0))
        world_fail("blk_read() of %u sectors at %llu says that it is done, and the data is wrong",
                   sectors, (unsigned long long)sector);
    /* After a failure the device may still have it. */
    if (err >= 0)
        free(buf);
    return err < 0 ? -1 : 0;
}

int world_write(uint64_t sector, uint32_t sectors, uint8_t seed)
{
    size_t len = 512ull * sectors;
    uint8_t *buf = malloc(len);

    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)(seed + i * 3 + i / 512);
    begin("blk_write");
    int err = suite_driver.blk_write(sector, buf, sectors);

    end();
    if (err >= 0 &&
        (sector + sectors > WORLD_SECTORS || memcmp(buf, world.disk + 512 * sector, len) != 0))
        world_fail("blk_write() of %u sectors at %llu says that it is done, and the disk has "
                   "other data",
                   sectors, (unsigned long long)sector);
    if (err >= 0)
        free(buf);
    return err < 0 ? -1 : 0;
}

int world_flush(void)
{
    if (!suite_driver.blk_flush)
        return 0;
    begin("blk_flush");
    int err = suite_driver.blk_flush();

    end();
    return err < 0 ? -1 : 0;
}

static void fill(uint8_t *at, uint32_t len, uint8_t seed)
{
    for (uint32_t i = 0; i < len; i++)
        at[i] = (uint8_t)(seed * 31 + i);
}

int world_send(uint32_t len, uint8_t seed)
{
    static uint8_t frame[WORLD_FRAME];
    unsigned before = world.frames;

    fill(frame, len, seed);
    begin("net_send");
    int err = suite_driver.net_send(frame, len);

    end();
    world_idle(1000);
    if (err >= 0 && world.honest && !world.silent) {
        const uint8_t *at = world.frame[before % WORLD_FRAMES];

        if (world.frames != before + 1)
            world_fail("net_send() says that it is done, and %u frames came out",
                       world.frames - before);
        if (world.frame_len[before % WORLD_FRAMES] < len || memcmp(at, frame, len) != 0)
            world_fail("net_send() of %u bytes: another frame came out", len);
    }
    return err < 0 ? -1 : 0;
}

int world_recv(uint8_t seed)
{
    static uint8_t frame[4096];

    memset(frame, 0xee, sizeof(frame));
    begin("net_recv");
    int len = suite_driver.net_recv(frame, sizeof(frame));

    end();
    if (len > (int)sizeof(frame))
        world_fail("net_recv() gives a frame of %d bytes, and there is room for %zu", len,
                   sizeof(frame));
    if (len > (int)world.rx_room)
        world_fail("net_recv() gives a frame of %d bytes, and its buffer has room for %u", len,
                   world.rx_room);
    for (int i = 0; i < len && i < (int)world.rx_len; i++)
        if (frame[i] != (uint8_t)(seed * 31 + i))
            world_fail("net_recv() gives %d bytes, and byte %d is not what the device wrote", len,
                       i);
    return len;
}

bool world_deliver(uint32_t len, uint8_t seed, uint32_t say)
{
    uint8_t frame[WORLD_FRAME];

    fill(frame, len, seed);
    world.rx_len = world.honest ? UINT32_MAX : len;
    return device_deliver(frame, len, say);
}

bool world_deliver_batch(unsigned n, uint8_t seed)
{
    uint8_t frame[WORLD_FRAME];

    for (unsigned i = 0; i < n; i++) {
        unsigned at = world.backwards ? n - 1 - i : i;

        fill(frame, 60 + at, (uint8_t)(seed + at));
        if (!device_hold(frame, 60 + at, at))
            return false;
    }
    device_give_held(n);
    return true;
}

void world_idle(uint64_t us)
{
    for (uint64_t i = 0; i < us; i += 100) {
        begin("idle");
        world_wait(100 * HAL_US);
        if (suite_driver.idle)
            suite_driver.idle();
        end();
    }
}
