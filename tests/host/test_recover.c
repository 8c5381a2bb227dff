/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_recover.c - a device that broke is reset and comes back, over every transport and both rings
 * (virtio 1.4, sections 2.1.2, 2.4, 3.1.1): slow resets, resets that never complete, a device that
 * is another one afterwards, one that breaks again and again.
 */
#include <string.h>

#include "check.h"
#include "recovertest.h"

/* ---- what makes a device be reset ------------------------------------------------------------ */

static void say_so(void)
{
    virtio_fail(td.dev, "a test says so");
}

static void ask_for_reset(void)
{
    rt.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(rt.m, 2, NULL);
}

static void break_queue(void)
{
    rt_break_queue(0);
}

static void pass_deadline(void)
{
    virtq_fail(rt.q, "nothing came back in time");
    virtq_fail(rt.q, "and this is not said");
    CHECK_EQ(virtq_state(rt.q), VIRTQ_BROKEN);
    CHECK(strcmp(rt.q->cause, "nothing came back in time") == 0);
}

static const struct {
    void (*happen)(void);
    const char *cause;
} causes[] = {
    {say_so, "a test says so"},
    {ask_for_reset, "the device asks for a reset"},
    {break_queue, "out of range"},
    {pass_deadline, "nothing came back in time"},
};

/* Each of them, and its cause in the log once. */
static void every_cause(enum model_transport t)
{
    rt_boot_queues(t, 2, false);
    for (unsigned i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        rt_put_out();
        causes[i].happen();
        host_run_services();
        rt_recovered(i + 1);
        CHECK_EQ(td.taken_back, RT_OUT * (i + 1));
        CHECK_EQ(host_log_matches(causes[i].cause), 1);
        CHECK(strstr(rt_info().cause, causes[i].cause));
        rt_traffic();
        host_run_for(VIRTIO_HEALTHY);
    }
    CHECK_EQ(rt_info().resets, 4);
    CHECK_EQ(td.config_changes, 4); /* one might have been missed each time */
}

static void every_cause_mmio(void)
{
    every_cause(MODEL_MMIO);
}

static void every_cause_mmio_legacy(void)
{
    every_cause(MODEL_MMIO_LEGACY);
}

static void every_cause_pci(void)
{
    every_cause(MODEL_PCI);
}

static void every_cause_pci_legacy(void)
{
    every_cause(MODEL_PCI_LEGACY);
}

static void polled(void)
{
    host_set_bootargs("vireo.poll=1");
    testdrv_one_queue(RT_SIZE, 2);
    td.recovers = true;
    rt.m = testdrv_boot(MODEL_MMIO, RT_SIZE, NULL, 0);
    rt.mq = &rt.m->queues[0];
    rt.q = td.q[0];
    CHECK_EQ(testdrv_submit(rt.q, 0), 1);
    rt.m->reset_reads = 100;
    rt.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(rt.m, 2, NULL);
    for (unsigned i = 0; i < 4; i++)
        host_run_round();
    CHECK(!td.dev->service.polled); /* the CPU may sleep while nothing can be done */
    for (unsigned i = 0; i < 40; i++) {
        host_advance(VIRTIO_RESET_LOOK);
        host_run_round();
    }
    rt_recovered(1);
    host_run_services();
    CHECK_EQ(testdrv_submit(rt.q, 1), 1);
    CHECK_EQ(model_serve(rt.m, rt.mq), 1);
    host_run_round();
    CHECK(td.dev->service.polled);
}

/* ---- each buffer once ------------------------------------------------------------------------ */

static void complete_late(struct model *m, uint32_t status)
{
    if (status == 0 && td.lost[0] == 0)
        CHECK_EQ(td.taken_back, 0);
    (void)m;
}

