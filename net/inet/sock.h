/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h - the inside of AF_INET and AF_INET6 sockets, which stand on lwIP's callback interface.
 *
 * An lwIP callback leaves data or an event at its socket and makes waiting tasks runnable. A call
 * of an application enters the stack (net_enter), looks at the socket, and parks if it has to wait.
 * A socket outlives its descriptor while tasks are parked in it.
 *
 * Every function here is called inside net_enter() and net_leave(), and does not park unless its
 * comment says so. Results are counts, 0, or negative errno values. After a function that parks has
 * returned -EBADF the socket may be freed: the caller must not touch it again.
 */
#ifndef VIREO_SOCK_H
#define VIREO_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lwip/ip_addr.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "vireo/file.h"

enum sock_kind { SOCK_KIND_TCP, SOCK_KIND_UDP, SOCK_KIND_RAW };

/* States of a TCP socket. Only sock_tcp_become() changes the state, and checks each transition. */
enum sock_tcp_state {
    SOCK_TCP_IDLE, /* made, perhaps bound */
    SOCK_TCP_LISTENING,
    SOCK_TCP_CONNECTING,
    SOCK_TCP_OPEN,   /* connected */
    SOCK_TCP_ENDED,  /* was connected; what came before the end may still be read */
    SOCK_TCP_FAILED, /* could not be connected, or lost its address: good for close() alone */
};

#define SOCK_DGRAM_QUEUE (256u << 10) /* bytes of datagrams that may wait, by default */
#define SOCK_DGRAM_COUNT 512          /* datagrams that may wait */
#define SOCK_GROUPS_MAX  20           /* memberships of one socket */

/*
 * A queue of nodes that are linked by their member `next`, with its last node at hand. Macros,
 * since the nodes of each queue are of a type of their own.
 */
#define SOCK_QUEUE(type)                                                                           \
    struct {                                                                                       \
        type *head, *tail;                                                                         \
    }
#define SOCK_QUEUE_APPEND(q, node) HAL_QUEUE_APPEND((q)->head, (q)->tail, node, next)
/* Takes the first node out of a queue that is not empty. */
#define SOCK_QUEUE_POP(q)                                                                          \
    do {                                                                                           \
        (q)->head = (q)->head->next;                                                               \
        if (!(q)->head)                                                                            \
            (q)->tail = NULL;                                                                      \
    } while (0)

/* A datagram that waits, and its source. */
struct sock_dgram {
    struct sock_dgram *next;
    struct pbuf *p; /* owned */
    ip_addr_t addr;
    u16_t port;
};

struct sock {
    enum sock_kind kind;
    enum sock_tcp_state state; /* TCP only */
    uint8_t family;            /* AF_INET or AF_INET6 */
    uint8_t protocol;
    bool nonblock;
    bool v6only;
    bool reset_on_close; /* SO_LINGER with time 0 */
    bool has_peer;       /* UDP and raw: connect() named one */
    bool eof;            /* the peer sends no more */
    bool read_shut, write_shut;
    bool want_write;  /* a task waits for room to send */
    bool closed;      /* no descriptor names it any more */
    uint32_t starved; /* memory_epoch in which a write found no memory */
    int error;        /* pending, positive: SO_ERROR */
    unsigned users;   /* tasks parked in a call; and its file, while calls alone hold the file */
    union {           /* lwIP's control block; TCP: NULL once ENDED or FAILED */
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
        struct raw_pcb *raw;
    };
    struct file *file; /* NULL before accept() has returned it, and after close() */

    SOCK_QUEUE(struct pbuf) rx;           /* TCP: single pbufs, owned */
    SOCK_QUEUE(struct sock_dgram) dgrams; /* UDP and raw: owned */
    uint32_t rx_bytes, rx_count;          /* bytes, and datagrams, that wait */
    uint32_t rx_limit;                    /* UDP and raw: bytes that may wait */
    struct sock_group *groups;

    SOCK_QUEUE(struct sock) accepted; /* listening: connections that wait for accept(), owned */
    struct sock *next;                /* in the listener's queue */
    struct sock *listener;            /* whose queue this socket waits in; NULL: in none */

    struct waitq readers, writers;
    uint64_t read_timeout, write_timeout; /* ns; 0: none */
};

/* Data of one call, and the peer's address: of sendto, or found by recvfrom. */
struct sock_msg {
    const struct iovec *iov;
    int iovcnt;
    ip_addr_t addr;
    u16_t port;
    bool has_addr;
    bool truncated; /* recv: the datagram was longer than the vector */
};

/* ---- sock_file.c: life, waiting, and the file of a socket ------------------------------------ */

extern const struct file_ops sock_file_ops;

/* A socket without control block and descriptor; NULL: out of memory. */
struct sock *sock_new(enum sock_kind kind, int family);
/* Frees the socket if it is closed and no task is parked in it. */
void sock_unref(struct sock *s);
/* Closes and frees a socket that has a control block and no descriptor. */
void sock_discard(struct sock *s);
/*
 * A descriptor for the socket; -EMFILE, -ENOMEM: the socket stays the caller's. flags:
 * SOCK_NONBLOCK.
 */
