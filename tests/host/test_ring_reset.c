/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ring_reset.c - one queue is reset and put back while the device goes on (virtio 1.4, section
 * 2.6.1), over both rings: a slow device, one that never finishes, one that only says so, late
 * writes, a broken queue, and traffic afterwards.
 */
#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

#define SIZE 8
#define OUT  3

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static struct model_chain chain[OUT];

static void boot_on(enum model_transport t)
{
    static const unsigned bits[] = {VIRTIO_F_RING_RESET, VIRTIO_F_EVENT_IDX};

    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(t, 64, bits, 2);
    mq = &m->queues[0];
    q = td.q[0];
}

/* Buffers 0..2 are out: two taken by the device, one not. */
static void boot(void)
{
    boot_on(MODEL_MMIO);
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(testdrv_submit(q, i), 1);
    CHECK(model_pop(m, mq, &chain[0]) && model_pop(m, mq, &chain[1]));
}

static void take_all_back(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CHECK(virtq_take_back(q) != NULL);
    CHECK(virtq_take_back(q) == NULL);
    CHECK_EQ(virtq_in_flight(q), 0);
}

/* More than once round the ring, and by interrupt. */
static void check_traffic(void)
{
    unsigned before = td.done_count;

    for (unsigned i = 0; i < 5 * SIZE; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK_EQ(model_serve(m, mq), 1);
        host_run_services();
        CHECK_EQ(td.done_count, before + i + 1);
        CHECK_EQ(td.done[before + i].len, 32);
        CHECK_EQ(testdrv_number(td.done[before + i].cookie), i);
    }
    CHECK_EQ(virtq_stats(q)->late, 0);
    CHECK_EQ(virtq_free_slots(q), SIZE);
}

static void check_off(void)
{
    struct virtq_done done[4];

    CHECK_EQ(virtq_state(q), VIRTQ_OFF);
    CHECK_EQ(virtq_free_slots(q), 0);
    CHECK_EQ(testdrv_submit(q, 9), -EIO);
    CHECK_EQ(virtq_reap(q, done, 4), -EIO);
    CHECK(!virtq_arm(q));
    CHECK(virtq_tick(q, hal_now_ns()) == HAL_NEVER);
}

static void reset_and_restart(void)
{
    boot();
    CHECK_EQ(virtq_reset(q), 0);
    check_off();
    CHECK_EQ(virtq_restart(q), -EBUSY);
    CHECK(!mq->ready);
    take_all_back(OUT);
    CHECK_EQ(virtq_restart(q), 0);
    CHECK_EQ(virtq_restart(q), -EINVAL);
    CHECK_EQ(virtq_size(q), SIZE);
    CHECK(td.dev && m->status == 15 && td.deaths == 0);
    check_traffic();
}

/* Positions, wrap counters and event words of the first life play no part in the second. */
static void again_and_again(void)
{
    boot_on(MODEL_MMIO);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < round; i++) {
            CHECK_EQ(testdrv_submit(q, i), 1);
            CHECK_EQ(model_serve(m, mq), 1);
            host_run_services();
        }
        CHECK_EQ(virtq_reset(q), 0);
        take_all_back(0);
        CHECK_EQ(virtq_restart(q), 0);
        td.done_count = 0;
    }
    check_traffic();
}

/* Nothing comes back before the device has said that the reset is complete. */
static unsigned late_writes;

static void write_late(struct model *model, struct model_queue *queue)
{
    late_writes++;
    CHECK(queue->ready);
    model_complete(model, queue, &chain[0], 32);
    model_forge(model, queue, 0xffff, 0);
    model_show(model, queue);
}

static void late_writes_before_it_is_complete(void)
{
    boot();
    m->on.queue_reset = write_late;
    m->queue_reset_reads = 50;
    CHECK_EQ(virtq_reset(q), 0);
    CHECK_EQ(late_writes, 1);
    CHECK(!mq->ready);
    host_run_services();
    CHECK_EQ(td.done_count, 0);
    CHECK_EQ(td.deaths, 0);
    take_all_back(OUT); /* the one that completed too late among them: exactly once */
    CHECK_EQ(virtq_restart(q), 0);
    check_traffic();
}

/* The queue is broken, and its buffers stay with the device. */
static void check_timeout(void)
{
    uint64_t start = hal_now_ns();

    CHECK_EQ(virtq_reset(q), -ETIMEDOUT);
    CHECK(hal_now_ns() - start < 3 * HAL_SEC);
    CHECK_EQ(virtq_state(q), VIRTQ_BROKEN);
    CHECK_EQ(virtq_in_flight(q), OUT);
    CHECK_EQ(virtq_restart(q), -EINVAL);
    CHECK_EQ(host_log_matches("broken"), 1);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(td.taken_back, OUT);
}

static void never_complete(void)
{
    boot();
    m->queue_reset_never = true;
    check_timeout();
}

/* As QEMU's virtio-mmio, which offers the bit and has no register: 0 at once, and it goes on. */
static void only_says_so(void)
{
    boot();
    m->queue_reset_lies = true;
    check_timeout();
}

static void broken_queue(void)
{
    boot();
    model_forge(m, mq, 0xffff, 0);
    model_show(m, mq);
    td.no_reap = true;
    CHECK_EQ(virtq_reap(q, td.done, 4), -EIO);
    CHECK_EQ(virtq_state(q), VIRTQ_BROKEN);
    CHECK_EQ(virtq_reset(q), 0);
    CHECK_EQ(*q->cause != '\0', 1);
    take_all_back(OUT);
    CHECK_EQ(virtq_restart(q), 0);
    CHECK_EQ(*q->cause, '\0');
    td.no_reap = false;
    host_run_services();
    CHECK_EQ(td.deaths, 0);
    check_traffic();
}

