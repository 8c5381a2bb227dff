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

# Copies that went byte by byte go in runs of bytes.
EXTEND = ('lfs2.c', 'the last block of a file is copied in runs, when more is appended',
          """                for (lfs2_off_t i = 0; i < noff; i++) {
                    uint8_t data;
                    err = lfs2_bd_read(lfs2,
                            NULL, rcache, noff-i,
                            head, i, &data, 1);
                    if (err) {
                        return err;
                    }

                    err = lfs2_bd_prog(lfs2,
                            pcache, rcache, true,
                            nblock, i, &data, 1);""",
          """                uint8_t data[LITTLEFS_COPY];
                for (lfs2_off_t i = 0, n; i < noff; i += n) {
                    n = littlefs_copy_length(noff - i);
                    err = lfs2_bd_read(lfs2,
                            NULL, rcache, noff-i,
                            head, i, data, n);
                    if (err) {
                        return err;
                    }

                    err = lfs2_bd_prog(lfs2,
                            pcache, rcache, true,
                            nblock, i, data, n);""")
RELOCATE = ('lfs2.c', 'a file that leaves its directory is copied in runs',
            """        for (lfs2_off_t i = 0; i < file->off; i++) {
            uint8_t data;
            if (file->flags & LFS2_F_INLINE) {
                err = lfs2_dir_getread(lfs2, &file->m,
                        // note we evict inline files before they can be dirty
                        NULL, &file->cache, file->off-i,
                        LFS2_MKTAG(0xfff, 0x1ff, 0),
                        LFS2_MKTAG(LFS2_TYPE_INLINESTRUCT, file->id, 0),
                        i, &data, 1);
                if (err) {
                    return err;
                }
            } else {
                err = lfs2_bd_read(lfs2,
                        &file->cache, &lfs2->rcache, file->off-i,
                        file->block, i, &data, 1);
                if (err) {
                    return err;
                }
            }

            err = lfs2_bd_prog(lfs2,
                    &lfs2->pcache, &lfs2->rcache, true,
                    nblock, i, &data, 1);""",
            """        uint8_t data[LITTLEFS_COPY];
        for (lfs2_off_t i = 0, n; i < file->off; i += n) {
            n = littlefs_copy_length(file->off - i);
            if (file->flags & LFS2_F_INLINE) {
                err = lfs2_dir_getread(lfs2, &file->m,
                        // note we evict inline files before they can be dirty
                        NULL, &file->cache, file->off-i,
                        LFS2_MKTAG(0xfff, 0x1ff, 0),
                        LFS2_MKTAG(LFS2_TYPE_INLINESTRUCT, file->id, 0),
                        i, data, n);
                if (err) {
                    return err;
                }
            } else {
                err = lfs2_bd_read(lfs2,
                        &file->cache, &lfs2->rcache, file->off-i,
                        file->block, i, data, n);
                if (err) {
                    return err;
                }
            }

            err = lfs2_bd_prog(lfs2,
                    &lfs2->pcache, &lfs2->rcache, true,
                    nblock, i, data, n);""")
FLUSH = ('lfs2.c', 'what lies behind a change of a file is copied in runs',
         """                uint8_t data;
                lfs2_ssize_t res = lfs2_file_flushedread(lfs2, &orig, &data, 1);
                if (res < 0) {
                    return res;
                }

                res = lfs2_file_flushedwrite(lfs2, file, &data, 1);""",
         """                uint8_t data[LITTLEFS_COPY];
                lfs2_ssize_t res = lfs2_file_flushedread(lfs2, &orig, data,
                        littlefs_copy_length(file->ctz.size - file->pos));
                if (res < 0) {
                    return res;
                }

                res = lfs2_file_flushedwrite(lfs2, file, data, res);""")
VALIDATE = ('lfs2.c', 'what was written to the cache of the disk is not read back from there',
            """            int res = lfs2_bd_cmp(lfs2,
                    NULL, rcache, diff,
                    pcache->block, pcache->off, pcache->buffer, diff);
            if (res < 0) {
                return res;
            }

            if (res != LFS2_CMP_EQ) {
                return LFS2_ERR_CORRUPT;
            }""",
            """            int res = littlefs_reads_back(lfs2) ? lfs2_bd_cmp(lfs2,
                    NULL, rcache, diff,
                    pcache->block, pcache->off, pcache->buffer, diff) : LFS2_CMP_EQ;
            if (res < 0) {
                return res;
            }

            if (res != LFS2_CMP_EQ) {
                return LFS2_ERR_CORRUPT;
            }""")
# Metadata that lies in the cache of littlefs is used there.
NEAR = """    const uint8_t *near = littlefs_near(
            pcache ? pcache->block : LFS2_BLOCK_NULL, rcache->buffer,
            rcache->block, rcache->off, rcache->size, block, off, size);
    if (near) {
        """
READ = ('lfs2.c', 'metadata is read from the cache by a short way',
        """    uint8_t *data = buffer;
    if (off+size > lfs2->cfg->block_size
            || (lfs2->block_count && block >= lfs2->block_count)) {""",
        f"""    uint8_t *data = buffer;
{NEAR}memcpy(buffer, near, size);
        return 0;
    }}
    if (off+size > lfs2->cfg->block_size
            || (lfs2->block_count && block >= lfs2->block_count)) {{""")
