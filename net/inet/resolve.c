/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve.c - getaddrinfo() (POSIX.1-2017; RFC 3493, section 6.1). A request is what the caller
 * asked for, checked; addresses of any origin become entries of its list.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"

struct request {
    struct addrinfo hints;
    unsigned types; /* 1 << SOCK_STREAM ... */
    uint16_t port;
    const char *canonical; /* for the first entry; NULL: not asked for, or done */
    struct addrinfo *list, **tail;
};

/* ---- what is asked for ----------------------------------------------------------------------- */

static int request_check(const struct addrinfo *h, const char *node)
{
    const int known = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL |
                      AI_ADDRCONFIG | AI_NUMERICSERV;

    if ((h->ai_flags & ~known) || ((h->ai_flags & AI_CANONNAME) && !node))
        return EAI_BADFLAGS;
    if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
        return EAI_FAMILY;
    return 0;
}

static int request_protocol_of(const struct addrinfo *h, int type)
{
    return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : h->ai_protocol;
}

/* All types without hints; else the first one that fits them. */
static int request_types(struct request *r)
{
    const struct addrinfo *h = &r->hints;

    for (int type = SOCK_STREAM; type <= SOCK_RAW; type++) {
        bool fits = (!h->ai_socktype || h->ai_socktype == type) &&
                    (!h->ai_protocol || h->ai_protocol == request_protocol_of(h, type));

        if (fits && (!r->types || !(h->ai_socktype || h->ai_protocol)))
            r->types |= 1u << type;
    }
    if (!r->types)
        return h->ai_socktype ? EAI_SOCKTYPE : EAI_SERVICE;
    return 0;
}

/* A service is of streams and datagrams; with a number also raw sockets may have it, if no type is
 * asked for. */
static int request_service(struct request *r, const char *service)
{
    const struct resolve_service *s;
    unsigned long n;
    char *end;

    if (!service)
        return 0;
    if (r->types == 1u << SOCK_RAW)
        return EAI_SERVICE;
    n = strtoul(service, &end, 10);
    if (!*end) {
        r->port = (uint16_t)n;
        return n > 0xffff ? EAI_SERVICE : 0;
    }
    s = resolve_find_service(service, 0, r->types);
    if (!s)
        return EAI_SERVICE;
    r->types &= s->types;
    r->port = s->port;
    return 0;
}

/* ---- the list -------------------------------------------------------------------------------- */

/* An addrinfo with its address and name, in one block of memory. */
struct entry {
    struct addrinfo ai;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } addr;
    char name[];
};

static void entry_fill(struct entry *e, const struct resolve_addr *a, uint16_t port)
{
    e->ai.ai_addr = &e->addr.any;
    e->ai.ai_family = a->family;
    if (a->family == AF_INET) {
        e->ai.ai_addrlen = sizeof(e->addr.in);
        e->addr.in.sin_family = AF_INET;
        e->addr.in.sin_port = htons(port);
        memcpy(&e->addr.in.sin_addr, a->bytes, sizeof(e->addr.in.sin_addr));
    } else {
        e->ai.ai_addrlen = sizeof(e->addr.in6);
        e->addr.in6.sin6_family = AF_INET6;
        e->addr.in6.sin6_port = htons(port);
        e->addr.in6.sin6_scope_id = a->scope;
        memcpy(&e->addr.in6.sin6_addr, a->bytes, sizeof(e->addr.in6.sin6_addr));
    }
}

static int request_add_type(struct request *r, const struct resolve_addr *a, int type)
{
    size_t len = r->canonical ? strlen(r->canonical) + 1 : 0;
    struct entry *e = calloc(1, sizeof(*e) + len);

    if (!e)
        return EAI_MEMORY;
    entry_fill(e, a, r->port);
    e->ai.ai_flags = r->hints.ai_flags;
    e->ai.ai_socktype = type;
    e->ai.ai_protocol = request_protocol_of(&r->hints, type);
    if (len)
        e->ai.ai_canonname = memcpy(e->name, r->canonical, len);
    r->canonical = NULL;
    *r->tail = &e->ai;
    r->tail = &e->ai.ai_next;
    return 0;
}

/* An entry for each type. */
static int request_add(struct request *r, const struct resolve_addr *a)
{
    int error = 0;

    for (int type = SOCK_STREAM; type <= SOCK_RAW && !error; type++)
        if (r->types >> type & 1)
            error = request_add_type(r, a, type);
    return error;
}

/* Makes an IPv4 address one that an IPv6 socket can use (RFC 4291, 2.5.5.2). */
static void addr_map(struct resolve_addr *a)
{
    memcpy(a->bytes + 12, a->bytes, 4);
    memset(a->bytes, 0, 10);
    memset(a->bytes + 10, 0xff, 2);
    a->family = AF_INET6;
}

static int request_add_number(struct request *r, struct resolve_addr *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    int want = r->hints.ai_family;

    if (a->family == AF_INET && want == AF_INET6 && (r->hints.ai_flags & AI_V4MAPPED)) {
        addr_map(a);
    } else if (a->family == AF_INET6 && want == AF_INET && memcmp(a->bytes, mapped, 12) == 0) {
        memmove(a->bytes, a->bytes + 12, 4);
        a->family = AF_INET;
    }
    if (want != AF_UNSPEC && want != a->family)
        return EAI_ADDRFAMILY;
    return request_add(r, a);
}

