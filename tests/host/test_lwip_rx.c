/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_rx.c - packets out of frames (net/lwip/net_rx.c, net_join.c): what a card says of sums
 * and of segments that it has joined, true or not, segments that are joined here, and headers that
 * go on beyond what was copied.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/stats.h"
#include "lwip/udp.h"
#include "net/vnet_impl.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define IN   sizeof(struct sockaddr_in)
#define MOST 65483u /* bytes of data in the longest segment without options */

static const struct net_header partial_tcp = {.flags = 1, .csum_start = 34, .csum_offset = 16};
static const struct net_header partial_udp = {.flags = 1, .csum_start = 34, .csum_offset = 6};
static const struct net_header valid = {.flags = 2};
static const struct net_header joined4 = {.flags = 2, .gso = 1, .gso_size = 1460};

static uint8_t data[70000], got[140000];
static struct peer_tcp c;
static int fd, listener;

static struct sockaddr *at(uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    return (struct sockaddr *)&a;
}

static uint64_t malformed(void)
{
    struct net_stats s;

    net_get_stats(&s);
    return s.rx_malformed;
}

static void boot(void)
{
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i ^ i >> 8);
    peer_card.joins = true;
    peer_boot(NULL);
    CHECK(vnet_offloads(vnet_get(0)) & VNET_RX_TSO4);
}

/* A connection of the peer, and the image's end of it. */
static void begin(void)
{
    boot();
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, at(80), IN), 0);
    CHECK_EQ(listen(listener, 8), 0);
    peer_connect(&c, 5000, 80);
    c.window = 60000;
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
}

static void end(void)
{
    struct vnet_stats s;

    peer_card.header = NULL;
    peer_card.hold = false;
    peer_card.spoilt = 0;
    peer_segment(&c, PEER_RST | PEER_ACK, NULL, 0);
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(fd_close(listener), 0);
    vnet_get_stats(net.dev ? net.dev : vnet_get(0), &s);
    CHECK_EQ(s.rx_held, 0);
    CHECK_EQ(s.rx_records_held, 0);
}

/* So much can be read now, from byte `from` of `data` on. */
static void check_read(uint32_t from, uint32_t len)
{
    ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

    CHECK_EQ(n, len);
    CHECK(memcmp(got, data + from, len) == 0);
}

static void check_nothing_to_read(void)
{
    CHECK_FAILS(recv(fd, got, 1, MSG_DONTWAIT), EAGAIN);
}

/* ---- what the card says ---------------------------------------------------------------------- */

static void segments_that_the_card_joined(void)
{
    static const uint32_t lengths[] = {300, 1461, 5000, 20000, 60000};

    begin();
    peer_card.header = &joined4;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        unsigned before = peer_count(PEER_TCP);

        peer_segment(&c, PEER_ACK, data, lengths[i]);
        CHECK(peer_count(PEER_TCP) <= before + 1); /* one ACK at most */
        check_read(0, lengths[i]);
    }
    end();
}

static void the_longest_segment(void)
{
    begin();
    net_enter();
    tcp_window_fix(tcp_active_pcbs, &(struct tcp_fixed){.receive = 65535});
    net_leave();
    peer_card.header = &joined4;
    peer_segment(&c, PEER_ACK | PEER_PSH, data, MOST);
    check_read(0, MOST);
    end();
}

/* The sum of a frame from the same machine is the pseudo header's, and nobody makes the rest. */
static void sums_that_are_not_made(void)
{
    begin();
    peer_card.header = &partial_tcp;
    peer_segment(&c, PEER_ACK, data, 100);
    peer_segment(&c, PEER_ACK, data + 100, 1000);
    check_read(0, 1100);
    end();
}

/* Neither does lwIP, to which data out of order goes. */
static void sums_that_are_not_made_out_of_order(void)
{
    begin();
    peer_card.header = &partial_tcp;
    c.seq += 100;
    peer_segment(&c, PEER_ACK, data + 100, 1000);
    c.seq -= 1100;
    peer_segment(&c, PEER_ACK, data, 100);
    c.seq += 1000;
    check_read(0, 1100);
    end();
}

