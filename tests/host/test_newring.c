/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_newring.c - the ring format of docs/another-ring.md (newring/counted.c) against its device's
 * side (newring/model_counted.c), lawful and not. The image's lists are those of newring/rings.c.
 */
#include <stdlib.h>
#include <string.h>

#include "newring/counted.h"
#include "newring/model_counted.h"
#include "rig.h"
#include "virtio/device.h"

/* RING_PACKED is offered as well, and does not matter: the image has no such format. */
#define INDIRECT 256
static const struct test_variant all[] = {{"mmio-direct", RIG(RIG_MMIO, 1)},
                                          {"mmio-indirect", RIG(RIG_MMIO, 1) | INDIRECT},
                                          {"pci-direct", RIG(RIG_PCI, 1)},
                                          {"pci-indirect", RIG(RIG_PCI, 1) | INDIRECT},
                                          {NULL, 0}};

static bool indirect(void)
{
    return case_variant & INDIRECT;
}

static void make(unsigned bit)
{
    const unsigned bits[] = {COUNTED_F_RING, bit, VIRTIO_F_INDIRECT_DESC};

    rig_make(bits, indirect() ? 3 : 2);
    rig.m->ring = &model_counted_ring;
}

static void boot(void)
{
    make(COUNTED_F_RING);
    rig_boot();
    CHECK(rig.dev != NULL);
    CHECK(rig.q->ring == &virtq_counted);
    model_want_kick(rig.m, rig.mq, true);
}

static struct counted_queue *counted(void)
{
    return (struct counted_queue *)rig.q;
}

/* ---- at work --------------------------------------------------------------------------------- */

static void chosen_and_works(void)
{
    struct virtio_info i;

    boot();
    CHECK_EQ(virtio_info(0, &i), 0);
    CHECK(strcmp(i.ring, "counted") == 0);
    CHECK_EQ(rig.q->indirect, indirect());
    rig_check_works();
    CHECK(i.interrupts == 0 && virtio_info(0, &i) == 0 && i.interrupts > 0);
    CHECK_EQ(virtq_stats(rig.q)->rekicks + virtq_stats(rig.q)->nudges, 0);
}

static void not_offered(void)
{
    rig_make(NULL, 0);
    rig_boot();
    CHECK(rig.q->ring == &virtq_split);
    rig_check_works();
}

static void counts_wrap(void)
{
    boot();
    counted()->next_call.count = counted()->next_answer.count = 0xfff0;
    model_counted_start_count(rig.mq, 0xfff0);
    rig_check_works();
    CHECK(counted()->next_call.count < 0x100);
}

static void kicks_tell_the_position(void)
{
    make(VIRTIO_F_NOTIFICATION_DATA);
    rig_boot();
    CHECK(model_accepted(rig.m, VIRTIO_F_NOTIFICATION_DATA));
    rig_check_works();
}

static void sizes(void)
{
    const struct {
        unsigned wanted, size;
    } rule[] = {{0, 0}, {1, 0}, {2, 2}, {3, 3}, {255, 255}, {256, 256}, {257, 256}, {1024, 256}};

    for (unsigned i = 0; i < sizeof(rule) / sizeof(rule[0]); i++)
        CHECK_EQ(virtq_counted.size_rule(rule[i].wanted), rule[i].size);
    host_set_bootargs("vireo.qsize=7");
    boot();
    CHECK_EQ(virtq_size(rig.q), 7);
    rig_check_works();
}

static void a_size_that_cannot_be(void)
{
    host_set_bootargs("vireo.qsize=1");
    make(COUNTED_F_RING);
    rig_boot();
    CHECK(rig.dev == NULL);
    CHECK(host_logged("no usable size"));
}

static void full_ring(void)
{
    unsigned room = indirect() ? RIG_SIZE : RIG_SIZE / 2;

    boot();
    rig.serve = false;
    for (unsigned i = 0; i < room; i++)
        CHECK(rig_submit() >= 0);
    CHECK_EQ(virtq_free_slots(rig.q), 0);
    CHECK_EQ(rig_submit(), -EAGAIN);
    rig_check();
    CHECK_EQ(model_serve(rig.m, rig.mq), room);
    host_run_services();
    CHECK_EQ(rig_completed(), room);
    rig_check_works();
}

/* Of a batch nothing is seen before it is complete (the model judges), and the device is kicked
 * once. The fourth request is malformed. */
static void batch(void)
{
    struct virtq_request r[4];
    struct virtq_seg segs[2];
    uint8_t *p;

    boot();
    p = hal_dma_alloc(64, 16, &segs[0].addr);
    CHECK(p != NULL);
    rig.blocks++;
    segs[1].addr = segs[0].addr + 32;
    segs[0].len = segs[1].len = 32;
    rig.serve = false;
    for (unsigned i = 0; i < 4; i++) {
        r[i] = (struct virtq_request){segs, 2, 0, i < 3 ? &rig.buffer[i] : NULL};
        if (i < 3) {
            rig.buffer[i].place = RIG_OUT;
            rig.buffer[i].since = hal_now_ns();
            rig.buffer[i].submitted++;
        }
    }
    rig.m->cached = true; /* one memory for all three, which the device only reads */
    CHECK_EQ(virtq_submit(rig.q, r, 4), 3);
    CHECK_EQ(virtq_submit(rig.q, r + 3, 1), -EINVAL);
    CHECK_EQ(rig.mq->published, 3);
    CHECK_EQ(rig.mq->kicks, 1);
    rig_check();
}

