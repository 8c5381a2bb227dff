/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_queue.c - segments that stand for many packets: how writes fill them, how much of one is
 * sent, what a card is given, and the packets that net_tx.c makes for a card that makes none
 * (net/lwip/tcp_queue.c, tcp_cut.c, net_tx.c).
 */
#include <string.h>

#include "check.h"
#include "hal.h"
#include "net_impl.h"
#include "net_tx.h"
#include "peer.h"
#include "receiver.h"
#include "segment.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

/* ---- the queue ------------------------------------------------------------------------------- */

static uint8_t data[65535];

static err_t write_bytes(const void *p, uint32_t n, u8_t flags)
{
    err_t err;

    net_enter();
    err = tcp_write(receiver.pcb, p, (u16_t)n, flags);
    net_leave();
    return err;
}

static void output(void)
{
    net_enter();
    tcp_output(receiver.pcb);
    net_leave();
    receiver_run_ms(11);
}

static unsigned segments(const struct tcp_seg *s)
{
    unsigned n = 0;

    for (; s; s = s->next)
        n++;
    return n;
}

/* An open connection with room for a megabyte, and data that tells where it is from. */
static struct tcp_pcb *open_wide(void)
{
    receiver_boot(true);
    receiver.pcb->snd_buf = receiver.pcb->net.win.fixed.send = receiver.pcb->net.win.send = 1 << 20;
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    return receiver.pcb;
}

/* A write of 60 KiB is a segment, with a pbuf for headers and one for data. */
static void a_write_is_one_segment(void)
{
    struct tcp_pcb *pcb = open_wide();

    CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    CHECK_EQ(segments(pcb->unsent), 1);
    CHECK_EQ(pcb->unsent->len, 40 * SEG);
    CHECK_EQ(pbuf_clen(pcb->unsent->p), 2);
    CHECK_EQ(pcb->snd_queuelen, 2);
    CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    CHECK_EQ(segments(pcb->unsent), 2);
    CHECK_EQ(pcb->unsent->len, 44 * SEG); /* the most with 16 bits, in whole packets */
    CHECK_EQ(pcb->snd_queuelen, 5);
}

/* What fits into a packet has one pbuf; more small writes need few. */
static void small_writes_fill_it(void)
{
    struct tcp_pcb *pcb = open_wide();

    CHECK_EQ(write_bytes(data, 100, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE), ERR_OK);
    CHECK_EQ(pbuf_clen(pcb->unsent->p), 1);
    CHECK_EQ(pcb->unsent_oversize, SEG - 100);
    for (uint32_t at = 100; at < 44 * SEG; at += 100) {
        uint32_t n = 44 * SEG - at < 100 ? 44 * SEG - at : 100;

        CHECK_EQ(write_bytes(data + at, n, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE), ERR_OK);
    }
    CHECK_EQ(segments(pcb->unsent), 1);
    CHECK_EQ(pcb->unsent->len, 44 * SEG);
    CHECK(pbuf_clen(pcb->unsent->p) <= 7);
    static uint8_t back[44 * SEG];
    struct pbuf *p = pcb->unsent->p;
    pbuf_copy_partial(p, back, sizeof(back), (u16_t)(p->tot_len - sizeof(back)));
    CHECK(memcmp(back, data, sizeof(back)) == 0);
}

/* Ten packets leave at first, in one segment that the card cuts (RFC 6928); the rest waits. */
static void the_window_cuts(void)
{
    path_offloads = true;
    struct tcp_pcb *pcb = open_wide();

    pcb->net.cc.cwnd += SEG / 2; /* no packet that is not full goes out for that */
    CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    CHECK_EQ(receiver.heard, 10);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(receiver.told[i].at, i * SEG);
        CHECK_EQ(receiver.told[i].len, SEG);
        CHECK(!(receiver.told[i].flags & SEG_PSH));
    }
    CHECK_EQ(segments(pcb->unacked), 1);
    CHECK_EQ(segments(pcb->unsent), 1);
    CHECK_EQ(pcb->unsent->len, 30 * SEG);
    CHECK_EQ(pbuf_clen(pcb->unacked->p) + pbuf_clen(pcb->unsent->p), pcb->snd_queuelen);
    receiver_ack(2 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver.heard, 14);
    for (unsigned i = 0; pcb->unacked && i < 20; i++)
        receiver_ack(pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK_EQ(receiver_last().at, 39 * SEG);
    CHECK(receiver_last().flags & SEG_PSH);
    CHECK_EQ(pcb->snd_queuelen, 0);
}

