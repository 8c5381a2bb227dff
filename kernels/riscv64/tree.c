/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - one pass over the properties of the device tree (Devicetree Specification 0.4, section
 * 5). The machine made it, so lengths are taken as they are.
 */
#include "virt.h"

enum { TREE_STRUCTURE = 8, TREE_STRINGS = 12 }; /* offsets in the header */
enum { TREE_NODE = 1, TREE_END_NODE = 2, TREE_PROPERTY = 3, TREE_NOTHING = 4 };

bool virt_has_imsic;

static uint32_t tree_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Is it one of the strings in a value of `len` bytes? */
static bool tree_has(const char *value, uint32_t len, const char *string)
{
    for (uint32_t i = 0; i < len; i++)
        if ((i == 0 || !value[i - 1]) && hal_same_name(value + i, string))
            return true;
    return false;
}

static void tree_property(const char *name, const char *value, uint32_t len)
{
    if (hal_same_name(name, "bootargs"))
        kernel_words = value;
    if (hal_same_name(name, "compatible") && tree_has(value, len, "riscv,imsics"))
        virt_has_imsic = true;
}

void virt_read_tree(const uint8_t *tree)
{
    const uint8_t *at = tree + tree_word(tree + TREE_STRUCTURE);
    const char *strings = (const char *)tree + tree_word(tree + TREE_STRINGS);

    for (;;) {
        uint32_t token = tree_word(at), len = 0;

        at += 4;
        if (token == TREE_NODE) {
            while (at[len++]) /* the node's name and its NUL */
                ;
        } else if (token == TREE_PROPERTY) {
            len = tree_word(at);
            tree_property(strings + tree_word(at + 4), (const char *)at + 8, len);
            at += 8;
        } else if (token != TREE_END_NODE && token != TREE_NOTHING) {
            return;
        }
        at += (len + 3) & ~3u;
    }
}
