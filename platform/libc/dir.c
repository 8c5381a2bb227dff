/* SPDX-License-Identifier: BSD-2-Clause */
/* dir.c - reading directories (POSIX.1-2017, <dirent.h>) over file_ops.readdir. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"

struct vireo_dir {
    int fd;
    ino_t count;
    struct dirent entry;
};

DIR *fdopendir(int fd)
{
    struct file *f = file_get(fd);
    DIR *d = NULL;

    if (!f)
        errno = EBADF;
    else if (!f->ops->readdir)
        errno = ENOTDIR;
    else if (!(d = calloc(1, sizeof(*d))))
        errno = ENOMEM;
    else
        d->fd = fd;
    return d;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);

    if (fd < 0)
        return NULL;
    DIR *d = fdopendir(fd);
    if (!d) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return d;
}

struct dirent *readdir(DIR *d)
{
    struct file *f = file_hold(d->fd);
    bool is_dir = false;
    int r = -EBADF;

    if (f && f->ops->readdir)
        r = f->ops->readdir(f, d->entry.d_name, &is_dir);
    if (f)
        file_drop(f);
    if (r <= 0) {
        if (r < 0)
            errno = -r;
        return NULL;
    }
    d->entry.d_ino = ++d->count;
    d->entry.d_type = is_dir ? DT_DIR : DT_REG;
    return &d->entry;
}

int dirfd(DIR *d)
{
    return d->fd;
}

int closedir(DIR *d)
{
    int fd = d->fd;

    free(d);
    return close(fd);
}
