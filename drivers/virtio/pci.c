/*
 * pci.c - virtio over PCI, modern registers (virtio 1.4, section 4.1). The capabilities say in
 * which BAR each structure lies; all of them are checked against the BAR before they are used.
 */
#include "pci/pci.h"
#include "virtio/device.h"
#include "virtio/virtq_impl.h"

#define VIRTIO_VENDOR      0x1af4
#define TRANSITIONAL_FIRST 0x1000
#define MODERN_FIRST       0x1040
#define MODERN_LAST        0x107f

/* Section 4.1.4: struct virtio_pci_cap */
enum {
    CAP_LEN = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_MULTIPLIER = 16,
};
enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_TYPES = 5 };
enum { CAP_BYTES = 16, CAP_NOTIFY_BYTES = 20 };

/* Section 4.1.4.3: struct virtio_pci_common_cfg */
enum {
    COMMON_DEVICE_FEATURE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_MSIX_VECTOR = 16,
    COMMON_NUM_QUEUES = 18,
    COMMON_DEVICE_STATUS = 20,
    COMMON_CONFIG_GENERATION = 21,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_MSIX_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY_OFF = 30,
    COMMON_QUEUE_DESC = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,
    COMMON_BYTES = 56,
};

struct region {
    hal_mmio_t base;
    uint32_t len;
};

struct virtio_pci {
    struct virtio_device dev; /* first */
    struct pci_function fn;
    struct region region[CAP_TYPES]; /* by capability type */
    uint32_t notify_multiplier;
    unsigned vectors; /* attached MSI-X entries */
    struct {
        struct hal_msi msi;
        hal_irq_fn fn;
        void *ctx;
    } vector[1 + VIRTIO_MAX_QUEUES];
    hal_irq_t intx;
    bool intx_on; /* the function may drive its line */
};

static struct virtio_pci *to_pci(struct virtio_device *dev)
{
    return (struct virtio_pci *)dev;
}

static hal_mmio_t common(struct virtio_device *dev, unsigned off)
{
    return to_pci(dev)->region[CAP_COMMON].base + off;
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t vpci_features_read(struct virtio_device *dev, unsigned word)
{
    hal_write32(common(dev, COMMON_DEVICE_FEATURE_SELECT), word);
    return hal_read32(common(dev, COMMON_DEVICE_FEATURE));
}

static void vpci_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    hal_write32(common(dev, COMMON_DRIVER_FEATURE_SELECT), word);
    hal_write32(common(dev, COMMON_DRIVER_FEATURE), bits);
}

static uint8_t vpci_status_read(struct virtio_device *dev)
{
    return hal_read8_sync(common(dev, COMMON_DEVICE_STATUS));
}

static void vpci_status_write(struct virtio_device *dev, uint8_t status)
{
    hal_write8_sync(common(dev, COMMON_DEVICE_STATUS), status);
}

static uint32_t vpci_generation(struct virtio_device *dev)
{
    return hal_read8(common(dev, COMMON_CONFIG_GENERATION));
}

static uint32_t vpci_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    return virtio_read_field(to_pci(dev)->region[CAP_DEVICE].base + off, width);
}

static void vpci_config_write(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v)
{
    virtio_write_field(to_pci(dev)->region[CAP_DEVICE].base + off, width, v);
}

/* ---- queues (section 4.1.5.1.3) -------------------------------------------------------------- */

static unsigned vpci_queue_max(struct virtio_device *dev, unsigned index)
{
    if (index >= hal_read16(common(dev, COMMON_NUM_QUEUES)))
        return 0;
    hal_write16(common(dev, COMMON_QUEUE_SELECT), (uint16_t)index);
    if (hal_read16(common(dev, COMMON_QUEUE_ENABLE)))
        return 0;
    return hal_read16(common(dev, COMMON_QUEUE_SIZE));
}

static void write_address(struct virtio_device *dev, unsigned off, uint64_t addr)
{
    hal_write32(common(dev, off), (uint32_t)addr);
    hal_write32(common(dev, off + 4), (uint32_t)(addr >> 32));
}

/* The doorbell's address is computed once, in 64 bits, and must lie inside the notify structure. */
static int find_doorbell(struct virtio_device *dev, struct virtq *q)
{
    const struct region *notify = &to_pci(dev)->region[CAP_NOTIFY];
    uint64_t off =
        (uint64_t)hal_read16(common(dev, COMMON_QUEUE_NOTIFY_OFF)) * to_pci(dev)->notify_multiplier;

    if (off + 2 > notify->len || (off & 1))
        return -EINVAL;
    q->doorbell.addr = notify->base + (uint32_t)off;
    q->doorbell.width = 16;
    q->doorbell.id = q->index;
    return 0;
}

