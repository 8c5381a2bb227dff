/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_rx.c - receiving (virtio 1.4, sections 5.1.6.3 and 5.1.6.4).
 *
 * The device starts with VNET_RX_FIRST + VNET_RX_GROW buffers; more are made with the load, up to
 * twice the ring's size and VNET_RX_BYTES. The buffer of a short frame is posted again at once;
 * that of another is replaced in the ring by a spare one before the frame is delivered.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

static void vnet_rx_push_spare(struct vnet *v, struct vnet_buf *b)
{
    b->next_spare = v->spare;
    v->spare = b;
    v->spare_count++;
}

static struct vnet_buf *vnet_rx_pop_spare(struct vnet *v)
{
    struct vnet_buf *b = v->spare;

    if (!b)
        return NULL;
    v->spare = b->next_spare;
    v->spare_count--;
    return b;
}

/*
 * The segments of a buffer never change: one for header and frame, or two for a legacy device
 * without ANY_LAYOUT, which wants the header in a descriptor of its own.
 */
static void vnet_rx_init_buf(struct vnet *v, struct vnet_buf *b, uint8_t *memory, uint64_t dma)
{
    uint64_t frame = dma + VNET_FRAME_OFFSET;

    b->frame = memory + VNET_FRAME_OFFSET;
    if (v->one_seg) {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len + v->buf_room};
    } else {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len};
        b->segs[1] = (struct virtq_seg){frame, v->buf_room};
    }
}

/* Private memory, zeroed; NULL: there is none. */
static void *vnet_rx_slab(struct vnet *v, size_t bytes)
{
    struct vnet_slab *slab = hal_alloc(sizeof(*slab) + bytes);

    if (!slab)
        return NULL;
    slab->next = v->slabs;
    v->slabs = slab;
    return slab->memory;
}

void vnet_rx_cleanup(struct vnet *v)
{
    while (v->slabs) {
        struct vnet_slab *slab = v->slabs;

        v->slabs = slab->next;
        hal_free(slab);
    }
}

/* Makes n buffers, their memory in one piece; false: no memory. They are never freed. */
static bool vnet_rx_grow(struct vnet *v, unsigned n)
{
    size_t stride = (VNET_FRAME_OFFSET + v->buf_room + 63) & ~(size_t)63;
    uint64_t dma = 0; /* with HAL_DMA_MAPS, vnet_map_buf() knows the addresses */
    uint8_t *slab = hal_dma_alloc(n * stride, 64, HAL_DMA_MAPS ? NULL : &dma);
    struct vnet_buf *bufs = slab ? vnet_rx_slab(v, n * sizeof(*bufs)) : NULL;

    if (!bufs) {
        hal_dma_free(slab, n * stride);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        vnet_rx_init_buf(v, &bufs[i], slab + i * stride, dma + i * stride);
        vnet_rx_push_spare(v, &bufs[i]);
    }
    v->buf_count += n;
    return true;
}

/* Makes n records; false: no memory. They are never freed. */
static bool vnet_rx_grow_records(struct vnet *v, unsigned n)
{
    struct vnet_record *r = vnet_rx_slab(v, n * sizeof(*r));

    for (unsigned i = 0; r && i < n; i++) {
        r[i].rx.dev = v;
        r[i].next_spare = v->spare_records;
        v->spare_records = &r[i];
        v->record_count++;
    }
    return r != NULL;
}

/* How many of `count` to make at a time, of at most buf_limit; 0: no more. */
static unsigned vnet_rx_step(const struct vnet *v, unsigned count)
{
    unsigned left = count < v->buf_limit ? v->buf_limit - count : 0;

    return left < VNET_RX_GROW ? left : VNET_RX_GROW;
}

