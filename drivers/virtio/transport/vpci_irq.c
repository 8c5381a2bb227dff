/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci_irq.c - how a virtio function interrupts (virtio 1.4, sections 4.1.4.5, 4.1.5.1.2, 4.1.5.3).
 *
 * A ladder. Each rung that cannot be had is undone before the next is tried: MSI-X with a vector a
 * queue and one for configuration changes, which queues of few completions share; with one for all
 * queues and one for changes; with one for everything; the function's line, which others may share.
 * Without any, the core polls.
 */
#include "virtio/transport/vpci.h"

#if VIREO_PCI

/* ---- messages -------------------------------------------------------------------------------- */

static void vpci_detach_vectors(struct virtio_pci *p)
{
    while (p->vectors > 0) {
        unsigned i = --p->vectors;

        if (!p->dev.away) {
            pci_msix_detach(&p->fn, i, p->vector[i].fn, p->vector[i].ctx, &p->vector[i].msi);
            continue;
        }
        hal_irq_detach(p->vector[i].msi.irq, p->vector[i].fn, p->vector[i].ctx);
        hal_msi_free(&p->vector[i].msi);
    }
}

static int vpci_attach_vector(struct virtio_pci *p, hal_irq_fn fn, void *ctx)
{
    unsigned i = p->vectors;
    int err = pci_msix_attach(&p->fn, i, fn, ctx, &p->vector[i].msi);

    if (err)
        return err;
    p->vector[i].fn = fn;
    p->vector[i].ctx = ctx;
    p->vectors++;
    p->dev.line = p->vector[i].msi.irq;
    return 0;
}

/* Queues that have a vector of their own on the first rung. */
static unsigned vpci_own_vectors(const struct virtio_device *dev, unsigned n)
{
    unsigned own = 0;

    for (unsigned i = 0; i < n; i++)
        own += !dev->queues[i]->rare;
    return own;
}

static int vpci_attach_vectors(struct virtio_pci *p, unsigned n, unsigned count)
{
    struct virtio_device *dev = &p->dev;
    bool own = dev->wakeup == VIRTIO_WAKEUP_MSIX;
    bool first_has_queues = count == 1 || (own && count <= n);
    int err = vpci_attach_vector(p, first_has_queues ? virtio_irq_all : virtio_irq_config, dev);

    if (!own && count > 1 && !err)
        err = vpci_attach_vector(p, virtio_irq_queues, dev);
    for (unsigned i = 0; i < n && own && !err; i++)
        if (!dev->queues[i]->rare)
            err = vpci_attach_vector(p, virtio_irq_queue, dev->queues[i]);
    return err;
}

/* Section 4.1.5.1.2.1: each vector is read back, since the device may have refused it. */
static int vpci_map_vectors(struct virtio_pci *p, unsigned n, unsigned count)
{
    bool own = p->dev.wakeup == VIRTIO_WAKEUP_MSIX;
    uint16_t next = 1;

    if (p->map_vector(p, VPCI_CONFIG, 0) != 0)
        return -EIO;
    for (unsigned i = 0; i < n; i++) {
        struct virtq *q = p->dev.queues[i];
        uint16_t vector = own ? (q->rare ? 0 : next++) : (uint16_t)(count - 1);

        if (p->map_vector(p, i, vector) != vector)
            return -EIO;
        q->vector = vector;
    }
    return 0;
}

static void vpci_switch_msix(struct virtio_pci *p, bool on)
{
    pci_msix_enable(&p->fn, on);
    p->msix_on = on;
}

static void vpci_drop_vectors(struct virtio_pci *p, unsigned n)
{
    if (p->msix_on) {
        p->map_vector(p, VPCI_CONFIG, VIRTQ_NO_VECTOR);
        for (unsigned i = 0; i < n; i++) {
            p->map_vector(p, i, VIRTQ_NO_VECTOR);
            p->dev.queues[i]->vector = VIRTQ_NO_VECTOR;
        }
        vpci_switch_msix(p, false);
    }
    vpci_detach_vectors(p);
}

static int vpci_try_vectors(struct virtio_pci *p, unsigned n, unsigned count)
{
    bool too_many = count > p->fn.msix.entries || count > 1 + VIRTIO_OWN_VECTORS;
    int err = too_many ? -ENOSPC : vpci_attach_vectors(p, n, count);

    if (!err) {
        vpci_switch_msix(p, true);
        err = vpci_map_vectors(p, n, count);
    }
    if (err)
        vpci_drop_vectors(p, n);
    return err;
}

