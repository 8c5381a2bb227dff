/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.c - loads by the asynchronous queue of a disk. The first requests are submitted with one
 * call; each is submitted again from its own done(), with another place on the disk, so that as
 * many as wanted are out all the time. A service calls done() for all that ended, and what it
 * submits goes to the device with one kick.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vireo.h>

#include "block/block.h"
#include "load.h"

enum { CLOCK_EVERY = 64, DEPTH_MAX = 4096 };

static struct {
    const struct load *load;
    struct block_device *dev;
    bool random;
    bool burst;       /* the next requests go when all of the last are back */
    uint64_t blocks;  /* of load->size bytes on the disk */
    uint64_t sectors; /* of such a block */
    uint64_t next;    /* block of a sequential load */
    uint64_t begun, failed;
    uint64_t most; /* operations in all; UINT64_MAX: until until_ns */
    uint64_t
        look; /* number of the operation before which there is a look at the clock or the end */
    uint64_t until_ns;
    struct block_request *next_one; /* that is submitted */
    unsigned out;
    struct waitq waiters; /* main(), until none is out */
} job;

static void queue_submit(struct block_request *r)
{
    job.next_one = r;
    block_submit(job.dev, &job.next_one, 1);
}

/* The next operation of the request r, which the layer does not have. */
static inline void queue_aim(struct block_request *r)
{
    uint64_t block = job.random ? load_random_block(job.blocks) : job.next++ % job.blocks;

    r->sector = block * job.sectors;
    job.begun++;
}

/* What is rare: an error, a look at the clock, the end. True: r is submitted no more. */
static bool queue_stops(struct block_request *r) __attribute__((noinline));
static bool queue_stops(struct block_request *r)
{
    if (r->result) {
        job.failed++;
        job.most = 0;
    }
    if (job.most == UINT64_MAX && hal_now_ns() >= job.until_ns)
        job.most = 0;
    job.look = job.begun + CLOCK_EVERY < job.most ? job.begun + CLOCK_EVERY : job.most;
    if (job.begun < job.most && !job.burst)
        return false;
    if (--job.out == 0)
        waitq_wake_all(&job.waiters);
    return true;
}

static inline void queue_go_on(struct block_request *r)
{
    queue_aim(r);
    queue_submit(r);
}

static void queue_done_rare(struct block_request *r) __attribute__((noinline));
static void queue_done_rare(struct block_request *r)
{
    if (!queue_stops(r))
        queue_go_on(r);
}

static void queue_done(struct block_request *r)
{
    if (r->result || job.begun >= job.look)
        queue_done_rare(r);
    else
        queue_go_on(r);
}

/* The same where each write is followed by a flush, which makes it durable and ends the operation.
 */
static void queue_write_done(struct block_request *r)
{
    if (r->op == BLOCK_WRITE && !r->result) {
        r->op = BLOCK_FLUSH;
        r->seg_count = 0;
        queue_submit(r);
        return;
    }
    r->op = BLOCK_WRITE;
    r->seg_count = 1;
    queue_done(r);
}

static void queue_prepare(const struct load *l)
{
    memset(&job, 0, sizeof(job));
    job.load = l;
    job.dev = l->dev;
    job.random = strncmp(l->name, "rand", 4) == 0;
    job.blocks = block_capacity(l->dev) / l->size;
    job.sectors = l->size / BLOCK_SECTOR;
    job.burst = l->burst;
    job.most = l->operations ? l->operations : UINT64_MAX;
}

static bool queue_fits(const struct load *l)
{
    if (l->size && l->size % block_size(l->dev) == 0 && job.blocks && l->depth &&
        l->depth <= DEPTH_MAX && (l->operations || l->time_ns))
        return true;
    printf("blkperf: size is a multiple of %u and at most %llu, depth from 1 to %d, and n or ms "
           "is not 0\n",
           (unsigned)block_size(l->dev), (unsigned long long)block_capacity(l->dev), DEPTH_MAX);
    return false;
}

struct slot {
    struct block_request r;
    struct block_seg seg;
};

/* Returns when none of them is out. */
static void queue_submit_all(struct block_request **all)
{
    const struct load *l = job.load;

    job.out = l->depth;
    for (unsigned i = 0; i < l->depth; i++)
        queue_aim(all[i]);
    block_submit(l->dev, all, l->depth);
    while (job.out)
        waitq_wait(&job.waiters, HAL_NEVER);
}

static void queue_run(struct slot *slots, struct block_request **all, struct load_result *out)
{
    const struct load *l = job.load;
    bool writes = !strstr(l->name, "read"), flushes = strcmp(l->name, "flush") == 0;

    for (unsigned i = 0; i < l->depth; i++) {
        struct block_request *r = all[i] = &slots[i].r;

        *r = (struct block_request){.op = writes ? BLOCK_WRITE : BLOCK_READ,
                                    .segs = &slots[i].seg,
                                    .seg_count = 1,
                                    .done = flushes ? queue_write_done : queue_done};
    }
    load_begin(out);
    job.until_ns = hal_now_ns() + l->time_ns;
    do
        queue_submit_all(all);
    while (job.begun < job.most);
    load_end(out);
    out->operations = job.begun; /* all are back */
    out->bytes = job.begun * l->size;
}

int load_queue(const struct load *l, struct load_result *out)
{
    struct slot *slots;
    struct block_request **all;
    char *buffers;

    queue_prepare(l);
    if (!queue_fits(l))
        return -1;
    slots = calloc(l->depth, sizeof(*slots));
    all = calloc(l->depth, sizeof(struct block_request *));
    buffers = aligned_alloc(4096, ((size_t)l->depth * l->size + 4095) & ~(size_t)4095);
    if (!slots || !all || !buffers) {
        printf("blkperf: no memory for %u requests of %u bytes\n", l->depth, (unsigned)l->size);
        return -1;
    }
    for (unsigned i = 0; i < l->depth; i++) {
        slots[i].seg = (struct block_seg){buffers + (size_t)i * l->size, l->size};
        memset(slots[i].seg.base, (int)i, l->size);
    }
    queue_run(slots, all, out);
    free(buffers);
    free(all);
    free(slots);
    if (job.failed)
        printf("blkperf: %llu requests failed\n", (unsigned long long)job.failed);
    return job.failed ? -1 : 0;
}
