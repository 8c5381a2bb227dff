/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_walk.c - one pass over the flattened device tree with libfdt's tag iterator (Devicetree
 * Specification 0.4, section 5). libfdt checks the header, tags and names of nodes against the
 * tree's bounds, this file the names and values of properties. Each step moves forward, so the pass
 * ends.
 */
#include <libfdt.h>

#include "hal.h"
#include "tree.h"

#define DEPTH_MAX 16u
#define MEMO      1024u /* names at lower offsets are looked up once */
#define UNKNOWN   PROP_COUNT

#define NAME(s)                                                                                    \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }
/* In order of length: tree_find_prop stops at the first that is too long. */
static const struct {
    const char *s;
    int len;
} prop_names[PROP_COUNT] = {
    [PROP_REG] = NAME("reg"),
    [PROP_GPIOS] = NAME("gpios"),
    [PROP_RANGES] = NAME("ranges"),
    [PROP_STATUS] = NAME("status"),
    [PROP_METHOD] = NAME("method"),
    [PROP_PHANDLE] = NAME("phandle"),
    [PROP_MSI_MAP] = NAME("msi-map"),
    [PROP_BOOTARGS] = NAME("bootargs"),
    [PROP_RNG_SEED] = NAME("rng-seed"),
    [PROP_BUS_RANGE] = NAME("bus-range"),
    [PROP_IOMMU_MAP] = NAME("iommu-map"),
    [PROP_COMPATIBLE] = NAME("compatible"),
    [PROP_LINUX_CODE] = NAME("linux,code"),
    [PROP_INTERRUPTS] = NAME("interrupts"),
    [PROP_MSI_PARENT] = NAME("msi-parent"),
    [PROP_SIZE_CELLS] = NAME("#size-cells"),
    [PROP_DEVICE_TYPE] = NAME("device_type"),
    [PROP_STDOUT_PATH] = NAME("stdout-path"),
    [PROP_MSI_MAP_MASK] = NAME("msi-map-mask"),
    [PROP_INTERRUPT_MAP] = NAME("interrupt-map"),
    [PROP_ADDRESS_CELLS] = NAME("#address-cells"),
    [PROP_IOMMU_MAP_MASK] = NAME("iommu-map-mask"),
    [PROP_INTERRUPT_NAMES] = NAME("interrupt-names"),
    [PROP_INTERRUPT_PARENT] = NAME("interrupt-parent"),
    [PROP_INITRD_END] = NAME("linux,initrd-end"),
    [PROP_INTERRUPT_MAP_MASK] = NAME("interrupt-map-mask"),
    [PROP_INITRD_START] = NAME("linux,initrd-start"),
    [PROP_INTERRUPTS_EXTENDED] = NAME("interrupts-extended"),
};

/* What the children of a node inherit. */
struct level {
    uint32_t address_cells, size_cells, interrupt_parent;
    bool addressable, disabled, reserved;
    const struct tree_bus *bus; /* `own`, that of the parent, or NULL: CPU addresses */
    struct tree_bus own;
};

struct walk {
    const void *dtb;
    tree_visit visit;
    struct level levels[DEPTH_MAX]; /* of the nodes that are open, by depth */
    unsigned depth;                 /* nodes that are open */
    bool pending;                   /* `node` was not visited: properties may follow */
    struct tree_node node;
    uint8_t memo[MEMO]; /* 1 + property, by offset of its name; 0: not looked up */
};

bool tree_is(const struct tree_value *v, const char *s)
{
    size_t len = __builtin_strlen(s) + 1;

    return v->data && v->len == len && !memcmp(v->data, s, len);
}

uint32_t tree_string(const struct tree_value *v, uint32_t at)
{
    const char *p = v->data;

    for (uint32_t end = at; end < v->len; end++)
        if (!p[end])
            return end - at;
    return 0;
}

/* What fdt_next_tag has found at `offset`: it lies in the tree up to the tag's end. */
static const void *tree_at(const void *dtb, int offset)
{
    return (const char *)dtb + fdt_off_dt_struct(dtb) + offset;
}

