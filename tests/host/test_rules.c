/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_rules.c - rules of virtio that need a case of their own: devices that others left in some
 * state, the last access to a device that is given up, several queues behind one interrupt, the
 * forms of order that ORDER_PLATFORM asks for (virtio 1.4, sections 2.1 to 2.7, 3.1, 4.2, 6).
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

enum { FEATURES = 0x10, DRIVER_FEATURES = 0x20, READY = 0x44, PFN = 0x40, STATUS = 0x70 };
enum { QUEUE_RESET = 0xc0 };

static struct model *plug(enum model_transport t, unsigned queues)
{
    struct model *m = calloc(1, sizeof(*m));

    model_init(m, t, MODEL_DEVICE_ID);
    for (unsigned i = 0; i < queues; i++)
        m->queues[i].max = 64;
    model_plug_mmio(m, 0);
    model_watch(m);
    testdrv_one_queue(16, 2);
    td.queues = queues;
    for (unsigned i = 1; i < queues; i++)
        td.cfg[i] = td.cfg[0];
    return m;
}

static const struct model_access *first_write(const struct model *m, unsigned off)
{
    for (unsigned i = 0; i < m->trace_len; i++)
        if (m->trace[i].write && m->trace[i].off == off)
            return &m->trace[i];
    return NULL;
}

static unsigned count(const struct model *m, unsigned off, bool write)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->trace_len; i++)
        n += m->trace[i].off == off && m->trace[i].write == write;
    return n;
}

static void round_trip(struct model *m, unsigned queue, unsigned n)
{
    unsigned before = td.done_count;

    CHECK_EQ(testdrv_submit(td.q[queue], n), 1);
    CHECK_EQ(model_serve(m, &m->queues[queue]), 1);
    host_run_services();
    CHECK_EQ(td.done_count, before + 1);
    CHECK_EQ(td.done_queue[before], queue);
}

/* ---- what others left behind ----------------------------------------------------------------- */

/* Whatever state a device is in, it is reset before anything else is written. */
static void left_in_status(enum model_transport t, uint32_t status)
{
    struct model *m = plug(t, 1);

    m->status = status;
    host_boot();
    CHECK_EQ(td.probes, 1);
    for (unsigned i = 0; i < m->trace_len; i++) {
        if (!m->trace[i].write)
            continue;
        CHECK_EQ(m->trace[i].off, STATUS);
        CHECK_EQ(m->trace[i].v, 0);
        break;
    }
    round_trip(m, 0, 1);
}

static void left_failed(void)
{
    left_in_status(MODEL_MMIO, 0x83);
}

static void left_failed_legacy(void)
{
    left_in_status(MODEL_MMIO_LEGACY, 0x81);
}

static void left_wanting_a_reset(void)
{
    left_in_status(MODEL_MMIO, 0x4f);
}

/* A queue was left enabled by earlier software. The reset disables it, and it is set up again. */
static void left_running(enum model_transport t)
{
    struct model *m = plug(t, 1);
    struct model_queue *q = &m->queues[0];

    m->status = t == MODEL_MMIO ? 0x0f : 0x07;
    m->page_size = 4096;
    q->num = 8;
    q->pfn = 0x40000;
    q->ready = true;
    host_boot();
    CHECK_EQ(td.probes, 1);
    CHECK(q->ready && q->num == 16);
    CHECK_EQ(first_write(m, STATUS)->v, 0);
    round_trip(m, 0, 1);
}

static void left_running_modern(void)
{
    left_running(MODEL_MMIO);
}

static void left_running_legacy(void)
{
    left_running(MODEL_MMIO_LEGACY);
}

/* A queue that claims to be in use right after the reset is not touched. */
static void busy(struct model *m, uint32_t status)
{
    if (status == (m->transport == MODEL_MMIO ? 11 : 3)) {
        m->queues[0].ready = true;
        m->queues[0].pfn = 77;
    }
}

