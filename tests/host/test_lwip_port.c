/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_port.c - the port of lwIP with a card and another machine on its cable: the ip= boot
 * argument, DHCP, addresses, link state, counters, and what is kept when receive buffers or memory
 * are short (net/lwip/bootip.c, net_dev.c, net_core.c, net_input.c).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/dns.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "net.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

static char buf[70000];

static const struct netif *interface(void)
{
    CHECK(net_core.devs != NULL);
    return &net_core.devs->netif;
}

static uint32_t own_address(void)
{
    return ntohl(netif_ip4_addr(interface())->addr);
}

static uint32_t own_mask(void)
{
    return ntohl(netif_ip4_netmask(interface())->addr);
}

static uint32_t own_gateway(void)
{
    return ntohl(netif_ip4_gw(interface())->addr);
}

static bool asks_dhcp(void)
{
    task_sleep_until(hal_now_ns() + HAL_SEC);
    return peer_count(PEER_UDP) && peer_last(PEER_UDP).dport == 67;
}

/* ---- ip= ------------------------------------------------------------------------------------- */

/* Every shape that says a fixed address, and what it comes to. */
static const struct {
    const char *text;
    uint32_t mask, gateway;
} fixed[] = {
    {"ip=10.0.2.15/24", 0xffffff00, 0},
    {"ip=10.0.2.15/1", 0x80000000, 0},
    {"ip=10.0.2.15/32", 0xffffffff, 0},
    {"ip=10.0.2.15/31", 0xfffffffe, 0},
    {"ip=10.0.2.15", 0xff000000, 0},
    {"ip=10.0.2.15::10.0.2.1", 0xff000000, 0x0a000201},
    {"ip=10.0.2.15::10.0.2.1:255.255.0.0", 0xffff0000, 0x0a000201},
    {"ip=10.0.2.15/8::10.0.2.1:255.255.0.0", 0xff000000, 0x0a000201},
    {"ip=10.0.2.15:10.0.2.9:::box:vnet0:off:10.0.2.3:10.0.2.4", 0xff000000, 0},
    {"ip=10.0.2.15::::box:eth0:none", 0xff000000, 0},
    {"ip=10.0.2.15::::::static", 0xff000000, 0},
    {"ip=10.0.2.15::::::dhcp", 0xff000000, 0},
};
static struct test_variant fixed_variants[sizeof(fixed) / sizeof(fixed[0]) + 1];

static void a_fixed_address(void)
{
    peer_boot(fixed[case_variant].text);
    CHECK_EQ(own_address(), 0x0a00020f);
    CHECK_EQ(own_mask(), fixed[case_variant].mask);
    CHECK_EQ(own_gateway(), fixed[case_variant].gateway);
    CHECK(host_logged("(static)"));
    /* a mask that is guessed is told */
    bool guessed = own_mask() == 0xff000000 && !strchr(fixed[case_variant].text, '/');
    CHECK_EQ(host_log_lines(HAL_WARN), guessed);
    CHECK_EQ(host_logged("has no prefix length: taking /8, that of its class"), guessed);
    CHECK(!asks_dhcp());
}

static void masks_of_the_old_classes(void)
{
    static const struct {
        const char *text;
        uint32_t mask;
    } classes[] = {{"ip=172.16.0.1", 0xffff0000}, {"ip=192.168.0.1", 0xffffff00}};

    peer_boot(classes[case_variant].text);
    CHECK_EQ(own_mask(), classes[case_variant].mask);
}

