/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_heap.c - the blocks of an image's malloc (platform/runtime/heap.c, over memory.c): no
 * two overlap, alignment, sizes that no memory has, several ranges, what comes back, and the
 * mistakes of a caller that a debug build finds.
 */
#include <string.h>
#include <sys/mman.h>

#include "board.h"
#include "check.h"
#include "heap.h"
#include "host.h"
#include "runtime.h"
#include "vireo/image.h"

#define KIB     1024u
#define RAM_LEN (8u << 20)

static char *ram;
static struct board_info info;

const struct board_info *board_info(void)
{
    return &info;
}

/* `count` ranges of len bytes, a page apart. */
static void make_ram(unsigned count, size_t len)
{
    char *p = mmap(NULL, RAM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    ram = p;
    memset(ram, 0x5a, RAM_LEN);
    for (unsigned i = 0; i < count; i++)
        info.ram[info.ram_count++] =
            (struct board_range){(uintptr_t)ram + i * (len + PAGE_SIZE), len};
    memory_init(&info);
}

static uint64_t free_bytes(void)
{
    struct memory_info m;

    vireo_memory(&m);
    return m.free;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

#define HELD 200u

static struct held {
    unsigned char *p;
    size_t size;
    unsigned char fill;
} held[HELD];

static void fill_block(struct held *h, unsigned char *p, size_t size)
{
    CHECK(p && (uintptr_t)p % 16 == 0);
    CHECK(heap_block_size(p) >= size);
    h->p = p;
    h->size = size;
    h->fill = (unsigned char)random_below(256);
    memset(p, h->fill, size);
}

static void check_block(const struct held *h, size_t size)
{
    for (size_t i = 0; i < size && i < h->size; i++)
        CHECK_EQ(h->p[i], h->fill);
}

static size_t any_size(void)
{
    static const unsigned limits[] = {40, 300, 2000, 20000, 200000};

    return random_below(limits[random_below(5)]);
}

static void random_step(struct held *h)
{
    size_t size = any_size();

    if (!h->p) {
        size_t align = 16u << random_below(9);
        unsigned char *p = random_below(4) ? heap_alloc(size) : heap_alloc_aligned(align, size);
        if (p)
            fill_block(h, p, size);
        return;
    }
    check_block(h, h->size);
    if (random_below(3)) {
        heap_free(h->p);
        h->p = NULL;
        return;
    }
    unsigned char *p = heap_resize(h->p, size);
    if (!p)
        return; /* the block is as it was */
    h->p = p;
    check_block(h, size);
    fill_block(h, p, size);
}

/* Random allocations, changes and frees: content stays, and in the end all memory is back. */
static void random_blocks(void)
{
    make_ram(case_variant ? 6 : 1, case_variant ? 512 * KIB : 3072 * KIB);
    uint64_t before = free_bytes();

    for (unsigned i = 0; i < 40000; i++)
        random_step(&held[random_below(HELD)]);
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i].p)
            check_block(&held[i], held[i].size);
        heap_free(held[i].p);
    }
    CHECK(heap_info().total - heap_info().free <= 6 * 32); /* nothing is in use */
    CHECK(before - free_bytes() <= (case_variant ? 6 : 1) * 128 * KIB);
    CHECK(heap_alloc(380 * KIB) != NULL); /* in one piece again */
}

static const struct test_variant ranges[] = {{"one_range", 0}, {"six_ranges", 1}, {NULL, 0}};

/* Memory that is split into ranges is used to the last of them, for small and for large blocks. */
static void all_ranges(void)
{
    static void *block[8 * 64 * KIB / 64];
    size_t size = case_variant ? 20000 : 100;
    unsigned n = 0;

    make_ram(8, 64 * KIB);
    uint64_t before = free_bytes();
    while ((block[n] = heap_alloc(size)) != NULL)
        n++;
    CHECK(n >= (case_variant ? 8 * 3 : 8 * 64 * KIB / 160));
    while (n)
        heap_free(block[--n]);
    CHECK(before - free_bytes() <= 8 * 64 * KIB);
    for (n = 0; n < 7; n++) /* one range is still in two pieces */
        CHECK((block[n] = heap_alloc(60 * KIB)) != NULL);
}

static const struct test_variant sizes[] = {{"small", 0}, {"large", 1}, {NULL, 0}};

static void memory_comes_back(void)
{
    make_ram(1, 4096 * KIB);
    uint64_t before = free_bytes();
    void *keep = heap_alloc(100), *large = heap_alloc(1024 * KIB);

    CHECK(keep && large && free_bytes() <= before - 1024 * KIB);
    heap_free(large);
    CHECK(free_bytes() >= before - 8 * KIB);
    large = heap_alloc(200 * KIB);
    void *above = heap_alloc(100);
    heap_free(large); /* in the middle: it stays the heap's, and is used again */
    CHECK(free_bytes() <= before - 200 * KIB);
    CHECK(heap_alloc(200 * KIB) == large);
    heap_free(large);
    heap_free(above);
    CHECK(free_bytes() >= before - 8 * KIB);
    heap_free(keep);
    CHECK(heap_info().free + 64 >= heap_info().total);
}

