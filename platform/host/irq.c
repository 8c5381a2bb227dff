/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c (host) - interrupt lines, messages, and the tables of what the machine has.
 */
#include "host.h"

#define HANDLERS 8
#define STORM    1000000 /* calls of a line's handlers that do not lower it: a violation */

static struct line {
    struct {
        hal_irq_fn fn;
        void *ctx;
    } h[HANDLERS];
    unsigned count;
    bool masked, high, edge;
} lines[HOST_IRQS];
static bool hold;
static bool in_handler;

static bool host_irq_valid(hal_irq_t irq)
{
    return irq >= 0 && irq < HOST_IRQS;
}

bool host_in_handler(void)
{
    return in_handler;
}

static void host_irq_call(struct line *l)
{
    in_handler = true;
    for (unsigned i = 0; i < l->count; i++)
        l->h[i].fn(l->h[i].ctx);
    in_handler = false;
}

static void host_irq_deliver(hal_irq_t irq)
{
    struct line *l = &lines[irq];

    if (hold || in_handler || l->masked || l->count == 0)
        return;
    if (l->edge) {
        l->edge = false;
        host_irq_call(l);
    }
    for (unsigned n = 0; l->high && !l->masked; n++) {
        if (n == STORM) {
            host_violation("interrupt %d is never acknowledged", irq);
            l->high = false;
        }
        host_irq_call(l);
    }
}

void host_irq_set(hal_irq_t irq, bool high)
{
    if (!host_irq_valid(irq))
        return;
    lines[irq].high = high;
    host_irq_deliver(irq);
}

void host_irq_pulse(hal_irq_t irq)
{
    if (!host_irq_valid(irq))
        return;
    lines[irq].edge = true;
    host_irq_deliver(irq);
}

void host_irq_hold(bool on)
{
    hold = on;
    for (hal_irq_t i = 0; i < HOST_IRQS; i++)
        host_irq_deliver(i);
}

bool host_irq_is_masked(hal_irq_t irq)
{
    return host_irq_valid(irq) && lines[irq].masked;
}

unsigned host_irq_handlers(hal_irq_t irq)
{
    return host_irq_valid(irq) ? lines[irq].count : 0;
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    if (in_handler)
        host_violation("hal_irq_attach in handler context");
    if (!host_irq_valid(irq))
        return -EINVAL;
    struct line *l = &lines[irq];
    if (l->count == HANDLERS)
        return -ENOMEM;
    l->h[l->count].fn = fn;
    l->h[l->count++].ctx = ctx;
    l->masked = false;
    host_irq_deliver(irq);
    return 0;
}

void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    struct line *l = host_irq_valid(irq) ? &lines[irq] : NULL;

    for (unsigned i = 0; l && i < l->count; i++) {
        if (l->h[i].fn == fn && l->h[i].ctx == ctx) {
            l->h[i] = l->h[--l->count];
            return;
        }
    }
    host_violation("hal_irq_detach(%d) of a handler that is not attached", irq);
}

void hal_irq_mask(hal_irq_t irq)
{
    if (host_irq_valid(irq))
        lines[irq].masked = true;
}

/* ---- messages -------------------------------------------------------------------------------- */

#define MSIS (HOST_IRQS - HOST_MSI_FIRST)
static bool msi_used[MSIS];
static int msi_limit = MSIS;

void host_msi_limit(int n)
{
    msi_limit = n < MSIS ? n : MSIS;
}

int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    (void)requester;
    if (msi_limit == 0)
        return -ENODEV;
    for (int i = 0; i < msi_limit; i++) {
        if (msi_used[i])
            continue;
        msi_used[i] = true;
        *msi = (struct hal_msi){HOST_MSI_DOORBELL, 0x100u + (unsigned)i, HOST_MSI_FIRST + i};
        return 0;
    }
    return -ENOSPC;
}

void hal_msi_free(const struct hal_msi *msi)
{
    int i = msi->irq - HOST_MSI_FIRST;

    if (i < 0 || i >= MSIS || !msi_used[i])
        host_violation("hal_msi_free of line %d, which is not allocated", msi->irq);
    else
        msi_used[i] = false;
}

void host_msi_write(uint64_t addr, uint32_t data)
{
    uint32_t i = data - 0x100u;

    if (addr != HOST_MSI_DOORBELL || i >= MSIS || !msi_used[i])
        host_violation("message %#x to %#llx: nobody allocated it", data, (unsigned long long)addr);
    else
        host_irq_pulse(HOST_MSI_FIRST + (hal_irq_t)i);
}

/* ---- what the machine has -------------------------------------------------------------------- */

#define SLOTS 32
static struct hal_virtio_mmio slots[SLOTS];
static unsigned slot_count;
static struct hal_pci_host pci;
static hal_irq_t pci_intx;
static bool has_pci;

void host_add_virtio_mmio(uint64_t phys, uint64_t len, hal_irq_t irq)
{
    if (slot_count < SLOTS)
        slots[slot_count++] = (struct hal_virtio_mmio){phys, len, irq};
}

static bool hidden; /* what the machine has: as where a kernel knows, and its HAL does not */

void host_hide(bool hide)
{
    hidden = hide;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    if (hidden || n >= slot_count)
        return -ENOENT;
    *out = slots[n];
    return 0;
}

void host_add_pci(const struct hal_pci_host *h, hal_irq_t intx_first)
{
    pci = *h;
    pci_intx = intx_first;
    has_pci = true;
}

int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    if (hidden || n > 0 || !has_pci)
        return -ENOENT;
    *out = pci;
    return 0;
}

hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    if (host > 0 || !has_pci || dev > 31 || pin < 1 || pin > 4 || pci_intx < 0)
        return -1;
    return pci_intx + (hal_irq_t)((dev + pin - 1) % 4);
}
