/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * littlefs.h - what the files of files/littlefs/ share: a mounted file system, open files and
 * directories, and errors. Every call of littlefs is made between littlefs_enter() and
 * littlefs_leave(). Functions give 0, or a negative errno value, unless said otherwise.
 */
#ifndef VIREO_LITTLEFS_H
#define VIREO_LITTLEFS_H

#include "configure.h"
#include "mount.h"
#include "vireo/task.h"

#define LITTLEFS_RUN      262144u
#define LITTLEFS_PATH_MAX 1023u

/*
 * A file that is open, once for all its descriptors. Of `file`, this folder sets flags, cache.block
 * and what says where the metadata is (m, id) as littlefs has no calls for what is wanted there.
 */
struct littlefs_node {
    lfs2_file_t file;
    struct lfs2_file_config config;
    struct lfs2_attr attr;
    uint64_t time; /* the attribute */
    struct littlefs *fs;
    struct littlefs_node *next;
    unsigned users; /* descriptors */
    int error;      /* of data that was given up; the next fsync or close tells of it */
};

/* An open directory. */
struct littlefs_dir {
    lfs2_dir_t dir;
    struct littlefs *fs;
    struct littlefs_dir *next;
};

struct littlefs {
    lfs2_t lfs;
    struct lfs2_config config;
    struct disk *disk;
    struct task_mutex lock;
    struct littlefs_node *nodes;
    struct littlefs_dir *dirs;
    uint64_t reads, reads_max; /* of the disk in one call, and how many a sound one needs at most */
    lfs2_block_t last;         /* that was read */
    unsigned backwards;        /* reads in a row that went one or two blocks back */
    uint8_t *run;              /* LITTLEFS_RUN bytes, while a walk goes backwards */
    bool damage_told;
    struct littlefs *next;
};

/* ---- littlefs_disk.c ------------------------------------------------------------------------- */

/* Sets fs up for a disk. */
void littlefs_use_disk(struct littlefs *fs, struct disk *d, uint32_t block_size);
/*
 * Looks for a superblock: the bytes of a block of the file system. 0: there is none; -EIO, -ENOMEM.
 * [parks]
 */
int littlefs_find_block_size(struct disk *d);

void littlefs_enter(struct littlefs *fs);
/* The errno value for an error of littlefs (0 and more stay), which the log tells if it is damage.
 */
int littlefs_error(struct littlefs *fs, int err);
/* The same, and the end of the call. */
int littlefs_leave(struct littlefs *fs, int err);
bool littlefs_read_only(const struct littlefs *fs);
/* Now, as the attribute has it. */
uint64_t littlefs_now(void);

/* ---- littlefs_path.c ------------------------------------------------------------------------- */

/* A path without empty and "." components, and with ".." resolved: "" is the top. */
struct littlefs_path {
    char text[LITTLEFS_PATH_MAX + 1];
    bool folder; /* it ends so that only a directory can be meant */
};
/* -ENAMETOOLONG: of a component, or the whole. */
int littlefs_tidy(const char *path, struct littlefs_path *out);

/* ---- littlefs_file.c ------------------------------------------------------------------------- */

int littlefs_open(void *fs, const char *path, int flags, int mode);
int littlefs_truncate(void *fs, const char *path, off_t size);

/* ---- littlefs_node.c ------------------------------------------------------------------------- */

/*
 * The node of a file, which has one user more then. flags: LFS2_O_CREAT and LFS2_O_EXCL count. An
 * error of littlefs otherwise.
 */
int littlefs_node_get(struct littlefs *fs, const char *path, int flags, struct littlefs_node **n);
/* One user less; the last one has the file be written. An error of littlefs. */
int littlefs_node_put(struct littlefs_node *n);
/* What was written so far is durable, or an error of littlefs. */
int littlefs_node_sync(struct littlefs_node *n);
/* The file was changed, now. */
void littlefs_node_touch(struct littlefs_node *n);
/* After an error of littlefs: the node can be used on. Returns err. */
int littlefs_node_mend(struct littlefs_node *n, int err);
/* Fills in *st, which is zeroed. */
void littlefs_node_stat(const struct littlefs_node *n, struct stat *st);
/* After a name was deleted: files that lost theirs keep their blocks while they are open. */
void littlefs_nodes_keep(struct littlefs *fs);
/* The open node whose metadata is where that of *file is; NULL: there is none. */
struct littlefs_node *littlefs_node_of(struct littlefs *fs, const lfs2_file_t *file);
/* Has the node be that of another name; an error of littlefs. */
int littlefs_node_move(struct littlefs_node *n, const char *path);

/* ---- littlefs_names.c ------------------------------------------------------------------------ */

int littlefs_statvfs(void *fs, const char *path, struct statvfs *out);
int littlefs_stat(void *fs, const char *path, struct stat *st);
int littlefs_mkdir(void *fs, const char *path);
int littlefs_rmdir(void *fs, const char *path);
int littlefs_unlink(void *fs, const char *path);
int littlefs_rename(void *fs, const char *from, const char *to);

/* ---- littlefs_mount.c ------------------------------------------------------------------------ */

/*
 * Ends a file system and writes nothing: what is open is lost, and its descriptors are not to be
 * used any more. For tests, of what a power cut leaves.
 */
void littlefs_forget(struct littlefs *fs);

extern struct fs_kind fs_littlefs;

/* ---- littlefs_make.c ------------------------------------------------------------------------- */

/*
 * Makes an empty file system of the whole disk, whatever is on it. block_size: a power of two from
 * LITTLEFS_BLOCK_MIN to LITTLEFS_BLOCK_MAX. [parks]
 */
int littlefs_make(struct disk *d, uint32_t block_size);

#endif
