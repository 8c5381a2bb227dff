/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - one pass over a device tree (Devicetree Specification 0.4, sections 2 and 5), and a node
 * as the pass shows it. All pointers lead into the tree, and all lengths end inside of it.
 */
#ifndef VIREO_TREE_H
#define VIREO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The properties that this board reads, in order of the length of their names. */
enum tree_prop {
    PROP_REG,
    PROP_GPIOS,
    PROP_RANGES,
    PROP_STATUS,
    PROP_METHOD,
    PROP_PHANDLE,
    PROP_MSI_MAP,
    PROP_BOOTARGS,
    PROP_RNG_SEED,
    PROP_BUS_RANGE,
    PROP_IOMMU_MAP,
    PROP_COMPATIBLE,
    PROP_LINUX_CODE,
    PROP_INTERRUPTS,
    PROP_MSI_PARENT,
    PROP_SIZE_CELLS,
    PROP_DEVICE_TYPE,
    PROP_STDOUT_PATH,
    PROP_MSI_MAP_MASK,
    PROP_INTERRUPT_MAP,
    PROP_ADDRESS_CELLS,
    PROP_IOMMU_MAP_MASK,
    PROP_INTERRUPT_NAMES,
    PROP_INTERRUPT_PARENT,
    PROP_INITRD_END,
    PROP_INTERRUPT_MAP_MASK,
    PROP_INITRD_START,
    PROP_INTERRUPTS_EXTENDED,
    PROP_COUNT
};

/* A property's value: big-endian words, or bytes. `data` is aligned to 4. */
struct tree_value {
    const void *data; /* NULL: the node has no such property */
    uint32_t len;     /* bytes */
};

/* A bus whose addresses differ from those of the bus above: its node's ranges. */
struct tree_bus {
    const struct tree_bus *above; /* the next such bus; NULL: `ranges` leads to CPU addresses */
    struct tree_value ranges;
    uint32_t own_cells, above_cells, size_cells;
};

struct tree_node {
    const char *name;                   /* with its unit address, NUL-terminated */
    unsigned depth;                     /* 0: the root */
    int offset;                         /* of its tag, for tree_property */
    uint32_t address_cells, size_cells; /* of the parent: words of each part of reg */
    uint32_t interrupt_parent;          /* its own, or inherited; 0: none */
    bool addressable;                   /* reg leads to CPU addresses, by tree_translate */
    const struct tree_bus *bus;         /* the nearest bus above with addresses of its own */
    bool in_reserved;                   /* below /reserved-memory */
    struct tree_value prop[PROP_COUNT];
};

/*
 * Called for each node that is not disabled, parents first. NULL, or an error that ends the pass.
 */
typedef const char *(*tree_visit)(const struct tree_node *node);

/* One pass. NULL, or what is wrong with the tree, or the error of `visit`. */
const char *tree_walk(const void *dtb, tree_visit visit);

/* Word n of a value; 0 past its end. */
static inline uint32_t tree_word(const struct tree_value *v, unsigned n)
{
    const uint32_t *w = v->data;
    return v->len / 4 > n ? __builtin_bswap32(w[n]) : 0;
}

/* A number of `cells` (1 or 2) words from word n on. */
static inline uint64_t tree_number(const struct tree_value *v, unsigned n, unsigned cells)
{
    uint64_t high = cells == 2 ? tree_word(v, n) : 0;
    return high << 32 | tree_word(v, cells == 2 ? n + 1 : n);
}

/*
 * Makes the CPU address of [*base, *base + len), addresses of the bus that an addressable node is
 * on. False: a bus above does not pass that range on.
 */
bool tree_translate(const struct tree_node *node, uint64_t *base, uint64_t len);

/*
 * The property of a node, by its offset and a name of `len` bytes: for what is known only after the
 * pass. data NULL: it has no such property.
 */
struct tree_value tree_property(const void *dtb, int node, const char *name, uint32_t len);

/* Is the value this string? */
bool tree_is(const struct tree_value *v, const char *s);

/* Length of the string at byte `at` of a list of strings. 0: none, empty, or not terminated. */
uint32_t tree_string(const struct tree_value *v, uint32_t at);

/* ---- tree_memory.c --------------------------------------------------------------------------- */

struct board_range;

/* Adds RAM, in order of address and joined with what it touches. NULL, or "... overlap". */
const char *tree_add_memory(const struct board_range *r);
/* Notes a range that must not be handed out. NULL; a tree with more than fit is refused. */
const char *tree_reserve(const struct board_range *r);
/* Notes the ranges of the memory reservation block, of which ARCH_DTB_RESERVED are mapped. */
const char *tree_reserve_block(const void *dtb);
/* Notes the initrd, or drops one that overlaps the image or lies outside of mapped memory. */
const char *tree_reserve_initrd(void);
/* Logs what memory is not used. */
void tree_report_memory(void);

#endif
