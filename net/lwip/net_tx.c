/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_tx.c - frames on their way from lwIP to the driver, without a copy. What a card does not do
 * is done here, as late as possible: the sum of TCP (RFC 9293, 3.1), and cutting a segment of up to
 * 64 KiB into packets. Each packet has headers of its own, and refers to the data of the segment.
 *
 * When the card's queue is full in the middle of a segment, the rest waits for room, and no other
 * frame overtakes it.
 */
#include "net_tx.h"

#include <errno.h>

#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "net_impl.h"

_Static_assert(PBUF_LINK_ENCAPSULATION_HLEN >= VNET_HDR_MAX, "headroom for the virtio header");

enum { LAST_ONLY = TCP_FIN | TCP_PSH, FIRST_ONLY = TCP_CWR };

/* ---- sums ------------------------------------------------------------------------------------ */

/* A sum as in memory, in 16 bits. */
static uint16_t tx_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

/* The sum of the pseudo header of TCP (RFC 9293, 3.1), not complemented. */
static uint16_t tx_pseudo(struct pbuf *p, const ip_addr_t *src, const ip_addr_t *dst)
{
    uint32_t from, to, sum;

    if (IP_IS_V6(dst))
        return (u16_t)~ip_chksum_pseudo_partial(p, IP_PROTO_TCP, p->tot_len, 0, src, dst);
    from = ip4_addr_get_u32(ip_2_ip4(src));
    to = ip4_addr_get_u32(ip_2_ip4(dst));
    sum = (from & 0xffff) + (from >> 16) + (to & 0xffff) + (to >> 16);
    return tx_fold(sum + PP_HTONS(IP_PROTO_TCP) + lwip_htons(p->tot_len));
}

void net_tx_seal(struct pbuf *p, const struct netif *netif, uint16_t size, const ip_addr_t *src,
                 const ip_addr_t *dst)
{
    struct tcp_hdr *tcp = p->payload;
    const struct net_dev *d = netif->state;
    uint16_t len = p->tot_len;

    p->tx_size = 0;
    if (len - TCPH_HDRLEN_BYTES(tcp) <= size && !(d && d->tx_offloads & VNET_TX_CSUM)) {
        tcp->chksum = ip_chksum_pseudo(p, IP_PROTO_TCP, len, src, dst);
        return;
    }
    p->tx_size = size ? size : 1;
    tcp->chksum = tx_pseudo(p, src, dst);
}

static uint16_t tx_ip_len(const uint8_t *ip)
{
    return *ip >> 4 == 6 ? IP6_HLEN : (uint16_t)((*ip & 15) * 4);
}

void net_tx_complete(struct pbuf *p)
{
    uint16_t skip = tx_ip_len(p->payload);
    struct tcp_hdr *tcp = (void *)((uint8_t *)p->payload + skip);

    pbuf_remove_header(p, skip);
    tcp->chksum = inet_chksum_pbuf(p);
    pbuf_add_header(p, skip);
    p->tx_size = 0;
}

/* ---- packets --------------------------------------------------------------------------------- */

void net_tx_cut_begin(struct net_tx_cut *c, struct pbuf *p, uint16_t ip)
{
    const uint8_t *at = p->payload;
    const struct tcp_hdr *tcp;

    *c = (struct net_tx_cut){.p = p, .from = p, .ip = ip, .size = p->tx_size};
    c->tcp = (uint16_t)(ip + tx_ip_len(at + ip));
    tcp = (const void *)(at + c->tcp);
    c->data = c->off = (uint16_t)(c->tcp + TCPH_HDRLEN_BYTES(tcp));
    c->left = (uint16_t)(p->tot_len - c->data);
    c->pseudo = tx_fold(tcp->chksum + (uint32_t)(u16_t)~lwip_htons((u16_t)(p->tot_len - c->tcp)));
}

