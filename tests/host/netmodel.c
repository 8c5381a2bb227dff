/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmodel.c - the device and the stack of netmodel.h: every frame sent is checked (virtio 1.4,
 * section 5.1.6.2), and so is what the driver calls.
 */
#include "netmodel.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model_pci.h"
#include "net/vnet_impl.h"
#include "netctrl.h"

struct net net;

/* ---- the stack ------------------------------------------------------------------------------- */

/* What the stack would see: the head, which was copied, and the rest where the device wrote it. */
static void copy_frame(struct vnet_rx *rx)
{
    uint32_t at = 0;

    net.last_parts = 0;
    for (const struct vnet_rx *part = rx; part; part = part->next) {
        net.last_parts++;
        CHECK(!part->data == (rx->len <= VNET_RX_HEAD));
        CHECK(!part->data == !part->data_len);
        if (part->data && at + part->data_len <= sizeof(net.last_frame))
            memcpy(net.last_frame + at, part->data, part->data_len);
        at += part->data_len;
        memset((void *)part->stack, 0xaa, sizeof(part->stack));
    }
    CHECK(at == rx->len || (!at && !rx->next));
    if (rx->data) /* nobody looks there again */
        memset(rx->data, 0x55, rx->head_len);
    memcpy(net.last_frame, rx->head, rx->head_len);
}

static void on_input(void *ctx, struct vnet_rx *rx)
{
    CHECK(ctx == &net.kept);
    CHECK(rx->len >= 14 && rx->len <= VNET_FRAME_MAX);
    CHECK(((uintptr_t)rx->head + 14) % 16 == 0);
    CHECK_EQ(rx->head_len, rx->len <= VNET_RX_HEAD ? rx->len : VNET_RX_COPY);
    net.inputs++;
    net.last_len = rx->len;
    net.last_meta = rx->meta;
    net.last_hash = rx->hash;
    net.last_hash_type = rx->hash_type;
    copy_frame(rx);
    if (net.keep)
        net.kept[net.kept_count++] = rx;
    else
        vnet_rx_free(rx);
}

static void on_batch_end(void *ctx)
{
    (void)ctx;
    net.batch_ends++;
}

static void on_tx_done(void *ctx, void *cookie)
{
    unsigned n = (unsigned)((unsigned char *)cookie - net.frame_state);

    CHECK(ctx == &net.kept);
    CHECK(n < NET_FRAMES && net.frame_state[n] == 1);
    net.frame_state[n] = 2;
    net.tx_done++;
}

static void on_tx_room(void *ctx)
{
    (void)ctx;
    net.room_calls++;
}

static void on_link(void *ctx, bool up)
{
    (void)ctx;
    net.link_calls++;
    net.link_up = up;
}

static const struct vnet_client client = {
    .input = on_input,
    .batch_end = on_batch_end,
    .tx_done = on_tx_done,
    .tx_room = on_tx_room,
    .link = on_link,
    .ctx = &net.kept,
};

/* ---- the device ------------------------------------------------------------------------------ */

static uint32_t net_frame_max(void)
{
    return 14u +
           (unsigned)(net.m->config[10] | net.m->config[11] << 8) *
               model_accepted(net.m, NET_F_MTU) +
           1500u * !model_accepted(net.m, NET_F_MTU);
}

static bool accepted_gso(unsigned gso)
{
    if (gso & 0x80 && !model_accepted(net.m, NET_F_HOST_ECN))
        return false;
    gso &= 0x7f;
    return (gso == 1 && model_accepted(net.m, NET_F_HOST_TSO4)) ||
           (gso == 4 && model_accepted(net.m, NET_F_HOST_TSO6));
}

/* Section 5.1.6.2.1, of the header of a frame of len bytes that was sent. */
static void judge_header(const struct net_header *h, uint32_t len)
{
    bool sum = h->flags & 1;

    model_rule(!h->buffers, "NET-TX-03", "tx num_buffers is %u", h->buffers);
    CHECK(!h->hash && !h->report && !h->padding);
    model_rule(!(h->flags & ~1u), "NET-TX-25 NET-TX-48", "tx flags %#x", h->flags);
    model_rule(!sum || model_accepted(net.m, NET_F_CSUM), "NET-TX-04", "a sum without CSUM");
    model_rule(!sum || h->csum_start + h->csum_offset + 2u <= len, "NET-TX-33",
               "a sum at %u + %u of %u bytes", h->csum_start, h->csum_offset, len);
    model_rule(!h->gso || accepted_gso(h->gso), "NET-TX-10 NET-TX-12 NET-TX-34", "tx gso_type %#x",
               h->gso);
    model_rule(!h->gso || sum, "NET-TX-35", "a segment to cut without a sum");
    model_rule(!h->gso || h->gso_size, "NET-TX-36", "a segment to cut into pieces of nothing");
    model_rule(!h->gso || h->hdr_len > h->csum_start, "NET-TX-37 NET-TX-38", "hdr_len %u",
               h->hdr_len);
    model_rule(h->gso || len <= net_frame_max(), "NET-CFG-12", "a frame of %u bytes", len);
}