static int vpci_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    int err;

    if (vpci_queue_max(dev, q->index) < q->size)
        return -ENODEV;
    err = find_doorbell(dev, q);
    if (err)
        return err;
    hal_write16(common(dev, COMMON_QUEUE_SIZE), q->size);
    if (hal_read16(common(dev, COMMON_QUEUE_SIZE)) != q->size)
        return -EIO;
    hal_write16(common(dev, COMMON_QUEUE_MSIX_VECTOR), q->vector);
    if (hal_read16(common(dev, COMMON_QUEUE_MSIX_VECTOR)) != q->vector)
        return -EIO;
    write_address(dev, COMMON_QUEUE_DESC, q->desc_dma);
    write_address(dev, COMMON_QUEUE_DRIVER, q->avail_dma);
    write_address(dev, COMMON_QUEUE_DEVICE, q->used_dma);
    hal_write16_sync(common(dev, COMMON_QUEUE_ENABLE), 1);
    return 0;
}

/* The doorbell always has an address here. */
static void vpci_notify(struct virtio_device *dev, struct virtq *q, uint32_t value)
{
    (void)dev;
    hal_write16_sync(q->doorbell.addr, (uint16_t)value);
}

/* ---- interrupts (sections 4.1.5.1.2, 4.1.5.3) ------------------------------------------------ */

static void detach_vectors(struct virtio_pci *p)
{
    while (p->vectors > 0) {
        unsigned i = --p->vectors;

        pci_msix_detach(&p->fn, i, p->vector[i].fn, p->vector[i].ctx, &p->vector[i].msi);
    }
}

static int attach_vector(struct virtio_pci *p, hal_irq_fn fn, void *ctx)
{
    unsigned i = p->vectors;
    int err = pci_msix_attach(&p->fn, i, fn, ctx, &p->vector[i].msi);

    if (err)
        return err;
    p->vector[i].fn = fn;
    p->vector[i].ctx = ctx;
    p->vectors++;
    return 0;
}

/* Vector 0 for configuration changes, one more for each queue. */
static int setup_msix(struct virtio_pci *p, unsigned n)
{
    struct virtio_device *dev = &p->dev;
    int err = pci_msix_open(&p->fn);

    if (!err && p->fn.msix.entries < n + 1)
        err = -ENOSPC;
    if (!err)
        err = attach_vector(p, virtio_irq_config, dev);
    for (unsigned i = 0; i < n && !err; i++)
        err = attach_vector(p, virtio_irq_queue, dev->queues[i]);
    if (err) {
        detach_vectors(p);
        return err;
    }
    for (unsigned i = 0; i < n; i++)
        dev->queues[i]->vector = (uint16_t)(i + 1);
    pci_msix_enable(&p->fn, true);
    hal_write16(common(dev, COMMON_CONFIG_MSIX_VECTOR), 0);
    if (hal_read16(common(dev, COMMON_CONFIG_MSIX_VECTOR)) == 0)
        return 0;
    pci_msix_enable(&p->fn, false);
    detach_vectors(p);
    for (unsigned i = 0; i < n; i++)
        dev->queues[i]->vector = VIRTQ_NO_VECTOR;
    return -EIO;
}

static int setup_intx(struct virtio_pci *p)
{
    hal_irq_t line = pci_intx(&p->fn);
    int err = line < 0 ? line : hal_irq_attach(line, virtio_irq_shared, &p->dev);

    if (err)
        return err;
    p->intx = line;
    p->intx_on = true;
    pci_intx_enable(&p->fn, true);
    return 0;
}

/* Messages where the machine takes them, else the shared line. */
static int vpci_irq_setup(struct virtio_device *dev, unsigned n)
{
    struct virtio_pci *p = to_pci(dev);

    dev->wakeup = VIRTIO_WAKEUP_MSIX;
    if (setup_msix(p, n) == 0)
        return 0;
    dev->wakeup = VIRTIO_WAKEUP_INTX;
    return setup_intx(p);
}

static void vpci_irq_release(struct virtio_device *dev)
{
    struct virtio_pci *p = to_pci(dev);

    if (p->vectors) {
        pci_msix_enable(&p->fn, false);
        detach_vectors(p);
    }
    if (p->intx >= 0) {
        pci_intx_enable(&p->fn, false);
        hal_irq_detach(p->intx, virtio_irq_shared, dev);
        p->intx = -ENODEV;
    }
}

static void vpci_irq_mask(struct virtio_device *dev)
{
    struct virtio_pci *p = to_pci(dev);

    /* Others may share the line: the function is silenced; the line, if that does not end it. */
    if (p->intx >= 0 && p->intx_on)
        pci_intx_enable(&p->fn, false);
    else if (p->intx >= 0)
        hal_irq_mask(p->intx);
    p->intx_on = false;
    for (unsigned i = 0; i < p->vectors; i++)
        hal_irq_mask(p->vector[i].msi.irq);
}

/* Section 4.1.4.5: reading the ISR acknowledges it. */
static uint32_t vpci_irq_cause(struct virtio_device *dev)
{
    uint32_t cause = hal_read8_sync(to_pci(dev)->region[CAP_ISR].base);

    hal_ack_order();
    return cause;
}

