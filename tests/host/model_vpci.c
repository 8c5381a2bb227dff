/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_vpci.c - a virtio-pci function for the device of model.h (virtio 1.4, sections 4.1.2 to
 * 4.1.5), modern registers, strict: each field at its own width, steps in their order.
 */
#include "model_pci.h"

enum {
    R_DEVICE_FEATURE_SELECT = 0,
    R_DEVICE_FEATURE = 4,
    R_DRIVER_FEATURE_SELECT = 8,
    R_DRIVER_FEATURE = 12,
    R_CONFIG_VECTOR = 16,
    R_NUM_QUEUES = 18,
    R_STATUS = 20,
    R_GENERATION = 21,
    R_QUEUE_SELECT = 22,
    R_QUEUE_SIZE = 24,
    R_QUEUE_VECTOR = 26,
    R_QUEUE_ENABLE = 28,
    R_QUEUE_NOTIFY_OFF = 30,
    R_QUEUE_ADDRESSES = 32,
    R_NOTIF_CONFIG_DATA = 56,
    R_QUEUE_RESET = 58,
    R_END = 60,
};

#define NO_VECTOR 0xffffu

/* Width of the field at each offset; 0: there none begins. */
static unsigned field_width(unsigned off)
{
    static const uint8_t width[R_QUEUE_ADDRESSES] = {
        [0] = 4,  [4] = 4,  [8] = 4,  [12] = 4, [16] = 2, [18] = 2, [20] = 1,
        [21] = 1, [22] = 2, [24] = 2, [26] = 2, [28] = 2, [30] = 2,
    };

    if (off < R_QUEUE_ADDRESSES)
        return width[off];
    if (off >= R_NOTIF_CONFIG_DATA)
        return off < R_END && off % 2 == 0 ? 2 : 0;
    return off % 4 == 0 ? 4 : 0;
}