static void queue_is_busy(enum model_transport t)
{
    struct model *m = plug(t, 1);

    m->on.status = busy;
    host_boot();
    CHECK_EQ(count(m, 0x38, true) + count(m, READY, true) + count(m, PFN, true), 0);
    CHECK(m->status & 128 && !(m->status & 4));
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
}

static void queue_is_busy_modern(void)
{
    queue_is_busy(MODEL_MMIO);
}

static void queue_is_busy_legacy(void)
{
    queue_is_busy(MODEL_MMIO_LEGACY);
}

static void queue_is_missing_legacy(void)
{
    struct model *m = plug(MODEL_MMIO_LEGACY, 1);

    m->queues[0].max = 0;
    host_boot();
    CHECK_EQ(count(m, 0x38, true) + count(m, PFN, true), 0);
    CHECK(m->status & 128 && !(m->status & 4));
}

static void queue_size_is_bounded_legacy(void)
{
    struct model *m = plug(MODEL_MMIO_LEGACY, 1);

    m->queues[0].max = 8;
    host_boot();
    CHECK_EQ(m->queues[0].num, 8);
    round_trip(m, 0, 1);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The probe looks at three registers, then comes the reset, then the features, all words of them.
 */
static void first_steps(enum model_transport t, unsigned words)
{
    static const unsigned offs[] = {0, 4, 8, STATUS};
    struct model *m = plug(t, 1);

    host_boot();
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(m->trace[i].off, offs[i]);
        CHECK_EQ(m->trace[i].write, i == 3);
    }
    CHECK_EQ(count(m, FEATURES, false), words);
    CHECK_EQ(count(m, DRIVER_FEATURES, true), words);
}

static void first_steps_modern(void)
{
    first_steps(MODEL_MMIO, 2);
}

static void first_steps_legacy(void)
{
    first_steps(MODEL_MMIO_LEGACY, 1);
}

/* FAILED is the last word to a device that is given up. */
static void failed_is_last(struct model *m)
{
    const struct model_access *last = &m->trace[m->trace_len - 1];

    CHECK(last->write && last->off == STATUS && last->v & 128);
    CHECK(!(last->v & 4));
    unsigned len = m->trace_len;
    host_run_for(HAL_SEC);
    host_shutdown();
    CHECK_EQ(m->trace_len, len);
}

static void failed_probe_ends_it(void)
{
    struct model *m = plug(MODEL_MMIO, 1);

    td.queues = 0;
    host_boot();
    CHECK_EQ(td.probes, 1);
    failed_is_last(m);
}

static void refused_features_end_it(void)
{
    struct model *m = plug(MODEL_MMIO, 1);

    m->refuse_features = true;
    host_boot();
    CHECK_EQ(td.probes, 0);
    failed_is_last(m);
}

static void missing_version_1_ends_it(void)
{
    struct model *m = plug(MODEL_MMIO, 1);

    model_withdraw(m, VIRTIO_F_VERSION_1);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(count(m, DRIVER_FEATURES, true), 0);
    failed_is_last(m);
}

/* ---- config space ---------------------------------------------------------------------------- */

/* Each field at its own width: the model knows no others. */
static int read_widths(struct virtio_device *dev)
{
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    uint8_t v8[6];

    CHECK_EQ(virtio_config_read(dev, 0, v8, 6, 1), 0);
    CHECK(memcmp(v8, "\1\2\3\4\5\6", 6) == 0);
    CHECK_EQ(virtio_config_read16(dev, 6, &v16), 0);
    CHECK_EQ(v16, 0xa1b2);
    CHECK_EQ(virtio_config_read32(dev, 12, &v32), 0);
    CHECK_EQ(v32, 0xc1c2c3c4);
    CHECK_EQ(virtio_config_read64(dev, 16, &v64), 0);
    CHECK(v64 == 0xd1d2d3d4d5d6d7d8ull);
    CHECK_EQ(virtio_config_write8(dev, 0, 9), 0);
    return 0;
}

