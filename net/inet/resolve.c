/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve.c - names to addresses: the functions of <netdb.h>, on lwIP's resolver (RFC 1035). lwIP
 * repeats a question and gives up by itself; the task that asked parks meanwhile.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lwip/dns.h"
#include "net_impl.h"

#define RESOLVE_DEADLINE (30 * HAL_SEC) /* lwIP gives up earlier, unless memory is short */

int h_errno;

/* ---- one query ------------------------------------------------------------------------------- */

/* A question, shared by the task that asked and lwIP's callback. The later of the two frees it. */
struct query {
    struct waitq waiter;
    ip_addr_t addr;
    bool answered, found;
    bool abandoned; /* the task waits no longer */
};

static void query_on_answer(const char *name, const ip_addr_t *addr, void *arg)
{
    struct query *q = arg;

    (void)name;
    if (q->abandoned) {
        net_free(q);
        return;
    }
    q->answered = true;
    q->found = addr != NULL;
    if (addr)
        q->addr = *addr;
    waitq_wake_all(&q->waiter);
}

/* Parks until the answer is there, and frees the query. 0 or EAI_. [parks] */
static int query_await(struct query *q, ip_addr_t *addr)
{
    uint64_t deadline = hal_now_ns() + RESOLVE_DEADLINE;
    int error;

    while (!q->answered)
        if (net_park(&q->waiter, deadline)) {
            q->abandoned = true;
            return EAI_AGAIN;
        }
    *addr = q->addr;
    error = q->found ? 0 : EAI_NONAME;
    net_free(q);
    return error;
}

/* Asks for an address of one family (LWIP_DNS_ADDRTYPE_...). 0 or EAI_. Entered. [parks] */
static int query_name(const char *name, u8_t family, ip_addr_t *addr)
{
    struct query *q = net_calloc(1, sizeof(*q));
    err_t err;

    if (!q)
        return EAI_MEMORY;
    err = dns_gethostbyname_addrtype(name, addr, query_on_answer, q, family);
    if (err == ERR_INPROGRESS) {
        net_kick();
        return query_await(q, addr);
    }
    net_free(q);
    if (err == ERR_OK)
        return 0;
    /* ERR_VAL: no name server is known (yet); ERR_MEM: lwIP's table is full of open questions */
    return err == ERR_ARG ? EAI_NONAME : EAI_AGAIN;
}

/* ---- getaddrinfo ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint16_t port;
    uint8_t types; /* 1 << SOCK_STREAM, 1 << SOCK_DGRAM */
} services[] = {
    {"http", 80, 2},       {"https", 443, 2}, {"domain", 53, 6},  {"ntp", 123, 4},
    {"ssh", 22, 2},        {"telnet", 23, 2}, {"smtp", 25, 2},    {"ftp", 21, 2},
    {"http-alt", 8080, 2}, {"tftp", 69, 4},   {"syslog", 514, 4}, {"mqtt", 1883, 2},
};

static int find_service(const char *service, const struct addrinfo *h, u16_t *port)
{
    char *end;
    unsigned long n;

    *port = 0;
    if (!service)
        return 0;
    n = strtoul(service, &end, 10);
    if (end != service && !*end) {
        *port = (u16_t)n;
        return n > 0xffff ? EAI_SERVICE : 0;
    }
    if (h->ai_flags & AI_NUMERICSERV)
        return EAI_NONAME;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].name, service) == 0 &&
            (!h->ai_socktype || (services[i].types >> h->ai_socktype & 1))) {
            *port = services[i].port;
            return 0;
        }
    return EAI_SERVICE;
}

/* An addrinfo with its address and name, in one block of memory. */
struct entry {
    struct addrinfo ai;
    struct sockaddr_storage addr;
    char name[];
};

