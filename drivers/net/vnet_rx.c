/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_rx.c - receiving (virtio 1.4, sections 5.1.6.3 and 5.1.6.4).
 *
 * The device starts with VNET_RX_FIRST + VNET_RX_GROW buffers; more are made with the load, up to
 * the bytes that the stack allows, else to twice the ring's size (three times that of a short ring)
 * and VNET_RX_BYTES. The buffer of a short
 * frame is posted again at once; that of another is replaced in the ring by a spare one before the
 * frame is delivered.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

/*
 * The segments of a buffer never change: one for header and frame, or two for a legacy device
 * without ANY_LAYOUT, which wants the header in a descriptor of its own.
 */
static void vnet_rx_init_buf(struct vnet *v, struct vnet_buf *b, uint8_t *memory, uint64_t dma)
{
    uint64_t frame = dma + vnet_frame_offset(v);

    b->frame = memory + vnet_frame_offset(v);
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

/*
 * So many buffers exist. The ring should hold two thirds of them; the others replace those of a
 * batch.
 */
static void vnet_rx_have(struct vnet *v, unsigned count)
{
    unsigned room = virtq_size(v->rxq) / (v->one_seg ? 1 : 2), most = count * 2 / 3;

    v->buf_count = count;
    v->rx_target = most < room ? most : room;
}

/* Makes n buffers, their memory in one piece; false: no memory. They are never freed. */
static bool vnet_rx_grow(struct vnet *v, unsigned n) __attribute__((noinline, cold));
static bool vnet_rx_grow(struct vnet *v, unsigned n)
{
    size_t stride = (vnet_frame_offset(v) + v->buf_room + 63) & ~(size_t)63;
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
    vnet_rx_have(v, v->buf_count + n);
    return true;
}

/* Makes n records; false: no memory. They are never freed. */
static bool vnet_rx_grow_records(struct vnet *v, unsigned n) __attribute__((noinline, cold));
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

/*
 * Most buffers for a ring: it is full, the stack holds half of the others before vnet_rx_tight()
 * tells it to copy, and the other half replaces a batch.
 */
static unsigned vnet_rx_most(unsigned ring)
{
    unsigned others = ring < VNET_BATCH ? 2 * ring : 2 * VNET_BATCH;

    return ring + (others > ring ? others : ring);
}

/* Buffers in so many bytes; more than 8. */
static unsigned vnet_rx_in(const struct vnet *v, size_t bytes)
{
    size_t n = bytes / (vnet_frame_offset(v) + v->buf_room);

    return n < 8 ? 8 : (unsigned)n;
}

/* Section 5.1.6.3.1: 1526 bytes at the least, header included. */
static void vnet_rx_choose_sizes(struct vnet *v)
{
    bool joins = v->negotiated & (VNET_RX_TSO4 | VNET_RX_TSO6);

    v->plain_max = v->frame_max < 1514 ? 1514 : v->frame_max;
    v->buf_room = v->plain_max;
    if (v->mergeable && (joins || v->buf_room > VNET_RX_PAGE - vnet_frame_offset(v)))
        v->buf_room = VNET_RX_PAGE - vnet_frame_offset(v);
    v->buf_limit = vnet_rx_in(v, joins ? VNET_RX_JOINED : VNET_RX_BYTES);
    if (v->buf_limit > vnet_rx_most(virtq_size(v->rxq)))
        v->buf_limit = vnet_rx_most(virtq_size(v->rxq));
}

void vnet_rx_room(struct vnet *v, size_t bytes)
{
    v->buf_limit = vnet_rx_in(v, bytes);
    if (v->buf_limit > VNET_RX_COUNT)
        v->buf_limit = VNET_RX_COUNT;
}

int vnet_rx_setup(struct vnet *v)
{
    unsigned first;

    vnet_rx_choose_sizes(v);
    v->rx_segs = v->one_seg ? 1 : 2;
    v->rx_keeps = !HAL_DMA_MAPS && v->one_seg && virtq_keeps(v->rxq);
    first = VNET_RX_FIRST / (vnet_frame_offset(v) + v->buf_room);
    if (first < 16)
        first = 16;
    if (first > v->buf_limit)
        first = v->buf_limit;
    v->stats.rx_spare_low = UINT32_MAX;
    if (!vnet_rx_grow_records(v, vnet_rx_step(v, 0)))
        return -ENOMEM;
    while (first >= 4 && !vnet_rx_grow(v, first))
        first /= 2;
    return first >= 4 ? 0 : -ENOMEM;
}

static inline struct virtq_request vnet_rx_request(const struct vnet *v, struct vnet_buf *b)
{
    return (struct virtq_request){b->segs, 0, v->rx_segs, b};
}

/* A buffer that the device no longer has becomes spare. */
static void vnet_rx_take_back(struct vnet *v, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS)
        vnet_unmap_buf(v, b);
    vnet_rx_push_spare(v, b);
}

