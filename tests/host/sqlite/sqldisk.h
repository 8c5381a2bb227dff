/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqldisk.h - a disk of fakedisk.h with a database store, for tests of sqlite/.
 */
#ifndef VIREO_SQLDISK_H
#define VIREO_SQLDISK_H

#include <sqlite3.h>

#include "check.h"
#include "fakedisk.h"
#include "store.h"

#define SQLDISK_BYTES (2u << 20)

/* The newest disk. */
extern struct fakedisk *sqldisk;

/*
 * A new disk, which reads as zeros or, if content is given, as that. Each wait of the caller makes
 * a transfer of the newest disk end.
 */
struct fakedisk *sqldisk_new(uint64_t bytes, const void *content);
/* The same with an empty store on it. */
struct fakedisk *sqldisk_made(uint64_t bytes);
/* Called before each transfer of the newest disk ends; NULL: nothing is. */
extern void (*sqldisk_step)(void);
/* Lets each transfer that is out end. */
void sqldisk_settle(void);

/* A connection to the newest disk. */
sqlite3 *sql_open(void);
/* Runs statements; fails the case unless the result is as wanted. */
void sql_want(sqlite3 *db, int wanted, const char *text, ...) __attribute__((format(printf, 3, 4)));
#define sql_do(db, ...) sql_want(db, SQLITE_OK, __VA_ARGS__)
/* The first column of the first row of a query. */
int64_t sql_number(sqlite3 *db, const char *query);
/* Fails the case unless the database is whole. */
void sql_check(sqlite3 *db);

#endif
