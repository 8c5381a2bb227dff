/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_control.c - the control queues of a console device with several ports (virtio 1.4, section
 * 5.3.6.2). No queue of messages is kept: a port remembers which messages it owes the device, each
 * at most once. A device without a buffer for an answer may drop the answer: so no more messages
 * are with the device at once than it has buffers for answers (ctl_window).
 */
#include "console/vcon_impl.h"

#if VIREO_CONSOLE

/* Logs a complaint of each kind once for a device. */
static void vcon_ctl_complain(struct vcon *c, unsigned kind, const char *what, unsigned value)
{
    if (!(c->complaints & 1u << kind))
        hal_log(HAL_WARN, virtio_name(c->dev), "control message ignored: %s %u", what, value);
    c->complaints |= 1u << kind;
}

/* ---- to the device --------------------------------------------------------------------------- */

static size_t vcon_ctl_out_offset(const struct vcon *c, unsigned i)
{
    return (size_t)c->ctl_in_count * VCON_CTL_IN + i * sizeof(struct vcon_message);
}

/* Sends a message; false: the device has as many as it may have, try again later. */
static bool vcon_ctl_tell(struct vcon *c, uint32_t id, unsigned event, unsigned value)
{
    struct vcon_message m = {id, (uint16_t)event, (uint16_t)value};
    unsigned i = 0;

    while (i < c->ctl_window && c->ctl_out[i].busy)
        i++;
    if (i == c->ctl_window)
        return false;
    struct virtq_seg seg = {c->ctl_dma + vcon_ctl_out_offset(c, i), sizeof(m)};
    struct virtq_request request = {.segs = &seg, .readable = 1, .cookie = &c->ctl_out[i]};
    memcpy(c->ctl_area + vcon_ctl_out_offset(c, i), &m, sizeof(m));
    c->ctl_out[i].opened = event == VCON_PORT_OPEN && value ? &c->ports[id] : NULL;
    c->ctl_out[i].busy = virtq_submit(c->ctl_tx, &request, 1) == 1;
    return c->ctl_out[i].busy;
}

/* Sends the messages that the port owes. READY comes before OPEN. */
static void vcon_ctl_tell_port(struct vcon *c, struct vcon_port *p)
{
    if (p->tell_ready && vcon_ctl_tell(c, p->id, VCON_PORT_READY, !p->refused))
        p->tell_ready = false;
    if (p->tell_open && !p->tell_ready &&
        vcon_ctl_tell(c, p->id, VCON_PORT_OPEN, p->guest_open || p->console))
        p->tell_open = false;
}

void vcon_control_send(struct vcon *c)
{
    if (c->dead)
        return;
    if (c->tell_device_ready && vcon_ctl_tell(c, 0, VCON_DEVICE_READY, 1))
        c->tell_device_ready = false;
    for (unsigned i = 0; i < VCON_PORTS_MAX; i++)
        if (c->refuse >> i & 1 && vcon_ctl_tell(c, i, VCON_PORT_READY, 0))
            c->refuse &= ~(1ull << i);
    for (unsigned i = 0; i < c->port_count; i++)
        vcon_ctl_tell_port(c, &c->ports[i]);
}

/* ---- from the device ------------------------------------------------------------------------- */

static void vcon_on_add(struct vcon *c, struct vcon_port *p)
{
    if (p->state == VCON_AWAITED)
        vcon_port_return(p);
    else if (p->state == VCON_PRESENT)
        vcon_ctl_complain(c, VCON_BAD_STATE, "added twice: port", p->id);
    else if (vcon_port_add(p))
        vcon_ctl_complain(c, VCON_NO_MEMORY, "no memory for port", p->id);
}

static void vcon_on_resize(struct vcon_port *p, const uint8_t *extra, uint32_t len)
{
    uint16_t size[2];

    if (len < sizeof(size)) {
        vcon_ctl_complain(p->con, VCON_BAD_SHORT, "its size is too short, bytes:", len);
        return;
    }
    memcpy(size, extra, sizeof(size));
    vcon_port_set_size(p, size[0], size[1]);
}

