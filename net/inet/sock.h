/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h - the inside of sockets: descriptors on lwIP's callback interface, shared by their source
 * files.
 *
 * Each lwIP callback leaves data or an event at its socket and makes waiting tasks runnable; each
 * call of an application enters the stack, looks, and parks when it has to wait. A socket outlives
 * its descriptor while tasks are parked in it.
 *
 * Functions return counts or negative errno values. "deadline" is one of hal_now_ns(), or
 * SOCK_DEADLINE: from the socket's own timeout, once waiting begins.
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

enum sock_kind { SOCK_KIND_TCP, SOCK_KIND_LISTEN, SOCK_KIND_UDP, SOCK_KIND_RAW };

#define SOCK_DGRAM_QUEUE (256u << 10) /* bytes of datagrams that wait, by default */
#define SOCK_DGRAM_COUNT 512
#define SOCK_GROUPS_MAX  20 /* memberships of one socket */

/* A datagram that waits, and where it came from. */
struct sock_dgram {
    struct sock_dgram *next;
    struct pbuf *p;
    ip_addr_t addr;
    u16_t port;
};

struct sock {
    enum sock_kind kind;
    uint8_t family; /* AF_INET or AF_INET6 */
    uint8_t protocol;
    bool nonblock;
    bool v6only;
    bool reset_on_close; /* SO_LINGER with time 0 */
    bool connecting;
    bool connected; /* TCP: was; UDP: has a peer */
    bool eof;       /* the peer sends no more */
    bool read_shut, write_shut;
    bool want_write;  /* somebody waits for room */
    uint32_t starved; /* memory_epoch in which a write found no memory */
    bool closed;      /* the last descriptor is gone */
    int error;        /* pending, positive: SO_ERROR */
    unsigned users;   /* tasks parked in a call; and its file, while calls alone hold it */
    union {
        struct tcp_pcb *tcp; /* NULL once the connection has ended */
        struct udp_pcb *udp;
        struct raw_pcb *raw;
    };
    struct file *file; /* NULL before accept() */

    struct pbuf *rx_head, *rx_tail; /* TCP: single pbufs, linked by next */
    struct sock_dgram *dg_head, *dg_tail;
    uint32_t rx_bytes, rx_count;
    uint32_t rx_limit; /* datagrams: bytes that may wait */
    struct sock_group *groups;

    struct sock *accept_head, *accept_tail; /* listening: connections to accept */
    struct sock *accept_next;
    struct sock *listener; /* whose queue it waits in */

    struct waitq readers, writers;
    uint64_t read_timeout, write_timeout; /* ns, 0: none */
};

extern const struct file_ops sock_ops;

/* The message of one call, in pieces. */
struct sock_msg {
    const struct iovec *iov;
    int iovcnt;
    ip_addr_t addr; /* of the peer */
    u16_t port;
    bool has_addr;
    bool truncated;
};

/* ---- sock.c ---- */
struct sock *sock_new(enum sock_kind kind, int family);
void sock_unref(struct sock *s);             /* frees a closed socket that nobody is parked in */
int sock_install(struct sock *s, int flags); /* a descriptor, or -errno */
/* Parks on q. 0; -EAGAIN at the deadline or when not blocking; -EBADF: closed, s is gone. */
int sock_wait(struct sock *s, struct waitq *q, uint64_t timeout_ns, uint64_t *deadline, int flags);
void sock_readable(struct sock *s);
void sock_writable(struct sock *s);
void sock_changed(struct sock *s); /* both, for errors and ends */
int sock_take_error(struct sock *s);

/* ---- sock_addr.c ---- */
int sock_addr_in(const struct sock *s, const struct sockaddr *sa, socklen_t len, ip_addr_t *addr,
                 u16_t *port);
void sock_addr_out(const struct sock *s, const ip_addr_t *addr, u16_t port, struct sockaddr *sa,
                   socklen_t *len);
struct netif *sock_scope_netif(const ip_addr_t *addr);

/* ---- sock_tcp.c, sock_tcp_io.c ---- */
int sock_tcp_open(struct sock *s);
int sock_tcp_bind(struct sock *s, const ip_addr_t *addr, u16_t port);
int sock_tcp_listen(struct sock *s, int backlog);
int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port);
int sock_tcp_accept(struct sock *s, struct sock **out);
int sock_tcp_shutdown(struct sock *s, int how);
void sock_tcp_close(struct sock *s);
int sock_tcp_poll(struct sock *s, int events);
ssize_t sock_tcp_send(struct sock *s, const struct sock_msg *m, int flags);
ssize_t sock_tcp_recv(struct sock *s, struct sock_msg *m, int flags);
void sock_tcp_drop_rx(struct sock *s);
err_t sock_tcp_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);
err_t sock_tcp_sent(void *arg, struct tcp_pcb *pcb, u16_t len);

/* ---- sock_dgram.c ---- */
int sock_dgram_open(struct sock *s, int protocol);
int sock_dgram_bind(struct sock *s, const ip_addr_t *addr, u16_t port);
int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port);
void sock_dgram_close(struct sock *s);
int sock_dgram_poll(struct sock *s, int events);
ssize_t sock_dgram_send(struct sock *s, const struct sock_msg *m, int flags);
ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags);

/* ---- sock_group.c: interface 0.0.0.0 stands for all ---- */
int sock_group_join(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group);
int sock_group_leave(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group);
void sock_group_leave_all(struct sock *s);

#endif
