/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock.c - virtio socket device: probe, events, recovery (virtio 1.4, sections 5.10.2 to 5.10.5
 * and 5.10.6.7).
 *
 * Stream sockets only: the feature SEQPACKET is not in the list, so it is never accepted. The
 * standard defines no legacy interface for this device; a device with legacy registers is driven by
 * the same rules.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

static const struct virtio_feature vsock_features[] = {
    {VIRTIO_VSOCK_F_STREAM, "stream", {0, 0}},
    {VIRTIO_VSOCK_F_NO_IMPLIED_STREAM, "no_implied_stream", {0, 0}},
};

struct vsock *vsock_device;

bool vsock_up(void)
{
    return vsock_device && !vsock_device->dead;
}

uint32_t vsock_cid(void)
{
    return vsock_up() ? vsock_device->cid : VSOCK_CID_NONE;
}

/* Section 5.10.4: the upper half is 0, and some CIDs are reserved. */
static int vsock_read_cid(struct vsock *v)
{
    uint64_t cid;
    int err = virtio_config_read64(v->dev, VIRTIO_VSOCK_CFG_GUEST_CID, &cid);

    if (err)
        return err;
    if (cid <= VSOCK_CID_HOST || cid >= VSOCK_CID_NONE) {
        hal_log(HAL_ERROR, virtio_name(v->dev),
                "guest_cid 0x%llx is reserved, or has more than 32 bits", (unsigned long long)cid);
        return -EINVAL;
    }
    v->cid = (uint32_t)cid;
    return 0;
}

/* Section 5.10.3: a device without NO_IMPLIED_STREAM has streams, whatever was negotiated. */
static int vsock_check_stream(struct vsock *v)
{
    if (!virtio_has(v->dev, VIRTIO_VSOCK_F_NO_IMPLIED_STREAM) ||
        virtio_has(v->dev, VIRTIO_VSOCK_F_STREAM))
        return 0;
    hal_log(HAL_ERROR, virtio_name(v->dev), "the device has no stream sockets");
    return -ENOTSUP;
}

/* ---- events (section 5.10.6.7) --------------------------------------------------------------- */

/* Posts the buffers of n used events; the first n buffers if done is NULL. */
static void vsock_post_events(struct vsock *v, const struct virtq_done *done, unsigned n)
{
    struct virtq_seg segs[VSOCK_EVENTS];
    struct virtq_request requests[VSOCK_EVENTS];

    for (unsigned i = 0; i < n; i++) {
        uint32_t *event = done ? done[i].cookie : &v->events[i];

        *event = UINT32_MAX;
        segs[i] = (struct virtq_seg){v->events_dma + 4 * (uint64_t)(event - v->events), 4};
        requests[i] = (struct virtq_request){&segs[i], 0, 1, event};
    }
    if (virtq_submit(v->eventq, requests, n) != (int)n && virtq_state(v->eventq) == VIRTQ_OK)
        virtio_fail(v->dev, "the event queue refuses its buffers");
}

static void vsock_forget_connections(struct vsock *v, int error)
{
    vsock_conn_end_all(v, error);
    v->reply_count = 0;
}

void vsock_transport_reset(struct vsock *v)
{
    hal_log(HAL_INFO, virtio_name(v->dev), "transport reset: all connections are reset");
    vsock_forget_connections(v, -ECONNRESET);
    if (vsock_read_cid(v))
        virtio_fail(v->dev, "no valid CID after a transport reset");
}