/* A card that has checked a sum is believed, and one that has not is not. */
static void sums_that_the_card_has_checked(void)
{
    begin();
    peer_card.header = &valid;
    peer_card.spoilt = 0x0100;
    peer_segment(&c, PEER_ACK, data, 1000);
    check_read(0, 1000);
    peer_card.header = NULL;
    peer_segment(&c, PEER_ACK, data, 1000);
    check_nothing_to_read();
    c.seq -= 1000;
    peer_segment(&c, PEER_ACK, data, 200);
    check_nothing_to_read();
    c.seq -= 200;
    peer_card.spoilt = 0;
    peer_segment(&c, PEER_ACK, data, 1000);
    check_read(0, 1000);
    end();
}

/*
 * A card that leaves a part of each buffer but the first empty: pieces of any length are summed.
 * Only segments whose sums are known to be right are joined.
 */
static void sums_of_odd_pieces(void)
{
    net.mtu = 9000;
    begin();
    for (net.fill = 800; net.fill < 808; net.fill++) {
        uint32_t before = lwip_stats.tcp.recv;

        peer_card.hold = true;
        peer_segment(&c, PEER_ACK, data, 8000);
        peer_segment(&c, PEER_ACK, data + 8000, 8000);
        peer_card.hold = false;
        peer_deliver();
        CHECK_EQ(lwip_stats.tcp.recv, before + 1);
        check_read(0, 16000);
        peer_card.spoilt = 0x0100;
        peer_segment(&c, PEER_ACK, data, 8000);
        peer_card.spoilt = 0;
        c.seq -= 8000;
        check_nothing_to_read();
    }
    end();
}

/* Each bit of a sum counts, in frames that are copied whole and in longer ones. */
static void each_bit_of_a_sum(void)
{
    begin();
    for (unsigned bit = 0; bit < 16; bit++)
        for (unsigned len = 99; len <= 999; len += 900) {
            peer_card.spoilt = 1u << bit;
            peer_segment(&c, PEER_ACK, data, len);
            c.seq -= len;
            check_nothing_to_read();
        }
    end();
}

/* Metadata that contradicts the frame: it is summed as if there were none, and dropped. */
static void sums_at_other_places(void)
{
    static const struct net_header lies[] = {
        {.flags = 1, .csum_start = 34, .csum_offset = 6},
        {.flags = 1, .csum_start = 14, .csum_offset = 10},
        {.flags = 1, .csum_start = 54, .csum_offset = 16},
        {.flags = 1, .csum_start = 0, .csum_offset = 50},
    };

    begin();
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        peer_card.header = &lies[i];
        peer_segment(&c, PEER_ACK, data, 1000);
        c.seq -= 1000;
        check_nothing_to_read();
    }
    end();
}

static void joined_segments_that_are_none(void)
{
    static const struct net_header six = {.flags = 2, .gso = 4, .gso_size = 1000};
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint64_t before;

    begin();
    before = malformed();
    peer_card.header = &six;
    peer_segment(&c, PEER_ACK, data, 2000);
    c.seq -= 2000;
    CHECK_EQ(malformed(), before + 1);
    peer_card.header = &joined4;
    peer_segment(&c, PEER_ACK, NULL, 0); /* without data */
    CHECK_EQ(malformed(), before + 2);
    peer_udp(1, 2, data, 300);
    CHECK_EQ(malformed(), before + 3);
    peer_frame(0x0806, arp, sizeof(arp));
    CHECK_EQ(malformed(), before + 4);
    check_nothing_to_read();
    end();
}

