/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cutdisk.h - a disk with the content of a file, below the block layer, the cache and files/ of
 * images, for programs that judge what a power cut left: build/host/cut-NAME IMAGE ACKNOWLEDGED.
 */
#ifndef VIREO_CUTDISK_H
#define VIREO_CUTDISK_H

#include "disk.h"
#include "fakedisk.h"

/* The disk; ends the program after a message where it cannot be. The file stays as it is. */
struct disk *cutdisk_open(const char *path);

#endif
