/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_message.c - names, questions and answers of DNS (dns_message.h). An answer is searched for
 * the asked name, from there along its aliases, and for data at their end; records of other names
 * are passed over.
 */
#include "dns_message.h"

#include <string.h>

enum {
    FLAG_RESPONSE = 0x8000,
    FLAG_OPCODE = 0x7800,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSE = 0x0100
};
enum { RCODE_NONE = 0, RCODE_SERVER = 2, RCODE_NO_NAME = 3, RCODE_NOT_HERE = 4, RCODE_REFUSED = 5 };
enum { LABEL_MAX = 63, LABEL_POINTER = 0xc0, LABELS_MAX = 127, CLASS_IN = 1 };

struct dns_record {
    uint8_t owner[DNS_NAME_MAX];
    unsigned type, class;
    uint32_t ttl;
    size_t data; /* where it begins */
    size_t len;
};

static unsigned dns_get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint8_t *dns_put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

/* ---- names ----------------------------------------------------------------------------------- */

static uint8_t dns_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool dns_is_host_char(uint8_t c)
{
    uint8_t low = dns_lower(c);

    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Lengths of labels lie below the letters, so bytes can be compared without regard to what is what.
 */
static bool dns_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (dns_lower(a[i]) != dns_lower(b[i]))
            return false;
    return true;
}

/* Bytes of a name that is known to be whole. */
static size_t dns_name_len(const uint8_t *name)
{
    size_t n = 0;

    while (name[n])
        n += 1u + name[n];
    return n + 1;
}

static bool dns_name_same(const uint8_t *a, const uint8_t *b)
{
    size_t len = dns_name_len(a);

    return len == dns_name_len(b) && dns_same(a, b, len);
}

size_t dns_name_parse(const char *text, uint8_t name[DNS_NAME_MAX])
{
    size_t label = 0, n = 1; /* where the label's length is, and the next free byte */

    if (!*text || *text == '-')
        return 0;
    for (; *text; text++, n++) {
        if (n == DNS_NAME_MAX)
            return 0;
        if (*text == '.') {
            if (n == label + 1)
                return 0;
            name[label] = (uint8_t)(n - label - 1);
            label = n;
        } else if (!dns_is_host_char((uint8_t)*text) || n - label > LABEL_MAX) {
            return 0;
        } else {
            name[n] = (uint8_t)*text;
        }
    }
    if (n == label + 1) { /* a dot was the last character */
        name[label] = 0;
        return n;
    }
    if (n == DNS_NAME_MAX)
        return 0;
    name[label] = (uint8_t)(n - label - 1);
    name[n] = 0;
    return n + 1;
}

bool dns_name_text(const uint8_t *name, char text[DNS_TEXT_MAX])
{
    size_t n = 0;

    for (; *name; name += 1 + *name) {
        for (unsigned i = 1; i <= *name; i++) {
            if (!dns_is_host_char(name[i]))
                return false;
            text[n++] = (char)name[i];
        }
        text[n++] = '.';
    }
    if (!n || text[0] == '-')
        return false;
    text[n - 1] = '\0';
    return true;
}

/*
 * Copies the name at `at`, which may be compressed (4.1.4): a pointer leads to a name that ends in
 * front of what the pointer is part of, and there are no more pointers than labels, so the way has
 * an end. Where the name ends in the message; 0: malformed.
 */
static size_t dns_name_read(const uint8_t *m, size_t len, size_t at, uint8_t name[DNS_NAME_MAX])
{
    size_t begin = at, end = 0, n = 0;
    unsigned pointers = 0;

    while (at < len && m[at]) {
        size_t size = m[at];

        if (size >= LABEL_POINTER) {
            if (at + 1 >= len)
                return 0;
            end = end ? end : at + 2;
            at = (size & LABEL_MAX) << 8 | m[at + 1];
            if (at >= begin || ++pointers > LABELS_MAX)
                return 0;
            len = begin;
            begin = at;
            continue;
        }
        if (size > LABEL_MAX || size >= len - at || n + 1 + size >= DNS_NAME_MAX)
            return 0;
        memcpy(name + n, m + at, 1 + size);
        n += 1 + size;
        at += 1 + size;
    }
    if (at >= len)
        return 0;
    name[n] = 0;
    return end ? end : at + 1;
}

/* ---- questions ------------------------------------------------------------------------------- */

size_t dns_query_make(uint8_t query[DNS_QUERY_MAX], uint16_t id, const uint8_t *name,
                      enum dns_type type)
{
    size_t len = dns_name_len(name);
    uint8_t *p = query;

