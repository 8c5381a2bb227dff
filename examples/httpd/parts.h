/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parts.h - several ranges of a file as one body of type multipart/byteranges (RFC 9110, 14.6).
 */
#ifndef HTTPD_PARTS_H
#define HTTPD_PARTS_H

#include <sys/types.h>

#include "files.h"
#include "http.h"

#define PARTS_BOUNDARY_LEN 22u

struct parts {
    const struct open_file *file; /* the caller's, for as long as the body is read */
    unsigned count;
    struct http_range range[HTTP_RANGES_MAX];
    char boundary[PARTS_BOUNDARY_LEN]; /* no terminator */
};

/* Chooses the boundary; file, count and range are filled in. Returns the bytes of the body. */
uint64_t parts_begin(struct parts *p);

/* Copies body bytes from byte `at` on: at most len (over 0), and at least one before the end. -1:
 * the file cannot be read. */
ssize_t parts_read(const struct parts *p, uint64_t at, char *out, size_t len);

#endif
