/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefs_mount.c - littlefs in the mount table, and the sync of all that is mounted. */
#include <errno.h>

#include "littlefs.h"
#include "vireo/image.h"

static struct littlefs *littlefs_all;

static int littlefs_recognise(struct disk *d)
{
    int size = littlefs_find_block_size(d);

    return size < 0 ? size : size > 0;
}

/* Does the file system lie on the disk as a whole? */
static bool littlefs_fits(const struct littlefs *fs)
{
    uint64_t needed = (uint64_t)fs->lfs.block_count * fs->config.block_size;

    if (needed <= block_capacity(fs->disk->dev))
        return true;
    hal_log(HAL_ERROR, block_name(fs->disk->dev),
            "the disk was cut off: its file system has %llu bytes, the disk %llu",
            (unsigned long long)needed, (unsigned long long)block_capacity(fs->disk->dev));
    return false;
}

/* A version of another major number, or a newer minor one. */
static int littlefs_refuse_version(const struct littlefs *fs)
{
    hal_log(HAL_ERROR, block_name(fs->disk->dev),
            "this littlefs has a version that the image does not know: it knows 2.1");
    return -ENODEV;
}

static int littlefs_start(struct littlefs *fs)
{
    int err;

    fs->reads = 0;
    err = lfs2_mount(&fs->lfs, &fs->config);
    if (err == LFS2_ERR_INVAL)
        return littlefs_refuse_version(fs);
    if (err)
        return err == LFS2_ERR_NOMEM ? -ENOMEM : -EIO;
    if (littlefs_fits(fs))
        return 0;
    lfs2_unmount(&fs->lfs);
    return -ENODEV;
}

/* Files that are open are written to their disks. */
static bool littlefs_sync_all(void)
{
    bool good = true;

    for (struct littlefs *fs = littlefs_all; fs; fs = fs->next) {
        int err = 0;

        littlefs_enter(fs);
        for (struct littlefs_node *n = fs->nodes; n && !littlefs_read_only(fs); n = n->next) {
            int one = littlefs_node_sync(n);
            err = err ? err : one;
        }
        good = littlefs_leave(fs, err) == 0 && good;
    }
    return good;
}

void littlefs_forget(struct littlefs *fs)
{
    struct littlefs **link = &littlefs_all;

    while (*link != fs)
        link = &(*link)->next;
    *link = fs->next;
    for (struct littlefs_node *n = fs->nodes, *next; n; n = next) {
        next = n->next;
        lfs2_free(n->file.cache.buffer);
        free(n);
    }
    for (struct littlefs_dir *d = fs->dirs, *next; d; d = next) {
        next = d->next;
        free(d);
    }
    lfs2_unmount(&fs->lfs);
    free(fs->run);
    free(fs);
}

static int littlefs_mount(struct disk *d, void **out)
{
    int size = littlefs_find_block_size(d), err;
    struct littlefs *fs = size > 0 ? calloc(1, sizeof(*fs)) : NULL;

    if (!fs)
        return size < 0 ? size : size ? -ENOMEM : -EIO;
    littlefs_use_disk(fs, d, (uint32_t)size);
    fs->config.block_count = 0; /* as the superblock says */
    err = littlefs_start(fs);
    if (err) {
        free(fs);
        return err;
    }
    fs->next = littlefs_all;
    littlefs_all = fs;
    disk_files_first = littlefs_sync_all;
    if (!littlefs_read_only(fs))
        disk_sync_at_end();
    *out = fs;
    return 0;
}

struct fs_kind fs_littlefs = {
    .name = "littlefs",
    .recognise = littlefs_recognise,
    .mount = littlefs_mount,
    .open = littlefs_open,
    .stat = littlefs_stat,
    .mkdir = littlefs_mkdir,
    .rmdir = littlefs_rmdir,
    .unlink = littlefs_unlink,
    .rename = littlefs_rename,
    .truncate = littlefs_truncate,
    .statvfs = littlefs_statvfs,
};

static void littlefs_add(void)
{
    fs_add(&fs_littlefs);
}
HAL_INIT(HAL_INIT_BUS, littlefs_add);
