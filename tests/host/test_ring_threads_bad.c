/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ring_threads_bad.c - a device in a second thread that writes nonsense into its words of the
 * ring while the driver submits, arms and collects. Built with ThreadSanitizer it shows that the
 * driver reads what the device writes with atomic loads only; with AddressSanitizer, that nothing
 * is touched out of bounds. A queue that breaks is reset, and the next round begins.
 *
 * Packed descriptors are written by both sides, so a device that writes them out of turn races with
 * the driver's plain stores, which are its own right: without ThreadSanitizer only.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE   16
#define ROUNDS 60
#define TURNS  1000 /* of the driver, a round at most */
#define YIELD  4 /* turns of a thread before it yields: on a busy machine each yield takes long */

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static unsigned stop; /* relaxed atomic */

/* ---- the device's thread: a generator of its own, and raw words ------------------------------ */

static uint32_t seed;
static uint16_t used;

static uint32_t any(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void store16(uint64_t bus, uint16_t v)
{
    __atomic_store_n((uint16_t *)host_dma_pointer(bus, 2), v, __ATOMIC_RELEASE);
}

static void store32(uint64_t bus, uint32_t v)
{
    __atomic_store_n((uint32_t *)host_dma_pointer(bus, 4), v, __ATOMIC_RELEASE);
}

/* Mostly what could be right, so that the driver comes some way. */
static void scribble_split(void)
{
    unsigned elem = any() % SIZE;

    store32(mq->device + 4 + 8 * elem, any() % 20 ? any() % SIZE : any());
    store32(mq->device + 8 + 8 * elem, any());
    store16(mq->device, (uint16_t)any());
    store16(mq->device + 4 + 8 * SIZE, (uint16_t)any());
    used = (uint16_t)(used + (any() % 8 == 0));
    store16(mq->device + 2, any() % 50 ? used : (uint16_t)any());
}

static void scribble_packed(void)
{
#ifndef __SANITIZE_THREAD__
    unsigned slot = any() % SIZE;

    store32(mq->desc + 16 * slot + 8, any());
    store16(mq->desc + 16 * slot + 12, (uint16_t)(any() % 20 ? any() % SIZE : any()));
    store16(mq->desc + 16 * slot + 14, (uint16_t)((any() & 1) * 0x8080));
#endif
    store32(mq->device, any());
}

static void *device(void *arg)
{
    for (unsigned turn = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); turn++) {
        if (case_variant == TD_PACKED)
            scribble_packed();
        else
            scribble_split();
        if (turn % YIELD == 0)
            sched_yield();
    }
    return arg;
}

/* ---- the driver's thread --------------------------------------------------------------------- */

/* Buffers are numbers here: nobody looks into them, and none may come twice. */
static bool out[4096];
static unsigned next_buffer;

static void submit(void)
{
    unsigned n = next_buffer % 4096;

    if (testdrv_submit(q, n) != 1)
        return;
    CHECK(!out[n]);
    out[n] = true;
    next_buffer++;
}

static bool collect(void)
{
    struct virtq_done done[8];
    int n = virtq_reap(q, done, 8);

    for (int i = 0; i < n; i++) {
        unsigned b = testdrv_number(done[i].cookie);

        CHECK(b < 4096 && out[b]);
        CHECK(done[i].len <= 32);
        out[b] = false;
    }
    return n >= 0;
}

static void drive(void)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        submit();
        if (!collect())
            return;
        virtq_arm(q);
        virtq_disarm(q);
        if (turn % YIELD == 0)
            sched_yield();
    }
}

/* Both sides start again: each buffer that was out comes back once. */
static void start_again(void)
{
    unsigned left = virtq_in_flight(q), before = td.taken_back;

    virtio_fail(td.dev, "the next round");
    for (unsigned i = 0; i < 100 && (!virtio_works(td.dev) || virtq_in_flight(q)); i++)
        host_run_for(HAL_SEC);
    CHECK(virtio_works(td.dev));
    CHECK_EQ(td.taken_back, before + left);
    memset(out, 0, sizeof(out));
    host_run_for(60 * HAL_SEC);
}

static void scribbling_device(void)
{
    pthread_t thread;
    unsigned broken = 0;

    td.no_reap = td.recovers = true;
    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, SIZE, (const unsigned[]){VIRTIO_F_EVENT_IDX}, random_below(2));
    mq = &m->queues[0];
    q = td.q[0];
    testdrv_seg(0, 0, TESTDRV_BUF); /* allocates the area */
    host_set_hook(NULL, NULL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        seed = random32();
        used = 0;
        __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
        CHECK_EQ(pthread_create(&thread, NULL, device, NULL), 0);
        drive();
        __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        broken += virtq_state(q) == VIRTQ_BROKEN;
        start_again();
    }
    printf("  %u rounds, %u broken queues, %u buffers\n", ROUNDS, broken, next_buffer);
    CHECK(next_buffer > ROUNDS);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {EACH_RING(scribbling_device, NULL, NULL)};

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
