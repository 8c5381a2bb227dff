/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arrival.c - see arrival.h.
 */
#include "arrival.h"

#include <string.h>

#include "check.h"
#include "net_rx.h"
#include "peer.h"

void arrival_neighbour(struct net_dev *d, uint32_t address)
{
    static const uint8_t request[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    struct pbuf *p = pbuf_alloc(PBUF_RAW, 42, PBUF_RAM);
    uint8_t *frame = p->payload;

    memset(frame, 0, 42);
    memset(frame, 0xff, 6);
    memset(frame + 6, 2, 6);
    memcpy(frame + 12, request, sizeof(request));
    memset(frame + 22, 2, 6);
    peer_put32(frame + 28, address);
    memcpy(frame + 38, netif_ip4_addr(&d->netif), 4);
    arrival_pass(d, p);
}

void arrival_pass(struct net_dev *d, struct pbuf *p)
{
    struct net_arrival a = {.dev = d, .eth = p->payload};
    unsigned skip;

    a.type = net_input_type(p->payload, p->len, &skip);
    pbuf_remove_header(p, skip);
    if (net_input_judge(&a, p->payload, p->len, p->tot_len) != NET_GOOD) {
        pbuf_free(p);
        return;
    }
    pbuf_realloc(p, (u16_t)a.seg.total);
    a.summed = a.seg.proto != 0;
    net_input_pass(&a, p);
}
