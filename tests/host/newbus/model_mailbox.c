/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_mailbox.c - the registers of a mailbox, as host_bus calls into the device model: strict,
 * each register in its direction, whole words, and queues in the order of mailbox.h.
 */
#include "model_mailbox.h"

#include "mailbox.h"

static uint32_t select_v = MODEL_NOT_SELECTED, data, port;

static struct model_queue *box_queue(struct model *m, uint32_t n, const char *what)
{
    if (n >= MODEL_QUEUES)
        host_violation("%s: %s of queue %u", m->name, what, n);
    return &m->queues[n % MODEL_QUEUES];
}

/* 1 as long as the reset of a queue goes on. */
static uint32_t box_queue_reset(struct model *m, struct model_queue *q)
{
    if (!q->reset_left)
        return 0;
    if (m->queue_reset_never || --q->reset_left)
        return 1;
    model_reset_queue(q);
    return 0;
}

static uint32_t box_get(struct model *m, uint32_t item, uint32_t n)
{
    switch (item) {
    case ITEM_OFFERED:
        return model_read_features(m, n);
    case ITEM_STATUS:
        return model_read_status(m);
    case ITEM_GENERATION:
        return m->generation;
    case ITEM_LENGTH:
        return m->config_len;
    case ITEM_FIELD + 1:
    case ITEM_FIELD + 2:
    case ITEM_FIELD + 4:
        return model_read_config(m, n, item - ITEM_FIELD);
    case ITEM_QUEUE_MAX:
        return box_queue(m, n, "size")->max;
    case ITEM_QUEUE_ON:
        return box_queue(m, n, "state")->ready;
    case ITEM_QUEUE_RESET:
        return box_queue_reset(m, box_queue(m, n, "reset"));
    default:
        host_violation("%s: item %u cannot be read", m->name, item);
        return 0;
    }
}

static void box_queue_on(struct model *m, struct model_queue *q, uint32_t v)
{
    if (v != 1 || q->halves != 0x3f)
        host_violation("%s: queue %u: on %u with address halves %#x", m->name, q->index, v,
                       q->halves);
    model_start_queue(m, q);
}

static void box_ask_for_reset(struct model *m, struct model_queue *q, uint32_t v)
{
    if (!model_accepted(m, 40) || v != 1 || !q->ready || q->reset_left)
        host_violation("%s: queue %u: reset %u (ready %u)", m->name, q->index, v, q->ready);
    q->reset_left = m->queue_reset_reads + 1;
}

static void box_set_queue(struct model *m, uint32_t item, struct model_queue *q, uint32_t v)
{
    uint64_t *part[] = {&q->desc, &q->driver, &q->device};
    unsigned half = item - ITEM_QUEUE_DESC;

    if (item == ITEM_QUEUE_RESET) {
        box_ask_for_reset(m, q, v);
        return;
    }
    model_check_setup(m, "a queue's item");
    if (q->ready)
        host_violation("%s: queue %u: item %u written while in use", m->name, q->index, item);
    if (item == ITEM_QUEUE_SIZE) {
        q->num = v;
    } else if (item == ITEM_QUEUE_ON) {
        box_queue_on(m, q, v);
    } else {
        *part[half / 2] |= (uint64_t)v << (half % 2 * 32); /* zero since the reset */
        q->halves |= 1u << half;
    }
}

static void box_set(struct model *m, uint32_t item, uint32_t n, uint32_t v)
{
    if (item == ITEM_ACCEPTED)
        model_write_features(m, n, v);
    else if (item == ITEM_STATUS)
        model_write_status(m, v);
    else if (item == ITEM_FIELD + 1 || item == ITEM_FIELD + 2 || item == ITEM_FIELD + 4)
        model_write_config(m, n, item - ITEM_FIELD, v);
    else if (item >= ITEM_QUEUE_SIZE && item <= ITEM_QUEUE_RESET)
        box_set_queue(m, item, box_queue(m, n, "an item"), v);
    else
        host_violation("%s: item %u cannot be written", m->name, item);
}

static void box_kick(struct model *m, uint32_t v, bool sync)
{
    uint32_t n = model_accepted(m, 38) ? v & 0xffff : v;
    struct model_queue *q = box_queue(m, n, "a kick");

    if (model_accepted(m, 38) && q->ready && v >> 16 != model_position(q))
        host_violation("%s: a kick says %#x, and the ring is at %#x", m->name, v >> 16,
                       model_position(q));
    model_kick(m, n, sync);
}

static void box_command(struct model *m, uint32_t v, bool sync)
{
    if (v & BOX_SET && !sync)
        host_violation("%s: item %u set without ordering", m->name, v & ~BOX_SET);
    if (v & BOX_SET)
        box_set(m, v & ~BOX_SET, select_v, data);
    else
        data = box_get(m, v, select_v);
    select_v = MODEL_NOT_SELECTED;
}

/* ---- the bus --------------------------------------------------------------------------------- */

static uint32_t box_read(void *ctx, uint64_t off, unsigned width, bool sync)
{
    struct model *m = ctx;

    if (width != 4)
        host_violation("%s: %u bytes read of register %#x", m->name, width, (unsigned)off);
    if (off == BOX_PORT)
        return port;
    if (!(port & PORT_HERE) || m->gone)
        return UINT32_MAX;
    if (off == BOX_ID)
        return BOX_MAGIC | m->device_id;
    if (off == BOX_CAUSE)
        return m->interrupt_status | m->bogus_interrupts;
    if (off != BOX_DATA || !sync)
        host_violation("%s: register %#x read, sync %d", m->name, (unsigned)off, sync);
    return data;
}

static void box_write(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    struct model *m = ctx;

    if (width != 4)
        host_violation("%s: %u bytes written of register %#x", m->name, width, (unsigned)off);
    if (off == BOX_PORT)
        port = (port & PORT_HERE) | (v & PORT_MAY_REACH_MEMORY);
    else if (!(port & PORT_HERE) || m->gone)
        return;
    else if (off == BOX_SELECT)
        select_v = v;
    else if (off == BOX_DATA)
        data = v;
    else if (off == BOX_COMMAND)
        box_command(m, v, sync);
    else if (off == BOX_KICK)
        box_kick(m, v, sync);
    else if (off == BOX_CAUSE && !(v & ~m->interrupt_status))
        host_irq_set(m->irq, (m->interrupt_status &= ~v) != 0);
    else
        host_violation("%s: %#x written to register %#x", m->name, v, (unsigned)off);
}

void model_plug_mailbox(struct model *m)
{
    static const struct host_bus ops = {box_read, box_write};

    m->irq = MAILBOX_IRQ;
    port = PORT_HERE;
    host_bus_add(MAILBOX_BASE, MAILBOX_LEN, &ops, m);
}

void model_mailbox_here(struct model *m, bool here)
{
    model_reset(m);
    port = here ? PORT_HERE : 0;
}

bool model_mailbox_may_reach_memory(void)
{
    return port & PORT_MAY_REACH_MEMORY;
}
