/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * v2m.c - message-signalled interrupts through the GICv2m frame (Arm Server Base System
 * Architecture, appendix E): a write of an interrupt id to one register raises that line.
 */
#include "virt.h"

enum { V2M_TYPER = 0x8, V2M_SETSPI = 0x40 };

static hal_mmio_t frame;
static unsigned first, count;
static uint32_t taken[GIC_SPI_LIMIT / 32 + 1];

/* Maps the frame, and reads which lines it raises. Lines that are not shared ones are refused. */
static int v2m_open(const struct board_range *r)
{
    static bool refused;

    if (frame)
        return 0;
    if (refused || r->len < ARCH_PAGE)
        return -ENODEV;
    hal_mmio_t f = hal_mmio_map(r->base, r->len);
    if (!f)
        return -ENODEV;
    uint32_t typer = hal_read32(f + V2M_TYPER);
    first = typer >> 16 & 0x3ff;
    count = typer & 0x3ff;
    if (first < GIC_SPI_FIRST || !count || first + count > GIC_SPI_LIMIT) {
        hal_log(HAL_WARN, "msi", "GICv2m claims lines %u to %u: not used", first,
                first + count - 1);
        refused = true;
        return -ENODEV;
    }
    frame = f;
    return 0;
}

static int v2m_alloc(const struct virt_part *part, uint32_t id, struct hal_msi *msi)
{
    int err = v2m_open(&part->reg);

    (void)id; /* the frame does not tell functions apart */
    if (err)
        return err;
    for (unsigned n = 0; n < count; n++) {
        if (taken[n / 32] >> n % 32 & 1)
            continue;
        taken[n / 32] |= 1u << n % 32;
        msi->addr = part->reg.base + V2M_SETSPI;
        msi->data = first + n;
        msi->irq = (hal_irq_t)(first + n) | VIRT_IRQ_EDGE;
        return 0;
    }
    return -ENOSPC;
}

static bool v2m_free(const struct hal_msi *msi)
{
    unsigned n = VIRT_IRQ_ID(msi->irq) - first;

    if (!frame || n >= count)
        return false;
    taken[n / 32] &= ~(1u << n % 32);
    return true;
}

const struct msi_doorbell msi_v2m = {v2m_alloc, v2m_free};
