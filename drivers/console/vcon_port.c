/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_port.c - the bytes of a port (virtio 1.4, section 5.3.6). What comes stays in its receive
 * buffer until it is read, and the buffer goes back to the device then: a reader that does not read
 * holds the host back. What goes is copied into a free transmit buffer, or not taken.
 */
#include "console/vcon_impl.h"

static void (*on_change)(struct vcon_port *p);

void vcon_on_change(void (*fn)(struct vcon_port *p))
{
    on_change = fn;
}

void vcon_changed(struct vcon_port *p)
{
    if (on_change)
        on_change(p);
}

/* ---- buffers --------------------------------------------------------------------------------- */

#define AREA ((size_t)(VCON_RX + VCON_TX) * VCON_BUF)

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static size_t rx_offset(const struct vcon_rx *rx)
{
    return (size_t)rx->number * VCON_BUF;
}

static size_t tx_offset(const struct vcon_tx *tx)
{
    return (size_t)(VCON_RX + tx->number) * VCON_BUF;
}

int vcon_port_prepare(struct vcon_port *p)
{
    if (!p->area)
        p->area = hal_dma_alloc(AREA, 64, &p->area_dma);
    return p->area ? 0 : -ENOMEM;
}

/* Gives receive buffers to the device: all at once, with one kick. */
static void post(struct vcon_port *p, struct vcon_rx *const *list, unsigned n)
{
    struct virtq_seg segs[VCON_RX];
    struct virtq_request requests[VCON_RX];

    for (unsigned i = 0; i < n; i++) {
        segs[i] = (struct virtq_seg){p->area_dma + rx_offset(list[i]), VCON_BUF};
        requests[i] = (struct virtq_request){.segs = &segs[i], .writable = 1, .cookie = list[i]};
    }
    if (n)
        virtq_submit(p->rxq, requests, n);
}

static void free_tx(struct vcon_port *p, struct vcon_tx *tx)
{
    tx->next = p->tx_free;
    p->tx_free = tx;
}

static void free_all_tx(struct vcon_port *p)
{
    p->tx_free = NULL;
    for (unsigned i = 0; i < p->tx_count; i++) {
        p->tx[i].number = (uint16_t)i;
        free_tx(p, &p->tx[i]);
    }
}

/* No more buffers than the queue has entries, so that what is given is always taken. */
static void first_buffers(struct vcon_port *p)
{
    unsigned n = least(VCON_RX, virtq_free_slots(p->rxq));
    struct vcon_rx *list[VCON_RX];

    for (unsigned i = 0; i < n; i++) {
        p->rx[i] = (struct vcon_rx){.port = p, .number = (uint16_t)i};
        list[i] = &p->rx[i];
    }
    post(p, list, n);
    p->rx_count = n;
    p->tx_count = least(VCON_TX, virtq_free_slots(p->txq));
    free_all_tx(p);
}

/* Gives filled transmit buffers to the device, in this order; bytes that it did not take. */
static size_t submit_tx(struct vcon_port *p, struct vcon_tx *const *list, unsigned n)
{
    struct virtq_seg segs[VCON_TX];
    struct virtq_request requests[VCON_TX];
    size_t left = 0;
    int taken;

    for (unsigned i = 0; i < n; i++) {
        list[i]->order = p->next_order++;
        segs[i] = (struct virtq_seg){p->area_dma + tx_offset(list[i]), list[i]->len};
        requests[i] = (struct virtq_request){.segs = &segs[i], .readable = 1, .cookie = list[i]};
    }
    taken = n ? virtq_submit(p->txq, requests, n) : 0;
    for (unsigned i = taken > 0 ? (unsigned)taken : 0; i < n; i++) {
        left += list[i]->len; /* the queue broke in between */
        free_tx(p, list[i]);
    }
    return left;
}

static void drop_input(struct vcon_port *p)
{
    unsigned n = p->filled_count;

    p->filled_count = 0;
    post(p, p->filled, n);
}

/* ---- coming and going ------------------------------------------------------------------------ */

void vcon_port_add(struct vcon_port *p)
{
    if (!p->incarnation++)
        first_buffers(p);
    else
        drop_input(p);
    p->present = true;
    p->label[0] = '\0';
    p->console = p->host_open = p->has_size = false;
    vcon_changed(p);
}

void vcon_port_remove(struct vcon_port *p)
{
    p->present = p->console = p->host_open = p->guest_open = false;
    p->tell_ready = p->tell_open = p->awaited = p->was_open = false;
    while (p->again_count)
        free_tx(p, p->again[--p->again_count]);
    vcon_changed(p);
}

void vcon_port_free(struct vcon_port *p, bool quarantine)
{
    while (virtq_take_back(p->rxq) || virtq_take_back(p->txq))
        continue;
    p->filled_count = p->again_count = 0;
    p->tx_free = NULL;
    if (!quarantine && p->area)
        hal_dma_free(p->area, AREA);
    p->area = NULL;
}

/* ---- recovery -------------------------------------------------------------------------------- */

/* By when they were given to the device: take_back knows no order. */
static void send_again(struct vcon_port *p, struct vcon_tx *tx)
{
    unsigned at = p->again_count++;

    for (; at && (int32_t)(p->again[at - 1]->order - tx->order) > 0; at--)
        p->again[at] = p->again[at - 1];
    p->again[at] = tx;
}

/*
 * What was received and not read stays. What the device had to send and did not say it has sent is
 * kept: the host may see some of it twice, and none of it is lost.
 */
