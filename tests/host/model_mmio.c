/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_mmio.c - the registers of virtio-mmio (virtio 1.4, section 4.2.2; legacy 4.2.4), strict:
 * only what is in the table, whole aligned words, in the right direction and order.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define MMIO_BASE 0x0a000000ull
#define MMIO_LEN  0x200u
#define MMIO_IRQ  16

enum {
    R_MAGIC = 0x000,
    R_VERSION = 0x004,
    R_DEVICE_ID = 0x008,
    R_VENDOR_ID = 0x00c,
    R_DEVICE_FEATURES = 0x010,
    R_DEVICE_FEATURES_SEL = 0x014,
    R_DRIVER_FEATURES = 0x020,
    R_DRIVER_FEATURES_SEL = 0x024,
    R_GUEST_PAGE_SIZE = 0x028, /* legacy */
    R_QUEUE_SEL = 0x030,
    R_QUEUE_NUM_MAX = 0x034,
    R_QUEUE_NUM = 0x038,
    R_QUEUE_ALIGN = 0x03c, /* legacy */
    R_QUEUE_PFN = 0x040,   /* legacy */
    R_QUEUE_READY = 0x044,
    R_QUEUE_NOTIFY = 0x050,
    R_INTERRUPT_STATUS = 0x060,
    R_INTERRUPT_ACK = 0x064,
    R_STATUS = 0x070,
    R_QUEUE_DESC = 0x080, /* low and high word, as the next two */
    R_QUEUE_DRIVER = 0x090,
    R_QUEUE_DEVICE = 0x0a0,
    R_QUEUE_RESET = 0x0c0,
    R_GENERATION = 0x0fc,
    R_CONFIG = 0x100,
};

static bool is_legacy(const struct model *m)
{
    return m->version == 1;
}

static struct model_queue *selected(struct model *m)
{
    return m->queue_sel < MODEL_QUEUES ? &m->queues[m->queue_sel] : NULL;
}

/* Registers of which a probe may look at more only when they are right. */
static bool probe_only(const struct model *m)
{
    return m->magic != 0x74726976 || (m->version != 1 && m->version != 2) || m->device_id == 0;
}

static void wrong(struct model *m, const char *rows, const char *what, unsigned off)
{
    bool modern = off == R_QUEUE_READY || off >= R_QUEUE_DESC;

    model_rule(false, is_legacy(m) && modern ? "LEGACY-MMIO-18" : rows,
               "%s: %s register %#x (version %u)", m->name, what, off, m->version);
}

static bool has_reset(const struct model *m)
{
    return !is_legacy(m) && model_accepted(m, 40);
}

/* Section 4.2.2.1: 1 as long as the reset goes on; 0 here and in QueueReady when it is complete. */
static uint32_t read_queue_reset(struct model *m, struct model_queue *q)
{
    if (!has_reset(m))
        wrong(m, "MMIO-REG-01", "read of unknown", R_QUEUE_RESET);
    if (!q || !q->reset_left || m->queue_reset_lies)
        return 0;
    if (!m->queue_reset_never && --q->reset_left == 0) {
        model_reset_queue(q);
        return 0;
    }
    return 1;
}

static void write_queue_reset(struct model *m, struct model_queue *q, uint32_t v)
{
    model_rule(has_reset(m) && v == 1 && q->ready && !q->reset_left,
               has_reset(m) ? "MMIO-REG-21" : "MMIO-REG-01",
               "%s: queue %u: QueueReset %u (ready %u)", m->name, q->index, v, q->ready);
    q->reset_left = m->queue_reset_reads + 1;
    if (m->on.queue_reset)
        m->on.queue_reset(m, q);
}

static uint32_t read_queue_reg(struct model *m, unsigned off)
{
    struct model_queue *q = selected(m);

    model_rule(m->queue_sel != MODEL_NOT_SELECTED, "MMIO-REG-25",
               "%s: register %#x read, but no queue was selected", m->name, off);
    switch (off) {
    case R_QUEUE_NUM_MAX:
        if (is_legacy(m))
            model_rule(!q || !q->pfn, "LEGACY-MMIO-05", "%s: QueueNumMax of a queue in use",
                       m->name);
        return q ? q->max : 0;
    case R_QUEUE_PFN:
        if (!is_legacy(m))
            wrong(m, "MMIO-REG-01", "read of unknown", off);
        if (q)
            q->checked_idle = true;
        return q ? q->pfn : 0;
    case R_QUEUE_RESET:
        return read_queue_reset(m, q);
    default: /* R_QUEUE_READY */
        if (is_legacy(m))
            wrong(m, "LEGACY-MMIO-18", "read of unknown", off);
        if (q)
            q->checked_idle = true;
        return q && q->ready;
    }
}