/* One reaped, one that the device was done with and nobody reaped, one taken, one not. */
static void each_buffer_once(void)
{
    unsigned done;

    rt_boot(MODEL_MMIO);
    CHECK_EQ(testdrv_submit(rt.q, RT_OUT), 1);
    model_complete(rt.m, rt.mq, &rt.chain[0], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    td.no_reap = true;
    model_complete(rt.m, rt.mq, &rt.chain[1], 32);
    rt.m->on.status = complete_late;
    virtio_fail(td.dev, "test");
    host_run_services();
    done = td.done_count;
    CHECK_EQ(done, 1);
    CHECK_EQ(td.taken_back, 3); /* 1, 2, 3: testdrv checks that none of them comes twice */
    rt_recovered(1);
    td.no_reap = false;
    host_run_services();
    CHECK_EQ(td.done_count, done);
    rt_traffic();
}

static void submit_one(struct virtio_device *dev, struct virtq *q)
{
    (void)dev;
    CHECK_EQ(testdrv_submit(q, 100), 1);
}

/* Requests of queue_back are kicked, and answered. */
static void submitted_again(void)
{
    rt_boot(MODEL_MMIO);
    td.queue_back = submit_one;
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK_EQ(model_serve(rt.m, rt.mq), 1);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(testdrv_number(td.done[0].cookie), 100);
}

/* ---- resets that take their time ------------------------------------------------------------- */

static unsigned others;

static bool other_runs(struct hal_service *s)
{
    others++;
    s->next_ns = hal_now_ns() + HAL_MS;
    return false;
}

/*
 * Nothing is handed back before the status reads 0; a wake from outside changes nothing, and others
 * have their turn meanwhile.
 */
static void slow_reset(void)
{
    static struct hal_service other = {.name = "other", .run = other_runs, .next_ns = 1};
    uint64_t start;

    rt_boot(MODEL_MMIO);
    rt.m->reset_reads = 400;
    start = hal_now_ns();
    virtio_fail(td.dev, "slow");
    for (unsigned i = 0; i < 100; i++) {
        virtio_wake(td.dev);
        host_run_services();
        CHECK_EQ(td.taken_back + td.lost[0], 0);
        CHECK_EQ(testdrv_submit(rt.q, 9), -EIO);
        CHECK_EQ(virtq_state(rt.q), VIRTQ_RESETTING);
        CHECK(strcmp(rt_info().state, "resetting") == 0);
    }
    CHECK(hal_now_ns() - start < 2 * HAL_MS);
    hal_service_add(&other);
    host_run_for(100 * HAL_MS);
    CHECK(others >= 50);
    rt_recovered(1);
    rt_traffic();
}

static void check_never(enum model_transport t)
{
    rt_boot(t);
    rt.m->reset_never = true;
    virtio_fail(td.dev, "stuck");
    host_run_for(900 * HAL_MS);
    CHECK_EQ(td.deaths + td.lost[0], 0);
    host_run_for(200 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
    CHECK_EQ(td.lost[0], 0);
    CHECK_EQ(td.taken_back, RT_OUT);
    CHECK_EQ(virtq_state(rt.q), VIRTQ_GONE);
    CHECK_EQ(host_log_matches("given up"), 1);
    CHECK_EQ(host_log_matches("quarantine"), 1);
    CHECK(rt.m->status != VIRTIO_STATUS_FAILED);
    host_run_for(20 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK(strcmp(rt_info().state, "gone") == 0);
}

static void never_completes(void)
{
    check_never(MODEL_MMIO);
}

static void never_completes_pci(void)
{
    check_never(MODEL_PCI);
    CHECK(!model_pci_master(&rt.m->pci->fn));
}

/* All ones, whatever is read: nobody waits a second for that. */
static void all_ones(void)
{
    rt_boot(MODEL_MMIO);
    rt.m->gone = true;
    host_irq_pulse(rt.m->irq);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
    CHECK_EQ(td.taken_back, RT_OUT);
    CHECK_EQ(host_log_matches("no longer there"), 1);
}

/* ---- another device than before -------------------------------------------------------------- */

static void no_feature(void)
{
    model_withdraw(rt.m, TD_A);
}

static void feature_again(void)
{
    model_offer(rt.m, TD_A);
}

static void refuse_features(void)
{
    rt.m->refuse_features = true;
}

static void take_features(void)
{
    rt.m->refuse_features = false;
}

static void no_queue(void)
{
    rt.mq->max = 0;
}

static void small_queue(void)
{
    rt.mq->max = RT_SIZE / 2;
}

static void queue_again(void)
{
    rt.mq->max = RT_SIZE;
}

static const struct {
    void (*spoil)(void);
    void (*mend)(void);
    const char *why;
} changes[] = {
    {no_feature, feature_again, "no longer offered"},
    {refuse_features, take_features, "no longer accepted"},
    {no_queue, queue_again, "a queue is missing"},
    {small_queue, queue_again, "another size"},
};

/* A try fails, and the next one does not. Buffers are handed back once, though. */
static void comes_back_later(void)
{
    rt_boot(MODEL_MMIO);
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        changes[i].spoil();
        virtio_fail(td.dev, "test");
        host_run_services();
        CHECK(strcmp(rt_info().state, "waiting") == 0);
        CHECK_EQ(td.lost[0], i + 1);
        CHECK_EQ(rt.m->status, 0);
        CHECK_EQ(host_irq_handlers(rt.m->irq), 0);
        CHECK_EQ(host_log_matches(changes[i].why), 1);
        changes[i].mend();
        virtio_wake(td.dev);
        host_run_services();
        CHECK_EQ(td.back[0], i); /* the pause is kept */
        host_run_for(11 * HAL_MS);
        CHECK_EQ(td.back[0], i + 1);
        host_run_for(VIRTIO_HEALTHY);
    }
    CHECK_EQ(td.taken_back, RT_OUT);
    rt_recovered(4);
    rt_traffic();
}

static void stays_another(void)
{
    rt_boot(MODEL_MMIO);
    model_withdraw(rt.m, TD_A);
    virtio_fail(td.dev, "test");
    host_run_for(6 * HAL_SEC);
    CHECK_EQ(td.deaths, 0);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(td.returns + td.back[0], 0);
    CHECK_EQ(td.lost[0], 1);
    CHECK_EQ(td.taken_back, RT_OUT);
    CHECK_EQ(host_log_matches("given up after 5 resets"), 1);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED);
}

/* Additional features of the device are not accepted. */
static void offers_more(void)
{
    rt_boot(MODEL_MMIO);
    model_offer(rt.m, TD_B);
    virtio_fail(td.dev, "test");
    host_run_services();
    rt_recovered(1);
    CHECK(!model_accepted(rt.m, TD_B) && model_accepted(rt.m, TD_A));
}

static int not_mine(struct virtio_device *dev)
{
    (void)dev;
    return -ENODEV;
}

static void check_no_try(unsigned lost)
{
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(td.lost[0], lost);
    CHECK_EQ(td.back[0], 0);
    CHECK_EQ(td.taken_back, RT_OUT);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED && !(rt.m->status & VIRTIO_STATUS_DRIVER_OK));
    CHECK_EQ(host_irq_handlers(rt.m->irq), 0);
}

