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
    SOCK_TCP_OPEN,  /* connected */
    SOCK_TCP_ENDED, /* was connected; what came before the end may still be read */
};

#define SOCK_DGRAM_QUEUE (256u << 10) /* bytes of datagrams that may wait, by default */
#define SOCK_DGRAM_COUNT 512          /* datagrams that may wait */
#define SOCK_ICMP6_SUM   2            /* where the sum of ICMPv6 stands, of two bytes */
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

/* Where a datagram came from, and what its header said: for ancillary data. */
struct sock_origin {
    ip_addr_t from, to;
    u16_t port;
    uint8_t netif; /* its number */
    uint8_t ttl, tos;
};

/* A datagram that waits. */
struct sock_dgram {
    struct pbuf *p; /* owned */
    struct sock_origin origin;
};

/* Those of a socket, in blocks, of which the first goes behind the last when it is empty. */
struct sock_dgrams {
    struct sock_dgram_block *head, *tail;
    struct sock_dgram_block *spare; /* NULL: none */
    uint8_t first, end;             /* places of the first one, and behind the last one */
};

/* What a socket asks recvmsg() for: bits of sock.wants. */
enum {
    SOCK_WANT_PKTINFO = 1,
    SOCK_WANT_TTL = 2,
    SOCK_WANT_TOS = 4,
    SOCK_WANT_PKTINFO6 = 8,
    SOCK_WANT_HOPLIMIT = 16,
    SOCK_WANT_TCLASS = 32,
};

/*
 * Options that lwIP's control block has too. The socket owns them, since control blocks come and
 * go: sock_apply_options() hands them to the present one.
 */
struct sock_options {
    uint8_t ttl, tos, hops;            /* hops: of IPv6 */
    uint8_t group_ttl, group_hops;     /* of multicasts */
    uint8_t group_netif, group_netif6; /* the number of the interface; 0: by route */
    bool group_loop, group_loop6;      /* own multicasts are heard here */
    bool reuse_addr, reuse_port, keepalive, broadcast, nodelay, cork;
    uint16_t keep_idle, keep_interval; /* seconds */
    uint8_t keep_count;
    uint8_t defer;            /* TCP_DEFER_ACCEPT, as Linux keeps it: repetitions of a SYN-ACK */
    struct tcp_fixed buffers; /* SO_RCVBUF, SO_SNDBUF; 0: not set */
    int16_t linger2;          /* seconds; 0: not set; -1: none */
    uint8_t congestion;       /* TCP_CC_... */
    uint8_t syn_count;        /* TCP_SYNCNT; 0: not set */
    int8_t quick_ack;         /* TCP_QUICKACK: 1, -1 for off, 0: not set */
    uint32_t user_timeout;    /* TCP_USER_TIMEOUT, ms; 0: not set */
    uint32_t not_sent_low;    /* TCP_NOTSENT_LOWAT, bytes; 0: not set */
    uint16_t maxseg;          /* TCP_MAXSEG; 0: none */
    uint8_t mtu_discover, mtu_discover6; /* IP_PMTUDISC_... */
};

struct net_flow;

struct sock_queue {
    struct sock *head, *tail;
};

struct sock {
    enum sock_kind kind;
    enum sock_tcp_state state; /* TCP only */
    uint8_t family;            /* AF_INET or AF_INET6 */
    uint8_t protocol;
    bool nonblock;
    bool v6only;
    bool linger;     /* SO_LINGER is on */
    bool has_peer;   /* UDP and raw: connect() named one */
    bool port_bound; /* bind() named the port, or asked for one */
    bool untold;     /* TCP: no call has told how a connect() without waiting ended */
    bool fin;        /* TCP: the peer has ended its direction in order */
    bool eof;        /* the peer sends no more */
    bool read_shut, write_shut;
    bool want_write; /* a task waits for room to send */
    bool want_route; /* UDP: a send found no address of this machine yet */
    bool closed;     /* no descriptor names it any more */
    bool oob_inline; /* SO_OOBINLINE, which changes nothing */
    bool early;      /* TCP: stands in the listener's queue `deferred` */
    uint8_t wants;   /* SOCK_WANT_... */
    uint16_t linger_s;
    uint32_t low_water; /* SO_RCVLOWAT */
    uint32_t starved;   /* memory_epoch in which a write found no memory */
    int error;          /* pending, positive: SO_ERROR */
    unsigned users;     /* tasks parked in a call; and its file, while calls alone hold the file */
    struct sock_options options;
    ip_addr_t bound; /* the address that bind() named; any address otherwise */
    union {          /* lwIP's control block; TCP: NULL once ENDED */
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
        struct raw_pcb *raw;
    };
    struct file *file; /* NULL before accept() has returned it, and after close() */