static void addrinfo_fill(struct entry *e, const ip_addr_t *addr, u16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&e->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e->addr;

    e->ai.ai_addr = (struct sockaddr *)&e->addr;
    if (IP_IS_V4(addr)) {
        e->ai.ai_family = in->sin_family = AF_INET;
        e->ai.ai_addrlen = sizeof(*in);
        in->sin_port = htons(port);
        in->sin_addr.s_addr = ip_2_ip4(addr)->addr;
    } else {
        e->ai.ai_family = in6->sin6_family = AF_INET6;
        e->ai.ai_addrlen = sizeof(*in6);
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, ip_2_ip6(addr)->addr, 16);
        in6->sin6_scope_id = ip6_addr_zone(ip_2_ip6(addr));
    }
}

static int addrinfo_add(struct addrinfo ***tail, const ip_addr_t *addr, u16_t port, int type,
                        const char *name)
{
    size_t len = name ? strlen(name) + 1 : 0;
    struct entry *e = calloc(1, sizeof(*e) + len);

    if (!e)
        return EAI_MEMORY;
    addrinfo_fill(e, addr, port);
    e->ai.ai_socktype = type;
    e->ai.ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
    if (name)
        e->ai.ai_canonname = memcpy(e->name, name, len);
    **tail = &e->ai;
    *tail = &e->ai.ai_next;
    return 0;
}

/* An entry for each socket type that the hints ask for. name: the canonical one; NULL: local. */
static int addrinfo_add_types(struct addrinfo ***tail, const ip_addr_t *addr, u16_t port,
                              const struct addrinfo *h, const char *name)
{
    int error = 0;

    if (h->ai_flags & AI_CANONNAME)
        name = name ? name : "localhost";
    else
        name = NULL;
    if (h->ai_socktype)
        return addrinfo_add(tail, addr, port, h->ai_socktype, name);
    error = addrinfo_add(tail, addr, port, SOCK_STREAM, name);
    return error ? error : addrinfo_add(tail, addr, port, SOCK_DGRAM, name);
}

static bool family_fits(const ip_addr_t *addr, int family)
{
    return family == AF_UNSPEC || (family == AF_INET) == IP_IS_V4(addr);
}

static int addrinfo_add_local(struct addrinfo ***tail, u16_t port, const struct addrinfo *h)
{
    bool any = h->ai_flags & AI_PASSIVE;
    ip_addr_t v4, v6;
    int error = 0;

    ip_addr_set_ip4_u32_val(v4, any ? 0 : PP_HTONL(INADDR_LOOPBACK));
    ip_addr_set_zero_ip6(&v6);
    if (!any)
        IP_ADDR6_HOST(&v6, 0, 0, 0, 1);
    if (family_fits(&v4, h->ai_family))
        error = addrinfo_add_types(tail, &v4, port, h, NULL);
    if (!error && family_fits(&v6, h->ai_family))
        error = addrinfo_add_types(tail, &v6, port, h, NULL);
    return error;
}

static int addrinfo_add_named(struct addrinfo ***tail, const char *node, u16_t port,
                              const struct addrinfo *h)
{
    static const u8_t types[] = {LWIP_DNS_ADDRTYPE_IPV4, LWIP_DNS_ADDRTYPE_IPV6};
    int error = EAI_NONAME;
    bool some = false;
    ip_addr_t addr;

    for (int i = 0; i < 2; i++) {
        int e;

        if (h->ai_family == (i == 0 ? AF_INET6 : AF_INET))
            continue;
        net_enter();
        e = query_name(node, types[i], &addr);
        net_leave();
        if (e) {
            error = e == EAI_NONAME ? error : e;
            continue;
        }
        if ((error = addrinfo_add_types(tail, &addr, port, h, node)))
            return error;
        some = true;
    }
    return some ? 0 : error;
}

