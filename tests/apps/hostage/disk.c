/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - hostage's work on the first disk. Each block of 4 KiB says which it is and in which
 * generation it was written, and the rest of it follows from both, so a reader knows whether it is
 * whole. What a good fsync covered must never be older again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "hostage.h"
#include "vireo.h"

enum { BLOCK = 4096, WORDS = BLOCK / 8, BLOCKS = 512, RUN = 8, LINE = 16 };

struct tally reads = {.name = "read"}, syncs = {.name = "sync"};

/*
 * Generations of each block: the last one of a write, whether it succeeded or not, and the last one
 * that is durable. A block is fresh if it was written since the last good fsync: the next good one
 * makes it durable.
 */
static uint32_t written[BLOCKS], durable[BLOCKS];
static bool fresh[BLOCKS];

static uint32_t random_below(uint32_t limit)
{
    static uint32_t state = 2463534242u;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

/* tests/hostile/disk.py knows the same formula. */
static uint64_t word(uint32_t block, uint32_t generation, unsigned i)
{
    uint64_t name = (uint64_t)block << 32 | generation;

    return i ? name * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u : name;
}

static void fill(uint64_t *data, uint32_t block, uint32_t generation)
{
    for (unsigned i = 0; i < WORDS; i++)
        data[i] = word(block, generation, i);
}

/* Is the data this block, whole, and of generation `least` or later? */
static bool fits(const uint64_t *data, uint32_t block, uint32_t least)
{
    uint32_t generation = (uint32_t)data[0];

    if (generation < least || generation > written[block])
        return false;
    for (unsigned i = 0; i < WORDS; i++)
        if (data[i] != word(block, generation, i))
            return false;
    return true;
}

/* The result of a libc call, as 0 or a negative errno; a short count is an error, too. */
static int outcome(ssize_t n, ssize_t wanted)
{
    return n == wanted ? 0 : n < 0 ? -errno : -ENODATA;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int open_disk(struct tally *t)
{
    int fd = open("/dev/vblk0", O_RDWR);

    while (fd < 0 && !hostage_stopping) {
        tally_end(t, -errno);
        hostage_pause(t);
        fd = open("/dev/vblk0", O_RDWR);
    }
    return fd;
}

static void read_one(int fd, uint32_t block)
{
    static uint64_t data[WORDS];
    uint32_t least = durable[block];
    int result = outcome(pread(fd, data, BLOCK, (off_t)block * BLOCK), BLOCK);

    if (!result && !fits(data, block, least))
        tally_wrong(&reads, "block", block);
    else
        tally_end(&reads, result);
}

void disk_reader(void *running)
{
    int fd = open_disk(&reads);

    while (!hostage_stopping) {
        read_one(fd, random_below(BLOCKS));
        hostage_pause(&reads);
    }
    if (fd >= 0)
        close(fd);
    *(unsigned *)running -= 1;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int write_run(int fd)
{
    static uint64_t data[WORDS];
    int result = 0;

    for (unsigned i = 0; i < RUN && !result; i++) {
        uint32_t block = random_below(BLOCKS);

        fill(data, block, ++written[block]);
        result = outcome(pwrite(fd, data, BLOCK, (off_t)block * BLOCK), BLOCK);
        fresh[block] = !result;
    }
    return result;
}

static void sync_all(int fd, int result)
{
    if (!result)
        result = outcome(fsync(fd), 0);
    for (uint32_t block = 0; block < BLOCKS; block++) { /* nobody else writes */
        if (fresh[block] && !result)
            durable[block] = written[block];
        fresh[block] = false;
    }
    tally_end(&syncs, result);
}

void disk_writer(void *running)
{
    int fd = open_disk(&syncs);

    while (!hostage_stopping) {
        sync_all(fd, write_run(fd));
        hostage_pause(&syncs);
    }
    if (fd >= 0)
        close(fd);
    *(unsigned *)running -= 1;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Reads everything once more, and says what must be on the disk: DURABLE-WRITTEN, a block. */
void disk_report(void)
{
    int fd = open("/dev/vblk0", O_RDONLY);

    for (uint32_t block = 0; fd >= 0 && block < BLOCKS && reads.last == 0; block++)
        read_one(fd, block);
    if (fd >= 0)
        close(fd);
    for (unsigned at = 0; at < BLOCKS; at += LINE) {
        printf("hostage: blocks %u", at);
        for (unsigned i = at; i < at + LINE; i++)
            printf(" %u-%u", (unsigned)durable[i], (unsigned)written[i]);
        printf("\n");
    }
}
