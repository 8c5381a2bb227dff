/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netdb_tables.c - services and protocols by <netdb.h> (POSIX.1-2017), and the files of hosts and
 * networks that there are not. An entry of the table that has several protocols is one for each.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"

static char *no_aliases[] = {NULL};

/* ---- services -------------------------------------------------------------------------------- */

static const char *const service_protocols[] = {"tcp", "udp"};
static const int service_types[] = {SOCK_STREAM, SOCK_DGRAM};
#define SERVICE_PROTOCOLS 2u

static struct servent *service_entry(const struct resolve_service *s, unsigned protocol)
{
    static struct servent entry;

    entry = (struct servent){(char *)(uintptr_t)s->name, no_aliases, htons(s->port),
                             (char *)(uintptr_t)service_protocols[protocol]};
    return &entry;
}

/* By name, or by port where that is NULL. */
static struct servent *service_find(const char *name, uint16_t port, const char *protocol)
{
    for (unsigned i = 0; i < SERVICE_PROTOCOLS; i++) {
        const struct resolve_service *s;

        if (protocol && strcmp(protocol, service_protocols[i]))
            continue;
        s = resolve_find_service(name, port, 1u << service_types[i]);
        if (s)
            return service_entry(s, i);
    }
    return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    return service_find(name, 0, protocol);
}

struct servent *getservbyport(int port, const char *protocol)
{
    return service_find(NULL, ntohs((uint16_t)port), protocol);
}

static size_t next_service;

struct servent *getservent(void)
{
    const struct resolve_service *s;

    while ((s = resolve_service_at(next_service / SERVICE_PROTOCOLS))) {
        unsigned protocol = (unsigned)(next_service++ % SERVICE_PROTOCOLS);

        if (s->types & 1u << service_types[protocol])
            return service_entry(s, protocol);
    }
    return NULL;
}

void setservent(int stay)
{
    (void)stay;
    next_service = 0;
}

void endservent(void)
{
    next_service = 0;
}

/* ---- protocols (RFC 5237 and its registry) --------------------------------------------------- */

static const struct {
    const char *name;
    int number;
} protocols[] = {
    {"ip", 0},
    {"icmp", IPPROTO_ICMP},
    {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"ipv6", IPPROTO_IPV6},
    {"ipv6-icmp", IPPROTO_ICMPV6},
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static struct protoent *protocol_entry(size_t i)
{
    static struct protoent entry;

    if (i >= PROTOCOLS)
        return NULL;
    entry =
        (struct protoent){(char *)(uintptr_t)protocols[i].name, no_aliases, protocols[i].number};
    return &entry;
}

struct protoent *getprotobyname(const char *name)
{
    size_t i = 0;

    while (i < PROTOCOLS && strcmp(protocols[i].name, name))
        i++;
    return protocol_entry(i);
}

struct protoent *getprotobynumber(int number)
{
    size_t i = 0;

    while (i < PROTOCOLS && protocols[i].number != number)
        i++;
    return protocol_entry(i);
}

static size_t next_protocol;

struct protoent *getprotoent(void)
{
    struct protoent *p = protocol_entry(next_protocol);

    next_protocol += p != NULL;
    return p;
}

void setprotoent(int stay)
{
    (void)stay;
    next_protocol = 0;
}

void endprotoent(void)
{
    next_protocol = 0;
}

/* ---- hosts and networks: no file of them ----------------------------------------------------- */

struct hostent *gethostent(void)
{
    return NULL;
}

void sethostent(int stay)
{
    (void)stay;
}

void endhostent(void)
{
}

struct netent *getnetbyname(const char *name)
{
    (void)name;
    return NULL;
}

struct netent *getnetbyaddr(uint32_t net, int family)
{
    (void)net, (void)family;
    return NULL;
}

struct netent *getnetent(void)
{
    return NULL;
}

void setnetent(int stay)
{
    (void)stay;
}

void endnetent(void)
{
}
