/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve_name.c - a name for the name servers: whether it is one, which servers there are, and
 * what their answers are to an application.
 */
#include <string.h>

#include "resolve.h"

bool resolve_has_family(int family)
{
    char text[NET_ADDRESS_TEXT];

    for (unsigned n = 0; net_address(n, text) == 0; n++)
        if ((strchr(text, ':') != NULL) == (family == AF_INET6))
            return true;
    return false;
}

/* What to tell when nobody has answered the question. */
static int resolve_nobody(const struct dns_query *q)
{
    char text[NET_ADDRESS_TEXT];

    if (!q->sent && net_address(0, text) != 0)
        return resolve_again("this machine has no address");
    if (!q->count)
        return resolve_again("no name server is known");
    if (!q->sent)
        return resolve_again("there is no route to the name server");
    return resolve_again("the name server did not answer");
}

static int resolve_error_of(const struct dns_query *q)
{
    switch (q->verdict) {
    case DNS_FOUND:
        return 0;
    case DNS_NO_NAME:
        return EAI_NONAME;
    case DNS_NO_DATA:
        return EAI_NODATA;
    case DNS_SERVER_TROUBLE:
        return resolve_again("the name server failed for now");
    case DNS_SERVER_REFUSES:
        return EAI_FAIL;
    default:
        return resolve_nobody(q);
    }
}

/* Of two errors: a name that does not exist has no data of any type; then the one that may end. */
static int resolve_worse(int a, int b)
{
    static const int order[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL};

    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

static int resolve_outcome(const struct dns_lookup *l)
{
    int error = resolve_error_of(&l->queries[0]);

    if (l->count == 2 && error) {
        int other = resolve_error_of(&l->queries[1]);

        error = other ? resolve_worse(error, other) : 0;
    }
    return error;
}

int resolve_ask(const char *name, const enum dns_type *types, unsigned count,
                struct dns_lookup **out)
{
    uint8_t wire[DNS_NAME_MAX];
    struct dns_lookup *l;
    int error;

    *out = NULL;
    if (!dns_name_parse(name, wire))
        return EAI_NONAME;
    if (!(l = dns_look_up(wire, types, count)))
        return EAI_MEMORY;
    error = resolve_outcome(l);
    if (error)
        dns_free(l);
    else
        *out = l;
    return error;
}
