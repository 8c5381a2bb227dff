/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requeue - resets one queue of a running device, with buffers out, and puts it back (virtio 1.4,
 * section 2.6.1). The device is a virtio console of one port: what the host writes arrives in the
 * receive queue before and after; the transmit queue is not touched and goes on. Where the reset of
 * a queue was not negotiated, it has to be refused and everything goes on as before.
 */
#include <string.h>

#include "../checks.h"
#include "vireo.h"
#include "vireo/task.h"
#include "virtio/virtio.h"

enum { RX = 0, TX = 1, BUFFERS = 8, BYTES = 64 };

static struct virtio_device *device;
static char buffers[BUFFERS][BYTES], last[BYTES], reply[BYTES];
static unsigned sent;
static struct waitq changed;

static int post(char *buffer)
{
    struct virtq_seg seg = {hal_dma_addr(buffer, BYTES), BYTES};
    struct virtq_request request = {&seg, 0, 1, buffer};

    return virtq_submit(virtio_queue(device, RX), &request, 1);
}

static int probe(struct virtio_device *dev)
{
    static const struct virtq_config queues[] = {
        {.name = "rx", .size = BUFFERS, .max_segs = 1},
        {.name = "tx", .size = 4, .max_segs = 1, .expects_progress = true},
    };
    int err = device ? -EBUSY : virtio_setup_queues(dev, queues, 2);

    if (err)
        return err;
    device = dev;
    virtio_start(dev);
    for (unsigned i = 0; i < BUFFERS; i++)
        post(buffers[i]);
    return 0;
}

static bool service(struct virtio_device *dev)
{
    struct virtq_done done[BUFFERS];
    int n = virtq_reap(virtio_queue(dev, RX), done, BUFFERS);
    int m = virtq_reap(virtio_queue(dev, TX), done + (n > 0 ? n : 0), 1);

    for (int i = 0; i < n; i++) {
        memset(last, 0, sizeof(last));
        memcpy(last, done[i].cookie, done[i].len < BYTES ? done[i].len : BYTES - 1);
        post(done[i].cookie);
    }
    sent += m > 0;
    if (n > 0 || m > 0)
        waitq_wake_all(&changed);
    return n > 0 || m > 0;
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    (void)quarantine;
    for (unsigned i = 0; i < 2; i++)
        while (virtq_take_back(virtio_queue(dev, i)))
            continue;
}

VIRTIO_DRIVER(requeue) = {
    .device_id = VIRTIO_ID_CONSOLE,
    .prefix = "requeue",
    .probe = probe,
    .service = service,
    .dead = dead,
};

/* One word to the host; false: the device does not take it. */
static bool say(const char *text)
{
    struct virtq_seg seg;
    struct virtq_request request = {&seg, 1, 0, reply};
    unsigned before = sent;
    uint64_t deadline = hal_now_ns() + 40 * HAL_SEC;

    strcpy(reply, text);
    seg = (struct virtq_seg){hal_dma_addr(reply, strlen(reply)), (uint32_t)strlen(reply)};
    if (virtq_submit(virtio_queue(device, TX), &request, 1) != 1)
        return false;
    while (sent == before && waitq_wait(&changed, deadline) == 0)
        continue;
    return sent == before + 1;
}

/* Says the word until the host, who may not be listening yet, has sent it back. */
static void exchange(const char *want)
{
    uint64_t now, deadline = hal_now_ns() + 80 * HAL_SEC;
    bool said = true;

    while (said && !strstr(last, want) && (now = hal_now_ns()) < deadline) {
        said = say(want);
        waitq_wait(&changed, now + 300 * HAL_MS);
    }
    check(said && strstr(last, want), "the host's \"%s\" arrived", want);
}

static void reset_and_restart(struct virtq *q)
{
    unsigned back = 0;

    check(virtq_restart(q) == -EINVAL, "a queue that runs is not restarted");
    check(virtq_reset(q) == 0, "reset");
    check(virtq_restart(q) == -EBUSY, "not with buffers in it");
    while (virtq_take_back(q))
        back++;
    check(back == BUFFERS && virtq_in_flight(q) == 0, "%u buffers came back", back);
    check(virtq_restart(q) == 0, "restarted");
    for (unsigned i = 0; i < BUFFERS; i++)
        check(post(buffers[i]) == 1, "buffer %u", i);
}

int main(void)
{
    struct virtq *q = device ? virtio_queue(device, RX) : NULL;
    bool can = device && virtio_has(device, VIRTIO_F_RING_RESET);

    if (!check(q != NULL, "there is a console"))
        return checks_end();
    printf("requeue: reset of a queue: %s\n", can ? "yes" : "no");
    exchange("first");
    for (unsigned i = 0; can && i < 3; i++) {
        reset_and_restart(q);
        exchange(i == 0 ? "second" : i == 1 ? "third" : "fourth");
    }
    if (!can) {
        check(virtq_reset(q) == -ENOTSUP, "refused, as it was not negotiated");
        exchange("second");
    }
    return checks_end();
}
