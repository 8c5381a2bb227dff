/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sql_cuts.c - SQLite, the VFS, the store and the cache on a disk whose power is cut at random
 * moments, with each sector that no flush covered old or new. What was committed is there, what was
 * not is not, and the database is whole. VIREO_SQL_CUTS says how many cuts; tests/test_host.py has
 * a long run.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "sqlite/sqldisk.h"

#define KEYS    64u
#define LONGEST 9000u

/* What the table holds: the version of each key's value, 0 for none. */
static uint32_t versions[KEYS];
static uint64_t committed;        /* transactions */
static uint64_t before, after;    /* sums of the table before and after the running one */
static unsigned until, cuts_left; /* steps of the disk until the next cut */
static unsigned bad;

/* ---- the content ----------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x9e3779b97f4a7c15ull + (sum >> 29);
}

static size_t fill(uint8_t *out, uint32_t key, uint32_t version)
{
    size_t len = (key * 2654435761u ^ version * 40503u) % (version % 8 ? 300 : LONGEST);

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(key * 31 + version * 7 + i);
    return len;
}

static uint64_t sum_of_model(void)
{
    uint64_t sum = 1;

    for (uint32_t k = 0; k < KEYS; k++)
        if (versions[k])
            sum = mix(mix(sum, k), versions[k]);
    return sum;
}

static uint64_t sum_of_table(sqlite3 *db)
{
    static uint8_t wanted[LONGEST];
    uint64_t sum = 1;
    sqlite3_stmt *s;
    int result;

    CHECK_EQ(sqlite3_prepare_v2(db, "SELECT k, version, v FROM t ORDER BY k", -1, &s, NULL), 0);
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        uint32_t k = (uint32_t)sqlite3_column_int(s, 0), v = (uint32_t)sqlite3_column_int(s, 1);
        size_t len = fill(wanted, k, v);

        CHECK_EQ(sqlite3_column_bytes(s, 2), len);
        CHECK(!len || memcmp(sqlite3_column_blob(s, 2), wanted, len) == 0);
        sum = mix(mix(sum, k), v);
    }
    CHECK_EQ(result, SQLITE_DONE);
    sqlite3_finalize(s);
    return sum;
}

/* ---- a cut ----------------------------------------------------------------------------------- */

/* Writes that are with the device: some of their sectors arrive. */
static void tear(uint8_t *disk)
{
    for (unsigned i = 0; i < sqldisk->dev.depth; i++) {
        const struct block_transfer *t = sqldisk->slot[i].t;
        uint64_t at = t ? t->sector * BLOCK_SECTOR : 0;

        for (unsigned k = 0; t && t->op == BLOCK_WRITE && k < sqldisk->slot[i].n; k++) {
            const struct block_dma *d = &sqldisk->slot[i].dma[k];

            for (uint32_t off = 0; off < d->len; off += BLOCK_SECTOR)
                if (random_below(2))
                    host_dma_read(d->addr + off, disk + at + off, BLOCK_SECTOR);
            at += d->len;
        }
    }
}

static uint8_t *cut_disk(void)
{
    uint8_t *disk = malloc(sqldisk->bytes);
    unsigned percent = random_below(3) * 50;

    memcpy(disk, sqldisk->durable, sqldisk->bytes);
    for (uint64_t at = 0; at < sqldisk->bytes; at += BLOCK_SECTOR)
        if (memcmp(disk + at, sqldisk->now + at, BLOCK_SECTOR) != 0 && random_below(100) < percent)
            memcpy(disk + at, sqldisk->now + at, BLOCK_SECTOR);
    if (random_below(2))
        tear(disk);
    return disk;
}

/* In a process of its own: opens what the cut left, and goes on with it. */
static void judge(const uint8_t *disk)
{
    sqlite3 *db;
    uint64_t sum, count;

    sqldisk_step = NULL;
    sqldisk_new(sqldisk->bytes, disk);
    db = sql_open();
    sql_check(db);
    if (!committed && !sql_number(db, "SELECT count(*) FROM sqlite_master WHERE name='n'"))
        return;
    sum = sum_of_table(db);
    count = (uint64_t)sql_number(db, "SELECT n FROM n");
    if ((count != committed || sum != before) && (count != committed + 1 || sum != after))
        check_fail(__FILE__, __LINE__, "%llu transactions of %llu are there, or others",
                   (unsigned long long)count, (unsigned long long)committed);
    sql_do(db, "UPDATE n SET n=n+1; DELETE FROM t WHERE k %% 3 = 0");
    sql_check(db);
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
}

