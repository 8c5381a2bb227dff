/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmio.c - discovery and initialisation over virtio-mmio, both versions (virtio 1.4, sections
 * 3.1, 4.2), and devices that are absent, odd, or refuse.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

enum { STATUS = 0x70 };

static struct model models[4];

static struct model *plug(unsigned slot, enum model_transport t, uint32_t id)
{
    struct model *m = &models[slot];

    model_init(m, t, id);
    m->queues[0].max = 64;
    model_plug_mmio(m, slot);
    return m;
}

static const struct model_access *find_write(const struct model *m, unsigned off, unsigned nth)
{
    for (unsigned i = 0; i < m->trace_len; i++)
        if (m->trace[i].write && m->trace[i].off == off && nth-- == 0)
            return &m->trace[i];
    return NULL;
}

static unsigned count_access(const struct model *m, unsigned off, bool write)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->trace_len; i++)
        n += m->trace[i].off == off && m->trace[i].write == write;
    return n;
}

/* The values written to the status register, in order. */
static void check_status(const struct model *m, const uint32_t *want, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct model_access *a = find_write(m, STATUS, i);
        CHECK(a != NULL);
        CHECK_EQ(a->v, want[i]);
    }
    CHECK_EQ(count_access(m, STATUS, true), n);
}

/* ---- probe ----------------------------------------------------------------------------------- */

static void empty_slots_are_silent(void)
{
    struct model *m = plug(0, MODEL_MMIO, 0);

    model_plug_empty(1);
    model_plug_empty(2);
    host_boot();
    CHECK_EQ(m->trace_len, 3);
    CHECK_EQ(m->trace[0].off, 0);
    CHECK_EQ(m->trace[1].off, 4);
    CHECK_EQ(m->trace[2].off, 8);
    CHECK_EQ(host_log_lines(HAL_ERROR) + host_log_lines(HAL_WARN) + host_log_lines(HAL_INFO), 0);
    CHECK_EQ(host_live_blocks(), 0);
}

static void wrong_magic_is_skipped(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    m->magic = 0x74726977;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(m->trace_len, 1);
}

static void unknown_version_is_skipped(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID), *m3 = plug(1, MODEL_MMIO, 4);

    m->version = 0;
    m3->version = 3;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(m->trace_len, 2);
    CHECK_EQ(m3->trace_len, 2);
    CHECK_EQ(host_log_matches("version"), 2);
}

static void all_ones_is_skipped(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    m->gone = true;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(m->trace_len, 1);
}

static void unclaimed_type_is_left_alone(void)
{
    struct model *m = plug(0, MODEL_MMIO, 0x7777);

    host_boot();
    CHECK_EQ(m->trace_len, 3);
    CHECK_EQ(host_live_blocks(), 0);
}

static void unmapped_slot_is_reported(void)
{
    host_add_virtio_mmio(0x0b000000, 0x200, 20);
    host_boot();
    CHECK(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR) > 0);
}

/* Slots fill from the highest address down in QEMU's virt machine: the first named device is there.
 */
static void names_follow_the_users_order(void)
{
    struct model *low = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);
    struct model *high = plug(1, MODEL_MMIO, MODEL_DEVICE_ID);
    struct virtio_info info;

    (void)low;
    model_offer(high, TD_A);
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 2);
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(virtio_features_has(&info.offered, TD_A));
    CHECK(virtio_find("vtest0") != NULL && virtio_find("vtest1") != NULL);
    CHECK(virtio_find("vtest") == NULL && virtio_find("vtest2") == NULL);
}

/* ---- initialisation -------------------------------------------------------------------------- */

static void modern_sequence(void)
{
    static const uint32_t want[] = {0, 1, 3, 11, 15};
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);
    struct virtio_info info;

    m->reset_reads = 3;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 1);
    check_status(m, want, 5);
    CHECK(m->queues[0].ready);
    CHECK_EQ(m->queues[0].num, 16);
    CHECK(find_write(m, STATUS, 4)->sync);
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.alive && strcmp(info.transport, "mmio") == 0 && strcmp(info.ring, "split") == 0);
    CHECK(strcmp(info.wakeup, "irq") == 0);
    CHECK_EQ(virtio_info(1, &info), -ENOENT);
}

