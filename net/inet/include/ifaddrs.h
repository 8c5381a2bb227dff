/* SPDX-License-Identifier: BSD-2-Clause */
/* ifaddrs.h - the addresses of all interfaces, as the BSDs and Linux have them. */
#ifndef VIREO_IFADDRS_H
#define VIREO_IFADDRS_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ifaddrs {
    struct ifaddrs *ifa_next;
    char *ifa_name;
    unsigned ifa_flags; /* IFF_... of <net/if.h> */
    struct sockaddr *ifa_addr;
    struct sockaddr *ifa_netmask;
    union {
        struct sockaddr *ifu_broadaddr;
        struct sockaddr *ifu_dstaddr;
    } ifa_ifu;      /* NULL: IPv6, and "lo" */
    void *ifa_data; /* NULL */
};
#define ifa_broadaddr ifa_ifu.ifu_broadaddr
#define ifa_dstaddr   ifa_ifu.ifu_dstaddr

/* 0: *list is the caller's until freeifaddrs(), with an entry for each address. ENOMEM. */
int getifaddrs(struct ifaddrs **list);
void freeifaddrs(struct ifaddrs *list);

#ifdef __cplusplus
}
#endif

#endif
