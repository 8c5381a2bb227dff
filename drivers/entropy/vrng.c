/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.c - the virtio entropy device (virtio 1.4, section 5.4): one queue, one writable buffer at a
 * time. A refresh collects VRNG_BYTES: an answer may hold fewer bytes than the buffer has, and then
 * the device is asked again. Nobody waits for a refresh longer than VRNG_PATIENCE.
 */
#include "entropy/vrng.h"
#include "virtio/virtio.h"

#if VIREO_ENTROPY

const char vrng_linked[] = "vrng";

#define VRNG_BYTES     64              /* bytes of the buffer, and of a refresh */
#define VRNG_PATIENCE  (250 * HAL_MS)  /* upper bound of a wait for a refresh */
#define VRNG_PERIOD    (300 * HAL_SEC) /* from one refresh to the next */
#define VRNG_EMPTY_MAX 8               /* one more empty answer in a row: the device is broken */

struct vrng {
    struct virtio_device *dev;
    struct virtq *q;
    uint8_t *buf;
    uint64_t buf_dma;
    bool asked; /* the buffer is with the device */
    bool dead;
    bool silent;          /* the refresh did not end in time: nobody waits for the device */
    unsigned missing;     /* bytes until the refresh is complete */
    unsigned empty;       /* answers without a byte, since the last with one */
    uint64_t deadline_ns; /* when the refresh must be complete */
    uint64_t again_ns;    /* when the next refresh begins */
    uint64_t answers, bytes;
    struct vrng *next;
};

static struct vrng *vrngs;
static void (*on_change)(void);

static void vrng_changed(void)
{
    if (on_change)
        on_change();
}

/* ---- asking and taking ----------------------------------------------------------------------- */

/* Gives the device the buffer, unless the device has it or is dead. */
static void vrng_ask(struct vrng *r)
{
    struct virtq_seg seg = {r->buf_dma, VRNG_BYTES};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = r};

    if (r->asked || r->dead || virtq_submit(r->q, &request, 1) != 1)
        return;
    r->asked = true;
}

/* Is the refresh of this device worth waiting for? */
static bool vrng_is_awaited(const struct vrng *r)
{
    return r->missing && !r->dead && !r->silent && virtio_works(r->dev);
}

/* Begins a refresh, unless one is under way: that one keeps its deadline. */
static void vrng_refresh_one(struct vrng *r)
{
    uint64_t now = hal_now_ns();

    r->again_ns = now + VRNG_PERIOD;
    if (r->dead || vrng_is_awaited(r))
        return;
    r->deadline_ns = now + VRNG_PATIENCE;
    r->missing = VRNG_BYTES;
    vrng_ask(r);
    virtio_wake_at(r->dev, r->silent ? r->again_ns : r->deadline_ns);
}

/* An answer of len bytes. The queue has checked that len is at most VRNG_BYTES. */
static void vrng_take(struct vrng *r, uint32_t len)
{
    r->asked = false;
    r->answers++;
    r->bytes += len;
    if (!len && ++r->empty > VRNG_EMPTY_MAX) {
        virtio_fail(r->dev, "answers without a byte");
        r->missing = 0;
    } else if (len) {
        hal_entropy_add(r->buf, len);
        memset(r->buf, 0, VRNG_BYTES);
        r->empty = 0;
        r->missing -= len < r->missing ? len : r->missing;
    }
    if (r->missing) {
        vrng_ask(r);
        return;
    }
    r->silent = false;
    vrng_changed();
}

/* What is due: the end of waiting, the next refresh. Sets the time of the next look. */
static void vrng_check_time(struct vrng *r)
{
    uint64_t now = hal_now_ns();

    if (vrng_is_awaited(r) && now >= r->deadline_ns) {
        hal_log(HAL_WARN, virtio_name(r->dev),
                "no full answer within %u ms: no longer waiting for it",
                (unsigned)(VRNG_PATIENCE / HAL_MS));
        r->silent = true;
        vrng_changed();
    }
    if (now >= r->again_ns)
        vrng_refresh_one(r);
    virtio_wake_at(r->dev, vrng_is_awaited(r) ? r->deadline_ns : r->again_ns);
}

