/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock.c - virtio socket device: probe, events, death (virtio 1.4, sections 5.10.2 to 5.10.5 and
 * 5.10.6.7).
 *
 * Stream sockets only: SEQPACKET is not known here, so never accepted. No legacy interface is
 * defined for this device; one that has only that is driven by the same rules.
 */
#include "vsock/vsock_impl.h"

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

void vsock_get_stats(struct vsock_stats *out)
{
    *out = (struct vsock_stats){0};
    if (vsock_device)
        *out = vsock_device->stats;
}

/* Section 5.10.4: the upper half is 0, and some ids belong to others. */
static int read_cid(struct vsock *v)
{
    uint64_t cid;
    int err = virtio_config_read64(v->dev, VIRTIO_VSOCK_CFG_GUEST_CID, &cid);

    if (err)
        return err;
    if (cid <= VSOCK_CID_HOST || cid >= VSOCK_CID_NONE) {
        hal_log(HAL_ERROR, virtio_name(v->dev), "guest_cid 0x%llx is reserved, or too long",
                (unsigned long long)cid);
        return -EINVAL;
    }
    v->cid = (uint32_t)cid;
    return 0;
}

/* Section 5.10.3: without NO_IMPLIED_STREAM, streams are there whatever was negotiated. */
static int check_stream(struct vsock *v)
{
    if (!virtio_has(v->dev, VIRTIO_VSOCK_F_NO_IMPLIED_STREAM) ||
        virtio_has(v->dev, VIRTIO_VSOCK_F_STREAM))
        return 0;
    hal_log(HAL_ERROR, virtio_name(v->dev), "the device has no stream sockets");
    return -ENOTSUP;
}

/* ---- events (section 5.10.6.7) --------------------------------------------------------------- */

static void post_events(struct vsock *v, const struct virtq_done *done, unsigned n)
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
        virtio_fail(v->dev, "the event queue does not take its buffers back");
}

static void forget_connections(struct vsock *v, int error)
{
    vsock_conn_end_all(v, error);
    v->reply_count = 0;
}

void vsock_transport_reset(struct vsock *v)
{
    hal_log(HAL_INFO, virtio_name(v->dev), "transport reset: all connections are gone");
    forget_connections(v, -ECONNRESET);
    if (read_cid(v))
        virtio_fail(v->dev, "no valid CID after a transport reset");
}

static bool events_service(struct vsock *v)
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
    post_events(v, done, (unsigned)n);
    if (reset)
        vsock_transport_reset(v);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int setup_queues(struct vsock *v)
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

static int make_buffers(struct vsock *v)
{
    int err;

    v->events = hal_dma_alloc(VSOCK_EVENTS * 4, 16, &v->events_dma);
    if (!v->events)
        return -ENOMEM;
    err = vsock_tx_setup(v);
    return err ? err : vsock_rx_setup(v);
}

/* All that the device does not have. */
static void free_buffers(struct vsock *v)
{
    vsock_tx_free_all(v);
    vsock_rx_free_all(v);
    if (v->events)
        hal_dma_free(v->events, VSOCK_EVENTS * 4);
    v->events = NULL;
}

static int setup(struct vsock *v)
{
    int err;

    if ((err = check_stream(v)) || (err = read_cid(v)) || (err = setup_queues(v)))
        return err;
    return make_buffers(v);
}

static void post_all_events(struct vsock *v)
{
    unsigned size = virtq_size(v->eventq);

    post_events(v, NULL, size < VSOCK_EVENTS ? size : VSOCK_EVENTS);
}

static int vsock_probe(struct virtio_device *dev)
{
    struct vsock *v;
    int err;

    if (vsock_device) {
        hal_log(HAL_WARN, virtio_name(dev), "one socket device is used, and there is one already");
        return -EBUSY;
    }
    v = hal_alloc(sizeof(*v));
    if (!v)
        return -ENOMEM;
    v->dev = dev;
    v->deadline = HAL_NEVER;
    err = setup(v);
    if (err) {
        free_buffers(v);
        hal_free(v);
        return err;
    }
    virtio_set_priv(dev, v);
    virtio_start(dev);
    post_all_events(v);
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

    did |= events_service(v);
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
 * Whichever queue it was, packets or the news of a transport reset may be lost with it: no stream
 * is whole any more. Listeners stay.
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
    forget_connections(v, -ECONNRESET);
}

/* After its death there is no buffer left; else all are here. */
static int vsock_returned(struct virtio_device *dev)
{
    struct vsock *v = virtio_priv(dev);
    int err = read_cid(v);

    if (err || !v->dead)
        return err;
    v->quarantine = false;
    err = make_buffers(v);
    if (err)
        free_buffers(v);
    v->dead = err;
    return err;
}

static void vsock_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vsock *v = virtio_priv(dev);

    if (q == v->rxq)
        vsock_rx_post(v);
    else if (q == v->eventq)
        post_all_events(v);
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
    forget_connections(v, -EIO);
    vsock_listeners_notify();
    vsock_tx_take_back(v);
    vsock_rx_take_back(v);
    while (virtq_take_back(v->eventq))
        continue;
    if (quarantine)
        v->events = NULL;
    free_buffers(v);
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
