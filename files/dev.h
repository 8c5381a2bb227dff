/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h - names below /dev that are not disks. A folder with devices of its own adds their names at
 * the boot, and needs nothing else of files/ for that. All functions are for tasks and for
 * initialisation.
 */
#ifndef VIREO_DEV_H
#define VIREO_DEV_H

#include "vireo/file.h"

/*
 * A set of names. `name` is what follows "/dev/", such as "random"; it may hold slashes, and be "".
 * open and stat are called only for a name that the set has.
 */
struct dev_names {
    bool (*has)(const char *name);
    /* Opens the device with O_ flags: a descriptor, which is the caller's, or -errno. May park. */
    int (*open)(const char *name, int flags);
    /* Fills in *st. 0 or -errno. */
    int (*stat)(const char *name, struct stat *st);
    struct dev_names *next; /* dev.c's */
};

/* Adds a set, which must live for ever. Among sets that have the same name the last one counts. */
void dev_add(struct dev_names *d);

/* The set that has the name: `first` (NULL: none), or one that was added. NULL: no set has it. */
const struct dev_names *dev_find(const struct dev_names *first, const char *name);

/*
 * d->open(), after the flags that no device can follow: -EEXIST for O_CREAT with O_EXCL, -ENOTDIR
 * for O_DIRECTORY.
 */
int dev_open(const struct dev_names *d, const char *name, int flags);

/* "random" and "urandom". */
extern const struct dev_names dev_random;

#endif