/* Takes up to `size` bytes of data into parts. Returns how many bytes. */
static uint16_t tx_cut_take(struct net_tx_cut *c, struct vnet_piece *parts, unsigned *n)
{
    uint16_t want = c->left < c->size ? c->left : c->size, got = 0, len;

    for (*n = 0; got < want && *n < NET_TX_PARTS; got = (uint16_t)(got + len)) {
        while (c->off == c->from->len) {
            c->from = c->from->next;
            c->off = 0;
        }
        len = (uint16_t)(c->from->len - c->off);
        if (len > want - got)
            len = (uint16_t)(want - got);
        parts[(*n)++] = (struct vnet_piece){(uint8_t *)c->from->payload + c->off, len};
        c->off = (uint16_t)(c->off + len);
    }
    return got;
}

static void tx_cut_ip_header(const struct net_tx_cut *c, uint8_t *headers, uint16_t len)
{
    struct ip_hdr *ip4 = (void *)(headers + c->ip);
    struct ip6_hdr *ip6 = (void *)(headers + c->ip);
    uint16_t header = (uint16_t)(c->tcp - c->ip);

    if (headers[c->ip] >> 4 == 6) {
        ip6->_plen = lwip_htons(len);
        return;
    }
    IPH_LEN_SET(ip4, lwip_htons((u16_t)(header + len)));
    if (!(IPH_OFFSET(ip4) & PP_HTONS(IP_DF)))
        IPH_ID_SET(ip4, lwip_htons((u16_t)(lwip_ntohs(IPH_ID(ip4)) + c->number)));
    IPH_CHKSUM_SET(ip4, 0);
    IPH_CHKSUM_SET(ip4, inet_chksum(ip4, header));
}

/* The sum of a packet's header and data, that of the pseudo header among them, complemented. */
static uint16_t tx_cut_sum(const struct tcp_hdr *tcp, const struct vnet_piece *parts, unsigned n)
{
    uint32_t sum = LWIP_CHKSUM(tcp, TCPH_HDRLEN_BYTES(tcp)), odd = 0;

    for (unsigned i = 0; i < n; i++) {
        uint16_t part = LWIP_CHKSUM(parts[i].data, (int)parts[i].len);

        sum += odd ? SWAP_BYTES_IN_WORD(part) : part;
        odd ^= parts[i].len & 1;
    }
    return (uint16_t)~tx_fold(sum);
}

unsigned net_tx_cut_next(struct net_tx_cut *c, uint8_t *headers,
                         struct vnet_piece parts[NET_TX_PARTS], bool whole)
{
    struct tcp_hdr *tcp = (void *)(headers + c->tcp);
    uint16_t got, len, no = 0;
    unsigned n;

    if (!c->left)
        return 0;
    got = tx_cut_take(c, parts, &n);
    c->left = (uint16_t)(c->left - got);
    memcpy(headers, c->p->payload, c->data);
    len = (uint16_t)(c->data - c->tcp + got);
    tx_cut_ip_header(c, headers, len);
    tcp->seqno = lwip_htonl(lwip_ntohl(tcp->seqno) + c->done);
    no |= c->left ? LAST_ONLY : 0;
    no |= c->done ? FIRST_ONLY : 0;
    tcp->_hdrlen_rsvd_flags &= (u16_t)~lwip_htons(no);
    tcp->chksum = tx_fold((uint32_t)c->pseudo + lwip_htons(len));
    if (whole)
        tcp->chksum = tx_cut_sum(tcp, parts, n);
    c->done = (uint16_t)(c->done + got);
    c->number++;
    return n;
}

/* ---- to the driver --------------------------------------------------------------------------- */

/* Bytes in front of the payload that belong to this pbuf alone; 0 if that is not known. */
static unsigned tx_headroom(const struct pbuf *p)
{
    const uint8_t *start = (const uint8_t *)p + LWIP_MEM_ALIGN_SIZE(sizeof(*p));

    if (!(p->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) ||
        (p->flags & PBUF_FLAG_IS_CUSTOM))
        return 0;
    return (unsigned)((const uint8_t *)p->payload - start);
}

/* The pieces of a chain; 0: more than VNET_TX_PIECES. */
static unsigned tx_pieces(struct pbuf *p, struct vnet_piece pieces[VNET_TX_PIECES])
{
    unsigned n = 0;

    for (; p; p = p->next) {
        if (!p->len)
            continue;
        if (n == VNET_TX_PIECES)
            return 0;
        pieces[n++] = (struct vnet_piece){p->payload, p->len};
    }
    return n;
}

