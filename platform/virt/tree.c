/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - what each node of the device tree means for this board. The tree is not trusted: values
 * are checked for length and range before use, tables are bounded, and a device with a bad
 * description is left out.
 */
#include <libfdt.h>

#include "tree.h"
#include "virt.h"

#define UARTS_MAX     4u
#define ADDRESS_LIMIT (1ull << 48)

/* What is kept of nodes until the whole tree was read: other nodes decide what it means. */
static struct {
    struct tree_value stdout_path;
    struct {
        const char *name;
        struct board_range reg;
        hal_irq_t irq;
    } uart[UARTS_MAX];
    unsigned uart_count;
    struct tree_value interrupt_map[VIRT_PCI_MAX], interrupt_mask[VIRT_PCI_MAX];
    uint32_t interrupt_parent; /* of all devices with an interrupt; 0: no such device yet */
} pass;

/* ---- reading values -------------------------------------------------------------------------- */

/* The n-th address range of a node's reg. False: there is none, or it is empty or too high. */
static bool tree_reg(const struct tree_node *node, unsigned n, struct board_range *out)
{
    const struct tree_value *v = &node->prop[PROP_REG];
    unsigned per = node->address_cells + node->size_cells;

    if (!node->addressable || v->len / 4 < (n + 1) * per)
        return false;
    out->base = tree_number(v, n * per, node->address_cells);
    out->len = tree_number(v, n * per + node->address_cells, node->size_cells);
    return out->len && out->base < ADDRESS_LIMIT && out->len <= ADDRESS_LIMIT - out->base;
}

