/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_guard.c - segments that do not fit their connection (net/lwip/tcp_guard.c): RFC 9293,
 * section 3.10.7, and RFC 5961, state by state; senders that cannot be (net/lwip/net_input.c).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

enum { IN = sizeof(struct sockaddr_in), URG = 32 };

static char buf[4000];
static struct peer_tcp c;
static int listener, s;

static struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (struct sockaddr *)&a;
}

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

/* An image that listens on port 80. */
static void boot(void)
{
    peer_boot(NULL);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    loop_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK_EQ(bind(listener, at(0, 80), IN), 0);
    CHECK_EQ(listen(listener, 8), 0);
    fd_set_nonblock(listener, true);
}

/* And one connection, over which the image has sent 5 bytes, which are acknowledged. */
static void open_one(void)
{
    boot();
    peer_connect(&c, 4000, 80);
    s = accept(listener, NULL, NULL);
    CHECK(s >= 0);
    fd_set_nonblock(s, true);
    CHECK_EQ(send(s, "hello", 5, 0), 5);
    pass_ms(10);
    c.ack += 5;
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(1000);
    peer_forget();
}

static struct tcp_pcb *pcb(void)
{
    CHECK(tcp_active_pcbs && !tcp_active_pcbs->next);
    return tcp_active_pcbs;
}

/* A segment whose numbers are off by so much; the connection's own stay as they are. */
static void say(unsigned flags, uint32_t seq_off, uint32_t ack_off, const void *data, uint32_t len)
{
    struct peer_tcp forged = c;

    forged.seq += seq_off;
    forged.ack += ack_off;
    peer_segment(&forged, flags, data, len);
}

/* How the image answers it: the flags of one segment, 0: not. */
static unsigned answer(unsigned flags, uint32_t seq_off, uint32_t ack_off, uint32_t len)
{
    struct heard h;

    pass_ms(600); /* challenges are limited */
    peer_forget();
    say(flags, seq_off, ack_off, "data of the segment", len);
    pass_ms(1);
    CHECK(peer_count(PEER_TCP) <= 1);
    if (!peer_count(PEER_TCP))
        return 0;
    h = peer_last(PEER_TCP);
    return h.flags;
}

/* A challenge: an acknowledgement with the true numbers. */
#define CHALLENGED(flags, seq_off, ack_off, len)                                                   \
    do {                                                                                           \
        CHECK_EQ(answer(flags, seq_off, ack_off, len), PEER_ACK);                                  \
        CHECK_EQ(peer_last(PEER_TCP).ack, c.seq);                                                  \
        CHECK_EQ(peer_last(PEER_TCP).seq, c.ack);                                                  \
    } while (0)
#define IGNORED(flags, seq_off, ack_off, len) CHECK_EQ(answer(flags, seq_off, ack_off, len), 0)

/* The connection works, and has delivered nothing. */
static void unharmed(void)
{
    CHECK_FAILS(recv(s, buf, sizeof(buf), 0), EAGAIN);
    peer_segment(&c, PEER_ACK | PEER_PSH, "ping", 4);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 4);
    CHECK(memcmp(buf, "ping", 4) == 0);
    CHECK_EQ(send(s, "pong", 4, 0), 4);
    pass_ms(10);
    CHECK(peer_last(PEER_TCP).len == 4 && peer_last(PEER_TCP).seq == c.ack);
    c.ack += 4;
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(1000);
}

/* ---- an open connection ---------------------------------------------------------------------- */

static void without_ack(void)
{
    open_one();
    IGNORED(0, 0, 0, 10);
    IGNORED(PEER_PSH, 0, 0, 10);
    IGNORED(URG, 0, 0, 10);
    IGNORED(PEER_FIN, 0, 0, 0);
    IGNORED(PEER_FIN | PEER_PSH, 0, 0, 10);
    IGNORED(0, 1u << 30, 0, 10);
    CHECK_EQ(net_core.tcp_forged, 6);
    unharmed();
}

