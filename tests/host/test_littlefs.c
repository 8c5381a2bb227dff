/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_littlefs.c - littlefs below a mount point as a program sees it: each call and its errors,
 * over the cache of a disk that loses what was not flushed. What it does in a power cut is in
 * test_littlefs_model.c.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "littlefstest.h"

/* ---- files ----------------------------------------------------------------------------------- */

static void opening(void)
{
    struct stat st;
    int fd;

    start_small();
    CHECK_EQ(open_path("/data/a", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/data/none/a", O_CREAT | O_RDWR), -ENOENT);
    CHECK_EQ(open_path("/data/a/", O_CREAT | O_RDWR), -EISDIR);
    make("/data/a", "one");
    CHECK(holds("/data/a", "one") && holds("/data//./a", "one") && holds("/data/x/../a", "one"));
    CHECK_EQ(open_path("/data/a", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
    CHECK_EQ(open_path("/data/a/b", O_CREAT | O_RDWR), -ENOTDIR);
    CHECK_EQ(open_path("/data/a/", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_path("/data/a", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    CHECK_EQ(open_path("/data", O_RDWR), -EISDIR);
    CHECK_EQ(open_path("/data", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
    CHECK_EQ(path_mounts->mkdir("/data/dir"), 0);
    CHECK_EQ(open_path("/data/dir", O_RDWR), -EISDIR);
    CHECK_EQ(open_path("/data/dir", O_CREAT | O_RDONLY), -EISDIR);
    fd = open_path("/data/dir/", O_RDONLY);
    CHECK(fd >= 0 && hosttask_file(fd)->ops->fsync(hosttask_file(fd)) == 0);
    hosttask_close(fd);
    make("/data/a", "");
    CHECK(holds("/data/a", ""));
    CHECK_EQ(look("/data/a", &st), 0);
    CHECK(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0666 && st.st_mtim.tv_sec > 0);
    CHECK_EQ(look("/data/dir", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    CHECK_EQ(look("/data/a/", &st), -ENOTDIR);
    memset(buf, 'n', 300);
    memcpy(buf, "/data/", 6);
    buf[6 + 256] = '\0';
    CHECK_EQ(open_path((char *)buf, O_CREAT | O_RDWR), -ENAMETOOLONG);
    buf[6 + 255] = '\0';
    make((char *)buf, "long");
    CHECK(holds((char *)buf, "long"));
    CHECK_EQ(hosttask_open_files(), 0);
}

/* Any place and length, also beyond the end, and across the sizes at which littlefs changes. */
static void reading_and_writing(void)
{
    static uint8_t want[40000], have[sizeof(want) + 1];
    size_t size = 0;
    int fd;

    start_small();
    fd = open_new("/data/a");
    for (unsigned i = 0; i < 200; i++) {
        size_t at = random_below(3) ? random_below(i * 100 + 1) : size;
        size_t len = 1 + random_below(random_below(2) ? 30 : 9000);

        len = at + len > sizeof(want) ? sizeof(want) - at : len;
        for (size_t k = 0; k < len; k++)
            want[at + k] = (uint8_t)random32();
        CHECK_EQ(put(fd, want + at, len, (off_t)at), len);
        size = at + len > size ? at + len : size;
        if (!random_below(10)) {
            size_t to = random_below((uint32_t)size + 1000);

            to = to > sizeof(want) ? sizeof(want) : to;
            CHECK_EQ(cut(fd, (off_t)to), 0);
            if (to < size)
                memset(want + to, 0, size - to);
            size = to;
        }
        if (!random_below(4))
            CHECK_EQ(sync_file(fd), 0);
        CHECK_EQ(size_of("/data/a"), size);
        at = random_below((uint32_t)size + 10);
        len = random_below(5000);
        CHECK_EQ(get(fd, have, len, (off_t)at), at >= size ? 0 : at + len > size ? size - at : len);
        CHECK(at >= size || !memcmp(have, want + at, at + len > size ? size - at : len));
    }
    hosttask_close(fd);
    fd = open_path("/data/a", O_RDONLY);
    CHECK_EQ(get(fd, have, sizeof(have), 0), size);
    CHECK(!memcmp(have, want, size));
    hosttask_close(fd);
}

/* Without the mend of littlefs, the buffer of the block before is taken for the next block's. */
static void seeking_from_the_end_of_a_block(void)
{
    uint8_t have[8];
    int fd;

    start_small();
    fill(buf, 3 * 4096, 0);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 3 * 4096, 0), 3 * 4096);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(get(fd, buf + 100000, 4096, 0), 4096);
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(get(fd, have, 1, 4095), 1); /* the last byte of the first block */
        CHECK_EQ(get(fd, have, 8, 4096 + 100 * i), 8);
        CHECK(!memcmp(have, buf + 4096 + 100 * i, 8));
    }
}

/* All descriptors of a file see one content, whatever was synced. */
static void two_descriptors(void)
{
    char have[10] = "";
    int a, b;

    start_small();
    a = open_new("/data/a");
    b = open_path("/data/a", O_RDWR);
    CHECK_EQ(put(a, "one", 3, 0), 3);
    CHECK_EQ(get(b, have, 9, 0), 3);
    CHECK(!memcmp(have, "one", 3));
    CHECK_EQ(put(b, "two", 3, 3), 3);
    CHECK_EQ(size_of("/data/a"), 6);
    CHECK_EQ(hosttask_close(a), 0);
    CHECK_EQ(get(b, have, 9, 0), 6);
    CHECK(!memcmp(have, "onetwo", 6));
    a = open_path("/data/a", O_TRUNC | O_WRONLY);
    CHECK_EQ(get(b, have, 9, 0), 0);
    CHECK_EQ(hosttask_close(b), 0);
    CHECK_EQ(hosttask_close(a), 0);
    CHECK_EQ(size_of("/data/a"), 0);
}

static void appending(void)
{
    struct file *a, *b;

    start_small();
    a = hosttask_file(open_path("/data/a", O_CREAT | O_APPEND | O_WRONLY));
    b = hosttask_file(open_path("/data/a", O_APPEND | O_RDWR));
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(a->ops->write(a, "aaaa\n", 5), 5);
        CHECK_EQ(b->ops->write(b, "b\n", 2), 2);
        CHECK_EQ(b->pos, (i + 1) * 7);
    }
    CHECK_EQ(size_of("/data/a"), 700);
}

/* A file without a name can be used until it is closed, and its blocks are nobody else's. */
static void deleting_an_open_file(void)
{
    struct stat st = {0};
    int fd, other;

    start(96, 4096);
    fill(buf, 60000, 1);
    fd = open_new("/data/a");
    CHECK_EQ(put(fd, buf, 60000, 0), 60000);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(path_mounts->unlink("/data/a"), 0);
    CHECK_EQ(size_of("/data/a"), -ENOENT);
    for (unsigned i = 0; i < 12; i++) { /* passes over the disk more than once */
        other = open_path("/data/b", O_CREAT | O_TRUNC | O_WRONLY);
        fill(buf + 100000, 100000, i + 50);
        CHECK_EQ(put(other, buf + 100000, 100000, 0), 100000);
        CHECK_EQ(hosttask_close(other), 0);
    }
    CHECK_EQ(get(fd, buf + 200000, 60000, 0), 60000);
    CHECK(!memcmp(buf, buf + 200000, 60000));
    CHECK_EQ(put(fd, "more", 4, 60000), 4);
    CHECK_EQ(sync_file(fd), 0);
    CHECK_EQ(hosttask_file(fd)->ops->fstat(hosttask_file(fd), &st), 0);
    CHECK(st.st_size == 60004 && st.st_nlink == 0);
    CHECK_EQ(hosttask_close(fd), 0);
    CHECK_EQ(size_of("/data/a"), -ENOENT);
}

/* An open file that gets another name keeps it; one whose name is taken has none. */
static void renaming(void)
{
    struct stat st;
    int fd, victim;

    start_small();
    make("/data/a", "one");
    make("/data/b", "two");
    CHECK_EQ(path_mounts->mkdir("/data/d"), 0);
    CHECK_EQ(path_mounts->mkdir("/data/d/e"), 0);
    CHECK_EQ(path_mounts->mkdir("/data/empty"), 0);
    fd = open_path("/data/a", O_RDWR);
    victim = open_path("/data/b", O_RDWR);
    CHECK_EQ(put(fd, "ONE", 3, 0), 3);
    CHECK_EQ(path_mounts->rename("/data/a", "/data/b"), 0);
    CHECK(holds("/data/b", "ONE"));
    CHECK_EQ(size_of("/data/a"), -ENOENT);
    CHECK_EQ(put(victim, "lost", 4, 0), 4);
    CHECK_EQ(put(fd, "more", 4, 3), 4);
    CHECK_EQ(sync_file(fd), 0);
    CHECK(holds("/data/b", "ONEmore"));
    CHECK_EQ(path_mounts->rename("/data/b", "/data/d/e/c"), 0);
    CHECK_EQ(put(fd, "!", 1, 7), 1);
    CHECK_EQ(hosttask_close(fd), 0);
    CHECK_EQ(hosttask_close(victim), 0);
    CHECK(holds("/data/d/e/c", "ONEmore!"));
    CHECK_EQ(path_mounts->rename("/data/d", "/data/d/e/f"), -EINVAL);
    CHECK_EQ(path_mounts->rename("/data/d", "/data/d"), 0);
    CHECK_EQ(path_mounts->rename("/data/none", "/data/x"), -ENOENT);
    CHECK_EQ(path_mounts->rename("/data/d/e/c", "/data/d"), -EISDIR);
    CHECK_EQ(path_mounts->rename("/data/d", "/data/d/e/c"), -EINVAL);
    CHECK_EQ(path_mounts->rename("/data/empty", "/data/d/e/c"), -ENOTDIR);
    CHECK_EQ(path_mounts->rename("/data/empty", "/data/d"), -ENOTEMPTY);
    CHECK_EQ(path_mounts->rename("/data/d/e/c/", "/data/x"), -ENOTDIR);
    CHECK_EQ(path_mounts->rename("/data/d/e/c", "/data/x/"), -ENOTDIR);
    CHECK_EQ(path_mounts->rename("/data", "/data/x"), -EBUSY);
    CHECK_EQ(path_mounts->rename("/data/d", "/data/empty"), 0);
    CHECK(holds("/data/empty/e/c", "ONEmore!"));
    CHECK_EQ(look("/data/d", &st), -ENOENT);
    CHECK_EQ(path_mounts->rename("/data/empty/", "/data/d/"), 0);
}

static void folders(void)
{
    bool there;
    int fd;

    start_small();
    CHECK_EQ(path_mounts->mkdir("/data"), -EEXIST);
    CHECK_EQ(path_mounts->mkdir("/data/d/e"), -ENOENT);
    CHECK_EQ(path_mounts->mkdir("/data/d/"), 0);
    CHECK_EQ(path_mounts->mkdir("/data/d"), -EEXIST);
    make("/data/d/a", "one");
    CHECK_EQ(path_mounts->mkdir("/data/d/a"), -EEXIST);
    CHECK_EQ(path_mounts->mkdir("/data/d/a/"), -EEXIST);
    CHECK_EQ(path_mounts->mkdir("/data/d/a/b"), -ENOTDIR);
    CHECK_EQ(path_mounts->rmdir("/data/d"), -ENOTEMPTY);
    CHECK_EQ(path_mounts->rmdir("/data/d/a"), -ENOTDIR);
    CHECK_EQ(path_mounts->unlink("/data/d"), -EISDIR);
    CHECK_EQ(path_mounts->unlink("/data"), -EISDIR);
    CHECK_EQ(path_mounts->unlink("/data/d/b"), -ENOENT);
    CHECK_EQ(path_mounts->unlink("/data/d/a/"), -ENOTDIR);
    CHECK_EQ(path_mounts->rmdir("/data"), -EBUSY);
    CHECK_EQ(list("/data/d", "a", &there), 1);
    CHECK(there);
    CHECK_EQ(path_mounts->unlink("/data/d/a"), 0);
    fd = open_path("/data/d", O_RDONLY);
    CHECK_EQ(path_mounts->rmdir("/data/d"), -EBUSY);
    hosttask_close(fd);
    CHECK_EQ(path_mounts->rmdir("/data/d/"), 0);
    CHECK_EQ(path_mounts->rmdir("/data/d"), -ENOENT);
    CHECK_EQ(list("/data", "d", &there), 0);
}

/* A reader of a directory meets each entry that stays, though others go. */
static void deleting_while_listing(void)
{
    struct file *dir;
    char name[256], path[300];
    bool is_dir;
    unsigned kept = 0, deleted = 0;

    start_small();
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/data/%03u-%c", i, i % 3 ? 'x' : 'k');
        make(path, "");
    }
    dir = hosttask_file(open_path("/data", O_RDONLY | O_DIRECTORY));
    while (dir->ops->readdir(dir, name, &is_dir) == 1) {
        kept += name[4] == 'k';
        for (unsigned i = 0; i < 3 && deleted < 66; i++) { /* behind and before the reader */
            unsigned which = random_below(100);

            snprintf(path, sizeof(path), "/data/%03u-x", which);
            deleted += which % 3 && path_mounts->unlink(path) == 0;
        }
    }
    CHECK_EQ(kept, 34);
}

/* Without the mend of littlefs, a reader of a directory fails at the entry that is deleted. */
static void deleting_what_comes_next(void)
{
    struct file *dir;
    char name[256];
    bool is_dir;

    start_small();
    for (unsigned i = 0; i < 4; i++)
        make((const char *[]){"/data/a", "/data/b", "/data/c", "/data/d"}[i], "");
    dir = hosttask_file(open_path("/data", O_RDONLY | O_DIRECTORY));
    CHECK_EQ(dir->ops->readdir(dir, name, &is_dir), 1);
    CHECK(!strcmp(name, "a"));
    CHECK_EQ(path_mounts->unlink("/data/b"), 0);
    CHECK_EQ(dir->ops->readdir(dir, name, &is_dir), 1);
    CHECK(!strcmp(name, "c"));
    CHECK_EQ(dir->ops->readdir(dir, name, &is_dir), 1);
    CHECK_EQ(dir->ops->readdir(dir, name, &is_dir), 0);
}

/*
 * The last entry of a block of a directory is deleted while it is open: without the mend of
 * littlefs, what is written to it goes to the first file of the next block.
 */
static void deleting_the_last_of_a_block(void)
{
    char path[32], text[8];
    int fd;

    start(512, 512);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "/data/%02u", i);
        snprintf(text, sizeof(text), "is %02u", i);
        make(path, text);
    }
    for (unsigned i = 0; i < 39; i++) {
        snprintf(path, sizeof(path), "/data/%02u", i);
        fd = open_path(path, O_RDWR);
        CHECK_EQ(path_mounts->unlink(path), 0);
        CHECK_EQ(put(fd, "deleted", 7, 0), 7);
        CHECK_EQ(hosttask_close(fd), 0);
        for (unsigned k = i + 1; k < 40; k++) {
            snprintf(path, sizeof(path), "/data/%02u", k);
            snprintf(text, sizeof(text), "is %02u", k);
            CHECK(holds(path, text));
        }
    }
}

/* VIREO_LITTLEFS_ENTRIES says how many; tests/test_host.py has a run with ten thousand. */
static void many_entries(void)
{
    const char *text = getenv("VIREO_LITTLEFS_ENTRIES");
    unsigned many = text ? (unsigned)atoi(text) : 300;
    char path[64];
    bool there;

    limits.volatile_cache = false; /* a flush takes no time */
    start(2 * many, 4096);
    for (unsigned i = 0; i < many; i++) {
        snprintf(path, sizeof(path), "/data/file-%05u", i * 37 % many);
        CHECK_EQ(hosttask_close(open_new(path)), 0);
    }
    CHECK_EQ(list("/data", "file-00299", &there), many);
    CHECK(there);
    for (unsigned i = 0; i < many; i += 2) {
        snprintf(path, sizeof(path), "/data/file-%05u", i);
        CHECK_EQ(path_mounts->unlink(path), 0);
    }
    CHECK_EQ(list("/data", "file-00298", &there), many / 2);
    CHECK(!there);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"opening", opening},
        {"reading_and_writing", reading_and_writing},
        {"seeking_from_the_end_of_a_block", seeking_from_the_end_of_a_block},
        {"two_descriptors", two_descriptors},
        {"appending", appending},
        {"deleting_an_open_file", deleting_an_open_file},
        {"renaming", renaming},
        {"folders", folders},
        {"deleting_while_listing", deleting_while_listing},
        {"deleting_what_comes_next", deleting_what_comes_next},
        {"deleting_the_last_of_a_block", deleting_the_last_of_a_block},
        {"many_entries", many_entries},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
