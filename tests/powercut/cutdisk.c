/* SPDX-License-Identifier: BSD-2-Clause */
/* cutdisk.c - the disk of cutdisk.h. */
#include "cutdisk.h"

#include <string.h>

#include "host.h"
#include "hosttask.h"

static struct fakedisk *cutdisk;

static bool cutdisk_goes_on(void *ctx)
{
    (void)ctx;
    return fakedisk_step(cutdisk) | host_run_round();
}

static void cutdisk_fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(2);
}

struct disk *cutdisk_open(const char *path)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 16,
                                               .volatile_cache = true};
    FILE *f = fopen(path, "rb");
    long size;
    struct disk *d;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < (long)BLOCK_SECTOR)
        cutdisk_fail(path, "no disk image");
    rewind(f);
    cutdisk = fakedisk_new((uint64_t)size, &limits);
    if (!cutdisk || fread(cutdisk->now, 1, (size_t)size, f) != (size_t)size)
        cutdisk_fail(path, "cannot be read");
    fclose(f);
    memcpy(cutdisk->durable, cutdisk->now, (size_t)size);
    hosttask_on_wait(cutdisk_goes_on, NULL);
    d = disk_of(&cutdisk->dev);
    if (!d)
        cutdisk_fail(path, "no memory for a cache");
    return d;
}
