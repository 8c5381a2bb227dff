/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys/socket.h - sockets (POSIX.1-2017).
 *
 * An address family is part of an image that includes the header of its addresses: <netinet/in.h>
 * (AF_INET, AF_INET6) or <linux/vm_sockets.h> (AF_VSOCK). Without it socket() answers EAFNOSUPPORT.
 *
 * Numbers are Vireo's own. There is no SIGPIPE (a write to a closed connection fails with EPIPE),
 * no socketpair(), no out-of-band data (MSG_OOB is refused).
 */
#ifndef VIREO_SYS_SOCKET_H
#define VIREO_SYS_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t socklen_t;
typedef uint16_t sa_family_t;

struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};
/* Large enough, and aligned, for every address. */
struct sockaddr_storage {
    sa_family_t ss_family;
    uint16_t ss_pad;
    uint32_t ss_data[31];
} __attribute__((aligned(8)));

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    int msg_iovlen;
    void *msg_control; /* records, each behind a struct cmsghdr */
    socklen_t msg_controllen;
    int msg_flags;
};

struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned msg_len;
};
struct timespec;

/* A record of ancillary data; CMSG_DATA is behind it. The families' headers name the types. */
struct cmsghdr {
    socklen_t cmsg_len; /* bytes, with this header */
    int cmsg_level;
    int cmsg_type;
};
#define CMSG_ALIGN(len) (((len) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define CMSG_LEN(len)   (CMSG_ALIGN(sizeof(struct cmsghdr)) + (len))
#define CMSG_SPACE(len) (CMSG_ALIGN(sizeof(struct cmsghdr)) + CMSG_ALIGN(len))
#define CMSG_DATA(cmsg) ((unsigned char *)(cmsg) + CMSG_ALIGN(sizeof(struct cmsghdr)))
#define CMSG_FIRSTHDR(m)                                                                           \
    ((m)->msg_controllen < sizeof(struct cmsghdr) ? (struct cmsghdr *)0                            \
                                                  : (struct cmsghdr *)(m)->msg_control)
#define CMSG_NXTHDR(m, cmsg) socket_next_record(m, cmsg)

/*
 * l_onoff without l_linger: close() resets the connection. With l_linger: close() waits so many
 * seconds until what was sent is acknowledged.
 */
struct linger {
    int l_onoff;
    int l_linger;
};

/* <errno.h> keeps this number for it, and has no name for it. */
#ifndef ESOCKTNOSUPPORT
#define ESOCKTNOSUPPORT 124
#endif

#define AF_UNSPEC 0
#define AF_INET   2
#define AF_INET6  10
#define AF_VSOCK  40
#define PF_UNSPEC AF_UNSPEC
#define PF_INET   AF_INET
#define PF_INET6  AF_INET6
#define PF_VSOCK  AF_VSOCK

#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define SOCK_RAW    3
/* May be added to a type, with |. */
#define SOCK_NONBLOCK 0x4000
#define SOCK_CLOEXEC  0x8000 /* accepted; there is no exec */

#define SOL_SOCKET    0xfff
#define SO_DEBUG      1
#define SO_REUSEADDR  2
#define SO_TYPE       3
#define SO_ERROR      4
#define SO_DONTROUTE  5
#define SO_BROADCAST  6
#define SO_SNDBUF     7
#define SO_RCVBUF     8
#define SO_KEEPALIVE  9
#define SO_OOBINLINE  10
#define SO_LINGER     13
#define SO_REUSEPORT  15
#define SO_RCVLOWAT   18
#define SO_SNDLOWAT   19
#define SO_RCVTIMEO   20
#define SO_SNDTIMEO   21
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL   38
#define SO_DOMAIN     39

#define SOMAXCONN 255

#define MSG_OOB        0x01 /* refused */
#define MSG_PEEK       0x02
#define MSG_TRUNC      0x20
#define MSG_CTRUNC     0x08
#define MSG_WAITALL    0x100
#define MSG_DONTWAIT   0x40
#define MSG_MORE       0x8000
#define MSG_NOSIGNAL   0x4000  /* accepted; there are no signals */
#define MSG_WAITFORONE 0x10000 /* recvmmsg: for the first message alone */

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2

/* CMSG_NXTHDR: the record behind this one, if its header fits; NULL. */
static inline struct cmsghdr *socket_next_record(const struct msghdr *m, const struct cmsghdr *c)
{
    size_t at = (size_t)((const char *)c - (const char *)m->msg_control) + CMSG_ALIGN(c->cmsg_len);

    return c->cmsg_len < sizeof(*c) || at + sizeof(*c) > m->msg_controllen
               ? (struct cmsghdr *)0
               : (struct cmsghdr *)((char *)m->msg_control + at);
}

int socket(int domain, int type, int protocol);
int bind(int fd, const struct sockaddr *addr, socklen_t len);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr *addr, socklen_t *len);
int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int connect(int fd, const struct sockaddr *addr, socklen_t len);
int shutdown(int fd, int how);
int getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int setsockopt(int fd, int level, int name, const void *value, socklen_t len);
ssize_t send(int fd, const void *buf, size_t len, int flags);
ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
               socklen_t tolen);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t recv(int fd, void *buf, size_t len, int flags);
ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                 socklen_t *fromlen);
ssize_t recvmsg(int fd, struct msghdr *msg, int flags);
/*
 * Several messages, up to 1,024 of them in one call: how many were sent, or received; msg_len has
 * the bytes of each. An error counts if it comes first; else it ends the call, and is reported by
 * the next one. The time is looked at after each message that came, as on Linux.
 */
int sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags);
int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif
