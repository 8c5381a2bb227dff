/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_class_life.c - classes of bugs that drivers have had over the life of a device: waits
 * without an end, memory that is used again while the device still has it, interrupts at the wrong
 * time, kicks and interrupts that are lost, status, disappearance. See test_class_ring.c.
 */
#include <string.h>

#include <sanitizer/lsan_interface.h>
#pragma weak __lsan_disable /* only a build with sanitizers has it */

#include "rig.h"
#include "script.h"
#include "virtio/ring/virtq_impl.h"

#define OUT 5

static struct model_chain chain[RIG_SIZE];

static void boot(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    rig_make(bits, random_below(2));
    rig_boot();
    CHECK(rig.dev != NULL);
}

/* The device takes all buffers, and answers none. */
static void boot_and_hand_out(void)
{
    boot();
    rig_hand_out(OUT, chain);
}

/* Neither kick nor buffer is noticed: the deadline ends the wait, and not much later. */
static void class_13_never_completes(void)
{
    static const struct script_entry lie[] = {{.what = DO_SILENCE}};
    uint64_t start;

    boot();
    script_begin(rig.m, lie, 1);
    for (unsigned i = 0; i < OUT; i++)
        CHECK(rig_submit() >= 0);
    start = hal_now_ns();
    CHECK_EQ(rig_settle(), RIG_RECOVERED);
    CHECK(hal_now_ns() - start < 2 * RIG_DEADLINE);
    CHECK_EQ(rig_cancelled(), OUT);
    script_end();
    rig_check_works();
}

/* The device stays silent at every try: the tries end, and so does every wait. */
static void class_13_never_completes_again(void)
{
    static const struct script_entry lie[] = {{.what = DO_SILENCE}};

    boot();
    script_begin(rig.m, lie, 1);
    for (unsigned i = 0; i < 100 && !rig.dead; i++) {
        rig_submit();
        rig_settle();
    }
    CHECK(rig.dead && !rig.quarantine);
    CHECK_EQ(rig_submit(), -EIO);
    CHECK_EQ(host_log_matches("given up"), 1);
}

/*
 * The deadline passes while the device has the memory, and writes there until its reset is
 * complete: nobody gets a buffer back before (rig.c overwrites what it gets, and the model guards
 * what it has).
 */
static void class_14_late_dma_after_timeout(void)
{
    static const struct script_entry lies[] = {
        {.what = DO_SLOW_RESET, .v = 200},
        {.when = AT_READ, .at = REG_STATUS, .times = FOR_EVER, .what = DO_LATE, .v = 0xbb},
    };

    boot_and_hand_out();
    model_complete(rig.m, rig.mq, &chain[0], RIG_WRITABLE);
    script_begin(rig.m, lies, 2);
    CHECK_EQ(rig_settle(), RIG_RECOVERED);
    CHECK(script_done() > 200);
    CHECK_EQ(rig.m->reset_left, 0);
    CHECK_EQ(rig_cancelled(), OUT - 1);
    script_end();
    rig_check_works();
}

/* A reset that never completes: each caller gets an error, and the memory is never used again. */
static void class_14_reset_never_completes(void)
{
    static const struct script_entry lie[] = {{.what = DO_NO_RESET}};

    boot_and_hand_out();
    script_begin(rig.m, lie, 1);
    CHECK_EQ(rig_settle(), RIG_GIVEN_UP);
    CHECK(rig.quarantine);
    CHECK_EQ(rig_cancelled(), OUT);
    CHECK_EQ(host_log_matches("quarantine"), 1);
    model_push(rig.m, rig.mq, &chain[1], RIG_WRITABLE); /* it writes on: the memory is there */
    CHECK(host_dma_is_block(rig.q->desc_dma, rig.q->ring_bytes));
}

/* The image ends with buffers out: the device was reset, and may not reach memory any more. */
static void class_15_dma_after_shutdown(void)
{
    boot_and_hand_out();
    host_shutdown();
    CHECK_EQ(rig.m->status, 0);
    CHECK(!rig.mq->ready);
    if (rig.m->pci)
        CHECK(!model_pci_master(&rig_vpci.fn));
}

/* From the first access on, at each one: causes that are true of nothing. */
static void class_16_interrupt_before_ready(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_ACCESS, .times = 500, .what = DO_INTERRUPT, .v = 3}};

    rig_make(NULL, 0);
    script_begin(rig.m, lie, 1);
    rig_boot();
    CHECK(rig.dev != NULL);
    CHECK(script_done() > 10);
    script_end();
    rig_check_works();
}

