/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.h - the compiler and the C library, as lwIP wants them described.
 */
#ifndef VIREO_LWIP_CC_H
#define VIREO_LWIP_CC_H

#include <errno.h>
#include <limits.h>
#include <netinet/in.h> /* htonl: lwIP's nd6.c calls it by that name */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>

#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif
#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_ERRNO_INCLUDE   <errno.h>
#define LWIP_NO_UNISTD_H     1
#define LWIP_NO_CTYPE_H      1

/* <netinet/in.h> has the POSIX names. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define lwip_htons(x)                         __builtin_bswap16(x)
#define lwip_htonl(x)                         __builtin_bswap32(x)

#define LWIP_PLATFORM_DIAG(x)   net_lwip_diag x
#define LWIP_PLATFORM_ASSERT(x) net_lwip_assert(x)
#define LWIP_RAND()             net_random32()

void net_lwip_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void net_lwip_assert(const char *what) __attribute__((noreturn));
void net_assert_entered(void);
uint32_t net_random32(void);
uint16_t net_chksum(const void *data, int len);
uint16_t net_chksum_copy(void *dst, const void *src, uint16_t len);
void *net_malloc(size_t size);
void *net_calloc(size_t n, size_t size);
void net_free(void *p);

#endif
