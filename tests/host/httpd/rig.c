/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.c - tree, client and answers.
 */
#define HTTPD_RIG
#include "rig.h"

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "names.h"
#include "status.h"

static char root[] = "/tmp/httpd.XXXXXX";

void bytes_add(struct bytes *b, const void *p, size_t len)
{
    if (b->len + len + 1 > b->size) {
        b->size = (b->len + len + 1) * 2;
        b->p = realloc(b->p, b->size);
    }
    memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = 0;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static const char *in_root(const char *path)
{
    static char name[8192];

    snprintf(name, sizeof(name), "%s%s", root, path);
    return name;
}

int tree_open(const char *path, int flags)
{
    return open(in_root(path), flags);
}

int tree_stat(const char *path, struct stat *st)
{
    return stat(in_root(path), st);
}

DIR *tree_opendir(const char *path)
{
    return opendir(in_root(path));
}

static int tree_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* Cases run in child processes, which inherit the tree: only who made it removes it. */
static pid_t maker;
static void tree_end(void)
{
    if (getpid() == maker)
        nftw(root, tree_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_make(void)
{
    CHECK(mkdtemp(root) != NULL);
    maker = getpid();
    atexit(tree_end);
}

void tree_add(const char *path, const void *content, size_t len)
{
    const struct timespec times[2] = {{.tv_sec = RIG_MTIME}, {.tv_sec = RIG_MTIME}};
    char part[4200];

    for (const char *at = path + 1; (at = strchr(at, '/')); at++) {
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        mkdir(in_root(part), 0755);
    }
    int fd = open(in_root(path), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, content, len) == (ssize_t)len);
    CHECK(futimens(fd, times) == 0);
    close(fd);
}

/* ---- the client ----------------------------------------------------------------------------- */

char *status_json(size_t *len)
{
    *len = 2;
    return strdup("{}");
}

/* server.c has it too, where a test runs the loop. */
__attribute__((weak)) uint64_t server_now_ms = 1000;

void client_open(struct client *c)
{
    const struct sockaddr_in6 nobody = {.sin6_family = AF_INET6};
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    *c = (struct client){.fd = fds[0], .conn = conn_new(fds[1], &nobody)};
}

/* Reads what the server sent; false: nothing came. */
static bool client_read(struct client *c)
{
    static char buf[65536];
    ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

    if (n > 0)
        bytes_add(&c->got, buf, (size_t)n);
    c->ended |= n == 0;
    return n > 0;
}

/* Bytes that the server has not read yet. */
static int unread_bytes(const struct client *c)
{
    int n = 0;

    if (c->conn)
        ioctl(c->conn->fd, FIONREAD, &n);
    return n;
}

void client_send(struct client *c, const void *p, size_t len)
{
    const char *at = p;
    bool more = true;

    while (more) {
        more = false;
        ssize_t n = len ? send(c->fd, at, len, MSG_NOSIGNAL) : 0;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
            more = true;
        }
        int unread = unread_bytes(c);
        if (c->conn) {
            conn_input(c->conn, false);
            conn_run(c->conn);
            more |= c->conn->again || unread_bytes(c) < unread;
        }
        if (c->conn && c->conn->state == CONN_CLOSED) {
            conn_free(c->conn);
            c->conn = NULL;
        }
        more |= client_read(c);
    }
}

void client_close(struct client *c)
{
    if (c->conn)
        conn_free(c->conn);
    close(c->fd);
    free(c->got.p);
}

/* ---- answers -------------------------------------------------------------------------------- */

bool answer_next(const struct bytes *b, size_t *at, bool head_only, struct answer *a)
{
    if (b->len - *at < 12)
        return false;
    const char *p = b->p + *at, *end = strstr(p, "\r\n\r\n");

    if (!end || sscanf(p, "HTTP/1.1 %3d ", &a->status) != 1)
        return false;
    a->head = p;
    a->head_len = (size_t)(end - p) + 4;
    a->body = end + 4;
    a->body_len = 0;
    const char *length = answer_field(a, "content-length");
    if (!head_only && length)
        a->body_len = strtoul(length, NULL, 10);
    *at += a->head_len + a->body_len;
    return *at <= b->len;
}

const char *answer_field(const struct answer *a, const char *name)
{
    static char value[1024];
    const char *line = a->head, *end = a->head + a->head_len - 2;
    size_t n = strlen(name);

    while ((line = strstr(line, "\r\n")) && (line += 2) < end) {
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        size_t len = strcspn(line + n + 2, "\r");
        snprintf(value, sizeof(value), "%.*s", (int)len, line + n + 2);
        return value;
    }
    return NULL;
}

struct answer get(const char *target, const char *fields)
{
    static struct client c;
    struct bytes request = {0};
    struct answer a;
    size_t at = 0;

    if (c.fd)
        client_close(&c);
    client_open(&c);
    bytes_add(&request, "GET ", 4);
    bytes_add(&request, target, strlen(target));
    bytes_add(&request, " HTTP/1.1\r\nHost: h\r\n", 20);
    bytes_add(&request, fields, strlen(fields));
    bytes_add(&request, "\r\n", 2);
    client_send(&c, request.p, request.len);
    free(request.p);
    if (!answer_next(&c.got, &at, false, &a))
        check_fail(__FILE__, __LINE__, "no answer to %s", target);
    return a;
}
