/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c - page tables: memory is mapped onto itself, with long descriptors of 4 KiB granule, which
 * AArch64 (Arm ARM, D5) and 32-bit Arm with LPAE (DDI 0406C, B3.6) share. paging.h has what
 * differs.
 *
 * The image is mapped by 4 KiB pages where protections change, RAM by the largest blocks that fit,
 * device registers on request. Nothing else is mapped; page 0 never is. Tables are taken from a
 * small pool in the image, and from page_alloc once that works.
 */
#include "arch.h"
#include "board.h"
#include "hal.h"
#include "paging.h"

#define PAGE_SHIFT  12u
#define LEVEL_BITS  9u
#define ENTRIES     512u
#define POOL_TABLES 10u

/* Descriptor bits (D5.3). */
#define DESC_BLOCK 1ull
#define DESC_TABLE 3ull /* or a page, on the last level */
#define DESC_TYPE  3ull
#define DESC_ADDR  0x0000fffffffff000ull
#define ATTR_MASK  (~DESC_ADDR & ~DESC_TYPE)

/* The tree's header: byte offsets of its words (Devicetree Specification 0.4, 5.2). */
enum {
    TREE_TOTAL = 4,
    TREE_STRUCT = 8,
    TREE_STRINGS = 12,
    TREE_RESERVED = 16,
    TREE_STRINGS_SIZE = 32,
    TREE_STRUCT_SIZE = 36,
    TREE_HEADER = 40,
};
#define TREE_MAGIC 0xd00dfeedu

#define NOINIT __attribute__((section(".noinit"), aligned(4096)))

extern char __image_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[];
extern char __boot_guard[], __boot_stack_low[], __handler_guard[], __handler_stack_low[];
extern char __fault_guard[], __fault_stack_low[], __image_end[];

static struct {
    uint64_t pool[POOL_TABLES][ENTRIES]; /* [0] is the top level */
    unsigned used;                       /* tables of the pool */
} mmu NOINIT;
static bool memory_ready;

static inline uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A zeroed table, or NULL. */
MMU_OFF static uint64_t *mmu_table_new(void)
{
    if (mmu.used < POOL_TABLES) {
        uint64_t *t = mmu.pool[mmu.used++];
        for (uint64_t *p = t; p < t + ENTRIES; p += 8)
            paging_clear(p);
        return t;
    }
    return memory_ready ? page_alloc(1) : NULL;
}

static inline uint64_t *mmu_entry(uint64_t *table, unsigned shift, uint64_t va)
{
    return &table[va >> shift & (ENTRIES - 1)];
}

static inline bool mmu_is_table(uint64_t desc, unsigned shift)
{
    return shift > PAGE_SHIFT && (desc & DESC_TYPE) == DESC_TABLE;
}

/* A kind of mapping. */
struct kind {
    uint64_t away; /* physical address minus virtual one */
    uint64_t attr;
    bool exact; /* what is mapped already must have the same attributes */
};

/*
 * Fills entries of one table from va on, up to `end`, the table's end, or an entry that leads to
 * another table, and returns the address behind the last. Entries in use stay. 0: one of them has
 * other attributes, and k->exact.
 */
MMU_OFF static uint64_t mmu_fill(uint64_t *table, unsigned shift, uint64_t va, uint64_t end,
                                 const struct kind *k)
{
    uint64_t size = 1ull << shift;
    uint64_t type = shift == PAGE_SHIFT ? DESC_TABLE : DESC_BLOCK;

    do {
        uint64_t *e = mmu_entry(table, shift, va);
        if (!*e)
            paging_store(e, (va + k->away) | k->attr | type);
        else if (mmu_is_table(*e, shift))
            break;
        else if (k->exact && (*e & ATTR_MASK) != k->attr)
            return 0;
        va += size;
    } while (end - va >= size && (va >> shift & (ENTRIES - 1)));
    return va;
}

/*
 * Maps [va, end), whole pages. -ENOMEM: no table; -EBUSY: mapped with other attributes, and exact.
 */
MMU_OFF static int mmu_map(uint64_t va, uint64_t end, const struct kind *k)
{
    while (va < end) {
        uint64_t *table = mmu.pool[0];
        unsigned shift = TOP_SHIFT;
        for (;;) {
            uint64_t *e = mmu_entry(table, shift, va);
            uint64_t size = 1ull << shift;
            bool leaf = shift < TOP_SHIFT && !((va | k->away) & (size - 1)) && end - va >= size;
            if (leaf && !mmu_is_table(*e, shift))
                break;
            if (!*e) {
                uint64_t *t = mmu_table_new();
                if (!t)
                    return -ENOMEM;
                cpu_dsb(); /* the table walker sees the zeroes before the table */
                paging_store(e, (uintptr_t)t | DESC_TABLE);
            } else if (!mmu_is_table(*e, shift)) {
                if (k->exact && (*e & ATTR_MASK) != k->attr)
                    return -EBUSY;
                va = (va | (size - 1)) + 1; /* a larger block covers this already */
                goto next;
            }
            table = (uint64_t *)(uintptr_t)(*e & DESC_ADDR);
            shift -= LEVEL_BITS;
        }
        va = mmu_fill(table, shift, va, end, k);
        if (!va)
            return -EBUSY;
    next:;
    }
    cpu_dsb();
    cpu_isb();
    return 0;
}

