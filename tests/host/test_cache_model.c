/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_model.c - the cache and files/disk.c against a simple reference: an array of bytes.
 * One task reads, writes and syncs at random, over a disk that answers late and in any order,
 * fails, forgets, is reset, and changes its size. VIREO_CACHE_STEPS says how many steps;
 * tests/test_host.py has a long run.
 */
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"

#define BLOCK  4096u
#define BLOCKS 96u
#define SIZE   (BLOCKS * BLOCK)
#define CACHES 10u /* one after the other, each of another size */

static struct fakedisk *f;
static struct disk *d;
static uint8_t model[SIZE];
/*
 * Of a block: an end of the disk was before it, and it was not written as a whole since. Its bytes
 * may be those of the model, of the disk, or what the disk had and lost in a reset.
 */
static bool vague[BLOCKS];
static uint64_t size; /* of the disk now */
static unsigned syncs_good, syncs_bad, resizes, resets;

static bool go_on(void *ctx)
{
    bool any = fakedisk_step(f) | host_run_round();

    (void)ctx;
    return any;
}

/* What a block holds, where that is not certain, is known when it was read. */
static void learn(uint64_t at, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(data[i] == model[at + i] || vague[(at + i) / BLOCK]);
        model[at + i] = data[i];
    }
}

static void read_some(uint64_t at, size_t len)
{
    static uint8_t buf[8 * BLOCK];
    static struct bcache_stream s;
    ssize_t n = disk_read(d, buf, len, at, random_below(2) ? &s : NULL);

    CHECK(n >= 0 || n == -EIO);
    if (n < 0)
        return;
    CHECK((uint64_t)n <= (at < size ? size - at : 0));
    learn(at, buf, (size_t)n);
}

static void write_some(uint64_t at, size_t len)
{
    static uint8_t buf[8 * BLOCK];
    ssize_t n;

    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)random32();
    n = disk_write(d, buf, len, at);
    CHECK(n >= 0 || n == -EIO || (n == -ENOSPC && at >= size));
    for (ssize_t i = 0; i < n; i++)
        model[at + (uint64_t)i] = buf[i];
    for (uint64_t b = (at + BLOCK - 1) / BLOCK; n > 0 && (b + 1) * BLOCK <= at + (uint64_t)n; b++)
        vague[b] = false;
}

/* All bytes of the disk that are certain are durable. */
static void sync_all(void)
{
    int err = disk_sync(d);

    CHECK(!err || err == -EIO);
    if (err) {
        syncs_bad++;
        return;
    }
    syncs_good++;
    for (uint64_t i = 0; i < size; i++)
        if (!vague[i / BLOCK] && f->durable[i] != model[i])
            check_fail(__FILE__, __LINE__, "byte %llu was synced, and is lost",
                       (unsigned long long)i);
}

/* Blocks from the lower end on are the disk's or the model's from now on. */
static void resize(void)
{
    uint64_t sectors = 1 + random_below(SIZE / BLOCK_SECTOR);

    if (random_below(2))
        sectors = SIZE / BLOCK_SECTOR;
    size = sectors * BLOCK_SECTOR < size ? sectors * BLOCK_SECTOR : size;
    for (uint64_t i = size / BLOCK; i < BLOCKS; i++)
        vague[i] = true;
    size = sectors * BLOCK_SECTOR;
    block_resize(&f->dev, sectors);
    resizes++;
}

static void reset(void)
{
    fakedisk_reset(f);
    block_resume(&f->dev);
    resets++;
}

static void misfortune(void)
{
    f->fail_reads = random_below(3) ? 0 : random_below(20);
    f->fail_writes = random_below(3) ? 0 : random_below(20);
    f->fail_flushes = random_below(3) ? 0 : random_below(30);
    f->bad_write = random_below(3) ? UINT64_MAX : random_below(SIZE / BLOCK_SECTOR);
    f->merges = random_below(2);
}

static void step(void)
{
    unsigned what = random_below(100);
    uint64_t at = random_below(4) ? random_below(SIZE) : random_below(BLOCKS) * BLOCK;
    size_t len = random_below(3) ? 1 + random_below(600) : BLOCK * (1 + random_below(4));

    if (len > SIZE - at)
        len = SIZE - at;
    if (what < 45)
        read_some(at, len);
    else if (what < 85)
        write_some(at, len);
    else if (what < 88)
        sync_all();
    else if (what < 97)
        go_on(NULL);
    else if (what < 98)
        host_advance(random_below(2) ? HAL_SEC : HAL_MS);
    else if (random_below(10) == 0)
        resize();
    else if (random_below(10) == 0)
        misfortune();
    else if (random_below(4) == 0)
        reset();
}

/* A disk, and its cache, for so many steps; in the end nothing is in the way, and all is durable.
 */
static void one_cache(unsigned long long steps)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 8,
                                               .max_seg_size = 1u << 20,
                                               .depth = 8,
                                               .volatile_cache = true};

    f = fakedisk_new(SIZE, &limits);
    CHECK(f != NULL);
    bcache_create(&f->dev, (16 + random_below(60)) * BLOCK);
    d = disk_of(&f->dev);
    CHECK(d != NULL);
    memcpy(model, f->now, SIZE);
    memset(vague, 0, sizeof(vague));
    size = SIZE;
    while (steps--)
        step();
    f->fail_reads = f->fail_writes = f->fail_flushes = 0;
    f->bad_write = UINT64_MAX;
    for (unsigned i = 0; i < 3; i++)
        disk_sync(d);
    for (uint64_t at = 0; at < SIZE; at += BLOCK)
        read_some(at, BLOCK);
    CHECK_EQ(disk_sync(d), 0);
    sync_all();
    CHECK_EQ(bcache_dirty(d->cache) + bcache_unflushed(d->cache) + d->cache->borrowed, 0);
}

static void random_steps(void)
{
    const char *text = getenv("VIREO_CACHE_STEPS");
    unsigned long long steps = text ? strtoull(text, NULL, 10) : 30000;

    hosttask_on_wait(go_on, NULL);
    for (unsigned i = 0; i < CACHES; i++)
        one_cache(steps / CACHES);
    CHECK(syncs_good > 10 && syncs_bad > 10 && resizes > 10 && resets > 10);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"random_steps", random_steps},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
