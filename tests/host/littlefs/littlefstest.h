/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * littlefstest.h - littlefs below "/data" on a disk that loses what was not flushed, and the calls
 * of a program, for its tests. A call of a descriptor is that of its file's table.
 */
#ifndef VIREO_LITTLEFSTEST_H
#define VIREO_LITTLEFSTEST_H

#include <sys/stat.h>

#include "check.h"
#include "fakedisk.h"
#include "host.h"
#include "hosttask.h"
#include "littlefs.h"

extern struct fakedisk *f;
extern struct block_device limits; /* of f: to be changed before start() */
extern uint8_t buf[1 << 20];

/* An empty file system of so many blocks at "/data". */
void start(unsigned blocks, uint32_t block_size);
void start_small(void); /* 64 blocks of 4 KiB */

int open_path(const char *path, int flags);
/* Opens a file that was not there. */
int open_new(const char *path);
ssize_t put(int fd, const void *data, size_t len, off_t at);
ssize_t get(int fd, void *data, size_t len, off_t at);
int sync_file(int fd);
int cut(int fd, off_t size);
/* Makes a file of this text. */
void make(const char *path, const char *text);
/* Is the text all that the file at path holds? */
bool holds(const char *path, const char *text);
int look(const char *path, struct stat *st);
/* The size, or an error. */
long long size_of(const char *path);
/* How many entries a directory has, and whether one is `name`. */
unsigned list(const char *path, const char *name, bool *there);
/* Bytes of a long file. */
void fill(uint8_t *p, size_t len, unsigned seed);

#endif
