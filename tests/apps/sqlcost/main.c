/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqlcost - what SQLite costs on /dev/vblk0, a disk of `mkdisk --sqlite`: vireo.sqlcost.run=txn is
 * 1,000 transactions of one row each, write-ahead log, each of them durable, and append the same
 * with rows of 100 bytes and nothing before them; speedtest1 is SQLite's own bench program, with
 * size vireo.sqlcost.size=.
 */
#include <sqlite3.h>
#define main                    speedtest1_main
#define sqlite3_trace(db, f, p) ((void)(db)) /* is left out of the library */
#include <speedtest1.c>
#undef main
#include <string.h>
#include <vireo.h>

#include "hal_arch.h"

enum { WARM_UP = 100, TRANSACTIONS = 1000 };

static const char *run;
static uint64_t size;

static void read_options(void)
{
    run = hal_option("sqlcost", "run");
    size = hal_option_u64("sqlcost", "size", 5, 1, 1000);
}
HAL_INIT(HAL_INIT_STACK, read_options);

static int fail(sqlite3 *db, const char *what)
{
    printf("sqlcost: FAIL %s: %s\n", what, sqlite3_errmsg(db));
    return 1;
}

static int transactions(int warm_up, const char *statement)
{
    sqlite3_stmt *insert;
    uint64_t began = 0;
    sqlite3 *db;

    if (sqlite3_open("/dev/vblk0", &db) ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE t(k INTEGER PRIMARY KEY, x TEXT)",
                     NULL, NULL, NULL) ||
        sqlite3_prepare_v2(db, statement, -1, &insert, NULL))
        return fail(db, "open");
    for (int i = 0; i < warm_up + TRANSACTIONS; i++) {
        if (i == warm_up) {
            began = hal_now_ns();
            arch_mark_insn(2);
        }
        if (sqlite3_step(insert) != SQLITE_DONE)
            return fail(db, "insert");
        sqlite3_reset(insert);
    }
    arch_mark_insn(3);
    printf("sqlcost: %s operations=%d ns=%llu\n", run, TRANSACTIONS,
           (unsigned long long)(hal_now_ns() - began));
    sqlite3_finalize(insert);
    return sqlite3_close(db) ? fail(db, "close") : 0;
}

static int speedtest(void)
{
    static char number[24];
    static char *words[] = {"speedtest1", "--journal", "wal", "--size", number, "/dev/vblk0", NULL};
    uint64_t began = hal_now_ns();
    int status;

    sprintf(number, "%u", (unsigned)size);
    arch_mark_insn(2);
    status = speedtest1_main(6, words);
    arch_mark_insn(3);
    printf("sqlcost: speedtest1 operations=1 ns=%llu\n",
           (unsigned long long)(hal_now_ns() - began));
    return status;
}

int main(void)
{
    if (!run)
        run = "txn";
    if (strcmp(run, "speedtest1") == 0)
        return speedtest();
    if (strcmp(run, "append") == 0) {
        static char statement[160];

        sprintf(statement, "INSERT INTO t(x) VALUES('%0100d')", 0);
        return transactions(0, statement);
    }
    return transactions(WARM_UP, "INSERT INTO t(x) VALUES('a row of a hundred bytes or so')");
}
