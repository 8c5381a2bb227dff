/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_tcp.c - the peer of a connection is the input: segments with any numbers, flags, windows and
 * options, errors of routers, and time. Whatever it does, the application gets the peer's stream
 * and no other bytes, lwIP sends its own stream and nothing beyond the peer's window, and memory
 * returns.
 */
#include <string.h>

#include "fuzz.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "netport.h"
#include "path.h"
#include "peer.h"

enum { PORT = 80, PEER_PORT = 5000, SPAN = 4096, MOST = 300 };

/* The connection, as the peer sees it. Numbers of the sequence. */
static struct {
    uint16_t port, peer_port;
    uint32_t next;  /* of the peer's own stream */
    uint32_t first; /* of the peer's SYN */
    uint32_t una;   /* the highest that the peer acknowledged */
    uint32_t sent;  /* behind all that lwIP sent */
    uint32_t ack;   /* of lwIP's last segment */
    uint32_t edge;  /* of the peer's window: the farthest */
    uint32_t lwip_first, stamp;
    unsigned scale, window;
    bool heard, stamped, scaled;
    bool lied; /* about what it has: nothing is known of windows any more */
} peer;

static struct tcp_pcb *pcb, *listener;
static uint32_t received, written;
static bool holds, failed, ended, shut;
static uint8_t last[1600];
static uint32_t last_len;

/* Both streams, by the offset in them. */
static uint8_t byte_at(uint32_t offset)
{
    return (uint8_t)(offset ^ offset >> 8 ^ offset >> 16);
}

/* ---- the application ------------------------------------------------------------------------- */

static err_t on_recv(void *arg, struct tcp_pcb *p, struct pbuf *data, err_t err)
{
    (void)arg, (void)err;
    if (!data) {
        CHECK(!ended);
        ended = true;
        return ERR_OK;
    }
    if (holds && data->tot_len % 2)
        return ERR_MEM;
    for (const struct pbuf *q = data; q; q = q->next)
        for (uint32_t i = 0; i < q->len; i++)
            CHECK_EQ(((const uint8_t *)q->payload)[i], byte_at(received++));
    if (!holds)
        tcp_recved(p, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    (void)arg, (void)err;
    pcb = NULL;
    failed = true;
}

static void take(struct tcp_pcb *p)
{
    pcb = p;
    tcp_recv(p, on_recv);
    tcp_err(p, on_err);
}

static err_t on_accept(void *arg, struct tcp_pcb *p, err_t err)
{
    (void)arg;
    if (err != ERR_OK || pcb || failed)
        return ERR_VAL;
    take(p);
    return ERR_OK;
}

static err_t on_connect(void *arg, struct tcp_pcb *p, err_t err)
{
    (void)arg, (void)p, (void)err;
    return ERR_OK;
}

static void start(bool active)
{
    ip_addr_t own = IPADDR4_INIT(lwip_htonl(PATH_OWN(PATH_A)));
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(PATH_ALIAS(PATH_A)));
    struct tcp_pcb *p;

    net_enter();
    p = tcp_new();
    CHECK(p && tcp_bind(p, &own, PORT) == ERR_OK);
    if (active) {
        take(p);
        CHECK_EQ(tcp_connect(p, &to, PEER_PORT, on_connect), ERR_OK);
    } else {
        listener = tcp_listen(p);
        tcp_accept(listener, on_accept);
    }
    net_kick();
    net_leave();
    host_run_services();
}

static void write_more(void)
{
    uint8_t data[SPAN];
    uint32_t len = 1 + fuzz16() % SPAN;

    if (!pcb || pcb->state < SYN_SENT)
        return;
    for (uint32_t i = 0; i < len; i++)
        data[i] = byte_at(written + i);
    net_enter();
    if (len <= tcp_sndbuf(pcb) && tcp_write(pcb, data, (u16_t)len, TCP_WRITE_FLAG_COPY) == ERR_OK)
        written += len;
    tcp_output(pcb);
    net_kick();
    net_leave();
}

static void read_more(void)
{
    net_enter();
    holds = !holds;
    if (!holds && pcb && pcb->refused_data)
        tcp_process_refused_data(pcb);
    for (unsigned i = 0; !holds && pcb && i < 8; i++)
        tcp_recved(pcb, 0xffff);
    net_kick();
    net_leave();
}