static err_t tx_not_sent(int err) __attribute__((noinline, cold));
static err_t tx_not_sent(int err)
{
    return err == -EAGAIN ? ERR_MEM : err == -EMSGSIZE ? ERR_VAL : ERR_IF;
}

static inline err_t tx_error(int err)
{
    return err ? tx_not_sent(err) : ERR_OK;
}

/* The driver has the frame until net_tx_done(); on an error p is freed. */
static int tx_hand_over(struct net_dev *d, const struct vnet_piece *pieces, unsigned n,
                        unsigned headroom, const struct vnet_meta *meta, struct pbuf *p)
{
    int err = vnet_send(d->vnet, pieces, n, headroom, meta, p);

    if (err) {
        pbuf_free(p);
    } else {
        d->tx_out++; /* net_tx_done may have come already */
        net_kick();
    }
    return err;
}

/* Consumes the caller's reference to p. */
static int tx_send(struct net_dev *d, struct pbuf *p, const struct vnet_meta *meta)
{
    struct vnet_piece pieces[VNET_TX_PIECES];
    unsigned n = tx_pieces(p, pieces);

    return tx_hand_over(d, pieces, n, tx_headroom(p), meta, p);
}

/* ---- a frame of many packets ----------------------------------------------------------------- */

/* A packet: its headers, behind room for that of virtio. The IP header is aligned to 4. */
struct tx_packet {
    struct pbuf_custom pc;
    struct pbuf *of; /* the frame that has the data */
    uint8_t room[PBUF_LINK_ENCAPSULATION_HLEN + 2];
    uint8_t headers[NET_TX_HEADERS];
};
_Static_assert((offsetof(struct tx_packet, headers) + SIZEOF_ETH_HDR) % 4 == 0, "alignment");

static void tx_packet_end(struct pbuf *p)
{
    struct tx_packet *t = (struct tx_packet *)(void *)p;

    pbuf_free(t->of);
    net_free(t);
}

static struct tx_packet *tx_packet_new(struct pbuf *of)
{
    struct tx_packet *t = net_malloc(sizeof(*t));

    if (!t)
        return NULL;
    t->pc = (struct pbuf_custom){.pbuf = {.flags = PBUF_FLAG_IS_CUSTOM, .ref = 1},
                                 .custom_free_function = tx_packet_end};
    t->of = of;
    pbuf_ref(of);
    return t;
}

/* Sends one packet. -ENODATA: there was none. */
static int tx_cut_one(struct net_dev *d)
{
    struct tx_packet *t = tx_packet_new(d->tx_rest);
    struct vnet_piece pieces[1 + NET_TX_PARTS];
    unsigned n;

    if (!t)
        return -ENOMEM;
    n = net_tx_cut_next(&d->tx_cut, t->headers, pieces + 1, true);
    if (!n) {
        pbuf_free(&t->pc.pbuf);
        return -ENODATA;
    }
    pieces[0] = (struct vnet_piece){t->headers, d->tx_cut.data};
    return tx_hand_over(d, pieces, 1 + n, sizeof(t->room), NULL, &t->pc.pbuf);
}

/* Sends what is left of a frame of many packets, as far as the card has room. */
static void tx_cut_rest(struct net_dev *d)
{
    struct net_tx_cut before;
    int err;

    do {
        before = d->tx_cut;
        err = tx_cut_one(d);
    } while (!err);
    if (err == -EAGAIN)
        d->tx_cut = before;
    else
        net_tx_drop(d);
}

void net_tx_drop(struct net_dev *d)
{
    struct pbuf *p = d->tx_rest;

    d->tx_rest = NULL;
    if (p)
        pbuf_free(p);
}

/* Sends all of its packets, or keeps the rest of them for later. */
static err_t tx_packets(struct net_dev *d, struct pbuf *p)
{
    net_tx_cut_begin(&d->tx_cut, p, SIZEOF_ETH_HDR);
    pbuf_ref(p);
    d->tx_rest = p;
    tx_cut_rest(d);
    return ERR_OK;
}