static bool vrng_service(struct virtio_device *dev)
{
    struct vrng *r = virtio_priv(dev);
    struct virtq_done done;
    bool did = virtq_reap(r->q, &done, 1) == 1;

    if (did)
        vrng_take(r, done.len);
    vrng_check_time(r);
    return did;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Makes the buffer, unless there is one: vrng_dead() frees it, or leaves it to the device. */
static int vrng_make_buffer(struct vrng *r)
{
    if (!r->buf)
        r->buf = hal_dma_alloc(VRNG_BYTES, 64, &r->buf_dma);
    return r->buf ? 0 : -ENOMEM;
}

static int vrng_probe(struct virtio_device *dev)
{
    static const struct virtq_config queue = {.name = "requests", .size = 2, .max_segs = 1};
    int err = virtio_setup_queues(dev, &queue, 1);
    struct vrng *r;

    if (err)
        return err;
    r = hal_alloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    err = vrng_make_buffer(r);
    if (err) {
        hal_free(r);
        return err;
    }
    r->dev = dev;
    r->q = virtio_queue(dev, 0);
    virtio_set_priv(dev, r);
    virtio_start(dev);
    vrng_refresh_one(r);
    HAL_LIST_APPEND(&vrngs, r);
    return 0;
}

/* Nobody waits for a device that is being reset. */
static void vrng_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vrng *r = virtio_priv(dev);

    while (virtq_take_back(q))
        r->asked = false;
    vrng_changed();
}

static int vrng_returned(struct virtio_device *dev)
{
    struct vrng *r = virtio_priv(dev);
    int err = vrng_make_buffer(r);

    if (err)
        return err;
    r->dead = false;
    r->empty = 0;
    return 0;
}

/* Asks for the rest of the refresh; if that was complete, begins another. */
static void vrng_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vrng *r = virtio_priv(dev);

    (void)q;
    if (r->missing)
        vrng_ask(r);
    else
        vrng_refresh_one(r);
}

static void vrng_dead(struct virtio_device *dev, bool quarantine)
{
    struct vrng *r = virtio_priv(dev);

    if (r->dead)
        return;
    r->dead = true;
    r->missing = 0;
    while (virtq_take_back(r->q))
        r->asked = false;
    if (!quarantine)
        hal_dma_free(r->buf, VRNG_BYTES);
    r->buf = NULL;
    vrng_changed();
}

/*
 * Waits for the first refresh of each device, before anything draws keys from the generator.
 * Services do not run yet, so the queue is reaped here. vrng_take() or vrng_check_time() ends the
 * wait; the latter logs a warning.
 */
static void vrng_first_bytes(void)
{
    for (struct vrng *r = vrngs; r; r = r->next)
        while (vrng_is_awaited(r) && virtq_state(r->q) == VIRTQ_OK) {
            vrng_service(r->dev);
            hal_relax();
        }
}

VIRTIO_DRIVER(vrng_driver) = {
    .device_id = VIRTIO_ID_ENTROPY,
    .prefix = "vrng",
    .probe = vrng_probe,
    .service = vrng_service,
    .queue_lost = vrng_queue_lost,
    .returned = vrng_returned,
    .queue_back = vrng_queue_back,
    .dead = vrng_dead,
    .scanned = vrng_first_bytes,
};

/* ---- for others ------------------------------------------------------------------------------ */

void vrng_refresh(void)
{
    for (struct vrng *r = vrngs; r; r = r->next)
        vrng_refresh_one(r);
}

bool vrng_pending(void)
{
    for (const struct vrng *r = vrngs; r; r = r->next)
        if (vrng_is_awaited(r))
            return true;
    return false;
}

void vrng_on_change(void (*fn)(void))
{
    on_change = fn;
}

int vrng_info(unsigned n, struct vrng_info *out)
{
    const struct vrng *r = vrngs;

    while (r && n--)
        r = r->next;
    if (!r)
        return -ENOENT;
    *out = (struct vrng_info){virtio_name(r->dev), !r->dead, r->silent, r->answers, r->bytes};
    return 0;
}

#endif
