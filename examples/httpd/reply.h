/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply.h - answers: each function here leaves a complete one in the connection, in state
 * CONN_SEND, with head and short text in one buffer, so that it goes out in one send.
 */
#ifndef HTTPD_REPLY_H
#define HTTPD_REPLY_H

#include "conn.h"
#include "text.h"

/* The Date of answers changes then: milliseconds, as server_now_ms. */
extern uint64_t reply_date_ms;

/* An error, with a small page that names it. */
void reply_error(struct conn *c, int status);
/* The same with a sentence for the reader (plain text, no markup) and further header fields, each
 * with its CRLF; either may be "". */
void reply_error_text(struct conn *c, int status, const char *fields, const char *sentence);

/* 301 to the same path with a '/' behind it. */
void reply_redirect(struct conn *c, const struct http_request *r);

/* 200, 206, 304, 412 or 416, as the request's conditions and range ask. f is the connection's. */
void reply_file(struct conn *c, const struct http_request *r, struct open_file *f);

/* "100 Continue": the client waits for it before it sends the body. */
void reply_continue(struct conn *c);

/* 304 with header fields, each with its CRLF. */
void reply_unchanged(struct conn *c, const char *fields);
/* 204 with header fields, each with its CRLF. */
void reply_empty(struct conn *c, const char *fields);

/* 200 with static text. */
void reply_memory(struct conn *c, const char *type, const char *text, size_t len);
/* 200 with text from malloc, which is freed when it was sent. */
void reply_owned(struct conn *c, const char *type, char *text, size_t len);
/* 200 with `bytes` bytes of the test pattern. */
void reply_pattern(struct conn *c, uint64_t bytes);
/* 200 with the result of /sink. */
void reply_sink(struct conn *c);

#endif
