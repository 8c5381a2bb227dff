/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve_host.c - the other calls of <netdb.h>: names of addresses (RFC 1035, 3.5; RFC 3596, 2.5),
 * and gethostbyname().
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "resolve.h"

#define HOST_ADDRS 32 /* of a hostent */

int h_errno;

/* ---- getnameinfo ----------------------------------------------------------------------------- */

/* What getnameinfo() was given: an IPv6 address that stands for an IPv4 one counts as that. */
struct host {
    struct resolve_addr addr;
    struct sockaddr_in6 in6; /* of AF_INET6 */
    bool is6;                /* what is written as a number */
    uint16_t port;
};

static int host_read(struct host *h, const struct sockaddr *addr, socklen_t len)
{
    struct sockaddr_in in;

    *h = (struct host){.addr.family = AF_INET, .is6 = addr->sa_family == AF_INET6};
    if ((!h->is6 && addr->sa_family != AF_INET) || len < (h->is6 ? sizeof(h->in6) : sizeof(in)))
        return EAI_FAMILY;
    if (!h->is6) {
        memcpy(&in, addr, sizeof(in));
        memcpy(h->addr.bytes, &in.sin_addr, 4);
        h->port = ntohs(in.sin_port);
        return 0;
    }
    memcpy(&h->in6, addr, sizeof(h->in6));
    h->port = ntohs(h->in6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&h->in6.sin6_addr)) {
        memcpy(h->addr.bytes, h->in6.sin6_addr.s6_addr + 12, 4);
    } else {
        memcpy(h->addr.bytes, &h->in6.sin6_addr, 16);
        h->addr.family = AF_INET6;
    }
    return 0;
}

static bool host_is_loopback(const struct host *h)
{
    return h->addr.family == AF_INET ? h->addr.bytes[0] == 127
                                     : IN6_IS_ADDR_LOOPBACK(&h->in6.sin6_addr);
}

/* Only addresses that are one machine's beyond the link have names. */
static bool host_has_name(const struct host *h)
{
    const struct in6_addr *six = &h->in6.sin6_addr;

    if (h->addr.family == AF_INET)
        return h->addr.bytes[0] && h->addr.bytes[0] < 224;
    return !IN6_IS_ADDR_UNSPECIFIED(six) && !IN6_IS_ADDR_LINKLOCAL(six) &&
           !IN6_IS_ADDR_MULTICAST(six);
}

/* The name under which the name of the address is kept. */
static void host_reverse(const struct host *h, char out[DNS_TEXT_MAX])
{
    const uint8_t *b = h->addr.bytes;
    char *p = out;

    if (h->addr.family == AF_INET) {
        snprintf(out, DNS_TEXT_MAX, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
        return;
    }
    for (int i = 15; i >= 0; i--)
        p += sprintf(p, "%x.%x.", b[i] & 15, b[i] >> 4);
    strcpy(p, "ip6.arpa");
}

static int host_name(const struct host *h, char out[DNS_TEXT_MAX])
{
    static const enum dns_type type = DNS_PTR;
    uint8_t name[DNS_NAME_MAX];
    struct dns_lookup *l;
    size_t at = 0;
    int error;

    if (host_is_loopback(h)) {
        strcpy(out, "localhost");
        return 0;
    }
    if (!host_has_name(h))
        return EAI_NONAME;
    host_reverse(h, out);
    net_enter();
    resolve_prepare(out, name);
    error = resolve_ask(name, &type, 1, &l);
    if (!error) {
        error = EAI_NONAME;
        if (dns_answer_next(&l->queries[0].answer, &at, name) && dns_name_text(name, out))
            error = 0;
        dns_free(l);
    }
    net_leave();
    return error == EAI_NODATA ? EAI_NONAME : error;
}

static int host_copy(char *out, socklen_t size, const char *text)
{
    size_t len = strlen(text) + 1;

    if (len > size)
        return EAI_OVERFLOW;
    memcpy(out, text, len);
    return 0;
}

static int host_number(const struct host *h, char *out, socklen_t size)
{
    char text[INET6_ADDRSTRLEN + 16];

    if (!h->is6) {
        inet_ntop(AF_INET, h->addr.bytes, text, sizeof(text));
    } else {
        inet_ntop(AF_INET6, &h->in6.sin6_addr, text, sizeof(text));
        resolve_scope_text(&h->in6, text + strlen(text), 16);
    }
    return host_copy(out, size, text);
}

static int host_write(const struct host *h, char *out, socklen_t size, int flags)
{
    char name[DNS_TEXT_MAX];
    int error = EAI_NONAME;

    if (!(flags & NI_NUMERICHOST))
        error = host_name(h, name);
    if (!error)
        return host_copy(out, size, name);
    return flags & NI_NAMEREQD ? error : host_number(h, out, size);
}

static int host_write_service(const struct host *h, char *out, socklen_t size, int flags)
{
    const struct resolve_service *s = NULL;
    char number[8];

    if (!(flags & NI_NUMERICSERV))
        s = resolve_find_service(NULL, h->port,
                                 flags & NI_DGRAM ? 1u << SOCK_DGRAM : 1u << SOCK_STREAM);
    snprintf(number, sizeof(number), "%u", h->port);
    return host_copy(out, size, s ? s->name : number);
}

int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t hostlen,
                char *service, socklen_t servicelen, int flags)
{
    const int known = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM;
    struct host h;
    int error = 0;

    if (flags & ~known)
        return EAI_BADFLAGS;
    if (len < sizeof(addr->sa_family) || (error = host_read(&h, addr, len)))
        return EAI_FAMILY;
    if (host && hostlen)
        error = host_write(&h, host, hostlen, flags);
    if (!error && service && servicelen)
        error = host_write_service(&h, service, servicelen, flags);
    return error;
}

/* ---- gethostbyname --------------------------------------------------------------------------- */

static int host_error(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_ADDRFAMILY:
        return HOST_NOT_FOUND;
    case EAI_NODATA:
        return NO_DATA;
    case EAI_AGAIN:
        return TRY_AGAIN;
    default:
        return NO_RECOVERY;
    }
}

struct hostent *gethostbyname(const char *name)
{
    static struct {
        struct hostent h;
        struct in_addr addrs[HOST_ADDRS];
        char name[DNS_TEXT_MAX + 1];
        char *list[HOST_ADDRS + 1], *none[1];
    } r;
    struct addrinfo hints = {
        .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *list;
    unsigned n = 0;
    int error = getaddrinfo(name, NULL, &hints, &list);

    if (error) {
        h_errno = host_error(error);
        return NULL;
    }
    snprintf(r.name, sizeof(r.name), "%s", list->ai_canonname);
    for (const struct addrinfo *a = list; a && n < HOST_ADDRS; a = a->ai_next, n++) {
        r.addrs[n] = ((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr;
        r.list[n] = (char *)&r.addrs[n];
    }
    r.list[n] = NULL;
    freeaddrinfo(list);
    r.h = (struct hostent){r.name, r.none, AF_INET, sizeof(r.addrs[0]), r.list};
    return &r.h;
}
