/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon.c - virtio console device: probe, size of the screen, recovery (virtio 1.4, sections 5.3.2
 * to 5.3.6). A simple device has one port; one with MULTIPORT has several, and control queues.
 */
#include "console/vcon_impl.h"

#if VIREO_CONSOLE

static const struct virtio_feature vcon_features[] = {
    {VCON_F_SIZE, "size", {0}},
    {VCON_F_MULTIPORT, "multiport", {0}},
};

static struct vcon *vcons; /* in order of discovery */

/* Section 5.3.2: port 0, the control queues, then the other ports. */
static unsigned vcon_queue_index(unsigned port, bool tx)
{
    return (port ? 2 * port + 2 : 0) + tx;
}
enum { CONTROL_RX = 2, CONTROL_TX = 3 };

/* Writes "rx31" for ("rx", 31) into out, and returns out. */
static const char *vcon_queue_name(char out[8], const char *what, unsigned port)
{
    unsigned n = 0;

    for (; what[n]; n++)
        out[n] = what[n];
    if (port >= 10)
        out[n++] = (char)('0' + port / 10 % 10);
    out[n++] = (char)('0' + port % 10);
    out[n] = '\0';
    return out;
}

/* ---- probe ----------------------------------------------------------------------------------- */

/* Sets how many ports have queues: as many as the device has, and the limit admits. */
static int vcon_count_ports(struct vcon *c)
{
    uint64_t limit = hal_option_u64(virtio_name(c->dev), "ports",
                                    virtio_is_legacy(c->dev) ? VCON_PORTS_LEGACY : VCON_PORTS, 1,
                                    VCON_PORTS_MAX);
    uint32_t offered = 1;
    int err = 0;

    c->multiport = virtio_has(c->dev, VCON_F_MULTIPORT);
    if (c->multiport)
        err = virtio_config_read32(c->dev, VCON_CONFIG_MAX_PORTS, &offered);
    if (!err && !offered) {
        hal_log(HAL_ERROR, virtio_name(c->dev), "the device has no port (max_nr_ports is 0)");
        err = -EINVAL;
    }
    c->port_count = offered < limit ? offered : (unsigned)limit;
    return err;
}

static void vcon_describe_queues(struct vcon *c, struct virtq_config *queues)
{
    for (unsigned i = 0; i < c->port_count; i++) {
        struct vcon_port *p = &c->ports[i];

        queues[vcon_queue_index(i, false)] = (struct virtq_config){
            .name = vcon_queue_name(p->queue_name[0], "rx", i), .size = VCON_RX, .max_segs = 1};
        queues[vcon_queue_index(i, true)] = (struct virtq_config){
            .name = vcon_queue_name(p->queue_name[1], "tx", i), .size = VCON_TX, .max_segs = 1};
    }
    if (!c->multiport)
        return;
    queues[CONTROL_RX] =
        (struct virtq_config){.name = "control rx", .size = VCON_CTL_MAX, .max_segs = 1};
    queues[CONTROL_TX] =
        (struct virtq_config){.name = "control tx", .size = VCON_CTL_TX, .max_segs = 1};
}

static int vcon_setup_queues(struct vcon *c)
{
    unsigned n = c->multiport ? 2 * c->port_count + 2 : 2;
    struct virtq_config *queues = hal_alloc(n * sizeof(*queues));
    int err;

    if (!queues)
        return -ENOMEM;
    vcon_describe_queues(c, queues);
    err = virtio_setup_queues(c->dev, queues, n);
    hal_free(queues);
    if (err)
        return err;
    for (unsigned i = 0; i < c->port_count; i++) {
        struct vcon_port *p = &c->ports[i];

        p->con = c;
        p->id = i;
        p->rxq = virtio_queue(c->dev, vcon_queue_index(i, false));
        p->txq = virtio_queue(c->dev, vcon_queue_index(i, true));
    }
    return 0;
}

static int vcon_setup(struct vcon *c)
{
    int err = vcon_count_ports(c);

    if (err)
        return err;
    c->ports = hal_alloc(c->port_count * sizeof(*c->ports));
    if (!c->ports)
        return -ENOMEM;
    err = vcon_setup_queues(c);
    if (err)
        return err;
    if (!c->multiport)
        return vcon_port_prepare(&c->ports[0]);
    c->ctl_rx = virtio_queue(c->dev, CONTROL_RX);
    c->ctl_tx = virtio_queue(c->dev, CONTROL_TX);
    return vcon_control_setup(c);
}

/* Section 5.3.4: cols and rows are valid with SIZE only, and are those of port 0. */
static void vcon_read_size(struct virtio_device *dev)
{
    struct vcon *c = virtio_priv(dev);
    uint16_t size[2];

    if (c->dead || !virtio_has(dev, VCON_F_SIZE) ||
        virtio_config_read(dev, VCON_CONFIG_COLS, size, sizeof(size), 2))
        return;
    vcon_port_set_size(&c->ports[0], size[0], size[1]);
}

static void vcon_enter(struct vcon *c)
{
    for (const struct vcon *other = vcons; other; other = other->next)
        c->number++;
    HAL_LIST_APPEND(&vcons, c);
}

