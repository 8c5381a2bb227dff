/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemaker.h - writes a device tree tag by tag, and has the image's reader read it
 * (platform/virt/tree.c). A tree begins with treemaker_basics() or treemaker_root(); the four
 * functions at the end close it.
 */
#ifndef VIREO_TREEMAKER_H
#define VIREO_TREEMAKER_H

#include "check.h"
#include "host.h"
#include "virt.h"

#define GIC       1u /* phandles */
#define OTHER_GIC 2u
#define MIB       0x100000ull
#define RAM       0x40000000ull /* the image lies in its second MiB */

/* A node, its properties and nodes in it, its end. */
void node(const char *name);
void end(void);
void prop(const char *name, const void *value, size_t len);
void text(const char *name, const char *value);
void words(const char *name, const uint32_t *w, size_t n);
/* A macro, so that the words stand where they are used. */
#define WORDS(name, ...)                                                                           \
    words(name, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)
/* The head of a property alone. */
void prop_head(const char *name, uint32_t len);

void memory(const char *name, uint64_t base, uint64_t len);
void device(const char *name, const char *compatible, uint32_t base, uint32_t len); /* no end() */
void gic(uint32_t phandle);
void uart(const char *name, uint32_t base, uint32_t irq);

/* The root node's start; with GIC and UART, and 128 MiB of memory. */
void root(void);
void basics(void);
void basics_with_memory(void);

/* An entry of the memory reservation block. */
void reserve(uint64_t base, uint64_t len);

/* Ends the root node and reads the tree, from memory that is as long, and is freed afterwards. */
const char *read_tree(void);
void accept(void);            /* the tree is accepted */
void refuse(const char *why); /* the tree is refused, with a text that contains `why` */

/* Does the tree hold these bytes, after it was read? */
bool tree_still_holds(const void *bytes, size_t len);

bool range_is(const struct board_range *r, uint64_t base, uint64_t len);

#endif
