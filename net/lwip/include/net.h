/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h - the network beside sockets: addresses, the name of this host, counters.
 */
#ifndef VIREO_NET_H
#define VIREO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Waits until the link of an interface is up and the interface has an address that other machines
 * can reach (IPv4, or IPv6 beyond the link). deadline_ns is a time of hal_now_ns(), HAL_NEVER: no
 * limit. 0; -ETIMEDOUT; -ENODEV: the machine has no network device. From a task only. [parks]
 */
int net_wait_up(uint64_t deadline_ns);

/* Longest text of an address, with its terminating zero. */
#define NET_ADDRESS_TEXT 46

/*
 * Writes the n-th address of the image as text: IPv4 first, then IPv6 beyond the link, interface by
 * interface. 0, or -ENOENT past the last.
 */
int net_address(unsigned n, char text[NET_ADDRESS_TEXT]);

/*
 * Writes the address of the n-th time server (NTP) that DHCP has named, interface by interface, as
 * text. 0, or -ENOENT past the last. The image itself asks none.
 */
int net_time_server(unsigned n, char text[NET_ADDRESS_TEXT]);

/* The name of this host: of the ip= boot argument, or "vireo". It never changes. */
const char *net_hostname(void);

/*
 * Like send() on a stream socket of IPv4 or IPv6, but the bytes are not copied: they are the
 * network's, and must not change, until release(arg). That comes once, when the peer has
 * acknowledged the last byte that was taken and no card reads it any more, or when the connection
 * is gone, from within the network: release may not park and not call the network. At most
 * NET_LENT_MOST bytes. Returns how many were taken (of a socket that waits, all), or -1 and errno:
 * then release does not come. EOPNOTSUPP: another kind of socket. [parks]
 */
#define NET_LENT_MOST 65535u
ssize_t net_send_lent(int fd, const void *data, size_t len, int flags, void (*release)(void *arg),
                      void *arg);

/*
 * Data of a socket without a copy. A loan is what waits there, at least a byte, in parts where it
 * lies; the caller reads them, and gives them back. What is on loan still counts as waiting: a TCP
 * peer's window stays closed by so much, and a UDP socket drops datagrams when its limit is
 * reached. So every loan has to end, also after close().
 */
struct net_part {
    const void *data;
    size_t len; /* bytes */
};
struct net_loan;
/*
 * Lends what waits at a stream socket, `*count` parts at most, or the next datagram. Sets *count to
 * the parts, and *loan. flags: 0 or MSG_DONTWAIT. Bytes; 0: the end of the stream, or an empty
 * datagram, and no loan (NULL); -EAGAIN, -EMSGSIZE: a datagram has more parts, and waits for
 * recv(); -EINVAL: *count is 0, or other flags; -ENOTSOCK; errors of recv(). [parks]
 */
ssize_t net_recv_borrow(int fd, struct net_part *parts, unsigned *count, struct net_loan **loan,
                        int flags);
/* Ends a loan of the socket fd, which may be closed by now. NULL: does nothing. Does not park. */
void net_recv_return(int fd, struct net_loan *loan);

/* Counters since boot; those with "now" are present values. */
struct net_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; /* of all devices */
    uint64_t rx_dropped;   /* frames dropped by the driver: no buffer, bad length */
    uint64_t rx_malformed; /* frames dropped by the checks in front of lwIP */
    uint64_t rx_no_memory; /* frames dropped because memory was short */
    uint64_t rx_copied;    /* frames copied, to give their receive buffers back early */
    uint64_t tx_full;      /* frames refused because the transmit ring was full */
    uint32_t ip_rx, ip_tx, ip_dropped;
    uint32_t tcp_rx, tcp_tx, tcp_dropped;
    uint32_t udp_rx, udp_tx, icmp_rx, icmp_tx;
    uint32_t tcp_connections; /* now, without TIME_WAIT */
    uint32_t tcp_time_wait;   /* now */
    uint32_t sockets;         /* now */
    uint32_t neighbours;      /* now: machines on the links, IPv4 and IPv6, whose MACs are known */
    uint32_t neighbours_unknown;        /* now: those that were asked for and have not answered */
    uint64_t tcp_accepted, tcp_refused; /* refused: memory was short */
    uint64_t tcp_forged;       /* segments that do not fit their connection, and so had no effect */
    uint64_t tcp_challenges;   /* acknowledgements in answer to them */
    uint32_t tcp_half_open;    /* now: connections that peers have begun to open */
    uint64_t tcp_syns_dropped; /* SYNs without an answer: the queue for accept() was full */
    uint64_t tcp_cookies;      /* SYNs answered by a cookie, of which nothing is kept */
    uint64_t tcp_cookies_taken;   /* connections opened by such a cookie */
    uint64_t mem_used, mem_limit; /* bytes that the stack has now, and may have */
    uint64_t mem_lent;            /* bytes of mem_used that are allocated now */
    uint64_t mem_failed;          /* allocations that the limit or the machine refused */
};
/* Does not park. */
void net_get_stats(struct net_stats *out);

#endif
