/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lies.c - devices that break rules. No row is judged: a driver survives if it neither crashes nor
 * waits for ever, touches no memory that is not its own, and takes nothing wrong for right. The
 * number is that of the class of bugs in tests/test_classes.py.
 */
#include "device.h"
#include "scenario.h"

/* Calls that may fail, but not otherwise. */
static void try(void)
{
    for (unsigned i = 0; i < 4; i++) {
        if (world.kind == SUITE_BLK) {
            world_read(i * 8, 2);
            world_write(1000 + i * 8, 2, (uint8_t)i);
            continue;
        }
        world_send(100 + i, (uint8_t)i);
        if (world.m->queues[0].ready && !world.m->gone)
            world_deliver(200, 7, UINT32_MAX);
        world_idle(500);
        world_recv(7);
    }
}

/* The device lied while the driver looked for it, or lies in the middle of traffic. */
void lies_run(void)
{
    if (!world.started && world_probe() < 0)
        return;
    try();
    world_remove();
}

/* ---- lengths of frames ----------------------------------------------------------------------- */

static void run_lengths(const uint32_t *say, unsigned n, bool shorter)
{
    scenario_start();
    scenario_traffic(2);
    for (unsigned i = 0; i < n; i++) {
        if (!world_deliver(100, 9, say[i]))
            world_fail("the driver has no receive buffer in the ring");
        for (unsigned k = 0; k < 10; k++) {
            int got = world_recv(9);

            if (got > 0 && shorter)
                world_fail("net_recv() makes %d bytes of a length of %u", got, say[i]);
            world_idle(100);
        }
    }
    world_remove();
}

static void run_long(void)
{
    static const uint32_t say[] = {1600, 4096, 0x10000, 0x7fffffff, 0xffffffff - 1};

    run_lengths(say, 5, false);
}

static void run_short(void)
{
    static const uint32_t say[] = {0, 1, 9};

    run_lengths(say, 3, true);
}

