/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its_table.c - the tables that the GICv3 ITS asks for in GITS_BASER0 to 7 (Arm IHI 0069, 12.19.1).
 * The device table has room for the ids that the device tree allows, in two levels if one level
 * needs more than a page. Each other table has one page: at most its entry 0 is used.
 */
#include "its.h"

#define BASERS         8u
#define BASER_INNER    59u
#define BASER_VALID    (1ull << 63)
#define BASER_INDIRECT (1ull << 62)
#define BASER_ADDRESS  0x0000fffffffff000ull
#define PAGES_MAX      256u
#define TYPE_DEVICES   1u

struct table {
    hal_mmio_t reg;
    unsigned type;
    uint32_t entry;     /* bytes */
    uint32_t page;      /* bytes */
    uint64_t page_bits; /* the register's field for the page size */
};

bool its_write_base(hal_mmio_t reg, uint64_t v, unsigned inner)
{
    its_write64(reg, v | GIC_INNER_SHAREABLE | (uint64_t)GIC_CACHEABLE << inner);
    if (hal_read32(reg) & GIC_SHAREABILITY)
        return false;
    its_write64(reg, v | (uint64_t)GIC_NON_CACHEABLE << inner);
    return true;
}

/* Reads which table a register is for. Asks for pages of 4 KiB. False: the register is unused. */
static bool its_table_inspect(hal_mmio_t reg, struct table *t)
{
    uint64_t v = its_read64(reg);

    t->reg = reg;
    t->type = v >> 56 & 7;
    t->entry = (uint32_t)(v >> 48 & 31) + 1;
    if (!t->type)
        return false;
    its_write64(reg, 0);
    t->page_bits = hal_read32(reg) & 3u << 8;
    t->page = 4096u << 2 * (t->page_bits >> 8 & 3);
    return true;
}

/* Allocates a table of `pages`, and gives it to the ITS. NULL: an error, which is in *err. */
static void *its_table_hand_over(const struct table *t, uint64_t pages, uint64_t flags, bool *flush,
                                 int *err)
{
    uint64_t dma;
    void *p = hal_dma_alloc(pages * t->page, t->page, &dma);

    *err = -ENOMEM;
    if (!p)
        return NULL;
    arch_cache_flush(p, pages * t->page);
    *flush =
        its_write_base(t->reg, BASER_VALID | flags | dma | t->page_bits | (pages - 1), BASER_INNER);
    uint64_t kept = its_read64(t->reg);
    if ((kept & BASER_VALID) && (kept & BASER_ADDRESS) == dma && (kept & 0xff) == pages - 1)
        return p;
    hal_log(HAL_ERROR, "its", "table %u: the register does not keep its address", t->type);
    *err = -EIO; /* the ITS may use the memory: it is not freed */
    return NULL;
}

/* Can the table have two levels? */
static bool its_table_two_levels(const struct table *t)
{
    its_write64(t->reg, BASER_INDIRECT | t->page_bits);
    return its_read64(t->reg) & BASER_INDIRECT;
}

/* Pages for n entries of `size` bytes, at most as many as the register can name. */
static uint64_t its_table_pages(const struct table *t, uint64_t n, uint32_t size)
{
    uint64_t pages = (n * size + t->page - 1) / t->page;

    return pages < PAGES_MAX ? pages : PAGES_MAX;
}

static int its_devices_open(const struct table *t, uint64_t ids, struct its_devices *d)
{
    uint64_t pages = its_table_pages(t, ids, t->entry), held;
    int err;

    d->page = t->page;
    d->per_page = t->page / t->entry;
    d->indirect = pages > 1 && its_table_two_levels(t);
    if (d->indirect)
        pages = its_table_pages(t, (ids + d->per_page - 1) / d->per_page, 8);
    held = pages * (d->indirect ? t->page / 8 * (uint64_t)d->per_page : d->per_page);
    d->ids = held < ids ? held : ids;
    d->first = its_table_hand_over(t, pages, d->indirect ? BASER_INDIRECT : 0, &d->flush, &err);
    return d->first ? 0 : err;
}

int its_tables_open(hal_mmio_t regs, uint64_t ids, struct its_devices *devices)
{
    struct table t;
    bool flush;
    int err = 0;

    for (unsigned n = 0; n < BASERS && !err; n++) {
        if (!its_table_inspect(regs + GITS_BASER + 8 * n, &t))
            continue;
        if (t.page > 65536) {
            hal_log(HAL_ERROR, "its", "table %u: its page size does not exist", t.type);
            err = -EIO;
        } else if (t.type == TYPE_DEVICES) {
            err = its_devices_open(&t, ids, devices);
        } else if (its_table_hand_over(&t, 1, 0, &flush, &err)) {
            err = 0;
        }
    }
    if (!err && !devices->first) {
        hal_log(HAL_ERROR, "its", "the ITS has no device table");
        err = -ENODEV;
    }
    return err;
}

int its_devices_hold(struct its_devices *d, uint64_t id)
{
    uint64_t dma;

    if (id >= d->ids)
        return -ENOSPC;
    if (!d->indirect || d->first[id / d->per_page])
        return 0;
    void *page = hal_dma_alloc(d->page, d->page, &dma);
    if (!page)
        return -ENOMEM;
    arch_cache_flush(page, d->page);
    uint64_t *at = &d->first[id / d->per_page];
    *at = BASER_VALID | dma;
    its_show(at, sizeof(*at), d->flush);
    return 0;
}
