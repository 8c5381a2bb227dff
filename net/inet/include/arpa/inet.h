/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arpa/inet.h - Internet addresses as text (POSIX.1-2017).
 */
#ifndef VIREO_ARPA_INET_H
#define VIREO_ARPA_INET_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

int inet_pton(int family, const char *text, void *addr);
const char *inet_ntop(int family, const void *addr, char *text, socklen_t size);
int inet_aton(const char *text, struct in_addr *addr);
in_addr_t inet_addr(const char *text);
char *inet_ntoa(struct in_addr addr); /* valid until the next call */

#ifdef __cplusplus
}
#endif

#endif
