/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - the files that are served: open ones are kept, with the header fields that describe
 * them ready to be sent. The tree is read-only, so what was learned about a file stays true.
 */
#ifndef HTTPD_FILES_H
#define HTTPD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

#define FILES_PATH_MAX 512u /* bytes of a decoded path, terminator included */

struct open_file {
    struct open_file *next;          /* in its hash chain */
    struct open_file *newer, *older; /* among the files that no connection uses */
    unsigned users;
    uint32_t hash;
    int fd;
    uint64_t size;
    char etag[40]; /* with its quotes */
    size_t etag_len;
    char modified[HTTP_DATE_LEN];
    bool has_modified; /* the tree knows when the file was changed */
    char fields[256];  /* Content-Type, ETag, Last-Modified and Accept-Ranges, each with CRLF */
    size_t fields_len;
    size_t path_len;
    char path[]; /* NUL-terminated */
};

/*
 * The file that a decoded path names ("/" at its end: the folder's index.html); give it back with
 * files_put. 0, or a negative HTTP status: -301 the path is a folder and lacks its '/', -404,
 * -503 out of memory or descriptors, -500 the tree could not be read.
 */
int files_get(const char *path, size_t len, struct open_file **out);
void files_put(struct open_file *f);

/* Has the image a file tree? */
bool files_present(void);

#endif
