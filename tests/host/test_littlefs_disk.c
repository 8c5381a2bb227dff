/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_littlefs_disk.c - littlefs and its disk: what is durable when, a full disk, one that fails,
 * one that cannot be written, and those that are not mounted.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "littlefstest.h"

/* ---- the disk -------------------------------------------------------------------------------- */

/* What was acknowledged stays, and a file that is there can be read, deleted and changed. */
static void a_full_disk(void)
{
    struct statvfs fs;
    size_t taken = 0;
    ssize_t n = 1;
    int fd, other;

    start(32, 4096);
    fill(buf, sizeof(buf), 3);
    make("/data/small", "here before");
    fd = open_new("/data/big");
    while (n > 0) {
        n = put(fd, buf + taken, 1000, (off_t)taken);
        taken += n > 0 ? (size_t)n : 0;
    }
    CHECK_EQ(n, -ENOSPC);
    CHECK(taken > 24 * 4096);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(size_of("/data/big"), taken);
    CHECK_EQ(put(fd, "x", 1, 10), -ENOSPC);
    taken -= 2 * 4096;
    CHECK_EQ(cut(fd, (off_t)taken), 0);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(put(fd, "x", 1, 10), 1); /* a block for that, and none for the rest of the file */
    CHECK_EQ(sync_file(fd), -ENOSPC);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(cut(fd, 1 << 20), -ENOSPC);
    CHECK_EQ(size_of("/data/big"), taken);
    CHECK_EQ(put(fd, "x", 1, 1 << 20), -ENOSPC);
    CHECK_EQ(size_of("/data/big"), taken);
    CHECK_EQ(get(fd, buf + 500000, taken, 0), taken);
    CHECK(!memcmp(buf, buf + 500000, taken));
    CHECK_EQ(path_mounts->mkdir("/data/dir"), -ENOSPC);
    CHECK(holds("/data/small", "here before"));
    CHECK_EQ(path_mounts->statvfs("/data", &fs), 0);
    CHECK(fs.f_blocks == 32 && fs.f_bfree <= 1 && fs.f_frsize == 4096);
    CHECK_EQ(hosttask_close(fd), 0);
    other = open_path("/data/small", O_WRONLY);
    CHECK_EQ(put(other, "HERE", 4, 0), 4);
    CHECK_EQ(hosttask_close(other), 0);
    CHECK_EQ(path_mounts->unlink("/data/big"), 0);
    CHECK(holds("/data/small", "HERE before"));
    CHECK_EQ(path_mounts->mkdir("/data/dir"), 0);
    make("/data/dir/new", "room again");
    CHECK_EQ(path_mounts->statvfs("/data/dir", &fs), 0);
    CHECK(fs.f_bfree > 20);
}

/* fsync() makes a file durable, and so does sync() and the end of the image for one that is open.
 */
static void durable(void)
{
    int a, b;

    start_small();
    a = open_new("/data/a");
    fill(buf, 10000, 1);
    CHECK_EQ(put(a, buf, 10000, 0), 10000);
    CHECK(disk_sync_all());
    CHECK(!memcmp(f->now, f->durable, f->bytes));
    b = f->flushes;
    CHECK_EQ(sync_file(a), 0);
    CHECK_EQ(f->flushes - b, 0); /* nothing was left to do */
    CHECK_EQ(put(a, "x", 1, 9999), 1);
    b = f->flushes;
    CHECK_EQ(sync_file(a), 0);
    CHECK_EQ(f->flushes - b, 2); /* the data, then what names it */
    CHECK_EQ(sync_file(a), 0);
    CHECK_EQ(f->flushes - b, 2);
    CHECK_EQ(put(a, "y", 1, 0), 1);
    CHECK_EQ(hosttask_end(), 0);
    CHECK(!memcmp(f->now, f->durable, f->bytes));
    b = f->flushes;
    CHECK_EQ(sync_file(a), 0);
    CHECK_EQ(f->flushes - b, 0);
}

/* O_SYNC, and a file whose data is in the metadata: one flush. */
static void synchronous_writes(void)
{
    unsigned before;
    int fd;

    start_small();
    fd = open_path("/data/a", O_CREAT | O_WRONLY | O_SYNC);
    before = f->flushes;
    CHECK_EQ(put(fd, "one", 3, 0), 3);
    CHECK_EQ(f->flushes - before, 1);
    CHECK_EQ(hosttask_close(fd), 0);
    CHECK_EQ(f->flushes - before, 1);
}

/* An error is told by the call that meets it; the data is there still, and the next sync succeeds.
 */
static void write_errors(void)
{
    int fd;

    start_small();
    fd = open_new("/data/a");
    fill(buf, 10000, 1);
    CHECK_EQ(put(fd, buf, 10000, 0), 10000);
    f->fail_writes = 100;
    CHECK_EQ(sync_file(fd), -EIO);
    CHECK_EQ(sync_file(fd), -EIO);
    f->fail_writes = 0;
    f->fail_flushes = 100;
    CHECK_EQ(sync_file(fd), -EIO);
    f->fail_flushes = 0;
    CHECK_EQ(get(fd, buf + 20000, 10000, 0), 10000);
    CHECK(!memcmp(buf, buf + 20000, 10000));
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(hosttask_close(fd), 0);
    CHECK_EQ(size_of("/data/a"), 10000);
}

