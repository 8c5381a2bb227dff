/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.c - loads on files: data that are appended and synced, files that are made, and files that
 * are read. POSIX only: the bench's Linux guest has the same source.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { FILE_BYTES = 4096 };

static char files_buffer[FILE_BYTES];

static int files_failed(const char *path, int fd)
{
    printf("blkperf: %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Each operation: size bytes behind those before, and fsync(). */
static int files_append(const struct load *l, struct load_result *out)
{
    int fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || l->size > FILE_BYTES)
        return files_failed(l->path, fd);
    load_begin(out);
    for (uint64_t i = 0; i < l->operations; i++) {
        memset(files_buffer, (int)i, l->size);
        if (pwrite(fd, files_buffer, l->size, (off_t)(i * l->size)) != (ssize_t)l->size ||
            fsync(fd))
            return files_failed(l->path, fd);
    }
    load_end(out);
    out->bytes = l->operations * l->size;
    return close(fd);
}

static int files_make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, files_buffer, FILE_BYTES) != FILE_BYTES || fsync(fd))
        return files_failed(path, fd);
    return close(fd);
}

static int files_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, files_buffer, FILE_BYTES) != FILE_BYTES)
        return files_failed(path, fd);
    return close(fd);
}

/* Each operation is a file of 4 KiB in the folder l->path. */
static int files_each(const struct load *l, int (*one)(const char *path))
{
    char path[128];

    for (uint64_t i = 0; i < l->operations; i++) {
        snprintf(path, sizeof(path), "%s/f%u", l->path, (unsigned)i);
        if (one(path))
            return -1;
    }
    return 0;
}

static int files_many(const struct load *l, int (*one)(const char *path), struct load_result *out)
{
    int err;

    load_begin(out);
    err = files_each(l, one);
    load_end(out);
    out->bytes = l->operations * FILE_BYTES;
    return err;
}

int load_files(const struct load *l, struct load_result *out)
{
    out->operations = l->operations;
    if (strcmp(l->name, "append") == 0)
        return files_append(l, out);
    if (strcmp(l->name, "create") == 0)
        return files_many(l, files_make, out);
    return files_each(l, files_make) ? -1 : files_many(l, files_read, out);
}
