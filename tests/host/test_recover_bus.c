/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_recover_bus.c - recovery and what surrounds the device (virtio 1.4,
 * sections 2.4, 3.1.1, 3.3, 4.1.5): interrupts on every rung afterwards, interrupts in the middle
 * of it, a device that leaves and returns, the end of the image, memory that has run out.
 */
#include <string.h>

#include "check.h"
#include "recovertest.h"

/* ---- interrupts ------------------------------------------------------------------------------ */

static void fail_and_recover(void)
{
    virtio_fail(td.dev, "test");
    host_run_services();
}

/* Of three queues: four messages, two, one, the line. */
static const struct {
    int messages;
    const char *wakeup;
} rungs[] = {{HOST_IRQS, "msi-x"}, {3, "msi-x shared"}, {1, "msi-x single"}, {0, "intx"}};
#define RUNGS (sizeof(rungs) / sizeof(rungs[0]))

static void boot_on_rung(enum model_transport t, unsigned i)
{
    host_msi_limit(rungs[i].messages);
    rt_boot_queues(t, 3, false);
    CHECK(strcmp(rt_info().wakeup, rungs[i].wakeup) == 0);
}

static unsigned handlers(void)
{
    unsigned n = 0;

    for (hal_irq_t i = 0; i < HOST_IRQS; i++)
        n += host_irq_handlers(i);
    return n;
}

/* Completions and changes are heard of as before, and nothing of the rung is left over. */
static void same_rung(enum model_transport t, unsigned i)
{
    unsigned before;

    boot_on_rung(t, i);
    before = handlers();
    for (unsigned n = 1; n < 5; n++) {
        fail_and_recover();
        rt_recovered(n);
        CHECK(strcmp(rt_info().wakeup, rungs[i].wakeup) == 0);
        CHECK_EQ(handlers(), before);
        rt_traffic();
        host_run_for(VIRTIO_HEALTHY);
    }
    model_raise(rt.m, 2, NULL);
    host_run_services();
    CHECK(td.config_changes >= 1);
    rt.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(rt.m, 2, NULL);
    host_run_services();
    rt_recovered(5);
}

static void own_messages(void)
{
    same_rung(MODEL_PCI, 0);
}

static void shared_messages(void)
{
    same_rung(MODEL_PCI, 1);
}

static void one_message(void)
{
    same_rung(MODEL_PCI, 2);
}

static void the_line(void)
{
    same_rung(MODEL_PCI, 3);
}

static void legacy_own_messages(void)
{
    same_rung(MODEL_PCI_LEGACY, 0);
}

static void legacy_line(void)
{
    same_rung(MODEL_PCI_LEGACY, 3);
}

/* Messages have run out, or came back, meanwhile. */
static void another_rung(void)
{
    boot_on_rung(MODEL_PCI, 0);
    for (unsigned i = 1; i <= RUNGS; i++) {
        host_msi_limit(rungs[i % RUNGS].messages);
        fail_and_recover();
        rt_recovered(i);
        CHECK(strcmp(rt_info().wakeup, rungs[i % RUNGS].wakeup) == 0);
        rt_traffic();
        host_run_for(VIRTIO_HEALTHY);
    }
}

/* A storm ends in polling; a reset is a reason to try interrupts once more. */
static void after_a_storm(void)
{
    rt_boot_queues(MODEL_MMIO, 1, false);
    host_irq_hold(true);
    for (unsigned i = 0; i < VIRTIO_STORM; i++)
        virtio_irq_shared(td.dev);
    host_irq_hold(false);
    CHECK(strcmp(rt_info().wakeup, "polled") == 0 && host_irq_is_masked(rt.m->irq));
    host_run_round();
    virtio_fail(td.dev, "test");
    for (unsigned i = 0; i < 3; i++)
        host_run_round();
    rt_recovered(1);
    CHECK(strcmp(rt_info().wakeup, "irq") == 0 && !host_irq_is_masked(rt.m->irq));
    rt_traffic();
}

/* ---- in the middle of it --------------------------------------------------------------------- */

static bool noisy;
static unsigned noises;

/* The device interrupts at each access to its registers before DRIVER_OK. */
static uint32_t make_noise(struct model *m, enum model_space s, unsigned off, bool write,
                           uint32_t v)
{
    (void)s;
    (void)off;
    (void)write;
    if (!noisy || host_in_handler() || m->status & VIRTIO_STATUS_DRIVER_OK)
        return v;
    noisy = false;
    noises++;
    if (m->irq >= 0)
        host_irq_pulse(m->irq);
    for (unsigned i = 0; m->pci && i < 4; i++)
        model_pci_message(&m->pci->fn, i);
    noisy = true;
    return v;
}

/* No handler reaps, arms, kicks or writes to a ring before the device is in service (class 16). */
static void interrupts_all_the_time(enum model_transport t)
{
    rt_boot_queues(t, 3, false);
    rt.m->on.access = make_noise;
    for (unsigned n = 1; n < 5; n++) {
        noisy = true;
        fail_and_recover();
        noisy = false;
        rt_recovered(n);
        rt_traffic();
        host_run_for(VIRTIO_HEALTHY);
    }
    CHECK(noises > 100);
}