/* Is it a register of the table, whichever way it may be used? */
static bool is_known(unsigned off)
{
    static const uint8_t known[] = {0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x20, 0x24,
                                    0x30, 0x34, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70,
                                    0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4, 0xfc};

    return memchr(known, (int)off, sizeof(known)) != NULL;
}

/* The rows of an access beyond what a probe of no device may look at. */
static const char *rows_of_none(const struct model *m)
{
    if (m->magic != 0x74726976)
        return "MMIO-REG-06 MMIO-INIT-01";
    if (m->version != 1 && m->version != 2)
        return "MMIO-REG-08 MMIO-INIT-01";
    return "MMIO-REG-10 MMIO-INIT-03 MMIO-INIT-04";
}

static bool is_word(struct model *m, unsigned off, unsigned width, const char *what)
{
    model_rule(width == 4 && off % 4 == 0, "MMIO-REG-04", "%s: %u-byte %s of register %#x", m->name,
               width, what, off);
    /* What breaks one of these is told where it is found. */
    model_kept("MMIO-REG-01 MMIO-REG-02 MMIO-REG-03");
    if (is_legacy(m))
        model_kept("LEGACY-MMIO-01 LEGACY-MMIO-18");
    return width == 4 && off % 4 == 0;
}

static uint32_t read_control(struct model *m, unsigned off)
{
    switch (off) {
    case R_MAGIC:
        return m->magic;
    case R_VERSION:
        return m->version;
    case R_DEVICE_ID:
        model_rule(m->magic == 0x74726976 && (m->version == 1 || m->version == 2),
                   "MMIO-INIT-01 MMIO-INIT-02 MMIO-REG-06 MMIO-REG-08",
                   "%s: DeviceID read after a wrong magic or version", m->name);
        return m->device_id;
    case R_VENDOR_ID:
        return m->vendor_id;
    case R_DEVICE_FEATURES:
        return model_read_features(m, m->feature_sel);
    case R_QUEUE_NUM_MAX:
    case R_QUEUE_PFN:
    case R_QUEUE_READY:
    case R_QUEUE_RESET:
        return read_queue_reg(m, off);
    case R_INTERRUPT_STATUS:
        return m->interrupt_status | m->bogus_interrupts;
    case R_STATUS:
        return model_read_status(m);
    case R_GENERATION:
        if (is_legacy(m))
            wrong(m, "LEGACY-MMIO-18", "read of unknown", off);
        return m->generation;
    default:
        wrong(m, is_known(off) ? "MMIO-REG-03" : "MMIO-REG-01", "read of unknown or write-only",
              off);
        return 0;
    }
}

static uint32_t mmio_read(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    struct model *m = ctx;
    unsigned off = (unsigned)offset;
    uint32_t v = UINT32_MAX;

    model_rule(!probe_only(m) || off <= R_DEVICE_ID, probe_only(m) ? rows_of_none(m) : "",
               "%s: offset %#x read of no device", m->name, off);
    if (m->gone)
        v = UINT32_MAX;
    else if (off >= R_CONFIG)
        v = model_read_config(m, off - R_CONFIG, width);
    else if (is_word(m, off, width, "read"))
        v = read_control(m, off);
    v = off >= R_CONFIG ? model_answer(m, MODEL_AT_CONFIG, off - R_CONFIG, width, v)
                        : model_answer(m, MODEL_AT_REGISTERS, off, width, v);
    model_trace(m, off, width, false, sync, v);
    return v;
}

/* ---- writes ---------------------------------------------------------------------------------- */

static void set_half(uint64_t *addr, bool high, uint32_t v)
{
    *addr = high ? (*addr & UINT32_MAX) | (uint64_t)v << 32 : (*addr >> 32 << 32) | v;
}

static void write_address(struct model *m, struct model_queue *q, unsigned off, uint32_t v)
{
    uint64_t *part[] = {&q->desc, &q->driver, &q->device};
    unsigned which = (off - R_QUEUE_DESC) / 16, high = (off & 4) != 0;

    model_rule(!q->ready, "MMIO-REG-15", "%s: queue %u: address written while ready", m->name,
               q->index);
    set_half(part[which], high, v);
    q->halves |= 1u << (2 * which + high);
}

