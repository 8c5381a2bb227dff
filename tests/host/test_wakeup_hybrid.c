/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wakeup_hybrid.c - a device that interrupts, and is polled while there is progress (boot
 * argument vireo.poll=hybrid; wakeup.c): what follows soon needs no interrupt, what comes after a
 * quiet while gets one, and a storm ends in polling alone.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;

static void boot(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    host_set_bootargs("vireo.poll=hybrid");
    testdrv_one_queue(16, 2);
    m = testdrv_boot(MODEL_MMIO, 16, bits, random_below(2));
    mq = &m->queues[0];
    q = td.q[0];
    host_run_services(); /* now it is armed */
    CHECK(q->armed && !td.dev->service.polled);
}

static const char *wakeup(void)
{
    static struct virtio_info info;

    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.alive);
    return info.wakeup;
}

static void there_and_back(unsigned n)
{
    CHECK_EQ(testdrv_submit(q, n), 1);
    CHECK_EQ(model_serve(m, mq), 1);
    host_run_round();
    CHECK_EQ(td.done_count, n + 1);
}

static void interrupts_after_a_quiet_while(void)
{
    boot();
    CHECK(strcmp(wakeup(), "irq, hybrid") == 0);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = td.dev->interrupts;

        there_and_back(3 * i);
        CHECK_EQ(td.dev->interrupts, before + 1);
        CHECK(td.dev->service.polled && !q->armed);
        there_and_back(3 * i + 1);
        there_and_back(3 * i + 2);
        CHECK_EQ(td.dev->interrupts, before + 1);
        CHECK(td.dev->service.polled);
        host_advance(VIRTIO_HYBRID_SPIN);
        host_run_services();
        CHECK(!td.dev->service.polled && q->armed);
    }
    CHECK_EQ(virtq_stats(q)->late, 0);
}

/* Also when the run that it came into had just decided to poll no more. */
static void storm(void)
{
    boot();
    host_irq_set(m->irq, true);
    CHECK(host_irq_is_masked(m->irq));
    CHECK(strcmp(wakeup(), "polled") == 0);
    host_run_round();
    CHECK(td.dev->service.polled);
    td.dev->service.polled = false;
    host_run_services();
    CHECK(td.dev->service.polled);
    CHECK_EQ(host_log_matches("storm"), 1);
    for (unsigned i = 0; i < 3; i++)
        there_and_back(i);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(interrupts_after_a_quiet_while, NULL, NULL),
        EACH_RING(storm, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
