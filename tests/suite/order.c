/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order.c - judges what the model does not: the order of register accesses, the answer to the
 * offered features, barriers between accesses of a ring.
 */
#include <string.h>

#include "device.h"
#include "judge.h"
#include "model_ring.h"
#include "world.h"

enum {
    R_MAGIC = 0x00,
    R_VERSION = 0x04,
    R_DEVICE_ID = 0x08,
    R_DEVICE_FEATURES = 0x10,
    R_DEVICE_FEATURES_SEL = 0x14,
    R_DRIVER_FEATURES = 0x20,
    R_DRIVER_FEATURES_SEL = 0x24,
    R_QUEUE_READY = 0x44,
    R_INTERRUPT_STATUS = 0x60,
    R_INTERRUPT_ACK = 0x64,
    R_STATUS = 0x70,
    R_GENERATION = 0xfc,
};

static struct {
    unsigned accesses;
    uint32_t read_sel, write_sel;
    unsigned words_read, words_written;
    bool stopped;               /* QueueReady = 0 was written just now */
    bool cause_read;            /* InterruptStatus, since the last acknowledgement */
    bool failed;                /* the status has FAILED */
    bool opened;                /* ConfigGeneration was read, and no other register since */
    unsigned in_group;          /* accesses to what has to be read in several, since then */
    uint8_t times[8];           /* reads of the first bytes of the configuration */
    bool to_kick[MODEL_QUEUES]; /* something was published, and no suppression word was read */
} o;

void order_begin(void)
{
    memset(&o, 0, sizeof(o));
}

/* ---- registers ------------------------------------------------------------------------------- */

static void close_group(const char *how)
{
    if (o.in_group >= 2 && !world.legacy)
        judge(false, "CFG-02 MMIO-REG-28", "%u config reads for one value, and %s", o.in_group,
              how);
    o.in_group = 0;
    o.opened = false;
}

static void read_generation(void)
{
    if (o.in_group >= 2 && o.opened)
        judge_rule(true, "CFG-01 CFG-02 MMIO-REG-28", "");
    else if (o.in_group >= 2)
        close_group("ConfigGeneration was not read before");
    o.in_group = 0;
    o.opened = true;
}

/* The capacity, and the address of a network card. */
static bool is_group(unsigned off)
{
    return world.kind == SUITE_BLK ? off < 8 : off < 6;
}

static void read_config(unsigned off)
{
    if (!is_group(off))
        return;
    o.in_group++;
    o.times[off] += o.times[off] < 255;
}

static void judge_probe(unsigned off, bool write)
{
    static const char *const rows[] = {"MMIO-INIT-01", "MMIO-INIT-01", "MMIO-INIT-02"};
    bool right = o.accesses < 2 ? off <= R_VERSION : off == R_DEVICE_ID;

    if (o.accesses < 3)
        judge(right && !write, rows[o.accesses], "access %u is a %s of register %#x", o.accesses,
              write ? "write" : "read", off);
    o.accesses++;
}

static void on_read(unsigned off)
{
    if (off == R_DEVICE_FEATURES && o.read_sel < 32)
        o.words_read |= 1u << o.read_sel;
    else if (off == R_INTERRUPT_STATUS)
        o.cause_read = true;
    else if (off == R_GENERATION)
        read_generation();
}

static void on_write(unsigned off, uint32_t v)
{
    if (o.failed && off == R_STATUS && v == 0)
        o.failed = false;
    judge(!o.failed, o.failed ? "INIT-18" : "", "register %#x is written after FAILED", off);
    if (off == R_DEVICE_FEATURES_SEL)
        o.read_sel = v;
    else if (off == R_DRIVER_FEATURES_SEL)
        o.write_sel = v;
    else if (off == R_DRIVER_FEATURES && o.write_sel < 32)
        o.words_written |= 1u << o.write_sel;
    else if (off == R_INTERRUPT_ACK) {
        judge(o.cause_read, "MMIO-NOTIF-03", "InterruptACK, and InterruptStatus was not read");
        o.cause_read = false;
    } else if (off == R_STATUS)
        o.failed |= (v & 128) != 0;
    o.stopped = off == R_QUEUE_READY && v == 0;
}