/* Makes buffers and records until `need` of each are spare, as far as limit and memory allow. */
static void vnet_rx_grow_for(struct vnet *v, unsigned need)
{
    bool memory = true;

    if ((v->spare_count >= need && v->record_count - v->records_held >= need) ||
        (v->grow_after && hal_now_ns() < v->grow_after))
        return;
    v->grow_after = 0;
    while (memory && v->spare_count < need && v->buf_count < v->buf_limit)
        memory = vnet_rx_grow(v, vnet_rx_step(v, v->buf_count));
    while (memory && v->record_count - v->records_held < need && v->record_count < v->buf_limit)
        memory = vnet_rx_grow_records(v, vnet_rx_step(v, v->record_count));
    if (!memory)
        v->grow_after = hal_now_ns() + HAL_SEC;
}

/* Section 5.1.6.3.1: 1526 bytes at the least, header included. */
static void vnet_rx_choose_sizes(struct vnet *v)
{
    bool joins = v->negotiated & (VNET_RX_TSO4 | VNET_RX_TSO6);
    unsigned bytes = joins ? VNET_RX_JOINED : VNET_RX_BYTES;

    v->plain_max = v->frame_max < 1514 ? 1514 : v->frame_max;
    v->buf_room = v->plain_max;
    if (v->mergeable && (joins || v->buf_room > VNET_RX_PAGE - VNET_FRAME_OFFSET))
        v->buf_room = VNET_RX_PAGE - VNET_FRAME_OFFSET;
    v->buf_limit = bytes / (VNET_FRAME_OFFSET + v->buf_room);
    if (v->buf_limit > 2 * virtq_size(v->rxq))
        v->buf_limit = 2 * virtq_size(v->rxq);
    if (v->buf_limit < 8)
        v->buf_limit = 8;
}

int vnet_rx_setup(struct vnet *v)
{
    unsigned first;

    vnet_rx_choose_sizes(v);
    first = VNET_RX_FIRST / (VNET_FRAME_OFFSET + v->buf_room);
    if (first < 16)
        first = 16;
    if (first > v->buf_limit)
        first = v->buf_limit;
    v->stats.rx_spare_low = UINT32_MAX;
    if (!vnet_rx_grow_records(v, VNET_RX_GROW))
        return -ENOMEM;
    while (first >= 4 && !vnet_rx_grow(v, first))
        first /= 2;
    return first >= 4 ? 0 : -ENOMEM;
}

static struct virtq_request vnet_rx_request(const struct vnet *v, struct vnet_buf *b)
{
    return (struct virtq_request){b->segs, 0, v->one_seg ? 1 : 2, b};
}

/* A buffer that the device no longer has becomes spare. */
static void vnet_rx_take_back(struct vnet *v, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS)
        vnet_unmap_buf(v, b);
    vnet_rx_push_spare(v, b);
}

/* Submits the first n of rx_requests; buffers that the ring does not take become spare. */
static void vnet_rx_submit(struct vnet *v, unsigned n)
{
    int taken = n ? virtq_submit(v->rxq, v->rx_requests, n) : 0;

    for (unsigned i = taken < 0 ? 0 : (unsigned)taken; i < n; i++) {
        vnet_rx_take_back(v, v->rx_requests[i].cookie);
        v->posted--;
    }
}

/* How many buffers the ring should hold: two thirds; the others replace those of a batch. */
static unsigned vnet_rx_target(const struct vnet *v)
{
    unsigned room = virtq_size(v->rxq) / (v->one_seg ? 1 : 2);
    unsigned most = v->buf_count * 2 / 3;

    return most < room ? most : room;
}

void vnet_rx_post(struct vnet *v)
{
    unsigned target = vnet_rx_target(v);
    unsigned n = 0;

    while (v->posted < target && n < VNET_BATCH && v->spare) {
        if (HAL_DMA_MAPS && !vnet_map_buf(v, v->spare))
            break;
        v->rx_requests[n++] = vnet_rx_request(v, vnet_rx_pop_spare(v));
        v->posted++;
    }
    vnet_rx_submit(v, n);
}

bool vnet_rx_starves(struct vnet *v)
{
    if (v->spare && v->posted < vnet_rx_target(v))
        vnet_rx_post(v);
    return v->spare && v->posted < vnet_rx_target(v);
}

/* ---- what the device says of a frame --------------------------------------------------------- */