/* ---- origins of addresses -------------------------------------------------------------------- */

/* The addresses of this machine. six_first: as Linux has the order without a name. */
static int request_add_own(struct request *r, bool any, bool six_first)
{
    struct resolve_addr own[2] = {{.family = AF_INET}, {.family = AF_INET6}};
    int error = 0;

    if (!any) {
        memcpy(own[0].bytes, "\x7f\0\0\1", 4);
        own[1].bytes[15] = 1;
    }
    for (int i = 0; i < 2 && !error; i++) {
        struct resolve_addr *a = &own[i ^ six_first];

        if (r->hints.ai_family == AF_UNSPEC || r->hints.ai_family == a->family)
            error = request_add(r, a);
    }
    return error;
}

/* All addresses of an answer. */
static int request_add_answer(struct request *r, const struct dns_query *q, bool map)
{
    size_t size = q->answer.type == DNS_A ? 4 : 16, at = 0;
    const uint8_t *bytes;
    int error = 0;

    if (q->verdict != DNS_FOUND)
        return 0;
    while (!error && (bytes = dns_answer_next(&q->answer, &at, NULL))) {
        struct resolve_addr a = {.family = size == 4 ? AF_INET : AF_INET6};

        memcpy(a.bytes, bytes, size);
        if (map)
            addr_map(&a);
        error = request_add(r, &a);
    }
    return error;
}

/* The questions to ask, in the order of their addresses in the list; the number of them. */
static unsigned request_questions(const struct request *r, enum dns_type types[2])
{
    int family = r->hints.ai_family, flags = r->hints.ai_flags;
    bool has4 = resolve_has_family(AF_INET), has6 = resolve_has_family(AF_INET6);
    bool one = (flags & AI_ADDRCONFIG) && has4 != has6; /* addresses of one family are of use */

    if (family == AF_UNSPEC) {
        types[0] = has6 && !has4 ? DNS_AAAA : DNS_A;
        types[1] = types[0] == DNS_A ? DNS_AAAA : DNS_A;
        return one ? 1 : 2;
    }
    types[0] = family == AF_INET ? DNS_A : DNS_AAAA;
    types[1] = DNS_A;
    if ((flags & AI_ADDRCONFIG) && !(family == AF_INET ? has4 : has6) && (has4 || has6))
        return 0;
    return family == AF_INET6 && (flags & AI_V4MAPPED) ? 2 : 1;
}

static int request_add_answers(struct request *r, const struct dns_lookup *l)
{
    bool map = r->hints.ai_family == AF_INET6;
    char name[DNS_TEXT_MAX];
    int error;

    for (unsigned i = 0; i < l->count && r->canonical; i++)
        if (l->queries[i].verdict == DNS_FOUND && dns_name_text(l->queries[i].answer.owner, name)) {
            r->canonical = name;
            break;
        }
    error = request_add_answer(r, &l->queries[0], false);
    if (l->count == 2 && !error && (!map || !r->list || (r->hints.ai_flags & AI_ALL)))
        error = request_add_answer(r, &l->queries[1], map);
    return error;
}

/* Entered. [parks] */
static int request_ask(struct request *r, const char *node)
{
    uint8_t wire[DNS_NAME_MAX];
    enum dns_type types[2];
    struct dns_lookup *l;
    int error = resolve_prepare(node, wire);
    unsigned count = error ? 0 : request_questions(r, types);

    if (!count)
        return EAI_NONAME;
    error = resolve_ask(wire, types, count, &l);
    if (!error) {
        error = request_add_answers(r, l);
        dns_free(l);
    }
    return error;
}

static int request_add_named(struct request *r, const char *node)
{
    int error;

    net_enter();
    error = request_ask(r, node);
    net_leave();
    return error;
}

static int request_add_node(struct request *r, const char *node)
{
    struct resolve_addr a;

    if (!node)
        return request_add_own(r, r->hints.ai_flags & AI_PASSIVE,
                               !(r->hints.ai_flags & AI_PASSIVE));
    if (r->hints.ai_flags & AI_CANONNAME)
        r->canonical = node;
    if (resolve_number(node, &a))
        return request_add_number(r, &a);
    if (r->hints.ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    if (resolve_is_local(node)) {
        r->canonical = r->canonical ? "localhost" : NULL;
        return request_add_own(r, false, false);
    }
    return request_add_named(r, node);
}

/* ---- the calls ------------------------------------------------------------------------------- */

/* "*" stands for nothing in particular, as on Linux. */
static const char *without_star(const char *text)
{
    return text && strcmp(text, "*") == 0 ? NULL : text;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    struct request r = {.hints = {.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG}, .tail = &r.list};
    int error;

    node = without_star(node);
    service = without_star(service);
    if (hints)
        r.hints = *hints;
    if (!node && !service)
        return EAI_NONAME;
    error = request_check(&r.hints, node);
    if (!error && service && (r.hints.ai_flags & AI_NUMERICSERV) &&
        service[strspn(service, "0123456789")])
        error = EAI_NONAME;
    if (!error)
        error = request_types(&r);
    if (!error)
        error = request_service(&r, service);
    if (!error)
        error = request_add_node(&r, node);
    if (error)
        freeaddrinfo(r.list);
    else
        *result = r.list;
    return error;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}