static void acks_of_another_time(void)
{
    uint32_t old = 0u - 0x4000; /* the peer's window */

    open_one();
    CHALLENGED(PEER_ACK | PEER_PSH, 0, 0u - 100000, 10);
    CHALLENGED(PEER_ACK | PEER_PSH, 0, 0u - (1u << 30), 10);
    CHALLENGED(PEER_ACK | PEER_PSH, 0, 1u << 31, 10);
    CHALLENGED(PEER_ACK | PEER_PSH, 0, old - 1, 10);
    CHALLENGED(PEER_ACK | PEER_PSH, 0, 1, 10); /* what was never sent */
    CHALLENGED(PEER_ACK, 0, 1, 0);
    CHALLENGED(PEER_ACK | PEER_FIN, 0, 70000, 0);
    CHECK_EQ(net_core.tcp_challenges, 7);
    unharmed();
    say(PEER_ACK | PEER_PSH, 0, old, "late", 4); /* within the window: taken */
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 4);
}

static void data_of_another_place(void)
{
    open_one();
    uint32_t window = pcb()->rcv_wnd;
    CHALLENGED(PEER_ACK | PEER_PSH, window + 1, 0, 10);
    CHALLENGED(PEER_ACK | PEER_FIN, window + 1, 0, 0);
    CHALLENGED(PEER_ACK | PEER_PSH, 1u << 31, 0, 10);
    CHALLENGED(PEER_ACK | PEER_PSH, 0u - (1u << 30), 0, 10);
    CHALLENGED(PEER_ACK, 0u - 1, 0, 0); /* a probe that all is well */
    CHALLENGED(PEER_ACK, window + 1, 0, 0);
    IGNORED(PEER_ACK, window, 0, 0); /* a sender that has used up the window */
    CHECK(pcb()->ooseq == NULL);
    unharmed();
    CHECK_EQ(answer(PEER_ACK | PEER_PSH, 0u - 4, 0, 4), PEER_ACK); /* a copy */
    unharmed();
    say(PEER_ACK | PEER_PSH, 0u - 2, 0, "ngnew", 5); /* half a copy */
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 3);
    CHECK(memcmp(buf, "new", 3) == 0);
}

/* The window that a forged segment announces has no effect, nor does its acknowledgement. */
static void windows_of_others(void)
{
    open_one();
    CHECK_EQ(send(s, buf, 100, 0), 100);
    pass_ms(10);
    uint32_t window = pcb()->snd_wnd;
    c.window = 0;
    for (unsigned i = 0; i < 32; i++)
        say(PEER_ACK, 1u << 31 | i << 20, 100, NULL, 0);
    say(0, 0, 100, NULL, 0);
    CHECK_EQ(pcb()->snd_wnd, window);
    CHECK(pcb()->unacked != NULL);
}

static void resets(void)
{
    open_one();
    uint32_t window = pcb()->rcv_wnd;
    CHALLENGED(PEER_RST, 1, 0, 0);
    CHALLENGED(PEER_RST | PEER_ACK, window - 1, 0, 0);
    IGNORED(PEER_RST, 0u - 1, 0, 0);
    IGNORED(PEER_RST, window, 0, 0);
    IGNORED(PEER_RST | PEER_ACK, 1u << 31, 0, 0);
    unharmed();
    IGNORED(PEER_RST, 0, 0, 0); /* the true one */
    CHECK_FAILS(recv(s, buf, 1, 0), ECONNRESET);
}

static void syns(void)
{
    open_one();
    CHALLENGED(PEER_SYN, 0, 0, 0);
    CHALLENGED(PEER_SYN, 1000, 0, 0);
    CHALLENGED(PEER_SYN, 1u << 31, 0, 0);
    CHALLENGED(PEER_SYN | PEER_ACK, 0u - 1, 0, 0);
    CHALLENGED(PEER_SYN | PEER_ACK, 0, 5, 10);
    unharmed();
    IGNORED(PEER_SYN | PEER_FIN, 0, 0, 0);
    IGNORED(PEER_SYN | PEER_RST, 0, 0, 0);
    unharmed();
}

