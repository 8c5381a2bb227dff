/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftree.h - the read-only file tree: a POSIX tar archive on a disk or in the initial RAM disk.
 *
 * The archive is indexed at first use, in one pass over its headers. A path is looked up by hash.
 */
#ifndef VIREO_FTREE_H
#define VIREO_FTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "vireo/file.h"

#define FTREE_PATH_MAX  1024u /* longest path in an archive, without a NUL */
#define FTREE_NAME_MAX  255u  /* longest component */
#define FTREE_LINKS_MAX 8u    /* symbolic links followed in one lookup */
#define FTREE_NONE      UINT32_MAX
#define FTREE_ROOT      0u

enum ftree_type { FTREE_DIR, FTREE_FILE, FTREE_LINK };

struct ftree_entry {
    uint64_t data;  /* byte in the archive; for a link: where its target is in text */
    uint64_t size;  /* bytes; for a link: of its target */
    uint64_t mtime; /* seconds of 1970 */
    uint32_t hash;  /* of the path */
    uint32_t path;  /* in text; no slash at either end */
    uint32_t parent, child, sibling;
    uint16_t path_len;
    uint16_t mode; /* permission bits */
    enum ftree_type type;
};

/* Where an archive lies: in memory, or on a disk. */
struct ftree_source {
    const char *name;      /* "initrd", "vblk0" */
    const uint8_t *memory; /* NULL: on the disk */
    struct disk *disk;
    uint64_t size;
};

struct ftree {
    struct ftree_source source;
    struct ftree_entry *entries;
    uint32_t count, room;
    char *text; /* the paths and link targets */
    size_t text_len, text_room;
    uint64_t hash_key; /* secret, so that nobody can make names that collide */
    uint32_t *hash;    /* entry + 1; 0: free */
    uint32_t hash_mask;
};

/* ---- ftree_source.c -------------------------------------------------------------------------- */

/* Reads exactly len bytes at `at`: 0, -EIO. [parks] */
int ftree_read(const struct ftree_source *s, void *buf, size_t len, uint64_t at,
               struct bcache_stream *stream);

/* ---- ftree_index.c --------------------------------------------------------------------------- */

int ftree_init(struct ftree *t);
void ftree_free(struct ftree *t);

/*
 * Puts a path in tidy form into out (FTREE_PATH_MAX + 1 bytes): no empty or "." components, and
 * no slash at the ends. Its length; -ENAMETOOLONG; -EINVAL: it has a ".." in it.
 */
int ftree_tidy(const char *path, char *out);

/*
 * Adds a tidy path with what e says of data, size, mtime, mode and type, and the directories above
 * it. A later entry takes the place of an earlier one. -ENOMEM; -ENOTDIR: something above it is no
 * directory; -EEXIST: it is a directory, and this is none.
 */
int ftree_add(struct ftree *t, const char *path, size_t len, const struct ftree_entry *e);

/* Keeps a string in text; its place, or FTREE_NONE: no memory. */
uint32_t ftree_keep(struct ftree *t, const char *s, size_t len);

/* The entry of a tidy path, or FTREE_NONE. */
uint32_t ftree_find(const struct ftree *t, const char *path, size_t len);

/*
 * The entry that any path leads to from the root, links followed (they, too, see this tree alone).
 * 0; -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP.
 */
int ftree_resolve(const struct ftree *t, const char *path, uint32_t *found);

/* ---- tar.c ----------------------------------------------------------------------------------- */

/* Does a tar header start here? */
bool tar_is_archive(const uint8_t header[512]);

/* Fills the index. What is damaged is named in the log; the files before it stay. -ENOMEM, -EIO. */
int tar_index(struct ftree *t);

/* ---- ftree_file.c ---------------------------------------------------------------------------- */

int ftree_open(const struct ftree *t, uint32_t entry, int flags);
/* 0, or -EOVERFLOW: an off_t cannot tell the size. */
int ftree_stat(const struct ftree *t, uint32_t entry, struct stat *st);

/* ---- ftrees.c ------------------------------------------------------------------------------- */

/* The tree on a disk or in the "initrd", indexed. -ENOENT: there is none. -ENOMEM, -EIO. [parks] */
int ftree_named(const char *name, const struct ftree **t);
/* The one at "/": the initrd's, else that of the first disk that has one. [parks] */
int ftree_root(const struct ftree **t);

#endif