    SOCK_QUEUE(struct pbuf) rx;  /* TCP: single pbufs, owned */
    struct sock_dgrams dgrams;   /* UDP and raw */
    uint32_t rx_bytes, rx_count; /* bytes, and datagrams, that wait */
    uint32_t lent;               /* bytes of net_recv_borrow(); UDP: of rx_bytes */
    uint16_t rx_room;            /* TCP: bytes behind the data of the last pbuf */
    uint32_t rx_limit;           /* UDP and raw: bytes that may wait */
    struct sock_group *groups;
    struct net_flow *flow; /* UDP: the way of the last datagram, owned; NULL: none is kept */

    struct sock_queue accepted; /* listening: connections that wait for accept(), owned */
    struct sock_queue deferred; /* listening: those that accept() shall not return yet, owned */
    struct sock *next;          /* in the listener's queue */
    struct sock *listener;      /* whose queue this socket waits in; NULL: in none */

    struct sock *next_stuck, **stuck_link; /* among those of sock_await_means(); NULL: not there */

    struct sock *next_waiting; /* in sock_conn.c's list: CONNECTING without an address yet */
    ip_addr_t peer;            /* where it will connect to */
    u16_t peer_port;
    u16_t port;          /* TCP: its own, also when its control block is gone; 0: none yet */
    uint64_t give_up_ns; /* when it stops to wait: for an address of this machine; in `deferred` */

    struct waitq readers, writers;
    uint64_t read_timeout, write_timeout; /* ns; 0: none */
};

/* Data of one call on a datagram socket. */
struct sock_msg {
    const struct iovec *iov;
    int iovcnt;
    ip_addr_t addr;
    u16_t port;
    bool has_addr;  /* send: addr and port are set. recv: origin is asked for, and told */
    bool truncated; /* recv: the datagram was longer than the vector */
    struct sock_origin origin; /* recv */
    bool directed;             /* send: of source and netif, one is set */
    ip_addr_t source;          /* send: the address to send from; any: by route */
    uint8_t netif;             /* send: the number of the interface; 0: by route */
};

/* ---- sock_file.c: life, waiting, and the file of a socket ------------------------------------ */

extern const struct file_ops sock_file_ops;
/* send and recv of struct socket_ops. [parks] */
ssize_t sock_op_send(struct file *f, const void *buf, size_t len, int flags);
ssize_t sock_op_recv(struct file *f, void *buf, size_t len, int flags);
/* sock_lend.c: the write_loan of struct file_ops. */
ssize_t sock_op_write_loan(struct file *f, const struct file_loan *loan, bool more);
#define SOCK_MSG_BATCH 0x40000 /* a flag of sock_tcp_send(): the next call sends what is queued */

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
/*
 * The socket cannot send for want of memory, or of a route: it is to be looked at again when there
 * may be more of either, which sock_means_changed() says.
 */
void sock_await_means(struct sock *s);
void sock_means_changed(void);
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
/* The same of a peer: a UDP socket of IPv6 also takes an address of IPv4. */
int sock_addr_peer(const struct sock *s, const struct sockaddr *sa, socklen_t len, ip_addr_t *addr,
                   u16_t *port);
/* The address for an application: as much of it as *len has room for. sa, len NULL: nothing. */
void sock_addr_out(const struct sock *s, const ip_addr_t *addr, u16_t port, struct sockaddr *sa,
                   socklen_t *len);
