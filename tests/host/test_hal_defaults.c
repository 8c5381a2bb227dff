/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hal_defaults.c - what a small kernel takes of drivers/hal_defaults.c and hal_arena.c. Both
 * are compiled here, with other names than those of the host's HAL.
 */
#include <stdio.h>
#include <string.h>

#define hal_log         own_log
#define hal_panic       own_panic
#define hal_on_shutdown own_on_shutdown
#define hal_option      own_option
#define hal_option_u64  own_option_u64
#define hal_option_bad  own_option_bad
#define hal_virtio_mmio own_virtio_mmio /* and the structure */
#define hal_pci_intx    own_pci_intx
#define hal_mmio_map    own_mmio_map
#define hal_irq_attach  own_irq_attach
#define hal_irq_detach  own_irq_detach
#define hal_irq_mask    own_irq_mask
#define hal_msi_alloc   own_msi_alloc
#define hal_msi_free    own_msi_free
#define hal_memory      own_memory
#define hal_page_lend   own_page_lend
#define hal_page_return own_page_return
#define hal_entropy_add own_entropy_add
#define hal_alloc       own_alloc
#define hal_free        own_free
#define hal_dma_alloc   own_dma_alloc
#define hal_dma_free    own_dma_free
#define hal_dma_addr    own_dma_addr

#define VIREO_MEMORY_FUNCTIONS 1
#include "../../drivers/hal_arena.c"
#define memcpy own_memcpy
#define memset own_memset
#define memcmp own_memcmp
#include "../../drivers/hal_defaults.c"

#undef memcpy
#undef memset
#undef memcmp
#include "check.h"

/* ---- answers --------------------------------------------------------------------------------- */

static char line[200];

static void keep_line(enum hal_level level, const char *who, const char *fmt, va_list ap)
{
    int n = snprintf(line, sizeof(line), "%d %s ", (int)level, who);

    vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
}

static void log_goes_to_the_callback(void)
{
    own_log(HAL_ERROR, "vblk0", "lost");
    CHECK(!line[0]);
    vireo_log_to(keep_line);
    own_log(HAL_WARN, "vblk0", "queue %u of %s", 3u, "four");
    CHECK(strcmp(line, "1 vblk0 queue 3 of four") == 0);
    own_option_bad(NULL, "qsize", "use 8");
    CHECK(strstr(line, "vireo option qsize: use 8"));
    vireo_log_to(NULL);
    own_log(HAL_ERROR, "vblk0", "lost");
    CHECK(strstr(line, "use 8"));
}

static void nothing_is_there(void)
{
    struct own_virtio_mmio window;
    struct hal_pci_host host;
    struct hal_msi msi;
    struct own_memory memory;

    CHECK(!own_option("vblk0", "poll"));
    CHECK_EQ(own_option_u64("vblk0", "qsize", 64, 2, 1024), 64);
    CHECK_EQ(own_virtio_mmio(0, &window), -ENOENT);
    CHECK_EQ(hal_pci_host(0, &host), -ENOENT);
    CHECK(own_pci_intx(0, 0, 1) < 0);
    CHECK_EQ(own_msi_alloc(0, &msi), -ENODEV);
    CHECK(own_irq_attach(5, NULL, NULL) < 0);
    CHECK_EQ(own_on_shutdown(NULL, NULL), 0);
    CHECK_EQ(own_mmio_map(0x10001000, 0x1000), 0x10001000);
    own_memory(&memory);
    CHECK(!memory.total && own_page_lend() == HAL_DMA_NONE);
}

static void numbers(void)
{
    uint64_t v;

    CHECK(defaults_number("0", &v) && v == 0);
    CHECK(defaults_number("1024", &v) && v == 1024);
    CHECK(!defaults_number("", &v) && !defaults_number("8k", &v) && !defaults_number("-1", &v));
    CHECK(!defaults_number("99999999999999999999999", &v));
}

