/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_lend.c - sending what stays where it is: net_send_lent() of <net.h>, and sendfile().
 */
#include <errno.h>

#include "lwip/tcp.h"
#include "sock.h"
#include "vireo/file.h"

/* Data that is lent. The pbuf lives as long as a segment refers to it. */
struct sock_loan {
    struct pbuf_custom pc;
    bool taken;
    void (*release)(void *arg); /* of net_send_lent(); else `file` is ended */
    void *arg;
    struct file_loan file;
};

static void loan_end(struct pbuf *p)
{
    struct sock_loan *loan = (struct sock_loan *)(void *)p;

    if (loan->taken && loan->release)
        loan->release(loan->arg);
    else if (loan->taken && loan->file.end)
        loan->file.end(loan->file.owner, loan->file.part);
    net_free(loan);
}

/* what: the loan without its pbuf. Entered. [parks] */
static ssize_t loan_send(struct sock *s, const struct iovec *iov, int flags,
                         const struct sock_loan *what)
{
    struct sock_loan *loan;
    struct pbuf *p;
    ssize_t n;

    if (s->kind != SOCK_KIND_TCP)
        return -EOPNOTSUPP;
    if (!iov->iov_len || iov->iov_len > NET_LENT_MOST)
        return -EINVAL;
    loan = net_malloc(sizeof(*loan));
    if (!loan)
        return -ENOMEM;
    *loan = *what;
    loan->pc.custom_free_function = loan_end;
    p = pbuf_alloced_custom(PBUF_RAW, (u16_t)iov->iov_len, PBUF_ROM, &loan->pc, iov->iov_base,
                            (u16_t)iov->iov_len);
    n = sock_tcp_send(s, iov, 1, p, flags);
    loan->taken = n > 0;
    pbuf_free(p);
    return n;
}

ssize_t sock_op_write_loan(struct file *f, const struct file_loan *file, bool more)
{
    struct sock *s = f->ctx;
    ssize_t n = -EBADF;

    net_enter();
    if (!file) {
        n = 0;
        if (!s->closed && s->kind == SOCK_KIND_TCP && s->tcp)
            tcp_option_output(s->tcp, false);
    } else if (!s->closed) {
        const struct sock_loan loan = {.file = *file};
        struct iovec iov = {(void *)(uintptr_t)file->data, file->len};

        n = loan_send(s, &iov, more ? SOCK_MSG_BATCH : 0, &loan);
        if (n == -EOPNOTSUPP || n == -ENOMEM)
            n = -EBUSY;
    }
    net_leave();
    return n;
}

ssize_t net_send_lent(int fd, const void *data, size_t len, int flags, void (*release)(void *arg),
                      void *arg)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct file *f = file_hold(fd);
    ssize_t n = -ENOTSOCK;

    if (!f) {
        errno = EBADF;
        return -1;
    }
    if (f->ops == &sock_file_ops) {
        const struct sock_loan loan = {.release = release, .arg = arg};

        net_enter();
        n = loan_send(f->ctx, &iov, flags, &loan);
        net_leave();
    }
    file_drop(f);
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}
