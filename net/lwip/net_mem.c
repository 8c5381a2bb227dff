/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_mem.c - memory of lwIP and of sockets. Blocks have one of eleven sizes; they are cut from
 * slabs as needed, and freed blocks wait on a list of their size for the next use. Blocks above
 * 2 KiB come from the heap one by one; of those up to 64 KiB, which hold what is sent, some wait
 * for the next use when they are freed. All memory counts against one limit. Each call takes
 * constant time.
 */
#include "net_impl.h"
#include "vireo/image.h"

#define HEADER     16          /* bytes; keeps blocks aligned to 16 */
#define SLAB_MAX   2048        /* bytes of the largest size, with its header */
#define GRAIN      32          /* every size is a multiple */
#define SMALL_SLAB (8u << 10)  /* bytes, for sizes of up to 512 */
#define LARGE_SLAB (32u << 10) /* for larger ones */

struct header {
    uint32_t class;
    uint32_t state;
    uint64_t size; /* of a large block, with its header */
};
_Static_assert(sizeof(struct header) == HEADER, "block header");

#define PAGE 4096u /* bytes; a large block has whole ones */
#define BINS 16    /* freed large blocks wait by the number of their pages */

enum { FREE = 0x66726565, USED = 0x75736564, CLASS_LARGE = 0xff };

struct size_class {
    struct header *free; /* freed blocks, linked through the word behind the header */
    uint8_t *at, *end;   /* the part of the newest slab that was never used */
};

/* Bytes, header included. A segment or packet of a full frame fits into 1,664. */
static const uint16_t sizes[] = {64, 96, 160, 224, 352, 480, 640, 960, 1280, 1664, 2048};
#define CLASSES (sizeof(sizes) / sizeof(sizes[0]))

struct net_mem_level net_mem_level;
static struct size_class classes[CLASSES];
static uint8_t class_of[SLAB_MAX / GRAIN + 1]; /* by size in grains, rounded up */
static struct header *bins[BINS + 1];          /* freed large blocks, linked in the same way */
static uint64_t binned;                        /* bytes of these */
static uint64_t used, limit, failed;           /* as net_mem_used() and its like tell */
static bool starved;                           /* a use was refused since memory was last freed */

void net_mem_init(void)
{
    struct memory_info info;
    unsigned c = 0;

    for (unsigned i = 0; i <= SLAB_MAX / GRAIN; i++) {
        while (sizes[c] < i * GRAIN)
            c++;
        class_of[i] = (uint8_t)c;
    }
    vireo_memory(&info);
    limit = info.total / 4;
    net_mem_level.plenty = limit / 8;
}

uint64_t net_mem_used(void)
{
    return used;
}

uint64_t net_mem_lent(void)
{
    return net_mem_level.lent;
}

uint64_t net_mem_limit(void)
{
    return limit;
}

uint64_t net_mem_failed(void)
{
    return failed;
}

static void *mem_refuse(void)
{
    failed++;
    starved = true;
    return NULL;
}

bool net_mem_admit(unsigned eighths)
{
    if (net_mem_level.lent < limit / 8 * eighths)
        return true;
    starved = true;
    return false;
}

uint64_t net_mem_share(void)
{
    uint64_t most = limit / 8 * NET_MEM_RX;

    return net_mem_level.lent < most ? (most - net_mem_level.lent) / 4 : 0;
}

/* ---- large blocks that wait ------------------------------------------------------------------ */

static struct header *bin_pop(unsigned bin)
{
    struct header *h = bins[bin];

    if (h) {
        bins[bin] = *(struct header **)(h + 1);
        binned -= h->size;
    }
    return h;
}

/* A block that waits, of a quarter more pages at most. */
static struct header *bin_take(unsigned pages)
{
    struct header *h = NULL;
    unsigned most = pages + pages / 4 + 1;

    for (unsigned bin = pages; !h && bin <= BINS && bin <= most; bin++)
        h = bin_pop(bin);
    return h;
}

/* Gives all that waits back to the heap. */
static void bin_empty(void)
{
    struct header *h;

    for (unsigned bin = 1; bin <= BINS; bin++)
        while ((h = bin_pop(bin))) {
            used -= h->size;
            hal_free(h);
        }
}

