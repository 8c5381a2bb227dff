/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - the descriptor table (vireo/file.h). */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "files.h"

static struct file *table[FILES_MAX];

static void file_open_standard(void)
{
    for (int fd = 0; fd < 3; fd++)
        table[fd] = &console_file.file;
}
HAL_INIT(HAL_INIT_BUS, file_open_standard);

static int file_lowest_free(int from)
{
    for (int fd = from; fd < FILES_MAX; fd++)
        if (!table[fd])
            return fd;
    return -EMFILE;
}

int file_install(const struct file_ops *ops, void *ctx, unsigned flags)
{
    int fd = file_lowest_free(0);

    if (fd < 0)
        return fd;
    struct open_file *o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    o->file = (struct file){.ops = ops, .ctx = ctx, .flags = flags, .refs = 1};
    o->descriptors = 1;
    table[fd] = &o->file;
    return fd;
}

struct file *file_get(int fd)
{
    return fd >= 0 && fd < FILES_MAX ? table[fd] : NULL;
}

struct file *file_hold(int fd)
{
    struct file *f = file_get(fd);

    if (f)
        f->refs++;
    return f;
}

int file_drop(struct file *f)
{
    int r = 0;

    if (--f->refs)
        return 0;
    if (f->ops->close)
        r = f->ops->close(f);
    if (f != &console_file.file)
        free(open_file_of(f));
    return r;
}

int file_duplicate(struct file *f, int from)
{
    if (from < 0 || from >= FILES_MAX)
        return -EINVAL;
    int fd = file_lowest_free(from);
    if (fd >= 0) {
        table[fd] = f;
        f->refs++;
        open_file_of(f)->descriptors++;
    }
    return fd;
}

/* After a descriptor of f was taken out of the table. The result is file_drop's. */
static int file_descriptor_gone(struct file *f)
{
    file_ready(f); /* tasks that poll this descriptor look again, and find it closed */
    if (!--open_file_of(f)->descriptors && f->refs > 1 && f->ops->abandon)
        f->ops->abandon(f);
    return file_drop(f);
}

int file_close(int fd)
{
    struct file *f = file_get(fd);

    if (!f)
        return -EBADF;
    table[fd] = NULL;
    return file_descriptor_gone(f);
}

int file_replace(struct file *f, int to)
{
    if (to < 0 || to >= FILES_MAX)
        return -EBADF;
    if (table[to] == f)
        return to;
    f->refs++;
    open_file_of(f)->descriptors++;
    struct file *old = table[to];
    table[to] = f;
    if (old)
        file_descriptor_gone(old);
    return to;
}
