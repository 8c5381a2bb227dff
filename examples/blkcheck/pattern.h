/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pattern.h - the numbers that blkcheck writes: each word of 8 bytes is a mix, which can be undone,
 * of its own place on the disk and the seed.
 */
#ifndef BLKCHECK_PATTERN_H
#define BLKCHECK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Fills buf with what belongs at byte `at` (a multiple of 8) of the disk. */
void pattern_fill(char *buf, size_t len, uint64_t at, uint64_t seed);

/* Offset of the first byte of buf whose word is not what belongs at `at` (a multiple of 8 as well);
 * len when all are right. */
size_t pattern_check(const char *buf, size_t len, uint64_t at, uint64_t seed);

/* Prints what was found at `at`: where on the disk it belongs, if it is of the pattern at all. */
void pattern_explain(const char *buf, size_t len, uint64_t at, uint64_t seed);

#endif
