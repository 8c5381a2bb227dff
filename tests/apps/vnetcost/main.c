/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnetcost - what the driver of a network card costs, in instructions of the guest, from entry to
 * exit: batches of 64-byte frames from one card to another on QEMU's hub, without a stack. Sent:
 * vnet_send, vnet_flush with its kick, and the service that finds the completions. Received: the
 * service with its refill and delivery, and vnet_rx_free. Started by scripts/bench, with -icount.
 *
 * Nothing parks while it measures, so that the only services that run are those that it calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../instructions.h"
#include "net/vnet_impl.h"
#include "virtio/device.h"

enum { BATCH = 32, ROUNDS = 16, BYTES = 64, HEADROOM = 16, CARDS = 2 };

static struct vnet *cards[CARDS];
static char *frames; /* BATCH of them, each behind its headroom */
static struct vnet_piece pieces[BATCH];
static unsigned sent, received;

/* ---- the stack ------------------------------------------------------------------------------- */

static void input(void *ctx, struct vnet_rx *rx)
{
    (void)ctx;
    received += rx->len == BYTES;
    vnet_rx_free(rx);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void tx_done(void *ctx, void *cookie)
{
    (void)ctx;
    (void)cookie;
    sent++;
}

static void link(void *ctx, bool up)
{
    (void)ctx;
    (void)up;
}

static const struct vnet_client client = {input, nothing, tx_done, nothing, link, NULL};

/* ---- measuring ------------------------------------------------------------------------------- */

static void fail(const char *what, unsigned got)
{
    printf("vnetcost: FAIL %s (%u)\n", what, got);
    exit(1);
}

static void prepare(void)
{
    uint64_t dma;

    frames = hal_dma_alloc(BATCH * (HEADROOM + BYTES), 64, &dma);
    for (unsigned i = 0; i < CARDS; i++) {
        cards[i] = vnet_get(i);
        if (!cards[i] || vnet_attach(cards[i], &client))
            fail("there are no two cards", i);
    }
    for (unsigned i = 0; frames && i < BATCH; i++) {
        char *frame = frames + i * (HEADROOM + BYTES) + HEADROOM;

        memset(frame, 0, BYTES);
        memcpy(frame, vnet_mac(cards[1]), VNET_MAC_LEN);
        memcpy(frame + VNET_MAC_LEN, vnet_mac(cards[0]), VNET_MAC_LEN);
        memcpy(frame + 12, "\x88\xb5", 2); /* a type for experiments */
        pieces[i] = (struct vnet_piece){frame, BYTES};
    }
}

static void send_batch(struct vnet *v)
{
    for (unsigned i = 0; i < BATCH; i++)
        if (vnet_send(v, &pieces[i], 1, HEADROOM, NULL, &pieces[i]))
            fail("a frame was not taken", i);
    vnet_flush(v);
}

/* Runs the service of a card, whose instructions it returns, when the other side had its time. */
static unsigned long serve(struct vnet *v)
{
    uint64_t until = hal_now_ns() + 2 * HAL_MS;

    while (hal_now_ns() < until)
        hal_relax();
    unsigned long begin = counter();
    v->dev->driver->service(v->dev);
    return counter() - begin;
}

/* One batch; adds the instructions of sending, completing and receiving. */
static void round_trip(unsigned long cost[3])
{
    unsigned long begin = counter();

    send_batch(cards[0]);
    cost[0] += counter() - begin;
    sent = received = 0;
    cost[1] += serve(cards[0]);
    cost[2] += serve(cards[1]);
    if (sent != BATCH || received != BATCH)
        fail("the batch did not come as a whole", received);
}

int main(void)
{
    unsigned long cost[3] = {0}, none;
    struct virtio_info info;
    uint64_t kicks[2];

    prepare();
    if (!frames || virtio_info(0, &info))
        fail("no memory", 0);
    counter_start();
    none = counter();
    none = counter() - none;
    for (unsigned i = 0; i < 4; i++) /* buffers are made by need at first */
        round_trip(cost);
    memset(cost, 0, sizeof(cost));
    for (unsigned i = 0; i < 2; i++)
        kicks[i] = virtq_stats(i ? cards[1]->rxq : cards[0]->txq)->kicks;
    for (unsigned i = 0; i < ROUNDS; i++)
        round_trip(cost);
    for (unsigned i = 0; i < 2; i++)
        kicks[i] = virtq_stats(i ? cards[1]->rxq : cards[0]->txq)->kicks - kicks[i];
    printf("cost ring=%s send=%.1f complete=%.1f receive=%.1f kicks=%.2f,%.2f\n", info.ring,
           (double)(cost[0] - ROUNDS * none) / (ROUNDS * BATCH),
           (double)(cost[1] - ROUNDS * none) / (ROUNDS * BATCH),
           (double)(cost[2] - ROUNDS * none) / (ROUNDS * BATCH), (double)kicks[0] / ROUNDS,
           (double)kicks[1] / ROUNDS);
    return 0;
}
