/* SPDX-License-Identifier: BSD-2-Clause */
/* rounds.c - the rounds of blkcheck, and what a disk holds of them (rounds.h). */
#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

#define ROUNDS_MAGIC  0x736b6e756f526b62u
#define ROUNDS_STEP   0x9e3779b97f4a7c15u
#define ROUNDS_CHUNK  65536u
#define ROUNDS_REPORT 8u
#define ROUNDS_MAX    0x7fffffffu /* no disk lives longer; a larger number is no round */

static uint64_t rounds_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

struct round_piece rounds_piece(const struct rounds *r, uint64_t round, unsigned n)
{
    uint64_t x = rounds_mix(r->seed * ROUNDS_STEP + round * ROUND_PIECES + n);
    unsigned sectors = 1 + (unsigned)(x >> 40) % ROUND_SECTORS_MAX;

    return (struct round_piece){(x & UINT32_MAX) % (r->sectors - sectors + 1), sectors};
}

static void rounds_sector(const struct rounds *r, uint64_t round, uint64_t sector, char *buf)
{
    uint64_t words[3] = {ROUNDS_MAGIC, sector, round};

    memset(buf, 0, ROUND_SECTOR);
    if (round == 0)
        return;
    pattern_fill(buf, ROUND_SECTOR, sector * ROUND_SECTOR, rounds_mix(r->seed + round));
    memcpy(buf, words, sizeof(words));
}

void rounds_fill(const struct rounds *r, uint64_t round, const struct round_piece *p, char *buf)
{
    for (unsigned i = 0; i < p->sectors; i++)
        rounds_sector(r, round, p->sector + i, buf + (size_t)i * ROUND_SECTOR);
}

/* The round that a sector tells of; 0: none. */
static uint64_t rounds_of(const char *buf)
{
    uint64_t words[3];

    memcpy(words, buf, sizeof(words));
    return words[0] == ROUNDS_MAGIC && words[2] <= ROUNDS_MAX ? words[2] : 0;
}

/* What a sector may hold. */
struct rounds_map {
    uint32_t *latest; /* the last of the whole rounds that wrote each sector; 0: none */
    bool *next;       /* the round behind them writes it */
    uint64_t whole, found, wrong;
};

static void rounds_draw(const struct rounds *r, struct rounds_map *m)
{
    for (uint64_t round = 1; round <= m->whole + 1; round++)
        for (unsigned n = 0; n < ROUND_PIECES; n++) {
            struct round_piece p = rounds_piece(r, round, n);

            for (unsigned i = 0; i < p.sectors; i++)
                if (round <= m->whole)
                    m->latest[p.sector + i] = (uint32_t)round;
                else
                    m->next[p.sector + i] = true;
        }
}

static bool rounds_holds(const struct rounds *r, uint64_t round, uint64_t sector, const char *buf)
{
    char wanted[ROUND_SECTOR];

    rounds_sector(r, round, sector, wanted);
    return memcmp(buf, wanted, ROUND_SECTOR) == 0;
}

static void rounds_look_for(const struct rounds *r, struct rounds_map *m, uint64_t sector,
                            const char *buf)
{
    uint64_t round = rounds_of(buf);

    (void)r;
    (void)sector;
    if (round > m->found)
        m->found = round;
}

static void rounds_judge(const struct rounds *r, struct rounds_map *m, uint64_t sector,
                         const char *buf)
{
    if (rounds_holds(r, m->latest[sector], sector, buf) ||
        (m->next[sector] && rounds_holds(r, m->whole + 1, sector, buf)))
        return;
    if (m->wrong++ < ROUNDS_REPORT)
        printf("blkcheck: sector %llu is not that of round %llu%s: it tells of round %llu\n",
               (unsigned long long)sector, (unsigned long long)m->latest[sector],
               m->next[sector] ? ", nor that of the next" : "", (unsigned long long)rounds_of(buf));
}

typedef void rounds_see(const struct rounds *r, struct rounds_map *m, uint64_t sector,
                        const char *buf);

/* Shows each sector of the disk to see(). */
static bool rounds_read_all(const struct rounds *r, struct rounds_map *m, char *buf,
                            rounds_see *see)
{
    uint64_t end = r->sectors * ROUND_SECTOR;

    for (uint64_t at = 0; at < end;) {
        size_t len = end - at < ROUNDS_CHUNK ? (size_t)(end - at) : ROUNDS_CHUNK;
        ssize_t n = r->read(r->ctx, buf, len, at);

        if (n < (ssize_t)ROUND_SECTOR) {
            printf("blkcheck: read at byte %llu: %s\n", (unsigned long long)at,
                   n < 0 ? strerror(errno) : "nothing was given");
            return false;
        }
        for (size_t i = 0; i + ROUND_SECTOR <= (size_t)n; i += ROUND_SECTOR, at += ROUND_SECTOR)
            see(r, m, at / ROUND_SECTOR, buf + i);
    }
    return true;
}

int64_t rounds_check(const struct rounds *r, uint64_t acknowledged, uint64_t *found,
                     uint64_t *whole)
{
    struct rounds_map m = {.latest = calloc(r->sectors, sizeof(*m.latest)),
                           .next = calloc(r->sectors, sizeof(*m.next))};
    char *buf = malloc(ROUNDS_CHUNK);
    bool good = m.latest && m.next && buf;

    if (!good)
        printf("blkcheck: no memory for the rounds of %llu sectors\n",
               (unsigned long long)r->sectors);
    if (good && (good = rounds_read_all(r, &m, buf, rounds_look_for))) {
        m.whole = m.found > acknowledged ? m.found - 1 : acknowledged;
        rounds_draw(r, &m);
        good = rounds_read_all(r, &m, buf, rounds_judge);
    }
    free(m.latest);
    free(m.next);
    free(buf);
    *found = m.found;
    *whole = m.whole;
    return good ? (int64_t)m.wrong : -1;
}