static void take_frame(const struct model_chain *c)
{
    struct net_header h = {0};

    if (c->write_bytes || c->read_bytes < net.hdr_len + 14)
        host_violation("tx chain of %u readable and %u writable bytes", c->read_bytes,
                       c->write_bytes);
    if (model_is_legacy(net.m) && !model_accepted(net.m, VIRTIO_F_ANY_LAYOUT) &&
        c->segs[0].len != net.hdr_len)
        host_violation("the header shares a descriptor, without ANY_LAYOUT");
    model_gather(c, 0, &h, net.hdr_len);
    CHECK(net.wire_count < NET_FRAMES);
    net.wire_segs[net.wire_count] = c->count;
    net.wire_len[net.wire_count] =
        model_gather(c, net.hdr_len, net.wire_last, sizeof(net.wire_last));
    memcpy(net.wire[net.wire_count], net.wire_last, sizeof(net.wire[0]));
    net.wire_header = h;
    judge_header(&h, net.wire_len[net.wire_count++]);
}

void net_serve_tx(struct model *model, struct model_queue *q)
{
    struct model_chain c;
    unsigned n = 0;

    if (q == netctrl.q)
        netctrl_serve();
    if (q != net.tx || net.hold_tx)
        return;
    for (; (!net.take_most || n < net.take_most) && model_pop(model, q, &c); n++) {
        take_frame(&c);
        model_push(model, q, &c, 0);
    }
    model_want_kick(model, q, true);
    if (n)
        model_publish(model, q);
}

static void plug_pci(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    model_plug_pci(calloc(1, sizeof(struct model_vpci)), net.m, 1, false);
}

void net_plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    net.m = calloc(1, sizeof(*net.m));
    model_init(net.m, t, VIRTIO_ID_NET);
    for (unsigned i = 0; i < n; i++)
        model_offer(net.m, bits[i]);
    net.rx = &net.m->queues[0];
    net.tx = &net.m->queues[1];
    net.rx->max = net.tx->max = NET_RING;
    net.m->on.kick = net_serve_tx;
    netctrl_init();
    for (unsigned i = 0; i < 6 && net.m->offered[0] >> NET_F_MAC & 1; i++)
        model_field(net.m, i, 1, "\x52\x54\x00\x12\x34\x56"[i]);
    if (net.m->offered[0] >> NET_F_STATUS & 1)
        model_field(net.m, 6, 2, 1);
    if (net.m->offered[0] >> NET_F_MTU & 1)
        model_field(net.m, 10, 2, net.mtu ? net.mtu : 1400);
    net.hdr_len = model_is_legacy(net.m) ? 10 : 12;
    if (net.plug)
        net.plug(net.m);
    else if (t == MODEL_PCI)
        plug_pci();
    else
        model_plug_mmio(net.m, 0);
    model_watch(net.m);
}

void net_plug_way(const unsigned *more, unsigned n)
{
    unsigned bits[16] = {NET_F_MAC, NET_F_STATUS};
    unsigned count = 2;
    enum model_transport t = case_variant == NET_LEGACY ? MODEL_MMIO_LEGACY
                             : case_variant < NET_PCI   ? MODEL_MMIO
                                                        : MODEL_PCI;

    for (unsigned i = 0; i < n; i++)
        bits[count++] = more[i];
    if (case_variant == NET_MMIO_PACKED || case_variant == NET_PCI_PACKED)
        bits[count++] = VIRTIO_F_RING_PACKED;
    net_plug(t, bits, count);
}

void net_boot(void)
{
    host_boot();
    if (model_is_legacy(net.m) && model_accepted(net.m, NET_F_MRG_RXBUF))
        net.hdr_len = 12;
    if (model_accepted(net.m, NET_F_HASH_REPORT))
        net.hdr_len = sizeof(struct net_header);
    net.dev = vnet_get(0);
    if (net.dev)
        CHECK_EQ(vnet_attach(net.dev, &client), 0);
    host_run_services();
}

void net_boot_plain(enum model_transport t)
{
    static const unsigned bits[] = {NET_F_MAC, NET_F_STATUS, VIRTIO_F_EVENT_IDX,
                                    VIRTIO_F_INDIRECT_DESC};

    net_plug(t, bits, 2 + random_below(3));
    net_boot();
    CHECK(net.dev != NULL);
    CHECK_EQ(net.dev->hdr_len, net.hdr_len);
}

static void pop_buffer(struct model_chain *c)
{
    CHECK(model_pop(net.m, net.rx, c));
    if (c->read_bytes || c->write_bytes < net.hdr_len + 1514)
        host_violation("rx chain of %u readable and %u writable bytes", c->read_bytes,
                       c->write_bytes);
}

