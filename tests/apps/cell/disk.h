/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - cell's work on the first disk.
 */
#ifndef CELL_DISK_H
#define CELL_DISK_H

#include <stdint.h>

/* Reads, writes, flushes and compares; then `requests` reads of a sector each. */
void disk_check(uint64_t requests);

#endif
