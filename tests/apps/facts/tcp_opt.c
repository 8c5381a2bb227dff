/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_opt.c - facts about options of TCP: values, refusals, inheritance, what they do, and what
 * TCP_INFO tells.
 */
#include "facts.h"

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif

static const struct option {
    const char *name;
    int number;
} options[] = {
    {"TCP_NODELAY", TCP_NODELAY},           {"TCP_CORK", TCP_CORK},
    {"TCP_KEEPIDLE", TCP_KEEPIDLE},         {"TCP_KEEPINTVL", TCP_KEEPINTVL},
    {"TCP_KEEPCNT", TCP_KEEPCNT},           {"TCP_SYNCNT", TCP_SYNCNT},
    {"TCP_LINGER2", TCP_LINGER2},           {"TCP_DEFER_ACCEPT", TCP_DEFER_ACCEPT},
    {"TCP_WINDOW_CLAMP", TCP_WINDOW_CLAMP}, {"TCP_QUICKACK", TCP_QUICKACK},
    {"TCP_USER_TIMEOUT", TCP_USER_TIMEOUT}, {"TCP_NOTSENT_LOWAT", TCP_NOTSENT_LOWAT},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *value_of(int fd, int number)
{
    int value;

    errno = 0;
    value = get_int(fd, IPPROTO_TCP, number);
    return value == -1 && errno ? error_name(errno) : text("%d", value);
}

/* Each option with each value, at a new socket. */
static void values(void)
{
    static const int numbers[] = {0,   1,   2,    3,    4,      10,         63, 64, 127,
                                  128, 256, 1000, 1152, 100000, 2147483647, -1, -2, -1000};

    for (size_t i = 0; i < COUNT(options); i++) {
        int fd = tcp_socket(AF_INET), udp = udp_socket(AF_INET), udp6 = udp_socket(AF_INET6);

        fact(text("%s at first", options[i].name), "%s", value_of(fd, options[i].number));
        fact(text("%s of udp", options[i].name), "%s", value_of(udp, options[i].number));
        fact(text("%s of udp6", options[i].name), "%s", value_of(udp6, options[i].number));
        result(text("%s set at udp", options[i].name),
               set_int(udp, IPPROTO_TCP, options[i].number, 1));
        result(text("%s of 3 bytes", options[i].name),
               setsockopt(fd, IPPROTO_TCP, options[i].number, numbers, 3));
        close(udp);
        close(udp6);
        close(fd);
        for (size_t k = 0; k < COUNT(numbers); k++) {
            fd = tcp_socket(AF_INET);
            int r = set_int(fd, IPPROTO_TCP, options[i].number, numbers[k]);
            const char *error = r ? error_name(errno) : "taken";

            fact(text("%s set to %d", options[i].name, numbers[k]), "%s, then %s", error,
                 value_of(fd, options[i].number));
            close(fd);
        }
    }
}

/* What a connection has of its listener's. */
static void inherited(void)
{
    static const struct {
        const char *name;
        int number, value;
    } set[] = {
        {"TCP_CORK", TCP_CORK, 1},
        {"TCP_KEEPINTVL", TCP_KEEPINTVL, 44},
        {"TCP_KEEPCNT", TCP_KEEPCNT, 5},
        {"TCP_SYNCNT", TCP_SYNCNT, 4},
        {"TCP_LINGER2", TCP_LINGER2, 7},
        {"TCP_USER_TIMEOUT", TCP_USER_TIMEOUT, 12345},
        {"TCP_NOTSENT_LOWAT", TCP_NOTSENT_LOWAT, 5000},
        {"TCP_WINDOW_CLAMP", TCP_WINDOW_CLAMP, 20000},
        {"TCP_QUICKACK", TCP_QUICKACK, 0},
    };
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;

    for (size_t i = 0; i < COUNT(set); i++) {
        result(text("%s at a listener", set[i].name),
               set_int(l, IPPROTO_TCP, set[i].number, set[i].value));
        fact(text("%s of the listener", set[i].name), "%s", value_of(l, set[i].number));
    }
    connect_to(c, "127.0.0.1", port);
    s = accept(l, NULL, NULL);
    for (size_t i = 0; i < COUNT(set); i++)
        fact(text("%s of its connection", set[i].name), "%s", value_of(s, set[i].number));
    result("TCP_WINDOW_CLAMP of 0 when connected", set_int(c, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
    result("TCP_WINDOW_CLAMP of 0 of a listener", set_int(l, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
    for (size_t i = 0; i < COUNT(options); i++) {
        int value = options[i].number == TCP_WINDOW_CLAMP ? 9000 : 1;

        result(text("%s set when connected", options[i].name),
               set_int(c, IPPROTO_TCP, options[i].number, value));
        fact(text("%s when connected then", options[i].name), "%s", value_of(c, options[i].number));
    }
    shutdown(c, SHUT_WR);
    readable(s);
    shutdown(s, SHUT_WR);
    usleep(20 * MS);
    for (size_t i = 0; i < COUNT(options); i++)
        result(text("%s set at the end", options[i].name),
               set_int(c, IPPROTO_TCP, options[i].number, 1));
    close(c);
    close(s);
    close(l);
}

/* ---- congestion control ---------------------------------------------------------------------- */

static const char *congestion_of(int fd, socklen_t room)
{
    char name[32] = "";
    socklen_t len = room;

    memset(name, '#', sizeof(name) - 1);
    if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len))
        return error_name(errno);
    if (len > room)
        return "too long";
    for (socklen_t i = 0; i < len; i++)
        if (!name[i])
            name[i] = '.';
    return text("%u %.*s", (unsigned)len, (int)len, name);
}

static void set_congestion(int fd, const char *of, const char *name, socklen_t len)
{
    result(text("TCP_CONGESTION '%s' of %u at %s", name, (unsigned)len, of),
           setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, len));
    fact(text("TCP_CONGESTION of %s after '%s' of %u", of, name, (unsigned)len), "%s",
         congestion_of(fd, 16));
}

static void congestion(void)
{
    static const socklen_t rooms[] = {0, 1, 4, 15, 17, 30};
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;

    set_congestion(c, "a socket", "reno", 4);
    set_congestion(c, "a socket", "cubic", 5);
    set_congestion(c, "a socket", "reno", 5);
    set_congestion(c, "a socket", "cubic", 16);
    set_congestion(c, "a socket", "nonesuch", 8);
    set_congestion(c, "a socket", "", 0);
    set_congestion(c, "a socket", "", 1);
    set_congestion(c, "a socket", "ren", 3);
    set_congestion(c, "a socket", "renox", 4);
    set_congestion(c, "a socket", "Reno", 4);
    set_congestion(c, "a socket", "reno\0junk, and much more of it", 30);
    set_congestion(c, "a socket", "a name that has more than 16 bytes", 34);
    for (size_t i = 0; i < COUNT(rooms); i++)
        fact(text("TCP_CONGESTION read into %u bytes", (unsigned)rooms[i]), "%s",
             congestion_of(c, rooms[i]));
    set_congestion(l, "a listener", "reno", 4);
    connect_to(c, "127.0.0.1", port);
    s = accept(l, NULL, NULL);
    fact("TCP_CONGESTION is inherited", "%s", congestion_of(s, 16));
    set_congestion(s, "a connection", "cubic", 5);
    fact("TCP_CONGESTION of the listener still", "%s", congestion_of(l, 16));
    send(s, "data", 4, 0);
    fact("data after TCP_CONGESTION", "%s", received(c, 0));
    close(s);
    close(c);
    close(l);
    s = udp_socket(AF_INET);
    result("TCP_CONGESTION at udp", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    fact("TCP_CONGESTION of udp", "%s", congestion_of(s, 16));
    close(s);
}

/* ---- TCP_INFO -------------------------------------------------------------------------------- */

/* The layout that Linux has kept since 2017, of which C libraries have the beginning only. */
struct info {
    unsigned char state, ca_state, retransmits, probes, backoff, options, scales, limited;
    unsigned rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets;
    unsigned last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    unsigned pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    unsigned rcv_rtt, rcv_space, total_retrans;
    unsigned long long pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    unsigned segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    unsigned long long delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    unsigned delivered, delivered_ce;
    unsigned long long bytes_sent, bytes_retrans;
    unsigned dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
};

static struct info info_of(int fd)
{
    struct info i;
    socklen_t len = sizeof(i);

    memset(&i, 0, sizeof(i));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len))
        i.state = 99;
    return i;
}

static void info_of_states(void)
{
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;
    struct info i = info_of(c);

    fact("TCP_INFO: a new socket", "state %u, rto %u ms, rtt %u, cwnd %u, slow start %d", i.state,
         i.rto / 1000, i.rtt, i.snd_cwnd, i.snd_ssthresh > 1000000);
    i = info_of(l);
    fact("TCP_INFO: a listener", "state %u, waiting %u of %u", i.state, i.unacked, i.sacked);
    connect_to(c, "127.0.0.1", port);
    i = info_of(l);
    fact("TCP_INFO: a listener with a connection", "waiting %u of %u", i.unacked, i.sacked);
    s = accept(l, NULL, NULL);
    i = info_of(c);
    fact("TCP_INFO: connected", "state %u ca %u options %d%d lost %u retrans %u", i.state,
         i.ca_state, i.options >> 1 & 1, i.options >> 2 & 1, i.lost, i.retrans);
    fact("TCP_INFO: connected, cwnd", "%u", i.snd_cwnd);
    fact("TCP_INFO: connected, segments", "out %u in %u data out %u in %u", i.segs_out, i.segs_in,
         i.data_segs_out, i.data_segs_in);
    fact("TCP_INFO: rto of a short path", "%d", i.rto >= 200000 && i.rto <= 300000);
    fact("TCP_INFO: accepted", "state %u", info_of(s).state);
    send(c, "0123456789", 10, 0);
    received(s, 0);
    send(s, "01234", 5, 0);
    received(c, 0);
    usleep(300 * MS); /* acknowledgements may be delayed */
    i = info_of(c);
    fact("TCP_INFO: bytes of the client", "acked %d received %d sent %d repeated %d",
         (int)i.bytes_acked, (int)i.bytes_received, (int)i.bytes_sent, (int)i.bytes_retrans);
    fact("TCP_INFO: data segments of the client", "out %u in %u", i.data_segs_out, i.data_segs_in);
    fact("TCP_INFO: queues of the client", "unacked %u unsent %u", i.unacked, i.notsent_bytes);
    fact("TCP_INFO: times of the client", "%d%d",
         i.last_data_sent >= 290 && i.last_data_sent<9000, i.rtt> 0 && i.rtt < 100000);
    i = info_of(s);
    fact("TCP_INFO: bytes of the server", "acked %d received %d sent %d repeated %d",
         (int)i.bytes_acked, (int)i.bytes_received, (int)i.bytes_sent, (int)i.bytes_retrans);
    shutdown(c, SHUT_WR);
    readable(s);
    usleep(100 * MS);
    fact("TCP_INFO: one side has ended", "state %u, the other %u", info_of(c).state,
         info_of(s).state);
    shutdown(s, SHUT_WR);
    usleep(100 * MS);
    fact("TCP_INFO: both sides have ended", "state %u, the other %u", info_of(c).state,
         info_of(s).state);
    close(c);
    close(s);
    close(l);
}

static void info_lengths(void)
{
    static const socklen_t rooms[] = {0, 1, 7, 8, 104, 192, 224};
    int fd = tcp_socket(AF_INET);
    char room[600];

    for (size_t i = 0; i < COUNT(rooms); i++) {
        socklen_t len = rooms[i];
        int r = getsockopt(fd, IPPROTO_TCP, TCP_INFO, room, &len);

        fact(text("TCP_INFO into %u bytes", (unsigned)rooms[i]), "%d, %u bytes", r, (unsigned)len);
    }
    result("TCP_INFO is set", setsockopt(fd, IPPROTO_TCP, TCP_INFO, room, 104));
    close(fd);
    socklen_t len = sizeof(room);
    fd = udp_socket(AF_INET);
    result("TCP_INFO of udp", getsockopt(fd, IPPROTO_TCP, TCP_INFO, room, &len));
    close(fd);
}

/* ---- what options do ------------------------------------------------------------------------- */

static const char *came(int fd, int ms)
{
    static char room[64];
    struct pollfd p = {fd, POLLIN, 0};
    ssize_t n = poll(&p, 1, ms) == 1 ? recv(fd, room, sizeof(room) - 1, 0) : -1;

    if (n < 0)
        return "nothing";
    room[n] = 0;
    return text("'%s'", room);
}

static void cork(void)
{
    struct pair p = connected("127.0.0.1");

    set_int(p.near, IPPROTO_TCP, TCP_CORK, 1);
    send(p.near, "head ", 5, 0);
    send(p.near, "body", 4, 0);
    set_int(p.near, IPPROTO_TCP, TCP_CORK, 0);
    usleep(20 * MS);
    fact("corked and uncorked", "%s", came(p.far, 1000));
    set_int(p.near, IPPROTO_TCP, TCP_CORK, 1);
    send(p.near, "late", 4, 0);
    fact("corked, after a while", "%s", came(p.far, 2000));
    send(p.near, "last", 4, 0);
    shutdown(p.near, SHUT_WR);
    fact("corked, and the end", "%s", came(p.far, 2000));
    close_pair(p);
    p = connected("127.0.0.1");
    send(p.near, "more ", 5, MSG_MORE);
    send(p.near, "data", 4, 0);
    usleep(20 * MS);
    fact("MSG_MORE and more", "%s", came(p.far, 1000));
    send(p.near, "no more", 7, MSG_MORE);
    fact("MSG_MORE and no more", "%s", came(p.far, 2000));
    set_int(p.near, IPPROTO_TCP, TCP_CORK, 1);
    send(p.near, "pushed", 6, 0);
    set_int(p.near, IPPROTO_TCP, TCP_NODELAY, 1);
    fact("corked, and TCP_NODELAY", "%s", came(p.far, 1000));
    fact("TCP_CORK is still set", "%s", value_of(p.near, TCP_CORK));
    close_pair(p);
}

static void accept_later(void)
{
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;

    set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
    fact("TCP_DEFER_ACCEPT: connect", "%d", connect_to(c, "127.0.0.1", port));
    fact("TCP_DEFER_ACCEPT: events without data", "%s", events_of(l, POLLIN, 100));
    send(c, "hello", 5, 0);
    fact("TCP_DEFER_ACCEPT: events with data", "%s", events_of(l, POLLIN, 1000));
    s = accept(l, NULL, NULL);
    fact("TCP_DEFER_ACCEPT: data", "%s", received(s, 0));
    fact("TCP_DEFER_ACCEPT of the connection", "%s", value_of(s, TCP_DEFER_ACCEPT));
    close(s);
    close(c);
    c = tcp_socket(AF_INET);
    connect_to(c, "127.0.0.1", port);
    shutdown(c, SHUT_WR);
    fact("TCP_DEFER_ACCEPT: events after an end", "%s", events_of(l, POLLIN, 1000));
    s = accept(l, NULL, NULL);
    fact("TCP_DEFER_ACCEPT: the end", "%s", received(s, 0));
    close(s);
    close(c);
    close(l);
}

/* Fills what a peer does not read. Bytes that were taken. */
static long fill(int fd)
{
    static char room[4096];
    long sum = 0, n;

    set_nonblocking(fd);
    do {
        while ((n = send(fd, room, sizeof(room), 0)) > 0)
            sum += n;
        usleep(50 * MS);
    } while ((n = send(fd, room, 1, 0)) > 0);
    return sum;
}

static void not_sent(void)
{
    struct pair p = connected("127.0.0.1");

    set_int(p.near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 20000);
    fact("TCP_NOTSENT_LOWAT: events at first", "%s", events_of(p.near, POLLOUT, 0));
    fill(p.near);
    unsigned unsent = info_of(p.near).notsent_bytes;
    fact("TCP_NOTSENT_LOWAT: unsent", "%d%d", unsent >= 20000, unsent < 100000);
    fact("TCP_NOTSENT_LOWAT: events when full", "%s", events_of(p.near, POLLOUT, 0));
    set_int(p.near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000000);
    fact("TCP_NOTSENT_LOWAT: events with a higher mark", "%s", events_of(p.near, POLLOUT, 1000));
    close_pair(p);
}

/* A peer that reads nothing: its window is closed, and it answers probes. */
static void user_timeout(void)
{
    struct pair p = connected("127.0.0.1");
    struct pollfd wait = {p.near, POLLIN, 0};
    long start;

    fill(p.near);
    fact("a peer that reads nothing", "%s", events_of(p.near, POLLIN, 200));
    set_int(p.near, IPPROTO_TCP, TCP_USER_TIMEOUT, 500);
    start = now_ms();
    poll(&wait, 1, 15000);
    fact("TCP_USER_TIMEOUT: not early, and soon", "%d%d", now_ms() - start >= 300,
         now_ms() - start < 6000);
    fact("TCP_USER_TIMEOUT: SO_ERROR", "%s", error_name(get_int(p.near, SOL_SOCKET, SO_ERROR)));
    close_pair(p);
}

void tcp_option_facts(void)
{
    values();
    inherited();
    congestion();
    info_lengths();
    info_of_states();
    cork();
    accept_later();
    not_sent();
    user_timeout();
}