/* The log names the mistake, and DHCP is used. */
static const struct {
    const char *text, *says;
} wrong[] = {
    {"ip=10.0.2.15/0", "prefix length"},
    {"ip=10.0.2.15/33", "prefix length"},
    {"ip=10.0.2.15/", "prefix length"},
    {"ip=10.0.2.15/2x", "prefix length"},
    {"ip=10.0.2", "IPv4 address"},
    {"ip=nonsense", "IPv4 address"},
    {"ip=0.0.0.0", "IPv4 address of one machine"},
    {"ip=0.1.2.3/24", "IPv4 address of one machine"},
    {"ip=127.0.0.2/8", "IPv4 address of one machine"},
    {"ip=224.0.0.1", "IPv4 address of one machine"},
    {"ip=255.255.255.255", "IPv4 address of one machine"},
    {"ip=10.0.2.0/24", "IPv4 address of one machine"},
    {"ip=10.0.2.255/24", "IPv4 address of one machine"},
    {"ip=10.0.2.15/28", "IPv4 address of one machine"},
    {"ip=10.0.2.4:::255.255.255.252", "IPv4 address of one machine"},
    {"ip=10.0.0.0", "IPv4 address of one machine"},
    {"ip=10.0.2.15:::255.0.255.0", "netmask"},
    {"ip=10.0.2.15:::x", "netmask"},
    {"ip=10.0.2.15::gate", "gateway"},
    {"ip=10.0.2.15:::::eth1", "device"},
    {"ip=10.0.2.15:::::wlan0", "device"},
    {"ip=10.0.2.15:::::eth", "device"},
    {"ip=10.0.2.15::::::maybe", "autoconf"},
    {"ip=10.0.2.15::::b_x", "host name"},
    {"ip=10.0.2.15::::"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "host name"},
    {"ip=10.0.2.15:::::::dns", "name server"},
    {"ip=10.0.2.15::::::::dns", "name server"},
    {"ip=10.0.2.15:::::::::x", "nine parts"},
    {"ip=10.0.2.15:::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::"
     ":::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::"
     ":"
     ":::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::"
     ":",
     "too long"},
};
static struct test_variant wrong_variants[sizeof(wrong) / sizeof(wrong[0]) + 1];

static void a_wrong_argument(void)
{
    peer_boot(wrong[case_variant].text);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
    CHECK(host_logged(wrong[case_variant].says));
    CHECK_EQ(own_address(), 0);
    CHECK(asks_dhcp());
}

static void arguments_that_ask_dhcp(void)
{
    static const char *const texts[] = {"vireo.x=1",      "ip=dhcp", "ip=on",
                                        "ip=any",         "ip=",     "ip=::::box:eth0:dhcp",
                                        "ip=::::box:eth0"};

    peer_boot(texts[case_variant]);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    CHECK(asks_dhcp());
}

static void arguments_that_ask_nothing(void)
{
    static const char *const texts[] = {"ip=off", "ip=none", "ip=::::::off", "ip=:::::eth0:none"};

    peer_boot(texts[case_variant]);
    CHECK(!asks_dhcp());
    CHECK_EQ(own_address(), 0);
    CHECK_EQ(net_wait_up(hal_now_ns() + 100 * HAL_MS), -ETIMEDOUT);
}

static void the_other_parts(void)
{
    peer_boot("ip=10.0.2.15::::box-1.example::off:10.0.2.3:10.0.2.4");
    CHECK(!strcmp(net_hostname(), "box-1.example"));
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(0))->addr), 0x0a000203);
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(1))->addr), 0x0a000204);
}

/* ---- two cards ------------------------------------------------------------------------------- */

static struct model *second;
static bool second_asks_dhcp;

static void hear_second(struct model *m, struct model_queue *q)
{
    static uint8_t sent[2000];
    struct model_chain c;

    while (q->index == 1 && model_pop(m, q, &c)) {
        uint32_t len = model_gather(&c, net.hdr_len, sent, sizeof(sent));

        second_asks_dhcp |= len > 42 && sent[23] == PEER_UDP && peer_get16(sent + 36) == 67;
        model_push(m, q, &c, 0);
        model_publish(m, q);
    }
    model_want_kick(m, q, true);
}

static void plug_two(struct model *m)
{
    second = calloc(1, sizeof(*second));
    model_init(second, MODEL_MMIO, 1);
    model_offer(second, NET_F_MAC);
    for (unsigned i = 0; i < 6; i++)
        model_field(second, i, 1, "\x52\x54\0\x12\x34\x57"[i]);
    second->queues[0].max = second->queues[1].max = 16;
    second->on.kick = hear_second;
    model_plug_mmio(second, 0);
    model_watch(second);
    model_plug_mmio(m, 1); /* the driver begins with the last slot */
}

