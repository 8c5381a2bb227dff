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
    if (virtq_submit(v->eventq, requests, n) != (int)n)
        virtio_fail(v->dev, "the event queue does not take its buffers back");
}

void vsock_transport_reset(struct vsock *v)
{
    hal_log(HAL_INFO, virtio_name(v->dev), "transport reset: all connections are gone");
    vsock_conn_end_all(v, -ECONNRESET);
    v->reply_count = 0;
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

static int setup(struct vsock *v)
{
    int err;

    if ((err = check_stream(v)) || (err = read_cid(v)) || (err = setup_queues(v)))
        return err;
    v->events = hal_dma_alloc(VSOCK_EVENTS * 4, 16, &v->events_dma);
    if (!v->events)
        return -ENOMEM;
    if ((err = vsock_tx_setup(v)) || (err = vsock_rx_setup(v)))
        return err;
    return 0;
}

/* Nothing was given to the device yet. */
static void undo(struct vsock *v)
{
    v->rxq = v->txq = NULL;
    vsock_tx_dead(v);
    vsock_rx_dead(v);
    if (v->events)
        hal_dma_free(v->events, VSOCK_EVENTS * 4);
    hal_free(v);
}

static int vsock_probe(struct virtio_device *dev)
{
    unsigned events;
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
        undo(v);
        return err;
    }
    virtio_set_priv(dev, v);
    virtio_start(dev);
    events = virtq_size(v->eventq);
    post_events(v, NULL, events < VSOCK_EVENTS ? events : VSOCK_EVENTS);
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

static void vsock_dead(struct virtio_device *dev, bool quarantine)
{
    struct vsock *v = virtio_priv(dev);

    if (v->dead)
        return;
    v->dead = true;
    v->quarantine = quarantine;
    vsock_conn_end_all(v, -EIO);
    vsock_listeners_notify();
    vsock_tx_dead(v);
    vsock_rx_dead(v);
    while (virtq_take_back(v->eventq))
        ;
    if (!quarantine)
        hal_dma_free(v->events, VSOCK_EVENTS * 4);
}

VIRTIO_DRIVER(vsock_driver) = {
    .device_id = VIRTIO_ID_VSOCK,
    .prefix = "vsock",
    .features = vsock_features,
    .feature_count = sizeof(vsock_features) / sizeof(vsock_features[0]),
    .probe = vsock_probe,
    .service = vsock_service,
    .dead = vsock_dead,
};