static void the_driver_says_no(void)
{
    rt_boot(MODEL_MMIO);
    td.returned = not_mine;
    virtio_fail(td.dev, "test");
    check_no_try(1);
}

static void refused(void)
{
    rt_boot(MODEL_MMIO);
    virtio_fail(td.dev, "before that");
    virtio_refuse(td.dev, "another one");
    virtio_fail(td.dev, "after that");
    check_no_try(0);
    CHECK_EQ(host_log_matches("given up: another one"), 1);
}

static void refused_while_it_is_reset(void)
{
    rt_boot(MODEL_MMIO);
    rt.m->reset_reads = 30;
    virtio_fail(td.dev, "test");
    host_run_services();
    virtio_refuse(td.dev, "another one");
    host_run_for(10 * HAL_MS);
    check_no_try(0);
}

/* ---- too often ------------------------------------------------------------------------------- */

static void break_again(struct virtio_device *dev, struct virtq *queue)
{
    (void)queue;
    virtio_fail(dev, "again");
}

/* Between two tries: the next one is not made. */
static void refused_in_a_pause(void)
{
    rt_boot(MODEL_MMIO);
    td.queue_back = break_again;
    virtio_fail(td.dev, "test");
    host_run_for(5 * HAL_MS);
    CHECK(strcmp(rt_info().state, "waiting") == 0);
    td.queue_back = NULL;
    virtio_refuse(td.dev, "another one");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine && td.back[0] == 1 && td.taken_back == RT_OUT);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED && !(rt.m->status & VIRTIO_STATUS_DRIVER_OK));
    CHECK_EQ(host_log_matches("given up after 1 resets: another one"), 1);
}