static bool tree_overlap(const struct board_range *a, const struct board_range *b)
{
    return a->base < b->base + b->len && b->base < a->base + a->len;
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
 * The line of a node's n-th interrupt. All nodes must have one interrupt parent, which tree_read
 * compares with the GIC.
 */
static hal_irq_t tree_irq(const struct tree_node *node, unsigned n)
{
    const struct tree_value *v = &node->prop[PROP_INTERRUPTS];

    if (v->len / 12 <= n)
        return VIRT_IRQ_NONE;
    if (!pass.interrupt_parent)
        pass.interrupt_parent = node->interrupt_parent;
    if (pass.interrupt_parent != node->interrupt_parent)
        return VIRT_IRQ_NONE; /* the line of another controller */
    return tree_irq_decode(tree_word(v, n * 3), tree_word(v, n * 3 + 1), tree_word(v, n * 3 + 2));
}

/* Notes a range that must not be handed out. A tree with more than fit is refused. */
static const char *tree_reserve(const struct board_range *r)
{
    struct board_info *info = &virt.info;

    if (!r->len)
        return NULL;
    if (info->reserved_count == BOARD_RANGES)
        return "device tree: too many reserved ranges of memory";
    info->reserved[info->reserved_count++] = *r;
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static const char *memory_node(const struct tree_node *node)
{
    struct board_info *info = &virt.info;
    struct board_range r;

    for (unsigned n = 0; info->ram_count < BOARD_RANGES && tree_reg(node, n, &r); n++) {
        for (unsigned i = 0; i < info->ram_count; i++)
            if (tree_overlap(&r, &info->ram[i]))
                return "device tree: ranges of memory overlap";
        info->ram[info->ram_count++] = r;
    }
    return NULL;
}

static const char *reserved_node(const struct tree_node *node)
{
    const char *wrong = NULL;
    struct board_range r;

    for (unsigned n = 0; !wrong && tree_reg(node, n, &r); n++)
        wrong = tree_reserve(&r);
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

static const char *chosen_node(const struct tree_node *node)
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

    info->seed_len = seed->len < sizeof(info->seed) ? seed->len : sizeof(info->seed);
    if (info->seed_len)
        memcpy(info->seed, seed->data, info->seed_len);
    tree_initrd(node);
    pass.stdout_path = node->prop[PROP_STDOUT_PATH];
    return NULL;
}

static const char *uart_node(const struct tree_node *node)
{
    struct board_range r;

    if (pass.uart_count < UARTS_MAX && tree_reg(node, 0, &r) && r.len >= ARCH_PAGE) {
        pass.uart[pass.uart_count].name = node->name;
        pass.uart[pass.uart_count].reg = r;
        pass.uart[pass.uart_count++].irq = tree_irq(node, 0);
    }
    return NULL;
}

static const char *rtc_node(const struct tree_node *node)
{
    if (!virt.rtc.len && !tree_reg(node, 0, &virt.rtc))
        virt.rtc.len = 0;
    return NULL;
}

static const char *gic_node(const struct tree_node *node, unsigned version)
{
    struct virt_gic *g = &virt.gic;

    if (g->version || !tree_reg(node, 0, &g->dist) || !tree_reg(node, 1, &g->cpu))
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

    if (!part->reg.len && tree_reg(node, 0, &r))
        *part = (struct virt_part){r, tree_word(&node->prop[PROP_PHANDLE], 0)};
}

/* Interrupts of the timer: secure, physical, virtual, hypervisor. */
static const char *timer_node(const struct tree_node *node)
{
    virt.timer_irq = tree_irq(node, 2);
    return NULL;
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

    if (virt.mmio_count == VIRT_MMIO_MAX || !tree_reg(node, 0, &r) || r.len < 0x100)
        return NULL;
    unsigned at = virt.mmio_count++;
    for (; at && virt.mmio[at - 1].phys > r.base; at--)
        virt.mmio[at] = virt.mmio[at - 1];
    virt.mmio[at] = (struct hal_virtio_mmio){r.base, r.len, tree_irq(node, 0)};
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

    if (!w.len || w.cpu >= ADDRESS_LIMIT || w.len > ADDRESS_LIMIT - w.cpu ||
        w.len > UINT64_MAX - w.pci)
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

    if (virt.pci_count == VIRT_PCI_MAX || !tree_reg(node, 0, &r) ||
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
        return reserved_node(node);
    if (tree_is(&node->prop[PROP_DEVICE_TYPE], "memory"))
        return memory_node(node);
    if (node->depth == 1 && hal_same_name(node->name, "chosen"))
        return chosen_node(node);
    const struct kind *k = tree_kind(&node->prop[PROP_COMPATIBLE]);
    if (k && k->part)
        part_node(node, k->part);
    return k && k->fn ? k->fn(node) : NULL;
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

/* Takes the UART that stdout-path names, else the first. */
static const char *tree_choose_uart(void)
{
    unsigned n = 0;

    if (!pass.uart_count)
        return "device tree: no PL011 UART";
    for (unsigned i = 0; i < pass.uart_count; i++)
        if (tree_path_names(&pass.stdout_path, pass.uart[i].name))
            n = i;
    virt.uart = pass.uart[n].reg;
    virt.uart_irq = pass.uart[n].irq;
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

/*
 * Notes the ranges of the tree's memory reservation block, of which ARCH_DTB_RESERVED are mapped.
 */
static const char *tree_reserve_block(const void *dtb)
{
    _Static_assert(ARCH_DTB_RESERVED >= BOARD_RANGES, "more entries than are mapped are refused");
    const char *wrong = NULL;
    struct board_range r;

    for (int n = 0; n < (int)ARCH_DTB_RESERVED && !wrong; n++) {
        if (fdt_get_mem_rsv(dtb, n, &r.base, &r.len) || !r.len)
            break;
        wrong = tree_reserve(&r);
    }
    return wrong;
}

/* Notes the initrd, or drops it if it overlaps the image or lies outside of mapped memory. */
static const char *tree_reserve_initrd(void)
{
    struct board_info *info = &virt.info;
    const struct board_range *r = &info->initrd;
    bool held = false;

    for (unsigned i = 0; i < info->ram_count; i++)
        held |= r->base >= info->ram[i].base &&
                r->base + r->len <= info->ram[i].base + info->ram[i].len;
    if (!held || r->base + r->len > arch_ram_end() || tree_overlap(r, &info->reserved[0]))
        info->initrd.len = 0;
    return tree_reserve(&info->initrd);
}

const char *tree_read(const void *dtb)
{
    virt.timer_irq = virt.uart_irq = VIRT_IRQ_NONE;
    const char *wrong = tree_walk(dtb, tree_visit_node);
    if (wrong)
        return wrong;
    if (!virt.info.ram_count)
        return "device tree: no memory";
    if (pass.interrupt_parent != virt.gic.phandle)
        return "device tree: interrupts do not lead to the GIC";
    for (unsigned i = 0; i < virt.pci_count; i++)
        tree_resolve_intx(i);
    wrong = tree_reserve_block(dtb);
    if (!wrong)
        wrong = tree_reserve_initrd();
    return wrong ? wrong : tree_choose_uart();
}
