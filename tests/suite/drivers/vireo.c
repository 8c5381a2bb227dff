/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo.c - Vireo's own drivers behind the adapter. They reach the device by the HAL of
 * platform/host, which leads to the same model, and which tells of each barrier.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/block.h"
#include "block/vblk.h"
#include "host.h"
#include "net/vnet.h"
#include "suite.h"

static struct block_device *disk;
static struct vnet *card;

/* ---- a service loop -------------------------------------------------------------------------- */

static bool finished;

static void spend(uint64_t ns)
{
    suite_relax();
    host_run_for(ns);
}

/* Until the callback came. The layer gives up by itself after some time. */
static void wait_for_it(void)
{
    host_run_services();
    for (uint64_t ns = 10 * HAL_US; !finished; ns += ns / 4)
        spend(ns);
}

/* ---- block ----------------------------------------------------------------------------------- */

static void on_done(struct block_request *r)
{
    (void)r;
    finished = true;
}

static int request(enum block_op op, uint64_t sector, void *buf, uint32_t sectors)
{
    struct block_seg seg = {buf, 512ull * sectors};
    struct block_request r = {
        .op = op, .sector = sector, .segs = &seg, .seg_count = sectors > 0, .done = on_done};
    struct block_request *one = &r;

    finished = false;
    block_submit(disk, &one, 1);
    wait_for_it();
    return r.result;
}

static int read_sectors(uint64_t sector, void *buf, uint32_t sectors)
{
    return request(BLOCK_READ, sector, buf, sectors);
}

static int write_sectors(uint64_t sector, const void *buf, uint32_t sectors)
{
    return request(BLOCK_WRITE, sector, (void *)buf, sectors);
}

static int flush(void)
{
    return request(BLOCK_FLUSH, 0, NULL, 0);
}

static uint64_t sectors_of(void)
{
    struct block_info info;

    block_describe(disk, &info);
    return info.sectors;
}

/* ---- network --------------------------------------------------------------------------------- */

static struct vnet_rx *queue[64];
static unsigned queue_head, queue_tail;

static void on_input(void *ctx, struct vnet_rx *rx)
{
    (void)ctx;
    if (queue_tail - queue_head == 64)
        vnet_rx_free(rx);
    else
        queue[queue_tail++ % 64] = rx;
}

static void on_batch_end(void *ctx)
{
    (void)ctx;
}

static void on_sent(void *ctx, void *cookie)
{
    (void)ctx, (void)cookie;
    finished = true;
}

static void on_link(void *ctx, bool up)
{
    (void)ctx, (void)up;
}

static const struct vnet_client client = {.input = on_input,
                                          .batch_end = on_batch_end,
                                          .tx_done = on_sent,
                                          .tx_room = on_batch_end,
                                          .link = on_link};

static int send_frame(const void *frame, uint32_t len)
{
    uint8_t *copy = malloc(16 + 1600);
    struct vnet_piece piece = {copy + 16, len};

    memcpy(copy + 16, frame, len);
    finished = false;
    int err = vnet_send(card, &piece, 1, 16, NULL, copy);
    if (err)
        return err;
    vnet_flush(card);
    host_run_services();
    for (unsigned i = 0; !finished && i < 1000; i++)
        spend(10 * HAL_MS);
    if (!finished)
        return -EIO; /* the device may still have it */
    free(copy);
    return 0;
}

static int receive_frame(void *frame, uint32_t room)
{
    host_run_services();
    if (queue_head == queue_tail)
        return 0;
    struct vnet_rx *rx = queue[queue_head++ % 64];
    uint32_t len = rx->len;
    memcpy(frame, rx->data ? rx->data : rx->head, len < room ? len : room);
    vnet_rx_free(rx);
    host_run_services();
    return (int)len;
}

static int address(uint8_t mac[6])
{
    memcpy(mac, vnet_mac(card), 6);
    return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int probe(enum suite_device kind)
{
    host_boot();
    host_run_services();
    if (kind == SUITE_BLK) {
        disk = block_get(0);
        return disk && *vblk_linked ? 0 : -ENODEV;
    }
    card = vnet_get(0);
    return card ? vnet_attach(card, &client) : -ENODEV;
}

static void end(void)
{
    host_shutdown();
}

static void idle(void)
{
    host_run_services();
}

const struct suite_driver suite_driver = {
    .name = "vireo",
    .version = VIREO_VERSION,
    .devices = SUITE_BLK | SUITE_NET,
    .transports = SUITE_MMIO | SUITE_MMIO_LEGACY,
    .fences = true,
    .watched = true,
    .interrupts = true,
    .probe = probe,
    .remove = end,
    .idle = idle,
    .blk_sectors = sectors_of,
    .blk_read = read_sectors,
    .blk_write = write_sectors,
    .blk_flush = flush,
    .net_mac = address,
    .net_send = send_frame,
    .net_recv = receive_frame,
};
