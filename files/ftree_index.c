/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftree_index.c - the index of a file tree: a hash of all paths, and for each directory a list of
 * what is in it. Links are followed inside the tree, and no path leads out of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ftree.h"

#define FTREE_ENTRIES_MAX (1u << 22)

/* ---- storage --------------------------------------------------------------------------------- */

uint32_t ftree_keep(struct ftree *t, const char *s, size_t len)
{
    size_t at = t->text_len;

    if (len + 1 > t->text_room - at) {
        size_t room = t->text_room * 2 > at + len + 1 ? t->text_room * 2 : at + len + 1024;
        char *text = room < FTREE_NONE ? realloc(t->text, room) : NULL;

        if (!text)
            return FTREE_NONE;
        t->text = text;
        t->text_room = room;
    }
    memcpy(t->text + at, s, len);
    t->text[at + len] = '\0';
    t->text_len = at + len + 1;
    return (uint32_t)at;
}

#define FTREE_PRIME ((1ull << 61) - 1)

/* a times b modulo the prime, plus the prime or not. a and b are below 2^61 + 2^8. */
static uint64_t ftree_multiply(uint64_t a, uint64_t b)
{
    uint64_t a_high = a >> 32, a_low = (uint32_t)a, b_high = b >> 32, b_low = (uint32_t)b;
    uint64_t middle = a_high * b_low + a_low * b_high, low = a_low * b_low;
    /* modulo the prime, 2^64 is 8 and 2^61 is 1 */
    uint64_t sum = (a_high * b_high << 3) + (middle >> 29) + (middle << 35 >> 3) + (low >> 61) +
                   (low & FTREE_PRIME);

    return (sum & FTREE_PRIME) + (sum >> 61);
}

/*
 * The path as a polynomial modulo a prime, evaluated at the secret hash_key: two paths of n bytes
 * have the same value with a probability of n / 2^61, also if they were chosen to collide. So
 * lookups stay short.
 */
static uint32_t ftree_hash_of(const struct ftree *t, const char *s, size_t len)
{
    uint64_t h = 1;

    for (size_t i = 0; i < len; i++) {
        h = ftree_multiply(h + (uint8_t)s[i], t->hash_key);
        h = h >= FTREE_PRIME ? h - FTREE_PRIME : h;
    }
    return (uint32_t)(h ^ h >> 32);
}

static void ftree_hash_insert(struct ftree *t, uint32_t e)
{
    uint32_t i = t->entries[e].hash & t->hash_mask;

    while (t->hash[i])
        i = (i + 1) & t->hash_mask;
    t->hash[i] = e + 1;
}

