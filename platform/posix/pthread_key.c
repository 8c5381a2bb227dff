/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_key.c - values of a thread, and what is done once, of <pthread.h>. */
#include <stdlib.h>

#include "thread.h"

/* A key that is deleted and made again is another: values of its life before are not seen. */
static struct {
    unsigned life; /* odd: it exists */
    void (*destroy)(void *);
} keys[PTHREAD_KEYS_MAX];

static bool key_exists(pthread_key_t key)
{
    return key < PTHREAD_KEYS_MAX && keys[key].life % 2 == 1;
}

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
        if (key_exists(i))
            continue;
        keys[i].life++;
        keys[i].destroy = destroy;
        *key = i;
        return 0;
    }
    return EAGAIN;
}

int pthread_key_delete(pthread_key_t key)
{
    if (!key_exists(key))
        return EINVAL;
    keys[key].life++;
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    const struct key_value *values = pthread_self()->values;

    if (!key_exists(key) || !values || values[key].life != keys[key].life)
        return NULL;
    return values[key].value;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct pthread *t = pthread_self();

    if (!key_exists(key))
        return EINVAL;
    if (!t->values && !(t->values = calloc(PTHREAD_KEYS_MAX, sizeof(*t->values))))
        return ENOMEM;
    t->values[key] = (struct key_value){.life = keys[key].life, .value = (void *)value};
    return 0;
}

/* Destructors may set values: a few rounds are made. True: one was called. */
static bool thread_destroy_values(const struct pthread *t)
{
    bool called = false;

    for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
        struct key_value *v = &t->values[i];
        void *value = v->value;
        v->value = NULL;
        if (!value || !key_exists(i) || v->life != keys[i].life || !keys[i].destroy)
            continue;
        keys[i].destroy(value);
        called = true;
    }
    return called;
}

void thread_end_values(struct pthread *t)
{
    for (int i = 0; t->values && i < PTHREAD_DESTRUCTOR_ITERATIONS; i++)
        if (!thread_destroy_values(t))
            break;
    free(t->values);
    t->values = NULL;
}

/* ---- once ------------------------------------------------------------------------------------ */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

/* Also of a thread that was cancelled meanwhile: then another one runs the function. */
static void once_end(pthread_once_t *once, int state)
{
    once->__state = state;
    waitq_wake_all(thread_queue(&once->__waiters));
}

static void once_again(void *once)
{
    once_end(once, ONCE_NEW);
}

int pthread_once(pthread_once_t *once, void (*fn)(void))
{
    while (once->__state == ONCE_RUNNING)
        waitq_wait(thread_queue(&once->__waiters), HAL_NEVER);
    if (once->__state == ONCE_DONE)
        return 0;
    once->__state = ONCE_RUNNING;
    pthread_cleanup_push(once_again, once);
    fn();
    pthread_cleanup_pop(0);
    once_end(once, ONCE_DONE);
    return 0;
}
