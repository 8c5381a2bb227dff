/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * legacy_none.c - with VIREO_LEGACY=0 (in an image: make LEGACY=0) this stands in place of
 * mmio_legacy.c and vpci_legacy.c: devices of before virtio 1.0 are refused.
 */
#include "virtio/transport/mmio.h"
#include "virtio/transport/vpci.h"

#if VIREO_MMIO && !VIREO_LEGACY
bool virtio_mmio_take_legacy(struct virtio_mmio *m)
{
    hal_log(HAL_ERROR, "virtio-mmio",
            "a legacy device of type %u, and this image was built with LEGACY=0: start QEMU with "
            "-global virtio-mmio.force-legacy=false",
            m->dev.device_id);
    return false;
}
#endif

#if VIREO_PCI && !VIREO_LEGACY
bool virtio_pci_prefers_legacy(void)
{
    return false;
}

bool virtio_pci_take_legacy(struct virtio_pci *p)
{
    hal_log(HAL_ERROR, "pci",
            "%02x:%02x.%u: a legacy virtio device, and this image was built with LEGACY=0: start "
            "QEMU with disable-modern=off",
            p->fn.bus, p->fn.dev, p->fn.fn);
    return false;
}
#endif
