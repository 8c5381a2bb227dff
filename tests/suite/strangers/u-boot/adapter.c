/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adapter.c - U-Boot's virtio-blk and virtio-net over virtio-mmio behind the suite. It calls the
 * drivers in the order in which U-Boot's driver model does: the transport is probed, which binds
 * the device's driver; then that one is probed. Reads and writes go to the driver as from
 * blk_read() and blk_write(), frames as from eth_send() and eth_rx().
 */
#include "kernel.h"

#include "virtio.h"

extern struct driver u_boot_driver_virtio_mmio, u_boot_driver_virtio_blk, u_boot_driver_virtio_net;
extern struct uclass_driver u_boot_uclass_virtio;

static struct udevice bus, device;
static struct blk_desc desc;
static struct eth_pdata address;
static bool bound;

/* ---- memory ---------------------------------------------------------------------------------- */

/* The sizes of what suite_alloc gave: rings, of which a device has few. */
static struct {
    void *p;
    size_t size;
} ring[8];

void *memalign(size_t align, size_t size)
{
    for (unsigned i = 0; i < 8; i++) {
        if (ring[i].p)
            continue;
        ring[i].p = suite_alloc(size, align);
        ring[i].size = size;
        return ring[i].p;
    }
    return NULL;
}

void u_boot_free(void *p)
{
    for (unsigned i = 0; p && i < 8; i++) {
        if (ring[i].p != p)
            continue;
        suite_free(p, ring[i].size);
        ring[i].p = NULL;
        return;
    }
    (free)(p);
}

/* ---- the driver model ------------------------------------------------------------------------ */

int device_bind_driver(struct udevice *parent, const char *driver, const char *name,
                       struct udevice **dev)
{
    static struct driver *const drivers[] = {&u_boot_driver_virtio_blk, &u_boot_driver_virtio_net};

    for (unsigned i = 0; i < 2; i++) {
        if (strcmp(drivers[i]->name, driver) != 0)
            continue;
        device = (struct udevice){.name = name,
                                  .driver = drivers[i],
                                  .parent = parent,
                                  .priv = calloc(1, drivers[i]->priv_auto),
                                  .plat = &address,
                                  .uclass_plat = &desc};
        *dev = &device;
        bound = true;
        int err = drivers[i]->bind(&device);
        return err ? err : u_boot_uclass_virtio.child_post_bind(&device);
    }
    return -ENOENT;
}

static int probe_bus(void)
{
    const struct driver *d = &u_boot_driver_virtio_mmio;
    const struct uclass_driver *u = &u_boot_uclass_virtio;

    bus = (struct udevice){.name = "virtio-mmio",
                           .driver = d,
                           .priv = calloc(1, d->priv_auto),
                           .uclass_priv = calloc(1, u->per_device_auto)};
    int err = d->of_to_plat(&bus);
    if (!err)
        err = u->pre_probe(&bus);
    if (!err)
        err = d->probe(&bus);
    return err ? err : u->post_probe(&bus);
}

static int probe_device(void)
{
    const struct uclass_driver *u = &u_boot_uclass_virtio;
    int err = u->child_pre_probe(&device);

    if (!err)
        err = device.driver->probe(&device);
    return err ? err : u->child_post_probe(&device);
}

static int probe(enum suite_device kind)
{
    const struct driver *want =
        kind == SUITE_BLK ? &u_boot_driver_virtio_blk : &u_boot_driver_virtio_net;

    bound = false;
    int err = probe_bus();
    if (err || !bound || device.driver != want)
        return -ENODEV;
    err = probe_device();
    if (err || kind == SUITE_BLK)
        return err;
    const struct eth_ops *ops = device.driver->ops;
    ops->read_rom_hwaddr(&device);
    return ops->start(&device);
}

static void end(void)
{
    device.driver->remove(&device);
}

/* ---- block ----------------------------------------------------------------------------------- */

static const struct blk_ops *disk(void)
{
    return device.driver->ops;
}

static int read_sectors(uint64_t sector, void *buf, uint32_t sectors)
{
    return disk()->read(&device, sector, sectors, buf) == sectors ? 0 : -EIO;
}

static int write_sectors(uint64_t sector, const void *buf, uint32_t sectors)
{
    return disk()->write(&device, sector, sectors, buf) == sectors ? 0 : -EIO;
}

static uint64_t sectors_of(void)
{
    return desc.lba;
}

/* ---- network --------------------------------------------------------------------------------- */

static const struct eth_ops *card(void)
{
    return device.driver->ops;
}

/* Without the feature, another part of U-Boot makes an address. */
static int mac_of(uint8_t mac[6])
{
    if (!virtio_has_feature(&device, 5))
        return -ENOENT;
    memcpy(mac, address.enetaddr, 6);
    return 0;
}

static int send_frame(const void *frame, uint32_t len)
{
    return card()->send(&device, (void *)frame, (int)len);
}

/* eth_rx() passes on what has a length above 0, and gives back what has one from 0. */
static int receive_frame(void *frame, uint32_t room)
{
    uchar *packet = NULL;
    int len = card()->recv(&device, 0, &packet);

    size_t n = len < 0 ? 0 : (uint32_t)len < room ? (size_t)len : room;

    memcpy(frame, packet, n < 1514 ? n : 1514); /* the buffer holds no more */
    if (len >= 0)
        card()->free_pkt(&device, packet, len);
    return len > 0 ? len : 0;
}

const struct suite_driver suite_driver = {
    .name = "u-boot",
    .version = U_BOOT_VERSION,
    .devices = SUITE_BLK | SUITE_NET,
    .transports = SUITE_MMIO | SUITE_MMIO_LEGACY,
    .fences = true, /* those of its virtio_ring.h are empty */
    .watched = true,
    .probe = probe,
    .remove = end,
    .blk_sectors = sectors_of,
    .blk_read = read_sectors,
    .blk_write = write_sectors,
    .net_mac = mac_of,
    .net_send = send_frame,
    .net_recv = receive_frame,
};
