/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_lend.c - sending what stays where it is: net_send_lent() of <net.h>, and sendfile().
 */
#include <errno.h>

#include "lwip/tcp.h"
#include "sock.h"
#include "tcp_queue.h"
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

/*
 * Queues all of the data at once, where nothing stands in the way; false: sock_tcp_send() shall see
 * to it.
 */
static bool loan_queue(struct sock *s, struct pbuf *p, int flags)
{
    bool batch = flags & SOCK_MSG_BATCH;

    if (s->state != SOCK_TCP_OPEN || s->error || s->write_shut || s->options.not_sent_low ||
        flags & ~SOCK_MSG_BATCH || tcp_window_room(s->tcp) < p->tot_len ||
        (tcp_sndqueuelen(s->tcp) && !net_mem_admit(NET_MEM_TX)))
        return false;
    if (tcp_queue_lend(s->tcp, p, 0, p->tot_len, batch ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK)
        return false;
    if (!batch)
        tcp_option_output(s->tcp, false);
    return true;
}

/* Is there a loan that the socket can take? 0, or why not. */
static ssize_t loan_judge(const struct sock *s, const struct iovec *iov,
                          const struct sock_loan *loan)
{
    if (s->kind != SOCK_KIND_TCP)
        return -EOPNOTSUPP;
    if (!iov->iov_len || iov->iov_len > NET_LENT_MOST)
        return -EINVAL;
    return loan ? 0 : -ENOMEM;
}

/* loan: from net_malloc(), without its pbuf, and owned from now on; NULL: out of memory. Entered.
 * [parks] */
static ssize_t loan_send(struct sock *s, const struct iovec *iov, int flags, struct sock_loan *loan)
{
    struct pbuf *p;
    ssize_t n = loan_judge(s, iov, loan);

    if (n) {
        net_free(loan);
        return n;
    }
    loan->taken = false;
    loan->pc.custom_free_function = loan_end;
    p = pbuf_alloced_custom(PBUF_RAW, (u16_t)iov->iov_len, PBUF_ROM, &loan->pc, iov->iov_base,
                            (u16_t)iov->iov_len);
    n = loan_queue(s, p, flags) ? (ssize_t)iov->iov_len : sock_tcp_send(s, iov, 1, p, flags);
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
        struct sock_loan *loan = net_malloc(sizeof(*loan));
        struct iovec iov = {(void *)(uintptr_t)file->data, file->len};

        if (loan) {
            loan->release = NULL;
            loan->file = *file;
        }
        n = loan_send(s, &iov, more ? SOCK_MSG_BATCH : 0, loan);
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
        struct sock_loan *loan;

        net_enter();
        loan = net_malloc(sizeof(*loan));
        if (loan) {
            loan->release = release;
            loan->arg = arg;
            loan->file.end = NULL;
        }
        n = loan_send(f->ctx, &iov, flags, loan);
        net_leave();
    }
    file_drop(f);
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}
