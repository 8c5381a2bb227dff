/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci.c - discovery of virtio over PCI (virtio 1.4, sections 4.1.2, 4.1.4). The capabilities say
 * in which BAR each structure lies; all of them are checked against the BAR before they are used.
 */
#include "virtio/transport/vpci.h"

#if VIREO_PCI

#define VIRTIO_VENDOR      0x1af4
#define TRANSITIONAL_FIRST 0x1000
#define MODERN_FIRST       0x1040
#define MODERN_LAST        0x107f
#define MAP_AT_MOST        4096u /* of a structure; each doorbell is mapped on its own */

/* Section 4.1.4: struct virtio_pci_cap */
enum {
    CAP_LEN = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_MULTIPLIER = 16,
};
enum { CAP_BYTES = 16, CAP_NOTIFY_BYTES = 20, CAP_WINDOW_BYTES = 20 };

/* The smallest structure that a capability of the type may describe. */
static uint32_t vpci_least_length(unsigned type)
{
    static const uint32_t least[VPCI_STRUCTURES] = {0, VPCI_COMMON_BYTES, 2, 1, 1};

    return least[type];
}

/* Sections 4.1.4.3.1, 4.1.4.4.1, 4.1.4.6: what an offset is a multiple of. */
static uint32_t vpci_alignment(unsigned type)
{
    return type == VPCI_ISR ? 1 : type == VPCI_NOTIFY ? 2 : 4;
}

static bool vpci_cap_fits(const struct pci_function *f, unsigned cap, unsigned least)
{
    unsigned len = pci_read8(f, cap + CAP_LEN);

    return len >= least && cap + len <= 256;
}

/*
 * Fills in *r from a capability: where its structure lies, cut off at the end of the BAR. The
 * structure is mapped if `direct` is set and the BAR has an address. False: the capability is
 * wrong.
 */
static bool vpci_describe(const struct pci_function *f, unsigned cap, unsigned type, bool direct,
                          struct virtio_pci_region *r)
{
    uint64_t bar_len, left;

    r->bar = pci_read8(f, cap + CAP_BAR);
    r->off = pci_read32(f, cap + CAP_OFFSET);
    r->len = pci_read32(f, cap + CAP_LENGTH);
    r->base = 0;
    bar_len = r->bar < PCI_BARS ? f->bar[r->bar].len : 0;
    if (r->off >= bar_len || r->off % vpci_alignment(type))
        return false;
    left = bar_len - r->off;
    if (r->len > left)
        r->len = (uint32_t)left;
    if (r->len < vpci_least_length(type))
        return false;
    if (direct)
        r->base = pci_bar_map(f, r->bar, r->off, r->len < MAP_AT_MOST ? r->len : MAP_AT_MOST);
    return true;
}

/*
 * Uses a capability if it is the best so far of its type: the first whose BAR can be mapped, or
 * else the first that the window reaches.
 */
static void vpci_take_capability(struct virtio_pci *p, unsigned cap, bool direct)
{
    const struct pci_function *f = &p->fn;
    unsigned type = pci_read8(f, cap + CAP_TYPE);
    struct virtio_pci_region r;

    if (type == 0 || type >= VPCI_STRUCTURES || p->region[type].base)
        return;
    if (!vpci_cap_fits(f, cap, type == VPCI_NOTIFY ? CAP_NOTIFY_BYTES : CAP_BYTES))
        return;
    if (!vpci_describe(f, cap, type, direct, &r) ||
        (!r.base && (!p->window || p->region[type].len)))
        return;
    p->region[type] = r;
    if (type == VPCI_NOTIFY)
        p->notify_multiplier = pci_read32(f, cap + CAP_MULTIPLIER);
}

static unsigned vpci_find_window(const struct pci_function *f)
{
    unsigned steps = 0, cap = 0;

    while ((cap = pci_next_capability(f, PCI_CAP_VENDOR, cap, &steps)))
        if (pci_read8(f, cap + CAP_TYPE) == VPCI_WINDOW && vpci_cap_fits(f, cap, CAP_WINDOW_BYTES))
            return cap;
    return 0;
}

