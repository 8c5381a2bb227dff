/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h - what kind of content a file's name stands for.
 */
#ifndef HTTPD_TYPES_H
#define HTTPD_TYPES_H

/* The media type for a path, by what follows the last dot of its last component. */
const char *type_of(const char *path);

#endif