/* A fragment's sum is that of a whole which is not there: the card cannot have checked it. */
static void fragments_are_summed(void)
{
    uint8_t whole[20 + 8 + 24] = {0x45}, part[52];
    int udp;

    boot();
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(udp, at(53), IN), 0);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        peer_card.header = &valid;
        memset(whole, 0, sizeof(whole));
        peer_put16(whole + 20, 7);
        peer_put16(whole + 22, 53);
        peer_put16(whole + 24, 32);
        peer_put16(whole + 26, wrong); /* no sum, or a wrong one */
        for (unsigned i = 0; i < 2; i++) {
            memset(part, 0, 20);
            part[0] = 0x45;
            peer_put16(part + 2, 20 + 16);
            peer_put16(part + 4, 77 + wrong);
            peer_put16(part + 6, i ? 2 : 0x2000);
            part[8] = 64;
            part[9] = PEER_UDP;
            peer_put32(part + 12, PEER_IP);
            peer_put32(part + 16, IMAGE_IP);
            peer_put16(part + 10, (uint16_t)~net_chksum(part, 20) >> 8 |
                                      (uint16_t)((uint16_t)~net_chksum(part, 20) << 8));
            memcpy(part + 20, whole + 20 + 16 * i, 16);
            peer_frame(0x0800, part, 36);
        }
        if (wrong)
            CHECK_FAILS(recv(udp, got, 100, MSG_DONTWAIT), EAGAIN);
        else
            CHECK_EQ(recv(udp, got, 100, MSG_DONTWAIT), 24);
    }
    CHECK_EQ(fd_close(udp), 0);
}

/* ---- joined here ----------------------------------------------------------------------------- */

static void segments_of_a_batch_are_joined(void)
{
    uint32_t before, acks;

    begin();
    before = lwip_stats.tcp.recv;
    acks = peer_count(PEER_TCP);
    peer_card.hold = true;
    for (unsigned i = 0; i < 20; i++)
        peer_segment(&c, PEER_ACK, data + 1460 * i, 1460);
    peer_deliver();
    CHECK_EQ(lwip_stats.tcp.recv, before + 1);
    CHECK_EQ(peer_count(PEER_TCP), acks + 1);
    CHECK_EQ(peer_last(PEER_TCP).ack, c.seq);
    check_read(0, 20 * 1460);
    end();
}

/* What differs from the segment before it stays alone, and nothing is lost or out of order. */
static void what_is_not_joined(void)
{
    static const struct {
        unsigned flags, len;
        int ahead, ack, window;
        bool joins;
        unsigned first; /* flags of the segment before; 0: an ACK */
    } cases[] = {
        {PEER_ACK, 1000, 0, 0, 0, true},
        {PEER_ACK | PEER_PSH, 1000, 0, 0, 0, true},
        {PEER_ACK, 1000, 0, 1, 0, false},
        {PEER_ACK, 1000, 0, 0, 5, false},
        {PEER_ACK, 100, 0, 0, 0, false},
        {PEER_ACK | PEER_FIN, 1000, 0, 0, 0, false},
        {PEER_ACK, 1000, -500, 0, 0, false},
        {PEER_ACK | 0x20, 1000, 0, 0, 0, false},
        {PEER_ACK | 0x80, 1000, 0, 0, 0, false},
        {PEER_ACK | 0x20, 1000, 0, 0, 0, false, PEER_ACK | 0x20},
    };

    begin();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t before;

        CHECK_EQ(fd_close(fd), 0);
        peer_connect(&c, (uint16_t)(5001 + i), 80);
        fd = accept(listener, NULL, NULL);
        CHECK(fd >= 0);
        before = lwip_stats.tcp.recv;
        peer_card.hold = true;
        peer_segment(&c, cases[i].first ? cases[i].first : PEER_ACK, data, 1000);
        c.seq += (uint32_t)cases[i].ahead;
        c.ack += (uint32_t)cases[i].ack;
        c.window = (uint16_t)(c.window + cases[i].window);
        peer_segment(&c, cases[i].flags, data + 1000 + cases[i].ahead, cases[i].len);
        peer_card.hold = false;
        peer_deliver();
        CHECK_EQ(lwip_stats.tcp.recv - before, cases[i].joins ? 1 : 2);
        if (!cases[i].ack) /* a segment that acknowledges what was not sent is dropped */
            check_read(0, (uint32_t)(1000 + cases[i].ahead) + cases[i].len);
        c.ack -= (uint32_t)cases[i].ack;
    }
    end();
}

