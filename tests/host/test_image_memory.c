/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_memory.c - an image's memory (platform/runtime/memory.c, runs.c): which RAM is handed
 * out, alignment, zeroes, freeing and joining, exhaustion, the account, mistakes of the caller.
 */
#include <string.h>
#include <sys/mman.h>

#include "board.h"
#include "check.h"
#include "host.h"
#include "runs.h"
#include "runtime.h"
#include "vireo/image.h"

#define KIB     1024u
#define RAM_LEN (4u << 20)

static char *ram;
static struct board_info info;

const struct board_info *board_info(void)
{
    return &info;
}

/* RAM of 4 MiB that is 64 KiB-aligned, filled with a pattern; the caller has its ranges to say. */
static void make_ram(void)
{
    char *p =
        mmap(NULL, RAM_LEN + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    ram = (char *)(((uintptr_t)p + 65535) & ~(uintptr_t)65535);
    memset(ram, 0xa5, RAM_LEN);
}

static struct board_range part(size_t at, size_t len)
{
    return (struct board_range){(uintptr_t)ram + at, len};
}

/* One range of 4 MiB, of which the first 64 KiB are the image. */
static void plain(void)
{
    make_ram();
    info.ram[info.ram_count++] = part(0, RAM_LEN);
    info.reserved[info.reserved_count++] = part(0, 64 * KIB);
    memory_init(&info);
}

static bool zero(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

/* Does [p, p + len) lie in that part of the RAM? */
static bool within(const void *p, size_t len, size_t at, size_t part_len)
{
    const char *low = ram + at;

    return (const char *)p >= low && (const char *)p + len <= low + part_len;
}

static uint64_t free_bytes(void)
{
    struct memory_info m;

    vireo_memory(&m);
    return m.free;
}

static void pages_are_zeroed_and_aligned(void)
{
    plain();
    char *one = page_alloc(1), *three = page_alloc(3);

    CHECK(one && three && one != three);
    CHECK(zero(one, 4096) && zero(three, 3 * 4096));
    CHECK_EQ(((uintptr_t)one | (uintptr_t)three) % 4096, 0);
    memset(one, 0xff, 4096);
    memset(three, 0xff, 3 * 4096);
    page_free(one, 1);
    CHECK(zero(page_alloc(1), 4096));
    uint64_t before = free_bytes();
    char *big = page_take(2, 65536);
    CHECK(big && (uintptr_t)big % 65536 == 0);
    CHECK_EQ(free_bytes(), before - 2 * 4096);
    CHECK(page_take(0, 4096) == NULL && page_alloc(SIZE_MAX / 4096) == NULL);
    CHECK(page_take(SIZE_MAX / 4096 + 2, 4096) == NULL);
}

/* Reserved ranges are never handed out; all memory around them is. */
static void reserved_ranges_stay(void)
{
    unsigned n = 0;

    make_ram();
    info.ram[info.ram_count++] = part(0, RAM_LEN);
    info.reserved[info.reserved_count++] = part(2048 * KIB, 100); /* not in order of address */
    info.reserved[info.reserved_count++] = part(0, 64 * KIB);
    info.reserved[info.reserved_count++] = part(1024 * KIB, 8 * KIB);
    memory_init(&info);
    CHECK_EQ(free_bytes(), RAM_LEN - (64 + 8 + 4) * KIB);
    for (char *p; (p = page_alloc(1)) != NULL; n++) {
        CHECK(within(p, 4096, 0, RAM_LEN) && !within(p, 1, 0, 64 * KIB));
        CHECK(!within(p, 1, 1024 * KIB, 8 * KIB) && !within(p, 1, 2048 * KIB, 4 * KIB));
    }
    CHECK_EQ(n, (RAM_LEN - (64 + 8 + 4) * KIB) / 4096);
    CHECK_EQ((unsigned char)ram[0], 0xa5);
    CHECK_EQ((unsigned char)ram[1024 * KIB], 0xa5);
}

/* Ranges that do not begin and end on pages lose what is over; several ranges are used. */
static void several_ranges(void)
{
    make_ram();
    info.ram[info.ram_count++] = part(100, 12 * KIB);         /* two whole pages */
    info.ram[info.ram_count++] = part(1024 * KIB, 512 * KIB); /* the arena */
    info.ram[info.ram_count++] = part(2048 * KIB, 16 * KIB);
    info.ram[info.ram_count++] = part(3072 * KIB, 300); /* less than a page */
    memory_init(&info);
    CHECK_EQ(free_bytes(), (8 + 512 + 16) * KIB);
    CHECK(memory_heap_take(4 * KIB) == ram + 1024 * KIB);
    /* The small ranges are used before the arena is cut. */
    CHECK(within(page_alloc(2), 8192, 4096 - 0, 8 * KIB));
    CHECK(within(page_alloc(4), 16384, 2048 * KIB, 16 * KIB));
    CHECK(within(page_alloc(1), 4096, 1024 * KIB, 512 * KIB));
}

/* Page 0 is never handed out, so that NULL is no memory. */
static void page_0(void)
{
    info.ram[info.ram_count++] = (struct board_range){0, 64 * KIB};
    memory_init(&info);
    CHECK(memory_heap_take(4 * KIB) == (void *)4096);
    memory_heap_give((void *)4096, 4 * KIB);
    CHECK_EQ(free_bytes(), 60 * KIB);
}

/* What malloc has is not cut, even where only an aligned address in it would do. */
static void aligned_pages_beside_the_heap(void)
{
    plain();
    size_t most = RAM_LEN - (64 + 40) * KIB;
    char *heap = memory_heap_take(most);

    CHECK(heap != NULL);
    memset(heap, 0x5a, most);
    CHECK(page_take(1, 65536) == NULL);
    CHECK(page_take(1, 4096) >= (void *)(heap + most));
    memory_heap_give(heap + most / 2, most - most / 2);
    CHECK(page_take(1, 65536) != NULL);
}

/* The heap from below and pages from above meet; neither gets what the other has. */
static void arena_and_pages_meet(void)
{
    plain();
    size_t half = (RAM_LEN - 64 * KIB) / 2, pages = half / 4096;

    CHECK(memory_heap_take(4 * KIB) == ram + 64 * KIB);
    CHECK(memory_heap_take(8 * KIB) == ram + 68 * KIB);
    memory_heap_give(ram + 72 * KIB, 4 * KIB);
    memory_heap_give(ram + 64 * KIB, 8 * KIB);
    CHECK(memory_heap_take(half) == ram + 64 * KIB);
    char *p = page_alloc(pages);
    CHECK(p && p == ram + RAM_LEN - pages * 4096);
    CHECK(memory_heap_take(4 * KIB) == NULL && page_alloc(1) == NULL);
    page_free(p, pages);
    /* What touches the arena's end is the arena's again. */
    CHECK(memory_heap_take(4 * KIB) == ram + 64 * KIB + half);
    CHECK(page_alloc(pages) == NULL && page_alloc(pages - 1) != NULL);
}

/* The heap goes on in other ranges when its own is full, and all of them come back. */
static void the_heap_uses_all_ranges(void)
{
    char *got[64];
    unsigned n = 0;
    struct memory_info m;

    make_ram();
    info.ram[info.ram_count++] = part(0, 128 * KIB);
    info.ram[info.ram_count++] = part(512 * KIB, 256 * KIB);
    info.ram[info.ram_count++] = part(1024 * KIB, 64 * KIB);
    memory_init(&info);
    while ((got[n] = memory_heap_take(16 * KIB)) != NULL)
        n++;
    CHECK_EQ(n, 28);
    CHECK_EQ(free_bytes(), 0);
    vireo_memory(&m);
    CHECK_EQ(m.heap_used, 448 * KIB);
    CHECK(page_alloc(1) == NULL);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(got[i] - got[j] >= (int)(16 * KIB) || got[j] - got[i] >= (int)(16 * KIB));
    while (n)
        memory_heap_give(got[--n], 16 * KIB);
    CHECK_EQ(free_bytes(), 448 * KIB);
    CHECK(page_alloc(64) != NULL && page_alloc(32) != NULL && page_alloc(16) != NULL);
    CHECK_EQ(free_bytes(), 0);
}

/* One request that is larger than what is left of the arena is met by a larger range elsewhere. */
static void the_heap_takes_the_largest_range(void)
{
    make_ram();
    info.ram[info.ram_count++] = part(0, 1024 * KIB);
    info.ram[info.ram_count++] = part(2048 * KIB, 512 * KIB);
    memory_init(&info);
    CHECK(memory_heap_take(800 * KIB) == ram);
    CHECK(memory_heap_take(400 * KIB) == ram + 2048 * KIB);
    CHECK(memory_heap_take(300 * KIB) == NULL);
    CHECK(memory_heap_take(200 * KIB) == ram + 800 * KIB); /* the rest of the first */
    CHECK_EQ(free_bytes(), 136 * KIB);
    CHECK(page_alloc(28) != NULL && page_alloc(6) != NULL);
}

static void freed_pages_are_joined(void)
{
    plain();
    uint64_t before = free_bytes();
    char *p = page_alloc(8);
    struct memory_info m;

    CHECK_EQ(free_bytes(), before - 8 * 4096);
    vireo_memory(&m);
    CHECK_EQ(m.pages_used, 8 * 4096);
    CHECK_EQ(m.total, RAM_LEN);
    CHECK_EQ(m.image, 64 * KIB);
    page_free(p + 2 * 4096, 2); /* in the middle, behind, before, the rest */
    page_free(p + 4 * 4096, 4);
    page_free(p, 1);
    page_free(p + 4096, 1);
    CHECK_EQ(free_bytes(), before);
    CHECK(page_alloc(before / 4096) != NULL);
    page_free(NULL, 3);
    CHECK_EQ(free_bytes(), 0);
}

static void dma_is_zeroed_and_aligned(void)
{
    plain();
    static const size_t aligns[] = {1, 16, 64, 4096, 65536};
    uint64_t dma;

    for (unsigned i = 0; i < 5; i++) {
        char *p = hal_dma_alloc(100 + i, aligns[i], &dma);
        CHECK(p && (uintptr_t)p % aligns[i] == 0 && dma == (uintptr_t)p);
        CHECK((uintptr_t)p % 64 == 0);
        CHECK(zero(p, 100 + i));
        memset(p, 0xff, 100 + i);
        hal_dma_free(p, 100 + i);
        char *again = hal_dma_alloc(100 + i, aligns[i], &dma);
        CHECK(again && zero(again, 100 + i));
    }
    CHECK(hal_dma_alloc(0, 16, &dma) == NULL && hal_dma_alloc(16, 48, &dma) == NULL);
    CHECK(hal_dma_alloc(SIZE_MAX, 16, &dma) == NULL);
    CHECK(hal_dma_alloc(16, SIZE_MAX / 2 + 1, &dma) == NULL);
    hal_dma_free(NULL, 5);
}

/* Two blocks never share a cache line, and whole pages go back when their blocks are free. */
static void dma_pool(void)
{
    plain();
    uint64_t before = free_bytes(), dma;
    char *block[100];

    for (unsigned i = 0; i < 100; i++) {
        block[i] = hal_dma_alloc(65, 16, &dma);
        CHECK(block[i] != NULL);
        for (unsigned j = 0; j < i; j++)
            CHECK((block[i] > block[j] ? block[i] - block[j] : block[j] - block[i]) >= 128);
    }
    CHECK_EQ(free_bytes(), before - 4 * 4096); /* 100 x 128 bytes */
    for (unsigned i = 0; i < 100; i += 2)
        hal_dma_free(block[i], 65);
    CHECK_EQ(free_bytes(), before - 4 * 4096);
    for (unsigned i = 1; i < 100; i += 2)
        hal_dma_free(block[i], 65);
    CHECK_EQ(free_bytes(), before);
    while (page_alloc(1))
        ;
    CHECK(hal_dma_alloc(64, 64, &dma) == NULL);
}

static void bus_addresses(void)
{
    plain();
    char *last = ram + RAM_LEN - 10;

    CHECK_EQ(hal_dma_addr(ram + 5, 100), (uintptr_t)ram + 5);
    CHECK_EQ(hal_dma_addr(last, 10), (uintptr_t)last);
    CHECK(hal_dma_addr(last, 11) == HAL_DMA_NONE);
    CHECK(hal_dma_addr(ram - 1, 1) == HAL_DMA_NONE);
    CHECK(hal_dma_addr(ram, SIZE_MAX) == HAL_DMA_NONE);
    CHECK(hal_dma_addr((void *)16, 1) == HAL_DMA_NONE);
}

static void lent_pages(void)
{
    plain();
    uint64_t before = free_bytes(), page = hal_page_lend();
    struct hal_memory total;
    struct memory_info m;

    CHECK(page != HAL_DMA_NONE && page % 4096 == 0);
    vireo_memory(&m);
    CHECK_EQ(m.lent, 4096);
    CHECK_EQ(m.pages_used, 0);
    CHECK_EQ(m.free, before - 4096);
    hal_memory(&total);
    CHECK_EQ(total.total, RAM_LEN);
    CHECK_EQ(total.free, before - 4096);
    hal_page_return(page);
    vireo_memory(&m);
    CHECK(m.lent == 0 && m.free == before);
    while (page_alloc(1))
        ;
    CHECK(hal_page_lend() == HAL_DMA_NONE);
}

static void private_memory(void)
{
    char *p = hal_alloc(40);

    CHECK(p && zero(p, 40) && (uintptr_t)p % 16 == 0);
    hal_free(p);
    p = hal_alloc(0);
    CHECK(p != NULL);
    hal_free(p);
    hal_free(NULL);
}

static void expect(const char *panic)
{
    if (!strstr(host_panic_text(), panic))
        check_fail(__FILE__, __LINE__, "panic \"%s\"", host_panic_text());
}

static void mistakes_are_panics(void)
{
    jmp_buf out;
    uint64_t dma;

    plain();
    char *p = page_alloc(4);
    CHECK(page_alloc(1) != NULL); /* so that what is freed does not touch the arena */
    page_free(p, 2);
    host_expect_panic(&out);
    if (!setjmp(out)) {
        page_free(p, 1);
        CHECK(false);
    }
    expect("is not in use");
    host_expect_panic(&out);
    if (!setjmp(out)) {
        page_free(ram + 64 * KIB, 1); /* malloc's */
        CHECK(false);
    }
    expect("is not in use");
    CHECK(hal_dma_alloc(64, 64, &dma) != NULL);
    char *block = hal_dma_alloc(64, 64, &dma);
    hal_dma_free(block, 64);
    host_expect_panic(&out);
    if (!setjmp(out)) {
        hal_dma_free(block, 64);
        CHECK(false);
    }
    expect("was freed twice");
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void runs_best_fit(void)
{
    static char memory[64 * 64] __attribute__((aligned(4096)));
    struct runs r = {.granule = 64};

    runs_give(&r, memory, 8 * 64);           /* eight, */
    runs_give(&r, memory + 16 * 64, 3 * 64); /* three */
    runs_give(&r, memory + 32 * 64, 3 * 64); /* and three units */
    CHECK_EQ(r.total, 14 * 64);
    CHECK(runs_take(&r, 3 * 64, 64) == memory + 32 * 64); /* the smallest, the highest of them */
    CHECK(runs_take(&r, 64, 64) == memory + 18 * 64);     /* from the top of a run */
    CHECK(runs_take(&r, 4 * 64, 256) == memory + 4 * 64);
    CHECK(runs_take(&r, 9 * 64, 64) == NULL && runs_take(&r, 0, 64) == NULL);
    CHECK_EQ(r.total, 6 * 64);
    CHECK(runs_hold(&r, memory) && runs_hold(&r, memory + 4 * 64 - 1));
    CHECK(!runs_hold(&r, memory + 4 * 64) && !runs_hold(&r, memory + 40 * 64));
}

static void runs_join(void)
{
    static char memory[64 * 64] __attribute__((aligned(4096)));
    struct runs r = {.granule = 64};
    jmp_buf out;

    runs_give(&r, memory, 2 * 64);
    runs_give(&r, memory + 4 * 64, 2 * 64);
    struct run *run = runs_give(&r, memory + 2 * 64, 2 * 64);
    CHECK((char *)run == memory && run->len == 6 * 64 && !run->next);
    runs_cut(&r, run, memory + 64, 64);
    CHECK(r.first->len == 64 && r.first->next->len == 4 * 64);
    CHECK_EQ(r.total, 5 * 64);
    host_expect_panic(&out);
    if (!setjmp(out)) {
        runs_give(&r, memory + 5 * 64, 2 * 64); /* its first unit is free already */
        CHECK(false);
    }
    expect("was freed twice");
}

/* Random takes and gives: nothing is handed out twice, and all comes together again. */
static void runs_random(void)
{
    enum { UNITS = 256, HELD = 40 };
    static char memory[UNITS * 64] __attribute__((aligned(4096)));
    static bool out[UNITS];
    struct runs r = {.granule = 64};
    struct {
        char *p;
        size_t n;
    } held[HELD] = {{0}};

    runs_give(&r, memory, sizeof(memory));
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = random_below(HELD);
        if (held[i].p) {
            size_t first = (size_t)(held[i].p - memory) / 64;
            for (size_t u = 0; u < held[i].n; u++)
                out[first + u] = false;
            runs_give(&r, held[i].p, held[i].n * 64);
            held[i].p = NULL;
            continue;
        }
        size_t n = 1 + random_below(12), align = 64u << random_below(4);
        char *p = runs_take(&r, n * 64, align);
        if (!p)
            continue;
        CHECK((uintptr_t)p % align == 0 && p >= memory && p + n * 64 <= memory + sizeof(memory));
        for (size_t u = 0; u < n; u++) {
            CHECK(!out[(size_t)(p - memory) / 64 + u]);
            out[(size_t)(p - memory) / 64 + u] = true;
        }
        held[i].p = p;
        held[i].n = n;
    }
    for (unsigned i = 0; i < HELD; i++)
        if (held[i].p)
            runs_give(&r, held[i].p, held[i].n * 64);
    CHECK(r.first && r.first->len == sizeof(memory) && !r.first->next);
    CHECK_EQ(r.total, sizeof(memory));
}

static const struct test_case cases[] = {
    {"pages_are_zeroed_and_aligned", pages_are_zeroed_and_aligned},
    {"reserved_ranges_stay", reserved_ranges_stay},
    {"several_ranges", several_ranges},
    {"page_0", page_0},
    {"arena_and_pages_meet", arena_and_pages_meet},
    {"aligned_pages_beside_the_heap", aligned_pages_beside_the_heap},
    {"the_heap_uses_all_ranges", the_heap_uses_all_ranges},
    {"the_heap_takes_the_largest_range", the_heap_takes_the_largest_range},
    {"freed_pages_are_joined", freed_pages_are_joined},
    {"dma_is_zeroed_and_aligned", dma_is_zeroed_and_aligned},
    {"dma_pool", dma_pool},
    {"bus_addresses", bus_addresses},
    {"lent_pages", lent_pages},
    {"private_memory", private_memory},
    {"mistakes_are_panics", mistakes_are_panics},
    {"runs_best_fit", runs_best_fit},
    {"runs_join", runs_join},
    {"runs_random", runs_random},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
