/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aio.h - asynchronous reads, writes and syncs (POSIX.1-2017). Those of a disk go on by themselves;
 * those of other files are made by tasks, eight at a time. docs/files.md says what is announced.
 */
#ifndef VIREO_AIO_H
#define VIREO_AIO_H

#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A request. From the call that makes it until it has ended, it and its buffer must stay. To be
 * zeroed before it is filled in.
 */
struct aiocb {
    int aio_fildes;
    off_t aio_offset;
    volatile void *aio_buf;
    size_t aio_nbytes;
    int aio_reqprio; /* 0 to AIO_PRIO_DELTA_MAX; without effect */
    struct sigevent aio_sigevent;
    int aio_lio_opcode; /* lio_listio(): LIO_READ, LIO_WRITE, LIO_NOP */

    /* not the caller's */
    volatile int aio_state; /* 0, EINPROGRESS, or the error */
    ssize_t aio_value;
};

#define AIO_PRIO_DELTA_MAX 20
#define AIO_LISTIO_MAX     64 /* requests of one lio_listio() */

#define AIO_CANCELED    0
#define AIO_NOTCANCELED 1
#define AIO_ALLDONE     2

#define LIO_READ  0
#define LIO_WRITE 1
#define LIO_NOP   2

#define LIO_WAIT   0
#define LIO_NOWAIT 1

int aio_read(struct aiocb *cb);
int aio_write(struct aiocb *cb);
int aio_fsync(int op, struct aiocb *cb); /* O_SYNC, O_DSYNC */
int aio_error(const struct aiocb *cb);
ssize_t aio_return(struct aiocb *cb);
int aio_suspend(const struct aiocb *const list[], int n, const struct timespec *timeout);
int aio_cancel(int fd, struct aiocb *cb);
int lio_listio(int mode, struct aiocb *const list[], int n, struct sigevent *event);

#ifdef __cplusplus
}
#endif

#endif
