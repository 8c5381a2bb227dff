/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_ops.h - what an address family supplies to <sys/socket.h>.
 *
 * An application that includes the header of a family's addresses links the family: the header
 * refers to its struct socket_family. The file that defines the struct registers it before main()
 * (HAL_INIT). So an image holds the families that it uses, and this folder names none of them.
 */
#ifndef VIREO_SOCKET_OPS_H
#define VIREO_SOCKET_OPS_H

#include <sys/socket.h>

#include "vireo/file.h"

#define SOCKET_PARTS_MAX 1024 /* parts of a vector, as readv() and writev() take them */

struct socket_family {
    const char *name;
    int families[2]; /* AF_...; AF_UNSPEC: none */
    /*
     * Opens a socket: a new descriptor, whose file has socket_ops, or -errno. type is without
     * SOCK_NONBLOCK and SOCK_CLOEXEC; flags holds those two.
     */
    int (*open)(int family, int type, int protocol, int flags);
    struct socket_family *next; /* owned by socket_api.c */
};
/* Registers a family, for ever. From a function of HAL_INIT. */
void socket_family_add(struct socket_family *f);

/*
 * What a socket can do beyond what every file can (struct file_ops). The file is held during a
 * call: it stays if another task closes its last descriptor, and then the family ends the call
 * (abandon of struct file_ops). Results are counts or negative errno values. All entries are set;
 * what a family cannot do answers -EOPNOTSUPP. connect, accept and those that move data may park.
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
    /* recvmsg sets msg_namelen, msg_controllen and msg_flags, which is 0 before; msg_name and
     * msg_control may be NULL. The vector has SOCKET_PARTS_MAX parts at most. */
    ssize_t (*sendmsg)(struct file *f, const struct msghdr *msg, int flags);
    ssize_t (*recvmsg)(struct file *f, struct msghdr *msg, int flags);
    /* The same with one part, and neither address nor control data: what most calls are. */
    ssize_t (*send)(struct file *f, const void *buf, size_t len, int flags);
    ssize_t (*recv)(struct file *f, void *buf, size_t len, int flags);
};

/* The file of a socket, held until socket_done(); NULL, and errno is set. */
struct file *socket_hold(int fd);
/*
 * The end of a call: drops the file, and returns the result as POSIX wants it. After "try again"
 * the task gives way, since a loop of such calls would keep services out.
 */
ssize_t socket_done(struct file *f, ssize_t r);
/* 0; -EMSGSIZE: the vector has more parts than readv() and writev() take. */
int socket_check_vector(const struct msghdr *msg);

/* Bytes of a vector in all; -EINVAL: more than a ssize_t holds. */
ssize_t socket_iov_len(const struct iovec *iov, int n);

/*
 * Values of options. _in: what setsockopt() was given; -EINVAL: NULL or too short; -EDOM: not a
 * time. _out: for getsockopt(), as many bytes as *len has room for; *len becomes their number.
 */
int socket_int_in(const void *value, socklen_t len, int *out);
int socket_timeout_in(const void *value, socklen_t len, uint64_t *ns); /* 0: no limit */
void socket_value_out(const void *from, socklen_t size, void *value, socklen_t *len);
void socket_timeout_out(uint64_t ns, void *value, socklen_t *len);

#endif
