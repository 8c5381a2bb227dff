/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_tree.c - a device tree of any shape (Devicetree Specification 0.4, section 5), read as the
 * board does at its start. The input either makes one, node by node, of the names that the board
 * knows, or is one, byte by byte. What was found lies within bounds, or the tree was refused.
 */
#include <libfdt.h>
#include <string.h>

#include "fuzz.h"
#include "virt.h"

#define STRUCT_MAX 8192
#define STRINGS    2048

struct virt_machine virt; /* board.c's, which would start the machine */

/* mmu.c's: where memory ends that can be mapped. */
uint64_t arch_ram_end(void)
{
    return 1ull << 40;
}

static const char *const props[] = {"reg",
                                    "ranges",
                                    "status",
                                    "method",
                                    "phandle",
                                    "msi-map",
                                    "bootargs",
                                    "rng-seed",
                                    "bus-range",
                                    "iommu-map",
                                    "compatible",
                                    "interrupts",
                                    "msi-parent",
                                    "#size-cells",
                                    "device_type",
                                    "stdout-path",
                                    "dma-coherent",
                                    "msi-map-mask",
                                    "interrupt-map",
                                    "#address-cells",
                                    "iommu-map-mask",
                                    "interrupt-parent",
                                    "linux,initrd-end",
                                    "linux,initrd-start",
                                    "interrupt-map-mask",
                                    "#interrupt-cells",
                                    "clock-names",
                                    "linux,phandle"};
static const char *const nodes[] = {"",
                                    "chosen",
                                    "memory@40000000",
                                    "aliases",
                                    "psci",
                                    "timer",
                                    "intc@8000000",
                                    "pl011@9000000",
                                    "pl031@9010000",
                                    "virtio_mmio@a000000",
                                    "virtio_mmio@a000200",
                                    "pcie@10000000",
                                    "smmuv3@9050000",
                                    "its@8080000",
                                    "v2m@8020000",
                                    "reserved-memory",
                                    "cpus",
                                    "cpu@0",
                                    "soc",
                                    "x"};
static const char *const words[] = {"okay",
                                    "disabled",
                                    "hvc",
                                    "smc",
                                    "memory",
                                    "pci",
                                    "arm,pl011",
                                    "arm,pl031",
                                    "arm,psci-1.0",
                                    "arm,psci-0.2",
                                    "virtio,mmio",
                                    "arm,cortex-a15-gic",
                                    "arm,gic-v3",
                                    "arm,gic-v3-its",
                                    "arm,gic-v2m-frame",
                                    "arm,armv8-timer",
                                    "arm,armv7-timer",
                                    "pci-host-ecam-generic",
                                    "arm,smmu-v3",
                                    "/pl011@9000000",
                                    "vireo.poll=1 ip=off",
                                    ""};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint8_t tree[STRUCT_MAX];
static size_t used;

static void put(const void *bytes, size_t len)
{
    if (len > sizeof(tree) - used)
        return;
    memcpy(tree + used, bytes, len);
    used += len;
    while (used % 4 && used < sizeof(tree))
        tree[used++] = 0;
}

static void put32(uint32_t v)
{
    uint32_t big = cpu_to_fdt32(v);

    put(&big, 4);
}

/* Words as they are found in trees: small, or an address, or anything. */
static void put_word(void)
{
    uint8_t how = fuzz8();

    put32(how < 128 ? how : how < 192 ? (how & 63u) << 24 | fuzz8() << 12 : fuzz_odd32());
}

static void put_prop(uint32_t name_off)
{
    uint8_t how = fuzz8();
    uint8_t value[256];
    size_t len = how % 64;

    put32(FDT_PROP);
    if (how < 64) { /* text */
        const char *word = words[len % COUNT(words)];
        put32((uint32_t)strlen(word) + 1);
        put32(name_off);
        put(word, strlen(word) + 1);
    } else if (how < 224) { /* words */
        put32((uint32_t)(4 * (len % 32)));
        put32(name_off);
        for (unsigned i = 0; i < len % 32; i++)
            put_word();
    } else { /* bytes */
        const uint8_t *bytes = fuzz_take(len, &len);
        memcpy(value, bytes, len);
        put32((uint32_t)len);
        put32(name_off);
        put(value, len);
    }
}

