/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_fast.c - frames with segments of an open connection (net/lwip/tcp_fast.c): those with
 * anything wrong are not taken, and the right one after them is. Connections by the short way and
 * by the long one are compared by test_tcp_random by_both_ways.
 */
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

enum { IP = 20, TCP = 20, PORT = 80 };

static struct peer_tcp client;

static int opened(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener;

    peer_boot(NULL);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_EQ(listen(listener, 1), 0);
    peer_connect(&client, 4000, PORT);
    return accept(listener, NULL, NULL);
}

static uint16_t sum_of(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The next segment, of one byte, as a packet of IPv4 with room for 8 more bytes. */
static void make(uint8_t *p)
{
    memset(p, 0, IP + TCP + 9);
    p[0] = 0x45;
    peer_put16(p + 2, IP + TCP + 1);
    p[8] = 64;
    p[9] = PEER_TCP;
    peer_put32(p + 12, PEER_IP);
    peer_put32(p + 16, IMAGE_IP);
    peer_put16(p + IP, client.port);
    peer_put16(p + IP + 2, client.image_port);
    peer_put32(p + IP + 4, client.seq);
    peer_put32(p + IP + 8, client.ack);
    p[IP + 12] = TCP / 4 << 4;
    p[IP + 13] = PEER_ACK | PEER_PSH;
    peer_put16(p + IP + 14, client.window);
    p[IP + TCP] = 'x';
}

static void seal(uint8_t *p)
{
    peer_put16(p + 10, 0);
    peer_put16(p + 10, sum_of(0, p, IP));
    peer_put16(p + IP + 16, 0);
    peer_put16(p + IP + 16,
               sum_of(sum_of(PEER_TCP + TCP + 1, p + 12, 8) ^ 0xffffu, p + IP, TCP + 1));
}

static int waiting(int fd)
{
    char c;

    return (int)recv(fd, &c, 1, MSG_DONTWAIT);
}

/* Byte `at` of the packet is wrong; with `sums`, before sums are made. */
static void spoilt(int fd, unsigned at, uint8_t with, bool sums)
{
    uint8_t p[IP + TCP + 9];

    make(p);
    if (sums)
        p[at] ^= with;
    seal(p);
    if (!sums)
        p[at] ^= with;
    peer_frame(0x0800, p, IP + TCP + 1);
    CHECK_EQ(waiting(fd), -1);
}

static void right(int fd)
{
    uint8_t p[IP + TCP + 9];

    make(p);
    seal(p);
    peer_frame(0x0800, p, sizeof(p)); /* with padding */
    client.seq++;
    CHECK_EQ(waiting(fd), 1);
    CHECK_EQ(waiting(fd), -1);
}

static void headers_of_ip(void)
{
    int fd = opened();

    right(fd);
    spoilt(fd, 8, 1, false);   /* its sum */
    spoilt(fd, 2, 1, true);    /* longer than the frame */
    spoilt(fd, 6, 0x20, true); /* a fragment */
    spoilt(fd, 7, 1, true);    /* not the first one */
    spoilt(fd, 9, 0x10, true); /* another protocol */
    spoilt(fd, 15, 1, true);   /* from another machine */
    spoilt(fd, 19, 1, true);   /* to another one */
    spoilt(fd, 0, 0x20, true); /* IPv6 by its number */
    right(fd);
}

static void headers_of_tcp(void)
{
    int fd = opened();

    right(fd);
    spoilt(fd, IP + TCP, 1, false);  /* the sum */
    spoilt(fd, IP + 1, 1, true);     /* another port */
    spoilt(fd, IP + 3, 1, true);     /* to another port */
    spoilt(fd, IP + 6, 1, true);     /* numbers before the window, ... */
    spoilt(fd, IP + 9, 1, true);     /* ... of an ACK for what was not sent */
    spoilt(fd, IP + 12, 0x80, true); /* a header longer than the segment */
    spoilt(fd, IP + 13, PEER_ACK, true);
    right(fd);
}

static void frames_for_others(void)
{
    uint8_t p[IP + TCP + 9];
    int fd = opened();
    struct netif *netif = &net_core.devs->netif;

    right(fd);
    make(p);
    seal(p);
    for (unsigned i = 0; i < 6; i++) {
        netif->hwaddr[i] ^= 2;
        peer_frame(0x0800, p, IP + TCP + 1);
        netif->hwaddr[i] ^= 2;
        CHECK_EQ(waiting(fd), -1);
    }
    right(fd);
}

static bool told;

static err_t close_at_once(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg, (void)err;
    pbuf_free(p);
    told = true;
    tcp_arg(pcb, NULL);
    tcp_err(pcb, NULL);
    CHECK_EQ(tcp_close(pcb), ERR_OK); /* unread data: a reset */
    return ERR_OK;
}

/* An application on lwIP's callbacks closes when data comes: the control block is gone then. */
static void closed_within_a_callback(void)
{
    uint8_t p[IP + TCP + 9];
    int fd = opened();
    struct tcp_pcb *pcb = tcp_active_pcbs;
    uint64_t lent;

    right(fd);
    lent = net_mem_lent();
    net_enter();
    tcp_recv(pcb, close_at_once);
    net_leave();
    make(p);
    seal(p);
    peer_frame(0x0800, p, IP + TCP + 1);
    CHECK(told && peer_last(PEER_TCP).flags & PEER_RST);
    AWAIT(net_mem_lent() + sizeof(*pcb) <= lent, 10); /* the reset was sent, too */
}

/* What raw sockets of lwIP would want to see does not pass by them. */
static u8_t see(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    (void)pcb, (void)p, (void)from;
    ++*(unsigned *)arg;
    return 0;
}

static void raw_sockets_see_all(void)
{
    int fd = opened();
    unsigned seen = 0;

    right(fd);
    net_enter();
    struct raw_pcb *pcb = raw_new(PEER_TCP);
    raw_recv(pcb, see, &seen);
    net_leave();
    right(fd);
    CHECK_EQ(seen, 1);
}

/* The others stay where lwIP's timers find them. */
static void others_stay(void)
{
    uint8_t p[IP + TCP + 9];
    struct tcp_pcb *pcb, *other;

    opened();
    other = tcp_active_pcbs;
    peer_connect(&client, 4001, PORT);
    pcb = tcp_active_pcbs;
    CHECK(pcb != other && pcb->next == other);
    net_enter();
    tcp_recv(pcb, close_at_once);
    net_leave();
    make(p);
    seal(p);
    peer_frame(0x0800, p, IP + TCP + 1);
    CHECK(told && peer_last(PEER_TCP).flags & PEER_RST);
    CHECK(tcp_active_pcbs == other && !other->next && other->net.conn.link == &tcp_active_pcbs);
}

/* Receive buffers of the card that the image holds, those of short frames too. */
static uint32_t buffers_held(void)
{
    struct vnet_stats s;

    vnet_get_stats(net_core.devs->vnet, &s);
    return s.rx_records_held;
}

static bool aborts;

/* An application on lwIP's callbacks ends the connection when what it sent has arrived. */
static err_t end_when_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)arg, (void)len;
    told = true;
    tcp_arg(pcb, NULL);
    tcp_err(pcb, NULL);
    if (!aborts)
        return tcp_close(pcb); /* unread data: a reset */
    tcp_abort(pcb);
    return ERR_ABRT;
}

