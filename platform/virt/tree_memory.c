/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_memory.c - the memory of the device tree (Devicetree Specification 0.4, sections 3.4, 3.5
 * and 5.3): ranges in order of address, of which neighbours are one, whatever number of nodes or
 * NUMA nodes they come from; and what of it is reserved.
 */
#include <libfdt.h>

#include "tree.h"
#include "virt.h"

static uint64_t memory_left_out; /* bytes in ranges that did not fit into the table */

static uint64_t range_end(const struct board_range *r)
{
    return r->base + r->len;
}

static bool range_overlaps(const struct board_range *a, const struct board_range *b)
{
    return a->base < range_end(b) && b->base < range_end(a);
}

static void memory_remove(unsigned n)
{
    struct board_info *info = &virt.info;

    info->ram_count--;
    for (; n < info->ram_count; n++)
        info->ram[n] = info->ram[n + 1];
}

/* Makes room in a full table: the smallest range goes, if it is smaller than len bytes. */
static bool memory_evict(uint64_t len)
{
    const struct board_range *ram = virt.info.ram;
    unsigned smallest = 0;

    for (unsigned i = 1; i < BOARD_RANGES; i++)
        if (ram[i].len < ram[smallest].len)
            smallest = i;
    memory_left_out += ram[smallest].len < len ? ram[smallest].len : len;
    if (ram[smallest].len >= len)
        return false;
    memory_remove(smallest);
    return true;
}

const char *tree_add_memory(const struct board_range *r)
{
    struct board_info *info = &virt.info;
    unsigned at = info->ram_count;

    while (at && info->ram[at - 1].base > r->base)
        at--;
    struct board_range *below = at ? &info->ram[at - 1] : NULL;
    struct board_range *above = at < info->ram_count ? &info->ram[at] : NULL;
    if ((below && range_overlaps(below, r)) || (above && range_overlaps(above, r)))
        return "device tree: ranges of memory overlap";
    bool joins_above = above && range_end(r) == above->base;
    if (below && range_end(below) == r->base) {
        below->len += r->len + (joins_above ? above->len : 0);
        if (joins_above)
            memory_remove(at);
        return NULL;
    }
    if (joins_above) {
        *above = (struct board_range){r->base, r->len + above->len};
        return NULL;
    }
    if (info->ram_count == BOARD_RANGES) {
        if (memory_evict(r->len))
            return tree_add_memory(r);
        return NULL;
    }
    for (unsigned i = info->ram_count++; i > at; i--)
        info->ram[i] = info->ram[i - 1];
    info->ram[at] = *r;
    return NULL;
}

void tree_report_memory(void)
{
    if (memory_left_out)
        hal_log(
            HAL_WARN, "vireo",
            "memory lies in more than %u separate ranges: %llu KiB in the smallest are not used",
            BOARD_RANGES, (unsigned long long)(memory_left_out >> 10));
}

const char *tree_reserve(const struct board_range *r)
{
    struct board_info *info = &virt.info;

    if (!r->len)
        return NULL;
    if (info->reserved_count == BOARD_RANGES)
        return "device tree: too many reserved ranges of memory";
    info->reserved[info->reserved_count++] = *r;
    return NULL;
}

const char *tree_reserve_block(const void *dtb)
{
    _Static_assert(ARCH_DTB_RESERVED >= BOARD_RANGES, "more entries than are mapped are refused");
    /* fdt_get_mem_rsv() does not check the number; the header's check covers the block's begin. */
    uint32_t room =
        (fdt_totalsize(dtb) - fdt_off_mem_rsvmap(dtb)) / sizeof(struct fdt_reserve_entry);
    const char *wrong = NULL;
    struct board_range r;

    for (uint32_t n = 0; n < ARCH_DTB_RESERVED && n < room && !wrong; n++) {
        if (fdt_get_mem_rsv(dtb, (int)n, &r.base, &r.len) || !r.len)
            break;
        wrong = tree_reserve(&r);
    }
    return wrong;
}

const char *tree_reserve_initrd(void)
{
    struct board_info *info = &virt.info;
    const struct board_range *r = &info->initrd;
    bool held = false;

    for (unsigned i = 0; i < info->ram_count; i++)
        held |= r->base >= info->ram[i].base && range_end(r) <= range_end(&info->ram[i]);
    if (!held || range_end(r) > arch_ram_end() || range_overlaps(r, &info->reserved[0]))
        info->initrd.len = 0;
    return tree_reserve(&info->initrd);
}
