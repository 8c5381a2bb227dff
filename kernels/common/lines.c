/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - handlers of interrupt lines, several on each. */
#include "kernel.h"

#define HANDLERS 32

static struct {
    hal_irq_t irq;
    hal_irq_fn fn; /* NULL: the place is free */
    void *ctx;
} handlers[HANDLERS]; /* those of one line in order of attachment */

static unsigned handler_count; /* places in use, free ones among them included */

void kernel_interrupt(hal_irq_t irq)
{
    for (unsigned i = 0; i < handler_count; i++)
        if (handlers[i].fn && handlers[i].irq == irq)
            handlers[i].fn(handlers[i].ctx);
}

/* The first free place behind all handlers of the line. */
static unsigned line_place(hal_irq_t irq)
{
    unsigned place = handler_count;

    for (unsigned i = handler_count; i && (!handlers[i - 1].fn || handlers[i - 1].irq != irq); i--)
        if (!handlers[i - 1].fn)
            place = i - 1;
    return place;
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    unsigned place = line_place(irq);

    if (irq < 0 || irq >= KERNEL_LINES)
        return -EINVAL;
    if (place == HANDLERS)
        return -ENOMEM;
    handlers[place].irq = irq;
    handlers[place].ctx = ctx;
    /* Whole before a handler of a shared line can see it. */
    __atomic_store_n(&handlers[place].fn, fn, __ATOMIC_RELEASE);
    if (place == handler_count)
        handler_count++;
    return machine_line(irq, true);
}

void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    bool is_used = false;

    for (unsigned i = 0; i < handler_count; i++) {
        if (handlers[i].irq == irq && handlers[i].fn == fn && handlers[i].ctx == ctx)
            handlers[i].fn = NULL;
        is_used |= handlers[i].irq == irq && handlers[i].fn;
    }
    while (handler_count && !handlers[handler_count - 1].fn)
        handler_count--;
    if (!is_used)
        machine_line(irq, false);
}

void hal_irq_mask(hal_irq_t irq)
{
    machine_line(irq, false);
}
