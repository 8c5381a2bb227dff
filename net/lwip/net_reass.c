/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_reass.c - which fragments are kept until their datagram is whole. lwIP keeps them; here are
 * the limit, which depends on memory, and who makes room beyond it: the sender that holds the most,
 * with its oldest datagram, so that nobody's fragments push out those of others.
 */
#include "net_hooks.h"
#include "net_impl.h"

#define SENDERS 256  /* that are told apart */
#define SHARE   16   /* of the stack's memory, for each family */
#define BYTES   2048 /* that a buffer takes at most */
#define LEAST   192  /* buffers: two datagrams of 64 KiB */
#define MOST    4096

unsigned net_reass_most = LEAST;
static uint16_t reass_held[SENDERS];

void net_reass_init(void)
{
    uint64_t most = net_mem_limit() / SHARE / BYTES;

    net_reass_most = (unsigned)(most < LEAST ? LEAST : most > MOST ? MOST : most);
}

static uint16_t *reass_of(const uint32_t *source, unsigned words)
{
    uint32_t sum = 0;

    while (words)
        sum = (sum ^ source[--words]) * 0x9e3779b1u;
    return &reass_held[sum >> 24]; /* the upper bits depend on all others */
}

void net_reass_count(const void *source, unsigned bytes, int buffers)
{
    uint32_t words[4];

    memcpy(words, source, bytes);
    *reass_of(words, bytes / 4) += (uint16_t)buffers;
}

bool net_reass_goes_first(const void *a, unsigned left_a, const void *b, unsigned left_b,
                          unsigned bytes)
{
    uint32_t words_a[4], words_b[4];
    unsigned held_a, held_b;

    memcpy(words_a, a, bytes);
    memcpy(words_b, b, bytes);
    held_a = *reass_of(words_a, bytes / 4);
    held_b = *reass_of(words_b, bytes / 4);
    return held_a != held_b ? held_a > held_b : left_a <= left_b;
}
