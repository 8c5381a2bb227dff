/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv3.c - GIC architecture version 3 and 4 (Arm IHI 0069), with affinity routing and the CPU
 * interface in system registers. Lines are in group 1: non-secure, or secure if the image runs in
 * the secure world. lpi.c and its.c have the LPIs.
 */
#include "cpu.h"
#include "gic_regs.h"
#include "virt.h"

enum { GICR_TYPER = 0x8, GICR_WAKER = 0x14, GICR_SGI = 0x10000, GICR_FRAME = 0x20000 };
enum { WAKER_SLEEP = 1 << 1, WAKER_ASLEEP = 1 << 2, TYPER_LAST = 1 << 4, TYPER_VLPIS = 1 << 1 };
enum { CTLR_RWP = 1u << 31, CTLR_ARE = 1 << 4, CTLR_GROUP1 = 3, CTLR_GROUP1_SECURE = 1 << 2 };
#define WAIT_NS (100 * HAL_MS)

static hal_mmio_t dist, redist;
static uint64_t redist_phys;

/* The registers of a line: private lines have theirs in this core's redistributor. */
static hal_mmio_t v3_frame(unsigned id)
{
    return id < GIC_SPI_FIRST ? redist + GICR_SGI : dist;
}

/* Waits until `bits` of a register are clear. False: not within WAIT_NS. */
static bool v3_wait_clear(hal_mmio_t reg, uint32_t bits)
{
    uint64_t deadline = hal_now_ns() + WAIT_NS;

    while (hal_read32(reg) & bits) {
        if (hal_now_ns() > deadline)
            return false;
        hal_relax();
    }
    return true;
}

/* The registers of the redistributor with this core's affinity. 0: there is none. */
static hal_mmio_t v3_find_redist(const struct board_range *r)
{
    uint32_t affinity = cpu_affinity();

    for (uint64_t off = 0; r->len - off >= GICR_FRAME;) {
        hal_mmio_t frame = hal_mmio_map(r->base + off, GICR_FRAME);
        if (!frame)
            return 0;
        uint32_t typer = hal_read32(frame + GICR_TYPER);
        if (hal_read32(frame + GICR_TYPER + 4) == affinity) {
            redist_phys = r->base + off;
            return frame;
        }
        off += typer & TYPER_VLPIS ? 2 * GICR_FRAME : GICR_FRAME;
        if (typer & TYPER_LAST || off > r->len)
            return 0;
    }
    return 0;
}

/* Disables 32 lines from `id` on, and puts them into group 1 of the image's world. */
static void v3_init_lines(hal_mmio_t frame, unsigned id)
{
    hal_write32(frame + GICD_ICENABLER + gic_word(id), ~0u);
    hal_write32(frame + GICD_IGROUPR + gic_word(id), arch_secure ? 0 : ~0u);
    if (arch_secure)
        hal_write32(frame + GICD_IGRPMODR + gic_word(id), ~0u);
}

static const char *v3_init(const struct virt_gic *gic)
{
    dist = hal_mmio_map(gic->dist.base, gic->dist.len);
    if (!dist || gic->dist.len < 0x10000)
        return "the GICv3 distributor in the device tree cannot be mapped";
    redist = v3_find_redist(&gic->cpu);
    if (!redist)
        return "the GICv3 has no redistributor for this core";

    hal_write32(dist + GICD_CTLR, 0);
    if (!v3_wait_clear(dist + GICD_CTLR, CTLR_RWP))
        return "the GICv3 distributor does not answer";
    unsigned lines = ((hal_read32(dist + GICD_TYPER) & 31) + 1) * 32;
    for (unsigned id = GIC_SPI_FIRST; id < lines; id += 32)
        v3_init_lines(dist, id);
    hal_write32(dist + GICD_CTLR, CTLR_ARE);
    hal_write32(dist + GICD_CTLR, CTLR_ARE | (arch_secure ? CTLR_GROUP1_SECURE : CTLR_GROUP1));

    hal_write32(redist + GICR_WAKER, hal_read32(redist + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    if (!v3_wait_clear(redist + GICR_WAKER, WAKER_ASLEEP))
        return "the GICv3 redistributor does not wake up";
    v3_init_lines(redist + GICR_SGI, 0);

    cpu_gic_enable(GIC_PRIORITY_ALL);
    return NULL;
}

static void v3_configure(unsigned id, bool edge)
{
    hal_mmio_t frame = v3_frame(id);

    hal_write8(frame + GICD_IPRIORITYR + id, GIC_PRIORITY);
    if (id < GIC_SPI_FIRST)
        return;
    hal_write32(dist + GICD_IROUTER + id * 8, cpu_affinity() & 0xffffff);
    hal_write32(dist + GICD_IROUTER + id * 8 + 4, cpu_affinity() >> 24);
    hal_mmio_t reg = dist + GICD_ICFGR + id / 16 * 4;
    uint32_t bit = 2u << id % 16 * 2;
    uint32_t v = hal_read32(reg);
    hal_write32(reg, edge ? v | bit : v & ~bit);
}

static void v3_mask(unsigned id)
{
    hal_write32(v3_frame(id) + GICD_ICENABLER + gic_word(id), gic_bit(id));
}

static int v3_unmask(unsigned id)
{
    hal_write32(v3_frame(id) + GICD_ISENABLER + gic_word(id), gic_bit(id));
    return 0;
}

struct gic_v3_frames gic_v3_frames(void)
{
    return (struct gic_v3_frames){dist, redist, redist_phys};
}

const struct gic_ops gic_v3 = {
    .init = v3_init,
    .lines = {GIC_PPI_FIRST, GIC_SPI_LIMIT, v3_configure, v3_mask, v3_unmask},
};
