/*
 * test_recover.c - a device that broke is reset and comes back, over every transport and both rings
 * (virtio 1.4, sections 2.1.2, 2.4, 2.6.1, 3.1.1): slow resets, resets that never complete, a
 * device that is another afterwards, one that breaks again and again, one queue alone, hot-plug.
 */
#include "check.h"
#include "testdrv.h"
#include "virtio/device.h"
#include "virtio/virtq_impl.h"

#define SIZE 8
#define OUT  3

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static struct model_chain chain[OUT];

static void boot_with(enum model_transport t, const unsigned *bits, unsigned n)
{
    testdrv_one_queue(SIZE, 2);
    td.recovers = true;
    m = testdrv_boot(t, SIZE, bits, n);
    mq = &m->queues[0];
    q = td.q[0];
}

/* Buffers 0..2 are out: two taken by the device, one not. */
static void put_out(void)
{
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(testdrv_submit(q, i), 1);
    CHECK(model_pop(m, mq, &chain[0]) && model_pop(m, mq, &chain[1]));
}

static void boot_on(enum model_transport t)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, TD_A};

    boot_with(t, bits, 2);
    put_out();
}

static void boot(void)
{
    boot_on(MODEL_MMIO);
}

static struct virtio_info info(void)
{
    struct virtio_info i;

    CHECK_EQ(virtio_info(0, &i), 0);
    return i;
}

/* More than once round the ring, and by interrupt. */
static void check_traffic(void)
{
    unsigned before = td.done_count;

    for (unsigned i = 0; i < 3 * SIZE; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK_EQ(model_serve(m, mq), 1);
        host_run_services();
        CHECK_EQ(td.done_count, before + i + 1);
        CHECK_EQ(testdrv_number(td.done[before + i].cookie), i);
    }
    CHECK_EQ(virtq_stats(q)->late, 0);
    CHECK_EQ(virtq_free_slots(q), SIZE);
}

static void check_recovered(unsigned times)
{
    CHECK_EQ(td.deaths, 0);
    CHECK_EQ(td.lost[0], times);
    CHECK_EQ(td.returns, times);
    CHECK_EQ(td.back[0], times);
    CHECK(virtio_works(td.dev));
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
    CHECK_EQ(info().recoveries, times);
    CHECK_EQ(host_log_matches("works again"), times);
    CHECK_EQ(m->status, model_is_legacy(m) ? 7 : 15);
}

/* ---- what makes a device be reset ------------------------------------------------------------ */

static void recovers_on(enum model_transport t)
{
    boot_on(t);
    virtio_fail(td.dev, "a test says so");
    CHECK(!virtio_works(td.dev));
    host_run_services();
    check_recovered(1);
    CHECK_EQ(td.taken_back, OUT);
    CHECK_EQ(host_log_matches("a test says so"), 1);
    check_traffic();
}

static void recovers(void)
{
    recovers_on(MODEL_MMIO);
}

static void recovers_on_pci(void)
{
    recovers_on(MODEL_PCI);
}

static void recovers_legacy(void)
{
    recovers_on(MODEL_MMIO_LEGACY);
}

static void asks_for_a_reset(void)
{
    boot();
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(m, 2, NULL);
    host_run_services();
    check_recovered(1);
    check_traffic();
}

static void broken_queue(void)
{
    boot();
    model_forge(m, mq, 0xffff, 0);
    model_show(m, mq);
    model_raise(m, 1, mq);
    host_run_services();
    check_recovered(1);
    CHECK_EQ(td.taken_back, OUT);
    CHECK_EQ(host_log_matches("is broken"), 1);
    check_traffic();
}

/* ---- resets that take their time ------------------------------------------------------------- */

/* Nothing is handed back before the status reads 0; a wake from outside changes nothing. */
static void slow_reset(void)
{
    uint64_t start = hal_now_ns();

    boot();
    m->reset_reads = 200;
    virtio_fail(td.dev, "slow");
    for (unsigned i = 0; i < 100; i++) {
        virtio_wake(td.dev);
        host_run_services();
        CHECK_EQ(td.taken_back + td.lost[0], 0);
        CHECK_EQ(testdrv_submit(q, 9), -EIO);
        CHECK_EQ(virtq_state(q), VIRTQ_RESETTING);
    }
    CHECK(hal_now_ns() - start < 2 * HAL_MS);
    host_run_for(100 * HAL_MS);
    check_recovered(1);
    check_traffic();
}

static void never_completes(void)
{
    boot();
    m->reset_never = true;
    virtio_fail(td.dev, "stuck");
    host_run_for(900 * HAL_MS);
    CHECK_EQ(td.deaths + td.lost[0], 0);
    host_run_for(200 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
    CHECK_EQ(td.lost[0], 0);
    CHECK_EQ(td.taken_back, OUT);
    CHECK_EQ(virtq_state(q), VIRTQ_GONE);
    CHECK_EQ(host_log_matches("given up"), 1);
    host_run_for(20 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
}

/* ---- too often ------------------------------------------------------------------------------- */

static void break_again(struct virtio_device *dev, struct virtq *queue)
{
    (void)queue;
    virtio_fail(dev, "again");
}

/* The pauses grow: 0, 10 ms, 100 ms, 1 s, 5 s. */
static void given_up_in_the_end(void)
{
    static const unsigned until_ms[] = {8, 80, 900, 5500, 6500};

    boot();
    td.queue_back = break_again;
    virtio_fail(td.dev, "first");
    for (unsigned i = 0; i < 5; i++) {
        host_run_for((until_ms[i] - (i ? until_ms[i - 1] : 0)) * HAL_MS);
        CHECK_EQ(td.back[0], i + 1);
    }
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(host_log_matches("given up"), 1);
    CHECK(m->status & VIRTIO_STATUS_FAILED);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(recovers, NULL, NULL),        EACH_RING(recovers_on_pci, NULL, NULL),
        SHOWS(recovers_legacy, NULL),           EACH_RING(asks_for_a_reset, NULL, NULL),
        EACH_RING(broken_queue, NULL, NULL),    EACH_RING(slow_reset, NULL, NULL),
        EACH_RING(never_completes, NULL, NULL), SHOWS(given_up_in_the_end, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
