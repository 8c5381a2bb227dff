/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c - the table, and group commit: what several clients write at one time is one transaction,
 * so that one flush of the disk serves all of them.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"

static sqlite3 *db;
static sqlite3_stmt *do_get, *do_put, *do_delete, *do_list, *do_begin, *do_commit;
static uint64_t commits, written; /* transactions, and changes in them */

static const struct {
    sqlite3_stmt **at;
    const char *text;
} statements[] = {
    {&do_get, "SELECT value FROM kv WHERE key=?1"},
    {&do_put, "INSERT INTO kv VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=?2"},
    {&do_delete, "DELETE FROM kv WHERE key=?1"},
    {&do_list, "SELECT key FROM kv WHERE key>=?1 AND key>?2 ORDER BY key LIMIT ?3"},
    {&do_begin, "BEGIN IMMEDIATE"},
    {&do_commit, "COMMIT"},
};

static bool complain(const char *what)
{
    printf("kv: %s: %s\n", what, sqlite3_errmsg(db));
    return false;
}

bool table_open(const char *disk)
{
    if (sqlite3_open_v2(disk, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return complain(disk);
    sqlite3_busy_timeout(db, 1000);
    if (sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL)"
                     "WITHOUT ROWID",
                     NULL, NULL, NULL) != SQLITE_OK)
        return complain(disk);
    for (unsigned i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        if (sqlite3_prepare_v3(db, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                               statements[i].at, NULL) != SQLITE_OK)
            return complain(statements[i].text);
    return true;
}

void table_close(void)
{
    for (unsigned i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        sqlite3_finalize(*statements[i].at);
    sqlite3_close(db);
}

/* ---- one request ----------------------------------------------------------------------------- */

/* Runs a statement that gives no rows. */
static int run(sqlite3_stmt *s)
{
    int result = sqlite3_step(s);

    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int get(const struct request *q, struct answer *a)
{
    int result;

    sqlite3_bind_blob(do_get, 1, q->key, (int)q->key_len, SQLITE_STATIC);
    result = sqlite3_step(do_get);
    if (result == SQLITE_ROW) {
        a->len = (size_t)sqlite3_column_bytes(do_get, 0);
        a->body = malloc(a->len + 1);
        if (a->body && a->len)
            memcpy(a->body, sqlite3_column_blob(do_get, 0), a->len);
        a->status = a->body ? 200 : 503;
        a->len = a->body ? a->len : 0;
        result = SQLITE_OK;
    } else if (result == SQLITE_DONE) {
        answer_text(a, 404, "no such key");
        result = SQLITE_OK;
    }
    sqlite3_reset(do_get);
    return result;
}

static int put(const struct request *q, struct answer *a)
{
    int result;

    sqlite3_bind_blob(do_put, 1, q->key, (int)q->key_len, SQLITE_STATIC);
    sqlite3_bind_blob(do_put, 2, q->value_len ? q->value : "", (int)q->value_len, SQLITE_STATIC);
    result = run(do_put);
    if (!result)
        a->status = 204;
    return result;
}

static int erase(const struct request *q, struct answer *a)
{
    int result;

    sqlite3_bind_blob(do_delete, 1, q->key, (int)q->key_len, SQLITE_STATIC);
    result = run(do_delete);
    if (!result && sqlite3_changes(db))
        a->status = 204;
    else if (!result)
        answer_text(a, 404, "no such key");
    return result;
}

/* A key as a path has it. */
static size_t encode(const uint8_t *key, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bool plain = (key[i] >= '0' && key[i] <= '9') || (key[i] >= 'A' && key[i] <= 'Z') ||
                     (key[i] >= 'a' && key[i] <= 'z') || (key[i] && strchr("-._~/", key[i]));

        n += (size_t)sprintf(out + n, plain ? "%c" : "%%%02X", key[i]);
    }
    out[n++] = '\n';
    return n;
}

/* Keys with a prefix lie together: the first one without it ends the list. */
static int list(const struct request *q, struct answer *a)
{
    size_t size = 0;
    int result;

    sqlite3_bind_blob(do_list, 1, q->key_len ? (const void *)q->key : "", (int)q->key_len,
                      SQLITE_STATIC);
    sqlite3_bind_blob(do_list, 2, q->after_len ? (const void *)q->after : "", (int)q->after_len,
                      SQLITE_STATIC);
    sqlite3_bind_int(do_list, 3, (int)q->limit);
    a->status = 200;
    a->type = "text/plain";
    while ((result = sqlite3_step(do_list)) == SQLITE_ROW) {
        const uint8_t *key = sqlite3_column_blob(do_list, 0);
        size_t len = (size_t)sqlite3_column_bytes(do_list, 0);

        if (len < q->key_len || memcmp(key, q->key, q->key_len) != 0) {
            result = SQLITE_DONE;
            break;
        }
        if (size - a->len < 3 * KV_KEY_MAX + 2) {
            char *body = realloc(a->body, size = 2 * size + 4096);

            if (!body) {
                result = SQLITE_NOMEM;
                break;
            }
            a->body = body;
        }
        a->len += encode(key, len, a->body + a->len);
    }
    sqlite3_reset(do_list);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int status(struct answer *a)
{
    a->body = malloc(100);
    a->len = a->body
                 ? (size_t)sprintf(a->body, "{\"commits\":%" PRIu64 ",\"changes\":%" PRIu64 "}\n",
                                   commits, written)
                 : 0;
    a->type = "application/json";
    a->status = a->body ? 200 : 503;
    return SQLITE_OK;
}

/* The result is SQLite's; with 0 there is an answer. */
static int serve(const struct request *q, struct answer *a)
{
    switch (q->verb) {
    case VERB_GET:
        return get(q, a);
    case VERB_PUT:
        return put(q, a);
    case VERB_DELETE:
        return erase(q, a);
    case VERB_LIST:
        return list(q, a);
    case VERB_STATUS:
        return status(a);
    default:
        return SQLITE_OK;
    }
}

/* ---- several --------------------------------------------------------------------------------- */

static bool writes(const struct request *q)
{
    return q->verb == VERB_PUT || q->verb == VERB_DELETE;
}

/* One transaction. 0, or the error that undid it. */
static int serve_all(struct request *const *q, struct answer *const *a, unsigned n)
{
    unsigned changes = 0;
    int result = SQLITE_OK;

    for (unsigned i = 0; i < n; i++)
        changes += writes(q[i]);
    if (changes)
        result = run(do_begin);
    for (unsigned i = 0; i < n && !result; i++)
        result = serve(q[i], a[i]);
    if (changes && !result)
        result = run(do_commit);
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (!result && changes) {
        commits++;
        written += changes;
    }
    return result;
}

static void refuse(struct answer *a, int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        answer_text(a, 507, "the disk is full");
        break;
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
        answer_text(a, 503, "try again");
        break;
    default:
        answer_text(a, 500, sqlite3_errstr(result));
    }
}

void table_serve(struct request *const *q, struct answer *const *a, unsigned n)
{
    int result = serve_all(q, a, n);

    if (!result)
        return;
    for (unsigned i = 0; i < n; i++)
        answer_clear(a[i]);
    /* What fills the disk, or cannot be read, must not undo what others write: each one alone. A
     * checkpoint gives the log's room back. */
    if ((result & 0xff) == SQLITE_FULL)
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    for (unsigned i = 0; i < n; i++) {
        result = serve_all(q + i, a + i, 1);
        if (result)
            refuse(a[i], result);
    }
}
