/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c - where path names lead: "/dev/vblkN" is a disk, "/dev/random" and "/dev/urandom" are the
 * generator, other names below "/dev" are what rooms added (dev.h), "/mnt/NAME/" is the file tree
 * on a disk or in the "initrd", everything else is looked up in the tree at "/". A tree is left by
 * no path: ".." at its top stays there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "dev.h"
#include "ftree.h"
#include "vireo/path.h"

/* What a path names: a disk, another device, or an entry of a tree. */
struct place {
    struct block_device *disk;
    const struct dev_names *dev;
    const char *name; /* below /dev */
    const struct ftree *tree;
    uint32_t entry;
};

/* The first component, and what follows it; slashes, "." and ".." at the top mean nothing. */
static size_t first_component(const char **path)
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

/* Is the first component of path `dir`? Then name gets the next one, and path what follows that. */
static bool below(const char **path, const char *dir, char name[32])
{
    const char *p = *path;
    size_t len = first_component(&p);

    if (len != strlen(dir) || memcmp(p, dir, len))
        return false;
    p += len;
    p += strspn(p, "/");
    len = strcspn(p, "/");
    if (len >= 32)
        len = 0; /* no such name */
    memcpy(name, p, len);
    name[len] = '\0';
    *path = p + len;
    return true;
}

/* What follows "/dev/" in path, or NULL. */
static const char *below_dev(const char *path)
{
    size_t len = first_component(&path);

    if (len != 3 || memcmp(path, "dev", 3))
        return NULL;
    path += 3;
    return path + strspn(path, "/");
}

static int find_device(const char *path, struct place *at)
{
    char name[32];

    at->name = below_dev(path);
    at->dev = dev_find(&dev_random, at->name);
    if (at->dev)
        return 0;
    below(&path, "dev", name);
    at->disk = block_find(name);
    if (!at->disk)
        return -ENOENT;
    return *path ? -ENOTDIR : 0;
}

static int find(const char *path, struct place *at)
{
    char name[32];
    int err;

    *at = (struct place){0};
    if (below_dev(path))
        return find_device(path, at);
    err = below(&path, "mnt", name) ? ftree_named(name, &at->tree) : ftree_root(&at->tree);
    return err ? err : ftree_resolve(at->tree, path, &at->entry);
}

static int open_path(const char *path, int flags, int mode)
{
    struct place at;
    int err = find(path, &at);

    (void)mode;
    if (err == -ENOENT && (flags & O_CREAT))
        return -EROFS;
    if (err)
        return err;
    if (at.dev)
        return dev_open(at.dev, at.name, flags);
    return at.disk ? disk_open(at.disk, flags) : ftree_open(at.tree, at.entry, flags);
}

static int stat_path(const char *path, struct stat *st)
{
    struct place at;
    int err = find(path, &at);

    if (err)
        return err;
    if (at.dev)
        return at.dev->stat(at.name, st);
    return at.disk ? disk_stat(at.disk, st) : ftree_stat(at.tree, at.entry, st);
}

const struct path_ops path_root = {open_path, stat_path};