/* Makes room for one more entry. The hash stays at most half full. 0 or -ENOMEM. */
static int ftree_make_room(struct ftree *t)
{
    uint32_t room = t->room ? t->room * 2 : 32;
    struct ftree_entry *entries;
    uint32_t *hash;

    if (t->count < t->room)
        return 0;
    if (room > FTREE_ENTRIES_MAX)
        return -ENOMEM;
    entries = realloc(t->entries, room * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    t->entries = entries;
    hash = calloc(room * 2, sizeof(*hash));
    if (!hash)
        return -ENOMEM;
    free(t->hash);
    t->hash = hash;
    t->hash_mask = room * 2 - 1;
    t->room = room;
    for (uint32_t e = 0; e < t->count; e++)
        ftree_hash_insert(t, e);
    return 0;
}

/* Makes an entry for a new path, as a directory. Returns it, or FTREE_NONE: no memory. */
static uint32_t ftree_append_entry(struct ftree *t, const char *path, size_t len, uint32_t parent)
{
    uint32_t text;
    struct ftree_entry *e;

    if (ftree_make_room(t))
        return FTREE_NONE;
    text = ftree_keep(t, path, len);
    if (text == FTREE_NONE)
        return FTREE_NONE;
    e = &t->entries[t->count];
    *e = (struct ftree_entry){.hash = ftree_hash_of(t, path, len),
                              .path = text,
                              .path_len = (uint16_t)len,
                              .parent = parent,
                              .child = FTREE_NONE,
                              .sibling = FTREE_NONE,
                              .type = FTREE_DIR,
                              .mode = 0555};
    if (t->count != FTREE_ROOT) {
        e->sibling = t->entries[parent].child;
        t->entries[parent].child = t->count;
    }
    ftree_hash_insert(t, t->count);
    return t->count++;
}

uint32_t ftree_keep_map(struct ftree *t, struct ftree_map *map)
{
    if (t->map_count == t->map_room) {
        uint32_t room = t->map_room ? t->map_room * 2 : 8;
        struct ftree_map **maps = realloc(t->maps, room * sizeof(struct ftree_map *));

        if (!maps)
            return FTREE_NONE;
        t->maps = maps;
        t->map_room = room;
    }
    t->maps[t->map_count] = map;
    return t->map_count++;
}

/* The key of the hash: without entropy the time, which the log tells once. */
static uint64_t ftree_key(void)
{
    static bool told;
    uint64_t key;

    if (getentropy(&key, sizeof(key)) == 0)
        return key;
    if (!told)
        hal_log(HAL_WARN, "files", "without entropy, a hostile archive can make look-ups slow");
    told = true;
    return hal_now_ns();
}

int ftree_init(struct ftree *t)
{
    t->hash_key = ftree_key();
    t->hash_key = t->hash_key % (FTREE_PRIME - 2) + 2;
    return ftree_append_entry(t, "", 0, FTREE_ROOT) == FTREE_NONE ? -ENOMEM : 0;
}

void ftree_free(struct ftree *t)
{
    while (t->map_count)
        free(t->maps[--t->map_count]);
    free(t->maps);
    free(t->lazy);
    free(t->entries);
    free(t->text);
    free(t->hash);
}

/* ---- adding ---------------------------------------------------------------------------------- */

int ftree_tidy(const char *path, char *out)
{
    size_t n = 0;

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && path[0] == '.' && path[1] == '.')
            return -EINVAL;
        if (len && !(len == 1 && *path == '.')) {
            if (len > FTREE_NAME_MAX || n + len + 1 > FTREE_PATH_MAX)
                return -ENAMETOOLONG;
            if (n)
                out[n++] = '/';
            memcpy(out + n, path, len);
            n += len;
        }
        path += len;
        path += *path == '/';
    }
    out[n] = '\0';
    return (int)n;
}

uint32_t ftree_find(const struct ftree *t, const char *path, size_t len)
{
    uint32_t hash = ftree_hash_of(t, path, len), i = hash & t->hash_mask;

    for (; t->hash[i]; i = (i + 1) & t->hash_mask) {
        const struct ftree_entry *e = &t->entries[t->hash[i] - 1];

        if (e->hash == hash && e->path_len == len && !memcmp(t->text + e->path, path, len))
            return t->hash[i] - 1;
    }
    return FTREE_NONE;
}

/* The length of the path of the directory that `path` is in. */
static size_t ftree_parent_len(const char *path, size_t len)
{
    while (len && path[len - 1] != '/')
        len--;
    return len ? len - 1 : 0;
}

/* Puts the directory `dir` in place of the first `len` bytes of path. 0 or -ENAMETOOLONG. */
static int ftree_rewrite(const struct ftree *t, char *path, size_t len, uint32_t dir)
{
    const struct ftree_entry *d = &t->entries[dir];
    size_t rest = strlen(path + len);

    if (!d->path_len) { /* the top has no slash behind it */
        memmove(path, path + len + 1, rest);
        return 0;
    }
    if (d->path_len + rest > FTREE_PATH_MAX)
        return -ENAMETOOLONG;
    memmove(path + d->path_len, path + len, rest + 1);
    memcpy(path, t->text + d->path, d->path_len);
    return 0;
}

