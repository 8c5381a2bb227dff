/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conn.c - moves connections: reads requests, sends answers, and never waits for either.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "known.h"
#include "log.h"
#include "reply.h"
#include "route.h"
#include "sink.h"

#define SHORT_ANSWER 4096u /* has left the socket when send() returns */
#define CHUNK_MIN    4096u
#define FILE_LONG    8192u   /* so much of a file is not copied */
#define FILE_CHUNK   262144u /* of a file, in a call */
#define STEPS_MAX    64u     /* of one connection before the others get their turn */

struct server_stats server_stats;
char scratch[SCRATCH_SIZE] __attribute__((aligned(64)));

/* ---- life ----------------------------------------------------------------------------------- */

struct conn *conn_new(int fd, const struct sockaddr_in6 *peer)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->fd = fd;
    c->readable = true;
    c->chunk = SCRATCH_SIZE;
    c->peer = *peer;
    c->idle_since_ms = server_now_ms;
    conn_wait_begin(c, WAIT_FIRST);
    return c;
}

/* Frees what the answer held, sent or not. */
static void release_body(struct conn *c)
{
    if (c->body.file)
        files_put(c->body.file);
    free(c->body.owned);
    c->body = (struct body){.kind = BODY_NONE};
}

/* ---- buffers -------------------------------------------------------------------------------- */

static char shared_in[CONN_IN_SMALL], shared_head[CONN_HEAD_MAX];

static void give_back(char **buf, const char *shared)
{
    if (*buf && *buf != shared)
        free(*buf);
    *buf = NULL;
}

/* What stands in a shared buffer moves to one of the connection's own. */
static bool take_along(char **buf, const char *shared, size_t size)
{
    char *own;

    if (*buf != shared)
        return true;
    *buf = own = malloc(size);
    if (own)
        memcpy(own, shared, size);
    return own != NULL;
}

/* The connection's turn ends. */
static void leave_shared(struct conn *c)
{
    bool ok = true;

    if (c->in_at == c->in_len) {
        give_back(&c->in, shared_in);
        c->in_at = c->in_len = 0;
    } else {
        ok = take_along(&c->in, shared_in, CONN_IN_SMALL);
    }
    if (c->state != CONN_SEND || c->head_sent == c->head_len)
        give_back(&c->head, shared_head);
    else
        ok &= take_along(&c->head, shared_head, CONN_HEAD_MAX);
    if (!ok)
        c->state = CONN_CLOSED;
}

char *conn_head(struct conn *c)
{
    if (!c->head)
        c->head = shared_head;
    return c->head;
}

/* ---- the access log ------------------------------------------------------------------------- */

void conn_log(struct conn *c, struct http_slice line)
{
    if (!log_enabled || c->line)
        return;
    if (line.len > LOG_LINE_MAX)
        line.len = LOG_LINE_MAX;
    c->line = malloc(line.len + 1);
    if (!c->line)
        return;
    memcpy(c->line, line.p, line.len);
    c->line[line.len] = 0;
    c->body_sent = 0;
}

/* The answer is over, or the client went away. */
static void log_end(struct conn *c)
{
    if (!c->line)
        return;
    log_answer(&c->peer, (struct http_slice){c->line, strlen(c->line)}, c->status, c->body_sent);
    free(c->line);
    c->line = NULL;
}

void conn_free(struct conn *c)
{
    log_end(c);
    release_body(c);
    conn_wait_no_more(c);
    give_back(&c->in, shared_in);
    give_back(&c->head, shared_head);
    close(c->fd);
    free(c);
}

/* ---- input ---------------------------------------------------------------------------------- */

void conn_input(struct conn *c, bool hung_up)
{
    c->readable = true;
    c->hung_up = hung_up;
}