static void answers_in_any_order(void)
{
    struct model_chain chain[6];

    boot();
    for (unsigned round = 0; round < 20; round++) {
        rig_hand_out(6, chain);
        for (unsigned i = 0; i < 6; i++)
            model_push(rig.m, rig.mq, &chain[(i * 5 + round) % 6], i);
        model_publish(rig.m, rig.mq);
        host_run_services();
        rig_check();
        CHECK_EQ(rig_out(), 0);
    }
    CHECK_EQ(rig_completed(), 120);
}

/* ---- notifications --------------------------------------------------------------------------- */

/* An answer between the last look and the arming is found by the arming. */
static void arming_looks_again(void)
{
    struct model_chain chain[1];

    boot();
    rig_hand_out(1, chain);
    virtq_disarm(rig.q);
    CHECK(!model_wants_irq(rig.m, rig.mq));
    CHECK(!virtq_arm(rig.q));
    CHECK(model_wants_irq(rig.m, rig.mq));
    virtq_disarm(rig.q);
    model_push(rig.m, rig.mq, &chain[0], 1);
    model_show(rig.m, rig.mq);
    CHECK(virtq_arm(rig.q));
    host_run_services();
}

/* The device falls asleep while the driver publishes, and hears of it from the tick. */
static void missed_kick(void)
{
    boot();
    model_want_kick(rig.m, rig.mq, false);
    CHECK(rig_submit() >= 0);
    CHECK_EQ(rig.mq->kicks, 0);
    model_want_kick(rig.m, rig.mq, true);
    host_run_for(5 * VIRTQ_TICK);
    CHECK_EQ(rig.mq->kicks, 1);
    CHECK_EQ(rig_completed(), 1);
}

/* ---- trouble --------------------------------------------------------------------------------- */

#define OUT 5
static struct model_chain out[OUT];
static enum model_used_word lie_word;
static uint32_t lie_value;

/* The second answer is a lie. */
static void on_put(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    (void)c;
    if (rig.mq->pushes != 1)
        return;
    m->lied = true;
    model_amend(q, lie_word, lie_value);
}

static void answer_with_a_lie(enum model_used_word word, uint32_t value)
{
    lie_word = word;
    lie_value = value;
    rig.mq->pushes = 0;
    rig.m->on.put = on_put;
    for (unsigned i = 0; i < OUT; i++)
        model_push(rig.m, rig.mq, &out[i], out[i].write_bytes);
    model_publish(rig.m, rig.mq);
    rig.m->on.put = NULL;
}

static void boot_and_hand_out(void)
{
    boot();
    rig_hand_out(OUT, out);
}

/* One buffer came back; the others are cancelled; the queue works again. */
static void breaks(const char *cause)
{
    rig_check_broken(cause);
    CHECK_EQ(rig_cancelled(), OUT - 1);
}

static void id_out_of_range(void)
{
    boot_and_hand_out();
    answer_with_a_lie(MODEL_USED_ID, RIG_SIZE);
    breaks("used id out of range");
}

static void id_twice(void)
{
    boot_and_hand_out();
    answer_with_a_lie(MODEL_USED_ID, out[0].head);
    breaks("used id is not outstanding");
}

static void length_too_long(void)
{
    boot_and_hand_out();
    answer_with_a_lie(MODEL_USED_LEN, RIG_WRITABLE + 1);
    breaks("an answer is longer than its buffer");
}

/* An entry without the count that is due is no answer: the driver's deadline notices. */
static void wrong_count(void)
{
    boot_and_hand_out();
    for (unsigned i = 0; i < OUT; i++)
        model_push(rig.m, rig.mq, &out[i], out[i].write_bytes);
    model_amend(rig.mq, MODEL_USED_FLAGS, 1);
    rig.m->lied = true;
    model_publish(rig.m, rig.mq);
    rig_check_broken("a buffer was not used in time");
    CHECK_EQ(rig_cancelled(), 1);
}

static void a_queue_is_reset(void)
{
    uint64_t resets;

    make(VIRTIO_F_RING_RESET);
    rig_boot();
    rig_hand_out(OUT, out);
    resets = rig.m->resets;
    virtq_fail(rig.q, "test");
    rig_check_broken("test");
    CHECK_EQ(rig.m->resets, resets);
    CHECK_EQ(rig_cancelled(), OUT);
}

#define ON_ALL(f)                                                                                  \
    {                                                                                              \
#f, f, "", 0, all                                                                          \
    }

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        ON_ALL(chosen_and_works),
        {"not_offered", not_offered, "", RIG(RIG_MMIO, 1), NULL},
        ON_ALL(counts_wrap),
        ON_ALL(kicks_tell_the_position),
        {"sizes", sizes, "", RIG(RIG_MMIO, 1), NULL},
        ON_ALL(a_size_that_cannot_be),
        ON_ALL(full_ring),
        ON_ALL(batch),
        ON_ALL(answers_in_any_order),
        ON_ALL(arming_looks_again),
        ON_ALL(missed_kick),
        ON_ALL(id_out_of_range),
        ON_ALL(id_twice),
        ON_ALL(length_too_long),
        ON_ALL(wrong_count),
        ON_ALL(a_queue_is_reset),
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
