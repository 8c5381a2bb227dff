/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h - what an application may want to know of the network beside its sockets.
 */
#ifndef VIREO_NET_H
#define VIREO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Waits until an interface has an address that other machines can reach (IPv4, or IPv6 beyond the
 * link). deadline_ns is a hal_now_ns() time, HAL_NEVER for no limit. 0; -ETIMEDOUT; -ENODEV when
 * the machine has no network device. Parks.
 */
int net_wait_up(uint64_t deadline_ns);

/* Longest text of an address, with its terminating zero. */
#define NET_ADDRESS_TEXT 46

/*
 * The n-th address of the image, usable ones only: IPv4 first, then IPv6, interface by interface.
 * -ENOENT past the last.
 */
int net_address(unsigned n, char text[NET_ADDRESS_TEXT]);

/* Name of this host: of the ip= boot argument, or "vireo". */
const char *net_hostname(void);

/* Counters since boot, for status pages. */
struct net_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; /* all devices */
    uint64_t rx_dropped;                               /* by the driver: no buffer, bad length */
    uint64_t rx_malformed;                             /* by the checks in front of the stack */
    uint64_t rx_no_memory;                             /* data refused while memory was short */
    uint64_t rx_copied; /* frames copied to give their buffer back early */
    uint64_t tx_full;   /* frames refused: transmit ring full */
    uint32_t ip_rx, ip_tx, ip_dropped;
    uint32_t tcp_rx, tcp_tx, tcp_dropped;
    uint32_t udp_rx, udp_tx, icmp_rx, icmp_tx;
    uint32_t tcp_connections;           /* now, without TIME_WAIT */
    uint32_t tcp_time_wait;             /* now */
    uint32_t sockets;                   /* now */
    uint64_t tcp_accepted, tcp_refused; /* since boot; refused: backlog or memory exhausted */
    uint64_t mem_used, mem_limit;       /* bytes of the stack's memory, and the most it may take */
    uint64_t mem_lent;                  /* of mem_used, what holds something now */
    uint64_t mem_failed;                /* allocations that the limit or the machine refused */
};
void net_get_stats(struct net_stats *out);

#endif
