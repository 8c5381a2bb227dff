/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wakecost - what a wake-up costs, in instructions of the guest, while other devices are idle: a
 * sleep that the timer ends, and a read that the interrupt of a disk ends. Wants -icount, which
 * makes the counter exact; a sleeping CPU retires none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../instructions.h"
#include "block/block.h"
#include "vireo.h"
#include "vireo/task.h"
#include "virtio/virtio.h"

enum { ROUNDS = 64, PERIOD = 100 }; /* us: less than the tick of a queue, 10 ms, in all */

static char sector[512];
static struct waitq finished;
static struct block_device *disk;

static void done(struct block_request *r)
{
    if (r->result) {
        printf("wakecost: FAIL the disk cannot be read (%d)\n", r->result);
        exit(1);
    }
    waitq_wake_all(&finished);
}

static void read_sector(void)
{
    static const struct block_seg seg = {sector, sizeof(sector)};
    static struct block_request r = {.op = BLOCK_READ, .segs = &seg, .seg_count = 1, .done = done};
    struct block_request *one = &r;

    block_submit(disk, &one, 1);
    waitq_wait(&finished, HAL_NEVER);
}

static void sleep_a_while(void)
{
    task_sleep_until(hal_now_ns() + PERIOD * HAL_US);
}

static int compare(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

    return x < y ? -1 : x > y;
}

/* The median of all rounds: ticks and the like come in some of them only. */
static unsigned long cost(void (*wake_up)(void))
{
    unsigned long costs[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        costs[i] = counter();
        wake_up();
        costs[i] = counter() - costs[i];
    }
    qsort(costs, ROUNDS, sizeof(costs[0]), compare);
    return costs[ROUNDS / 2];
}

int main(void)
{
    struct virtio_info info;
    unsigned devices = 0;

    disk = block_get(0);
    if (!disk)
        return 1;
    while (virtio_info(devices, &info) == 0)
        devices++;
    counter_start();
    read_sector();
    unsigned long timer = cost(sleep_a_while);
    printf("cost devices=%u timer=%lu disk=%lu\n", devices, timer, cost(read_sector));
    return 0;
}
