/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_recover_queue.c - one queue that broke is reset alone, while its device goes on (virtio 1.4,
 * section 2.6.1, RING_RESET), over virtio-mmio and PCI and both rings; and what makes the whole
 * device be reset instead.
 */
#include "check.h"
#include "recovertest.h"

static void boot(enum model_transport t)
{
    rt_boot_queues(t, 3, true);
    CHECK(virtio_has(td.dev, VIRTIO_F_RING_RESET));
    rt_put_out();
    CHECK_EQ(testdrv_submit(td.q[2], 50), 1);
}

/* CHECKs that the other queues and their buffers are not affected. */
static void check_alone(unsigned times)
{
    CHECK_EQ(td.lost[0], times);
    CHECK_EQ(td.back[0], times);
    CHECK_EQ(td.lost[1] + td.back[1] + td.lost[2] + td.back[2] + td.returns + td.deaths, 0);
    CHECK_EQ(virtq_in_flight(td.q[2]), 1);
    CHECK_EQ(rt.m->resets, 1);
    CHECK_EQ(rt.m->status, 15);
    CHECK_EQ(rt_info().resets, times);
    CHECK_EQ(rt_info().recoveries, times);
    CHECK_EQ(*rt.q->cause, '\0');
    CHECK(*rt_info().cause);
}

static void finish(void)
{
    CHECK_EQ(model_serve(rt.m, &rt.m->queues[2]), 1);
    host_run_services();
    CHECK_EQ(testdrv_number(td.done[td.done_count - 1].cookie), 50);
    rt_traffic();
}

static void alone_on(enum model_transport t)
{
    boot(t);
    rt_break_queue(0);
    host_run_services();
    CHECK_EQ(td.taken_back, RT_OUT);
    check_alone(1);
    CHECK_EQ(host_log_matches("queue t works again"), 1);
    finish();
}

static void alone(void)
{
    alone_on(MODEL_MMIO);
}

static void alone_on_pci(void)
{
    alone_on(MODEL_PCI);
}

/* The reset of a queue is slow: the core looks at it now and then, and serves the other queues. */
static void slow(void)
{
    uint64_t start;

    boot(MODEL_MMIO);
    rt.m->queue_reset_reads = 20;
    rt_break_queue(0);
    host_run_services();
    start = hal_now_ns();
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(virtq_state(rt.q), VIRTQ_RESETTING);
        CHECK_EQ(testdrv_submit(rt.q, 9), -EIO);
        CHECK_EQ(testdrv_submit(td.q[1], 60 + i), 1);
        CHECK_EQ(model_serve(rt.m, &rt.m->queues[1]), 1);
        host_run_services();
        CHECK_EQ(td.done_count, i + 1);
    }
    CHECK(hal_now_ns() - start < HAL_MS);
    CHECK_EQ(td.taken_back, 0);
    host_run_for(40 * HAL_MS);
    check_alone(1);
    finish();
}

static void check_whole(unsigned resets)
{
    host_run_services();
    CHECK_EQ(td.returns, 1);
    CHECK_EQ(td.lost[1] + td.lost[2], 2);
    CHECK_EQ(td.deaths, 0);
    CHECK_EQ(rt.m->resets, resets);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(virtq_state(td.q[i]), VIRTQ_OK);
    rt_traffic();
}

/* The queue's buffers stay with the device until the device is reset: each is handed back once. */
static void never_completes(void)
{
    boot(MODEL_MMIO);
    rt.m->queue_reset_never = true;
    rt_break_queue(0);
    host_run_for(900 * HAL_MS);
    CHECK_EQ(td.taken_back, 0);
    CHECK_EQ(td.returns, 0);
    host_run_for(200 * HAL_MS);
    CHECK_EQ(td.taken_back, RT_OUT + 1);
    CHECK_EQ(td.lost[0], 1);
    CHECK_EQ(host_log_matches("reset of a queue does not complete"), 1);
    check_whole(2);
}

static void cannot_be_enabled(void)
{
    boot(MODEL_MMIO);
    rt.mq->max = RT_SIZE / 2;
    rt_break_queue(0);
    host_run_services();
    CHECK_EQ(td.lost[0], 1);
    rt.mq->max = RT_SIZE;
    host_run_for(20 * HAL_MS);
    CHECK_EQ(td.lost[0], 1); /* it had nothing any more */
    check_whole(3);
}

static void again_soon(void)
{
    boot(MODEL_MMIO);
    rt_break_queue(0);
    host_run_services();
    check_alone(1);
    host_run_for(5 * HAL_SEC);
    rt_break_queue(0);
    check_whole(2);
}

static void again_later(void)
{
    boot(MODEL_MMIO);
    for (unsigned i = 0; i < 5; i++) {
        rt_break_queue(0);
        host_run_services();
        check_alone(i + 1);
        host_run_for(VIRTIO_HEALTHY);
    }
    finish();
}

static void two_at_once(void)
{
    boot(MODEL_MMIO);
    virtq_fail(td.q[0], "test");
    virtq_fail(td.q[1], "test");
    host_run_services();
    CHECK_EQ(td.back[0] + td.back[1], 2);
    CHECK_EQ(td.returns + td.lost[2], 0);
    finish();
}

/* The device fails while a queue of it is being reset: all of it is, and nothing comes twice. */
static void the_device_as_well(void)
{
    boot(MODEL_MMIO);
    rt.m->queue_reset_reads = 1000;
    rt_break_queue(0);
    host_run_services();
    CHECK_EQ(virtq_state(rt.q), VIRTQ_RESETTING);
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK_EQ(td.taken_back, RT_OUT + 1);
    check_whole(2);
}

static void break_again(struct virtio_device *dev, struct virtq *q)
{
    (void)dev;
    virtq_fail(q, "again");
}

/* A queue that never works is no reason to go on for ever. */
static void in_the_end(void)
{
    boot(MODEL_MMIO);
    td.queue_back = break_again;
    rt_break_queue(0);
    host_run_for(10 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.returns, 5);
    CHECK_EQ(td.taken_back, RT_OUT + 1);
}

static void told_never(void)
{
    host_set_bootargs("vireo.resets=0");
    boot(MODEL_MMIO);
    rt_break_queue(0);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.lost[0], 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(alone, "RST-02 RST-04 MMIO-REG-21", "RST-02 RST-04 MMIO-REG-21"),
        EACH_RING(alone_on_pci, "RST-02 RST-04 PCI-COMMON-08", "RST-02 RST-04 PCI-COMMON-08"),
        EACH_RING(slow, "RST-02", "RST-02"),
        EACH_RING(never_completes, "RST-02", "RST-02"),
        EACH_RING(cannot_be_enabled, NULL, NULL),
        EACH_RING(again_soon, NULL, NULL),
        EACH_RING(again_later, NULL, NULL),
        SHOWS(two_at_once, NULL),
        EACH_RING(the_device_as_well, NULL, NULL),
        SHOWS(in_the_end, NULL),
        SHOWS(told_never, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
