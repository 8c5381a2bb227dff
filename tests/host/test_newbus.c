/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_newbus.c - the transport of docs/another-transport.md (newbus/mailbox.c), in front of the
 * device model, on both rings, by interrupt and polled. Two drivers use it: that of rig.h, which
 * follows each buffer, and that of docs/new-device.md, which reads a configuration space.
 */
#include "../apps/newdev/sum.c"

#include <stdlib.h>
#include <string.h>

#include "newbus/model_mailbox.h"
#include "rig.h"
#include "virtio/device.h"

#define POLLED 256
static const struct test_variant all[] = {{"split-irq", RIG(RIG_MMIO, 0)},
                                          {"packed-irq", RIG(RIG_MMIO, 1)},
                                          {"split-poll", RIG(RIG_MMIO, 0) | POLLED},
                                          {"packed-poll", RIG(RIG_MMIO, 1) | POLLED},
                                          {NULL, 0}};

static void boot_with(const unsigned *bits, unsigned n)
{
    host_set_bootargs(case_variant & POLLED ? "vireo.poll=1" : "");
    rig_make(bits, n);
    rig.plug = model_plug_mailbox;
    rig_boot();
}

static void boot(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    boot_with(bits, 2);
    CHECK(rig.dev != NULL);
}

static struct virtio_info info(void)
{
    struct virtio_info i;

    CHECK_EQ(virtio_info(0, &i), 0);
    return i;
}

/* ---- found, and at work ---------------------------------------------------------------------- */

static void found_and_works(void)
{
    struct virtio_info i;

    boot();
    i = info();
    CHECK(strcmp(i.transport, "mailbox") == 0);
    CHECK(strcmp(i.ring, rig_is_packed() ? "packed" : "split") == 0);
    CHECK(strcmp(i.wakeup, case_variant & POLLED ? "polled" : "irq") == 0);
    CHECK(model_accepted(rig.m, VIRTIO_F_EVENT_IDX));
    CHECK(model_mailbox_may_reach_memory());
    rig_check_works();
    CHECK(info().interrupts > 0);                /* polled: one ends each sleep */
    CHECK(strcmp(info().wakeup, i.wakeup) == 0); /* no line stayed high until it was masked */
    CHECK_EQ(virtq_stats(rig.q)->rekicks, 0);
}

/* Kicks tell the position; the adapter compares it with the model's. */
static void kicks_tell_the_position(void)
{
    static const unsigned bit = VIRTIO_F_NOTIFICATION_DATA;

    boot_with(&bit, 1);
    CHECK(model_accepted(rig.m, bit));
    rig_check_works();
}

static void add_up(struct model *m, struct model_queue *q)
{
    struct model_chain c;

    while (q->index == Q_REQUESTS && model_pop(m, q, &c)) {
        uint32_t numbers[SUM_NUMBERS], n = model_gather(&c, 0, numbers, sizeof(numbers)) / 4;
        uint64_t total = 0;

        for (uint32_t i = 0; i < n; i++)
            total += numbers[i];
        model_scatter(&c, 0, &total, c.write_bytes);
        model_complete(m, q, &c, c.write_bytes);
    }
    model_want_kick(m, q, true);
}

static uint64_t last_sum;

static void on_sum(void *ctx, int err, uint64_t total)
{
    CHECK_EQ(err, 0);
    last_sum = total;
    ++*(unsigned *)ctx;
}

/* Data goes both ways; the configuration space is read, at the boot and when it changes. */
static void carries_data_and_configuration(void)
{
    static const uint32_t numbers[SUM_NUMBERS] = {1, 20, 300, 4000};
    struct model *m = calloc(1, sizeof(*m));
    unsigned answers = 0;

    host_set_bootargs(case_variant & POLLED ? "vireo.poll=1" : "");
    model_init(m, MODEL_MMIO, SUM_ID);
    m->queues[Q_REQUESTS].max = m->queues[Q_REPORTS].max = 16;
    model_offer(m, SUM_F_LIMIT);
    model_field(m, CONFIG_LIMIT, 4, 3);
    m->on.kick = add_up;
    rig.plug = model_plug_mailbox;
    rig_plug(m);
    model_watch(m);
    host_boot();
    for (unsigned i = 1; i <= 3; i++) {
        CHECK_EQ(sum_request(numbers, i, on_sum, &answers), 0);
        host_run_services();
        CHECK_EQ(answers, i);
        CHECK_EQ(last_sum, i == 1 ? 1 : i == 2 ? 21 : 321);
    }
    CHECK_EQ(sum_request(numbers, 4, on_sum, &answers), -EINVAL);
    model_field(m, CONFIG_LIMIT, 4, 4);
    m->generation++;
    model_raise(m, VIRTIO_CAUSE_CONFIG, NULL);
    host_run_for(2 * VIRTIO_LOOK_PERIOD);
    host_run_services();
    CHECK_EQ(sum_request(numbers, 4, on_sum, &answers), 0);
    host_run_services();
    CHECK_EQ(last_sum, 4321);
}

