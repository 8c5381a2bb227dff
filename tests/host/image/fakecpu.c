/* SPDX-License-Identifier: BSD-2-Clause */
/* fakecpu.c - the CPU of cpu.h, and what arch/ supplies around it. */
#include "arch.h"
#include "board.h"
#include "cpu.h"

struct fakecpu fakecpu;
bool arch_secure;

unsigned long arch_irq_save(void)
{
    unsigned long state = fakecpu.masked;

    fakecpu.masked = true;
    return state;
}

void arch_irq_restore(unsigned long state)
{
    fakecpu.masked = state;
}