static void legacy_sequence(void)
{
    static const uint32_t want[] = {0, 1, 3, 7};
    struct model *m = plug(0, MODEL_MMIO_LEGACY, MODEL_DEVICE_ID);
    const struct virtq *q;

    testdrv_one_queue(64, 2);
    host_boot();
    CHECK_EQ(td.probes, 1);
    check_status(m, want, 4);
    CHECK(m->queues[0].ready);
    CHECK(virtio_is_legacy(td.dev));
    CHECK(!virtio_has(td.dev, VIRTIO_F_VERSION_1));
    q = td.q[0];
    CHECK_EQ(m->queues[0].desc, q->desc_dma);
    CHECK_EQ(m->queues[0].driver, q->avail_dma);
    CHECK_EQ(m->queues[0].device, q->used_dma);
    CHECK_EQ(q->used_dma % m->queues[0].align, 0);
}

static void legacy_traffic(void)
{
    static const unsigned sizes[] = {1, 2, 16, 256, 1024};
    unsigned s = sizes[random_below(5)];
    struct model *m = plug(0, MODEL_MMIO_LEGACY, MODEL_DEVICE_ID);

    m->queues[0].max = 1024;
    model_watch(m);
    testdrv_one_queue(s, 1);
    host_boot();
    for (unsigned i = 0; i < 3000; i++) {
        struct virtq_seg seg = testdrv_seg(i % 4096, 0, 8);
        struct virtq_request r = {&seg, 0, 1, testdrv_cookie(i)};

        CHECK_EQ(virtq_submit(td.q[0], &r, 1), 1);
        CHECK_EQ(model_serve(m, &m->queues[0]), 1);
        host_run_services();
        CHECK_EQ(td.done_count, i + 1);
        CHECK_EQ(td.done[i].len, 8);
    }
}

static void features_refused(void)
{
    static const uint32_t want[] = {0, 1, 3, 11};
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    m->refuse_features = true;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(find_write(m, STATUS, i)->v, want[i]);
    CHECK(m->status & 128);
    CHECK_EQ(count_access(m, 0x44, true) + count_access(m, 0x38, true), 0);
    CHECK(host_log_lines(HAL_ERROR) > 0);
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
}

static void modern_without_version_1(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    model_withdraw(m, 32);
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK(m->status & 128);
    CHECK(host_log_lines(HAL_ERROR) > 0);
}

static void reset_that_never_ends(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    m->reset_never = true;
    m->status = 0x0f;
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK(host_log_lines(HAL_ERROR) > 0);
    CHECK_EQ(count_access(m, 0x10, false), 0);
    CHECK(virtio_find("vtest0") == NULL);
}

static void queue_missing(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    testdrv_one_queue(16, 2);
    td.queues = 2;
    td.cfg[1] = td.cfg[0];
    host_boot();
    CHECK_EQ(td.probes, 1);
    CHECK(m->status & 128 && !(m->status & 4));
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
    CHECK_EQ(host_irq_handlers(16), 0);
}

static void queue_size_is_bounded(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    m->queues[0].max = 100; /* no power of two */
    testdrv_one_queue(256, 2);
    host_boot();
    CHECK_EQ(virtq_size(td.q[0]), 64);
    CHECK_EQ(m->queues[0].num, 64);
}

static void probe_that_fails(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    host_boot(); /* td.queues is 0 */
    CHECK_EQ(td.probes, 1);
    CHECK(m->status & 128 && !(m->status & 4));
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
}