static void write_ready(struct model *m, struct model_queue *q, uint32_t v, bool sync)
{
    if (v == 0) {
        q->ready = false;
        return;
    }
    model_rule(sync, "", "%s: QueueReady without ordering", m->name);
    model_rule(v == 1, "", "%s: queue %u: ready %u", m->name, q->index, v);
    model_rule(q->halves == 0x3f, "MMIO-INIT-11 MMIO-INIT-12 MMIO-REG-27",
               "%s: queue %u: ready with address halves %#x", m->name, q->index, q->halves);
    model_rule(q->num != 0, "MMIO-INIT-10", "%s: queue %u: ready, and no size was written", m->name,
               q->index);
    model_rule(q->checked_idle, "MMIO-INIT-07", "%s: queue %u: ready, and QueueReady was not read",
               m->name, q->index);
    model_start_queue(m, q);
}

/* Section 4.2.4 and 2.7.2: the parts lie one after another, the used ring at the next QueueAlign.
 */
static void write_pfn(struct model *m, struct model_queue *q, uint32_t v, bool sync)
{
    q->pfn = v;
    if (v == 0) {
        q->ready = false;
        return;
    }
    model_rule(sync, "", "%s: QueuePFN without ordering", m->name);
    model_rule(m->page_size != 0, "LEGACY-MMIO-03", "%s: QueuePFN without GuestPageSize", m->name);
    model_rule(!(m->page_size & (m->page_size - 1)), "LEGACY-MMIO-04",
               "%s: QueuePFN with GuestPageSize %u", m->name, m->page_size);
    model_rule(q->align != 0 && !(q->align & (q->align - 1)), "LEGACY-MMIO-07 LEGACY-MMIO-16",
               "%s: QueuePFN with QueueAlign %u", m->name, q->align);
    model_rule(q->num != 0, "LEGACY-MMIO-06 LEGACY-MMIO-16",
               "%s: queue %u: QueuePFN, and no QueueSize was written", m->name, q->index);
    if (q->align == 0 || q->align & (q->align - 1))
        return;
    model_rule(q->checked_idle, "LEGACY-MMIO-12", "%s: queue %u: QueuePFN was not read first",
               m->name, q->index);
    q->desc = (uint64_t)v * m->page_size;
    q->driver = q->desc + 16ull * q->num;
    q->device = (q->driver + 6 + 2ull * q->num + q->align - 1) / q->align * q->align;
    uint64_t end = (q->device + 6 + 8ull * q->num + q->align - 1) / q->align * q->align;
    model_rule(host_dma_is_block(q->desc, end - q->desc),
               "LEGACY-MMIO-08 LEGACY-MMIO-11 LEGACY-MMIO-14 LEGACY-VQ-02 LEGACY-VQ-03",
               "%s: queue %u: its area is no one block to its end", m->name, q->index);
    model_start_queue(m, q);
}

static void write_queue_reg(struct model *m, unsigned off, uint32_t v, bool sync)
{
    struct model_queue *q = selected(m);
    bool stop = (off == R_QUEUE_READY || off == R_QUEUE_PFN) && v == 0;

    bool exists = q && q->max;

    model_rule(m->queue_sel != MODEL_NOT_SELECTED, "MMIO-REG-25",
               "%s: register %#x written, but no queue was selected", m->name, off);
    model_rule(exists || stop, is_legacy(m) ? "LEGACY-MMIO-13" : "MMIO-INIT-08",
               "%s: register %#x of queue %u, which does not exist", m->name, off, m->queue_sel);
    if (!exists)
        return;
    if (off == R_QUEUE_RESET) {
        write_queue_reset(m, q, v);
        return;
    }
    if (!stop)
        model_check_setup(m, "queue register");
    model_rule(!q->ready || stop, is_legacy(m) ? "" : "MMIO-REG-15",
               "%s: queue %u: register %#x written while in use", m->name, q->index, off);
    if (off == R_QUEUE_NUM)
        q->num = v;
    else if (off == R_QUEUE_ALIGN)
        q->align = v;
    else if (off == R_QUEUE_PFN)
        write_pfn(m, q, v, sync);
    else if (off == R_QUEUE_READY)
        write_ready(m, q, v, sync);
    else
        write_address(m, q, off, v);
}

static void write_ack(struct model *m, uint32_t v)
{
    model_rule(!(v & ~3u), "MMIO-REG-20", "%s: InterruptACK %#x", m->name, v);
    model_rule(v != 0 && !(v & ~m->interrupt_status), "MMIO-REG-19 MMIO-NOTIF-05",
               "%s: InterruptACK %#x, status %#x", m->name, v, m->interrupt_status);
    m->interrupt_status &= ~v;
    if (m->interrupt_status == 0 && m->irq >= 0)
        host_irq_set(m->irq, false);
}