/* Maps memory onto itself, except for what is mapped already. */
MMU_OFF static int mmu_map_memory(uint64_t from, uint64_t to, uint64_t attr)
{
    struct kind k = {.attr = attr};

    return mmu_map(from, to, &k);
}

MMU_OFF static uint32_t be32(const uint8_t *p)
{
    uint32_t v = *(const volatile uint32_t *)p;
    return __builtin_bswap32(v);
}

/* End of the block whose offset and size stand in the tree's header. 0: beyond the tree's end. */
MMU_OFF static uint64_t mmu_tree_block_end(const uint8_t *tree, unsigned offset_at,
                                           unsigned size_at)
{
    uint64_t end = (uint64_t)be32(tree + offset_at) + be32(tree + size_at);

    return end <= be32(tree + TREE_TOTAL) ? end : 0;
}

/*
 * Maps the blocks of the device tree at `at`, or if that is 0 at the start of RAM, and returns the
 * tree. NULL: there is none.
 */
MMU_OFF static const void *mmu_map_tree(uint64_t at)
{
    if (!at)
        at = board_ram_start;
    if (at % 8 || at < board_ram_start || at >> (VA_BITS - 1))
        return NULL;
    const uint8_t *tree = (const uint8_t *)(uintptr_t)at;
    uint32_t total = be32(tree + TREE_TOTAL);
    if (be32(tree) != TREE_MAGIC || total < TREE_HEADER || total > ARCH_DTB_MAX)
        return NULL;
    uint64_t structure = mmu_tree_block_end(tree, TREE_STRUCT, TREE_STRUCT_SIZE);
    uint64_t strings = mmu_tree_block_end(tree, TREE_STRINGS, TREE_STRINGS_SIZE);
    uint64_t reserved = (uint64_t)be32(tree + TREE_RESERVED) + ARCH_DTB_RESERVED * 16;
    uint64_t used = max64(max64(structure, strings), min64(reserved, total));
    if (!structure || !strings)
        return NULL;
    uint64_t first = at & ~(uint64_t)(ARCH_PAGE - 1);
    uint64_t end = (at + used + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1);
    if (end > (uintptr_t)__image_start && first < (uintptr_t)__image_end)
        return NULL; /* in a machine with little memory QEMU puts it into our stacks */
    return mmu_map_memory(first, end, MAP_DATA) ? NULL : tree;
}

MMU_OFF static void mmu_map_section(const char *from, const char *to, uint64_t attr)
{
    mmu_map_memory((uintptr_t)from, (uintptr_t)to, attr);
}

/*
 * Called once by entry.S, with the MMU off: builds the first tables and sets the translation
 * registers. Returns the device tree for board_start().
 */
const void *mmu_boot(uint64_t dtb);
MMU_OFF const void *mmu_boot(uint64_t dtb)
{
    mmu.used = 0;
    mmu_table_new();
    mmu_map_section(__image_start, __text_end, MAP_TEXT);
    mmu_map_section(__rodata_start, __rodata_end, MAP_CONST);
    mmu_map_section(__data_start, __boot_guard, MAP_DATA);
    mmu_map_section(__boot_stack_low, __handler_guard, MAP_DATA);
    mmu_map_section(__handler_stack_low, __fault_guard, MAP_DATA);
    mmu_map_section(__fault_stack_low, __image_end, MAP_DATA);
    const void *tree = mmu_map_tree(dtb);

    /* With the MMU off stores do not go to the cache: drop its old lines of the tables. */
    for (uintptr_t p = (uintptr_t)&mmu; p < (uintptr_t)mmu.pool[mmu.used]; p += 64)
        paging_drop(p);
    paging_drop((uintptr_t)&mmu.used);
    cpu_dsb();
    paging_load(mmu.pool[0]);
    return tree;
}

void arch_memory_ready(void)
{
    memory_ready = true;
}

static int mmu_map_ram_part(uint64_t base, uint64_t end)
{
    return base < end ? mmu_map_memory(base, end, MAP_DATA) : 0;
}

uint64_t arch_ram_end(void)
{
    return RAM_LIMIT;
}

/* Leaves the image out: it is mapped already, but for the guards of its stacks. */
int arch_map_ram(uint64_t base, uint64_t len)
{
    uint64_t image = (uintptr_t)__image_start, image_end = (uintptr_t)__image_end;

    uint64_t end = (base + len) & ~(uint64_t)(ARCH_PAGE - 1);
    base = (base + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1);
    int err = mmu_map_ram_part(base, min64(end, image));
    return err ? err : mmu_map_ram_part(max64(base, image_end), end);
}