/* Every address, as lwIP wants it for this socket: `::` of one that takes IPv4 too is both. */
const ip_addr_t *sock_addr_any(const struct sock *s);

/* ---- sock_port.c: ports, and which sockets may have the same --------------------------------- */

/*
 * Binds to an address of this machine; port 0: a free one, which nobody can guess. -EADDRNOTAVAIL,
 * -EADDRINUSE; -EINVAL: is bound.
 */
int sock_bind(struct sock *s, const ip_addr_t *addr, u16_t port);
/* Has the socket a port? */
bool sock_has_port(const struct sock *s);
/* Gives a socket without a port a free one. -EADDRINUSE: all are taken. */
int sock_bind_any(struct sock *s);
/* May the socket listen on its port? -EADDRINUSE. */
int sock_may_listen(const struct sock *s);
/* Gives a new control block the port that the socket had (sock.port), and the bound address. */
void sock_keep_port(struct sock *s);
/* UDP: the socket has no port any more. */
void sock_lose_port(struct sock *s);
/* Does a TCP connection between these have its end here already? */
bool sock_tuple_taken(const ip_addr_t *local, u16_t port, const ip_addr_t *peer, u16_t peer_port);

/* ---- sock_route.c: which way, and from which address ----------------------------------------- */

/* 0.0.0.0 and `::` as a destination are the socket's own address, or else loopback. */
void sock_route_to_self(const struct sock *s, ip_addr_t *addr);
/*
 * The interface to a destination, and the address of this machine that a packet to it has.
 * -ENETUNREACH: there is no route, or no address to send from. -EINVAL: there is one, which packets
 * from the socket's loopback address may not take (RFC 1122, 3.2.1.3).
 */
int sock_route(const struct sock *s, const ip_addr_t *to, struct netif **netif, ip_addr_t *from);
/* Is `a` an address of this machine, of any interface? */
bool sock_is_local(const ip_addr_t *a);
/* Is `a` an IPv4 broadcast address, of any interface? */
bool sock_is_broadcast(const ip_addr_t *a);
/*
 * sock_route(); while a card still asks for its first address and there is no route, waits for it,
 * vireo.net_wait_ms at most. -EAGAIN: the call may not wait (flags). [parks]
 */
int sock_route_wait(struct sock *s, const ip_addr_t *to, int flags, struct netif **netif,
                    ip_addr_t *from);

/* Did such a call say -EAGAIN, and is there still hope? Then the socket is not writable. */
bool sock_awaits_route(const struct sock *s);

/* ---- sock_mtu.c: datagrams that are longer than their path ----------------------------------- */

/*
 * May a message of `len` bytes go to an address over this interface? -EMSGSIZE. *whole: nobody on
 * the way may cut it.
 */
int sock_mtu_judge(const struct sock *s, const ip_addr_t *to, const struct netif *netif, size_t len,
                   bool *whole);
/* Does the socket send datagrams of any length whole, and so wants to hear of longer ones? */
bool sock_mtu_asks(const struct sock *s, const ip_addr_t *to);
/* The MTU that counts for datagrams to an address over this interface. */
unsigned sock_mtu_of(const struct sock *s, const ip_addr_t *to, const struct netif *netif);
/* The MTU of the path to the peer, as far as is known. -ENOTCONN. */
int sock_mtu_get(const struct sock *s, int *mtu);

/* ---- sock_tcp.c: stream sockets -------------------------------------------------------------- */

/* Gives a new socket its control block. -ENOMEM. */
int sock_tcp_open(struct sock *s);
/* Makes it the socket of a control block, with its options, and with callbacks of sock_tcp.c. */
void sock_tcp_attach(struct sock *s, struct tcp_pcb *pcb);
/* The socket of a control block; NULL: none has it. */
struct sock *sock_of_tcp(const struct tcp_pcb *pcb);
/* The one place that changes the state of a TCP socket. */
void sock_tcp_become(struct sock *s, enum sock_tcp_state state);
/*
 * A new control block in place of one that lwIP has or freed: an IDLE socket with the same port,
 * for connect() or listen(). error becomes pending. If memory is short, the socket has ENDED.
 */
