/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet_text.c - addresses as text: the functions of <arpa/inet.h>.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lwip/ip_addr.h"

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

static int text_to_ip4(const char *text, void *addr)
{
    ip4_addr_t ip;
    unsigned dots = 0;

    for (const char *c = text; *c; c++) {
        if (*c != '.' && (*c < '0' || *c > '9'))
            return 0;
        if (*c == '0' && (c == text || c[-1] == '.') && c[1] >= '0' && c[1] <= '9')
            return 0; /* inet_aton() reads it as octal, other systems refuse it */
        dots += *c == '.';
    }
    if (dots != 3 || !ip4addr_aton(text, &ip))
        return 0;
    memcpy(addr, &ip.addr, 4);
    return 1;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * What lwIP's parser takes for granted of a text (RFC 4291, 2.2): groups of one to four digits, at
 * most one "::", no ':' alone at either end, no other character.
 */
static bool ip6_text_ok(const char *text)
{
    unsigned digits = 0, gaps = 0;
    const char *c = text;

    if (*c == ':' && c[1] != ':')
        return false;
    for (; *c; c++) {
        if (*c == ':' && c[1] == ':')
            gaps++;
        digits = is_hex(*c) ? digits + 1 : 0;
        if (digits > 4 || !(digits || *c == ':' || *c == '.'))
            return false;
    }
    return gaps <= 1 && c != text && (c[-1] != ':' || c[-2] == ':');
}

static int text_to_ip6(const char *text, void *addr)
{
    ip6_addr_t ip;

    if (!ip6_text_ok(text) || !ip6addr_aton(text, &ip))
        return 0;
    memcpy(addr, ip.addr, 16);
    return 1;
}

int inet_pton(int family, const char *text, void *addr)
{
    if (family == AF_INET)
        return text_to_ip4(text, addr);
    if (family == AF_INET6)
        return text_to_ip6(text, addr);
    errno = EAFNOSUPPORT;
    return -1;
}

/* RFC 5952, 4.3: letters are lower case; lwIP writes capitals. */
static void text_to_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'F')
            *text |= 0x20;
}

const char *inet_ntop(int family, const void *addr, char *text, socklen_t size)
{
    const char *result;

    if (family == AF_INET) {
        ip4_addr_t ip;

        memcpy(&ip.addr, addr, 4);
        result = ip4addr_ntoa_r(&ip, text, (int)size);
    } else if (family == AF_INET6) {
        ip6_addr_t ip;

        memcpy(ip.addr, addr, 16);
        ip6_addr_clear_zone(&ip);
        result = ip6addr_ntoa_r(&ip, text, (int)size);
        if (result)
            text_to_lower(text);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (!result)
        errno = ENOSPC;
    return result;
}

int inet_aton(const char *text, struct in_addr *addr)
{
    ip4_addr_t ip;

    if (!ip4addr_aton(text, &ip))
        return 0;
    addr->s_addr = ip.addr;
    return 1;
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr addr;

    return inet_aton(text, &addr) ? addr.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr addr)
{
    static char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &addr, text, sizeof(text));
    return text;
}
