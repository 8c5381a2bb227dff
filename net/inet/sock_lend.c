/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_lend.c - sending what stays where it is: net_send_lent() of <net.h>.
 */
#include <errno.h>

#include "lwip/tcp.h"
#include "sock.h"
#include "vireo/file.h"

/* Data that is lent. The pbuf lives as long as a segment refers to it. */
struct sock_loan {
    struct pbuf_custom pc;
    void (*release)(void *arg); /* NULL: nothing was taken */
    void *arg;
};

static void loan_end(struct pbuf *p)
{
    struct sock_loan *loan = (struct sock_loan *)(void *)p;

    if (loan->release)
        loan->release(loan->arg);
    net_free(loan);
}

/* Entered. [parks] */
static ssize_t loan_send(struct sock *s, const struct iovec *iov, int flags,
                         void (*release)(void *arg), void *arg)
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
    *loan = (struct sock_loan){.pc.custom_free_function = loan_end, .arg = arg};
    p = pbuf_alloced_custom(PBUF_RAW, (u16_t)iov->iov_len, PBUF_ROM, &loan->pc, iov->iov_base,
                            (u16_t)iov->iov_len);
    n = sock_tcp_send(s, iov, 1, p, flags);
    if (n > 0)
        loan->release = release;
    pbuf_free(p);
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
        net_enter();
        n = loan_send(f->ctx, &iov, flags, release, arg);
        net_leave();
    }
    file_drop(f);
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}
