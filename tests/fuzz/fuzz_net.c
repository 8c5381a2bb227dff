/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_net.c - a network card (virtio 1.4, section 5.1) and the wire behind it: headers, lengths
 * and frames of any kind, through the driver and net/lwip/net_input.c into lwIP, with a TCP and a
 * UDP echo above. When all connections are gone, so is every buffer.
 */
#include <string.h>

#include "fuzz.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "netmodel.h"
#include "netport.h"
#include "packet.h"
#include "virtio/virtio.h"

static struct model *m;
static struct packet frame;
static bool hold_tx, keep;
static struct tcp_pcb *talking[8];

/* ---- applications ---------------------------------------------------------------------------- */

static void ended(void *arg, err_t err)
{
    (void)err;
    *(struct tcp_pcb **)arg = NULL;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)err;
    if (!p) {
        if (tcp_close(pcb) != ERR_OK) {
            tcp_abort(pcb);
            return ERR_ABRT;
        }
        *(struct tcp_pcb **)arg = NULL;
        return ERR_OK;
    }
    if (!keep)
        tcp_recved(pcb, p->tot_len);
    tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY);
    pbuf_free(p);
    return ERR_OK;
}

/* The connection has a place, by which it is ended when the input is. */
static err_t adopt(struct tcp_pcb *pcb)
{
    for (unsigned i = 0; i < sizeof(talking) / sizeof(talking[0]); i++) {
        if (talking[i])
            continue;
        talking[i] = pcb;
        tcp_arg(pcb, &talking[i]);
        tcp_recv(pcb, received);
        tcp_err(pcb, ended);
        return ERR_OK;
    }
    tcp_abort(pcb);
    return ERR_ABRT;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    return err == ERR_OK && pcb ? adopt(pcb) : ERR_VAL;
}

static void echo(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)arg;
    udp_sendto(pcb, p, from, port);
    pbuf_free(p);
}

static void applications(void)
{
    struct tcp_pcb *listener = tcp_new_ip_type(IPADDR_TYPE_ANY);
    struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);

    CHECK(listener && udp);
    tcp_bind(listener, IP_ANY_TYPE, 80);
    listener = tcp_listen(listener);
    tcp_accept(listener, accepted);
    udp_bind(udp, IP_ANY_TYPE, 7);
    udp_recv(udp, echo, NULL);
}

static void go_out(void)
{
    ip_addr_t to;
    struct tcp_pcb *pcb;

    if (fuzz8() & 1) /* half of them do nothing, so that inputs kept from before mean the same */
        return;
    net_enter();
    if ((pcb = tcp_new()) != NULL && adopt(pcb) == ERR_OK) {
        IP_ADDR4(&to, 10, 0, 2, 2);
        tcp_connect(pcb, &to, 8080, NULL);
    }
    net_leave();
}

/* ---- the card -------------------------------------------------------------------------------- */

static unsigned header_size(void)
{
    return model_is_legacy(m) && !model_accepted(m, NET_F_MRG_RXBUF) ? 10 : 12;
}

static void on_kick(struct model *model, struct model_queue *q)
{
    static uint8_t sent[2048];
    struct model_chain c;

    if (q->index != 1 || hold_tx)
        return;
    while (model_pop(model, q, &c)) {
        uint32_t len = model_gather(&c, header_size(), sent, sizeof(sent));
        packet_sent(sent, len);
        model_push(model, q, &c, 0);
    }
    model_want_kick(model, q, true);
    model_publish(model, q);
}

/* Bits 0 to 15, as far as they are about sums, segments and buffers. */
static void offer_offloads(void)
{
    static const uint8_t bits[] = {NET_F_CSUM,       NET_F_GUEST_CSUM, NET_F_GUEST_TSO4,
                                   NET_F_GUEST_TSO6, NET_F_GUEST_ECN,  NET_F_HOST_TSO4,
                                   NET_F_HOST_TSO6,  NET_F_HOST_ECN,   NET_F_MRG_RXBUF};
    uint16_t without = fuzz16();

    for (unsigned i = 0; i < sizeof(bits); i++)
        if (!(without >> bits[i] & 1))
            model_offer(m, bits[i]);
    model_offer(m, VIRTIO_F_ANY_LAYOUT);
}

