/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_littlefs_cost.c - what the mends of littlefs that save work save (files/littlefs/mends.c),
 * and that what comes out is the same.
 */
#include <stdio.h>
#include <string.h>

#include "littlefstest.h"

static uint8_t have[1 << 16];

/* Does the file hold the first `len` bytes of buf? */
static void check_file(int fd, size_t len)
{
    CHECK_EQ(get(fd, have, sizeof(have), 0), len);
    CHECK(memcmp(have, buf, len) == 0);
}

/* The last block is written anew: 4,000 bytes in 16 steps. */
static void appending(void)
{
    int fd;

    start_small();
    fill(buf, 5000, 1);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 4000, 0), 4000);
    CHECK_EQ(sync_file(fd), 0);
    littlefs_work.copies = 0;
    CHECK_EQ(put(fd, buf + 4000, 50, 4000), 50);
    CHECK_EQ(littlefs_work.copies, 16);
    CHECK_EQ(sync_file(fd), 0);
    check_file(fd, 4050);
    hosttask_close(fd);
}

/* A small file, whose data is in the directory, becomes one with blocks. */
static void leaving_the_directory(void)
{
    int fd;

    start_small();
    fill(buf, 5000, 2);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 500, 0), 500);
    CHECK_EQ(sync_file(fd), 0);
    littlefs_work.copies = 0;
    CHECK_EQ(put(fd, buf + 500, 300, 500), 300);
    CHECK_EQ(littlefs_work.copies, 2);
    CHECK_EQ(sync_file(fd), 0);
    check_file(fd, 800);
    hosttask_close(fd);
}

/* What is behind the change follows at the sync: 15,800 bytes, in 62 steps. */
static void changing_the_middle(void)
{
    int fd;

    start_small();
    fill(buf, 16000, 3);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 16000, 0), 16000);
    CHECK_EQ(sync_file(fd), 0);
    fill(buf, 200, 4);
    CHECK_EQ(put(fd, buf, 200, 0), 200);
    littlefs_work.copies = 0;
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(littlefs_work.copies, 62);
    check_file(fd, 16000);
    hosttask_close(fd);
}

/* What was written is not read again: the reads are those of the directory, and of lists in blocks.
 */
static void nothing_is_read_back(void)
{
    int fd;

    start_small();
    fill(buf, 60000, 5);
    fd = open_new("/data/a");
    littlefs_work.reads = 0;
    CHECK_EQ(put(fd, buf, 60000, 0), 60000);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(littlefs_work.reads, 16);
    check_file(fd, 60000);
    hosttask_close(fd);
}

static void make_many(unsigned n)
{
    char path[32];

    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "/data/file-%03u", i);
        CHECK_EQ(hosttask_close(open_new(path)), 0);
    }
}

/* A directory that was read is not summed again; what is new in it is seen. */
static void looking_up(void)
{
    struct stat st;

    start_small();
    make_many(20);
    CHECK_EQ(look("/data/file-010", &st), 0);
    littlefs_work.summed = littlefs_work.near = 0;
    CHECK_EQ(look("/data/file-011", &st), 0);
    CHECK(littlefs_work.summed < 200);
    CHECK(littlefs_work.near > 40); /* 20 names, and more */
    make("/data/file-011", "new");
    CHECK(holds("/data/file-011", "new"));
    CHECK_EQ(path_mounts->unlink("/data/file-011"), 0);
    CHECK_EQ(look("/data/file-011", &st), -ENOENT);
}

/* Blocks are larger than what is read at once. */
static void across_the_cache(void)
{
    int fd;

    start(64, 16384);
    fill(buf, 10000, 6);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 10000, 0), 10000);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(get(fd, have, 1, 4000), 1);
    CHECK_EQ(get(fd, have, 200, 4001), 200);
    CHECK(memcmp(have, buf + 4001, 200) == 0);
    hosttask_close(fd);
}

/* Another file system may be where one was. */
static void another_one(void)
{
    static const struct lfs2 *const fs = (const void *)buf;

    littlefs_prove(fs, 7, 100);
    CHECK_EQ(littlefs_proven(fs, 7), 100);
    CHECK_EQ(littlefs_proven(fs, 7 + 256), 0);
    start_small();
    CHECK_EQ(littlefs_proven(fs, 7), 0);
}

/* Blocks are full, and their directories are written anew, again and again. */
static void directories_anew(void)
{
    char path[32], text[32];
    bool there;

    limits.volatile_cache = false;
    start(256, 4096);
    littlefs_work.filtered = 0;
    make_many(100);
    CHECK(littlefs_work.filtered > 5000);
    for (unsigned i = 0; i < 100; i += 3) {
        snprintf(path, sizeof(path), "/data/file-%03u", i);
        CHECK_EQ(path_mounts->unlink(path), 0);
        snprintf(path, sizeof(path), "/data/file-%03u", i + 1);
        snprintf(text, sizeof(text), "text %u", i);
        if (i + 1 < 100)
            make(path, text);
    }
    CHECK_EQ(list("/data", "file-002", &there), 66);
    CHECK(there);
    for (unsigned i = 0; i < 99; i += 3) {
        snprintf(path, sizeof(path), "/data/file-%03u", i + 1);
        snprintf(text, sizeof(text), "text %u", i);
        CHECK(holds(path, text));
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"appending", appending},
        {"leaving_the_directory", leaving_the_directory},
        {"changing_the_middle", changing_the_middle},
        {"nothing_is_read_back", nothing_is_read_back},
        {"looking_up", looking_up},
        {"across_the_cache", across_the_cache},
        {"another_one", another_one},
        {"directories_anew", directories_anew},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
