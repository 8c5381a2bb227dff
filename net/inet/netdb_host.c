/* SPDX-License-Identifier: BSD-2-Clause */
/* netdb_host.c - gethostbyaddr(), which getnameinfo() has replaced, and the texts of h_errno. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static int host_failure(int error)
{
    switch (error) {
    case EAI_NONAME:
        return HOST_NOT_FOUND;
    case EAI_AGAIN:
        return TRY_AGAIN;
    default:
        return NO_RECOVERY;
    }
}

/* 0, or h_errno's value. */
static int host_name_at(const void *addr, socklen_t len, int family, char name[NI_MAXHOST])
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    int err = EAI_FAMILY;

    if (family == AF_INET && len == sizeof(in.sin_addr)) {
        memcpy(&in.sin_addr, addr, len);
        err =
            getnameinfo((struct sockaddr *)&in, sizeof(in), name, NI_MAXHOST, NULL, 0, NI_NAMEREQD);
    } else if (family == AF_INET6 && len == sizeof(in6.sin6_addr)) {
        memcpy(&in6.sin6_addr, addr, len);
        err = getnameinfo((struct sockaddr *)&in6, sizeof(in6), name, NI_MAXHOST, NULL, 0,
                          NI_NAMEREQD);
    }
    return err ? host_failure(err) : 0;
}

struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family)
{
    static char name[NI_MAXHOST], bytes[sizeof(struct in6_addr)];
    static char *no_aliases[] = {NULL}, *list[] = {bytes, NULL};
    static struct hostent entry;

    h_errno = host_name_at(addr, len, family, name);
    if (h_errno)
        return NULL;
    memcpy(bytes, addr, len);
    entry = (struct hostent){name, no_aliases, family, (int)len, list};
    return &entry;
}

const char *hstrerror(int error)
{
    switch (error) {
    case 0:
        return "no error";
    case HOST_NOT_FOUND:
        return "there is no such host";
    case TRY_AGAIN:
        return "the name servers did not answer";
    case NO_DATA:
        return "the host has no such address";
    default:
        return "the name servers failed";
    }
}

void herror(const char *text)
{
    if (text && *text)
        fprintf(stderr, "%s: ", text);
    fprintf(stderr, "%s\n", hstrerror(h_errno));
}
