/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_flood.c - connections that peers begin to open (net/lwip/tcp_half_open.c): what is kept
 * of them, SYN-ACKs that are repeated, backlogs, floods of SYNs, and cookies.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/etharp.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

enum { IN = sizeof(struct sockaddr_in), HALF_MAX = 256, SYN_ACK = PEER_SYN | PEER_ACK };

/* Options of a SYN: MSS 1400, window scale 7, SACK permitted. Perhaps a timestamp behind them. */
static uint8_t options[24] = {2, 4, 1400 >> 8, 1400 & 255, 1, 3, 3, 7, 1, 1, 4, 2, 1, 1, 8, 10};
static uint32_t my_stamp, echoed; /* 0: no timestamps */

static char buf[4000];
static int listener;
static uint16_t image_port = 80;

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static void listen_on(uint16_t port, int backlog)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&a, IN), 0);
    CHECK_EQ(listen(listener, backlog), 0);
    fd_set_nonblock(listener, true);
    image_port = port;
}

static void boot(int backlog)
{
    peer_boot("ip=10.0.2.15::10.0.2.2:255.255.255.0");
    listen_on(80, backlog);
    pass_ms(10);
    peer_forget();
}

/* A segment to the listener, from anybody. */
static void say(uint32_t ip, uint16_t port, unsigned flags, uint32_t seq, uint32_t ack,
                const void *data, unsigned len)
{
    uint8_t tcp[100] = {0};
    unsigned first = flags & PEER_SYN ? 0 : 12, last = my_stamp ? 24 : 12;
    unsigned header = 20 + last - first;

    peer_put16(tcp, port);
    peer_put16(tcp + 2, image_port);
    peer_put32(tcp + 4, seq);
    peer_put32(tcp + 8, ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = (uint8_t)flags;
    peer_put16(tcp + 14, 8000);
    peer_put32(options + 16, my_stamp);
    peer_put32(options + 20, flags & PEER_ACK ? echoed : 0);
    memcpy(tcp + 20, options + first, last - first);
    if (len)
        memcpy(tcp + header, data, len);
    peer_tcp_between(ip, IMAGE_IP, tcp, header + len);
}

static void syn(uint32_t ip, uint16_t port)
{
    say(ip, port, PEER_SYN, ip * 7919 + port, 0, NULL, 0);
}

/* From some machine beyond the router. */
static void spoofed(unsigned n)
{
    syn(0xcb000000 + n * 7, (uint16_t)(1024 + n));
    if (n % 100 == 0)
        peer_forget();
}

/* The image's SYN-ACK to this client; 0: it has sent none since the SYN. */
static uint32_t ask(uint32_t ip, uint16_t port)
{
    struct heard h;

    peer_forget();
    syn(ip, port);
    pass_ms(2);
    if (!peer_count(PEER_TCP))
        return 0;
    h = peer_last(PEER_TCP);
    CHECK_EQ(h.flags, SYN_ACK);
    CHECK(h.dst == ip && h.dport == port && h.ack == ip * 7919 + port + 1);
    return h.seq;
}

static void finish(uint32_t ip, uint16_t port, uint32_t seq)
{
    say(ip, port, PEER_ACK | PEER_PSH, ip * 7919 + port + 1, seq + 1, "request", 7);
    pass_ms(1);
}

/* One that is served. */
static int client(uint32_t ip, uint16_t port)
{
    uint32_t seq = ask(ip, port);
    int fd;

    CHECK(seq != 0);
    finish(ip, port, seq);
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    CHECK_EQ(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 7);
    return fd;
}

/* An option of this kind in the last SYN-ACK; NULL: none. */
static const uint8_t *offers(uint8_t kind)
{
    const struct heard h = peer_last(PEER_TCP);

    for (const uint8_t *opt = h.options; opt < h.data && *opt; opt += *opt == 1 ? 1 : opt[1])
        if (*opt == kind)
            return opt;
    return NULL;
}

/* ---- one connection -------------------------------------------------------------------------- */

static void little_is_kept(void)
{
    boot(8);
    ask(PEER_IP, 4000); /* the table of neighbours has its first rows */
    say(PEER_IP, 4000, PEER_RST, PEER_IP * 7919 + 4001, 0, NULL, 0);
    uint64_t before = net_mem_lent();
    CHECK(ask(PEER_IP, 4000) != 0);
    CHECK_EQ(net_tcp_half_open(), 1);
    CHECK(tcp_active_pcbs == NULL);
    pass_ms(20);
    CHECK(net_mem_lent() - before <= 160);
    CHECK(offers(2) && offers(3) && offers(4));
    finish(PEER_IP, 4000, peer_last(PEER_TCP).seq);
    CHECK_EQ(net_tcp_half_open(), 0);
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 7);
    struct tcp_pcb *pcb = tcp_active_pcbs;
    CHECK(pcb->state == ESTABLISHED && pcb->mss == 1400 && pcb->snd_scale == 7);
    CHECK_EQ(pcb->snd_wnd, 8000u << 7);
    CHECK((pcb->flags & (TF_SACK | TF_WND_SCALE)) == (TF_SACK | TF_WND_SCALE));
    CHECK(pcb->net.rtt.srtt_us >= 20000 && pcb->net.rtt.srtt_us < 30000);
    CHECK_EQ(pcb->net.cc.cwnd, 10 * 1400);
    CHECK(pcb->unacked == NULL && pcb->unsent == NULL && tcp_sndqueuelen(pcb) == 0);
    CHECK_EQ(send(fd, "answer", 6, 0), 6);
    pass_ms(10);
    CHECK(peer_last(PEER_TCP).len == 6 && peer_last(PEER_TCP).ack == PEER_IP * 7919 + 4000 + 8);
}

