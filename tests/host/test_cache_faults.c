/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cache_faults.c - the cache and files/ when a disk shrinks, grows, has a bad sector, fails
 * for a while or carries hostile names, one thing at a time.
 */
#include <fcntl.h>
#include <string.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "tarmaker.h"

#define BLOCK 4096u

static struct fakedisk *f;
static struct bcache *c;
static struct disk *d;
static void (*before_wait)(void); /* called once, at the next wait */

static void woken(struct bcache_wait *w)
{
    (void)w;
}

static bool go_on(void *ctx)
{
    void (*first)(void) = before_wait;

    (void)ctx;
    before_wait = NULL;
    if (first)
        first();
    return fakedisk_step(f) | host_run_round() | (first != NULL);
}

static void plug(uint64_t bytes)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 16,
                                               .volatile_cache = true};

    f = fakedisk_new(bytes, &limits);
    CHECK(f != NULL);
    hosttask_on_wait(go_on, NULL);
}

static void start(uint64_t bytes)
{
    plug(bytes);
    d = disk_of(&f->dev);
    CHECK(d != NULL);
    c = d->cache;
}

static void run(void)
{
    while (fakedisk_step(f) | host_run_round())
        ;
}

static void fill(uint64_t first, unsigned count, uint8_t byte)
{
    uint8_t buf[BLOCK];

    memset(buf, byte, sizeof(buf));
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(disk_write(d, buf, BLOCK, (first + i) * BLOCK), BLOCK);
}

/* A sector at the start of a block. */
static void fill_short(uint64_t block, uint8_t byte)
{
    uint8_t buf[512];

    memset(buf, byte, sizeof(buf));
    CHECK_EQ(disk_write(d, buf, sizeof(buf), block * BLOCK), (ssize_t)sizeof(buf));
}

static bool durable(uint64_t block, uint8_t byte)
{
    const uint8_t *p = f->durable + block * BLOCK;

    return p[0] == byte && !memcmp(p, p + 1, BLOCK - 1);
}

/* ---- a disk of another size ------------------------------------------------------------------ */

/* All that is dirty lies beyond the new end: no request goes out, and every fsync hears of it. */
static void shrinks_below_all(void)
{
    struct file *other;
    int fd;

    start(4096 * BLOCK);
    fd = disk_open(&f->dev, O_RDWR);
    other = hosttask_file(fd);
    CHECK(other != NULL);
    fill(3000, 4, 7);
    block_resize(&f->dev, 2048 * 8);
    CHECK_EQ(disk_sync(d), -EIO);
    CHECK(!c->round_active && !bcache_dirty(c));
    CHECK_EQ(f->writes, 0);
    CHECK_EQ(other->ops->fsync(other), -EIO);
    CHECK_EQ(other->ops->fsync(other), 0);
    hosttask_close(fd);
    fill(5, 1, 9);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(5, 9));
}

/* The same, begun by age: a later sync sees that the number of errors has changed. */
static void shrinks_and_ages(void)
{
    uint64_t errors;

    start(4096 * BLOCK);
    fill(3000, 4, 7);
    errors = bcache_errors(c);
    block_resize(&f->dev, 2048 * 8);
    host_run_for(20 * HAL_SEC);
    CHECK(!c->round_active && !bcache_dirty(c));
    CHECK_EQ(bcache_errors(c) - errors, 4);
}

/* The same, begun by writers that want room, which the lost blocks make. */
static void shrinks_and_fills(void)
{
    start(4096 * BLOCK);
    for (unsigned i = 0; bcache_dirty(c) + 1 < c->max_blocks / 4; i++)
        fill(2048 + i, 1, 7);
    block_resize(&f->dev, 2048 * 8);
    fill(0, 600, 9);
    disk_sync(d);
    CHECK_EQ(disk_sync(d), 0);
    for (unsigned i = 0; i < 600; i++)
        CHECK(durable(i, 9));
}

static unsigned syncs_ok, syncs_failed;

static void sync_done(struct bcache_sync *s)
{
    if (!s->result)
        syncs_ok++;
    else
        syncs_failed++;
}