/* The blocks in order: header, reserved ranges, structure, strings. */
static void *make_tree(size_t *total)
{
    char strings[STRINGS];
    uint32_t at[COUNT(props)], len = 0;
    size_t reserved;

    for (unsigned i = 0; i < COUNT(props); i++) {
        at[i] = len;
        memcpy(strings + len, props[i], strlen(props[i]) + 1);
        len += (uint32_t)strlen(props[i]) + 1;
    }
    used = sizeof(struct fdt_header);
    reserved = used;
    for (unsigned i = fuzz_below(4); i > 0; i--) {
        put32(0), put_word();
        put32(0), put_word();
    }
    for (unsigned i = 0; i < 4; i++)
        put32(0);
    size_t structure = used;
    put32(FDT_BEGIN_NODE), put("", 1);
    for (unsigned i = 0; i < 500 && fuzz_more(); i++) {
        uint8_t what = fuzz8();
        if (what < 160) {
            put_prop(at[what % COUNT(props)]);
        } else if (what < 208) {
            const char *name = nodes[what % COUNT(nodes)];
            put32(FDT_BEGIN_NODE), put(name, strlen(name) + 1);
        } else {
            put32(what < 248 ? FDT_END_NODE : FDT_NOP);
        }
    }
    put32(FDT_END_NODE), put32(FDT_END);
    size_t end = used;
    put(strings, len);
    *total = used;
    struct fdt_header h = {.magic = cpu_to_fdt32(FDT_MAGIC),
                           .totalsize = cpu_to_fdt32((uint32_t)used),
                           .off_dt_struct = cpu_to_fdt32((uint32_t)structure),
                           .off_dt_strings = cpu_to_fdt32((uint32_t)end),
                           .off_mem_rsvmap = cpu_to_fdt32((uint32_t)reserved),
                           .version = cpu_to_fdt32(17),
                           .last_comp_version = cpu_to_fdt32(16),
                           .size_dt_strings = cpu_to_fdt32(len),
                           .size_dt_struct = cpu_to_fdt32((uint32_t)(end - structure))};
    memcpy(tree, &h, sizeof(h));
    return tree;
}

static bool inside(const struct board_range *r)
{
    return r->base + r->len >= r->base;
}

static void check_found(void)
{
    CHECK(virt.info.ram_count <= BOARD_RANGES && virt.info.reserved_count <= BOARD_RANGES);
    CHECK(virt.mmio_count <= VIRT_MMIO_MAX && virt.pci_count <= VIRT_PCI_MAX);
    CHECK(virt.intx_count <= VIRT_INTX_MAX && virt.seed_len <= sizeof(virt.seed));
    CHECK(memchr(virt.info.bootargs, '\0', sizeof(virt.info.bootargs)) != NULL);
    for (unsigned i = 0; i < virt.info.ram_count; i++)
        CHECK(virt.info.ram[i].len && inside(&virt.info.ram[i]));
    for (unsigned i = 0; i < virt.pci_count; i++) {
        const struct virt_pci *p = &virt.pci[i];
        CHECK(p->intx_first + p->intx_count <= VIRT_INTX_MAX);
        CHECK(p->msi.count <= VIRT_MAP_MAX && p->iommu.count <= VIRT_MAP_MAX);
        CHECK(p->host.bus_first <= p->host.bus_last);
    }
}

void fuzz_one(void)
{
    bool raw = fuzz8() & 1;
    size_t len;
    const void *bytes = raw ? fuzz_rest(&len) : make_tree(&len);
    uint8_t *dtb = malloc(len < sizeof(struct fdt_header) ? sizeof(struct fdt_header) : len);
    uint32_t total = cpu_to_fdt32((uint32_t)len);

    if (raw && len < sizeof(struct fdt_header))
        return;
    memcpy(dtb, bytes, len);
    memcpy(dtb + 4, &total, 4); /* what a loader put into memory is as long as it says */
    if (!tree_read(dtb))
        check_found();
}