static void syn_acks_are_repeated(void)
{
    static const unsigned at_ms[] = {1000, 3000, 7000, 15000, 31000};
    uint64_t began;

    boot(8);
    uint32_t seq = ask(PEER_IP, 4000);
    began = hal_now_ns();
    for (unsigned i = 0; i < 5; i++) {
        unsigned n = peer_count(PEER_TCP);

        CHECK_EQ(n, i + 1);
        AWAIT(peer_count(PEER_TCP) > n, 20);
        uint64_t ms = (hal_now_ns() - began) / HAL_MS;
        CHECK(ms >= at_ms[i] - 10 && ms < at_ms[i] + 300);
        CHECK_EQ(peer_last(PEER_TCP).seq, seq);
        CHECK_EQ(peer_last(PEER_TCP).flags, SYN_ACK);
    }
    AWAIT(net_tcp_half_open() == 0, 40);
    CHECK((hal_now_ns() - began) / HAL_SEC >= 62);
    CHECK_EQ(peer_count(PEER_TCP), 6);
    finish(PEER_IP, 4000, seq); /* too late */
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
}

/* The client answers after this time, when it has heard so many SYN-ACKs. */
static void answer_late(unsigned ms, unsigned heard)
{
    boot(8);
    uint32_t seq = ask(PEER_IP, 4000);
    pass_ms(ms);
    CHECK_EQ(peer_count(PEER_TCP), heard);
    finish(PEER_IP, 4000, seq);
    CHECK_EQ(tcp_active_pcbs->net.rtt.srtt_us, 0);
    CHECK_EQ(tcp_active_pcbs->net.rtt.rto_us, TCP_RTO_SYN_LOST_US);
}

/* As after a SYN that was lost: no sample of the round trip, and after two one segment at first. */
static void a_syn_ack_that_was_repeated(void)
{
    answer_late(1500, 2);
    CHECK_EQ(tcp_active_pcbs->net.cc.cwnd, 14000);
}

static void a_syn_ack_that_was_repeated_twice(void)
{
    answer_late(3500, 3);
    CHECK_EQ(tcp_active_pcbs->net.cc.cwnd, 1400);
}

/* The echo tells that the first one arrived: nothing was lost, and the path is not measured. */
static void an_echo_of_the_first_syn_ack(void)
{
    boot(8);
    my_stamp = 100;
    uint32_t seq = ask(PEER_IP, 4000);
    echoed = peer_get32(offers(8) + 2);
    pass_ms(3500);
    CHECK_EQ(peer_count(PEER_TCP), 3);
    finish(PEER_IP, 4000, seq);
    CHECK_EQ(tcp_active_pcbs->net.rtt.srtt_us, 0);
    CHECK_EQ(tcp_active_pcbs->net.rtt.rto_us, TCP_RTO_SYN_LOST_US);
    CHECK_EQ(tcp_active_pcbs->net.cc.cwnd, 10 * tcp_active_pcbs->net.cc.mss);
}