uint32_t order_access(struct model *m, enum model_space s, unsigned off, bool write, uint32_t v)
{
    (void)m;
    if (!world.honest)
        return v;
    if (s == MODEL_AT_CONFIG) {
        if (write && world.kind == SUITE_NET && !world.legacy)
            judge(false, "NET-CFG-04", "byte %u of the configuration is written", off);
        if (!write)
            read_config(off);
        return v;
    }
    judge_probe(off, write);
    if (write && off == R_STATUS && v == 0 && world.alive)
        device_judge_kicks(); /* the buffers are still out */
    if (off != R_GENERATION)
        close_group("ConfigGeneration was not read behind them");
    if (o.stopped)
        judge(off == R_QUEUE_READY && !write, "MMIO-REG-17",
              "QueueReady is not read back after 0 was written");
    o.stopped = false;
    if (write)
        on_write(off, v);
    else
        on_read(off);
    return v;
}

/* ---- features -------------------------------------------------------------------------------- */

static bool offered(unsigned bit)
{
    return world.m->offered[bit / 32] >> bit % 32 & 1;
}

/* A feature, and one that it needs. */
static const struct need {
    const char *row;
    uint8_t kind, bit, needs, or ;
} needs[] = {
    {"NET-FDEP-01", SUITE_NET, 7, 1, 1},    {"NET-FDEP-02", SUITE_NET, 8, 1, 1},
    {"NET-FDEP-04", SUITE_NET, 10, 1, 1},   {"NET-FDEP-05", SUITE_NET, 54, 1, 1},
    {"NET-FDEP-06", SUITE_NET, 55, 1, 1},   {"NET-FDEP-09", SUITE_NET, 11, 0, 0},
    {"NET-FDEP-10", SUITE_NET, 12, 0, 0},   {"NET-FDEP-12", SUITE_NET, 14, 0, 0},
    {"NET-FDEP-13", SUITE_NET, 56, 0, 0},   {"NET-FDEP-16", SUITE_NET, 18, 17, 17},
    {"NET-FDEP-17", SUITE_NET, 19, 17, 17}, {"NET-FDEP-18", SUITE_NET, 21, 17, 17},
    {"NET-FDEP-19", SUITE_NET, 22, 17, 17}, {"NET-FDEP-20", SUITE_NET, 23, 17, 17},
    {"NET-FDEP-21", SUITE_NET, 53, 17, 17}, {"NET-FDEP-23", SUITE_NET, 60, 17, 17},
};

static void judge_needs(void)
{
    for (unsigned i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        const struct need *n = &needs[i];

        if (n->kind != world.kind || !offered(n->bit) || world_accepted(n->needs))
            continue;
        judge(!world_accepted(n->bit), n->row, "feature %u is accepted without %u", n->bit,
              n->needs);
        judge(!world_accepted(n->bit), "FEAT-02", "feature %u is accepted without %u", n->bit,
              n->needs);
        if (!offered(n->needs))
            judge(!world_accepted(n->bit), "FEAT-03",
                  "feature %u is offered and accepted, feature %u is not offered", n->bit,
                  n->needs);
    }
}

static void refused(unsigned bit, const char *row)
{
    if (offered(bit))
        judge(!world_accepted(bit), row, "feature %u is accepted", bit);
}

static void wanted(unsigned bit, const char *row)
{
    if (offered(bit))
        judge(world_accepted(bit), row, "feature %u is offered, and not accepted", bit);
}

/* Bits of no meaning: for this transport, for this device, for any. */
static void judge_strange(void)
{
    for (unsigned bit = 44; bit < 50; bit++)
        refused(bit, "FEAT-06");
    refused(30, world.legacy ? "FEAT-29" : "FEAT-06");
    for (unsigned bit = 100; bit < 128; bit++)
        refused(bit, "FEAT-05");
    refused(37, "FEAT-07"); /* SR_IOV, NOTIF_CONFIG_DATA, ADMIN_VQ: of PCI */
    refused(39, "FEAT-07");
    refused(41, "FEAT-07");
    if (world.kind == SUITE_BLK)
        refused(60, "FEAT-08"); /* of a network card */
    if (offered(100)) {
        judge(world.m->status & 4, "FEAT-04 FEAT-11", "it gives up a device that offers feature %u",
              100);
    }
}

