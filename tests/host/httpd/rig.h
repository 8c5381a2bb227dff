/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h - the server's own code with a file tree in a folder of this machine, and one end of a
 * socket pair for a client. Nothing waits: what the client sends is served at once.
 */
#ifndef HTTPD_RIG_H
#define HTTPD_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "conn.h"

#define RIG_MTIME 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT: of all files */

/* A text of any bytes, which grows. */
struct bytes {
    char *p;
    size_t len, size;
};
void bytes_add(struct bytes *b, const void *p, size_t len);

/* Makes an empty tree; it is removed when the program ends. */
void tree_make(void);
/* Adds a file with its folders. */
void tree_add(const char *path, const void *content, size_t len);

/* A connection, and all that the server has sent on it. */
struct client {
    int fd;
    struct conn *conn; /* NULL: the server closed it */
    bool ended;        /* no more answers come: the server closed, or half closed */
    struct bytes got;
};
void client_open(struct client *c);
/* Sends bytes, and lets the server work until it needs more. */
void client_send(struct client *c, const void *p, size_t len);
void client_close(struct client *c);

/* One answer in the bytes that came. Text pieces are not NUL-terminated. */
struct answer {
    int status;
    const char *head, *body;
    size_t head_len, body_len;
};

/* Cuts the next answer off; `head_only`: to a HEAD request. False: there is none, or a half one. */
bool answer_next(const struct bytes *b, size_t *at, bool head_only, struct answer *a);

/* The value of a header field (name in any case), or NULL; it stays until the next call. */
const char *answer_field(const struct answer *a, const char *name);

/* One GET on a connection of its own, with further header fields ("" or lines with CRLF). The bytes
 * stay until the next call. */
struct answer get(const char *target, const char *fields);

#endif