/* The control block of a client that ends its handshake with these bytes. */
static struct tcp_pcb *opened_with(uint16_t port, unsigned flags, unsigned len)
{
    uint32_t seq = ask(PEER_IP, port);

    echoed = peer_get32(offers(8) + 2);
    my_stamp++;
    say(PEER_IP, port, PEER_ACK | flags, PEER_IP * 7919 + port + 1, seq + 1, "request", len);
    pass_ms(1);
    CHECK(tcp_active_pcbs->remote_port == port && tcp_active_pcbs->snd_nxt == seq + 1);
    return tcp_active_pcbs;
}

/* An ACK alone, which lwIP does not see, and one with data, which it does, open the same. */
static void any_end_of_a_handshake(void)
{
    const unsigned agreed = TF_SACK | TF_TIMESTAMP | TF_WND_SCALE;

    boot(8);
    my_stamp = 100;
    const struct tcp_pcb *a = opened_with(4000, 0, 0), *b = opened_with(4001, PEER_PSH, 7);

    CHECK(a->state == ESTABLISHED && b->state == ESTABLISHED && a->mss == 1400 && b->mss == 1400);
    CHECK(a->snd_wnd == 8000 << 7 && b->snd_wnd == 8000 << 7 && a->snd_wnd_max == 8000 << 7);
    CHECK_EQ(a->rcv_nxt - PEER_IP * 7919 - 4001, b->rcv_nxt - PEER_IP * 7919 - 4002 - 7);
    CHECK_EQ(a->flags & b->flags & agreed, agreed);
    CHECK(a->ts_recent + 1 == b->ts_recent && a->net.cc.cwnd == b->net.cc.cwnd);
    CHECK(a->net.rtt.srtt_us > 0 && a->net.rtt.srtt_us < 10000 && b->net.rtt.srtt_us > 0);
    CHECK(a->snd_buf == b->snd_buf && !a->snd_queuelen && !b->snd_queuelen);
    CHECK(a->net.opt.segs_out == b->net.opt.segs_out && a->net.opt.segs_in == b->net.opt.segs_in);
    CHECK_EQ(opened_with(4002, PEER_FIN, 7)->state, CLOSE_WAIT);
    CHECK_EQ(opened_with(4003, PEER_FIN, 0)->state, CLOSE_WAIT);
}

/* Who agreed to timestamps and sends none, or an old one, has not ended the handshake. */
static void a_handshake_without_its_stamp(void)
{
    boot(8);
    my_stamp = 100;
    uint32_t seq = ask(PEER_IP, 4000);
    echoed = peer_get32(offers(8) + 2);
    my_stamp = 99;
    finish(PEER_IP, 4000, seq);
    CHECK(peer_last(PEER_TCP).flags == PEER_ACK && peer_last(PEER_TCP).seq == seq + 1);
    my_stamp = 0;
    finish(PEER_IP, 4000, seq);
    CHECK(!tcp_active_pcbs && net_tcp_half_open() == 1);
    my_stamp = 101;
    finish(PEER_IP, 4000, seq);
    CHECK(tcp_active_pcbs && net_tcp_half_open() == 0);
}

static void a_syn_again(void)
{
    boot(8);
    uint32_t seq = ask(PEER_IP, 4000);
    CHECK_EQ(ask(PEER_IP, 4000), seq);
    CHECK_EQ(net_tcp_half_open(), 1);
    peer_forget();
    say(PEER_IP, 4000, PEER_RST, PEER_IP * 7919 + 4000, 0, NULL, 0); /* guessed */
    CHECK_EQ(net_tcp_half_open(), 1);
    say(PEER_IP, 4000, PEER_RST, PEER_IP * 7919 + 4001, 0, NULL, 0);
    CHECK_EQ(net_tcp_half_open(), 0);
    CHECK_EQ(peer_count(PEER_TCP), 0);
}

