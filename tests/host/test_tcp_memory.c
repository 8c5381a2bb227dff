/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_memory.c - what connections hold together, and what each may hold while memory is short
 * (net/lwip/tcp_window.c, net_mem.c, net/inet/sock_tcp_io.c).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "talker.h"
#include "tasks.h"

#define MSS TALKER_MSS
#define ALL SIZE_MAX

static struct talker t;

static char buf[50000];

/* ---- memory ---------------------------------------------------------------------------------- */

/* A peer that sends byte by byte holds its bytes, not a frame's buffer for each. */
static void single_bytes_hold_little(void)
{
    int fd = talker_pair(&t, 7);
    uint64_t before = net_mem_lent();

    for (int i = 0; i < 20000; i++)
        talker_send(&t, SEG_ACK | SEG_PSH, 1);
    CHECK(net_mem_lent() - before < 40000);
    CHECK(path.held < 3);
    CHECK_EQ(talker_take(fd, 7), 7);
    talker_send(&t, SEG_ACK | SEG_PSH, MSS);
    talker_send(&t, SEG_ACK | SEG_PSH, 300);
    CHECK_EQ(talker_take(fd, ALL), 20000 - 7 + MSS + 300);
    talker_send(&t, SEG_ACK | SEG_PSH, 1);
    CHECK_EQ(talker_take(fd, ALL), 1);
}

/* A connection that was idle begins anew as it reads. */
static void an_idle_connection_falls(void)
{
    int fd = talker_pair(&t, 7);

    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    talker_pcb(&t)->net.win.fixed.receive = 0; /* as if it had grown */
    talker_send(&t, SEG_ACK, MSS);
    CHECK_EQ(talker_take(fd, ALL), MSS);
    CHECK_EQ(talker_pcb(&t)->net.win.receive, 1 << 20);
    talker_pass_ms(20000);
    uint32_t edge = t.heard.ack + t.room;
    for (int i = 0; i < 700; i++) {
        talker_send(&t, SEG_ACK, MSS);
        CHECK_EQ(talker_take(fd, 100), 100);
        CHECK_EQ(talker_take(fd, ALL), MSS - 100);
        talker_pass_ms(400);
        CHECK((int32_t)(t.heard.ack + t.room - edge) >= 0);
    }
    CHECK(talker_pcb(&t)->net.win.receive <= TCP_WINDOW_START + 4096);
}

#define MANY 500
static struct talker many[MANY + 1];
static int fds[MANY + 1];

static void connect_many(unsigned n)
{
    talker_boot();
    int l = talker_socket(80);
    CHECK_EQ(listen(l, 128), 0);
    for (unsigned i = 0; i < n; i++) {
        many[i] = (struct talker){.port = (uint16_t)(2000 + i), .image_port = 80, .scale = 7};
        fds[i] = talker_accepted(&many[i], l);
    }
}

/* A request of the last peer, and an answer, of some size. */
static void serve_the_last(unsigned i, uint32_t n)
{
    uint32_t got = 0;

    for (unsigned round = 0; got < n && round < 100; round++) {
        ssize_t r = send(fds[i], buf, n - got, 0);

        talker_send(&many[i], SEG_ACK, 700);
        CHECK_EQ(talker_take(fds[i], ALL), 700);
        got += r > 0 ? (uint32_t)r : 0;
        talker_ack(&many[i]);
        talker_ack(&many[i]);
    }
    CHECK_EQ(got, n);
}

/* Peers that take nothing and have had large windows; the applications write all they can. */
static void full_send_buffers_leave_a_share(void)
{
    uint64_t held = 0;

    host_set_ram(64 << 20);
    connect_many(MANY + 1);
    for (unsigned i = 0; i < MANY; i++) {
        struct tcp_pcb *pcb = talker_pcb(&many[i]);

        pcb->net.win.send = TCP_BUFFER_MAX; /* as if it had grown */
        pcb->snd_buf = TCP_BUFFER_MAX;
        many[i].window = 0;
        talker_ack(&many[i]);
        talker_write_all(fds[i]);
        held += pcb->snd_lbb - pcb->lastack;
    }
    CHECK(held >= MANY * 10000ull);
    CHECK(talker_pcb(&many[0])->snd_lbb - talker_pcb(&many[0])->lastack <= net_mem_limit() / 4);
    serve_the_last(MANY, 50000);
    /* Limits fall with each acknowledgement. */
    many[0].window = 1 << 20;
    for (int i = 0; i < 5; i++)
        talker_ack(&many[0]);
    CHECK(talker_pcb(&many[0])->net.win.send < TCP_BUFFER_MAX / 16);
}

