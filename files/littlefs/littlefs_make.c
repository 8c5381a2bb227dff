/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefs_make.c - makes an empty file system. */
#include <errno.h>

#include "littlefs.h"

int littlefs_make(struct disk *d, uint32_t block_size)
{
    struct littlefs *fs = calloc(1, sizeof(*fs));
    int err;

    if (!fs)
        return -ENOMEM;
    littlefs_use_disk(fs, d, block_size);
    fs->config.block_count = (uint32_t)(block_capacity(d->dev) / block_size);
    err = littlefs_error(fs, lfs2_format(&fs->lfs, &fs->config));
    free(fs);
    return err ? err : disk_sync(d);
}
