/*
 * irq.c - interrupt lines and their handlers (hal_irq_*), above the GIC of either version.
 */
#include "virt.h"

#define BUCKETS 64u

struct handler {
    struct handler *next;
    hal_irq_fn fn;
    void *ctx;
    unsigned id;
};

static const struct gic_ops *gic;
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

static bool has_handler(unsigned id)
{
    for (struct handler *h = handlers[id % BUCKETS]; h; h = h->next)
        if (h->id == id)
            return true;
    return false;
}

/* Handlers of one line are called in the order in which they were attached. */
static void append(struct handler *h)
{
    struct handler **at = &handlers[h->id % BUCKETS];

    while (*at)
        at = &(*at)->next;
    *at = h;
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    unsigned id = VIRT_IRQ_ID(irq);

    if (irq < 0 || id < 16 || id >= GIC_SPI_LIMIT || !fn)
        return -EINVAL;
    struct handler *h = hal_alloc(sizeof *h);
    if (!h)
        return -ENOMEM;
    *h = (struct handler){.fn = fn, .ctx = ctx, .id = id};
    unsigned long state = arch_irq_save();
    if (!has_handler(id))
        gic->configure(id, irq & VIRT_IRQ_EDGE);
    append(h);
    gic->unmask(id);
    arch_irq_restore(state);
    return 0;
}

void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    unsigned id = VIRT_IRQ_ID(irq);

    if (irq < 0)
        return;
    unsigned long state = arch_irq_save();
    struct handler **at = &handlers[id % BUCKETS], *h;
    while ((h = *at) && !(h->id == id && h->fn == fn && h->ctx == ctx))
        at = &h->next;
    if (h)
        *at = h->next;
    if (h && !has_handler(id))
        gic->mask(id);
    arch_irq_restore(state);
    hal_free(h);
}

void hal_irq_mask(hal_irq_t irq)
{
    if (irq >= 0)
        gic->mask(VIRT_IRQ_ID(irq));
}

void hal_irq_unmask(hal_irq_t irq)
{
    if (irq >= 0)
        gic->unmask(VIRT_IRQ_ID(irq));
}

void board_irq(void)
{
    unsigned id = gic->ack();
    bool handled = false;

    if (id >= GIC_SPI_LIMIT)
        return; /* spurious: it went away by itself */
    for (struct handler *h = handlers[id % BUCKETS]; h; h = h->next) {
        if (h->id != id)
            continue;
        h->fn(h->ctx);
        handled = true;
    }
    if (!handled) {
        gic->mask(id);
        hal_log(HAL_WARN, "irq", "line %u interrupts but has no handler: masked", id);
    }
    gic->end(id);
}
