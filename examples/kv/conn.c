/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conn.c - connections. In each round all requests that are whole are served together; while the
 * disk is flushed, the next ones arrive. An answer is sent before the connection's next request is
 * looked at.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kv.h"

#define IDLE_S  60 /* without a byte, a connection is closed */
#define DRAIN_S 2  /* a client has to read the last answer */

struct conn {
    int fd;
    char *in; /* room for `size` bytes, of which len are there */
    size_t size, len, scanned;
    size_t head, whole; /* bytes of the request's head, and with its body; 0: not known */
    bool close;         /* behind the answer */
    bool sent_continue;
    bool again;    /* bytes behind the last request wait to be looked at */
    bool draining; /* answered and ended: what still arrives is dropped */
    struct request request;
    struct answer answer;
    char *out; /* NULL: nothing is to be sent */
    size_t out_len, out_at;
    time_t last;
};

static struct conn *conns;
static unsigned count;

static time_t now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void conn_end(struct conn *c)
{
    close(c->fd);
    free(c->in);
    free(c->out);
    answer_clear(&c->answer);
    *c = conns[--count];
}

/* ---- sending --------------------------------------------------------------------------------- */

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed\r\nAllow: GET, HEAD, PUT, DELETE";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable\r\nRetry-After: 1";
    case 507:
        return "Insufficient Storage";
    default:
        return status < 500 ? "Bad Request" : "Internal Server Error";
    }
}

/* Makes the bytes of the answer. False: no memory. */
static bool conn_answer(struct conn *c)
{
    struct answer *a = &c->answer;
    size_t n, body = c->request.head ? 0 : a->len;
    char fields[100] = "";

    if (a->status != 204)
        snprintf(fields, sizeof(fields), "Content-Length: %zu\r\nContent-Type: %s\r\n", a->len,
                 a->type ? a->type : "application/octet-stream");
    c->out = malloc(300 + body);
    if (!c->out)
        return false;
    n = (size_t)sprintf(c->out, "HTTP/1.1 %d %s\r\n%s%s\r\n", a->status, reason(a->status), fields,
                        c->close ? "Connection: close\r\n" : "");
    if (body)
        memcpy(c->out + n, a->body, body);
    c->out_len = n + body;
    c->out_at = 0;
    answer_clear(a);
    return true;
}

/* The request is done: what lies behind it is the next one. */
static void conn_next(struct conn *c)
{
    free(c->out);
    c->out = NULL;
    memmove(c->in, c->in + c->whole, c->len - c->whole);
    c->len -= c->whole;
    c->head = c->whole = c->scanned = 0;
    c->sent_continue = false;
    c->again = c->len > 0;
}

/* False: the connection has ended. */
static bool conn_send(struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, 0);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_at += (size_t)n;
        c->last = now_s();
    }
    conn_next(c);
    if (c->close) {
        shutdown(c->fd, SHUT_WR);
        c->draining = true;
    }
    return true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* What is no request, or one that is not served, ends the connection: its body is not read. */
static void conn_refuse(struct conn *c, int status, const char *text)
{
    answer_text(&c->answer, status, text);
    c->request.verb = VERB_NONE;
    c->close = true;
    c->whole = c->len;
}

/* A whole head is there. */
static void conn_head(struct conn *c)
{
    struct http_request r;
    int err = http_parse(c->in, c->head, &r);

    if (err) {
        conn_refuse(c, -err, "no request that is understood");
        return;
    }
    c->close = !r.keep_alive;
    request_read(&r, &c->request, &c->answer);
    if (c->request.verb == VERB_NONE && (r.has_length || r.chunked)) {
        c->close = true;
        c->whole = c->len;
        return;
    }
    if (c->request.verb != VERB_PUT && ((r.has_length && r.length) || r.chunked)) {
        conn_refuse(c, 400, "this request has no body");
        return;
    }
    c->whole = c->head + (c->request.verb == VERB_PUT ? (size_t)r.length : 0);
    if (r.expect_continue && c->len < c->whole && !c->sent_continue) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

        c->sent_continue = send(c->fd, go_on, sizeof(go_on) - 1, 0) == sizeof(go_on) - 1;
    }
}