/* Two ends whose windows are closed do not answer each other's acknowledgements for ever. */
static void closed_windows(void)
{
    open_one();
    while (pcb()->rcv_wnd)
        peer_segment(&c, PEER_ACK | PEER_PSH, buf, pcb()->rcv_wnd < 1400 ? pcb()->rcv_wnd : 1400);
    IGNORED(PEER_ACK, 0, 0, 0);
    CHALLENGED(PEER_ACK, 0u - 1, 0, 0);
    CHECK_EQ(answer(PEER_ACK | PEER_PSH, 0, 0, 1), PEER_ACK); /* a probe */
    CHECK_EQ(peer_last(PEER_TCP).window, 0);
}

/* A peer that has forgotten the connection resets it by what it hears, and opens a new one. */
static void a_peer_that_was_started_again(void)
{
    open_one();
    CHALLENGED(PEER_SYN, 77777, 0, 0);
    struct heard h = peer_last(PEER_TCP);
    c.seq = h.ack;
    peer_segment(&c, PEER_RST, NULL, 0);
    CHECK_FAILS(recv(s, buf, 1, 0), ECONNRESET);
    peer_forget();
    peer_connect(&c, 4000, 80);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static unsigned challenges_to(unsigned segments)
{
    uint64_t before = net_core.tcp_challenges;

    for (unsigned i = 0; i < segments; i++) {
        say(PEER_RST, 1 + i, 0, NULL, 0);
        peer_forget();
    }
    return (unsigned)(net_core.tcp_challenges - before);
}

static void challenges_are_limited(void)
{
    open_one();
    CHECK_EQ(challenges_to(200), 10);
    pass_ms(1600);
    CHECK_EQ(challenges_to(200), 3);
    pass_ms(60000);
    CHECK_EQ(challenges_to(200), 10);
    unharmed();
}

/* All connections together have a limit that differs from second to second. */
static void nobody_learns_from_the_limit(void)
{
    enum { CONNECTIONS = 120 };
    static struct peer_tcp all[CONNECTIONS];
    unsigned counts[4], differ = 0;

    boot();
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        peer_forget();
        peer_connect(&all[i], (uint16_t)(5000 + i), 80);
        CHECK(accept(listener, NULL, NULL) >= 0);
    }
    for (unsigned round = 0; round < 4; round++) {
        counts[round] = 0;
        pass_ms(60000);
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            c = all[i];
            counts[round] += challenges_to(12);
        }
        CHECK(counts[round] >= 250 && counts[round] < CONNECTIONS * 10);
        differ += counts[round] != counts[0];
    }
    CHECK(differ > 0);
}

/* 100,000 segments of somebody who knows addresses and ports. */
static void a_hundred_thousand_forged_segments(void)
{
    static const unsigned kinds[] = {
        PEER_ACK,
        PEER_ACK | PEER_PSH,
        PEER_RST,
        PEER_RST | PEER_ACK,
        PEER_SYN,
        PEER_SYN | PEER_ACK,
        PEER_FIN | PEER_ACK,
        PEER_PSH,
        PEER_FIN,
        0,
        PEER_ACK | URG,
        PEER_FIN | PEER_RST,
    };

    open_one();
    uint64_t used = net_mem_lent();
    for (unsigned i = 0; i < 100000; i++) {
        unsigned flags = kinds[random_below(sizeof(kinds) / sizeof(kinds[0]))];
        /* mostly anywhere, but not the few numbers that count */
        uint32_t seq = random_below(4) ? random32() | 1u << 20 : 1 + random_below(1000);
        uint32_t ack = seq < 1u << 20 || random_below(2) ? 1 + random_below(1u << 30) : random32();

        if (seq - (0u - 300000) < 600000 && (flags & PEER_ACK) && !(flags & PEER_RST))
            ack = 1 + random_below(1u << 30);
        say(flags, seq, ack, "GET / HTTP/1.1\r\n\r\n", random_below(2) * 18);
        peer_forget();
    }
    CHECK_EQ(net_mem_lent(), used);
    pass_ms(30000);
    unharmed();
}

/* ---- other states ---------------------------------------------------------------------------- */

