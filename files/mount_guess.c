/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount_guess.c - what a disk holds that no file system of the image knows, by the marks at the
 * start of disks of well-known kinds. For messages alone.
 */
#include <stdlib.h>
#include <string.h>

#include "mount.h"

#define GUESS_BYTES 2048u

static const struct {
    uint16_t at;
    uint8_t len;
    const char *mark, *name;
} guesses[] = {
    {8, 8, "littlefs", "littlefs"},
    {257, 5, "ustar", "a tar archive"},
    {0, 15, "SQLite format 3", "a database of SQLite"},
    {512, 8, "EFI PART", "a partition table (GPT)"},
    {1080, 2, "\x53\xef", "an ext2, ext3 or ext4 file system"},
    {0, 4, "XFSB", "an XFS file system"},
    {0, 4, "hsqs", "a squashfs file system"},
    {1024, 4, "\xe2\xe1\xf5\xe0", "an EROFS file system"},
    {1024, 4, "\x10\x20\xf5\xf2", "an F2FS file system"},
    {3, 8, "NTFS    ", "an NTFS file system"},
    {3, 8, "EXFAT   ", "an exFAT file system"},
    {54, 3, "FAT", "a FAT file system"},
    {82, 3, "FAT", "a FAT file system"},
    {0, 4, "QFI\xfb", "an image in qcow2's format: give QEMU format=qcow2"},
    {0, 2, "\x1f\x8b", "something that is compressed"},
    {0, 6, "LUKS\xba\xbe", "an encrypted disk (LUKS)"},
    {536, 8, "LVM2 001", "a volume of LVM"},
    {510, 2, "\x55\xaa", "a partition table, or a boot sector"},
};

const char *mount_guess(struct disk *d, bool *blank)
{
    uint8_t *first = calloc(1, GUESS_BYTES);
    const char *name = NULL;
    ssize_t n = first ? disk_read(d, first, GUESS_BYTES, 0, NULL) : 0;

    *blank = n > 0;
    for (ssize_t i = 0; i < n; i++)
        *blank = *blank && !first[i];
    for (unsigned i = 0; n > 0 && !name && i < sizeof(guesses) / sizeof(guesses[0]); i++)
        if (!memcmp(first + guesses[i].at, guesses[i].mark, guesses[i].len))
            name = guesses[i].name;
    free(first);
    return name;
}
