/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its.c - message-signalled interrupts through the GICv3 ITS (Arm IHI 0069, chapter 5): a function
 * writes an event number to GITS_TRANSLATER, the bus adds who it is, and the ITS raises the LPI
 * that belongs to both. Nothing here runs, and no memory is allocated, before the first message is
 * asked for. If the ITS does not do what it is told, its_alloc fails, and the driver takes another
 * kind of interrupt.
 */
#include "its.h"

#define EVENT_BITS 6u /* a function has at most 1 << 6 messages */
#define SLOTS_MAX  64u
#define ITT_ALIGN  256u
#define COLLECTION 0u

enum { CTLR_ENABLED = 1 };
#define CTLR_QUIESCENT (1u << 31)

/* A function that has messages. Its events are consecutive LPIs. */
struct slot {
    uint32_t device;
    void *itt;       /* NULL: the slot is free */
    uint64_t events; /* a bit for each event that is allocated */
};

static struct its {
    struct its_queue queue;
    struct its_devices devices;
    uint64_t target; /* this core's redistributor, as commands name it */
    uint32_t itt_bytes;
    unsigned event_bits;
    uint64_t ids; /* device ids are below this */
    struct slot *slots;
    unsigned slot_count;
} its;

static struct slot *its_slot(unsigned line)
{
    return &its.slots[(line - GIC_LPI_FIRST) >> its.event_bits];
}

static uint32_t its_event(unsigned line)
{
    return (line - GIC_LPI_FIRST) & ((1u << its.event_bits) - 1);
}

