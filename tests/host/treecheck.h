/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treecheck.h - for tests of the file tree: an archive, its index, and what must hold of any index
 * whatever the archive said.
 */
#ifndef VIREO_TREECHECK_H
#define VIREO_TREECHECK_H

#include "ftree.h"
#include "tarmaker.h"

extern struct tarmaker archive;
extern struct ftree tree;

/* Indexes a copy of just these bytes, so that a sanitizer sees a step beyond them. */
void tree_index_image(const void *image, size_t len);
void tree_index(void); /* the archive */

uint32_t tree_find(const char *path); /* FTREE_NONE when the path leads nowhere */
int tree_resolve(const char *path);
/* Reads a file in odd steps through a descriptor; -errno or its length. */
ssize_t tree_read(uint32_t entry, uint8_t *buf, size_t room);
/* The path leads to a file that was made by tarmaker_file(name, len). */
void tree_check_file(const char *path, const char *name, size_t len);
/* How many names readdir gives of a directory. */
unsigned tree_names(uint32_t dir);
/* The tree is one, and can be walked and read; how many entries it has. */
unsigned tree_check(void);

#endif
