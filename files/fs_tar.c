/* SPDX-License-Identifier: BSD-2-Clause */
/* fs_tar.c - tar archives on disks in the mount table. */
#include <errno.h>
#include <fcntl.h>

#include "ftree.h"
#include "mount.h"

static int fs_tar_recognise(struct disk *d)
{
    uint8_t header[512];
    ssize_t n = disk_read(d, header, sizeof(header), 0, NULL);

    return n < 0 ? (int)n : n == sizeof(header) && tar_is_archive(header);
}

static int fs_tar_mount(struct disk *d, void **fs)
{
    const struct ftree *t;
    int err = ftree_named(block_name(d->dev), &t);

    *fs = (void *)t;
    return err == -ENOENT ? -ENODEV : err;
}

static int fs_tar_open(void *fs, const char *path, int flags, int mode)
{
    uint32_t entry;
    int err = ftree_resolve(fs, path, &entry);

    (void)mode;
    if (err == -ENOENT && (flags & O_CREAT))
        return -EROFS;
    return err ? err : ftree_open(fs, entry, flags);
}

static int fs_tar_stat(void *fs, const char *path, struct stat *st)
{
    uint32_t entry;
    int err = ftree_resolve(fs, path, &entry);

    return err ? err : ftree_stat(fs, entry, st);
}

struct fs_kind fs_tar = {
    .name = "tar archive",
    .recognise = fs_tar_recognise,
    .mount = fs_tar_mount,
    .open = fs_tar_open,
    .stat = fs_tar_stat,
};

static void fs_tar_add(void)
{
    fs_add(&fs_tar);
}
HAL_INIT(HAL_INIT_BUS, fs_tar_add);
