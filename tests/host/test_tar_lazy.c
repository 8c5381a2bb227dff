/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tar_lazy.c - trees that are looked up by the index behind their archive: they are the same
 * as without, cost what is looked up, and a wrong index does no harm.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "ftree.h"
#include "host.h"
#include "hosttask.h"
#include "tarmaker.h"
#include "treecheck.h"

#define DIRS  20u
#define FILES 15u /* in each directory */

struct place {
    char path[300];
    size_t at;
};

static struct place places[DIRS * (FILES + 1) + 1];
static unsigned count;
static size_t records, text, text_len, archive_end, image_len;

static void note(const char *path, size_t at)
{
    snprintf(places[count].path, sizeof(places[count].path), "%s", path);
    places[count++].at = at;
}

static size_t dir_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

/* By directory, then by name, as bytes. */
static int by_directory(const void *x, const void *y)
{
    const char *a = ((const struct place *)x)->path, *b = ((const struct place *)y)->path;
    size_t a_len = dir_len(a), b_len = dir_len(b);
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    if (!order)
        order = (a_len > b_len) - (a_len < b_len);
    return order ? order : strcmp(a + a_len, b + b_len);
}

static void put(void *to, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)(v >> 8 * i);
}

/* What mkdisk puts behind the archive. */
static void add_index(void)
{
    uint8_t *p;

    qsort(places, count, sizeof(places[0]), by_directory);
    records = archive.len;
    text = records + count * 16;
    text_len = 0;
    for (unsigned i = 0; i < count; i++)
        text_len += strlen(places[i].path);
    image_len = (text + text_len + 511) / 512 * 512 + 512;
    archive.image = realloc(archive.image, image_len);
    memset(archive.image + archive.len, 0, image_len - archive.len);
    p = archive.image + text;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *r = archive.image + records + i * 16;

        put(r, places[i].at, 8);
        put(r + 8, (uint64_t)(p - archive.image) - text, 4);
        put(r + 12, dir_len(places[i].path), 2);
        put(r + 14, strlen(places[i].path), 2);
        memcpy(p, places[i].path, strlen(places[i].path));
        p += strlen(places[i].path);
    }
    p = archive.image + image_len - 512;
    memcpy(p, "vireoIDX", 8);
    put(p + 8, 1, 4);
    put(p + 12, count, 4);
    put(p + 16, records, 8);
    put(p + 24, text, 8);
    put(p + 32, text_len, 8);
    put(p + 40, archive_end, 8);
    archive.len = image_len;
}

static void make(void)
{
    char name[64];

    tarmaker_free(&archive);
    count = 0;
    note("a file", tarmaker_file(&archive, "a file", 700));
    for (unsigned d = 0; d < DIRS; d++) {
        size_t at;

        snprintf(name, sizeof(name), "d%u", d);
        at = tarmaker_add(&archive, name, '5', NULL, 0);
        tarmaker_put(&archive, at, TAR_MODE, "0000711", 7);
        note(name, at);
        for (unsigned i = 0; i < FILES; i++) {
            snprintf(name, sizeof(name), "d%u/f%u", d, i);
            at = i % 4 ? archive.len : tarmaker_pax(&archive, "mtime", "12345.5");
            tarmaker_file(&archive, name, 10 * i);
            note(name, at);
        }
    }
    archive_end = archive.len;
    tarmaker_end(&archive);
    add_index();
}

static int open_lazily(void)
{
    uint8_t *copy = malloc(archive.len);

    memcpy(copy, archive.image, archive.len);
    free((void *)tree.source.memory);
    ftree_free(&tree);
    tree = (struct ftree){.source = {.name = "initrd", .memory = copy, .size = archive.len}};
    CHECK_EQ(ftree_init(&tree), 0);
    return ftree_lazy_open(&tree);
}

static void start(void)
{
    make();
    CHECK_EQ(open_lazily(), 0);
    CHECK_EQ(tree.count, 1);
}

