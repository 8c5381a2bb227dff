/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netport.c - what the port of lwIP needs from an image. Memory is malloc's, block by block, so
 * that the address sanitizer sees each. The sockets stay out.
 */
#include <string.h>

#include "fuzz.h"
#include "net_impl.h"
#include "netport.h"
#include "socket_ops.h"

#define LIMIT (4u << 20)

struct netport netport = {.fail_after = -1};
struct net_mem_level net_mem_level = {.plenty = LIMIT / 8};
struct socket_family net_socket_family;

void *net_malloc(size_t size)
{
    if (netport.fail_after == 0 || netport.used > LIMIT)
        return NULL;
    netport.fail_after -= netport.fail_after > 0;
    size_t *block = malloc(size + 16);
    *block = size;
    netport.used += size;
    net_mem_level.lent = netport.used;
    netport.blocks++;
    return block + 2;
}

void *net_calloc(size_t n, size_t size)
{
    void *p = net_malloc(n * size);

    return p ? memset(p, 0, n * size) : NULL;
}

void net_free(void *p)
{
    size_t *block = p;

    if (!p)
        return;
    netport.used -= block[-2];
    net_mem_level.lent = netport.used;
    netport.blocks--;
    free(block - 2);
}

void net_mem_init(void)
{
}

bool net_mem_admit(unsigned eighths)
{
    return netport.used < (uint64_t)LIMIT / 8 * eighths;
}

uint64_t net_mem_share(void)
{
    return netport.used < LIMIT / 2 ? (LIMIT / 2 - netport.used) / 4 : 0;
}

uint64_t net_mem_used(void)
{
    return netport.used;
}

uint64_t net_mem_lent(void)
{
    return netport.used;
}

uint64_t net_mem_limit(void)
{
    return LIMIT;
}

uint64_t net_mem_failed(void)
{
    return 0;
}
