/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mount.c - the mount table: which paths lead to which file system, what a table may say, and
 * disks that are not mounted.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "fakedisk.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "mount.h"
#include "tarmaker.h"

const char mount_of_app[] = "/app:fake1";
static const void *const linked __attribute__((used)) = &fs_tar;

static struct fakedisk *disks[3];

static bool go_on(void *ctx)
{
    bool any = host_run_round();

    (void)ctx;
    for (unsigned i = 0; i < 3; i++)
        any |= disks[i] && fakedisk_step(disks[i]);
    return any;
}

/* Disk i, with a file of that many bytes; name NULL: the disk is blank. */
static void plug(unsigned i, const char *name, size_t len)
{
    static const struct block_device limits = {
        .block_size = 512, .max_segs = 40, .max_seg_size = 1u << 20, .depth = 16};
    static const char *const names[] = {"fake0", "fake1", "fake2"};
    struct tarmaker a = {0};
    struct fakedisk *f = disks[i] = fakedisk_new(64 * 4096, &limits);

    CHECK(f != NULL);
    f->dev.name = names[i];
    memset(f->now, 0, f->bytes);
    if (name) {
        tarmaker_file(&a, name, len);
        tarmaker_end(&a);
        memcpy(f->now, a.image, a.len);
        tarmaker_free(&a);
    }
    memcpy(f->durable, f->now, f->bytes);
    hosttask_on_wait(go_on, NULL);
}

static void start(const char *args)
{
    host_set_bootargs(args);
    plug(0, "file", 10);
    plug(1, "file", 20);
    plug(2, NULL, 0);
    host_boot();
}

/* The size of a file, or the error. */
static long long size_of(const char *path)
{
    struct stat st;
    int err = path_root.stat(path, &st), fd = path_root.open(path, O_RDONLY, 0);

    CHECK(fd >= 0 ? !err : fd == err);
    if (fd >= 0)
        hosttask_close(fd);
    return err ? err : S_ISDIR(st.st_mode) ? 0 : st.st_size;
}

static void paths(void)
{
    start("vireo.mount=/data:fake1");
    CHECK_EQ(size_of("/file"), 10);
    CHECK_EQ(size_of("/data/file"), 20);
    CHECK_EQ(size_of("data/file"), 20);
    CHECK_EQ(size_of("/.././/data//./file"), 20);
    CHECK_EQ(size_of("/data/../file"), 20); /* no path leads out */
    CHECK_EQ(size_of("/data"), 0);
    CHECK_EQ(size_of("/data/"), 0);
    CHECK_EQ(size_of("/datax/file"), -ENOENT);
    CHECK_EQ(size_of("/datafile"), -ENOENT);
    CHECK_EQ(size_of("/dat/file"), -ENOENT);
    CHECK_EQ(size_of("/data/data/file"), -ENOENT);
    CHECK_EQ(size_of("/mnt/fake1/file"), 20);
    CHECK_EQ(path_root.open("/data/new", O_CREAT | O_WRONLY, 0), -EROFS);
    CHECK_EQ(hosttask_open_files(), 0);
}

static void several(void)
{
    start("vireo.mount=/:fake1,/a:fake0,/a/b:fake1");
    CHECK_EQ(size_of("/file"), 20);
    CHECK_EQ(size_of("/a/file"), 10);
    CHECK_EQ(size_of("/a/b/file"), 20);
    CHECK_EQ(size_of("/a/./b//file"), 20);
    CHECK_EQ(size_of("/a/../b/file"), -ENOENT);
    CHECK_EQ(size_of("/mnt/fake0/file"), 10);
    CHECK_EQ(size_of("/../mnt/fake0/file"), 10);
    CHECK_EQ(path_root.open("/dev/fake0", O_RDONLY, 0) < 0, false);
}

static void what_the_application_says(void)
{
    start("");
    CHECK_EQ(size_of("/app/file"), 20);
}

