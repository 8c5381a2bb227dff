/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * context.c - the interrupt mask, the first frame of a context, random bits.
 */
#include "arch.h"
#include "board.h"

#define CONTEXT_WORDS 26 /* as arch_switch in vectors.S stores it */

unsigned long arch_irq_save(void)
{
    unsigned long state;

    __asm__ volatile("mrs %0, cpsr\n\t"
                     "cpsid i"
                     : "=r"(state)
                     :
                     : "memory");
    return state & 0x80; /* FIQ stays masked */
}

void arch_irq_restore(unsigned long state)
{
    unsigned long cpsr;

    __asm__ volatile("mrs %0, cpsr\n\t"
                     "bic %0, %0, #0x80\n\t"
                     "orr %0, %0, %1\n\t"
                     "msr cpsr_c, %0"
                     : "=&r"(cpsr)
                     : "r"(state)
                     : "memory");
}

void arch_begin(void); /* vectors.S */

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg)
{
    uint32_t *frame = (uint32_t *)((uintptr_t)stack_top & ~(uintptr_t)7) - CONTEXT_WORDS;

    for (unsigned i = 0; i < CONTEXT_WORDS; i++)
        frame[i] = 0;             /* r11 too: a back trace ends here */
    frame[17] = (uintptr_t)entry; /* r4 */
    frame[18] = (uintptr_t)arg;   /* r5 */
    frame[25] = (uintptr_t)arch_begin;
    c->sp = frame;
}

/* The architecture has no such instruction. */
bool arch_random(uint64_t *out)
{
    (void)out;
    return false;
}
