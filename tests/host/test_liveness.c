/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_liveness.c - nothing is lost: arming against completing, publishing against suppressing, in
 * every interleaving; kicks and interrupts that are missed are found by the tick, and counted; and
 * when none is missed, the tick does nothing (virtio 1.4, sections 2.7.7 and 2.7.10).
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE  16
#define TICKS (3 * VIRTQ_TICK)

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;

static void boot(bool event_idx)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, SIZE, bits, event_idx);
    mq = &m->queues[0];
    q = td.q[0];
    host_run_services();
}

static void serve_kick(struct model *model, struct model_queue *queue)
{
    model_serve(model, queue);
}

/* ---- arm and re-check ------------------------------------------------------------------------ */

static struct model_chain race_chain;
static enum host_event_kind race_kind;
static uintptr_t race_word;
static unsigned raced;

/* The device completes just before the driver's access to the word takes effect. */
static void complete_at(const struct host_event *e, void *ctx)
{
    (void)ctx;
    if (raced || e->kind != race_kind || e->addr != race_word)
        return;
    raced++;
    model_complete(m, mq, &race_chain, 32);
}

static void race(bool event_idx, bool at_check)
{
    uint64_t start;

    boot(event_idx);
    m->dead_silent = true; /* so that only the driver's own look can find it */
    testdrv_submit(q, 0);
    CHECK(model_pop(m, mq, &race_chain));
    race_kind = at_check ? HOST_CHECK : HOST_STORE;
    race_word = at_check ? testdrv_words(q).used : testdrv_words(q).arm;
    virtq_disarm(q);
    host_set_hook(complete_at, NULL);
    start = hal_now_ns();
    virtio_wake(td.dev);
    host_run_services();
    host_set_hook(NULL, NULL);
    CHECK_EQ(raced, 1);
    CHECK_EQ(td.done_count, 1);
    CHECK(hal_now_ns() - start < VIRTQ_TICK);
}

static void race_at_arming_flags(void)
{
    race(false, false);
}

static void race_at_check_flags(void)
{
    race(false, true);
}

static void race_at_arming_event(void)
{
    race(true, false);
}

static void race_at_check_event(void)
{
    race(true, true);
}

/* ---- every interleaving of a submit and the sleep after it with the device's five steps ------ */

enum { D_POP, D_ASK, D_POP_AGAIN, D_COMPLETE, D_INTERRUPT, D_STEPS };

static unsigned step_at[D_STEPS]; /* the driver event before which each step is done */
static unsigned next_step, event_number;
static struct model_chain dev_held[SIZE];
static unsigned dev_held_count;
static bool dev_awake;

static void device_pop(void)
{
    while (dev_held_count < SIZE && model_pop(m, mq, &dev_held[dev_held_count]))
        dev_held_count++;
}

static void device_complete(void)
{
    for (unsigned i = 0; i < dev_held_count; i++)
        model_push(m, mq, &dev_held[i], 32);
    dev_held_count = 0;
    model_show(m, mq);
}

static void device_interrupt(void)
{
    if (model_wants_irq(m, mq))
        model_raise(m, 1, mq);
}

static void device_step(unsigned step)
{
    if (step == D_POP || step == D_POP_AGAIN)
        device_pop();
    else if (step == D_ASK)
        model_want_kick(m, mq, true);
    else if (step == D_COMPLETE)
        device_complete();
    else
        device_interrupt();
}

static void device_between(const struct host_event *e, void *ctx)
{
    (void)e;
    (void)ctx;
    while (next_step < D_STEPS && step_at[next_step] <= event_number)
        device_step(next_step++);
    event_number++;
}

/* After its five steps the device sleeps, and only a kick wakes it: it starts over, at once. */
static void device_kicked(struct model *model, struct model_queue *queue)
{
    (void)model;
    (void)queue;
    dev_awake = next_step < D_STEPS;
    if (dev_awake)
        return;
    for (unsigned s = 0; s < D_STEPS; s++)
        device_step(s);
}

/* Runs the driver once; the number of events that it made. */
static unsigned interleave_once(unsigned round)
{
    uint64_t start = hal_now_ns();

    event_number = next_step = td.done_count = 0;
    host_set_hook(device_between, NULL);
    CHECK_EQ(testdrv_submit(q, 2 * (round % 1000)), 1);
    CHECK_EQ(testdrv_submit(q, 2 * (round % 1000) + 1), 1);
    virtio_wake(td.dev);
    host_run_services();
    host_set_hook(NULL, NULL);
    unsigned events = event_number;
    while (next_step < D_STEPS)
        device_step(next_step++);
    if (dev_awake) /* it was kicked while it was at work: it looks once more before it sleeps */
        device_kicked(m, mq);
    dev_awake = false;
    host_run_services();
    if (td.done_count != 2)
        check_fail(__FILE__, __LINE__, "steps at %u %u %u %u %u: %u of 2 back", step_at[0],
                   step_at[1], step_at[2], step_at[3], step_at[4], td.done_count);
    CHECK(hal_now_ns() - start < VIRTQ_TICK);
    return events;
}