static err_t never_called(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg, (void)pcb, (void)p, (void)err;
    CHECK(!"the connection has ended");
    return ERR_OK;
}

/* What came with the acknowledgement is freed. flags: 0, or what takes it the long way. */
static void ended_when_sent(uint8_t flags)
{
    uint8_t p[IP + TCP + 9];
    int fd = opened();
    struct tcp_pcb *pcb = tcp_active_pcbs;
    struct heard h;

    right(fd);
    CHECK_EQ(send(fd, "y", 1, 0), 1);
    task_sleep_until(hal_now_ns() + HAL_MS);
    h = peer_last(PEER_TCP);
    CHECK_EQ(h.len, 1);
    client.ack = h.seq + 1;
    net_enter();
    tcp_sent(pcb, end_when_sent);
    tcp_recv(pcb, never_called);
    net_leave();
    CHECK_EQ(buffers_held(), 0);
    make(p);
    p[IP + 13] |= flags;
    seal(p);
    peer_frame(0x0800, p, IP + TCP + 1);
    CHECK(told && peer_last(PEER_TCP).flags & PEER_RST);
    CHECK_EQ(buffers_held(), 0);
}

static void closed_when_sent(void)
{
    ended_when_sent(0);
}

static void aborted_when_sent(void)
{
    aborts = true;
    ended_when_sent(0);
}

static bool refuses;

/* Takes data at the second time, and ends the connection. */
static err_t refuse_then_end(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    if (refuses)
        return ERR_MEM;
    if (!aborts)
        return close_at_once(arg, pcb, p, err);
    pbuf_free(p);
    return end_when_sent(arg, pcb, 0);
}

/* by_timer: no segment comes, lwIP asks again on its own. */
static void ended_at_refused_data(bool by_timer)
{
    uint8_t p[IP + TCP + 9];
    int fd = opened();
    struct tcp_pcb *pcb = tcp_active_pcbs;

    right(fd);
    net_enter();
    tcp_recv(pcb, refuse_then_end);
    net_leave();
    refuses = true;
    make(p);
    seal(p);
    peer_frame(0x0800, p, IP + TCP + 1);
    CHECK(pcb->refused_data);
    client.seq++;
    refuses = false;
    make(p);
    seal(p);
    if (!by_timer)
        peer_frame(0x0800, p, IP + TCP + 1);
    AWAIT(told, 2);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    CHECK(!tcp_active_pcbs);
    CHECK_EQ(buffers_held(), 0);
}

