/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - what each node of the device tree means for this board. The tree is not trusted: values
 * are checked for length and range before use, tables are bounded, and a device with a bad
 * description is left out.
 */
#include <libfdt.h>

#include "tree.h"
#include "virt.h"

#define KEY_POWER     116u /* linux,code of the power button */
#define UARTS_MAX     4u
#define PARENTS_MAX   8u
#define PARENT_SHIFT  20
#define NOTES_MAX     8u
#define ADDRESS_LIMIT (1ull << 48)

/* What is kept of nodes until the whole tree was read: other nodes decide what it means. */
static struct {
    struct tree_value stdout_path;
    int aliases; /* offset of the node; 0: there is none */
    struct {
        const char *name;
        struct board_range reg;
        hal_irq_t irq;
    } uart[UARTS_MAX];
    unsigned uart_count;
    struct tree_value interrupt_map[VIRT_PCI_MAX], interrupt_mask[VIRT_PCI_MAX];
    uint32_t parents[PARENTS_MAX]; /* interrupt controllers that nodes named, by phandle */
    unsigned parent_count;
    struct note {
        const char *name, *why;
    } note[NOTES_MAX];
    unsigned note_count; /* also of those that note[] has no room for */
    const char *mmio_name[VIRT_MMIO_MAX];
} pass;

/* ---- reading values -------------------------------------------------------------------------- */

/* What passes once in a boot is to be small. */
static const char *uart_node(const struct tree_node *node) __attribute__((cold));
static const char *rtc_node(const struct tree_node *node) __attribute__((cold));
static const char *gic_node(const struct tree_node *node, unsigned version) __attribute__((cold));
static const char *timer_node(const struct tree_node *node) __attribute__((cold));
static const char *gpio_node(const struct tree_node *node) __attribute__((cold));
static const char *psci_node(const struct tree_node *node) __attribute__((cold));
static const char *pci_node(const struct tree_node *node) __attribute__((cold));
const char *tree_read(const void *dtb) __attribute__((cold));
void tree_report(void) __attribute__((cold));

/* The n-th address range of a node's reg. False: there is none, or it is empty or too high. */
static bool tree_reg(const struct tree_node *node, unsigned n, struct board_range *out)
{
    const struct tree_value *v = &node->prop[PROP_REG];
    unsigned per = node->address_cells + node->size_cells;

    if (!node->addressable || v->len / 4 < (n + 1) * per)
        return false;
    out->base = tree_number(v, n * per, node->address_cells);
    out->len = tree_number(v, n * per + node->address_cells, node->size_cells);
    return out->len && tree_translate(node, &out->base, out->len) && out->base < ADDRESS_LIMIT &&
           out->len <= ADDRESS_LIMIT - out->base;
}

/* Notes a device that cannot be used, or not fully, for tree_report(). */
static void tree_note(const char *name, const char *why)
{
    if (pass.note_count < NOTES_MAX)
        pass.note[pass.note_count] = (struct note){name, why};
    pass.note_count++;
}

/* The n-th address range of a device that this board drives, of at least `least` bytes. */
static bool tree_device_reg(const struct tree_node *node, unsigned n, uint64_t least,
                            struct board_range *out)
{
    if (tree_reg(node, n, out) && out->len >= least)
        return true;
    tree_note(node->name, node->addressable ? "left out: its reg has no such registers"
                                            : "left out: it is on a bus without CPU addresses");
    return false;
}

/* The line of a GIC interrupt: kind 0 is a shared line, kind 1 a private one; both count from 0. */
static hal_irq_t tree_irq_decode(uint32_t kind, uint32_t number, uint32_t flags)
{
    hal_irq_t edge = (flags & 3) ? VIRT_IRQ_EDGE : 0;

    if (kind == 0 && number < GIC_SPI_LIMIT - GIC_SPI_FIRST)
        return (hal_irq_t)(number + GIC_SPI_FIRST) | edge;
    if (kind == 1 && number < 16)
        return (hal_irq_t)(number + 16) | edge;
    return VIRT_IRQ_NONE;
}