static void vpci_cut_off(struct virtio_device *dev)
{
    pci_set_master(&to_pci(dev)->fn, false);
}

static void vpci_release(struct virtio_device *dev)
{
    pci_set_master(&to_pci(dev)->fn, false);
    hal_free(dev);
}

static const struct virtio_transport virtio_pci_modern = {
    .name = "pci",
    .feature_words = VIRTIO_FEATURE_WORDS,
    .has_generation = true,
    .features_read = vpci_features_read,
    .features_write = vpci_features_write,
    .status_read = vpci_status_read,
    .status_write = vpci_status_write,
    .generation = vpci_generation,
    .config_read = vpci_config_read,
    .config_write = vpci_config_write,
    .queue_max = vpci_queue_max,
    .queue_enable = vpci_queue_enable,
    .notify = vpci_notify,
    .irq_setup = vpci_irq_setup,
    .irq_release = vpci_irq_release,
    .irq_mask = vpci_irq_mask,
    .irq_cause = vpci_irq_cause,
    .cut_off = vpci_cut_off,
    .release = vpci_release,
};

/* ---- discovery (sections 4.1.2, 4.1.4) ------------------------------------------------------- */

/* The smallest structure that a capability of the type may describe. */
static uint32_t least_length(unsigned type)
{
    static const uint32_t least[CAP_TYPES] = {0, COMMON_BYTES, 2, 1, 1};

    return least[type];
}

/* Sections 4.1.4.3.1, 4.1.4.4.1, 4.1.4.6: what an offset is a multiple of. */
static uint32_t alignment(unsigned type)
{
    return type == CAP_ISR ? 1 : type == CAP_NOTIFY ? 2 : 4;
}

/* Takes over one capability if it is usable; the first usable one of a type counts. */
static void take_capability(struct virtio_pci *p, unsigned cap)
{
    const struct pci_function *f = &p->fn;
    unsigned cap_len = pci_read8(f, cap + CAP_LEN), type = pci_read8(f, cap + CAP_TYPE);
    uint32_t off, len;
    hal_mmio_t base;

    if (type == 0 || type >= CAP_TYPES || p->region[type].base)
        return;
    if (cap_len < (type == CAP_NOTIFY ? CAP_NOTIFY_BYTES : CAP_BYTES) || cap + cap_len > 256)
        return;
    off = pci_read32(f, cap + CAP_OFFSET);
    len = pci_read32(f, cap + CAP_LENGTH);
    if (len < least_length(type) || off % alignment(type))
        return;
    base = pci_bar_map(f, pci_read8(f, cap + CAP_BAR), off, len);
    if (!base)
        return;
    p->region[type] = (struct region){base, len};
    if (type == CAP_NOTIFY)
        p->notify_multiplier = pci_read32(f, cap + CAP_MULTIPLIER);
}

static bool find_structures(struct virtio_pci *p)
{
    unsigned steps = 0, cap = 0;

    while ((cap = pci_next_capability(&p->fn, PCI_CAP_VENDOR, cap, &steps)))
        take_capability(p, cap);
    return p->region[CAP_COMMON].base && p->region[CAP_NOTIFY].base && p->region[CAP_ISR].base;
}

/* Section 4.1.2.1: the device type of a modern or a transitional id, of whatever revision; 0: none
 * of ours. */
static uint32_t device_type(const struct pci_function *f)
{
    if (f->vendor != VIRTIO_VENDOR)
        return 0;
    if (f->device >= MODERN_FIRST && f->device <= MODERN_LAST)
        return f->device - MODERN_FIRST;
    if (f->device >= TRANSITIONAL_FIRST && f->device < MODERN_FIRST)
        return f->subsystem;
    return 0;
}

static void found(const struct pci_function *f)
{
    uint32_t type = device_type(f);
    struct virtio_pci *p;

    if (!type || !virtio_wanted(type))
        return;
    p = hal_alloc(sizeof(*p));
    if (!p) {
        hal_log(HAL_ERROR, "pci", "no memory for a device of type %u", type);
        return;
    }
    p->fn = *f;
    p->intx = -ENODEV;
    pci_assign_bars(&p->fn);
    if (!find_structures(p)) {
        hal_log(HAL_WARN, "pci",
                "%02x:%02x.%u: virtio device of type %u without modern registers "
                "(start QEMU with disable-modern=off)",
                f->bus, f->dev, f->fn, type);
        hal_free(p);
        return;
    }
    pci_set_master(&p->fn, true);
    pci_intx_enable(&p->fn, false);
    p->dev.transport = &virtio_pci_modern;
    p->dev.device_id = type;
    p->dev.config_len = p->region[CAP_DEVICE].len;
    virtio_attach(&p->dev);
}

void virtio_pci_scan(void)
{
    pci_scan(found);
}
