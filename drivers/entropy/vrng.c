/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.c - the virtio entropy device (virtio 1.4, section 5.4): one queue, one writable buffer at a
 * time. An answer may hold any number of bytes from 1 to what was asked for; the rest is asked for
 * again. Nothing waits for a device longer than VRNG_PATIENCE.
 */
#include "entropy/vrng.h"
#include "virtio/virtio.h"

const char vrng_linked[] = "vrng";

#define VRNG_BYTES     64 /* of the buffer, and what one refresh collects */
#define VRNG_PATIENCE  (250 * HAL_MS)
#define VRNG_PERIOD    (300 * HAL_SEC) /* from one refresh to the next */
#define VRNG_EMPTY_MAX 8               /* answers without a byte in a row: it is broken */

struct vrng {
    struct virtio_device *dev;
    struct virtq *q;
    uint8_t *buf;
    uint64_t buf_dma;
    bool asked; /* the buffer is with the device */
    bool dead;
    bool silent;
    unsigned missing; /* bytes until the refresh is complete */
    unsigned empty;   /* answers without a byte, since the last with one */
    uint64_t deadline_ns, again_ns;
    uint64_t answers, bytes;
    struct vrng *next;
};

static struct vrng *vrngs;
static void (*on_change)(void);

static void changed(void)
{
    if (on_change)
        on_change();
}

/* ---- asking and taking ----------------------------------------------------------------------- */

static void ask(struct vrng *r)
{
    struct virtq_seg seg = {r->buf_dma, VRNG_BYTES};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = r};

    if (r->asked || r->dead || virtq_submit(r->q, &request, 1) != 1)
        return;
    r->asked = true;
}

static bool waits(const struct vrng *r)
{
    return r->missing && !r->dead && !r->silent && virtio_works(r->dev);
}

/* One deadline for all the answers that it takes; whoever asks meanwhile does not move it. */
static void refresh(struct vrng *r)
{
    uint64_t now = hal_now_ns();

    r->again_ns = now + VRNG_PERIOD;
    if (r->dead || waits(r))
        return;
    r->deadline_ns = now + VRNG_PATIENCE;
    r->missing = VRNG_BYTES;
    ask(r);
    virtio_wake_at(r->dev, r->silent ? r->again_ns : r->deadline_ns);
}

/* len is at most VRNG_BYTES: the queue checks it against what was posted. */
static void take(struct vrng *r, uint32_t len)
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
        ask(r);
        return;
    }
    r->silent = false;
    changed();
}

static void look_at_clock(struct vrng *r)
{
    uint64_t now = hal_now_ns();

    if (waits(r) && now >= r->deadline_ns) {
        hal_log(HAL_WARN, virtio_name(r->dev),
                "no full answer within %u ms: not waited for any more",
                (unsigned)(VRNG_PATIENCE / HAL_MS));
        r->silent = true;
        changed();
    }
    if (now >= r->again_ns)
        refresh(r);
    virtio_wake_at(r->dev, waits(r) ? r->deadline_ns : r->again_ns);
}

static bool vrng_service(struct virtio_device *dev)
{
    struct vrng *r = virtio_priv(dev);
    struct virtq_done done;
    bool did = virtq_reap(r->q, &done, 1) == 1;

    if (did)
        take(r, done.len);
    look_at_clock(r);
    return did;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void append(struct vrng *r)
{
    struct vrng **at = &vrngs;

    while (*at)
        at = &(*at)->next;
    *at = r;
}

/* The buffer is made here; one that a device never let go of is never used again. */
static int make_buffer(struct vrng *r)
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
    err = make_buffer(r);
    if (err) {
        hal_free(r);
        return err;
    }
    r->dev = dev;
    r->q = virtio_queue(dev, 0);
    virtio_set_priv(dev, r);
    virtio_start(dev);
    refresh(r);
    append(r);
    return 0;
}

/* Nobody waits for a device that is being reset. */
static void vrng_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vrng *r = virtio_priv(dev);

    while (virtq_take_back(q))
        r->asked = false;
    changed();
}

static int vrng_returned(struct virtio_device *dev)
{
    struct vrng *r = virtio_priv(dev);
    int err = make_buffer(r);

    if (err)
        return err;
    r->dead = false;
    r->empty = 0;
    return 0;
}

/* It is asked for what it still owes, or anew: what it gave before may be all that it had. */
static void vrng_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vrng *r = virtio_priv(dev);

    (void)q;
    if (r->missing)
        ask(r);
    else
        refresh(r);
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
    changed();
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
};

/* ---- for others ------------------------------------------------------------------------------ */

void vrng_refresh(void)
{
    for (struct vrng *r = vrngs; r; r = r->next)
        refresh(r);
}

bool vrng_pending(void)
{
    for (const struct vrng *r = vrngs; r; r = r->next)
        if (waits(r))
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

/*
 * Before anything draws its keys: each device's first bytes, or a warning. Services do not run yet,
 * so the queue is asked here; take() or look_at_clock() ends the wait of each device.
 */
static void first_bytes(void)
{
    for (struct vrng *r = vrngs; r; r = r->next)
        while (waits(r) && virtq_state(r->q) == VIRTQ_OK) {
            vrng_service(r->dev);
            hal_relax();
        }
}
HAL_INIT(HAL_INIT_DEVICE, first_bytes);
