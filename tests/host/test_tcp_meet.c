/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_meet.c - connections that both ends open at once (RFC 9293, section 3.5, figure 8;
 * net/lwip/tcp_guard.c), a socket that connects to itself among them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "flow.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

enum { IN = sizeof(struct sockaddr_in), SYN_ACK = PEER_SYN | PEER_ACK };

static char buf[100];
static struct peer_tcp c;
static int s;
static uint32_t iss;

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (struct sockaddr *)&a;
}

/* The image's SYN is on its way, and the peer's crosses it. */
static void cross(void)
{
    peer_boot(NULL);
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(bind(s, at(IMAGE_IP, 5000), IN), 0);
    CHECK_FAILS(connect(s, at(PEER_IP, 6000), IN), EINPROGRESS);
    AWAIT(peer_count(PEER_TCP), 5);
    struct heard h = peer_last(PEER_TCP);
    CHECK_EQ(h.flags, PEER_SYN);
    iss = h.seq;
    peer_forget();
    c = (struct peer_tcp){6000, 5000, 77000, 0, 0x4000};
    peer_segment(&c, PEER_SYN, NULL, 0);
    pass_ms(5);
    h = peer_last(PEER_TCP);
    CHECK_EQ(h.flags, SYN_ACK);
    CHECK(h.seq == iss && h.ack == c.seq);
    CHECK_EQ(tcp_active_pcbs->state, SYN_RCVD);
    CHECK_EQ(fd_poll(s, POLLOUT), 0);
    c.ack = iss + 1;
    peer_forget();
}

static void works(void)
{
    AWAIT(fd_poll(s, POLLOUT), 5);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(connect(s, at(PEER_IP, 6000), IN), 0);
    CHECK_EQ(tcp_active_pcbs->state, ESTABLISHED);
    peer_segment(&c, PEER_ACK | PEER_PSH, "hello", 5);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 5);
    CHECK_EQ(send(s, "answer", 6, 0), 6);
    pass_ms(5);
    CHECK(peer_last(PEER_TCP).len == 6 && peer_last(PEER_TCP).seq == iss + 1);
    CHECK_EQ(tcp_active_pcbs->snd_wnd, 0x4000);
    c.ack += 6;
    peer_segment(&c, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 0);
    CHECK_EQ(fd_close(s), 0);
    pass_ms(5);
    CHECK(peer_last(PEER_TCP).flags & PEER_FIN);
    c.ack++;
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(!tcp_active_pcbs);
}

/* The peer's SYN-ACK, which it sends for the image's SYN, ends the handshake, and is answered. */
static void by_syn_ack(void)
{
    cross();
    c.seq--;
    peer_segment(&c, SYN_ACK, NULL, 0);
    pass_ms(5);
    CHECK_EQ(peer_count(PEER_TCP), 1);
    CHECK_EQ(peer_last(PEER_TCP).flags, PEER_ACK);
    CHECK(peer_last(PEER_TCP).ack == c.seq && peer_last(PEER_TCP).seq == iss + 1);
    works();
}

static void by_ack(void)
{
    cross();
    peer_segment(&c, PEER_ACK, NULL, 0);
    works();
}

static err_t end_stream(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    return tcp_shutdown(pcb, 0, 1);
}

/* The peer's FIN comes with the end of the handshake, which has the image end its stream as well:
   both FINs are on their way. */
static void ended_when_connected(void)
{
    cross();
    tcp_active_pcbs->connected = end_stream;
    peer_segment(&c, PEER_ACK | PEER_FIN, NULL, 0);
    pass_ms(5);
    CHECK(peer_last(PEER_TCP).flags & PEER_FIN);
    CHECK_EQ(tcp_active_pcbs->state, CLOSING);
    c.ack++;
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(!tcp_active_pcbs);
}

/* The SYN-ACK is sent again until one of these comes. */
static void a_lost_syn_ack(void)
{
    cross();
    AWAIT(peer_count(PEER_TCP), 4);
    CHECK_EQ(peer_last(PEER_TCP).flags, SYN_ACK);
    CHECK_EQ(peer_last(PEER_TCP).seq, iss);
    peer_forget();
    c.seq--;
    peer_segment(&c, PEER_SYN, NULL, 0); /* the peer has not heard it */
    pass_ms(5);
    CHECK_EQ(peer_last(PEER_TCP).flags, SYN_ACK);
    c.seq--;
    peer_segment(&c, SYN_ACK, NULL, 0);
    works();
}

static void wrong_numbers(void)
{
    cross();
    c.ack++;
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    CHECK_EQ(fd_poll(s, POLLOUT), 0);
    c.ack--;
    c.seq += 0x20000000;
    peer_segment(&c, PEER_RST, NULL, 0);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), 0);
    c.seq -= 0x20000000;
    peer_segment(&c, PEER_RST, NULL, 0);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

static void nothing_more_comes(void)
{
    cross();
    AWAIT(fd_poll(s, POLLERR), 200);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
}

/* ---- both ends of this kind ------------------------------------------------------------------ */

static struct flow_end a, b;

static bool over(void)
{
    return flow_over(&a) && flow_over(&b);
}

static void two_of_a_kind(void)
{
    path_boot(case_variant);
    path_both(20000, case_variant > 1 ? 200000 : 0);
    a = (struct flow_end){.to_send = 50000, .key = 1};
    b = (struct flow_end){.to_send = 70000, .key = 2};
    flow_connect(&a, PATH_A, 5000, 6000, &b);
    flow_connect(&b, PATH_B, 6000, 5000, &a);
    CHECK(path_run(400 * HAL_SEC, over));
    CHECK(a.received == 70000 && b.received == 50000 && !a.wrong && !b.wrong && !a.err && !b.err);
}

static void itself(const struct sockaddr *addr, socklen_t len)
{
    struct sockaddr_storage name, peer;
    socklen_t n = sizeof(name), p = sizeof(peer);
    int fd = socket(addr->sa_family, SOCK_STREAM, 0);

    CHECK_EQ(bind(fd, addr, len), 0);
    CHECK_EQ(connect(fd, addr, len), 0);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&name, &n), 0);
    CHECK_EQ(getpeername(fd, (struct sockaddr *)&peer, &p), 0);
    CHECK(n == p && memcmp(&name, &peer, n) == 0);
    CHECK_EQ(send(fd, "me", 2, 0), 2);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 2);
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 0);
    CHECK_EQ(fd_close(fd), 0);
    pass_ms(2000);
    CHECK(!tcp_active_pcbs);
}

static void to_itself(void)
{
    peer_boot(NULL);
    itself(loop4(5000), IN);
    itself(at(IMAGE_IP, 5001), IN);
    itself(loop6(5002), sizeof(struct sockaddr_in6));
}

static const struct test_variant paths[] = {
    {"whole", 1}, {"lossy 1", 2}, {"lossy 2", 3}, {NULL, 0}};

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(by_syn_ack, NULL),
        SHOWS(by_ack, NULL),
        SHOWS(ended_when_connected, NULL),
        SHOWS(a_lost_syn_ack, NULL),
        SHOWS(wrong_numbers, NULL),
        SHOWS(nothing_more_comes, NULL),
        {"two_of_a_kind", two_of_a_kind, NULL, 0, paths},
        SHOWS(to_itself, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
