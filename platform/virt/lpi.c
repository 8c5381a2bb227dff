/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lpi.c - the tables of LPIs, which are interrupts with their state in memory (Arm IHI 0069, 5.1):
 * a byte of configuration each, which this file writes, and a pending bit that is the
 * redistributor's.
 */
#include "gic_regs.h"
#include "its.h"

enum { GICR_CTLR = 0x0, GICR_TYPER = 0x8, GICR_PROPBASER = 0x70, GICR_PENDBASER = 0x78 };
enum { CTLR_ENABLE_LPIS = 1, CTLR_RWP = 1 << 3, TYPER_PLPIS = 1 };

#define ID_BITS       14u /* the fewest with which there are LPIs: ids 8192 to 16383 */
#define LPIS          ((1u << ID_BITS) - GIC_LPI_FIRST)
#define PENDING_BYTES ((1u << ID_BITS) / 8)
#define PENDING_ALIGN 65536u
#define PENDING_ZERO  (1ull << 62)
#define BASE_INNER    7u
#define CONFIG_RES1   2u
#define CONFIG_ENABLE 1u

static struct {
    uint8_t *config; /* by id - GIC_LPI_FIRST; NULL: not open */
    bool flush;
    unsigned count;
} lpi;

/* The number of LPIs, at most LPIS: a distributor may have fewer than its ids allow. 0: none. */
static unsigned lpi_supported(const struct gic_v3_frames *f)
{
    uint32_t typer = hal_read32(f->dist + GICD_TYPER);
    unsigned limit = typer >> 11 & 31;

    if (!(hal_read32(f->redist + GICR_TYPER) & TYPER_PLPIS) || (typer >> 19 & 31) + 1 < ID_BITS)
        return 0;
    return limit && limit < ID_BITS - 1 ? 1u << (limit + 1) : LPIS;
}

/*
 * Switches LPIs off that a boot loader has left on: their tables cannot be changed meanwhile.
 * False: the GIC does not allow that.
 */
static bool lpi_switch_off(hal_mmio_t redist)
{
    uint64_t deadline = hal_now_ns() + ITS_WAIT_NS;
    uint32_t ctlr = hal_read32(redist + GICR_CTLR);

    if (!(ctlr & CTLR_ENABLE_LPIS))
        return true;
    hal_write32(redist + GICR_CTLR, ctlr & ~(uint32_t)CTLR_ENABLE_LPIS);
    while (hal_read32(redist + GICR_CTLR) & (CTLR_RWP | CTLR_ENABLE_LPIS)) {
        if (hal_now_ns() > deadline)
            return false;
        hal_relax();
    }
    return true;
}

static int lpi_switch_on(const struct gic_v3_frames *f)
{
    uint64_t config_dma, pending_dma;
    uint8_t *config = hal_dma_alloc(LPIS, 4096, &config_dma);
    void *pending = config ? hal_dma_alloc(PENDING_BYTES, PENDING_ALIGN, &pending_dma) : NULL;

    if (!pending) {
        hal_dma_free(config, LPIS);
        return -ENOMEM;
    }
    memset(config, GIC_PRIORITY | CONFIG_RES1, LPIS);
    arch_cache_flush(config, LPIS);
    arch_cache_flush(pending, PENDING_BYTES);
    lpi.flush = its_write_base(f->redist + GICR_PROPBASER, config_dma | (ID_BITS - 1), BASE_INNER);
    its_write_base(f->redist + GICR_PENDBASER, pending_dma | PENDING_ZERO, BASE_INNER);
    hal_write32_sync(f->redist + GICR_CTLR,
                     hal_read32(f->redist + GICR_CTLR) | (uint32_t)CTLR_ENABLE_LPIS);
    if (!(hal_read32(f->redist + GICR_CTLR) & CTLR_ENABLE_LPIS)) {
        hal_log(HAL_ERROR, "its", "the redistributor does not switch LPIs on");
        return -EIO; /* the GIC may use the tables: they are not freed */
    }
    lpi.config = config;
    return 0;
}

int lpi_open(void)
{
    if (lpi.config)
        return 0;
    if (virt.gic.version != 3 || arch_secure) /* LPIs are non-secure */
        return -ENODEV;
    struct gic_v3_frames f = gic_v3_frames();
    lpi.count = lpi_supported(&f);
    if (!lpi.count) {
        hal_log(HAL_WARN, "its", "the GIC has no LPIs: no messages");
        return -ENODEV;
    }
    if (!lpi_switch_off(f.redist)) {
        hal_log(HAL_WARN, "its", "LPIs are on and cannot be switched off: no messages");
        return -ENODEV;
    }
    return lpi_switch_on(&f);
}

unsigned lpi_count(void)
{
    return lpi.count;
}

void lpi_set(unsigned id, bool enabled)
{
    uint8_t *at = &lpi.config[id - GIC_LPI_FIRST];

    *at = (uint8_t)(GIC_PRIORITY | CONFIG_RES1 | (enabled ? CONFIG_ENABLE : 0));
    its_show(at, 1, lpi.flush);
}

uint64_t lpi_target(bool by_address)
{
    struct gic_v3_frames f = gic_v3_frames();

    return by_address ? f.redist_phys
                      : (uint64_t)(hal_read32(f.redist + GICR_TYPER) >> 8 & 0xffff) << 16;
}
