/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_coalesce.c - how long a device may wait before it interrupts (virtio 1.4, section
 * 5.1.6.5.8).
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

struct vnet_coalesce {
    struct vnet_command c;
    uint32_t frames, usecs;
};

static unsigned vnet_fill_coalesce(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    const struct vnet_coalesce *s = (struct vnet_coalesce *)c;

    (void)v;
    memcpy(data, &s->frames, 4); /* a CPU of hal.h is little-endian, as the fields are */
    memcpy(data + 4, &s->usecs, 4);
    return 8;
}

int vnet_coalesce(struct vnet *v, bool rx, uint32_t frames, uint32_t usecs)
{
    enum vnet_ctrl_command what = rx ? VNET_CTRL_COALESCE_RX : VNET_CTRL_COALESCE_TX;
    struct vnet_coalesce *s;

    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_NOTF_COAL))
        return -ENOTSUP;
    s = (struct vnet_coalesce *)vnet_ctrl_find(v, what);
    if (!s) {
        s = hal_alloc(sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->c = (struct vnet_command){.what = (uint8_t)what,
                                     .class = VIRTIO_NET_CTRL_NOTF_COAL,
                                     .code = rx ? VIRTIO_NET_CTRL_NOTF_COAL_RX_SET
                                                : VIRTIO_NET_CTRL_NOTF_COAL_TX_SET,
                                     .most = 8,
                                     .fill = vnet_fill_coalesce};
    }
    s->frames = frames;
    s->usecs = usecs;
    vnet_ctrl_want(v, &s->c);
    return 0;
}

#endif
