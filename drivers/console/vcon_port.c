/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_port.c - a port: its state, and its bytes (virtio 1.4, section 5.3.6). Received bytes stay
 * in their receive buffer until they are read; then the buffer goes back to the device. So the host
 * has to wait for a reader that does not read. Bytes to send are copied into free transmit buffers,
 * or not taken.
 */
#include "console/vcon_impl.h"

#if VIREO_CONSOLE

VIRTIO_LINK_DRIVER(vcon_driver); /* vcon_on_change() alone would leave it out */
static void (*vcon_listener)(struct vcon_port *p);

void vcon_on_change(void (*fn)(struct vcon_port *p))
{
    vcon_listener = fn;
}

static void vcon_changed(struct vcon_port *p)
{
    if (vcon_listener)
        vcon_listener(p);
}

/* ---- buffers --------------------------------------------------------------------------------- */

#define VCON_AREA ((size_t)(VCON_RX + VCON_TX) * VCON_BUF)

static unsigned vcon_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static size_t vcon_rx_offset(const struct vcon_rx *rx)
{
    return (size_t)rx->number * VCON_BUF;
}

static size_t vcon_tx_offset(const struct vcon_tx *tx)
{
    return (size_t)(VCON_RX + tx->number) * VCON_BUF;
}

int vcon_port_prepare(struct vcon_port *p)
{
    if (!p->area)
        p->area = hal_dma_alloc(VCON_AREA, 64, &p->area_dma);
    return p->area ? 0 : -ENOMEM;
}

/* Gives n receive buffers to the device, with one kick. */
static void vcon_rx_post(struct vcon_port *p, struct vcon_rx *const *list, unsigned n)
{
    struct virtq_seg segs[VCON_RX];
    struct virtq_request requests[VCON_RX];

    for (unsigned i = 0; i < n; i++) {
        segs[i] = (struct virtq_seg){p->area_dma + vcon_rx_offset(list[i]), VCON_BUF};
        requests[i] = (struct virtq_request){.segs = &segs[i], .writable = 1, .cookie = list[i]};
    }
    if (n)
        virtq_submit(p->rxq, requests, n);
}

static void vcon_tx_free(struct vcon_port *p, struct vcon_tx *tx)
{
    tx->next = p->tx_free;
    p->tx_free = tx;
}

static void vcon_tx_free_all(struct vcon_port *p)
{
    p->tx_free = NULL;
    for (unsigned i = 0; i < p->tx_count; i++) {
        p->tx[i].number = (uint16_t)i;
        vcon_tx_free(p, &p->tx[i]);
    }
}

/* Uses no more buffers than the queues have entries, so that a queue never refuses one. */
static void vcon_port_first_buffers(struct vcon_port *p)
{
    unsigned n = vcon_least(VCON_RX, virtq_free_slots(p->rxq));
    struct vcon_rx *list[VCON_RX];

    for (unsigned i = 0; i < n; i++) {
        p->rx[i] = (struct vcon_rx){.port = p, .number = (uint16_t)i};
        list[i] = &p->rx[i];
    }
    vcon_rx_post(p, list, n);
    p->rx_count = n;
    p->tx_count = vcon_least(VCON_TX, virtq_free_slots(p->txq));
    vcon_tx_free_all(p);
}

/* Gives n filled transmit buffers to the device, in this order; the bytes that it did not take. */
static size_t vcon_tx_submit(struct vcon_port *p, struct vcon_tx *const *list, unsigned n)
{
    struct virtq_seg segs[VCON_TX];
    struct virtq_request requests[VCON_TX];
    size_t left = 0;
    int taken;

    for (unsigned i = 0; i < n; i++) {
        list[i]->order = p->next_order++;
        segs[i] = (struct virtq_seg){p->area_dma + vcon_tx_offset(list[i]), list[i]->len};
        requests[i] = (struct virtq_request){.segs = &segs[i], .readable = 1, .cookie = list[i]};
    }
    taken = n ? virtq_submit(p->txq, requests, n) : 0;
    for (unsigned i = taken > 0 ? (unsigned)taken : 0; i < n; i++) {
        left += list[i]->len; /* the queue broke meanwhile */
        vcon_tx_free(p, list[i]);
    }
    return left;
}

/* Drops what was received and not read. */
static void vcon_rx_drop(struct vcon_port *p)
{
    unsigned n = p->filled_count;

    p->filled_count = 0;
    vcon_rx_post(p, p->filled, n);
}

/* ---- state ----------------------------------------------------------------------------------- */

