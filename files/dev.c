/* SPDX-License-Identifier: BSD-2-Clause */
/* dev.c - the list of names below /dev (dev.h). */
#include <errno.h>
#include <fcntl.h>

#include "dev.h"

static struct dev_names *dev_added; /* the last one first */

void dev_add(struct dev_names *d)
{
    d->next = dev_added;
    dev_added = d;
}

const struct dev_names *dev_find(const struct dev_names *first, const char *name)
{
    const struct dev_names *d = dev_added;

    if (first && first->has(name))
        return first;
    while (d && !d->has(name))
        d = d->next;
    return d;
}

int dev_open(const struct dev_names *d, const char *name, int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    return d->open(name, flags);
}