static bool is_address(unsigned off)
{
    return off == R_QUEUE_DESC || off == R_QUEUE_DESC + 4 || off == R_QUEUE_DRIVER ||
           off == R_QUEUE_DRIVER + 4 || off == R_QUEUE_DEVICE || off == R_QUEUE_DEVICE + 4;
}

static bool is_queue_reg(const struct model *m, unsigned off)
{
    if (off == R_QUEUE_NUM)
        return true;
    if (is_legacy(m))
        return off == R_QUEUE_ALIGN || off == R_QUEUE_PFN;
    return off == R_QUEUE_READY || off == R_QUEUE_RESET || is_address(off);
}

/* Section 4.2.3.3: with NOTIFICATION_DATA the value says how far the driver is. */
static void write_notify(struct model *m, uint32_t v, bool sync)
{
    bool data = model_accepted(m, 38);
    uint32_t queue = data ? v & 0xffff : v;
    const struct model_queue *q = queue < MODEL_QUEUES ? &m->queues[queue] : NULL;

    if (data && q && q->ready)
        model_rule(v >> 16 == model_position(q),
                   model_accepted(m, 34) ? "MMIO-NOTIF-02 NOTIF-16 PACK-12"
                                         : "MMIO-NOTIF-02 NOTIF-14 NOTIF-15",
                   "%s: queue %u: a kick says %#x, and the ring is at %#x", m->name, queue, v >> 16,
                   model_position(q));
    if (!data)
        model_rule(queue < MODEL_QUEUES && m->queues[queue].max, "NOTIF-13 MMIO-NOTIF-01",
                   "%s: a kick of queue %#x", m->name, v);
    model_kick(m, queue, sync);
}

static void write_control(struct model *m, unsigned off, uint32_t v, bool sync)
{
    if (off == R_DEVICE_FEATURES_SEL)
        m->feature_sel = v;
    else if (off == R_DRIVER_FEATURES_SEL)
        m->driver_feature_sel = v;
    else if (off == R_DRIVER_FEATURES)
        model_write_features(m, m->driver_feature_sel, v);
    else if (off == R_GUEST_PAGE_SIZE && is_legacy(m))
        m->page_size = v;
    else if (off == R_QUEUE_SEL)
        m->queue_sel = v;
    else if (off == R_QUEUE_NOTIFY)
        write_notify(m, v, sync);
    else if (off == R_INTERRUPT_ACK)
        write_ack(m, v);
    else if (off == R_STATUS)
        model_write_status(m, v);
    else if (is_queue_reg(m, off))
        write_queue_reg(m, off, v, sync);
    else
        wrong(m, is_known(off) ? "MMIO-REG-02" : "MMIO-REG-01", "write of unknown or read-only",
              off);
}

static void mmio_write(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync)
{
    struct model *m = ctx;
    unsigned off = (unsigned)offset;

    model_trace(m, off, width, true, sync, v);
    model_written(m, off >= R_CONFIG ? MODEL_AT_CONFIG : MODEL_AT_REGISTERS,
                  off >= R_CONFIG ? off - R_CONFIG : off, v);
    if (probe_only(m))
        model_rule(false, rows_of_none(m), "%s: offset %#x written of no device", m->name, off);
    if (off == R_STATUS && v & 4 && !(m->status & 4))
        model_rule(sync, "", "%s: DRIVER_OK without ordering", m->name);
    if (m->gone)
        return;
    if (off >= R_CONFIG)
        model_write_config(m, off - R_CONFIG, width, v);
    else if (is_word(m, off, width, "write"))
        write_control(m, off, v, sync);
}

static const struct host_bus mmio_bus = {mmio_read, mmio_write};

void model_plug_mmio(struct model *m, unsigned n)
{
    m->irq = MMIO_IRQ + (hal_irq_t)n;
    host_bus_add(MMIO_BASE + (uint64_t)n * MMIO_LEN, MMIO_LEN, &mmio_bus, m);
    host_add_virtio_mmio(MMIO_BASE + (uint64_t)n * MMIO_LEN, MMIO_LEN, m->irq);
}

void model_plug_empty(unsigned n)
{
    struct model *m = calloc(1, sizeof(*m));

    model_init(m, MODEL_MMIO, 0);
    m->name = "empty slot";
    model_plug_mmio(m, n);
}
