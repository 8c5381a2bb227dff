/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkcost - what the block layer and its driver cost, in instructions of the guest: from the call
 * of block_submit(), with its kick, and from the call of block_poll() that finds the completions,
 * to the last done(). Between the two the device has its time, which is not counted: so it is the
 * cost of a disk that its user polls, without the spinning. Started by scripts/bench, with -icount
 * and poll=1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vireo.h>

#include "../instructions.h"
#include "block/block.h"

enum { DEPTH = 32, ROUNDS = 16, WARM_UP = 4, BLOCK = 4096, LONG = 131072 };

struct load {
    const char *name;
    enum block_op op;
    unsigned depth;
    uint32_t size;
};

static const struct load loads[] = {
    {"read1", BLOCK_READ, 1, BLOCK},     {"read32", BLOCK_READ, DEPTH, BLOCK},
    {"write1", BLOCK_WRITE, 1, BLOCK},   {"write32", BLOCK_WRITE, DEPTH, BLOCK},
    {"flush1", BLOCK_FLUSH, 1, 0},       {"long1", BLOCK_READ, 1, LONG},
    {"long32", BLOCK_READ, DEPTH, LONG},
};

static struct block_request requests[DEPTH], *all[DEPTH];
static struct block_seg segs[DEPTH];
static unsigned back, bad;

static void done(struct block_request *r)
{
    back++;
    bad += r->result != 0;
}

static void fail(const char *what, unsigned got)
{
    printf("blkcost: FAIL %s (%u)\n", what, got);
    exit(1);
}

static void prepare(const struct load *l)
{
    static unsigned place;

    for (unsigned i = 0; i < l->depth; i++) {
        segs[i].len = l->size;
        requests[i] = (struct block_request){.op = l->op, .done = done};
        all[i] = &requests[i];
        if (l->op == BLOCK_FLUSH)
            continue;
        requests[i].segs = &segs[i];
        requests[i].seg_count = 1;
        requests[i].sector = (uint64_t)(place += 7919) % 200 * (LONG / BLOCK_SECTOR);
    }
}

/* One batch; adds the instructions of submitting and of completing. */
static void round_trip(struct block_device *dev, const struct load *l, unsigned long cost[2])
{
    unsigned long begin;

    prepare(l);
    back = 0;
    begin = counter();
    block_submit(dev, all, l->depth);
    cost[0] += counter() - begin;
    for (uint64_t until = hal_now_ns() + 4 * HAL_MS; hal_now_ns() < until;)
        hal_relax();
    while (back < l->depth) {
        begin = counter();
        if (block_poll(dev))
            cost[1] += counter() - begin;
    }
    if (bad)
        fail("a request failed", bad);
}

int main(void)
{
    struct block_device *dev = block_get(0);
    unsigned long none;

    if (!dev || block_capacity(dev) < 200ull * LONG)
        fail("there is no disk of 25 MiB", 0);
    for (unsigned i = 0; i < DEPTH; i++)
        if (!(segs[i].base = calloc(1, LONG)))
            fail("no memory", i);
    counter_start();
    none = counter();
    none = counter() - none;
    for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        const struct load *l = &loads[i];
        unsigned long cost[2] = {0};

        for (unsigned n = 0; n < WARM_UP; n++)
            round_trip(dev, l, cost);
        memset(cost, 0, sizeof(cost));
        for (unsigned n = 0; n < ROUNDS; n++)
            round_trip(dev, l, cost);
        printf("cost %s submit=%.1f complete=%.1f\n", l->name,
               (double)(cost[0] - ROUNDS * none) / (ROUNDS * l->depth),
               (double)(cost[1] - ROUNDS * none) / (ROUNDS * l->depth));
    }
    return 0;
}
