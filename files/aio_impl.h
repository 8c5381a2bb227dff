/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_impl.h - what the files of <aio.h> share: requests (aio.c), and who hears of them
 * (aio_calls.c). */
#ifndef VIREO_AIO_IMPL_H
#define VIREO_AIO_IMPL_H

#include <aio.h>

#include "disk_async.h"
#include "vireo/task.h"

#define AIO_SYNC 3 /* beside LIO_READ and LIO_WRITE */

/* The requests of one lio_listio(). */
struct aio_group {
    unsigned left; /* that have not ended */
    bool failed;
    bool waited_for; /* a task waits, and has the memory */
    struct sigevent event;
};

/* A request that has not ended. */
struct aio {
    struct disk_async disk; /* first: it is cast to its aio */
    struct aiocb *cb;
    struct file *file; /* held */
    struct aio_group *group;
    struct aio *next;
    ssize_t written; /* by a write that is being synced */
    int op;
    bool on_disk, running;
};

/* Tasks that wait until one has ended. */
extern struct waitq aio_ended;

/* Makes a request. 0, or an errno value, which is its error, too. */
int aio_make(int op, struct aiocb *cb, struct aio_group *group);

/* May an event be wanted so? */
bool aio_can_notify(const struct sigevent *e);
/* It has come. Does not park. */
void aio_notify(const struct sigevent *e);
/* A request of the group has ended. */
void aio_group_ended(struct aio_group *g, bool failed);

#endif
