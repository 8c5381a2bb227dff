/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locks.c - newlib's locks are recursive task mutexes: stdio holds a stream's lock across _write,
 * which may park. malloc's lock does nothing: malloc never parks, and handlers do not call it.
 *
 * A newlib that was configured without locks (Debian's for arm-none-eabi) has malloc's alone: with
 * it tasks must not share a stream whose _write may park. The console's does not.
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/lock.h>

#include "vireo/task.h"

#ifdef _RETARGETABLE_LOCKING

struct __lock {
    struct task_mutex mutex;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

/* Without memory the stream has no lock, which the functions below take for an unlocked one. */
void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    if (lock)
        task_mutex_lock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return !lock || task_mutex_trylock(&lock->mutex);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return __retarget_lock_try_acquire(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    if (lock)
        task_mutex_unlock(&lock->mutex);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}

#endif

#ifdef VIREO_DEBUG
static bool in_malloc;
#endif

/* A debug build finds a handler that allocates while a task does. */
void __malloc_lock(struct _reent *r)
{
    (void)r;
#ifdef VIREO_DEBUG
    hal_assert(!in_malloc);
    in_malloc = true;
#endif
}

void __malloc_unlock(struct _reent *r)
{
    (void)r;
#ifdef VIREO_DEBUG
    in_malloc = false;
#endif
}