static void interrupts_all_the_time_mmio(void)
{
    interrupts_all_the_time(MODEL_MMIO);
}

static void interrupts_all_the_time_pci(void)
{
    interrupts_all_the_time(MODEL_PCI);
}

static void timers_and_wakes(void)
{
    unsigned services;

    rt_boot(MODEL_MMIO);
    model_withdraw(rt.m, TD_A);
    virtio_fail(td.dev, "test");
    host_run_services();
    services = td.services;
    virtio_wake_at(td.dev, 0); /* the driver does not notice, and asks for its time */
    for (unsigned i = 0; i < 10; i++) {
        virtio_wake(td.dev);
        virtio_fail(td.dev, "once more");
        host_run_services();
    }
    CHECK_EQ(td.services, services);
    CHECK_EQ(rt_info().resets, 2);
    model_offer(rt.m, TD_A);
    host_run_for(20 * HAL_MS);
    rt_recovered(1);
}

/* The image ends while a reset is under way: it is waited for. */
static void shutdown_in_a_reset(void)
{
    rt_boot(MODEL_MMIO);
    rt.m->reset_reads = 200;
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK(rt.m->reset_left > 0);
    host_shutdown();
    CHECK_EQ(rt.m->reset_left, 0);
    CHECK_EQ(td.deaths + td.lost[0], 0);
}

static void shutdown_in_a_pause(void)
{
    unsigned trace;

    rt_boot(MODEL_MMIO);
    model_withdraw(rt.m, TD_A);
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK(strcmp(rt_info().state, "waiting") == 0);
    trace = rt.m->trace_len;
    host_shutdown();
    CHECK_EQ(rt.m->trace_len, trace);
    CHECK_EQ(rt.m->status, 0);
}

/* Nothing that recovery needs is allocated while it is under way, but what interrupts take. */
static void no_memory(void)
{
    rt_boot(MODEL_MMIO);
    host_fail_alloc_after(0);
    virtio_fail(td.dev, "test");
    host_run_services();
    rt_recovered(1);
    host_fail_alloc_after(-1);
    rt_traffic();
}

/* ---- a device that leaves, and one that comes ------------------------------------------------ */

static void check_left(bool quarantine)
{
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.quarantine, quarantine);
    CHECK_EQ(td.taken_back, RT_OUT);
    CHECK_EQ(td.lost[0], 0);
    CHECK_EQ(virtq_state(rt.q), VIRTQ_GONE);
    CHECK(!virtio_works(td.dev));
    CHECK(strcmp(rt_info().state, "gone") == 0 && strcmp(rt_info().cause, "unplugged") == 0);
    CHECK_EQ(handlers(), 0);
    CHECK(virtio_find("vtest0") == td.dev);
}

/* No register of the device is accessed any more. */
static uint32_t untouched(struct model *m, enum model_space s, unsigned off, bool write, uint32_t v)
{
    (void)m;
    host_violation("%s at %u of space %u after it left", write ? "write" : "read", off, s);
    return v;
}

static void check_untouched(void)
{
    uint32_t v;

    rt.m->on.access = untouched;
    CHECK_EQ(virtio_config_read32(td.dev, 0, &v), -EIO);
    CHECK_EQ(virtio_config_write8(td.dev, 0, 1), -EIO);
    virtio_wake(td.dev);
    virtio_fail(td.dev, "test");
    virtio_refuse(td.dev, "test");
    CHECK_EQ(testdrv_submit(rt.q, 9), -EIO);
    host_run_for(20 * HAL_SEC);
    rt.m->on.access = NULL;
}

static void unplug(enum model_transport t, bool here, bool absent)
{
    rt_boot(t);
    if (!here)
        rt.m->on.access = untouched;
    virtio_unplug(td.dev, here, absent);
    check_left(!here && !absent);
    check_untouched();
}

static void unplug_here(void)
{
    unplug(MODEL_PCI, true, false);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED);
    CHECK_EQ(rt.m->resets, 2);
}

static void unplug_here_but_stuck(void)
{
    rt_boot(MODEL_PCI);
    rt.m->reset_never = true;
    virtio_unplug(td.dev, true, false);
    check_left(true);
    CHECK(!model_pci_master(&rt.m->pci->fn));
    check_untouched();
}

static void unplug_absent(void)
{
    unplug(MODEL_PCI, false, true);
}

static void unplug_unknown(void)
{
    unplug(MODEL_PCI, false, false);
}

/* An unplug while the device waits for the next try, or for a reset. */
static void unplug_in_recovery(void)
{
    rt_boot(MODEL_MMIO);
    rt.m->reset_reads = 200;
    virtio_fail(td.dev, "test");
    host_run_services();
    virtio_unplug(td.dev, false, true);
    check_left(false);
    check_untouched();
}

