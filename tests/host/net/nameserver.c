/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nameserver.c - the messages and the server of nameserver.h.
 */
#include "nameserver.h"

#include <ctype.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "net_impl.h"
#include "peer.h"

struct reply reply;
unsigned nameserver_asked;
struct question nameserver_last;
void (*nameserver_answer)(const struct question *q);

void question_read(struct question *q, const uint8_t *message, size_t len)
{
    static const uint8_t head[10] = {1, 0, 0, 1}; /* recursion desired, one question */
    size_t at = 12, n = 0;

    CHECK(len <= sizeof(q->message) && memcmp(message + 2, head, sizeof(head)) == 0);
    while (message[at]) {
        CHECK(message[at] <= 63);
        for (unsigned i = 1; i <= message[at]; i++)
            q->name[n++] = (char)tolower(message[at + i]);
        q->name[n++] = '.';
        at += 1 + message[at];
        CHECK(at < len && n <= 254);
    }
    CHECK(n > 0 && at + 5 == len);
    q->name[n - 1] = '\0';
    q->type = peer_get16(message + at + 1);
    CHECK_EQ(peer_get16(message + at + 3), 1);
    q->id = (uint16_t)peer_get16(message);
    memcpy(q->message, message, len);
    q->len = len;
}

void reply_begin(struct reply *r, const struct question *q, unsigned flags)
{
    r->from = q->server;
    r->from_port = 53;
    r->port = q->port;
    memcpy(r->data, q->message, q->len);
    peer_put16(r->data + 2, flags);
    r->len = q->len;
}

size_t reply_name(uint8_t *out, const char *name)
{
    size_t n = 0;

    while (*name) {
        size_t len = strcspn(name, ".");

        out[n++] = (uint8_t)len;
        memcpy(out + n, name, len);
        n += len;
        name += len + (name[len] == '.');
    }
    out[n] = 0;
    return n + 1;
}

void reply_add(struct reply *r, const char *owner, unsigned type, uint32_t ttl, const void *data,
               size_t len)
{
    uint8_t *p = r->data + r->len;

    CHECK(r->len + 300 + len < sizeof(r->data));
    peer_put16(r->data + 6, peer_get16(r->data + 6) + 1);
    if (owner) {
        p += reply_name(p, owner);
    } else {
        peer_put16(p, 0xc00c);
        p += 2;
    }
    peer_put16(p, type);
    peer_put16(p + 2, 1);
    peer_put32(p + 4, ttl);
    peer_put16(p + 8, (uint32_t)len);
    memcpy(p + 10, data, len);
    r->len = (size_t)(p + 10 + len - r->data);
}

void reply_add4(struct reply *r, const char *owner, uint32_t address)
{
    uint8_t bytes[4];

    peer_put32(bytes, address);
    reply_add(r, owner, NAME_A, 60, bytes, sizeof(bytes));
}

void reply_add6(struct reply *r, const char *owner, uint8_t last)
{
    uint8_t bytes[16] = {0x20, 1, 0x0d, 0xb8, [15] = last};

    reply_add(r, owner, NAME_AAAA, 60, bytes, sizeof(bytes));
}

void reply_add_name(struct reply *r, const char *owner, unsigned type, const char *name)
{
    uint8_t bytes[256];

    reply_add(r, owner, type, 60, bytes, reply_name(bytes, name));
}

/* ---- the server ------------------------------------------------------------------------------ */

void nameserver_hear(const struct heard *h)
{
    if (h->proto != PEER_UDP || h->dport != 53)
        return;
    nameserver_asked++;
    question_read(&nameserver_last, h->data, h->len);
    nameserver_last.server = h->dst;
    nameserver_last.port = h->sport;
    nameserver_answer(&nameserver_last);
}

void nameserver_boot(const char *more, void (*answer)(const struct question *q))
{
    static char ip[100];

    snprintf(ip, sizeof(ip), "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:::10.0.2.2:%s", more);
    nameserver_answer = answer;
    peer_boot(ip);
    peer_listen(nameserver_hear);
}

/* Replies that wait for their time, in its order. */
struct waiting {
    struct waiting *next;
    uint64_t when;
    struct reply reply;
};
static struct waiting *waiting;

static void send_due(void *arg)
{
    struct waiting *w;

    (void)arg;
    if (net_core.entered) { /* as a wire does, the reply waits until services run */
        host_at(hal_now_ns() + HAL_US, send_due, NULL);
        return;
    }
    while ((w = waiting) && w->when <= hal_now_ns()) {
        waiting = w->next;
        peer_udp_between(w->reply.from, w->reply.from_port, IMAGE_IP, w->reply.port, w->reply.data,
                         (uint32_t)w->reply.len);
        free(w);
    }
    if (w)
        host_at(w->when, send_due, NULL);
}

void nameserver_send(const struct reply *r, unsigned ms)
{
    struct waiting *w = malloc(offsetof(struct waiting, reply.data) + r->len), **at = &waiting;

    memcpy(&w->reply, r, offsetof(struct reply, data) + r->len);
    w->when = hal_now_ns() + ms * HAL_MS;
    while (*at && (*at)->when <= w->when)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    if (at == &waiting)
        host_at(w->when, send_due, NULL);
}

void nameserver_honest(const struct question *q)
{
    bool many = !strcmp(q->name, "many.example"), four = q->type == NAME_A;
    bool known = many || strstr(q->name, "one.") == q->name || !strcmp(q->name, "six.example");

    reply_begin(&reply, q, known ? REPLY_OK : REPLY_NO_NAME);
    for (unsigned i = 1; many && i <= (four ? 3 : 2); i++)
        four ? reply_add4(&reply, NULL, 0xc0000200 + i) : reply_add6(&reply, NULL, (uint8_t)i);
    if (q->name[0] == 'o' && four)
        reply_add4(&reply, NULL, 0xc0000209);
    if (!strcmp(q->name, "six.example") && !four)
        reply_add6(&reply, NULL, 6);
    nameserver_send(&reply, 5);
}

/* ---- what an application sees ---------------------------------------------------------------- */

int names_look_up(const char *name, int family, int flags, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags};

    *list = NULL;
    return getaddrinfo(name, NULL, &hints, list);
}

int names_outcome(const char *name, int family)
{
    struct addrinfo *list;
    int error = names_look_up(name, family, 0, &list);

    freeaddrinfo(list);
    return error;
}

const char *names_addresses(const char *name, int family, int flags)
{
    static char text[20000];
    struct addrinfo *list;
    char *p = text;
    int error = names_look_up(name, family, flags, &list);

    *p = '\0';
    if (error)
        snprintf(text, sizeof(text), "error %d", error);
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        char host[64];

        CHECK_EQ(
            getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST), 0);
        CHECK((size_t)(p - text) + 70 < sizeof(text));
        p += sprintf(p, "%s ", host);
    }
    freeaddrinfo(list);
    return text;
}