static void vcon_on_port_message(struct vcon_port *p, const struct vcon_message *m,
                                 const uint8_t *extra, uint32_t len)
{
    switch (m->event) {
    case VCON_PORT_REMOVE:
        vcon_port_remove(p);
        break;
    case VCON_CONSOLE_PORT:
        vcon_port_set_console(p);
        break;
    case VCON_RESIZE:
        vcon_on_resize(p, extra, len);
        break;
    case VCON_PORT_OPEN:
        vcon_port_set_host_open(p, m->value != 0);
        break;
    case VCON_PORT_NAME:
        vcon_port_set_label(p, extra, len);
        break;
    default:
        vcon_ctl_complain(p->con, VCON_BAD_EVENT, "event", m->event);
    }
}

/* A port without queues here is refused; one beyond VCON_PORTS_MAX gets no answer. */
static void vcon_on_strange_port(struct vcon *c, const struct vcon_message *m)
{
    vcon_ctl_complain(c, VCON_BAD_PORT, "no queues here for port", m->id);
    if (m->event == VCON_PORT_ADD && m->id < VCON_PORTS_MAX)
        c->refuse |= 1ull << m->id;
}

static void vcon_on_message(struct vcon *c, const uint8_t *buf, uint32_t len)
{
    struct vcon_message m;

    if (len < sizeof(m)) {
        vcon_ctl_complain(c, VCON_BAD_SHORT, "too short, bytes:", len);
        return;
    }
    memcpy(&m, buf, sizeof(m));
    if (m.id >= c->port_count)
        vcon_on_strange_port(c, &m);
    else if (m.event == VCON_PORT_ADD)
        vcon_on_add(c, &c->ports[m.id]);
    else if (!vcon_is_present(&c->ports[m.id]))
        vcon_ctl_complain(c, VCON_BAD_STATE, "not added: port", m.id);
    else
        vcon_on_port_message(&c->ports[m.id], &m, buf + sizeof(m), len - (uint32_t)sizeof(m));
}

static void vcon_ctl_post(struct vcon *c, uint8_t *buf)
{
    struct virtq_seg seg = {c->ctl_dma + (uint64_t)(buf - c->ctl_area), VCON_CTL_IN};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = buf};

    virtq_submit(c->ctl_rx, &request, 1);
}

/* Handles the messages that came, within a bound; true if there were any. */
static bool vcon_ctl_take(struct vcon *c)
{
    struct virtq_done done;
    unsigned n = 0;

    while (n < 2 * c->ctl_in_count && virtq_reap(c->ctl_rx, &done, 1) == 1) {
        vcon_on_message(c, done.cookie, done.len);
        vcon_ctl_post(c, done.cookie);
        n++;
    }
    return n > 0;
}

/*
 * The device has taken a message. QEMU looks at the socket behind a port when the port's receive
 * queue is kicked, not when the port is opened, and the kick for its buffers came before: without
 * another kick, input may wait in the socket for ever.
 */
static void vcon_ctl_told(struct vcon_out *out)
{
    out->busy = false;
    if (out->opened && vcon_is_present(out->opened))
        virtq_nudge(out->opened->rxq);
}

bool vcon_control_service(struct vcon *c)
{
    struct virtq_done done[VCON_CTL_TX];
    int n = virtq_reap(c->ctl_tx, done, VCON_CTL_TX);
    bool did = vcon_ctl_take(c);

    for (int i = 0; i < n; i++)
        vcon_ctl_told(done[i].cookie);
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
    c->ctl_bytes = vcon_ctl_out_offset(c, VCON_CTL_TX);
    return vcon_control_prepare(c);
}

int vcon_control_prepare(struct vcon *c)
{
    if (!c->ctl_area)
        c->ctl_area = hal_dma_alloc(c->ctl_bytes, 64, &c->ctl_dma);
    return c->ctl_area ? 0 : -ENOMEM;
}

/*
 * Messages were lost, and neither side can repeat its own alone: if only this queue was reset, the
 * device is reset as well, and tells everything again.
 */
void vcon_control_lost(struct vcon *c, struct virtq *q)
{
    while (virtq_take_back(q))
        continue;
    if (q == c->ctl_tx)
        for (unsigned i = 0; i < VCON_CTL_TX; i++)
            c->ctl_out[i].busy = false;
    virtio_fail(c->dev, "control messages are lost");
}

void vcon_control_start(struct vcon *c)
{
    for (unsigned i = 0; i < c->ctl_in_count; i++)
        vcon_ctl_post(c, c->ctl_area + (size_t)i * VCON_CTL_IN);
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

#endif
