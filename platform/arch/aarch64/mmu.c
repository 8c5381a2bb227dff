/*
 * mmu.c - the identity map (Arm ARM, D5: VMSAv8-64, 4 KiB granule, 44-bit addresses, EL1 only).
 *
 * The image is mapped by 4 KiB pages where protections change, RAM by the largest blocks that fit,
 * device windows on demand. What nobody asked for is not mapped, page 0 included. Tables come from
 * a small pool in the image, later from page_alloc.
 */
#include "arch.h"
#include "board.h"
#include "cpu.h"
#include "hal.h"

#define VA_BITS     44u
#define PAGE_SHIFT  12u
#define BLOCK_SHIFT 21u
#define LEVEL_BITS  9u
#define TOP_SHIFT   39u
#define ENTRIES     512u
#define POOL_TABLES 10u

/* Descriptor bits (D5.3). */
#define DESC_BLOCK     1ull
#define DESC_TABLE     3ull /* or a page, on the last level */
#define DESC_TYPE      3ull
#define DESC_ADDR      0x0000fffffffff000ull
#define ATTR_DEVICE    (1ull << 2) /* index in MAIR; 0 is normal memory */
#define ATTR_READ_ONLY (1ull << 7)
#define ATTR_INNER     (3ull << 8)
#define ATTR_AF        (1ull << 10)
#define ATTR_PXN       (1ull << 53)
#define ATTR_UXN       (1ull << 54)
#define ATTR_MASK      (~DESC_ADDR & ~DESC_TYPE)

#define MAP_TEXT   (ATTR_INNER | ATTR_AF | ATTR_READ_ONLY | ATTR_UXN)
#define MAP_CONST  (MAP_TEXT | ATTR_PXN)
#define MAP_DATA   (ATTR_INNER | ATTR_AF | ATTR_PXN | ATTR_UXN)
#define MAP_DEVICE (ATTR_DEVICE | ATTR_AF | ATTR_PXN | ATTR_UXN)

#define MAIR 0x04ffull /* 0: write-back, allocate; 1: device nGnRE */
/* TTBR0 only, walks through the inner-shareable cache. */
#define TCR ((64 - VA_BITS) | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23)

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
/* The code that runs before the MMU: memory is like a device then, so no unaligned access. */
#define MMU_OFF __attribute__((target("strict-align"), no_stack_protector))

extern char __image_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[];
extern char __boot_guard[], __boot_stack_low[], __handler_guard[], __handler_stack_low[];
extern char __fault_guard[], __fault_stack_low[], __image_end[];

