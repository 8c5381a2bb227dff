/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - the id that a PCI function has at a doorbell or an IOMMU: msi-map and iommu-map
 * (Devicetree bindings pci/pci-msi.txt, pci/pci-iommu.txt).
 */
#include "virt.h"

const struct virt_map_entry *virt_map_find(const struct virt_map *map, uint32_t requester,
                                           uint32_t *id)
{
    uint32_t masked = requester & map->mask;

    for (unsigned i = 0; i < map->count; i++) {
        const struct virt_map_entry *e = &map->entry[i];
        if (masked < e->first || masked - e->first >= e->count)
            continue;
        *id = masked - e->first + e->id;
        return e;
    }
    return NULL;
}
