/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet_text.c - addresses as text: the functions of <arpa/inet.h>. Text forms of IPv6 addresses are
 * those of RFC 4291, section 2.2, and are written as RFC 5952 recommends.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GROUPS 8 /* of 16 bits, in an IPv6 address */

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

/* ---- from text ------------------------------------------------------------------------------- */

/* Four decimal numbers, without a sign, a space or a leading zero, and nothing else. */
static bool text_to_ip4(const char *text, uint8_t ip[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;

        if (i && *text++ != '.')
            return false;
        for (; isdigit((unsigned char)*text); text++, digits++) {
            if (digits && value == 0)
                return false; /* inet_aton() reads it as octal, other systems refuse it */
            value = value * 10 + (unsigned)(*text - '0');
            if (value > 255)
                return false;
        }
        if (!digits)
            return false;
        ip[i] = (uint8_t)value;
    }
    return *text == '\0';
}

static unsigned hex_value(char c)
{
    return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* One to four hexadecimal digits; text after them. NULL: there is no such group. */
static const char *text_to_group(const char *text, uint16_t *group)
{
    unsigned value = 0, digits = 0;

    for (; isxdigit((unsigned char)*text); text++)
        if (++digits > 4)
            return NULL;
        else
            value = value << 4 | hex_value(*text);
    *group = (uint16_t)value;
    return digits ? text : NULL;
}

/*
 * The groups up to "::" or the end, `room` at most; the last two may be an IPv4 address. How many;
 * -1: the text is not of that form. *at is the text, and then where the groups end.
 */
static int text_to_groups(const char **at, uint16_t *groups, int room)
{
    int n = 0;

    while (n < room) {
        const char *end = text_to_group(*at, &groups[n]);
        uint8_t ip[4];

        if (end && *end == '.') {
            if (room - n < 2 || !text_to_ip4(*at, ip))
                return -1;
            groups[n] = (uint16_t)(ip[0] << 8 | ip[1]);
            groups[n + 1] = (uint16_t)(ip[2] << 8 | ip[3]);
            *at += strlen(*at);
            return n + 2;
        }
        if (!end)
            return -1;
        n++;
        *at = end;
        if (n == room || *end != ':' || end[1] == ':')
            break;
        *at = end + 1;
    }
    return n;
}

static bool text_to_ip6(const char *text, uint8_t ip[16])
{
    uint16_t head[GROUPS] = {0}, tail[GROUPS] = {0};
    int before = 0, after = 0;

    if (strncmp(text, "::", 2) != 0)
        before = text_to_groups(&text, head, GROUPS);
    if (before < 0)
        return false;
    if (before < GROUPS && strncmp(text, "::", 2) == 0) {
        text += 2;
        if (*text) /* "::" stands for one group at least */
            after = text_to_groups(&text, tail, GROUPS - 1 - before);
    } else if (before < GROUPS) {
        return false;
    }
    if (after < 0 || *text)
        return false;
    memcpy(&head[GROUPS - after], tail, (size_t)after * sizeof(tail[0]));
    for (unsigned i = 0; i < GROUPS; i++) {
        ip[2 * i] = (uint8_t)(head[i] >> 8);
        ip[2 * i + 1] = (uint8_t)head[i];
    }
    return true;
}

int inet_pton(int family, const char *text, void *addr)
{
    uint8_t ip[16];
    bool ok;

    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    ok = family == AF_INET ? text_to_ip4(text, ip) : text_to_ip6(text, ip);
    if (ok)
        memcpy(addr, ip, family == AF_INET ? 4 : 16);
    return ok;
}

/* A number as C writes it: 10, 0x1f, 017. Text after it; NULL: none, or more than 32 bits. */
static const char *text_to_number(const char *text, uint32_t *out)
{
    unsigned base = *text != '0' ? 10 : (text[1] | 0x20) == 'x' ? 16 : 8;
    uint64_t value = 0;

    if (!isdigit((unsigned char)*text))
        return NULL;
    if (base == 16 && !isxdigit((unsigned char)*(text += 2)))
        return NULL;
    for (; isxdigit((unsigned char)*text) && hex_value(*text) < base; text++) {
        value = value * base + hex_value(*text);
        if (value > UINT32_MAX)
            return NULL;
    }
    *out = (uint32_t)value;
    return text;
}

/* One to four numbers with dots between; the last fills the bytes that are left (POSIX). */
int inet_aton(const char *text, struct in_addr *addr)
{
    uint32_t host = 0, number;

    for (unsigned left = 32;; left -= 8) {
        text = text_to_number(text, &number);
        if (!text)
            return 0;
        if (*text != '.') {
            if ((*text && !isspace((unsigned char)*text)) || (uint64_t)number >> left)
                return 0;
            addr->s_addr = htonl(host | number);
            return 1;
        }
        text++;
        if (left == 8 || number > 255)
            return 0;
        host |= number << (left - 8);
    }
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr addr;

    return inet_aton(text, &addr) ? addr.s_addr : INADDR_NONE;
}

/* ---- to text --------------------------------------------------------------------------------- */

/* Without zeros in front. Where it ends. (snprintf would be most of a small image.) */
static char *inet_put_number(char *at, unsigned v, unsigned base)
{
    char digits[5];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n)
        *at++ = digits[--n];
    return at;
}