static void memory_functions(void)
{
    uint8_t a[64], b[64];

    own_memset(a, 0x1a5, sizeof(a));
    for (unsigned i = 0; i < sizeof(a); i++)
        CHECK_EQ(a[i], 0xa5);
    a[7] = 1;
    CHECK(own_memcpy(b, a, sizeof(a)) == b && memcmp(a, b, sizeof(a)) == 0);
    CHECK_EQ(own_memcmp(a, b, sizeof(a)), 0);
    b[63] = 0xff;
    CHECK(own_memcmp(a, b, sizeof(a)) < 0 && own_memcmp(b, a, sizeof(a)) > 0);
    CHECK_EQ(own_memcmp(a, b, 63), 0);
}

/* ---- the arena ------------------------------------------------------------------------------- */

#define ARENA 65536u
static uint8_t arena[2 * ARENA + 1] __attribute__((aligned(4096)));

static size_t arena_left(void)
{
    size_t n = 0;

    for (const struct arena_range *r = arena_free; r; r = r->next) {
        CHECK(!r->next || arena_end((struct arena_range *)r) < (char *)r->next); /* joined */
        n += r->size;
    }
    return n;
}

static void arena_of_two_ranges(void)
{
    uint64_t dma;
    void *p;

    CHECK(!own_alloc(1));
    vireo_give_memory(arena + 1, 20); /* no unit fits */
    CHECK(!arena_free || arena_left() == 0);
    vireo_give_memory(arena + ARENA + 1, ARENA);
    vireo_give_memory(arena + 1, ARENA - 4096);
    CHECK(arena_left() <= 2 * ARENA - 4096 && arena_left() >= 2 * ARENA - 4096 - 64);
    memset(arena, 0xff, 1); /* not the arena's */
    p = own_dma_alloc(5000, 4096, &dma);
    CHECK(p && (uintptr_t)p % 4096 == 0 && dma == (uintptr_t)p && own_dma_addr(p, 1) == dma);
    for (unsigned i = 0; i < 5000; i++)
        CHECK(!((uint8_t *)p)[i]);
    memset(p, 0xee, 5000);
    own_dma_free(p, 5000);
    CHECK(!own_alloc(ARENA + 1) && !own_alloc(SIZE_MAX) && !own_alloc(SIZE_MAX - 20));
    CHECK(!own_dma_alloc(SIZE_MAX, 1, &dma) && dma == 0);
    own_free(NULL);
    own_dma_free(NULL, 7);
}

static void arena_comes_back_whole(void)
{
    static struct {
        uint8_t *p;
        size_t size;
        bool dma;
    } held[200];
    size_t all;

    vireo_give_memory(arena, ARENA);
    all = arena_left();
    CHECK_EQ(all, ARENA);
    for (unsigned n = 0; n < 20000; n++) {
        unsigned i = random_below(200);
        uint64_t dma;

        if (held[i].p) {
            for (size_t b = 0; b < held[i].size; b++)
                CHECK_EQ(held[i].p[b], (uint8_t)i);
            if (held[i].dma)
                own_dma_free(held[i].p, held[i].size);
            else
                own_free(held[i].p);
            held[i].p = NULL;
            continue;
        }
        held[i].size = 1 + random_below(1000);
        held[i].dma = random_below(2);
        held[i].p = held[i].dma ? own_dma_alloc(held[i].size, 1u << random_below(9), &dma)
                                : own_alloc(held[i].size);
        if (!held[i].p)
            continue;
        CHECK((uintptr_t)held[i].p % 16 == 0 && held[i].p >= arena &&
              held[i].p + held[i].size <= arena + ARENA);
        for (size_t b = 0; b < held[i].size; b++)
            CHECK(!held[i].p[b]);
        memset(held[i].p, (int)i, held[i].size);
    }
    for (unsigned i = 0; i < 200; i++)
        if (held[i].p && held[i].dma)
            own_dma_free(held[i].p, held[i].size);
        else
            own_free(held[i].p);
    CHECK_EQ(arena_left(), all);
    CHECK(arena_free && !arena_free->next);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"log_goes_to_the_callback", log_goes_to_the_callback, NULL, 0, NULL},
        {"nothing_is_there", nothing_is_there, NULL, 0, NULL},
        {"numbers", numbers, NULL, 0, NULL},
        {"memory_functions", memory_functions, NULL, 0, NULL},
        {"arena_of_two_ranges", arena_of_two_ranges, NULL, 0, NULL},
        {"arena_comes_back_whole", arena_comes_back_whole, NULL, 0, NULL},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