static void close_or_shut(unsigned how)
{
    struct tcp_pcb *p = pcb;

    if (!p)
        return;
    net_enter();
    if (how & 1) {
        shut |= tcp_shutdown(p, 0, 1) == ERR_OK;
    } else {
        tcp_recv(p, NULL);
        tcp_err(p, NULL);
        if (tcp_close(p) == ERR_OK) {
            pcb = NULL;
            failed = true;
        } else {
            take(p);
        }
    }
    net_kick();
    net_leave();
}

/* ---- what lwIP sends ------------------------------------------------------------------------- */

static void judge_data(const struct segment *s)
{
    uint32_t offset = s->seq - peer.lwip_first - 1;

    for (uint32_t i = 0; i < s->len && offset + i < written; i++)
        CHECK_EQ(s->data[i], byte_at(offset + i));
    if (!peer.lied && s->len > 1 && peer.una != peer.lwip_first)
        CHECK((int32_t)(s->seq + s->len - peer.edge) <= 0);
}

static void hear(const struct path_seen *p)
{
    const struct segment *s = &p->tcp;

    if (!s->sport || s->flags & SEG_RST)
        return;
    if (s->flags & SEG_SYN && !peer.heard) {
        peer.heard = true;
        peer.lwip_first = peer.una = s->seq;
        peer.sent = s->seq;
        peer.edge = s->seq + 1;
        peer.scaled = s->scale >= 0;
    }
    if ((int32_t)(s->seq + segment_span(s) - peer.sent) > 0)
        peer.sent = s->seq + segment_span(s);
    if (s->flags & SEG_ACK)
        peer.ack = s->ack;
    if (s->stamped)
        peer.stamp = s->stamp;
    judge_data(s);
    last_len = p->len < sizeof(last) ? p->len : sizeof(last);
    memcpy(last, p->packet, last_len);
}

static void watch(const struct path_seen *s)
{
    if (s->side == PATH_A && s->out)
        hear(s);
}

static void deaf(const struct path_seen *s)
{
    (void)s;
}

/* ---- what the peer sends --------------------------------------------------------------------- */