/* Reads hold all requests that a write-out could have, so that a round stays outgoing. */
static void occupy(void)
{
    static struct bcache_wait w[BCACHE_IOS];
    struct bcache_block *b;

    for (unsigned i = 0; i < BCACHE_IOS - BCACHE_IOS_FOR_READS; i++) {
        w[i].wake = woken;
        CHECK_EQ(bcache_get(c, i * 2, BCACHE_READ, 0, &w[i], &b), -EAGAIN);
    }
}

/* The rest of a round waits for a request, and is lost meanwhile. */
static void shrinks_while_reads_are_out(void)
{
    struct bcache_sync sync = {.done = sync_done};

    start(4096 * BLOCK);
    fill(3000, 4, 7);
    occupy();
    CHECK_EQ(bcache_sync(c, &sync), -EAGAIN);
    CHECK(!bcache_list_empty(&c->outgoing));
    block_resize(&f->dev, 2048 * 8);
    run();
    CHECK_EQ(syncs_failed, 1);
}

/* A disk that shrank and grew has other bytes behind its old end: they are read from the disk. */
static void shrinks_and_grows(void)
{
    uint8_t buf[BLOCK];

    for (unsigned looked = 0; looked < 2; looked++) {
        start(64 * BLOCK);
        for (unsigned i = 38; i < 42; i++)
            CHECK_EQ(disk_read(d, buf, BLOCK, i * BLOCK, NULL), BLOCK);
        block_resize(&f->dev, 40 * 8 + 1);
        if (looked)
            CHECK_EQ(disk_read(d, buf, BLOCK, 39 * BLOCK, NULL), BLOCK);
        memset(f->now + 40 * BLOCK + 512, 0, 24 * BLOCK - 512);
        block_resize(&f->dev, 64 * 8);
        for (unsigned i = 38; i < 42; i++) {
            CHECK_EQ(disk_read(d, buf, BLOCK, i * BLOCK, NULL), BLOCK);
            CHECK(!memcmp(buf, f->now + i * BLOCK, BLOCK));
        }
    }
}

/* Written and not flushed when the end moves in front of it: that is an error of the next sync. */
static void shrinks_before_a_flush(void)
{
    uint8_t buf[BLOCK];

    start(64 * BLOCK);
    fill(50, 2, 7);
    bcache_start_round(c);
    while (bcache_dirty(c))
        fakedisk_step(f);
    block_resize(&f->dev, 40 * 8);
    CHECK_EQ(disk_sync(d), -EIO);
    memset(f->now + 50 * BLOCK, 0, 2 * BLOCK);
    block_resize(&f->dev, 64 * 8);
    CHECK_EQ(disk_read(d, buf, BLOCK, 50 * BLOCK, NULL), BLOCK);
    CHECK_EQ(buf[0], 0);
}

/*
 * A block was the last one, and short, when it was written; now another one follows. They are no
 * one request: the second would lie where the first ends.
 */
static void short_in_the_middle(void)
{
    start(64 * BLOCK);
    block_resize(&f->dev, 10 * 8 + 1);
    fill_short(10, 7);
    block_resize(&f->dev, 64 * 8);
    fill(11, 1, 9);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(11, 9));
    CHECK(f->durable[10 * BLOCK] == 7 && f->durable[10 * BLOCK + 511] == 7);
}

static void grow_disk(void)
{
    block_resize(&f->dev, f->bytes / BLOCK_SECTOR);
}

/*
 * The last block is a short one, all of it is written, and while that waits the disk grows: the
 * bytes behind are the disk's.
 */
static void grows_under_a_write(void)
{
    struct bcache_wait w = {.wake = woken};
    struct bcache_block *b;
    uint8_t buf[512], before[BLOCK];

    start(64 * BLOCK);
    block_resize(&f->dev, 10 * 8 + 1);
    memcpy(before, f->now + 10 * BLOCK, BLOCK);
    memset(buf, 9, sizeof(buf));
    CHECK_EQ(bcache_get(c, 10, BCACHE_READ, 0, &w, &b), -EAGAIN);
    before_wait = grow_disk;
    CHECK_EQ(disk_write(d, buf, 512, 10 * BLOCK), 512);
    CHECK(!before_wait);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(!memcmp(f->durable + 10 * BLOCK, buf, 512));
    CHECK(!memcmp(f->durable + 10 * BLOCK + 512, before + 512, BLOCK - 512));
}