static void interleave(bool event_idx)
{
    unsigned events, round = 0;

    boot(event_idx);
    host_time_step(1);
    m->on.kick = device_kicked;
    for (unsigned i = 0; i < D_STEPS; i++)
        step_at[i] = 1000;
    events = interleave_once(round++);
    CHECK(events > 5 && events < 60);
    unsigned n = events < 14 ? events : 14;
    for (unsigned a = 0; a <= n; a++)
        for (unsigned b = a; b <= n; b++)
            for (unsigned c = b; c <= n; c++)
                for (unsigned d = c; d <= n; d++)
                    for (unsigned e = d; e <= n; e++) {
                        unsigned at[D_STEPS] = {a, b, c, d, e};
                        memcpy(step_at, at, sizeof(at));
                        interleave_once(round++);
                    }
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
    CHECK_EQ(virtq_stats(q)->late, 0);
}

static void interleavings_flags(void)
{
    interleave(false);
}

static void interleavings_event(void)
{
    interleave(true);
}

/* ---- the tick -------------------------------------------------------------------------------- */

/* What QEMU before 8.1 does with one CPU: the driver's look at the suppression word comes too
 * early. */
static void ask_after_the_look(const struct host_event *e, void *ctx)
{
    (void)ctx;
    if (e->kind == HOST_CHECKED && e->addr == testdrv_words(q).suppression)
        model_want_kick(m, mq, true);
}

static void missed_kick(bool event_idx)
{
    boot(event_idx);
    m->on.kick = serve_kick;
    model_want_kick(m, mq, false);
    host_set_hook(ask_after_the_look, NULL);
    testdrv_submit(q, 0);
    host_set_hook(NULL, NULL);
    host_run_services();
    CHECK_EQ(mq->kicks, 0);
    CHECK_EQ(td.done_count, 0);
    host_run_for(TICKS);
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(virtq_stats(q)->rekicks, event_idx); /* a flag proves nothing: counted as a nudge */
    CHECK_EQ(virtq_stats(q)->nudges, !event_idx);
    CHECK_EQ(virtq_stats(q)->kicks, 1);
    CHECK_EQ(mq->kicks, 1);
    host_run_for(HAL_SEC);
    CHECK_EQ(mq->kicks, 1);
}

static void missed_kick_flags(void)
{
    missed_kick(false);
}

static void missed_kick_event(void)
{
    missed_kick(true);
}

/* Kicked, and slow: no tick kicks again. */
static void slow_device(bool event_idx)
{
    struct model_chain c;

    boot(event_idx);
    model_want_kick(m, mq, true);
    testdrv_submit(q, 0);
    CHECK_EQ(mq->kicks, 1);
    host_run_for(5 * HAL_SEC);
    CHECK_EQ(mq->kicks, 1);
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
    CHECK(model_pop(m, mq, &c));
    model_complete(m, mq, &c, 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(virtq_stats(q)->late, 0);
}

static void slow_device_flags(void)
{
    slow_device(false);
}

static void slow_device_event(void)
{
    slow_device(true);
}

/* A device that polls and wants no kicks, and works at its own pace: no kick, no rekick. */
static void polling_device(bool event_idx)
{
    struct model_chain c;

    boot(event_idx);
    for (unsigned i = 0; i < 200; i++) {
        model_want_kick(m, mq, false);
        testdrv_submit(q, i);
        CHECK(model_pop(m, mq, &c));
        model_want_kick(m, mq, false);
        host_run_for(2 * VIRTQ_TICK);
        model_complete(m, mq, &c, 32);
        host_run_services();
        CHECK_EQ(td.done_count, i + 1);
    }
    CHECK_EQ(mq->kicks, 0);
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
}

static void polling_device_flags(void)
{
    polling_device(false);
}

static void polling_device_event(void)
{
    polling_device(true);
}

/* A missed interrupt: the tick finds the completion, and says so in the counters. */
static void missed_interrupt(bool event_idx, bool expects_progress)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};
    struct model_chain c;

    testdrv_one_queue(SIZE, 2);
    td.cfg[0].expects_progress = expects_progress;
    m = testdrv_boot(MODEL_MMIO, SIZE, bits, event_idx);
    mq = &m->queues[0];
    q = td.q[0];
    testdrv_submit(q, 0);
    CHECK(model_pop(m, mq, &c));
    host_run_services();
    m->dead_silent = true;
    model_complete(m, mq, &c, 32);
    CHECK_EQ(td.done_count, 0);
    host_run_for(TICKS);
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(virtq_stats(q)->late, 1);
}

