/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo_table.c - the list of the drivers that vireo_config.h chooses, for vireo_start(). An image
 * whose list is its own does not need this file.
 */
#include "vireo_drivers.h"

const struct virtio_driver *const virtio_drivers[] = {
#if VIREO_BLK
    &vblk_driver,
#endif
#if VIREO_NET
    &vnet_driver,
#endif
#if VIREO_CONSOLE
    &vcon_driver,
#endif
#if VIREO_ENTROPY
    &vrng_driver,
#endif
#if VIREO_VSOCK
    &vsock_driver,
#endif
#if VIREO_BALLOON
    &balloon_driver,
#endif
    NULL,
};
