/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_message.h - messages of DNS as bytes (RFC 1035, sections 3 and 4; RFC 3596): names, the
 * question, and what an answer says. Nothing here knows the network. Every byte of a message is
 * another machine's, and is checked before its use.
 */
#ifndef VIREO_DNS_MESSAGE_H
#define VIREO_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX  255 /* bytes of a name in a message, its zero included */
#define DNS_TEXT_MAX  254 /* characters of a name as text, with their zero */
#define DNS_HEADER    12  /* bytes in front of the question */
#define DNS_QUERY_MAX (DNS_HEADER + DNS_NAME_MAX + 4)
#define DNS_CHAIN_MAX 16 /* aliases (CNAME) that lead from the asked name to its data */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_AAAA = 28 };

enum dns_verdict {
    DNS_FOREIGN,        /* no answer to this question, or malformed: to be ignored */
    DNS_TRUNCATED,      /* to be asked again over TCP */
    DNS_SERVER_TROUBLE, /* this server cannot say now */
    DNS_SERVER_REFUSES, /* this server never will */
    DNS_NO_NAME,        /* the name does not exist */
    DNS_NO_DATA,        /* the name exists, without data of this type */
    DNS_FOUND,
};

/* An answer that has data. Refers to the message's bytes. */
struct dns_answer {
    const uint8_t *message;
    size_t len;
    uint16_t type;
    uint32_t ttl;                /* seconds that all of the answer may be kept */
    uint8_t owner[DNS_NAME_MAX]; /* the canonical name: the data's, behind all aliases */
};

/*
 * The text of a host name (RFC 1123, 2.1; '_' is taken as well), with or without a dot at its end,
 * into the form of messages. Bytes written; 0: not a host name, for example since a label is empty
 * or longer than 63 characters, or the name longer than 253.
 */
size_t dns_name_parse(const char *text, uint8_t name[DNS_NAME_MAX]);
/* The reverse. False: the name is the root, or has characters that a host name cannot have. */
bool dns_name_text(const uint8_t *name, char text[DNS_TEXT_MAX]);

/* A question for the servers, who shall do all that it takes. The number of bytes. */
size_t dns_query_make(uint8_t query[DNS_QUERY_MAX], uint16_t id, const uint8_t *name,
                      enum dns_type type);
/*
 * What a message says to the question `query`. DNS_FOUND: *answer is filled in, for use as long as
 * the message stays.
 */
enum dns_verdict dns_judge(const uint8_t *query, size_t query_len, const uint8_t *message,
                           size_t len, struct dns_answer *answer);
/*
 * The data of an answer one by one: *at is 0 before the first call. An address of 4 or 16 bytes, or
 * of DNS_PTR a name in `name` (else not used). NULL: no more.
 */
const uint8_t *dns_answer_next(const struct dns_answer *a, size_t *at, uint8_t name[DNS_NAME_MAX]);

#endif
