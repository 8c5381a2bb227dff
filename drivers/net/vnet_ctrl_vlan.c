/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_vlan.c - the VLANs whose frames the device delivers (virtio 1.4, section 5.1.6.5.3).
 * A command names one VLAN: after a reset there is a command for each that is on.
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

#define VNET_VLANS 4096

struct vnet_vlans {
    struct vnet_command c;
    uint16_t id; /* of the command that was filled in last */
    bool refused;
    uint8_t on[VNET_VLANS / 8];   /* that are to pass */
    uint8_t told[VNET_VLANS / 8]; /* that the device lets pass */
};

static bool vnet_vlan_in(const uint8_t *set, unsigned id)
{
    return set[id / 8] >> id % 8 & 1;
}

static void vnet_vlan_put(uint8_t *set, unsigned id, bool on)
{
    set[id / 8] = (uint8_t)((set[id / 8] & ~(1u << id % 8)) | (unsigned)on << id % 8);
}

/* The next VLAN, from id on and round, that the device has to be told of; VNET_VLANS: none. */
static unsigned vnet_vlan_next(const struct vnet_vlans *s, unsigned id)
{
    for (unsigned i = 0; i < VNET_VLANS; i++, id++)
        if (vnet_vlan_in(s->on, id % VNET_VLANS) != vnet_vlan_in(s->told, id % VNET_VLANS))
            return id % VNET_VLANS;
    return VNET_VLANS;
}

static unsigned vnet_fill_vlan(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    struct vnet_vlans *s = (struct vnet_vlans *)c;
    unsigned next = vnet_vlan_next(s, s->id);

    (void)v;
    if (next != VNET_VLANS)
        s->id = (uint16_t)next;
    c->code = vnet_vlan_in(s->on, s->id) ? VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL;
    data[0] = (uint8_t)s->id;
    data[1] = (uint8_t)(s->id >> 8);
    return 2;
}

/* One that was refused is not tried again before the next reset. */
static void vnet_vlan_answered(struct vnet *v, struct vnet_command *c)
{
    struct vnet_vlans *s = (struct vnet_vlans *)c;

    s->refused |= c->result != 0;
    vnet_vlan_put(s->told, s->id, c->code == VIRTIO_NET_CTRL_VLAN_ADD);
    if (vnet_vlan_next(s, s->id) != VNET_VLANS)
        vnet_ctrl_want(v, c);
    else
        c->result = s->refused ? -EIO : 0;
}

static void vnet_vlan_forgotten(struct vnet_command *c)
{
    struct vnet_vlans *s = (struct vnet_vlans *)c;

    memset(s->told, 0, sizeof(s->told));
    s->refused = false;
    c->wanted = vnet_vlan_next(s, 0) != VNET_VLANS;
}

int vnet_vlan(struct vnet *v, unsigned id, bool on)
{
    struct vnet_vlans *s;

    if (id >= VNET_VLANS)
        return -EINVAL;
    if (!v->ctrl || !virtio_has(v->dev, VIRTIO_NET_F_CTRL_VLAN))
        return -ENOTSUP;
    s = (struct vnet_vlans *)vnet_ctrl_find(v, VNET_CTRL_VLAN);
    if (!s) {
        s = hal_alloc(sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->c = (struct vnet_command){.what = VNET_CTRL_VLAN,
                                     .class = VIRTIO_NET_CTRL_VLAN,
                                     .most = 2,
                                     .fill = vnet_fill_vlan,
                                     .answered = vnet_vlan_answered,
                                     .forgotten = vnet_vlan_forgotten};
    }
    vnet_vlan_put(s->on, id, on);
    s->refused = false;
    vnet_ctrl_want(v, &s->c);
    return 0;
}

#endif