/* recv(): bytes, or 0 if there are none now. The end of input, or an error, ends the connection. */
static size_t receive(struct conn *c, char *buf, size_t len)
{
    ssize_t n = recv(c->fd, buf, len, 0);

    c->readable = n == (ssize_t)len || (n > 0 && c->hung_up);
    if (n > 0) {
        server_stats.bytes_received += (uint64_t)n;
        return (size_t)n;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        c->state = CONN_CLOSED;
    return 0;
}

/* The input buffer is full: a larger one, or a refusal. */
static bool grow(struct conn *c)
{
    char *in = c->in_size == CONN_IN_SMALL ? malloc(CONN_IN_LARGE) : NULL;

    if (!in) {
        route_refuse(c, 503);
        return false;
    }
    memcpy(in, c->in, c->in_len);
    give_back(&c->in, shared_in);
    c->in = in;
    c->in_size = CONN_IN_LARGE;
    return true;
}

/* Moves the input to the front of its buffer; an empty buffer is given back. */
static void tidy_input(struct conn *c)
{
    if (c->in_at == c->in_len)
        give_back(&c->in, shared_in);
    else
        memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
    c->in_len -= c->in_at;
    c->in_at = 0;
}

/* More input into the buffer; false: nothing came. */
static bool fill(struct conn *c)
{
    if (c->in_at)
        tidy_input(c);
    if (!c->in) {
        c->in = shared_in;
        c->in_size = CONN_IN_SMALL;
    }
    if (c->in_len == c->in_size && !grow(c))
        return true; /* the refusal is to be sent */
    size_t n = receive(c, c->in + c->in_len, c->in_size - c->in_len);
    c->in_len += (unsigned)n;
    return n > 0;
}

/* Takes n bytes of body off the input, behind the head that is held. */
static void take_input(struct conn *c, size_t n)
{
    char *at = c->in + c->in_at + c->held;

    if (c->held) {
        memmove(at, at + n, c->in_len - c->in_at - c->held - n);
        c->in_len -= (unsigned)n;
    } else {
        c->in_at += (unsigned)n;
    }
}

/* What is no request: its first line is logged. */
static void refuse(struct conn *c, int status, size_t have)
{
    const char *head = c->in + c->in_at;
    size_t n = have < LOG_LINE_MAX ? have : LOG_LINE_MAX;
    const char *end = memchr(head, '\n', n);

    if (end)
        n = (size_t)(end - head) - (end > head && end[-1] == '\r');
    conn_log(c, (struct http_slice){head, n});
    c->http10 = false;
    c->head_only = have > 5 && memcmp(head, "HEAD ", 5) == 0;
    conn_wait_for(c, WAIT_STALL);
    route_refuse(c, status);
}

static void account(struct conn *c, size_t n, size_t offered);
static void finish_answer(struct conn *c);

/*
 * The request is one whose answer is kept. What of it the socket does not take is answered as
 * every request is: the bytes are the same.
 */
static void answer_again(struct conn *c, const struct known_head *k)
{
    int more = k->r.keep_alive ? 0 : MSG_MORE; /* as ends_behind() */
    ssize_t n = send(c->fd, k->answer, k->answer_len, MSG_NOSIGNAL | more);

    server_stats.requests++;
    c->in_at += (unsigned)k->len;
    c->scanned = 0;
    if (n == (ssize_t)k->answer_len) {
        server_stats.bytes_sent += k->answer_len;
        c->keep_alive = k->r.keep_alive;
        finish_answer(c);
        return;
    }
    conn_wait_for(c, WAIT_STALL);
    route(c, &k->r);
    if (n > 0)
        account(c, (size_t)n, k->answer_len);
}

/* Takes a request off the input and begins its answer; false: it is not complete yet. */
static bool take_request(struct conn *c)
{
    struct http_request large;

    size_t blank = http_skip_blank(c->in + c->in_at, c->in_len - c->in_at);
    if (blank)
        c->scanned = 0;
    c->in_at += (unsigned)blank;
    const char *head = c->in + c->in_at;
    size_t have = c->in_len - c->in_at;
    struct known_head *k = known_place(head, have);
    bool same = known_is(k, head, have);
    if (same && known_answers(k)) {
        answer_again(c, k);
        return true;
    }
    size_t len = same ? k->len : http_head_end(head, have, &c->scanned);
    if (len == 0 && have < HTTP_HEAD_MAX)
        return false;
    if (len == 0 || len > HTTP_HEAD_MAX) {
        refuse(c, memchr(head, '\n', HTTP_HEAD_MAX) ? 431 : 414, have);
        return true;
    }
    server_stats.requests++;
    c->scanned = 0;
    conn_wait_for(c, WAIT_STALL);
    int rc = same               ? 0
             : len <= KNOWN_MAX ? known_parse(k, head, len)
                                : http_parse(head, len, &large);
    if (rc < 0)
        refuse(c, -rc, len);
    else if (route(c, len <= KNOWN_MAX ? &k->r : &large))
        c->held = (unsigned)len;
    if (same)
        known_keep(k, c);
    if (c->held == 0)
        c->in_at += (unsigned)len;
    return true;
}

static bool step_head(struct conn *c)
{
    if (c->in_at < c->in_len && take_request(c))
        return true;
    if (!c->readable || !fill(c))
        return false;
    if (c->begun) /* once a request: blank lines before it buy no more time */
        return true;
    c->begun = true;
    if (!take_request(c))
        conn_wait_for(c, WAIT_HEAD);
    return true;
}

/* The body has come: answers the request. Its head, where it was held, is read once more. */
static void end_body(struct conn *c)
{
    struct http_request r;

    if (c->held == 0) {
        reply_sink(c);
        return;
    }
    http_parse(c->in + c->in_at, c->held, &r);
    route_taken(c, &r);
    c->in_at += c->held;
    c->held = 0;
}

/* Takes body bytes from the input buffer, or from the socket straight into the scratch buffer. */
static bool step_body(struct conn *c)
{
    size_t have = c->in_len - c->in_at - c->held;
    int rc = sink_take(&c->sink, c->in + c->in_at + c->held, have);

    if (rc >= 0)
        take_input(c, (size_t)rc);
    if (rc >= 0 && !sink_done(&c->sink)) {
        if (!c->readable)
            return false;
        uint64_t wants = sink_wants(&c->sink);
        size_t ask = wants < SCRATCH_SIZE ? (size_t)wants : SCRATCH_SIZE;
        size_t got = wants ? receive(c, scratch, ask) : fill(c);
        if (got == 0)
            return false;
        conn_wait_for(c, WAIT_STALL);
        if (!wants)
            return true;
        rc = sink_take(&c->sink, scratch, got);
    }
    if (rc < 0)
        route_refuse(c, -rc);
    else if (sink_done(&c->sink))
        end_body(c);
    return true;
}

static bool step_linger(struct conn *c)
{
    return c->readable && receive(c, scratch, SCRATCH_SIZE);
}

/* ---- output --------------------------------------------------------------------------------- */

/* Test data from byte `at` on: one period of 256 bytes, then that again. */
static void make_pattern(char *out, size_t len, uint64_t at)
{
    size_t n = len < 256 ? len : 256;

    for (size_t i = 0; i < n; i++)
        out[i] = (char)((at + i) * 167 + 13);
    for (size_t done = 256; done < len; done += n) {
        n = len - done < done ? len - done : done;
        memcpy(out + done, out, n);
    }
}

/* Copies the next bytes of the body, at most len; -1 when the file cannot be read. */
static ssize_t read_body(const struct body *b, char *out, size_t len)
{
    if (len > b->end - b->at)
        len = (size_t)(b->end - b->at);
    switch (b->kind) {
    case BODY_MEMORY:
        memcpy(out, b->memory + b->at, len);
        return (ssize_t)len;
    case BODY_PATTERN:
        make_pattern(out, len, b->at);
        return (ssize_t)len;
    case BODY_FILE: {
        ssize_t n = pread(b->file->fd, out, len, (off_t)b->at);
        return n > 0 ? n : -1;
    }
    case BODY_PARTS:
        return parts_read(b->parts, b->at, out, len);
    default:
        return 0;
    }
}

/* Puts what goes out next into the scratch buffer: the head's rest and a piece of the body. */
static ssize_t gather(struct conn *c)
{
    size_t head = c->head_len - c->head_sent;

    memcpy(scratch, c->head + c->head_sent, head);
    if (c->body.at == c->body.end)
        return (ssize_t)head;
    size_t room = SCRATCH_SIZE - head;
    ssize_t n = read_body(&c->body, scratch + head, c->chunk < room ? c->chunk : room);
    return n < 0 ? n : (ssize_t)head + n;
}

/* The socket took n of `offered` bytes: next time it is offered about as many. */
static void account(struct conn *c, size_t n, size_t offered)
{
    size_t head = c->head_len - c->head_sent;

    server_stats.bytes_sent += n;
    conn_wait_for(c, WAIT_STALL);
    if (n < offered)
        c->chunk = n < CHUNK_MIN ? CHUNK_MIN : n;
    else if (c->chunk < SCRATCH_SIZE)
        c->chunk = c->chunk * 2 < SCRATCH_SIZE ? c->chunk * 2 : SCRATCH_SIZE;
    if (n < head)
        head = n;
    c->head_sent += (unsigned)head;
    c->body.at += n - head;
    c->body_sent += n - head;
}

/*
 * If input is unread at close(), or comes later, the connection is reset, and the client may lose
 * the end of the answer (RFC 9112, 9.6). After a short answer only input that is here counts: most
 * connections need not wait then.
 */
static bool must_linger(struct conn *c, bool is_short)
{
    return !is_short || c->unread || c->in_at < c->in_len ||
           (c->readable && recv(c->fd, scratch, 1, MSG_PEEK) > 0);
}

/* The socket has taken the whole answer. */
static void finish_answer(struct conn *c)
{
    bool is_short = c->body.end <= SHORT_ANSWER;

    if (c->interim) {
        c->interim = false;
        c->state = CONN_BODY;
        return;
    }
    log_end(c);
    release_body(c);
    c->served = true;
    if (c->keep_alive) {
        c->state = CONN_HEAD;
        c->idle_since_ms = server_now_ms;
        c->begun = c->in_at < c->in_len;
        conn_wait_for(c, c->begun ? WAIT_HEAD : WAIT_IDLE);
    } else if (must_linger(c, is_short)) {
        shutdown(c->fd, SHUT_WR);
        c->state = CONN_LINGER;
        conn_wait_for(c, WAIT_LINGER);
    } else {
        c->state = CONN_CLOSED;
    }
}

/* Sends a part of a long file from where it lies, behind its head. As send(); *want: as offered. */
static ssize_t send_file(struct conn *c, ssize_t *want)
{
    size_t head = c->head_len - c->head_sent;
    uint64_t left = c->body.end - c->body.at;
    off_t at = (off_t)c->body.at;

    *want = (ssize_t)(head ? head : left < FILE_CHUNK ? left : FILE_CHUNK);
    if (head)
        return send(c->fd, c->head + c->head_sent, head, MSG_NOSIGNAL | MSG_MORE);
    ssize_t n = sendfile(c->fd, c->body.file->fd, &at, (size_t)*want);
    if (n == 0)
        *want = -1; /* the file ends before its size */
    return n;
}

/* Does the stream end behind the next `len` bytes? Then they leave in one segment with the end. */
static bool ends_behind(const struct conn *c, size_t len)
{
    return !c->keep_alive && !c->interim &&
           len == c->head_len - c->head_sent + c->body.end - c->body.at;
}

/* One send; false: the socket is full. */
static bool step_send(struct conn *c)
{
    ssize_t want, n = 0;

    if (c->body.kind == BODY_FILE && c->body.end - c->body.at >= FILE_LONG)
        n = send_file(c, &want);
    else if ((want = gather(c)) >= 0)
        n = send(c->fd, scratch, (size_t)want,
                 ends_behind(c, (size_t)want) ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
    if (want < 0) { /* too late for an error page: a short answer must end the connection */
        c->state = CONN_CLOSED;
        return false;
    }
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            c->state = CONN_CLOSED;
        return false;
    }
    account(c, (size_t)n, (size_t)want);
    if (c->head_sent == c->head_len && c->body.at == c->body.end) {
        finish_answer(c);
        return true;
    }
    return n == want;
}

/* ---- the whole ------------------------------------------------------------------------------ */

void conn_run(struct conn *c)
{
    bool more = true;

    for (unsigned steps = 0; more && steps < STEPS_MAX; steps++)
        switch (c->state) {
        case CONN_HEAD:
            more = step_head(c);
            break;
        case CONN_BODY:
            more = step_body(c);
            break;
        case CONN_SEND:
            more = step_send(c);
            break;
        case CONN_LINGER:
            more = step_linger(c);
            break;
        case CONN_CLOSED:
            more = false;
        }
    c->again = more;
    leave_shared(c);
}

/* The client does not read: the socket's memory is freed at once. */
static void reset_on_close(const struct conn *c)
{
    const struct linger at_once = {1, 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void conn_timeout(struct conn *c)
{
    bool half = c->state == CONN_BODY || (c->state == CONN_HEAD && c->in_at < c->in_len);

    server_stats.timeouts++;
    if (c->state == CONN_SEND)
        reset_on_close(c);
    if (!half) {
        c->state = CONN_CLOSED;
        return;
    }
    conn_wait_for(c, WAIT_STALL);
    if (c->state == CONN_HEAD)
        refuse(c, 408, c->in_len - c->in_at);
    else
        route_refuse(c, 408);
    conn_run(c);
}
