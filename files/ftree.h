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

#define FTREE_PATH_MAX  4095u /* longest path in an archive, without a NUL */
#define FTREE_NAME_MAX  255u  /* longest component */
#define FTREE_LINKS_MAX 8u    /* symbolic links followed in one lookup */
#define FTREE_NONE      UINT32_MAX
#define FTREE_ROOT      0u

enum ftree_type { FTREE_DIR, FTREE_FILE, FTREE_LINK };

/* The parts of a file that are not holes, in order of `at`, none over another. */
struct ftree_map {
    uint32_t count, room; /* pieces in use, allocated */
    struct ftree_piece {
        uint64_t at, len; /* bytes of the file */
        uint64_t data;    /* where they lie in the archive */
    } pieces[];
};

struct ftree_entry {
    uint64_t data; /* a file: its first byte in the archive; a link: its target, in text */
    uint64_t size; /* a file: bytes; a link: bytes of its target */
    int64_t mtime; /* seconds since 1970; and more */
    uint32_t mtime_ns;
    uint32_t hash;            /* of the path */
    uint32_t path;            /* place in text; a tidy path, ended by a NUL */
    uint32_t parent, sibling; /* entries: the directory; the next beside */
    union {
        uint32_t child; /* a directory: the first entry in it, or FTREE_NONE */
        uint32_t map;   /* a file: number of its map; FTREE_NONE: no holes, all lies at `data` */
    };
    uint16_t path_len;
    uint16_t mode; /* permission bits */
    uint8_t type;  /* enum ftree_type */
    bool whole;    /* a directory: all that is in it was asked for (ftree_lazy.c) */
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
    struct ftree_map **maps; /* of files with holes */
    uint32_t map_count, map_room;
    struct ftree_lazy *lazy; /* NULL: all of the archive is in the index */
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
 * Adds an entry for a tidy path, with all of *e but hash, path and places in the tree; a directory
 * gets no child. Directories above it that are not there yet are made; where a symbolic link to a
 * directory is above it, the entry goes into that directory. `path` (FTREE_PATH_MAX + 1 bytes) is
 * rewritten then. What a later entry of the same path replaces is what a program that unpacks would
 * replace: a file, a link, an empty directory; a link to a directory stays if *e is a directory.
 * 0; -ENOMEM; -ENOTDIR: an entry above is a file; -ENOENT, -ELOOP, -ENAMETOOLONG: so ends a link
 * above; -EEXIST: the path is a directory with entries, and *e is none.
 */
int ftree_add(struct ftree *t, char *path, const struct ftree_entry *e);

/* Keeps a malloc'd map, which is the tree's then. Returns its number, or FTREE_NONE: no memory. */
uint32_t ftree_keep_map(struct ftree *t, struct ftree_map *map);

/* Copies a string into text. Returns its place there, or FTREE_NONE: no memory. */
uint32_t ftree_keep(struct ftree *t, const char *s, size_t len);

/* The entry of a tidy path, or FTREE_NONE. */
uint32_t ftree_find(const struct ftree *t, const char *path, size_t len);

/*
 * Looks up any path from the top; symbolic links are followed, inside this tree alone. 0 and the
 * entry, a file or a directory, in *found; -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP, -ENOMEM.
 */
int ftree_resolve(const struct ftree *t, const char *path, uint32_t *found);
/* The same, but a link at the end of the path is not followed: *found may be a link. */
int ftree_resolve_link(const struct ftree *t, const char *path, uint32_t *found);

/* ---- tar.c ----------------------------------------------------------------------------------- */

/* Has the block the magic (or none, as before POSIX) and the checksum of a tar header? */
bool tar_is_archive(const uint8_t header[512]);

/*
 * Indexes the archive of t, after ftree_init(). 0, also when the archive is damaged or ends early:
 * the log says where, and the files before that place are in the index. -ENOMEM. [parks]
 */
int tar_index(struct ftree *t);

/*
 * Adds the entry whose header, or the first of the headers in front of it, is at byte `at` of the
 * archive, as far as it can be served. 0, -ENOMEM, -EIO, -EINVAL: there is no header. [parks]
 */
int tar_index_one(struct ftree *t, uint64_t at);

/* ---- ftree_lazy.c ---------------------------------------------------------------------------- */

/*
 * Looks for an index behind the archive of t, after ftree_init(). 0: entries come into the tree
 * when they are wanted; -ENOENT: there is none, and tar_index() is to be called; -ENOMEM, -EIO.
 * [parks]
 */
int ftree_lazy_open(struct ftree *t);
/*
 * Has the entry of a tidy path be in the tree, with those above it, if the archive has it; or
 * `inside`: all entries of that directory. `path` is not the tree's own text, which may move. 0,
 * also if there is no such entry; -ENOMEM. [parks]
 */
int ftree_lazy_want(struct ftree_lazy *l, const char *path, size_t len, bool inside);

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
