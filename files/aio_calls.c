/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_calls.c - the calls of <aio.h> (POSIX.1-2017) over aio.c, and how the end is announced. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "aio_impl.h"

static int aio_result(int err)
{
    if (err)
        errno = err;
    return err ? -1 : 0;
}

int aio_read(struct aiocb *cb)
{
    return aio_result(aio_make(LIO_READ, cb, NULL));
}

int aio_write(struct aiocb *cb)
{
    return aio_result(aio_make(LIO_WRITE, cb, NULL));
}

int aio_fsync(int op, struct aiocb *cb)
{
    return aio_result(op == O_SYNC || op == O_DSYNC ? aio_make(AIO_SYNC, cb, NULL) : EINVAL);
}

/* A caller may ask again at once and for ever. */
int aio_error(const struct aiocb *cb)
{
    if (cb->aio_state == EINPROGRESS)
        task_give_way();
    return cb->aio_state;
}

ssize_t aio_return(struct aiocb *cb)
{
    if (cb->aio_state == EINPROGRESS)
        return aio_result(EINVAL);
    return cb->aio_value;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Is none of them in progress, or not each? */
static bool aio_any_ended(const struct aiocb *const list[], int n)
{
    bool any = false;

    for (int i = 0; i < n; i++) {
        if (list[i] && list[i]->aio_state != EINPROGRESS)
            return true;
        any |= list[i] != NULL;
    }
    return !any;
}

int aio_suspend(const struct aiocb *const list[], int n, const struct timespec *timeout)
{
    uint64_t limit = HAL_NEVER;

    if (n < 0 || (timeout &&
                  (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)))
        return aio_result(EINVAL);
    if (timeout)
        limit = hal_now_ns() + (uint64_t)timeout->tv_sec * HAL_SEC + (uint64_t)timeout->tv_nsec;
    while (!aio_any_ended(list, n))
        if (waitq_wait(&aio_ended, limit))
            return aio_result(EAGAIN);
    return 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* With one that has not been made counted, too, so that the group stays until all have been. */
static void aio_make_all(struct aiocb *const list[], int n, struct aio_group *g)
{
    for (int i = 0; i < n; i++) {
        struct aiocb *cb = list[i];
        bool known = cb && (cb->aio_lio_opcode == LIO_READ || cb->aio_lio_opcode == LIO_WRITE);

        if (!cb || cb->aio_lio_opcode == LIO_NOP)
            continue;
        g->left++;
        if (!known) {
            cb->aio_state = EINVAL;
            cb->aio_value = -1;
        }
        if (!known || aio_make(cb->aio_lio_opcode, cb, g))
            aio_group_ended(g, true);
    }
}

void aio_group_ended(struct aio_group *g, bool failed)
{
    g->failed |= failed;
    if (--g->left || g->waited_for)
        return;
    aio_notify(&g->event);
    free(g);
}

static int aio_list_wait(struct aiocb *const list[], int n)
{
    struct aio_group g = {.left = 1, .waited_for = true};

    aio_make_all(list, n, &g);
    g.left--;
    while (g.left)
        waitq_wait(&aio_ended, HAL_NEVER);
    return aio_result(g.failed ? EIO : 0);
}

int lio_listio(int mode, struct aiocb *const list[], int n, struct sigevent *event)
{
    struct aio_group *g;
    bool failed;

    if ((mode != LIO_WAIT && mode != LIO_NOWAIT) || n < 0 || n > AIO_LISTIO_MAX ||
        (mode == LIO_NOWAIT && event && !aio_can_notify(event)))
        return aio_result(EINVAL);
    if (mode == LIO_WAIT)
        return aio_list_wait(list, n);
    g = calloc(1, sizeof(*g));
    if (!g)
        return aio_result(EAGAIN);
    g->left = 1;
    g->event.sigev_notify = SIGEV_NONE;
    if (event)
        g->event = *event;
    aio_make_all(list, n, g);
    failed = g->failed;
    aio_group_ended(g, false);
    return aio_result(failed ? EIO : 0);
}

/* ---- the end is announced -------------------------------------------------------------------- */

bool aio_can_notify(const struct sigevent *e)
{
    switch (e->sigev_notify) {
    case 0: /* a request that was zeroed, and says nothing of it */
    case SIGEV_NONE:
        return true;
    case SIGEV_SIGNAL:
        return e->sigev_signo > 0 && e->sigev_signo < NSIG;
    default:
        return e->sigev_notify == SIGEV_THREAD && e->sigev_notify_function;
    }
}

static void aio_thread(void *arg)
{
    struct sigevent event = *(struct sigevent *)arg;

    free(arg);
    event.sigev_notify_function(event.sigev_value);
}

/* Without memory for a task the end is not announced; aio_error() tells of it nevertheless. */
void aio_notify(const struct sigevent *e)
{
    struct sigevent *copy;

    if (e->sigev_notify == SIGEV_SIGNAL)
        sigqueue(getpid(), e->sigev_signo, e->sigev_value);
    if (e->sigev_notify != SIGEV_THREAD || !(copy = malloc(sizeof(*copy))))
        return;
    *copy = *e;
    if (!task_spawn("aio event", aio_thread, copy, 0))
        free(copy);
}