static void vcon_port_become(struct vcon_port *p, enum vcon_port_state to)
{
    static const uint8_t legal[] = {
        /* the device announced it */
        [VCON_ABSENT] = 1 << VCON_PRESENT,
        /* ABSENT: the device took it away. AWAITED: the device was reset, and is to announce it */
        [VCON_PRESENT] = 1 << VCON_ABSENT | 1 << VCON_AWAITED,
        /* PRESENT: it was announced again. ABSENT: it was not, in time */
        [VCON_AWAITED] = 1 << VCON_ABSENT | 1 << VCON_PRESENT,
    };

    hal_debug_assert(legal[p->state] >> to & 1);
    p->state = to;
}

int vcon_port_add(struct vcon_port *p)
{
    bool simple = !p->con->multiport;

    p->refused = vcon_port_prepare(p) != 0;
    p->tell_ready = !simple;
    if (p->refused)
        return -ENOMEM;
    if (!p->incarnation++)
        vcon_port_first_buffers(p);
    else
        vcon_rx_drop(p);
    vcon_port_become(p, VCON_PRESENT);
    p->label[0] = '\0';
    p->console = p->host_open = simple;
    p->has_size = false;
    vcon_changed(p);
    return 0;
}

void vcon_port_remove(struct vcon_port *p)
{
    if (vcon_is_present(p))
        vcon_port_become(p, VCON_ABSENT);
    p->console = p->host_open = p->guest_open = p->was_open = false;
    p->tell_ready = p->tell_open = false;
    while (p->again_count)
        vcon_tx_free(p, p->again[--p->again_count]);
    vcon_changed(p);
}

void vcon_port_await(struct vcon_port *p)
{
    if (p->state == VCON_PRESENT)
        vcon_port_become(p, VCON_AWAITED);
    p->tell_ready = p->tell_open = false;
}

void vcon_port_return(struct vcon_port *p)
{
    vcon_port_become(p, VCON_PRESENT);
    p->was_open |= p->host_open;
    p->host_open = false; /* until the device tells that it is open */
    p->tell_ready = true;
    p->tell_open = p->guest_open || p->console;
    vcon_changed(p);
}

bool vcon_port_end_return(struct vcon_port *p)
{
    bool closed = p->was_open && !p->host_open;

    p->was_open = false;
    if (p->state == VCON_AWAITED) {
        vcon_port_remove(p);
        return false;
    }
    if (closed) { /* the program of the host has gone meanwhile */
        p->host_closes++;
        vcon_changed(p);
    }
    return true;
}

void vcon_port_set_host_open(struct vcon_port *p, bool open)
{
    p->host_closes += p->host_open && !open;
    p->host_open = open;
    vcon_changed(p);
}

void vcon_port_set_console(struct vcon_port *p)
{
    p->console = p->tell_open = true;
    vcon_changed(p);
}

void vcon_port_set_size(struct vcon_port *p, uint16_t cols, uint16_t rows)
{
    p->cols = cols;
    p->rows = rows;
    p->has_size = true;
    vcon_changed(p);
}