static void unplug_twice(void)
{
    unplug(MODEL_MMIO, true, false);
    virtio_unplug(td.dev, false, true);
    check_left(false);
    check_untouched();
}

static void replug_on(enum model_transport t)
{
    unplug(t, true, false);
    for (unsigned i = 1; i < 10; i++) {
        CHECK_EQ(virtio_replug(td.dev), 0);
        CHECK_EQ(virtio_replug(td.dev), -EINVAL);
        CHECK_EQ(td.returns, i);
        CHECK_EQ(td.back[0], i);
        CHECK(virtio_works(td.dev));
        host_run_services();
        rt_traffic();
        virtio_unplug(td.dev, true, false);
        CHECK_EQ(td.deaths, i + 1);
    }
    CHECK_EQ(td.lost[0], 0);
}

static void replug(void)
{
    replug_on(MODEL_MMIO);
}

static void replug_pci(void)
{
    replug_on(MODEL_PCI);
}

static int not_mine(struct virtio_device *dev)
{
    (void)dev;
    return -ENODEV;
}

/* Another device: one try, and the driver hears of its end once for each life. */
static void replug_another(void)
{
    unplug(MODEL_MMIO, true, false);
    model_withdraw(rt.m, TD_A);
    CHECK_EQ(virtio_replug(td.dev), -ENODEV);
    CHECK_EQ(td.deaths, 1);
    model_offer(rt.m, TD_A);
    td.returned = not_mine;
    CHECK_EQ(virtio_replug(td.dev), -ENODEV);
    CHECK_EQ(td.deaths, 2);
    td.returned = NULL;
    check_untouched();
    CHECK_EQ(virtio_replug(td.dev), 0);
    host_run_services();
    rt_traffic();
    virtio_fail(td.dev, "test");
    host_run_for(20 * HAL_MS);
    CHECK_EQ(td.deaths, 2);
    rt_traffic();
}

static void replug_slowly(void)
{
    unplug(MODEL_MMIO, true, false);
    rt.m->reset_reads = 100;
    CHECK_EQ(virtio_replug(td.dev), 0);
    CHECK(!virtio_works(td.dev));
    host_run_for(20 * HAL_MS);
    CHECK(virtio_works(td.dev) && td.back[0] == 1);
    rt_traffic();
}

/* To leave again before the one try that it gets: that is not made. */
static void retired_before_its_try(void)
{
    unplug(MODEL_MMIO, true, false);
    rt.m->reset_reads = 100;
    CHECK_EQ(virtio_replug(td.dev), 0);
    CHECK(!virtio_retire(td.dev));
    host_run_for(20 * HAL_MS);
    CHECK(virtio_retire(td.dev));
    CHECK_EQ(td.back[0], 0);
    CHECK_EQ(td.deaths, 1);
    CHECK(rt.m->status & VIRTIO_STATUS_FAILED);
}

/* In service, being reset, in the pause after that, given up: it ends, and is told of once. */
static void retired_in_each_state(void)
{
    rt_boot(MODEL_MMIO);
    CHECK(!virtio_retire(td.dev));
    host_run_services();
    CHECK(virtio_retire(td.dev));
    check_left(false);
    CHECK_EQ(host_log_matches("vtest0: unplugged"), 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(virtio_replug(td.dev), 0);
        rt.m->reset_reads = i ? 0 : 100;
        virtio_fail(td.dev, "test");
        host_run_services();
        CHECK(strcmp(rt_info().state, i ? "waiting" : "resetting") == 0);
        CHECK(!virtio_retire(td.dev));
        host_run_for(8 * HAL_MS);
        CHECK(virtio_retire(td.dev));
        CHECK_EQ(td.deaths, i + 2);
        CHECK(!td.quarantine);
        rt.m->reset_reads = 0;
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(own_messages, NULL, NULL),
        SHOWS(shared_messages, NULL),
        SHOWS(one_message, NULL),
        SHOWS(the_line, NULL),
        SHOWS(legacy_own_messages, NULL),
        SHOWS(legacy_line, NULL),
        SHOWS(another_rung, NULL),
        SHOWS(after_a_storm, NULL),
        EACH_RING(interrupts_all_the_time_mmio, NULL, NULL),
        EACH_RING(interrupts_all_the_time_pci, NULL, NULL),
        SHOWS(timers_and_wakes, NULL),
        SHOWS(shutdown_in_a_reset, NULL),
        SHOWS(shutdown_in_a_pause, NULL),
        SHOWS(no_memory, NULL),
        SHOWS(unplug_here, NULL),
        SHOWS(unplug_here_but_stuck, NULL),
        SHOWS(unplug_absent, NULL),
        SHOWS(unplug_unknown, NULL),
        SHOWS(unplug_in_recovery, NULL),
        SHOWS(unplug_twice, NULL),
        EACH_RING(replug, NULL, NULL),
        EACH_RING(replug_pci, NULL, NULL),
        SHOWS(replug_another, NULL),
        SHOWS(replug_slowly, NULL),
        SHOWS(retired_before_its_try, NULL),
        SHOWS(retired_in_each_state, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
