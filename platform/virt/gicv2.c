/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv2.c - GIC architecture version 2 (Arm IHI 0048B). All lines stay in group 0, or in the only
 * group that the non-secure view has: enabling "group 0" is bit 0 in both.
 */
#include "gic_regs.h"
#include "virt.h"

hal_mmio_t gic_v2_cpu;
static hal_mmio_t dist;
static unsigned lines;

static const char *v2_init(const struct virt_gic *gic)
{
    dist = hal_mmio_map(gic->dist.base, gic->dist.len);
    hal_mmio_t cpu = hal_mmio_map(gic->cpu.base, gic->cpu.len);
    if (!dist || !cpu || gic->dist.len < 0x1000 || gic->cpu.len < 0x1000)
        return "the GICv2 registers in the device tree cannot be mapped";
    lines = ((hal_read32(dist + GICD_TYPER) & 31) + 1) * 32;
    hal_write32(dist + GICD_CTLR, 0);
    for (unsigned id = 0; id < lines; id += 32)
        hal_write32(dist + GICD_ICENABLER + gic_word(id), ~0u);
    hal_write32(dist + GICD_CTLR, 1);
    hal_write32(cpu + GICC_PMR, GIC_PRIORITY_ALL);
    hal_write32(cpu + GICC_CTLR, 1);
    gic_v2_cpu = cpu;
    return NULL;
}

static void v2_configure(unsigned id, bool edge)
{
    hal_write8(dist + GICD_IPRIORITYR + id, GIC_PRIORITY);
    if (id < GIC_SPI_FIRST)
        return; /* a private line has a fixed target and trigger */
    hal_write8(dist + GICD_ITARGETSR + id, 1);
    hal_mmio_t reg = dist + GICD_ICFGR + id / 16 * 4;
    uint32_t bit = 2u << id % 16 * 2;
    uint32_t v = hal_read32(reg);
    hal_write32(reg, edge ? v | bit : v & ~bit);
}

static void v2_mask(unsigned id)
{
    hal_write32(dist + GICD_ICENABLER + gic_word(id), gic_bit(id));
}

static int v2_unmask(unsigned id)
{
    hal_write32(dist + GICD_ISENABLER + gic_word(id), gic_bit(id));
    return 0;
}

const struct gic_ops gic_v2 = {
    .init = v2_init,
    .lines = {GIC_PPI_FIRST, GIC_SPI_LIMIT, v2_configure, v2_mask, v2_unmask},
};
