/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rounds.h - changes of files that a power cut may tear: round after round, each of which appends
 * to a log, makes a file, deletes an old one, and at last replaces "state", which has the round's
 * number. So "state" says which rounds are whole, and of the next one any part may be there.
 */
#ifndef FILESET_ROUNDS_H
#define FILESET_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

#define ROUND_LOG   200u /* records of a log; then it is renamed */
#define ROUND_ENTRY 100u /* bytes of a record */
#define ROUND_FILES 8u   /* files that are there */
#define ROUND_MAX   (ROUND_LOG * ROUND_ENTRY + 1)

/* Reads all of a file, `len` bytes at most: how many, or a negative number if it is not there. */
typedef long (*round_read)(void *ctx, const char *name, char *buf, size_t len);

/* The bytes of the round's record, file and state. */
void round_entry(unsigned round, char out[ROUND_ENTRY]);
size_t round_file(unsigned round, char *out);
size_t round_state(unsigned round, char *out);
/* The name of the round's file. */
const char *round_name(unsigned round);

/*
 * Looks at the files: the number of rounds that are whole; -1 after a line that says what is wrong.
 * At least `acknowledged` must be whole.
 */
long rounds_check(round_read read, void *ctx, unsigned acknowledged);

#endif
