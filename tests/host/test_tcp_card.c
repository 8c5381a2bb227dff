/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_card.c - segments of TCP on their way to a network card: what a card with offloads is
 * told, packets for one without, and a queue that is full in the middle of a segment
 * (net/lwip/net_tx.c).
 */
#include <string.h>

#include "check.h"
#include "hal.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "segment.h"
#include "tasks.h"

#define MSS 536u /* the peer names none */

static struct peer_tcp c;
static struct tcp_pcb *pcb;
static uint32_t next; /* the number of the stream that is to come */
static uint8_t data[65535];

static err_t accepted(void *arg, struct tcp_pcb *new, err_t err)
{
    (void)arg;
    pcb = new;
    return err;
}

static void open_connection(void)
{
    struct tcp_pcb *listener;

    peer_boot(NULL);
    net_enter();
    listener = tcp_new();
    CHECK_EQ(tcp_bind(listener, IP_ADDR_ANY, 80), ERR_OK);
    listener = tcp_listen(listener);
    tcp_accept(listener, accepted);
    net_leave();
    peer_connect(&c, 4000, 80);
    c.window = 0xffff;
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(pcb != NULL);
    pcb->snd_buf = 1 << 20;
    next = c.ack;
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    peer_forget();
}

static void write_bytes(uint32_t n)
{
    net_enter();
    CHECK_EQ(tcp_write(pcb, data, (u16_t)n, TCP_WRITE_FLAG_COPY), ERR_OK);
    tcp_output(pcb);
    net_kick();
    net_leave();
    host_run_services();
}

/* What the peer hears is the stream, in order. */
static void hear_stream(const struct heard *h)
{
    if (h->proto != PEER_TCP || !h->len)
        return;
    CHECK_EQ(h->seq, next);
    CHECK(h->len <= MSS && memcmp(h->data, data + (next - c.ack), h->len) == 0);
    next += h->len;
}

static uint64_t full(void)
{
    struct vnet_stats s;

    vnet_get_stats(vnet_get(0), &s);
    return s.tx_full;
}

/* ---- cards with offloads --------------------------------------------------------------------- */

static void judge_pseudo(const uint8_t *packet, uint32_t len)
{
    uint32_t sum = segment_sum(6 + len - 20, packet + 12, 8);

    CHECK_EQ(peer_get16(packet + 2), len);
    CHECK_EQ(peer_get16(packet + 20 + 16), (uint16_t)~segment_folded(sum));
}

/* The card is told where the sum is, and the size of the packets that it makes. */
static void a_card_that_cuts(void)
{
    peer_offloads = true;
    open_connection();
    write_bytes(10 * MSS);
    CHECK_EQ(peer_large, 1);
    CHECK_EQ(net.wire_header.flags, VNET_NEEDS_CSUM);
    CHECK_EQ(net.wire_header.gso, VNET_GSO_TCP4);
    CHECK_EQ(net.wire_header.gso_size, MSS);
    CHECK_EQ(net.wire_header.hdr_len, 54);
    CHECK_EQ(net.wire_header.csum_start, 34);
    CHECK_EQ(net.wire_header.csum_offset, 16);
    judge_pseudo(net.wire_last + 14, 40 + 10 * MSS);
    CHECK(memcmp(net.wire_last + 54, data, 10 * MSS) == 0);
}

/* One packet: the sum alone is left to the card. Without data, nothing is. */
static void a_card_that_sums(void)
{
    peer_offloads = true;
    open_connection();
    write_bytes(100);
    CHECK_EQ(peer_large, 0);
    CHECK_EQ(net.wire_header.flags, VNET_NEEDS_CSUM);
    CHECK_EQ(net.wire_header.gso, VNET_GSO_NONE);
    judge_pseudo(net.wire_last + 14, 140);
    c.ack += 100;
    peer_segment(&c, PEER_ACK, "x", 1);
    host_run_for(100 * HAL_MS);
    CHECK_EQ(net.wire_header.flags, 0);
    CHECK_EQ(net.wire_header.gso, VNET_GSO_NONE);
}

