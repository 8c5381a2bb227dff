/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h - names below /dev that are no disks. A room that has some adds them when it is linked; it
 * needs nothing of the rest of files/ for that.
 */
#ifndef VIREO_DEV_H
#define VIREO_DEV_H

#include "vireo/file.h"

/* `name` is what follows "/dev/", such as "random"; it may hold slashes, and be "". */
struct dev_names {
    bool (*has)(const char *name);
    int (*open)(const char *name, int flags); /* a descriptor, or -errno */
    int (*stat)(const char *name, struct stat *st);
    struct dev_names *next;
};

/* Adds them; d must live for ever. */
void dev_add(struct dev_names *d);

/* Who has the name: `first`, or what was added; NULL: nobody. */
const struct dev_names *dev_find(const struct dev_names *first, const char *name);

/* Opens it, after checking the flags that mean the same for every device. */
int dev_open(const struct dev_names *d, const char *name, int flags);

/* "random", "urandom" */
extern const struct dev_names dev_random;

#endif
