/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sql_tasks.c - SQLite's locks between tasks: several of them, with connections of their own
 * or one that they share, change one database, and every wait for the disk may let another task
 * run. No transaction is lost, none is seen by half, and no task waits for ever.
 * VIREO_SQL_TURNS says how many transactions each task makes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "hosttask.h"
#include "sqlite/sqldisk.h"

#define TASKS     4u
#define IDLE_MOST 100000u /* switches between two things that happen */

static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed = PTHREAD_COND_INITIALIZER;
static unsigned turn; /* the task that runs: threads are only a way to have stacks */
static bool over[TASKS];
static unsigned switches, idle;
static unsigned turns;
static unsigned done[TASKS], busy, reads;
static sqlite3 *shared;

/* ---- tasks ----------------------------------------------------------------------------------- */

static void hand_to(unsigned next)
{
    turn = next;
    pthread_cond_broadcast(&handed);
}

static void wait_for_turn(unsigned me)
{
    while (turn != me)
        pthread_cond_wait(&handed, &baton);
    hosttask_is((struct task *)&done[me]); /* any address that is its own */
}

/* Another one of those that are not over, or `me` if there is none. */
static unsigned other_than(unsigned me)
{
    unsigned next = random_below(TASKS);

    for (unsigned i = 0; i < TASKS; i++, next = (next + 1) % TASKS)
        if (!over[next] && next != me)
            return next;
    return me;
}

static void switch_tasks(void)
{
    unsigned me = turn;

    if (random_below(3) && fakedisk_step(sqldisk) | host_run_round())
        idle = 0;
    else if (++idle > IDLE_MOST)
        check_fail(__FILE__, __LINE__, "the tasks wait for one another");
    if (!random_below(2))
        return;
    switches++;
    hand_to(other_than(me));
    wait_for_turn(me);
}

/* ---- what they do ---------------------------------------------------------------------------- */

/* Runs a statement until it is not refused because another connection has a lock. */
static void insist(sqlite3 *db, const char *statement)
{
    int result;

    while ((result = sqlite3_exec(db, statement, NULL, NULL, NULL)) == SQLITE_BUSY) {
        busy++;
        if (!sqlite3_get_autocommit(db) && strcmp(statement, "COMMIT") != 0)
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        switch_tasks();
    }
    if (result)
        check_fail(__FILE__, __LINE__, "%s: %d (%s)", statement, result, sqlite3_errmsg(db));
}

/* In one look, the sum of all tasks' rows is that of the row for all. */
static void look(sqlite3 *db)
{
    sqlite3_stmt *s;
    int result;

    CHECK_EQ(sqlite3_prepare_v2(db,
                                "SELECT (SELECT sum(n) FROM t WHERE k < 100), n FROM t WHERE k=100",
                                -1, &s, NULL),
             SQLITE_OK);
    while ((result = sqlite3_step(s)) == SQLITE_BUSY) {
        busy++;
        switch_tasks();
        sqlite3_reset(s);
    }
    CHECK_EQ(result, SQLITE_ROW);
    CHECK_EQ(sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1));
    sqlite3_finalize(s);
    reads++;
}

/* Adds one to the task's row and to that for all, which is read and written apart. */
static void add(sqlite3 *db, unsigned me)
{
    char text[80];
    int64_t n;

    insist(db, "BEGIN IMMEDIATE");
    n = sql_number(db, "SELECT n FROM t WHERE k=100");
    sprintf(text, "UPDATE t SET n=n+1, x=randomblob(2000) WHERE k=%u", me);
    sql_do(db, "%s", text);
    switch_tasks();
    sql_do(db, "UPDATE t SET n=%lld WHERE k=100", (long long)n + 1);
    insist(db, "COMMIT");
    done[me]++;
}

/* Through the connection that all share: one statement is one transaction. */
static void add_shared(unsigned me)
{
    sql_do(shared, "UPDATE t SET n=n+1 WHERE k=%u OR k=100", me);
    done[me]++;
}

static void *task(void *arg)
{
    unsigned me = (unsigned)((unsigned *)arg - done);
    sqlite3 *db = NULL;

    pthread_mutex_lock(&baton);
    wait_for_turn(me);
    if (!shared) {
        db = sql_open();
        sqlite3_busy_timeout(db, 20);
        insist(db, "PRAGMA cache_size=4");
    }
    for (unsigned i = 0; i < turns; i++) {
        if (shared)
            add_shared(me);
        else if (random_below(2))
            add(db, me);
        look(shared ? shared : db);
    }
    if (db)
        CHECK_EQ(sqlite3_close(db), SQLITE_OK);
    over[me] = true;
    hand_to(other_than(TASKS));
    pthread_mutex_unlock(&baton);
    return NULL;
}

static void run_tasks(void)
{
    pthread_t threads[TASKS];

    hosttask_on_switch(switch_tasks);
    for (unsigned i = 0; i < TASKS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, task, &done[i]), 0);
    for (unsigned i = 0; i < TASKS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    hosttask_on_switch(NULL);
    hosttask_is(NULL);
}

/* ---- cases ----------------------------------------------------------------------------------- */

enum { WAL, DELETE, SHARED };

static void tasks(void)
{
    const char *text = getenv("VIREO_SQL_TURNS");
    uint64_t all = 0;
    sqlite3 *db;

    turns = text ? (unsigned)strtoul(text, NULL, 10) : 60;
    host_boot(); /* SQLite's mutexes are those of tasks from then on */
    sqldisk_made(SQLDISK_BYTES);
    db = sql_open();
    sql_do(db, "PRAGMA journal_mode=%s; CREATE TABLE t(k INTEGER PRIMARY KEY, n, x)",
           case_variant == DELETE ? "delete" : "wal");
    for (unsigned i = 0; i < TASKS; i++)
        sql_do(db, "INSERT INTO t VALUES(%u, 0, NULL)", i);
    sql_do(db, "INSERT INTO t VALUES(100, 0, NULL)");
    shared = case_variant == SHARED ? db : NULL;
    if (!shared)
        CHECK_EQ(sqlite3_close(db), SQLITE_OK);
    run_tasks();
    if (!shared)
        db = sql_open();
    for (unsigned i = 0; i < TASKS; i++) {
        char query[40];

        sprintf(query, "SELECT n FROM t WHERE k=%u", i);
        CHECK_EQ(sql_number(db, query), done[i]);
        all += done[i];
    }
    CHECK_EQ(sql_number(db, "SELECT n FROM t WHERE k=100"), all);
    sql_check(db);
    CHECK(switches > turns && reads == TASKS * turns && all >= turns);
    CHECK(shared || busy);
    CHECK_EQ(sqlite3_close(db), SQLITE_OK);
}

int main(int argc, char **argv)
{
    static const struct test_variant ways[] = {
        {"wal", WAL}, {"delete", DELETE}, {"shared", SHARED}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"tasks", tasks, .variants = ways},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
