/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_files.c - paths, disks and trees as a program sees them: what opens, what is refused and
 * with which error, and what reads and writes of files give.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/cache/bcache_impl.h"
#include "check.h"
#include "disk.h"
#include "fakedisk.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "tarmaker.h"
#include "vireo/path.h"

#define BLOCK  4096u
#define BLOCKS 64u

static struct fakedisk *f;
static struct disk *d;
static uint8_t buf[BLOCKS * BLOCK];

static bool go_on(void *ctx)
{
    (void)ctx;
    return fakedisk_step(f) | host_run_round();
}

static struct block_device limits = {.block_size = 512,
                                     .max_segs = 40,
                                     .max_seg_size = 1u << 20,
                                     .depth = 16,
                                     .volatile_cache = true};

/* A disk of `sectors`, with an archive at its start if there is one. */
static void plug(uint64_t sectors, struct tarmaker *a)
{
    f = fakedisk_new(sectors * 512, &limits);
    CHECK(f != NULL);
    if (a) {
        tarmaker_end(a);
        memset(f->now, 0, f->bytes);
        memcpy(f->now, a->image, a->len);
        memcpy(f->durable, f->now, f->bytes);
        tarmaker_free(a);
    }
    hosttask_on_wait(go_on, NULL);
}

static void start(void)
{
    plug(BLOCKS * 8, NULL);
    d = disk_of(&f->dev);
    CHECK(d != NULL && disk_of(&f->dev) == d);
}

static int open_path(const char *path, int flags)
{
    return path_root.open(path, flags, 0);
}

static struct file *open_file(const char *path, int flags)
{
    int fd = open_path(path, flags);

    CHECK(fd >= 0);
    return hosttask_file(fd);
}

