/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treecheck.c - the tree of treecheck.h.
 */
#include "treecheck.h"

#include <fcntl.h>
#include <string.h>

#include "check.h"
#include "hosttask.h"

struct tarmaker archive;
struct ftree tree;

void tree_index_image(const void *image, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, image, len);
    free((void *)tree.source.memory);
    ftree_free(&tree);
    tree = (struct ftree){.source = {.name = "initrd", .memory = copy, .size = len}};
    CHECK_EQ(ftree_init(&tree), 0);
    CHECK_EQ(tar_index(&tree), 0);
}

void tree_index(void)
{
    tree_index_image(archive.image, archive.len);
}

uint32_t tree_find(const char *path)
{
    uint32_t e = FTREE_NONE;

    return ftree_resolve(&tree, path, &e) ? FTREE_NONE : e;
}

int tree_resolve(const char *path)
{
    uint32_t e;

    return ftree_resolve(&tree, path, &e);
}

ssize_t tree_read(uint32_t entry, uint8_t *buf, size_t room)
{
    int fd = ftree_open(&tree, entry, O_RDONLY);
    struct file *f = hosttask_file(fd);
    ssize_t n = 0, done = 0;

    CHECK(f != NULL);
    while ((size_t)done < room &&
           (n = f->ops->pread(f, buf + done, room - done < 700 ? room - done : 700, done)) > 0)
        done += n;
    hosttask_close(fd);
    return n < 0 ? n : done;
}

void tree_check_file(const char *path, const char *name, size_t len)
{
    static uint8_t buf[8192];
    uint32_t e = tree_find(path);

    if (e == FTREE_NONE)
        check_fail(__FILE__, __LINE__, "%s is not there", path);
    CHECK_EQ(tree_read(e, buf, sizeof(buf)), len);
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(buf[i], tarmaker_byte(name, i));
}

unsigned tree_names(uint32_t dir)
{
    int fd = ftree_open(&tree, dir, O_RDONLY | O_DIRECTORY);
    struct file *f = hosttask_file(fd);
    char name[256];
    bool is_dir;
    unsigned n = 0;

    CHECK(f && f->ops->readdir);
    while (f->ops->readdir(f, name, &is_dir) == 1) {
        CHECK(strlen(name) > 0 && !strchr(name, '/'));
        CHECK(++n <= tree.count);
    }
    hosttask_close(fd);
    return n;
}

/* Bytes of a file lie in the archive: all of them, or the pieces between its holes. */
static void check_data(const struct ftree_entry *e)
{
    const struct ftree_map *map = e->map == FTREE_NONE ? NULL : tree.maps[e->map];
    uint64_t end = 0;

    CHECK(map || (e->data <= tree.source.size && e->size <= tree.source.size - e->data));
    for (uint32_t i = 0; map && i < map->count; i++) {
        const struct ftree_piece *p = &map->pieces[i];

        CHECK(p->len && p->at >= end && p->at <= e->size && p->len <= e->size - p->at);
        CHECK(p->data <= tree.source.size && p->len <= tree.source.size - p->data);
        end = p->at + p->len;
    }
}

/* Whatever the archive said, the tree is one. */
static void check_entry(uint32_t i)
{
    const struct ftree_entry *e = &tree.entries[i];
    static uint8_t buf[2048];

    CHECK(e->parent < tree.count && (!i || tree.entries[e->parent].type == FTREE_DIR));
    CHECK_EQ(strlen(tree.text + e->path), e->path_len);
    if (e->type == FTREE_LINK) {
        tree_resolve(tree.text + e->path);
        return;
    }
    CHECK_EQ(tree_find(tree.text + e->path), i);
    if (e->type == FTREE_DIR) {
        tree_names(i);
        return;
    }
    check_data(e);
    CHECK(tree_read(i, buf, sizeof(buf)) >= 0);
}

unsigned tree_check(void)
{
    char path[2 * FTREE_PATH_MAX + 32];

    for (uint32_t i = 0; i < tree.count; i++) {
        check_entry(i);
        snprintf(path, sizeof(path), "/../%s/../..//%s/./", tree.text + tree.entries[i].path,
                 tree.text + tree.entries[i].path);
        tree_resolve(path);
    }
    CHECK_EQ(hosttask_open_files(), 0);
    return tree.count;
}