/*
 * The string at offset `at` of the names of properties, a value of the tree: fdt_get_string() does
 * not check what it takes for the caller's own. *len: 0 if none is there.
 */
static const char *tree_name(const void *dtb, uint32_t at, int *len)
{
    struct tree_value names = {(const char *)dtb + fdt_off_dt_strings(dtb),
                               fdt_size_dt_strings(dtb)};

    *len = (int)tree_string(&names, at);
    return *len ? (const char *)names.data + at : "";
}

/* The property whose name is at offset `name` of the strings, or UNKNOWN. */
static unsigned tree_find_prop(const void *dtb, uint32_t name)
{
    int len;
    const char *s = tree_name(dtb, name, &len);

    for (unsigned i = 0; i < PROP_COUNT && prop_names[i].len <= len; i++)
        if (len == prop_names[i].len && !memcmp(s, prop_names[i].s, (size_t)len))
            return i;
    return UNKNOWN;
}

static unsigned tree_prop(struct walk *w, uint32_t name)
{
    if (name >= MEMO)
        return tree_find_prop(w->dtb, name);
    if (!w->memo[name])
        w->memo[name] = (uint8_t)(1 + tree_find_prop(w->dtb, name));
    return w->memo[name] - 1u;
}

static bool tree_okay(const struct tree_value *status)
{
    return !status->data || tree_is(status, "okay") || tree_is(status, "ok");
}

static uint32_t tree_cells_or(const struct tree_value *v, uint32_t absent)
{
    return v->data ? tree_word(v, 0) : absent;
}

/* Can this reader use addresses and lengths of that many words? */
static bool tree_has_addresses(const struct level *l)
{
    return l->address_cells - 1 < 2 && l->size_cells - 1 < 2;
}

/* The bus of a node's children: empty ranges leave addresses as they are. */
static void tree_set_bus(struct level *own, const struct level *parent,
                         const struct tree_value *ranges)
{
    own->bus = parent->bus;
    if (!ranges->len)
        return;
    own->addressable &= tree_has_addresses(own) && parent->address_cells - 1 < 2;
    own->own = (struct tree_bus){parent->bus, *ranges, own->address_cells, parent->address_cells,
                                 own->size_cells};
    own->bus = &own->own;
}

bool tree_translate(const struct tree_node *node, uint64_t *base, uint64_t len)
{
    for (const struct tree_bus *bus = node->bus; bus; bus = bus->above) {
        unsigned per = bus->own_cells + bus->above_cells + bus->size_cells, at = 0;
        for (; at + per <= bus->ranges.len / 4; at += per) {
            uint64_t from = tree_number(&bus->ranges, at, bus->own_cells);
            uint64_t size = tree_number(&bus->ranges, at + per - bus->size_cells, bus->size_cells);
            if (*base >= from && *base - from < size && len <= size - (*base - from)) {
                *base += tree_number(&bus->ranges, at + bus->own_cells, bus->above_cells) - from;
                break;
            }
        }
        if (at + per > bus->ranges.len / 4)
            return false;
    }
    return true;
}

/* The open node has no further properties: visits it, and notes what its children inherit. */
static const char *tree_close_properties(struct walk *w)
{
    struct tree_node *n = &w->node;
    const struct tree_value *p = n->prop;

    if (!w->pending)
        return NULL;
    w->pending = false;
    struct level *own = &w->levels[n->depth];
    const struct level *parent = n->depth ? own - 1 : NULL;
    own->address_cells = tree_cells_or(&p[PROP_ADDRESS_CELLS], 2);
    own->size_cells = tree_cells_or(&p[PROP_SIZE_CELLS], 1);
    own->interrupt_parent =
        tree_cells_or(&p[PROP_INTERRUPT_PARENT], parent ? parent->interrupt_parent : 0);
    own->addressable = !parent || (parent->addressable && p[PROP_RANGES].data);
    own->disabled = (parent && parent->disabled) || !tree_okay(&p[PROP_STATUS]);
    own->reserved = n->depth == 1 && hal_same_name(n->name, "reserved-memory");
    own->bus = NULL;
    if (own->disabled)
        return NULL;
    if (parent)
        tree_set_bus(own, parent, &p[PROP_RANGES]);
    n->address_cells = parent ? parent->address_cells : 0;
    n->size_cells = parent ? parent->size_cells : 0;
    n->interrupt_parent = own->interrupt_parent;
    n->addressable = parent && parent->addressable && tree_has_addresses(parent);
    n->bus = parent ? parent->bus : NULL;
    n->in_reserved = parent && parent->reserved;
    return w->visit(n);
}

