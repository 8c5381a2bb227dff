/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar_sparse.c - the maps of files with holes, of which an archive holds the other parts alone: GNU
 * tar's manual, "Storing Sparse Files" (its old format, and the versions 0.0, 0.1 and 1.0 in
 * extended headers). A map is believed if its parts are in order and no longer than the data.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

#define TAR_PIECES_MAX 65536u
#define TAR_PIECES_OLD 21u /* in a block behind a header of the old format */
#define TAR_DIGITS     20u /* of a number in a map */

/* A map that cannot be is the reason not to serve the entry; it is not the end of the archive. */
static void tar_sparse_refuse(struct tar_said *said)
{
    said->refused = "its sparse map is malformed";
}

int tar_sparse_add(struct tar_said *said, uint64_t at, uint64_t len)
{
    struct ftree_map *map = said->map;
    const struct ftree_piece *last = map && map->count ? &map->pieces[map->count - 1] : NULL;

    said->sparse = true;
    if (at + len < at || (last && at < last->at + last->len)) {
        tar_sparse_refuse(said);
        return 0;
    }
    if (!len || said->refused)
        return 0;
    if (map && map->count == TAR_PIECES_MAX) {
        said->refused = "its sparse map is too long";
        return 0;
    }
    if (!map || map->count == map->room) {
        uint32_t count = map ? map->count : 0, room = count ? count * 2 : 16;

        map = realloc(map, sizeof(*map) + room * sizeof(map->pieces[0]));
        if (!map)
            return -ENOMEM;
        map->count = count;
        map->room = room;
        said->map = map;
    }
    map->pieces[map->count++] = (struct ftree_piece){.at = at, .len = len};
    return 0;
}

/* ---- as text --------------------------------------------------------------------------------- */

int tar_sparse_list(struct tar_said *said, const char *s, size_t len)
{
    uint64_t pair[2];
    unsigned n = 0;
    int err = 0;

    while (len && !err) {
        const char *comma = memchr(s, ',', len);
        size_t digits = comma ? (size_t)(comma - s) : len;

        if (!tar_decimal(s, digits, &pair[n])) {
            tar_sparse_refuse(said);
            return 0;
        }
        n = !n;
        if (!n)
            err = tar_sparse_add(said, pair[0], pair[1]);
        s += digits + !!comma;
        len -= digits + !!comma;
    }
    if (n)
        tar_sparse_refuse(said);
    return err;
}

/* Numbers in the data of an entry, each with a newline behind it. */
struct numbers {
    struct tar *a;
    uint64_t at, end; /* bytes of the archive: what is read next; what the data ends with */
    char block[TAR_BLOCK];
    unsigned used; /* bytes of block; TAR_BLOCK: the next block is to be read */
};

/* 0 and the next number; -EINVAL: there is none; -EIO. */
static int tar_next_number(struct numbers *n, uint64_t *out)
{
    char digits[TAR_DIGITS];
    size_t len = 0;

    for (;;) {
        char c;

        if (n->used == TAR_BLOCK) {
            int err = n->end - n->at < TAR_BLOCK ? -EINVAL
                                                 : ftree_read(&n->a->tree->source, n->block,
                                                              TAR_BLOCK, n->at, &n->a->stream);
            if (err)
                return err;
            n->at += TAR_BLOCK;
            n->used = 0;
        }
        c = n->block[n->used++];
        if (c == '\n')
            return tar_decimal(digits, len, out) ? 0 : -EINVAL;
        if (len == TAR_DIGITS)
            return -EINVAL;
        digits[len++] = c;
    }
}

/* Version 1.0: the map is in front of the data, and padded. *data and *size become those of what
 * follows. 0, -ENOMEM, -EIO. */
static int tar_sparse_read_data(struct tar *a, uint64_t *data, uint64_t *size)
{
    struct numbers *n = malloc(sizeof(*n));
    uint64_t count, at, len;
    int err = n ? 0 : -ENOMEM;

    if (!n)
        return err;
    n->a = a;
    n->at = *data;
    n->end = *data + *size;
    n->used = TAR_BLOCK;
    err = tar_next_number(n, &count);
    while (!err && count-- && !a->said.refused) {
        err = tar_next_number(n, &at);
        if (!err)
            err = tar_next_number(n, &len);
        if (!err)
            err = tar_sparse_add(&a->said, at, len);
    }
    *data = n->at;
    *size = n->end - n->at;
    free(n);
    if (err == -EINVAL)
        tar_sparse_refuse(&a->said);
    return err == -EINVAL ? 0 : err;
}

/* ---- the old format -------------------------------------------------------------------------- */

/* Adds what the fields say, up to an empty one. 0 or -ENOMEM. */
static int tar_sparse_take_fields(struct tar_said *said, const struct tar_piece *p, unsigned count)
{
    int err = 0;

    for (unsigned i = 0; i < count && !err && p[i].len[0]; i++) {
        uint64_t at, len;

        if (!tar_number(p[i].at, sizeof(p[i].at), &at) ||
            !tar_number(p[i].len, sizeof(p[i].len), &len))
            tar_sparse_refuse(said);
        else
            err = tar_sparse_add(said, at, len);
    }
    return err;
}

int tar_sparse_read_header(struct tar *a, unsigned *blocks)
{
    const struct tar_header *h = &a->header;
    bool more = h->gnu.more;
    int err = tar_sparse_take_fields(&a->said, h->gnu.pieces, 4);
    struct {
        struct tar_piece pieces[TAR_PIECES_OLD];
        char more, pad[7];
    } block;

    _Static_assert(sizeof(block) == TAR_BLOCK, "a map goes on in blocks");
    a->said.sparse = true;
    if (!tar_number(h->gnu.real_size, sizeof(h->gnu.real_size), &a->said.real_size))
        tar_sparse_refuse(&a->said);
    for (*blocks = 0; !err && more; more = block.more) {
        if (a->tree->source.size - a->at < (*blocks + 2ull) * TAR_BLOCK) {
            tar_sparse_refuse(&a->said);
            return 0;
        }
        ++*blocks;
        err = ftree_read(&a->tree->source, &block, sizeof(block),
                         a->at + (uint64_t)*blocks * TAR_BLOCK, &a->stream);
        if (!err)
            err = tar_sparse_take_fields(&a->said, block.pieces, TAR_PIECES_OLD);
    }
    return err;
}

/* ---- the end --------------------------------------------------------------------------------- */

int tar_sparse_finish(struct tar *a, uint64_t data, uint64_t size, struct ftree_entry *e)
{
    struct tar_said *said = &a->said;
    struct ftree_map *map;
    int err = said->map_in_data ? tar_sparse_read_data(a, &data, &size) : 0;

    if (!err && !said->map && !said->refused) { /* nothing but a hole */
        said->map = calloc(1, sizeof(*said->map));
        err = said->map ? 0 : -ENOMEM;
    }
    map = said->map;
    if (!err && (data > a->tree->source.size || size > a->tree->source.size - data))
        tar_sparse_refuse(said); /* behind blocks of the old format */
    if (err || said->refused)
        return err;
    for (uint32_t i = 0; i < map->count; i++) {
        struct ftree_piece *p = &map->pieces[i];

        if (p->len > size || p->at + p->len > said->real_size) {
            tar_sparse_refuse(said);
            return 0;
        }
        p->data = data;
        data += p->len;
        size -= p->len;
    }
    e->size = said->real_size;
    e->map = ftree_keep_map(a->tree, map);
    if (e->map == FTREE_NONE)
        return -ENOMEM;
    said->map = NULL;
    return 0;
}
