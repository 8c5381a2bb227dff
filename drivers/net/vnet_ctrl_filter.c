/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_filter.c - which frames the device delivers (virtio 1.4, sections 5.1.6.5.1 and
 * 5.1.6.5.2). A device filters as well as it can, and may deliver more; the stack looks at the
 * address of each frame anyway.
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

#define VNET_TABLE_MAX   64 /* multicast addresses: as many as devices are known to hold */
#define VNET_TABLE_BYTES (4 + VNET_MAC_LEN + 4 + VNET_TABLE_MAX * VNET_MAC_LEN)
_Static_assert(VNET_TABLE_BYTES <= VNET_CTRL_DATA, "a table fits a batch");

/* A mode of enum vnet_mode. */
struct vnet_switch {
    struct vnet_command c;
    bool on;
};

/* ---- modes ----------------------------------------------------------------------------------- */

static unsigned vnet_fill_mode(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    const struct vnet_ctrl *k = v->ctrl;

    data[0] = ((struct vnet_switch *)c)->on ||
              (c->what == VNET_CTRL_PROMISCUOUS && k->table_refused) ||
              (c->what == VNET_CTRL_MULTICAST && k->table_full);
    return 1;
}

/* Has the device told the state of a mode once more, which follows from that of the table. */
static void vnet_again(struct vnet *v, enum vnet_ctrl_command what)
{
    struct vnet_command *c = vnet_ctrl_find(v, what);

    if (c)
        vnet_ctrl_want(v, c);
}

int vnet_mode(struct vnet *v, enum vnet_mode mode, bool on)
{
    enum vnet_ctrl_command what = VNET_CTRL_PROMISCUOUS + (enum vnet_ctrl_command)mode;
    struct vnet_switch *s;

    if (!v->ctrl || !virtio_has(v->dev, mode > VNET_ALL_MULTICAST ? VIRTIO_NET_F_CTRL_RX_EXTRA
                                                                  : VIRTIO_NET_F_CTRL_RX))
        return -ENOTSUP;
    s = (struct vnet_switch *)vnet_ctrl_find(v, what);
    if (!s) {
        s = hal_alloc(sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->c = (struct vnet_command){.what = (uint8_t)what,
                                     .class = VIRTIO_NET_CTRL_RX,
                                     .code = (uint8_t)mode,
                                     .most = 1,
                                     .fill = vnet_fill_mode};
    }
    s->on = on;
    vnet_ctrl_want(v, &s->c);
    return 0;
}

/* ---- the table of addresses ------------------------------------------------------------------ */

static void vnet_put32(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof(value)); /* a CPU of hal.h is little-endian, as the table is */
}

/* A unicast table with the device's own address, which may be one of ours, and a multicast table.
 */
static unsigned vnet_fill_table(struct vnet *v, struct vnet_command *c, uint8_t *data)
{
    struct vnet_ctrl *k = v->ctrl;
    uint8_t *own = data + 4, *groups = own + VNET_MAC_LEN;
    unsigned n =
        k->client->groups(k->client->ctx, (uint8_t(*)[VNET_MAC_LEN])(groups + 4), VNET_TABLE_MAX);
    bool full = n > VNET_TABLE_MAX;

    if (full != k->table_full) {
        k->table_full = full;
        vnet_again(v, VNET_CTRL_MULTICAST);
    }
    n = full ? 0 : n;
    vnet_put32(data, 1);
    memcpy(own, v->mac, VNET_MAC_LEN);
    vnet_put32(groups, n);
    c->split = (uint16_t)(groups - data);
    return c->split + 4 + n * VNET_MAC_LEN;
}

/* Without a table the device has to deliver everything. */
static void vnet_table_answered(struct vnet *v, struct vnet_command *c)
{
    bool refused = c->result != 0;

    if (refused == v->ctrl->table_refused)
        return;
    v->ctrl->table_refused = refused;
    vnet_again(v, VNET_CTRL_PROMISCUOUS);
}

void vnet_groups_changed(struct vnet *v)
{
    vnet_again(v, VNET_CTRL_TABLE);
}

/* The address in use may be one that was made up: the device is told of it, as far as it listens.
 */
static void vnet_tell_address(struct vnet *v)
{
    if (memcmp(v->mac, v->mac_told, VNET_MAC_LEN) != 0)
        vnet_set_mac(v, v->mac);
}

int vnet_ctrl_attach(struct vnet *v, const struct vnet_ctrl_client *client)
{
    static const struct vnet_command table = {.what = VNET_CTRL_TABLE,
                                              .class = VIRTIO_NET_CTRL_MAC,
                                              .code = VIRTIO_NET_CTRL_MAC_TABLE_SET,
                                              .most = VNET_TABLE_BYTES,
                                              .fill = vnet_fill_table,
                                              .answered = vnet_table_answered};
    struct vnet_command *c;

    if (!v->ctrl)
        return 0;
    if (v->ctrl->client)
        return -EBUSY;
    v->ctrl->client = client;
    vnet_tell_address(v);
    if (!virtio_has(v->dev, VIRTIO_NET_F_CTRL_RX))
        return 0;
    c = hal_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    *c = table;
    vnet_ctrl_want(v, c); /* before the modes, so that nothing is missed meanwhile */
    return vnet_mode(v, VNET_PROMISCUOUS, false) || vnet_mode(v, VNET_ALL_MULTICAST, false)
               ? -ENOMEM
               : 0;
}

#endif
