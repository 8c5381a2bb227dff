/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_cuts.c - the rounds of examples/blkcheck through files/disk.c and the cache, over a
 * disk whose power is cut at random moments: each sector that no flush covered is old or new, and
 * writes that are with the device arrive in part. Meanwhile writes and flushes fail, and the device
 * is reset and forgets. What disk_sync() said to be durable is there after each cut.
 * VIREO_CACHE_CUTS says how many cuts.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../examples/blkcheck/rounds.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"

enum { SIZE = 512 << 10, CACHE = 40 * 4096 };

static struct fakedisk *f;
static struct rounds rounds = {.sectors = SIZE / ROUND_SECTOR, .seed = 1};
static uint64_t acknowledged, cuts, bad;
static unsigned until; /* steps of the device until the next cut */
static bool cutting;

static const struct block_device limits = {
    .block_size = 512, .max_segs = 8, .max_seg_size = 1u << 20, .depth = 8, .volatile_cache = true};

/* ---- a cut ----------------------------------------------------------------------------------- */

/* Of a write that is with the device, some sectors arrive. */
static void tear(uint8_t *disk, unsigned slot)
{
    uint64_t at = f->slot[slot].t->sector * BLOCK_SECTOR;

    for (unsigned k = 0; k < f->slot[slot].n; k++) {
        const struct block_dma *d = &f->slot[slot].dma[k];

        for (uint32_t off = 0; off < d->len; off += BLOCK_SECTOR, at += BLOCK_SECTOR)
            if (random_below(2))
                host_dma_read(d->addr + off, disk + at, BLOCK_SECTOR);
    }
}

static void make_cut(uint8_t *disk)
{
    unsigned percent = random_below(3) * 50;

    memcpy(disk, f->durable, SIZE);
    for (uint64_t at = 0; at < SIZE; at += BLOCK_SECTOR)
        if (random_below(100) < percent)
            memcpy(disk + at, f->now + at, BLOCK_SECTOR);
    for (unsigned i = 0; i < f->dev.depth; i++)
        if (f->slot[i].t && f->slot[i].t->op == BLOCK_WRITE && random_below(2))
            tear(disk, i);
}

static ssize_t read_disk(void *ctx, void *buf, size_t len, uint64_t at)
{
    return disk_read(ctx, buf, len, at, NULL);
}

/* In a process of its own: another machine finds that disk. The exit status. */
static int judge(const uint8_t *disk)
{
    uint64_t found, whole;

    cutting = false;
    f = fakedisk_new(SIZE, &limits);
    CHECK(f != NULL);
    memcpy(f->now, disk, SIZE);
    memcpy(f->durable, disk, SIZE);
    rounds.ctx = disk_of(&f->dev);
    CHECK(rounds.ctx != NULL);
    return rounds_check(&rounds, acknowledged, &found, &whole) != 0;
}

static void cut(void)
{
    static uint8_t disk[SIZE];
    pid_t child;
    int status;

    make_cut(disk);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (!child)
        _exit(judge(disk));
    CHECK_EQ(waitpid(child, &status, 0), child);
    bad += status != 0;
    cuts--;
    until = random_below(60);
}

/* ---- the machine that is cut off ------------------------------------------------------------- */

static bool go_on(void *ctx)
{
    bool any;

    (void)ctx;
    if (cutting && cuts && !until--)
        cut();
    any = fakedisk_step(f);
    if (cutting && random_below(400) == 0) {
        fakedisk_reset(f);
        block_resume(&f->dev);
    }
    return any | host_run_round();
}

static bool write_round(struct disk *d, uint64_t round)
{
    static char buf[ROUND_SECTORS_MAX * ROUND_SECTOR];

    for (unsigned n = 0; n < ROUND_PIECES; n++) {
        struct round_piece p = rounds_piece(&rounds, round, n);
        size_t len = p.sectors * ROUND_SECTOR;

        rounds_fill(&rounds, round, &p, buf);
        if (disk_write(d, buf, len, p.sector * ROUND_SECTOR) != (ssize_t)len)
            return false;
    }
    return disk_sync(d) == 0;
}

static void cuts_at_random(unsigned fail_writes, unsigned fail_flushes)
{
    const char *text = getenv("VIREO_CACHE_CUTS");
    struct disk *d;

    f = fakedisk_new(SIZE, &limits);
    CHECK(f != NULL);
    memset(f->now, 0, SIZE);
    memset(f->durable, 0, SIZE);
    f->fail_writes = fail_writes;
    f->fail_flushes = fail_flushes;
    f->forgets = true;
    rounds.read = read_disk;
    hosttask_on_wait(go_on, NULL);
    bcache_create(&f->dev, CACHE);
    d = disk_of(&f->dev);
    CHECK(d != NULL);
    cuts = text ? strtoull(text, NULL, 10) : 60;
    cutting = true;
    while (cuts)
        if (write_round(d, acknowledged + 1))
            acknowledged++;
    CHECK_EQ(bad, 0);
    CHECK(acknowledged > 20);
}

static void a_disk_that_forgets(void)
{
    cuts_at_random(0, 0);
}

static void a_disk_that_fails_and_forgets(void)
{
    cuts_at_random(3, 10);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"a_disk_that_forgets", a_disk_that_forgets},
        {"a_disk_that_fails_and_forgets", a_disk_that_fails_and_forgets},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