void sock_tcp_renew(struct sock *s, int error);
/* Takes the socket off its control block, which is lwIP's alone from now on. */
struct tcp_pcb *sock_tcp_let_go(struct sock *s);
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

/* With SO_LINGER: waits until what was sent is acknowledged, or the time is over. [parks] */
void sock_tcp_linger(struct sock *s);

/* ---- sock_accept.c: listening, and connections that wait for accept() ------------------------ */

/* Listens, on a free port if the socket is not bound; again: sets the backlog (1 to SOMAXCONN). */
int sock_tcp_listen(struct sock *s, int backlog);
/* Waits for a connection: *out stays in the queue until sock_tcp_accepted(). [parks] */
int sock_tcp_accept(struct sock *s, struct sock **out);
void sock_tcp_accepted(struct sock *s);
/* The socket of a listener's control block; NULL: none has it. */
struct sock *sock_of_listener(const struct tcp_pcb_listen *pcb);
/* A connection has data, or its end, or has waited long enough: accept() may return it. */
void sock_accept_ready(struct sock *c);
/* A connection that waits for accept() was reset. true: nobody will hear of it, it is freed. */
bool sock_accept_forgets(struct sock *c);
/* Ends all that wait at a listener. */
void sock_accept_drop_all(struct sock *s);

/* ---- sock_conn.c: connecting ----------------------------------------------------------------- */

/* 0: connected; -EINPROGRESS: goes on by itself; or why not. [parks] */
int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port);
/* Ends a connection, or its beginning, at once; a listener listens no more. The socket is IDLE. */
void sock_tcp_disconnect(struct sock *s);
/* A socket that is CONNECTING fails. */
void sock_conn_fail(struct sock *s, int error);
/* The socket is CONNECTING no more: nothing of it waits for an address. */
void sock_conn_stop_waiting(struct sock *s);

/* ---- sock_tcp_io.c: bytes of a stream -------------------------------------------------------- */

/* Is there enough to read (SO_RCVLOWAT), or an end of it? */
bool sock_tcp_can_read(const struct sock *s);
/*
 * Bytes sent or received; 0 of recv: end of the stream. flags: MSG_... With `lent`, the vector has
 * one part, which is that pbuf's data, and TCP refers to it until it is acknowledged; the caller
 * keeps its reference. [parks]
 */
ssize_t sock_tcp_send(struct sock *s, const struct iovec *iov, int iovcnt, struct pbuf *lent,
                      int flags);
ssize_t sock_tcp_recv(struct sock *s, const struct iovec *iov, int iovcnt, int flags);
/* Appends data (a chain of pbufs, owned) to what waits for the application. */
void sock_tcp_queue_rx(struct sock *s, struct pbuf *p);
/* No data waits at a stream: parks until there may be some, 0; or how the call ends: an error, or
 * *end, with 0 at the end of the stream. [parks] */
int sock_tcp_await(struct sock *s, uint64_t *deadline, int flags, bool *end);
/* The application has read n bytes: the peer may send as many more. */
void sock_tcp_open_window(struct sock *s, size_t n);
/* Frees what was received and not read, of a socket without a control block. */
void sock_tcp_drop_rx(struct sock *s);
/* Is there room to send, enough to tell those who wait for it? */
bool sock_tcp_has_room(const struct sock *s);
/* Writers are woken when there is room. */
void sock_tcp_want_write(struct sock *s);
/* lwIP's callback: `len` bytes were acknowledged. */
err_t sock_tcp_sent(void *arg, struct tcp_pcb *pcb, u16_t len);

/* ---- sock_dgram.c: UDP and raw sockets ------------------------------------------------------- */

