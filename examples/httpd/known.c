/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * known.c - heads that were parsed lately, and short answers to them.
 */
#include "known.h"

#include <string.h>

#include "log.h"
#include "reply.h"

#define KNOWN 8u /* a power of two */

static struct known_head known[KNOWN];

struct known_head *known_place(const char *head, size_t have)
{
    uint64_t words[3] = {0};

    if (have >= 4 + sizeof(words))
        memcpy(words, head + 4, sizeof(words));
    return &known[((words[0] ^ words[1] * 3 ^ words[2] * 5) * 0x9e3779b97f4a7c15u) >> 32 &
                  (KNOWN - 1)];
}

bool known_is(const struct known_head *k, const char *head, size_t have)
{
    return k->len && have >= k->len && memcmp(head, k->head, k->len) == 0;
}

int known_parse(struct known_head *k, const char *head, size_t len)
{
    k->len = k->answer_len = 0;
    memcpy(k->head, head, len);
    int rc = http_parse(k->head, len, &k->r);
    if (rc == 0)
        k->len = len;
    return rc;
}

/* Is the answer a file's whole content, which is in memory? A log wants more than to send it. */
static bool known_may_keep(const struct conn *c)
{
    const struct body *b = &c->body;

    return c->state == CONN_SEND && c->status == 200 && !c->head_only && !log_enabled && b->file &&
           b->kind == BODY_MEMORY && c->head_len + b->end <= KNOWN_ANSWER;
}

void known_keep(struct known_head *k, const struct conn *c)
{
    if (!known_may_keep(c))
        return;
    memcpy(k->answer, c->head, c->head_len);
    memcpy(k->answer + c->head_len, c->body.memory, (size_t)c->body.end);
    k->answer_len = c->head_len + (size_t)c->body.end;
    k->answer_ms = reply_date_ms;
}
