/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sql_store.c - the store of a database disk and the VFS: what is recognised, damaged
 * superblocks, a full disk, disks that fail, locks between connections.
 */
#include <string.h>

#include "host.h"
#include "sqlite/sqldisk.h"

#define BIG "randomblob(3000)"

static struct store *opened(int wanted)
{
    struct store *s;
    bool blank;

    CHECK_EQ(store_open(&sqldisk->dev, &s, &blank), wanted);
    return s;
}

/* A new disk with the content of the newest, as a boot would find it. */
static void again(void)
{
    uint8_t *content = malloc(sqldisk->bytes);

    memcpy(content, sqldisk->durable, sqldisk->bytes);
    sqldisk_new(sqldisk->bytes, content);
    free(content);
}

static void disks_are_recognised(void)
{
    struct store *s;
    sqlite3 *db;
    bool blank;

    sqldisk_new(1u << 20, NULL);
    CHECK_EQ(store_open(&sqldisk->dev, &s, &blank), -ENODEV);
    CHECK(blank);
    CHECK_EQ(sqlite3_open("/dev/fake0", &db), SQLITE_CANTOPEN);
    sqlite3_close(db);
    memset(sqldisk->now, 7, sqldisk->bytes);
    again();
    CHECK_EQ(sqlite3_open("fake1", &db), SQLITE_CANTOPEN);
    sqlite3_close(db);
    CHECK_EQ(sqldisk->writes, 0);
    CHECK_EQ(sqlite3_open("/dev/none", &db), SQLITE_CANTOPEN);
    sqlite3_close(db);
    sqldisk_made(1u << 20);
    db = sql_open();
    sql_do(db, "CREATE TABLE t(x)");
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
}