    memset(query, 0, DNS_HEADER);
    p = dns_put16(p, id);
    p = dns_put16(p, FLAG_RECURSE);
    dns_put16(p, 1);
    p = query + DNS_HEADER;
    memcpy(p, name, len);
    p = dns_put16(p + len, type);
    p = dns_put16(p, CLASS_IN);
    return (size_t)(p - query);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Reads the record at `at`: where the next one begins; 0: malformed. */
static size_t dns_record_read(const uint8_t *m, size_t len, size_t at, struct dns_record *r)
{
    at = dns_name_read(m, len, at, r->owner);
    if (!at || len - at < 10)
        return 0;
    r->type = dns_get16(m + at);
    r->class = dns_get16(m + at + 2);
    r->ttl = (uint32_t)dns_get16(m + at + 4) << 16 | dns_get16(m + at + 6);
    r->len = dns_get16(m + at + 8);
    r->data = at + 10;
    return r->len <= len - r->data ? r->data + r->len : 0;
}

/* The first record of this type and owner at or behind *at; *at goes on behind the record. */
static bool dns_record_find(const struct dns_answer *a, size_t *at, unsigned type,
                            struct dns_record *r)
{
    while (*at < a->len) {
        *at = dns_record_read(a->message, a->len, *at, r);
        if (r->type == type && r->class == CLASS_IN && dns_name_same(r->owner, a->owner))
            return true;
    }
    return false;
}

/* Where the records begin, behind the question. */
static size_t dns_first_record(const uint8_t *message)
{
    return DNS_HEADER + dns_name_len(message + DNS_HEADER) + 4;
}

const uint8_t *dns_answer_next(const struct dns_answer *a, size_t *at, uint8_t name[DNS_NAME_MAX])
{
    struct dns_record r;

    if (!*at)
        *at = dns_first_record(a->message);
    while (dns_record_find(a, at, a->type, &r)) {
        if (a->type == DNS_PTR) {
            if (dns_name_read(a->message, r.data + r.len, r.data, name) == r.data + r.len)
                return name;
        } else if (r.len == (a->type == DNS_A ? 4 : 16)) {
            return a->message + r.data;
        }
    }
    return NULL;
}

/* The lifetime of a record (RFC 2181, section 8: a value with the top bit set is 0). */
static void dns_note_ttl(struct dns_answer *a, uint32_t ttl)
{
    ttl = ttl >> 31 ? 0 : ttl;
    a->ttl = ttl < a->ttl ? ttl : a->ttl;
}

/* Follows the aliases of the asked name to the last one. False: they lead to no end. */
static bool dns_follow_aliases(struct dns_answer *a, size_t first)
{
    struct dns_record r;
    size_t at = first;

    for (unsigned n = 0; n <= DNS_CHAIN_MAX; n++, at = first) {
        if (!dns_record_find(a, &at, DNS_CNAME, &r))
            return true;
        if (dns_name_read(a->message, r.data + r.len, r.data, a->owner) != r.data + r.len)
            return false;
        dns_note_ttl(a, r.ttl);
    }
    return false;
}

/* Cuts the answer behind its last record. False: records are malformed, or fewer than is said. */
static bool dns_bound_records(struct dns_answer *a, size_t first)
{
    struct dns_record r;
    size_t at = first;

    for (unsigned n = dns_get16(a->message + 6); n; n--)
        if (!(at = dns_record_read(a->message, a->len, at, &r)))
            return false;
    a->len = at;
    return true;
}

static enum dns_verdict dns_judge_records(struct dns_answer *a)
{
    size_t first = dns_first_record(a->message), at = first;
    uint8_t name[DNS_NAME_MAX];
    struct dns_record r;

    if (!dns_bound_records(a, first))
        return DNS_FOREIGN;
    if (!dns_follow_aliases(a, first))
        return DNS_SERVER_REFUSES;
    while (dns_record_find(a, &at, a->type, &r))
        dns_note_ttl(a, r.ttl);
    at = 0;
    return dns_answer_next(a, &at, name) ? DNS_FOUND : DNS_NO_DATA;
}

/* Says the message that it answers the question? The header alone may say that the server cannot.
 */
static bool dns_is_answer(const uint8_t *query, size_t query_len, const uint8_t *m, size_t len)
{
    unsigned flags;

    if (len < DNS_HEADER || memcmp(m, query, 2) != 0)
        return false;
    flags = dns_get16(m + 2);
    if ((flags & (FLAG_RESPONSE | FLAG_OPCODE)) != FLAG_RESPONSE)
        return false;
    if (len == DNS_HEADER && dns_get16(m + 4) == 0)
        return (flags & 15) != RCODE_NONE && (flags & 15) != RCODE_NO_NAME;
    return dns_get16(m + 4) == 1 && len >= query_len &&
           dns_same(m + DNS_HEADER, query + DNS_HEADER, query_len - DNS_HEADER);
}

enum dns_verdict dns_judge(const uint8_t *query, size_t query_len, const uint8_t *message,
                           size_t len, struct dns_answer *answer)
{
    unsigned flags;

    if (!dns_is_answer(query, query_len, message, len))
        return DNS_FOREIGN;
    flags = dns_get16(message + 2);
    switch (flags & 15) {
    case RCODE_NONE:
        break;
    case RCODE_NO_NAME:
        return DNS_NO_NAME;
    case RCODE_SERVER:
    case RCODE_NOT_HERE:
    case RCODE_REFUSED:
        return DNS_SERVER_TROUBLE;
    default:
        return DNS_SERVER_REFUSES;
    }
    if (flags & FLAG_TRUNCATED)
        return DNS_TRUNCATED;
    *answer = (struct dns_answer){.message = message, .len = len, .ttl = UINT32_MAX};
    answer->type = (uint16_t)dns_get16(query + query_len - 4);
    memcpy(answer->owner, query + DNS_HEADER, query_len - DNS_HEADER - 4);
    return dns_judge_records(answer);
}
