/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_control.c - the control queues of a console device with several ports (virtio 1.4, section
 * 5.3.6.2). A message to the device is not kept as such: a port remembers what is still to be told,
 * so that nothing can pile up. A device that has no buffer for its answers may drop them, so no
 * more is told at once than it has buffers to answer.
 */
#include "console/vcon_impl.h"

/* Each kind of nonsense is logged once a device. */
static void complain(struct vcon *c, unsigned kind, const char *what, unsigned value)
{
    if (!(c->complaints & 1u << kind))
        hal_log(HAL_WARN, virtio_name(c->dev), "control message ignored: %s %u", what, value);
    c->complaints |= 1u << kind;
}

/* ---- to the device --------------------------------------------------------------------------- */

static size_t out_offset(const struct vcon *c, unsigned i)
{
    return (size_t)c->ctl_in_count * VCON_CTL_IN + i * sizeof(struct vcon_message);
}

/* False: not now. */
static bool tell(struct vcon *c, uint32_t id, unsigned event, unsigned value)
{
    struct vcon_message m = {id, (uint16_t)event, (uint16_t)value};
    unsigned i = 0;

    while (i < c->ctl_window && c->ctl_out[i].busy)
        i++;
    if (i == c->ctl_window)
        return false;
    struct virtq_seg seg = {c->ctl_dma + out_offset(c, i), sizeof(m)};
    struct virtq_request request = {.segs = &seg, .readable = 1, .cookie = &c->ctl_out[i]};
    memcpy(c->ctl_area + out_offset(c, i), &m, sizeof(m));
    c->ctl_out[i].opened = event == VCON_PORT_OPEN && value ? &c->ports[id] : NULL;
    c->ctl_out[i].busy = virtq_submit(c->ctl_tx, &request, 1) == 1;
    return c->ctl_out[i].busy;
}

static void tell_port(struct vcon *c, struct vcon_port *p)
{
    if (p->tell_ready && tell(c, p->id, VCON_PORT_READY, !p->refused))
        p->tell_ready = false;
    if (p->tell_open && !p->tell_ready &&
        tell(c, p->id, VCON_PORT_OPEN, p->guest_open || p->console))
        p->tell_open = false;
}

void vcon_control_send(struct vcon *c)
{
    if (c->dead)
        return;
    if (c->tell_device_ready && tell(c, 0, VCON_DEVICE_READY, 1))
        c->tell_device_ready = false;
    for (unsigned i = 0; i < VCON_PORTS_MAX; i++)
        if (c->refuse >> i & 1 && tell(c, i, VCON_PORT_READY, 0))
            c->refuse &= ~(1ull << i);
    for (unsigned i = 0; i < c->port_count; i++)
        tell_port(c, &c->ports[i]);
}

/* ---- from the device ------------------------------------------------------------------------- */

/* It was there before the reset, and is again: whoever uses it goes on. */
static void on_return(struct vcon_port *p)
{
    p->awaited = false;
    p->was_open = p->host_open;
    p->host_open = false; /* until the device says so */
    p->tell_ready = true;
    p->tell_open = p->guest_open || p->console;
    vcon_changed(p);
}

static void on_add(struct vcon *c, struct vcon_port *p)
{
    if (p->awaited) {
        on_return(p);
        return;
    }
    if (p->present) {
        complain(c, VCON_BAD_STATE, "added twice: port", p->id);
        return;
    }
    p->refused = vcon_port_prepare(p) != 0;
    p->tell_ready = true;
    if (p->refused)
        complain(c, VCON_NO_MEMORY, "no memory for port", p->id);
    else
        vcon_port_add(p);
}

static void on_open(struct vcon_port *p, bool open)
{
    p->host_closes += p->host_open && !open;
    p->host_open = open;
    vcon_changed(p);
}