/* Of the first n of rx_requests the ring took so many, or none: the others become spare. */
static void vnet_rx_not_taken(struct vnet *v, int taken, unsigned n)
    __attribute__((noinline, cold));
static void vnet_rx_not_taken(struct vnet *v, int taken, unsigned n)
{
    for (unsigned i = taken < 0 ? 0 : (unsigned)taken; i < n; i++) {
        vnet_rx_take_back(v, v->rx_requests[i].cookie);
        v->posted--;
    }
}

/* Submits the first n of rx_requests. */
static void vnet_rx_submit(struct vnet *v, unsigned n)
{
    int taken = virtq_submit(v->rxq, v->rx_requests, n);

    if (taken != (int)n)
        vnet_rx_not_taken(v, taken, n);
}

void vnet_rx_post(struct vnet *v)
{
    unsigned n = 0;

    while (v->posted < v->rx_target && n < VNET_BATCH && v->spare) {
        if (HAL_DMA_MAPS && !vnet_map_buf(v, v->spare))
            break;
        v->rx_requests[n++] = vnet_rx_request(v, vnet_rx_pop_spare(v));
        v->posted++;
    }
    vnet_rx_submit(v, n);
}

bool vnet_rx_starves(struct vnet *v)
{
    if (v->spare && v->posted < v->rx_target)
        vnet_rx_post(v);
    return v->spare && v->posted < v->rx_target;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Adds b to those of rx_requests that are to be posted. */
static void vnet_rx_add(struct vnet *v, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS && !vnet_map_buf(v, b)) {
        vnet_rx_push_spare(v, b);
        v->posted--;
        return;
    }
    v->rx_requests[v->rx_more++] = vnet_rx_request(v, b);
}

/*
 * A frame that is none of the short ones takes the long way. Returns where the next frame is put
 * that is to be delivered.
 */
static struct vnet_rx **vnet_rx_take_other(struct vnet *v, struct virtq_done *d,
                                           struct vnet_rx **deliver) __attribute__((noinline));
static struct vnet_rx **vnet_rx_take_other(struct vnet *v, struct virtq_done *d,
                                           struct vnet_rx **deliver)
{
    struct vnet_buf *b = vnet_rx_take(v, d);

    if (!v->rx_keeps || b != d->cookie) {
        d->cookie = NULL;
        vnet_rx_add(v, b);
    }
    v->records_held--; /* vnet_rx_take_all() counts all */
    if (v->finished)
        *deliver++ = v->finished;
    return deliver;
}

/* Copies len bytes, and some behind them: memory for that is in both. */
static inline void vnet_rx_copy_short(uint8_t *to, const uint8_t *from, uint32_t len)
{
    _Static_assert(VNET_RX_HEAD % 64 == 0, "copied in parts of 64 bytes");

    memcpy(to, from, 64);
    for (uint32_t at = 64; at < len; at += 64)
        memcpy(to + at, from + at, 64);
}

/* The next spare record for a short frame. NULL: it takes the long way, as all frames do then. */
static inline struct vnet_record *vnet_rx_next(const struct vnet *v)
{
    return !v->client || v->merge_left || v->hashes ? NULL : v->spare_records;
}

/*
 * Where a sum is to be made that the frame needs, or that it needs none: of a kind that most frames
 * are. False: it takes the long way.
 */
static inline bool vnet_rx_short_meta(const uint8_t *header, uint16_t kind, uint32_t len,
                                      struct vnet_meta *m)
{
    unsigned start, offset;

    *m = (struct vnet_meta){0};
    if (!kind)
        return true;
    if (kind != VNET_NEEDS_CSUM)
        return false;
    start = vnet_rx_field(header, offsetof(struct virtio_net_hdr, csum_start));
    offset = vnet_rx_field(header, offsetof(struct virtio_net_hdr, csum_offset));
    m->flags = VNET_NEEDS_CSUM;
    m->csum_start = (uint16_t)start;
    m->csum_offset = (uint16_t)offset;
    return start >= VNET_ETH_HLEN && start + offset + 2 <= len;
}

/*
 * Takes n used buffers, and puts rx_more to post into rx_requests, but for those that the ring
 * posts again. Short frames are most of those that come in great number: no function is called for
 * one that is alone in its buffer and was not joined, and what each round needs is in local
 * variables. Returns how many are to be delivered.
 */
