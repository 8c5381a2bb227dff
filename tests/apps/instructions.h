/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instructions.h - the counter of the guest's instructions (PMU event 8, instructions
 * architecturally executed), which QEMU's -icount makes exact.
 */
#ifndef TESTS_INSTRUCTIONS_H
#define TESTS_INSTRUCTIONS_H

static inline void counter_start(void)
{
    __asm__ volatile("msr pmevtyper0_el0, %0" : : "r"(8ul));
    __asm__ volatile("msr pmcntenset_el0, %0" : : "r"(1ul));
    __asm__ volatile("msr pmcr_el0, %0; isb" : : "r"(1ul));
}

static inline unsigned long counter(void)
{
    unsigned long v;

    __asm__ volatile("isb; mrs %0, pmevcntr0_el0" : "=r"(v) : : "memory");
    return v;
}

#endif