static void nothing_that_is_wanted(void)
{
    struct model *m = calloc(1, sizeof(*m));

    model_init(m, MODEL_MMIO, 60); /* a type without a driver: the device is left alone */
    model_plug_mailbox(m);
    host_boot();
    CHECK(virtio_next(NULL) == NULL);
    CHECK(!model_mailbox_may_reach_memory());
    CHECK_EQ(m->resets, 0);
}

/* ---- trouble --------------------------------------------------------------------------------- */

static void broken_rules_are_recovered(void)
{
    struct model_chain chain[5];

    boot();
    rig_hand_out(5, chain);
    model_forge(rig.m, rig.mq, RIG_SIZE, 0);
    rig.m->lied = true;
    model_publish(rig.m, rig.mq);
    rig_check_broken("used id out of range");
    CHECK_EQ(rig_cancelled(), 5);
}

static void asks_for_a_reset(void)
{
    boot();
    for (unsigned i = 1; i <= 3; i++) {
        rig.m->reset_reads = 40;
        rig.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(rig.m, VIRTIO_CAUSE_CONFIG, NULL);
        host_run_for(HAL_SEC);
        CHECK_EQ(rig_settle(), RIG_RECOVERED);
        CHECK_EQ(info().recoveries, i);
        rig_check_works();
    }
}

/* The queue alone: the device is not reset. */
static void a_queue_is_reset(void)
{
    static const unsigned bit = VIRTIO_F_RING_RESET;
    struct model_chain chain[3];
    uint64_t resets;

    boot_with(&bit, 1);
    rig_hand_out(3, chain);
    resets = rig.m->resets;
    rig.m->queue_reset_reads = 20;
    virtq_fail(rig.q, "test");
    rig_check_broken("test");
    CHECK_EQ(rig.m->resets, resets);
    CHECK_EQ(rig_cancelled(), 3);
}

/* No reset completes: the device is kept from memory. */
static void cut_off(void)
{
    boot();
    rig.m->reset_never = true;
    virtio_fail(rig.dev, "test");
    CHECK_EQ(rig_settle(), RIG_GIVEN_UP);
    CHECK(rig.quarantine);
    CHECK(!model_mailbox_may_reach_memory());
}

/* Pulled out with buffers on both sides, and put back: under its name, with the memory unharmed. */
static void pulled_out_and_put_back(void)
{
    struct model_chain chain[4];

    boot();
    for (unsigned i = 1; i <= 3; i++) {
        rig_hand_out(4, chain);
        model_mailbox_here(rig.m, false);
        host_run_for(HAL_SEC);
        CHECK(!virtio_works(rig.dev));
        CHECK_EQ(rig_out(), 0);
        CHECK_EQ(rig.deaths, i);
        CHECK(!rig.quarantine);
        model_mailbox_here(rig.m, true);
        host_run_for(HAL_SEC);
        CHECK(virtio_works(rig.dev));
        CHECK(model_mailbox_may_reach_memory());
        rig.dead = false;
        rig_check_works();
    }
}

/* Another device in its place is not taken for it, and may not reach memory. */
static void another_in_its_place(void)
{
    boot();
    model_mailbox_here(rig.m, false);
    host_run_for(HAL_SEC);
    rig.m->device_id++;
    model_mailbox_here(rig.m, true);
    host_run_for(HAL_SEC);
    CHECK(!virtio_works(rig.dev));
    CHECK(!model_mailbox_may_reach_memory());
}

static void the_image_ends(void)
{
    boot();
    host_shutdown();
    CHECK_EQ(rig.m->status, 0);
    CHECK(!model_mailbox_may_reach_memory());
}

#define ON_ALL(f)                                                                                  \
    {                                                                                              \
#f, f, "", 0, all                                                                          \
    }

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        ON_ALL(found_and_works),
        ON_ALL(kicks_tell_the_position),
        ON_ALL(carries_data_and_configuration),
        SHOWS(nothing_that_is_wanted, ""),
        ON_ALL(broken_rules_are_recovered),
        ON_ALL(asks_for_a_reset),
        ON_ALL(a_queue_is_reset),
        ON_ALL(cut_off),
        ON_ALL(pulled_out_and_put_back),
        ON_ALL(another_in_its_place),
        ON_ALL(the_image_ends),
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
