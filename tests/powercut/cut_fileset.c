/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut_fileset.c - judges a disk of `fileset mode=rounds` after a power cut: it is mounted, and the
 * files are those of the rounds that were acknowledged, perhaps with a part of the next.
 */
#include <fcntl.h>

#include "cutdisk.h"
#include "hosttask.h"
#include "littlefs.h"

#include "../apps/fileset/rounds.h"

const char mount_of_app[] = "";

static long cut_read(void *fs, const char *name, char *buf, size_t len)
{
    int fd = fs_littlefs.open(fs, name, O_RDONLY, 0);
    struct file *f = fd < 0 ? NULL : hosttask_file(fd);
    long n = f ? (long)f->ops->pread(f, buf, len, 0) : fd;

    if (f)
        hosttask_close(fd);
    return n;
}

int main(int argc, char **argv)
{
    struct disk *d;
    void *fs;
    long whole;

    if (argc != 3) {
        fprintf(stderr, "cut-fileset: give IMAGE ACKNOWLEDGED\n");
        return 2;
    }
    d = cutdisk_open(argv[1]);
    if (fs_littlefs.recognise(d) != 1 || fs_littlefs.mount(d, &fs)) {
        printf("BAD: it cannot be mounted\n");
        return 1;
    }
    whole = rounds_check(cut_read, fs, (unsigned)strtoul(argv[2], NULL, 10));
    if (whole >= 0)
        printf("good: %ld whole\n", whole);
    return whole < 0;
}
