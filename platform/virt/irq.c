/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - interrupt lines and their handlers (hal_irq_*), above a GIC of version 2 or 3.
 */
#include "cpu.h"
#include "gic_regs.h"
#include "virt.h"

#define BUCKETS 64u

struct handler {
    struct handler *next;
    hal_irq_fn fn;
    void *ctx;
    unsigned id;
    bool shares; /* another one of the same line may follow */
};

static const struct gic_ops *gic;
static const struct gic_lines *more; /* LPIs; NULL: there are none */
static struct handler *handlers[BUCKETS];

const char *gic_init(void)
{
    switch (virt.gic.version) {
    case 2:
        gic = &gic_v2;
        break;
    case 3:
        gic = &gic_v3;
        break;
    default:
        return "the device tree has no GICv2 or GICv3 (QEMU: -M virt,gic-version=2 or 3)";
    }
    return gic->init(&virt.gic);
}

void irq_add_lines(const struct gic_lines *lines)
{
    more = lines;
}

/* What no interrupt passes is to be small. */
int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx) __attribute__((cold));
void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx) __attribute__((cold));
const char *gic_init(void) __attribute__((cold));

/* The range of lines that a line belongs to. NULL: there is no such line. */
static const struct gic_lines *irq_lines(unsigned id)
{
    if (id >= gic->lines.first && id < gic->lines.limit)
        return &gic->lines;
    return more && id >= more->first && id < more->limit ? more : NULL;
}

static bool irq_has_handler(unsigned id)
{
    for (struct handler *h = handlers[id % BUCKETS]; h; h = h->next)
        if (h->id == id)
            return true;
    return false;
}

/* Removes a handler, which the caller frees. NULL: there is none. */
static struct handler *irq_take_handler(unsigned id, hal_irq_fn fn, void *ctx)
{
    struct handler **at = &handlers[id % BUCKETS], *h;

    while ((h = *at) && !(h->id == id && h->fn == fn && h->ctx == ctx))
        at = &h->next;
    if (h)
        *at = h->next;
    return h;
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    unsigned id = VIRT_IRQ_ID(irq);
    const struct gic_lines *lines = irq_lines(id);

    if (irq < 0 || !lines || !fn)
        return -EINVAL;
    struct handler *h = hal_alloc(sizeof(*h));
    if (!h)
        return -ENOMEM;
    *h = (struct handler){.fn = fn, .ctx = ctx, .id = id};
    unsigned long state = arch_irq_save();
    if (!irq_has_handler(id))
        lines->configure(id, irq & VIRT_IRQ_EDGE);
    for (struct handler *first = handlers[id % BUCKETS]; first; first = first->next)
        first->shares |= first->id == id;
    HAL_LIST_APPEND(&handlers[id % BUCKETS], h); /* they are called in order of attachment */
    int err = lines->unmask(id);
    if (err)
        irq_take_handler(id, fn, ctx);
    arch_irq_restore(state);
    if (err)
        hal_free(h);
    return err;
}

void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    unsigned id = VIRT_IRQ_ID(irq);

    if (irq < 0)
        return;
    unsigned long state = arch_irq_save();
    struct handler *h = irq_take_handler(id, fn, ctx);
    if (h && !irq_has_handler(id))
        irq_lines(id)->mask(id);
    arch_irq_restore(state);
    hal_free(h);
}

void hal_irq_mask(hal_irq_t irq)
{
    const struct gic_lines *lines = irq >= 0 ? irq_lines(VIRT_IRQ_ID(irq)) : NULL;

    if (lines)
        lines->mask(VIRT_IRQ_ID(irq));
}

/* Acknowledges the pending interrupt, and returns its id; 1020 to 1023: there is none. */
static inline unsigned irq_ack(void)
{
    return gic_v2_cpu ? hal_read32(gic_v2_cpu + GICC_IAR) & 0x3ff : cpu_gic_ack();
}

static inline void irq_end(unsigned id)
{
    if (gic_v2_cpu)
        hal_write32(gic_v2_cpu + GICC_EOIR, id);
    else
        cpu_gic_end(id);
}

/* Nobody handles that, or there was no interrupt. */
static void irq_unhandled(unsigned id)
{
    if (id >= GIC_SPI_LIMIT && id < GIC_SPI_LIMIT + 4)
        return; /* the interrupt is no longer pending: there is nothing to end */
    if (irq_lines(id)) {
        irq_lines(id)->mask(id);
        hal_log(HAL_WARN, "irq", "line %u interrupts but has no handler: masked", id);
    }
    irq_end(id);
}

/* A line that several handlers share, or that has none. */
static void irq_handle_all(unsigned id) __attribute__((noinline, cold));
static void irq_handle_all(unsigned id)
{
    bool handled = false;

    for (struct handler *h = handlers[id % BUCKETS]; h; h = h->next) {
        if (h->id != id)
            continue;
        h->fn(h->ctx);
        handled = true;
    }
    if (handled)
        irq_end(id);
    else
        irq_unhandled(id);
}

void board_irq(void)
{
    unsigned id = irq_ack();
    const struct handler *h = handlers[id % BUCKETS];

    while (h && h->id != id)
        h = h->next;
    if (!h || h->shares) {
        irq_handle_all(id);
        return;
    }
    h->fn(h->ctx);
    irq_end(id);
}
