/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tar.c - the file tree of a tar archive: well-formed ones of three formats, in memory and on
 * a disk, and the paths that lead there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"
#include "treecheck.h"
#include "vireo/path.h"

/* ---- well-formed ----------------------------------------------------------------------------- */

static void sizes_and_padding(void)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 1024, 5000};
    char name[16];

    for (unsigned i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "f%zu", sizes[i]);
        tarmaker_file(&archive, name, sizes[i]);
    }
    tarmaker_end(&archive);
    tarmaker_file(&archive, "behind-the-end", 10);
    tree_index();
    for (unsigned i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "f%zu", sizes[i]);
        tree_check_file(name, name, sizes[i]);
    }
    CHECK_EQ(tree_check(), 8); /* and the root */
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
}

static void names_of_ustar(void)
{
    char full[101], prefix[156], path[300];
    size_t at;

    memset(full, 'n', 100);
    memset(prefix, 'p', 155);
    full[100] = prefix[155] = '\0';
    tarmaker_file(&archive, full, 9); /* no NUL in the field */
    at = tarmaker_file(&archive, full, 8);
    tarmaker_put(&archive, at, TAR_PREFIX, prefix, 155);
    tarmaker_file(&archive, "./dot/./and//slashes///x", 7);
    tarmaker_file(&archive, "/absolute", 6);
    tarmaker_add(&archive, "old/", '0', NULL, 0); /* a directory before POSIX */
    tarmaker_add(&archive, "older/", '\0', NULL, 0);
    tarmaker_add(&archive, "dir", '5', NULL, 0);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file(full, full, 9);
    snprintf(path, sizeof(path), "/%s/%s", prefix, full);
    tree_check_file(path, full, 8);
    tree_check_file("dot/and/slashes/x", "./dot/./and//slashes///x", 7);
    tree_check_file("absolute", "/absolute", 6);
    CHECK_EQ(tree.entries[tree_find("old")].type, FTREE_DIR);
    CHECK_EQ(tree.entries[tree_find("older")].type, FTREE_DIR);
    CHECK_EQ(tree.entries[tree_find("dir/")].type, FTREE_DIR);
    CHECK_EQ(tree_resolve("absolute/"), -ENOTDIR);
    CHECK_EQ(tree_names(FTREE_ROOT), 7);
    CHECK_EQ(tree.entries[tree_find("absolute")].mode, 0644);
    CHECK_EQ(tree.entries[tree_find("absolute")].mtime, 014000000000);
    tree_check();
}

