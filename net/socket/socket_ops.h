/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_ops.h - between <sys/socket.h> and the address families: what a family supplies.
 *
 * A family is linked by including the header of its addresses, which refers to the family's struct
 * socket_family; the file that defines it registers it before main() (HAL_INIT). So an image holds
 * the families that it uses, and this room knows none of them.
 */
#ifndef VIREO_SOCKET_OPS_H
#define VIREO_SOCKET_OPS_H

#include <sys/socket.h>

#include "vireo/file.h"

struct socket_family {
    const char *name;
    int families[2]; /* AF_*; AF_UNSPEC: none */
    /*
     * A new descriptor whose file has socket_ops, or -errno. type is without SOCK_NONBLOCK and
     * SOCK_CLOEXEC, which are the flags.
     */
    int (*open)(int family, int type, int protocol, int flags);
    struct socket_family *next; /* of net/socket/ */
};
void socket_family_add(struct socket_family *f);

/*
 * What a socket can do besides what each file can (struct file_ops). The file is held during the
 * call, so it stays while another task closes its descriptor; the family ends the call then
 * (abandon of struct file_ops). Results are counts or negative errno values. A family has all of
 * them; what it cannot do answers -EOPNOTSUPP.
 */
struct socket_ops {
    int (*bind)(struct file *f, const struct sockaddr *addr, socklen_t len);
    int (*connect)(struct file *f, const struct sockaddr *addr, socklen_t len);
    int (*listen)(struct file *f, int backlog);
    int (*accept)(struct file *f, struct sockaddr *addr, socklen_t *len, int flags);
    int (*shutdown)(struct file *f, int how); /* how is valid */
    int (*getsockname)(struct file *f, struct sockaddr *addr, socklen_t *len);
    int (*getpeername)(struct file *f, struct sockaddr *addr, socklen_t *len);
    int (*setsockopt)(struct file *f, int level, int name, const void *value, socklen_t len);
    int (*getsockopt)(struct file *f, int level, int name, void *value, socklen_t *len);
    /* recvmsg sets msg_namelen and msg_flags; msg_name may be NULL. */
    ssize_t (*sendmsg)(struct file *f, const struct msghdr *msg, int flags);
    ssize_t (*recvmsg)(struct file *f, struct msghdr *msg, int flags);
};

/* Total of a vector; -EINVAL when it overflows. */
ssize_t socket_iov_len(const struct iovec *iov, int n);

/*
 * Values of options, as setsockopt and getsockopt pass them. in: -EINVAL, too short or NULL; -EDOM,
 * no time. out: as much as fits.
 */
int socket_int_in(const void *value, socklen_t len, int *out);
int socket_timeout_in(const void *value, socklen_t len, uint64_t *ns); /* 0: for ever */
void socket_value_out(const void *from, socklen_t size, void *value, socklen_t *len);
void socket_timeout_out(uint64_t ns, void *value, socklen_t *len);

#endif