/* A segment that was made for such a card goes out over one that makes no sums any more. */
static void offloads_that_end(void)
{
    peer_offloads = true;
    open_connection();
    peer_listen(hear_stream);
    net_core.devs->tx_offloads = 0;
    write_bytes(7 * MSS + 1);
    CHECK_EQ(net.wire_header.flags, 0);
    CHECK_EQ(next - c.ack, 7 * MSS); /* the last packet waits for an acknowledgement */
    c.ack = next;
    memmove(data, data + 7 * MSS, 1);
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK_EQ(next - c.ack, 1);
}

/* ---- a card without -------------------------------------------------------------------------- */

/* The card sends again, what it has held as well. */
static void card_sends(void)
{
    net.hold_tx = false;
    for (unsigned i = 0; i < 4; i++) {
        net.m->on.kick(net.m, net.tx);
        host_run_for(20 * HAL_MS);
    }
}

/* Fills the card's queue but for so many frames, which it does not send. */
static void fill_queue(unsigned left)
{
    unsigned room = 0;
    uint64_t before = full();
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(PEER_IP));
    struct udp_pcb *udp;

    net.hold_tx = true;
    net_enter();
    CHECK((udp = udp_new()) != NULL);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; pass ? i < room - left : full() == before; i++) {
            struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 100, PBUF_RAM);

            if (udp_sendto(udp, p, &to, 9) == ERR_OK && !pass)
                room++;
            pbuf_free(p);
        }
        net_leave();
        if (!pass)
            card_sends();
        net.hold_tx = true;
        net_enter();
    }
    net_leave();
}

/* Of a segment, some packets find room. The rest follows when there is more, and nothing before. */
static void a_full_queue(void)
{
    open_connection();
    fill_queue(4);
    peer_listen(hear_stream);
    write_bytes(10 * MSS);
    CHECK(net_core.devs->tx_rest != NULL);
    CHECK(pcb->unacked != NULL && pcb->unacked->len == 10 * MSS);
    CHECK_EQ(next - c.ack, 0);
    card_sends();
    CHECK_EQ(next - c.ack, 10 * MSS);
    CHECK(net_core.devs->tx_rest == NULL);
    CHECK_EQ(pcb->unacked->p->ref, 1);
    CHECK_EQ(net_core.devs->tx_out, 0);
    net_enter();
    struct pbuf *p = pbuf_alloc(PBUF_LINK, 100, PBUF_RAM);
    net_core.devs->tx_rest = p; /* as if this one waited, though there is room */
    CHECK_EQ(net_tx_output(&net_core.devs->netif, p), ERR_MEM);
    net_tx_drop(net_core.devs);
    net_leave();
}

/* A handshake says SYN once, though segments go to that peer by ready headers (net_way.h). */
static void one_answer_to_a_syn(void)
{
    struct peer_tcp second;

    open_connection();
    write_bytes(100);
    write_bytes(100);
    peer_forget();
    peer_connect(&second, 4001, 80);
    CHECK_EQ(peer_count(PEER_TCP), 1);
}

/* A card that is given up takes nothing more: the memory of what waited is given back. */
static void a_card_that_is_gone(void)
{
    uint64_t lent;

    open_connection();
    lent = net_mem_lent();
    fill_queue(4);
    write_bytes(10 * MSS);
    CHECK(net_core.devs->tx_rest != NULL);
    net_enter();
    net_tx_drop(net_core.devs);
    tcp_abort(pcb);
    net_leave();
    card_sends();
    CHECK_EQ(net_core.devs->tx_out, 0);
    CHECK(net_mem_lent() < lent + 2000);
}

static const struct test_case cases[] = {
    {"a_card_that_cuts", a_card_that_cuts},       {"a_card_that_sums", a_card_that_sums},
    {"offloads_that_end", offloads_that_end},     {"a_full_queue", a_full_queue},
    {"one_answer_to_a_syn", one_answer_to_a_syn}, {"a_card_that_is_gone", a_card_that_is_gone},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
