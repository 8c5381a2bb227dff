/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conn_wait.c - what connections wait for, and how long: a list for each, in the order of the
 * deadlines, so that neither the loop nor a look for the idlest walks over all.
 */
#include "conn.h"

/* When no place is free, a connection may be closed for a new one after so long: */
#define CLOSE_SILENT_MS  250u   /* without a first byte */
#define CLOSE_IDLE_MS    1000u  /* without a further request */
#define CLOSE_SLOW_MS    3000u  /* with half a head */
#define CLOSE_STALLED_MS 10000u /* without a byte of body or answer moving */

/* Milliseconds. */
static const unsigned patience[WAITS] = {
    /* Generous: a client whose first segment was lost several times (a full accept queue in between
     * is enough) sends it again as late as 52 s after the start. */
    [WAIT_FIRST] = 75000, [WAIT_IDLE] = 30000,  [WAIT_HEAD] = 20000,
    [WAIT_STALL] = 30000, [WAIT_LINGER] = 2000,
};

static struct {
    struct conn *first, *last;
} waiting[WAITS];

void conn_wait_no_more(struct conn *c)
{
    *(c->prev ? &c->prev->next : &waiting[c->wait].first) = c->next;
    *(c->next ? &c->next->prev : &waiting[c->wait].last) = c->prev;
}

void conn_wait_begin(struct conn *c, enum conn_wait what)
{
    c->wait = what;
    c->deadline_ms = server_now_ms + patience[what];
    c->next = NULL;
    c->prev = waiting[what].last;
    *(c->prev ? &c->prev->next : &waiting[what].first) = c;
    waiting[what].last = c;
}

void conn_wait_for(struct conn *c, enum conn_wait what)
{
    if (c->wait == what && c->deadline_ms == server_now_ms + patience[what])
        return;
    conn_wait_no_more(c);
    conn_wait_begin(c, what);
}

struct conn *conn_due(void)
{
    for (int i = 0; i < WAITS; i++)
        if (waiting[i].first && waiting[i].first->deadline_ms <= server_now_ms)
            return waiting[i].first;
    return NULL;
}

uint64_t conn_idleness(const struct conn *c)
{
    const uint64_t group = 1ull << 48; /* milliseconds are fewer */
    bool head = c->state == CONN_HEAD;
    uint64_t ms;

    if (head && !c->begun) {
        ms = server_now_ms - c->idle_since_ms;
        if (c->served)
            return ms < CLOSE_IDLE_MS ? 0 : 3 * group + ms;
        return ms < CLOSE_SILENT_MS ? 0 : 4 * group + ms;
    }
    ms = server_now_ms + patience[head ? WAIT_HEAD : WAIT_STALL] - c->deadline_ms;
    if (head)
        return ms < CLOSE_SLOW_MS ? 0 : 2 * group + ms;
    return ms < CLOSE_STALLED_MS ? 0 : group + ms;
}

struct conn *conn_idlest(void)
{
    static const uint8_t order[WAITS] = {WAIT_FIRST, WAIT_IDLE, WAIT_HEAD, WAIT_LINGER, WAIT_STALL};

    for (int i = 0; i < WAITS; i++) {
        struct conn *c = waiting[order[i]].first;
        if (c && conn_idleness(c))
            return c;
    }
    return NULL;
}
