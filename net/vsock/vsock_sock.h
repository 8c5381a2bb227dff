/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_sock.h - the inside of AF_VSOCK sockets, shared by their source files.
 *
 * A socket is a file with a connection or a listener of drivers/vsock. The driver says when
 * something has changed, and tasks that wait in a call look again. Functions run in task context;
 * results are counts, 0, or negative errno values.
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
    bool closed;             /* the last descriptor is gone */
    bool told;               /* the result of connect() was returned, or read as SO_ERROR */
    bool owns_port;          /* by bind(), connect() or listen(): no other socket may bind it */
    uint32_t cid, port;      /* bound to; VMADDR_PORT_ANY: not bound */
    uint32_t space;          /* bytes that the peer may send before they are read */
    struct vsock_conn *conn; /* VSOCK_KIND_CONNECTION: owned; else NULL */
    struct vsock_listener listener;       /* VSOCK_KIND_LISTENING */
    struct waitq waiters;                 /* tasks in any call of this socket */
    struct file *file;                    /* NULL before it is installed, and after close() */
    uint64_t read_timeout, write_timeout; /* ns; 0: none */
    uint64_t connect_timeout;             /* ns; never 0 */
    struct vsock_sock *next;
};

#define VSOCK_CONNECT_TIMEOUT (2 * HAL_SEC) /* at first; as on Linux */

extern const struct file_ops vsock_file_ops;
extern const struct socket_ops vsock_socket_ops;

/* ---- vsock_file.c ---- */

/* A fresh socket without descriptor; NULL: out of memory. */
struct vsock_sock *vsock_sock_new(void);
/* Ends what the socket has, and frees it. No task may wait in it. */
void vsock_sock_free(struct vsock_sock *s);
/* A descriptor for the socket, or -errno: the socket stays the caller's. flags: SOCK_NONBLOCK. */
int vsock_sock_install(struct vsock_sock *s, int flags);
/* The driver's notify: tasks that wait or poll look again. */
void vsock_sock_changed(void *s);
/*
 * Parks. *deadline is 0 before the first wait of a call; the first wait sets it from timeout_ns (0:
 * no limit). 0: look again; -EAGAIN: the deadline has passed, or the call may not wait; -EBADF:
 * closed meanwhile. The socket stays, since the call holds its file. [parks]
 */
int vsock_sock_wait(struct vsock_sock *s, uint64_t timeout_ns, uint64_t *deadline, int flags);
/* n pieces of data; flags: MSG_... [parks] */
ssize_t vsock_sock_send(struct vsock_sock *s, const struct iovec *iov, int n, int flags);
ssize_t vsock_sock_recv(struct vsock_sock *s, const struct iovec *iov, int n, int flags);

/* ---- vsock_bind.c ---- */

/* The address that an application passed. -EINVAL; -EAFNOSUPPORT. */
int vsock_addr_in(const struct sockaddr *sa, socklen_t len, struct vsock_addr *out);
/* The address for an application: as much of it as *len has room for. sa, len NULL: nothing. */
void vsock_addr_out(struct vsock_addr a, struct sockaddr *sa, socklen_t *len);
/* Binds to a port, or with VMADDR_PORT_ANY to a free one. -EADDRINUSE. */
int vsock_bind_port(struct vsock_sock *s, uint32_t port);
/* Into the list of all sockets, and out of it. */
void vsock_bind_add(struct vsock_sock *s);
void vsock_bind_remove(struct vsock_sock *s);

#endif