static void config_widths(enum model_transport t)
{
    struct model *m = plug(t, 1);

    for (unsigned i = 0; i < 6; i++)
        model_field(m, i, 1, i + 1);
    model_field(m, 6, 2, 0xa1b2);
    model_field(m, 12, 4, 0xc1c2c3c4);
    model_field(m, 16, 8, 0xd1d2d3d4d5d6d7d8ull);
    td.probe = read_widths;
    host_boot();
    CHECK_EQ(m->config[0], 9);
    CHECK(virtio_find("vtest0") != NULL);
}

static void config_widths_modern(void)
{
    config_widths(MODEL_MMIO);
}

static void config_widths_legacy(void)
{
    config_widths(MODEL_MMIO_LEGACY);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* One interrupt for what three queues have: all of them are looked at. */
static void one_interrupt_for_all_queues(enum model_transport t)
{
    struct model *m = plug(t, 3);
    struct model_chain c;

    host_boot();
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(testdrv_submit(td.q[i], i), 1);
    host_run_services();
    host_irq_hold(true);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(model_pop(m, &m->queues[i], &c));
        model_complete(m, &m->queues[i], &c, 32);
    }
    m->dead_silent = true; /* no other one will come */
    host_irq_hold(false);
    host_run_services();
    CHECK_EQ(td.done_count, 3);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(virtq_stats(td.q[i])->late, 0);
    CHECK_EQ(m->interrupt_status, 0);
}

static void one_interrupt_modern(void)
{
    one_interrupt_for_all_queues(MODEL_MMIO);
}

static void one_interrupt_legacy(void)
{
    one_interrupt_for_all_queues(MODEL_MMIO_LEGACY);
}

/* From its handler on, until the services ran, a queue wants no other interrupt. */
static void handler_disarms(void)
{
    struct model *m = plug(MODEL_MMIO, 2);
    struct model_chain c[2];

    host_boot();
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(testdrv_submit(td.q[1], i), 1);
        CHECK(model_pop(m, &m->queues[1], &c[i]));
    }
    host_run_services();
    for (unsigned i = 0; i < 2; i++)
        model_complete(m, &m->queues[1], &c[i], 32);
    CHECK_EQ(m->queues[1].irqs, 1);
    host_run_services();
    CHECK_EQ(td.done_count, 2);
}

static void hold_line(struct model *m, uint32_t status)
{
    if (status == 11)
        host_irq_set(m->irq, true);
}

/* High before it has a handler: the storm comes while interrupts are set up, and polling stays. */
static void line_is_stuck_at_once(void)
{
    struct model *m = plug(MODEL_MMIO, 1);
    struct virtio_info info;

    m->on.status = hold_line;
    host_boot();
    CHECK(host_irq_is_masked(m->irq));
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(strcmp(info.wakeup, "polled") == 0);
    CHECK_EQ(testdrv_submit(td.q[0], 0), 1);
    CHECK_EQ(model_serve(m, &m->queues[0]), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
}

/* ---- the end of a queue ---------------------------------------------------------------------- */

/*
 * A queue ends with its device, whose reset is read back, or alone by RING_RESET: never by
 * QueueReady or QueuePFN 0.
 */
static void queues_end_with_the_device(enum model_transport t)
{
    struct model *m = plug(t, 2);
    bool alone = t == MODEL_MMIO;

    m->reset_reads = 5;
    m->queue_reset_reads = 5;
    if (alone)
        model_offer(m, VIRTIO_F_RING_RESET);
    host_boot();
    round_trip(m, 1, 1);
    CHECK_EQ(virtq_reset(td.q[1]), alone ? 0 : -ENOTSUP);
    CHECK_EQ(count(m, QUEUE_RESET, true), alone);
    CHECK_EQ(m->queues[1].ready, !alone);
    CHECK_EQ(testdrv_submit(td.q[0], 2), 1);
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, 1);
    for (unsigned i = 0; i < m->trace_len; i++)
        CHECK(!m->trace[i].write || (m->trace[i].off != READY && m->trace[i].off != PFN) ||
              m->trace[i].v != 0);
    CHECK_EQ(m->reset_left, 0);
}