/* Gives a new socket its control block. protocol: of a raw socket, 1 to 255. -ENOMEM. */
int sock_dgram_open(struct sock *s, int protocol);
/* The socket of a control block; NULL: lwIP's own. */
struct sock *sock_of_udp(const struct udp_pcb *pcb);
int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port); /* [parks] */
void sock_dgram_disconnect(struct sock *s);
int sock_dgram_bind_raw(struct sock *s, const ip_addr_t *addr);
/* Leaves all groups, frees waiting datagrams and the control block. Wakes no task. */
void sock_dgram_close(struct sock *s);
int sock_dgram_poll(struct sock *s, int events);
/* The way of the last datagram does not count for the next one. */
void sock_dgram_forget_flow(struct sock *s);
/* All of the message or an error: -EMSGSIZE, -EDESTADDRREQ, -ENOBUFS, ... [parks] for a route */
ssize_t sock_dgram_send(struct sock *s, const struct sock_msg *m, int flags);
/* Bytes of the next one; 0: none waits. */
uint32_t sock_dgram_next(const struct sock *s);
/* Parks until a datagram waits: 1; 0: there will be none; or an error. [parks] */
int sock_dgram_await(struct sock *s, int flags);
/* The next datagram, which there is: where it waits; and to take, which counts no more. */
const struct pbuf *sock_dgram_first(const struct sock *s);
struct pbuf *sock_dgram_take(struct sock *s);
/* One datagram; what does not fit is lost, and m->truncated says so. [parks] */
ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags);

/* ---- sock_group.c: multicast; interface NULL stands for the one with the route --------------- */

/* The interface with this number, or this address; NULL: there is none. */
struct netif *sock_netif(unsigned number);
struct netif *sock_netif_of(const ip4_addr_t *addr);
/* -EADDRINUSE: is a member; -ENOBUFS; -ENODEV: no such interface. */
int sock_group_join(struct sock *s, struct netif *netif, const ip_addr_t *group);
/* -EADDRNOTAVAIL: is no member. */
int sock_group_leave(struct sock *s, struct netif *netif, const ip_addr_t *group);
void sock_group_leave_all(struct sock *s);

/* ---- sock_opt_ip.c: options of IPPROTO_IP and IPPROTO_IPV6 ----------------------------------- */

int sock_opt_set_ip(struct sock *s, int name, const void *value, socklen_t len);
int sock_opt_set_ip6(struct sock *s, int name, const void *value, socklen_t len);
int sock_opt_get_ip(struct sock *s, int name, void *value, socklen_t *len);
int sock_opt_get_ip6(struct sock *s, int name, void *value, socklen_t *len);
/* Hands the socket's options to its present control block. */
void sock_apply_options(struct sock *s);

/* ---- sock_opt_tcp.c: options of IPPROTO_TCP ----------------------------------------------------
 */

int sock_opt_set_tcp(struct sock *s, int name, const void *value, socklen_t len);
int sock_opt_get_tcp(struct sock *s, int name, void *value, socklen_t *len);
/* Hands the socket's options of TCP to its control block, which is no listener's. */
void sock_opt_apply_tcp(struct sock *s);
/* How long a connection of a listener may wait for data before accept() returns it; seconds. */
uint32_t sock_opt_defer_s(const struct sock *s);

/* ---- sock_tcp_info.c ---------------------------------------------------------------------------
 */

/* getsockopt(TCP_INFO), with its arguments. */
void sock_tcp_info(struct sock *s, void *value, socklen_t *len);

/* ---- sock_end.c: the end of the image -------------------------------------------------------- */

/* Has the end wait until what was sent is delivered. Once, before main(). */
void sock_end_init(void);

/* ---- sock_cmsg.c: ancillary data ------------------------------------------------------------- */

/* What sendmsg() was given: m->source and m->netif. -EINVAL; -ENETUNREACH: no address of ours. */
int sock_cmsg_in(const struct sock *s, const struct msghdr *msg, struct sock_msg *m);
/* Fills msg_control with what the socket asked for; may add MSG_CTRUNC to msg_flags. */
void sock_cmsg_out(const struct sock *s, const struct sock_origin *from, struct msghdr *msg);

#endif