/* A read-only file system says first whether the path is there. */
static void changes(void)
{
    struct statvfs *none = NULL;

    start("vireo.mount=/data:fake1,/more:fake0");
    CHECK_EQ(path_mounts->unlink("/file"), PATH_ELSEWHERE);
    CHECK_EQ(path_mounts->unlink("/data/file"), -EROFS);
    CHECK_EQ(path_mounts->unlink("/data/none"), -ENOENT);
    CHECK_EQ(path_mounts->rmdir("/data/file"), -EROFS);
    CHECK_EQ(path_mounts->truncate("/data/none", 0), -ENOENT);
    CHECK_EQ(path_mounts->mkdir("/data/file"), -EEXIST);
    CHECK_EQ(path_mounts->mkdir("/data/new"), -EROFS);
    CHECK_EQ(path_mounts->mkdir("/data/file/new"), -ENOTDIR);
    CHECK_EQ(path_mounts->rename("/data/file", "/data/new"), -EROFS);
    CHECK_EQ(path_mounts->rename("/data/file", "/more/new"), -EXDEV);
    CHECK_EQ(path_mounts->rename("/data/file", "/new"), -EXDEV);
    CHECK_EQ(path_mounts->rename("/file", "/data/new"), -EXDEV);
    CHECK_EQ(path_mounts->rename("/file", "/new"), PATH_ELSEWHERE);
    CHECK_EQ(path_mounts->statvfs("/file", none), PATH_ELSEWHERE);
}

static void wrong_table(const char *args, const char *why)
{
    start(args);
    CHECK_EQ(host_log_matches(why), 1);
}

static void without_a_disk(void)
{
    wrong_table("vireo.mount=/data", "write PATH:DISK");
}

static void without_a_path(void)
{
    wrong_table("vireo.mount=data:fake1", "write PATH:DISK");
}

static void twice(void)
{
    wrong_table("vireo.mount=/data:fake1,/data:fake0", "named twice");
}

static void below_dev(void)
{
    wrong_table("vireo.mount=/dev/x:fake1", "devices are below /dev");
}

static void with_dots(void)
{
    wrong_table("vireo.mount=/a/../b:fake1", "begins with a dot");
}

static void no_such_disk(void)
{
    start("vireo.mount=/data:fake7");
    CHECK_EQ(size_of("/data/file"), -ENXIO);
    CHECK_EQ(size_of("/data/file"), -ENXIO);
    CHECK_EQ(host_log_matches("there is no disk fake7"), 1);
    CHECK_EQ(size_of("/file"), 10);
}

static void a_blank_disk(void)
{
    start("vireo.mount=/data:fake2");
    CHECK_EQ(size_of("/data"), -ENODEV);
    CHECK_EQ(host_log_matches("fake2: is blank"), 1);
    CHECK_EQ(disks[2]->writes, 0);
}

static void foreign(unsigned at, const char *mark, const char *name)
{
    start("vireo.mount=/data:fake2");
    memcpy(disks[2]->now + at, mark, strlen(mark));
    CHECK_EQ(size_of("/data"), -ENODEV);
    CHECK_EQ(host_log_matches(name), 1);
    CHECK_EQ(disks[2]->writes, 0);
}

static void an_ext4_disk(void)
{
    foreign(1080, "\x53\xef", "fake2: holds an ext2, ext3 or ext4 file system");
}

static void a_partition_table(void)
{
    foreign(510, "\x55\xaa", "fake2: holds a partition table");
}

static void an_unknown_disk(void)
{
    foreign(100, "something", "fake2: holds no file system that this image knows");
}

/* What cannot be read may be read the next time. */
static void a_disk_that_fails(void)
{
    start("vireo.mount=/data:fake1");
    disks[1]->fail_reads = 100;
    CHECK_EQ(size_of("/data/file"), -EIO);
    CHECK_EQ(host_log_matches("the disk cannot be read"), 1);
    disks[1]->fail_reads = 0;
    CHECK_EQ(size_of("/data/file"), 20);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"paths", paths},
        {"several", several},
        {"what_the_application_says", what_the_application_says},
        {"changes", changes},
        {"without_a_disk", without_a_disk},
        {"without_a_path", without_a_path},
        {"twice", twice},
        {"below_dev", below_dev},
        {"with_dots", with_dots},
        {"no_such_disk", no_such_disk},
        {"a_blank_disk", a_blank_disk},
        {"an_ext4_disk", an_ext4_disk},
        {"a_partition_table", a_partition_table},
        {"an_unknown_disk", an_unknown_disk},
        {"a_disk_that_fails", a_disk_that_fails},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