static struct model_queue *selected(struct model *m)
{
    return m->queue_sel < MODEL_QUEUES ? &m->queues[m->queue_sel] : NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint32_t read_queue(struct model_vpci *v, unsigned off)
{
    struct model_queue *q = selected(v->m);

    if (v->m->queue_sel == MODEL_NOT_SELECTED)
        host_violation("%s: field %u read, but no queue was selected", v->m->name, off);
    if (!q || !q->max)
        return 0;
    switch (off) {
    case R_QUEUE_SIZE:
        return q->num && !v->size_fixed ? q->num : q->max;
    case R_QUEUE_VECTOR:
        return v->vector_fields_lost && !model_pci_msix_on(&v->fn) ? 0 : q->vector;
    case R_QUEUE_ENABLE:
        q->checked_idle = true;
        return q->ready || v->in_use;
    case R_QUEUE_NOTIFY_OFF:
        return q->notify_off;
    case R_NOTIF_CONFIG_DATA:
        if (!model_accepted(v->m, 39))
            host_violation("%s: NOTIF_CONFIG_DATA is read, and was not accepted", v->m->name);
        return q->notif_data;
    case R_QUEUE_RESET:
        if (!model_accepted(v->m, 40))
            host_violation("%s: queue_reset is read, and was not accepted", v->m->name);
        return v->reset_left && v->reset_left-- ? 1 : 0;
    default:
        host_violation("%s: a queue address is read", v->m->name);
        return 0;
    }
}

static uint32_t read_common(struct model_vpci *v, unsigned off)
{
    switch (off) {
    case R_DEVICE_FEATURE:
        return model_read_features(v->m, v->m->feature_sel);
    case R_CONFIG_VECTOR:
        return v->config_vector;
    case R_NUM_QUEUES:
        return v->num_queues;
    case R_STATUS:
        return model_read_status(v->m);
    case R_GENERATION:
        return v->m->generation;
    default:
        if (off < R_QUEUE_SIZE)
            host_violation("%s: common field %u is read", v->m->name, off);
        return read_queue(v, off);
    }
}

uint32_t model_vpci_read_isr(struct model_vpci *v)
{
    uint32_t isr = v->m->interrupt_status;

    if (model_pci_msix_on(&v->fn))
        host_violation("%s: ISR read while MSI-X is on", v->m->name);
    v->isr_reads++;
    v->m->interrupt_status = 0;
    model_pci_level(&v->fn, false);
    return isr | v->m->bogus_interrupts;
}

static uint32_t wrong_isr(const struct model_vpci *v, unsigned width)
{
    host_violation("%s: ISR read of %u bytes, or not at its start", v->m->name, width);
    return 0;
}

/* A transitional device that works as legacy has no modern registers any more. */
static unsigned region_at(const struct model_vpci *v, unsigned bar, uint64_t off)
{
    for (unsigned t = VCAP_COMMON; t <= VCAP_DEVICE; t++)
        if (!model_is_legacy(v->m) && v->region[t].len && v->region[t].bar == bar &&
            off >= v->region[t].off && off - v->region[t].off < v->region[t].len)
            return t;
    host_violation("%s: access to nothing at BAR %u + %#llx", v->m->name, bar,
                   (unsigned long long)off);
    return 0;
}

static const enum model_space space_of[] = {
    [VCAP_COMMON] = MODEL_AT_REGISTERS,
    [VCAP_NOTIFY] = MODEL_AT_NOTIFY,
    [VCAP_ISR] = MODEL_AT_ISR,
    [VCAP_DEVICE] = MODEL_AT_CONFIG,
};

static uint32_t vpci_read(struct model_pci_fn *f, unsigned bar, uint64_t at, unsigned width,
                          bool sync)
{
    struct model_vpci *v = (struct model_vpci *)f;
    unsigned t, off;
    uint32_t value = 0;

    if (model_is_legacy(v->m) && bar == 0)
        return model_lpci_read(v, (unsigned)at, width, sync);
    t = region_at(v, bar, at);
    off = (unsigned)at - v->region[t].off;

    if (v->m->gone)
        value = UINT32_MAX;
    else if (t == VCAP_COMMON && width != field_width(off))
        host_violation("%s: %u-byte read of common field %u", v->m->name, width, off);
    else if (t == VCAP_COMMON)
        value = read_common(v, off);
    else if (t == VCAP_ISR)
        value = off || width != 1 ? wrong_isr(v, width) : model_vpci_read_isr(v);
    else if (t == VCAP_DEVICE)
        value = model_read_config(v->m, off, width);
    else
        host_violation("%s: the notify structure is read", v->m->name);
    value = model_answer(v->m, space_of[t], off, width, value);
    if (t == VCAP_COMMON)
        model_trace(v->m, off, width, false, sync, value);
    return value;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_address(struct model_queue *q, unsigned off, uint32_t value)
{
    uint64_t *part[] = {&q->desc, &q->driver, &q->device}, *p = part[(off - R_QUEUE_ADDRESSES) / 8];
    bool high = off & 4;

    *p = high ? (*p & UINT32_MAX) | (uint64_t)value << 32 : (*p >> 32 << 32) | value;
    q->halves |= 1u << (off - R_QUEUE_ADDRESSES) / 4;
}

static void enable_queue(struct model_vpci *v, struct model_queue *q, uint32_t value, bool sync)
{
    struct model *m = v->m;

    if (value != 1 || !sync || q->halves != 0x3f || !q->checked_idle || !q->num)
        host_violation("%s: queue %u: enable %u (ordered %u, halves %#x, idle %u, size %u)",
                       m->name, q->index, value, sync, q->halves, q->checked_idle, q->num);
    if (model_pci_msix_on(&v->fn) && q->vector == NO_VECTOR)
        host_violation("%s: queue %u is enabled without a vector", m->name, q->index);
    if (!model_pci_master(&v->fn))
        host_violation("%s: queue %u is enabled, but may not reach memory", m->name, q->index);
    model_start_queue(m, q);
}

uint16_t model_vpci_map_vector(const struct model_vpci *v, uint32_t vector)
{
    if (vector != NO_VECTOR && (!model_pci_msix_on(&v->fn) || vector >= v->fn.msix_size))
        host_violation("%s: vector %u is not there", v->m->name, vector);
    return (uint16_t)(vector < v->vectors ? vector : NO_VECTOR);
}

static void reset_queue(struct model_vpci *v, struct model_queue *q, uint32_t value)
{
    if (value != 1 || !model_accepted(v->m, 40) || !q->ready || !(v->m->status & 4))
        host_violation("%s: queue %u: reset %u in status %#x", v->m->name, q->index, value,
                       v->m->status);
    if (v->m->on.queue_reset)
        v->m->on.queue_reset(v->m, q);
    model_reset_queue(q);
    v->queue_resets++;
    v->reset_left = v->queue_reset_reads;
}

static void write_queue(struct model_vpci *v, unsigned off, uint32_t value, bool sync)
{
    struct model_queue *q = selected(v->m);

    if (q && q->max && off == R_QUEUE_RESET) {
        reset_queue(v, q, value);
        return;
    }
    if (!q || !q->max || q->ready || v->in_use) {
        host_violation("%s: field %u of queue %u, which is absent or in use", v->m->name, off,
                       v->m->queue_sel);
        return;
    }
    model_check_setup(v->m, "queue field");
    if (off == R_QUEUE_SIZE && (!value || (value & (value - 1) && !model_accepted(v->m, 34))))
        host_violation("%s: queue_size %u is no power of two", v->m->name, value);
    if (off == R_QUEUE_SIZE)
        q->num = value;
    else if (off == R_QUEUE_VECTOR)
        q->vector = v->vectorless >> q->index & 1 ? NO_VECTOR : model_vpci_map_vector(v, value);
    else if (off == R_QUEUE_ENABLE)
        enable_queue(v, q, value, sync);
    else if (off == R_QUEUE_NOTIFY_OFF || off == R_NOTIF_CONFIG_DATA)
        host_violation("%s: read-only queue field %u is written", v->m->name, off);
    else
        write_address(q, off, value);
}

static void write_status(struct model_vpci *v, uint32_t value, bool sync)
{
    if (value & ~v->m->status & 4 && (!sync || !model_pci_master(&v->fn)))
        host_violation("%s: DRIVER_OK without ordering, or bus mastering", v->m->name);
    model_write_status(v->m, value);
}

static void write_config_vector(struct model_vpci *v, uint32_t value)
{
    model_check_setup(v->m, "config vector");
    v->config_vector = v->vectorless >> 31 ? NO_VECTOR : model_vpci_map_vector(v, value);
}

static void write_common(struct model_vpci *v, unsigned off, uint32_t value, bool sync)
{
    struct model *m = v->m;

    if (off == R_DEVICE_FEATURE_SELECT)
        m->feature_sel = value;
    else if (off == R_DRIVER_FEATURE_SELECT)
        m->driver_feature_sel = value;
    else if (off == R_DRIVER_FEATURE)
        model_write_features(m, m->driver_feature_sel, value);
    else if (off == R_CONFIG_VECTOR)
        write_config_vector(v, value);
    else if (off == R_STATUS)
        write_status(v, value, sync);
    else if (off == R_QUEUE_SELECT)
        m->queue_sel = value;
    else if (off >= R_QUEUE_SIZE)
        write_queue(v, off, value, sync);
    else
        host_violation("%s: read-only common field %u is written", m->name, off);
}

/* Does the value of a kick say what was negotiated for the queue (sections 2.9, 4.1.5.2)? */
static bool says(const struct model *m, const struct model_queue *q, uint32_t value)
{
    uint32_t want = model_accepted(m, 39) ? q->notif_data : q->index;

    if (model_accepted(m, 38))
        want |= (uint32_t)model_position(q) << 16;
    return value == want;
}

/* The address says which queue, and so does the value. */
static void write_notify(struct model_vpci *v, unsigned off, unsigned width, uint32_t value,
                         bool sync)
{
    struct model *m = v->m;
    unsigned i = 0;

    while (i < MODEL_QUEUES && !(m->queues[i].ready && says(m, &m->queues[i], value)))
        i++;
    if (width != (model_accepted(m, 38) ? 4 : 2) || i == MODEL_QUEUES ||
        off != m->queues[i].notify_off * v->multiplier)
        host_violation("%s: notification %#x of %u bytes at %#x", m->name, value, width, off);
    model_kick(m, i, sync);
}

static void vpci_write(struct model_pci_fn *f, unsigned bar, uint64_t at, unsigned width,
                       uint32_t value, bool sync)
{
    struct model_vpci *v = (struct model_vpci *)f;
    unsigned t, off;

    if (model_is_legacy(v->m) && bar == 0) {
        model_lpci_write(v, (unsigned)at, width, value, sync);
        return;
    }
    t = region_at(v, bar, at);
    off = (unsigned)at - v->region[t].off;
    if (t == VCAP_COMMON)
        model_trace(v->m, off, width, true, sync, value);
    model_written(v->m, space_of[t], off, value);
    if (v->m->gone)
        return;
    if (t == VCAP_COMMON && width != field_width(off))
        host_violation("%s: %u-byte write of common field %u", v->m->name, width, off);
    else if (t == VCAP_COMMON)
        write_common(v, off, value, sync);
    else if (t == VCAP_NOTIFY)
        write_notify(v, off, width, value, sync);
    else if (t == VCAP_DEVICE)
        model_write_config(v->m, off, width, value);
    else
        host_violation("%s: the ISR is written", v->m->name);
}

/* ---- the window (section 4.1.4.9) ------------------------------------------------------------ */

static uint32_t window_access(struct model_pci_fn *f, bool write, unsigned at, unsigned width,
                              uint32_t value, bool sync)
{
    struct model_vpci *v = (struct model_vpci *)f;
    unsigned cap = f->window - 16, bar = model_pci_get(f, cap + 4, 1);
    uint32_t off = model_pci_get(f, cap + 8, 4), len = model_pci_get(f, cap + 12, 4);

    v->window_uses++;
    if (at || width != len || (len != 1 && len != 2 && len != 4) || off % len || bar > 5) {
        host_violation("%s: %u bytes at %u of a window to BAR %u + %#x, %u bytes", v->m->name,
                       width, at, bar, off, len);
        return 0;
    }
    if (!write)
        return f->read(f, bar, off, width, sync);
    f->write(f, bar, off, width, value, sync);
    return 0;
}

static void open_window(struct model_vpci *v, unsigned cap)
{
    v->fn.window = cap + 16;
    v->fn.window_access = window_access;
    v->fn.writable[cap + 4] = 0xff;
    memset(&v->fn.writable[cap + 8], 0xff, 8);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static uint32_t function_read(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v)
{
    return model_answer(((struct model_vpci *)f)->m, MODEL_AT_FUNCTION, off, width, v);
}

static void show_level(struct model_pci_fn *f)
{
    model_pci_level(f, ((struct model_vpci *)f)->m->interrupt_status != 0);
}

static void send(struct model_vpci *v, uint16_t vector)
{
    if (vector == NO_VECTOR)
        return;
    v->messages++;
    model_pci_message(&v->fn, vector);
}

void model_vpci_raise(struct model *m, uint32_t cause, struct model_queue *q)
{
    struct model_vpci *v = m->pci;

    if (!model_pci_msix_on(&v->fn)) {
        m->interrupt_status |= cause;
        show_level(&v->fn);
        return;
    }
    if (cause & 1 && q)
        send(v, q->vector);
    if (cause & 2)
        send(v, v->config_vector);
}

void model_vpci_reset(struct model *m)
{
    m->pci->config_vector = NO_VECTOR;
    show_level(&m->pci->fn);
}

/* ---- building it ----------------------------------------------------------------------------- */

unsigned model_vpci_cap(struct model_vpci *v, uint8_t type, uint8_t bar, uint32_t off, uint32_t len)
{
    unsigned bytes = type == VCAP_NOTIFY || type == VCAP_PCI_CFG ? 20 : 16;
    unsigned at = model_pci_cap(&v->fn, 9, bytes);

    model_pci_put(&v->fn, at + 2, 1, bytes);
    model_pci_put(&v->fn, at + 3, 1, type);
    model_pci_put(&v->fn, at + 4, 1, bar);
    model_pci_put(&v->fn, at + 8, 4, off);
    model_pci_put(&v->fn, at + 12, 4, len);
    if (type == VCAP_NOTIFY)
        model_pci_put(&v->fn, at + 16, 4, v->multiplier);
    return at;
}

void model_vpci_caps(struct model_vpci *v)
{
    unsigned cap = model_vpci_cap(v, VCAP_PCI_CFG, 0, 0, 0);

    if (v->window)
        open_window(v, cap);
    for (unsigned t = VCAP_DEVICE; t >= VCAP_COMMON; t--)
        model_vpci_cap(v, (uint8_t)t, (uint8_t)v->region[t].bar, v->region[t].off,
                       v->region[t].len);
}

void model_plug_pci(struct model_vpci *v, struct model *m, unsigned dev, bool bare)
{
    memset(v, 0, sizeof(*v));
    model_pci_add(&v->fn, dev, 0, 0x1af4, (uint16_t)(0x1040 + m->device_id));
    model_pci_put(&v->fn, 0x08, 1, 1); /* revision */
    model_pci_put(&v->fn, 0x2e, 2, 0x1100);
    model_pci_put(&v->fn, 0x3d, 1, 1);
    model_pci_bar(&v->fn, 1, MODEL_BAR_MEM32, 0x1000);
    v->m = m;
    if (model_is_legacy(m))
        model_vpci_transitional(v);
    else
        model_pci_bar(&v->fn, 4, MODEL_BAR_MEM64, 0x4000);
    v->fn.read = vpci_read;
    v->fn.write = vpci_write;
    v->fn.changed = show_level;
    v->fn.answer = function_read;
    v->multiplier = 4;
    v->vectors = NO_VECTOR;
    v->config_vector = NO_VECTOR;
    while (v->num_queues < MODEL_QUEUES && m->queues[v->num_queues].max)
        v->num_queues++;
    for (unsigned t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        static const uint16_t off[] = {0, 0, 0x3000, 0x1000, 0x2000};

        v->region[t].bar = 4;
        v->region[t].off = off[t];
        v->region[t].len = 0x1000;
    }
    m->pci = v;
    if (bare)
        return;
    model_pci_add_msix(&v->fn, 4, 1, 0);
    if (!model_is_legacy(m))
        model_vpci_caps(v);
}