/* Bytes of the frame by the length that the device reports; 0: it cannot be, drop the frame. */
static uint32_t vnet_rx_frame_length(struct vnet *v, uint32_t told)
{
    uint32_t least = v->hdr_len + VNET_ETH_HLEN;

    if (told < least || told - v->hdr_len > v->buf_room) {
        v->stats.rx_bad_length++;
        return 0;
    }
    return told - v->hdr_len;
}

/* A field of the header in front of the frame, loaded once. */
static uint16_t vnet_rx_header(const struct vnet *v, const struct vnet_buf *b, size_t off)
{
    return hal_shared_load16((const uint16_t *)(b->frame - v->hdr_len + off));
}

/* Copies what the header says. It is not checked yet: the frame's length may not be known. */
static void vnet_rx_load_meta(const struct vnet *v, const struct vnet_buf *b, struct vnet_meta *m)
{
    uint16_t kind = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, flags));

    *m = (struct vnet_meta){.flags = (uint8_t)kind, .gso = (uint8_t)(kind >> 8)};
    if (!kind)
        return;
    m->gso_size = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, gso_size));
    m->csum_start = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, csum_start));
    m->csum_offset = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, csum_offset));
}

/* Clears flags without a meaning (section 5.1.6.4.2). Do those that are left fit the frame? */
static bool vnet_rx_flags_ok(const struct vnet *v, struct vnet_meta *m, uint32_t len)
{
    if (!(v->negotiated & VNET_RX_CSUM))
        m->flags = 0;
    if (m->flags & VIRTIO_NET_HDR_F_RSC_INFO)
        m->flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
    m->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
    if (m->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        return m->csum_start >= VNET_ETH_HLEN && m->csum_start + m->csum_offset + 2u <= len;
    m->csum_start = m->csum_offset = 0;
    return true;
}

/* The same of joined segments: they are of a kind that was negotiated, and their sum is known. */
static bool vnet_rx_gso_ok(const struct vnet *v, struct vnet_meta *m)
{
    unsigned kind = m->gso & ~(unsigned)VNET_GSO_ECN;

    if (!kind || !(v->negotiated & (VNET_RX_TSO4 | VNET_RX_TSO6))) {
        m->gso = VNET_GSO_NONE;
        m->gso_size = 0;
        return true;
    }
    if (m->gso & VNET_GSO_ECN && !(v->negotiated & VNET_RX_ECN))
        return false;
    if (!(kind == VNET_GSO_TCP4 && v->negotiated & VNET_RX_TSO4) &&
        !(kind == VNET_GSO_TCP6 && v->negotiated & VNET_RX_TSO6))
        return false;
    return m->gso_size && m->flags;
}

/* May the frame, which is complete, be delivered? If not, the reason is counted. */
static bool vnet_rx_judge(struct vnet *v, struct vnet_rx *rx)
{
    struct vnet_meta *m = &rx->meta;

    if ((m->flags || m->gso) && (!vnet_rx_flags_ok(v, m, rx->len) || !vnet_rx_gso_ok(v, m))) {
        v->stats.rx_bad_header++;
        return false;
    }
    if (!m->gso && rx->len > v->plain_max) {
        v->stats.rx_bad_length++;
        return false;
    }
    v->stats.rx_joined += m->gso != 0;
    v->stats.rx_merged += rx->next != NULL;
    return true;
}

/* How many buffers the frame takes; 0: a number that cannot be. */
static unsigned vnet_rx_buffers(struct vnet *v, const struct vnet_buf *b)
{
    unsigned n =
        v->mergeable ? vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, num_buffers)) : 1;

    if (!n)
        v->stats.rx_bad_header++;
    if (n > v->posted) {
        virtq_fail(v->rxq, "a frame takes more buffers than there are");
        n = 0;
    }
    return n;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void vnet_rx_push_record(struct vnet *v, struct vnet_record *r)
{
    r->next_spare = v->spare_records;
    v->spare_records = r;
    v->records_held--;
}