static void class_16_interrupt_after_reset(void)
{
    static const struct script_entry lies[] = {
        {.when = AT_USED, .what = DO_USED_ID, .v = RIG_SIZE},
        {.when = AT_ACCESS, .times = 200, .what = DO_INTERRUPT, .v = 3},
    };

    boot_and_hand_out();
    script_begin(rig.m, lies, 2);
    model_complete(rig.m, rig.mq, &chain[0], 4);
    CHECK_EQ(rig_settle(), RIG_RECOVERED);
    script_end();
    rig_check_works();
}

/* A line that nothing takes down: masked after a while, and the device works on, polled. */
static void class_17_interrupt_storm(void)
{
    struct virtio_info info;

    host_msi_limit(0);
    boot();
    rig_vpci.fn.line_held = true;
    if (rig.m->pci)
        model_pci_level(&rig_vpci.fn, true);
    else
        host_irq_set(rig.m->irq, true);
    /* On PCI the function is silenced first; the line, if that does not help. */
    CHECK_EQ(host_log_matches("storm"), rig.m->pci ? 2 : 1);
    rig_check_works();
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.alive && strcmp(info.wakeup, "polled") == 0);
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
}

/* The device asks for no kick, and sleeps: the tick finds out long before the deadline. */
static void class_28_lost_kick(void)
{
    static const uint32_t words[] = {0x7fff, 1, 1 << 16, 2 << 16 | 0x7fff};

    boot();
    for (unsigned i = 0; i < 4; i++) {
        const struct script_entry lie[] = {{.what = DO_SUPPRESS, .v = words[i]}};
        unsigned before = rig_completed();

        script_begin(rig.m, lie, 1);
        CHECK(rig_submit() >= 0);
        rig_run(RIG_DEADLINE / 2);
        CHECK_EQ(rig_completed(), before + 1);
        script_end();
    }
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
    rig_check_works();
}

/* Completions without an interrupt: the tick finds them, and says that it did. */
static void class_29_lost_interrupt(void)
{
    static const struct script_entry lie[] = {{.what = DO_MUTE}};

    boot_and_hand_out();
    host_run_services();
    script_begin(rig.m, lie, 1);
    for (unsigned i = 0; i < OUT; i++) {
        uint64_t start = hal_now_ns();

        model_complete(rig.m, rig.mq, &chain[i], RIG_WRITABLE);
        while (rig_completed() == i && hal_now_ns() - start < HAL_SEC)
            host_run_for(HAL_MS);
        CHECK(hal_now_ns() - start < 2 * VIRTQ_TICK);
        rig_check();
    }
    script_end();
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
    rig_check_works();
}

/* Everything at once. An assertion that a device can reach would end the run (hal_panic). */
static void class_33_no_assertion(void)
{
    static const struct script_entry lies[] = {
        {.when = AT_READ, .at = REG_STATUS, .n = 4, .what = DO_TOGGLE, .v = 0xff},
        {.when = AT_READ, .at = REG_CAUSE, .times = FOR_EVER, .what = DO_TOGGLE, .v = 0xfc},
        {.when = AT_READ, .at = REG_VECTOR, .n = 3, .times = 2, .what = DO_ANSWER, .v = 0xffff},
        {.when = AT_USED, .n = 3, .what = DO_USED_LEN, .v = UINT32_MAX},
        {.when = AT_USED, .n = 4, .what = DO_USED_ID, .v = 0xdead},
        {.when = AT_KICK, .n = 3, .what = DO_REWRITE, .v = 0xffffffff},
        {.when = AT_KICK, .n = 9, .times = 3, .what = DO_SUPPRESS, .v = 0xffffffff},
        {.when = AT_KICK, .n = 10, .what = DO_FORGE, .v = 0x80000000u, .arg = 1},
        {.when = AT_KICK, .n = 20, .what = DO_NEEDS_RESET},
        {.when = AT_KICK, .n = 21, .times = 5, .what = DO_INTERRUPT, .v = 3},
        {.when = AT_LOAD, .at = WORD_USED_IDX, .n = 60, .what = DO_CHANGE, .v = 0xabcd},
    };

    boot();
    script_begin(rig.m, lies, sizeof(lies) / sizeof(lies[0]));
    for (unsigned i = 0; i < 100 && !rig.dead; i++) {
        rig_submit();
        rig_run(10 * HAL_MS);
        if (i % 10 == 0)
            rig_settle();
    }
    CHECK(script_done() > 4);
    CHECK(!*host_panic_text());
    script_end();
    if (rig_settle() != RIG_GIVEN_UP)
        rig_check_works();
}

