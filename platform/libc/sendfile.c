/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendfile.c - <sys/sendfile.h>. A file lends what lies in memory (struct file_loan), and the other
 * one takes it; where either cannot, the bytes are copied.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>

#include "files.h"

#define COPY_MAX  16384u
#define COUNT_MAX 0x7ffff000u /* of one call, as on Linux */

/* 0 at the end of the file. [parks] */
static ssize_t send_copy(struct file *out, struct file *in, size_t len, off_t at)
{
    size_t size = len < COPY_MAX ? len : COPY_MAX;
    char *buf = malloc(size);
    ssize_t n;

    if (!buf)
        return -ENOMEM;
    n = in->ops->pread(in, buf, size, at);
    if (n > 0)
        n = out->ops->write(out, buf, (size_t)n);
    free(buf);
    return n;
}

/* Bytes that were taken, -EBUSY: they have to be copied. [parks] */
static ssize_t send_loan(struct file *out, struct file *in, size_t len, off_t at)
{
    struct file_loan loan = {0};
    ssize_t n, sent;

    if (!in->ops->lend || !out->ops->write_loan)
        return -EBUSY;
    n = in->ops->lend(in, len, at, &loan);
    if (n <= 0)
        return n;
    sent = out->ops->write_loan(out, &loan, (size_t)n < len);
    if (sent <= 0 && loan.end)
        loan.end(loan.owner, loan.part);
    return sent;
}

/* [parks] */
static ssize_t send_span(struct file *out, struct file *in, size_t len, off_t at)
{
    size_t done = 0;
    ssize_t n = len > 0;

    while (done < len && n > 0) {
        n = send_loan(out, in, len - done, at + (off_t)done);
        if (n == -EBUSY)
            n = send_copy(out, in, len - done, at + (off_t)done);
        if (n > 0)
            done += (size_t)n;
    }
    if (done && done < len && out->ops->write_loan)
        out->ops->write_loan(out, NULL, false); /* what waits for more leaves now */
    return done ? (ssize_t)done : n;
}

static ssize_t send_checked(struct file *out, struct file *in, off_t *at, size_t count)
{
    off_t from = at ? *at : in ? in->pos : 0;
    ssize_t n;

    if (!out || !in || (out->flags & O_ACCMODE) == O_RDONLY || (in->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (!in->ops->pread)
        return at ? -ESPIPE : -EINVAL;
    if (!out->ops->write || (out->flags & O_APPEND) || from < 0)
        return -EINVAL;
    n = send_span(out, in, count < COUNT_MAX ? count : COUNT_MAX, from);
    if (n > 0)
        *(at ? at : &in->pos) = from + n;
    return n;
}

ssize_t sendfile(int out_fd, int in_fd, off_t *at, size_t count)
{
    struct file *out = file_hold(out_fd), *in = file_hold(in_fd);
    ssize_t n = send_checked(out, in, at, count);

    if (n == -EAGAIN)
        task_give_way();
    if (in)
        file_drop(in);
    if (out)
        file_drop(out);
    return posix_result(n);
}
