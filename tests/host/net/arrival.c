/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arrival.c - see arrival.h.
 */
#include "arrival.h"

#include "net_rx.h"

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