/* What no memory has is refused, without an overflow on the way; blocks stay as they are. */
static void impossible_sizes(void)
{
    static const size_t wanted[] = {SIZE_MAX,     SIZE_MAX - 15, SIZE_MAX - 100,  SIZE_MAX / 2 + 1,
                                    SIZE_MAX / 2, SIZE_MAX / 4,  (size_t)1 << 46, RAM_LEN};

    make_ram(1, 4096 * KIB);
    char *p = heap_alloc(10);
    memcpy(p, "abcdefghi", 10);
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        CHECK(heap_alloc(wanted[i]) == NULL);
        CHECK(heap_alloc_aligned(4096, wanted[i]) == NULL);
        CHECK(heap_resize(p, wanted[i]) == NULL);
    }
    CHECK(heap_alloc_aligned((size_t)1 << 63, 1) == NULL);
    CHECK(heap_alloc_aligned((size_t)1 << 62, SIZE_MAX / 2) == NULL);
    CHECK(!memcmp(p, "abcdefghi", 10));
}

static void aligned_blocks(void)
{
    make_ram(1, 4096 * KIB);
    for (size_t align = 1; align <= 256 * KIB; align *= 2)
        for (unsigned size = 0; size < 200; size += 33) {
            char *p = heap_alloc_aligned(align, size);
            CHECK(p && (uintptr_t)p % align == 0 && heap_block_size(p) >= size);
            memset(p, 7, size);
            heap_free(p);
        }
    CHECK(heap_info().free + 64 >= heap_info().total);
}

static void resized_in_place(void)
{
    make_ram(1, 4096 * KIB);
    char *p = heap_alloc(1000), *above = heap_alloc(1000);

    CHECK(heap_resize(p, 10) == p);  /* the rest is free, */
    CHECK(heap_resize(p, 900) == p); /* and taken back */
    heap_free(above);
    CHECK(heap_resize(p, 1800) == p); /* over the free block above */
    CHECK(heap_resize(NULL, 20) != NULL);
    char *moved = heap_resize(p, 100 * KIB);
    CHECK(moved && moved != p);
    CHECK(heap_resize(moved, 0) == moved);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static char *block;

static void free_it(void)
{
    heap_free(block);
}

static void free_inside(void)
{
    heap_free(block + 16);
}

static void free_odd(void)
{
    heap_free(block + 3);
}

static void free_foreign(void)
{
    static char own[64] __attribute__((aligned(16)));

    heap_free(own + 16);
}

static void free_small_number(void)
{
    heap_free((void *)32);
}

static void resize_it(void)
{
    heap_resize(block, 500);
}

static void expect_panic(void (*mistake)(void), const char *text)
{
    jmp_buf out;

    host_expect_panic(&out);
    if (!setjmp(out)) {
        mistake();
        CHECK(false);
    }
    if (!strstr(host_panic_text(), text))
        check_fail(__FILE__, __LINE__, "panic \"%s\"", host_panic_text());
}

static void wrong_frees(void)
{
    make_ram(1, 4096 * KIB);
    block = heap_alloc(300);
    CHECK(heap_alloc(300) != NULL);
    memset(block, 0xff, 16);
    expect_panic(free_inside, "malloc gave no such block");
    memset(block, 0, 16);
    expect_panic(free_inside, "malloc never gave it");
    expect_panic(free_odd, "malloc gave no such block");
    expect_panic(free_foreign, "malloc gave no such block");
    expect_panic(free_small_number, "malloc gave no such block");
    free_it();
    expect_panic(free_it, "is free already");
    expect_panic(resize_it, "is free already");
}

/* The block below was freed as well: the chunks are one, and the second free is still noticed. */
static void freed_twice_in_a_joined_chunk(void)
{
    make_ram(1, 4096 * KIB);
    char *below = heap_alloc(300);
    block = heap_alloc(300);
    CHECK(heap_alloc(300) != NULL);
    heap_free(below);
    free_it();
    expect_panic(free_it, "is free already");
}

/* One byte behind the end, one far behind, and the length that the debug build noted. */
static void written_past_the_end(void)
{
    static const size_t sizes_tried[] = {0, 1, 8, 15, 16, 17, 100, 4096};

    make_ram(1, 4096 * KIB);
    for (unsigned i = 0; i < sizeof(sizes_tried) / sizeof(*sizes_tried); i++) {
        block = heap_alloc(sizes_tried[i]);
        block[sizes_tried[i]] ^= 1;
        expect_panic(free_it, "was written past its end");
        expect_panic(resize_it, "was written past its end");
        block[sizes_tried[i]] ^= 1;
        free_it();
    }
    block = heap_alloc(100);
    memset(block + 100, 0xff, 24);
    expect_panic(free_it, "past its end");
}

static void freed_bytes_are_overwritten(void)
{
    make_ram(1, 4096 * KIB);
    block = heap_alloc(300);
    CHECK(heap_alloc(300) != NULL);
    memset(block, 0, 300);
    heap_free(block);
    CHECK_EQ((unsigned char)block[100], 0xdd);
}

static const struct test_case cases[] = {
    {"random_blocks", random_blocks, NULL, 0, ranges},
    {"all_ranges", all_ranges, NULL, 0, sizes},
    {"memory_comes_back", memory_comes_back},
    {"impossible_sizes", impossible_sizes},
    {"aligned_blocks", aligned_blocks},
    {"resized_in_place", resized_in_place},
    {"wrong_frees", wrong_frees},
    {"freed_twice_in_a_joined_chunk", freed_twice_in_a_joined_chunk},
    {"written_past_the_end", written_past_the_end},
    {"freed_bytes_are_overwritten", freed_bytes_are_overwritten},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