static void queues_end_with_the_device_modern(void)
{
    queues_end_with_the_device(MODEL_MMIO);
}

static void queues_end_with_the_device_legacy(void)
{
    queues_end_with_the_device(MODEL_MMIO_LEGACY);
}

/* ---- rings ----------------------------------------------------------------------------------- */

/* However many segments the driver wants, a chain is no longer than the queue. */
static void longest_chain(bool indirect)
{
    struct model *m = plug(MODEL_MMIO, 1);
    struct virtq_seg segs[5];
    struct virtq_request r = {segs, 2, 2, testdrv_cookie(0)};
    struct model_chain c;

    if (indirect)
        model_offer(m, VIRTIO_F_INDIRECT_DESC);
    td.cfg[0].size = 4;
    td.cfg[0].max_segs = 16;
    host_boot();
    for (unsigned i = 0; i < 5; i++)
        segs[i] = testdrv_seg(0, i * 8, 8);
    CHECK_EQ(virtq_submit(td.q[0], &r, 1), 1);
    CHECK(model_pop(m, &m->queues[0], &c));
    CHECK(c.count == 4 && c.indirect == indirect);
    model_complete(m, &m->queues[0], &c, 16);
    host_run_services();
    r.writable = 3;
    CHECK_EQ(virtq_submit(td.q[0], &r, 1), -EINVAL);
}

static void longest_chain_direct(void)
{
    longest_chain(false);
}

static void longest_chain_indirect(void)
{
    longest_chain(true);
}

/* A power of two, at most 32768 and what is wanted; 0 from nothing. */
static void sizes(void)
{
    for (unsigned wanted = 0; wanted <= 70000; wanted++) {
        unsigned size = virtq_split.size_rule(wanted);

        CHECK(size <= wanted && size <= VIRTQ_MAX_SIZE && !(size & (size - 1)));
        CHECK(2 * size > wanted || size == VIRTQ_MAX_SIZE || !wanted);
    }
    CHECK_EQ(virtq_split.size_rule(UINT32_MAX), VIRTQ_MAX_SIZE);
    CHECK(VIRTQ_MAX_SIZE <= 32768);
}

/* A packed ring takes any size, and never more than 32768, whatever device and driver would do. */
static void sizes_packed(void)
{
    struct model *m = plug(MODEL_MMIO, 1);

    for (unsigned wanted = 0; wanted <= 70000; wanted++)
        CHECK_EQ(virtq_packed.size_rule(wanted), wanted < VIRTQ_MAX_SIZE ? wanted : VIRTQ_MAX_SIZE);
    CHECK(VIRTQ_MAX_SIZE <= 32768);
    model_offer(m, VIRTIO_F_RING_PACKED);
    m->queues[0].max = 65535;
    td.cfg[0].size = 65535;
    host_boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_RING_PACKED));
    CHECK_EQ(m->queues[0].num, VIRTQ_MAX_SIZE);
    round_trip(m, 0, 1);
}

/* A device that went on without moving its event is told of each buffer, or would wait for ever. */
static void event_left_behind(void)
{
    enum { DESC = 2u << 16, WRAP = 0x8000 };
    struct model *m = plug(MODEL_MMIO, 1);
    struct model_queue *q = &m->queues[0];

    model_offer(m, VIRTIO_F_RING_PACKED);
    model_offer(m, VIRTIO_F_EVENT_IDX);
    host_boot();
    for (unsigned i = 0; i < 5; i++) {
        model_put_device_event(q, DESC | WRAP); /* slot 0, first lap */
        CHECK_EQ(testdrv_submit(td.q[0], i), 1);
        CHECK_EQ(q->kicks, i + 1);
        CHECK_EQ(model_serve(m, q), 1);
        host_run_services();
    }
}