void vcon_port_lost(struct vcon_port *p, struct virtq *q)
{
    void *cookie;

    while ((cookie = virtq_take_back(q)))
        if (q == p->txq)
            send_again(p, cookie);
}

static bool is_filled(const struct vcon_port *p, const struct vcon_rx *rx)
{
    for (unsigned i = 0; i < p->filled_count; i++)
        if (p->filled[i] == rx)
            return true;
    return false;
}

static void post_all(struct vcon_port *p)
{
    struct vcon_rx *list[VCON_RX];
    unsigned n = 0;

    for (unsigned i = 0; i < p->rx_count; i++)
        if (!is_filled(p, &p->rx[i]))
            list[n++] = &p->rx[i];
    post(p, list, n);
}

void vcon_port_back(struct vcon_port *p, struct virtq *q)
{
    unsigned n = p->again_count;

    if (!p->incarnation)
        return;
    if (q == p->rxq) {
        post_all(p);
        return;
    }
    p->again_count = 0;
    submit_tx(p, p->again, n);
    vcon_changed(p);
}

int vcon_port_revive(struct vcon_port *p)
{
    if (!p->incarnation)
        return 0;
    p->empty = 0;
    free_all_tx(p);
    return vcon_port_prepare(p);
}

/* ---- service --------------------------------------------------------------------------------- */

static bool reap_tx(struct vcon_port *p)
{
    struct virtq_done done[VCON_TX];
    int n = virtq_reap(p->txq, done, VCON_TX);

    for (int i = 0; i < n; i++) /* the length means nothing here: the device writes nothing */
        free_tx(p, done[i].cookie);
    return n > 0;
}

/* A buffer came back; true if there is something to read in it. */
static bool take(struct vcon_port *p, struct vcon_rx *rx, uint32_t len)
{
    if (!len && ++p->empty > VCON_EMPTY)
        virtio_fail(p->con->dev, "receive buffers come back without a byte");
    if (!len || !p->present)
        return false;
    p->empty = 0;
    rx->at = 0;
    rx->len = (uint16_t)len; /* at most VCON_BUF: the queue checks it */
    p->filled[p->filled_count++] = rx;
    return true;
}

static bool reap_rx(struct vcon_port *p)
{
    struct virtq_done done[VCON_RX];
    struct vcon_rx *back[VCON_RX] = {NULL};
    int n = virtq_reap(p->rxq, done, VCON_RX);
    unsigned again = 0;

    for (int i = 0; i < n; i++)
        if (!take(p, done[i].cookie, done[i].len))
            back[again++] = done[i].cookie;
    post(p, back, again);
    return n > 0;
}

bool vcon_port_service(struct vcon_port *p)
{
    bool did;

    if (!p->incarnation)
        return false;
    did = reap_tx(p);
    did |= reap_rx(p);
    if (did)
        vcon_changed(p);
    return did;
}

/* ---- for the file of the port ---------------------------------------------------------------- */

size_t vcon_readable(const struct vcon_port *p)
{
    size_t sum = 0;

    for (unsigned i = 0; i < p->filled_count; i++)
        sum += (size_t)(p->filled[i]->len - p->filled[i]->at);
    return sum;
}

/* The first n filled buffers were read to their end. */
static void recycle(struct vcon_port *p, unsigned n)
{
    post(p, p->filled, n);
    p->filled_count -= n;
    for (unsigned i = 0; i < p->filled_count; i++)
        p->filled[i] = p->filled[i + n];
}

size_t vcon_read(struct vcon_port *p, void *buf, size_t len)
{
    unsigned finished = 0;
    size_t done = 0;

    while (done < len && finished < p->filled_count) {
        struct vcon_rx *rx = p->filled[finished];
        size_t n = rx->len - rx->at;

        n = n < len - done ? n : len - done;
        memcpy((char *)buf + done, p->area + rx_offset(rx) + rx->at, n);
        rx->at = (uint16_t)(rx->at + n);
        done += n;
        finished += rx->at == rx->len;
    }
    if (finished)
        recycle(p, finished);
    return done;
}

bool vcon_writable(const struct vcon_port *p)
{
    return p->present && p->tx_free && (p->host_open || p->console) &&
           virtq_state(p->txq) == VIRTQ_OK;
}

size_t vcon_write(struct vcon_port *p, const void *buf, size_t len)
{
    struct vcon_tx *list[VCON_TX];
    unsigned n = 0;
    size_t done = 0;

    while (done < len && vcon_writable(p)) {
        struct vcon_tx *tx = p->tx_free;
        size_t piece = len - done < VCON_BUF ? len - done : VCON_BUF;

        p->tx_free = tx->next;
        memcpy(p->area + tx_offset(tx), (const char *)buf + done, piece);
        tx->len = (uint16_t)piece;
        list[n++] = tx;
        done += piece;
    }
    return done - submit_tx(p, list, n);
}

bool vcon_unsent(const struct vcon_port *p)
{
    return p->present && (virtq_in_flight(p->txq) || p->again_count);
}

static void say_open(struct vcon_port *p)
{
    if (!p->con->multiport || !p->present)
        return;
    p->tell_open = true;
    vcon_control_send(p->con);
}

int vcon_open(struct vcon_port *p)
{
    if (!p->present)
        return -ENODEV;
    if (p->guest_open)
        return -EBUSY;
    p->guest_open = true;
    say_open(p);
    return 0;
}

void vcon_close(struct vcon_port *p)
{
    p->guest_open = false;
    drop_input(p);
    say_open(p);
}