/* A client that has begun anew hears an acknowledgement of the old SYN, and resets that. */
static void another_syn(void)
{
    boot(8);
    uint32_t seq = ask(PEER_IP, 4000);
    peer_forget();
    say(PEER_IP, 4000, PEER_SYN, 77, 0, NULL, 0);
    CHECK_EQ(peer_last(PEER_TCP).flags, PEER_ACK);
    CHECK_EQ(peer_last(PEER_TCP).ack, PEER_IP * 7919 + 4001);
    CHECK_EQ(peer_last(PEER_TCP).seq, seq + 1);
    say(PEER_IP, 4000, PEER_RST, PEER_IP * 7919 + 4001, 0, NULL, 0);
    CHECK(client(PEER_IP, 4000) >= 0);
}

/* The acknowledgement is lost, and data comes out of order: it is kept. */
static void data_before_its_turn(void)
{
    boot(8);
    uint32_t seq = ask(PEER_IP, 4000), irs = PEER_IP * 7919 + 4000;
    say(PEER_IP, 4000, PEER_ACK, irs + 1 + 3, seq + 1, "def", 3);
    say(PEER_IP, 4000, PEER_ACK, irs + 1, seq + 1, "abc", 3);
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 6);
    CHECK(memcmp(buf, "abcdef", 6) == 0);
}

static void a_listener_that_is_closed(void)
{
    boot(8);
    uint32_t seq = ask(PEER_IP, 4000);
    CHECK_EQ(fd_close(listener), 0);
    finish(PEER_IP, 4000, seq);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    peer_forget();
    pass_ms(3000);
    CHECK_EQ(peer_count(PEER_TCP), 0);
    CHECK_EQ(net_tcp_half_open(), 0);
}

/* ---- backlogs -------------------------------------------------------------------------------- */

static void a_full_queue_answers_no_syn(void)
{
    uint32_t seq[4];

    boot(2);
    for (unsigned i = 0; i < 4; i++)
        CHECK((seq[i] = ask(PEER_IP, (uint16_t)(4000 + i))) != 0);
    for (unsigned i = 0; i < 4; i++)
        finish(PEER_IP, (uint16_t)(4000 + i), seq[i]);
    CHECK_EQ(net_tcp_half_open(), 2); /* the queue has room for two */
    for (unsigned i = 0; i < peer_count(PEER_TCP); i++)
        CHECK(!(peer_last(PEER_TCP).flags & PEER_RST));
    CHECK_EQ(ask(PEER_IP, 5000), 0);
    CHECK_EQ(net_core.tcp_syns_dropped, 1);
    CHECK_EQ(net_core.tcp_refused, 0); /* that is for want of memory */
    CHECK(accept(listener, NULL, NULL) >= 0);
    pass_ms(3500); /* the SYN-ACKs are repeated, and acknowledged again */
    finish(PEER_IP, 4002, seq[2]);
    CHECK_EQ(net_tcp_half_open(), 1);
    for (unsigned i = 0; i < 2; i++)
        CHECK(accept(listener, NULL, NULL) >= 0);
    CHECK_FAILS(accept(listener, NULL, NULL), EAGAIN);
    CHECK(ask(PEER_IP, 5000) != 0);
}

/* Half-open connections do not take the places of those that wait for accept(). */
static void half_open_ones_are_apart(void)
{
    boot(2);
    for (unsigned n = 1; n < 12; n++)
        spoofed(n);
    for (unsigned i = 0; i < 4; i++)
        CHECK(client(PEER_IP, (uint16_t)(4000 + i)) >= 0);
    CHECK_EQ(net_core.tcp_cookies, 0);
}

/* ---- floods ---------------------------------------------------------------------------------- */

static void serve_one(unsigned n)
{
    int fd = client(0xc6336400 + n, (uint16_t)(2000 + n));

    CHECK_EQ(tcp_active_pcbs->mss, 1400);
    CHECK_EQ(fd_close(fd), 0);
    net_enter();
    tcp_abort(tcp_active_pcbs);
    net_leave();
}

static void clients_are_served_in_a_flood(void)
{
    boot(128);
    for (unsigned n = 1; n < 2000; n++)
        spoofed(n);
    CHECK_EQ(net_tcp_half_open(), 128);
    serve_one(0);
    uint64_t used = net_mem_used(), lent = net_mem_lent();
    for (unsigned n = 2000; n < 20000; n++) {
        spoofed(n);
        if (n % 1000 == 0)
            serve_one(n / 1000);
    }
    CHECK_EQ(net_mem_used(), used);
    CHECK(net_mem_lent() <= lent);
    CHECK_EQ(net_core.tcp_cookies_taken, 19);
    CHECK(tcp_active_pcbs == NULL);
    pass_ms(70000);
    CHECK_EQ(net_tcp_half_open(), 0);
}

