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

#define FILES_PATH_MAX 4097u /* bytes of a decoded path, with its first slash and terminator */

struct open_file {
    struct open_file *next;          /* in its hash chain */
    struct open_file *newer, *older; /* among the files that no connection uses */
    unsigned users;
    uint32_t hash;
    int fd;
    bool gzip;     /* this is what NAME.gz holds, served as NAME */
    bool has_gzip; /* there is a NAME.gz */
    uint64_t size;
    const char *type;
    char etag[32]; /* with its quotes */
    size_t etag_len;
    int64_t modified; /* seconds since 1970; 0: the tree does not know */
    char fields[512]; /* Content-Type and Content-Encoding; from `rest` on ETag, Last-Modified,
                         Cache-Control, Vary and Accept-Ranges; each with CRLF */
    size_t fields_len, rest;
    size_t whole_len; /* of the fields with the Content-Length of the whole behind them */
    char *content;    /* of a small file, owned; NULL: to be read */
    size_t path_len;
    char path[]; /* NUL-terminated */
};

#define FILES_FOLDER 1 /* files_get(): a folder without an index.html */

/*
 * The file that a decoded path names ("/" at its end: the folder's index.html); give it back with
 * files_put. 0, FILES_FOLDER, or a negative HTTP status: -301 the path is a folder and lacks its
 * '/', -404, -503 out of memory or descriptors, -500 the tree could not be read.
 */
int files_get(const char *path, size_t len, struct open_file **out);

/* Puts what NAME.gz holds, of a file that has_gzip, in the place of *f; if it can be opened. */
void files_compressed(struct open_file **f);

void files_put(struct open_file *f);

/* Has the image a file tree? */
bool files_present(void);

#endif
