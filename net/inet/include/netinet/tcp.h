/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/tcp.h - options of level IPPROTO_TCP, with Linux' numbers and meaning (docs/tcp.md). A
 * connection inherits its listener's but for TCP_DEFER_ACCEPT.
 */
#ifndef VIREO_NETINET_TCP_H
#define VIREO_NETINET_TCP_H

#include <stdint.h>

#define SOL_TCP 6

#define TCP_NODELAY       1 /* int: small segments leave at once */
#define TCP_MAXSEG        2 /* int, bytes of the largest segment, 88 to 32767; the largest so far */
#define TCP_CORK          3 /* int: only full segments leave; others after 200 ms */
#define TCP_KEEPIDLE      4 /* int, seconds before the first probe */
#define TCP_KEEPINTVL     5 /* int, seconds between probes */
#define TCP_KEEPCNT       6 /* int, probes before the connection is given up */
#define TCP_SYNCNT        7 /* int, 1 to 127: how often connect() repeats its SYN */
#define TCP_LINGER2       8 /* int, seconds in FIN_WAIT_2 after close(), 120 at most; -1: none */
#define TCP_DEFER_ACCEPT  9 /* int, seconds that accept() waits for the first data */
#define TCP_WINDOW_CLAMP  10 /* int, bytes: no larger receive window is announced */
#define TCP_INFO          11 /* struct tcp_info, read only */
#define TCP_QUICKACK      12 /* int: each segment is acknowledged at once */
#define TCP_CONGESTION    13 /* char[TCP_CA_NAME_MAX]: "cubic", "reno" */
#define TCP_USER_TIMEOUT  18 /* unsigned, ms without progress until a connection ends; 0: 180 s */
#define TCP_NOTSENT_LOWAT 25 /* unsigned, bytes: with as many unsent ones, no more are taken */

#define TCP_CA_NAME_MAX 16

/* tcpi_state */
enum {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT,
    TCP_SYN_RECV,
    TCP_FIN_WAIT1,
    TCP_FIN_WAIT2,
    TCP_TIME_WAIT,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_LISTEN,
    TCP_CLOSING
};

/* tcpi_options */
#define TCPI_OPT_TIMESTAMPS 1
#define TCPI_OPT_SACK       2
#define TCPI_OPT_WSCALE     4
#define TCPI_OPT_ECN        8

/* tcpi_ca_state */
enum tcp_ca_state { TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss };

/*
 * What TCP_INFO tells. Segments are counted as such of tcpi_snd_mss bytes. Times are microseconds,
 * those since an event milliseconds. docs/tcp.md lists the members that stay 0.
 */
struct tcp_info {
    uint8_t tcpi_state;
    uint8_t tcpi_ca_state;
    uint8_t tcpi_retransmits; /* timeouts in a row */
    uint8_t tcpi_probes;      /* of a closed window or of keep-alive, without an answer */
    uint8_t tcpi_backoff;     /* how often the timeout was doubled */
    uint8_t tcpi_options;
    uint8_t tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
    uint8_t tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;

    uint32_t tcpi_rto;
    uint32_t tcpi_ato; /* how long an acknowledgement may be delayed */
    uint32_t tcpi_snd_mss;
    uint32_t tcpi_rcv_mss; /* the largest segment that came */

    uint32_t tcpi_unacked; /* a listener's: connections that wait for accept() */
    uint32_t tcpi_sacked;  /* a listener's: the backlog */
    uint32_t tcpi_lost;
    uint32_t tcpi_retrans; /* repeated and not acknowledged yet */
    uint32_t tcpi_fackets;

    uint32_t tcpi_last_data_sent;
    uint32_t tcpi_last_ack_sent;
    uint32_t tcpi_last_data_recv;
    uint32_t tcpi_last_ack_recv;

    uint32_t tcpi_pmtu;
    uint32_t tcpi_rcv_ssthresh;
    uint32_t tcpi_rtt;
    uint32_t tcpi_rttvar;
    uint32_t tcpi_snd_ssthresh; /* 0x7fffffff: no segment was lost yet */
    uint32_t tcpi_snd_cwnd;
    uint32_t tcpi_advmss;
    uint32_t tcpi_reordering;

    uint32_t tcpi_rcv_rtt;
    uint32_t tcpi_rcv_space;

    uint32_t tcpi_total_retrans; /* segments that were repeated, ever */

    uint64_t tcpi_pacing_rate; /* bytes a second; UINT64_MAX: segments are not paced */
    uint64_t tcpi_max_pacing_rate;
    uint64_t tcpi_bytes_acked;
    uint64_t tcpi_bytes_received;
    uint32_t tcpi_segs_out;
    uint32_t tcpi_segs_in;

    uint32_t tcpi_notsent_bytes;
    uint32_t tcpi_min_rtt;
    uint32_t tcpi_data_segs_in;
    uint32_t tcpi_data_segs_out;

    uint64_t tcpi_delivery_rate;

    uint64_t tcpi_busy_time;
    uint64_t tcpi_rwnd_limited;
    uint64_t tcpi_sndbuf_limited;

    uint32_t tcpi_delivered;
    uint32_t tcpi_delivered_ce;

    uint64_t tcpi_bytes_sent; /* repeated ones too */
    uint64_t tcpi_bytes_retrans;
    uint32_t tcpi_dsack_dups;
    uint32_t tcpi_reord_seen;

    uint32_t tcpi_rcv_ooopack;

    uint32_t tcpi_snd_wnd;
};

#endif