static void one_superblock_is_enough(void)
{
    sqlite3 *db;
    uint64_t size;

    sqldisk_made(1u << 20);
    db = sql_open();
    sql_do(db, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
    size = store_size(opened(0), STORE_DATABASE);
    CHECK(size > 0);
    for (unsigned copy = 0; copy < 2; copy++) {
        uint64_t at = copy * STORE_PIECE + random_below(512);

        again();
        sqldisk->now[at] ^= 1u << random_below(8);
        CHECK(opened(0)->now.generation > 1);
    }
    again();
    sqldisk->now[100] ^= 1;
    sqldisk->now[STORE_PIECE + 100] ^= 1;
    opened(-EBADMSG);
    CHECK_EQ(sqlite3_open("fake3", &db), SQLITE_IOERR);
    CHECK_EQ(sqlite3_extended_errcode(db), SQLITE_IOERR_CORRUPTFS);
    sqlite3_close(db);
}

static void a_smaller_disk_is_refused(void)
{
    struct fakedisk *f = sqldisk_made(2u << 20);

    sqldisk_new(1u << 20, f->durable);
    opened(-EBADMSG);
    f = sqldisk_made(1u << 20);
    f->now = realloc(f->now, 2u << 20);
    sqldisk_new(2u << 20, f->now);
    CHECK_EQ(opened(0)->now.bytes, 2u << 20);
}

/* Fills the disk, deletes, and goes on: in each journal mode. */
static void a_full_disk(void)
{
    static const char *const modes[] = {"wal", "delete", "truncate", "persist"};
    unsigned rows = 0;
    int result;
    sqlite3 *db;

    sqldisk_made(1u << 20);
    db = sql_open();
    sql_do(db, "PRAGMA journal_mode=%s; CREATE TABLE t(k INTEGER PRIMARY KEY, x)",
           modes[case_variant]);
    while (!(result = sqlite3_exec(db, "INSERT INTO t(x) VALUES(" BIG ")", NULL, NULL, NULL)))
        rows++;
    CHECK_EQ(result, SQLITE_FULL);
    CHECK(rows > 100);
    /* To the last page: what a log held is in the database, and has no more room. */
    for (unsigned i = 0; i < 40; i++) {
        sql_do(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        while (!sqlite3_exec(db, "INSERT INTO t(x) VALUES(" BIG ")", NULL, NULL, NULL))
            rows++;
    }
    sql_check(db);
    CHECK_EQ(sql_number(db, "SELECT count(*) FROM t"), rows);
    for (unsigned i = 0; i < 40; i++)
        sql_do(db, "DELETE FROM t WHERE k IN (SELECT k FROM t LIMIT 2)");
    for (unsigned i = 0; i < 30; i++)
        sql_do(db, "INSERT INTO t(x) VALUES(" BIG ")");
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
    again();
    db = sql_open();
    sql_check(db);
    CHECK_EQ(sql_number(db, "SELECT count(*) FROM t"), rows - 50);
}

/* Of transfers some fail: a commit says so, or is there. */
static void a_disk_that_fails(void)
{
    unsigned good = 0, bad = 0, limit;
    int64_t count;
    sqlite3 *db;

    sqldisk_made(2u << 20);
    db = sql_open();
    sql_do(db, "PRAGMA journal_mode=%s; CREATE TABLE t(k INTEGER PRIMARY KEY, x)",
           case_variant ? "delete" : "wal");
    for (unsigned i = 0; i < 300; i++) {
        int result;

        sqldisk->fail_writes = i % 3 == 0 ? 10 : 0;
        sqldisk->fail_flushes = i % 3 == 1 ? 30 : 0;
        result = sqlite3_exec(db, "INSERT INTO t(x) VALUES(" BIG ")", NULL, NULL, NULL);
        good += result == SQLITE_OK;
        bad += result != SQLITE_OK;
        CHECK(!result || (result & 0xff) == SQLITE_IOERR);
    }
    CHECK(good > 20 && bad > 5);
    sqldisk->fail_writes = sqldisk->fail_flushes = 0;
    count = sql_number(db, "SELECT count(*) FROM t");
    CHECK(count >= good);
    /* One that failed may have been undone in part only by the next recovery. */
    for (limit = 0; limit < 5 && sqlite3_exec(db, "INSERT INTO t(x) VALUES(1)", NULL, NULL, NULL);)
        limit++;
    CHECK(limit < 5);
    sql_check(db);
    sqlite3_close(db);
    again();
    db = sql_open();
    sql_check(db);
    CHECK_EQ(sql_number(db, "SELECT count(*) FROM t"), count + 1);
}

static void a_sector_that_cannot_be_read(void)
{
    sqlite3_stmt *s;
    sqlite3 *db;
    int result;

    sqldisk_made(2u << 20);
    db = sql_open();
    sql_do(db, "CREATE TABLE t(k INTEGER PRIMARY KEY, x)");
    for (unsigned i = 0; i < 100; i++)
        sql_do(db, "INSERT INTO t(x) VALUES(" BIG ")");
    sqlite3_close(db);
    again();
    sqldisk->bad_sector = STORE_START / BLOCK_SECTOR + 400;
    db = sql_open();
    CHECK_EQ(sqlite3_prepare_v2(db, "SELECT sum(length(x)) FROM t", -1, &s, NULL), SQLITE_OK);
    CHECK_EQ(sqlite3_step(s), SQLITE_IOERR);
    CHECK_EQ(sqlite3_extended_errcode(db), SQLITE_IOERR_READ);
    sqlite3_finalize(s);
    sqldisk->bad_sector = UINT64_MAX;
    result = (int)sql_number(db, "SELECT sum(length(x)) FROM t");
    CHECK_EQ(result, 300000);
    sqlite3_close(db);
}

/* Two connections: one writer at a time, and a reader keeps what it sees (WAL). */
static void connections_share_a_disk(void)
{
    sqlite3 *a, *b;

    sqldisk_made(2u << 20);
    a = sql_open();
    sql_do(a, "PRAGMA journal_mode=%s; CREATE TABLE t(x)", case_variant ? "delete" : "wal");
    b = sql_open();
    sql_do(a, "BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    sql_want(b, SQLITE_BUSY, "BEGIN IMMEDIATE");
    CHECK_EQ(sql_number(b, "SELECT count(*) FROM t"), 0);
    sql_do(b, "BEGIN; SELECT * FROM t");
    sql_want(a, case_variant ? SQLITE_BUSY : SQLITE_OK, "COMMIT");
    CHECK_EQ(sql_number(b, "SELECT count(*) FROM t"), 0);
    sql_do(b, "COMMIT");
    if (case_variant)
        sql_do(a, "COMMIT");
    CHECK_EQ(sql_number(b, "SELECT count(*) FROM t"), 1);
    sql_do(b, "INSERT INTO t VALUES(2)");
    CHECK_EQ(sql_number(a, "SELECT sum(x) FROM t"), 3);
    CHECK_EQ(sqlite3_close(a), SQLITE_OK);
    CHECK_EQ(sqlite3_close(b), SQLITE_OK);
}

/* A journal that was given up never comes back: what committed behind it stays. */
static void modes_change(void)
{
    static sqlite3 *lost[6]; /* connections at the time of a cut */
    sqlite3 *db;

    sqldisk_made(2u << 20);
    db = sql_open();
    sql_do(db, "CREATE TABLE t(x)");
    for (unsigned i = 0; i < 6; i++) {
        static const char *const modes[] = {"persist", "wal", "truncate", "wal", "delete", "wal"};

        sql_do(db, "PRAGMA journal_mode=%s; INSERT INTO t VALUES(%u)", modes[i % 6], i);
        lost[i] = db;
        CHECK(lost[i] != NULL);
        again();
        db = sql_open();
        sql_check(db);
        CHECK_EQ(sql_number(db, "SELECT count(*) FROM t"), i + 1);
    }
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    static const struct test_variant modes[] = {
        {"wal", 0}, {"delete", 1}, {"truncate", 2}, {"persist", 3}, {NULL, 0}};
    static const struct test_variant two[] = {{"wal", 0}, {"delete", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"disks_are_recognised", disks_are_recognised},
        {"one_superblock_is_enough", one_superblock_is_enough},
        {"a_smaller_disk_is_refused", a_smaller_disk_is_refused},
        {"a_full_disk", a_full_disk, .variants = modes},
        {"a_disk_that_fails", a_disk_that_fails, .variants = two},
        {"a_sector_that_cannot_be_read", a_sector_that_cannot_be_read},
        {"connections_share_a_disk", connections_share_a_disk, .variants = two},
        {"modes_change", modes_change},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
