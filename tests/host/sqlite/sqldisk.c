/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqldisk.c - the disks of sqldisk.h.
 */
#include "sqldisk.h"

#include <string.h>

#include "host.h"
#include "hosttask.h"

struct fakedisk *sqldisk;
void (*sqldisk_step)(void);

static bool sqldisk_goes_on(void *ctx)
{
    bool any;

    (void)ctx;
    if (sqldisk_step)
        sqldisk_step();
    any = fakedisk_step(sqldisk);
    return any | host_run_round();
}

void sqldisk_settle(void)
{
    while (sqldisk_goes_on(NULL))
        continue;
}

struct fakedisk *sqldisk_new(uint64_t bytes, const void *content)
{
    static const struct block_device limits = {.block_size = 512,
                                               .max_segs = 40,
                                               .max_seg_size = 1u << 20,
                                               .depth = 16,
                                               .volatile_cache = true};
    static char names[8][8];
    static unsigned count;
    struct fakedisk *f = fakedisk_new(bytes, &limits);

    CHECK(f != NULL && count < 8);
    sprintf(names[count], "fake%u", count);
    f->dev.name = names[count++];
    if (content)
        memcpy(f->now, content, bytes);
    else
        memset(f->now, 0, bytes);
    memcpy(f->durable, f->now, bytes);
    hosttask_on_wait(sqldisk_goes_on, NULL);
    return sqldisk = f;
}

struct fakedisk *sqldisk_made(uint64_t bytes)
{
    struct fakedisk *f = sqldisk_new(bytes, NULL);

    CHECK_EQ(store_make(&f->dev), 0);
    return f;
}

sqlite3 *sql_open(void)
{
    char path[20];
    sqlite3 *db;

    sprintf(path, "/dev/%s", sqldisk->dev.name);
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

void sql_want(sqlite3 *db, int wanted, const char *text, ...)
{
    char *said = NULL, *statement;
    va_list args;
    int result;

    va_start(args, text);
    statement = sqlite3_vmprintf(text, args);
    va_end(args);
    result = sqlite3_exec(db, statement, NULL, NULL, &said);
    if (result != wanted)
        check_fail(__FILE__, __LINE__, "%s: %d (%s), not %d", statement, result,
                   said ? said : "done", wanted);
    sqlite3_free(said);
    sqlite3_free(statement);
}

int64_t sql_number(sqlite3 *db, const char *query)
{
    sqlite3_stmt *s;
    int64_t value;

    CHECK_EQ(sqlite3_prepare_v2(db, query, -1, &s, NULL), SQLITE_OK);
    CHECK_EQ(sqlite3_step(s), SQLITE_ROW);
    value = sqlite3_column_int64(s, 0);
    CHECK_EQ(sqlite3_finalize(s), SQLITE_OK);
    return value;
}

void sql_check(sqlite3 *db)
{
    sqlite3_stmt *s;

    CHECK_EQ(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    CHECK_EQ(sqlite3_step(s), SQLITE_ROW);
    if (strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0)
        check_fail(__FILE__, __LINE__, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
}