static bool mmu_in_ram(uint64_t phys, uint64_t len)
{
    const struct board_info *info = board_info();

    for (unsigned i = 0; i < info->ram_count; i++) {
        const struct board_range *r = &info->ram[i];
        if (phys < r->base + r->len && r->base < phys + len)
            return true;
    }
    return false;
}

hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    uint64_t limit = paging_pa_limit();

    if (phys < ARCH_PAGE || !len || phys >= limit || len > limit - phys || mmu_in_ram(phys, len))
        return 0; /* page 0 stays unmapped */
    uint64_t at = paging_place(phys, len), end = at + len;
    if (!at)
        return 0;
    struct kind k = {.away = phys - at, .attr = MAP_DEVICE, .exact = true};
    uint64_t first = at & ~(uint64_t)(ARCH_PAGE - 1);
    return mmu_map(first, (end + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1), &k) ? 0
                                                                                  : (hal_mmio_t)at;
}

/* ---- changing what is mapped ----------------------------------------------------------------- */

/* The entry of the guard page below the boot stack, whose addresses can be used as a window. */
static uint64_t *mmu_window_entry(void)
{
    uint64_t va = (uintptr_t)__boot_guard;
    uint64_t *table = mmu.pool[0];

    for (unsigned shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= LEVEL_BITS)
        table = (uint64_t *)(uintptr_t)(*mmu_entry(table, shift, va) & DESC_ADDR);
    return mmu_entry(table, PAGE_SHIFT, va);
}

/*
 * Replaces the entry of a block in use, with break before make (D5.10.1). In between the block is
 * not mapped, and it may hold the stack, or the table with the entry. So paging_replace is one
 * sequence of instructions that accesses the entry alone, through a window in the image's own
 * pages.
 */
static void mmu_replace_block(uint64_t *e, uint64_t desc)
{
    uint64_t *window = mmu_window_entry();
    uintptr_t page = (uintptr_t)e & ~(uintptr_t)(ARCH_PAGE - 1);
    uintptr_t alias = (uintptr_t)__boot_guard;
    unsigned long state = arch_irq_save();

    paging_store(window, page | MAP_DATA | DESC_TABLE);
    cpu_dsb();
    cpu_isb();
    paging_replace((uint64_t *)(alias + ((uintptr_t)e - page)), desc);
    paging_store(window, 0);
    paging_flush_page(alias);
    arch_irq_restore(state);
}

/* Replaces the block of entry e, 1 << shift bytes, by a table of smaller blocks or pages. */
static int mmu_split(uint64_t *e, unsigned shift)
{
    unsigned below = shift - LEVEL_BITS;
    uint64_t type = below == PAGE_SHIFT ? DESC_TABLE : DESC_BLOCK;
    uint64_t desc = (*e & ~DESC_TYPE) | type, size = 1ull << below;
    uint64_t *t = mmu_table_new();

    if (!t)
        return -ENOMEM;
    for (uint64_t *p = t; p < t + ENTRIES; p += 4, desc += 4 * size) { /* part of each boot */
        p[0] = desc;
        p[1] = desc + size;
        p[2] = desc + 2 * size;
        p[3] = desc + 3 * size;
    }
    cpu_dsb();
    mmu_replace_block(e, (uintptr_t)t | DESC_TABLE);
    return 0;
}

/* The entry of va's page; blocks that hold it are split. NULL: an error, which is in *err. */
static uint64_t *mmu_page_entry(uint64_t va, int *err)
{
    uint64_t *table = mmu.pool[0];

    for (unsigned shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= LEVEL_BITS) {
        uint64_t *e = mmu_entry(table, shift, va);
        *err = *e ? 0 : -EINVAL;
        if (*e && !mmu_is_table(*e, shift))
            *err = mmu_split(e, shift);
        if (*err)
            return NULL;
        table = (uint64_t *)(uintptr_t)(*e & DESC_ADDR);
    }
    return mmu_entry(table, PAGE_SHIFT, va);
}

int arch_protect(void *addr, size_t len, enum arch_prot prot)
{
    uint64_t va = (uintptr_t)addr, end = va + len;

    if (va % ARCH_PAGE || len % ARCH_PAGE || end < va || end >> VA_BITS || !mmu_in_ram(va, len))
        return -EINVAL;
    for (; va < end; va += ARCH_PAGE) {
        int err;
        uint64_t *e = mmu_page_entry(va, &err);
        if (!e)
            return err;
        uint64_t attr = prot == ARCH_READ ? MAP_CONST : MAP_DATA;
        paging_store(e, prot == ARCH_NONE ? 0 : va | attr | DESC_TABLE);
        paging_flush_page(va);
    }
    return 0;
}
