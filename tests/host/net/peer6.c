/* SPDX-License-Identifier: BSD-2-Clause */
/* peer6.c - the neighbour of peer6.h: Ethernet, IPv6 (RFC 8200), router advertisements (RFC 4861).
 */
#include "peer6.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/netif.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

const uint8_t peer6_image_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
const uint8_t peer6_group_mac[6] = {0x33, 0x33, 0, 0, 0, 1};

static void (*listener)(const uint8_t *packet);

uint32_t peer6_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += peer_get16(p + i);
    return (sum & 0xffff) + (sum >> 16);
}

void peer6_frame(const uint8_t *mac, const void *tag, uint16_t type, const void *packet,
                 uint32_t len)
{
    uint8_t frame[1518] = {0}, *at = frame + 12;

    memcpy(frame, mac, 6);
    memcpy(frame + 6, "\x52\x55\x0a\0\2\2", 6);
    if (tag) {
        memcpy(at, tag, 4);
        at += 4;
    }
    peer_put16(at, type);
    memcpy(at + 2, packet, len);
    len += (uint32_t)(at + 2 - frame);
    len = len < 60 ? 60 : len;
    net_deliver(frame, len, net.hdr_len + len);
    model_publish(net.m, net.rx);
    host_run_services();
}

static void hear(struct model *m, struct model_queue *q)
{
    net_serve_tx(m, q);
    for (unsigned i = 0; i < net.wire_count; i++)
        if (listener && peer_get16(net.wire[i] + 12) == 0x86dd)
            listener(net.wire[i] + 14);
    net.wire_count = 0;
}

void peer6_listen(void (*fn)(const uint8_t *packet))
{
    listener = fn;
}

void peer6_boot(const char *argument)
{
    char line[200];

    snprintf(line, sizeof(line), "ip=10.0.2.15/24 %s", argument);
    peer_boot(line);
    net.m->on.kick = hear;
    task_sleep_until(hal_now_ns() + 5 * HAL_SEC);
}

void peer6_send(const uint8_t *mac, uint8_t next, unsigned at, uint8_t *body, uint32_t len)
{
    uint8_t packet[1500] = {0x60, 0, 0, 0, 0, (uint8_t)len, next, 255, 0xfe, 0x80};
    uint32_t s;

    packet[23] = 1;
    if (mac == peer6_group_mac)
        memcpy(packet + 24, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    else
        memcpy(packet + 24, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    peer_put16(body + at, 0);
    s = peer6_sum(peer6_sum(next + len, packet + 8, 32), body, len);
    s = (s & 0xffff) + (s >> 16);
    peer_put16(body + at, ~s & 0xffff);
    memcpy(packet + 40, body, len);
    peer6_frame(mac, NULL, 0x86dd, packet, 40 + len);
}

void peer6_advertise(unsigned prefix, uint32_t valid, uint32_t preferred)
{
    uint8_t ra[48] = {134, 0, 0, 0, 64, 0, 7, 8};

    memcpy(ra + 16, "\3\4\x40\xc0", 4);
    peer_put32(ra + 20, valid);
    peer_put32(ra + 24, preferred);
    memcpy(ra + 32, "\x20\1\x0d\xb8", 4);
    peer_put16(ra + 38, prefix);
    peer6_send(peer6_group_mac, 58, 2, ra, sizeof(ra));
}