static void a_read_only_disk(void)
{
    struct stat st;

    start_small();
    make("/data/a", "one");
    f->dev.read_only = true;
    CHECK(holds("/data/a", "one"));
    CHECK_EQ(look("/data/a", &st), 0);
    CHECK_EQ(st.st_mode & 0222, 0);
    CHECK_EQ(open_path("/data/a", O_RDWR), -EROFS);
    CHECK_EQ(open_path("/data/a", O_TRUNC | O_RDONLY), -EROFS);
    CHECK_EQ(open_path("/data/b", O_CREAT | O_RDWR), -EROFS);
    CHECK_EQ(path_mounts->mkdir("/data/d"), -EROFS);
    CHECK_EQ(path_mounts->mkdir("/data/a"), -EEXIST);
    CHECK_EQ(path_mounts->unlink("/data/a"), -EROFS);
    CHECK_EQ(path_mounts->unlink("/data/b"), -ENOENT);
    CHECK_EQ(path_mounts->rename("/data/a", "/data/b"), -EROFS);
}

/* ---- disks that are not mounted -------------------------------------------------------------- */

static void a_disk_that_was_cut_off(void)
{
    struct fakedisk *whole;

    start_small();
    make("/data/a", "one");
    CHECK(disk_sync_all());
    whole = f;
    f = fakedisk_new(32 * 4096, &limits);
    f->dev.name = "fake1";
    memcpy(f->now, whole->now, 32 * 4096);
    CHECK_EQ(mount_table("/cut:fake1"), NULL);
    CHECK_EQ(size_of("/cut/a"), -ENODEV);
    CHECK_EQ(host_log_matches("the disk was cut off"), 1);
    CHECK_EQ(f->writes, 0);
}

/* Both copies of the superblock's sum are wrong. */
static void a_damaged_superblock(void)
{
    struct fakedisk *whole;

    start_small();
    CHECK(disk_sync_all());
    whole = f;
    f = fakedisk_new(64 * 4096, &limits);
    f->dev.name = "fake1";
    memcpy(f->now, whole->now, 64 * 4096);
    f->now[30] ^= 1;
    f->now[4096 + 30] ^= 1;
    CHECK_EQ(mount_table("/bad:fake1"), NULL);
    CHECK_EQ(size_of("/bad/a"), -EIO);
    CHECK_EQ(host_log_matches("its littlefs is damaged"), 1);
    CHECK_EQ(f->writes, 0);
}

/* Sets the number of blocks in a copy of the superblock, and makes the sum of its commit right. */
static void set_blocks(uint8_t *copy, uint32_t blocks)
{
    unsigned at = 32;
    uint32_t sum;

    while (lfs2_crc(0xffffffff, copy, at) != (memcpy(&sum, copy + at, 4), sum))
        CHECK(++at < 512);
    memcpy(copy + 28, &blocks, 4);
    sum = lfs2_crc(0xffffffff, copy, at);
    memcpy(copy + at, &sum, 4);
}

/* Without the mend of littlefs, the number of a block is divided by zero. */
static void a_superblock_of_no_blocks(void)
{
    struct fakedisk *whole;

    start_small();
    CHECK(disk_sync_all());
    whole = f;
    f = fakedisk_new(64 * 4096, &limits);
    f->dev.name = "fake1";
    memcpy(f->now, whole->now, 64 * 4096);
    set_blocks(f->now, 0);
    set_blocks(f->now + 4096, 0);
    CHECK_EQ(mount_table("/bad:fake1"), NULL);
    CHECK_EQ(size_of("/bad/a"), -EIO);
    CHECK_EQ(host_log_matches("its littlefs is damaged"), 1);
}

/* One copy is enough. */
static void half_a_superblock(void)
{
    struct fakedisk *whole;

    start_small();
    make("/data/a", "one");
    CHECK(disk_sync_all());
    whole = f;
    f = fakedisk_new(64 * 4096, &limits);
    f->dev.name = "fake1";
    memcpy(f->now, whole->now, 64 * 4096);
    memset(f->now, 0xee, 4096);
    CHECK_EQ(mount_table("/half:fake1"), NULL);
    (void)size_of("/half/a");
    CHECK_EQ(host_log_matches("holds no file system"), 0);
}

static void other_block_sizes(void)
{
    start(64, case_variant);
    make("/data/a", "one");
    CHECK_EQ(path_mounts->mkdir("/data/d"), 0);
    make("/data/d/b", "two");
    CHECK(holds("/data/a", "one") && holds("/data/d/b", "two"));
}

static const struct test_variant sizes[] = {
    {"512", 512}, {"1024", 1024}, {"8192", 8192}, {"65536", 65536}, {NULL, 0}};

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"a_full_disk", a_full_disk},
        {"durable", durable},
        {"synchronous_writes", synchronous_writes},
        {"write_errors", write_errors},
        {"a_read_only_disk", a_read_only_disk},
        {"a_disk_that_was_cut_off", a_disk_that_was_cut_off},
        {"a_damaged_superblock", a_damaged_superblock},
        {"a_superblock_of_no_blocks", a_superblock_of_no_blocks},
        {"half_a_superblock", half_a_superblock},
        {"other_block_sizes", other_block_sizes, .variants = sizes},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
