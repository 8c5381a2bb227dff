/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve_service.c - well-known services by name and by port (RFC 6335): there is no file of them.
 */
#include <string.h>

#include "resolve.h"

enum { STREAM = 1 << SOCK_STREAM, DGRAM = 1 << SOCK_DGRAM };

static const struct resolve_service services[] = {
    {"http", 80, STREAM},
    {"https", 443, STREAM},
    {"domain", 53, STREAM | DGRAM},
    {"ntp", 123, DGRAM},
    {"ssh", 22, STREAM},
    {"telnet", 23, STREAM},
    {"smtp", 25, STREAM},
    {"ftp", 21, STREAM},
    {"http-alt", 8080, STREAM},
    {"tftp", 69, DGRAM},
    {"syslog", 514, DGRAM},
    {"mqtt", 1883, STREAM},
    {"www", 80, STREAM},
    {"echo", 7, STREAM | DGRAM},
    {"discard", 9, STREAM | DGRAM},
    {"daytime", 13, STREAM | DGRAM},
};

const struct resolve_service *resolve_find_service(const char *name, uint16_t port, unsigned types)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const struct resolve_service *s = &services[i];

        if ((s->types & types) && (name ? strcmp(s->name, name) == 0 : s->port == port))
            return s;
    }
    return NULL;
}

const struct resolve_service *resolve_service_at(size_t i)
{
    return i < sizeof(services) / sizeof(services[0]) ? &services[i] : NULL;
}