/* Every allocation that set-up makes is refused once: no crash, no leak, FAILED. */
static void out_of_memory(void)
{
    static const unsigned bits[] = {VIRTIO_F_INDIRECT_DESC};
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);
    int64_t n = atoll(getenv("TD_FAIL") ? getenv("TD_FAIL") : "0");

    (void)bits;
    model_offer(m, VIRTIO_F_INDIRECT_DESC);
    testdrv_one_queue(16, 4);
    host_fail_alloc_after(n);
    host_boot();
    if (td.probes && m->status & 4)
        return;
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
    CHECK(host_log_lines(HAL_ERROR) > 0);
}

static void out_of_memory_1(void)
{
    setenv("TD_FAIL", "1", 1);
    out_of_memory();
}

static void out_of_memory_2(void)
{
    setenv("TD_FAIL", "2", 1);
    out_of_memory();
}

static void out_of_memory_3(void)
{
    setenv("TD_FAIL", "3", 1);
    out_of_memory();
}

static void out_of_memory_4(void)
{
    setenv("TD_FAIL", "4", 1);
    out_of_memory();
}

/* ---- config space ---------------------------------------------------------------------------- */

static uint64_t config_value;
static int config_result;

static int read_config_64(struct virtio_device *dev)
{
    config_result = virtio_config_read64(dev, 8, &config_value);
    return 0;
}

static struct model *config_model(enum model_transport t)
{
    struct model *m = plug(0, t, MODEL_DEVICE_ID);

    model_field(m, 8, 8, 0x1111111122222222ull);
    testdrv_one_queue(16, 2);
    td.probe = read_config_64;
    return m;
}

static void config_generation(void)
{
    struct model *m = config_model(MODEL_MMIO);

    m->generation = 0xff;
    m->generation_changes = 3; /* so the first two tries, of two reads each, are void */
    host_boot();
    CHECK_EQ(config_result, 0);
    CHECK(config_value == 0x1111111122222222ull);
    CHECK(count_access(m, 0x108, false) >= 2);
}

static void tear(struct model *m, unsigned off)
{
    if (off != 8 || m->generation != 0)
        return;
    model_field(m, 8, 8, 0x3333333344444444ull);
    m->generation++;
}

static void config_torn_read_is_repeated(void)
{
    struct model *m = config_model(MODEL_MMIO);

    m->on.config_read = tear;
    host_boot();
    CHECK_EQ(config_result, 0);
    CHECK(config_value == 0x3333333344444444ull);
}

static void config_never_settles(void)
{
    struct model *m = config_model(MODEL_MMIO);

    m->generation_never_settles = true;
    host_boot();
    CHECK_EQ(config_result, -EIO);
    CHECK(count_access(m, 0x108, false) <= 16);
}

static unsigned tears_left;

static void tear_legacy(struct model *m, unsigned off)
{
    if (off == 8 && tears_left && tears_left--)
        model_field(m, 8, 8, 0x0101010101010101ull * tears_left);
}

static void config_legacy_two_agreeing_reads(void)
{
    struct model *m = config_model(MODEL_MMIO_LEGACY);

    tears_left = 3;
    m->on.config_read = tear_legacy;
    host_boot();
    CHECK_EQ(config_result, 0);
    CHECK_EQ(config_value, 0);
}

static void config_legacy_never_agrees(void)
{
    struct model *m = config_model(MODEL_MMIO_LEGACY);

    tears_left = 1000;
    m->on.config_read = tear_legacy;
    host_boot();
    CHECK_EQ(config_result, -EIO);
    CHECK(tears_left > 900);
}

static int read_outside(struct virtio_device *dev)
{
    uint32_t v = 0;
    uint8_t b;

    CHECK_EQ(virtio_config_read32(dev, 0x100, &v), -EIO); /* the window is 0x200 long */
    CHECK_EQ(virtio_config_read(dev, 0xffffffffu, &b, 1, 1), -EIO);
    CHECK_EQ(virtio_config_write8(dev, 0x100, 0), -EIO);
    return 0;
}