int sock_install(struct sock *s, int flags);
/*
 * Parks on q. *deadline is 0 before the first wait of a call; the first wait sets it from
 * timeout_ns (0: no limit). 0: look again; -EAGAIN: the deadline has passed, or the call may not
 * wait (O_NONBLOCK, MSG_DONTWAIT in flags); -EBADF: closed meanwhile. [parks]
 */
int sock_wait(struct sock *s, struct waitq *q, uint64_t timeout_ns, uint64_t *deadline, int flags);
/* Make the tasks runnable that wait to read, to write, or for either (errors and ends). */
void sock_readable(struct sock *s);
void sock_writable(struct sock *s);
void sock_changed(struct sock *s);
/* The pending error, positive, which is then no longer pending; 0: none. */
int sock_take_error(struct sock *s);

/* ---- inet_family.c, sock_opt.c: calls of <sys/socket.h> -------------------------------------- */

extern const struct socket_ops inet_socket_ops;

/* setsockopt() and getsockopt(), with their arguments. value and len of getsockopt are not NULL. */
int sock_setopt(struct sock *s, int level, int name, const void *value, socklen_t len);
int sock_getopt(struct sock *s, int level, int name, void *value, socklen_t *len);

/* ---- sock_addr.c: addresses ------------------------------------------------------------------ */

/* The address that an application passed. -EINVAL; -EAFNOSUPPORT; -ENETUNREACH: IPV6_V6ONLY. */
int sock_addr_in(const struct sock *s, const struct sockaddr *sa, socklen_t len, ip_addr_t *addr,
                 u16_t *port);
/* The address for an application: as much of it as *len has room for. sa, len NULL: nothing. */
void sock_addr_out(const struct sock *s, const ip_addr_t *addr, u16_t port, struct sockaddr *sa,
                   socklen_t *len);
/* The address for lwIP's bind: `::` of a socket that takes IPv4 too stands for every address. */
const ip_addr_t *sock_addr_to_bind(const struct sock *s, const ip_addr_t *addr);

/* ---- sock_tcp.c: stream sockets -------------------------------------------------------------- */

/* Gives a new socket its control block. -ENOMEM. */
int sock_tcp_open(struct sock *s);
/* -EINVAL: not idle, or bound already; -EADDRINUSE. */
int sock_tcp_bind(struct sock *s, const ip_addr_t *addr, u16_t port);
/* Listens, on a free port if the socket is not bound; again: sets the backlog (1 to SOMAXCONN). */
int sock_tcp_listen(struct sock *s, int backlog);
/* 0: connected; -EINPROGRESS: goes on by itself; or why not. [parks] */
int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port);
/* *out is a connected socket without descriptor, the caller's. [parks] */
int sock_tcp_accept(struct sock *s, struct sock **out);
/* how: SHUT_RD, SHUT_WR, SHUT_RDWR. -ENOTCONN. */
int sock_tcp_shutdown(struct sock *s, int how);
/*
 * Hands the connection over to lwIP, which delivers what is unsent; resets the connection if data
 * was not read, or SO_LINGER asks for that. Closes connections that wait for accept(). Wakes no
 * task.
 */
void sock_tcp_close(struct sock *s);
/* Which of the events (POLLIN ...) hold now; remembers that a task waits for room to send. */
int sock_tcp_poll(struct sock *s, int events);

/* ---- sock_tcp_io.c: bytes of a stream -------------------------------------------------------- */

/* Bytes sent or received; 0 of recv: end of the stream. flags: MSG_... [parks] */
ssize_t sock_tcp_send(struct sock *s, const struct sock_msg *m, int flags);
ssize_t sock_tcp_recv(struct sock *s, struct sock_msg *m, int flags);
/* Frees what was received and not read, and opens the window by as much. */
void sock_tcp_drop_rx(struct sock *s);
/* lwIP's callback: `len` bytes were acknowledged. */
err_t sock_tcp_sent(void *arg, struct tcp_pcb *pcb, u16_t len);

/* ---- sock_dgram.c: UDP and raw sockets ------------------------------------------------------- */

/* Gives a new socket its control block. protocol: of a raw socket, 1 to 255. -ENOMEM. */
int sock_dgram_open(struct sock *s, int protocol);
/* -EINVAL: bound already; -EADDRINUSE. */
int sock_dgram_bind(struct sock *s, const ip_addr_t *addr, u16_t port);
int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port);
/* Leaves all groups, frees waiting datagrams and the control block. Wakes no task. */
void sock_dgram_close(struct sock *s);
int sock_dgram_poll(struct sock *s, int events);
/* All of the message or an error: -EMSGSIZE, -EDESTADDRREQ, -ENOBUFS, ... Does not wait. */
ssize_t sock_dgram_send(struct sock *s, const struct sock_msg *m, int flags);
/* One datagram; what does not fit is lost, and m->truncated says so. [parks] */
ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags);

/* ---- sock_group.c: multicast; interface 0.0.0.0 stands for all ------------------------------- */

/* -EADDRINUSE: is a member; -ENOBUFS; -EADDRNOTAVAIL: no such interface. */
int sock_group_join(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group);
/* -EADDRNOTAVAIL: is no member. */
int sock_group_leave(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group);
void sock_group_leave_all(struct sock *s);

#endif
