/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_host.c - PCI hosts as drivers see them: windows, INTx lines (Devicetree bindings pci/pci.txt,
 * interrupt-map), and the IOMMU in front of their functions (pci/pci-iommu.txt).
 */
#include "virt.h"

/*
 * Puts the IOMMUs in front of a PCI host into bypass, so that bus addresses are memory addresses.
 * The result is kept: the second call does nothing and logs nothing. 0, or -EIO.
 */
static int pci_host_pass_through(unsigned n)
{
    static struct {
        bool asked;
        int err;
    } known[VIRT_PCI_MAX];
    const struct virt_map *map = &virt.pci[n].iommu;

    if (known[n].asked)
        return known[n].err;
    known[n].asked = true;
    for (unsigned i = 0; i < map->count && !known[n].err; i++) {
        bool ours = virt.smmu.reg.len && map->entry[i].phandle == virt.smmu.phandle;
        if (ours) {
            known[n].err = smmu_bypass(&virt.smmu);
            continue;
        }
        hal_log(HAL_WARN, "pci", "host %u: its IOMMU is no SMMUv3, and is left as it is", n);
        break;
    }
    return known[n].err;
}

int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    if (n >= virt.pci_count)
        return -ENOENT;
    if (pci_host_pass_through(n))
        return -ENODEV;
    *out = virt.pci[n].host;
    return 0;
}

hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    if (host >= virt.pci_count || dev > 31 || pin < 1 || pin > 4)
        return VIRT_IRQ_NONE;
    const struct virt_pci *p = &virt.pci[host];
    uint32_t unit = ((uint32_t)p->host.bus_first << 16 | dev << 11) & p->unit_mask;
    for (unsigned i = 0; i < p->intx_count; i++) {
        const struct virt_intx *x = &virt.intx[p->intx_first + i];
        if (x->unit == unit && x->pin == pin)
            return x->irq;
    }
    return VIRT_IRQ_NONE;
}