static void peer_sends(struct segment *s)
{
    static uint8_t packet[2048], data[2048];

    for (uint32_t i = 0; i < s->len; i++)
        data[i] = byte_at(s->seq - peer.first - 1 + i + !!(s->flags & SEG_SYN));
    s->data = data;
    s->sport = PEER_PORT;
    s->dport = PORT;
    path_send(PATH_B, packet, segment_make(s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
    path_run_for(1000);
}

/* The farthest that lwIP may have taken the window to reach. */
static void note_window(const struct segment *s)
{
    unsigned most = peer.scale > 14 ? 14 : peer.scale; /* RFC 7323, 2.3 */
    unsigned scale = s->flags & SEG_SYN || !peer.scaled ? 0 : most;
    uint32_t edge = s->ack + ((uint32_t)s->window << scale);

    if ((int32_t)(s->ack - peer.sent) > 0)
        peer.lied = true;
    if (s->seq != peer.next && s->ack != peer.una)
        peer.lied =
            true; /* an old segment with a new ACK: its window does not count, the ACK may */
    if ((int32_t)(s->ack - peer.una) > 0 && (int32_t)(s->ack - peer.sent) <= 0)
        peer.una = s->ack;
    if ((int32_t)(edge - peer.edge) > 0)
        peer.edge = edge;
}

static struct segment usual(unsigned flags)
{
    return (struct segment){.seq = peer.next,
                            .ack = flags & SEG_ACK ? peer.sent : 0,
                            .flags = flags,
                            .window = peer.window,
                            .scale = SEG_NO_OPTS,
                            .stamped = peer.stamped,
                            .stamp = (uint32_t)(hal_now_ns() / HAL_MS),
                            .echo = flags & SEG_ACK ? peer.stamp : 0};
}

static void peer_opens(uint8_t how)
{
    struct segment s;

    peer.first = how & 16 ? 0xfffffe00 : 7000;
    peer.next = peer.first;
    peer.window = how & 32 ? 300 : 0xffff;
    peer.stamped = how & 2;
    peer.scale = how & 4 ? how & 15 : 0;
    s = usual(how & 1 ? SEG_SYN | SEG_ACK : SEG_SYN);
    s.mss = how & 64 ? 100 : 1460;
    s.sack_ok = how & 8;
    s.scale = how & 4 ? (int)peer.scale : SEG_NO_OPTS;
    peer.scaled &= s.scale >= 0;
    note_window(&s);
    peer_sends(&s);
    peer.next++;
    if (how & 1)
        return;
    s = usual(SEG_ACK);
    note_window(&s);
    peer_sends(&s);
}

static void syn_again(void)
{
    struct segment s = usual(fuzz8() & 1 ? SEG_SYN | SEG_ACK : SEG_SYN);

    s.seq = peer.first;
    note_window(&s);
    peer_sends(&s);
}

static uint32_t near_sent(void)
{
    static const uint32_t steps[] = {0, 1, 536, 1448, 1460, 2920};
    uint8_t how = fuzz8();
    uint32_t step = steps[how % 6] + (how & 64 ? fuzz8() : 0);

    return how & 128 ? peer.sent - step : peer.una + step;
}

static void any_blocks(struct segment *s)
{
    s->blocks = fuzz_below(4);
    for (unsigned i = 0; i < s->blocks; i++) {
        s->block[i].start = near_sent();
        s->block[i].end = near_sent();
    }
}

/* Bits of the first byte say what is not as usual. */
static void any_segment(void)
{
    uint8_t odd = fuzz8();
    struct segment s = usual(SEG_ACK);

    if (odd & 1)
        s.flags = fuzz8() & 31;
    if (odd & 2)
        s.seq += (uint32_t)(int16_t)fuzz16();
    if (odd & 4)
        s.ack = near_sent();
    if (odd & 8)
        s.len = fuzz16() % 1461;
    if (odd & 16)
        any_blocks(&s);
    if (odd & 32)
        s.window = fuzz16();
    if (odd & 64)
        s.stamped = !s.stamped;
    if (odd & 128) {
        s.seq ^= fuzz_odd32();
        s.ack ^= fuzz_odd32();
        s.stamp ^= fuzz_odd32();
        s.echo ^= fuzz_odd32();
    }
    if (s.flags & SEG_ACK)
        note_window(&s);
    if (s.seq == peer.next && !(odd & 128))
        peer.next += segment_span(&s);
    peer_sends(&s);
}

static void peer_acks(void)
{
    struct segment s = usual(SEG_ACK);

    note_window(&s);
    peer_sends(&s);
}

/* A router's word on the last packet of lwIP; some of it may be spoilt. */
static void router_says(void)
{
    uint8_t how = fuzz8();

    if (!last_len)
        return;
    if (how & 1)
        last[20 + fuzz_below(8)] ^= fuzz8();
    path_too_big(PATH_A, last, last_len, how & 2 ? fuzz16() : 576 + fuzz8() * 4u);
    path_run_for(1000);
}

static void command(void)
{
    uint8_t what = fuzz8();

    if (shut && ended) /* in TIME_WAIT, lwIP frees the connection without a word */
        close_or_shut(0);
    if (what < 112)
        any_segment();
    else if (what < 144)
        peer_acks();
    else if (what < 168)
        write_more();
    else if (what < 176)
        read_more();
    else if (what < 180)
        close_or_shut(what);
    else if (what < 188)
        router_says();
    else if (what < 192)
        netport.fail_after = fuzz8() & 1 ? fuzz8() : -1;
    else if (what < 200)
        syn_again();
    else if (what < 224)
        path_run_for((1 + fuzz8()) * HAL_MS);
    else if (what < 252)
        path_run_for((1 + fuzz8()) * 10 * HAL_MS);
    else
        path_run_for((1 + fuzz8()) * HAL_SEC);
}

void fuzz_one(void)
{
    uint8_t how = fuzz8();
    int64_t blocks;

    path_boot(1);
    path_watch(watch);
    path_script(PATH_B, deaf);
    blocks = netport.blocks;
    start(how & 1);
    peer_opens(how);
    for (unsigned i = 0; i < MOST && fuzz_more(); i++)
        command();
    netport.fail_after = -1;
    net_enter();
    if (listener)
        tcp_close(listener);
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs)
        tcp_abort(tcp_tw_pcbs);
    net_leave();
    path_run_for(200 * HAL_SEC); /* half-open connections are forgotten */
    CHECK_EQ(path.held, 0);
    CHECK_EQ(netport.blocks, blocks);
    fuzz_end(0);
}
