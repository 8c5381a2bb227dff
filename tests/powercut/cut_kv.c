/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut_kv.c - opens the database of examples/kv on a disk after a power cut, checks it, and prints
 * each row as "KEY VALUE", which scripts/vireolib/cut_kv.py judges.
 */
#include <sqlite3.h>
#include <string.h>

#include "cutdisk.h"

static int show_row(void *ctx, int count, char **values, char **names)
{
    (void)ctx;
    (void)names;
    printf("%s %s\n", values[0], count > 1 ? values[1] : "");
    return 0;
}

static int show_check(void *ctx, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    if (strcmp(values[0], "ok") == 0)
        return 0;
    printf("damaged: %s\n", values[0]);
    ++*(unsigned *)ctx;
    return 0;
}

static int note_table(void *ctx, int count, char **values, char **names)
{
    (void)count;
    (void)values;
    (void)names;
    *(bool *)ctx = true;
    return 0;
}

int main(int argc, char **argv)
{
    char path[40];
    unsigned damaged = 0;
    bool made = false;
    sqlite3 *db;

    if (argc != 2) {
        fprintf(stderr, "cut-kv: give IMAGE\n");
        return 2;
    }
    snprintf(path, sizeof(path), "/dev/%s", block_name(cutdisk_open(argv[1])->dev));
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA integrity_check", show_check, &damaged, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "SELECT 1 FROM sqlite_master WHERE name = 'kv'", note_table, &made,
                     NULL) != SQLITE_OK ||
        (made && sqlite3_exec(db, "SELECT CAST(key AS TEXT), CAST(value AS TEXT) FROM kv", show_row,
                              NULL, NULL) != SQLITE_OK)) {
        printf("%s\n", sqlite3_errmsg(db));
        return 1;
    }
    return damaged != 0;
}
