/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listing.h - a page with the entries of a folder that has no index.html.
 */
#ifndef HTTPD_LISTING_H
#define HTTPD_LISTING_H

#include <stddef.h>

/*
 * The page for the folder at a decoded path that ends with '/', from malloc; the caller frees it.
 * NULL: the folder cannot be read, or out of memory.
 */
char *listing_make(const char *path, size_t *len);

#endif
