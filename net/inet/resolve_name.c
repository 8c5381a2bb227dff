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

static bool resolve_has_address(void)
{
    char text[NET_ADDRESS_TEXT];

    return net_address(0, text) == 0;
}

static bool resolve_has_server(void)
{
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++)
        if (!ip_addr_isany(dns_getserver(i)))
            return true;
    return false;
}

/* Name servers come with the first address: a lookup waits while a card still asks for that. */
static void resolve_await_address(void)
{
    uint64_t deadline = hal_now_ns() + net_asking_ns();

    while (!(resolve_has_address() && resolve_has_server()) &&
           (net_asking(false) || (net_asking(true) && !resolve_has_address())))
        if (net_park(&net_core.asking, deadline)) {
            if (!resolve_has_address())
                net_asking_vain();
            return;
        }
}

/* What to tell when nobody has answered the question. */
static int resolve_nobody(const struct dns_query *q)
{
    if (!q->sent && !resolve_has_address())
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

int resolve_prepare(const char *name, uint8_t wire[DNS_NAME_MAX])
{
    if (!dns_name_parse(name, wire))
        return EAI_NONAME;
    resolve_await_address();
    return 0;
}

int resolve_ask(const uint8_t *wire, const enum dns_type *types, unsigned count,
                struct dns_lookup **out)
{
    struct dns_lookup *l = dns_look_up(wire, types, count);
    int error = l ? resolve_outcome(l) : EAI_MEMORY;

    if (l && error)
        dns_free(l);
    *out = error ? NULL : l;
    return error;
}
