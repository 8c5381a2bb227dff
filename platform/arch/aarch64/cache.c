/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c - memory that devices read as tables (the GIC, the ITS): barriers and cache maintenance
 * (Arm ARM DDI 0487, B2.3.12, D7.5.9).
 */
#include "arch.h"
#include "cpu.h"

void arch_memory_sync(void)
{
    cpu_dsb();
}

void arch_cache_flush(const void *p, size_t len)
{
    size_t line = 4ul << (cpu_read(ctr_el0) >> 16 & 15); /* of the smallest data cache, bytes */

    for (uintptr_t at = (uintptr_t)p & ~(line - 1); at < (uintptr_t)p + len; at += line)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    cpu_dsb();
}
