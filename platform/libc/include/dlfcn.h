/* SPDX-License-Identifier: BSD-2-Clause */
/* dlfcn.h - shared objects (POSIX.1-2017): an image has none, and loads none. */
#ifndef _DLFCN_H
#define _DLFCN_H

#ifdef __cplusplus
extern "C" {
#endif

#define RTLD_LAZY   1
#define RTLD_NOW    2
#define RTLD_GLOBAL 0x100
#define RTLD_LOCAL  0

#define RTLD_DEFAULT ((void *)0)
#define RTLD_NEXT    ((void *)-1L)

void *dlopen(const char *path, int mode);    /* path NULL: the program */
void *dlsym(void *handle, const char *name); /* NULL */
int dlclose(void *handle);                   /* an error, but for the program */
char *dlerror(void);                         /* why the last call failed, once; NULL: none did */

#ifdef __cplusplus
}
#endif

#endif