/* May so many bytes be taken from the machine? */
static bool mem_has_room(size_t size)
{
    if (used + size > limit)
        bin_empty();
    return used + size <= limit;
}

/* ---- small blocks ---------------------------------------------------------------------------- */

static void *slab_new(size_t slab)
{
    uint64_t dma;
    void *p = hal_dma_alloc(slab, 64, &dma);

    if (p || !binned)
        return p;
    bin_empty();
    return hal_dma_alloc(slab, 64, &dma);
}

static struct header *slab_carve(struct size_class *c, size_t size)
{
    size_t slab = size > 512 ? LARGE_SLAB : SMALL_SLAB;
    struct header *h;

    if (c->at == c->end) {
        if (!mem_has_room(slab) || !(c->at = slab_new(slab))) {
            c->at = c->end = NULL;
            return NULL;
        }
        c->end = c->at + slab / size * size;
        used += slab;
    }
    h = (struct header *)c->at;
    c->at += size;
    h->class = (uint32_t)(c - classes);
    return h;
}

/* ---- large blocks ---------------------------------------------------------------------------- */

static struct header *large_new(size_t total)
{
    struct header *h;

    if (!mem_has_room(total))
        return NULL;
    h = hal_alloc(total);
    if (!h && binned) {
        bin_empty();
        h = hal_alloc(total);
    }
    if (!h)
        return NULL;
    used += total;
    h->class = CLASS_LARGE;
    h->size = total;
    return h;
}

/* A block of its own from the heap. size may be anything. */
static void *mem_large(size_t size)
{
    size_t pages = size > limit ? 0 : (size + HEADER + PAGE - 1) / PAGE;
    struct header *h = NULL;

    if (pages && pages <= BINS)
        h = bin_take((unsigned)pages);
    if (!h && pages)
        h = large_new(pages <= BINS ? pages * PAGE : size + HEADER);
    if (!h)
        return mem_refuse();
    net_mem_level.lent += h->size;
    h->state = USED;
    return h + 1;
}

static void large_free(struct header *h)
{
    uint64_t pages = h->size / PAGE;

    net_mem_level.lent -= h->size;
    if (pages <= BINS && binned + h->size <= limit / 8) {
        *(struct header **)(h + 1) = bins[pages];
        bins[pages] = h;
        binned += h->size;
        return;
    }
    used -= h->size;
    hal_free(h);
}

/* ---- all blocks ------------------------------------------------------------------------------ */

static struct header *slab_pop(struct size_class *c)
{
    struct header *h = c->free;

    if (h)
        c->free = *(struct header **)(h + 1);
    return h;
}

/* Slabs never change their size: when memory is short, a block of a larger size does as well. */
static __attribute__((noinline)) struct header *slab_take(struct size_class *c)
{
    struct header *h = NULL;

    for (; !h && c < classes + CLASSES; c++)
        if (!(h = slab_pop(c)))
            h = slab_carve(c, sizes[c - classes]);
    return h;
}

void *net_malloc(size_t size)
{
    struct size_class *c;
    struct header *h;

    if (size > SLAB_MAX - HEADER)
        return mem_large(size);
    c = &classes[class_of[(size + HEADER + GRAIN - 1) / GRAIN]];
    h = c->free; /* by far the most often */
    if (h)
        c->free = *(struct header **)(h + 1);
    else if (!(h = slab_take(c)))
        return mem_refuse();
    h->state = USED;
    net_mem_level.lent += sizes[h->class];
    return h + 1;
}

void *net_calloc(size_t n, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    p = net_malloc(total);
    return p ? memset(p, 0, total) : NULL;
}

void net_free(void *p)
{
    struct header *h = p;

    if (!p)
        return;
    h--;
    hal_assert(h->state == USED);
    h->state = FREE;
    if (starved) {
        starved = false;
        net_core.memory_freed = true;
        net_kick();
    }
    if (h->class == CLASS_LARGE) {
        large_free(h);
        return;
    }
    net_mem_level.lent -= sizes[h->class];
    *(struct header **)p = classes[h->class].free;
    classes[h->class].free = h;
}
