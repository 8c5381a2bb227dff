/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_hash.c - the device hashes what it receives (virtio 1.4, sections 5.1.6.4.3
 * and 5.1.6.5). A frame has a hash only while the device is known to have the types and the key
 * that were asked for.
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

struct vnet_hashes {
    struct vnet_command c;
    struct vnet *v;
    uint32_t types; /* VNET_HASH_*: that are to be made */
    uint32_t sent;  /* in the command that the device has now */
    uint8_t key[VNET_HASH_KEY];
};

/* struct virtio_net_hash_config: types, four words of 0, the key's length, the key. */
static unsigned vnet_fill_hash(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    struct vnet_hashes *s = (struct vnet_hashes *)c;

    v->hash_types = 0;
    s->sent = s->types;
    memset(data, 0, 13);
    memcpy(data, &s->types, sizeof(s->types)); /* a CPU of hal.h is little-endian */
    data[12] = VNET_HASH_KEY;
    memcpy(data + 13, s->key, VNET_HASH_KEY);
    return 13 + VNET_HASH_KEY;
}

static void vnet_hash_answered(struct vnet *v, struct vnet_command *c)
{
    if (!c->result)
        v->hash_types = ((struct vnet_hashes *)c)->sent;
}

static void vnet_hash_forgotten(struct vnet_command *c)
{
    ((struct vnet_hashes *)c)->v->hash_types = 0;
}

uint32_t vnet_hash_types(struct vnet *v)
{
    uint32_t types = 0;
    uint8_t key = 0;

    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_HASH_REPORT) ||
        virtio_config_read(v->dev, VIRTIO_NET_CFG_HASH_KEY, &key, 1, 1) || key < VNET_HASH_KEY ||
        virtio_config_read32(v->dev, VIRTIO_NET_CFG_HASH_TYPES, &types))
        return 0;
    return types & ((1u << VNET_HASH_KINDS) - 1);
}

int vnet_hash(struct vnet *v, uint32_t types, const uint8_t key[VNET_HASH_KEY])
{
    struct vnet_hashes *s;

    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_HASH_REPORT))
        return -ENOTSUP;
    if (types & ~vnet_hash_types(v))
        return -EINVAL;
    s = (struct vnet_hashes *)vnet_ctrl_find(v, VNET_CTRL_HASH);
    if (!s) {
        s = hal_alloc(sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->c = (struct vnet_command){.what = VNET_CTRL_HASH,
                                     .class = VIRTIO_NET_CTRL_MQ,
                                     .code = VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
                                     .most = 13 + VNET_HASH_KEY,
                                     .fill = vnet_fill_hash,
                                     .answered = vnet_hash_answered,
                                     .forgotten = vnet_hash_forgotten};
        s->v = v;
    }
    s->types = types;
    memcpy(s->key, key, VNET_HASH_KEY);
    v->hashes = true;
    vnet_ctrl_want(v, &s->c);
    return 0;
}

#endif
