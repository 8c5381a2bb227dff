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
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"
#include "net_udp.h"
#include "tcp_fast.h"
#include "vireo/sum.h"

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

/* How much of the packet, which begins at `skip` in the frame, goes into the pbuf of its headers.
 */
static uint32_t rx_first(const struct vnet_rx *rx, uint32_t skip, const struct net_segment *s)
{
    uint32_t have = rx->head_len - skip;

    if (rx->data && s->proto) /* data of TCP and UDP is read from its first byte on in its buffer */
        return s->data;
    return s->total < have ? s->total : have;
}

/* A frame whose headers may go on beyond the head: a copy of its packet. NULL: no memory. */
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

/* Of a header, whose length is a multiple of 4. */
static inline uint64_t sum_header(const uint8_t *p, unsigned bytes)
{
    uint64_t sum = 0;
    uint32_t word;

    for (; bytes >= 8; p += 8, bytes -= 8)
        sum = sum_add(sum, sum_load(p));
    if (!bytes)
        return (sum & 0xffffffff) + (sum >> 32);
    memcpy(&word, p, sizeof(word));
    return (sum & 0xffffffff) + (sum >> 32) + word;
}

/* Of pbufs that lie behind an even number of bytes. */
static inline uint64_t sum_chain(const struct pbuf *p)
{
    uint64_t sum = 0;
    bool odd = false;

    for (; p; p = p->next) {
        uint64_t part = net_chksum(p->payload, p->len);

        sum += odd ? part << 8 : part;
        odd ^= p->len % 2;
    }
    return sum;
}

/* Is it all ones, in 16 bits? It is not 0, since no header is. */
static inline bool sum_is_right(uint64_t sum)
{
    return sum % 0xffff == 0;
}

/* Of the addresses in the header of IP. */
static inline uint64_t sum_addresses(const uint8_t *packet)
{
    return packet[0] >> 4 == 6 ? sum_header(packet + 8, 32) : sum_header(packet + 12, 8);
}

/* The header of IPv4 has a sum of its own. */
static inline bool sum_of_ip(const struct net_segment *s, uint64_t addresses)
{
    const uint8_t *packet = s->packet;

    return packet[0] >> 4 == 6 ||
           sum_is_right(
               addresses + sum_header(packet, 12) +
               (s->upper > IP_HLEN ? sum_header(packet + IP_HLEN, s->upper - IP_HLEN) : 0));
}

/* That of TCP or UDP; `first` bytes of the packet lie in front of the pbufs. */
static inline bool sum_of_upper(const struct net_segment *s, uint64_t addresses, unsigned first,
                                const struct pbuf *rest)
{
    const uint8_t *upper = s->packet + s->upper;
    uint64_t sum = addresses + lwip_htons((u16_t)s->len) + lwip_htons(s->proto);

    if (s->proto == IP_PROTO_UDP && !((const struct udp_hdr *)upper)->chksum)
        return true; /* over IPv4 (RFC 768) */
    if (first == s->data)
        return sum_is_right(sum + sum_header(upper, s->data - s->upper) + sum_chain(rest));
    return sum_is_right(sum + net_chksum(upper, (int)(first - s->upper)) + sum_chain(rest));
}

__attribute__((cold)) void net_sum_complete(uint8_t *packet, unsigned len)
{
    uint16_t type = packet[0] >> 4 == 6 ? PP_HTONS(ETHTYPE_IPV6) : PP_HTONS(ETHTYPE_IP), sum = 0;
    struct net_segment s;
    uint8_t *field;

    if (net_packet_judge(type, packet, len, len, &s) != NET_GOOD || !s.proto)
        return;
    field = packet + s.upper +
            (s.tcp ? offsetof(struct tcp_hdr, chksum) : offsetof(struct udp_hdr, chksum));
    memcpy(field, &sum, sizeof(sum));
    sum = (uint16_t)(0xffff - (sum_addresses(packet) + lwip_htons((u16_t)s.len) +
                               lwip_htons(s.proto) + net_chksum(packet + s.upper, (int)s.len)) %
                                  0xffff);
    memcpy(field, &sum, sizeof(sum));
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
                            unsigned first, const struct pbuf *rest)
{
    uint64_t addresses = sum_addresses(a->seg.packet);

    a->partial = meta_is_partial(m, &a->seg, skip);
    a->summed = sum_of_ip(&a->seg, addresses) && (a->partial || (m->flags & VNET_CSUM_VALID) ||
                                                  sum_of_upper(&a->seg, addresses, first, rest));
}

/* ---- from the driver ------------------------------------------------------------------------- */

/* A frame whose headers may go on beyond its head. */
static void rx_unseen(struct net_arrival *a, struct vnet_rx *rx, uint32_t skip)
    __attribute__((noinline, cold));
static void rx_unseen(struct net_arrival *a, struct vnet_rx *rx, uint32_t skip)
{
    struct pbuf *p = rx_copy(rx, skip);

    if (!p) {
        net_core.rx_no_memory++;
    } else if (net_input_judge(a, p->payload, p->len, p->len) != NET_GOOD) {
        pbuf_free(p);
    } else {
        pbuf_realloc(p, (u16_t)a->seg.total);
        a->summed = a->partial = false;
        if (a->seg.proto)
            meta_judge_sums(a, &rx->meta, skip, p->len, NULL);
        net_input_pass(a, p);
    }
    vnet_rx_free(rx);
}

/* A packet of which all headers were judged, in the head. */
static void rx_seen(struct net_arrival *a, struct vnet_rx *rx, uint32_t skip)
{
    uint32_t first = rx_first(rx, skip, &a->seg);
    struct rx_part *part = (struct rx_part *)rx->stack;
    struct pbuf *p, *rest;

    for (struct vnet_rx *each = rx; each; each = each->next)
        ((struct rx_part *)each->stack)->pbufs = 0;
    rest = rx_data(rx, skip + first, a->seg.total - first);
    a->summed = a->partial = false;
    if (a->seg.proto)
        meta_judge_sums(a, &rx->meta, skip, first, rest);
    if (rest && net_join(a, rest))
        return;
    p = rx_pbuf(&part->headers, rx_free_headers, rx->head + skip, first, a->seg.total);
    p->next = rest;
    part->pbufs++;
    if (rest || net_join_waiting)
        net_join_begin(a, p);
    else /* too short to be joined */
        net_input_pass(a, p);
}

static void rx_packet(struct net_dev *d, struct vnet_rx *rx) __attribute__((noinline));
static void rx_packet(struct net_dev *d, struct vnet_rx *rx)
{
    struct net_arrival a;
    enum net_verdict v;
    unsigned skip;

    a.dev = d;
    a.eth = (const struct eth_hdr *)rx->head;
    a.tight = vnet_rx_tight(d->vnet);
    a.type = net_input_type(rx->head, rx->head_len, &skip);
    v = net_input_judge(&a, rx->head + skip, rx->head_len - skip, rx->len - skip);
    if (v == NET_GOOD && !meta_joined_ok(&rx->meta, &a.seg)) {
        net_core.rx_malformed++;
        v = NET_BAD;
    }
    if (v == NET_GOOD)
        rx_seen(&a, rx, skip);
    else if (v == NET_UNSEEN)
        rx_unseen(&a, rx, skip);
    else
        vnet_rx_free(rx);
}

void net_rx_frame(void *ctx, struct vnet_rx *rx)
{
    net_enter_service();
    if (!(tcp_fast_likely(rx) && tcp_fast_rx(ctx, rx)) &&
        !(net_udp_likely(rx) && net_udp_rx(ctx, rx)))
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