static bool vsock_events_service(struct vsock *v)
{
    struct virtq_done done[VSOCK_EVENTS];
    int n = virtq_reap(v->eventq, done, VSOCK_EVENTS);
    bool reset = false;

    if (n <= 0)
        return false;
    for (int i = 0; i < n; i++) {
        uint32_t id = hal_shared_load32(done[i].cookie);

        v->stats.events++;
        if (done[i].len >= 4 && id == VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)
            reset = true;
        else
            v->stats.events_bad++;
    }
    vsock_post_events(v, done, (unsigned)n);
    if (reset)
        vsock_transport_reset(v);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int vsock_setup_queues(struct vsock *v)
{
    static const struct virtq_config queues[] = {
        [VIRTIO_VSOCK_Q_RX] = {.name = "rx", .size = VSOCK_RING, .max_segs = 1},
        [VIRTIO_VSOCK_Q_TX] = {.name = "tx",
                               .size = VSOCK_RING,
                               .max_segs = 1,
                               .expects_progress = true,
                               .lazy = true},
        [VIRTIO_VSOCK_Q_EVENT] = {.name = "event", .size = VSOCK_EVENTS, .max_segs = 1},
    };
    int err = virtio_setup_queues(v->dev, queues, 3);

    v->rxq = virtio_queue(v->dev, VIRTIO_VSOCK_Q_RX);
    v->txq = virtio_queue(v->dev, VIRTIO_VSOCK_Q_TX);
    v->eventq = virtio_queue(v->dev, VIRTIO_VSOCK_Q_EVENT);
    return err;
}

static int vsock_make_buffers(struct vsock *v)
{
    int err;

    v->events = hal_dma_alloc(VSOCK_EVENTS * 4, 16, &v->events_dma);
    if (!v->events)
        return -ENOMEM;
    err = vsock_tx_setup(v);
    return err ? err : vsock_rx_setup(v);
}

/* Frees all buffers that neither the device nor a connection has. */
static void vsock_free_buffers(struct vsock *v)
{
    vsock_tx_free_all(v);
    vsock_rx_free_all(v);
    if (v->events)
        hal_dma_free(v->events, VSOCK_EVENTS * 4);
    v->events = NULL;
}

static int vsock_setup(struct vsock *v)
{
    int err;

    if ((err = vsock_check_stream(v)) || (err = vsock_read_cid(v)) || (err = vsock_setup_queues(v)))
        return err;
    return vsock_make_buffers(v);
}

static void vsock_post_all_events(struct vsock *v)
{
    unsigned size = virtq_size(v->eventq);

    vsock_post_events(v, NULL, size < VSOCK_EVENTS ? size : VSOCK_EVENTS);
}

static int vsock_probe(struct virtio_device *dev)
{
    struct vsock *v;
    int err;

    if (vsock_device) {
        hal_log(HAL_WARN, virtio_name(dev),
                "not used: an image has one socket device, and there is one");
        return -EBUSY;
    }
    v = hal_alloc(sizeof(*v));
    if (!v)
        return -ENOMEM;
    v->dev = dev;
    v->deadline = HAL_NEVER;
    err = vsock_setup(v);
    if (err) {
        vsock_free_buffers(v);
        hal_free(v);
        return err;
    }
    virtio_set_priv(dev, v);
    virtio_start(dev);
    vsock_post_all_events(v);
    vsock_rx_post(v);
    vsock_device = v;
    hal_log(HAL_INFO, virtio_name(dev), "cid %u", v->cid);
    return 0;
}

static bool vsock_service(struct virtio_device *dev)
{
    struct vsock *v = virtio_priv(dev);
    uint64_t now = hal_now_ns();
    bool did = vsock_tx_reap(v);

    did |= vsock_events_service(v);
    if (now >= v->deadline)
        vsock_conn_timeouts(v, now);
    vsock_tx_flush(v);
    if (vsock_rx_service(v)) {
        vsock_tx_flush(v);
        did = true;
    }
    if (v->deadline != HAL_NEVER)
        virtio_wake_at(dev, v->deadline);
    return did;
}

/*
 * With any of the queues, packets or the event of a transport reset may be lost: so all connections
 * end. Listeners stay.
 */
static void vsock_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vsock *v = virtio_priv(dev);

    if (q == v->txq)
        vsock_tx_take_back(v);
    else if (q == v->rxq)
        vsock_rx_take_back(v);
    while (virtq_take_back(q))
        continue;
    vsock_forget_connections(v, -ECONNRESET);
}

/* A device that was dead has no buffers left; after a mere reset all are here. */
static int vsock_returned(struct virtio_device *dev)
{
    struct vsock *v = virtio_priv(dev);
    int err = vsock_read_cid(v);

    if (err || !v->dead)
        return err;
    v->quarantine = false;
    err = vsock_make_buffers(v);
    if (err)
        vsock_free_buffers(v);
    v->dead = err;
    return err;
}

static void vsock_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vsock *v = virtio_priv(dev);

    if (q == v->rxq)
        vsock_rx_post(v);
    else if (q == v->eventq)
        vsock_post_all_events(v);
    else
        vsock_conn_room(v);
}

static void vsock_dead(struct virtio_device *dev, bool quarantine)
{
    struct vsock *v = virtio_priv(dev);

    if (v->dead)
        return;
    v->dead = true;
    v->quarantine = quarantine;
    vsock_forget_connections(v, -EIO);
    vsock_listeners_notify();
    vsock_tx_take_back(v);
    vsock_rx_take_back(v);
    while (virtq_take_back(v->eventq))
        continue;
    if (quarantine)
        v->events = NULL;
    vsock_free_buffers(v);
}

VIRTIO_DRIVER(vsock_driver) = {
    .device_id = VIRTIO_ID_VSOCK,
    .prefix = "vsock",
    .features = vsock_features,
    .feature_count = sizeof(vsock_features) / sizeof(vsock_features[0]),
    .probe = vsock_probe,
    .service = vsock_service,
    .queue_lost = vsock_queue_lost,
    .returned = vsock_returned,
    .queue_back = vsock_queue_back,
    .dead = vsock_dead,
};

#endif
