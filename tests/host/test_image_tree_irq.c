/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_tree_irq.c - the interrupts without which nothing works: the timer's, by name, and
 * their controller (Devicetree bindings timer/arm,arch_timer).
 */
#include "treemaker.h"

struct virt_machine virt; /* board.c's */

/* Names decide, not places. */
static void names_of_the_timers_interrupts(void)
{
    static const struct {
        const char *names;
        uint32_t len;
    } by[] = {{"virt\0phys", 10}, {"phys\0virt", 10}, {"phys\0hyp-virt", 14}, {"phys\0virt", 9}};
    static const hal_irq_t want[] = {16 + 11, 16 + 14, VIRT_IRQ_NONE, VIRT_IRQ_NONE};

    basics_with_memory();
    node("timer");
    text("compatible", "arm,armv8-timer");
    WORDS("interrupts", 1, 11, 0x104, 1, 14, 0x104);
    prop("interrupt-names", by[case_variant].names, by[case_variant].len);
    end();
    accept();
    CHECK_EQ(virt.timer_irq, want[case_variant]);
}

static const struct test_variant namings[] = {
    {"first", 0}, {"second", 1}, {"none", 2}, {"not_terminated", 3}, {NULL, 0}};

static void no_gic(void)
{
    root();
    uart("pl011@9000000", 0x09000000, 1);
    memory("memory@40000000", RAM, 128 * MIB);
    device("intc@8000000", "arm,pl390", 0x08000000, 0x10000); /* version 1 */
    end();
    refuse("no GICv2 or GICv3");
}

static const struct test_case cases[] = {
    {"names_of_the_timers_interrupts", names_of_the_timers_interrupts, NULL, 0, namings},
    {"no_gic", no_gic},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