/*
 * The line of a node's n-th interrupt, with the number of its controller among pass.parents in the
 * bits from PARENT_SHIFT on, until tree_to_gic() has compared that with the GIC. Words of
 * interrupts-extended are counted as if each controller took three, as the GIC does.
 */
static hal_irq_t tree_irq(const struct tree_node *node, unsigned n)
{
    const struct tree_value *v = &node->prop[PROP_INTERRUPTS];
    unsigned at = n * 3, parent = 0;
    uint32_t phandle = node->interrupt_parent;

    if (node->prop[PROP_INTERRUPTS_EXTENDED].data) {
        v = &node->prop[PROP_INTERRUPTS_EXTENDED];
        at = n * 4 + 1;
        phandle = tree_word(v, n * 4);
    }
    if (v->len / 4 < at + 3)
        return VIRT_IRQ_NONE;
    while (parent < pass.parent_count && pass.parents[parent] != phandle)
        parent++;
    if (parent == PARENTS_MAX)
        return VIRT_IRQ_NONE;
    if (parent == pass.parent_count)
        pass.parents[pass.parent_count++] = phandle;
    hal_irq_t irq = tree_irq_decode(tree_word(v, at), tree_word(v, at + 1), tree_word(v, at + 2));
    return irq < 0 ? irq : irq | (hal_irq_t)(parent << PARENT_SHIFT);
}