static void two_cards(void)
{
    static const struct {
        const char *text;
        bool dhcp[2];
        int fixed; /* which has the address; -1: none */
    } cases[] = {{"ip=dhcp", {true, true}, -1},
                 {"ip=off", {false, false}, -1},
                 {"ip=10.0.2.15/24", {false, true}, 0},
                 {"ip=10.0.2.15:::::eth1", {true, false}, 1},
                 {"ip=:::::eth1:dhcp", {false, true}, -1},
                 {"ip=10.0.2.15/24:::::vnet0 ip=dhcp", {false, true}, 0},
                 {"ip=10.0.2.15/24:::::vnet1 ip=off", {false, false}, 1},
                 {"ip=dhcp ip=10.0.2.15:::::eth1", {true, false}, 1},
                 {"ip=10.0.2.15/24:::::vnet1 ip=10.0.2.15:::::vnet0:dhcp ip=:::::vnet1:none",
                  {false, false},
                  0},
                 {"ip=10.0.2.15/24 ip=:::::eth0:dhcp", {true, false}, 1},
                 {"ip=10.0.2.15/24:::::vnet2 ip=10.0.2.15/24:::::vnet1", {true, false}, 1},
                 {"ip=10.0.2.15/24:::::vnet0 ip=10.0.3.15/24:::::vnet1", {false, false}, 2}};

    net.plug = plug_two;
    peer_boot(cases[case_variant].text);
    const struct net_dev *d[] = {net_core.devs, net_core.devs->next};
    CHECK(d[1] && !d[1]->next && d[0]->index == 0 && d[1]->index == 1);
    CHECK_EQ(asks_dhcp(), cases[case_variant].dhcp[0]);
    CHECK_EQ(second_asks_dhcp, cases[case_variant].dhcp[1]);
    for (int i = 0; i < 2; i++) /* 2: both */
        CHECK_EQ(!ip4_addr_isany_val(*netif_ip4_addr(&d[i]->netif)),
                 i == cases[case_variant].fixed || cases[case_variant].fixed == 2);
    CHECK(netif_default == &d[0]->netif);
}

/* ---- DHCP (RFC 2131) ------------------------------------------------------------------------- */

static struct dhcp_reply {
    uint32_t len;
    uint8_t data[300];
} reply;
static unsigned dhcp_questions;
static bool dhcp_silent;

static void send_reply(void *arg)
{
    (void)arg;
    peer_udp_between(PEER_IP, 67, IMAGE_IP, 68, reply.data, reply.len);
}

static void dhcp_server(const struct heard *h)
{
    static const uint8_t options[] = {99, 130, 83,  99,  53,  1,  0, 54, 4,  10, 0,   2,  2,
                                      1,  4,   255, 255, 255, 0,  3, 4,  10, 0,  2,   2,  6,
                                      4,  10,  0,   2,   3,   51, 4, 0,  0,  0,  120, 255};

    if (h->proto != PEER_UDP || h->dport != 67)
        return;
    dhcp_questions++;
    if (dhcp_silent)
        return;
    memset(&reply, 0, sizeof(reply));
    reply.len = sizeof(reply.data);
    memcpy(reply.data, h->data, 44);
    reply.data[0] = 2;
    peer_put32(reply.data + 16, IMAGE_IP);
    memcpy(reply.data + 236, options, sizeof(options));
    reply.data[242] = h->data[242] == 1 ? 2 : 5; /* an offer for a discovery, else agreed */
    host_at(hal_now_ns() + HAL_MS, send_reply, NULL);
}

static void a_lease_comes_and_ends(void)
{
    char text[NET_ADDRESS_TEXT];

    peer_listen(dhcp_server);
    peer_boot("ip=dhcp");
    CHECK_EQ(net_wait_up(hal_now_ns() + 10 * HAL_SEC), 0);
    CHECK(own_address() == IMAGE_IP && own_gateway() == PEER_IP);
    CHECK(host_logged("address 10.0.2.15 gateway 10.0.2.2 (DHCP)"));
    CHECK_EQ(net_address(0, text), 0);
    CHECK(!strcmp(text, "10.0.2.15"));
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(0))->addr), 0x0a000203);
    task_sleep_until(hal_now_ns() + 100 * HAL_SEC); /* it is renewed after half of its time */
    CHECK(dhcp_questions >= 3);
    CHECK_EQ(host_log_matches("address 10.0.2.15"), 1);
    CHECK(!host_logged("no answer to DHCP"));
    dhcp_silent = true;
    task_sleep_until(hal_now_ns() + 300 * HAL_SEC);
    CHECK(host_logged("the DHCP lease ended"));
    CHECK_EQ(own_address(), 0);
    dhcp_silent = false;
    CHECK_EQ(net_wait_up(hal_now_ns() + 100 * HAL_SEC), 0);
    CHECK_EQ(host_log_matches("address 10.0.2.15"), 2);
}

