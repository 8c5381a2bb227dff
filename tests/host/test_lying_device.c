/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lying_device.c - a device that writes nonsense into the used ring, changes words between two
 * looks, refuses to reset, asks for a reset, or disappears. Each time: no access out of bounds, one
 * line in the log, and every buffer back exactly once.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE 16
#define OUT  6

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static struct model_chain chain[OUT];

/* A ring with OUT buffers out, all taken by the device. */
static void boot(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, SIZE, bits, random_below(2));
    mq = &m->queues[0];
    q = td.q[0];
    for (unsigned i = 0; i < OUT; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK(model_pop(m, mq, &chain[i]));
    }
}

/* The queue broke; the device was reset and buried; `left` buffers came back through take_back. */
static void check_buried(unsigned left)
{
    struct virtq_done done[4];
    struct virtio_info info;

    host_run_services();
    host_run_for(100 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(td.taken_back, left);
    CHECK_EQ(td.done_count, OUT - left);
    CHECK_EQ(virtq_reap(q, done, 4), -EIO);
    CHECK_EQ(testdrv_submit(q, 7), -EIO);
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(!info.alive);
    CHECK(m->status & 128 && !(m->status & 4));
}

static void check_broken(unsigned left)
{
    model_raise(m, 1, mq);
    host_run_services();
    CHECK_EQ(host_log_matches("broken"), 1);
    CHECK(*q->cause != '\0');
    check_buried(left);
    CHECK_EQ(host_log_matches("broken"), 1);
}

static void bad_id(uint32_t id)
{
    boot();
    model_forge(m, mq, id, 4);
    model_show(m, mq);
    check_broken(OUT);
}

static void id_out_of_range(void)
{
    bad_id(SIZE);
}

static void id_wild(void)
{
    bad_id(UINT32_MAX);
}

static void id_with_high_bits(void)
{
    bad_id(0x10000);
}

static void id_with_top_bit(void)
{
    bad_id(0x80000000u);
}

static void id_not_outstanding(void)
{
    bad_id(SIZE - 1);
}

/* A descriptor inside a chain is no head. */
static void id_inside_a_chain(void)
{
    bad_id(1);
}

static void id_twice(void)
{
    boot();
    model_forge(m, mq, chain[2].head, 32);
    model_forge(m, mq, chain[2].head, 32);
    model_show(m, mq);
    check_broken(OUT - 1);
}

static void id_twice_in_two_batches(void)
{
    boot();
    model_complete(m, mq, &chain[2], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    model_forge(m, mq, chain[2].head, 32);
    model_show(m, mq);
    check_broken(OUT - 1);
}

static void good_ones_before_a_bad_one(void)
{
    boot();
    model_push(m, mq, &chain[4], 32);
    model_push(m, mq, &chain[0], 32);
    model_forge(m, mq, 0xffff, 0);
    model_show(m, mq);
    check_broken(OUT - 2);
}

static void index_jumps(uint16_t idx)
{
    boot();
    for (unsigned i = 0; i < SIZE; i++)
        model_put_used(mq, (uint16_t)i, chain[i % OUT].head, 4);
    model_put_used_idx(mq, idx);
    check_broken(OUT);
}

static void index_one_too_far(void)
{
    index_jumps(OUT + 1);
}

static void index_a_ring_too_far(void)
{
    index_jumps(OUT + SIZE);
}

static void index_goes_back(void)
{
    index_jumps(0xffff);
}

static void index_half_way(void)
{
    index_jumps(0x8000);
}

static void index_goes_back_later(void)
{
    boot();
    model_complete(m, mq, &chain[0], 32);
    host_run_services();
    model_put_used_idx(mq, 0);
    check_broken(OUT - 1);
}

static void length_is_clamped(void)
{
    static const uint32_t lens[OUT] = {0, 31, 32, 33, 0x80000000u, UINT32_MAX};

    boot();
    for (unsigned i = 0; i < OUT; i++)
        model_push(m, mq, &chain[i], lens[i]);
    model_publish(m, mq);
    host_run_services();
    CHECK_EQ(td.done_count, OUT);
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(td.done[i].len, lens[i] < 32 ? lens[i] : 32);
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
}

/* A broken queue stays so: nothing else the device writes is looked at, nothing is said twice. */
static void broken_stays_broken(void)
{
    struct virtq_done done[4];

    td.no_reap = true;
    boot();
    model_forge(m, mq, 99, 0);
    model_show(m, mq);
    CHECK_EQ(virtq_reap(q, done, 4), -EIO);
    CHECK_EQ(virtq_state(q), VIRTQ_BROKEN);
    host_log_events(true);
    for (unsigned i = 0; i < 100; i++) {
        model_forge(m, mq, chain[0].head, 4);
        model_show(m, mq);
        CHECK_EQ(virtq_reap(q, done, 4), -EIO);
        CHECK_EQ(testdrv_submit(q, 9), -EIO);
        CHECK_EQ(virtq_free_slots(q), 0);
        CHECK(!virtq_arm(q));
        virtq_disarm(q);
        CHECK(virtq_tick(q, hal_now_ns()) == HAL_NEVER);
    }
    CHECK_EQ(host_event_count(), 0);
    CHECK_EQ(host_log_matches("broken"), 1);
}

/* The wrap counter is the wrong one: nothing is used yet, and nothing happens. */
static void wrong_wrap(void)
{
    struct model_packed_desc *d;
    struct virtq_done done[4];

    boot();
    d = host_dma_pointer(mq->desc, 16);
    for (unsigned bits = 0; bits < 4; bits++) {
        if (bits == 3)
            continue; /* that would be the right one */
        d->flags = (uint16_t)((bits & 1) << 7 | (bits & 2) << 14);
        model_raise(m, 1, mq);
        host_run_services();
        CHECK_EQ(td.done_count, 0);
        CHECK_EQ(virtq_reap(q, done, 4), 0);
    }
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
    CHECK_EQ(virtq_in_flight(q), OUT);
    m->scribbles = true;
    model_complete(m, mq, &chain[0], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
}

/* ---- double fetch ---------------------------------------------------------------------------- */

static uint64_t fetched_at[64];
static unsigned fetched;

/*
 * Makes every word that tells of completions nonsense as soon as it was looked at. The flags of the
 * next packed descriptor, which show that there is no more, are looked at once more and left alone.
 */
static void spoil(const struct host_event *e, void *ctx)
{
    uintptr_t area = (uintptr_t)host_dma_pointer(mq->device, 4 + 8 * SIZE), len = 4 + 8 * SIZE;

    (void)ctx;
    if (case_variant == TD_PACKED) {
        area = (uintptr_t)host_dma_pointer(mq->desc, 16 * SIZE);
        len = 2 * 16 * OUT;
    }
    if ((e->kind != HOST_LOAD && e->kind != HOST_OBSERVE) || e->addr - area >= len)
        return;
    for (unsigned i = 0; i < fetched; i++)
        if (fetched_at[i] == e->addr)
            host_violation("the word at %u is loaded twice", (unsigned)(e->addr - area));
    fetched_at[fetched++ % 64] = e->addr;
    if (e->width == 4)
        *(uint32_t *)(uintptr_t)e->addr = 0xffffffff;
    else
        *(uint16_t *)(uintptr_t)e->addr = 0x7777;
}

static void words_change_after_the_first_look(void)
{
    struct virtq_done done[OUT + 1];

    td.no_reap = true;
    boot();
    for (unsigned i = 0; i < OUT; i++)
        model_push(m, mq, &chain[i], 20);
    model_publish(m, mq);
    host_set_hook(spoil, NULL);
    CHECK_EQ(virtq_reap(q, done, OUT + 1), OUT);
    host_set_hook(NULL, NULL);
    for (unsigned i = 0; i < OUT; i++) {
        CHECK_EQ(testdrv_number(done[i].cookie), i);
        CHECK_EQ(done[i].len, 20);
    }
    CHECK_EQ(virtq_in_flight(q), 0);
    CHECK_EQ(virtq_free_slots(q), SIZE);
}

/* ---- reset, failure, disappearance ----------------------------------------------------------- */

static void failure_gives_all_back(void)
{
    boot();
    model_complete(m, mq, &chain[1], 32);
    virtio_fail(td.dev, "a test says so");
    CHECK_EQ(td.deaths, 0); /* safe in service(): it happens in the next run */
    check_buried(OUT - 1);
    CHECK(host_logged("a test says so"));
}

static void device_needs_reset(void)
{
    boot();
    m->status |= 0x40;
    model_raise(m, 2, NULL);
    check_buried(OUT);
    CHECK_EQ(td.config_changes, 0);
    CHECK_EQ(host_irq_handlers(16), 0);
}

/* Buffers come back only when the status has read back as 0. */
static unsigned taken_at_reset;

static void note_reset(struct model *model, uint32_t status)
{
    (void)model;
    if (status == 0)
        taken_at_reset = td.taken_back + td.deaths;
}

static void slow_reset(void)
{
    boot();
    m->reset_reads = 1000;
    m->on.status = note_reset;
    virtio_fail(td.dev, "slow");
    check_buried(OUT);
    CHECK_EQ(taken_at_reset, 0);
    CHECK_EQ(m->reset_left, 0);
}

static void reset_never_completes(void)
{
    uint64_t start = hal_now_ns();

    boot();
    m->reset_never = true;
    virtio_fail(td.dev, "stuck");
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
    CHECK(hal_now_ns() - start < 5 * HAL_SEC);
    CHECK_EQ(host_log_matches("quarantine"), 1);
    host_run_for(10 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    /* The device still writes: into memory that is still there. */
    model_complete(m, mq, &chain[0], 32);
    CHECK(host_dma_is_block(q->desc_dma, q->ring_bytes));
}

static void device_disappears(void)
{
    uint64_t start = hal_now_ns();

    boot();
    m->gone = true;
    host_irq_pulse(m->irq);
    host_run_services();
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, OUT);
    CHECK(hal_now_ns() - start < 10 * HAL_SEC);
}

static void dead_device_is_left_alone(void)
{
    boot();
    virtio_fail(td.dev, "once");
    virtio_fail(td.dev, "twice");
    check_buried(OUT);
    unsigned trace = m->trace_len, services = td.services;
    virtio_wake(td.dev);
    virtio_fail(td.dev, "thrice");
    host_run_for(HAL_SEC);
    host_shutdown();
    CHECK_EQ(m->trace_len, trace);
    CHECK_EQ(td.services, services);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(host_log_matches("given up"), 1);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void undefined_causes(void)
{
    boot();
    host_run_services(); /* now an interrupt is asked for */
    m->bogus_interrupts = 0xfffffffc;
    model_complete(m, mq, &chain[0], 32);
    model_complete(m, mq, &chain[1], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 2);
    CHECK_EQ(td.config_changes, 0);
    CHECK(mq->irqs > 0);
}

static void both_causes_at_once(void)
{
    boot();
    host_irq_hold(true);
    model_complete(m, mq, &chain[0], 32);
    model_raise(m, 2, NULL);
    host_irq_hold(false);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(td.config_changes, 1);
    CHECK_EQ(m->interrupt_status, 0);
}

static void spurious_interrupts(void)
{
    boot();
    for (unsigned i = 0; i < 100; i++)
        host_irq_pulse(m->irq);
    host_run_services();
    CHECK_EQ(td.done_count, 0);
    model_complete(m, mq, &chain[0], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK(!host_irq_is_masked(m->irq));
}

/* A line that stays high with no cause: it is masked, and the device works on, polled. */
static void stuck_line(void)
{
    struct virtio_info info;

    boot();
    host_irq_set(m->irq, true);
    CHECK(host_irq_is_masked(m->irq));
    CHECK_EQ(host_log_matches("storm"), 1);
    model_complete(m, mq, &chain[0], 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(strcmp(info.wakeup, "polled") == 0);
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        EACH_RING(id_out_of_range, "SPLIT-29", "PACK-40"),
        EACH_RING(id_wild, "SPLIT-29", "PACK-40"),
        SHOWS(id_with_high_bits, "SPLIT-29"),
        CASE(id_with_top_bit),
        EACH_RING(id_not_outstanding, "SPLIT-29", "PACK-40"),
        CASE(id_inside_a_chain),
        EACH_RING(id_twice, NULL, "PACK-40"),
        EACH_RING(id_twice_in_two_batches, NULL, "PACK-40"),
        EACH_RING(good_ones_before_a_bad_one, NULL, NULL),
        CASE(index_one_too_far),
        CASE(index_a_ring_too_far),
        CASE(index_goes_back),
        CASE(index_half_way),
        CASE(index_goes_back_later),
        EACH_RING(length_is_clamped, NULL, "PACK-26"),
        EACH_RING(broken_stays_broken, NULL, NULL),
        EACH_RING(words_change_after_the_first_look, NULL, NULL),
        {"wrong_wrap_packed", wrong_wrap, "PACK-09", TD_PACKED},
        EACH_RING(failure_gives_all_back, NULL, NULL),
        EACH_RING(device_needs_reset, "INIT-04 INIT-23 MMIO-NOTIF-06",
                  "INIT-04 INIT-23 MMIO-NOTIF-06"),
        EACH_RING(slow_reset, "INIT-21 RST-01", "INIT-21 RST-01"),
        EACH_RING(reset_never_completes, "INIT-21", "INIT-21"),
        EACH_RING(device_disappears, NULL, NULL),
        EACH_RING(dead_device_is_left_alone, NULL, NULL),
        EACH_RING(undefined_causes, "MMIO-REG-18 MMIO-REG-20", "MMIO-REG-18 MMIO-REG-20"),
        EACH_RING(both_causes_at_once, "MMIO-NOTIF-05 MMIO-NOTIF-06 INIT-22",
                  "MMIO-NOTIF-05 MMIO-NOTIF-06 INIT-22"),
        EACH_RING(spurious_interrupts, "VQ-06", "VQ-06"),
        EACH_RING(stuck_line, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
