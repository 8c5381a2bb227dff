/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paging.h - the format of page tables, and the instructions for them, for mmu.c: long
 * descriptors (Large Physical Address Extension, DDI 0406C, B3.6), PL1 only.
 */
#ifndef VIREO_PAGING_H
#define VIREO_PAGING_H

#include "cpu.h"

#define VA_BITS   32u
#define TOP_SHIFT 30u /* each entry of the top table maps 1 << 30 bytes */

/*
 * Memory below this address is mapped onto itself, memory above is not used: those virtual
 * addresses are for registers of devices at or above it (mmio.c).
 */
#define RAM_LIMIT 0xc0000000u

/* For code that runs with the MMU off. */
#define MMU_OFF __attribute__((no_stack_protector))

/* Attributes of a block or page: index in MAIR0, AP, SH, AF, PXN, XN (B3.6.2). */
#define ATTR_DEVICE    (1ull << 2) /* 0 is normal memory */
#define ATTR_READ_ONLY (1ull << 7)
#define ATTR_INNER     (3ull << 8)
#define ATTR_AF        (1ull << 10)
#define ATTR_PXN       (1ull << 53)
#define ATTR_XN        (1ull << 54) /* at every level, so never in code */

#define MAP_TEXT   (ATTR_INNER | ATTR_AF | ATTR_READ_ONLY)
#define MAP_CONST  (MAP_TEXT | ATTR_PXN | ATTR_XN)
#define MAP_DATA   (ATTR_INNER | ATTR_AF | ATTR_PXN | ATTR_XN)
#define MAP_DEVICE (ATTR_DEVICE | ATTR_AF | ATTR_PXN | ATTR_XN)

#define MAIR0 0x04ffu /* 0: write-back, allocate; 1: device */
/* EAE, TTBR0 only and for all addresses, walks through the inner-shareable cache. */
#define TTBCR (1u << 31 | 1u << 23 | 3u << 12 | 1u << 10 | 1u << 8)

/* Clears 64 bytes. memset may need the MMU. */
static inline void paging_clear(uint64_t *p)
{
    for (unsigned i = 0; i < 8; i++)
        *(volatile uint64_t *)(p + i) = 0;
}

/*
 * Stores an entry, in one access: the table walker may read it at any time. With LPAE strd is
 * single-copy atomic for aligned words (DDI 0406C, A3.5.3).
 */
static inline void paging_store(uint64_t *entry, uint64_t desc)
{
    __asm__ volatile("strd %Q1, %R1, [%2]" : "=m"(*entry) : "r"(desc), "r"(entry));
}

/* Drops the cache line of 64 bytes at p. */
static inline void paging_drop(uintptr_t p)
{
    cp15_write(0, c7, c6, 1, p); /* DCIMVAC */
}

/* Physical addresses are below this: LPAE has 40 bits. */
static inline uint64_t paging_pa_limit(void)
{
    return 1ull << 40;
}

/* Loads the translation registers; the MMU stays off. */
static inline void paging_load(const uint64_t *top)
{
    cp15_write(0, c10, c2, 0, MAIR0);
    cp15_write(0, c2, c0, 2, TTBCR);
    cpu_isb();
    cp15_write64(0, c2, (uintptr_t)top); /* TTBR0 */
    cpu_isb();
}

/* The virtual address for a range of registers. 0: no addresses are left. */
uintptr_t paging_place(uint64_t phys, uint64_t len);

static inline void paging_flush_page(uint64_t va)
{
    __asm__ volatile("dsb ishst" : : : "memory");
    cp15_write(0, c8, c3, 3, va & ~0xfffull); /* TLBIMVAAIS */
    __asm__ volatile("dsb ish\n\t"
                     "isb"
                     :
                     :
                     : "memory");
}

/*
 * Writes an entry, with break before make (B3.10.1): nothing but the instructions and `entry` need
 * be mapped in between.
 */
static inline void paging_replace(uint64_t *entry, uint64_t desc)
{
    uint64_t none = 0;

    __asm__ volatile("strd %Q2, %R2, [%0]\n\t"
                     "dsb ishst\n\t"
                     "mcr p15, 0, %Q2, c8, c3, 0\n\t" /* TLBIALLIS; the value does not matter */
                     "dsb ish\n\t"
                     "isb\n\t"
                     "strd %Q1, %R1, [%0]\n\t"
                     "dsb ishst\n\t"
                     "isb"
                     :
                     : "r"(entry), "r"(desc), "r"(none)
                     : "memory");
}

#endif
