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
    PROP_INTERRUPTS,
    PROP_MSI_PARENT,
    PROP_SIZE_CELLS,
    PROP_DEVICE_TYPE,
    PROP_STDOUT_PATH,
    PROP_MSI_MAP_MASK,
    PROP_INTERRUPT_MAP,
    PROP_ADDRESS_CELLS,
    PROP_IOMMU_MAP_MASK,
    PROP_INTERRUPT_PARENT,
    PROP_INITRD_END,
    PROP_INTERRUPT_MAP_MASK,
    PROP_INITRD_START,
    PROP_COUNT
};

/* A property's value: big-endian words, or bytes. `data` is aligned to 4. */
struct tree_value {
    const void *data; /* NULL: the node has no such property */
    uint32_t len;     /* bytes */
};

struct tree_node {
    const char *name;                   /* with its unit address, NUL-terminated */
    unsigned depth;                     /* 0: the root */
    uint32_t address_cells, size_cells; /* of the parent: words of each part of reg */
    uint32_t interrupt_parent;          /* its own, or inherited; 0: none */
    bool addressable;                   /* reg is a CPU address: no bus above translates it */
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

/* Is the value this string? */
bool tree_is(const struct tree_value *v, const char *s);

/* Length of the string at byte `at` of a list of strings. 0: none, empty, or not terminated. */
uint32_t tree_string(const struct tree_value *v, uint32_t at);

#endif
