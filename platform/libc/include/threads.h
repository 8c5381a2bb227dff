/* SPDX-License-Identifier: BSD-2-Clause */
/* threads.h - threads of C11 (ISO/IEC 9899:2011, 7.26), which are those of <pthread.h>. */
#ifndef _THREADS_H
#define _THREADS_H

#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#else
#define thread_local _Thread_local
#endif

typedef pthread_t thrd_t;
typedef pthread_mutex_t mtx_t;
typedef pthread_cond_t cnd_t;
typedef pthread_key_t tss_t;
typedef pthread_once_t once_flag;
typedef int (*thrd_start_t)(void *);
typedef void (*tss_dtor_t)(void *);

enum { thrd_success, thrd_busy, thrd_error, thrd_nomem, thrd_timedout };
enum { mtx_plain = 0, mtx_recursive = 1, mtx_timed = 2 };

#define ONCE_FLAG_INIT                                                                             \
    {                                                                                              \
        0,                                                                                         \
        {                                                                                          \
            0, 0                                                                                   \
        }                                                                                          \
    }
#define TSS_DTOR_ITERATIONS 4
#ifndef TIME_UTC
#define TIME_UTC 1
#endif

int thrd_create(thrd_t *out, thrd_start_t fn, void *arg);
int thrd_equal(thrd_t a, thrd_t b);
thrd_t thrd_current(void);
int thrd_sleep(const struct timespec *time, struct timespec *rest);
void thrd_exit(int result) __attribute__((noreturn));
void thrd_yield(void);
int thrd_detach(thrd_t t);
int thrd_join(thrd_t t, int *result);
int mtx_init(mtx_t *m, int type);
void mtx_destroy(mtx_t *m);
int mtx_lock(mtx_t *m);
int mtx_timedlock(mtx_t *m, const struct timespec *until);
int mtx_trylock(mtx_t *m);
int mtx_unlock(mtx_t *m);
void call_once(once_flag *once, void (*fn)(void));
int cnd_init(cnd_t *c);
void cnd_destroy(cnd_t *c);
int cnd_signal(cnd_t *c);
int cnd_broadcast(cnd_t *c);
int cnd_wait(cnd_t *c, mtx_t *m);
int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until);
int tss_create(tss_t *key, tss_dtor_t destroy);
void tss_delete(tss_t key);
void *tss_get(tss_t key);
int tss_set(tss_t key, void *value);

#ifdef __cplusplus
}
#endif

#endif