/*
 * Finds the directory that `path` is in, and makes it, and those above it, if the archive did not
 * name them; links above are followed. 0, or an error of ftree_add().
 */
static int ftree_add_parents(struct ftree *t, char *path, uint32_t *parent)
{
    size_t end = ftree_parent_len(path, strlen(path)), at = 0;
    uint32_t above = FTREE_ROOT, dir = ftree_find(t, path, end);
    int err = 0;

    *parent = dir;
    if (dir != FTREE_NONE && t->entries[dir].type == FTREE_DIR)
        return 0;
    while (end && at < end) {
        at += !!at;
        at += strcspn(path + at, "/");
        dir = ftree_find(t, path, at);
        if (dir == FTREE_NONE)
            dir = ftree_append_entry(t, path, at, above);
        if (dir == FTREE_NONE)
            return -ENOMEM;
        if (t->entries[dir].type == FTREE_LINK) {
            err = ftree_resolve(t, t->text + t->entries[dir].path, &dir);
            if (!err)
                err = ftree_rewrite(t, path, at, dir);
            /* no link is above the directory: the path is walked on behind it */
            at = t->entries[dir].path_len;
            end = ftree_parent_len(path, strlen(path));
        }
        if (err)
            return err;
        if (t->entries[dir].type != FTREE_DIR)
            return -ENOTDIR;
        above = dir;
    }
    *parent = above;
    return 0;
}

/* Can *e take the place of the entry `at`? 0; 1: what is there stays; -EEXIST. */
static int ftree_may_replace(const struct ftree *t, uint32_t at, const struct ftree_entry *e)
{
    const struct ftree_entry *old = &t->entries[at];
    uint32_t to;

    if (old->type == FTREE_DIR)
        return e->type == FTREE_DIR || (at != FTREE_ROOT && old->child == FTREE_NONE) ? 0 : -EEXIST;
    return old->type == FTREE_LINK && e->type == FTREE_DIR &&
           !ftree_resolve(t, t->text + old->path, &to) && t->entries[to].type == FTREE_DIR;
}

int ftree_add(struct ftree *t, char *path, const struct ftree_entry *e)
{
    uint32_t parent, at;
    struct ftree_entry *mine;
    int err = ftree_add_parents(t, path, &parent);

    if (err)
        return err;
    at = ftree_find(t, path, strlen(path));
    if (at == FTREE_NONE)
        at = ftree_append_entry(t, path, strlen(path), parent);
    else
        err = ftree_may_replace(t, at, e);
    if (at == FTREE_NONE)
        return -ENOMEM;
    if (err)
        return err < 0 ? err : 0;
    mine = &t->entries[at];
    if (e->type != FTREE_DIR || mine->type != FTREE_DIR)
        mine->child = e->type == FTREE_DIR ? FTREE_NONE : e->map;
    mine->data = e->data;
    mine->size = e->size;
    mine->mtime = e->mtime;
    mine->mtime_ns = e->mtime_ns;
    mine->mode = e->mode;
    mine->type = e->type;
    return 0;
}

/* ---- walking --------------------------------------------------------------------------------- */

/* The lookup of a path, component by component. */
struct ftree_walk {
    const struct ftree *t;
    uint32_t at;                       /* the entry that was reached */
    unsigned links;                    /* symbolic links that were followed */
    bool follow;                       /* a link at the end as well */
    char rest[2 * FTREE_PATH_MAX + 2]; /* the components that are still to be looked up */
    char path[FTREE_PATH_MAX + 1];     /* of an entry that is looked for */
};

/* ftree_find() of an entry that may still have to come into the tree. 0, -ENOENT, -ENOMEM. */
static int ftree_look_up(const struct ftree *t, const char *path, size_t len, uint32_t *found)
{
    int err = 0;

    *found = ftree_find(t, path, len);
    if (*found == FTREE_NONE && t->lazy) {
        err = ftree_lazy_want(t->lazy, path, len, false);
        *found = ftree_find(t, path, len);
    }
    return err ? err : *found == FTREE_NONE ? -ENOENT : 0;
}

