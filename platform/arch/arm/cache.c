/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c - memory that devices read as tables (the GIC, the ITS): barriers and cache maintenance
 * (Arm ARM DDI 0406C, A3.8.3, B4.2.1).
 */
#include "arch.h"

void arch_memory_sync(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

/* Length of the smallest data cache's lines, in bytes: CTR. */
static size_t line_length(void)
{
    uint32_t ctr;

    __asm__("mrc p15, 0, %0, c0, c0, 1" : "=r"(ctr));
    return 4u << (ctr >> 16 & 15);
}

void arch_cache_flush(const void *p, size_t len)
{
    size_t line = line_length();

    for (uintptr_t at = (uintptr_t)p & ~(line - 1); at < (uintptr_t)p + len; at += line)
        __asm__ volatile("mcr p15, 0, %0, c7, c14, 1" : : "r"(at) : "memory"); /* DCCIMVAC */
    arch_memory_sync();
}