static ssize_t read_path(const char *path, size_t len)
{
    int fd = open_path(path, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return fd;
    n = hosttask_file(fd)->ops->pread(hosttask_file(fd), buf, len, 0);
    hosttask_close(fd);
    return n;
}

static bool are(const uint8_t *p, size_t len, uint8_t byte)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != byte)
            return false;
    return true;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void paths(void)
{
    struct tarmaker a = {0};
    struct stat st;

    tarmaker_file(&a, "file", 10);
    tarmaker_file(&a, "devil/file", 20);
    tarmaker_file(&a, "de", 30);
    tarmaker_file(&a, "mnt2/file", 40);
    plug(BLOCKS * 8, &a);
    CHECK_EQ(read_path("file", 100), 10);
    CHECK_EQ(read_path("/.././/file", 100), 10);
    CHECK_EQ(read_path("/devil/file", 100), 20);
    CHECK_EQ(read_path("/de", 100), 30);
    CHECK_EQ(read_path("/mnt2/file", 100), 40);
    CHECK_EQ(read_path("/mnt/fake0/file", 100), 10);
    CHECK_EQ(read_path("/..//mnt///fake0//..//file", 100), 10);
    CHECK_EQ(path_root.stat("/mnt/fake0", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    CHECK_EQ(open_path("/mnt", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/mnt/fake", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/mnt/fake0x/file", O_RDONLY), -ENOENT);
    CHECK_EQ(read_path("/dev/fake0", 512), 512);
    CHECK_EQ(read_path("/../dev/./fake0", 512), -ENOENT);
    CHECK_EQ(open_path("/dev/fake0/", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_path("/dev/fake0/file", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_path("/dev/", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/dev/a-name-that-is-longer-than-any-device-has", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/mnt/a-name-that-is-longer-than-any-device-has/x", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/new", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/new", O_CREAT | O_WRONLY), -EROFS);
    CHECK_EQ(open_path("/dev/new", O_CREAT | O_WRONLY), -EROFS);
    CHECK_EQ(open_path("/file/x", O_CREAT | O_WRONLY), -ENOTDIR);
    CHECK_EQ(path_root.stat("/new", &st), -ENOENT);
    CHECK_EQ(hosttask_open_files(), 0);
}

/* ---- a tree ---------------------------------------------------------------------------------- */

static bool lists(const char *path, const char *name, bool dir)
{
    int fd = open_path(path, O_RDONLY | O_DIRECTORY);
    struct file *file = hosttask_file(fd);
    char found[256];
    bool is_dir, there = false;

    CHECK(file != NULL);
    while (file->ops->readdir(file, found, &is_dir) == 1)
        if (!strcmp(found, name)) {
            there = true;
            CHECK_EQ(is_dir, dir);
        }
    hosttask_close(fd);
    return there;
}

static void plug_tree(void)
{
    struct tarmaker a = {0};
    size_t at;

    tarmaker_file(&a, "top", 700);
    at = tarmaker_file(&a, "d/e/file", 100000);
    tarmaker_put(&a, at, TAR_MODE, "0000777", 8);
    tarmaker_link(&a, "d/e/abs", '2', "/d/e/file");
    tarmaker_link(&a, "d/e/root", '2', "/");
    tarmaker_link(&a, "d/e/up", '2', "..");
    tarmaker_link(&a, "d/here", '2', ".");
    tarmaker_link(&a, "d/nowhere", '2', "x");
    tarmaker_link(&a, "d/hard", '1', "top");
    plug(BLOCKS * 8, &a);
}

static void links_and_lists(void)
{
    plug_tree();
    CHECK_EQ(read_path("/d/e/abs", 10), 10);
    CHECK_EQ(read_path("/d/e/root/top", 1000), 700);
    CHECK_EQ(read_path("/d/e/up/hard", 1000), 700);
    CHECK_EQ(read_path("/d/here/here/e/../hard", 1000), 700);
    CHECK_EQ(read_path("/mnt/fake0/d/e/root/top", 1000), 700);
    CHECK_EQ(open_path("/d/nowhere", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/top/.", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_path("/top/..", O_RDONLY), -ENOTDIR);
    CHECK(lists("/", "top", false) && lists("/", "d", true));
    CHECK(lists("/d/e", "file", false) && lists("/d/e", "abs", false));
    CHECK(lists("/d/e", "up", true) && lists("/d", "here", true) && lists("/d", "nowhere", false));
    CHECK(!lists("/d", "file", false) && !lists("/", "e", true));
}

static void files_of_a_tree(void)
{
    struct file *file;
    struct stat st;

    plug_tree();
    file = open_file("/d/e/file", O_RDONLY);
    CHECK_EQ(file->ops->pread(file, buf, 100, -1), -EINVAL);
    CHECK_EQ(file->ops->pread(file, buf, 100, 99990), 10);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(buf[i], tarmaker_byte("d/e/file", 99990 + i));
    CHECK_EQ(file->ops->pread(file, buf, 100, 100000), 0);
    CHECK_EQ(file->ops->pread(file, buf, 100, INT64_MAX), 0);
    CHECK_EQ(file->ops->pread(file, buf, 0, 0), 0);
    CHECK_EQ(file->ops->fsync(file), 0);
    CHECK_EQ(file->ops->fstat(file, &st), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0555); /* what anybody may do with a tree that is read-only */
    CHECK_EQ(st.st_size, 100000);
    CHECK_EQ(st.st_blocks, 196);
    CHECK_EQ(st.st_mtime, 014000000000);
    CHECK_EQ(path_root.stat("/d", &st), 0);
    CHECK(S_ISDIR(st.st_mode) && st.st_size == 0);
    CHECK_EQ(open_path("/d/e/file", O_RDONLY | O_TRUNC), -EROFS);
    CHECK_EQ(open_path("/d", O_RDONLY | O_TRUNC), -EISDIR);
}

/* The archive is longer than the disk is now. */
static void a_disk_that_is_cut_off(void)
{
    struct file *file;

    plug_tree();
    file = open_file("/d/e/file", O_RDONLY);
    block_resize(&f->dev, 64);
    CHECK_EQ(file->ops->pread(file, buf, 100000, 0), 64 * 512 - 4 * 512);
    CHECK_EQ(file->ops->pread(file, buf, 100, 90000), -EIO);
    CHECK_EQ(file->ops->pread(file, buf, 0, 90000), 0);
}

/* No descriptors or no memory are left: the open fails, and nothing leaks. */
static void no_more_descriptors(void)
{
    int fd;

    plug_tree();
    while ((fd = open_path("/top", O_RDONLY)) >= 0)
        ;
    CHECK_EQ(fd, -EMFILE);
    CHECK_EQ(open_path("/dev/fake0", O_RDONLY), -EMFILE);
    CHECK_EQ(open_path("/dev/random", O_RDONLY), -EMFILE);
}

/* ---- a disk as a file ------------------------------------------------------------------------ */

static void opening_a_disk(void)
{
    struct stat st;
    struct file *file;

    start();
    CHECK_EQ(open_path("/dev/fake0", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
    CHECK_EQ(open_path("/dev/fake0", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    file = open_file("/dev/fake0", O_RDWR | O_CREAT);
    CHECK_EQ(file->ops->fstat(file, &st), 0);
    CHECK_EQ(st.st_mode, S_IFBLK | 0666);
    CHECK_EQ(st.st_size, BLOCKS * BLOCK);
    CHECK_EQ(st.st_blksize, 4096);
    CHECK_EQ(st.st_blocks, BLOCKS * 8);
    f->dev.read_only = true;
    CHECK_EQ(path_root.stat("/dev/fake0", &st), 0);
    CHECK_EQ(st.st_mode, S_IFBLK | 0444);
    CHECK_EQ(open_path("/dev/fake0", O_RDWR), -EROFS);
    CHECK_EQ(open_path("/dev/fake0", O_WRONLY), -EROFS);
    CHECK_EQ(file->ops->pwrite(file, buf, 512, 0), -EROFS);
    CHECK(open_path("/dev/fake0", O_RDONLY) >= 0);
    block_fail_all(&f->dev, false);
    CHECK_EQ(open_path("/dev/fake0", O_RDONLY), -EIO);
}

static void ends_of_a_disk(void)
{
    struct file *file;
    off_t end = BLOCKS * BLOCK - 3 * 512;

    plug(BLOCKS * 8 - 3, NULL);
    file = open_file("/dev/fake0", O_RDWR);
    CHECK_EQ(file->ops->pread(file, buf, 100, -1), -EINVAL);
    CHECK_EQ(file->ops->pwrite(file, buf, 100, -1), -EINVAL);
    CHECK_EQ(file->ops->pread(file, buf, 100, end - 7), 7);
    CHECK(!memcmp(buf, f->now + end - 7, 7));
    CHECK_EQ(file->ops->pread(file, buf, 100, end), 0);
    CHECK_EQ(file->ops->pread(file, buf, 100, INT64_MAX - 4096), 0);
    CHECK_EQ(file->ops->pread(file, buf, 0, 0), 0);
    memset(buf, 9, 100);
    CHECK_EQ(file->ops->pwrite(file, buf, 0, 0), 0);
    CHECK_EQ(file->ops->pwrite(file, buf, 0, end), 0);
    CHECK_EQ(file->ops->pwrite(file, buf, 100, end - 7), 7);
    CHECK_EQ(file->ops->pwrite(file, buf, 100, end), -ENOSPC);
    CHECK_EQ(file->ops->fsync(file), 0);
    CHECK(are(f->durable + end - 7, 7, 9) && f->durable[end - 8] != 9);
}

/* Odd pieces are read as they were written, and only what a block keeps is read first. */
static void pieces_of_a_disk(void)
{
    static uint8_t model[BLOCKS * BLOCK], piece[20000];
    struct file *file;

    start();
    memcpy(model, f->now, sizeof(model));
    file = open_file("/dev/fake0", O_RDWR);
    memset(buf, 1, 2 * BLOCK);
    CHECK_EQ(file->ops->pwrite(file, buf, 2 * BLOCK, 3 * BLOCK), 2 * BLOCK);
    memset(model + 3 * BLOCK, 1, 2 * BLOCK);
    CHECK_EQ(f->reads, 0); /* all of both is new */
    for (unsigned i = 0; i < 300; i++) {
        uint32_t at = random_below(sizeof(model) - sizeof(piece)), n = random_below(sizeof(piece));

        if (random_below(2)) {
            for (uint32_t k = 0; k < n; k++)
                piece[k] = model[at + k] = (uint8_t)random32();
            CHECK_EQ(file->ops->pwrite(file, piece, n, at), n);
        } else {
            CHECK_EQ(file->ops->pread(file, piece, n, at), n);
            CHECK(!memcmp(piece, model + at, n));
        }
    }
    CHECK_EQ(file->ops->fsync(file), 0);
    CHECK(!memcmp(f->durable, model, sizeof(model)));
}

/* The last block of a disk is a short one: who writes all of it need not read it. */
static void a_short_block_is_overwritten(void)
{
    plug(20 * 8 + 3, NULL);
    d = disk_of(&f->dev);
    memset(buf, 5, 3 * 512);
    CHECK_EQ(disk_write(d, buf, 3 * 512, 20 * BLOCK), 3 * 512);
    CHECK_EQ(f->reads, 0);
    CHECK_EQ(disk_write(d, buf, 512, 19 * BLOCK), 512);
    CHECK(f->reads > 0);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(are(f->durable + 20 * BLOCK, 3 * 512, 5) && f->durable[20 * BLOCK - 1] != 5);
}

/* The end of the last block is written: what lies before it in that block stays. */
static void a_part_of_the_last_block(void)
{
    static uint8_t before[3 * 512];

    plug(20 * 8 + 3, NULL);
    d = disk_of(&f->dev);
    memcpy(before, f->now + 20 * BLOCK, sizeof(before));
    memset(buf, 5, 100);
    CHECK_EQ(disk_write(d, buf, 100, 20 * BLOCK + sizeof(before) - 100), 100);
    CHECK_EQ(disk_sync(d), 0);
    CHECK(!memcmp(f->durable + 20 * BLOCK, before, sizeof(before) - 100));
    CHECK(are(f->durable + 20 * BLOCK + sizeof(before) - 100, 100, 5));
}

/* A read ends before a bad block, and the next one hears of it. */
static void up_to_a_bad_block(void)
{
    struct bcache_stream s = {0};

    start();
    f->bad_sector = 10 * 8 + 4;
    CHECK_EQ(disk_read(d, buf, 5 * BLOCK, 7 * BLOCK + 100, &s), 3 * BLOCK - 100);
    CHECK(!memcmp(buf, f->now + 7 * BLOCK + 100, 3 * BLOCK - 100));
    CHECK_EQ(disk_read(d, buf, 5 * BLOCK, 10 * BLOCK, &s), -EIO);
    CHECK_EQ(disk_read(d, buf, BLOCK, 11 * BLOCK, &s), BLOCK);
    CHECK_EQ(disk_write(d, buf, BLOCK, 9 * BLOCK + 10), BLOCK - 10);
    CHECK_EQ(disk_write(d, buf, 100, 10 * BLOCK), -EIO);
}

/* A call that wants many blocks has them read in few requests, and a file is read ahead. */
static void few_requests(void)
{
    struct bcache_stats s;
    struct file *file;

    start();
    CHECK_EQ(disk_read(d, buf, 20 * BLOCK, 10, NULL), 20 * BLOCK);
    CHECK_EQ(bcache_stats(0, &s), 0);
    CHECK(s.reads <= 3);
    CHECK_EQ(s.blocks_read, 21);
    CHECK_EQ(s.readahead, 0);
    file = open_file("/dev/fake0", O_RDONLY);
    d->cache->stats.misses = 0;
    for (unsigned i = 24; i < BLOCKS; i++)
        CHECK_EQ(file->ops->pread(file, buf, BLOCK, i * BLOCK), BLOCK);
    CHECK_EQ(bcache_stats(0, &s), 0);
    CHECK_EQ(s.readahead, BLOCKS - 26);
    CHECK_EQ(s.misses, 2); /* all others were there, or on their way */
    CHECK_EQ(bcache_stats(1, &s), -ENOENT);
}

/* O_SYNC: durable when the write returns. */
static void synchronous_writes(void)
{
    struct file *file;

    start();
    file = open_file("/dev/fake0", O_WRONLY | O_SYNC);
    memset(buf, 3, 1000);
    CHECK_EQ(file->ops->pwrite(file, buf, 1000, 5000), 1000);
    CHECK(are(f->durable + 5000, 1000, 3));
    f->bad_write = 5000 / 512;
    CHECK_EQ(file->ops->pwrite(file, buf, 10, 5000), -EIO);
    file = open_file("/dev/fake0", O_WRONLY);
    f->bad_write = UINT64_MAX;
    CHECK_EQ(file->ops->pwrite(file, buf, 1000, 9000), 1000);
    CHECK(!are(f->durable + 9000, 1000, 3));
}

/* The end of the image writes what is dirty, and fails if that cannot be. */
static void the_end_syncs(void)
{
    struct file *file;

    start();
    CHECK_EQ(hosttask_end(), 0);
    file = open_file("/dev/fake0", O_WRONLY);
    memset(buf, 3, 1000);
    CHECK_EQ(file->ops->pwrite(file, buf, 1000, 5000), 1000);
    CHECK_EQ(hosttask_end(), 0);
    CHECK(are(f->durable + 5000, 1000, 3));
    f->bad_write = 5000 / 512;
    CHECK_EQ(file->ops->pwrite(file, buf, 1000, 5000), 1000);
    CHECK_EQ(hosttask_end(), 74);
}

/* Each descriptor hears of a failed write once; one that is opened after it was told does not. */
static void who_hears_of_a_failed_write(void)
{
    struct file *one, *two, *three;

    start();
    one = open_file("/dev/fake0", O_RDWR);
    two = open_file("/dev/fake0", O_RDONLY);
    CHECK_EQ(one->ops->pwrite(one, buf, 512, 0), 512);
    f->bad_write = 0;
    CHECK_EQ(one->ops->fsync(one), -EIO);
    f->bad_write = UINT64_MAX;
    three = open_file("/dev/fake0", O_RDWR);
    CHECK_EQ(three->ops->fsync(three), 0);
    CHECK_EQ(one->ops->fsync(one), 0);
    CHECK_EQ(two->ops->fsync(two), -EIO);
    CHECK_EQ(two->ops->fsync(two), 0);
    CHECK_EQ(disk_sync(d), 0);
}

/* Written by nobody's call, as blocks do that have aged: the next fsync tells. */
static void a_write_that_failed_by_itself(void)
{
    struct file *file;

    start();
    file = open_file("/dev/fake0", O_RDWR);
    CHECK_EQ(file->ops->pwrite(file, buf, 512, 0), 512);
    f->bad_write = 0;
    for (unsigned i = 0; i < 10; i++) {
        host_run_for(HAL_SEC);
        fakedisk_step(f);
    }
    f->bad_write = UINT64_MAX;
    CHECK(bcache_errors(d->cache) > 0);
    CHECK_EQ(disk_sync(d), 0);
    file = open_file("/dev/fake0", O_RDWR); /* nobody was told yet, so this one is */
    CHECK_EQ(file->ops->fsync(file), -EIO);
    CHECK_EQ(file->ops->fsync(file), 0);
}

static void sync_of_all(void)
{
    start();
    memset(buf, 4, BLOCK);
    CHECK_EQ(disk_write(d, buf, BLOCK, BLOCK), BLOCK);
    sync();
    CHECK(are(f->durable + BLOCK, BLOCK, 4));
    CHECK_EQ(disk_write(d, buf, BLOCK, BLOCK), BLOCK);
    f->bad_write = 8;
    CHECK(!disk_sync_all());
    CHECK_EQ(host_log_matches("not everything that was written"), 1);
    f->dev.read_only = true; /* such a disk has nothing to be synced */
    CHECK(disk_sync_all());
    CHECK_EQ(host_log_matches("not everything that was written"), 1);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void cache_of(const char *args, uint64_t bytes)
{
    host_set_bootargs(args);
    start();
    CHECK_EQ(d->cache->max_blocks, bytes / BLOCK);
}

/* 8 MiB are free: a quarter by itself, a half at most. */
static void cache_by_itself(void)
{
    cache_of("", 2u << 20);
}

static void cache_as_told(void)
{
    cache_of("vireo.fake0.cache=1", 1u << 20);
}

static void cache_too_large(void)
{
    cache_of("vireo.cache=1000", 4u << 20);
}

static void cache_without_memory(void)
{
    plug(BLOCKS * 8, NULL);
    host_fail_alloc_after(0);
    CHECK_EQ(open_path("/dev/fake0", O_RDONLY), -ENOMEM);
    host_fail_alloc_after(-1);
    CHECK_EQ(host_log_matches("no memory for the cache"), 1);
    CHECK(open_path("/dev/fake0", O_RDONLY) >= 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"paths", paths},
        {"links_and_lists", links_and_lists},
        {"files_of_a_tree", files_of_a_tree},
        {"a_disk_that_is_cut_off", a_disk_that_is_cut_off},
        {"no_more_descriptors", no_more_descriptors},
        {"opening_a_disk", opening_a_disk},
        {"ends_of_a_disk", ends_of_a_disk},
        {"pieces_of_a_disk", pieces_of_a_disk},
        {"a_short_block_is_overwritten", a_short_block_is_overwritten},
        {"a_part_of_the_last_block", a_part_of_the_last_block},
        {"up_to_a_bad_block", up_to_a_bad_block},
        {"few_requests", few_requests},
        {"synchronous_writes", synchronous_writes},
        {"the_end_syncs", the_end_syncs},
        {"who_hears_of_a_failed_write", who_hears_of_a_failed_write},
        {"a_write_that_failed_by_itself", a_write_that_failed_by_itself},
        {"sync_of_all", sync_of_all},
        {"cache_by_itself", cache_by_itself},
        {"cache_as_told", cache_as_told},
        {"cache_too_large", cache_too_large},
        {"cache_without_memory", cache_without_memory},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
