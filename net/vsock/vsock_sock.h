/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_sock.h - the inside of AF_VSOCK sockets, shared by their source files.
 *
 * A socket is a file (its descriptor's) around a connection or a listener of drivers/vsock. The
 * driver says when something changed; whoever waits in a call looks again.
 */
#ifndef VIREO_VSOCK_SOCK_H
#define VIREO_VSOCK_SOCK_H

#include <linux/vm_sockets.h>

#include "socket_ops.h"
#include "vireo/file.h"
#include "vireo/task.h"
#include "vsock/vsock.h"

enum vsock_kind { VSOCK_KIND_FRESH, VSOCK_KIND_LISTENING, VSOCK_KIND_CONNECTION };

struct vsock_sock {
    enum vsock_kind kind;
    bool nonblock;
    bool closed;        /* the last descriptor is gone */
    bool told;          /* of how connect() ended */
    bool owns_port;     /* by bind() or connect(): nobody else may bind it */
    uint32_t cid, port; /* bound to; VMADDR_PORT_ANY: not bound */
    uint32_t space;
    struct vsock_conn *conn;
    struct vsock_listener listener;
    struct waitq waiters;
    struct file *file;
    uint64_t read_timeout, write_timeout, connect_timeout; /* ns; 0: none */
    struct vsock_sock *next;
};

extern const struct file_ops vsock_file_ops;
extern const struct socket_ops vsock_socket_ops;

/* ---- vsock_sock.c ---- */
struct vsock_sock *vsock_sock_new(void);
void vsock_sock_free(struct vsock_sock *s);
int vsock_sock_install(struct vsock_sock *s, int flags); /* a descriptor, or -errno */
void vsock_sock_changed(void *s);                        /* the driver's notify */
/* Parks. 0: look again; -EAGAIN at the deadline or when not blocking; -EBADF: closed. */
int vsock_sock_wait(struct vsock_sock *s, uint64_t timeout_ns, uint64_t *deadline, int flags);
ssize_t vsock_sock_send(struct vsock_sock *s, const struct iovec *iov, int n, int flags);
ssize_t vsock_sock_recv(struct vsock_sock *s, const struct iovec *iov, int n, int flags);

/* ---- vsock_bind.c ---- */
/* The address that a program passed; -EINVAL, -EAFNOSUPPORT. */
int vsock_addr_in(const struct sockaddr *sa, socklen_t len, struct vsock_addr *out);
void vsock_addr_out(struct vsock_addr a, struct sockaddr *sa, socklen_t *len);
/* Binds to a port, or with VMADDR_PORT_ANY to a free one. -EADDRINUSE. */
int vsock_bind_port(struct vsock_sock *s, uint32_t port);
void vsock_bind_add(struct vsock_sock *s); /* into the list of all sockets */
void vsock_bind_remove(struct vsock_sock *s);

#endif
