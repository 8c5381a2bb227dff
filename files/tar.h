/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar.h - what the readers of a tar archive share: tar.c takes the entries, tar_pax.c what extended
 * headers say of them, tar_sparse.c the maps of files with holes. Only these three include it.
 */
#ifndef VIREO_TAR_H
#define VIREO_TAR_H

#include "ftree.h"

#define TAR_BLOCK 512u
#define TAR_NAMED 32u /* entries that are left out and named in the log */
#define TAR_LATER 64u /* hard links that come before the file that they are a name of */

struct tar_piece { /* GNU's old format: a part of a file that is not a hole */
    char at[12], len[12];
};

struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[8], uname[32], gname[32], major[8], minor[8];
    union {
        struct {
            char prefix[155], pad[12];
        };
        struct { /* type 'S' of GNU's format */
            char times[24], offset[12], unused[5];
            struct tar_piece pieces[4];
            char more, real_size[12];
        } gnu;
    };
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a tar header is 512 bytes");

struct tar_time {
    int64_t seconds;
    uint32_t ns;
};

/* What headers in front of an entry say of that entry. */
struct tar_said {
    bool path, link, size, time; /* is it in the field of that name below? */
    bool real_path;              /* the path is that of a sparse file: "path=" is another one */
    bool header_time;            /* the time is that of the header, whatever a global header says */
    bool sparse;                 /* a record of a sparse file was there */
    bool map_in_data;            /* GNU.sparse.major=1: the map is in front of the data */
    const char *refused;         /* NULL, or why the entry cannot be served */
    uint64_t file_size;          /* bytes of data in the archive */
    uint64_t real_size;          /* of a sparse file, with its holes */
    struct tar_time when;
    struct ftree_map *map; /* as far as it is known; malloc'd */
    uint64_t piece_at;     /* GNU.sparse.offset that has no GNU.sparse.numbytes yet */
};

/* An archive that is being read. */
struct tar {
    struct ftree *tree;
    struct bcache_stream stream;
    uint64_t at;               /* byte of the archive where the header at hand is */
    unsigned skipped;          /* entries that were left out, and were not named before */
    uint32_t named[TAR_NAMED]; /* a digest of each name in the log */
    union {
        struct tar_header header;
        uint64_t words[TAR_BLOCK / 8];
    };
    struct tar_said said;
    uint64_t said_at;          /* byte of the archive where the first header that said it is */
    uint64_t later[TAR_LATER]; /* said_at of hard links to be tried again at the end */
    unsigned later_count;
    bool again;            /* they are tried again */
    bool has_default_time; /* of a global extended header */
    struct tar_time default_time;

    char path[FTREE_PATH_MAX + 1], link[FTREE_PATH_MAX + 1]; /* where tar_said has them */
    char tidy[FTREE_PATH_MAX + 1];                           /* the entry's path */
    char text[FTREE_PATH_MAX + 1]; /* the path or link of the header at hand, with a NUL */
};

/* Logs why the archive ends here. */
void tar_damaged(const struct tar *a, const char *what);

/* ---- tar_number.c ---------------------------------------------------------------------------- */

/*
 * The value of a field: octal digits between blanks, or, with the top bit set, GNU's base 256.
 * False: it is neither, negative, or 2^64 and more.
 */
bool tar_number(const char *field, size_t len, uint64_t *out);
/* The same for a time, which may be negative in base 256; 2^63 and more are not one. */
bool tar_signed_number(const char *field, size_t len, int64_t *out);
/* len decimal digits, below 2^64; at least one. */
bool tar_decimal(const char *s, size_t len, uint64_t *out);
/* Seconds as pax writes them, such as "-1.5": a sign, digits, a part of a second. */
bool tar_decimal_time(const char *s, size_t len, struct tar_time *out);

/* ---- tar_pax.c ------------------------------------------------------------------------------- */

/*
 * Reads an extended header: the data of the entry at hand, which are `size` bytes. 0; -ENOMEM;
 * -EIO; -EINVAL: it is malformed, and the archive ends here, which the log says. [parks]
 */
int tar_read_extended(struct tar *a, uint64_t size, bool global);
/* GNU: the data of this entry are the path, or the link, of the next one. 0 or -EIO. [parks] */
int tar_read_long_name(struct tar *a, uint64_t size, bool link);

/* ---- tar_sparse.c ---------------------------------------------------------------------------- */

/* Adds a part of the file that is not a hole. 0; -ENOMEM. What cannot be refuses the entry. */
int tar_sparse_add(struct tar_said *said, uint64_t at, uint64_t len);
/* "offset,length,offset,length" of GNU.sparse.map. 0 or -ENOMEM. */
int tar_sparse_list(struct tar_said *said, const char *s, size_t len);
/*
 * GNU's old format: reads the map in the header, and in the blocks behind it, whose number goes
 * into *blocks. 0, -ENOMEM, -EIO. [parks]
 */
int tar_sparse_read_header(struct tar *a, unsigned *blocks);
/*
 * The header at hand is of a sparse file with `size` bytes of data from byte `data` on. Fills in
 * size, data and map of *e; the map is the tree's then. A map that cannot be refuses the entry.
 * 0, -ENOMEM, -EIO. [parks]
 */
int tar_sparse_finish(struct tar *a, uint64_t data, uint64_t size, struct ftree_entry *e);

#endif