static void closed_at_refused_data(void)
{
    ended_at_refused_data(false);
}

static void closed_at_refused_data_by_timer(void)
{
    ended_at_refused_data(true);
}

static void aborted_at_refused_data(void)
{
    aborts = true;
    ended_at_refused_data(false);
}

#define URGENT 0x20

static void closed_when_sent_the_long_way(void)
{
    ended_when_sent(URGENT);
}

static void aborted_when_sent_the_long_way(void)
{
    aborts = true;
    ended_when_sent(URGENT);
}

/* ---- listeners on lwIP's callbacks ----------------------------------------------------------- */

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg, (void)pcb, (void)err;
    return ERR_OK;
}

/* A proxy: it greets its client, and opens a connection of its own to another machine. */
static err_t greet_and_connect(void *arg, struct tcp_pcb *pcb, err_t err)
{
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(PEER_IP));
    struct tcp_pcb *other = tcp_new();

    (void)arg, (void)err;
    CHECK_EQ(tcp_write(pcb, "hello", 5, 0), ERR_OK);
    CHECK_EQ(tcp_output(pcb), ERR_OK);
    CHECK_EQ(tcp_connect(other, &to, 99, connected), ERR_OK);
    return ERR_OK;
}

static unsigned greetings;

static void count_greetings(const struct heard *h)
{
    greetings += h->proto == PEER_TCP && h->len == 5;
}

static void a_greeting_goes_out_at_once(void)
{
    struct tcp_pcb *l;

    peer_boot(NULL);
    net_enter();
    l = tcp_new();
    CHECK_EQ(tcp_bind(l, IP4_ADDR_ANY, PORT), ERR_OK);
    l = tcp_listen(l);
    tcp_accept(l, greet_and_connect);
    net_leave();
    peer_listen(count_greetings);
    peer_connect(&client, 4000, PORT);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK_EQ(greetings, 1);
}

static void acknowledged(uint32_t bytes)
{
    client.ack += bytes;
    peer_segment(&client, PEER_ACK, NULL, 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
}

/* An acknowledgement of data is not one of the end, which waits behind more data. */
static void the_end_waits_behind_data(void)
{
    static uint8_t data[1000];
    int fd = opened();
    struct tcp_pcb *pcb;

    peer_segment(&client, PEER_ACK, "x", 1);
    client.window = 536; /* of one packet; newer data tells of it */
    peer_segment(&client, PEER_ACK, "y", 1);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(waiting(fd) == 1 && waiting(fd) == 1);
    CHECK_EQ(send(fd, data, sizeof(data), 0), sizeof(data));
    pcb = tcp_active_pcbs;
    CHECK_EQ(fd_close(fd), 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(pcb->unacked && !pcb->unacked->next && pcb->unsent);
    acknowledged(536);
    CHECK_EQ(pcb->state, FIN_WAIT_1);
    acknowledged(464);
    CHECK_EQ(pcb->state, FIN_WAIT_1);
    acknowledged(1);
    CHECK_EQ(pcb->state, FIN_WAIT_2);
    acknowledged(0);
    CHECK_EQ(pcb->state, FIN_WAIT_2);
    client.seq++; /* a byte is missing */
    peer_segment(&client, PEER_ACK | PEER_FIN, NULL, 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK_EQ(pcb->state, FIN_WAIT_2);
    client.seq -= 2;
    peer_forget();
    peer_segment(&client, PEER_ACK | PEER_FIN, NULL, 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(pcb->state == TIME_WAIT && tcp_tw_pcbs == pcb && !tcp_active_pcbs);
    CHECK_EQ(peer_last(PEER_TCP).ack, client.seq);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(headers_of_ip, NULL),
        SHOWS(headers_of_tcp, NULL),
        SHOWS(frames_for_others, NULL),
        SHOWS(raw_sockets_see_all, NULL),
        SHOWS(closed_within_a_callback, NULL),
        SHOWS(others_stay, NULL),
        SHOWS(closed_at_refused_data, NULL),
        SHOWS(closed_at_refused_data_by_timer, NULL),
        SHOWS(aborted_at_refused_data, NULL),
        SHOWS(closed_when_sent, NULL),
        SHOWS(aborted_when_sent, NULL),
        SHOWS(closed_when_sent_the_long_way, NULL),
        SHOWS(aborted_when_sent_the_long_way, NULL),
        SHOWS(a_greeting_goes_out_at_once, NULL),
        SHOWS(the_end_waits_behind_data, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