static void two_connections_take_turns(void)
{
    struct peer_tcp other;
    uint32_t before;
    int first;

    begin();
    first = fd;
    peer_connect(&other, 6000, 80);
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    before = lwip_stats.tcp.recv;
    peer_card.hold = true;
    for (unsigned i = 0; i < 8; i++) {
        peer_segment(&c, PEER_ACK, data + 1000 * i, 1000);
        peer_segment(&other, PEER_ACK, data + 1000 * i, 1000);
    }
    peer_deliver();
    CHECK_EQ(lwip_stats.tcp.recv, before + 2);
    check_read(0, 8000);
    CHECK_EQ(fd_close(fd), 0);
    fd = first;
    check_read(0, 8000);
    peer_card.hold = false;
    peer_segment(&other, PEER_RST | PEER_ACK, NULL, 0);
    end();
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* The image's own sockets of a kind that sees whole packets get them with their sums. */
static void raw_sockets_see_whole_sums(void)
{
    uint8_t *packet = got;
    uint32_t sum;
    int raw;

    boot();
    raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    CHECK(raw >= 0);
    peer_card.header = &partial_udp;
    for (uint32_t len = 10; len < 1200; len += 1001) {
        peer_udp(7, 9, data, len);
        CHECK_EQ(recv(raw, packet, sizeof(got), MSG_DONTWAIT), 28 + len);
        sum =
            net_chksum(packet + 12, (int)(16 + len)) + htons(PEER_UDP) + htons((uint16_t)(8 + len));
        CHECK_EQ(sum % 0xffff, 0);
    }
    CHECK_EQ(fd_close(raw), 0);
}

static struct pbuf *lent;

static void keep(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)arg, (void)pcb, (void)from, (void)port;
    lent = p;
}

/* Raw API: the data of a datagram is in one pbuf, where the card wrote it; also with a raw control
 * block, which all packets pass. */
static void data_is_lent(void)
{
    struct raw_pcb *raw = NULL;
    struct vnet_stats s;
    struct udp_pcb *pcb;

    boot();
    net_enter();
    pcb = udp_new();
    CHECK_EQ(udp_bind(pcb, IP_ANY_TYPE, 9), ERR_OK);
    udp_recv(pcb, keep, NULL);
    net_leave();
    for (unsigned i = 0; i < 4; i++) {
        uint32_t len = i % 2 ? 1100 : 100;

        net_enter();
        raw = i == 2 ? raw_new(200) : raw;
        net_leave();
        peer_udp(7, 9, data, len);
        CHECK(lent && !lent->next && lent->len == len);
        CHECK(memcmp(lent->payload, data, len) == 0);
        vnet_get_stats(vnet_get(0), &s);
        CHECK_EQ(s.rx_held, len > VNET_RX_HEAD); /* a short frame has given its buffer back */
        net_enter();
        pbuf_free(lent);
        net_leave();
        vnet_get_stats(vnet_get(0), &s);
        CHECK_EQ(s.rx_held + s.rx_records_held, 0);
    }
    net_enter();
    udp_remove(pcb);
    raw_remove(raw);
    net_leave();
}

/* With options of IP and TCP, the headers are longer than what the driver has copied. */
static void headers_beyond_the_copy(void)
{
    static uint8_t packet[60 + 60 + 900];
    uint32_t sum;

    begin();
    packet[0] = 0x4f;
    peer_put16(packet + 2, sizeof(packet));
    packet[8] = 64;
    packet[9] = PEER_TCP;
    peer_put32(packet + 12, PEER_IP);
    peer_put32(packet + 16, IMAGE_IP);
    memset(packet + 20, 1, 40);
    peer_put16(packet + 60, 5000);
    peer_put16(packet + 62, 80);
    peer_put32(packet + 64, c.seq);
    peer_put32(packet + 68, c.ack);
    packet[72] = 0xf0;
    packet[73] = PEER_ACK;
    peer_put16(packet + 74, 60000);
    memset(packet + 80, 1, 40);
    memcpy(packet + 120, data, 900);
    sum = net_chksum(packet, 60);
    sum = 0xffff - sum % 0xffff;
    memcpy(packet + 10, &(uint16_t){(uint16_t)sum}, 2);
    sum = net_chksum(packet + 12, 8) + net_chksum(packet + 60, 960) + htons(PEER_TCP) + htons(960);
    sum = 0xffff - sum % 0xffff;
    memcpy(packet + 76, &(uint16_t){(uint16_t)sum}, 2);
    peer_frame(0x0800, packet, sizeof(packet));
    c.seq += 900;
    check_read(0, 900);
    end();
}