static struct {
    uint64_t pool[POOL_TABLES][ENTRIES]; /* [0] is the top level, of which few entries are used */
    unsigned used;
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
MMU_OFF static uint64_t *table_new(void)
{
    if (mmu.used < POOL_TABLES) {
        uint64_t *t = mmu.pool[mmu.used++];
        for (uint64_t *p = t; p < t + ENTRIES; p += 8) /* no memset: it may want the MMU on */
            __asm__ volatile("stp xzr, xzr, [%0]\n\t"
                             "stp xzr, xzr, [%0, #16]\n\t"
                             "stp xzr, xzr, [%0, #32]\n\t"
                             "stp xzr, xzr, [%0, #48]"
                             :
                             : "r"(p)
                             : "memory");
        return t;
    }
    return memory_ready ? page_alloc(1) : NULL;
}

static inline uint64_t *entry_of(uint64_t *table, unsigned shift, uint64_t va)
{
    return &table[va >> shift & (ENTRIES - 1)];
}

static inline bool is_table(uint64_t desc, unsigned shift)
{
    return shift > PAGE_SHIFT && (desc & DESC_TYPE) == DESC_TABLE;
}

/*
 * Fills entries of one table from va on, until `end`, the table's end, or an entry that leads to
 * another table. What is mapped already stays; 0 if it is mapped with other attributes and `exact`.
 */
MMU_OFF static uint64_t fill(uint64_t *table, unsigned shift, uint64_t va, uint64_t end,
                             uint64_t attr, bool exact)
{
    uint64_t size = 1ull << shift;
    uint64_t type = shift == PAGE_SHIFT ? DESC_TABLE : DESC_BLOCK;

    do {
        uint64_t *e = entry_of(table, shift, va);
        if (!*e)
            *e = va | attr | type;
        else if (is_table(*e, shift))
            break;
        else if (exact && (*e & ATTR_MASK) != attr)
            return 0;
        va += size;
    } while (end - va >= size && (va >> shift & (ENTRIES - 1)));
    return va;
}

/* Maps [va, end), whole pages, onto itself. -ENOMEM: no table; -EBUSY: mapped otherwise (exact). */
MMU_OFF static int map(uint64_t va, uint64_t end, uint64_t attr, bool exact)
{
    while (va < end) {
        uint64_t *table = mmu.pool[0];
        unsigned shift = TOP_SHIFT;
        for (;;) {
            uint64_t *e = entry_of(table, shift, va);
            uint64_t size = 1ull << shift;
            bool leaf = shift < TOP_SHIFT && !(va & (size - 1)) && end - va >= size;
            if (leaf && !is_table(*e, shift))
                break;
            if (!*e) {
                uint64_t *t = table_new();
                if (!t)
                    return -ENOMEM;
                cpu_dsb(); /* the walker must not see the table before its zeroes */
                *e = (uintptr_t)t | DESC_TABLE;
            } else if (!is_table(*e, shift)) {
                if (exact && (*e & ATTR_MASK) != attr)
                    return -EBUSY;
                va = (va | (size - 1)) + 1; /* a larger block covers this already */
                goto next;
            }
            table = (uint64_t *)(uintptr_t)(*e & DESC_ADDR);
            shift -= LEVEL_BITS;
        }
        va = fill(table, shift, va, end, attr, exact);
        if (!va)
            return -EBUSY;
    next:;
    }
    cpu_dsb();
    cpu_isb();
    return 0;
}

MMU_OFF static uint32_t be32(const uint8_t *p)
{
    uint32_t v = *(const volatile uint32_t *)p;
    return __builtin_bswap32(v);
}

/* End of the block whose offset and size are words of the tree's header; 0: not inside the tree. */
MMU_OFF static uint64_t block_end(const uint8_t *tree, unsigned offset_at, unsigned size_at)
{
    uint64_t end = (uint64_t)be32(tree + offset_at) + be32(tree + size_at);

    return end <= be32(tree + TREE_TOTAL) ? end : 0;
}

/*
 * The tree that we were given, or the one at the start of RAM, mapped as far as it is used; NULL
 * when there is none.
 */
MMU_OFF static const void *map_tree(uint64_t at)
{
    if (!at)
        at = board_ram_start;
    if (at % 8 || at < board_ram_start || at >> (VA_BITS - 1))
        return NULL;
    const uint8_t *tree = (const uint8_t *)(uintptr_t)at;
    uint32_t total = be32(tree + TREE_TOTAL);
    if (be32(tree) != TREE_MAGIC || total < TREE_HEADER || total > ARCH_DTB_MAX)
        return NULL;
    uint64_t structure = block_end(tree, TREE_STRUCT, TREE_STRUCT_SIZE);
    uint64_t strings = block_end(tree, TREE_STRINGS, TREE_STRINGS_SIZE);
    uint64_t reserved = (uint64_t)be32(tree + TREE_RESERVED) + ARCH_DTB_RESERVED * 16;
    uint64_t used = max64(max64(structure, strings), min64(reserved, total));
    if (!structure || !strings)
        return NULL;
    uint64_t first = at & ~(uint64_t)(ARCH_PAGE - 1);
    uint64_t end = (at + used + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1);
    return map(first, end, MAP_DATA, false) ? NULL : tree;
}

MMU_OFF static void map_section(const char *from, const char *to, uint64_t attr)
{
    map((uintptr_t)from, (uintptr_t)to, attr, false);
}

/*
 * MMU off, called once by entry.S: builds the first tables and sets up the translation registers.
 * Returns the device tree, as board_start() wants it.
 */
const void *mmu_boot(uint64_t dtb);
MMU_OFF const void *mmu_boot(uint64_t dtb)
{
    mmu.used = 0;
    table_new();
    map_section(__image_start, __text_end, MAP_TEXT);
    map_section(__rodata_start, __rodata_end, MAP_CONST);
    map_section(__data_start, __boot_guard, MAP_DATA);
    map_section(__boot_stack_low, __handler_guard, MAP_DATA);
    map_section(__handler_stack_low, __fault_guard, MAP_DATA);
    map_section(__fault_stack_low, __image_end, MAP_DATA);
    const void *tree = map_tree(dtb);

    /* The stores above went past the cache: drop what it may hold of the tables. */
    for (uintptr_t p = (uintptr_t)&mmu; p < (uintptr_t)mmu.pool[mmu.used]; p += 64)
        __asm__ volatile("dc ivac, %0" : : "r"(p) : "memory");
    __asm__ volatile("dc ivac, %0" : : "r"(&mmu.used) : "memory");
    cpu_dsb();

    uint64_t pa_range = cpu_read(id_aa64mmfr0_el1) & 15;
    if (pa_range > 5)
        pa_range = 5;
    cpu_write(mair_el1, MAIR);
    cpu_write(tcr_el1, TCR | pa_range << 32);
    cpu_write(ttbr0_el1, (uintptr_t)mmu.pool[0]);
    cpu_isb();
    return tree;
}

void arch_memory_ready(void)
{
    memory_ready = true;
}

static int map_ram_part(uint64_t base, uint64_t end)
{
    return base < end ? map(base, end, MAP_DATA, false) : 0;
}

/* All but the image, which is mapped already and has holes: the guards of its stacks. */
int arch_map_ram(uint64_t base, uint64_t len)
{
    uint64_t limit = 1ull << VA_BITS;
    uint64_t image = (uintptr_t)__image_start, image_end = (uintptr_t)__image_end;

    if (base >= limit || len > limit - base)
        return -EINVAL;
    uint64_t end = (base + len) & ~(uint64_t)(ARCH_PAGE - 1);
    base = (base + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1);
    int err = map_ram_part(base, min64(end, image));
    return err ? err : map_ram_part(max64(base, image_end), end);
}

static bool in_ram(uint64_t phys, uint64_t len)
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
    static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t pa_range = cpu_read(id_aa64mmfr0_el1) & 15;
    unsigned bits = pa_range < sizeof pa_bits ? pa_bits[pa_range] : VA_BITS;
    uint64_t limit = 1ull << (bits < VA_BITS ? bits : VA_BITS);

