/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_offload.c - offloads of receiving are switched while the device works (virtio 1.4,
 * section 5.1.6.5.6). Frames that were on their way meanwhile may still have been joined.
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

#define VNET_RX_ALL  (VNET_RX_CSUM | VNET_RX_TSO4 | VNET_RX_TSO6 | VNET_RX_ECN)
#define VNET_RX_JOIN (VNET_RX_TSO4 | VNET_RX_TSO6)

struct vnet_switched {
    struct vnet_command c;
    unsigned on;   /* VNET_RX_*: that are to be on */
    unsigned sent; /* in the command that the device has now */
};

static unsigned vnet_fill_offloads(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    struct vnet_switched *s = (struct vnet_switched *)c;
    uint64_t bits = 0;

    (void)v;
    s->sent = s->on;
    bits |= (uint64_t) !!(s->on & VNET_RX_CSUM) << VIRTIO_NET_F_GUEST_CSUM;
    bits |= (uint64_t) !!(s->on & VNET_RX_TSO4) << VIRTIO_NET_F_GUEST_TSO4;
    bits |= (uint64_t) !!(s->on & VNET_RX_TSO6) << VIRTIO_NET_F_GUEST_TSO6;
    bits |= (uint64_t) !!(s->on & VNET_RX_ECN) << VIRTIO_NET_F_GUEST_ECN;
    memcpy(data, &bits, sizeof(bits)); /* a CPU of hal.h is little-endian, as the field is */
    return sizeof(bits);
}

static void vnet_offloads_answered(struct vnet *v, struct vnet_command *c)
{
    unsigned now = (v->offloads & ~(unsigned)VNET_RX_ALL) | ((struct vnet_switched *)c)->sent;

    if (c->result || now == v->offloads)
        return;
    v->offloads = now;
    if (v->client)
        v->client->link(v->client->ctx, v->link_up);
}

int vnet_rx_offloads(struct vnet *v, unsigned on)
{
    struct vnet_switched *s;

    if (on & ~(v->negotiated & VNET_RX_ALL) || (on & VNET_RX_JOIN && !(on & VNET_RX_CSUM)) ||
        (on & VNET_RX_ECN && !(on & VNET_RX_JOIN)))
        return -EINVAL;
    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
        return -ENOTSUP;
    s = (struct vnet_switched *)vnet_ctrl_find(v, VNET_CTRL_OFFLOADS);
    if (!s) {
        s = hal_alloc(sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->c = (struct vnet_command){.what = VNET_CTRL_OFFLOADS,
                                     .class = VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                                     .code = VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
                                     .most = sizeof(uint64_t),
                                     .fill = vnet_fill_offloads,
                                     .answered = vnet_offloads_answered};
    }
    s->on = on;
    vnet_ctrl_want(v, &s->c);
    return 0;
}

#endif
