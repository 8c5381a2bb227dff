/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c - what path names stand for: "/dev/vblkN" is a disk, "/dev/random" and "/dev/urandom" are
 * the generator of random bytes, other names below "/dev" belong to those who added them (dev.h),
 * "/mnt/NAME/" is the file tree on a disk or in the "initrd", a path below a mount point belongs to
 * the file system that is mounted there (mount.h), and everything else is looked up in the tree at
 * "/". No path leads out of a tree: ".." at its top stays there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "dev.h"
#include "ftree.h"
#include "vireo/path.h"

const struct path_mounts *path_mounts; /* mount.c's */

/* What a path stands for: a disk, another device, or an entry of a tree. */
struct place {
    struct block_device *disk;
    const struct dev_names *dev;
    const char *name; /* below /dev */
    const struct ftree *tree;
    uint32_t entry;
};

/* Moves *path to its first component, past slashes, "." and "..". The component's length, or 0. */
static size_t path_first_component(const char **path)
{
    for (;;) {
        size_t len;

        *path += strspn(*path, "/");
        len = strcspn(*path, "/");
        if (!(len == 1 && (*path)[0] == '.') &&
            !(len == 2 && (*path)[0] == '.' && (*path)[1] == '.'))
            return len;
        *path += len;
    }
}

/*
 * Is `dir` the first component of *path? Then `name` gets the second one ("" if it is longer than
 * 31 bytes, as no name is), and *path what follows that.
 */
static bool path_below(const char **path, const char *dir, char name[32])
{
    const char *p = *path;
    size_t len = path_first_component(&p);

    if (len != strlen(dir) || memcmp(p, dir, len))
        return false;
    p += len;
    p += strspn(p, "/");
    len = strcspn(p, "/");
    if (len >= 32)
        len = 0;
    memcpy(name, p, len);
    name[len] = '\0';
    *path = p + len;
    return true;
}

/* What follows "/dev/" in path, such as "random"; NULL: path does not lead there. */
static const char *path_below_dev(const char *path)
{
    size_t len = path_first_component(&path);

    if (len != 3 || memcmp(path, "dev", 3))
        return NULL;
    path += 3;
    return path + strspn(path, "/");
}

/* path lies below "/dev". 0; -ENOENT; -ENOTDIR: it leads below a disk. */
static int path_find_device(const char *path, struct place *at)
{
    char name[32];

    at->name = path_below_dev(path);
    at->dev = dev_find(&dev_random, at->name);
    if (at->dev)
        return 0;
    path_below(&path, "dev", name);
    at->disk = block_find(name);
    if (!at->disk)
        return -ENOENT;
    return *path ? -ENOTDIR : 0;
}

/* 0, or the error of the lookup. May park, to index a tree. */
static int path_find(const char *path, struct place *at)
{
    char name[32];
    int err;

    *at = (struct place){0};
    if (path_below_dev(path))
        return path_find_device(path, at);
    err = path_below(&path, "mnt", name) ? ftree_named(name, &at->tree) : ftree_root(&at->tree);
    return err ? err : ftree_resolve(at->tree, path, &at->entry);
}

static int path_open(const char *path, int flags, int mode)
{
    struct place at;
    int err = path_mounts ? path_mounts->open(path, flags, mode) : PATH_ELSEWHERE;

    if (err != PATH_ELSEWHERE)
        return err;
    err = path_find(path, &at);
    if (err == -ENOENT && (flags & O_CREAT))
        return -EROFS;
    if (err)
        return err;
    if (at.dev)
        return dev_open(at.dev, at.name, flags);
    return at.disk ? disk_open(at.disk, flags) : ftree_open(at.tree, at.entry, flags);
}

static int path_stat(const char *path, struct stat *st)
{
    struct place at;
    int err = path_mounts ? path_mounts->stat(path, st) : PATH_ELSEWHERE;

    if (err != PATH_ELSEWHERE)
        return err;
    err = path_find(path, &at);
    if (err == -ENOENT && !path_first_component(&path)) {
        st->st_mode = S_IFDIR | 0555; /* "/" is there, also when no tree is */
        st->st_nlink = 1;
        return 0;
    }
    if (err)
        return err;
    if (at.dev)
        return at.dev->stat(at.name, st);
    return at.disk ? disk_stat(at.disk, st) : ftree_stat(at.tree, at.entry, st);
}

const struct path_ops path_root = {path_open, path_stat};
