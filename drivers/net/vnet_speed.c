/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_speed.c - speed and duplex of the link (virtio 1.4, section 5.1.4). Both are read when they
 * are asked for, so what the device says is never old.
 */
#include "net/vnet_ctrl.h"
#include "net/vnet_impl.h"

#if VIREO_NET

uint32_t vnet_speed(struct vnet *v, int *full)
{
    uint8_t duplex;
    uint32_t speed;

    *full = -1;
    if (v->dead || !virtio_has(v->dev, VIRTIO_NET_F_SPEED_DUPLEX) ||
        virtio_config_read32(v->dev, VIRTIO_NET_CFG_SPEED, &speed) ||
        virtio_config_read(v->dev, VIRTIO_NET_CFG_DUPLEX, &duplex, 1, 1))
        return VNET_SPEED_UNKNOWN;
    if (duplex <= 1)
        *full = duplex;
    return speed <= INT32_MAX ? speed : VNET_SPEED_UNKNOWN;
}

#endif
