/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar_pax.c - what headers in front of an entry say of it: extended headers (POSIX.1-2017, pax,
 * "pax Extended Header"), the keywords of GNU tar's sparse files in them, and GNU's long names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

#define TAR_WINDOW 65536u /* bytes of records that are read at a time */

#define TOO_LONG "its name is too long"

enum keyword {
    MTIME,
    PATH,
    LINKPATH,
    SIZE,
    SPARSE_NAME, /* this and what follows: GNU tar's manual, "Storing Sparse Files" */
    SPARSE_MAP,
    SPARSE_REALSIZE,
    SPARSE_SIZE,
    SPARSE_OFFSET,
    SPARSE_NUMBYTES,
    SPARSE_MAJOR,
    OTHER
};

/* A record: its keyword, and its value, which does not end in a NUL. */
struct record {
    enum keyword key;
    const char *value;
    size_t len;
};

static enum keyword tar_find_keyword(const char *key, size_t len)
{
    static const char names[][20] = {
        [MTIME] = "mtime",
        [PATH] = "path",
        [LINKPATH] = "linkpath",
        [SIZE] = "size",
        [SPARSE_NAME] = "GNU.sparse.name",
        [SPARSE_MAP] = "GNU.sparse.map",
        [SPARSE_REALSIZE] = "GNU.sparse.realsize",
        [SPARSE_SIZE] = "GNU.sparse.size",
        [SPARSE_OFFSET] = "GNU.sparse.offset",
        [SPARSE_NUMBYTES] = "GNU.sparse.numbytes",
        [SPARSE_MAJOR] = "GNU.sparse.major",
    };
    enum keyword k = MTIME;

    while (k < OTHER && (strncmp(key, names[k], len) || len > 19 || names[k][len]))
        k++;
    return k;
}

/* A text for the next entry. A text that cannot be a path refuses that entry. */
static void tar_take_string(struct tar *a, const struct record *r, char *out, bool *has)
{
    size_t len = r->len;

    if (len > FTREE_PATH_MAX) {
        a->said.refused = TOO_LONG;
        len = FTREE_PATH_MAX;
    } else if (memchr(r->value, '\0', len)) {
        a->said.refused = "there is a zero byte in its name";
    }
    memcpy(out, r->value, len);
    out[len] = '\0';
    *has = len; /* an empty value: the header's own counts (pax, "Extended Header Keywords") */
}

static void tar_take_path(struct tar *a, const struct record *r, bool real)
{
    if (a->said.real_path && !real)
        return;
    tar_take_string(a, r, a->path, &a->said.path);
    a->said.real_path = real && a->said.path;
}

/* An empty value takes back what a global header said; a value that is no time is ignored. */
static void tar_take_time(struct tar *a, const struct record *r, bool global)
{
    if (global) {
        a->has_default_time = tar_decimal_time(r->value, r->len, &a->default_time);
        return;
    }
    a->said.time = tar_decimal_time(r->value, r->len, &a->said.when);
    a->said.header_time = !r->len;
}

/* A record about a file with holes. 0 or -ENOMEM. */
static int tar_take_sparse(struct tar *a, const struct record *r)
{
    struct tar_said *said = &a->said;
    uint64_t n;

    said->sparse = true;
    if (r->key == SPARSE_NAME) {
        tar_take_path(a, r, true);
        return 0;
    }
    if (r->key == SPARSE_MAP)
        return tar_sparse_list(said, r->value, r->len);
    if (!tar_decimal(r->value, r->len, &n)) {
        said->refused = "the numbers of its sparse map are none";
        return 0;
    }
    if (r->key == SPARSE_REALSIZE || r->key == SPARSE_SIZE)
        said->real_size = n;
    else if (r->key == SPARSE_OFFSET)
        said->piece_at = n;
    else if (r->key == SPARSE_NUMBYTES)
        return tar_sparse_add(said, said->piece_at, n);
    else if (n <= 1)
        said->map_in_data = n;
    else
        said->refused = "it is a sparse file of a version that is not known";
    return 0;
}

