/*
 * tree.h - the read-only file tree: a POSIX tar archive on a disk or in the initial RAM disk.
 *
 * The archive is indexed at first use, in one pass over its headers. A path is looked up by hash.
 */
#ifndef VIREO_TREE_H
#define VIREO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "task.h"

#define TREE_PATH_MAX 1024u /* longest path in an archive, without a NUL */
#define TREE_NAME_MAX 255u  /* longest component */
#define TREE_LINKS_MAX 8u   /* symbolic links followed in one lookup */
#define TREE_NONE UINT32_MAX
#define TREE_ROOT 0u

enum tree_type { TREE_DIR, TREE_FILE, TREE_LINK };

struct tree_entry {
    uint64_t data;    /* byte in the archive; for a link: where its target is in text */
    uint64_t size;    /* bytes; for a link: of its target */
    uint64_t mtime;   /* seconds of 1970 */
    uint32_t hash;    /* of the path */
    uint32_t path;    /* in text; no slash at either end */
    uint32_t parent, child, sibling;
    uint16_t path_len;
    uint16_t mode;    /* permission bits */
    enum tree_type type;
};

/* Where an archive lies: in memory, or on a disk. */
struct tree_source {
    const char *name;      /* "initrd", "vblk0" */
    const uint8_t *memory; /* NULL: on the disk */
    struct disk *disk;
    uint64_t size;
};

struct tree {
    struct tree_source source;
    struct tree_entry *entries;
    uint32_t count, room;
    char *text; /* the paths and link targets */
    size_t text_len, text_room;
    uint32_t *hash; /* entry + 1; 0: free */
    uint32_t hash_mask;
};

/* ---- tree_source.c ------------------------------------------------------------------------------- */

/* Reads exactly len bytes at `at`: 0, -EIO. [parks] */
int tree_read(const struct tree_source *s, void *buf, size_t len, uint64_t at,
              struct bcache_stream *stream);

/* ---- tree_index.c -------------------------------------------------------------------------------- */

int tree_init(struct tree *t);
void tree_free(struct tree *t);

/*
 * Puts a path in tidy form into out (TREE_PATH_MAX + 1 bytes): no empty or "." components, no slash
 * at the ends. Its length; -ENAMETOOLONG; -EINVAL: it has a ".." in it.
 */
int tree_tidy(const char *path, char *out);

/*
 * Adds a tidy path with what e says of data, size, mtime, mode and type, and the directories above
 * it. A later entry takes the place of an earlier one. -ENOMEM; -ENOTDIR: something above it is no
 * directory; -EEXIST: it is a directory, and this is none.
 */
int tree_add(struct tree *t, const char *path, size_t len, const struct tree_entry *e);

/* Keeps a string in text; its place, or TREE_NONE: no memory. */
uint32_t tree_keep(struct tree *t, const char *s, size_t len);

/* The entry of a tidy path, or TREE_NONE. */
uint32_t tree_find(const struct tree *t, const char *path, size_t len);

/*
 * The entry that any path leads to from the root, links followed (they, too, see this tree alone).
 * 0; -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP.
 */
int tree_walk(const struct tree *t, const char *path, uint32_t *found);

/* ---- tar.c --------------------------------------------------------------------------------------- */

/* Does a tar header start here? */
bool tar_is_archive(const uint8_t header[512]);

/* Fills the index. What is damaged is named in the log; the files before it stay. -ENOMEM, -EIO. */
int tar_index(struct tree *t);

/* ---- tree_file.c --------------------------------------------------------------------------------- */

int tree_open(const struct tree *t, uint32_t entry, int flags);
void tree_stat(const struct tree *t, uint32_t entry, struct stat *st);

/* ---- trees.c ------------------------------------------------------------------------------------- */

/* The tree on a disk or in the "initrd", indexed. -ENOENT: there is none. -ENOMEM, -EIO. [parks] */
int tree_named(const char *name, const struct tree **t);
/* The one at "/": the initrd's, else that of the first disk that has one. [parks] */
int tree_root(const struct tree **t);

#endif