static void config_outside_the_window(void)
{
    plug(0, MODEL_MMIO, MODEL_DEVICE_ID);
    testdrv_one_queue(16, 2);
    td.probe = read_outside;
    host_boot();
    CHECK_EQ(td.probes, 1);
    CHECK(virtio_find("vtest0") != NULL);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void shutdown_resets(void)
{
    struct model *m = plug(0, MODEL_MMIO, MODEL_DEVICE_ID);

    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(m->status, 15);
    host_shutdown();
    CHECK_EQ(m->status, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(empty_slots_are_silent,
              "MMIO-REG-10 MMIO-REG-11 MMIO-INIT-01 MMIO-INIT-02 MMIO-INIT-03 MMIO-INIT-04"),
        SHOWS(wrong_magic_is_skipped, "MMIO-REG-06 MMIO-INIT-02"),
        SHOWS(unknown_version_is_skipped, "MMIO-REG-08 MMIO-REG-09 MMIO-INIT-02"),
        {"all_ones_is_skipped", all_ones_is_skipped},
        {"unclaimed_type_is_left_alone", unclaimed_type_is_left_alone},
        {"unmapped_slot_is_reported", unmapped_slot_is_reported},
        {"names_follow_the_users_order", names_follow_the_users_order},
        SHOWS(modern_sequence,
              "INIT-01 INIT-02 INIT-05 INIT-07 INIT-08 INIT-12 INIT-13 INIT-15 INIT-16 RST-01 "
              "FEAT-16 MMIO-REG-01 MMIO-REG-02 MMIO-REG-03 MMIO-REG-04 MMIO-REG-12 MMIO-REG-13 "
              "MMIO-REG-15 MMIO-REG-25 MMIO-REG-26 MMIO-REG-27 MMIO-INIT-05 MMIO-INIT-07 "
              "MMIO-INIT-09 MMIO-INIT-10 MMIO-INIT-11 MMIO-INIT-12"),
        SHOWS(legacy_sequence,
              "INIT-01 INIT-02 LEGACY-INIT-01 FEAT-25 FEAT-26 MMIO-REG-01 MMIO-REG-25 "
              "LEGACY-MMIO-01 LEGACY-MMIO-03 LEGACY-MMIO-04 LEGACY-MMIO-05 LEGACY-MMIO-06 "
              "LEGACY-MMIO-07 LEGACY-MMIO-08 LEGACY-MMIO-11 LEGACY-MMIO-12 LEGACY-MMIO-14 "
              "LEGACY-MMIO-16 LEGACY-MMIO-18 LEGACY-VQ-02 LEGACY-VQ-03"),
        SHOWS(legacy_traffic, "FEAT-26 LEGACY-MMIO-11 LEGACY-MMIO-15 LEGACY-MMIO-17 LEGACY-VQ-02 "
                              "LEGACY-VQ-03 LEGACY-VQ-04"),
        SHOWS(features_refused, "INIT-14 INIT-17 INIT-18"),
        SHOWS(modern_without_version_1, "FEAT-10 FEAT-13 FEAT-25"),
        SHOWS(reset_that_never_ends, "RST-01"),
        SHOWS(queue_missing, "MMIO-INIT-08 INIT-17"),
        SHOWS(queue_size_is_bounded, "MMIO-REG-14 SPLIT-03"),
        SHOWS(probe_that_fails, "INIT-17"),
        {"out_of_memory_0", out_of_memory},
        {"out_of_memory_1", out_of_memory_1},
        {"out_of_memory_2", out_of_memory_2},
        {"out_of_memory_3", out_of_memory_3},
        {"out_of_memory_4", out_of_memory_4},
        SHOWS(config_generation, "CFG-02 MMIO-REG-28 MMIO-REG-05"),
        SHOWS(config_torn_read_is_repeated, "CFG-01 CFG-02 MMIO-REG-28"),
        {"config_never_settles", config_never_settles},
        SHOWS(config_legacy_two_agreeing_reads, "CFG-07 CFG-01 LEGACY-MMIO-18"),
        {"config_legacy_never_agrees", config_legacy_never_agrees},
        SHOWS(config_outside_the_window, "CFG-05"),
        {"shutdown_resets", shutdown_resets},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
