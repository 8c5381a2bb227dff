/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pattern.h - the numbers that blkcheck writes: each word of 8 bytes is a mix, which can be undone,
 * of its own place on the disk and the seed.
 */
#ifndef BLKCHECK_PATTERN_H
#define BLKCHECK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Fills buf with the pattern for byte `at` (a multiple of 8) of the disk. */
void pattern_fill(char *buf, size_t len, uint64_t at, uint64_t seed);

/*
 * Compares buf with the pattern for byte `at` (a multiple of 8). Returns the offset of the first
 * word that differs; len when none does.
 */
size_t pattern_check(const char *buf, size_t len, uint64_t at, uint64_t seed);

/* Prints the word that was found at `at`, and where it belongs if it is one of the pattern. */
void pattern_explain(const char *buf, size_t len, uint64_t at, uint64_t seed);

#endif