/* Option pci.window: 1 goes through the window even where the BARs can be mapped. */
static bool vpci_window_asked_for(void)
{
    return hal_option_u64("pci", "window", 0, 0, 1);
}

static bool vpci_find_structures(struct virtio_pci *p)
{
    bool direct = !vpci_window_asked_for();
    unsigned steps = 0, cap = 0;

    p->window = vpci_find_window(&p->fn);
    while ((cap = pci_next_capability(&p->fn, PCI_CAP_VENDOR, cap, &steps)))
        vpci_take_capability(p, cap, direct);
    return p->region[VPCI_COMMON].len && p->region[VPCI_NOTIFY].len && p->region[VPCI_ISR].len;
}

static bool vpci_uses_window(const struct virtio_pci *p)
{
    for (unsigned t = VPCI_COMMON; t < VPCI_STRUCTURES; t++)
        if (p->region[t].len && !p->region[t].base)
            return true;
    return false;
}

/* Section 4.1.2.1. The revision says nothing (4.1.2.1.1), and an old type is told by its subsystem
 * id. */
static bool vpci_is_transitional(const struct pci_function *f)
{
    return f->device >= TRANSITIONAL_FIRST && f->device < MODERN_FIRST;
}

/* The device type of a modern or a transitional id; 0: not a virtio device. */
static uint32_t vpci_device_type(const struct pci_function *f)
{
    if (f->vendor != VIRTIO_VENDOR || f->device > MODERN_LAST)
        return 0;
    if (vpci_is_transitional(f))
        return f->subsystem;
    return f->device >= MODERN_FIRST ? f->device - MODERN_FIRST : 0;
}

static bool vpci_take_modern(struct virtio_pci *p)
{
    const struct pci_function *f = &p->fn;

    if (vpci_uses_window(p))
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: registers through configuration space, %s", f->bus,
                f->dev, f->fn,
                vpci_window_asked_for() ? "as option pci.window says"
                                        : "since a BAR cannot be mapped");
    p->map_vector = virtio_pci_modern_map_vector;
    p->dev.transport = &virtio_pci_modern;
    p->dev.config_len = p->region[VPCI_DEVICE].len;
    return true;
}

/* Modern registers are looked for first (section 4.1.4.10.1, and what its legacy part says). */
static bool vpci_choose_registers(struct virtio_pci *p)
{
    const struct pci_function *f = &p->fn;
    bool modern = vpci_find_structures(p);

    if (vpci_is_transitional(f) && (!modern || virtio_pci_prefers_legacy()))
        return virtio_pci_take_legacy(p);
    if (modern)
        return vpci_take_modern(p);
    hal_log(HAL_WARN, "pci", "%02x:%02x.%u: virtio device without usable registers", f->bus, f->dev,
            f->fn);
    return false;
}

/* Makes p the device of function f, ready for the steps of section 3.1. False: the function is not
 * usable, and the log says why. */
static bool vpci_prepare(struct virtio_pci *p, const struct pci_function *f)
{
    p->fn = *f;
    p->intx = -ENODEV;
    memset(p->region, 0, sizeof(p->region));
    pci_assign_bars(&p->fn);
    if (!vpci_choose_registers(p))
        return false;
    pci_set_master(&p->fn, true);
    pci_intx_enable(&p->fn, false);
    return true;
}

static void vpci_attach(const struct pci_function *f, uint32_t type)
{
    struct virtio_pci *p = (struct virtio_pci *)virtio_bus_device(&virtio_pci_bus, type);

    if (!p)
        return;
    if (vpci_prepare(p, f))
        virtio_attach(&p->dev);
    else
        hal_free(p);
}

/* ---- plugged in and out ---------------------------------------------------------------------- */

static bool vpci_is_pci(const struct virtio_device *dev)
{
    return dev->transport->release == virtio_pci_release;
}

