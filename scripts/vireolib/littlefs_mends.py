# SPDX-License-Identifier: BSD-2-Clause
"""Corrections of littlefs 2.8.1, for scripts/fix-littlefs: (file, what for, old text, new text)."""

DATA_FIRST = ('lfs2.c', 'data of a file is on the disk before the metadata that names it',
              """
        // commit file data and attributes
        err = lfs2_dir_commit(""",
              """
        err = littlefs_data_first(lfs2, file);
        if (err) {
            file->flags |= LFS2_F_ERRED;
            return err;
        }
        // commit file data and attributes
        err = lfs2_dir_commit(""")
SEEK = ('lfs2.c', 'a seek from the end of a block does not take the buffer for the next block',
        """        !(file->flags & LFS2_F_WRITING)
#else""",
        """        littlefs_buffer_fits(lfs2, file)
#else""")
READDIR = ('lfs2.c', 'a directory is read on when the entry that comes next is deleted',
           """LFS2_TYPE_DELETE &&
                            d->id == lfs2_tag_id(attrs[i].tag)) {""",
           """LFS2_TYPE_DELETE &&
                            d->id == lfs2_tag_id(attrs[i].tag) &&
                            littlefs_detaches(d->type)) {""")

DETACHED = ('lfs2.c', 'a file that was deleted while it is open does not become the next one',
            """            while (d->id >= d->m.count && d->m.split) {""",
            """            while (littlefs_is_attached(d->m.pair) &&
                    d->id >= d->m.count && d->m.split) {""")
COUNT = ('lfs2.c', 'a file system without a superblock, or of no blocks, is not mounted',
         """
    // setup free lookahead, to distribute allocations uniformly across
    // boots, we start the allocator at a random location
""",
         """
    if (!littlefs_has_blocks(lfs2->block_count)) {
        err = LFS2_ERR_CORRUPT;
        goto cleanup;
    }
    // setup free lookahead, to distribute allocations uniformly across
    // boots, we start the allocator at a random location
""")

ALWAYS = []
MENDS = [DATA_FIRST, SEEK, READDIR, DETACHED, COUNT]