static void vpci_log_vectors(const struct virtio_pci *p, unsigned count, int err)
{
    static bool told;

    if (err != -ENODEV) {
        hal_log(HAL_INFO, p->dev.name, "MSI-X with %u vectors: %s", count,
                err == -ENOSPC ? "there are fewer" : "the device refuses");
        return;
    }
    if (!told) /* once, not for each device */
        hal_log(HAL_INFO, "pci", "MSI-X: not on this machine");
    told = true;
}

/* On a machine without messages no function may have MSI-X: the first one is enough to tell. */
static void vpci_log_no_msix(const struct virtio_pci *p)
{
    static bool told;

    if (!told)
        hal_log(HAL_INFO, p->dev.name, "MSI-X: the function has none, or none that is usable");
    told = true;
}

static int vpci_setup_msix(struct virtio_pci *p, unsigned n)
{
    const unsigned counts[] = {1 + vpci_own_vectors(&p->dev, n), 2, 1};
    int err = pci_msix_open(&p->fn);

    if (err)
        vpci_log_no_msix(p);
    for (unsigned i = 0; i < 3 && !err; i++) {
        if (i && counts[i] >= counts[i - 1])
            continue;
        p->dev.wakeup = VIRTIO_WAKEUP_MSIX + i; /* before the handlers, as for the line */
        err = vpci_try_vectors(p, n, counts[i]);
        if (!err)
            return 0;
        vpci_log_vectors(p, counts[i], err);
        err = err == -ENODEV ? err : 0;
    }
    return -ENODEV;
}

/* ---- the line -------------------------------------------------------------------------------- */

/* All fields are set before the handler: a line that others hold high causes a storm at once. */
static int vpci_attach_line(struct virtio_pci *p, hal_irq_t line)
{
    int err;

    p->dev.line = line;
    p->intx = line;
    p->intx_on = true;
    p->dev.wakeup = VIRTIO_WAKEUP_INTX;
    err = hal_irq_attach(line, virtio_irq_shared, &p->dev);
    if (err)
        p->intx = -ENODEV;
    else if (p->intx_on)
        pci_intx_enable(&p->fn, true);
    return err;
}

static int vpci_setup_intx(struct virtio_pci *p)
{
    hal_irq_t line = pci_intx(&p->fn);

    if (!p->region[VPCI_ISR].base) {
        hal_log(HAL_INFO, p->dev.name, "INTx: no handler could read its cause through the window");
        return -ENODEV;
    }
    return line < 0 ? line : vpci_attach_line(p, line);
}

int virtio_pci_irq_setup(struct virtio_device *dev, unsigned n)
{
    struct virtio_pci *p = virtio_pci_of(dev);

    return vpci_setup_msix(p, n) ? vpci_setup_intx(p) : 0;
}

void virtio_pci_irq_release(struct virtio_device *dev)
{
    struct virtio_pci *p = virtio_pci_of(dev);

    if (p->vectors) {
        if (!dev->away)
            vpci_switch_msix(p, false);
        p->msix_on = false;
        vpci_detach_vectors(p);
    }
    if (p->intx >= 0) {
        if (!dev->away)
            pci_intx_enable(&p->fn, false);
        hal_irq_detach(p->intx, virtio_irq_shared, dev);
        p->intx = -ENODEV;
    }
}

void virtio_pci_irq_mask(struct virtio_device *dev)
{
    struct virtio_pci *p = virtio_pci_of(dev);

    /* Others may share the line: silence the function first; the line if the storm goes on. */
    if (p->intx >= 0 && p->intx_on)
        pci_intx_enable(&p->fn, false);
    else if (p->intx >= 0)
        hal_irq_mask(p->intx);
    p->intx_on = false;
    for (unsigned i = 0; i < p->vectors; i++)
        hal_irq_mask(p->vector[i].msi.irq);
}

/*
 * Section 4.1.4.5: reading the ISR acknowledges it. With MSI-X on (and masked, after a storm) the
 * ISR means nothing, and the configuration may have changed at any time.
 */
uint32_t virtio_pci_irq_cause(struct virtio_device *dev)
{
    uint32_t cause =
        virtio_pci_of(dev)->msix_on ? VIRTIO_CAUSE_CONFIG : virtio_pci_get(dev, VPCI_ISR, 0, 1);

    hal_ack_order();
    return cause;
}

#endif