/* The name is what follows the message; some devices end it with a NUL as well. */
static void on_name(struct vcon_port *p, const uint8_t *text, uint32_t len)
{
    unsigned n = 0;

    for (; n < len && n < VCON_LABEL - 1; n++) {
        uint8_t c = hal_shared_load8(&text[n]);

        if (!c)
            break;
        p->label[n] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    p->label[n] = '\0';
    hal_log(HAL_DEBUG, virtio_name(p->con->dev), "port %u is \"%s\"", p->id, p->label);
    vcon_changed(p);
}

static void on_resize(struct vcon_port *p, const uint8_t *extra)
{
    memcpy(&p->cols, extra, 2);
    memcpy(&p->rows, extra + 2, 2);
    p->has_size = true;
    vcon_changed(p);
}

static void on_port_message(struct vcon_port *p, const struct vcon_message *m, const uint8_t *extra,
                            uint32_t len)
{
    switch (m->event) {
    case VCON_PORT_REMOVE:
        vcon_port_remove(p);
        break;
    case VCON_CONSOLE_PORT:
        p->console = p->tell_open = true;
        vcon_changed(p);
        break;
    case VCON_RESIZE:
        if (len < 4)
            complain(p->con, VCON_BAD_SHORT, "a size of bytes:", len);
        else
            on_resize(p, extra);
        break;
    case VCON_PORT_OPEN:
        on_open(p, m->value != 0);
        break;
    case VCON_PORT_NAME:
        on_name(p, extra, len);
        break;
    default:
        complain(p->con, VCON_BAD_EVENT, "event", m->event);
    }
}

/* A port beyond those that have queues here is refused; one beyond all sense is not answered. */
static void on_strange_port(struct vcon *c, const struct vcon_message *m)
{
    complain(c, VCON_BAD_PORT, "there is no port", m->id);
    if (m->event == VCON_PORT_ADD && m->id < VCON_PORTS_MAX)
        c->refuse |= 1ull << m->id;
}

static void on_message(struct vcon *c, const uint8_t *buf, uint32_t len)
{
    struct vcon_message m;

    if (len < sizeof(m)) {
        complain(c, VCON_BAD_SHORT, "its length is", len);
        return;
    }
    memcpy(&m, buf, sizeof(m));
    if (m.id >= c->port_count)
        on_strange_port(c, &m);
    else if (m.event == VCON_PORT_ADD)
        on_add(c, &c->ports[m.id]);
    else if (!c->ports[m.id].present)
        complain(c, VCON_BAD_STATE, "not there: port", m.id);
    else
        on_port_message(&c->ports[m.id], &m, buf + sizeof(m), len - sizeof(m));
}

static void post(struct vcon *c, uint8_t *buf)
{
    struct virtq_seg seg = {c->ctl_dma + (uint64_t)(buf - c->ctl_area), VCON_CTL_IN};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = buf};

    virtq_submit(c->ctl_rx, &request, 1);
}

/* All that is there, up to a limit; what was told before has its answers among it. */
static bool take_messages(struct vcon *c)
{
    struct virtq_done done;
    unsigned n = 0;

    while (n < 2 * c->ctl_in_count && virtq_reap(c->ctl_rx, &done, 1) == 1) {
        on_message(c, done.cookie, done.len);
        post(c, done.cookie);
        n++;
    }
    return n > 0;
}

/*
 * QEMU's sockets are looked at again when a receive queue is kicked, not when its port is opened,
 * and the kick for its buffers is long past: without another one input may stay there for ever.
 */
static void told(struct vcon_out *out)
{
    out->busy = false;
    if (out->opened && out->opened->present)
        virtq_nudge(out->opened->rxq);
}

bool vcon_control_service(struct vcon *c)
{
    struct virtq_done done[VCON_CTL_TX];
    int n = virtq_reap(c->ctl_tx, done, VCON_CTL_TX);
    bool did = take_messages(c);

    for (int i = 0; i < n; i++)
        told(done[i].cookie);
    vcon_control_send(c);
    return did || n > 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

int vcon_control_setup(struct vcon *c)
{
    unsigned free_in = virtq_free_slots(c->ctl_rx), free_out = virtq_free_slots(c->ctl_tx);

    c->ctl_in_count = free_in < VCON_CTL_MAX ? free_in : VCON_CTL_MAX;
    c->ctl_window = c->ctl_in_count / 4 < VCON_CTL_TX ? c->ctl_in_count / 4 : VCON_CTL_TX;
    if (c->ctl_window > free_out)
        c->ctl_window = free_out;
    if (!c->ctl_window)
        c->ctl_window = 1;
    c->ctl_bytes = out_offset(c, VCON_CTL_TX);
    return vcon_control_prepare(c);
}

int vcon_control_prepare(struct vcon *c)
{
    if (!c->ctl_area)
        c->ctl_area = hal_dma_alloc(c->ctl_bytes, 64, &c->ctl_dma);
    return c->ctl_area ? 0 : -ENOMEM;
}

/*
 * What the device told, or was told, cannot be told again by one side alone: if only this queue was
 * reset, so is the device.
 */
void vcon_control_lost(struct vcon *c, struct virtq *q)
{
    while (virtq_take_back(q))
        continue;
    if (q == c->ctl_tx)
        for (unsigned i = 0; i < VCON_CTL_TX; i++)
            c->ctl_out[i].busy = false;
    virtio_fail(c->dev, "messages about its ports are lost");
}

void vcon_control_start(struct vcon *c)
{
    for (unsigned i = 0; i < c->ctl_in_count; i++)
        post(c, c->ctl_area + (size_t)i * VCON_CTL_IN);
    c->tell_device_ready = true;
    vcon_control_send(c);
}

void vcon_control_free(struct vcon *c, bool quarantine)
{
    vcon_control_lost(c, c->ctl_rx);
    vcon_control_lost(c, c->ctl_tx);
    if (!quarantine && c->ctl_area)
        hal_dma_free(c->ctl_area, c->ctl_bytes);
    c->ctl_area = NULL;
}
