/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c - message-signalled interrupts (hal_msi_*): the doorbell that a PCI function writes its
 * messages to, and the function's id there (Devicetree bindings pci/pci-msi.txt: msi-map,
 * msi-parent).
 */
#include "virt.h"

static const struct msi_doorbell *const doorbells[VIRT_MSI_KINDS] = {
    [VIRT_MSI_V2M] = &msi_v2m,
    [VIRT_MSI_ITS] = &msi_its,
};

/*
 * The kind of a function's doorbell, and in *id the function's id there. VIRT_MSI_KINDS: it has no
 * doorbell. A PCI host without a map in the tree uses the GICv2m frame, which needs no id.
 */
static enum virt_msi_kind msi_doorbell_of(uint32_t requester, uint32_t *id)
{
    unsigned host = requester >> 16, kind = 0;

    if (host >= virt.pci_count)
        return VIRT_MSI_KINDS;
    const struct virt_map *map = &virt.pci[host].msi;
    if (!map->count)
        return virt.msi[VIRT_MSI_V2M].reg.len ? VIRT_MSI_V2M : VIRT_MSI_KINDS;
    const struct virt_map_entry *e = virt_map_find(map, requester & 0xffff, id);
    while (kind < VIRT_MSI_KINDS &&
           !(e && virt.msi[kind].reg.len && virt.msi[kind].phandle == e->phandle))
        kind++;
    return kind;
}

int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    uint32_t id = 0;
    enum virt_msi_kind kind = msi_doorbell_of(requester, &id);

    return kind < VIRT_MSI_KINDS ? doorbells[kind]->alloc(&virt.msi[kind], id, msi) : -ENODEV;
}

void hal_msi_free(const struct hal_msi *msi)
{
    for (unsigned kind = 0; kind < VIRT_MSI_KINDS; kind++)
        if (doorbells[kind]->free(msi))
            return;
}