/* A spare record. NULL: there is none, or nobody to deliver it to; counted. */
static struct vnet_record *vnet_rx_pop_record(struct vnet *v)
{
    struct vnet_record *r = v->spare_records;

    if (!v->client) {
        v->stats.rx_no_client++;
        return NULL;
    }
    if (!r) {
        v->stats.rx_no_spare++;
        return NULL;
    }
    v->spare_records = r->next_spare;
    v->records_held++;
    return r;
}

/* Puts the buffer's part of a frame into r. Returns a spare buffer to post; NULL: there is none. */
static struct vnet_buf *vnet_rx_lend(struct vnet *v, struct vnet_record *r, struct vnet_buf *b,
                                     uint8_t *data, uint32_t len)
{
    struct vnet_buf *fresh = vnet_rx_pop_spare(v);

    if (!fresh) {
        v->stats.rx_no_spare++;
        vnet_rx_push_record(v, r);
        return NULL;
    }
    r->rx.data = data;
    r->rx.data_len = len;
    r->rx.next = NULL;
    r->buf = b;
    v->held++;
    return fresh;
}

/* The frame is complete: it is delivered, unless something is wrong with it. */
static void vnet_rx_finish(struct vnet *v, struct vnet_record *r, unsigned *deliver)
{
    if (vnet_rx_judge(v, &r->rx))
        v->deliver[(*deliver)++] = &r->rx;
    else
        vnet_rx_free(&r->rx);
}

/* A short frame in one buffer is copied. */
static struct vnet_buf *vnet_rx_take_short(struct vnet *v, struct vnet_buf *b, uint32_t len,
                                           unsigned *deliver)
{
    struct vnet_record *r = vnet_rx_pop_record(v);

    if (!r)
        return b;
    r->rx.data = NULL;
    r->rx.data_len = 0;
    r->rx.next = NULL;
    r->buf = NULL;
    r->rx.len = len;
    r->rx.head_len = (uint16_t)len;
    memcpy(r->rx.head, b->frame, len);
    if (v->headers)
        vnet_rx_load_meta(v, b, &r->rx.meta);
    vnet_rx_finish(v, r, deliver);
    return b;
}

/* A frame of n buffers begins, the first of which is full. */
static struct vnet_buf *vnet_rx_take_long(struct vnet *v, struct vnet_buf *b, uint32_t len,
                                          unsigned n, unsigned *deliver)
{
    struct vnet_record *r = vnet_rx_pop_record(v);
    struct vnet_buf *fresh = r ? vnet_rx_lend(v, r, b, b->frame, len) : NULL;

    v->merge_left = n - 1;
    if (!fresh)
        return b;
    r->rx.len = len;
    r->rx.head_len = VNET_RX_COPY;
    memcpy(r->rx.head, b->frame, VNET_RX_COPY);
    if (v->headers)
        vnet_rx_load_meta(v, b, &r->rx.meta);
    if (n > 1)
        v->merge_first = v->merge_last = r;
    else
        vnet_rx_finish(v, r, deliver);
    return fresh;
}

static void vnet_rx_drop_merged(struct vnet *v)
{
    if (v->merge_first)
        vnet_rx_free(&v->merge_first->rx);
    v->merge_first = NULL;
}

/* One more buffer of a frame, which has no header: section 5.1.6.4. */
static struct vnet_buf *vnet_rx_take_more(struct vnet *v, struct vnet_buf *b, uint32_t len,
                                          unsigned *deliver)
{
    struct vnet_record *first = v->merge_first, *r;
    struct vnet_buf *fresh;

    v->merge_left--;
    if (!first)
        return b;
    if (!len || first->rx.len + len > VNET_FRAME_MAX) {
        v->stats.rx_bad_length++;
        vnet_rx_drop_merged(v);
        return b;
    }
    r = vnet_rx_pop_record(v);
    fresh = r ? vnet_rx_lend(v, r, b, b->frame - v->hdr_len, len) : NULL;
    if (!fresh) {
        vnet_rx_drop_merged(v);
        return b;
    }
    v->merge_last->rx.next = &r->rx;
    v->merge_last = r;
    first->rx.len += len;
    if (!v->merge_left) {
        v->merge_first = NULL;
        vnet_rx_finish(v, first, deliver);
    }
    return fresh;
}

