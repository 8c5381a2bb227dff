/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.h - the format of page tables, and the instructions for them, for mmu.c: VMSAv8-64
 * (Arm ARM, D5), 4 KiB granule, 44-bit addresses, EL1 only.
 */
#ifndef VIREO_PAGING_H
#define VIREO_PAGING_H

#include "cpu.h"

#define VA_BITS   44u
#define TOP_SHIFT 39u /* each entry of the top table maps 1 << 39 bytes */
#define RAM_LIMIT (1ull << VA_BITS)

/* For code that runs with the MMU off: unaligned accesses fault then. */
#define MMU_OFF __attribute__((target("strict-align"), no_stack_protector))

/* Attributes of a block or page: index in MAIR, AP, SH, AF, PXN, UXN (D5.3.3). */
#define ATTR_DEVICE    (1ull << 2) /* 0 is normal memory */
#define ATTR_READ_ONLY (1ull << 7)
#define ATTR_INNER     (3ull << 8)
#define ATTR_AF        (1ull << 10)
#define ATTR_PXN       (1ull << 53)
#define ATTR_UXN       (1ull << 54)

#define MAP_TEXT   (ATTR_INNER | ATTR_AF | ATTR_READ_ONLY | ATTR_UXN)
#define MAP_CONST  (MAP_TEXT | ATTR_PXN)
#define MAP_DATA   (ATTR_INNER | ATTR_AF | ATTR_PXN | ATTR_UXN)
#define MAP_DEVICE (ATTR_DEVICE | ATTR_AF | ATTR_PXN | ATTR_UXN)

#define MAIR 0x04ffull /* 0: write-back, allocate; 1: device nGnRE */
/* TTBR0 only, walks through the inner-shareable cache. */
#define TCR ((64 - VA_BITS) | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23)

/* Clears 64 bytes. memset may need the MMU. */
static inline void paging_clear(uint64_t *p)
{
    __asm__ volatile("stp xzr, xzr, [%0]\n\t"
                     "stp xzr, xzr, [%0, #16]\n\t"
                     "stp xzr, xzr, [%0, #32]\n\t"
                     "stp xzr, xzr, [%0, #48]"
                     :
                     : "r"(p)
                     : "memory");
}

/* Stores an entry, in one access: the table walker may read it at any time. */
static inline void paging_store(uint64_t *entry, uint64_t desc)
{
    *(volatile uint64_t *)entry = desc;
}

/* Drops the cache line of 64 bytes at p. */
static inline void paging_drop(uintptr_t p)
{
    __asm__ volatile("dc ivac, %0" : : "r"(p) : "memory");
}

static inline unsigned paging_pa_range(void)
{
    uint64_t range = cpu_read(id_aa64mmfr0_el1) & 15;

    return range > 5 ? 5 : (unsigned)range;
}

/* Physical addresses are below this. */
static inline uint64_t paging_pa_limit(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    unsigned n = bits[paging_pa_range()];

    return 1ull << (n < VA_BITS ? n : VA_BITS);
}

/* Loads the translation registers; the MMU stays off. */
static inline void paging_load(const uint64_t *top)
{
    cpu_write(mair_el1, MAIR);
    cpu_write(tcr_el1, TCR | (uint64_t)paging_pa_range() << 32);
    cpu_write(ttbr0_el1, (uintptr_t)top);
    cpu_isb();
}

/* The virtual address for a range of registers: its own. 0: it can have none. */
static inline uintptr_t paging_place(uint64_t phys, uint64_t len)
{
    (void)len;
    return phys;
}

static inline void paging_flush_page(uint64_t va)
{
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi vaae1is, %0\n\t"
                     "dsb ish\n\t"
                     "isb"
                     :
                     : "r"(va >> 12)
                     : "memory");
}

/*
 * Writes an entry, with break before make (D5.10.1): nothing but the instructions and `entry` need
 * be mapped in between.
 */
static inline void paging_replace(uint64_t *entry, uint64_t desc)
{
    __asm__ volatile("str xzr, [%0]\n\t"
                     "dsb ishst\n\t"
                     "tlbi vmalle1is\n\t"
                     "dsb ish\n\t"
                     "isb\n\t"
                     "str %1, [%0]\n\t"
                     "dsb ishst\n\t"
                     "isb"
                     :
                     : "r"(entry), "r"(desc)
                     : "memory");
}

#endif
