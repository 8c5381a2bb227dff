/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_conn.c - net/lwip/net_conn.c: what a packet belongs to is found without a walk over
 * everything that is open, and connections that need nothing are left alone by lwIP's timers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "tasks.h"

#define MANY 3000

static struct loop pair[MANY];

static void open_many(unsigned n)
{
    int listener;

    host_set_ram(256ull << 20);
    host_boot();
    listener = loop_listen(80, 4);
    for (unsigned i = 0; i < n; i++) {
        pair[i] = loop_connect(listener, 80);
        loop_set(pair[i].near, SOL_SOCKET, SO_KEEPALIVE, 0);
    }
}

static unsigned count(const struct tcp_pcb *pcb)
{
    unsigned n = 0;

    for (; pcb; pcb = pcb->next)
        n++;
    return n;
}

/* Each control block of a list is found, and the list knows what points to each. */
static void check_list(struct tcp_pcb **list)
{
    struct tcp_pcb **link = list;

    for (struct tcp_pcb *p = *list; p; link = &p->next, p = p->next) {
        CHECK(p->net.conn.link == link);
        CHECK(net_conn_find(&p->remote_ip, p->remote_port, &p->local_ip, p->local_port) == p);
    }
}

/* Which ports are in use is known without a walk. */
static void check_ports(void)
{
    static bool used[65536];
    unsigned walked = 0, told = 0;

    memset(used, 0, sizeof(used));
    for (int i = 0; i < NUM_TCP_PCB_LISTS; i++)
        for (const struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next)
            used[p->local_port] = true;
    for (unsigned port = 0; port < 65536; port++) {
        walked += used[port];
        told += net_conn_port_used((uint16_t)port);
        CHECK(!used[port] || net_conn_port_used((uint16_t)port));
    }
    CHECK_EQ(told, walked);
}

/* A message over each of some connections, old and new ones. */
static void talk(unsigned n, unsigned step)
{
    char c = 'x';

    for (unsigned i = 0; i < n; i += step) {
        CHECK_EQ(send(pair[i].near, &c, 1, 0), 1);
        CHECK_EQ(recv(pair[i].far, &c, 1, 0), 1);
    }
}

static void many_connections_are_found(void)
{
    struct tcp_pcb *first;

    open_many(MANY);
    CHECK_EQ(count(tcp_active_pcbs), 2 * MANY);
    check_list(&tcp_active_pcbs);
    check_ports();
    first = tcp_active_pcbs;
    talk(MANY, 100);
    CHECK(tcp_active_pcbs == first); /* no search has moved what it found */
    for (unsigned i = 0; i < MANY; i += 2) {
        CHECK_EQ(fd_close(pair[i].far), 0);
        CHECK_EQ(loop_drain(pair[i].near), 0);
        CHECK_EQ(fd_close(pair[i].near), 0);
    }
    check_list(&tcp_active_pcbs);
    check_list(&tcp_tw_pcbs);
    CHECK(tcp_tw_pcbs && count(tcp_tw_pcbs) <= NET_TIME_WAIT_MAX + NET_TIME_WAIT_SLACK);
    for (unsigned i = 1; i < MANY; i += 200)
        CHECK_EQ(send(pair[i].near, "y", 1, 0), 1);
    task_sleep_until(hal_now_ns() + 150 * HAL_SEC); /* beyond TIME_WAIT */
    CHECK(!tcp_tw_pcbs);
    CHECK_EQ(count(tcp_active_pcbs), MANY);
    check_list(&tcp_active_pcbs);
    check_ports();
}

/* ---- idle connections ------------------------------------------------------------------------ */

static unsigned asleep(void)
{
    unsigned n = 0;

    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next) {
        CHECK(p->net.conn.sleeps || !n); /* those that sleep stand behind the others */
        n += p->net.conn.sleeps;
    }
    return n;
}

