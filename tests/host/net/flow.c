/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.c - the streams of flow.h.
 */
#include "flow.h"

#include <string.h>

#include "check.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

#define PERIOD    65521u
#define LISTENERS 64

static struct tcp_pcb *listeners[LISTENERS];
static unsigned listener_count;

const uint8_t *flow_bytes(unsigned key, uint64_t offset, uint32_t *len)
{
    static uint8_t pattern[2 * PERIOD];
    uint32_t at = (uint32_t)((offset + key * 4099ull) % PERIOD), x = 1;

    if (!pattern[0]) {
        for (uint32_t i = 0; i < PERIOD; i++) {
            x = x * 1664525u + 1013904223u;
            pattern[i] = (uint8_t)(x >> 24 | !i);
        }
        memcpy(pattern + PERIOD, pattern, PERIOD);
    }
    if (*len > PERIOD)
        *len = PERIOD;
    return pattern + at;
}

static void flow_forget(struct flow_end *e)
{
    e->pcb = NULL;
}

/* Closes when the end of its stream is due; with both ends over, the block is lwIP's. */
static void flow_close(struct flow_end *e)
{
    struct tcp_pcb *pcb = e->pcb;

    if (!pcb || e->to_send == FLOW_ENDLESS || e->written < e->to_send)
        return;
    if (!e->fin_sent) {
        if (tcp_shutdown(pcb, 0, 1) != ERR_OK)
            return;
        e->fin_sent = true;
    }
    if (!e->fin_got)
        return;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    if (tcp_close(pcb) == ERR_OK)
        flow_forget(e);
}

static void flow_write(struct flow_end *e)
{
    while (e->pcb && e->written < e->to_send) {
        uint32_t len = tcp_sndbuf(e->pcb);
        const uint8_t *p;

        if (len > e->to_send - e->written)
            len = (uint32_t)(e->to_send - e->written);
        p = flow_bytes(e->key, e->written, &len);
        if (len > 32768)
            len = 32768;
        if (!len || tcp_write(e->pcb, p, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        e->written += len;
    }
    if (e->pcb)
        tcp_output(e->pcb);
    flow_close(e);
}

static void flow_check(struct flow_end *e, const struct pbuf *p)
{
    for (; p; p = p->next)
        for (uint32_t at = 0, len; at < p->len; at += len) {
            const uint8_t *want;

            len = p->len - at;
            want = flow_bytes(e->peer->key, e->received, &len);
            e->wrong += memcmp(want, (const uint8_t *)p->payload + at, len) != 0;
            e->received += len;
        }
}

static err_t flow_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct flow_end *e = arg;

    CHECK_EQ(err, ERR_OK);
    if (!p) {
        e->fin_got = true;
        flow_close(e);
        return ERR_OK;
    }
    if (e->holds)
        return ERR_MEM;
    flow_check(e, p);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t flow_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct flow_end *e = arg;

    (void)pcb;
    e->acked += len;
    flow_write(e);
    return ERR_OK;
}

/* lwIP asks from time to time: memory may be there now. */
static err_t flow_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    flow_write(arg);
    return ERR_OK;
}

static void flow_err(void *arg, err_t err)
{
    struct flow_end *e = arg;

    e->err = err;
    flow_forget(e);
}

static void flow_begin(struct flow_end *e, struct tcp_pcb *pcb)
{
    e->pcb = pcb;
    tcp_arg(pcb, e);
    tcp_recv(pcb, flow_recv);
    tcp_sent(pcb, flow_sent);
    tcp_err(pcb, flow_err);
    tcp_poll(pcb, flow_poll, 2);
}

static err_t flow_up(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct flow_end *e = arg;

    (void)pcb;
    CHECK_EQ(err, ERR_OK);
    e->connected = true;
    flow_write(e);
    return ERR_OK;
}

static err_t flow_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct flow_end *e = arg;

    if (err != ERR_OK || e->connected)
        return ERR_VAL;
    flow_begin(e, pcb);
    return flow_up(e, pcb, ERR_OK);
}

static ip_addr_t address(enum path_side side, bool ip6, bool own)
{
    ip_addr_t a;

    if (!ip6) {
        ip_addr_t four = IPADDR4_INIT(lwip_htonl(own ? PATH_OWN(side) : PATH_ALIAS(side)));

        return four;
    }
    IP_ADDR6_HOST(&a, side == PATH_A ? 0xfd00000a : 0xfd00000b, 0, 0, own ? 1 : 2);
    return a;
}

void flow_listen(struct flow_end *end, enum path_side side, uint16_t port)
{
    ip_addr_t own = address(side, end->ip6, true);
    struct tcp_pcb *pcb;

    net_enter();
    CHECK((pcb = tcp_new_ip_type(end->ip6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4)) != NULL);
    CHECK_EQ(tcp_bind(pcb, &own, port), ERR_OK);
    CHECK((pcb = tcp_listen(pcb)) != NULL);
    tcp_arg(pcb, end);
    tcp_accept(pcb, flow_accept);
    net_leave();
    CHECK(listener_count < LISTENERS);
    listeners[listener_count++] = pcb;
}

void flow_connect(struct flow_end *end, enum path_side side, uint16_t port, struct flow_end *peer)
{
    ip_addr_t own = address(side, end->ip6, true), to = address(side, end->ip6, false);
    struct tcp_pcb *pcb;

    end->peer = peer;
    peer->peer = end;
    net_enter();
    CHECK((pcb = tcp_new_ip_type(end->ip6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4)) != NULL);
    CHECK_EQ(tcp_bind(pcb, &own, 0), ERR_OK);
    flow_begin(end, pcb);
    CHECK_EQ(tcp_connect(pcb, &to, port, flow_up), ERR_OK);
    net_kick();
    net_leave();
}

void flow_read(struct flow_end *end)
{
    end->holds = false;
    net_enter();
    if (end->pcb && end->pcb->refused_data)
        tcp_process_refused_data(end->pcb);
    net_kick();
    net_leave();
}

bool flow_over(const struct flow_end *end)
{
    return !end->pcb && !end->peer->pcb;
}

void flow_abort_all(void)
{
    net_enter();
    while (listener_count)
        tcp_close(listeners[--listener_count]);
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs)
        tcp_abort(tcp_tw_pcbs);
    net_leave();
}