/* ---- platforms ------------------------------------------------------------------------------- */

/* Every word that orders takes the device-strength form exactly with ORDER_PLATFORM. */
static void order_forms(bool platform)
{
    struct model *m = plug(MODEL_MMIO, 1);
    unsigned ordered = 0;

    if (platform)
        model_offer(m, VIRTIO_F_ORDER_PLATFORM);
    model_offer(m, VIRTIO_F_EVENT_IDX);
    host_boot();
    CHECK_EQ(virtio_has(td.dev, VIRTIO_F_ORDER_PLATFORM), platform);
    host_set_hook(NULL, NULL);
    host_log_events(true);
    for (unsigned i = 0; i < 4; i++)
        round_trip(m, 0, i);
    host_log_events(false);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind != HOST_PUBLISH && e->kind != HOST_OBSERVE && e->kind != HOST_CHECK)
            continue;
        CHECK_EQ(e->strong, platform);
        ordered++;
    }
    CHECK(ordered >= 4 * 4);
}

static void order_platform(void)
{
    order_forms(true);
}

static void order_of_processors(void)
{
    order_forms(false);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(left_failed, "INIT-03 INIT-06 INIT-07"),
        SHOWS(left_failed_legacy, "INIT-03 INIT-06"),
        SHOWS(left_wanting_a_reset, "INIT-06"),
        SHOWS(left_running_modern, "INIT-06"),
        SHOWS(left_running_legacy, "INIT-06 LEGACY-MMIO-10"),
        SHOWS(queue_is_busy_modern, "MMIO-INIT-07 MMIO-REG-15 INIT-17"),
        SHOWS(queue_is_busy_legacy, "LEGACY-MMIO-05 LEGACY-MMIO-12 INIT-17"),
        SHOWS(queue_is_missing_legacy, "LEGACY-MMIO-13"),
        SHOWS(queue_size_is_bounded_legacy, "LEGACY-MMIO-15 LEGACY-MMIO-06"),
        SHOWS(first_steps_modern, "INIT-05 INIT-06 MMIO-INIT-01 MMIO-INIT-02 MMIO-INIT-06 "
                                  "MMIO-REG-12 MMIO-REG-13 MMIO-REG-24"),
        SHOWS(first_steps_legacy, "LEGACY-MMIO-02 MMIO-INIT-01"),
        SHOWS(failed_probe_ends_it, "INIT-17 INIT-18"),
        SHOWS(refused_features_end_it, "INIT-14 INIT-17 INIT-18"),
        SHOWS(missing_version_1_ends_it, "FEAT-10 FEAT-13 INIT-17 INIT-18"),
        SHOWS(config_widths_modern, "MMIO-REG-05 CFG-06 INIT-11"),
        SHOWS(config_widths_legacy, "MMIO-REG-05 CFG-08 LEGACY-MMIO-18"),
        SHOWS(one_interrupt_modern, "MMIO-NOTIF-04"),
        SHOWS(one_interrupt_legacy, "LEGACY-MMIO-17"),
        SHOWS(handler_disarms, "NOTIF-12"),
        SHOWS(line_is_stuck_at_once, NULL),
        SHOWS(queues_end_with_the_device_modern, "INIT-21"),
        SHOWS(queues_end_with_the_device_legacy, "INIT-21"),
        SHOWS(longest_chain_direct, "SPLIT-04"),
        SHOWS(longest_chain_indirect, "SPLIT-14"),
        SHOWS(sizes, "SPLIT-03"),
        SHOWS(sizes_packed, "PACK-04"),
        SHOWS(event_left_behind, NULL),
        SHOWS(order_platform, "FEAT-18 FEAT-19"),
        SHOWS(order_of_processors, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
