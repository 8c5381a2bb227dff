/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sink.h - the body of a request: counted and summed, never stored.
 */
#ifndef HTTPD_SINK_H
#define HTTPD_SINK_H

#include "conn.h"

#define SINK_MAX (1ull << 40) /* bytes of a body; beyond: 413 */

/* limit: bytes of data; beyond: 413. */
void sink_begin(struct sink *s, const struct http_request *r, uint64_t limit);

/* Takes body bytes and framing; stops at the end of the body. Returns the bytes taken, or -400,
 * -413, -431. */
int sink_take(struct sink *s, const char *buf, size_t len);

/* Bytes that are data for sure: as many may be read from the socket past the input buffer. */
uint64_t sink_wants(const struct sink *s);
bool sink_done(const struct sink *s);

#endif
