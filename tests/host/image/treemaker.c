/* SPDX-License-Identifier: BSD-2-Clause */
/* treemaker.c - writes device trees for tests (treemaker.h; Devicetree Specification 0.4, 5). */
#define _GNU_SOURCE
#include "treemaker.h"

#include <libfdt.h>
#include <string.h>

#define STRUCT_MAX  65536u
#define STRINGS_MAX 2048u

/* mmu.c's: where memory ends that can be mapped. */
uint64_t arch_ram_end(void)
{
    return 1ull << 40;
}

static struct {
    uint8_t bytes[STRUCT_MAX];
    char strings[STRINGS_MAX];
    uint64_t reserved[BOARD_RANGES][2];
    size_t len, strings_len;
    unsigned reserved_count;
} tree;

static void put32(uint32_t v)
{
    uint32_t big = cpu_to_fdt32(v);

    CHECK(tree.len + 4 <= STRUCT_MAX);
    memcpy(tree.bytes + tree.len, &big, 4);
    tree.len += 4;
}

static void put_bytes(const void *p, size_t len)
{
    CHECK(tree.len + len + 4 <= STRUCT_MAX);
    memcpy(tree.bytes + tree.len, p, len);
    tree.len += len;
    while (tree.len % 4)
        tree.bytes[tree.len++] = 0;
}

void node(const char *name)
{
    put32(FDT_BEGIN_NODE);
    put_bytes(name, strlen(name) + 1);
}

void end(void)
{
    put32(FDT_END_NODE);
}

static uint32_t name_of(const char *name)
{
    size_t at = 0;

    while (at < tree.strings_len && strcmp(tree.strings + at, name))
        at += strlen(tree.strings + at) + 1;
    if (at == tree.strings_len) {
        CHECK(at + strlen(name) + 1 <= STRINGS_MAX);
        strcpy(tree.strings + at, name);
        tree.strings_len += strlen(name) + 1;
    }
    return (uint32_t)at;
}

void prop_head(const char *name, uint32_t len)
{
    put32(FDT_PROP);
    put32(len);
    put32(name_of(name));
}

void prop(const char *name, const void *value, size_t len)
{
    prop_head(name, (uint32_t)len);
    put_bytes(value, len);
}

void text(const char *name, const char *value)
{
    prop(name, value, strlen(value) + 1);
}

void words(const char *name, const uint32_t *w, size_t n)
{
    prop_head(name, (uint32_t)(4 * n));
    for (size_t i = 0; i < n; i++)
        put32(w[i]);
}
void memory(const char *name, uint64_t base, uint64_t len)
{
    node(name);
    text("device_type", "memory");
    WORDS("reg", (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(len >> 32), (uint32_t)len);
    end();
}

void device(const char *name, const char *compatible, uint32_t base, uint32_t len)
{
    node(name);
    text("compatible", compatible);
    WORDS("reg", 0, base, 0, len);
}

void gic(uint32_t phandle)
{
    node("intc@8000000");
    text("compatible", "arm,cortex-a15-gic");
    WORDS("reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x10000);
    WORDS("phandle", phandle);
    WORDS("#interrupt-cells", 3);
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    end();
}

void uart(const char *name, uint32_t base, uint32_t irq)
{
    device(name, "arm,pl011", base, 0x1000);
    WORDS("interrupts", 0, irq, 4);
    end();
}

void root(void)
{
    node("");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    WORDS("interrupt-parent", GIC);
}

void basics(void)
{
    root();
    gic(GIC);
    uart("pl011@9000000", 0x09000000, 1);
}

void basics_with_memory(void)
{
    basics();
    memory("memory@40000000", RAM, 128 * MIB);
}

void reserve(uint64_t base, uint64_t len)
{
    CHECK(tree.reserved_count < BOARD_RANGES);
    tree.reserved[tree.reserved_count][0] = base;
    tree.reserved[tree.reserved_count++][1] = len;
}

static uint8_t *after_read; /* a copy of the tree that was read last */
static size_t after_read_len;

bool tree_still_holds(const void *bytes, size_t len)
{
    return memmem(after_read, after_read_len, bytes, len) != NULL;
}

/* Reads what was written; the copy is just as long as the tree, so that the sanitizer sees more. */
static const char *read_raw(void)
{
    size_t rsv = 40, structure = rsv + 16 * (tree.reserved_count + 1);
    size_t strings = structure + tree.len, total = strings + tree.strings_len;
    uint8_t *dtb = calloc(1, total);
    struct fdt_header h = {.magic = cpu_to_fdt32(FDT_MAGIC),
                           .totalsize = cpu_to_fdt32((uint32_t)total),
                           .off_dt_struct = cpu_to_fdt32((uint32_t)structure),
                           .off_dt_strings = cpu_to_fdt32((uint32_t)strings),
                           .off_mem_rsvmap = cpu_to_fdt32((uint32_t)rsv),
                           .version = cpu_to_fdt32(17),
                           .last_comp_version = cpu_to_fdt32(16),
                           .size_dt_strings = cpu_to_fdt32((uint32_t)tree.strings_len),
                           .size_dt_struct = cpu_to_fdt32((uint32_t)tree.len)};

    memcpy(dtb, &h, sizeof(h));
    for (unsigned i = 0; i < tree.reserved_count; i++)
        for (unsigned j = 0; j < 2; j++) {
            uint64_t big = cpu_to_fdt64(tree.reserved[i][j]);
            memcpy(dtb + rsv + 16 * i + 8 * j, &big, 8);
        }
    memcpy(dtb + structure, tree.bytes, tree.len);
    memcpy(dtb + strings, tree.strings, tree.strings_len);
    virt.info.reserved[0] = (struct board_range){RAM + MIB, MIB}; /* the image */
    virt.info.reserved_count = 1;
    const char *wrong = tree_read(dtb);
    if (!wrong)
        tree_report();
    after_read = realloc(after_read, total);
    memcpy(after_read, dtb, total);
    after_read_len = total;
    free(dtb); /* nothing may point into it */
    return wrong;
}

const char *read_tree(void)
{
    end();
    put32(FDT_END);
    return read_raw();
}

void accept(void)
{
    const char *wrong = read_tree();

    if (wrong)
        check_fail(__FILE__, __LINE__, "refused: %s", wrong);
}

void refuse(const char *why)
{
    const char *wrong = read_tree();

    if (!wrong || !strstr(wrong, why))
        check_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", wrong ? wrong : "accepted", why);
}

bool range_is(const struct board_range *r, uint64_t base, uint64_t len)
{
    return r->base == base && r->len == len;
}
