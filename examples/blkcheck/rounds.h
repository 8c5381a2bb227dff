/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rounds.h - writes that a power cut may tear: round after round, each of a few pieces at places
 * that follow from its number, and each synced before the next begins. So a disk tells by its
 * content alone which rounds were acknowledged: all before the last that left anything.
 *
 * Each sector has the number of the round that wrote it, its own place, and the pattern of both. A
 * disk without rounds is all zeros.
 */
#ifndef BLKCHECK_ROUNDS_H
#define BLKCHECK_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROUND_SECTOR      512u
#define ROUND_PIECES      6u
#define ROUND_SECTORS_MAX 24u /* of a piece */

struct round_piece {
    uint64_t sector;
    unsigned sectors;
};

struct rounds {
    uint64_t sectors; /* of the disk, more than ROUND_SECTORS_MAX */
    uint64_t seed;
    /* As pread() of the disk; `ctx` is the caller's. */
    ssize_t (*read)(void *ctx, void *buf, size_t len, uint64_t at);
    void *ctx;
};

/* A piece of a round: the first round is 1, the first piece 0. */
struct round_piece rounds_piece(const struct rounds *r, uint64_t round, unsigned n);

/* Makes what that piece holds after that round; buf is of sectors * ROUND_SECTOR bytes. */
void rounds_fill(const struct rounds *r, uint64_t round, const struct round_piece *p, char *buf);

/*
 * Reads the disk: the last round that left anything is in *found, and the rounds that must be whole
 * in *whole, which is one less, or `acknowledged` if that is more. Returns the number of sectors
 * that hold neither what the last whole round left there nor what the round behind it writes there,
 * the first few of which are printed; -1: the disk cannot be read, or there is no memory.
 */
int64_t rounds_check(const struct rounds *r, uint64_t acknowledged, uint64_t *found,
                     uint64_t *whole);

#endif
