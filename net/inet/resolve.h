/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolve.h - the inside of <netdb.h>, shared by its source files.
 */
#ifndef VIREO_RESOLVE_H
#define VIREO_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "dns.h"

/* An address of either family, in network byte order. */
struct resolve_addr {
    int family;
    uint32_t scope; /* IPv6: interface; 0: none */
    uint8_t bytes[16];
};

/* ---- resolve_text.c -------------------------------------------------------------------------- */

/* Reads an address as getaddrinfo() takes it: IPv4 as inet_aton() does, IPv6 with "%scope". */
bool resolve_number(const char *text, struct resolve_addr *out);
/* The "%scope" that stands behind the text of an IPv6 address; "" without a scope. */
void resolve_scope_text(const struct sockaddr_in6 *in6, char *out, size_t size);
/* Is the name `localhost`, or below it (RFC 6761, section 6.3)? */
bool resolve_is_local(const char *name);
/* Remembers why a name could not be looked up for now: gai_strerror(EAI_AGAIN). EAI_AGAIN. */
int resolve_again(const char *why);

/* ---- resolve_service.c ----------------------------------------------------------------------- */

/* types: 1 << SOCK_STREAM, 1 << SOCK_DGRAM */
struct resolve_service {
    const char *name;
    uint16_t port;
    uint8_t types;
};
/* By name, or by port if name is NULL; of one of these types. NULL: not known. */
const struct resolve_service *resolve_find_service(const char *name, uint16_t port, unsigned types);
/* The i-th of them, from 0; NULL: there are no more. */
const struct resolve_service *resolve_service_at(size_t i);

/* ---- resolve_name.c -------------------------------------------------------------------------- */

/*
 * The name in the form of messages. Waits, vireo.net_wait_ms at most, while a card still asks for
 * the first address of this machine. EAI_NONAME: it is no host name. Entered. [parks]
 */
int resolve_prepare(const char *name, uint8_t wire[DNS_NAME_MAX]);
/*
 * Looks a name up. *out is the caller's, for dns_free(); NULL after an error. 0: at least one
 * question has an answer; EAI_. Entered. [parks]
 */
int resolve_ask(const uint8_t *wire, const enum dns_type *types, unsigned count,
                struct dns_lookup **out);
/* Has any interface an address of this family that other networks can reach? */
bool resolve_has_family(int family);

#endif
