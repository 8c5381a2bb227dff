/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount.h - the mount table: which file system is below which path. The boot argument
 * vireo.mount=/data:vblk1,/logs:vblk2 fills the table, or MOUNTS of app.mk if there is none. The
 * file system of a disk is found by what the disk holds, among those that are linked (FILESYSTEMS
 * of app.mk), when a path leads there first. All functions are for tasks; [parks] as in disk.h.
 */
#ifndef VIREO_MOUNT_H
#define VIREO_MOUNT_H

#include "disk.h"
#include "vireo/path.h"

/*
 * What a kind of file system can do. `fs` is what mount() gave. A path is what follows the mount
 * point: it begins with a slash or is empty, and is not tidy. Each function may park, and gives 0
 * or an error; a NULL entry stands for -EROFS, and statvfs for -ENOSYS.
 */
struct fs_kind {
    const char *name; /* as in FILESYSTEMS */
    /* Does the disk hold such a file system? 1; 0: no; -EIO, -ENOMEM. */
    int (*recognise)(struct disk *d);
    /*
     * -EIO: it is damaged, or cannot be read; -ENODEV: it cannot be used, and the log says why;
     * -ENOMEM. Called again by the next path.
     */
    int (*mount)(struct disk *d, void **fs);
    int (*open)(void *fs, const char *path, int flags, int mode); /* a new descriptor */
    int (*stat)(void *fs, const char *path, struct stat *st);
    int (*mkdir)(void *fs, const char *path);
    int (*rmdir)(void *fs, const char *path);
    int (*unlink)(void *fs, const char *path);
    int (*rename)(void *fs, const char *from, const char *to);
    int (*truncate)(void *fs, const char *path, off_t size);
    int (*statvfs)(void *fs, const char *path, struct statvfs *out);
    struct fs_kind *next; /* mount.c's */
};

/* Tar archives, read-only (fs_tar.c). */
extern struct fs_kind fs_tar;

/* Adds a kind, which must live for ever. Before main(). */
void fs_add(struct fs_kind *kind);

/*
 * Fills the table as text says, "/data:vblk1,/logs:vblk2". Returns what is wrong with the text,
 * NULL: nothing. Nothing is added then.
 */
const char *mount_table(const char *text);

/* MOUNTS of app.mk; the image's build defines it. */
extern const char mount_of_app[];

/*
 * What an unknown disk holds, as far as its first bytes tell, such as "an ext4 file system"; NULL:
 * nobody knows. *blank: they are all zeros. [parks]
 */
const char *mount_guess(struct disk *d, bool *blank);

#endif
