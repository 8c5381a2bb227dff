/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * context.c - the first frame of a context, random bits.
 */
#include "arch.h"
#include "board.h"
#include "cpu.h"

#define CONTEXT_FRAME 176 /* as arch_switch in vectors.S stores it */

void arch_begin(void); /* vectors.S */

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)15;
    uint64_t *frame = (uint64_t *)(top - CONTEXT_FRAME);

    for (unsigned i = 0; i < CONTEXT_FRAME / 8; i++)
        frame[i] = 0; /* x29 too: a back trace ends here */
    frame[1] = (uintptr_t)arch_begin;
    frame[2] = (uintptr_t)entry;
    frame[3] = (uintptr_t)arg;
    c->sp = frame;
}

bool arch_random(uint64_t *out)
{
    if (!(cpu_read(id_aa64isar0_el1) >> 60))
        return false;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t v, ok;
        __asm__ volatile("mrs %0, S3_3_C2_C4_0\n\t" /* RNDR sets Z when it has no bits to give */
                         "cset %1, ne"
                         : "=r"(v), "=r"(ok)
                         :
                         : "cc");
        if (ok) {
            *out = v;
            return true;
        }
    }
    return false;
}