/* When memory is short, a connection begins with 16 KiB. */
static void a_small_first_window_while_memory_is_short(void)
{
    void *hog = NULL;

    talker_boot();
    int l = talker_socket(80);
    CHECK_EQ(listen(l, 8), 0);
    hog = net_malloc(net_mem_limit() / 2);
    CHECK(hog != NULL);
    t = (struct talker){.port = 4000, .image_port = 80, .scale = 7};
    talker_syn(&t);
    CHECK_EQ(t.heard.window, TCP_BUFFER_START);
    net_free(hog);
    many[0] = (struct talker){.port = 4001, .image_port = 80, .scale = 7};
    talker_syn(&many[0]);
    CHECK_EQ(many[0].heard.window, 0xffff);
}

/* A window grows to its share, and no further. */
static void growth_ends_at_the_share(void)
{
    int fd = talker_pair(&t, 7);
    void *hog = net_malloc(net_mem_limit() / 2 - net_mem_lent() - 400000);

    CHECK(hog != NULL && net_mem_share() > 90000 && net_mem_share() < 100000);
    for (int i = 0; i < 20; i++) {
        for (uint32_t n = talker_fill(&t, UINT32_MAX); n; n -= MSS) {
            CHECK_EQ(talker_take(fd, MSS), MSS);
            CHECK(talker_pcb(&t)->net.win.receive <= 110000);
        }
        talker_pass_ms(50);
    }
    CHECK(talker_pcb(&t)->net.win.receive > 80000);
    net_free(hog);
}

/* While memory is short nothing grows, and what has grown falls. */
static void nothing_grows_while_memory_is_short(void)
{
    int fd = talker_pair(&t, 7);
    void *hog = net_malloc(net_mem_limit() / 2 - net_mem_lent() - 400000);

    CHECK(hog != NULL && net_mem_share() > 90000 && net_mem_share() < 100000);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    talker_pcb(&t)->net.win.fixed.receive = 0;
    for (int i = 0; i < 1000; i++) {
        talker_send(&t, SEG_ACK, MSS);
        CHECK_EQ(talker_take(fd, ALL), MSS);
        talker_pass_ms(1);
    }
    CHECK(talker_pcb(&t)->net.win.receive < 110000);
    CHECK(talker_pcb(&t)->net.win.receive > 60000);
    net_free(hog);
}

/* ---- the boot argument ----------------------------------------------------------------------- */

static const struct {
    uint64_t ram;
    const char *args;
    uint32_t max;
    unsigned scale;
    bool warned;
} boots[] = {
    {64 << 20, NULL, 2 << 20, 6, false}, /* a quarter of half of a quarter */
    {1ull << 30, NULL, 4 << 20, 7, false},
    {8 << 20, NULL, 256 << 10, 3, false},
    {1 << 20, NULL, 64 << 10, 1, false},
    {64 << 20, "vireo.tcp_buffer=128", 128 << 10, 2, false},
    {1ull << 30, "vireo.tcp_buffer=65536", 64 << 20, 11, false},
    {1ull << 30, "vireo.tcp_buffer=1048576", 1 << 30, 14, false},
    {1ull << 30, "vireo.tcp_buffer=63", 4 << 20, 7, true},
    {1ull << 30, "vireo.tcp_buffer=2097152", 4 << 20, 7, true},
    {1ull << 30, "vireo.tcp_buffer=much", 4 << 20, 7, true},
};

static unsigned boot_case;
static void boot_with(void)
{
    host_set_ram(boots[boot_case].ram);
    host_set_bootargs(boots[boot_case].args ? boots[boot_case].args : "");
    host_boot();
    CHECK_EQ(tcp_window_max(), boots[boot_case].max);
    CHECK_EQ(tcp_window_scale, boots[boot_case].scale);
    CHECK_EQ(host_logged("vireo.tcp_buffer="), boots[boot_case].warned);
}
#define BOOT(n)                                                                                    \
    static void boot_##n(void)                                                                     \
    {                                                                                              \
        boot_case = n;                                                                             \
        boot_with();                                                                               \
    }
BOOT(0)
BOOT(1)
BOOT(2)
BOOT(3)
BOOT(4)
BOOT(5)
BOOT(6)
BOOT(7)
BOOT(8)
BOOT(9)

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(single_bytes_hold_little, NULL),
        SHOWS(an_idle_connection_falls, NULL),
        SHOWS(full_send_buffers_leave_a_share, NULL),
        SHOWS(a_small_first_window_while_memory_is_short, NULL),
        SHOWS(growth_ends_at_the_share, NULL),
        SHOWS(nothing_grows_while_memory_is_short, NULL),
        SHOWS(boot_0, NULL),
        SHOWS(boot_1, NULL),
        SHOWS(boot_2, NULL),
        SHOWS(boot_3, NULL),
        SHOWS(boot_4, NULL),
        SHOWS(boot_5, NULL),
        SHOWS(boot_6, NULL),
        SHOWS(boot_7, NULL),
        SHOWS(boot_8, NULL),
        SHOWS(boot_9, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
