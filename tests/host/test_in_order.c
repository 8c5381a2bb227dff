/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_in_order.c - a device that works in order and says so once a batch (virtio 1.4, sections
 * 2.7.9 and 2.8.8), over both rings. Random traffic of the kind is in test_traffic.c.
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

/* OUT buffers of two descriptors are with the device. */
static void boot(bool event_idx)
{
    const unsigned bits[] = {VIRTIO_F_IN_ORDER, VIRTIO_F_EVENT_IDX};

    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, SIZE, bits, 1 + event_idx);
    mq = &m->queues[0];
    q = td.q[0];
    for (unsigned i = 0; i < OUT; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK(model_pop(m, mq, &chain[i]));
    }
}

/* One entry for chains first..last. */
static void complete(unsigned first, unsigned last, uint32_t len)
{
    for (unsigned i = first; i < last; i++)
        model_skip(mq, &chain[i]);
    model_push(m, mq, &chain[last], len);
}

/* Buffers before the last of a batch were used completely; the last has the reported length. */
static void one_entry_for_many(void)
{
    boot(false);
    complete(0, 3, 5);
    complete(4, 4, 0);
    complete(5, 5, 99);
    model_publish(m, mq);
    host_run_services();
    CHECK_EQ(td.done_count, OUT);
    for (unsigned i = 0; i < OUT; i++) {
        static const uint32_t lens[OUT] = {32, 32, 32, 5, 0, 32};

        CHECK_EQ(testdrv_number(td.done[i].cookie), i);
        CHECK_EQ(td.done[i].len, lens[i]);
    }
    CHECK_EQ(virtq_free_slots(q), SIZE);
}

/* Less room than a batch: the rest comes next time, without another look at the entry. */
static void batch_in_pieces(void)
{
    struct virtq_done done[4];

    td.no_reap = true;
    boot(true);
    complete(0, 4, 7);
    model_publish(m, mq);
    CHECK_EQ(virtq_reap(q, done, 2), 2);
    CHECK_EQ(testdrv_number(done[1].cookie), 1);
    CHECK_EQ(virtq_in_flight(q), OUT - 2);
    CHECK(virtq_arm(q)); /* three are waiting */
    CHECK_EQ(testdrv_submit(q, 10), 1);
    CHECK_EQ(virtq_reap(q, done, 2), 2);
    CHECK_EQ(virtq_reap(q, done, 4), 1);
    CHECK_EQ(testdrv_number(done[0].cookie), 4);
    CHECK_EQ(done[0].len, 7);
    CHECK(!virtq_arm(q));
    CHECK_EQ(virtq_in_flight(q), 2);
    complete(5, 5, 32);
    model_publish(m, mq);
    CHECK_EQ(virtq_reap(q, done, 4), 1);
    CHECK_EQ(testdrv_number(done[0].cookie), 5);
}

/* ---- lies ------------------------------------------------------------------------------------ */

/* Nothing of the batch comes out; the device is reset, and all is taken back. */
static void lie(uint32_t id, unsigned good)
{
    boot(false);
    if (good)
        complete(0, good - 1, 32);
    model_forge(m, mq, id, 4);
    model_publish(m, mq);
    host_run_services();
    CHECK_EQ(host_log_matches("broken"), 1);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.done_count, good);
    CHECK_EQ(td.taken_back, OUT - good);
}

static void id_out_of_range(void)
{
    lie(SIZE, 0);
}

static void id_inside_a_chain(void)
{
    lie(1, 0);
}

static void id_not_yet_out(void)
{
    lie(2 * OUT, 0);
}

static void id_already_back(void)
{
    lie(0, 2);
}

/* A split ring's index says how many the entry can stand for, and it names one too far. */
static void id_beyond_the_index(void)
{
    boot(false);
    model_put_used(mq, 0, chain[2].head, 32);
    model_put_used_idx(mq, 2);
    model_raise(m, 1, mq);
    host_run_services();
    CHECK_EQ(host_log_matches("broken"), 1);
    CHECK_EQ(td.done_count, 0);
    CHECK_EQ(td.taken_back, OUT);
}

/* Nothing is out, and there is an entry. */
static void entry_for_nothing(void)
{
    boot(false);
    complete(0, OUT - 1, 32);
    model_publish(m, mq);
    host_run_services();
    CHECK_EQ(td.done_count, OUT);
    model_forge(m, mq, 12, 32);
    model_publish(m, mq);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.done_count, OUT);
    CHECK_EQ(td.taken_back, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(one_entry_for_many, "SPLIT-34 SPLIT-35", "PACK-41 PACK-42"),
        EACH_RING(batch_in_pieces, "SPLIT-34 SPLIT-35", "PACK-41 PACK-42"),
        EACH_RING(id_out_of_range, "SPLIT-29", "PACK-40"),
        EACH_RING(id_inside_a_chain, NULL, "PACK-40"),
        EACH_RING(id_not_yet_out, "SPLIT-29", "PACK-40"),
        EACH_RING(id_already_back, "SPLIT-29", "PACK-40"),
        SHOWS(id_beyond_the_index, NULL),
        EACH_RING(entry_for_nothing, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