static void plug(void)
{
    static const char *const ips[] = {"ip=10.0.2.15/24", "ip=dhcp", "ip=off", "ip=10.0.2.15/24"};
    uint8_t how = fuzz8();

    host_set_bootargs(ips[how & 3]);
    m = calloc(1, sizeof(*m));
    model_init(m, how & 4 ? MODEL_MMIO_LEGACY : MODEL_MMIO, VIRTIO_ID_NET);
    model_offer(m, NET_F_MAC);
    for (unsigned i = 0; i < 6; i++)
        model_field(m, i, 1, "\x52\x54\x00\x12\x34\x56"[i]);
    if (how & 8)
        model_offer(m, NET_F_STATUS), model_field(m, 6, 2, 1);
    if (how & 16)
        model_offer(m, NET_F_MTU), model_field(m, 10, 2, fuzz16());
    if (how & 32 && !(how & 4))
        model_offer(m, VIRTIO_F_RING_PACKED);
    if (how & 64)
        model_offer(m, VIRTIO_F_EVENT_IDX);
    if ((how & 3) == 3)
        offer_offloads();
    m->queues[0].max = m->queues[1].max = how & 128 ? 16 : 64;
    m->on.kick = on_kick;
    model_plug_mmio(m, 0);
    model_watch(m);
    host_boot();
    net_enter();
    applications();
    net_leave();
    host_run_services();
}

/* More buffers of a frame, without headers. */
static void deliver_more(struct model_queue *q)
{
    struct model_chain c;

    for (unsigned n = fuzz_below(20); n && model_pop(m, q, &c); n--) {
        model_scatter(&c, 0, frame.at, frame.len);
        model_push(m, q, &c, fuzz8() & 3 ? c.write_bytes : fuzz_odd32());
    }
}

/* One frame in; header and length are the input's, or right. */
static void deliver(void)
{
    uint8_t header[12] = {0}, how = fuzz8();
    uint32_t hdr = header_size();
    struct model_queue *q = &m->queues[0];
    struct model_chain c;

    header[10] = 1;
    if (how & 1)
        for (unsigned i = 0; i < 12; i++)
            header[i] = fuzz8();
    if (how & 2)
        packet_answer(&frame);
    else
        packet_any(&frame);
    if (!q->ready || !model_pop(m, q, &c))
        return;
    model_scatter(&c, 0, header, hdr);
    model_scatter(&c, hdr, frame.at, frame.len);
    if (how & 16) { /* the first of several buffers is full */
        model_push(m, q, &c, c.write_bytes);
        deliver_more(q);
    } else {
        model_push(m, q, &c, how & 4 ? fuzz_odd32() : hdr + frame.len);
    }
    model_publish(m, q);
    if (!(how & 8))
        host_run_services();
}

static void command(void)
{
    uint8_t what = fuzz8();

    if (what < 168)
        deliver();
    else if (what < 176)
        go_out();
    else if (what < 180)
        hold_tx = !hold_tx;
    else if (what < 184)
        keep = !keep;
    else if (what < 188)
        netport.fail_after = fuzz8() & 1 ? fuzz8() : -1;
    else if (what < 216)
        host_run_for((1 + fuzz_below(64)) * 100 * HAL_MS);
    else
        fuzz_device(m);
}

void fuzz_one(void)
{
    struct net_stats s;

    CHECK(!vnet_get(0));
    plug();
    for (unsigned i = 0; i < 200 && fuzz_more(); i++)
        command();
    netport.fail_after = -1;
    m->reset_reads = 0;
    net_enter();
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    net_leave();
    host_run_for(HAL_SEC);
    net_get_stats(&s);
    CHECK_EQ(s.tcp_connections, 0);
    fuzz_end(0);
}