static void shrink_disk(void)
{
    block_resize(&f->dev, 10 * 8 + 1);
}

/* A write says how many of its bytes the disk still has room for. */
static void shrinks_under_a_write(void)
{
    struct bcache_wait w = {.wake = woken};
    struct bcache_block *b;
    uint8_t buf[1024];

    start(64 * BLOCK);
    memset(buf, 9, sizeof(buf));
    CHECK_EQ(bcache_get(c, 10, BCACHE_READ, 0, &w, &b), -EAGAIN);
    before_wait = shrink_disk;
    CHECK_EQ(disk_write(d, buf, 1024, 10 * BLOCK), 512);
    CHECK_EQ(disk_write(d, buf, 512, 10 * BLOCK + 512), -ENOSPC);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(!memcmp(f->durable + 10 * BLOCK, buf, 512));
}

/* ---- bad sectors ----------------------------------------------------------------------------- */

/* A bad sector fails one request of many blocks; from then on it keeps none of the others. */
static void bad_sector_among_neighbours(void)
{
    start(4096 * BLOCK);
    f->bad_write = 5 * 8 + 3;
    fill(0, 64, 9);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(disk_sync(d), -EIO);
    CHECK_EQ(bcache_dirty(c), 1);
    fill(4, 1, 8);
    CHECK_EQ(disk_sync(d), -EIO);
    CHECK_EQ(bcache_dirty(c), 1);
    f->bad_write = UINT64_MAX;
    CHECK_EQ(disk_sync(d), 0);
    for (unsigned i = 0; i < 64; i++)
        CHECK(durable(i, i == 4 ? 8 : 9));
    f->writes = 0;
    fill(0, 64, 7); /* and together again */
    CHECK_EQ(disk_sync(d), 0);
    CHECK(f->writes <= 4);
}

/* A block cannot be read; who replaces all of it is not told so, and cures it. */
static void overwrite_cures(void)
{
    struct bcache_wait w = {.wake = woken};
    struct bcache_block *b;
    uint8_t buf[BLOCK];

    start(4096 * BLOCK);
    f->bad_sector = 6 * 8 + 1;
    CHECK_EQ(disk_read(d, buf, BLOCK, 6 * BLOCK, NULL), -EIO);
    CHECK_EQ(bcache_get(c, 6, BCACHE_READ, 0, &w, &b), -EAGAIN);
    fill(6, 1, 9); /* waits until the read has failed */
    CHECK_EQ(disk_sync(d), 0);
    CHECK(durable(6, 9));
    CHECK_EQ(disk_read(d, buf, BLOCK, 6 * BLOCK, NULL), BLOCK);
    CHECK_EQ(buf[0], 9);
}

/* ---- borrowing ------------------------------------------------------------------------------- */

/* A block changes while it is borrowed and on its way out: its round and sync still have it. */
static void borrowed_on_its_way_out(enum bcache_use use)
{
    struct bcache_wait w = {.wake = woken};
    struct bcache_sync sync = {.done = sync_done};
    struct bcache_block *old, *b;

    start(4096 * BLOCK);
    fill(2998, 5, 'o');
    CHECK_EQ(bcache_get(c, 3000, BCACHE_READ, 0, &w, &old), 0);
    CHECK_EQ(bcache_borrow(c, old), 0);
    occupy();
    CHECK_EQ(bcache_sync(c, &sync), -EAGAIN);
    CHECK_EQ(bcache_get(c, 3000, use, 0, &w, &b), 0);
    CHECK(b != old && bcache_dirty(c) == 5);
    memset(bcache_data(b), 'n', BLOCK);
    run();
    CHECK_EQ(syncs_ok, 1);
    for (unsigned i = 2998; i < 3003; i++)
        CHECK(durable(i, i == 3000 ? 'n' : 'o'));
    CHECK_EQ(bcache_dirty(c), 0);
    CHECK_EQ(*(uint8_t *)bcache_data(old), 'o');
    bcache_return(c, old);
    CHECK_EQ(c->borrowed, 0);
}