/* Runs one command, and waits until it has taken effect at the redistributor. */
static int its_run(struct its_command c)
{
    struct its_command both[] = {c, its_sync(its.target)};

    return its_queue_run(&its.queue, both, 2);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int its_line_set(unsigned line, bool enabled)
{
    struct slot *s = its_slot(line);

    lpi_set(line, enabled);
    if (!s->itt || !(s->events >> its_event(line) & 1))
        return 0; /* the event is not mapped: MAPTI will read what was set */
    return its_run(its_inv(s->device, its_event(line)));
}

/* LPIs are edge-triggered, and have one priority and one target. */
static void its_line_configure(unsigned line, bool edge)
{
    (void)line;
    (void)edge;
}

static void its_line_mask(unsigned line)
{
    its_line_set(line, false);
}

static int its_line_unmask(unsigned line)
{
    return its_line_set(line, true);
}

static struct gic_lines lines = {
    .first = GIC_LPI_FIRST,
    .configure = its_line_configure,
    .mask = its_line_mask,
    .unmask = its_line_unmask,
};

/* ---- set-up ---------------------------------------------------------------------------------- */

/* One past the highest device id that the tree lets a function have. */
static uint64_t its_ids_in_tree(const struct virt_part *part)
{
    uint64_t ids = 0;

    for (unsigned n = 0; n < virt.pci_count; n++)
        for (unsigned i = 0; i < virt.pci[n].msi.count; i++) {
            const struct virt_map_entry *e = &virt.pci[n].msi.entry[i];
            uint64_t end = (uint64_t)e->id + e->count;
            if (e->phandle == part->phandle && end > ids)
                ids = end;
        }
    return ids;
}

static int its_switch_off(hal_mmio_t regs)
{
    uint64_t deadline = hal_now_ns() + ITS_WAIT_NS;
    uint32_t ctlr = hal_read32(regs + GITS_CTLR);

    if (ctlr == UINT32_MAX)
        return -EIO;
    if (ctlr & CTLR_ENABLED)
        hal_write32(regs + GITS_CTLR, ctlr & ~(uint32_t)CTLR_ENABLED);
    while (!(hal_read32(regs + GITS_CTLR) & CTLR_QUIESCENT)) {
        if (hal_now_ns() > deadline)
            return -EIO;
        hal_relax();
    }
    return 0;
}

/* Reads GITS_TYPER: numbers of ids and events, size of an entry. */
static int its_read_type(hal_mmio_t regs, uint64_t ids)
{
    uint64_t typer = its_read64(regs + GITS_TYPER);
    unsigned bits = (typer >> 8 & 31) + 1;
    uint64_t known = 1ull << ((typer >> 13 & 31) + 1);

    if (!(typer & 1))
        return -ENODEV;
    its.ids = ids < known ? ids : known;
    its.event_bits = bits < EVENT_BITS ? bits : EVENT_BITS;
    its.itt_bytes = ((uint32_t)(typer >> 4 & 15) + 1) << its.event_bits;
    its.target = lpi_target(typer >> 19 & 1);
    return 0;
}

/* Divides all LPIs into slots. */
static int its_slots_open(void)
{
    unsigned n = lpi_count() >> its.event_bits;

    its.slot_count = n < SLOTS_MAX ? n : SLOTS_MAX;
    if (!its.slot_count)
        return -ENOSPC;
    its.slots = hal_alloc(its.slot_count * sizeof(*its.slots));
    lines.limit = GIC_LPI_FIRST + (its.slot_count << its.event_bits);
    return its.slots ? 0 : -ENOMEM;
}

static int its_set_up(const struct virt_part *part)
{
    hal_mmio_t regs = part->reg.len >= GITS_LEN ? hal_mmio_map(part->reg.base, GITS_LEN) : 0;
    int err = regs ? lpi_open() : -ENODEV;

    if (!err)
        err = its_switch_off(regs);
    if (!err)
        err = its_read_type(regs, its_ids_in_tree(part));
    if (!err)
        err = its_slots_open();
    if (!err)
        err = its_tables_open(regs, its.ids, &its.devices);
    if (!err)
        err = its_queue_open(&its.queue, regs);
    if (err)
        return err;
    hal_write32_sync(regs + GITS_CTLR, CTLR_ENABLED);
    err = its_run(its_mapc(COLLECTION, its.target));
    if (!err)
        irq_add_lines(&lines);
    else
        hal_write32(regs + GITS_CTLR, 0);
    return err;
}

/* Sets the ITS up at the first call. A failure is not tried again. 0 or -ENODEV. */
static int its_open(const struct virt_part *part)
{
    static bool tried, works;

    if (tried)
        return works && !its.queue.broken ? 0 : -ENODEV;
    tried = true;
    int err = its_set_up(part);
    works = !err;
    if (err)
        hal_log(HAL_WARN, "its", "cannot be used (error %d): PCI functions take their INTx lines",
                -err);
    else
        hal_log(HAL_DEBUG, "its", "%u device ids, %u functions of %u messages, LPIs from %u on",
                (unsigned)its.devices.ids, its.slot_count, 1u << its.event_bits, GIC_LPI_FIRST);
    return works ? 0 : -ENODEV;
}

/* ---- functions and their events -------------------------------------------------------------- */

static struct slot *its_find_slot(uint32_t device)
{
    struct slot *free = NULL;

    for (unsigned i = 0; i < its.slot_count; i++) {
        struct slot *s = &its.slots[i];
        if (s->itt && s->device == device)
            return s;
        if (!s->itt && !free)
            free = s;
    }
    return free;
}

/* Gives a function its translation table. */
static int its_slot_open(struct slot *s, uint32_t device)
{
    uint64_t dma;
    int err = its_devices_hold(&its.devices, device);

    if (err)
        return err;
    void *itt = hal_dma_alloc(its.itt_bytes, ITT_ALIGN, &dma);
    if (!itt)
        return -ENOMEM;
    arch_cache_flush(itt, its.itt_bytes);
    err = its_run(its_mapd(device, dma, its.event_bits));
    if (err)
        return err; /* the ITS may use the table: it is not freed */
    *s = (struct slot){.device = device, .itt = itt};
    return 0;
}

/* If the function has no events left, frees its table. */
static void its_slot_close(struct slot *s)
{
    if (s->events)
        return;
    if (its_run(its_mapd(s->device, 0, its.event_bits)) == 0)
        hal_dma_free(s->itt, its.itt_bytes);
    s->itt = NULL;
}

static int its_alloc(const struct virt_part *part, uint32_t id, struct hal_msi *msi)
{
    int err = its_open(part);
    struct slot *s = err ? NULL : its_find_slot(id);
    uint32_t event = 0;

    if (err)
        return err;
    if (!s)
        return -ENOSPC;
    if (!s->itt)
        err = its_slot_open(s, id);
    if (err)
        return err;
    while (event < 1u << its.event_bits && s->events >> event & 1)
        event++;
    if (event == 1u << its.event_bits)
        return -ENOSPC;
    unsigned line = GIC_LPI_FIRST + ((unsigned)(s - its.slots) << its.event_bits) + event;
    lpi_set(line, false);
    err = its_run(its_mapti(id, event, line, COLLECTION));
    if (err) {
        its_slot_close(s);
        return err;
    }
    s->events |= 1ull << event;
    msi->addr = part->reg.base + GITS_TRANSLATER;
    msi->data = event;
    msi->irq = (hal_irq_t)line | VIRT_IRQ_EDGE;
    return 0;
}

static bool its_free(const struct hal_msi *msi)
{
    unsigned line = VIRT_IRQ_ID(msi->irq);

    if (!its.slots || line < lines.first || line >= lines.limit)
        return false;
    struct slot *s = its_slot(line);
    if (!s->itt || !(s->events >> its_event(line) & 1))
        return true;
    s->events &= ~(1ull << its_event(line));
    its_run(its_discard(s->device, its_event(line)));
    its_slot_close(s);
    return true;
}

const struct msi_doorbell msi_its = {its_alloc, its_free};
