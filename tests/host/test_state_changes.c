/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_state_changes.c - the states of queues and devices: which may follow which, what goes with a
 * change, and when a device counts as gone. Deadlines of a device's service, which only come
 * forward.
 */
#include <sanitizer/lsan_interface.h>
#include <setjmp.h>

#pragma weak __lsan_disable /* only a build with sanitizers has it */

#include "check.h"
#include "recovertest.h"
#include "script.h"
#include "virtio/ring/packed.h"
#include "virtio/ring/split.h"

/* ---- transitions ----------------------------------------------------------------------------- */

/* Each row: the state before, and those that may follow, as virtq.h and device.h explain them. */
static const unsigned queue_follows[] = {
    [VIRTQ_OFF] = 1 << VIRTQ_OK | 1 << VIRTQ_GONE,
    [VIRTQ_OK] = 1 << VIRTQ_BROKEN | 1 << VIRTQ_RESETTING,
    [VIRTQ_BROKEN] = 1 << VIRTQ_RESETTING,
    [VIRTQ_RESETTING] = 1 << VIRTQ_OFF | 1 << VIRTQ_BROKEN | 1 << VIRTQ_GONE,
    [VIRTQ_GONE] = 1 << VIRTQ_OFF,
};
static const unsigned device_follows[] = {
    [VIRTIO_STARTING] = 1 << VIRTIO_OK | 1 << VIRTIO_RESETTING,
    [VIRTIO_OK] = 1 << VIRTIO_RESETTING,
    [VIRTIO_RESETTING] = 1 << VIRTIO_STARTING | 1 << VIRTIO_WAITING | 1 << VIRTIO_GONE,
    [VIRTIO_WAITING] = 1 << VIRTIO_STARTING | 1 << VIRTIO_RESETTING | 1 << VIRTIO_GONE,
    [VIRTIO_GONE] = 1 << VIRTIO_RESETTING,
};
enum { STATES = 5 };

static bool queue_moves(unsigned from, unsigned to)
{
    static struct virtq_owner owner;
    static struct virtq q;
    jmp_buf refused;

    q = (struct virtq){.owner = &owner, .state = from, .armed = true};
    host_expect_panic(&refused);
    if (setjmp(refused))
        return false;
    virtq_set_state(&q, to);
    host_expect_panic(NULL);
    CHECK_EQ(q.state, to);
    CHECK_EQ(q.armed, to == VIRTQ_OK); /* out of service nobody waits for an interrupt */
    return true;
}

static bool device_moves(unsigned from, unsigned to)
{
    static struct virtio_device dev;
    jmp_buf refused;

    dev = (struct virtio_device){.state = from, .owner.live = from == VIRTIO_OK};
    host_expect_panic(&refused);
    if (setjmp(refused))
        return false;
    virtio_set_state(&dev, to);
    host_expect_panic(NULL);
    CHECK_EQ(dev.state, to);
    CHECK_EQ(dev.owner.live, to == VIRTIO_OK);
    return true;
}

static void queue_transitions(void)
{
    for (unsigned pair = 0; pair < STATES * STATES; pair++)
        CHECK_EQ(queue_moves(pair / STATES, pair % STATES),
                 queue_follows[pair / STATES] >> pair % STATES & 1);
}

static void device_transitions(void)
{
    for (unsigned pair = 0; pair < STATES * STATES; pair++)
        CHECK_EQ(device_moves(pair / STATES, pair % STATES),
                 device_follows[pair / STATES] >> pair % STATES & 1);
}

/* The state of a queue at each step of a reset alone that hangs, and of the device's after it. */
static void states_of_a_hanging_reset(void)
{
    rt_boot_queues(MODEL_MMIO, 2, true);
    rt_put_out();
    rt.m->queue_reset_never = true;
    CHECK_EQ(virtq_reset(rt.q), -ETIMEDOUT);
    CHECK_EQ(virtq_state(rt.q), VIRTQ_BROKEN);
    CHECK_EQ(host_log_matches("the reset of the queue does not complete"), 1);
    rt.m->queue_reset_never = false;
    host_run_services();
    rt_recovered(1);
    CHECK_EQ(virtq_state(rt.q), VIRTQ_OK);
}

static int restart_too_early(struct virtio_device *dev)
{
    CHECK_EQ(virtq_restart(virtio_queue(dev, 0)), -EINVAL);
    return 0;
}

/* While its device starts again, a queue is not the driver's to put back. */
static void restart_before_the_device_works(void)
{
    rt_boot(MODEL_MMIO);
    td.returned = restart_too_early;
    virtio_fail(td.dev, "a test says so");
    host_run_services();
    CHECK_EQ(td.returns, 1);
    rt_recovered(1);
}

/* ---- rings ----------------------------------------------------------------------------------- */

/* The format is the one whose feature was negotiated; every other feature leaves it split. */
static void ring_of_features(void)
{
    struct virtio_features f = {{0}};

    CHECK(virtq_ring_for(&f) == &virtq_split);
    for (unsigned bit = 0; bit < 32 * VIRTIO_FEATURE_WORDS; bit++)
        virtio_features_set(&f, bit);
    CHECK(virtq_ring_for(&f) == &virtq_packed);
    virtio_features_clear(&f, VIRTIO_F_RING_PACKED);
    CHECK(virtq_ring_for(&f) == &virtq_split);
    CHECK_EQ(virtq_split.queue_bytes, sizeof(struct virtq_split_queue));
    CHECK_EQ(virtq_packed.queue_bytes, sizeof(struct virtq_packed_queue));
}

/* ---- a device that cannot be used ------------------------------------------------------------ */

static struct model models[2];

