/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_littlefs.c - a littlefs with any bytes in it: it is mounted, read, and changed, and each
 * call ends. The sums of its metadata are always right, so that what is changed is used. An
 * assertion of the library ends the input, as it ends an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "fuzz.h"
#include "hosttask.h"
#include "littlefs.h"
#include "powerdisk.h"

#define BLOCKS 96u

const char mount_of_app[] = "";
static jmp_buf ended;

/* In place of crc.c and failed.c. */
uint32_t lfs2_crc(uint32_t crc, const void *buffer, size_t size)
{
    (void)crc, (void)buffer, (void)size;
    return 0;
}

void littlefs_failed(int line)
{
    (void)line;
    longjmp(ended, 1);
}

static const char *const paths[] = {"/a", "/b", "/d", "/d/c", "/d/e", "/d/e/f", "/n", "/d/n", ""};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static const char *any_path(void)
{
    return paths[fuzz_below(PATHS)];
}

static void put(void *fs, const char *path, unsigned len)
{
    static uint8_t data[6000];
    int fd = fs_littlefs.open(fs, path, O_CREAT | O_RDWR, 0666);
    struct file *f = fd < 0 ? NULL : hosttask_file(fd);

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 3 + (i >> 8));
    if (f && f->ops->pwrite)
        f->ops->pwrite(f, data, len, fuzz_below(2) * 300);
    if (f)
        hosttask_close(fd);
}

static void get(void *fs, const char *path)
{
    static uint8_t data[8192];
    int fd = fs_littlefs.open(fs, path, O_RDONLY, 0);
    struct file *f = fd < 0 ? NULL : hosttask_file(fd);
    char name[256];
    bool dir;

    if (f && f->ops->pread)
        f->ops->pread(f, data, sizeof(data), fuzz_below(4) * 1000);
    for (unsigned i = 0; f && f->ops->readdir && i < 1000; i++)
        if (f->ops->readdir(f, name, &dir) != 1)
            break;
    if (f)
        hosttask_close(fd);
}

/* What the damage is done to: files of all kinds, and directories of several blocks. */
static void make_files(void *fs)
{
    fs_littlefs.mkdir(fs, "/d");
    fs_littlefs.mkdir(fs, "/d/e");
    put(fs, "/a", 20);
    put(fs, "/b", 3000);
    put(fs, "/d/c", 700);
    put(fs, "/d/e/f", 5000);
    for (unsigned i = 0; i < 12; i++)
        put(fs, (const char *[]){"/d/x1", "/d/x2", "/d/x3"}[i % 3], 10 + i);
}

static void damage(void)
{
    for (unsigned n = fuzz_below(12); n > 0; n--) {
        uint32_t at = (fuzz8() % BLOCKS) * BLOCK + fuzz16() % BLOCK;
        size_t len;
        const uint8_t *bytes = fuzz_take(1 + fuzz_below(8), &len);

        if (at + len <= BLOCKS * BLOCK)
            memcpy(now + at, bytes, len);
    }
}

static void step(void *fs)
{
    struct statvfs vfs = {0};
    struct stat st = {0};

    switch (fuzz_below(9)) {
    case 0:
        put(fs, any_path(), fuzz_below(250) * 20 + 1);
        break;
    case 1:
        fs_littlefs.unlink(fs, any_path());
        break;
    case 2:
        fs_littlefs.rmdir(fs, any_path());
        break;
    case 3:
        fs_littlefs.mkdir(fs, any_path());
        break;
    case 4: {
        const char *from = any_path();
        fs_littlefs.rename(fs, from, any_path());
        break;
    }
    case 5:
        fs_littlefs.statvfs(fs, "", &vfs);
        break;
    case 6:
        fs_littlefs.stat(fs, any_path(), &st);
        break;
    case 7:
        fs_littlefs.truncate(fs, any_path(), fuzz_below(250) * 20);
        break;
    default:
        get(fs, any_path());
        break;
    }
}

void fuzz_one(void)
{
    void *fs;

    device.sectors = BLOCKS;
    if (setjmp(ended))
        return;
    CHECK_EQ(littlefs_make(&disk, BLOCK), 0);
    CHECK_EQ(fs_littlefs.mount(&disk, &fs), 0);
    make_files(fs);
    littlefs_forget(fs);
    damage();
    if (fs_littlefs.recognise(&disk) != 1 || fs_littlefs.mount(&disk, &fs))
        return;
    while (fuzz_more())
        step(fs);
    littlefs_forget(fs);
}
