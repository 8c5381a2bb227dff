/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_table.h - a table of neighbours or destinations, found by address and card: a hash, rows that
 * grow with use, and an order in which rows go when there is no room.
 */
#ifndef VIREO_NET_TABLE_H
#define VIREO_NET_TABLE_H

#include <stdbool.h>

#include "lwip/netif.h"
#include "net.h"

/*
 * What is known of the address of a row. ASKED: nothing yet. HEARD: what its owner, or a stranger
 * in its name, has said unasked. KNOWN: the owner has answered.
 */
enum net_table_class { NET_ROW_FREE, NET_ROW_ASKED, NET_ROW_HEARD, NET_ROW_KNOWN, NET_ROW_CLASSES };

struct net_table_row {
    uint32_t key[4]; /* of IPv4: in the first, zeros behind it */
    const struct netif *netif;
    uint16_t chain;        /* the next row of the same hash */
    uint16_t older, newer; /* in the list of its class */
    uint8_t class;
    uint32_t used; /* in which second, as the table counts them */
};

struct net_table {
    /* The user's: an array with an entry for each row, which moves when the table grows. */
    void **entries;
    unsigned *rows; /* how many there are */
    size_t entry_bytes;
    bool (*release)(unsigned i);    /* ends in net_table_free(), or is false: the row must stay */
    void (*moved)(const void *old); /* to *entries; may be NULL */
    /* The table's; the user counts seconds. */
    struct net_table_row *row;
    uint16_t *hash; /* first row of each; as many as rows */
    unsigned most;
    uint32_t second;
    struct {
        uint16_t oldest, newest;
        unsigned n;
    } list[NET_ROW_CLASSES];
};

/* Makes the first rows, if there are none: false: out of memory. Needs no call before take(). */
bool net_table_start(struct net_table *t);
/* The row of an address; -1: there is none. */
int net_table_find(const struct net_table *t, const struct netif *netif, const uint32_t key[4]);
/*
 * A new row, with an entry of zeros, for an address that has none; -1: no room. When the table can
 * grow no more, rows of HEARD go first; of a class, those that were not used for the longest time.
 * ASKED rows are a quarter of the table at most, and push out one another beyond an eighth where
 * all others are KNOWN.
 */
int net_table_take(struct net_table *t, const struct netif *netif, const uint32_t key[4],
                   enum net_table_class class);
/* A packet goes by this row: it is the last of its class to go. Cheap but for once a second. */
void net_table_touch(struct net_table *t, unsigned i);
static inline void net_table_use(struct net_table *t, unsigned i)
{
    if (t->row[i].used != t->second)
        net_table_touch(t, i);
}
/* The row belongs to this class now. */
void net_table_move(struct net_table *t, unsigned i, enum net_table_class class);
void net_table_free(struct net_table *t, unsigned i);
/* Adds the rows of a table of neighbours to what is told of them. */
void net_table_count(const struct net_table *t, struct net_stats *s);

#endif
