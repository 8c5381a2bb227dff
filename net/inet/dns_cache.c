/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_cache.c - answers with data are kept as long as they allow (RFC 1035, 3.2.1 and 7.4), up to
 * CACHE_PLACES of them. What is kept is the message: it is judged again when it is used.
 */
#include "dns.h"

#define CACHE_PLACES  16
#define CACHE_MESSAGE 512   /* bytes, at most */
#define CACHE_SECONDS 86400 /* at most */

static struct {
    uint8_t *message; /* owned; NULL: free */
    size_t len;
    uint64_t expires;
} cache[CACHE_PLACES];

/* The kept message is about this question. */
static bool cache_holds(unsigned i, const struct dns_query *q)
{
    return cache[i].message && cache[i].len >= q->len &&
           memcmp(cache[i].message + DNS_HEADER, q->message + DNS_HEADER, q->len - DNS_HEADER) == 0;
}

bool dns_cache_find(struct dns_query *q)
{
    for (unsigned i = 0; i < CACHE_PLACES; i++) {
        if (!cache_holds(i, q) || cache[i].expires <= hal_now_ns())
            continue;
        q->reply = net_malloc(cache[i].len);
        if (!q->reply)
            return false;
        memcpy(q->reply, cache[i].message, cache[i].len);
        memcpy(q->reply, q->message, 2); /* the number */
        q->verdict = dns_judge(q->message, q->len, q->reply, cache[i].len, &q->answer);
        return true;
    }
    return false;
}

/* The place of this question, or the one whose answer ends first. */
static unsigned cache_place(const struct dns_query *q)
{
    unsigned best = 0;

    for (unsigned i = 0; i < CACHE_PLACES; i++) {
        if (cache_holds(i, q))
            return i;
        if (cache[i].expires < cache[best].expires)
            best = i;
    }
    return best;
}

void dns_cache_keep(const struct dns_query *q)
{
    uint32_t ttl = q->answer.ttl < CACHE_SECONDS ? q->answer.ttl : CACHE_SECONDS;
    unsigned i = cache_place(q);
    uint8_t *copy;

    if (!ttl || q->answer.len > CACHE_MESSAGE || !(copy = net_malloc(q->answer.len)))
        return;
    net_free(cache[i].message);
    memcpy(copy, q->reply, q->answer.len);
    cache[i].message = copy;
    cache[i].len = q->answer.len;
    cache[i].expires = hal_now_ns() + ttl * HAL_SEC;
}