static int vcon_probe(struct virtio_device *dev)
{
    struct vcon *c = hal_alloc(sizeof(*c));
    int err;

    if (!c)
        return -ENOMEM;
    c->dev = dev;
    c->return_ns = HAL_NEVER;
    err = vcon_setup(c);
    if (err) {
        hal_free(c->ports);
        hal_free(c);
        return err;
    }
    virtio_set_priv(dev, c);
    virtio_start(dev);
    if (c->multiport)
        vcon_control_start(c);
    else
        vcon_port_add(&c->ports[0]);
    vcon_read_size(dev);
    c->settle_ns = hal_now_ns() + VCON_SETTLE;
    vcon_enter(c);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* VCON_RETURN has passed since a reset. */
static void vcon_end_return(struct vcon *c)
{
    c->return_ns = HAL_NEVER;
    for (unsigned i = 0; i < c->port_count; i++)
        if (!vcon_port_end_return(&c->ports[i]))
            hal_log(HAL_WARN, virtio_name(c->dev), "port %u was not announced again", i);
}

static bool vcon_service(struct virtio_device *dev)
{
    struct vcon *c = virtio_priv(dev);
    bool did = c->multiport && vcon_control_service(c);

    if (hal_now_ns() >= c->return_ns)
        vcon_end_return(c);
    else if (c->return_ns != HAL_NEVER)
        virtio_wake_at(dev, c->return_ns);
    for (unsigned i = 0; i < c->port_count; i++)
        did |= vcon_port_service(&c->ports[i]);
    return did;
}

static struct vcon_port *vcon_port_of_queue(struct vcon *c, const struct virtq *q)
{
    for (unsigned i = 0; i < c->port_count; i++)
        if (c->ports[i].rxq == q || c->ports[i].txq == q)
            return &c->ports[i];
    return NULL;
}

static void vcon_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vcon *c = virtio_priv(dev);
    struct vcon_port *p = vcon_port_of_queue(c, q);

    if (p)
        vcon_port_lost(p, q);
    else
        vcon_control_lost(c, q);
}

/* Makes new buffers: vcon_dead() freed the old ones, or left them to the device. */
static int vcon_revive(struct vcon *c)
{
    int err = c->multiport ? vcon_control_prepare(c) : 0;

    for (unsigned i = 0; i < c->port_count && !err; i++)
        err = vcon_port_revive(&c->ports[i]);
    c->dead = err;
    return err;
}

/* A device with several ports announces them again; users of a port wait for that. */
static int vcon_returned(struct virtio_device *dev)
{
    struct vcon *c = virtio_priv(dev);
    int err = c->dead ? vcon_revive(c) : 0;

    if (err)
        return err;
    c->refuse = 0;
    if (c->multiport) {
        for (unsigned i = 0; i < c->port_count; i++)
            vcon_port_await(&c->ports[i]);
        c->return_ns = hal_now_ns() + VCON_RETURN;
    }
    vcon_read_size(dev);
    return 0;
}

static void vcon_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vcon *c = virtio_priv(dev);
    struct vcon_port *p = vcon_port_of_queue(c, q);

    if (p)
        vcon_port_back(p, q);
    else if (q == c->ctl_tx && virtio_works(dev))
        vcon_control_start(c); /* ctl_rx came back before ctl_tx */
    if (p && q == p->txq && !c->multiport && !vcon_is_present(p)) {
        vcon_port_add(p);
        vcon_read_size(dev); /* vcon_port_add() forgets the size */
    }
}

static void vcon_dead(struct virtio_device *dev, bool quarantine)
{
    struct vcon *c = virtio_priv(dev);

    if (c->dead)
        return;
    c->dead = true;
    if (c->multiport)
        vcon_control_free(c, quarantine);
    for (unsigned i = 0; i < c->port_count; i++) {
        vcon_port_free(&c->ports[i], quarantine);
        vcon_port_remove(&c->ports[i]);
    }
}

VIRTIO_DRIVER(vcon_driver) = {
    .device_id = VIRTIO_ID_CONSOLE,
    .prefix = "vcon",
    .features = vcon_features,
    .feature_count = sizeof(vcon_features) / sizeof(vcon_features[0]),
    .probe = vcon_probe,
    .service = vcon_service,
    .config_changed = vcon_read_size,
    .queue_lost = vcon_queue_lost,
    .returned = vcon_returned,
    .queue_back = vcon_queue_back,
    .dead = vcon_dead,
};

/* ---- for the files of the ports -------------------------------------------------------------- */

struct vcon_port *vcon_port(unsigned n)
{
    for (struct vcon *c = vcons; c; c = c->next)
        for (unsigned i = 0; i < c->port_count; i++)
            if (vcon_is_present(&c->ports[i]) && n-- == 0)
                return &c->ports[i];
    return NULL;
}

uint64_t vcon_settled_at(void)
{
    uint64_t last = 0;

    for (const struct vcon *c = vcons; c; c = c->next)
        if (c->multiport && !c->dead && c->settle_ns > last)
            last = c->settle_ns;
    return last;
}

unsigned vcon_device_number(const struct vcon_port *p)
{
    return p->con->number;
}

unsigned vcon_port_number(const struct vcon_port *p)
{
    return p->id;
}

const char *vcon_label(const struct vcon_port *p)
{
    return p->label;
}

bool vcon_is_console(const struct vcon_port *p)
{
    return p->console;
}

bool vcon_size(const struct vcon_port *p, uint16_t *cols, uint16_t *rows)
{
    *cols = p->cols;
    *rows = p->rows;
    return p->has_size;
}

unsigned vcon_incarnation(const struct vcon_port *p)
{
    return p->incarnation;
}

bool vcon_present(const struct vcon_port *p)
{
    return vcon_is_present(p);
}

bool vcon_host_open(const struct vcon_port *p)
{
    return p->host_open;
}

unsigned vcon_host_closes(const struct vcon_port *p)
{
    return p->host_closes;
}

#endif