/* The whole table is shared by listeners, and memory for it is not needed either. */
static void a_flood_without_memory(void)
{
    void *p;

    boot(128);
    while ((p = net_malloc(100)))
        ;
    for (unsigned n = 1; n < 200; n++)
        spoofed(n);
    CHECK(net_tcp_half_open() < 10);
}

/* While the table is half full, SYN-ACKs are repeated once, and soon there is room again. */
static void a_flood_that_is_over(void)
{
    boot(128);
    for (unsigned n = 1; n < 300; n++)
        spoofed(n);
    listen_on(81, 128);
    for (unsigned n = 1; n < 300; n++)
        spoofed(n);
    CHECK_EQ(net_tcp_half_open(), HALF_MAX);
    listen_on(82, 128);
    CHECK(ask(PEER_IP, 4000) && !offers(3)); /* a cookie, since all of the table is in use */
    pass_ms(2000);
    CHECK_EQ(net_tcp_half_open(), HALF_MAX);
    pass_ms(2000);
    CHECK_EQ(net_tcp_half_open(), HALF_MAX / 2);
    CHECK(ask(PEER_IP, 4001) && offers(3));
}

static void cookies_hold_no_options(void)
{
    boot(16);
    for (unsigned n = 1; n < 50; n++)
        spoofed(n);
    uint32_t seq = ask(PEER_IP, 4000);
    CHECK(offers(2) && !offers(3) && !offers(4));
    finish(PEER_IP, 4000, seq);
    CHECK_EQ(net_core.tcp_cookies_taken, 1);
    struct tcp_pcb *pcb = tcp_active_pcbs;
    CHECK(pcb && pcb->mss == 1400 && !(pcb->flags & (TF_SACK | TF_WND_SCALE)));
    CHECK_EQ(pcb->snd_wnd, 8000);
    CHECK_EQ(pcb->rcv_wnd, 65535 - 7);
}

/* With timestamps, what the cookie has no room for comes back in their echo. */
static void timestamps_hold_options(void)
{
    static const uint8_t scales[] = {0, 7, 14, 99};

    boot(16);
    for (unsigned n = 1; n < 50; n++)
        spoofed(n);
    for (unsigned i = 0; i < 8; i++) {
        options[7] = scales[i / 2];
        options[10] = i % 2 ? 4 : 1; /* SACK permitted, or NOPs in its place */
        options[11] = i % 2 ? 2 : 1;
        my_stamp = 5000 + i;
        pass_ms(17 + i);
        uint16_t port = (uint16_t)(4000 + i);
        uint32_t seq = ask(PEER_IP, port);
        CHECK(offers(3) && offers(8) && !offers(4) == !(i % 2));
        CHECK_EQ(peer_get32(offers(8) + 6), my_stamp);
        echoed = peer_get32(offers(8) + 2);
        my_stamp++;
        finish(PEER_IP, port, seq);
        struct tcp_pcb *pcb = tcp_active_pcbs;
        CHECK(pcb && pcb->remote_port == port && pcb->state == ESTABLISHED);
        CHECK_EQ(pcb->snd_scale, scales[i / 2] < 14 ? scales[i / 2] : 14);
        CHECK_EQ(pcb->flags & TF_SACK, i % 2 ? TF_SACK : 0);
        CHECK(pcb->flags & TF_TIMESTAMP && pcb->flags & TF_WND_SCALE);
        CHECK_EQ(pcb->ts_recent, my_stamp);
        CHECK(tcp_stamp_clock(pcb->net.stamp.offset) - echoed < 40); /* it never runs back */
        int fd = accept(listener, NULL, NULL);
        CHECK_EQ(send(fd, "answer", 6, 0), 6);
        pass_ms(5);
        CHECK(peer_last(PEER_TCP).len == 6 && offers(8));
    }
    CHECK_EQ(net_core.tcp_cookies_taken, 8);
    my_stamp = 0; /* a peer without them, and one that makes up an echo */
    uint32_t seq = ask(PEER_IP, 4100);
    CHECK(!offers(3) && !offers(4) && !offers(8));
    my_stamp = 1;
    echoed = 0x12345678;
    finish(PEER_IP, 4100, seq);
    CHECK(!(tcp_active_pcbs->flags & (TF_TIMESTAMP | TF_SACK | TF_WND_SCALE)));
}