static void half_open(void)
{
    boot();
    c = (struct peer_tcp){.port = 4000, .image_port = 80, .seq = 1000, .window = 0x4000};
    peer_segment(&c, PEER_SYN, NULL, 0);
    AWAIT(peer_count(PEER_TCP), 5); /* the neighbour is asked first */
    struct heard h = peer_last(PEER_TCP);
    CHECK_EQ(h.flags, PEER_SYN | PEER_ACK);
    c.ack = h.seq + 1;
    IGNORED(PEER_PSH, 0, 0, 10);
    IGNORED(PEER_RST, 1u << 30, 0, 0);
    CHECK_EQ(answer(PEER_ACK, 0, 1, 0), PEER_RST | PEER_ACK);
    CHECK_EQ(answer(PEER_ACK | PEER_PSH, 0, 0u - 1, 10), PEER_RST | PEER_ACK);
    CHECK_EQ(answer(PEER_SYN, 0u - 1, 0u - c.ack, 0), PEER_SYN | PEER_ACK); /* its SYN again */
    CHECK_FAILS(accept(listener, NULL, NULL), EAGAIN);
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

static void begin_to_connect(void)
{
    boot();
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(s, at(PEER_IP, 8080), IN), EINPROGRESS);
    AWAIT(peer_count(PEER_TCP), 5);
    struct heard h = peer_last(PEER_TCP);
    c = (struct peer_tcp){h.dport, h.sport, 5000, h.seq + 1, 0x4000};
}

static void connecting(void)
{
    begin_to_connect();
    IGNORED(PEER_RST, 0, 0, 0);
    IGNORED(PEER_RST | PEER_ACK, 0, 1, 0);
    IGNORED(PEER_RST | PEER_ACK, 0, 0u - 1, 0);
    IGNORED(PEER_ACK, 0, 0, 0);
    IGNORED(PEER_PSH, 0, 0, 10);
    IGNORED(PEER_FIN, 0, 0, 0);
    peer_forget();
    say(PEER_SYN | PEER_ACK, 0, 1, NULL, 0);
    pass_ms(1);
    bool reset = false;
    CHECK_EQ(pcb()->state, SYN_SENT);
    reset = peer_count(PEER_TCP) && pcb()->state == SYN_SENT;
    CHECK(reset);
    peer_segment(&c, PEER_SYN | PEER_ACK, NULL, 0);
    CHECK_EQ(fd_poll(s, POLLOUT), POLLOUT);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), 0);
}

