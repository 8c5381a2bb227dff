/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * known.h - heads that were parsed lately, and short answers to them: clients send the same heads
 * again and again, and what a file of the tree holds stays.
 */
#ifndef HTTPD_KNOWN_H
#define HTTPD_KNOWN_H

#include "conn.h"

#define KNOWN_MAX    768u  /* bytes of a head that is kept */
#define KNOWN_ANSWER 3072u /* bytes of an answer that is kept, its head and its body */

struct known_head {
    size_t len; /* 0: none */
    struct http_request r;
    size_t answer_len;         /* 0: none */
    uint64_t answer_ms;        /* the Date in the answer holds until then */
    char head[KNOWN_MAX];      /* which r points into */
    char answer[KNOWN_ANSWER]; /* to that head, when the connection is asked nothing else */
};

/* Where a head that begins so is kept, or another one. */
struct known_head *known_place(const char *head, size_t have);
/* Is it that one? */
bool known_is(const struct known_head *k, const char *head, size_t have);
/* Parses a head of KNOWN_MAX bytes at most, and keeps it. As http_parse(). */
int known_parse(struct known_head *k, const char *head, size_t len);
/* Keeps the answer that the connection is about to send, if any client gets the same. */
void known_keep(struct known_head *k, const struct conn *c);
/* Is its answer there, and still right? */
static inline bool known_answers(const struct known_head *k)
{
    return k->answer_len && server_now_ms < k->answer_ms;
}

#endif
