/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs_mutex.c - SQLite's mutexes, which are those of tasks: a task that waits for a disk holds the
 * mutex of its connection meanwhile.
 */
#include <stdlib.h>

#include "vfs.h"

#define STATIC_MUTEXES 16

struct sqlite3_mutex {
    struct task_mutex m;
};

static struct sqlite3_mutex vfs_statics[STATIC_MUTEXES];

static int vfs_mutex_init(void)
{
    return SQLITE_OK;
}

static sqlite3_mutex *vfs_mutex_alloc(int kind)
{
    if (kind == SQLITE_MUTEX_FAST || kind == SQLITE_MUTEX_RECURSIVE)
        return calloc(1, sizeof(sqlite3_mutex));
    return kind < STATIC_MUTEXES ? &vfs_statics[kind] : NULL;
}

static void vfs_mutex_free(sqlite3_mutex *m)
{
    free(m);
}

static void vfs_mutex_enter(sqlite3_mutex *m)
{
    task_mutex_lock(&m->m);
}

static int vfs_mutex_try(sqlite3_mutex *m)
{
    return task_mutex_trylock(&m->m) ? SQLITE_OK : SQLITE_BUSY;
}

static void vfs_mutex_leave(sqlite3_mutex *m)
{
    task_mutex_unlock(&m->m);
}

const sqlite3_mutex_methods vfs_mutex_methods = {
    .xMutexInit = vfs_mutex_init,
    .xMutexEnd = vfs_mutex_init,
    .xMutexAlloc = vfs_mutex_alloc,
    .xMutexFree = vfs_mutex_free,
    .xMutexEnter = vfs_mutex_enter,
    .xMutexTry = vfs_mutex_try,
    .xMutexLeave = vfs_mutex_leave,
};
