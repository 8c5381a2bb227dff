/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conn.h - a client's connection: what has arrived, what is being answered, and where it stands.
 *
 *     HEAD --(request)--> SEND --(keep-alive)--> HEAD        SEND --(close)--> closed
 *       |                  ^                                   |
 *       +--(body)--> BODY -+                                   +--(close; input may come)--> LINGER
 *
 * A connection holds no large buffer: file data passes through one scratch buffer that all share,
 * and what the socket did not take is read again from the file.
 */
#ifndef HTTPD_CONN_H
#define HTTPD_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files.h"
#include "http.h"

#define CONN_HEAD_MAX 1280u /* bytes of an answer's head and of a short text after it */
#define SCRATCH_SIZE  (64u * 1024u)

enum conn_state {
    CONN_HEAD,   /* waits for a request, or for the rest of one */
    CONN_BODY,   /* takes the body of a request to /sink */
    CONN_SEND,   /* an answer is on its way */
    CONN_LINGER, /* answered and half closed; reads what the client still sends (RFC 9112, 9.6) */
    CONN_CLOSED  /* over: the loop frees it */
};

enum body_kind { BODY_NONE, BODY_MEMORY, BODY_FILE, BODY_PATTERN };

/* What follows the head of an answer: bytes [at, end) of something that can be read again. */
struct body {
    enum body_kind kind;
    const char *memory;
    char *owned; /* freed when the answer is over */
    struct open_file *file;
    uint64_t at, end;
};

/* A request's body that is being counted and summed. */
struct sink {
    struct http_chunked chunked;
    bool is_chunked;
    uint64_t left; /* of Content-Length */
    uint64_t bytes;
    uint32_t crc;
};

struct conn {
    int fd;
    enum conn_state state;
    bool keep_alive; /* after this answer */
    bool http10;     /* the request's version: keep-alive must be said */
    bool head_only;  /* HEAD: no body is sent */
    bool unread;     /* closing with input unread: linger */
    bool interim;    /* what is being sent is "100 Continue"; the body comes next */
    bool served;     /* has had an answer already */
    bool begun;      /* something of the next request has come */
    bool again;      /* its turn ended with complete requests left in the input buffer */
    uint64_t deadline_ms, idle_since_ms;
    uint64_t skip; /* bytes of a request's body to throw away before the next head */
    struct body body;
    struct sink sink;
    size_t chunk; /* bytes of body to offer the socket at once: follows what it takes */
    unsigned head_len, head_sent;
    unsigned in_at, in_len; /* the input not yet used is in[in_at .. in_len) */
    size_t scanned;         /* of it, already searched for the end of a head */
    char head[CONN_HEAD_MAX];
    char in[HTTP_HEAD_MAX];
};

/* What /status.json says about the server itself. */
struct server_stats {
    uint64_t accepted, requests, bytes_sent, bytes_received, timeouts, refused;
    unsigned open, limit;
};
extern struct server_stats server_stats;

/* Milliseconds since boot, as of the last return of poll(). */
extern uint64_t server_now_ms;

/* Shared by all connections; nothing in it outlives a call. */
extern char scratch[SCRATCH_SIZE];

/* Makes a connection of a connected, non-blocking socket, which it owns. NULL: out of memory. */
struct conn *conn_new(int fd);
void conn_free(struct conn *c); /* closes it */

/* Moves a connection on as far as it goes without waiting; call when poll() names it. */
void conn_run(struct conn *c);
/* The events to poll for. */
short conn_events(const struct conn *c);
/* Its deadline has passed: answers 408 to half a request, else ends it. */
void conn_timeout(struct conn *c);

#endif
