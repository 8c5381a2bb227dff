/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_rx_frame.c - a used buffer as a frame, or as a part of one (virtio 1.4, sections 5.1.6.3 and
 * 5.1.6.4): what the device says of it is checked, its first bytes are copied, and it is joined
 * with the others of the frame. Plain short frames do not come here: vnet_rx_take_all() has them.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

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

static uint16_t vnet_rx_header(const struct vnet *v, const struct vnet_buf *b, size_t off)
{
    return vnet_rx_field(b->frame - v->hdr_len, off);
}

/* Copies what the header says. It is not checked yet: the frame's length may not be known. */
static void vnet_rx_load_meta(const struct vnet *v, const struct vnet_buf *b, struct vnet_meta *m)
{
    uint16_t kind = vnet_rx_header(v, b, VNET_HDR_KIND);

    *m = (struct vnet_meta){.flags = (uint8_t)kind, .gso = (uint8_t)(kind >> 8)};
    if (!kind)
        return;
    m->gso_size = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, gso_size));
    m->csum_start = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, csum_start));
    m->csum_offset = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr, csum_offset));
}

/* Section 5.1.6.4.3: a hash of a type that was not asked for is none. Headers lie on even bytes. */
static void vnet_rx_load_hash(const struct vnet *v, const struct vnet_buf *b, struct vnet_rx *rx)
{
    const size_t value = offsetof(struct virtio_net_hdr_hash, hash_value);
    uint16_t report = vnet_rx_header(v, b, offsetof(struct virtio_net_hdr_hash, hash_report));

    rx->hash = vnet_rx_header(v, b, value) | (uint32_t)vnet_rx_header(v, b, value + 2) << 16;
    rx->hash_type = 0;
    if (report - 1u < VNET_HASH_KINDS)
        rx->hash_type = (uint16_t)(1u << (report - 1u) & v->hash_types);
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
    unsigned n = v->mergeable ? vnet_rx_header(v, b, VNET_HDR_BUFFERS) : 1;

    if (!n)
        v->stats.rx_bad_header++;
    if (n > v->posted) {
        virtq_fail(v->rxq, "a frame takes more buffers than there are");
        n = 0;
    }
    return n;
}

/* ---- frames ---------------------------------------------------------------------------------- */

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
static void vnet_rx_finish(struct vnet *v, struct vnet_record *r)
{
    if (vnet_rx_judge(v, &r->rx))
        v->finished = &r->rx;
    else
        vnet_rx_free(&r->rx);
}

/* A short frame in one buffer is copied. */
static struct vnet_buf *vnet_rx_take_short(struct vnet *v, struct vnet_buf *b, uint32_t len)
{
    struct vnet_record *r = vnet_rx_pop_record(v);

    if (!r)
        return b;
    r->rx.len = len;
    r->rx.head_len = (uint16_t)len;
    memcpy(r->rx.head, b->frame, len);
    if (v->headers)
        vnet_rx_load_meta(v, b, &r->rx.meta);
    if (v->hashes)
        vnet_rx_load_hash(v, b, &r->rx);
    vnet_rx_finish(v, r);
    return b;
}

/* A frame of n buffers begins, the first of which is full. */
static struct vnet_buf *vnet_rx_take_long(struct vnet *v, struct vnet_buf *b, uint32_t len,
                                          unsigned n)
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
    if (v->hashes)
        vnet_rx_load_hash(v, b, &r->rx);
    if (n > 1)
        v->merge_first = v->merge_last = r;
    else
        vnet_rx_finish(v, r);
    return fresh;
}

void vnet_rx_drop_merged(struct vnet *v)
{
    if (v->merge_first)
        vnet_rx_free(&v->merge_first->rx);
    v->merge_first = NULL;
}

/* One more buffer of a frame, which has no header: section 5.1.6.4. */
static struct vnet_buf *vnet_rx_take_more(struct vnet *v, struct vnet_buf *b, uint32_t len)
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
        vnet_rx_finish(v, first);
    }
    return fresh;
}

struct vnet_buf *vnet_rx_take(struct vnet *v, const struct virtq_done *d)
{
    struct vnet_buf *b = d->cookie;
    uint32_t len;
    unsigned n;

    v->finished = NULL;
    if (v->merge_left)
        return vnet_rx_take_more(v, b, d->len);
    len = vnet_rx_frame_length(v, d->len);
    n = len ? vnet_rx_buffers(v, b) : 0;
    if (!n)
        return b;
    if (n == 1 && len <= VNET_RX_HEAD)
        return vnet_rx_take_short(v, b, len);
    if (n > 1 && len < v->buf_room) {
        v->stats.rx_bad_length++;
        v->merge_left = n - 1; /* which are skipped */
        return b;
    }
    return vnet_rx_take_long(v, b, len, n);
}

#endif
