/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_lpci.c - the legacy registers of a virtio-pci function, in the I/O space of BAR 0 (virtio
 * 1.4, section 4.1.4.10 and the legacy parts of 4.1.5), strict: each field at its own width.
 */
#include "model_pci.h"

enum {
    R_DEVICE_FEATURES = 0,
    R_DRIVER_FEATURES = 4,
    R_QUEUE_PFN = 8,
    R_QUEUE_SIZE = 12,
    R_QUEUE_SELECT = 14,
    R_QUEUE_NOTIFY = 16,
    R_STATUS = 18,
    R_ISR = 19,
    R_END = 20,
    R_CONFIG_VECTOR = 20, /* with MSI-X on */
    R_QUEUE_VECTOR = 22,
    R_END_MSIX = 24,
    PAGE = 4096,
};

static unsigned header_len(const struct model_vpci *v)
{
    return model_pci_msix_on(&v->fn) ? R_END_MSIX : R_END;
}

static unsigned field_width(unsigned off)
{
    static const uint8_t width[R_END_MSIX] = {
        [0] = 4,  [4] = 4,  [8] = 4,  [12] = 2, [14] = 2,
        [16] = 2, [18] = 1, [19] = 1, [20] = 2, [22] = 2,
    };

    return width[off];
}

static struct model_queue *selected(struct model *m)
{
    return m->queue_sel < MODEL_QUEUES ? &m->queues[m->queue_sel] : NULL;
}

static uint32_t read_header(struct model_vpci *v, unsigned off)
{
    struct model_queue *q = selected(v->m);

    switch (off) {
    case R_DEVICE_FEATURES:
        return model_read_features(v->m, 0);
    case R_QUEUE_PFN:
        if (q)
            q->checked_idle = true;
        return v->in_use ? 5 : q && !v->pfn_lost ? q->pfn : 0;
    case R_QUEUE_SIZE:
        return q ? q->max : 0;
    case R_STATUS:
        return model_read_status(v->m);
    case R_ISR:
        return model_vpci_read_isr(v);
    case R_CONFIG_VECTOR:
        return v->config_vector;
    case R_QUEUE_VECTOR:
        return q ? q->vector : 0xffff;
    default:
        host_violation("%s: legacy register %u is read", v->m->name, off);
        return 0;
    }
}

uint32_t model_lpci_read(struct model_vpci *v, unsigned off, unsigned width, bool sync)
{
    uint32_t value = 0;

    if (off >= header_len(v))
        return model_answer(v->m, MODEL_AT_CONFIG, off - header_len(v), width,
                            model_read_config(v->m, off - header_len(v), width));
    if (v->m->gone)
        value = UINT32_MAX;
    else if (width != field_width(off))
        host_violation("%s: %u-byte read of legacy register %u", v->m->name, width, off);
    else
        value = read_header(v, off);
    value = model_answer(v->m, MODEL_AT_REGISTERS, off, width, value);
    model_trace(v->m, off, width, false, sync, value);
    return value;
}

/* Section 2.7.2: one area, the used ring at the next page; the size is the device's. */
static void write_pfn(struct model_vpci *v, struct model_queue *q, uint32_t pfn, bool sync)
{
    struct model *m = v->m;

    model_check_setup(m, "QueuePFN");
    if (!pfn || q->ready || !q->checked_idle || !sync)
        host_violation("%s: queue %u: page %#x (in use %u, looked at %u, ordered %u)", m->name,
                       q->index, pfn, q->ready, q->checked_idle, sync);
    if (!model_pci_master(&v->fn))
        host_violation("%s: queue %u is enabled, but may not reach memory", m->name, q->index);
    if (model_pci_msix_on(&v->fn) && q->vector == 0xffff)
        host_violation("%s: queue %u is enabled without a vector", m->name, q->index);
    q->pfn = pfn;
    q->num = q->max;
    q->desc = (uint64_t)pfn * PAGE;
    q->driver = q->desc + 16ull * q->num;
    q->device = (q->driver + 6 + 2ull * q->num + PAGE - 1) / PAGE * PAGE;
    model_start_queue(m, q);
}

static void write_queue(struct model_vpci *v, unsigned off, uint32_t value, bool sync)
{
    struct model_queue *q = selected(v->m);

    if (!q || !q->max)
        host_violation("%s: legacy register %u of queue %u, which is absent", v->m->name, off,
                       v->m->queue_sel);
    else if (off == R_QUEUE_PFN)
        write_pfn(v, q, value, sync);
    else
        q->vector = model_vpci_map_vector(v, value);
}

static void write_header(struct model_vpci *v, unsigned off, uint32_t value, bool sync)
{
    struct model *m = v->m;

    if (off == R_DRIVER_FEATURES)
        model_write_features(m, 0, value);
    else if (off == R_QUEUE_PFN || off == R_QUEUE_VECTOR)
        write_queue(v, off, value, sync);
    else if (off == R_QUEUE_SELECT)
        m->queue_sel = value;
    else if (off == R_QUEUE_NOTIFY)
        model_kick(m, value, sync);
    else if (off == R_STATUS && value & ~m->status & 4 && (!sync || !model_pci_master(&v->fn)))
        host_violation("%s: DRIVER_OK without ordering, or bus mastering", m->name);
    else if (off == R_STATUS)
        model_write_status(m, value);
    else if (off == R_CONFIG_VECTOR)
        v->config_vector = model_vpci_map_vector(v, value);
    else
        host_violation("%s: legacy register %u is written", m->name, off);
}

void model_lpci_write(struct model_vpci *v, unsigned off, unsigned width, uint32_t value, bool sync)
{
    bool config = off >= header_len(v);

    model_written(v->m, config ? MODEL_AT_CONFIG : MODEL_AT_REGISTERS,
                  config ? off - header_len(v) : off, value);
    if (v->m->gone)
        return;
    if (config) {
        model_write_config(v->m, off - header_len(v), width, value);
        return;
    }
    model_trace(v->m, off, width, true, sync, value);
    if (width != field_width(off))
        host_violation("%s: %u-byte write of legacy register %u", v->m->name, width, off);
    else
        write_header(v, off, value, sync);
}

void model_vpci_transitional(struct model_vpci *v)
{
    model_pci_put(&v->fn, 0x02, 2, 0x1000);
    model_pci_put(&v->fn, 0x08, 1, 0);
    model_pci_put(&v->fn, 0x2e, 2, v->m->device_id);
    model_pci_bar(&v->fn, 0, MODEL_BAR_IO, 0x80);
}
