/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - reads tests/http/: the tree, and the requests with what is right for each.
 */
#ifndef HTTPD_TABLE_H
#define HTTPD_TABLE_H

#include "rig.h"

#define ROW_EXPECTED_MAX 8u

struct row {
    char *name, *file;
    struct bytes request;
    char statuses[128], fate[8];      /* "200 304h", "open" */
    char *expected[ROW_EXPECTED_MAX]; /* what stands behind "=> ", as in the table */
    unsigned expectations;
};

/* Makes the tree of tests/http/tree.txt. */
void table_tree(void);

/* Reads all rows; the tree must be there, since macros ask the server for tags. */
struct row *table_rows(unsigned *count);

/* Adds text with its escapes and macros. */
void table_expand(struct bytes *out, const char *text, size_t len);

#endif
