/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conn.h - a client's connection: what has arrived, what is being answered, and where it stands.
 *
 *     HEAD --(request)--> SEND --(keep-alive)--> HEAD        SEND --(close)--> closed
 *       |                  ^                                   |
 *       +--(body)--> BODY -+                                   +--(close; input may come)--> LINGER
 *
 * A connection that waits for a request holds no buffer: input, heads and file data pass through
 * buffers that all share. Half a request, and the rest of a head, move to buffers of their own;
 * what the socket did not take of a file is read again.
 */
#ifndef HTTPD_CONN_H
#define HTTPD_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files.h"
#include "http.h"
#include "parts.h"

#define CONN_HEAD_MAX 1280u /* bytes of an answer's head and of a short text after it */
/* Bytes of input; for a longer head, a larger buffer is taken. */
#define CONN_IN_SMALL 4096u
#define CONN_IN_LARGE (HTTP_HEAD_MAX + 512u)
#define SCRATCH_SIZE  (64u * 1024u)

enum conn_state {
    CONN_HEAD,   /* waits for a request, or for the rest of one */
    CONN_BODY,   /* takes the body of a request */
    CONN_SEND,   /* an answer is on its way */
    CONN_LINGER, /* answered and half closed; reads what the client still sends (RFC 9112, 9.6)
                  */
    CONN_CLOSED  /* over: the loop frees it */
};

enum body_kind { BODY_NONE, BODY_MEMORY, BODY_FILE, BODY_PARTS, BODY_PATTERN };

/* What follows the head of an answer: bytes [at, end) of something that can be read again. */
struct body {
    enum body_kind kind;
    const char *memory;
    void *owned; /* freed when the answer is over */
    struct open_file *file;
    struct parts *parts; /* of the file */
    uint64_t at, end;
};

/* A request's body that is being counted and summed. */
struct sink {
    struct http_chunked chunked;
    bool is_chunked;
    uint64_t left;  /* of Content-Length */
    uint64_t limit; /* beyond: 413 */
    uint64_t bytes;
    uint32_t crc;
};

/* What a connection waits for. All that wait for the same do so equally long (conn.c). */
enum conn_wait {
    WAIT_FIRST,  /* its first byte */
    WAIT_IDLE,   /* a further request */
    WAIT_HEAD,   /* the rest of a head */
    WAIT_STALL,  /* any byte of body or answer to move */
    WAIT_LINGER, /* the client to close */
    WAITS
};

struct conn {
    int fd;
    enum conn_state state;
    enum conn_wait wait;
    struct conn *next, *prev; /* among those that wait for the same, the longest waiting first */
    bool readable;            /* there may be input: a read has not found less than it asked for */
    bool hung_up;             /* behind the input is its end */
    bool keep_alive;          /* after this answer */
    bool http10;              /* the request's version: keep-alive must be said */
    bool head_only;           /* HEAD: no body is sent */
    bool unread;              /* closing with input unread: linger */
    bool interim;             /* what is being sent is "100 Continue"; the body comes next */
    bool served;              /* has had an answer already */
    bool begun;               /* something of the next request has come */
    bool again;               /* its turn ended with complete requests left in the input buffer */
    uint64_t deadline_ms, idle_since_ms;
    struct body body;
    struct sink sink;
    size_t chunk; /* bytes of body to offer the socket at once: follows what it takes */
    unsigned head_len, head_sent;
    unsigned in_at, in_len; /* the input not yet used is in[in_at .. in_len) */
    unsigned in_size;
    unsigned held;  /* bytes of a head that stays at in_at until the body behind it has come */
    size_t scanned; /* of the input, already searched for the end of a head */
    char *in;       /* NULL, the shared buffer, or from malloc */
    char *line;     /* from malloc: the request line for the access log; NULL: no answer to log */
    int status;     /* of the answer */
    uint64_t body_sent;
    struct sockaddr_in6 peer; /* for the access log */
    char *head;               /* NULL, the shared buffer, or from malloc: CONN_HEAD_MAX bytes */
};

/* What /status.json says about the server itself. */
struct server_stats {
    uint64_t accepted, requests, bytes_sent, bytes_received, timeouts, refused, evicted;
    unsigned open, limit;
};
extern struct server_stats server_stats;

/* Milliseconds since boot, as of the last event. */
extern uint64_t server_now_ms;

/* Shared by all connections; nothing in it outlives a call. */
extern char scratch[SCRATCH_SIZE];

/* Makes a connection of a connected, non-blocking socket, which it owns. peer: its other end (also
 * an IPv4 one). NULL: out of memory. */
struct conn *conn_new(int fd, const struct sockaddr_in6 *peer);
void conn_free(struct conn *c); /* closes it */

/* An event: there may be input, or its end is near. */
void conn_input(struct conn *c, bool hung_up);
/* Moves a connection on as far as it goes without waiting. With `again`, its turn was too long. */
void conn_run(struct conn *c);
/* Where the head of an answer is put together: CONN_HEAD_MAX bytes. */
char *conn_head(struct conn *c);
/* ---- conn_wait.c ---------------------------------------------------------------------------- */

/* A new connection waits; it waits for this from now on, or again; it waits for nothing more. */
void conn_wait_begin(struct conn *c, enum conn_wait what);
void conn_wait_for(struct conn *c, enum conn_wait what);
void conn_wait_no_more(struct conn *c);
/* A connection whose deadline has passed; NULL: none. */
struct conn *conn_due(void);
/* Its deadline has passed: answers 408 to half a request, else ends it. */
void conn_timeout(struct conn *c);

/* An answer begins: its request line is kept for the access log, if there is one. */
void conn_log(struct conn *c, struct http_slice line);

/*
 * How ready a connection is to be closed for a new one: 0 not at all; of two others the one with
 * the higher number goes first: who never sent a byte, then who had an answer and is idle, then who
 * sends a head slowly, then who moves neither body nor answer; in each group the one that has been
 * so longest.
 */
uint64_t conn_idleness(const struct conn *c);
/* That with the highest number; NULL: all have 0. */
struct conn *conn_idlest(void);

#endif