/* Every read is all ones from some access on: the waiters get errors, soon, and nothing hangs. */
static void class_35_vanishes(void)
{
    static const struct script_entry lie[] = {{.when = AT_KICK, .n = 3, .what = DO_VANISH}};
    uint64_t start;

    boot();
    rig.serve = false;
    script_begin(rig.m, lie, 1);
    for (unsigned i = 0; i < OUT; i++) {
        CHECK(rig_submit() >= 0);
        model_want_kick(rig.m, rig.mq, true);
    }
    start = hal_now_ns();
    CHECK_EQ(rig_settle(), RIG_GIVEN_UP);
    CHECK(hal_now_ns() - start < 5 * HAL_SEC);
    CHECK_EQ(rig_cancelled(), OUT);
    CHECK_EQ(rig_submit(), rig.quarantine ? -EAGAIN : -EIO);
}

/*
 * While it starts, after any of its first accesses: no boot is ended by it. What it may still reach
 * stays allocated on purpose, so the leak checker is told to look away.
 */
static void class_35_vanishes_at_boot(void)
{
    const struct script_entry lie[] = {
        {.when = AT_ACCESS, .n = 1 + random_below(40), .what = DO_VANISH}};

    if (__lsan_disable)
        __lsan_disable();
    rig_make(NULL, 0);
    script_begin(rig.m, lie, 1);
    rig_boot();
    host_run_for(10 * HAL_SEC);
    rig_check();
}

/* Offset and value of each write of the status, in order. */
static void check_steps(unsigned from, unsigned status_at)
{
    static const uint32_t modern[] = {0, 1, 3, 11, 15}, legacy[] = {0, 1, 3, 7};
    bool old = model_is_legacy(rig.m);
    const uint32_t *want = old ? legacy : modern;
    unsigned steps = old ? 4 : 5, n = 0;

    for (unsigned i = from; i < rig.m->trace_len; i++) {
        const struct model_access *a = &rig.m->trace[i];

        if (!a->write || a->off != status_at)
            continue;
        CHECK(n < steps);
        CHECK_EQ(a->v, want[n]);
        n++;
    }
    CHECK_EQ(n, steps);
}

/* One bit more at a time, from a reset on: at the boot, and when it is brought back. */
static void class_37_status_steps(void)
{
    static const unsigned status_at[] = {
        [MODEL_MMIO] = 0x70, [MODEL_MMIO_LEGACY] = 0x70, [MODEL_PCI] = 20, [MODEL_PCI_LEGACY] = 18};
    unsigned at = status_at[rig_transport()], before;

    boot_and_hand_out();
    check_steps(0, at);
    before = rig.m->trace_len;
    model_forge(rig.m, rig.mq, RIG_SIZE, 0);
    model_show(rig.m, rig.mq);
    model_raise(rig.m, 1, rig.mq);
    CHECK_EQ(rig_settle(), RIG_RECOVERED);
    check_steps(before, at);
}

static const struct test_variant lines[] = {{"mmio-split", RIG(RIG_MMIO, 0)},
                                            {"mmio-packed", RIG(RIG_MMIO, 1)},
                                            {"mmio-legacy", RIG(RIG_MMIO_LEGACY, 0)},
                                            {"pci-split", RIG(RIG_PCI, 0)},
                                            {"pci-packed", RIG(RIG_PCI, 1)},
                                            {"pci-legacy", RIG(RIG_PCI_LEGACY, 0)},
                                            {NULL, 0}};

int main(int argc, char **argv)
{
#define CLASS(f, variants)                                                                         \
    {                                                                                              \
#f, f, NULL, 0, variants                                                                   \
    }
    static const struct test_case cases[] = {
        CLASS(class_13_never_completes, rig_all),
        CLASS(class_13_never_completes_again, rig_all),
        CLASS(class_14_late_dma_after_timeout, rig_all),
        CLASS(class_14_reset_never_completes, rig_all),
        CLASS(class_15_dma_after_shutdown, rig_all),
        CLASS(class_16_interrupt_before_ready, rig_all),
        CLASS(class_16_interrupt_after_reset, rig_all),
        CLASS(class_17_interrupt_storm, lines),
        CLASS(class_28_lost_kick, rig_all),
        CLASS(class_29_lost_interrupt, lines),
        CLASS(class_33_no_assertion, rig_all),
        CLASS(class_35_vanishes, rig_all),
        CLASS(class_35_vanishes_at_boot, rig_all),
        CLASS(class_37_status_steps, rig_all),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