/* The pauses grow: 0, 10 ms, 100 ms, 1 s, 5 s. */
static void given_up_in_the_end(void)
{
    static const unsigned until_ms[] = {8, 80, 900, 5500, 6500};

    rt_boot(MODEL_MMIO);
    td.queue_back = break_again;
    virtio_fail(td.dev, "first");
    for (unsigned i = 0; i < 5; i++) {
        host_run_for((until_ms[i] - (i ? until_ms[i - 1] : 0)) * HAL_MS);
        CHECK_EQ(td.back[0], i + 1);
    }
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(host_log_matches("given up after 5 resets: again"), 1);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED);
}

static void healthy_in_between(void)
{
    rt_boot(MODEL_MMIO);
    for (unsigned i = 0; i < 20; i++) {
        virtio_fail(td.dev, "now and then");
        host_run_services();
        rt_recovered(i + 1); /* at once: without a pause */
        host_run_for(VIRTIO_HEALTHY);
    }
}

/* Nine seconds are not enough: the next pauses come. */
static void not_healthy_for_long(void)
{
    rt_boot(MODEL_MMIO);
    for (unsigned i = 0; i < 5; i++) {
        virtio_fail(td.dev, "now and then");
        host_run_for(9 * HAL_SEC);
        CHECK_EQ(td.back[0], i + 1);
    }
    virtio_fail(td.dev, "now and then");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
}

static void as_often_as_told(void)
{
    host_set_bootargs("vireo.vtest0.resets=1");
    rt_boot(MODEL_MMIO);
    virtio_fail(td.dev, "once");
    host_run_services();
    rt_recovered(1);
    virtio_fail(td.dev, "twice");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
}

static void told_never(void)
{
    host_set_bootargs("vireo.resets=0");
    rt_boot(MODEL_MMIO);
    virtio_fail(td.dev, "once");
    check_no_try(0);
}

static void a_thousand_times(void)
{
    int64_t blocks;

    rt_boot(MODEL_MMIO);
    virtio_fail(td.dev, "test");
    host_run_services();
    blocks = host_live_blocks();
    for (unsigned i = 0; i < 1000; i++) {
        rt_put_out();
        host_run_for(VIRTIO_HEALTHY);
        virtio_fail(td.dev, "test");
        host_run_services();
    }
    CHECK_EQ(host_live_blocks(), blocks);
    CHECK_EQ(td.taken_back, RT_OUT * 1001);
    CHECK_EQ(td.back[0], 1001);
    CHECK_EQ(rt_info().recoveries, 1001);
    rt_traffic();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(every_cause_mmio, "INIT-23", "INIT-23"),
        SHOWS(every_cause_mmio_legacy, NULL),
        EACH_RING(every_cause_pci, "INIT-23", "INIT-23"),
        SHOWS(every_cause_pci_legacy, NULL),
        SHOWS(polled, NULL),
        EACH_RING(each_buffer_once, NULL, NULL),
        EACH_RING(submitted_again, NULL, NULL),
        EACH_RING(slow_reset, NULL, NULL),
        EACH_RING(never_completes, NULL, NULL),
        SHOWS(never_completes_pci, NULL),
        SHOWS(all_ones, NULL),
        SHOWS(comes_back_later, NULL),
        SHOWS(stays_another, NULL),
        SHOWS(offers_more, NULL),
        SHOWS(the_driver_says_no, NULL),
        SHOWS(refused, NULL),
        SHOWS(refused_while_it_is_reset, NULL),
        SHOWS(refused_in_a_pause, NULL),
        SHOWS(given_up_in_the_end, NULL),
        SHOWS(healthy_in_between, NULL),
        SHOWS(not_healthy_for_long, NULL),
        SHOWS(as_often_as_told, NULL),
        SHOWS(told_never, NULL),
        EACH_RING(a_thousand_times, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