static unsigned vnet_rx_take_all(struct vnet *v, unsigned n)
{
    struct virtq_done *d = v->done, *end = d + n;
    const uint32_t hdr_len = v->hdr_len;
    const uint16_t kinds = v->headers ? 0xffff : 0, buffers = v->mergeable ? 0xffff : 0;
    struct vnet_record *r = vnet_rx_next(v);
    struct vnet_rx **deliver = v->deliver;

    v->rx_more = 0;
    v->records_held += n;
    for (; d < end; d++) {
        struct vnet_buf *b = d->cookie;
        const uint8_t *header = b->frame - hdr_len;
        uint32_t len = d->len - hdr_len;

        if (HAL_DMA_MAPS)
            vnet_unmap_buf(v, b);
        if (!r || len - VNET_ETH_HLEN > VNET_RX_HEAD - VNET_ETH_HLEN ||
            ((vnet_rx_field(header, VNET_HDR_BUFFERS) ^ 1) & buffers) ||
            !vnet_rx_short_meta(header, vnet_rx_field(header, VNET_HDR_KIND) & kinds, len,
                                &r->rx.meta)) {
            deliver = vnet_rx_take_other(v, d, deliver);
            r = vnet_rx_next(v);
            continue;
        }
        r->rx.len = len;
        r->rx.head_len = (uint16_t)len;
        vnet_rx_copy_short(r->rx.head, header + hdr_len, len);
        *deliver++ = &r->rx;
        v->spare_records = r = r->next_spare;
        if (!v->rx_keeps)
            vnet_rx_add(v, b);
    }
    return (unsigned)(deliver - v->deliver);
}

/* The queue broke: none of n buffers that it had kept is posted again. */
static void vnet_rx_not_kept(struct vnet *v, unsigned n) __attribute__((noinline, cold));
static void vnet_rx_not_kept(struct vnet *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (v->done[i].cookie) {
            vnet_rx_push_spare(v, v->done[i].cookie);
            v->posted--;
        }
}

/* Posts those of n buffers again that the ring has kept, and rx_more others. */
static void vnet_rx_post_again(struct vnet *v, unsigned n)
{
    if (v->rx_keeps && virtq_repost(v->rxq, v->done, n))
        vnet_rx_not_kept(v, n);
    if (v->rx_more)
        vnet_rx_submit(v, v->rx_more);
}

static void vnet_rx_deliver(struct vnet *v, unsigned n)
{
    const struct vnet_client *client = v->client;
    struct vnet_rx *const *rx = v->deliver, *const *end = rx + n;
    uint64_t bytes = 0;

    for (; rx < end; rx++) {
        bytes += (*rx)->len;
        client->input(client->ctx, *rx);
    }
    v->stats.rx_frames += n;
    v->stats.rx_bytes += bytes;
}

bool vnet_rx_service(struct vnet *v)
{
    unsigned deliver;
    int n = v->rx_keeps ? virtq_reap_kept(v->rxq, v->done, VNET_BATCH)
                        : virtq_reap(v->rxq, v->done, VNET_BATCH);

    if (n <= 0) /* nothing, or a broken queue: the core recovers that */
        return false;
    vnet_rx_grow_for(v, (unsigned)n);
    deliver = vnet_rx_take_all(v, (unsigned)n);
    vnet_rx_post_again(v, (unsigned)n);
    if (v->posted < v->rx_target)
        vnet_rx_post(v);
    if (v->spare_count < v->stats.rx_spare_low)
        v->stats.rx_spare_low = v->spare_count;
    vnet_rx_deliver(v, deliver);
    if (n == VNET_BATCH)
        virtio_wake(v->dev);
    return true;
}

/* Gives records with buffers back, and what follows them. */
static void vnet_rx_free_long(struct vnet *v, struct vnet_record *r) __attribute__((noinline));
static void vnet_rx_free_long(struct vnet *v, struct vnet_record *r)
{
    struct vnet_record *next;

    for (; r; r = next) {
        next = (struct vnet_record *)r->rx.next;
        if (r->buf) {
            v->held--;
            vnet_rx_push_spare(v, r->buf);
        }
        r->buf = NULL;
        r->rx.data = NULL;
        r->rx.data_len = 0;
        r->rx.next = NULL;
        vnet_rx_push_record(v, r);
    }
}

void vnet_rx_free(struct vnet_rx *rx)
{
    struct vnet_record *r = (struct vnet_record *)rx;

    if (r->buf)
        vnet_rx_free_long(rx->dev, r);
    else
        vnet_rx_push_record(rx->dev, r);
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
            vnet_rx_have(v, v->buf_count - 1);
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
