/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_rx.c - frames from the driver as packets of lwIP. The headers are those of the frame's head,
 * which the driver has copied (net/vnet.h): they are judged, and used, there. What follows them is
 * not copied: a packet is a chain of a pbuf for its headers and one for each buffer with data. Both
 * kinds lie in the memory that the driver keeps beside each buffer; a buffer goes back alone, when
 * what was in it is freed.
 *
 * Sums of whole packets of TCP and UDP are checked here, where the device has not done so. What the
 * device says of a frame is taken for true if the frame is such a one; else it counts for nothing.
 */
#include "net_rx.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"

/* What is kept in the memory of a buffer for the stack. */
struct rx_part {
    struct pbuf_custom headers; /* first: rx_free_headers() casts back */
    struct pbuf_custom data;
    uint32_t pbufs; /* of both that are in use */
};
_Static_assert(sizeof(struct rx_part) <= VNET_RX_PRIVATE, "room for what is kept of a buffer");
_Static_assert(offsetof(struct vnet_rx, stack) == 0, "a buffer begins with the stack's part");

/* ---- pbufs in a buffer's memory -------------------------------------------------------------- */

static void rx_unref(struct rx_part *part)
{
    if (--part->pbufs == 0)
        vnet_rx_free((struct vnet_rx *)part);
}

static void rx_free_headers(struct pbuf *p)
{
    rx_unref((struct rx_part *)p);
}

static void rx_free_data(struct pbuf *p)
{
    rx_unref((struct rx_part *)((uint8_t *)p - offsetof(struct rx_part, data)));
}

/* pbuf_alloced_custom() does the same in many more steps. total: of this one and those behind. */
static struct pbuf *rx_pbuf(struct pbuf_custom *pc, pbuf_free_custom_fn release, uint8_t *at,
                            uint32_t len, uint32_t total)
{
    pc->custom_free_function = release;
    pc->pbuf = (struct pbuf){.payload = at,
                             .tot_len = (u16_t)total,
                             .len = (u16_t)len,
                             .type_internal = PBUF_REF,
                             .flags = PBUF_FLAG_IS_CUSTOM,
                             .ref = 1};
    return &pc->pbuf;
}

/* A pbuf for data in each buffer from rx on, `left` bytes in all; the first begins at `skip`. */
static struct pbuf *rx_data(struct vnet_rx *rx, uint32_t skip, uint32_t left)
{
    struct pbuf *all = NULL, **end = &all;

    for (struct vnet_rx *next; left; rx = next, skip = 0) {
        struct rx_part *part = (struct rx_part *)rx->stack;
        uint32_t len = rx->data_len - skip;

        if (len > left)
            len = left;
        next = rx->next;
        if (next && len == left) { /* padding in buffers of its own */
            vnet_rx_free(next);
            next = NULL;
        }
        rx->next = NULL;
        *end = rx_pbuf(&part->data, rx_free_data, rx->data + skip, len, left);
        end = &(*end)->next;
        part->pbufs++;
        left -= len;
    }
    return all;
}

/*
 * The packet that begins `skip` bytes from the frame's start, as a chain. Data of TCP and UDP is in
 * pbufs of its own, from its first byte on.
 */
static struct pbuf *rx_chain(struct vnet_rx *rx, uint32_t skip, const struct net_segment *s)
{
    struct rx_part *part = (struct rx_part *)rx->stack;
    uint32_t have = rx->head_len - skip, len = s->total;
    struct pbuf *p;

    if (rx->data && s->proto)
        len = s->data;
    else if (len > have)
        len = have;
    for (struct vnet_rx *each = rx; each; each = each->next)
        ((struct rx_part *)each->stack)->pbufs = 0;
    p = rx_pbuf(&part->headers, rx_free_headers, rx->head + skip, len, s->total);
    part->pbufs = 1;
    p->next = rx_data(rx, skip + len, s->total - len);
    return p;
}

/* The same where headers may lie beyond the head: a copy of the whole. NULL: no memory. */
static struct pbuf *rx_copy(const struct vnet_rx *rx, uint32_t skip)
{
    uint32_t len = rx->len - skip;
    struct pbuf *p = len <= 0xffff ? pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM) : NULL;
    uint8_t *to;

    if (!p)
        return NULL;
    to = p->payload;
    for (; rx; rx = rx->next, skip = 0) {
        memcpy(to, rx->data + skip, rx->data_len - skip);
        to += rx->data_len - skip;
    }
    return p;
}

/* ---- sums (RFC 1071) ------------------------------------------------------------------------- */

