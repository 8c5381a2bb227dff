/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wakeup_hybrid.c - a device that interrupts, and is polled while there is progress (boot
 * arguments vireo.poll=hybrid and vireo.poll=1; wakeup.c): what follows soon needs no interrupt,
 * what comes after a quiet while gets one, and a storm ends in polling alone. Where the device is
 * faster while the CPU sleeps, there is no spinning.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;

static void boot_with(const char *args)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    host_set_bootargs(args);
    testdrv_one_queue(16, 2);
    m = testdrv_boot(MODEL_MMIO, 16, bits, random_below(2));
    mq = &m->queues[0];
    q = td.q[0];
    host_run_services(); /* now it is armed */
    CHECK(q->armed && !td.dev->service.polled);
}

static void boot(void)
{
    boot_with("vireo.poll=hybrid");
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

static void polled_sleeps_after_a_while(void)
{
    uint64_t before;

    boot_with("vireo.poll=1");
    CHECK(strcmp(wakeup(), "polled") == 0);
    before = td.dev->interrupts;
    for (unsigned i = 0; i < 5; i++) {
        there_and_back(2 * i);
        host_advance(VIRTIO_POLLED_SPIN / 2);
        host_run_services();
        CHECK(td.dev->service.polled && !q->armed);
        there_and_back(2 * i + 1);
        CHECK_EQ(td.dev->interrupts, before + i + 1);
        host_advance(VIRTIO_POLLED_SPIN);
        host_run_services();
        CHECK(!td.dev->service.polled && q->armed);
    }
    CHECK_EQ(virtq_stats(q)->late, 0);
}

/* A round trip, which the device answers after `asleep` or `awake`, as the CPU sleeps or not. */
static bool answered_after(uint64_t asleep, uint64_t awake)
{
    bool slept;

    td.done_count = 0;
    CHECK_EQ(testdrv_submit(q, 0), 1);
    host_run_services();
    slept = !td.dev->service.polled;
    CHECK_EQ(q->armed, slept);
    host_advance(slept ? asleep : awake);
    CHECK_EQ(model_serve(m, mq), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
    return slept;
}

/* Of 10,000 round trips, how many found the CPU asleep. */
static unsigned slept(uint64_t asleep, uint64_t awake)
{
    unsigned times = 0;

    for (unsigned i = 0; i < 10000; i++)
        times += answered_after(asleep, awake);
    return times;
}

/* The faster way is kept, and tried less and less; what changes is noticed. */
static void waits_as_the_device_is_faster(const char *args)
{
    boot_with(args);
    CHECK(slept(20 * HAL_US, 40 * HAL_US) > 9000);
    CHECK(slept(40 * HAL_US, 20 * HAL_US) < 4500);
    CHECK(slept(40 * HAL_US, 20 * HAL_US) < 500);
    slept(20 * HAL_US, 40 * HAL_US); /* one trial in 64 */
    CHECK(slept(20 * HAL_US, 40 * HAL_US) > 9000);
    CHECK_EQ(virtq_stats(q)->late, 0);
}

static void hybrid_waits(void)
{
    waits_as_the_device_is_faster("vireo.poll=hybrid");
}

static void polled_waits(void)
{
    waits_as_the_device_is_faster("vireo.poll=1");
}

/* Time in which nothing is asked for tells nothing about the way to wait. */
static void pauses_do_not_count(void)
{
    boot_with("vireo.poll=1");
    CHECK(slept(40 * HAL_US, 20 * HAL_US) < 1000);
    for (unsigned i = 0; i < 500; i++)
        answered_after(HAL_SEC, 30 * HAL_MS);
    CHECK(slept(40 * HAL_US, 20 * HAL_US) < 500);
}

/* A line that is wired wrongly: the tick finds what comes, and then no sleep is left. */
static void deaf(void)
{
    boot_with("vireo.poll=1");
    m->dead_silent = true;
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK_EQ(model_serve(m, mq), 1);
        host_run_for(i < VIRTIO_DEAF_TICKS ? HAL_SEC : 0);
        host_run_round();
        CHECK_EQ(td.done_count, i + 1);
        host_advance(VIRTIO_POLLED_SPIN);
        host_run_services();
    }
    CHECK(td.dev->service.polled && td.dev->wakeup == VIRTIO_WAKEUP_POLLED);
    CHECK_EQ(virtq_stats(q)->late, VIRTIO_DEAF_TICKS);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(interrupts_after_a_quiet_while, NULL, NULL),
        EACH_RING(storm, NULL, NULL),
        EACH_RING(polled_sleeps_after_a_while, NULL, NULL),
        EACH_RING(hybrid_waits, NULL, NULL),
        EACH_RING(polled_waits, NULL, NULL),
        EACH_RING(pauses_do_not_count, NULL, NULL),
        EACH_RING(deaf, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