    if (!phys || !len || phys >= limit || len > limit - phys || in_ram(phys, len))
        return 0;
    uint64_t first = phys & ~(uint64_t)(ARCH_PAGE - 1);
    uint64_t end = (phys + len + ARCH_PAGE - 1) & ~(uint64_t)(ARCH_PAGE - 1);
    if (!first)
        return 0; /* page 0 stays unmapped */
    return map(first, end, MAP_DEVICE, true) ? 0 : (hal_mmio_t)phys;
}

/* ---- changing what is mapped ----------------------------------------------------------------- */

static void tlb_flush_page(uint64_t va)
{
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi vaae1is, %0\n\t"
                     "dsb ish\n\t"
                     "isb"
                     :
                     : "r"(va >> PAGE_SHIFT)
                     : "memory");
}

/* The last-level entry of the guard below the boot stack: its addresses are free for a window. */
static uint64_t *window_entry(void)
{
    uint64_t va = (uintptr_t)__boot_guard;
    uint64_t *table = mmu.pool[0];

    for (unsigned shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= LEVEL_BITS)
        table = (uint64_t *)(uintptr_t)(*entry_of(table, shift, va) & DESC_ADDR);
    return entry_of(table, PAGE_SHIFT, va);
}

/*
 * Replaces a live block by a table, with break before make (D5.10.1). Between the two stores the
 * block is not mapped, and it may hold our stack or the table that is written: one instruction
 * sequence without a memory operand but the entry, which is reached through a window of the image.
 */
static void replace_block(uint64_t *e, uint64_t desc)
{
    uint64_t *window = window_entry();
    uintptr_t page = (uintptr_t)e & ~(uintptr_t)(ARCH_PAGE - 1);
    uintptr_t alias = (uintptr_t)__boot_guard;
    unsigned long state = arch_irq_save();

    *window = page | MAP_DATA | DESC_TABLE;
    cpu_dsb();
    cpu_isb();
    __asm__ volatile("str xzr, [%0]\n\t"
                     "dsb ishst\n\t"
                     "tlbi vmalle1is\n\t"
                     "dsb ish\n\t"
                     "isb\n\t"
                     "str %1, [%0]\n\t"
                     "dsb ishst\n\t"
                     "isb"
                     :
                     : "r"(alias + ((uintptr_t)e - page)), "r"(desc)
                     : "memory");
    *window = 0;
    tlb_flush_page(alias);
    arch_irq_restore(state);
}

/* Splits the block behind e, of 1 << shift bytes, into a table of smaller ones. */
static int split(uint64_t *e, unsigned shift)
{
    uint64_t block = *e;
    unsigned below = shift - LEVEL_BITS;
    uint64_t type = below == PAGE_SHIFT ? DESC_TABLE : DESC_BLOCK;
    uint64_t *t = table_new();

    if (!t)
        return -ENOMEM;
    for (uint64_t i = 0; i < ENTRIES; i++)
        t[i] = ((block & ~DESC_TYPE) + (i << below)) | type;
    cpu_dsb();
    replace_block(e, (uintptr_t)t | DESC_TABLE);
    return 0;
}

/* The last-level entry for va, after splitting the blocks on the way; NULL: see *err. */
static uint64_t *page_entry(uint64_t va, int *err)
{
    uint64_t *table = mmu.pool[0];

    for (unsigned shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= LEVEL_BITS) {
        uint64_t *e = entry_of(table, shift, va);
        *err = *e ? 0 : -EINVAL;
        if (*e && !is_table(*e, shift))
            *err = split(e, shift);
        if (*err)
            return NULL;
        table = (uint64_t *)(uintptr_t)(*e & DESC_ADDR);
    }
    return entry_of(table, PAGE_SHIFT, va);
}

int arch_protect(void *addr, size_t len, enum arch_prot prot)
{
    uint64_t va = (uintptr_t)addr, end = va + len;

    if (va % ARCH_PAGE || len % ARCH_PAGE || end < va || end >> VA_BITS || !in_ram(va, len))
        return -EINVAL;
    for (; va < end; va += ARCH_PAGE) {
        int err;
        uint64_t *e = page_entry(va, &err);
        if (!e)
            return err;
        uint64_t attr = prot == ARCH_READ ? MAP_CONST : MAP_DATA;
        *e = prot == ARCH_NONE ? 0 : va | attr | DESC_TABLE;
        tlb_flush_page(va);
    }
    return 0;
}
