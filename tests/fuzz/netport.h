/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netport.h - the memory of lwIP in a fuzz target (netport.c).
 */
#ifndef VIREO_NETPORT_H
#define VIREO_NETPORT_H

#include <stdint.h>

struct netport {
    int64_t fail_after; /* allocations that still succeed; < 0: all */
    uint64_t used;      /* bytes */
    int64_t blocks;
};
extern struct netport netport;

#endif
