/* SPDX-License-Identifier: BSD-2-Clause */
/* ftrees.c - which disks carry a file tree: each is looked at when a path leads there first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftree.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define FTREES_INITRD "initrd"

/* What is known of one disk, or of the initrd. */
struct ftrees_known {
    struct ftrees_known *next;
    const char *name;
    bool final; /* err will not change */
    int err;    /* of the last look; 0: there is a tree */
    struct task_mutex lock;
    struct ftree tree;
};

static struct ftrees_known *ftrees_all;

/* Fills in *s. 0; -ENOENT: there is no such disk, or no initrd; -ENOMEM. */
static int ftrees_find_source(const char *name, struct ftree_source *s)
{
    struct block_device *dev;
    size_t len;

    if (!strcmp(name, FTREES_INITRD)) {
        *s = (struct ftree_source){.name = FTREES_INITRD, .memory = vireo_initrd(&len)};
        s->size = len;
        return s->memory ? 0 : -ENOENT;
    }
    dev = block_find(name);
    if (!dev)
        return -ENOENT;
    *s = (struct ftree_source){
        .name = block_name(dev), .disk = disk_of(dev), .size = block_capacity(dev)};
    return s->disk ? 0 : -ENOMEM;
}

/* What a source holds in place of a tar archive, where its first bytes tell; else NULL. */
static const char *ftrees_other_kind(const uint8_t block[512])
{
    static const char compressed[][5] = {"\x1f\x8b", "BZh",
                                         "\xfd"
                                         "7zX",
                                         "\x28\xb5\x2f\xfd"};

    for (unsigned i = 0; i < sizeof(compressed) / sizeof(compressed[0]); i++)
        if (!memcmp(block, compressed[i], strlen(compressed[i])))
            return "is compressed: unpack it once, to a tar archive";
    return !memcmp(block, "0707", 4) ? "is a cpio archive, not a tar archive" : NULL;
}

/*
 * Does an archive begin there? 0, -ENOENT, -EIO. A disk need not hold an archive, but an initrd
 * without one is a mistake, which the log says.
 */
static int ftrees_check_source(const struct ftree_source *s)
{
    uint8_t block[512] = {0};
    struct bcache_stream stream = {0};
    size_t len = s->size < sizeof(block) ? (size_t)s->size : sizeof(block);
    int err = ftree_read(s, block, len, 0, &stream);
    const char *other;

    if (err || (len == sizeof(block) && tar_is_archive(block)))
        return err;
    other = ftrees_other_kind(block);
    if (s->memory && !other)
        other = block[0] || block[257] ? "is not a tar archive" : "is an archive without files";
    if (other)
        hal_log(HAL_ERROR, s->name, "%s: make it with tar -cf FILE -C DIR .", other);
    return -ENOENT;
}

/* Logs an error. */
static void ftrees_tell(const struct ftrees_known *k, int err)
{
    if (err == -EIO)
        hal_log(HAL_ERROR, k->name, "the first sector cannot be read");
    if (err == -ENOMEM)
        hal_log(HAL_ERROR, k->name,
                "no memory for the index of its files: give the machine more (-m)");
}

/*
 * Looks for a tree, and indexes it. Shortage of memory and read errors may pass, so they are logged
 * once, and the next call looks again.
 */
static void ftrees_look(struct ftrees_known *k)
{
    int err = ftrees_find_source(k->name, &k->tree.source);

    if (!err)
        err = ftrees_check_source(&k->tree.source);
    if (!err)
        err = ftree_init(&k->tree);
    if (!err)
        err = ftree_lazy_open(&k->tree);
    if (err == -ENOENT && k->tree.count)
        err = tar_index(&k->tree);
    if (err != k->err)
        ftrees_tell(k, err);
    if (err) {
        ftree_free(&k->tree);
        k->tree = (struct ftree){0};
    }
    k->final = !err || err == -ENOENT;
    k->err = err;
}

/* What is known of a disk or "initrd". NULL: there is no such disk, or no memory. */
static struct ftrees_known *ftrees_know(const char *name)
{
    struct block_device *dev = block_find(name);
    struct ftrees_known *k = ftrees_all;

    while (k && strcmp(k->name, name))
        k = k->next;
    if (k || (!dev && strcmp(name, FTREES_INITRD)))
        return k;
    k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->name = dev ? block_name(dev) : FTREES_INITRD;
    k->next = ftrees_all;
    ftrees_all = k;
    return k;
}

int ftree_named(const char *name, const struct ftree **t)
{
    struct ftrees_known *k = ftrees_know(name);
    int err;

    if (!k)
        return -ENOENT;
    task_mutex_lock(&k->lock);
    if (!k->final)
        ftrees_look(k);
    err = k->err;
    task_mutex_unlock(&k->lock);
    *t = &k->tree;
    return err;
}

static int ftrees_find_root(const struct ftree **t)
{
    struct block_device *dev;
    int err = ftree_named(FTREES_INITRD, t);

    for (unsigned n = 0; err && (dev = block_get(n)); n++)
        err = ftree_named(block_name(dev), t);
    return err;
}

int ftree_root(const struct ftree **t)
{
    static const struct ftree *root;
    static bool told;
    int err = root ? 0 : ftrees_find_root(t);

    if (err && !told) {
        told = true;
        hal_log(HAL_WARN, "files", "no disk and no initrd carries files (a tar archive)");
    }
    if (err)
        return err;
    if (!root)
        root = *t;
    *t = root;
    return 0;
}
