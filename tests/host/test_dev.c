/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dev.c - names below /dev: those that other folders add, and the generator of random bytes.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "dev.h"
#include "fakedisk.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "vireo/path.h"

static uint8_t buf[2000];

/* A disk beside them. */
static void plug(void)
{
    static const struct block_device limits = {
        .block_size = 512, .max_segs = 16, .max_seg_size = 1u << 16, .depth = 8};

    CHECK(fakedisk_new(1u << 20, &limits) != NULL);
}

static int open_path(const char *path, int flags)
{
    return path_root.open(path, flags, 0);
}

static bool are(const uint8_t *p, size_t len, uint8_t byte)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != byte)
            return false;
    return true;
}

static unsigned opened_by; /* the set that was asked last */
static int opened_flags;

static bool has_thing(const char *name)
{
    return !strcmp(name, "thing") || !strcmp(name, "deep/thing") || !strcmp(name, "");
}

static bool has_first(const char *name)
{
    return has_thing(name) || !strcmp(name, "first");
}

static int open_first(const char *name, int flags)
{
    (void)name;
    opened_by = 1;
    opened_flags = flags;
    return 77;
}

static int open_second(const char *name, int flags)
{
    (void)name, (void)flags;
    opened_by = 2;
    return 78;
}

static int stat_thing(const char *name, struct stat *st)
{
    *st = (struct stat){.st_size = (off_t)strlen(name)};
    return 0;
}

static void added_names(void)
{
    static struct dev_names first = {has_first, open_first, stat_thing, NULL};
    static struct dev_names second = {has_thing, open_second, stat_thing, NULL};
    struct stat st;

    plug();
    CHECK_EQ(open_path("/dev/thing", O_RDONLY), -ENOENT);
    dev_add(&first);
    CHECK_EQ(open_path("/dev/thing", O_RDWR | O_NONBLOCK), 77);
    CHECK_EQ(opened_flags, O_RDWR | O_NONBLOCK);
    CHECK_EQ(open_path("//./dev//deep/thing", O_RDONLY), 77);
    CHECK_EQ(open_path("/dev", O_RDONLY), 77);
    dev_add(&second);
    CHECK_EQ(open_path("/dev/thing", O_CREAT), 78);
    CHECK_EQ(opened_by, 2);
    CHECK_EQ(open_path("/dev/first", O_RDONLY), 77);
    CHECK(dev_find(NULL, "thing") == &second && dev_find(&first, "thing") == &first);
    CHECK(dev_find(&first, "other") == NULL);
    CHECK_EQ(open_path("/dev/thing", O_CREAT | O_EXCL), -EEXIST);
    CHECK_EQ(open_path("/dev/thing", O_DIRECTORY), -ENOTDIR);
    CHECK_EQ(path_root.stat("/dev/thing", &st), 0);
    CHECK_EQ(st.st_size, 5);
    CHECK_EQ(open_path("/dev/fake0", O_RDONLY), 3); /* a disk goes on having its name */
    hosttask_close(3);
}

static void random_bytes(const char *path, int flags)
{
    struct file *file = hosttask_file(open_path(path, flags));
    struct stat st;

    CHECK(file != NULL);
    memset(buf, 0, sizeof(buf));
    CHECK_EQ(file->ops->read(file, buf, 1000), 1000);
    CHECK(!are(buf, 250, 0) && !are(buf + 256, 250, 0) && !are(buf + 768, 232, 0));
    CHECK(memcmp(buf, buf + 256, 256) != 0);
    CHECK(are(buf + 1000, 100, 0));
    CHECK_EQ(file->ops->read(file, buf, 0), 0);
    CHECK_EQ(file->ops->fstat(file, &st), 0);
    CHECK(S_ISCHR(st.st_mode) && !(st.st_mode & 0222));
    CHECK_EQ(path_root.stat(path, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(open_path(path, O_RDWR), -EACCES);
    CHECK_EQ(open_path(path, O_WRONLY), -EACCES);
}

static void random_devices(void)
{
    random_bytes("/dev/random", O_RDONLY);
    random_bytes("/dev/random", O_RDONLY | O_NONBLOCK);
    random_bytes("/dev/urandom", O_RDONLY);
    CHECK_EQ(open_path("/dev/random0", O_RDONLY), -ENOENT);
    CHECK_EQ(open_path("/dev/random/x", O_RDONLY), -ENOENT);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"added_names", added_names},
        {"random_devices", random_devices},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