/* Finds `name` in the directory that was reached. 0, -ENOENT, -ENAMETOOLONG, -ENOMEM. */
static int ftree_walk_child(struct ftree_walk *w, const char *name, size_t len, uint32_t *found)
{
    const struct ftree_entry *dir = &w->t->entries[w->at];
    size_t n = dir->path_len;

    if (len > FTREE_NAME_MAX || n + len + 1 > FTREE_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(w->path, w->t->text + dir->path, n);
    if (n)
        w->path[n++] = '/';
    memcpy(w->path + n, name, len);
    return ftree_look_up(w->t, w->path, n + len, found);
}

/* The target of the link takes the place of the link, in front of the rest. 0, -ELOOP,
 * -ENAMETOOLONG. */
static int ftree_walk_link(struct ftree_walk *w, uint32_t link, const char *rest)
{
    const struct ftree_entry *e = &w->t->entries[link];
    const char *target = w->t->text + e->data;
    size_t rest_len = strlen(rest);

    if (++w->links > FTREE_LINKS_MAX)
        return -ELOOP;
    if (e->size + rest_len + 1 > sizeof(w->rest))
        return -ENAMETOOLONG;
    if (*target == '/')
        w->at = FTREE_ROOT;
    memmove(w->rest + e->size, rest, rest_len + 1);
    memcpy(w->rest, target, (size_t)e->size);
    return 0;
}

/* 0 and the entry that w->rest leads to, or an error of ftree_resolve(). */
static int ftree_walk(struct ftree_walk *w, uint32_t *found)
{
    const char *p = w->rest;

    for (;;) {
        bool slash = *p == '/';
        size_t len;
        uint32_t next;
        int err;

        p += strspn(p, "/");
        if (slash && w->t->entries[w->at].type != FTREE_DIR)
            return -ENOTDIR;
        if (!*p)
            break;
        len = strcspn(p, "/");
        if (len == 2 && p[0] == '.' && p[1] == '.') {
            w->at = w->t->entries[w->at].parent;
        } else if (len != 1 || *p != '.') {
            err = ftree_walk_child(w, p, len, &next);
            if (err)
                return err;
            if (w->t->entries[next].type == FTREE_LINK && (w->follow || p[len])) {
                err = ftree_walk_link(w, next, p + len);
                if (err)
                    return err;
                p = w->rest;
                continue;
            }
            w->at = next;
        }
        p += len;
    }
    *found = w->at;
    return 0;
}

/*
 * The common case, without a walk: the whole path is in the hash. The entries above it are
 * directories then, so there is no link to follow. False: the path is to be walked; so is one that
 * is not tidy, or whose end says that it names a directory ("a/", "a/.").
 */
static bool ftree_resolve_straight(const struct ftree *t, const char *path, uint32_t *found)
{
    size_t len;

    path += strspn(path, "/");
    len = strlen(path);
    if (len > FTREE_PATH_MAX)
        return false;
    return !ftree_look_up(t, path, len, found) && t->entries[*found].type != FTREE_LINK;
}

static int ftree_walk_path(const struct ftree *t, const char *path, bool follow, uint32_t *found)
{
    struct ftree_walk *w;
    int err;

    if (strlen(path) > FTREE_PATH_MAX)
        return -ENAMETOOLONG;
    w = malloc(sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->t = t;
    w->at = FTREE_ROOT;
    w->links = 0;
    w->follow = follow;
    strcpy(w->rest, path);
    err = ftree_walk(w, found);
    free(w);
    return err;
}

int ftree_resolve(const struct ftree *t, const char *path, uint32_t *found)
{
    return ftree_resolve_straight(t, path, found) ? 0 : ftree_walk_path(t, path, true, found);
}

int ftree_resolve_link(const struct ftree *t, const char *path, uint32_t *found)
{
    return ftree_walk_path(t, path, false, found);
}