/* After many frames that are none, the ring is still full of buffers. */
static void run_lost(void)
{
    scenario_start();
    scenario_traffic(2);
    for (unsigned i = 0; i < 300; i++) {
        if (!world_deliver(20, 9, i % 2 ? 0 : 13))
            world_fail("after %u bad frames the ring has no receive buffer any more", i);
        world_idle(100);
        for (unsigned k = 0; k < 4; k++)
            world_recv(9);
    }
    scenario_traffic(2);
    world_remove();
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void make_rewriting(void)
{
    scenario_usual();
    world.rewrites = true;
}

/* A device that rewrites descriptors before it gives the buffers back; all else is right. */
static void run_rewriting(void)
{
    world.m->scribbles = true;
    scenario_start();
    scenario_traffic(6);
    world_remove();
}

/* ---- features, sizes ------------------------------------------------------------------------- */

static void make_all_features(void)
{
    for (unsigned bit = 0; bit < (world.legacy ? 32 : 128); bit++)
        world_offer(bit);
    world.seg_max = 16;
    world.size_max = 4096;
}

static void make_alias(void)
{
    scenario_usual();
    world.m->alias_features = true;
}

static void make_no_version_1(void)
{
    scenario_usual();
    model_withdraw(world.m, F_VERSION_1);
}

static void make_block_0(void)
{
    scenario_usual();
    world_offer(BLK_F_BLK_SIZE);
    model_field(world.m, 20, 4, 0);
}

static void make_block_3(void)
{
    scenario_usual();
    world_offer(BLK_F_BLK_SIZE);
    model_field(world.m, 20, 4, 3);
}

static void make_block_huge(void)
{
    scenario_usual();
    world_offer(BLK_F_BLK_SIZE);
    model_field(world.m, 20, 4, 0x80000000);
}

static void make_no_segments(void)
{
    scenario_usual();
    world.seg_max = 0;
}

static void make_tiny_segments(void)
{
    scenario_usual();
    world_offer(BLK_F_SIZE_MAX);
    world.size_max = 1;
}

static void make_capacity_0(void)
{
    scenario_usual();
    world.capacity = 0;
}

static void make_capacity_max(void)
{
    scenario_usual();
    world.capacity = UINT64_MAX;
}

static void make_unsettled(void)
{
    scenario_usual();
    world.m->generation_never_settles = true;
}

static void make_no_buffers(void)
{
    scenario_usual();
    world.buffers = UINT8_MAX; /* 0 */
}

static void make_many_buffers(void)
{
    scenario_usual();
    world.buffers = 99;
}

static void make_headers(void)
{
    scenario_usual();
    world.hdr_flags = 0xff;
    world.hdr_len = 0xffff;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define SCRIPT(...)                                                                                \
    (const struct script_entry[])                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LIE(n, title, what, ...)                                                                   \
    {                                                                                              \
        .class = (n), .name = (title), .about = (what), __VA_ARGS__                                \
    }
#define DOES(...) .script = SCRIPT({__VA_ARGS__})

const struct scenario lies[] = {
    LIE(1, "id out of range", "a used id is the size of the queue", .kinds = BOTH,
        DOES(.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = 64)),
    LIE(1, "wild id", "a used id is 0xffffffff", .kinds = BOTH,
        DOES(.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = UINT32_MAX)),
    LIE(1, "wild id, packed", "a used id is 0xffff", .kinds = BOTH, .transports = MODERN,
        .more = BIT(F_RING_PACKED), DOES(.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = 0xffff)),
    LIE(2, "id not out", "a used id is that of no request", .kinds = SUITE_BLK,
        DOES(.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = 63)),
    LIE(2, "used twice", "a buffer comes back a second time", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 3, .what = DO_FORGE, .v = 0, .arg = 20)),
    LIE(2, "used twice, packed", "a buffer comes back a second time", .kinds = BOTH,
        .transports = MODERN, .more = BIT(F_RING_PACKED),
        DOES(.when = AT_KICK, .n = 3, .what = DO_FORGE, .v = 0, .arg = 20)),
    LIE(3, "id cut", "a used id is right in its low 16 bits alone", .kinds = SUITE_NET,
        DOES(.when = AT_USED, .n = 2, .what = DO_USED_ID, .add = true, .v = 0x10001)),
    LIE(4, "long frames", "the used length is beyond the buffer", .kinds = SUITE_NET,
        .run = run_long),
    LIE(4, "long answers", "the used length is 0xffffffff", .kinds = SUITE_BLK,
        DOES(.when = AT_USED, .times = FOR_EVER, .what = DO_USED_LEN, .v = UINT32_MAX)),
    LIE(5, "short frames", "the used length is below the header", .kinds = SUITE_NET,
        .run = run_short),
    LIE(6, "no buffers", "num_buffers is 0", .kinds = SUITE_NET, .transports = MODERN,
        .make = make_no_buffers),
    LIE(6, "many buffers", "num_buffers is 100", .kinds = SUITE_NET, .transports = MODERN,
        .make = make_many_buffers),
    LIE(9, "rewritten descriptors", "the device overwrites descriptors that it holds",
        .kinds = BOTH, .make = make_rewriting, .run = run_rewriting),
    LIE(10, "changing id", "a used id is another one after the first look", .kinds = BOTH,
        .needs_watch = true,
        DOES(.when = AT_LOAD, .at = WORD_USED_ID, .times = FOR_EVER, .what = DO_CHANGE, .v = 60)),
    LIE(10, "changing length", "a used length is another one after the first look", .kinds = BOTH,
        .needs_watch = true,
        DOES(.when = AT_LOAD, .at = WORD_USED_LEN, .times = FOR_EVER, .what = DO_CHANGE,
             .v = 0x7777)),
    LIE(11, "index ahead", "the used index is 3 ahead", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 2, .what = DO_JUMP, .v = 3)),
    LIE(11, "index far ahead", "the used index is 1000 ahead", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 2, .what = DO_JUMP, .v = 1000)),
    LIE(13, "silence", "the device never answers again", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 3, .what = DO_SILENCE)),
    LIE(13, "delay", "an answer takes a tenth of a second", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 3, .what = DO_DELAY, .v = 100000)),
    LIE(14, "no reset at the end", "no reset is ever complete, in the middle of work",
        .kinds = BOTH, DOES(.when = AT_ONCE, .what = DO_NO_RESET)),
    LIE(16, "early interrupt", "an interrupt comes before the device is ready", .kinds = BOTH,
        .needs_irq = true, .early = true,
        DOES(.when = AT_ACCESS, .n = 8, .times = 20, .what = DO_INTERRUPT, .v = 3)),
    LIE(17, "interrupt storm", "each access of a register causes another interrupt", .kinds = BOTH,
        .needs_irq = true,
        DOES(.when = AT_ACCESS, .times = FOR_EVER, .what = DO_INTERRUPT, .v = 1)),
    LIE(18, "block size 0", "blk_size is 0", .kinds = SUITE_BLK, .make = make_block_0),
    LIE(18, "block size 3", "blk_size is 3", .kinds = SUITE_BLK, .make = make_block_3),
    LIE(18, "huge blocks", "blk_size is 2 GiB", .kinds = SUITE_BLK, .make = make_block_huge),
    LIE(19, "no segments", "seg_max is 0", .kinds = SUITE_BLK, .make = make_no_segments),
    LIE(19, "tiny segments", "size_max is 1", .kinds = SUITE_BLK, .make = make_tiny_segments),
    LIE(22, "unsettled", "each look at the configuration finds another generation", .kinds = BOTH,
        .transports = MODERN, .make = make_unsettled),
    LIE(23, "no capacity", "the disk has no sectors", .kinds = SUITE_BLK, .make = make_capacity_0),
    LIE(23, "endless capacity", "the disk has 2^64 - 1 sectors", .kinds = SUITE_BLK,
        .make = make_capacity_max),
    LIE(23, "shrinking disk", "the disk loses its sectors while it is used", .kinds = SUITE_BLK,
        DOES(.when = AT_KICK, .n = 2, .what = DO_CONFIG, .arg = 1, .v = 0)),
    LIE(24, "wild header", "flags and lengths of the network header are junk", .kinds = SUITE_NET,
        .make = make_headers),
    LIE(25, "queue of 1", "the queue has one entry", .kinds = BOTH, .queue = 1),
    LIE(25, "queue of 3", "the size of a split queue is no power of two", .kinds = BOTH,
        .queue = 3),
    LIE(31, "wrong flags, packed", "flags of a used descriptor are toggled", .kinds = BOTH,
        .transports = MODERN, .more = BIT(F_RING_PACKED),
        DOES(.when = AT_USED, .n = 2, .what = DO_USED_FLAGS, .v = 0x8000)),
    LIE(32, "bad frames", "hundreds of frames are shorter than a header", .kinds = SUITE_NET,
        .run = run_lost),
    LIE(34, "all features", "every bit is offered", .kinds = BOTH, .make = make_all_features),
    LIE(34, "repeated words", "feature words above 1 are those of word 1", .kinds = BOTH,
        .transports = MODERN, .make = make_alias),
    LIE(34, "no VERSION_1", "a device of version 2 does not offer VERSION_1", .kinds = BOTH,
        .transports = MODERN, .make = make_no_version_1),
    LIE(35, "gone while it starts", "the device vanishes at the 12th access", .kinds = BOTH,
        .early = true, DOES(.when = AT_ACCESS, .n = 12, .what = DO_VANISH)),
    LIE(35, "gone before the queues", "the device vanishes at the 24th access", .kinds = BOTH,
        .early = true, DOES(.when = AT_ACCESS, .n = 24, .what = DO_VANISH)),
    LIE(35, "gone at work", "the device vanishes", .kinds = BOTH,
        DOES(.when = AT_KICK, .n = 3, .what = DO_VANISH)),
    LIE(37, "no reset", "no reset is ever complete", .kinds = BOTH, .early = true,
        DOES(.when = AT_ONCE, .what = DO_NO_RESET)),
    LIE(37, "wild status", "the status is the opposite of what it is", .kinds = BOTH, .early = true,
        DOES(.when = AT_READ, .at = REG_STATUS, .n = 2, .times = FOR_EVER, .what = DO_TOGGLE,
             .v = 0xff)),
    LIE(37, "needs a reset", "DEVICE_NEEDS_RESET, and silence", .kinds = BOTH, .entries = 2,
        .script =
            SCRIPT({.when = AT_KICK, .n = 3, .what = DO_NEEDS_RESET},
                   {.when = AT_KICK, .n = 3, .times = FOR_EVER, .what = DO_SILENCE, .v = 50000})),
};
const unsigned lies_count = sizeof(lies) / sizeof(lies[0]);
