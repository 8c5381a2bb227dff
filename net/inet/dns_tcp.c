/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_tcp.c - a question by TCP, to the server whose answer did not fit into a datagram (RFC 1035,
 * 4.2.2; RFC 7766). One message each way, with its length in front.
 */
#include "dns.h"

/* The reply cannot come any more. */
static void dns_tcp_fails(struct dns_query *q)
{
    if (!q->ended)
        dns_server_fails(q->truncated, DNS_SERVER_TROUBLE);
}

/* lwIP's callback: the connection is gone, and its control block freed. */
static void dns_tcp_on_error(void *arg, err_t err)
{
    struct dns_query *q = arg;

    (void)err;
    q->tcp = NULL;
    dns_tcp_fails(q);
}

static err_t dns_tcp_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    const struct dns_query *q = arg;
    uint8_t bytes[2 + DNS_QUERY_MAX] = {(uint8_t)(q->len >> 8), (uint8_t)q->len};

    (void)err; /* is always ERR_OK */
    memcpy(bytes + 2, q->message, q->len);
    if (tcp_write(pcb, bytes, (u16_t)(2 + q->len), TCP_WRITE_FLAG_COPY) == ERR_OK)
        tcp_output(pcb);
    return ERR_OK; /* without memory for the question no answer comes: the next server is asked */
}

/* Takes what there is of the length, then of the message. False: there is no memory for it. */
static bool dns_tcp_gather(struct dns_query *q, const struct pbuf *p)
{
    u16_t at = 0;
    size_t len;

    while (q->received < 2 && at < p->tot_len)
        q->prefix[q->received++] = pbuf_get_at(p, at++);
    if (q->received < 2)
        return true;
    len = (size_t)q->prefix[0] << 8 | q->prefix[1];
    if (!q->coming && !(q->coming = net_malloc(len)))
        return false;
    q->received +=
        pbuf_copy_partial(p, q->coming + q->received - 2, (u16_t)(2 + len - q->received), at);
    if (q->received == 2 + len) {
        uint8_t *message = q->coming;

        q->coming = NULL;
        dns_take(q->truncated, message, len);
        return q->ended;
    }
    return true;
}

/* lwIP's callback: bytes, owned from now on, or the end of the stream (p is NULL). */
static err_t dns_tcp_on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct dns_query *q = arg;

    (void)err; /* is always ERR_OK */
    if (!p) {
        dns_tcp_fails(q);
        return ERR_OK;
    }
    if (!q->ended && !q->hurry && !dns_tcp_gather(q, p))
        dns_tcp_fails(q);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

bool dns_tcp_start(struct dns_query *q)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&q->truncated->addr));

    if (!pcb)
        return false;
    tcp_arg(pcb, q);
    tcp_recv(pcb, dns_tcp_on_received);
    tcp_err(pcb, dns_tcp_on_error);
    q->tcp = pcb;
    q->received = 0;
    if (tcp_connect(pcb, &q->truncated->addr, DNS_PORT, dns_tcp_on_connected) == ERR_OK)
        return true;
    dns_tcp_stop(q);
    return false;
}

void dns_tcp_stop(struct dns_query *q)
{
    struct tcp_pcb *pcb = q->tcp;

    if (pcb) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        if (tcp_close(pcb) != ERR_OK)
            tcp_abort(pcb);
        net_core.closes++;
        net_kick();
    }
    net_free(q->coming);
    q->tcp = NULL;
    q->coming = NULL;
    q->truncated = NULL;
}