/* The line of tree_irq() at the GIC; none, if another controller has it. */
static hal_irq_t tree_to_gic(hal_irq_t irq)
{
    if (irq < 0 || pass.parents[irq >> PARENT_SHIFT] != virt.gic.phandle)
        return VIRT_IRQ_NONE;
    return irq & ((1 << PARENT_SHIFT) - 1);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* All ranges of a node's reg, each given to `take`. */
static const char *tree_each_reg(const struct tree_node *node,
                                 const char *(*take)(const struct board_range *))
{
    const char *wrong = NULL;
    struct board_range r;

    for (unsigned n = 0; !wrong && tree_reg(node, n, &r); n++)
        wrong = take(&r);
    return wrong;
}

static void tree_initrd(const struct tree_node *node)
{
    const struct tree_value *from = &node->prop[PROP_INITRD_START];
    const struct tree_value *to = &node->prop[PROP_INITRD_END];

    if ((from->len != 4 && from->len != 8) || (to->len != 4 && to->len != 8))
        return;
    uint64_t start = tree_number(from, 0, from->len / 4);
    uint64_t end = tree_number(to, 0, to->len / 4);
    if (start < end && end <= ADDRESS_LIMIT)
        virt.info.initrd = (struct board_range){start, end - start};
}

static void chosen_node(const struct tree_node *node)
{
    struct board_info *info = &virt.info;
    const struct tree_value *args = &node->prop[PROP_BOOTARGS];
    const struct tree_value *seed = &node->prop[PROP_RNG_SEED];

    uint32_t len = args->len;
    if (len && !((const char *)args->data)[len - 1])
        len--;
    info->bootargs_truncated = len >= sizeof(info->bootargs);
    if (info->bootargs_truncated)
        len = sizeof(info->bootargs) - 1;
    if (len)
        memcpy(info->bootargs, args->data, len);

    virt.seed_len = seed->len < sizeof(virt.seed) ? seed->len : sizeof(virt.seed);
    if (virt.seed_len) {
        memcpy(virt.seed, seed->data, virt.seed_len);
        board_wipe((void *)(uintptr_t)seed->data, seed->len); /* no one else may learn it */
    }
    tree_initrd(node);
    pass.stdout_path = node->prop[PROP_STDOUT_PATH];
}

static const char *uart_node(const struct tree_node *node)
{
    struct board_range r;

    if (pass.uart_count < UARTS_MAX && tree_device_reg(node, 0, ARCH_PAGE, &r)) {
        pass.uart[pass.uart_count].name = node->name;
        pass.uart[pass.uart_count].reg = r;
        pass.uart[pass.uart_count++].irq = tree_irq(node, 0);
    }
    return NULL;
}

static const char *rtc_node(const struct tree_node *node)
{
    if (!virt.rtc.len && !tree_device_reg(node, 0, ARCH_PAGE, &virt.rtc))
        virt.rtc.len = 0;
    return NULL;
}

static const char *gic_node(const struct tree_node *node, unsigned version)
{
    struct virt_gic *g = &virt.gic;

    if (g->version || !tree_device_reg(node, 0, 1, &g->dist) ||
        !tree_device_reg(node, 1, 1, &g->cpu))
        return NULL;
    g->version = version;
    g->phandle = tree_word(&node->prop[PROP_PHANDLE], 0);
    g->address_cells = tree_word(&node->prop[PROP_ADDRESS_CELLS], 0);
    return NULL;
}

static const char *gicv2_node(const struct tree_node *node)
{
    return gic_node(node, 2);
}

static const char *gicv3_node(const struct tree_node *node)
{
    return gic_node(node, 3);
}

/* A device that other nodes name by its phandle; the first of its kind counts. */
static void part_node(const struct tree_node *node, struct virt_part *part)
{
    struct board_range r;

    if (!part->reg.len && tree_device_reg(node, 0, 1, &r))
        *part = (struct virt_part){r, tree_word(&node->prop[PROP_PHANDLE], 0)};
}

/*
 * The timer's interrupts (bindings timer/arm,arch_timer): by their names, else secure, physical,
 * virtual, hypervisor.
 */
static const char *timer_node(const struct tree_node *node)
{
    const struct tree_value *names = &node->prop[PROP_INTERRUPT_NAMES];
    unsigned n = names->data ? 0 : 2;
    uint32_t len, at = 0;

    while ((len = tree_string(names, at)) && strcmp((const char *)names->data + at, "virt")) {
        at += len + 1;
        n++;
    }
    virt.timer_irq = len || !names->data ? tree_irq(node, n) : VIRT_IRQ_NONE;
    return NULL;
}

/* A controller of pins, one of which may be the power button. */
static const char *gpio_node(const struct tree_node *node)
{
    struct virt_power *p = &virt.power;
    struct board_range r;

    if (p->gpio_count < VIRT_GPIO_MAX && tree_device_reg(node, 0, ARCH_PAGE, &r))
        p->gpio[p->gpio_count++] =
            (struct virt_gpio){{r, tree_word(&node->prop[PROP_PHANDLE], 0)}, tree_irq(node, 0)};
    return NULL;
}

/* The key of the power button (bindings input/gpio-keys): controller, pin, flags. */
static void power_key_node(const struct tree_node *node)
{
    const struct tree_value *v = &node->prop[PROP_GPIOS];

    virt.power.phandle = tree_word(v, 0);
    virt.power.pin = tree_word(v, 1);
    virt.power.flags = tree_word(v, 2);
}

static const char *psci_node(const struct tree_node *node)
{
    if (tree_is(&node->prop[PROP_METHOD], "hvc"))
        virt.psci = VIRT_PSCI_HVC;
    else if (tree_is(&node->prop[PROP_METHOD], "smc"))
        virt.psci = VIRT_PSCI_SMC;
    return NULL;
}

/* Keeps windows in order of address, the order in which QEMU lists them. */
static const char *mmio_node(const struct tree_node *node)
{
    struct board_range r;

    if (virt.mmio_count == VIRT_MMIO_MAX)
        tree_note(node->name, "left out: there are more virtio-mmio windows than this board holds");
    if (virt.mmio_count == VIRT_MMIO_MAX || !tree_device_reg(node, 0, 0x100, &r))
        return NULL;
    unsigned at = virt.mmio_count++;
    for (; at && virt.mmio[at - 1].phys > r.base; at--) {
        virt.mmio[at] = virt.mmio[at - 1];
        pass.mmio_name[at] = pass.mmio_name[at - 1];
    }
    virt.mmio[at] = (struct hal_virtio_mmio){r.base, r.len, tree_irq(node, 0)};
    pass.mmio_name[at] = node->name;
    return NULL;
}

/* One window of a PCI host: {space, PCI address: 2 words, CPU address, length: 2 words}. */
static void tree_pci_window(struct hal_pci_host *h, const struct tree_node *node, unsigned at)
{
    const struct tree_value *v = &node->prop[PROP_RANGES];
    unsigned cells = node->address_cells;
    struct hal_pci_window w = {
        .pci = tree_number(v, at + 1, 2),
        .cpu = tree_number(v, at + 3, cells),
        .len = tree_number(v, at + 3 + cells, 2),
    };

    if (!w.len || !tree_translate(node, &w.cpu, w.len) || w.cpu >= ADDRESS_LIMIT ||
        w.len > ADDRESS_LIMIT - w.cpu || w.len > UINT64_MAX - w.pci)
        return;
    unsigned space = tree_word(v, at) >> 24 & 3;
    if (space < 3 && w.pci + w.len > 1ull << 32)
        return; /* BARs of these kinds have 32 bits */
    switch (space) {
    case 1:
        h->io = w;
        break;
    case 2:
        h->mem32 = w;
        break;
    case 3:
        h->mem64 = w;
        break;
    default:
        break;
    }
}

/* Bus numbers, bounded by what the ECAM window holds (1 MiB a bus). */
static bool tree_pci_buses(struct hal_pci_host *h, const struct tree_node *node)
{
    const struct tree_value *v = &node->prop[PROP_BUS_RANGE];
    uint32_t first = v->len >= 8 ? tree_word(v, 0) : 0;
    uint32_t last = v->len >= 8 ? tree_word(v, 1) : 255;
    uint64_t held = h->ecam.len >> 20;

    if (first > last || last > 255 || !held)
        return false;
    if (last - first >= held)
        last = first + (uint32_t)held - 1;
    h->bus_first = (uint8_t)first;
    h->bus_last = (uint8_t)last;
    return true;
}

/* msi-map or iommu-map: entries {first requester id, phandle, first id there, count}. */
static void tree_pci_map(struct virt_map *map, const struct tree_value *v,
                         const struct tree_value *mask)
{
    map->mask = mask->len >= 4 ? tree_word(mask, 0) : ~0u;
    for (unsigned at = 0; at + 4 <= v->len / 4 && map->count < VIRT_MAP_MAX; at += 4)
        map->entry[map->count++] = (struct virt_map_entry){
            .first = tree_word(v, at),
            .phandle = tree_word(v, at + 1),
            .id = tree_word(v, at + 2),
            .count = tree_word(v, at + 3),
        };
}

static void tree_pci_maps(struct virt_pci *p, const struct tree_node *node)
{
    const struct tree_value *parent = &node->prop[PROP_MSI_PARENT];

    tree_pci_map(&p->msi, &node->prop[PROP_MSI_MAP], &node->prop[PROP_MSI_MAP_MASK]);
    tree_pci_map(&p->iommu, &node->prop[PROP_IOMMU_MAP], &node->prop[PROP_IOMMU_MAP_MASK]);
    if (!p->msi.count && parent->len >= 4) /* all requester ids, unchanged */
        p->msi.entry[p->msi.count++] =
            (struct virt_map_entry){.count = 0x10000, .phandle = tree_word(parent, 0)};
}

static const char *pci_node(const struct tree_node *node)
{
    struct board_range r;

    if (virt.pci_count == VIRT_PCI_MAX || !tree_device_reg(node, 0, 1, &r) ||
        tree_word(&node->prop[PROP_ADDRESS_CELLS], 0) != 3 ||
        tree_word(&node->prop[PROP_SIZE_CELLS], 0) != 2)
        return NULL;
    struct virt_pci *p = &virt.pci[virt.pci_count];
    struct hal_pci_host *h = &p->host;
    h->index = virt.pci_count;
    h->ecam = (struct hal_pci_window){r.base, 0, r.len};
    if (!tree_pci_buses(h, node))
        return NULL;
    unsigned per = 3 + node->address_cells + 2;
    for (unsigned at = 0; at + per <= node->prop[PROP_RANGES].len / 4; at += per)
        tree_pci_window(h, node, at);
    tree_pci_maps(p, node);
    pass.interrupt_map[virt.pci_count] = node->prop[PROP_INTERRUPT_MAP];
    pass.interrupt_mask[virt.pci_count] = node->prop[PROP_INTERRUPT_MAP_MASK];
    virt.pci_count++;
    return NULL;
}

/* ---- the pass -------------------------------------------------------------------------------- */

#define KIND(s, fn)                                                                                \
    {                                                                                              \
        (s), sizeof(s) - 1, (fn), NULL                                                             \
    }
#define PART(s, part)                                                                              \
    {                                                                                              \
        (s), sizeof(s) - 1, NULL, (part)                                                           \
    }
static const struct kind {
    const char *compatible;
    uint32_t len;
    const char *(*fn)(const struct tree_node *); /* NULL: the node is kept in *part */
    struct virt_part *part;
} kinds[] = {
    KIND("virtio,mmio", mmio_node),
    KIND("arm,pl011", uart_node),
    KIND("arm,cortex-a15-gic", gicv2_node),
    KIND("arm,gic-400", gicv2_node),
    KIND("arm,gic-v3", gicv3_node),
    PART("arm,gic-v2m-frame", &virt.msi[VIRT_MSI_V2M]),
    PART("arm,gic-v3-its", &virt.msi[VIRT_MSI_ITS]),
    PART("arm,smmu-v3", &virt.smmu),
    KIND("arm,armv8-timer", timer_node),
    KIND("arm,armv7-timer", timer_node),
    KIND("pci-host-ecam-generic", pci_node),
    KIND("arm,pl031", rtc_node),
    KIND("arm,pl061", gpio_node),
    KIND("arm,psci-0.2", psci_node),
};

/* The kind of a node, by the first string of `compatible` that is known. NULL: none is. */
static const struct kind *tree_kind(const struct tree_value *compatible)
{
    uint32_t len;

    for (uint32_t at = 0; (len = tree_string(compatible, at)); at += len + 1) {
        const char *s = (const char *)compatible->data + at;
        for (const struct kind *k = kinds; k < kinds + sizeof(kinds) / sizeof(*kinds); k++)
            if (k->len == len && !memcmp(s, k->compatible, len))
                return k;
    }
    return NULL;
}

static const char *tree_visit_node(const struct tree_node *node)
{
    if (node->in_reserved)
        return tree_each_reg(node, tree_reserve);
    if (tree_is(&node->prop[PROP_DEVICE_TYPE], "memory"))
        return tree_each_reg(node, tree_add_memory);
    const struct kind *k = tree_kind(&node->prop[PROP_COMPATIBLE]);
    if (k && k->part)
        part_node(node, k->part);
    else if (k)
        return k->fn(node);
    else if (tree_word(&node->prop[PROP_LINUX_CODE], 0) == KEY_POWER)
        power_key_node(node);
    else if (node->depth == 1 && hal_same_name(node->name, "chosen"))
        chosen_node(node);
    else if (node->depth == 1 && hal_same_name(node->name, "aliases"))
        pass.aliases = node->offset;
    return NULL;
}

/* Is the last component of stdout-path, up to a ':', the node's name? */
static bool tree_path_names(const struct tree_value *path, const char *name)
{
    const char *p = path->data;
    uint32_t from = 0, to = 0;

    for (; to < path->len && p[to] && p[to] != ':'; to++)
        if (p[to] == '/')
            from = to + 1;
    for (uint32_t i = from; i < to; i++)
        if (*name++ != p[i]) /* stops at the name's NUL, which no component holds */
            return false;
    return from < to && !*name;
}

/* The path that stdout-path gives, or if that is an alias, what /aliases has for it. */
static struct tree_value tree_stdout_path(const void *dtb)
{
    struct tree_value path = pass.stdout_path;
    const char *name = path.data;
    uint32_t len = 0;

    if (!path.len || name[0] == '/' || !pass.aliases)
        return path;
    while (len < path.len && name[len] && name[len] != ':')
        len++;
    struct tree_value value = tree_property(dtb, pass.aliases, name, len);
    return value.data ? value : path;
}

/* Takes the UART that stdout-path names, else the first. */
static const char *tree_choose_uart(const void *dtb)
{
    unsigned n = 0;

    if (!pass.uart_count)
        return "device tree: no PL011 UART";
    struct tree_value path = tree_stdout_path(dtb);
    while (n < pass.uart_count && !tree_path_names(&path, pass.uart[n].name))
        n++;
    if (n == pass.uart_count) {
        n = 0;
        if (path.len > 1)
            tree_note("stdout-path", "names no PL011 UART: the console is the first of them");
    }
    virt.uart = pass.uart[n].reg;
    virt.uart_irq = tree_to_gic(pass.uart[n].irq);
    if (virt.uart_irq < 0)
        tree_note(pass.uart[n].name, "its interrupt does not lead to the GIC: no console input");
    return NULL;
}

/*
 * interrupt-map of one PCI host: entries {unit address: 3 words, pin, GIC, GIC's unit address,
 * GIC's interrupt: 3 words}. An entry for another controller ends the table.
 */
static void tree_resolve_intx(unsigned host)
{
    const struct tree_value *v = &pass.interrupt_map[host], *mask = &pass.interrupt_mask[host];
    struct virt_pci *p = &virt.pci[host];
    uint32_t pin_mask = mask->len >= 16 ? tree_word(mask, 3) : 7;

    p->unit_mask = mask->len >= 16 ? tree_word(mask, 0) : ~0u;
    p->intx_first = (uint16_t)virt.intx_count;
    if (virt.gic.address_cells > 2)
        return;
    unsigned per = 4 + 1 + virt.gic.address_cells + 3;
    for (unsigned at = 0; at + per <= v->len / 4 && virt.intx_count < VIRT_INTX_MAX; at += per) {
        unsigned irq = at + 5 + virt.gic.address_cells;
        if (tree_word(v, at + 4) != virt.gic.phandle)
            break;
        virt.intx[virt.intx_count++] = (struct virt_intx){
            tree_word(v, at) & p->unit_mask,
            tree_word(v, at + 3) & pin_mask,
            tree_irq_decode(tree_word(v, irq), tree_word(v, irq + 1), tree_word(v, irq + 2)),
        };
        p->intx_count++;
    }
}

/* Keeps the interrupts that lead to the GIC. */
static void tree_resolve_irqs(void)
{
    struct virt_power *p = &virt.power;

    virt.timer_irq = tree_to_gic(virt.timer_irq);
    for (unsigned i = 0; i < virt.mmio_count; i++) {
        hal_irq_t irq = virt.mmio[i].irq;
        virt.mmio[i].irq = tree_to_gic(irq);
        if (irq >= 0 && virt.mmio[i].irq < 0)
            tree_note(pass.mmio_name[i], "its interrupt does not lead to the GIC: polled");
    }
    for (unsigned i = 0; i < p->gpio_count; i++)
        p->gpio[i].irq = tree_to_gic(p->gpio[i].irq);
    for (unsigned i = 0; i < virt.pci_count; i++)
        tree_resolve_intx(i);
}

const char *tree_read(const void *dtb)
{
    virt.timer_irq = virt.uart_irq = VIRT_IRQ_NONE;
    const char *wrong = tree_walk(dtb, tree_visit_node);
    if (wrong)
        return wrong;
    if (!virt.info.ram_count)
        return "device tree: no memory";
    if (!virt.gic.version)
        return "device tree: no GICv2 or GICv3, which this image needs";
    bool timer = virt.timer_irq >= 0;
    tree_resolve_irqs();
    if (timer && virt.timer_irq < 0)
        return "device tree: interrupts do not lead to the GIC";
    wrong = tree_reserve_block(dtb);
    if (!wrong)
        wrong = tree_reserve_initrd();
    return wrong ? wrong : tree_choose_uart(dtb);
}

void tree_report(void)
{
    for (unsigned i = 0; i < pass.note_count && i < NOTES_MAX; i++)
        hal_log(HAL_WARN, "tree", "%s: %s", pass.note[i].name, pass.note[i].why);
    if (pass.note_count > NOTES_MAX)
        hal_log(HAL_WARN, "tree", "and %u more", pass.note_count - NOTES_MAX);
    tree_report_memory();
}
