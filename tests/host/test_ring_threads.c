/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ring_threads.c - the ring with its device in a second thread. Built with ThreadSanitizer it
 * shows that everything either side reads was published to it by the ring's own words: the flags
 * that stand for doorbell and interrupt are relaxed, and order nothing. A kick or an interrupt that
 * is lost ends the test, as no tick runs here.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE     16
#define BUFFERS  20000u
#define PATIENCE 80 /* seconds of real time */

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static unsigned kicked, interrupted, stop; /* relaxed atomics */

static time_t real_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Waits for a flag and clears it; false when it does not come. */
static bool wait_flag(unsigned *flag)
{
    time_t end = real_seconds() + PATIENCE;

    while (!__atomic_exchange_n(flag, 0, __ATOMIC_RELAXED)) {
        if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
            return true;
        if (real_seconds() > end)
            return false;
        sched_yield();
    }
    return true;
}

static void on_kick(struct model *model, struct model_queue *queue)
{
    (void)model;
    (void)queue;
    __atomic_store_n(&kicked, 1, __ATOMIC_RELAXED);
}

/* ---- the device's thread --------------------------------------------------------------------- */

/* Answers with the bytes that it read, each plus one. */
static void work(const struct model_chain *c)
{
    uint8_t data[TESTDRV_BUF];
    uint32_t n = model_gather(c, 0, data, sizeof(data));

    for (uint32_t i = 0; i < n; i++)
        data[i]++;
    model_push(m, mq, c, model_scatter(c, 0, data, n));
}

static void publish_used(void)
{
    model_show(m, mq);
    host_full_barrier();
    if (model_wants_irq(m, mq))
        __atomic_store_n(&interrupted, 1, __ATOMIC_RELAXED);
}

static void *device(void *arg)
{
    struct model_chain c;
    unsigned done = 0, n;

    while (done < BUFFERS && !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (n = 0; n < 5 && model_pop(m, mq, &c); n++)
            work(&c);
        done += n;
        if (n) {
            publish_used();
            continue;
        }
        model_want_kick(m, mq, true);
        host_full_barrier();
        if (!model_has_more(m, mq) && !wait_flag(&kicked)) {
            host_violation("a kick is lost: %u done", done);
            break;
        }
        model_want_kick(m, mq, false);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return arg;
}

/* ---- the driver's thread --------------------------------------------------------------------- */

static uint8_t *buffer(unsigned n)
{
    return host_dma_pointer(testdrv_seg(n, 0, TESTDRV_BUF).addr, TESTDRV_BUF);
}

static unsigned submit_next(unsigned next)
{
    unsigned n = next % 4096;

    if (next == BUFFERS || virtq_free_slots(q) < 2)
        return 0;
    for (unsigned i = 0; i < 16; i++)
        buffer(n)[i] = (uint8_t)(next + i);
    return testdrv_submit(q, n) == 1;
}

static unsigned reap(unsigned reaped)
{
    struct virtq_done done[8];
    int n = virtq_reap(q, done, 8);

    CHECK(n >= 0);
    for (int i = 0; i < n; i++, reaped++) {
        unsigned b = testdrv_number(done[i].cookie);

        CHECK_EQ(b, reaped % 4096); /* this device answers in order */
        CHECK_EQ(done[i].len, 16);
        for (unsigned k = 0; k < 16; k++)
            CHECK_EQ(buffer(b)[16 + k], (uint8_t)(reaped + k + 1));
    }
    return reaped;
}

static void drive(void)
{
    unsigned submitted = 0, reaped = 0, before;

    while (reaped < BUFFERS) {
        for (unsigned burst = random_below(SIZE); burst > 0 && submit_next(submitted); burst--)
            submitted++;
        before = reaped;
        reaped = reap(reaped);
        if (reaped != before || (submitted < BUFFERS && virtq_free_slots(q) >= 2))
            continue;
        if (virtq_arm(q))
            continue;
        if (!wait_flag(&interrupted))
            check_fail(__FILE__, __LINE__, "an interrupt is lost: %u of %u back", reaped,
                       submitted);
        virtq_disarm(q);
    }
}

static void stress(const unsigned *bits, unsigned n)
{
    pthread_t thread;

    td.no_reap = true;
    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, SIZE, bits, n);
    mq = &m->queues[0];
    q = td.q[0];
    m->on.kick = on_kick;
    host_set_hook(NULL, NULL);
    buffer(0); /* allocates the area */
    CHECK_EQ(pthread_create(&thread, NULL, device, NULL), 0);
    drive();
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(virtq_stats(q)->completed, BUFFERS);
    printf("  %u buffers, %llu kicks\n", BUFFERS, (unsigned long long)virtq_stats(q)->kicks);
}

static void threads_flags(void)
{
    stress(NULL, 0);
}

static void threads_event(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    stress(bits, 1);
}

static void threads_indirect(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    stress(bits, 2);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(threads_flags, "SPLIT-25 SPLIT-26", "PACK-33 PACK-34 PACK-38"),
        EACH_RING(threads_event, "SPLIT-25 SPLIT-26", "PACK-33 PACK-34 PACK-38"),
        EACH_RING(threads_indirect, "SPLIT-25 SPLIT-26", "PACK-33 PACK-34 PACK-38"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