/* 0; -ENOMEM; -EINVAL: the value is impossible. */
static int tar_take_record(struct tar *a, const struct record *r, bool global)
{
    if (r->key == MTIME)
        tar_take_time(a, r, global);
    if (r->key == MTIME || r->key == OTHER || global) /* a name, a size or a map is of one file */
        return 0;
    switch (r->key) {
    case PATH:
        tar_take_path(a, r, false);
        return 0;
    case LINKPATH:
        tar_take_string(a, r, a->link, &a->said.link);
        return 0;
    case SIZE:
        a->said.size = tar_decimal(r->value, r->len, &a->said.file_size);
        return r->len && !a->said.size ? -EINVAL : 0;
    default:
        return tar_take_sparse(a, r);
    }
}

/*
 * Splits the record at p, "LENGTH KEYWORD=VALUE\n", where LENGTH counts all its bytes. Of the
 * `left` bytes of the header `here` can be seen. Returns LENGTH; 0: it is malformed, or, if
 * *partly, not all of it can be seen.
 */
static uint64_t tar_split_record(const char *p, size_t here, uint64_t left, struct record *r,
                                 bool *partly)
{
    const char *blank = memchr(p, ' ', here < 21 ? here : 21), *equals;
    uint64_t len;
    size_t before;

    *partly = false;
    if (!blank || !tar_decimal(p, (size_t)(blank - p), &len))
        return 0;
    before = (size_t)(blank + 1 - p);
    if (len > left || len < before + 3)
        return 0;
    *partly = len > here;
    equals = memchr(blank, '=', *partly ? here - before : (size_t)len - before);
    if (!equals || (!*partly && p[len - 1] != '\n'))
        return 0;
    *r = (struct record){tar_find_keyword(blank + 1, (size_t)(equals - blank - 1)), equals + 1,
                         (size_t)len - 1 - (size_t)(equals + 1 - p)};
    return len;
}

/* A record that is longer than the window. Those that matter are never so long. */
static void tar_pass_record(struct tar *a, const struct record *r)
{
    if (r->key == PATH || r->key == LINKPATH)
        a->said.refused = TOO_LONG;
    else if (r->key != OTHER && r->key != MTIME)
        a->said.refused = "its sparse map is too long";
}

/*
 * Takes the records of which all can be seen: `here` bytes at p, of `left` that the header still
 * has. *done: the bytes that were used, 0 at the header's end. 0, -ENOMEM, -EINVAL.
 */
static int tar_take_records(struct tar *a, const char *p, size_t here, uint64_t left, bool global,
                            uint64_t *done)
{
    size_t at = 0;
    int err = 0;

    while (!err && at < here && p[at]) {
        struct record r;
        bool partly;
        uint64_t len = tar_split_record(p + at, here - at, left - at, &r, &partly);

        if (partly && at) /* the next window begins with it */
            break;
        if (!len) {
            /* the length is cut off by the window, or wrong */
            if (at && here < left && here - at < 21)
                break;
            return -EINVAL;
        }
        if (partly) {
            if (!global)
                tar_pass_record(a, &r);
            *done = len;
            return 0;
        }
        err = tar_take_record(a, &r, global);
        at += (size_t)len;
    }
    *done = at;
    return err;
}

int tar_read_extended(struct tar *a, uint64_t size, bool global)
{
    uint64_t at = a->at + TAR_BLOCK, done = 1;
    size_t room = size < TAR_WINDOW ? (size_t)size : TAR_WINDOW;
    char *records = malloc(room + 1);
    int err = records ? 0 : -ENOMEM;

    while (!err && size && done) {
        size_t here = size < room ? (size_t)size : room;

        err = ftree_read(&a->tree->source, records, here, at, &a->stream);
        if (!err)
            err = tar_take_records(a, records, here, size, global, &done);
        at += done;
        size -= done;
    }
    free(records);
    if (err == -EINVAL && global) /* it holds nothing without which files cannot be read */
        return 0;
    if (err == -EINVAL)
        tar_damaged(a, "the extended header is malformed");
    return err;
}

int tar_read_long_name(struct tar *a, uint64_t size, bool link)
{
    char *out = link ? a->link : a->path;
    size_t len = size <= FTREE_PATH_MAX ? (size_t)size : FTREE_PATH_MAX;
    int err = ftree_read(&a->tree->source, out, len, a->at + TAR_BLOCK, &a->stream);

    out[len] = '\0';
    if (size > FTREE_PATH_MAX + 1) /* the last byte is a NUL */
        a->said.refused = TOO_LONG;
    *(link ? &a->said.link : &a->said.path) = *out;
    return err;
}