void order_features(void)
{
    if (!(world.m->status & 4))
        return;
    judge_rule(true, "INIT-11", ""); /* a write of the configuration would have broken it */
    if (world.kind == SUITE_NET && !world.legacy)
        judge_rule(true, "NET-CFG-04", "");
    judge_needs();
    judge_strange();
    wanted(F_VERSION_1, "FEAT-12");
    wanted(F_ACCESS_PLATFORM, "FEAT-14");
    wanted(F_RING_PACKED, "FEAT-17");
    wanted(F_ORDER_PLATFORM, "FEAT-18");
    if (world.legacy)
        wanted(F_ANY_LAYOUT, "FEAT-28");
    else
        judge((o.words_read & 3) == 3 && (o.words_written & 3) == 3, "MMIO-REG-24",
              "feature words read %#x, written %#x", o.words_read, o.words_written);
    if (world.kind == SUITE_NET) {
        wanted(NET_F_MAC, "NET-CFG-05");
    } else {
        wanted(BLK_F_RO, "BLK-14");
        if (offered(BLK_F_FLUSH))
            judge(!world_accepted(BLK_F_FLUSH) || suite_driver.blk_flush, "BLK-05",
                  "FLUSH is accepted, and the driver has no flush");
    }
}

void order_end(void)
{
    bool twice = true, any = false;

    close_group("ConfigGeneration was not read behind them");
    for (unsigned i = 0; i < sizeof(o.times); i++) {
        any |= o.times[i] > 0;
        twice &= o.times[i] != 1;
    }
    if (world.legacy && any)
        judge(twice, "CFG-07", "a value of several accesses is read once");
}

/* ---- barriers -------------------------------------------------------------------------------- */

/* Is `word` the one at this bus address? */
static bool is_at(const volatile void *word, uint64_t bus)
{
    return word == host_dma_pointer(bus, 2);
}

/* Of a packed ring: the flags of the next descriptor to be made available. */
static bool publishes(const struct model_queue *q, const volatile void *word)
{
    bool split = q->ring == &model_split_ring;

    return is_at(word, split ? q->driver + 2 : q->desc + 16ull * q->expose_at.slot + 14);
}

static bool suppresses(const struct model_queue *q, const volatile void *word)
{
    if (q->ring != &model_split_ring)
        return is_at(word, q->device) || is_at(word, q->device + 2);
    return is_at(word, q->device) || is_at(word, q->device + 4 + 8ull * q->num);
}

void order_store(const volatile void *word, bool fenced)
{
    for (unsigned i = 0; i < MODEL_QUEUES && world.honest; i++) {
        const struct model_queue *q = &world.m->queues[i];
        bool split = q->ring == &model_split_ring;

        if (!q->ready || !publishes(q, word))
            continue;
        o.to_kick[i] = true;
        if (suite_driver.fences)
            judge(fenced, split ? "SPLIT-25 SPLIT-26" : "PACK-33 PACK-34",
                  "queue %u: a buffer is published without a barrier behind its descriptors", i);
    }
}

void order_load(const volatile void *word, bool fenced)
{
    for (unsigned i = 0; i < MODEL_QUEUES && world.honest; i++) {
        const struct model_queue *q = &world.m->queues[i];

        if (!q->ready || !o.to_kick[i] || !suppresses(q, word))
            continue;
        o.to_kick[i] = false;
        if (suite_driver.fences)
            judge(fenced, q->ring == &model_split_ring ? "SPLIT-28" : "PACK-36",
                  "queue %u: no full barrier between publishing and the look whether to kick", i);
    }
}

void order_hear(const struct host_event *e)
{
    const volatile void *word = (const volatile void *)(uintptr_t)e->addr;

    if (e->kind == HOST_PUBLISH || e->kind == HOST_STORE)
        order_store(word, e->kind == HOST_PUBLISH);
    else if (e->kind == HOST_CHECKED || e->kind == HOST_LOAD || e->kind == HOST_OBSERVE)
        order_load(word, e->kind == HOST_CHECKED);
}
