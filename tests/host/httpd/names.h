/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - put in front of the files of examples/httpd: their tree lies in a folder of the test,
 * not at the root of this machine.
 */
#ifndef HTTPD_NAMES_H
#define HTTPD_NAMES_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

int tree_open(const char *path, int flags);
int tree_stat(const char *path, struct stat *st);
DIR *tree_opendir(const char *path);

#ifndef HTTPD_RIG
#define open(path, flags) tree_open((path), (flags))
#define stat(path, st)    tree_stat((path), (st))
#define opendir(path)     tree_opendir(path)
#endif

#endif