static void not_negotiated(void)
{
    testdrv_one_queue(SIZE, 2);
    m = testdrv_boot(MODEL_MMIO, 64, NULL, 0);
    q = td.q[0];
    unsigned trace = m->trace_len;
    CHECK_EQ(virtq_reset(q), -ENOTSUP);
    CHECK_EQ(virtq_restart(q), -EINVAL);
    CHECK_EQ(m->trace_len, trace);
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
}

static void dead_device(void)
{
    boot();
    virtio_fail(td.dev, "a test says so");
    host_run_services();
    CHECK_EQ(virtq_reset(q), -EINVAL);
    CHECK_EQ(virtq_restart(q), -EINVAL);
}

static void plug_mmio(void)
{
    testdrv_one_queue(SIZE, 2);
    m = calloc(1, sizeof(*m));
    model_init(m, MODEL_MMIO, MODEL_DEVICE_ID);
    m->queues[0].max = SIZE;
    model_offer(m, VIRTIO_F_RING_RESET);
    if (case_variant == TD_PACKED)
        model_offer(m, VIRTIO_F_RING_PACKED);
    model_plug_mmio(m, 0);
}

/* QEMU's virtio-mmio, known by its vendor id, offers RING_RESET without the register. */
static void offered_by_qemus_mmio(void)
{
    plug_mmio();
    m->vendor_id = 0x554d4551; /* "QEMU" */
    host_boot();
    CHECK(td.dev && !virtio_has(td.dev, VIRTIO_F_RING_RESET));
    CHECK_EQ(virtq_reset(td.q[0]), -ENOTSUP);
}

static int reset_in_probe(struct virtio_device *dev)
{
    CHECK_EQ(virtio_setup_queues(dev, td.cfg, 1), 0);
    CHECK_EQ(virtq_reset(virtio_queue(dev, 0)), -EINVAL);
    CHECK_EQ(virtq_restart(virtio_queue(dev, 0)), -EINVAL);
    return -ENODEV;
}

/* Before DRIVER_OK there is nothing to be reset. */
static void before_it_is_live(void)
{
    td.probe = reset_in_probe;
    plug_mmio();
    host_boot();
    CHECK_EQ(td.probes, 1);
    for (unsigned i = 0; i < m->trace_len; i++)
        CHECK(m->trace[i].off != 0xc0);
}

/* The device does not take the queue again: it stays off, and nothing of it is used. */
static void cannot_be_enabled(void)
{
    boot();
    CHECK_EQ(virtq_reset(q), 0);
    take_all_back(OUT);
    mq->max = SIZE / 2;
    CHECK_EQ(virtq_restart(q), -ENODEV);
    check_off();
    mq->max = 64;
    CHECK_EQ(virtq_restart(q), 0);
    check_traffic();
}

/* The other queue of the device does not notice. */
static void the_other_queue_goes_on(void)
{
    static const unsigned bits[] = {VIRTIO_F_RING_RESET};
    struct model_chain c;

    td.queues = 2;
    td.cfg[0] = (struct virtq_config){.name = "a", .size = SIZE, .max_segs = 2};
    td.cfg[1] = (struct virtq_config){.name = "b", .size = SIZE, .max_segs = 2};
    m = testdrv_boot(MODEL_MMIO, 64, bits, 1);
    mq = &m->queues[0];
    q = td.q[0];
    CHECK_EQ(testdrv_submit(td.q[1], 100), 1);
    CHECK_EQ(testdrv_submit(q, 1), 1);
    CHECK(model_pop(m, &m->queues[1], &c));
    CHECK_EQ(virtq_reset(q), 0);
    model_complete(m, &m->queues[1], &c, 7);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(testdrv_number(td.done[0].cookie), 100);
    take_all_back(1);
    CHECK_EQ(virtq_restart(q), 0);
    check_traffic();
}

/* Over PCI the queue gets its interrupt vector again (section 4.1.4.3). */
static void on_pci(void)
{
    boot_on(MODEL_PCI);
    uint16_t vector = mq->vector;
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(testdrv_submit(q, i), 1);
    CHECK_EQ(virtq_reset(q), 0);
    CHECK(!mq->ready && mq->vector != vector);
    take_all_back(OUT);
    CHECK_EQ(virtq_restart(q), 0);
    CHECK_EQ(mq->vector, vector);
    check_traffic();
}

int main(int argc, char **argv)
{
#define RST "RST-02 RST-03 RST-04"
    static const struct test_case cases[] = {
        EACH_RING(reset_and_restart, RST " MMIO-REG-22", RST " MMIO-REG-22"),
        EACH_RING(again_and_again, "RST-04", "RST-04"),
        EACH_RING(late_writes_before_it_is_complete, "RST-02 MMIO-REG-21", "RST-02 MMIO-REG-21"),
        EACH_RING(never_complete, "RST-02 MMIO-REG-21", "RST-02 MMIO-REG-21"),
        EACH_RING(only_says_so, "RST-02 MMIO-REG-21", "RST-02 MMIO-REG-21"),
        EACH_RING(broken_queue, NULL, NULL),
        EACH_RING(not_negotiated, NULL, NULL),
        EACH_RING(dead_device, NULL, NULL),
        EACH_RING(before_it_is_live, NULL, NULL),
        EACH_RING(offered_by_qemus_mmio, NULL, NULL),
        EACH_RING(cannot_be_enabled, NULL, NULL),
        EACH_RING(the_other_queue_goes_on, NULL, NULL),
        EACH_RING(on_pci, RST " PCI-COMMON-08", RST " PCI-COMMON-08"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