/* Looks at what arrived. True: a request is whole, or refused. */
static bool conn_look(struct conn *c)
{
    c->again = false;
    if (c->draining)
        return false;
    if (!c->whole) {
        size_t blank = http_skip_blank(c->in, c->len);

        if (blank) {
            memmove(c->in, c->in + blank, c->len - blank);
            c->len -= blank;
            c->scanned = 0;
        }
        c->head = http_head_end(c->in, c->len, &c->scanned);
        if (c->head)
            conn_head(c);
        else if (c->len >= HTTP_HEAD_MAX)
            conn_refuse(c, 431, "the head is too long");
        if (!c->whole)
            return false;
    }
    if (c->len < c->whole)
        return false;
    c->request.value = c->in + c->head;
    c->request.value_len = c->whole - c->head;
    return true;
}

/* Makes room for what is missing. */
static bool conn_room(struct conn *c)
{
    size_t wanted = c->whole > HTTP_HEAD_MAX ? c->whole : HTTP_HEAD_MAX;
    char *in;

    if (c->size >= wanted)
        return true;
    in = realloc(c->in, wanted);
    if (!in)
        return false;
    c->in = in;
    c->size = wanted;
    return true;
}

/* Reads once. False: the connection has ended. */
static bool conn_receive(struct conn *c)
{
    ssize_t n;

    if (c->draining) {
        char dropped[512];

        return recv(c->fd, dropped, sizeof(dropped), 0) != 0;
    }
    if (!conn_room(c))
        return false;
    n = recv(c->fd, c->in + c->len, c->size - c->len, 0);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    c->len += (size_t)n;
    c->last = now_s();
    return true;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static void conn_accept(int listener)
{
    while (count < kv_limits.connections) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

        if (fd < 0)
            return;
        conns[count++] = (struct conn){.fd = fd, .last = now_s()};
    }
}

/* Serves all requests that are whole. */
static void conn_serve_whole(const bool *whole)
{
    static struct request *q[KV_CONNECTIONS_MAX];
    static struct answer *a[KV_CONNECTIONS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        if (whole[i] && !conns[i].answer.status) {
            q[n] = &conns[i].request;
            a[n++] = &conns[i].answer;
        }
    if (n)
        table_serve(q, a, n);
}

/* From the last to the first, since one that ends gives its place to the last one. */
static void conn_round(const struct pollfd *p, time_t now)
{
    static bool whole[KV_CONNECTIONS_MAX];

    for (unsigned i = count; i-- > 0;) {
        struct conn *c = &conns[i];
        bool alive = now - c->last < (c->draining ? DRAIN_S : IDLE_S);

        whole[i] = false;
        if (alive && c->out && p[i].revents)
            alive = conn_send(c);
        if (alive && !c->out && (p[i].revents & (POLLIN | POLLHUP | POLLERR)))
            alive = conn_receive(c);
        if (alive && !c->out)
            whole[i] = conn_look(c);
        if (!alive) {
            conn_end(c);
            whole[i] = i < count && whole[count];
        }
    }
    conn_serve_whole(whole);
    for (unsigned i = count; i-- > 0;)
        if (whole[i] && (!conn_answer(&conns[i]) || !conn_send(&conns[i])))
            conn_end(&conns[i]);
}

void conn_serve(int listener)
{
    struct pollfd *p = calloc(kv_limits.connections + 1, sizeof(*p));

    conns = calloc(kv_limits.connections, sizeof(*conns));
    if (!p || !conns) {
        printf("kv: no memory for %u connections\n", kv_limits.connections);
        return;
    }
    for (;;) {
        bool ready = false;

        for (unsigned i = 0; i < count; i++) {
            p[i] = (struct pollfd){.fd = conns[i].fd, .events = conns[i].out ? POLLOUT : POLLIN};
            ready |= conns[i].again && !conns[i].out;
        }
        p[count] = (struct pollfd){.fd = listener, .events = POLLIN};
        poll(p, count + (count < kv_limits.connections), ready ? 0 : 1000);
        conn_round(p, now_s());
        conn_accept(listener);
    }
}