/* Queue 1 does not exist: the driver gives up when queue 0 has its memory. */
static void boot_without_queue(void)
{
    td.queues = 2;
    td.cfg[0] = td.cfg[1] = (struct virtq_config){.name = "t", .size = 8, .max_segs = 2};
    model_init(&models[0], MODEL_MMIO, MODEL_DEVICE_ID);
    models[0].queues[0].max = 8;
    model_plug_mmio(&models[0], 0);
}

static void queues_are_freed_after_a_reset(void)
{
    int64_t before = host_live_blocks();

    boot_without_queue();
    host_boot();
    CHECK(virtio_find("vtest0") == NULL && host_logged("no queue 1"));
    CHECK_EQ(host_live_blocks(), before);
}

/* The device may still write to the ring: its memory is never used again. */
static void queues_stay_without_a_reset(void)
{
    static const struct script_entry hang[] = {
        {.when = AT_READ, .at = REG_QUEUE_MAX, .n = 2, .what = DO_NO_RESET}};
    int64_t before = host_live_blocks();

    if (__lsan_disable)
        __lsan_disable();
    boot_without_queue();
    script_begin(&models[0], hang, 1);
    host_boot();
    script_end();
    CHECK(virtio_find("vtest0") == NULL && host_logged("no queue 1"));
    CHECK(models[0].status & VIRTIO_STATUS_FAILED || models[0].stuck);
    CHECK(host_live_blocks() > before);
}

/* ---- gone ------------------------------------------------------------------------------------ */

static const struct script_entry almost[] = {
    {.when = AT_READ, .at = REG_STATUS, .times = 15, .what = DO_ANSWER, .v = UINT32_MAX}};

/* Fifteen reads of all ones in a row, and then a device: it is taken, on any bus. */
static void boot_after_all_ones(enum model_transport t)
{
    static struct model m;

    testdrv_one_queue(8, 2);
    model_init(&m, t, MODEL_DEVICE_ID);
    m.queues[0].max = 8;
    model_plug_mmio(&m, 0);
    script_begin(&m, almost, 1);
    host_boot();
    CHECK_EQ(script_done(), 15);
    script_end();
    CHECK(virtio_find("vtest0") == td.dev && virtio_works(td.dev));
}

static void all_ones_at_the_boot(void)
{
    boot_after_all_ones(MODEL_MMIO);
}

static void all_ones_at_the_boot_legacy(void)
{
    boot_after_all_ones(MODEL_MMIO_LEGACY);
}

/* The same while the device is being reset, which takes it a while. */
static void all_ones_in_recovery(void)
{
    rt_boot(MODEL_MMIO);
    rt.m->reset_reads = 40;
    virtio_fail(td.dev, "a test says so");
    script_begin(rt.m, almost, 1);
    host_run_for(100 * HAL_MS);
    CHECK_EQ(script_done(), 15);
    script_end();
    rt_recovered(1);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void wake_at_comes_forward_only(void)
{
    unsigned before;

    testdrv_one_queue(8, 2);
    testdrv_boot(MODEL_MMIO, 8, NULL, 0);
    host_run_for(5 * VIRTQ_TICK);
    before = td.services;
    virtio_wake_at(td.dev, hal_now_ns() + 20 * HAL_MS);
    virtio_wake_at(td.dev, hal_now_ns() + HAL_SEC); /* no later than before */
    host_run_for(30 * HAL_MS);
    CHECK_EQ(td.services, before + 1);
    virtio_wake_at(td.dev, hal_now_ns() + HAL_SEC);
    virtio_wake_at(td.dev, hal_now_ns() + 20 * HAL_MS);
    host_run_for(30 * HAL_MS);
    CHECK_EQ(td.services, before + 2);
}

/* A driver that submits more often than the tick comes does not put the tick off. */
static void submits_do_not_put_the_tick_off(void)
{
    unsigned before;

    testdrv_one_queue(64, 2);
    testdrv_boot(MODEL_MMIO, 64, NULL, 0);
    host_run_services();
    before = td.services;
    for (unsigned i = 0; i < 12; i++) {
        CHECK_EQ(testdrv_submit(td.q[0], i), 1);
        host_run_for(VIRTQ_TICK / 2);
    }
    CHECK(td.services >= before + 5);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Each device is reset once, however many there are. */
static void each_device_is_stopped_once(void)
{
    uint64_t before[2];

    testdrv_one_queue(8, 2);
    for (unsigned i = 0; i < 2; i++) {
        model_init(&models[i], MODEL_MMIO, MODEL_DEVICE_ID);
        models[i].queues[0].max = 8;
        model_plug_mmio(&models[i], i);
    }
    host_boot();
    CHECK(virtio_find("vtest0") && virtio_find("vtest1"));
    before[0] = models[0].resets;
    before[1] = models[1].resets;
    host_shutdown();
    CHECK_EQ(models[0].resets, before[0] + 1);
    CHECK_EQ(models[1].resets, before[1] + 1);
    CHECK(!virtio_works(virtio_find("vtest0")) && !virtio_works(virtio_find("vtest1")));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(queue_transitions, NULL),
        SHOWS(device_transitions, NULL),
        SHOWS(states_of_a_hanging_reset, NULL),
        SHOWS(restart_before_the_device_works, NULL),
        SHOWS(ring_of_features, NULL),
        SHOWS(queues_are_freed_after_a_reset, NULL),
        SHOWS(queues_stay_without_a_reset, NULL),
        SHOWS(all_ones_at_the_boot, NULL),
        SHOWS(all_ones_at_the_boot_legacy, NULL),
        SHOWS(all_ones_in_recovery, NULL),
        SHOWS(wake_at_comes_forward_only, NULL),
        SHOWS(submits_do_not_put_the_tick_off, NULL),
        SHOWS(each_device_is_stopped_once, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
