/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gic_regs.h - distributor registers that both versions of the GIC share (Arm IHI 0048B 4.3,
 * IHI 0069 12.9).
 */
#ifndef VIREO_GIC_REGS_H
#define VIREO_GIC_REGS_H

#include <stdint.h>

enum {
    GICD_CTLR = 0x0,
    GICD_TYPER = 0x4,
    GICD_IGROUPR = 0x80,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ICPENDR = 0x280,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_IGRPMODR = 0xd00,
    GICD_IROUTER = 0x6000,
};

enum { GICC_CTLR = 0x0, GICC_PMR = 0x4, GICC_IAR = 0xc, GICC_EOIR = 0x10 };

#define GIC_PRIORITY     0xa0
#define GIC_PRIORITY_ALL 0xff

/* In registers with one bit for each line: byte offset of the line's word, and its bit there. */
static inline unsigned gic_word(unsigned id)
{
    return id / 32 * 4;
}

static inline uint32_t gic_bit(unsigned id)
{
    return 1u << id % 32;
}

#endif
