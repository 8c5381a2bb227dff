/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - handlers of interrupt lines, several on each. */
#include "kernel.h"

#define HANDLERS 32

static struct {
    hal_irq_t irq;
    hal_irq_fn fn; /* NULL: the place is free */
    void *ctx;
} handlers[HANDLERS]; /* in order of attachment: places are not reused while one behind is taken */

static unsigned handler_count;

void kernel_interrupt(hal_irq_t irq)
{
    for (unsigned i = 0; i < handler_count; i++)
        if (handlers[i].fn && handlers[i].irq == irq)
            handlers[i].fn(handlers[i].ctx);
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    if (irq < 0 || irq >= KERNEL_LINES)
        return -EINVAL;
    if (handler_count == HANDLERS)
        return -ENOMEM;
    handlers[handler_count].irq = irq;
    handlers[handler_count].ctx = ctx;
    handlers[handler_count].fn = fn;
    /* Whole before a handler of a shared line can see it. */
    __atomic_store_n(&handler_count, handler_count + 1, __ATOMIC_RELEASE);
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
