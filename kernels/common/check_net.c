/* SPDX-License-Identifier: BSD-2-Clause */
/* check_net.c - asks who has 10.0.2.2 (ARP, RFC 826), a router that QEMU's user network plays. */
#include "kernel.h"
#include "net/vnet.h"
#include "virtio/virtio.h"

#define QUESTIONS 20u
#define FRAME     60u /* the shortest Ethernet frame without its check sequence */

static volatile bool answered;
static uint8_t router[VNET_MAC_LEN];
static unsigned returned; /* frames that were sent, and whose memory came back */

static void net_input(void *ctx, struct vnet_rx *rx)
{
    const uint8_t *f = rx->head;

    (void)ctx;
    if (rx->len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2 && f[28] == 10 && f[31] == 2) {
        memcpy(router, f + 22, VNET_MAC_LEN);
        answered = true;
    }
    vnet_rx_free(rx);
}

static void net_tx_done(void *ctx, void *cookie)
{
    (void)ctx;
    (void)cookie;
    returned++;
}

static void net_nothing(void *ctx)
{
    (void)ctx;
}

static void net_link(void *ctx, bool up)
{
    (void)ctx;
    kernel_print("check: link %s\n", up ? "up" : "down");
}

/* A question of the card with address `mac`, to all. */
static void net_question(uint8_t *f, const uint8_t *mac)
{
    static const uint8_t fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t own[] = {10, 0, 2, 15}, wanted[] = {10, 0, 2, 2};

    memset(f, 0xff, VNET_MAC_LEN);
    memcpy(f + 6, mac, VNET_MAC_LEN);
    memcpy(f + 12, fixed, sizeof(fixed));
    memcpy(f + 22, mac, VNET_MAC_LEN);
    memcpy(f + 28, own, sizeof(own));
    memcpy(f + 38, wanted, sizeof(wanted));
}

static unsigned net_ask(struct vnet *card)
{
    static uint8_t frames[QUESTIONS][VNET_HDR_MAX + FRAME] __attribute__((aligned(16)));
    unsigned n;

    for (n = 0; n < QUESTIONS; n++) {
        struct vnet_piece piece = {frames[n] + VNET_HDR_MAX, FRAME};

        net_question(piece.data, vnet_mac(card));
        answered = false;
        if (vnet_send(card, &piece, 1, VNET_HDR_MAX, NULL, piece.data))
            break;
        vnet_flush(card);
        if (!kernel_until(&answered, 20 * HAL_SEC))
            break;
    }
    return n;
}

bool check_net(void)
{
    static const struct vnet_client client = {net_input,   net_nothing, net_tx_done,
                                              net_nothing, net_link,    NULL};
    struct vnet *card = vnet_get(0);
    struct virtio_info v = {0};
    struct virtio_device *dev;
    unsigned answers, late = 0;

    if (!card) {
        kernel_print("check: no network card\n");
        return true;
    }
    if (vnet_attach(card, &client))
        return false;
    answers = net_ask(card);
    dev = virtio_find(vnet_name(card));
    for (unsigned n = 0; !virtio_info(n, &v) && v.device_id != VIRTIO_ID_NET; n++)
        ;
    for (unsigned q = 0; q < v.queues; q++)
        late += (unsigned)virtq_stats(virtio_queue(dev, q))->late;
    kernel_print("check: net %s %s %s: answers=%u of=%u returned=%u interrupts=%u late=%u "
                 "router=%02x:%02x:%02x:%02x:%02x:%02x\n",
                 v.transport, v.ring, v.wakeup, answers, QUESTIONS, returned,
                 (unsigned)v.interrupts, late, router[0], router[1], router[2], router[3],
                 router[4], router[5]);
    return answers == QUESTIONS;
}