static void a_refused_connection(void)
{
    begin_to_connect();
    say(PEER_RST | PEER_ACK, 0u - 5000, 0, NULL, 0);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

/* The image has closed, and the peer after it. */
static void time_wait(void)
{
    open_one();
    CHECK_EQ(fd_close(s), 0);
    pass_ms(10);
    CHECK(peer_last(PEER_TCP).flags & PEER_FIN);
    c.ack++;
    peer_segment(&c, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK(!tcp_active_pcbs && tcp_tw_pcbs);
    pass_ms(50000);
    u32_t since = tcp_tw_pcbs->tmr;
    IGNORED(PEER_RST, 0, 0, 0); /* RFC 1337 */
    IGNORED(PEER_RST | PEER_ACK, 0, 0, 0);
    IGNORED(PEER_PSH, 0, 0, 10);
    IGNORED(PEER_FIN, 0u - 1, 0, 0);
    IGNORED(PEER_ACK, 0, 0, 0);
    CHALLENGED(PEER_ACK | PEER_PSH, 0, 0, 10);
    CHALLENGED(PEER_ACK | PEER_FIN, 100, 0, 0);
    CHALLENGED(PEER_SYN, 0u - 100, 0, 0);
    CHALLENGED(PEER_SYN | PEER_ACK, 100, 0, 0);
    CHECK_EQ(tcp_tw_pcbs->tmr, since);
    CHALLENGED(PEER_ACK | PEER_FIN, 0u - 1, 0, 0); /* its FIN again: the time begins anew */
    CHECK(tcp_tw_pcbs->tmr != since);
    CHECK(tcp_tw_pcbs != NULL);
}

/* Nobody listens any more: a SYN does not end TIME_WAIT. With a listener it begins anew, beyond. */
static void a_new_connection_after_time_wait(void)
{
    open_one();
    CHECK_EQ(fd_close(s), 0);
    pass_ms(10);
    c.ack++;
    peer_segment(&c, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK_EQ(fd_close(listener), 0);
    CHALLENGED(PEER_SYN, 70000, 0, 0);
    CHECK(tcp_tw_pcbs != NULL);
    tcp_tw_pcbs->snd_nxt += 0x70000000; /* as if it had sent much in a short time */
    uint32_t last = tcp_tw_pcbs->snd_nxt;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    loop_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK_EQ(bind(listener, at(0, 80), IN), 0);
    CHECK_EQ(listen(listener, 8), 0);
    CHECK_EQ(answer(PEER_SYN, 70000, 0, 0), PEER_SYN | PEER_ACK);
    CHECK(tcp_tw_pcbs == NULL);
    CHECK(peer_last(PEER_TCP).seq - last < 0x40000000);
}

/* ---- senders that cannot be ------------------------------------------------------------------ */

static void syn_from(uint32_t ip, uint16_t port, uint16_t image_port)
{
    uint8_t tcp[20] = {0};

    peer_put16(tcp, port);
    peer_put16(tcp + 2, image_port);
    tcp[12] = 5 << 4;
    tcp[13] = PEER_SYN;
    peer_put16(tcp + 14, 1000);
    peer_tcp_between(ip, IMAGE_IP, tcp, sizeof(tcp));
    pass_ms(1);
}

/* ---- segments of no connection --------------------------------------------------------------- */

static void stray_ack(uint16_t from, uint16_t to)
{
    uint8_t tcp[20] = {0};

    peer_put16(tcp, from);
    peer_put16(tcp + 2, to);
    tcp[12] = 5 << 4;
    tcp[13] = PEER_ACK;
    peer_tcp_between(PEER_IP, IMAGE_IP, tcp, sizeof(tcp));
}

/* To ports without a listener, and to listeners without a connection. */
static void resets_are_limited(void)
{
    boot();
    for (uint16_t to = 80; to < 82; to++) {
        unsigned before = lwip_stats.tcp.xmit;

        for (unsigned n = 0; n < 2000; n++) {
            stray_ack((uint16_t)(1024 + n), to);
            peer_forget();
        }
        CHECK(lwip_stats.tcp.xmit - before >= 200 && lwip_stats.tcp.xmit - before < 230);
        pass_ms(1000);
    }
    stray_ack(1000, 80);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
}

static void impossible_senders(void)
{
    static const uint32_t from[] = {IMAGE_IP,   0x7f000001, 0x7f010203, 0,
                                    0x00000001, 0xe0000001, 0xffffffff, 0x0a0002ff};

    boot();
    peer_connect(&c, 4000, 80);
    CHECK(accept(listener, NULL, NULL) >= 0);
    peer_forget();
    for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        syn_from(from[i], 80, 80);
        syn_from(from[i], 1000, 80);
    }
    syn_from(PEER_IP, 0, 80);
    syn_from(PEER_IP, 1000, 0);
    CHECK_EQ(peer_count(PEER_TCP), 0);
    CHECK_EQ(peer_arp_unanswered, 0);
    (void)pcb();
    syn_from(PEER_IP, 1000, 80);
    CHECK_EQ(peer_last(PEER_TCP).flags, PEER_SYN | PEER_ACK);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(without_ack, NULL),
        SHOWS(acks_of_another_time, NULL),
        SHOWS(data_of_another_place, NULL),
        SHOWS(windows_of_others, NULL),
        SHOWS(resets, NULL),
        SHOWS(syns, NULL),
        SHOWS(closed_windows, NULL),
        SHOWS(a_peer_that_was_started_again, NULL),
        SHOWS(challenges_are_limited, NULL),
        SHOWS(nobody_learns_from_the_limit, NULL),
        SHOWS(a_hundred_thousand_forged_segments, NULL),
        SHOWS(half_open, NULL),
        SHOWS(connecting, NULL),
        SHOWS(a_refused_connection, NULL),
        SHOWS(time_wait, NULL),
        SHOWS(a_new_connection_after_time_wait, NULL),
        SHOWS(resets_are_limited, NULL),
        SHOWS(impossible_senders, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
