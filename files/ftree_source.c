/* SPDX-License-Identifier: BSD-2-Clause */
/* ftree_source.c - reads the bytes of an archive, in memory or on a disk. */
#include <errno.h>
#include <string.h>

#include "ftree.h"

int ftree_read(const struct ftree_source *s, void *buf, size_t len, uint64_t at,
               struct bcache_stream *stream)
{
    ssize_t n;

    if (at > s->size || len > s->size - at)
        return -EIO;
    if (s->memory) {
        memcpy(buf, s->memory + at, len);
        return 0;
    }
    n = disk_read(s->disk, buf, len, at, stream);
    if (n < 0)
        return (int)n;
    return (size_t)n == len ? 0 : -EIO;
}