/* A last packet that is not full waits while others are out (Nagle), unless it may not. */
static void the_last_packet_waits(void)
{
    struct tcp_pcb *pcb = open_wide();

    CHECK_EQ(write_bytes(data, 3 * SEG + 7, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    CHECK_EQ(receiver.heard, 3);
    CHECK_EQ(pcb->unsent->len, 7);
    CHECK_EQ(write_bytes(data, 3, TCP_WRITE_FLAG_COPY), ERR_OK);
    CHECK_EQ(segments(pcb->unsent), 1);
    receiver_ack(3 * SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver.heard, 4);
    CHECK_EQ(receiver_last().len, 10);
    receiver_ack(3 * SEG + 10, NONE, NONE, NONE);
    receiver_forget();
    tcp_nagle_disable(pcb);
    CHECK_EQ(write_bytes(data, 2 * SEG + 7, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    CHECK_EQ(receiver.heard, 3);
    CHECK_EQ(receiver_last().len, 7);
    CHECK(!pcb->unsent);
}

/* The FIN goes with the last packet, and with no other. */
static void the_end_is_in_the_last(void)
{
    path_offloads = true;
    open_wide();
    CHECK_EQ(write_bytes(data, 4 * SEG + 9, TCP_WRITE_FLAG_COPY), ERR_OK);
    net_enter();
    CHECK_EQ(tcp_shutdown(receiver.pcb, 0, 1), ERR_OK);
    net_leave();
    output();
    CHECK_EQ(receiver.heard, 5);
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(receiver.told[i].flags & (SEG_FIN | SEG_PSH), i == 4 ? SEG_FIN | SEG_PSH : 0);
}

/* Of a lost packet in the middle of a segment, that packet alone is sent again. */
static void one_packet_again(void)
{
    path_offloads = true;
    open_wide();
    CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    receiver_ack(3 * SEG, SEGS(4, 8), NONE, NONE);
    receiver_ack(3 * SEG, SEGS(4, 10), NONE, NONE);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(receiver_times_seg(i), i == 3 ? 2u : 1u);
    CHECK_EQ(receiver.pcb->net.rec.pieces, 0);
    CHECK_EQ(receiver.pcb->net.rec.total_resent, 1);
    CHECK(!receiver.pcb->net.rec.reordering);
}

/* With nothing in flight after a timeout, one packet goes again, then two. */
static void a_timeout_sends_one(void)
{
    path_offloads = true;
    open_wide();
    CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    path.link[PATH_A].down = true;
    output();
    receiver_run_ms(200); /* the probe of the tail is lost as well */
    path.link[PATH_A].down = false;
    receiver_run_ms(200);
    CHECK_EQ(receiver.heard, 1);
    CHECK_EQ(receiver.told[0].len, SEG);
    receiver_forget();
    receiver_ack(SEG, NONE, NONE, NONE);
    CHECK_EQ(receiver.heard, 2);
}

/* The probe of the tail is the last packet. */
static void the_tail_is_a_packet(void)
{
    path_offloads = true;
    open_wide();
    CHECK_EQ(write_bytes(data, 10 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    receiver_run_ms(120);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(receiver_times_seg(i), i == 9 ? 2u : 1u);
}

/* Of a wide window, packets do not leave one by one as they are acknowledged one by one. */
static void acknowledgements_are_gathered(void)
{
    path_offloads = true;
    open_wide();
    receiver.pcb->net.cc.cwnd = receiver.pcb->net.cc.ssthresh = 16 * SEG; /* not paced */
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(write_bytes(data, 40 * SEG, TCP_WRITE_FLAG_COPY), ERR_OK);
    output();
    CHECK_EQ(receiver.heard, 16);
    receiver_say(1, 0, 0);
    receiver_run_ms(21);
    CHECK_EQ(receiver.heard, 16);
    receiver_say(2, 0, 0);
    receiver_run_ms(21);
    CHECK_EQ(receiver.heard, 18);
}

/* ---- lent data ------------------------------------------------------------------------------- */

static unsigned given_back;
static struct pbuf_custom lent;

static void give_back(struct pbuf *p)
{
    CHECK(p == &lent.pbuf);
    given_back++;
}

/* It is not copied, and goes back when the last byte is acknowledged and no card has it. */
static void lent_data(void)
{
    struct tcp_pcb *pcb = open_wide();
    struct pbuf *p, *held;

    lent.custom_free_function = give_back;
    p = pbuf_alloced_custom(PBUF_RAW, 20000, PBUF_ROM, &lent, data, 20000);
    net_enter();
    CHECK_EQ(tcp_queue_lend(pcb, p, 0, 20000, 0), ERR_OK);
    pbuf_free(p);
    net_leave();
    CHECK_EQ(given_back, 0);
    CHECK(pcb->unsent->p->next->payload == data);
    output();
    held = pcb->unacked->p;
    pbuf_ref(held);
    receiver_ack(10 * SEG, NONE, NONE, NONE);
    for (unsigned i = 0; pcb->unacked && i < 9; i++)
        receiver_ack(pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK_EQ(pcb->lastack - receiver.base, 20000);
    CHECK(!pcb->unacked && !pcb->unsent);
    CHECK_EQ(given_back, 0);
    pbuf_free(held);
    CHECK_EQ(given_back, 1);
}

static void lent_back(struct pbuf *p)
{
    given_back += p->ref == 0;
}

/* Does the segment's chain hold what its length says, as far as each pbuf tells? */
static unsigned pieces_of(const struct tcp_seg *s)
{
    unsigned left = s->p->tot_len, n = 0;

    for (const struct pbuf *p = s->p; p; p = p->next, n++) {
        CHECK_EQ(p->tot_len, left);
        left -= p->len;
    }
    CHECK_EQ(left, 0);
    CHECK_EQ(s->p->tot_len - s->p->len, s->len); /* but for headers */
    return n;
}

/* Pieces follow one another in a segment, as many as a card takes; a long one is divided. */
static void lent_pieces(void)
{
    enum { EACH = 60 };
    static struct pbuf_custom piece[EACH];
    struct tcp_pcb *pcb = open_wide();
    uint32_t first = pcb->snd_lbb, room = pcb->snd_buf, bytes = 0;
    unsigned pieces = 0;

    given_back = 0;
    net_enter();
    for (unsigned i = 0; i < EACH; i++) {
        uint16_t len = i < 40 ? 100 : 9000;
        struct pbuf *p = &piece[i].pbuf;

        piece[i].custom_free_function = lent_back;
        CHECK(pbuf_alloced_custom(PBUF_RAW, len, PBUF_ROM, &piece[i], data + i, len) == p);
        CHECK_EQ(tcp_queue_lend(pcb, p, 0, len, i + 1 < EACH ? TCP_WRITE_FLAG_MORE : 0), ERR_OK);
        pbuf_free(p);
        bytes += len;
    }
    for (const struct tcp_seg *s = pcb->unsent; s; s = s->next) {
        pieces += pieces_of(s);
        CHECK(pieces_of(s) <= VNET_TX_PIECES - 2);
        CHECK(!(TCPH_FLAGS(s->tcphdr) & TCP_PSH) == (s->next != NULL));
    }
    net_leave();
    CHECK(pcb->snd_lbb - first == bytes && room - pcb->snd_buf == bytes);
    CHECK_EQ(pcb->snd_queuelen, pieces);
    CHECK_EQ(given_back, 0);
    output();
    for (unsigned i = 0; (pcb->unacked || pcb->unsent) && i < 90; i++)
        receiver_ack(pcb->snd_nxt - receiver.base, NONE, NONE, NONE);
    CHECK(!pcb->unacked && !pcb->unsent && !pcb->snd_queuelen);
    receiver_run_ms(11);
    CHECK_EQ(given_back, EACH);
}

/* ---- packets of a segment -------------------------------------------------------------------- */

static struct seen_packets {
    unsigned n;
    uint32_t bytes;
    uint32_t size, total; /* of data: what was asked for */
    unsigned flags;       /* of the segment */
    unsigned id;
    bool whole;
} got;

static void judge_sums(const uint8_t *packet, uint32_t len, bool whole)
{
    bool ip6 = packet[0] >> 4 == 6;
    uint32_t ip = ip6 ? 40 : (packet[0] & 15u) * 4, segment = len - ip;
    uint32_t pseudo = segment_sum(6 + segment, packet + (ip6 ? 8 : 12), ip6 ? 32 : 8);

    if (!ip6) {
        CHECK_EQ(peer_get16(packet + 2), len);
        CHECK_EQ(segment_folded(segment_sum(0, packet, ip)), 0);
    } else {
        CHECK_EQ(peer_get16(packet + 4), segment);
    }
    if (whole)
        CHECK_EQ(segment_folded(segment_sum(pseudo, packet + ip, segment)), 0);
    else
        CHECK_EQ(peer_get16(packet + ip + 16), (uint16_t)~segment_folded(pseudo));
}

static void judge_packet(const uint8_t *packet, uint32_t len)
{
    struct segment s;
    bool last;

    judge_sums(packet, len, got.whole);
    CHECK(segment_read(&s, packet, len));
    last = got.bytes + s.len == got.total;
    CHECK_EQ(s.seq, 0xfffff000u + got.bytes);
    CHECK_EQ(s.len, last ? got.total - got.bytes : got.size);
    CHECK(memcmp(s.data, data + got.bytes, s.len) == 0);
    CHECK_EQ(s.stamp, 77);
    CHECK_EQ(s.flags & (SEG_FIN | SEG_PSH), last ? got.flags & (SEG_FIN | SEG_PSH) : 0);
    CHECK_EQ(s.flags & 0x80, got.n ? 0 : got.flags & 0x80);
    CHECK_EQ(s.flags & 0x50, got.flags & 0x50);
    if (packet[0] >> 4 == 4)
        CHECK_EQ(peer_get16(packet + 4), packet[6] & 0x40 ? got.id : (got.id + got.n) & 0xffff);
    got.n++;
    got.bytes += s.len;
}

/* A frame of `total` bytes of data in pbufs of `part`, with right numbers but for the sum. */
static struct pbuf *frame(bool ip6, bool df, uint32_t total, uint32_t part, unsigned flags)
{
    static uint8_t packet[65535];
    struct segment s = {.sport = 80,
                        .dport = 90,
                        .seq = 0xfffff000u,
                        .ack = 9,
                        .flags = flags,
                        .window = 3,
                        .scale = SEG_NO_OPTS,
                        .stamped = true,
                        .stamp = 77};
    uint32_t head = segment_make(&s, 0x0a000001, 0x0a000002, packet), ip = 20;
    struct pbuf *p, *q;

    if (ip6) {
        memmove(packet + 40, packet + 20, head - 20);
        memset(packet, 0, 40);
        packet[0] = 0x60;
        packet[6] = 6;
        packet[8] = packet[24] = 0xfd;
        packet[39] = 5;
        peer_put16(packet + 4, head - 20 + total);
        head += 20;
        ip = 40;
    } else {
        peer_put16(packet + 2, head + total);
        peer_put16(packet + 4, 0xfffe);
        packet[6] = df ? 0x40 : 0;
    }
    peer_put16(packet + ip + 16,
               (uint16_t)~segment_folded(
                   segment_sum(6 + head - ip + total, packet + (ip6 ? 8 : 12), ip6 ? 32 : 8)));
    p = pbuf_alloc(PBUF_LINK, (u16_t)head, PBUF_RAM);
    memcpy(p->payload, packet, head);
    for (uint32_t at = 0, n; at < total; at += n) {
        n = total - at < part ? total - at : part;
        q = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
        memcpy(q->payload, data + at, n);
        pbuf_cat(p, q);
    }
    return p;
}

static void cut_frame(bool ip6, bool df, uint32_t total, uint32_t part, uint32_t size,
                      unsigned flags, bool whole)
{
    static uint8_t packet[65535];
    struct vnet_piece parts[NET_TX_PARTS];
    struct net_tx_cut cut;
    struct pbuf *p = frame(ip6, df, total, part, flags);

    got = (struct seen_packets){
        .size = size, .total = total, .flags = flags, .id = 0xfffe, .whole = whole};
    p->tx_size = (u16_t)size;
    net_tx_cut_begin(&cut, p, 0);
    for (unsigned n; (n = net_tx_cut_next(&cut, packet, parts, whole));) {
        uint32_t len = cut.data;

        for (unsigned i = 0; i < n; len += parts[i++].len)
            memcpy(packet + len, parts[i].data, parts[i].len);
        judge_packet(packet, len);
    }
    CHECK_EQ(got.bytes, total);
    CHECK_EQ(got.n, (total + size - 1) / size);
    pbuf_free(p);
}

static void packets_of_a_segment(void)
{
    static const uint32_t totals[] = {1, 999, 1000, 1001, 2000, 12345, 60000};
    static const uint32_t parts[] = {60000, 7001, 333};
    static const unsigned flags[] = {SEG_ACK, SEG_ACK | SEG_PSH | SEG_FIN,
                                     SEG_ACK | SEG_PSH | 0xc0};

    open_wide();
    for (unsigned t = 0; t < 7; t++)
        for (unsigned p = 0; p < 3; p++)
            for (unsigned f = 0; f < 3; f++)
                for (unsigned v = 0; v < 8; v++)
                    cut_frame(v & 1, v & 2, totals[t], parts[p], f == 1 ? 1000 : 999, flags[f],
                              v & 4);
}

/* A packet of more pieces than the list has becomes two. */
static void packets_of_crumbs(void)
{
    static uint8_t packet[2000];
    struct vnet_piece parts[NET_TX_PARTS];
    struct net_tx_cut cut;
    struct pbuf *p;
    uint32_t bytes = 0;

    open_wide();
    p = frame(false, true, 1000, 50, SEG_ACK);
    p->tx_size = 600;
    net_tx_cut_begin(&cut, p, 0);
    for (unsigned n; (n = net_tx_cut_next(&cut, packet, parts, true));) {
        CHECK(n <= NET_TX_PARTS);
        for (unsigned i = 0; i < n; i++)
            bytes += parts[i].len;
        CHECK_EQ(cut.done, bytes);
    }
    CHECK_EQ(bytes, 1000);
    pbuf_free(p);
}

static const struct test_case cases[] = {
    {"a_write_is_one_segment", a_write_is_one_segment},
    {"small_writes_fill_it", small_writes_fill_it},
    {"the_window_cuts", the_window_cuts},
    {"the_last_packet_waits", the_last_packet_waits},
    {"the_end_is_in_the_last", the_end_is_in_the_last},
    {"one_packet_again", one_packet_again},
    {"a_timeout_sends_one", a_timeout_sends_one},
    {"the_tail_is_a_packet", the_tail_is_a_packet},
    {"acknowledgements_are_gathered", acknowledgements_are_gathered},
    {"lent_data", lent_data},
    {"lent_pieces", lent_pieces},
    {"packets_of_a_segment", packets_of_a_segment},
    {"packets_of_crumbs", packets_of_crumbs},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