static void idle_connections_sleep(void)
{
    struct tcp_pcb *last = NULL;

    open_many(100);
    CHECK_EQ(asleep(), 0);
    AWAIT(asleep() == 200, 5);
    for (last = tcp_active_pcbs; last->next;)
        last = last->next;
    uint8_t tick = last->last_timer;
    task_sleep_until(hal_now_ns() + 200 * HAL_MS);
    CHECK_EQ(last->last_timer, tick);
    talk(100, 10); /* wakes both ends of ten */
    CHECK_EQ(asleep(), 180);
    check_list(&tcp_active_pcbs);
    AWAIT(asleep() == 200, 5);
    CHECK_EQ(fd_close(pair[7].near), 0); /* the other end has CLOSE_WAIT */
    AWAIT(asleep() == 198, 1);
    AWAIT(count(tcp_active_pcbs) == 200, 1);
    loop_set(pair[8].near, SOL_SOCKET, SO_KEEPALIVE, 1);
    loop_set(pair[8].near, IPPROTO_TCP, 4 /* TCP_KEEPIDLE */, 10);
    AWAIT(asleep() == 197, 2); /* found when it was looked at again */
    check_list(&tcp_active_pcbs);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(fd_close(pair[i].far), 0);
        if (i != 7)
            CHECK_EQ(fd_close(pair[i].near), 0);
        check_list(&tcp_active_pcbs);
    }
    AWAIT(!tcp_active_pcbs, 5);
}

/* ---- listeners ------------------------------------------------------------------------------- */

/* A listener at port 80, that of others, too. */
static int listener_at(const struct sockaddr *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    loop_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    CHECK_EQ(bind(fd, at, sizeof(struct sockaddr_in)), 0);
    CHECK_EQ(listen(fd, 1), 0);
    return fd;
}

static void the_nearest_listener(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct tcp_pcb_listen *all, *one;
    ip_addr_t home = IPADDR4_INIT_BYTES(127, 0, 0, 1), other = IPADDR4_INIT_BYTES(127, 0, 0, 2);
    int wide, narrow, newest;

    host_boot();
    wide = listener_at((struct sockaddr *)&any);
    all = net_conn_listener(&home, 80);
    CHECK(all && net_conn_listens(all, 80) && !net_conn_listens(all, 81));
    narrow = listener_at(loop4(80));
    one = net_conn_listener(&home, 80);
    CHECK(one && one != all && net_conn_listener(&other, 80) == all);
    CHECK(!net_conn_listener(&home, 80 + 64) && !net_conn_listener(IP6_ADDR_ANY, 80));
    newest = listener_at((struct sockaddr *)&any); /* in front of both */
    CHECK(net_conn_listener(&home, 80) == one && net_conn_listener(&other, 80) != one);
    CHECK_EQ(fd_close(newest), 0);
    CHECK_EQ(fd_close(narrow), 0);
    CHECK(net_conn_listener(&home, 80) == all && !net_conn_listens(one, 80));
    CHECK_EQ(fd_close(wide), 0);
    CHECK(!net_conn_listener(&home, 80));
}

/* ---- UDP ------------------------------------------------------------------------------------- */

#define SOCKETS 1000

static void many_sockets_of_udp(void)
{
    int fd[SOCKETS], from;
    char got[8];

    host_set_ram(256ull << 20);
    host_boot();
    from = loop_datagrams(9);
    for (int i = 0; i < SOCKETS; i++)
        fd[i] = loop_datagrams((uint16_t)(1000 + i));
    for (int i = 0; i < SOCKETS; i += 50) {
        CHECK_EQ(
            sendto(from, &i, sizeof(i), 0, loop4((uint16_t)(1000 + i)), sizeof(struct sockaddr_in)),
            sizeof(i));
        CHECK_EQ(recv(fd[i], got, sizeof(got), 0), sizeof(i));
        CHECK(!memcmp(got, &i, sizeof(i)));
    }
    for (int i = 0; i < SOCKETS; i++) {
        CHECK_EQ(fd_close(fd[i]), 0);
        CHECK(!net_conn_first_udp((uint16_t)(1000 + i)) ||
              net_conn_first_udp((uint16_t)(1000 + i))->local_port != 1000 + i);
    }
    fd[0] = loop_datagrams(1000);
    CHECK_EQ(fd_close(fd[0]), 0);
    CHECK_EQ(fd_close(from), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(many_connections_are_found, NULL),
        SHOWS(idle_connections_sleep, NULL),
        SHOWS(the_nearest_listener, NULL),
        SHOWS(many_sockets_of_udp, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