static int addrinfo_add_node(struct addrinfo ***tail, const char *node, u16_t port,
                             const struct addrinfo *h)
{
    ip_addr_t addr;

    if (!node)
        return addrinfo_add_local(tail, port, h);
    if (ipaddr_aton(node, &addr))
        return family_fits(&addr, h->ai_family) ? addrinfo_add_types(tail, &addr, port, h, node)
                                                : EAI_NONAME;
    if (h->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    if (strcasecmp(node, "localhost") == 0) {
        struct addrinfo local = *h;

        local.ai_flags &= ~AI_PASSIVE;
        return addrinfo_add_local(tail, port, &local);
    }
    return addrinfo_add_named(tail, node, port, h);
}

static int hints_check(const struct addrinfo *h)
{
    const int known = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL |
                      AI_ADDRCONFIG | AI_NUMERICSERV;

    if (h->ai_flags & ~known)
        return EAI_BADFLAGS;
    if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
        return EAI_FAMILY;
    if (h->ai_socktype < 0 || h->ai_socktype > SOCK_RAW)
        return EAI_SOCKTYPE;
    return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    struct addrinfo h = {0}, *list = NULL, **tail = &list;
    u16_t port;
    int error;

    if (hints)
        h = *hints;
    if (!node && !service)
        return EAI_NONAME;
    if ((error = hints_check(&h)) || (error = find_service(service, &h, &port)))
        return error;
    error = addrinfo_add_node(&tail, node, port, &h);
    if (error) {
        freeaddrinfo(list);
        return error;
    }
    *result = list;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

const char *gai_strerror(int error)
{
    switch (error) {
    case 0:
        return "no error";
    case EAI_BADFLAGS:
        return "unknown flags";
    case EAI_NONAME:
        return "no such name";
    case EAI_AGAIN:
        return "the name server did not answer";
    case EAI_FAIL:
        return "the name server failed";
    case EAI_FAMILY:
        return "unknown address family";
    case EAI_SOCKTYPE:
        return "unknown socket type";
    case EAI_SERVICE:
        return "unknown service";
    case EAI_MEMORY:
        return "out of memory";
    case EAI_SYSTEM:
        return "see errno";
    case EAI_OVERFLOW:
        return "the result does not fit";
    default:
        return "unknown error";
    }
}

/* ---- getnameinfo, gethostbyname -------------------------------------------------------------- */

int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t hostlen,
                char *service, socklen_t servicelen, int flags)
{
    const struct sockaddr_in *in = (const void *)addr;
    const struct sockaddr_in6 *in6 = (const void *)addr;
    bool v4 = addr->sa_family == AF_INET;

    if (!v4 && addr->sa_family != AF_INET6)
        return EAI_FAMILY;
    if (len < (v4 ? sizeof(*in) : sizeof(*in6)))
        return EAI_FAMILY;
    if (flags & NI_NAMEREQD)
        return EAI_NONAME;
    if (host && hostlen &&
        !inet_ntop(addr->sa_family, v4 ? (const void *)&in->sin_addr : &in6->sin6_addr, host,
                   hostlen))
        return EAI_OVERFLOW;
    if (service && servicelen &&
        snprintf(service, servicelen, "%u", ntohs(v4 ? in->sin_port : in6->sin6_port)) >=
            (int)servicelen)
        return EAI_OVERFLOW;
    return 0;
}

struct hostent *gethostbyname(const char *name)
{
    static struct {
        struct hostent h;
        struct in_addr addr;
        char name[DNS_MAX_NAME_LENGTH];
        char *list[2], *none[1];
    } r;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *ai;
    int error = getaddrinfo(name, NULL, &hints, &ai);

    if (error) {
        h_errno = error == EAI_NONAME  ? HOST_NOT_FOUND
                  : error == EAI_AGAIN ? TRY_AGAIN
                                       : NO_RECOVERY;
        return NULL;
    }
    r.addr = ((struct sockaddr_in *)(void *)ai->ai_addr)->sin_addr;
    freeaddrinfo(ai);
    snprintf(r.name, sizeof(r.name), "%s", name);
    r.list[0] = (char *)&r.addr;
    r.h = (struct hostent){r.name, r.none, AF_INET, sizeof(r.addr), r.list};
    return &r.h;
}
