/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_newdev.c - the out-of-tree driver of docs/new-device.md (tests/apps/newdev/sum.c),
 * unchanged, against the device that it is for, lawful and not.
 */
#include "../apps/newdev/sum.c"

#include <stdlib.h>

#include "check.h"
#include "host.h"
#include "model.h"
#include "model_pci.h"
#include "virtio/device.h"

static struct model *m;
static bool hold; /* the device keeps what it is sent */
static struct model_chain held[SLOTS];
static unsigned held_count;
static uint32_t say = UINT32_MAX; /* the length that the device claims; UINT32_MAX: the true one */

static void answer(const struct model_chain *c)
{
    uint32_t numbers[SUM_NUMBERS], n = model_gather(c, 0, numbers, sizeof(numbers)) / 4;
    uint64_t total = 0;

    for (uint32_t i = 0; i < n; i++)
        total += numbers[i];
    model_scatter(c, 0, &total, c->write_bytes);
    model_push(m, &m->queues[Q_REQUESTS], c, say == UINT32_MAX ? c->write_bytes : say);
    model_publish(m, &m->queues[Q_REQUESTS]);
}

static void on_kick(struct model *model, struct model_queue *q)
{
    struct model_chain c;

    while (q->index == Q_REQUESTS && model_pop(model, q, &c)) {
        if (hold)
            held[held_count++] = c;
        else
            answer(&c);
    }
    model_want_kick(model, q, true);
}

static void plug_pci(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    model_plug_pci(calloc(1, sizeof(struct model_vpci)), m, 1, false);
}

static void plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    m = calloc(1, sizeof(*m));
    model_init(m, t, SUM_ID);
    m->queues[Q_REQUESTS].max = m->queues[Q_REPORTS].max = 16;
    for (unsigned i = 0; i < n; i++)
        model_offer(m, bits[i]);
    if (m->offered[0] & 1u << SUM_F_LIMIT)
        model_field(m, CONFIG_LIMIT, 4, 3);
    m->on.kick = on_kick;
    if (t == MODEL_PCI)
        plug_pci();
    else
        model_plug_mmio(m, 0);
    model_watch(m);
    host_boot();
}

static void boot_with_all(enum model_transport t)
{
    static const unsigned bits[] = {SUM_F_LIMIT,        SUM_F_UNORDERED,
                                    SUM_F_WIDE,         SUM_F_WIDE_UNORDERED,
                                    VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    plug(t, bits, sizeof(bits) / sizeof(bits[0]));
    CHECK(virtio_find("sum0") != NULL);
}

static int results[16];
static uint64_t sums[16];
static unsigned order[16], answers;

static void on_sum(void *ctx, int err, uint64_t total)
{
    unsigned n = (unsigned)(uintptr_t)ctx;

    order[answers++] = n;
    results[n] = err;
    sums[n] = total;
}

static int ask(unsigned n, uint32_t first, uint32_t second)
{
    uint32_t numbers[] = {first, second};

    return sum_request(numbers, 2, on_sum, (void *)(uintptr_t)n);
}

static void adds(enum model_transport t)
{
    boot_with_all(t);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ(ask(i, 4000000000u, 4000000000u + i), 0);
        host_run_services();
        CHECK_EQ(answers, i + 1);
        CHECK_EQ(results[i], 0);
        CHECK_EQ(sums[i], 8000000000u + i);
    }
}

static void adds_mmio(void)
{
    adds(MODEL_MMIO);
}

static void adds_pci(void)
{
    adds(MODEL_PCI);
}

/* The private bits, high ones too, arrive at both sides, on a bus of 128 and on a legacy one. */
static void private_features(void)
{
    boot_with_all(MODEL_PCI);
    for (unsigned bit = 0; bit < 128; bit++)
        CHECK_EQ(model_accepted(m, bit),
                 bit == SUM_F_LIMIT || bit == SUM_F_UNORDERED || bit == SUM_F_WIDE ||
                     bit == SUM_F_WIDE_UNORDERED || bit == VIRTIO_F_EVENT_IDX ||
                     bit == VIRTIO_F_INDIRECT_DESC || bit == VIRTIO_F_VERSION_1);
    CHECK_EQ(sum.width, 8);
}

static void without_what_it_needs(void)
{
    static const unsigned bits[] = {SUM_F_WIDE, SUM_F_WIDE_UNORDERED, 2, 22, 60};

    plug(MODEL_MMIO, bits, 5);
    CHECK(model_accepted(m, SUM_F_WIDE));
    CHECK(!model_accepted(m, SUM_F_WIDE_UNORDERED));
    CHECK(!model_accepted(m, 2) && !model_accepted(m, 22) && !model_accepted(m, 60));
}

static void forbidden_by_name(void)
{
    host_set_bootargs("vireo.sum0.deny=wide");
    boot_with_all(MODEL_MMIO);
    CHECK(!model_accepted(m, SUM_F_WIDE) && !model_accepted(m, SUM_F_WIDE_UNORDERED));
    CHECK_EQ(ask(0, 1, 2), 0);
    host_run_services();
    CHECK_EQ(results[0], 0);
    CHECK_EQ(sums[0], 3);
    CHECK_EQ(sum.width, 4);
}