/* How much of the rest of a frame a buffer gets. */
static uint32_t buffer_part(uint32_t room, uint32_t rest)
{
    if (net.fill && net.fill < room)
        room = net.fill;
    return room < rest ? room : rest;
}

unsigned net_deliver_behind(const struct net_header *h, const void *frame, uint32_t len)
{
    struct model_chain first, more;
    struct net_header told = *h;
    uint32_t at, part;
    unsigned n = 1;

    pop_buffer(&first);
    at = first.write_bytes - net.hdr_len < len ? first.write_bytes - net.hdr_len : len;
    model_scatter(&first, net.hdr_len, frame, at);
    part = buffer_part(first.write_bytes, UINT32_MAX);
    told.buffers = h->buffers ? h->buffers : (uint16_t)(1 + (len - at + part - 1) / part);
    model_scatter(&first, 0, &told, net.hdr_len);
    model_push(net.m, net.rx, &first, net.hdr_len + at);
    for (; at < len; at += part, n++) {
        pop_buffer(&more);
        part = buffer_part(more.write_bytes, len - at);
        model_scatter(&more, 0, (const uint8_t *)frame + at, part);
        model_push(net.m, net.rx, &more, part);
    }
    return n;
}

/* Puts a frame into the next receive buffer; `say` is the length that the device claims. */
void net_deliver(const void *frame, uint32_t len, uint32_t say)
{
    struct net_header h = {.buffers = 1};
    struct model_chain c;

    pop_buffer(&c);
    for (unsigned i = 0; i < sizeof(h) && net.lies; i++)
        ((uint8_t *)&h)[i] = (uint8_t)random32();
    model_scatter(&c, 0, &h, net.hdr_len);
    model_scatter(&c, net.hdr_len, frame, len);
    model_push(net.m, net.rx, &c, say);
}

void net_deliver_good(unsigned seed, uint32_t len)
{
    uint8_t frame[1514];

    for (unsigned i = 0; i < len; i++)
        frame[i] = (uint8_t)(seed * 31 + i);
    net_deliver(frame, len, net.hdr_len + len);
}

void net_check_receive(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t len = 14 + random_below(1501);

        net_deliver_good(i, len);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, i + 1);
        CHECK_EQ(net.last_len, len);
        for (unsigned b = 0; b < len; b++)
            CHECK_EQ(net.last_frame[b], (uint8_t)(i * 31 + b));
    }
}

static uint8_t packet[NET_PACKETS][1600];

int net_send(unsigned n, unsigned headroom, unsigned pieces, uint32_t len)
{
    uint8_t *p = packet[n % (NET_PACKETS)] + 16;
    struct vnet_piece piece[VNET_TX_PIECES + 1];
    uint32_t off = 0;

    for (unsigned i = 0; i < len; i++)
        p[i] = (uint8_t)(n * 7 + i);
    for (unsigned i = 0; i < pieces; i++) {
        uint32_t l = i + 1 == pieces ? len - off : len / pieces;
        piece[i] = (struct vnet_piece){p + off, l};
        off += l;
    }
    net.frame_state[n] = 1; /* it may come back at once */
    int err = vnet_send(net.dev, piece, pieces, headroom, net.meta, &net.frame_state[n]);
    if (err)
        net.frame_state[n] = 0;
    return err;
}

void net_check_wire(unsigned at, unsigned n, uint32_t len)
{
    CHECK_EQ(net.wire_len[at], len);
    for (unsigned i = 0; i < len; i++)
        CHECK_EQ(net.wire[at][i], (uint8_t)(n * 7 + i));
}

/* ---- offloads -------------------------------------------------------------------------------- */

const unsigned net_offloads[NET_OFFLOADS] = {NET_F_CSUM,       NET_F_GUEST_CSUM, NET_F_GUEST_TSO4,
                                             NET_F_GUEST_TSO6, NET_F_GUEST_ECN,  NET_F_HOST_TSO4,
                                             NET_F_HOST_TSO6,  NET_F_HOST_ECN,   NET_F_MRG_RXBUF};
uint8_t net_frame[NET_LONGEST];

void net_boot_offloads(int without, int more)
{
    unsigned bits[NET_OFFLOADS + 2], n = 0;

    for (unsigned i = 0; i < NET_OFFLOADS; i++)
        if ((int)net_offloads[i] != without)
            bits[n++] = net_offloads[i];
    if (more >= 0)
        bits[n++] = (unsigned)more;
    if (case_variant == NET_LEGACY)
        bits[n++] = VIRTIO_F_ANY_LAYOUT;
    net_plug_way(bits, n);
    net_boot();
    CHECK(net.dev != NULL);
    for (unsigned i = 0; i < sizeof(net_frame); i++)
        net_frame[i] = (uint8_t)(i * 7 + i / 251);
}

void net_check_buffers(void)
{
    struct vnet_stats s;

    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)),
             s.rx_buffers);
}
