/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftree.h - the read-only file tree: a POSIX tar archive on a disk or in the initial RAM disk. The
 * archive is indexed when it is used first, in one pass over its headers; from then on a path is
 * looked up by its hash. All functions are for tasks; those that may park are marked [parks], and
 * must not be called from a service.
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
    uint64_t data;  /* a file: its first byte in the archive; a link: its target, in text */
    uint64_t size;  /* a file: bytes; a link: bytes of its target */
    uint64_t mtime; /* seconds since 1970 */
    uint32_t hash;  /* of the path */
    uint32_t path;  /* place in text; a tidy path, ended by a NUL */
    uint32_t parent, child, sibling; /* entries: the directory; the first in it; the next beside */
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

/* The caller fills in the source and zeroes the rest. Entry FTREE_ROOT is the top directory. */
struct ftree {
    struct ftree_source source;
    struct ftree_entry *entries;
    uint32_t count, room; /* entries in use, allocated */
    char *text;           /* the paths and link targets */
    size_t text_len, text_room;
    uint64_t hash_key; /* secret, so that no archive can hold names made to collide */
    uint32_t *hash;    /* number of an entry + 1; 0: free */
    uint32_t hash_mask;
};

/* ---- ftree_source.c -------------------------------------------------------------------------- */

/*
 * Reads exactly len bytes from byte `at` of the archive. 0; -EIO: they cannot be read, or are not
 * all there. `stream` belongs to one reader, and is zeroed at first. [parks]
 */
int ftree_read(const struct ftree_source *s, void *buf, size_t len, uint64_t at,
               struct bcache_stream *stream);

/* ---- ftree_index.c --------------------------------------------------------------------------- */

/* Makes an index with the top directory alone. 0; -ENOMEM: ftree_free() is still to be called. */
int ftree_init(struct ftree *t);
/* Frees the index. *t is not valid any more, and neither are its open files. */
void ftree_free(struct ftree *t);

/*
 * Puts a path in tidy form into out (FTREE_PATH_MAX + 1 bytes): without empty and "." components,
 * and without a slash at either end. Returns the length, 0 for the top; -ENAMETOOLONG; -EINVAL:
 * ".." is a component of it.
 */
int ftree_tidy(const char *path, char *out);

/*
 * Adds an entry for a tidy path, with data, size, mtime, mode and type of *e, and the directories
 * above it that are not there yet. A later entry takes the place of an earlier one of the same
 * path. 0; -ENOMEM; -ENOTDIR: an entry above is not a directory; -EEXIST: the path is a directory
 * and *e is not, or the other way round.
 */
int ftree_add(struct ftree *t, const char *path, size_t len, const struct ftree_entry *e);

/* Copies a string into text. Returns its place there, or FTREE_NONE: no memory. */
uint32_t ftree_keep(struct ftree *t, const char *s, size_t len);

/* The entry of a tidy path, or FTREE_NONE. */
uint32_t ftree_find(const struct ftree *t, const char *path, size_t len);

/*
 * Looks up any path from the top; symbolic links are followed, inside this tree alone. 0 and the
 * entry, a file or a directory, in *found; -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP, -ENOMEM.
 */
int ftree_resolve(const struct ftree *t, const char *path, uint32_t *found);

/* ---- tar.c ----------------------------------------------------------------------------------- */

/* Has the block the magic and the checksum of a tar header? */
bool tar_is_archive(const uint8_t header[512]);

/*
 * Indexes the archive of t, after ftree_init(). 0, also when the archive is damaged or ends early:
 * the log says where, and the files before that place are in the index. -ENOMEM. [parks]
 */
int tar_index(struct ftree *t);

/* ---- ftree_file.c ---------------------------------------------------------------------------- */

/*
 * Opens a file or a directory with O_ flags. Returns a descriptor, which is the caller's; -EROFS,
 * -EISDIR: it would be written; -EEXIST, -ENOTDIR: the flags want something else; -ENOMEM, -EMFILE.
 */
int ftree_open(const struct ftree *t, uint32_t entry, int flags);
/* Fills in *st. 0, or -EOVERFLOW: an off_t cannot hold the size. */
int ftree_stat(const struct ftree *t, uint32_t entry, struct stat *st);

/* ---- ftrees.c ------------------------------------------------------------------------------- */

/*
 * The tree on the disk `name`, or in the initrd for "initrd", indexed; it is never freed. 0 and *t;
 * -ENOENT: there is no such disk, or no archive on it; -ENOMEM, -EIO: the next call tries again.
 * [parks]
 */
int ftree_named(const char *name, const struct ftree **t);
/*
 * The tree at "/": that of the initrd, or of the first disk that has one. Once found, it stays. The
 * errors are those of ftree_named(). [parks]
 */
int ftree_root(const struct ftree **t);

#endif