static void gnu_long_names(void)
{
    char name[300], field[101];

    memset(name, 'l', 250);
    memcpy(name + 120, "/", 1);
    name[250] = '\0';
    memcpy(field, name, 100);
    field[100] = '\0';
    tarmaker_add(&archive, "././@LongLink", 'L', name, 251);
    tarmaker_file(&archive, field, 700);
    tarmaker_add(&archive, "././@LongLink", 'K', name, 251);
    tarmaker_link(&archive, "sym", '2', field);
    tarmaker_file(&archive, "plain", 1); /* the long name was for one entry */
    tarmaker_end(&archive);
    for (size_t at = 0; at < archive.len; at += 512) /* GNU's magic; and its prefix is no prefix */
        if (!memcmp(archive.image + at + TAR_MAGIC, "ustar", 6)) {
            memcpy(archive.image + at + TAR_PREFIX, "0000", 4);
            tarmaker_put(&archive, at, TAR_MAGIC, "ustar  ", 8);
        }
    tree_index();
    tree_check_file(name, field, 700);
    tree_check_file("sym", field, 700);
    tree_check_file("plain", "plain", 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    tree_check();
}

static void pax_records(void)
{
    size_t at;

    tarmaker_pax(&archive, "path", "really/é");
    tarmaker_file(&archive, "short", 600);
    tarmaker_pax(&archive, "size", "600");
    at = tarmaker_file(&archive, "sized", 600);
    tarmaker_put(&archive, at, TAR_SIZE, "00000000000", 12);
    tarmaker_pax(&archive, "linkpath", "really/é");
    tarmaker_link(&archive, "hard", '1', "wrong");
    tarmaker_pax(&archive, "mtime", "1.5"); /* a keyword that does not matter */
    tarmaker_file(&archive, "other", 3);
    tarmaker_add(&archive, "global", 'g', "19 comment=anything\n", 20);
    tarmaker_file(&archive, "last", 2);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("really/é", "short", 600);
    tree_check_file("sized", "sized", 600);
    tree_check_file("hard", "short", 600);
    tree_check_file("other", "other", 3);
    tree_check_file("last", "last", 2);
    CHECK_EQ(tree_find("short"), FTREE_NONE);
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
    tree_check();
}

static void base_256_size(void)
{
    size_t at = tarmaker_file(&archive, "b", 600);

    tarmaker_put(&archive, at, TAR_SIZE, "\x80\0\0\0\0\0\0\0\0\0\x02\x58", 12);
    tarmaker_file(&archive, "next", 5);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("b", "b", 600);
    tree_check_file("next", "next", 5);
}

/* Directories and links have no data, also when their header gives a size. */
static void sizes_without_data(void)
{
    static const char kinds[] = "5123";
    char name[2] = "a", next[] = "a/next";
    size_t at;

    tarmaker_file(&archive, "file", 100);
    for (unsigned i = 0; kinds[i]; i++, name[0]++, next[5]++) {
        at = tarmaker_link(&archive, name, kinds[i], "file");
        tarmaker_put(&archive, at, TAR_SIZE, "00000002000", 12);
        tarmaker_file(&archive, next, 10 + i);
    }
    tarmaker_end(&archive);
    tree_index();
    CHECK_EQ(tree.entries[tree_find("a")].size, 0);
    for (next[5] = 't'; next[5] < 't' + 4; next[5]++)
        tree_check_file(next, next, 10 + (size_t)(next[5] - 't'));
    tree_check_file("b", "file", 100);
    tree_check_file("c", "file", 100);
    CHECK_EQ(host_log_lines(HAL_ERROR), 0);
    CHECK_EQ(host_log_matches("left out"), 1); /* the device */
}

/* A mode that is no number leaves a file that can be read. */
static void modes(void)
{
    size_t at;

    at = tarmaker_file(&archive, "octal", 1);
    tarmaker_put(&archive, at, TAR_MODE, "0000750", 8);
    at = tarmaker_file(&archive, "binary", 1);
    tarmaker_put(&archive, at, TAR_MODE, "\x80\0\0\0\0\0\x01\x80", 8);
    at = tarmaker_file(&archive, "negative", 1);
    tarmaker_put(&archive, at, TAR_MODE, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    at = tarmaker_file(&archive, "rubbish", 1);
    tarmaker_put(&archive, at, TAR_MODE, "07x0000", 8);
    tarmaker_end(&archive);
    tree_index();
    CHECK_EQ(tree.entries[tree_find("octal")].mode, 0750);
    CHECK_EQ(tree.entries[tree_find("binary")].mode, 0600);
    CHECK_EQ(tree.entries[tree_find("negative")].mode, 0444);
    CHECK_EQ(tree.entries[tree_find("rubbish")].mode, 0444);
}

static void links(void)
{
    tarmaker_file(&archive, "d/file", 100);
    tarmaker_link(&archive, "d/up", '2', "../top");
    tarmaker_link(&archive, "top", '2', "d/file");
    tarmaker_link(&archive, "abs", '2', "/d/../d//file");
    tarmaker_link(&archive, "dir", '2', "d");
    tarmaker_link(&archive, "out", '2', "../../../d/file"); /* ".." at the top stays there */
    tarmaker_link(&archive, "loop", '2', "loop2");
    tarmaker_link(&archive, "loop2", '2', "loop");
    tarmaker_link(&archive, "self", '2', "self/x");
    tarmaker_link(&archive, "dangling", '2', "nothing");
    tarmaker_link(&archive, "hard", '1', "d/file");
    tarmaker_link(&archive, "hard-to-nothing", '1', "nothing");
    tarmaker_link(&archive, "hard-to-dir", '1', "d");
    tarmaker_link(&archive, "empty", '2', "");
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("d/up", "d/file", 100);
    tree_check_file("abs", "d/file", 100);
    tree_check_file("dir/file", "d/file", 100);
    tree_check_file("dir/up", "d/file", 100);
    tree_check_file("out", "d/file", 100);
    tree_check_file("hard", "d/file", 100);
    CHECK_EQ(tree_resolve("loop"), -ELOOP);
    CHECK_EQ(tree_resolve("self"), -ELOOP);
    CHECK_EQ(tree_resolve("dangling"), -ENOENT);
    CHECK_EQ(tree_resolve("d/file/x"), -ENOTDIR);
    CHECK_EQ(tree_resolve("top/"), -ENOTDIR);
    CHECK_EQ(tree_find("hard-to-nothing"), FTREE_NONE);
    CHECK_EQ(tree_find("hard-to-dir"), FTREE_NONE);
    CHECK_EQ(tree_find("../.."), FTREE_ROOT);
    tree_check();
}

static void link_chains_are_bounded(void)
{
    char from[16], to[16];

    tarmaker_file(&archive, "l0", 10);
    for (unsigned i = 1; i < 12; i++) {
        snprintf(from, sizeof(from), "l%u", i);
        snprintf(to, sizeof(to), "l%u", i - 1);
        tarmaker_link(&archive, from, '2', to);
    }
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("l8", "l0", 10);
    CHECK_EQ(tree_resolve("l9"), -ELOOP);
}

/* What a program that unpacks would replace is replaced. */
static void later_entries_win(void)
{
    tarmaker_file(&archive, "x", 10);
    tarmaker_file(&archive, "y/z", 4);
    tarmaker_file(&archive, "x", 20);
    tarmaker_file(&archive, "y", 3);       /* cannot be: the directory has a file in it */
    tarmaker_file(&archive, "x/below", 3); /* nor this */
    tarmaker_link(&archive, "y", '2', "/");
    tarmaker_file(&archive, "f", 5);
    tarmaker_add(&archive, "f", '5', NULL, 0);
    tarmaker_file(&archive, "f/below", 6);
    tarmaker_link(&archive, "l", '2', "x");
    tarmaker_file(&archive, "l", 7);
    tarmaker_add(&archive, "empty", '5', NULL, 0);
    tarmaker_file(&archive, "empty", 8);
    tarmaker_end(&archive);
    tree_index();
    tree_check_file("x", "x", 20);
    tree_check_file("y/z", "y/z", 4);
    tree_check_file("f/below", "f/below", 6);
    tree_check_file("l", "l", 7);
    tree_check_file("empty", "empty", 8);
    CHECK_EQ(tree.count, 8);
    CHECK(host_logged("x/below is left out: an earlier entry above it is a file"));
    CHECK(host_logged("y is left out: an earlier entry is a directory"));
    CHECK_EQ(host_log_matches("left out"), 2);
    tree_check();
}

static void opening(void)
{
    struct stat st;
    uint32_t e;

    tarmaker_file(&archive, "d/f", 1000);
    tarmaker_end(&archive);
    tree_index();
    e = tree_find("d/f");
    CHECK_EQ(ftree_open(&tree, e, O_WRONLY), -EROFS);
    CHECK_EQ(ftree_open(&tree, e, O_RDONLY | O_TRUNC), -EROFS);
    CHECK_EQ(ftree_open(&tree, e, O_RDONLY | O_DIRECTORY), -ENOTDIR);
    CHECK_EQ(ftree_open(&tree, e, O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
    CHECK_EQ(ftree_open(&tree, tree_find("d"), O_RDWR), -EISDIR);
    ftree_stat(&tree, e, &st);
    CHECK(S_ISREG(st.st_mode) && st.st_size == 1000 && (st.st_mode & 0222) == 0);
    ftree_stat(&tree, tree_find("d"), &st);
    CHECK(S_ISDIR(st.st_mode) && st.st_size == 0);
    CHECK_EQ(hosttask_open_files(), 0);
}

/* ---- as the tools write them ----------------------------------------------------------------- */

/* A directory made by tar in a format is read as tar made it. */
static void made_by_tar(const char *format)
{
    static const char script[] =
        "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; cd $d\n"
        "n=$(printf %%090d 7); mkdir -p site/$n/$n/deep empty\n"
        "printf hello > site/index.html; seq 1 2000 > site/$n/$n/deep/numbers\n"
        "ln -s ../site/index.html empty/link; ln site/index.html hard; : > none\n"
        "ln -s site/$n/$n/deep/numbers long\n"
        "tar --format=%s -V SITE -cf - .";
    static uint8_t image[1 << 16], buf[16384];
    char command[sizeof(script) + 16], n[91], path[400];
    FILE *pipe;
    size_t len;

    snprintf(command, sizeof(command), script, format);
    pipe = popen(command, "r");
    CHECK(pipe != NULL);
    len = fread(image, 1, sizeof(image), pipe);
    CHECK_EQ(pclose(pipe), 0);
    tree_index_image(image, len);
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
    CHECK_EQ(tree_read(tree_find("site/index.html"), buf, sizeof(buf)), 5);
    CHECK(memcmp(buf, "hello", 5) == 0);
    CHECK(tree_find("empty/link") == tree_find("site/index.html"));
    CHECK_EQ(tree_read(tree_find("hard"), buf, sizeof(buf)), 5);
    CHECK_EQ(tree_read(tree_find("none"), buf, sizeof(buf)), 0);
    snprintf(n, sizeof(n), "%090d", 7);
    snprintf(path, sizeof(path), "/site/%s/%s/deep/numbers", n, n);
    CHECK_EQ(tree_read(tree_find(path), buf, sizeof(buf)), 8893);
    CHECK(memcmp(buf + 8888, "2000\n", 5) == 0);
    CHECK(strcmp(format, "ustar") == 0 || tree_find("long") == tree_find(path));
    tree_check();
}

static void made_by_tar_gnu(void)
{
    made_by_tar("gnu");
}

static void made_by_tar_pax(void)
{
    made_by_tar("pax");
}

/* ---- on a disk ------------------------------------------------------------------------------- */

static struct fakedisk *disk;

static bool work(void *ctx)
{
    (void)ctx;
    return fakedisk_step(disk) | host_run_round();
}

static int open_path(const char *path)
{
    return path_root.open(path, O_RDONLY, 0);
}

static ssize_t read_path(const char *path, uint8_t *buf, size_t len)
{
    int fd = open_path(path);
    ssize_t n;

    if (fd < 0)
        return fd;
    n = hosttask_file(fd)->ops->pread(hosttask_file(fd), buf, len, 0);
    hosttask_close(fd);
    return n;
}

static void put_on_disk(void)
{
    static const struct block_device limits = {
        .block_size = 512, .max_segs = 16, .max_seg_size = 1u << 16, .depth = 8};

    disk = fakedisk_new(1u << 20, &limits);
    memset(disk->now, 0, disk->bytes);
    if (archive.len)
        memcpy(disk->now, archive.image, archive.len);
    hosttask_on_wait(work, NULL);
}

static void tree_on_a_disk(void)
{
    static uint8_t buf[200000];
    struct stat st;

    tarmaker_file(&archive, "a/b", 150000);
    tarmaker_end(&archive);
    put_on_disk();
    CHECK_EQ(read_path("/a/b", buf, sizeof(buf)), 150000);
    for (unsigned i = 0; i < 150000; i++)
        CHECK_EQ(buf[i], tarmaker_byte("a/b", i));
    CHECK_EQ(read_path("//mnt//fake0/a/../a/./b", buf, 10), 10);
    CHECK_EQ(read_path("/dev/fake0", buf, 512), 512);
    CHECK(memcmp(buf, archive.image, 512) == 0);
    CHECK_EQ(open_path("/dev/fake1"), -ENOENT);
    CHECK_EQ(open_path("/dev/fake0/x"), -ENOTDIR);
    CHECK_EQ(open_path("/mnt/other/a/b"), -ENOENT);
    CHECK_EQ(open_path("/a/c"), -ENOENT);
    CHECK_EQ(path_root.open("/a/c", O_CREAT | O_WRONLY, 0), -EROFS);
    CHECK_EQ(path_root.open("/a/b", O_WRONLY, 0), -EROFS);
    CHECK_EQ(path_root.stat("/a/b", &st), 0);
    CHECK_EQ(st.st_size, 150000);
    CHECK_EQ(path_root.stat("/../..", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
}

/* An unreadable header ends the index: files behind it stay missing, also if the sector is readable
 * later. */
static void header_in_a_bad_sector(void)
{
    static uint8_t buf[8192];
    size_t header;

    tarmaker_file(&archive, "first", 3584);
    header = tarmaker_file(&archive, "second", 6000); /* in a cache block of its own */
    tarmaker_file(&archive, "third", 10);
    tarmaker_end(&archive);
    put_on_disk();
    disk->bad_sector = header / 512;
    CHECK_EQ(read_path("/first", buf, sizeof(buf)), 3584);
    CHECK_EQ(open_path("/second"), -ENOENT);
    disk->bad_sector = UINT64_MAX;
    CHECK_EQ(open_path("/third"), -ENOENT);
    CHECK_EQ(host_log_matches("cannot be read"), 1);
}

/* So does an extended header of which only the start can be read. */
static void name_in_a_bad_sector(void)
{
    static uint8_t buf[4096];
    char name[701];

    memset(name, 'n', 700);
    for (unsigned i = 100; i < 700; i += 100)
        name[i] = '/';
    name[700] = '\0';
    tarmaker_file(&archive, "first", 2560);
    tarmaker_pax(&archive, "path", name); /* its data begin 512 bytes before a cache block's end */
    tarmaker_file(&archive, "second", 10);
    tarmaker_end(&archive);
    put_on_disk();
    disk->bad_sector = 8;
    CHECK_EQ(read_path("/first", buf, sizeof(buf)), 2560);
    CHECK_EQ(open_path("/second"), -ENOENT);
    CHECK_EQ(host_log_matches("cannot be read"), 1);
}

/* A file that cannot be read only fails itself. */
static void disk_with_a_bad_sector(void)
{
    static uint8_t buf[8192];
    size_t second;

    tarmaker_file(&archive, "first", 6000);
    second = tarmaker_file(&archive, "second", 6000);
    tarmaker_file(&archive, "third", 20000);
    tarmaker_file(&archive, "fourth", 10);
    tarmaker_end(&archive);
    put_on_disk();
    disk->bad_sector = second / 512 + 4 + 4;
    CHECK_EQ(read_path("/first", buf, sizeof(buf)), 6000);
    CHECK(read_path("/second", buf, sizeof(buf)) < 6000);
    CHECK_EQ(read_path("/fourth", buf, sizeof(buf)), 10);
    CHECK_EQ(open_path("/fifth"), -ENOENT);
}

static void initrd_goes_first(void)
{
    static uint8_t buf[100];
    struct tarmaker second = {NULL, 0};

    tarmaker_file(&archive, "disk", 50);
    tarmaker_end(&archive);
    put_on_disk();
    tarmaker_file(&second, "initrd", 60);
    tarmaker_end(&second);
    hosttask_initrd(second.image, second.len);
    CHECK_EQ(read_path("/initrd", buf, 100), 60);
    CHECK_EQ(read_path("/mnt/initrd/initrd", buf, 100), 60);
    CHECK_EQ(read_path("/mnt/fake0/disk", buf, 100), 50);
    CHECK_EQ(open_path("/disk"), -ENOENT);
}

static void no_tree_anywhere(void)
{
    static uint8_t rubbish[2048] = {1};

    put_on_disk();
    hosttask_initrd(rubbish, sizeof(rubbish));
    CHECK(open_path("/x") < 0 && open_path("/x") < 0);
    CHECK_EQ(host_log_matches("not a tar archive"), 1);
    CHECK_EQ(host_log_matches("no disk and no initrd carries files"), 1);
    CHECK(open_path("/dev/fake0") >= 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"sizes_and_padding", sizes_and_padding},
        {"names_of_ustar", names_of_ustar},
        {"gnu_long_names", gnu_long_names},
        {"pax_records", pax_records},
        {"base_256_size", base_256_size},
        {"sizes_without_data", sizes_without_data},
        {"modes", modes},
        {"links", links},
        {"link_chains_are_bounded", link_chains_are_bounded},
        {"later_entries_win", later_entries_win},
        {"opening", opening},
        {"made_by_tar_gnu", made_by_tar_gnu},
        {"made_by_tar_pax", made_by_tar_pax},
        {"tree_on_a_disk", tree_on_a_disk},
        {"header_in_a_bad_sector", header_in_a_bad_sector},
        {"name_in_a_bad_sector", name_in_a_bad_sector},
        {"disk_with_a_bad_sector", disk_with_a_bad_sector},
        {"initrd_goes_first", initrd_goes_first},
        {"no_tree_anywhere", no_tree_anywhere},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
