/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - writes lines of the access log to the standard output:
 *
 *     10.0.2.2 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1270
 */
#include "log.h"

#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

bool log_enabled;

/* An IPv4 client has a mapped address where the listener is of IPv6. */
static void put_peer(struct text *t, const struct sockaddr_in6 *peer)
{
    char name[INET6_ADDRSTRLEN];
    const void *addr = &peer->sin6_addr;
    int family = peer->sin6_family;

    if (family == AF_INET) {
        addr = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    } else if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr)) {
        addr = (const char *)addr + 12;
        family = AF_INET;
    }
    text_str(t, inet_ntop(family, addr, name, sizeof(name)) ? name : "-");
}

/* From "Sun, 06 Nov 1994 08:49:37 GMT". */
static void put_time(struct text *t)
{
    char date[HTTP_DATE_LEN];

    http_date((int64_t)time(NULL), date);
    text_lit(t, " - - [");
    text_put(t, date + 5, 2);
    text_lit(t, "/");
    text_put(t, date + 8, 3);
    text_lit(t, "/");
    text_put(t, date + 12, 4);
    text_lit(t, ":");
    text_put(t, date + 17, 8);
    text_lit(t, " +0000] \"");
}

static void put_line(struct text *t, struct http_slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
            text_put(t, line.p + i, 1);
            continue;
        }
        text_lit(t, "\\x");
        text_put(t, &"0123456789abcdef"[c >> 4], 1);
        text_put(t, &"0123456789abcdef"[c & 15], 1);
    }
}

void log_answer(const struct sockaddr_in6 *peer, struct http_slice line, int status, uint64_t bytes)
{
    char out[LOG_LINE_MAX * 4 + 160];
    struct text t = {.p = out, .size = sizeof(out)};

    put_peer(&t, peer);
    put_time(&t);
    put_line(&t, line);
    text_lit(&t, "\" ");
    text_u64(&t, (uint64_t)status);
    text_lit(&t, " ");
    text_u64(&t, bytes);
    text_lit(&t, "\n");
    (void)!write(STDOUT_FILENO, out, t.len);
}
