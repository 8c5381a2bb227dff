/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve_text.c - what of <netdb.h> needs no server: addresses as text (RFC 4007, section 11, for
 * scopes), names that are local, and the texts of errors.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "resolve.h"

/* ---- addresses ------------------------------------------------------------------------------- */

/* Of an address that belongs to one link: fe80::/10, and the groups of ff02 and its like. */
static bool resolve_scope_has_name(const uint8_t *addr)
{
    return addr[0] == 0xff ? (addr[1] & 15) == 2 : addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* A scope is the name of a device, if the address belongs to a link, or a number. */
static bool resolve_scope(const char *text, struct resolve_addr *a)
{
    unsigned long n;
    char *end;

    if (resolve_scope_has_name(a->bytes))
        for (const struct net_dev *d = net_core.devs; d; d = d->next)
            if (strcmp(d->name, text) == 0) {
                a->scope = netif_get_index(&d->netif);
                return true;
            }
    if (*text < '0' || *text > '9')
        return false;
    n = strtoul(text, &end, 10);
    a->scope = (uint32_t)n;
    return !*end && n <= UINT32_MAX;
}

void resolve_scope_text(const struct sockaddr_in6 *in6, char *out, size_t size)
{
    *out = '\0';
    if (!in6->sin6_scope_id)
        return;
    snprintf(out, size, "%%%u", (unsigned)in6->sin6_scope_id);
    if (resolve_scope_has_name(in6->sin6_addr.s6_addr))
        for (const struct net_dev *d = net_core.devs; d; d = d->next)
            if (netif_get_index(&d->netif) == in6->sin6_scope_id)
                snprintf(out, size, "%%%s", d->name);
}

static bool resolve_number6(const char *text, struct resolve_addr *out)
{
    char copy[INET6_ADDRSTRLEN];
    const char *scope = strchr(text, '%');
    size_t len = scope ? (size_t)(scope - text) : strlen(text);

    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    out->family = AF_INET6;
    return inet_pton(AF_INET6, copy, out->bytes) == 1 && (!scope || resolve_scope(scope + 1, out));
}

bool resolve_number(const char *text, struct resolve_addr *out)
{
    struct in_addr in;

    *out = (struct resolve_addr){.family = AF_INET};
    if (!strpbrk(text, " \t\n\v\f\r") && inet_aton(text, &in)) {
        memcpy(out->bytes, &in, sizeof(in));
        return true;
    }
    return resolve_number6(text, out);
}

/* ---- names ----------------------------------------------------------------------------------- */

bool resolve_is_local(const char *name)
{
    static const char local[] = "localhost";
    size_t len = strlen(name), size = sizeof(local) - 1;

    if (len && name[len - 1] == '.')
        len--;
    if (len < size || strncasecmp(name + len - size, local, size) != 0)
        return false;
    return len == size || name[len - size - 1] == '.';
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const char *again_why = "temporary failure of name resolution";

int resolve_again(const char *why)
{
    again_why = why;
    return EAI_AGAIN;
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
        return again_why;
    case EAI_FAIL:
        return "the name server failed";
    case EAI_NODATA:
        return "the name has no address of this family";
    case EAI_FAMILY:
        return "unknown address family";
    case EAI_SOCKTYPE:
        return "unknown socket type";
    case EAI_SERVICE:
        return "unknown service";
    case EAI_ADDRFAMILY:
        return "the address is of another family";
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