/* text has room for INET_ADDRSTRLEN bytes. Returns how many were used, without the 0. */
static int ip4_to_text(const uint8_t *ip, char *text)
{
    char *at = inet_put_number(text, ip[0], 10);

    for (unsigned i = 1; i < 4; i++) {
        *at++ = '.';
        at = inet_put_number(at, ip[i], 10);
    }
    *at = 0;
    return (int)(at - text);
}

/* The first of the longest runs of zero groups: where; *len is 0 if no run has two groups. */
static unsigned zero_run(const uint16_t groups[GROUPS], unsigned *len)
{
    unsigned start = 0, n = 0;

    *len = 0;
    for (unsigned i = 0; i < GROUPS; i++) {
        n = groups[i] ? 0 : n + 1;
        if (n > *len) {
            *len = n;
            start = i + 1 - n;
        }
    }
    if (*len < 2)
        *len = 0;
    return start;
}

/* Addresses that hold an IPv4 address, by RFC 4291, 2.5.5: compatible or mapped ones. */
static bool holds_ip4(const uint16_t groups[GROUPS], unsigned start, unsigned len)
{
    return start == 0 && (len == 6 || (len == 5 && groups[5] == 0xffff));
}

/* The same, of INET6_ADDRSTRLEN bytes. */
static int ip6_to_text(const uint8_t *ip, char *text)
{
    uint16_t groups[GROUPS];
    unsigned start, len, end = GROUPS;
    char *at = text;

    for (unsigned i = 0; i < GROUPS; i++)
        groups[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
    start = zero_run(groups, &len);
    if (len && holds_ip4(groups, start, len))
        end = 6;
    for (unsigned i = 0; i < end; i++) {
        bool in_run = i >= start && i < start + len;

        if (in_run ? i == start : i > 0)
            *at++ = ':';
        if (!in_run)
            at = inet_put_number(at, groups[i], 16);
        else if (i == start && start + len == GROUPS)
            *at++ = ':';
    }
    if (end == 6) {
        *at++ = ':';
        at += ip4_to_text(ip + 12, at);
    }
    *at = 0;
    return (int)(at - text);
}

const char *inet_ntop(int family, const void *addr, char *text, socklen_t size)
{
    char whole[INET6_ADDRSTRLEN];
    int n;

    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    n = family == AF_INET ? ip4_to_text(addr, whole) : ip6_to_text(addr, whole);
    if ((socklen_t)n >= size) {
        errno = ENOSPC;
        return NULL;
    }
    memcpy(text, whole, (size_t)n + 1);
    return text;
}

char *inet_ntoa(struct in_addr addr)
{
    static char text[INET_ADDRSTRLEN];

    ip4_to_text((const uint8_t *)&addr, text);
    return text;
}
