/* SPDX-License-Identifier: BSD-2-Clause */
/* dir.c - reading directories (POSIX.1-2017, <dirent.h>) over file_ops.readdir, which goes on only
 * forward: to go back is to begin again. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- places ---------------------------------------------------------------------------------- */

/* Opens the directory anew, at the same descriptor. If that fails, the place stays. */
void rewinddir(DIR *d)
{
    struct file *f = file_get(d->fd);
    const char *path = f ? file_path(f) : NULL;
    int fd = path ? open(path, O_RDONLY | O_DIRECTORY) : -1;

    if (fd < 0)
        return;
    dup2(fd, d->fd);
    close(fd);
    d->count = 0;
}

long telldir(DIR *d)
{
    return (long)d->count;
}

void seekdir(DIR *d, long place)
{
    if (place < (long)d->count)
        rewinddir(d);
    while ((long)d->count < place && readdir(d))
        ;
}

int readdir_r(DIR *d, struct dirent *entry, struct dirent **next)
{
    struct dirent *e;

    errno = 0;
    e = readdir(d);
    *next = e ? memcpy(entry, e, sizeof(*e)) : NULL;
    return e ? 0 : errno;
}

/* ---- all entries at once --------------------------------------------------------------------- */

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcoll((*a)->d_name, (*b)->d_name);
}

/* Adds a copy of the entry to a list of `count`, whose room doubles. */
static int dir_keep(struct dirent ***list, int count, const struct dirent *entry)
{
    struct dirent *copy = malloc(sizeof(*copy));

    if (copy && !(count & (count - 1))) {
        size_t room = count ? 2 * (size_t)count : 1;
        struct dirent **larger = realloc(*list, room * sizeof(**list));

        if (larger) {
            *list = larger;
        } else {
            free(copy);
            copy = NULL;
        }
    }
    if (!copy)
        return -1;
    *copy = *entry;
    (*list)[count] = copy;
    return 0;
}

typedef int (*dir_order)(const void *, const void *);

int scandir(const char *path, struct dirent ***out, int (*wanted)(const struct dirent *),
            int (*order)(const struct dirent **, const struct dirent **))
{
    DIR *d = opendir(path);
    struct dirent **list = NULL, *e;
    int count = 0, error = 0;

    if (!d)
        return -1;
    for (errno = 0; !error && (e = readdir(d));)
        if (!wanted || wanted(e))
            error = dir_keep(&list, count, e) ? ENOMEM : (count++, 0);
    if (!error && errno)
        error = errno;
    closedir(d);
    if (error) {
        while (count)
            free(list[--count]);
        free(list);
        errno = error;
        return -1;
    }
    if (order && count)
        qsort(list, (size_t)count, sizeof(*list), (dir_order)(void (*)(void))order);
    *out = list;
    return count;
}