static const char *tree_open_node(struct walk *w, int offset)
{
    const char *wrong = tree_close_properties(w);

    if (wrong)
        return wrong;
    if (w->depth == DEPTH_MAX)
        return "device tree: nested too deeply";
    memset(&w->node, 0, sizeof(w->node));
    w->node.offset = offset;
    w->node.name = (const char *)tree_at(w->dtb, offset) + 4;
    w->node.depth = w->depth++;
    w->pending = true;
    return NULL;
}

/* The property at `offset`, whose tag ends at `next`. */
static const char *tree_take_property(struct walk *w, int offset, int next)
{
    const struct fdt_property *p = tree_at(w->dtb, offset);

    if (next - offset < (int)sizeof(*p))
        return "device tree: a property is incomplete";
    uint32_t len = fdt32_to_cpu(p->len);
    if (len > (uint32_t)(next - offset) - sizeof(*p))
        return "device tree: a property is longer than its record";
    unsigned which = tree_prop(w, fdt32_to_cpu(p->nameoff));
    if (which != UNKNOWN && w->pending)
        w->node.prop[which] = (struct tree_value){p->data, len};
    return NULL;
}

struct tree_value tree_property(const void *dtb, int node, const char *name, uint32_t len)
{
    int offset = node, next, name_len;

    fdt_next_tag(dtb, offset, &next);
    for (offset = next; fdt_next_tag(dtb, offset, &next) == FDT_PROP; offset = next) {
        const struct fdt_property *p = tree_at(dtb, offset);
        const char *s = tree_name(dtb, fdt32_to_cpu(p->nameoff), &name_len);
        if ((uint32_t)name_len == len && !memcmp(s, name, len))
            return (struct tree_value){p->data, fdt32_to_cpu(p->len)};
    }
    return (struct tree_value){NULL, 0};
}

static const char *tree_walk_tags(struct walk *w)
{
    for (int offset = 0, next;; offset = next) {
        uint32_t tag = fdt_next_tag(w->dtb, offset, &next);
        const char *wrong = NULL;

        if (tag == FDT_END)
            return next < 0 || w->depth ? "device tree: its structure is damaged" : NULL;
        if (next <= offset)
            return "device tree: a tag does not end";
        if (tag == FDT_BEGIN_NODE)
            wrong = tree_open_node(w, offset);
        else if (tag == FDT_PROP)
            wrong = tree_take_property(w, offset, next);
        else if (tag == FDT_END_NODE && !w->depth)
            wrong = "device tree: more nodes end than begin";
        else if (tag == FDT_END_NODE)
            wrong = tree_close_properties(w), w->depth--;
        if (wrong)
            return wrong;
    }
}

const char *tree_walk(const void *dtb, tree_visit visit)
{
    struct walk w;

    if (fdt_check_header(dtb) || fdt_version(dtb) < 17 || fdt_last_comp_version(dtb) > 17)
        return "device tree: the header is damaged, or not of version 17";
    if (fdt_off_dt_struct(dtb) % 4)
        return "device tree: the structure block is not aligned";
    memset(&w, 0, sizeof(w));
    w.dtb = dtb;
    w.visit = visit;
    return tree_walk_tags(&w);
}
