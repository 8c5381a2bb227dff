/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_sql.c - the loads of tests/apps/sqlcost in the Linux guest of linux_blk.c, on a file of its
 * file system: 1,000 transactions of one row each, and SQLite's own bench program.
 */
#include "sqlite3.h"
#define main                    speedtest1_main
#define sqlite3_trace(db, f, p) ((void)(db)) /* is left out of the library */
#include "speedtest1.c"
#undef main
#include <inttypes.h>

#include "../../examples/blkperf/load.h"
#include "linux_sql.h"

enum { WARM_UP = 100, TRANSACTIONS = 1000 };

static int transactions(const char *path, struct load_result *r)
{
    sqlite3_stmt *insert;
    sqlite3 *db;

    if (sqlite3_open(path, &db) ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE t(k INTEGER PRIMARY KEY, x TEXT)",
                     NULL, NULL, NULL) ||
        sqlite3_prepare_v2(db, "INSERT INTO t(x) VALUES('a row of a hundred bytes or so')", -1,
                           &insert, NULL))
        return 1;
    for (int i = 0; i < WARM_UP + TRANSACTIONS; i++) {
        if (i == WARM_UP)
            load_begin(r);
        if (sqlite3_step(insert) != SQLITE_DONE)
            return 2;
        sqlite3_reset(insert);
    }
    load_end(r);
    r->operations = TRANSACTIONS;
    sqlite3_finalize(insert);
    return sqlite3_close(db) ? 3 : 0;
}

static int speedtest(char *path, char *size, struct load_result *r)
{
    char *words[] = {"speedtest1", "--journal", "wal", "--size", size, path, NULL};
    int status;

    load_begin(r);
    status = speedtest1_main(6, words);
    load_end(r);
    r->operations = 1;
    return status;
}

int load_sql(const char *name, uint64_t size)
{
    char path[40], number[24];
    struct load_result r = {0};
    int status;

    snprintf(path, sizeof(path), "/data/%s", name);
    snprintf(number, sizeof(number), "%" PRIu64, size);
    status = strcmp(name, "speedtest1") ? transactions(path, &r) : speedtest(path, number, &r);
    if (!status)
        printf("blkperf: %s operations=%" PRIu64 " bytes=0 ns=%" PRIu64 "\n", name, r.operations,
               r.ns);
    return status;
}