static void nobody_answers_dhcp(void)
{
    peer_boot("ip=dhcp");
    task_sleep_until(hal_now_ns() + 9 * HAL_SEC);
    CHECK(!host_logged("no answer to DHCP"));
    task_sleep_until(hal_now_ns() + 2 * HAL_SEC);
    CHECK(host_logged("no answer to DHCP in 10 s"));
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static void without_a_card(void)
{
    char text[NET_ADDRESS_TEXT];

    host_boot();
    CHECK(host_logged("no network device"));
    CHECK_EQ(net_wait_up(HAL_NEVER), -ENODEV);
    CHECK_EQ(net_address(0, text), -ENOENT);
}

static void addresses_of_both_families(void)
{
    uint8_t advertisement[56 + 40] = {0x60, 0, 0, 0, 0, 56, 58, 255, 0xfe, 0x80};
    char text[NET_ADDRESS_TEXT];
    uint32_t sum = 58 + 56;

    peer_boot("ip=10.0.2.15/24");
    CHECK_EQ(net_address(0, text), 0);
    CHECK(!strcmp(text, "10.0.2.15"));
    CHECK_EQ(net_address(1, text), -ENOENT); /* the link-local one is nobody's business */
    advertisement[23] = 1;
    advertisement[24] = 0xff;
    advertisement[25] = 2;
    advertisement[39] = 1;
    uint8_t *ra = advertisement + 40;
    memcpy(ra, "\x86\0\0\0\x40\0\x07\x08", 8);
    memcpy(ra + 16, "\3\4\x40\xc0\0\1\x51\x80\0\0\x38\x40\0\0\0\0\x20\1\x0d\xb8\0\7", 22);
    memcpy(ra + 48, "\1\1\x52\x55\x0a\0\2\2", 8);
    for (unsigned i = 0; i < 32 + 56; i += 2)
        sum += peer_get16(advertisement + 8 + i);
    sum = (sum & 0xffff) + (sum >> 16);
    peer_put16(ra + 2, ~(sum + (sum >> 16)) & 0xffff);
    peer_frame(0x86dd, advertisement, sizeof(advertisement));
    task_sleep_until(hal_now_ns() + 5 * HAL_SEC);
    CHECK_EQ(net_address(1, text), 0);
    CHECK(!strncmp(text, "2001:db8:7:", 11));
    CHECK_EQ(net_address(2, text), -ENOENT);
}

static void the_link_goes_and_comes(void)
{
    peer_boot("ip=10.0.2.15/24");
    CHECK_EQ(net_wait_up(hal_now_ns()), 0);
    model_field(net.m, 6, 2, 0);
    net.m->generation++;
    model_raise(net.m, 2, NULL);
    host_run_services();
    CHECK(!netif_is_link_up(interface()));
    CHECK_EQ(net_wait_up(hal_now_ns() + HAL_MS), -ETIMEDOUT);
    model_field(net.m, 6, 2, 1);
    net.m->generation++;
    model_raise(net.m, 2, NULL);
    CHECK_EQ(net_wait_up(hal_now_ns() + HAL_SEC), 0);
}

static void counters(void)
{
    struct net_stats before, after;

    peer_boot("ip=10.0.2.15/24");
    peer_udp(9, 9, "so that it asks for our address", 31);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
    net_get_stats(&before);
    CHECK(before.mem_limit == 16u << 20 && before.mem_lent && before.mem_used >= before.mem_lent);
    peer_udp(9, 9, "nobody", 6);
    peer_frame(0x0800, "\x45", 1);
    net_get_stats(&after);
    CHECK_EQ(after.rx_frames, before.rx_frames + 2);
    CHECK(after.rx_bytes >= before.rx_bytes + 120);
    CHECK_EQ(after.udp_rx, before.udp_rx + 1);
    CHECK_EQ(after.rx_malformed, before.rx_malformed + 1);
    CHECK(after.icmp_tx == before.icmp_tx + 1 && after.ip_tx > before.ip_tx);
    CHECK(after.tx_frames > before.tx_frames && after.tx_bytes > before.tx_bytes);
}

/* A datagram in many pieces goes out as frames of few, however it was put together. */
static void long_datagrams_are_fragmented(void)
{
    peer_boot("ip=10.0.2.15/24");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(PEER_IP);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    CHECK_EQ(sendto(fd, buf, 8000, 0, (struct sockaddr *)&to, sizeof(to)), 8000);
    AWAIT(peer_count(PEER_UDP) == 1 + 6, 1);
}

/* ---- when buffers and memory are short ------------------------------------------------------- */

static int bound(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* Datagrams that nobody reads are copied when they hold many receive buffers. */
static void what_is_kept_is_copied(void)
{
    struct vnet_stats s;

    host_set_ram(8 << 20); /* 341 buffers */
    peer_boot("ip=10.0.2.15/24");
    int fd = bound(9);
    for (unsigned i = 0; i < 400; i++) {
        memset(buf, (int)i, 500);
        peer_udp(9, 9, buf, 500);
    }
    vnet_get_stats(vnet_get(0), &s);
    CHECK(net_core.rx_copied > 100 && net_core.rx_copied < 400);
    CHECK_EQ(net_core.rx_no_memory, 0);
    CHECK_EQ(s.rx_no_spare, 0);
    for (unsigned i = 0; i < 400; i++) {
        CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 500);
        CHECK_EQ((uint8_t)buf[0], (uint8_t)i);
        CHECK_EQ((uint8_t)buf[499], (uint8_t)i);
    }
    vnet_get_stats(vnet_get(0), &s);
    CHECK_EQ(s.rx_held, 0);
}

/*
 * Buffers and memory are short: of a connection that holds much, data is dropped, and a little
 * later of one that holds little. Segments without data pass, and data of connections that hold
 * nothing.
 */
static void what_ends_a_shortage_passes(void)
{
    struct peer_tcp full, little, fresh;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};

    host_set_ram(8 << 20);
    peer_boot("ip=10.0.2.15/24");
    int l = socket(AF_INET, SOCK_STREAM, 0), heap = bound(9);
    CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
    CHECK_EQ(listen(l, 4), 0);
    loop_set(heap, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    peer_connect(&full, 4000, 80);
    int s = accept(l, NULL, NULL);
    peer_connect(&little, 4001, 80);
    peer_connect(&fresh, 4002, 80);
    peer_segment(&little, PEER_ACK | PEER_PSH, buf, 100);
    for (unsigned i = 0; i < 20; i++)
        peer_segment(&full, PEER_ACK | PEER_PSH, buf, 1000);
    while (net_mem_admit(NET_MEM_RX))
        CHECK(net_malloc(2000) != NULL);
    for (unsigned i = 0; i < 400; i++)
        peer_udp(9, 9, buf, 500);
    CHECK(net_core.rx_no_memory > 0);
    uint64_t dropped = net_core.rx_no_memory;
    uint32_t taken = full.seq;
    peer_segment(&full, PEER_ACK | PEER_PSH, buf, 1000);
    CHECK_EQ(net_core.rx_no_memory, dropped + 1);
    peer_segment(&little, PEER_ACK | PEER_PSH, buf, 1000);
    CHECK_EQ(net_core.rx_no_memory, dropped + 1);
    while (net_mem_admit(NET_MEM_RX_SMALL))
        CHECK(net_malloc(2000) != NULL);
    CHECK(net_malloc(2000) != NULL); /* well beyond it */
    peer_segment(&little, PEER_ACK | PEER_PSH, buf, 1000);
    CHECK_EQ(net_core.rx_no_memory, dropped + 2);
    peer_segment(&fresh, PEER_ACK | PEER_PSH, buf, 1000);
    CHECK_EQ(net_core.rx_no_memory, dropped + 2);
    full.seq = taken;
    peer_segment(&full, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK_EQ(net_core.rx_no_memory, dropped + 2);
    CHECK_EQ(loop_drain(s), 20000);
}

/* Before anything that comes is dropped, what waits behind gaps is. */
static void gaps_end_first(void)
{
    struct peer_tcp gap;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};

    host_set_ram(8 << 20);
    peer_boot("ip=10.0.2.15/24");
    int l = socket(AF_INET, SOCK_STREAM, 0), heap = bound(9);
    CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
    CHECK_EQ(listen(l, 4), 0);
    loop_set(heap, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    peer_connect(&gap, 4000, 80);
    gap.seq += 1000;
    peer_segment(&gap, PEER_ACK | PEER_PSH, buf, 300);
    CHECK(tcp_active_pcbs->ooseq != NULL);
    for (unsigned i = 0; i < 400; i++)
        peer_udp(9, 9, buf, 500);
    CHECK(tcp_active_pcbs->ooseq != NULL);
    while (net_mem_admit(NET_MEM_RX_SMALL))
        CHECK(net_malloc(2000) != NULL);
    peer_udp(9, 9, buf, 500);
    CHECK(tcp_active_pcbs->ooseq == NULL);
}

/* The argument, shortened, with '/' for ':', which separates names from rows in a list of cases. */
static const char *variant_name(const char *text)
{
    static char names[64][40];
    static unsigned used;
    char *name = names[used++];

    snprintf(name, sizeof(names[0]), "%s", text);
    for (char *c = name; (c = strchr(c, ':'));)
        *c = '/';
    return name;
}

int main(int argc, char **argv)
{
    static const struct test_variant two[] = {{"b", 0}, {"c", 1}, {NULL, 0}};
    static const struct test_variant cards[] = {{"dhcp", 0},
                                                {"off", 1},
                                                {"first", 2},
                                                {"second", 3},
                                                {"second asks", 4},
                                                {"first, rest", 5},
                                                {"second, rest", 6},
                                                {"rest, second", 7},
                                                {"the last counts", 8},
                                                {"unnamed", 9},
                                                {"one is wrong", 10},
                                                {"both", 11},
                                                {NULL, 0}};
    static const struct test_variant four[] = {
        {"off", 0}, {"none", 1}, {"part", 2}, {"device", 3}, {NULL, 0}};
    static const struct test_variant seven[] = {{"absent", 0}, {"dhcp", 1},  {"on", 2},
                                                {"any", 3},    {"empty", 4}, {"part", 5},
                                                {"device", 6}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"a_fixed_address", a_fixed_address, NULL, 0, fixed_variants},
        {"masks_of_the_old_classes", masks_of_the_old_classes, NULL, 0, two},
        {"a_wrong_argument", a_wrong_argument, NULL, 0, wrong_variants},
        {"arguments_that_ask_dhcp", arguments_that_ask_dhcp, NULL, 0, seven},
        {"arguments_that_ask_nothing", arguments_that_ask_nothing, NULL, 0, four},
        {"two_cards", two_cards, NULL, 0, cards},
        SHOWS(the_other_parts, NULL),
        SHOWS(a_lease_comes_and_ends, NULL),
        SHOWS(nobody_answers_dhcp, NULL),
        SHOWS(without_a_card, NULL),
        SHOWS(addresses_of_both_families, NULL),
        SHOWS(the_link_goes_and_comes, NULL),
        SHOWS(counters, NULL),
        SHOWS(long_datagrams_are_fragmented, NULL),
        SHOWS(what_is_kept_is_copied, NULL),
        SHOWS(what_ends_a_shortage_passes, NULL),
        SHOWS(gaps_end_first, NULL),
    };

    for (unsigned i = 0; i + 1 < sizeof(fixed_variants) / sizeof(fixed_variants[0]); i++)
        fixed_variants[i] = (struct test_variant){variant_name(fixed[i].text), i};
    for (unsigned i = 0; i + 1 < sizeof(wrong_variants) / sizeof(wrong_variants[0]); i++)
        wrong_variants[i] = (struct test_variant){variant_name(wrong[i].text), i};
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
