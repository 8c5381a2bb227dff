/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c (host) - mappings of data for devices, with an account of them: see host.h.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "asan.h"
#include "host.h"

#define COPIES_SIZE (256ull << 20)
#define COPIES_GAP  64u
#define MAPS        4096

static struct map {
    uint8_t *p;
    uint64_t dma;
    size_t len;
    enum hal_dma_direction direction;
} maps[MAPS]; /* those that have not ended */
static unsigned map_count;
static int64_t map_fail_after = -1;

static bool copying, copying_decided;
static uint8_t *copies;      /* the arena of copies */
static uint64_t copies_next; /* where the next copy may begin */

void host_dma_copy(bool on)
{
    copying = on;
    copying_decided = true;
}

static bool host_dma_copies(void)
{
    const char *how = copying_decided ? NULL : getenv("VIREO_HOST_DMA");

    if (!copying_decided)
        host_dma_copy(how && strcmp(how, "copy") == 0);
    return copying;
}

unsigned host_dma_maps(void)
{
    return map_count;
}

void host_dma_fail_after(int64_t n)
{
    map_fail_after = n;
}

void host_dma_forget(void)
{
    map_count = 0;
}

/* The first mapping of which [p, p+len) has a byte, from number `from` on; NULL: none. */
static struct map *map_of_memory(const uint8_t *p, size_t len, unsigned from)
{
    for (unsigned i = from; i < map_count; i++)
        if (p < maps[i].p + maps[i].len && maps[i].p < p + len)
            return &maps[i];
    return NULL;
}

void host_dma_check_free(const void *p, size_t len)
{
    if (map_of_memory(p, len, 0))
        host_violation("%p is freed, and a part of it is mapped", p);
}

/* ---- what the device sees -------------------------------------------------------------------- */

/* The mapping that has the byte at `bus` in that direction; NULL: none. */
static const struct map *map_at(uint64_t bus, enum hal_dma_direction direction)
{
    for (unsigned i = 0; i < map_count; i++)
        if (bus >= maps[i].dma && bus - maps[i].dma < maps[i].len &&
            (maps[i].direction & direction))
            return &maps[i];
    return NULL;
}

/* Mappings that touch on the bus may be accessed as one. */
bool host_dma_is_mapped(uint64_t bus, size_t len, enum hal_dma_direction direction)
{
    while (len) {
        const struct map *m = map_at(bus, direction);
        size_t n = m ? m->len - (size_t)(bus - m->dma) : 0;

        if (!m)
            return false;
        n = n < len ? n : len;
        bus += n;
        len -= n;
    }
    return true;
}

void *host_dma_copy_at(uint64_t bus)
{
    return copies && bus >= HOST_DMA_COPIES && bus - HOST_DMA_COPIES < COPIES_SIZE
               ? copies + (bus - HOST_DMA_COPIES)
               : NULL;
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void copies_create(void)
{
    copies = mmap(NULL, COPIES_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (copies == MAP_FAILED) {
        perror("DMA copies");
        abort();
    }
}

/* Is [bus, bus+len) free of copies that are mapped? */
static bool copies_are_free(uint64_t bus, size_t len)
{
    for (unsigned i = 0; i < map_count; i++)
        if (bus < maps[i].dma + maps[i].len + COPIES_GAP && maps[i].dma < bus + len + COPIES_GAP)
            return false;
    return true;
}

/* The bus address of a free place of len bytes behind the one before, aligned as p is to 16. */
static uint64_t copies_place(const uint8_t *p, size_t len)
{
    uint64_t bus;

    if (!copies)
        copies_create();
    for (unsigned tries = 0; tries <= MAPS; tries++, copies_next += 65536) {
        if (copies_next + len + 2 * COPIES_GAP > COPIES_SIZE)
            copies_next = 0;
        bus = HOST_DMA_COPIES + copies_next + ((uintptr_t)p & 15);
        if (copies_are_free(bus, len)) {
            copies_next += (len + 2 * COPIES_GAP - 1) / COPIES_GAP * COPIES_GAP;
            return bus;
        }
    }
    return HAL_DMA_NONE;
}

/* What the driver must not read before the mapping has ended is no data of the device. */
static uint64_t copy_begin(uint8_t *p, size_t len, enum hal_dma_direction direction)
{
    uint64_t bus = copies_place(p, len);
    uint8_t *copy = host_dma_copy_at(bus);

    if (bus == HAL_DMA_NONE)
        return bus;
    if (direction & HAL_DMA_TO_DEVICE)
        memcpy(copy, p, len);
    else
        memset(copy, 0xa5, len);
    if (direction & HAL_DMA_FROM_DEVICE)
        ASAN_POISON_MEMORY_REGION(p, len);
    return bus;
}

static void map_end(const struct map *m)
{
    uint8_t *copy = host_dma_copy_at(m->dma);

    ASAN_UNPOISON_MEMORY_REGION(m->p, m->len);
    if (!copy)
        return;
    if (m->direction & HAL_DMA_FROM_DEVICE)
        memcpy(m->p, copy, m->len);
    memset(copy, 0xdd, m->len);
}

/* ---- the HAL --------------------------------------------------------------------------------- */

static bool map_allowed(const uint8_t *p, size_t len, enum hal_dma_direction direction)
{
    const struct map *other = NULL;

    if (host_in_handler())
        host_violation("hal_dma_map in handler context");
    if (!len || !direction)
        host_violation("hal_dma_map of %zu bytes, direction %d", len, direction);
    for (unsigned i = 0; i < map_count; i = (unsigned)(other - maps) + 1) {
        other = map_of_memory(p, len, i);
        if (!other)
            break;
        if ((direction | other->direction) & HAL_DMA_FROM_DEVICE)
            host_violation("memory at %p that the device writes is mapped twice", (void *)p);
    }
    if (map_fail_after == 0 || map_count == MAPS || host_is_unreachable())
        return false;
    map_fail_after -= map_fail_after > 0;
    return true;
}

uint64_t hal_dma_map(void *p, size_t len, enum hal_dma_direction direction)
{
    uint64_t dma = HAL_DMA_NONE;

    if (map_allowed(p, len, direction))
        dma = host_dma_copies() ? copy_begin(p, len, direction) : hal_dma_addr(p, len);
    if (dma != HAL_DMA_NONE)
        maps[map_count++] = (struct map){p, dma, len, direction};
    return dma;
}

void hal_dma_unmap(uint64_t dma, size_t len, enum hal_dma_direction direction)
{
    if (host_in_handler())
        host_violation("hal_dma_unmap in handler context");
    for (unsigned i = 0; i < map_count; i++) {
        struct map *m = &maps[i];

        if (m->dma != dma || m->len != len || m->direction != direction)
            continue;
        map_end(m);
        *m = maps[--map_count];
        return;
    }
    host_violation("hal_dma_unmap(%#llx, %zu, %d) ends no mapping", (unsigned long long)dma, len,
                   direction);
}