static void borrowed_and_updated(void)
{
    borrowed_on_its_way_out(BCACHE_UPDATE);
}

static void borrowed_and_overwritten(void)
{
    borrowed_on_its_way_out(BCACHE_OVERWRITE);
}

/* ---- a tree of files ------------------------------------------------------------------------- */

static void plug_tree(void)
{
    struct tarmaker a = {0};

    tarmaker_file(&a, "file", 600);
    tarmaker_end(&a);
    plug(64 * BLOCK);
    memcpy(f->now, a.image, a.len);
    tarmaker_free(&a);
}

/* A disk that could not be read is looked at again; the log tells of it once. */
static void tree_after_read_errors(void)
{
    const struct ftree *t;

    plug_tree();
    f->bad_sector = 0;
    CHECK_EQ(ftree_named("fake0", &t), -EIO);
    CHECK_EQ(ftree_named("fake0", &t), -EIO);
    CHECK_EQ(host_log_lines(HAL_ERROR), 1);
    f->bad_sector = UINT64_MAX;
    CHECK_EQ(ftree_named("fake0", &t), 0);
    CHECK(ftree_find(t, "file", 4) != FTREE_NONE);
}

static void tree_after_short_memory(void)
{
    const struct ftree *t;

    plug_tree();
    host_fail_alloc_after(0);
    CHECK_EQ(ftree_named("fake0", &t), -ENOMEM);
    host_fail_alloc_after(-1);
    CHECK_EQ(ftree_named("fake0", &t), 0);
    CHECK_EQ(ftree_named("fake0", &t), 0);
    CHECK_EQ(t->count, 2);
}

#define NAMES 1500u
#define SLOTS 4096u

/* FNV-1a, a public hash: collisions could be made if the index used it. */
static uint32_t fnv(const char *s)
{
    uint32_t h = 2166136261u;

    while (*s)
        h = (h ^ (uint8_t)*s++) * 16777619u;
    return h ^ h >> 15;
}

/* Names that were made to collide do not: nobody has to go past many of them. */
static void colliding_names(void)
{
    const struct ftree_entry e = {.type = FTREE_FILE};
    unsigned run = 0, longest = 0, made = 0;
    struct ftree t = {0};
    char name[16];

    CHECK_EQ(ftree_init(&t), 0);
    for (unsigned i = 0; made < NAMES; i++) {
        snprintf(name, sizeof(name), "%u", i);

        if (fnv(name) % SLOTS != 7)
            continue;
        CHECK_EQ(ftree_add(&t, name, &e), 0);
        made++;
    }
    CHECK_EQ(t.hash_mask + 1, SLOTS);
    for (uint32_t i = 0; i < t.count; i++) /* the hash has grown, and lost none */
        CHECK_EQ(ftree_find(&t, t.text + t.entries[i].path, t.entries[i].path_len), i);
    for (unsigned i = 0; i < SLOTS; i++) {
        run = t.hash[i] ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    CHECK(longest < 100);
    ftree_free(&t);
}

int main(int argc, char **argv)
{
    static struct test_case cases[] = {
        {"shrinks_below_all", shrinks_below_all},
        {"shrinks_and_ages", shrinks_and_ages},
        {"shrinks_and_fills", shrinks_and_fills},
        {"shrinks_while_reads_are_out", shrinks_while_reads_are_out},
        {"short_in_the_middle", short_in_the_middle},
        {"shrinks_and_grows", shrinks_and_grows},
        {"shrinks_before_a_flush", shrinks_before_a_flush},
        {"grows_under_a_write", grows_under_a_write},
        {"shrinks_under_a_write", shrinks_under_a_write},
        {"bad_sector_among_neighbours", bad_sector_among_neighbours},
        {"overwrite_cures", overwrite_cures},
        {"borrowed_and_updated", borrowed_and_updated},
        {"borrowed_and_overwritten", borrowed_and_overwritten},
        {"tree_after_read_errors", tree_after_read_errors},
        {"tree_after_short_memory", tree_after_short_memory},
        {"colliding_names", colliding_names},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i].variants = fakedisk_ways;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
