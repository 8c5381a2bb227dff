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

/* The same of all of n used buffers that are left in v->done: those of short frames. */
static void vnet_rx_add_all(struct vnet *v, unsigned n) __attribute__((noinline, cold));
static void vnet_rx_add_all(struct vnet *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (v->done[i].cookie)
            vnet_rx_add(v, v->done[i].cookie);
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

    if (!v->rx_keeps) {
        d->cookie = NULL;
        vnet_rx_add(v, b);
    } else if (b != d->cookie) {
        virtq_replace(v->rxq, d, b, b->segs[0].addr);
    }
    v->records_held--; /* vnet_rx_take_all() counts all */
    if (v->finished)
        *deliver++ = v->finished;
    return deliver;
}

/* Copies len bytes, and some behind them: memory for that is in both. */
static inline void vnet_rx_copy_short(uint8_t *to, const uint8_t *from, uint32_t len)
{
    _Static_assert(VNET_RX_HEAD % 32 == 0 && VNET_RX_HEAD >= 64, "copied in parts");

    memcpy(to, from, 64);
    if (__builtin_expect(len > 64, 0))
        for (uint32_t at = 64; at < len; at += 32)
            memcpy(to + at, from + at, 32);
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
    }
    if (!v->rx_keeps)
        vnet_rx_add_all(v, n);
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

/* n, not 0, of v->deliver go to the stack, which there is then. */
static void vnet_rx_deliver(struct vnet *v, unsigned n)
{
    void (*input)(void *ctx, struct vnet_rx *rx) = v->client->input;
    struct vnet_rx *const *rx = v->deliver, *const *end = rx + n;
    void *ctx = v->client->ctx;
    uint64_t bytes = 0;

    for (; rx < end; rx++) {
        bytes += (*rx)->len;
        input(ctx, *rx);
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
    if (vnet_rx_short_of(v, (unsigned)n))
        vnet_rx_grow_for(v, (unsigned)n);
    deliver = vnet_rx_take_all(v, (unsigned)n);
    vnet_rx_post_again(v, (unsigned)n);
    if (v->posted < v->rx_target)
        vnet_rx_post(v);
    if (v->spare_count < v->stats.rx_spare_low)
        v->stats.rx_spare_low = v->spare_count;
    if (deliver)
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
    unsigned others = v->posted < most ? most - v->posted : 0;

    return v->held * 2 > others || v->records_held * 2 > records;
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