/* What a card has to do for the frame. False: it cannot. */
static bool tx_describe(const struct net_dev *d, const struct pbuf *p, struct vnet_meta *meta)
{
    const uint8_t *frame = p->payload;
    uint16_t tcp = (uint16_t)(SIZEOF_ETH_HDR + tx_ip_len(frame + SIZEOF_ETH_HDR));
    uint16_t data = (uint16_t)(tcp + TCPH_HDRLEN_BYTES((const struct tcp_hdr *)(frame + tcp)));
    bool ip6 = frame[SIZEOF_ETH_HDR] >> 4 == 6;
    unsigned needed = VNET_TX_CSUM;

    *meta = (struct vnet_meta){.flags = VNET_NEEDS_CSUM,
                               .csum_start = tcp,
                               .csum_offset = offsetof(struct tcp_hdr, chksum)};
    if (p->tot_len - data > p->tx_size) {
        meta->gso = ip6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4;
        meta->hdr_len = data;
        meta->gso_size = p->tx_size;
        needed |= ip6 ? VNET_TX_TSO6 : VNET_TX_TSO4;
    }
    return (d->tx_offloads & needed) == needed;
}

/* ---- an interface ---------------------------------------------------------------------------- */

/* A frame of which something is left to do, by the card if it can. */
static err_t tx_partial(struct net_dev *d, struct pbuf *p)
{
    struct vnet_meta meta;
    int err;

    if (tx_describe(d, p, &meta)) {
        pbuf_ref(p);
        err = tx_send(d, p, &meta);
        if (err != -EMSGSIZE)
            return tx_error(err);
    }
    if (meta.gso)
        return tx_packets(d, p);
    pbuf_remove_header(p, SIZEOF_ETH_HDR);
    net_tx_complete(p);
    pbuf_add_header(p, SIZEOF_ETH_HDR);
    return net_tx_output(&d->netif, p);
}

err_t net_tx_output(struct netif *netif, struct pbuf *p)
{
    struct net_dev *d = netif->state;
    int err;

    if (d->tx_rest)
        return ERR_MEM;
    if (p->tx_size)
        return tx_partial(d, p);
    pbuf_ref(p);
    err = tx_send(d, p, NULL);
    if (err == -EMSGSIZE && p->next) { /* more pieces than the device takes: send a copy in one */
        p = pbuf_clone(PBUF_RAW_TX, PBUF_RAM, p);
        err = p ? tx_send(d, p, NULL) : -EAGAIN;
    }
    return tx_error(err);
}

/* What a card has to do for the only packet of a segment. */
static const struct vnet_meta tx_lone_meta = {.flags = VNET_NEEDS_CSUM,
                                              .csum_start = SIZEOF_ETH_HDR + IP_HLEN,
                                              .csum_offset = offsetof(struct tcp_hdr, chksum)};

err_t net_tx_lone(struct net_dev *d, struct pbuf *p)
{
    static struct vnet_piece piece; /* on the stack it would take a canary */
    uint32_t headroom = (uint32_t)((uint8_t *)p->payload - (uint8_t *)(p + 1));
    int err;

    piece = (struct vnet_piece){p->payload, p->len};
    if (d->tx_rest != NULL) /* it goes first */
        return ERR_MEM;
    p->ref++;
    err = vnet_send(d->vnet, &piece, 1, headroom, p->tx_size ? &tx_lone_meta : NULL, p);
    if (!err) {
        d->tx_out++; /* net_tx_done may have come already */
        net_kick();
        return ERR_OK;
    }
    p->ref--;
    return err == -EMSGSIZE ? net_tx_output(&d->netif, p) : tx_error(err);
}

void net_tx_done(void *ctx, void *cookie)
{
    struct net_dev *d = ctx;
    struct pbuf *p = cookie;

    d->tx_out--;
    if (p->ref > 1) /* TCP has it still */
        p->ref--;
    else if (p->type_internal == (u8_t)PBUF_RAM && !p->next && !(p->flags & PBUF_FLAG_IS_CUSTOM))
        mem_free(p); /* as pbuf_free() does */
    else
        pbuf_free(p);
}

void net_tx_room(void *ctx)
{
    struct net_dev *d = ctx;

    net_enter();
    if (d->tx_rest)
        tx_cut_rest(d);
    if (!d->tx_rest)
        tcp_txnow();
    net_leave();
}
