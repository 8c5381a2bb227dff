/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_flow_pcb.h - flows (net_flow.h) of programs that use lwIP's callbacks. lwIP's udp_sendto()
 * calls these; the network is entered.
 */
#ifndef VIREO_NET_FLOW_PCB_H
#define VIREO_NET_FLOW_PCB_H

#include <stdbool.h>

#include "lwip/err.h"
#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct udp_pcb;

/* Sends the datagram as the last ones of this control block to the same destination; *err: the
 * result. False: nothing was done, lwIP has to decide. */
bool net_flow_pcb_send(const struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to,
                       uint16_t port, err_t *err);
/* A datagram has gone that way. The result is err. */
err_t net_flow_pcb_sent(const struct udp_pcb *pcb, const ip_addr_t *to, uint16_t port,
                        struct netif *netif, err_t err);

#endif