/* The device of that type which was in the same place before; NULL: there was none. */
static struct virtio_pci *vpci_former(const struct pci_function *f, uint32_t type)
{
    for (struct virtio_device *dev = virtio_next(NULL); dev; dev = virtio_next(dev)) {
        const struct pci_function *old = &virtio_pci_of(dev)->fn;

        if (vpci_is_pci(dev) && dev->device_id == type && old->host == f->host &&
            old->bus == f->bus && old->dev == f->dev && old->fn == f->fn)
            return virtio_pci_of(dev);
    }
    return NULL;
}

/* The rings lie in memory as the registers of before need them, so the kind must be the same. */
static int vpci_take_again(struct virtio_pci *p, const struct pci_function *f)
{
    const struct virtio_transport *was = p->dev.transport;
    bool legacy = p->dev.legacy;

    if (!vpci_prepare(p, f))
        return -ENODEV;
    if (p->dev.transport == was)
        return virtio_replug(&p->dev);
    hal_log(HAL_ERROR, p->dev.name, "its registers are of another kind: %s, before %s",
            p->dev.transport->name, was->name);
    p->dev.transport = was;
    p->dev.legacy = legacy;
    return -ENODEV;
}

static void vpci_attach_again(struct virtio_pci *p, const struct pci_function *f)
{
    int err = vpci_take_again(p, f);

    if (!err)
        return;
    hal_log(HAL_ERROR, p->dev.name, "plugged in again, but not usable (error %d)", -err);
    pci_set_master(&p->fn, false);
}

static void vpci_found(const struct pci_function *f)
{
    uint32_t type = vpci_device_type(f);
    struct virtio_pci *p;

    if (!type || !virtio_wanted(type))
        return;
    p = vpci_former(f, type);
    if (p)
        vpci_attach_again(p, f);
    else
        vpci_attach(f, type);
}

static bool vpci_is_behind(struct virtio_device *dev, const struct pci_bridge *port)
{
    return vpci_is_pci(dev) && pci_is_behind(&virtio_pci_of(dev)->fn, port);
}

static bool vpci_retire(const struct pci_bridge *port)
{
    bool done = true;

    for (struct virtio_device *dev = virtio_next(NULL); dev; dev = virtio_next(dev))
        if (vpci_is_behind(dev, port) && pci_presence(&virtio_pci_of(dev)->fn, port) == PCI_HERE)
            done &= virtio_retire(dev);
    return done;
}

static void vpci_leave(const struct pci_bridge *port)
{
    for (struct virtio_device *dev = virtio_next(NULL); dev; dev = virtio_next(dev)) {
        enum pci_presence presence;

        if (!vpci_is_behind(dev, port))
            continue;
        presence = pci_presence(&virtio_pci_of(dev)->fn, port);
        virtio_unplug(dev, presence == PCI_HERE, presence == PCI_GONE);
    }
}

static const struct pci_client vpci_client = {vpci_found, pci_hotplug_serve, vpci_retire,
                                              vpci_leave};

int virtio_pci_attach(const struct hal_pci_host *host)
{
    if (pci_host(host->index))
        return -EBUSY;
    return host->index < PCI_MAX_HOSTS ? pci_scan_host(host, &vpci_client) : -EINVAL;
}

static void vpci_scan(void)
{
    pci_scan(&vpci_client);
}

const struct virtio_bus virtio_pci_bus = {
    .name = "pci",
    .device_bytes = sizeof(struct virtio_pci),
    .scan = vpci_scan,
};

void virtio_pci_cut_off(struct virtio_device *dev)
{
    pci_set_master(&virtio_pci_of(dev)->fn, false);
}

bool virtio_pci_absent(struct virtio_device *dev)
{
    const struct pci_function *f = &virtio_pci_of(dev)->fn;

    return f->bridge && pci_presence(f, f->bridge) == PCI_GONE;
}

void virtio_pci_release(struct virtio_device *dev)
{
    pci_set_master(&virtio_pci_of(dev)->fn, false);
    hal_free(dev);
}

#endif