/* Only what is looked up comes into the tree, with the directories above it. */
static void what_is_looked_up(void)
{
    start();
    tree_check_file("d7/f3", "d7/f3", 30);
    CHECK_EQ(tree.count, 3);
    CHECK_EQ(tree.entries[tree_find("d7")].mode, 0711); /* as its header says */
    tree_check_file("//d7/./f3", "d7/f3", 30);
    tree_check_file("a file", "a file", 700);
    CHECK_EQ(tree.count, 4);
    CHECK_EQ(tree_resolve("d7/f99"), -ENOENT);
    CHECK_EQ(tree_resolve("nothing/at all"), -ENOENT);
    CHECK_EQ(tree_resolve("d7/f3/below"), -ENOTDIR);
    CHECK_EQ(tree_resolve("d7/f3/"), -ENOTDIR);
    CHECK_EQ(tree_resolve("d7/../d8/f1"), 0);
    CHECK_EQ(tree.count, 6);
    CHECK_EQ(tree_check(), 2 + DIRS * (FILES + 1)); /* which reads the directories */
}

/* A directory that is read has all of its entries. */
static void directories(void)
{
    start();
    CHECK_EQ(tree_names(tree_find("d3")), FILES);
    CHECK_EQ(tree.count, 2 + FILES);
    CHECK_EQ(tree_names(FTREE_ROOT), DIRS + 1);
    CHECK_EQ(tree_names(FTREE_ROOT), DIRS + 1);
    CHECK_EQ(tree_names(tree_find("d19")), FILES);
    CHECK_EQ(tree.count, 1 + DIRS + 1 + 2 * FILES);
}

/* Every entry is what it is without the index. */
static void the_same_as_all(void)
{
    struct ftree all;

    make();
    tree_index();
    all = tree;
    tree = (struct ftree){0};
    CHECK_EQ(open_lazily(), 0);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct ftree_entry *e = &all.entries[i], *mine;
        uint32_t at = tree_find(all.text + e->path);

        CHECK(at != FTREE_NONE);
        mine = &tree.entries[at];
        CHECK_EQ(mine->type, e->type);
        CHECK_EQ(mine->mode, e->mode);
        CHECK_EQ(mine->size, e->size);
        CHECK_EQ(mine->data, e->data);
        CHECK_EQ(mine->mtime, e->mtime);
        CHECK_EQ(mine->mtime_ns, e->mtime_ns);
    }
    CHECK_EQ(tree.count, all.count);
    CHECK_EQ(tree_check(), all.count);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    free((void *)all.source.memory);
    ftree_free(&all);
}

/* The index leads to the header of another file, or to none: all of the archive is read. */
static void wrong_places(void)
{
    static const uint64_t wrong[] = {0, 512, 513, 1u << 30, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        make();
        for (unsigned r = 0; r < count; r++)
            if (!strcmp(places[r].path, "d7/f3"))
                put(archive.image + records + r * 16, wrong[i], 8);
        CHECK_EQ(open_lazily(), 0);
        tree_check_file("d7/f3", "d7/f3", 30);
        tree_check_file("d19/f14", "d19/f14", 140);
        CHECK_EQ(tree.count, 2 + DIRS * (FILES + 1));
        CHECK_EQ(host_log_matches("the index behind its archive is wrong"), i + 1);
    }
}

/* Bytes of the index are anything: nothing breaks, and what is found is in the archive. */
static void random_damage(void)
{
    for (unsigned round = 0; round < 15; round++) {
        make();
        for (unsigned n = 1 + random_below(8); n; n--) {
            size_t from = random_below(4) ? records : image_len - 512;

            archive.image[from + random_below((uint32_t)(image_len - from))] = (uint8_t)random32();
        }
        if (open_lazily()) {
            CHECK_EQ(tar_index(&tree), 0);
            CHECK_EQ(tree.count, 2 + DIRS * (FILES + 1));
        }
        for (unsigned i = 0; i < count; i++)
            tree_resolve(places[i].path);
        tree_check();
    }
}

/* Something was appended to the archive since, or the disk is longer: the index does not count. */
static void another_archive(void)
{
    make();
    archive.image[archive_end] = 'x';
    CHECK_EQ(open_lazily(), -ENOENT);
    make();
    archive.image = realloc(archive.image, image_len + 512);
    memset(archive.image + image_len, 0, 512);
    archive.len += 512;
    CHECK_EQ(open_lazily(), -ENOENT);
    archive.len = 512;
    CHECK_EQ(open_lazily(), -ENOENT);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"what_is_looked_up", what_is_looked_up}, {"directories", directories},
        {"the_same_as_all", the_same_as_all},     {"wrong_places", wrong_places},
        {"random_damage", random_damage},         {"another_archive", another_archive},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