/* An acknowledgement that nobody was given, or was given long ago. */
static void cookies_that_are_none(void)
{
    boot(16);
    finish(PEER_IP, 4000, 12345); /* no cookies were sent */
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    for (unsigned n = 1; n < 50; n++)
        spoofed(n);
    uint32_t seq = ask(PEER_IP, 4000);
    for (unsigned bit = 0; bit < 29; bit++) {
        say(PEER_IP, 4000, PEER_ACK, PEER_IP * 7919 + 4001, seq + 1 + (8u << bit), NULL, 0);
        say(PEER_IP, 4000, PEER_ACK, PEER_IP * 7919 + 4001 + (1u << bit), seq + 1, NULL, 0);
        say(PEER_IP, (uint16_t)(4001 + bit), PEER_ACK, PEER_IP * 7919 + 4001, seq + 1, NULL, 0);
        say(PEER_IP + 1 + bit, 4000, PEER_ACK, PEER_IP * 7919 + 4001, seq + 1, NULL, 0);
    }
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    CHECK_EQ(net_core.tcp_cookies_taken, 0);
    peer_forget(); /* data before its turn is not answered: the segment before it may come yet */
    say(PEER_IP, 4000, PEER_ACK, PEER_IP * 7919 + 4001 + 7, seq + 1, "more", 4);
    CHECK_EQ(peer_count(PEER_TCP), 0);
    pass_ms(130000);
    finish(PEER_IP, 4000, seq);
    CHECK_EQ(net_core.tcp_cookies_taken, 0);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static bool peer_is_known(void)
{
    ip4_addr_t peer = {htonl(PEER_IP)};
    const ip4_addr_t *ip;
    struct eth_addr *mac;

    return etharp_find_addr(&net_core.devs->netif, &peer, &mac, &ip) >= 0;
}

/* Senders that are said to be on the same cable do not drive the others out of the table. */
static void neighbours_are_not_asked_for(void)
{
    peer_boot("ip=10.0.2.15/8");
    listen_on(80, 128);
    CHECK(client(PEER_IP, 4000) >= 0);
    CHECK(peer_is_known());
    for (unsigned n = 0; n < 3000; n++) {
        syn(0x0a500000 + n, (uint16_t)(2000 + n));
        peer_forget();
    }
    CHECK(peer_arp_unanswered <= 64);
    CHECK(peer_is_known());
    CHECK(ask(0x0a600001, 4000) != 0); /* but all are answered */
    CHECK(client(PEER_IP, 4001) >= 0);
}

/* Packets to many that do not exist leave half of the table to those that do. */
static void unknown_neighbours(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

    peer_boot("ip=10.0.2.15/8");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_addr.s_addr = htonl(PEER_IP);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, IN), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 5);
    for (unsigned n = 0; n < 200; n++) {
        to.sin_addr.s_addr = htonl(0x0a500000 + n);
        CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, IN), 1);
        pass_ms(1);
    }
    CHECK(peer_is_known());
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(little_is_kept, NULL),
        SHOWS(syn_acks_are_repeated, NULL),
        SHOWS(a_syn_ack_that_was_repeated, NULL),
        SHOWS(a_syn_ack_that_was_repeated_twice, NULL),
        SHOWS(an_echo_of_the_first_syn_ack, NULL),
        SHOWS(any_end_of_a_handshake, NULL),
        SHOWS(a_handshake_without_its_stamp, NULL),
        SHOWS(a_syn_again, NULL),
        SHOWS(another_syn, NULL),
        SHOWS(data_before_its_turn, NULL),
        SHOWS(a_listener_that_is_closed, NULL),
        SHOWS(a_full_queue_answers_no_syn, NULL),
        SHOWS(half_open_ones_are_apart, NULL),
        SHOWS(clients_are_served_in_a_flood, NULL),
        SHOWS(a_flood_without_memory, NULL),
        SHOWS(a_flood_that_is_over, NULL),
        SHOWS(cookies_hold_no_options, NULL),
        SHOWS(timestamps_hold_options, NULL),
        SHOWS(cookies_that_are_none, NULL),
        SHOWS(neighbours_are_not_asked_for, NULL),
        SHOWS(unknown_neighbours, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
