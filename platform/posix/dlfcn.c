/* SPDX-License-Identifier: BSD-2-Clause */
/* dlfcn.c - shared objects: there are none (<dlfcn.h>). */
#include <dlfcn.h>
#include <stddef.h>

static char dl_none[] = "an image is linked as a whole, and loads no shared objects";
static char dl_names[] = "an image keeps no table of names for dlsym()";
static char *dl_error;
static char dl_program; /* its address is the handle of the program itself */

void *dlopen(const char *path, int mode)
{
    (void)mode;
    if (!path)
        return &dl_program;
    dl_error = dl_none;
    return NULL;
}

void *dlsym(void *handle, const char *name)
{
    (void)handle, (void)name;
    dl_error = dl_names;
    return NULL;
}

int dlclose(void *handle)
{
    if (handle == &dl_program)
        return 0;
    dl_error = dl_none;
    return -1;
}

char *dlerror(void)
{
    char *said = dl_error;

    dl_error = NULL;
    return said;
}