/* Sums of ICMP are always made: a long echo comes back. */
static void long_echo(void)
{
    uint8_t echo[8 + 1000] = {8};
    uint32_t sum;

    boot();
    memcpy(echo + 8, data, 1000);
    sum = 0xffff - net_chksum(echo, sizeof(echo)) % 0xffffu;
    memcpy(echo + 2, &(uint16_t){(uint16_t)sum}, 2);
    peer_card.header = &valid;
    peer_ip4(PEER_ICMP, PEER_IP, IMAGE_IP, echo, sizeof(echo));
    AWAIT(peer_count(PEER_ICMP), 1); /* the neighbour is asked first */
    CHECK_EQ(peer_last(PEER_ICMP).len, sizeof(echo));
    CHECK(memcmp(peer_last(PEER_ICMP).data + 8, data, 1000) == 0);
    peer_forget();
    echo[2] ^= 1;
    peer_ip4(PEER_ICMP, PEER_IP, IMAGE_IP, echo, sizeof(echo));
    CHECK_EQ(peer_count(PEER_ICMP), 0);
}

/* To a port that nobody has: the error quotes the datagram with the sum that it should have. */
static void an_error_quotes_a_whole_sum(void)
{
    static const uint32_t lengths[] = {0, 1, 101, 1400}; /* as a whole in the head, or not */

    peer_card.joins = true;
    peer_boot("ip=10.0.2.15/24");
    for (unsigned i = 0; i < 4; i++) {
        uint8_t right[8];

        peer_card.header = NULL;
        peer_udp(5000, 999, data, lengths[i]);
        AWAIT(peer_count(PEER_ICMP), 1);
        CHECK_EQ(peer_last(PEER_ICMP).data[0], 3);
        memcpy(right, peer_last(PEER_ICMP).data + 8 + 20, sizeof(right));
        peer_forget();
        peer_card.header = &partial_udp;
        peer_udp(5000, 999, data, lengths[i]);
        CHECK(memcmp(right, peer_last(PEER_ICMP).data + 8 + 20, sizeof(right)) == 0);
    }
}

/* A sixteenth of memory, within bounds, in buffers of frames of 1,500 bytes. */
static void buffers_by_memory(void)
{
    static const struct {
        uint64_t ram;
        unsigned buffers; /* of 18 and 1,514 bytes */
    } sizes[] = {{2 << 20, 171}, {64 << 20, 2737}, {UINT64_C(8) << 30, 8192}};

    host_set_ram(sizes[case_variant].ram);
    peer_boot("ip=10.0.2.15/24");
    CHECK_EQ(vnet_get(0)->buf_limit, sizes[case_variant].buffers);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(segments_that_the_card_joined, NULL),
        SHOWS(the_longest_segment, NULL),
        SHOWS(an_error_quotes_a_whole_sum, NULL),
        {"buffers_by_little_memory", buffers_by_memory, NULL, 0},
        {"buffers_by_memory", buffers_by_memory, NULL, 1},
        {"buffers_by_much_memory", buffers_by_memory, NULL, 2},
        SHOWS(sums_that_are_not_made, NULL),
        SHOWS(sums_that_are_not_made_out_of_order, NULL),
        SHOWS(sums_that_the_card_has_checked, NULL),
        SHOWS(sums_of_odd_pieces, NULL),
        SHOWS(each_bit_of_a_sum, NULL),
        SHOWS(sums_at_other_places, NULL),
        SHOWS(joined_segments_that_are_none, NULL),
        SHOWS(fragments_are_summed, NULL),
        SHOWS(segments_of_a_batch_are_joined, NULL),
        SHOWS(what_is_not_joined, NULL),
        SHOWS(two_connections_take_turns, NULL),
        SHOWS(raw_sockets_see_whole_sums, NULL),
        SHOWS(data_is_lent, NULL),
        SHOWS(headers_beyond_the_copy, NULL),
        SHOWS(long_echo, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