COMPARE = ('lfs2.c', 'the same',
           """    const uint8_t *data = buffer;
    lfs2_size_t diff = 0;

    for (""",
           f"""    const uint8_t *data = buffer;
    lfs2_size_t diff = 0;
{NEAR}int res = memcmp(near, buffer, size);
        return res < 0 ? LFS2_CMP_LT : res > 0 ? LFS2_CMP_GT : LFS2_CMP_EQ;
    }}

    for (""")
SUM = ('lfs2.c', 'the same',
       """    lfs2_size_t diff = 0;

    for (lfs2_off_t i = 0; i < size; i += diff) {
        uint8_t dat[8];
        diff = lfs2_min(size-i, sizeof(dat));
""",
       f"""    lfs2_size_t diff = 0;
{NEAR}*crc = lfs2_crc(*crc, near, size);
        return 0;
    }}

    for (lfs2_off_t i = 0; i < size; i += diff) {{
        uint8_t dat[8];
        diff = lfs2_min(size-i, sizeof(dat));
""")
FETCH_TAG = ('lfs2.c', 'the same',
             """            int err = lfs2_bd_read(lfs2,
                    NULL, &lfs2->rcache, lfs2->cfg->block_size,
                    dir->pair[0], off, &tag, sizeof(tag));""",
             """            int err = littlefs_tag_near(lfs2->rcache.buffer,
                    lfs2->rcache.block, lfs2->rcache.off, lfs2->rcache.size,
                    dir->pair[0], off, &tag) ? 0 : lfs2_bd_read(lfs2,
                    NULL, &lfs2->rcache, lfs2->cfg->block_size,
                    dir->pair[0], off, &tag, sizeof(tag));""")
GET_TAG = ('lfs2.c', 'the same',
           """        int err = lfs2_bd_read(lfs2,
                NULL, &lfs2->rcache, sizeof(ntag),
                dir->pair[0], off, &ntag, sizeof(ntag));""",
           """        int err = littlefs_tag_near(lfs2->rcache.buffer,
                lfs2->rcache.block, lfs2->rcache.off, lfs2->rcache.size,
                dir->pair[0], off, &ntag) ? 0 : lfs2_bd_read(lfs2,
                NULL, &lfs2->rcache, sizeof(ntag),
                dir->pair[0], off, &ntag, sizeof(ntag));""")
FILTER = ('lfs2.c', 'tags of a directory that is written anew are compared in the cache',
          """                cb = lfs2_dir_traverse_filter;
                data = &stack[sp-1].tag;
                continue;""",
          """                cb = lfs2_dir_traverse_filter;
                data = &stack[sp-1].tag;
                if (littlefs_filter(&lfs2->rcache, dir, &off, &ptag, data, cb)) {
                    res = true;
                    break;
                }
                continue;""")
PROVEN = ('lfs2.c', 'the sum over a directory is taken once until its block is written again',
          """        dir->rev = lfs2_fromle32(dir->rev);

        while (true) {""",
          """        dir->rev = lfs2_fromle32(dir->rev);
        lfs2_off_t proven = littlefs_proven(lfs2, dir->pair[0]);

        while (true) {""")
PROVEN_TAG = ('lfs2.c', 'the same',
              """            crc = lfs2_crc(crc, &tag, sizeof(tag));
            tag = lfs2_frombe32(tag) ^ ptag;

            // next commit not yet programmed?""",
              """            if (off >= proven) {
                crc = lfs2_crc(crc, &tag, sizeof(tag));
            }
            tag = lfs2_frombe32(tag) ^ ptag;

            // next commit not yet programmed?""")
PROVEN_SUM = ('lfs2.c', 'the same',
              """                dcrc = lfs2_fromle32(dcrc);

                if (crc != dcrc) {
                    break;
                }

                // reset the next bit if we need to""",
              """                dcrc = lfs2_fromle32(dcrc);
                if (off < proven) {
                    crc = dcrc;
                }

                if (crc != dcrc) {
                    break;
                }

                // reset the next bit if we need to""")
PROVEN_ENTRY = ('lfs2.c', 'the same',
                """            // crc the entry first, hopefully leaving it in the cache
            err = lfs2_bd_crc(lfs2,""",
                """            // crc the entry first, hopefully leaving it in the cache
            err = off < proven ? 0 : lfs2_bd_crc(lfs2,""")
PROVEN_END = ('lfs2.c', 'the same',
              """        // did we end on a valid commit? we may have an erased block
        dir->erased = false;
        if (maybeerased &&""",
              """        littlefs_prove(lfs2, dir->pair[0], dir->off);
        // did we end on a valid commit? we may have an erased block
        dir->erased = false;
        if (maybeerased &&""")
DISPROVE = ('lfs2.c', 'the same',
            """        int err = lfs2->cfg->prog(lfs2->cfg, pcache->block,""",
            """        littlefs_prove(lfs2, pcache->block, 0);
        int err = lfs2->cfg->prog(lfs2->cfg, pcache->block,""")
UNKNOWN = ('lfs2.c', 'the same',
           """    lfs2->cfg = cfg;
    lfs2->block_count = cfg->block_count;  // May be 0""",
           """    lfs2->cfg = cfg;
    littlefs_prove_none();
    lfs2->block_count = cfg->block_count;  // May be 0""")

ALWAYS = []
MENDS = [DATA_FIRST, SEEK, READDIR, DETACHED, COUNT, EXTEND, RELOCATE, FLUSH, VALIDATE,
         READ, COMPARE, SUM, FETCH_TAG, GET_TAG, FILTER,
         PROVEN, PROVEN_TAG, PROVEN_SUM, PROVEN_ENTRY, PROVEN_END, DISPROVE, UNKNOWN]
