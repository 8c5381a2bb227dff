/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_table.c - see net_table.h. The hash is a sum of products with random factors: who does not
 * know those cannot make addresses that meet. The rows of a class are in the order of their use,
 * by the second.
 */
#include "net_table.h"

#include "net_hooks.h"
#include "net_impl.h"

#define ROWS_FIRST 16u
#define ROWS_LEAST 64u   /* that a table may have, however little memory there is */
#define ROWS_MOST  8192u /* numbers of rows have 16 bits, of which lwIP uses 15 */
#define SHARE      128   /* of the stack's memory, for each table */
#define NONE       0xffff

static uint64_t table_factor[4];

static unsigned table_hash(const struct net_table *t, const uint32_t key[4])
{
    uint64_t sum = key[0] * table_factor[0] + key[1] * table_factor[1] + key[2] * table_factor[2] +
                   key[3] * table_factor[3];

    return (unsigned)(sum >> 32) & (*t->rows - 1);
}

int net_table_find(const struct net_table *t, const struct netif *netif, const uint32_t key[4])
{
    unsigned i;

    if (!*t->rows)
        return -1;
    for (i = t->hash[table_hash(t, key)]; i != NONE; i = t->row[i].chain) {
        const struct net_table_row *r = &t->row[i];

        if (r->key[0] == key[0] && r->key[3] == key[3] && r->key[2] == key[2] &&
            r->key[1] == key[1] && r->netif == netif)
            return (int)i;
    }
    return -1;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void table_list(struct net_table *t, unsigned i, unsigned class)
{
    struct net_table_row *r = &t->row[i];

    r->class = (uint8_t) class;
    r->older = t->list[class].newest;
    r->newer = NONE;
    *(r->older == NONE ? &t->list[class].oldest : &t->row[r->older].newer) = (uint16_t)i;
    t->list[class].newest = (uint16_t)i;
    t->list[class].n++;
}

static void table_unlist(struct net_table *t, unsigned i)
{
    const struct net_table_row *r = &t->row[i];

    *(r->older == NONE ? &t->list[r->class].oldest : &t->row[r->older].newer) = r->newer;
    *(r->newer == NONE ? &t->list[r->class].newest : &t->row[r->newer].older) = r->older;
    t->list[r->class].n--;
}

static void table_enter(struct net_table *t, unsigned i)
{
    uint16_t *first = &t->hash[table_hash(t, t->row[i].key)];

    t->row[i].chain = *first;
    *first = (uint16_t)i;
}

void net_table_move(struct net_table *t, unsigned i, enum net_table_class class)
{
    if (t->row[i].class == class)
        return;
    table_unlist(t, i);
    table_list(t, i, class);
}

void net_table_touch(struct net_table *t, unsigned i)
{
    unsigned class = t->row[i].class;

    t->row[i].used = t->second;
    table_unlist(t, i);
    table_list(t, i, class);
}

void net_table_count(const struct net_table *t, struct net_stats *s)
{
    s->neighbours += t->list[NET_ROW_HEARD].n + t->list[NET_ROW_KNOWN].n;
    s->neighbours_unknown += t->list[NET_ROW_ASKED].n;
}

void net_table_free(struct net_table *t, unsigned i)
{
    uint16_t *at = &t->hash[table_hash(t, t->row[i].key)];

    while (*at != i)
        at = &t->row[*at].chain;
    *at = t->row[i].chain;
    net_table_move(t, i, NET_ROW_FREE);
}

/* ---- room ------------------------------------------------------------------------------------ */

static unsigned table_most(const struct net_table *t)
{
    size_t each = sizeof(*t->row) + sizeof(*t->hash) + t->entry_bytes;
    uint64_t room = net_mem_limit() / SHARE / each;
    unsigned most = ROWS_LEAST;

    while (most < ROWS_MOST && most * 2 <= room)
        most *= 2;
    return most;
}

static void table_first(struct net_table *t)
{
    t->most = table_most(t);
    for (unsigned i = 0; i < NET_ROW_CLASSES; i++)
        t->list[i].oldest = t->list[i].newest = NONE;
    for (unsigned i = 0; i < 4 && !table_factor[i]; i++)
        table_factor[i] = (uint64_t)net_random32() << 32 | net_random32() | 1;
}

/* Takes the new arrays, which are not NULL; new rows are free. */
static void table_adopt(struct net_table *t, unsigned rows, struct net_table_row *row,
                        uint16_t *hash, void *entries)
{
    unsigned old = *t->rows;
    void *before = *t->entries;

    if (old) {
        memcpy(row, t->row, old * sizeof(*row));
        memcpy(entries, before, old * t->entry_bytes);
    }
    net_free(t->row);
    net_free(t->hash);
    t->row = row;
    t->hash = hash;
    *t->rows = rows;
    *t->entries = entries;
    if (t->moved && before)
        t->moved(before);
    net_free(before);
    memset(hash, 0xff, rows * sizeof(*hash));
    for (unsigned i = 0; i < old; i++)
        if (row[i].class)
            table_enter(t, i);
    for (unsigned i = old; i < rows; i++)
        table_list(t, i, NET_ROW_FREE);
}

static bool table_grow(struct net_table *t)
{
    unsigned rows = *t->rows ? *t->rows * 2 : ROWS_FIRST;
    struct net_table_row *row;
    uint16_t *hash;
    void *entries;

    if (!*t->rows)
        table_first(t);
    if (rows > t->most)
        return false;
    row = net_calloc(rows, sizeof(*row));
    hash = net_calloc(rows, sizeof(*hash));
    entries = net_calloc(rows, t->entry_bytes);
    if (row && hash && entries) {
        table_adopt(t, rows, row, hash, entries);
        return true;
    }
    net_free(row);
    net_free(hash);
    net_free(entries);
    return false;
}

bool net_table_start(struct net_table *t)
{
    return *t->rows || table_grow(t);
}

/* Frees the row of a class that is to go first. */
static bool table_push_out(struct net_table *t, enum net_table_class class)
{
    for (unsigned looks = t->list[class].n; looks; looks--) {
        unsigned i = t->list[class].oldest;

        if (t->release(i))
            return true;
        net_table_touch(t, i);
    }
    return false;
}

static bool table_make_room(struct net_table *t, enum net_table_class class)
{
    unsigned asked = t->list[NET_ROW_ASKED].n;

    if (class == NET_ROW_ASKED && t->most && asked >= t->most / 4)
        return table_push_out(t, NET_ROW_ASKED);
    if (t->list[NET_ROW_FREE].n || table_grow(t) || table_push_out(t, NET_ROW_HEARD))
        return true;
    return table_push_out(t, asked < *t->rows / 8 ? NET_ROW_KNOWN : NET_ROW_ASKED);
}

int net_table_take(struct net_table *t, const struct netif *netif, const uint32_t key[4],
                   enum net_table_class class)
{
    struct net_table_row *r;
    unsigned i;

    if (!table_make_room(t, class))
        return -1;
    i = t->list[NET_ROW_FREE].oldest;
    r = &t->row[i];
    memcpy(r->key, key, sizeof(r->key));
    r->netif = netif;
    r->used = t->second;
    memset((uint8_t *)*t->entries + i * t->entry_bytes, 0, t->entry_bytes);
    table_enter(t, i);
    net_table_move(t, i, class);
    return (int)i;
}