/* Puts what a used buffer holds among the frames to deliver; returns the buffer to post. */
static struct vnet_buf *vnet_rx_take(struct vnet *v, const struct virtq_done *d, unsigned *deliver)
{
    struct vnet_buf *b = d->cookie;
    uint32_t len;
    unsigned n;

    if (HAL_DMA_MAPS)
        vnet_unmap_buf(v, b);
    if (v->merge_left)
        return vnet_rx_take_more(v, b, d->len, deliver);
    len = vnet_rx_frame_length(v, d->len);
    n = len ? vnet_rx_buffers(v, b) : 0;
    if (!n)
        return b;
    if (n == 1 && len <= VNET_RX_HEAD)
        return vnet_rx_take_short(v, b, len, deliver);
    if (n > 1 && len < v->buf_room) {
        v->stats.rx_bad_length++;
        v->merge_left = n - 1; /* which are skipped */
        return b;
    }
    return vnet_rx_take_long(v, b, len, n, deliver);
}

/* Adds b to the first n of rx_requests; the number of those then. */
static unsigned vnet_rx_add(struct vnet *v, unsigned n, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS && !vnet_map_buf(v, b)) {
        vnet_rx_push_spare(v, b);
        v->posted--;
        return n;
    }
    v->rx_requests[n] = vnet_rx_request(v, b);
    return n + 1;
}

bool vnet_rx_service(struct vnet *v)
{
    unsigned deliver = 0, again = 0;
    int n = virtq_reap(v->rxq, v->done, VNET_BATCH);

    if (n <= 0) /* nothing, or a broken queue: the core recovers that */
        return false;
    vnet_rx_grow_for(v, (unsigned)n);
    for (int i = 0; i < n; i++)
        again = vnet_rx_add(v, again, vnet_rx_take(v, &v->done[i], &deliver));
    vnet_rx_submit(v, again);
    if (v->posted < vnet_rx_target(v))
        vnet_rx_post(v);
    if (v->spare_count < v->stats.rx_spare_low)
        v->stats.rx_spare_low = v->spare_count;

    for (unsigned i = 0; i < deliver; i++) {
        struct vnet_rx *rx = v->deliver[i];

        v->stats.rx_frames++;
        v->stats.rx_bytes += rx->len;
        v->client->input(v->client->ctx, rx);
    }
    if (n == VNET_BATCH)
        virtio_wake(v->dev);
    return true;
}

void vnet_rx_free(struct vnet_rx *rx)
{
    struct vnet *v = rx->dev;
    struct vnet_rx *next;

    for (; rx; rx = next) {
        struct vnet_record *r = (struct vnet_record *)rx;

        next = rx->next;
        if (r->buf) {
            v->held--;
            vnet_rx_push_spare(v, r->buf);
        }
        vnet_rx_push_record(v, r);
    }
}

bool vnet_rx_tight(const struct vnet *v)
{
    unsigned most = v->grow_after ? v->buf_count : v->buf_limit;
    unsigned records = v->grow_after ? v->record_count : v->buf_limit;

    return v->held * 2 > most - v->posted || v->records_held * 2 > records;
}

/*
 * Takes back the buffers of the ring; those that the stack holds are not touched. Buffers that the
 * device may still write to are never used again: they no longer count, so that others can be made.
 */
void vnet_rx_lost(struct vnet *v)
{
    struct vnet_buf *b;

    vnet_rx_drop_merged(v);
    v->merge_left = 0;
    while ((b = virtq_take_back(v->rxq))) {
        if (v->quarantine)
            v->buf_count--;
        else
            vnet_rx_take_back(v, b);
        v->posted--;
    }
}

void vnet_rx_back(struct vnet *v)
{
    vnet_rx_grow_for(v, VNET_RX_GROW);
    vnet_rx_post(v);
}

#endif