static void missed_interrupt_flags(void)
{
    missed_interrupt(false, true);
}

static void missed_interrupt_event(void)
{
    missed_interrupt(true, true);
}

/* Also on a queue that waits for the outside, right after it was armed. */
static void missed_interrupt_receive(void)
{
    missed_interrupt(true, false);
}

/* With nothing out there is nothing to look at: the machine sleeps. */
static void idle_sleeps(void)
{
    boot(true);
    m->on.kick = serve_kick;
    for (unsigned i = 0; i < SIZE / 2; i++)
        CHECK_EQ(testdrv_submit(q, i), 1);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.done_count, SIZE / 2);
    unsigned services = td.services, trace = m->trace_len;
    host_run_for(100 * HAL_SEC);
    CHECK(td.services - services <= 2);
    CHECK_EQ(m->trace_len, trace);
}

/* ---- interrupts, polled operation ------------------------------------------------------------ */

/* While nobody sleeps no interrupt is asked for; one that sleeps gets one. */
static void interrupts_only_when_asked(bool event_idx)
{
    struct model_chain c;

    td.no_reap = true;
    boot(event_idx);
    virtq_disarm(q);
    uint64_t irqs = mq->irqs;
    for (unsigned i = 0; i < 8; i++) {
        testdrv_submit(q, i);
        CHECK(model_pop(m, mq, &c));
        model_complete(m, mq, &c, 32);
    }
    CHECK(mq->irqs - irqs <= event_idx); /* an index cannot be unasked */
    irqs = mq->irqs;
    for (unsigned i = 0; i < 8; i++) {
        struct virtq_done done[8];

        CHECK(virtq_reap(q, done, 8) >= 0);
        CHECK(!virtq_arm(q));
        testdrv_submit(q, i);
        CHECK(model_pop(m, mq, &c));
        model_complete(m, mq, &c, 32);
        CHECK_EQ(mq->irqs - irqs, i + 1);
    }
}

static void interrupts_only_when_asked_flags(void)
{
    interrupts_only_when_asked(false);
}

static void interrupts_only_when_asked_event(void)
{
    interrupts_only_when_asked(true);
}

static void polled(const char *args)
{
    struct model_chain c;
    struct virtio_info info;

    host_set_bootargs(args);
    boot(random_below(2));
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(strcmp(info.wakeup, "polled") == 0);
    CHECK_EQ(host_irq_handlers(m->irq), 1); /* for its sleep */
    for (unsigned i = 0; i < 100; i++) {
        testdrv_submit(q, i);
        CHECK(model_pop(m, mq, &c));
        model_complete(m, mq, &c, 32);
        host_run_round();
        CHECK_EQ(td.done_count, i + 1);
    }
    CHECK_EQ(mq->irqs, 1); /* after the sleep since the boot */
}

static void polled_image(void)
{
    polled("vireo.poll=1");
}

static void polled_device(void)
{
    polled("vireo.poll=0 vireo.vtest0.poll=1");
}

/* A device without interrupts that changes its configuration, or asks for a reset, is heard. */
static void polled_change(void)
{
    struct virtio_info info;

    boot(false);
    host_irq_set(m->irq, true);
    CHECK(host_irq_is_masked(m->irq)); /* a storm: no interrupt is left */
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(strcmp(info.wakeup, "polled") == 0);
    m->interrupt_status = 2;
    for (unsigned i = 0; i < 2; i++) {
        host_advance(100 * HAL_MS);
        host_run_round();
    }
    CHECK_EQ(td.config_changes, 1);
    CHECK_EQ(m->interrupt_status, 0);
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    m->interrupt_status = 2;
    for (unsigned i = 0; i < 2; i++) {
        host_advance(100 * HAL_MS);
        host_run_round();
    }
    CHECK_EQ(td.deaths, 1);
}

/* The second cause comes up between the driver's look at the first and its acknowledgement. */
static void second_cause(const struct host_event *e, void *ctx)
{
    unsigned *left = ctx;

    if (e->kind == HOST_WRITE && *left && m->interrupt_status == 1) {
        (*left)--;
        m->interrupt_status |= 2;
    }
}

