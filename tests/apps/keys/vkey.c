/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vkey.c - a driver for virtio input devices (virtio 1.4, section 5.8) outside of the tree: a
 * device type that QEMU has and Vireo has not.
 */
#include "vkey.h"

#include "virtio/virtio.h"

enum { INPUT_ID = 18, EVENTS = 16, KEYS = 32 };
/* Section 5.8.4: select, subsel, size, then 128 bytes of what was selected. */
enum { CONFIG_SELECT = 0, CONFIG_SUBSEL = 1, CONFIG_SIZE = 2, CONFIG_TEXT = 8 };
enum { SELECT_NAME = 1, NAME_MAX = 64 };
enum { TYPE_KEY = 1 };

/* Section 5.8.6 */
struct event {
    uint16_t type, code;
    uint32_t value;
};

static struct {
    struct virtio_device *dev;
    struct event *events;
    uint64_t dma;
    char name[NAME_MAX];
    uint16_t keys[KEYS];
    unsigned first, count;
    void (*on_key)(void);
} vkey;

static void post(struct event *e)
{
    struct virtq_seg seg = {vkey.dma + (uint64_t)((char *)e - (char *)vkey.events), sizeof(*e)};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = e};

    virtq_submit(virtio_queue(vkey.dev, 0), &request, 1);
}

static int read_name(struct virtio_device *dev)
{
    uint8_t size;
    int err = virtio_config_write8(dev, CONFIG_SELECT, SELECT_NAME);

    if (!err)
        err = virtio_config_write8(dev, CONFIG_SUBSEL, 0);
    if (!err)
        err = virtio_config_read(dev, CONFIG_SIZE, &size, 1, 1);
    if (err)
        return err;
    if (size >= NAME_MAX)
        size = NAME_MAX - 1;
    return virtio_config_read(dev, CONFIG_TEXT, vkey.name, size, 1);
}

static int probe(struct virtio_device *dev)
{
    static const struct virtq_config queue = {.name = "events", .size = EVENTS, .max_segs = 1};
    int err = vkey.events ? -EBUSY : read_name(dev);

    if (!err)
        err = virtio_setup_queues(dev, &queue, 1);
    if (err)
        return err;
    vkey.events = hal_dma_alloc(EVENTS * sizeof(struct event), 64, &vkey.dma);
    if (!vkey.events)
        return -ENOMEM;
    vkey.dev = dev;
    virtio_start(dev);
    for (unsigned i = 0; i < virtq_size(virtio_queue(dev, 0)) && i < EVENTS; i++)
        post(&vkey.events[i]);
    return 0;
}

static void take(const struct event *e)
{
    if (e->type != TYPE_KEY || e->value != 1 || vkey.count == KEYS)
        return;
    vkey.keys[(vkey.first + vkey.count++) % KEYS] = e->code;
    if (vkey.on_key)
        vkey.on_key();
}

static bool service(struct virtio_device *dev)
{
    struct virtq_done done[EVENTS];
    int n = virtq_reap(virtio_queue(dev, 0), done, EVENTS);

    for (int i = 0; i < n; i++) {
        struct event e = *(struct event *)done[i].cookie;

        if (done[i].len == sizeof(e))
            take(&e);
        post(done[i].cookie);
    }
    return n > 0;
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    while (virtq_take_back(virtio_queue(dev, 0)))
        continue;
    if (!quarantine)
        hal_dma_free(vkey.events, EVENTS * sizeof(struct event));
    vkey.dev = NULL;
}

VIRTIO_DRIVER(vkey_driver) = {
    .device_id = INPUT_ID,
    .prefix = "vkey",
    .probe = probe,
    .service = service,
    .dead = dead,
};

const char *vkey_name(void)
{
    return vkey.dev ? vkey.name : NULL;
}

unsigned vkey_next(void)
{
    unsigned code = vkey.count ? vkey.keys[vkey.first] : 0;

    if (vkey.count) {
        vkey.first = (vkey.first + 1) % KEYS;
        vkey.count--;
    }
    return code;
}

void vkey_on_key(void (*fn)(void))
{
    vkey.on_key = fn;
}
