/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_mac.c - another address for the device (virtio 1.4, section 5.1.6.5.2).
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

struct vnet_address {
    struct vnet_command c;
    uint8_t mac[VNET_MAC_LEN];  /* that the device is to have */
    uint8_t sent[VNET_MAC_LEN]; /* in the command that it has now */
};

static unsigned vnet_fill_address(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    struct vnet_address *a = (struct vnet_address *)c;

    (void)v;
    memcpy(a->sent, a->mac, VNET_MAC_LEN);
    memcpy(data, a->mac, VNET_MAC_LEN);
    return VNET_MAC_LEN;
}

static void vnet_address_answered(struct vnet *v, struct vnet_command *c)
{
    const struct vnet_ctrl_client *client = v->ctrl->client;
    const struct vnet_address *a = (struct vnet_address *)c;

    if (c->result || memcmp(v->mac, a->sent, VNET_MAC_LEN) == 0)
        return;
    memcpy(v->mac, a->sent, VNET_MAC_LEN);
    if (!client)
        return;
    client->address(client->ctx);
    vnet_groups_changed(v); /* the table of addresses has this one as well */
    client->announce(client->ctx);
}

int vnet_set_mac(struct vnet *v, const uint8_t *mac)
{
    struct vnet_address *a;

    if (mac[0] & 1)
        return -EINVAL;
    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_CTRL_MAC_ADDR))
        return -ENOTSUP;
    a = (struct vnet_address *)vnet_ctrl_find(v, VNET_CTRL_ADDRESS);
    if (!a) {
        a = hal_alloc(sizeof(*a));
        if (!a)
            return -ENOMEM;
        a->c = (struct vnet_command){.what = VNET_CTRL_ADDRESS,
                                     .class = VIRTIO_NET_CTRL_MAC,
                                     .code = VIRTIO_NET_CTRL_MAC_ADDR_SET,
                                     .most = VNET_MAC_LEN,
                                     .fill = vnet_fill_address,
                                     .answered = vnet_address_answered};
    }
    memcpy(a->mac, mac, VNET_MAC_LEN);
    vnet_ctrl_want(v, &a->c);
    return 0;
}

#endif
