/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_sqlite.c - a disk with a database, of which any bytes are damaged: superblocks, whose sums
 * are right, pages and the write-ahead log. It is opened, read and changed, and each call ends.
 */
#include <malloc.h>
#include <string.h>

#include "fuzz.h"
#include "sqldisk.h"

#define BYTES (1u << 20)

void *fuzz_realloc(void *p, size_t size);

/* In place of realloc() in SQLite: the harness counts blocks of malloc() and free() alone. */
void *fuzz_realloc(void *p, size_t size)
{
    void *q = malloc(size);
    size_t had = p ? malloc_usable_size(p) : 0;

    if (q && p)
        memcpy(q, p, had < size ? had : size);
    if (q)
        free(p);
    return q;
}

/* CRC-32C, as a superblock has it. */
static void sum(uint8_t *block)
{
    uint32_t crc = UINT32_MAX;

    for (unsigned i = 0; i < 508; i++) {
        crc ^= block[i];
        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    crc = ~crc;
    memcpy(block + 508, &crc, 4);
}

static void damage(uint8_t *disk)
{
    static const uint32_t areas[] = {0,           STORE_PIECE,         STORE_START,
                                     STORE_START, BYTES - STORE_PIECE, BYTES - 2 * STORE_PIECE};

    for (unsigned n = fuzz_below(12); n > 0; n--) {
        uint32_t area = areas[fuzz_below(6)];
        uint32_t at = area + (area < STORE_START ? 16 + fuzz_below(48) : fuzz16());
        size_t len;
        const uint8_t *bytes = fuzz_take(1 + fuzz_below(8), &len);

        if (at + len <= BYTES)
            memcpy(disk + at, bytes, len);
    }
    sum(disk);
    sum(disk + STORE_PIECE);
}

static void step(sqlite3 *db)
{
    static const char *const statements[] = {"PRAGMA integrity_check",
                                             "SELECT sum(length(x)), count(*) FROM t",
                                             "SELECT x FROM t WHERE k=7",
                                             "SELECT k FROM t ORDER BY x LIMIT 5",
                                             "INSERT INTO t(x) VALUES(randomblob(700))",
                                             "UPDATE t SET x=randomblob(50) WHERE k%3=0",
                                             "DELETE FROM t WHERE k%4=1",
                                             "PRAGMA wal_checkpoint(TRUNCATE)",
                                             "PRAGMA journal_mode=delete",
                                             "PRAGMA journal_mode=wal"};

    sqlite3_exec(db, statements[fuzz_below(10)], NULL, NULL, NULL);
}

void fuzz_one(void)
{
    sqlite3 *db;
    char path[16];

    sqldisk_made(BYTES);
    db = sql_open();
    sql_do(db, "PRAGMA journal_mode=wal; CREATE TABLE t(k INTEGER PRIMARY KEY, x);"
               "CREATE INDEX i ON t(x)");
    sql_do(db, "BEGIN");
    for (unsigned i = 0; i < 20; i++)
        sql_do(db, "INSERT INTO t(x) VALUES(randomblob(%u))", i == 9 ? 9000 : 100 * i);
    sql_do(db, "COMMIT");
    if (fuzz8() & 1)
        sqlite3_close(db);
    sqldisk_settle();
    damage(sqldisk->durable);
    sqldisk_new(BYTES, sqldisk->durable);
    sprintf(path, "/dev/%s", sqldisk->dev.name);
    if (sqlite3_open(path, &db) == SQLITE_OK)
        while (fuzz_more())
            step(db);
    sqlite3_close(db);
    sqldisk_settle();
}
