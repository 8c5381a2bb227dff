/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv.h - the parts of the appliance: connections (conn.c), what a request asks for (request.c), and
 * the table (table.c). One task does everything.
 */
#ifndef KV_H
#define KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../httpd/http.h"

#define KV_KEY_MAX         255u   /* bytes of a key */
#define KV_LIST_MAX        10000u /* keys of one list, 1000 if the client does not say */
#define KV_CONNECTIONS_MAX 1024u  /* at a time, whatever vireo.kv.connections says */

struct kv_limits {
    unsigned connections;
    size_t value; /* bytes */
};
extern struct kv_limits kv_limits;

/* ---- an answer: status 0 until there is one -------------------------------------------------- */

struct answer {
    int status;
    char *body; /* from malloc; the answer's. NULL: none */
    size_t len;
    const char *type; /* of the body; NULL: any bytes */
};

void answer_text(struct answer *a, int status, const char *text);
void answer_clear(struct answer *a);

/* ---- requests: request.c --------------------------------------------------------------------- */

enum verb { VERB_GET, VERB_PUT, VERB_DELETE, VERB_LIST, VERB_STATUS, VERB_NONE };

/* What a client asks for. The body lies in the connection's buffer. */
struct request {
    enum verb verb;
    bool head;               /* the answer's body is not sent */
    uint8_t key[KV_KEY_MAX]; /* or the prefix of a list */
    size_t key_len;
    uint8_t after[KV_KEY_MAX]; /* a list begins behind this key */
    size_t after_len;
    unsigned limit;
    const void *value;
    size_t value_len;
};

/* Fills in *q of a parsed head; else *a is the answer, and q->verb is VERB_NONE. */
void request_read(const struct http_request *r, struct request *q, struct answer *a);

/* ---- the table: table.c ---------------------------------------------------------------------- */

/* Opens the database, and makes the table if there is none. False: a message was printed. */
bool table_open(const char *disk);
void table_close(void);

/*
 * Carries out the requests, in this order, and fills in their answers. All that they write is one
 * transaction, which is durable when this returns: or their answers are errors, and the table is as
 * before. [parks]
 */
void table_serve(struct request *const *q, struct answer *const *a, unsigned n);

/* ---- connections: conn.c --------------------------------------------------------------------- */

/* Serves clients at a listening socket for ever. */
void conn_serve(int listener);

#endif