static void step(void)
{
    uint8_t *disk;
    pid_t child;
    int status;

    if (!cuts_left || until--)
        return;
    until = random_below(150);
    cuts_left--;
    disk = cut_disk();
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (!child) {
        judge(disk);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    bad += status != 0;
    free(disk);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void put(sqlite3 *db, uint32_t key, uint32_t version)
{
    static uint8_t value[LONGEST];
    size_t len = fill(value, key, version);
    sqlite3_stmt *s;

    CHECK_EQ(sqlite3_prepare_v2(db, "REPLACE INTO t VALUES(?,?,?)", -1, &s, NULL), 0);
    sqlite3_bind_int(s, 1, (int)key);
    sqlite3_bind_int(s, 2, (int)version);
    sqlite3_bind_blob(s, 3, value, (int)len, SQLITE_STATIC);
    CHECK_EQ(sqlite3_step(s), SQLITE_DONE);
    CHECK_EQ(sqlite3_finalize(s), SQLITE_OK);
    versions[key] = version;
}

static void transaction(sqlite3 *db)
{
    static uint32_t version;
    unsigned n = random_below(4) ? 1 + random_below(3) : random_below(KEYS);

    sql_do(db, "BEGIN");
    while (n--) {
        uint32_t key = random_below(KEYS);

        if (random_below(3)) {
            put(db, key, ++version);
        } else {
            sql_do(db, "DELETE FROM t WHERE k=%u", key);
            versions[key] = 0;
        }
    }
    sql_do(db, "UPDATE n SET n=n+1");
    after = sum_of_model();
    sql_do(db, "COMMIT");
    committed++;
    before = after;
}

/* Between transactions: what changes no content. */
static void keep_house(sqlite3 **db)
{
    switch (random_below(40)) {
    case 0:
        sql_do(*db, "VACUUM");
        break;
    case 1:
        sql_do(*db, "PRAGMA wal_checkpoint(TRUNCATE)");
        break;
    case 2:
        CHECK_EQ(sqlite3_close(*db), SQLITE_OK);
        *db = sql_open();
        sql_do(*db, "PRAGMA cache_size=8");
        break;
    }
}

static void cuts(void)
{
    static const char *const modes[] = {"wal", "wal", "delete", "truncate", "persist"};
    const char *text = getenv("VIREO_SQL_CUTS");
    unsigned left = text ? (unsigned)strtoul(text, NULL, 10) : 100, mode = case_variant;
    sqlite3 *db;

    left = (left + 4) / 5;
    sqldisk_made(SQLDISK_BYTES);
    db = sql_open();
    sql_do(db, "PRAGMA page_size=%u; PRAGMA cache_size=8", 1024u << random_below(4));
    sql_do(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=%s", modes[mode],
           mode == 1 ? "extra" : "full");
    before = after = sum_of_model();
    cuts_left = left;
    until = random_below(20);
    sqldisk_step = step;
    sql_do(db, "BEGIN; CREATE TABLE t(k INTEGER PRIMARY KEY, version, v);"
               "CREATE TABLE n(n); INSERT INTO n VALUES(0); COMMIT");
    while (cuts_left) {
        transaction(db);
        keep_house(&db);
    }
    CHECK_EQ(bad, 0);
    CHECK(committed > left / 10);
    sql_check(db);
    CHECK_EQ(sum_of_table(db), before);
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
}

int main(int argc, char **argv)
{
    static const struct test_variant ways[] = {{"wal", 0},      {"wal_extra", 1}, {"delete", 2},
                                               {"truncate", 3}, {"persist", 4},   {NULL, 0}};
    static const struct test_case cases[] = {
        {"cuts", cuts, .variants = ways},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
