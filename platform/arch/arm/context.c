/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * context.c - the first frame of a context, random bits.
 */
#include "arch.h"
#include "board.h"

#define CONTEXT_WORDS 26 /* as arch_switch in vectors.S stores it */

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