static void limit_from_the_config(void)
{
    static const uint32_t numbers[SUM_NUMBERS + 1];

    boot_with_all(MODEL_MMIO);
    CHECK_EQ(sum_request(numbers, 3, on_sum, NULL), 0);
    CHECK_EQ(sum_request(numbers, 4, on_sum, NULL), -EINVAL);
    CHECK_EQ(sum_request(numbers, 0, on_sum, NULL), -EINVAL);
    model_field(m, CONFIG_LIMIT, 4, 1000000); /* more than the driver has room for */
    m->generation++;
    model_raise(m, 2, NULL);
    host_run_services();
    CHECK_EQ(sum_request(numbers, SUM_NUMBERS, on_sum, NULL), 0);
    CHECK_EQ(sum_request(numbers, SUM_NUMBERS + 1, on_sum, NULL), -EINVAL);
}

static void out_of_order(void)
{
    boot_with_all(MODEL_MMIO);
    hold = true;
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK_EQ(ask(i, i, 100), 0);
    CHECK_EQ(ask(SLOTS, 1, 2), -EAGAIN);
    for (unsigned i = SLOTS; i-- > 0;)
        answer(&held[i]);
    host_run_services();
    CHECK_EQ(answers, SLOTS);
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK_EQ(order[i], SLOTS - 1 - i);
        CHECK_EQ(sums[i], 100 + i);
    }
}

static void wrong_length(void)
{
    boot_with_all(MODEL_MMIO);
    say = 7;
    CHECK_EQ(ask(0, 1, 2), 0);
    host_run_services();
    CHECK_EQ(results[0], -EIO);
    say = UINT32_MAX;
    CHECK_EQ(ask(1, 1, 2), 0);
    host_run_services();
    CHECK_EQ(results[1], 0);
}

static void reports(void)
{
    struct model_queue *q;
    struct model_chain c;

    boot_with_all(MODEL_MMIO);
    q = &m->queues[Q_REPORTS];
    for (uint32_t i = 1; i <= 10; i++) {
        CHECK(model_pop(m, q, &c));
        model_scatter(&c, 0, &i, 4);
        model_push(m, q, &c, i == 10 ? 2 : 4); /* the last is too short to count */
        model_publish(m, q);
        host_run_services();
        CHECK_EQ(sum_reports(), i == 10 ? 9 : i);
    }
}

static void dies(bool reset_completes)
{
    int64_t blocks;

    host_set_bootargs("vireo.resets=0");
    boot_with_all(MODEL_MMIO);
    blocks = host_live_blocks();
    hold = true;
    CHECK_EQ(ask(0, 1, 2), 0);
    CHECK_EQ(ask(1, 1, 2), 0);
    m->reset_never = !reset_completes;
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(m, 2, NULL);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(answers, 2);
    CHECK_EQ(results[0], -EIO);
    CHECK_EQ(results[1], -EIO);
    CHECK_EQ(ask(2, 1, 2), -ENODEV);
    CHECK_EQ(host_live_blocks(), blocks - reset_completes);
}

static void dies_cleanly(void)
{
    dies(true);
}

static void dies_for_good(void)
{
    dies(false);
}

/* Two requests are out when it fails, and one comes meanwhile: all are answered, once. */
static void recovers(void)
{
    boot_with_all(MODEL_MMIO);
    for (unsigned i = 0; i < 5; i++) {
        answers = held_count = 0;
        hold = true;
        CHECK_EQ(ask(0, 1, 2), 0);
        CHECK_EQ(ask(1, 3, 4), 0);
        CHECK_EQ(held_count, 2);
        hold = false;
        m->reset_reads = 40;
        m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(m, 2, NULL);
        host_run_services();
        CHECK_EQ(ask(2, 5, 6), 0);
        host_run_for(20 * HAL_SEC);
        CHECK_EQ(answers, 3);
        for (unsigned k = 0; k < 3; k++)
            CHECK(results[k] == 0 && sums[k] == 4 * k + 3);
    }
    model_field(m, CONFIG_LIMIT, 4, 1); /* it is read again */
    virtio_fail(sum.dev, "test");
    host_run_for(20 * HAL_SEC);
    CHECK_EQ(ask(0, 1, 2), -EINVAL);
}

static void plugged_in_again(void)
{
    struct virtio_device *dev;

    boot_with_all(MODEL_MMIO);
    dev = sum.dev;
    for (unsigned i = 0; i < 4; i++) {
        answers = held_count = 0;
        hold = true;
        CHECK_EQ(ask(0, 1, 2), 0);
        virtio_unplug(dev, false, i & 1);
        CHECK_EQ(answers, 1);
        CHECK_EQ(results[0], -EIO);
        CHECK_EQ(ask(0, 1, 2), -ENODEV);
        hold = false;
        CHECK_EQ(virtio_replug(dev), 0);
        CHECK_EQ(ask(0, 1, 2), 0);
        host_run_services();
        CHECK_EQ(results[0], 0);
    }
}

static void no_device(void)
{
    host_boot();
    CHECK_EQ(ask(0, 1, 2), -ENODEV);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"adds_mmio", adds_mmio, ""},
        {"adds_pci", adds_pci, ""},
        {"private_features", private_features, ""},
        {"without_what_it_needs", without_what_it_needs, "FEAT-02 FEAT-04 FEAT-09"},
        {"forbidden_by_name", forbidden_by_name, ""},
        {"limit_from_the_config", limit_from_the_config, ""},
        {"out_of_order", out_of_order, ""},
        {"wrong_length", wrong_length, ""},
        {"reports", reports, ""},
        {"dies_cleanly", dies_cleanly, ""},
        {"dies_for_good", dies_for_good, ""},
        {"recovers", recovers, ""},
        {"plugged_in_again", plugged_in_again, ""},
        {"no_device", no_device, ""},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
