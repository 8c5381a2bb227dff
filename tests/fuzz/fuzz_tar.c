/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_tar.c - an archive of any bytes (POSIX ustar, pax) as a tree of files: what is found is a
 * tree, every path leads where it says, and nothing beyond the archive is read.
 */
#include <string.h>

#include "fuzz.h"
#include "treecheck.h"

/* Makes the checksum of each block that says it is a header right, as a maker of archives would. */
static void sum_headers(struct tarmaker *a)
{
    for (size_t at = 0; at + 512 <= a->len; at += 512)
        if (memcmp(a->image + at + TAR_MAGIC, "ustar", 5) == 0)
            tarmaker_sum(a, at);
}

void fuzz_one(void)
{
    bool right = fuzz8() & 1;
    size_t len;
    const uint8_t *bytes = fuzz_rest(&len);

    archive.image = malloc(len + 1);
    memcpy(archive.image, bytes, len);
    archive.len = len;
    if (right)
        sum_headers(&archive);
    tree_index();
    tree_check();
    ftree_free(&tree);
    CHECK_EQ(host_live_blocks(), 0);
}
