/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmu.c - puts an SMMUv3 in front of PCI into bypass (Arm IHI 0070, chapters 3.11 and 6.3), so
 * that bus addresses are memory addresses. An SMMU that is off treats accesses as its GBPA register
 * says: abort, or bypass.
 */
#include "virt.h"

enum { SMMU_CR0 = 0x20, SMMU_CR0ACK = 0x24, SMMU_GBPA = 0x44 };
enum { CR0_SMMUEN = 1, GBPA_ABORT = 1 << 20 };
#define GBPA_UPDATE  (1u << 31)
#define SMMU_WAIT_NS (100 * HAL_MS)

/* Waits until (register & mask) == v. False: not within SMMU_WAIT_NS. */
static bool smmu_settles(hal_mmio_t reg, uint32_t mask, uint32_t v)
{
    uint64_t deadline = hal_now_ns() + SMMU_WAIT_NS;

    while ((hal_read32(reg) & mask) != v) {
        if (hal_now_ns() > deadline)
            return false;
        hal_relax();
    }
    return true;
}

/* Clears GBPA.ABORT. An SMMU without GBPA reads as 0 there, and passes accesses. NULL, or the
 * error. */
static const char *smmu_let_through(hal_mmio_t regs)
{
    if (!smmu_settles(regs + SMMU_GBPA, GBPA_UPDATE, 0))
        return "an update of GBPA does not end";
    uint32_t gbpa = hal_read32(regs + SMMU_GBPA);
    if (!(gbpa & GBPA_ABORT))
        return NULL;
    hal_write32(regs + SMMU_GBPA, (gbpa & ~(uint32_t)GBPA_ABORT) | GBPA_UPDATE);
    if (!smmu_settles(regs + SMMU_GBPA, GBPA_UPDATE, 0))
        return "an update of GBPA does not end";
    return hal_read32(regs + SMMU_GBPA) & GBPA_ABORT ? "GBPA.ABORT cannot be cleared" : NULL;
}

/*
 * A boot loader may have left the SMMU on, with its queues in memory that the image uses. NULL, or
 * the error.
 */
static const char *smmu_switch_off(hal_mmio_t regs)
{
    hal_write32(regs + SMMU_CR0, 0);
    return smmu_settles(regs + SMMU_CR0ACK, ~0u, 0) ? NULL : "it cannot be switched off (CR0ACK)";
}

static const char *smmu_bypass_at(hal_mmio_t regs, bool *was_on)
{
    if (!regs)
        return "its registers cannot be mapped";
    uint32_t cr0 = hal_read32(regs + SMMU_CR0), ack = hal_read32(regs + SMMU_CR0ACK);
    if (cr0 == UINT32_MAX)
        return "it does not answer";
    const char *wrong = smmu_let_through(regs); /* before switching off: no access is aborted */
    *was_on = cr0 || ack;
    return !wrong && *was_on ? smmu_switch_off(regs) : wrong;
}

int smmu_bypass(const struct virt_part *smmu)
{
    const struct board_range *r = &smmu->reg;
    hal_mmio_t regs = r->len >= ARCH_PAGE ? hal_mmio_map(r->base, ARCH_PAGE) : 0;
    bool was_on = false;
    const char *wrong = smmu_bypass_at(regs, &was_on);

    if (wrong) {
        hal_log(HAL_ERROR, "smmu",
                "%s: PCI functions cannot reach memory and are left out (start QEMU without "
                "iommu=smmuv3)",
                wrong);
        return -EIO;
    }
    hal_log(HAL_INFO, "smmu", "%s: PCI functions pass through", was_on ? "switched off" : "off");
    return 0;
}
