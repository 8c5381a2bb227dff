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

void flow_check(struct flow_end *e, const uint8_t *data, uint32_t len)
{
    for (uint32_t part; len; data += part, len -= part) {
        const uint8_t *want;

        part = len;
        want = flow_bytes(e->peer->key, e->received, &part);
        e->wrong += memcmp(want, data, part) != 0;
        e->received += part;
    }
}

bool flow_may_end(const struct flow_end *e)
{
    return e->connected && !e->fin_sent && e->ends != FLOW_CLOSES && e->written == e->to_send &&
           (e->ends == FLOW_SHUTS || e->fin_got);
}

bool flow_may_close(const struct flow_end *e)
{
    if (e->holds || e->unread)
        return false;
    if (e->ends == FLOW_CLOSES)
        return e->connected && e->written == e->to_send && e->received == e->peer->to_send;
    return e->fin_sent && e->fin_got;
}

bool flow_over(const struct flow_end *end)
{
    return end->closed && end->peer->closed;
}

/* ---- the raw interface ----------------------------------------------------------------------- */

static void raw_end(struct flow_end *e)
{
    struct tcp_pcb *pcb = e->pcb;

    if (pcb && flow_may_end(e) && tcp_shutdown(pcb, 0, 1) == ERR_OK)
        e->fin_sent = true;
    if (!e->pcb || !flow_may_close(e))
        return;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    CHECK_EQ(tcp_close(pcb), ERR_OK);
    e->pcb = NULL;
    e->closed = true;
}

static void raw_write(struct flow_end *e)
{
    while (e->pcb && e->connected && e->written < e->to_send) {
        uint32_t len = tcp_sndbuf(e->pcb);
        const uint8_t *p;

        if (len > e->to_send - e->written)
            len = (uint32_t)(e->to_send - e->written);
        if (len > 32768)
            len = 32768;
        p = flow_bytes(e->key, e->written, &len);
        if (!len || tcp_write(e->pcb, p, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        e->written += len;
    }
    if (e->pcb)
        tcp_output(e->pcb);
    raw_end(e);
}

static void raw_open_window(struct flow_end *e)
{
    while (e->unread && e->pcb) {
        u16_t part = e->unread > 0xffff ? 0xffff : (u16_t)e->unread;

        tcp_recved(e->pcb, part);
        e->unread -= part;
    }
}

static err_t raw_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct flow_end *e = arg;

    (void)pcb;
    CHECK_EQ(err, ERR_OK);
    if (!p) {
        CHECK(!e->fin_got);
        e->fin_got = true;
        raw_end(e);
        return ERR_OK;
    }
    CHECK(!e->fin_got);
    for (const struct pbuf *q = p; q; q = q->next)
        flow_check(e, q->payload, q->len);
    e->unread += p->tot_len;
    pbuf_free(p);
    if (!e->holds)
        raw_open_window(e);
    raw_end(e);
    return ERR_OK;
}

static err_t raw_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb, (void)len;
    raw_write(arg);
    return ERR_OK;
}

/* lwIP asks from time to time: memory may be there now. */
static err_t raw_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    raw_write(arg);
    return ERR_OK;
}

/* Of the end that closes last, lwIP has forgotten the connection at the last acknowledgement. */
static void raw_err(void *arg, err_t err)
{
    struct flow_end *e = arg;

    e->err = err == ERR_CLSD && e->fin_sent && e->fin_got ? 0 : err;
    e->pcb = NULL;
    e->closed = true;
}

static void raw_begin(struct flow_end *e, struct tcp_pcb *pcb)
{
    e->pcb = pcb;
    tcp_arg(pcb, e);
    tcp_recv(pcb, raw_recv);
    tcp_sent(pcb, raw_sent);
    tcp_err(pcb, raw_err);
    tcp_poll(pcb, raw_poll, 2);
}

static err_t raw_up(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct flow_end *e = arg;

    (void)pcb;
    CHECK_EQ(err, ERR_OK);
    e->connected = true;
    raw_write(e);
    return ERR_OK;
}

static err_t raw_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct flow_end *e = arg;

    if (err != ERR_OK || e->connected)
        return ERR_VAL;
    raw_begin(e, pcb);
    return raw_up(e, pcb, ERR_OK);
}

static ip_addr_t raw_address(enum path_side side, bool ip6, bool own)
{
    ip_addr_t a = IPADDR4_INIT(lwip_htonl(own ? PATH_OWN(side) : PATH_ALIAS(side)));

    if (ip6)
        IP_ADDR6_HOST(&a, side == PATH_A ? 0xfd00000a : 0xfd00000b, 0, 0, own ? 1 : 2);
    return a;
}

static struct tcp_pcb *raw_new(const struct flow_end *e, uint16_t port)
{
    ip_addr_t own = raw_address(e->side, e->ip6, true);
    struct tcp_pcb *pcb = tcp_new_ip_type(e->ip6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);

    CHECK(pcb != NULL);
    CHECK_EQ(tcp_bind(pcb, &own, port), ERR_OK);
    return pcb;
}

static void raw_listen(struct flow_end *end, uint16_t port)
{
    struct tcp_pcb *pcb;

    net_enter();
    CHECK((pcb = tcp_listen(raw_new(end, port))) != NULL);
    tcp_arg(pcb, end);
    tcp_accept(pcb, raw_accept);
    net_leave();
    CHECK(listener_count < LISTENERS);
    listeners[listener_count++] = pcb;
}

static void raw_connect(struct flow_end *end, uint16_t from, uint16_t port)
{
    ip_addr_t to = raw_address(end->side, end->ip6, false);
    struct tcp_pcb *pcb;

    net_enter();
    pcb = raw_new(end, from);
    raw_begin(end, pcb);
    CHECK_EQ(tcp_connect(pcb, &to, port, raw_up), ERR_OK);
    net_kick();
    net_leave();
}

/* ---- either ---------------------------------------------------------------------------------- */

void flow_listen(struct flow_end *end, enum path_side side, uint16_t port)
{
    end->side = side;
    end->fd = end->listener = -1;
    if (end->sock)
        flow_sock_listen(end, port);
    else
        raw_listen(end, port);
}

void flow_connect(struct flow_end *end, enum path_side side, uint16_t from, uint16_t port,
                  struct flow_end *peer)
{
    end->side = side;
    end->fd = end->listener = -1;
    end->peer = peer;
    peer->peer = end;
    if (end->sock)
        flow_sock_connect(end, from, port);
    else
        raw_connect(end, from, port);
}

void flow_step(struct flow_end *end)
{
    if (end->sock && !end->closed)
        flow_sock_step(end);
}

void flow_read(struct flow_end *end)
{
    end->holds = false;
    if (end->sock || !end->pcb)
        return;
    net_enter();
    raw_open_window(end);
    raw_end(end);
    net_kick();
    net_leave();
}

void flow_more(struct flow_end *end, uint32_t bytes)
{
    end->to_send += bytes;
    if (end->sock || !end->pcb)
        return;
    net_enter();
    raw_write(end);
    net_kick();
    net_leave();
}

void flow_abort_all(void)
{
    flow_sock_abort_all();
    net_enter();
    while (listener_count)
        tcp_close(listeners[--listener_count]);
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs)
        tcp_abort(tcp_tw_pcbs);
    net_leave();
}