/* Some devices end the name with a NUL. */
void vcon_port_set_label(struct vcon_port *p, const uint8_t *text, uint32_t len)
{
    unsigned n = 0;

    for (; n < len && n < VCON_LABEL - 1; n++) {
        uint8_t c = hal_shared_load8(&text[n]);

        if (!c)
            break;
        p->label[n] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    p->label[n] = '\0';
    hal_log(HAL_DEBUG, virtio_name(p->con->dev), "port %u is \"%s\"", p->id, p->label);
    vcon_changed(p);
}

/* ---- recovery -------------------------------------------------------------------------------- */

void vcon_port_free(struct vcon_port *p, bool quarantine)
{
    while (virtq_take_back(p->rxq) || virtq_take_back(p->txq))
        continue;
    p->filled_count = p->again_count = 0;
    p->tx_free = NULL;
    if (!quarantine && p->area)
        hal_dma_free(p->area, VCON_AREA);
    p->area = NULL;
}

/* Keeps a buffer to send again, by the order of sending: virtq_take_back() has none. */
static void vcon_tx_keep(struct vcon_port *p, struct vcon_tx *tx)
{
    unsigned at = p->again_count++;

    for (; at && (int32_t)(p->again[at - 1]->order - tx->order) > 0; at--)
        p->again[at] = p->again[at - 1];
    p->again[at] = tx;
}

/*
 * Received bytes that were not read stay. Buffers to send that the device did not complete are kept
 * and sent again: the host may see some bytes twice, and loses none.
 */
void vcon_port_lost(struct vcon_port *p, struct virtq *q)
{
    void *cookie;

    while ((cookie = virtq_take_back(q)))
        if (q == p->txq)
            vcon_tx_keep(p, cookie);
}

static bool vcon_rx_is_filled(const struct vcon_port *p, const struct vcon_rx *rx)
{
    for (unsigned i = 0; i < p->filled_count; i++)
        if (p->filled[i] == rx)
            return true;
    return false;
}

static void vcon_rx_post_all(struct vcon_port *p)
{
    struct vcon_rx *list[VCON_RX];
    unsigned n = 0;

    for (unsigned i = 0; i < p->rx_count; i++)
        if (!vcon_rx_is_filled(p, &p->rx[i]))
            list[n++] = &p->rx[i];
    vcon_rx_post(p, list, n);
}

void vcon_port_back(struct vcon_port *p, struct virtq *q)
{
    unsigned n = p->again_count;

    if (!p->incarnation)
        return;
    if (q == p->rxq) {
        vcon_rx_post_all(p);
        return;
    }
    p->again_count = 0;
    vcon_tx_submit(p, p->again, n);
    vcon_changed(p);
}

int vcon_port_revive(struct vcon_port *p)
{
    if (!p->incarnation)
        return 0;
    p->empty = 0;
    vcon_tx_free_all(p);
    return vcon_port_prepare(p);
}

/* ---- service --------------------------------------------------------------------------------- */

static bool vcon_tx_reap(struct vcon_port *p)
{
    struct virtq_done done[VCON_TX];
    int n = virtq_reap(p->txq, done, VCON_TX);

    for (int i = 0; i < n; i++) /* the used length is ignored: the device writes nothing here */
        vcon_tx_free(p, done[i].cookie);
    return n > 0;
}

/* A used receive buffer; true: it holds something to read. */
static bool vcon_rx_take(struct vcon_port *p, struct vcon_rx *rx, uint32_t len)
{
    if (!len && ++p->empty > VCON_EMPTY)
        virtio_fail(p->con->dev, "too many receive buffers without a byte");
    if (!len || !vcon_is_present(p))
        return false;
    p->empty = 0;
    rx->at = 0;
    rx->len = (uint16_t)len; /* at most VCON_BUF: the queue has checked that */
    p->filled[p->filled_count++] = rx;
    return true;
}

static bool vcon_rx_reap(struct vcon_port *p)
{
    struct virtq_done done[VCON_RX];
    struct vcon_rx *back[VCON_RX] = {NULL};
    int n = virtq_reap(p->rxq, done, VCON_RX);
    unsigned again = 0;

    for (int i = 0; i < n; i++)
        if (!vcon_rx_take(p, done[i].cookie, done[i].len))
            back[again++] = done[i].cookie;
    vcon_rx_post(p, back, again);
    return n > 0;
}

bool vcon_port_service(struct vcon_port *p)
{
    bool did;

    if (!p->incarnation)
        return false;
    did = vcon_tx_reap(p);
    did |= vcon_rx_reap(p);
    if (did)
        vcon_changed(p);
    return did;
}

/* ---- using a port ---------------------------------------------------------------------------- */

size_t vcon_readable(const struct vcon_port *p)
{
    size_t sum = 0;

    for (unsigned i = 0; i < p->filled_count; i++)
        sum += (size_t)(p->filled[i]->len - p->filled[i]->at);
    return sum;
}

/* Gives the first n filled buffers back: they were read to their end. */
static void vcon_rx_recycle(struct vcon_port *p, unsigned n)
{
    vcon_rx_post(p, p->filled, n);
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
        memcpy((char *)buf + done, p->area + vcon_rx_offset(rx) + rx->at, n);
        rx->at = (uint16_t)(rx->at + n);
        done += n;
        finished += rx->at == rx->len;
    }
    if (finished)
        vcon_rx_recycle(p, finished);
    return done;
}

bool vcon_writable(const struct vcon_port *p)
{
    return vcon_is_present(p) && p->tx_free && (p->host_open || p->console) &&
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
        memcpy(p->area + vcon_tx_offset(tx), (const char *)buf + done, piece);
        tx->len = (uint16_t)piece;
        list[n++] = tx;
        done += piece;
    }
    return done - vcon_tx_submit(p, list, n);
}

bool vcon_unsent(const struct vcon_port *p)
{
    return vcon_is_present(p) && (virtq_in_flight(p->txq) || p->again_count);
}

static void vcon_port_tell_open(struct vcon_port *p)
{
    if (!p->con->multiport || !vcon_is_present(p))
        return;
    p->tell_open = true;
    vcon_control_send(p->con);
}

int vcon_open(struct vcon_port *p)
{
    if (!vcon_is_present(p))
        return -ENODEV;
    if (p->guest_open)
        return -EBUSY;
    p->guest_open = true;
    vcon_port_tell_open(p);
    return 0;
}

void vcon_close(struct vcon_port *p)
{
    p->guest_open = false;
    vcon_rx_drop(p);
    vcon_port_tell_open(p);
}

#endif
