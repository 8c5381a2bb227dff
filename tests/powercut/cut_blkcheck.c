/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut_blkcheck.c - judges a disk of `blkcheck mode=rounds` after a power cut: each round that was
 * acknowledged is there, and nothing else is but a part of the next.
 */
#include "cutdisk.h"

#include "../../examples/blkcheck/rounds.h"

static ssize_t cut_read(void *ctx, void *buf, size_t len, uint64_t at)
{
    return disk_read(ctx, buf, len, at, NULL);
}

int main(int argc, char **argv)
{
    struct rounds r = {.seed = 1, .read = cut_read};
    uint64_t found, whole;
    int64_t wrong;

    if (argc != 3) {
        fprintf(stderr, "cut-blkcheck: give IMAGE ACKNOWLEDGED\n");
        return 2;
    }
    r.ctx = cutdisk_open(argv[1]);
    r.sectors = block_capacity(((struct disk *)r.ctx)->dev) / ROUND_SECTOR;
    wrong = rounds_check(&r, strtoull(argv[2], NULL, 10), &found, &whole);
    printf("%s: %llu whole, %lld wrong\n", wrong ? "BAD" : "good", (unsigned long long)whole,
           (long long)wrong);
    return wrong != 0;
}