/* The device holds its line until all is acknowledged; on an edge-triggered one no more came. */
static void cause_between_look_and_acknowledgement(void)
{
    unsigned once = 1;
    struct model_chain c;

    boot(false);
    testdrv_submit(q, 0);
    CHECK(model_pop(m, mq, &c));
    host_run_services();
    host_set_hook(second_cause, &once);
    model_complete(m, mq, &c, 32);
    host_set_hook(NULL, NULL);
    CHECK_EQ(once, 0);
    CHECK_EQ(m->interrupt_status, 0);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(td.config_changes, 1);
}

/*
 * A slow device whose suppression word proves nothing: buffers that no kick announced are kicked
 * once more, and that is no missed kick.
 */
static void slow_and_suppressed(void)
{
    struct model_chain c;

    boot(true);
    model_want_kick(m, mq, false);
    testdrv_submit(q, 0);
    CHECK(model_pop(m, mq, &c));
    host_run_for(HAL_SEC);
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
    CHECK_EQ(virtq_stats(q)->nudges, 1);
    model_complete(m, mq, &c, 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
}

/* A handler reads the cause, acknowledges it once, looks that none is left, and drains nothing. */
static void handler_does_little(void)
{
    struct model_chain c;
    enum host_event_kind last = HOST_LOAD;
    unsigned reads = 0, writes = 0;

    boot(true);
    testdrv_submit(q, 0);
    CHECK(model_pop(m, mq, &c));
    host_run_services();
    host_set_hook(NULL, NULL);
    unsigned services = td.services;
    host_log_events(true);
    model_complete(m, mq, &c, 32);
    host_log_events(false);
    CHECK_EQ(td.services, services);
    CHECK_EQ(td.done_count, 0);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        reads += e->kind == HOST_READ;
        writes += e->kind == HOST_WRITE;
        CHECK(e->kind != HOST_OBSERVE && e->kind != HOST_LOAD);
        if (e->kind != HOST_STORE) /* that disarms */
            last = e->kind;
    }
    CHECK_EQ(reads, 2); /* the cause, and that nothing came up meanwhile */
    CHECK_EQ(writes, 1);
    CHECK_EQ(last, HOST_ACK_ORDER);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(race_at_arming_flags, "SPLIT-33", "PACK-39"),
        EACH_RING(race_at_check_flags, "SPLIT-33", "PACK-39"),
        EACH_RING(race_at_arming_event, "SPLIT-33", "PACK-39"),
        EACH_RING(race_at_check_event, "SPLIT-33", "PACK-39"),
        EACH_RING(interleavings_flags, "SPLIT-28 SPLIT-33 NOTIF-08",
                  "PACK-36 PACK-39 NOTIF-PACK-01"),
        EACH_RING(interleavings_event, "SPLIT-28 SPLIT-33 NOTIF-10",
                  "PACK-36 PACK-39 NOTIF-PACK-04"),
        EACH_RING(missed_kick_flags, NULL, NULL),
        EACH_RING(missed_kick_event, NULL, NULL),
        EACH_RING(slow_device_flags, NULL, NULL),
        EACH_RING(slow_device_event, NULL, NULL),
        EACH_RING(polling_device_flags, "NOTIF-07", "NOTIF-PACK-01"),
        EACH_RING(polling_device_event, "NOTIF-11", "NOTIF-PACK-01"),
        EACH_RING(missed_interrupt_flags, NULL, NULL),
        EACH_RING(missed_interrupt_event, NULL, NULL),
        EACH_RING(missed_interrupt_receive, NULL, NULL),
        EACH_RING(idle_sleeps, NULL, NULL),
        EACH_RING(interrupts_only_when_asked_flags, "NOTIF-02 NOTIF-12", "NOTIF-PACK-07"),
        EACH_RING(interrupts_only_when_asked_event, "NOTIF-04", "NOTIF-PACK-07"),
        EACH_RING(polled_image, NULL, NULL),
        EACH_RING(polled_device, NULL, NULL),
        EACH_RING(polled_change, "INIT-22 INIT-23", "INIT-22 INIT-23"),
        EACH_RING(cause_between_look_and_acknowledgement, "MMIO-NOTIF-05 MMIO-REG-19",
                  "MMIO-NOTIF-05 MMIO-REG-19"),
        EACH_RING(slow_and_suppressed, NULL, NULL),
        EACH_RING(handler_does_little, "MMIO-NOTIF-03 MMIO-NOTIF-05 MMIO-REG-19",
                  "MMIO-NOTIF-03 MMIO-NOTIF-05 MMIO-REG-19"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