/* The sum of a packet's bytes from `at` on, which lies in the first pbuf. */
static uint32_t sum_chain(const struct pbuf *p, unsigned at)
{
    uint32_t sum = net_chksum((const uint8_t *)p->payload + at, (int)(p->len - at));
    bool odd = (p->len - at) % 2;

    while ((p = p->next)) {
        uint32_t part = net_chksum(p->payload, p->len);

        sum += odd ? (part & 0xff) << 8 | part >> 8 : part;
        odd ^= p->len % 2;
    }
    return sum;
}

static bool sum_is_right(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/* The header of IPv4 has one of its own. */
static bool sum_of_ip(const struct net_segment *s)
{
    return s->packet[0] >> 4 == 6 || sum_is_right(net_chksum(s->packet, (s->packet[0] & 15) * 4));
}

/* UDP over IPv4 may have none (RFC 768). */
static bool sum_of_upper(const struct net_segment *s, const struct pbuf *p)
{
    bool six = s->packet[0] >> 4 == 6;
    uint32_t sum = net_chksum(s->packet + (six ? 8 : 12), six ? 32 : 8);

    if (s->proto == IP_PROTO_UDP && !((const struct udp_hdr *)(s->packet + s->upper))->chksum)
        return true;
    sum += (uint32_t)lwip_htons((u16_t)s->len) + lwip_htons(s->proto);
    return sum_is_right(sum + sum_chain(p, s->upper));
}

/* ---- what the device says -------------------------------------------------------------------- */

/* A sum that is not made yet is that of TCP or UDP, at its place. */
static bool meta_is_partial(const struct vnet_meta *m, const struct net_segment *s, uint32_t skip)
{
    return (m->flags & VNET_NEEDS_CSUM) && m->csum_start == skip + s->upper &&
           m->csum_offset ==
               (s->tcp ? offsetof(struct tcp_hdr, chksum) : offsetof(struct udp_hdr, chksum));
}

/* Is a segment that the device says to have joined one of TCP, of that family, and with data? */
static bool meta_joined_ok(const struct vnet_meta *m, const struct net_segment *s)
{
    unsigned gso = m->gso & ~(unsigned)VNET_GSO_ECN;

    return !m->gso || (s->tcp && s->data < s->total &&
                       gso == (s->packet[0] >> 4 == 6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4));
}

/* Is a right sum known of a whole packet of TCP or UDP? If not, lwIP sums, and counts it. */
static void meta_judge_sums(struct net_arrival *a, const struct vnet_meta *m, uint32_t skip,
                            const struct pbuf *p)
{
    if (!a->seg.proto || !sum_of_ip(&a->seg))
        return;
    a->partial = meta_is_partial(m, &a->seg, skip);
    a->summed = a->partial || (m->flags & VNET_CSUM_VALID) || sum_of_upper(&a->seg, p);
}

/* ---- from the driver ------------------------------------------------------------------------- */

/* The packet of a frame, which is judged; *whole: its frame is for the caller to free. NULL: none.
 */
static struct pbuf *rx_judged(struct net_arrival *a, struct vnet_rx *rx, uint32_t skip, bool *whole)
{
    enum net_verdict v = net_input_judge(a, rx->head + skip, rx->head_len - skip, rx->len - skip);
    struct pbuf *p;

    *whole = v != NET_GOOD;
    if (v == NET_GOOD)
        return rx_chain(rx, skip, &a->seg);
    if (v == NET_BAD)
        return NULL;
    p = rx_copy(rx, skip);
    if (!p) {
        net_core.rx_no_memory++;
    } else if (net_input_judge(a, p->payload, p->len, p->len) == NET_GOOD) {
        pbuf_realloc(p, (u16_t)a->seg.total);
        return p;
    } else {
        pbuf_free(p);
    }
    return NULL;
}

static void rx_packet(struct net_dev *d, struct vnet_rx *rx)
{
    struct net_arrival a = {
        .dev = d, .eth = (const struct eth_hdr *)rx->head, .tight = vnet_rx_tight(d->vnet)};
    const struct vnet_meta meta = rx->meta;
    unsigned skip;
    struct pbuf *p;
    bool whole;

    a.type = net_input_type(rx->head, rx->head_len, &skip);
    p = rx_judged(&a, rx, skip, &whole);
    if (p && meta_joined_ok(&meta, &a.seg)) {
        meta_judge_sums(&a, &meta, skip, p);
        net_join(&a, p);
    } else if (p) {
        net_core.rx_malformed++;
        pbuf_free(p);
    }
    if (whole)
        vnet_rx_free(rx);
}

void net_rx_frame(void *ctx, struct vnet_rx *rx)
{
    net_enter_service();
    rx_packet(ctx, rx);
    net_leave_service();
}

void net_rx_batch_end(void *ctx)
{
    (void)ctx;
    net_enter_service();
    net_join_flush();
    net_end_of_work();
    net_leave_service();
}
