/* SPDX-License-Identifier: BSD-2-Clause */
/* ftrees.c - which disks carry a file tree, found out when somebody asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftree.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define INITRD "initrd"

/* What is known of one disk, or of the initrd. */
struct known {
    struct known *next;
    const char *name;
    bool looked; /* and what was found will not change */
    int err;     /* 0: there is a tree; of the last look */
    struct task_mutex lock;
    struct ftree tree;
};

static struct known *all;

static int find_source(const char *name, struct ftree_source *s)
{
    struct block_device *dev;
    size_t len;

    if (!strcmp(name, INITRD)) {
        *s = (struct ftree_source){.name = INITRD, .memory = vireo_initrd(&len)};
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

static int check_source(const struct ftree_source *s)
{
    uint8_t block[512];
    struct bcache_stream stream = {0};
    int err = s->size < sizeof(block) ? -ENOENT : ftree_read(s, block, sizeof(block), 0, &stream);

    if (!err && !tar_is_archive(block))
        err = -ENOENT;
    return err;
}

/* A disk without an archive is no fault; an initrd without one is a mistake. */
static void tell(const struct known *k, int err)
{
    if (err == -ENOENT && k->tree.source.memory)
        hal_log(HAL_ERROR, INITRD, "is not a tar archive: make it with tar -cf FILE -C DIR .");
    if (err == -EIO)
        hal_log(HAL_ERROR, k->name, "its first sector cannot be read");
    if (err == -ENOMEM)
        hal_log(HAL_ERROR, k->name, "no memory for its index of files: give the machine more (-m)");
}

/* Shortage of memory and read errors may pass: they are told once, and looked into again. */
static void look(struct known *k)
{
    int err = find_source(k->name, &k->tree.source);

    if (!err)
        err = check_source(&k->tree.source);
    if (!err)
        err = ftree_init(&k->tree);
    if (!err)
        err = tar_index(&k->tree);
    if (err != k->err)
        tell(k, err);
    if (err) {
        ftree_free(&k->tree);
        k->tree = (struct ftree){0};
    }
    k->looked = !err || err == -ENOENT;
    k->err = err;
}

static struct known *know(const char *name)
{
    struct block_device *dev = block_find(name);
    struct known *k = all;

    while (k && strcmp(k->name, name))
        k = k->next;
    if (k || (!dev && strcmp(name, INITRD)))
        return k;
    k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->name = dev ? block_name(dev) : INITRD;
    k->next = all;
    all = k;
    return k;
}

int ftree_named(const char *name, const struct ftree **t)
{
    struct known *k = know(name);
    int err;

    if (!k)
        return -ENOENT;
    task_mutex_lock(&k->lock);
    if (!k->looked)
        look(k);
    err = k->err;
    task_mutex_unlock(&k->lock);
    *t = &k->tree;
    return err;
}

static int find_root(const struct ftree **t)
{
    struct block_device *dev;
    int err = ftree_named(INITRD, t);

    for (unsigned n = 0; err && (dev = block_get(n)); n++)
        err = ftree_named(block_name(dev), t);
    return err;
}

int ftree_root(const struct ftree **t)
{
    static const struct ftree *root;
    static bool told;
    int err = root ? 0 : find_root(t);

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
