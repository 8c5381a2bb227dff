/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kept.c - buffers that keep their descriptor: virtq_reap_kept and virtq_repost. The model
 * judges each ring; here each buffer must come back as often as it was posted, and the device must
 * find its own memory behind each descriptor.
 */
#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE  16
#define BYTES 32

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static unsigned posted[SIZE + 2], came_back[SIZE + 2];
static bool writes_over; /* the device, over the descriptors of what it used */

static void boot(unsigned bit)
{
    testdrv_one_queue(SIZE, 2);
    td.no_reap = true;
    m = testdrv_boot(MODEL_MMIO, SIZE, &bit, bit != 0);
    mq = &m->queues[0];
    q = td.q[0];
}

static void post(unsigned n)
{
    struct virtq_seg seg = testdrv_seg(n, 0, BYTES);
    struct virtq_request r = {&seg, 0, 1, testdrv_cookie(n)};

    CHECK_EQ(virtq_submit(q, &r, 1), 1);
    posted[n]++;
}

/* The device takes all buffers, and uses `some` of them, in an order of its own. */
static void use(unsigned some)
{
    static struct model_chain chain[SIZE];
    static unsigned held;

    while (held < SIZE && model_pop(m, mq, &chain[held]))
        held++;
    for (; some; some--) {
        unsigned i = random_below(held);

        CHECK_EQ(chain[i].segs[0].len, BYTES);
        CHECK_EQ(chain[i].segs[0].addr,
                 testdrv_seg(testdrv_number(q->slots[chain[i].head].cookie), 0, BYTES).addr);
        model_push(m, mq, &chain[i], 1 + random_below(BYTES));
        if (writes_over)
            memset((uint8_t *)q->memory + 16 * chain[i].head, 0xa5, 16); /* a split ring's */
        chain[i] = chain[--held];
    }
    model_show(m, mq);
}

/* Reaps n; posts all of them again but for `others`, in whose place another buffer is posted. */
static void turn_over(unsigned n, unsigned others, unsigned *other)
{
    struct virtq_done done[SIZE];
    unsigned fresh[SIZE], count = 0;

    CHECK_EQ(virtq_reap_kept(q, done, SIZE), n);
    CHECK_EQ(virtq_in_flight(q), SIZE - n);
    CHECK_EQ(virtq_free_slots(q), 0);
    for (unsigned i = 0; i < n; i++) {
        unsigned number = testdrv_number(done[i].cookie);

        CHECK(done[i].len >= 1 && done[i].len <= BYTES);
        came_back[number]++;
        CHECK_EQ(posted[number], came_back[number]);
        if (i % 3 == 1 && random_below(4) == 0) {
            posted[*other]++;
            virtq_replace(q, &done[i], testdrv_cookie(*other), testdrv_seg(*other, 0, BYTES).addr);
            *other = number;
        } else if (i % 3 == 0 && count < others) {
            fresh[count++] = *other;
            *other = number;
            done[i].cookie = NULL;
        } else {
            posted[number]++;
        }
    }
    CHECK_EQ(virtq_repost(q, done, n), 0);
    CHECK_EQ(virtq_free_slots(q), count);
    while (count)
        post(fresh[--count]);
    CHECK_EQ(virtq_in_flight(q), SIZE);
}

/* Many laps, in batches of any size; now and then a buffer takes another one's place. */
static void laps(void)
{
    unsigned other = SIZE;

    boot(random_below(2) ? VIRTIO_F_EVENT_IDX : 0);
    CHECK(virtq_keeps(q));
    for (unsigned i = 0; i < SIZE; i++)
        post(i);
    for (unsigned round = 0; round < 500; round++) {
        unsigned n = 1 + random_below(SIZE);

        use(n);
        turn_over(n, random_below(2), &other);
    }
    CHECK_EQ(virtq_stats(q)->submitted, virtq_stats(q)->completed + SIZE);
}

static void written_over(void)
{
    writes_over = true;
    laps();
}

static void boot_with_all_out(void)
{
    boot(0);
    for (unsigned i = 0; i < SIZE; i++)
        post(i);
}

/* A buffer that is kept, and not posted again yet, is not out. */
static void id_of_a_kept_one(void)
{
    struct model_chain chain[2];
    struct virtq_done done[4];

    boot_with_all_out();
    for (unsigned i = 0; i < 2; i++)
        CHECK(model_pop(m, mq, &chain[i]));
    model_push(m, mq, &chain[0], 4);
    model_forge(m, mq, chain[0].head, 4);
    model_show(m, mq);
    CHECK_EQ(virtq_reap_kept(q, done, 4), 1);
    CHECK_EQ(virtq_state(q), VIRTQ_BROKEN);
    CHECK_EQ(virtq_repost(q, done, 1), -EIO);
    CHECK_EQ(virtq_in_flight(q), SIZE - 1);
    host_run_services();
    host_run_for(100 * HAL_MS);
    CHECK_EQ(host_log_matches("broken"), 1);
    CHECK_EQ(td.taken_back, SIZE - 1);
}

static void id_out_of_range(void)
{
    struct virtq_done done[4];

    boot_with_all_out();
    model_forge(m, mq, SIZE, 4);
    model_show(m, mq);
    CHECK_EQ(virtq_reap_kept(q, done, 4), -EIO);
    CHECK_EQ(virtq_reap_kept(q, done, 4), -EIO);
}

/* With IN_ORDER ids follow the order of the ring: no buffer can keep one. */
static void in_order(void)
{
    boot(VIRTIO_F_IN_ORDER);
    CHECK(!virtq_keeps(q));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(laps, NULL, NULL),
        {"written_over_split", written_over},
        EACH_RING(id_of_a_kept_one, NULL, NULL),
        EACH_RING(id_out_of_range, NULL, NULL),
        EACH_RING(in_order, NULL, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
