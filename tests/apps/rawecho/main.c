/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rawecho - sends each UDP datagram back, on the network driver alone, without a stack: the fastest
 * round trip that there is with this driver and device, as a ceiling for those through sockets.
 * Every address that somebody asks for by ARP is this machine's. Datagrams of up to 200 bytes.
 */
#include <string.h>
#include <vireo.h>

#include "net/vnet.h"

enum { BUFFERS = 128, ROOM = 256, HEADROOM = 16, LONGEST = 242, ETH = 14, IP = ETH + 20 };

static uint8_t *pool; /* BUFFERS of ROOM bytes */
static void *spare[BUFFERS];
static unsigned spares;
static struct vnet *card;

/* n is a constant, 10 at most. */
static inline __attribute__((always_inline)) void swap(uint8_t *a, uint8_t *b, size_t n)
{
    uint8_t kept[10];

    memcpy(kept, a, n);
    memcpy(a, b, n);
    memcpy(b, kept, n);
}

/* Makes the answer of a frame. False: it has none. */
static bool answer(uint8_t *f, uint32_t len)
{
    if (f[12] != 8 || len < 42)
        return false;
    if (f[13] == 6 && f[21] == 1) { /* who has the address? */
        f[21] = 2;
        swap(f + 22, f + 32, 10);
        memcpy(f + 22, vnet_mac(card), 6);
        memcpy(f, f + 6, 6);
        memcpy(f + 6, vnet_mac(card), 6);
        return true;
    }
    if (f[13] != 0 || f[ETH] != 0x45 || f[ETH + 9] != 17)
        return false;
    swap(f, f + 6, 6);
    swap(f + ETH + 12, f + ETH + 16, 4);
    swap(f + IP, f + IP + 2, 2); /* sums stay as they are */
    return true;
}

static void input(void *ctx, struct vnet_rx *rx)
{
    struct vnet_piece piece = {.len = rx->len};
    uint8_t *frame;

    (void)ctx;
    if (rx->len <= LONGEST && spares) {
        frame = spare[--spares];
        memcpy(frame, rx->head, rx->len);
        piece.data = frame;
        if (!answer(frame, rx->len) || vnet_send(card, &piece, 1, HEADROOM, NULL, frame))
            spare[spares++] = frame;
    }
    vnet_rx_free(rx);
}

static void batch_end(void *ctx)
{
    (void)ctx;
    vnet_flush(card);
}

static void tx_done(void *ctx, void *cookie)
{
    (void)ctx;
    spare[spares++] = cookie;
}

static void tx_room(void *ctx)
{
    (void)ctx;
}

static void link_changed(void *ctx, bool up)
{
    (void)ctx;
    (void)up;
}

int main(void)
{
    static const struct vnet_client client = {input,   batch_end,    tx_done,
                                              tx_room, link_changed, NULL};
    uint64_t dma;

    card = vnet_get(0);
    pool = hal_dma_alloc(BUFFERS * ROOM, 64, &dma);
    if (!card || !pool)
        return 1;
    for (; spares < BUFFERS; spares++)
        spare[spares] = pool + spares * ROOM + HEADROOM;
    if (vnet_attach(card, &client))
        return 1;
    vireo_ready();
    for (;;)
        task_sleep_until(HAL_NEVER);
}
