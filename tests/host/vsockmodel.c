/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsockmodel.c - the device of vsockmodel.h (virtio 1.4, section 5.10.6).
 */
#include "vsockmodel.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "virtio/virtio.h"

struct vs vs = {.cid = VS_CID, .buf_alloc = 65536};

static void put(uint8_t *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << 8 * i;
    return v;
}

static void encode(const struct vs_packet *p, uint8_t *h)
{
    put(h, p->src_cid, 8);
    put(h + 8, p->dst_cid, 8);
    put(h + 16, p->src_port, 4);
    put(h + 20, p->dst_port, 4);
    put(h + 24, p->len, 4);
    put(h + 28, p->type, 2);
    put(h + 30, p->op, 2);
    put(h + 32, p->flags, 4);
    put(h + 36, p->buf_alloc, 4);
    put(h + 40, p->fwd_cnt, 4);
}

static void decode(const uint8_t *h, struct vs_packet *p)
{
    p->src_cid = get(h, 8);
    p->dst_cid = get(h + 8, 8);
    p->src_port = (uint32_t)get(h + 16, 4);
    p->dst_port = (uint32_t)get(h + 20, 4);
    p->len = (uint32_t)get(h + 24, 4);
    p->type = (uint16_t)get(h + 28, 2);
    p->op = (uint16_t)get(h + 30, 2);
    p->flags = (uint32_t)get(h + 32, 4);
    p->buf_alloc = (uint32_t)get(h + 36, 4);
    p->fwd_cnt = (uint32_t)get(h + 40, 4);
}

/* ---- from the driver ------------------------------------------------------------------------- */

static void judge(const struct model_chain *c, const struct vs_packet *p)
{
    if (c->write_bytes || c->read_bytes < VS_HDR)
        host_violation("tx chain of %u readable and %u writable bytes", c->read_bytes,
                       c->write_bytes);
    if (p->src_cid != vs.cid || p->dst_cid >> 32)
        host_violation("a packet from cid %#llx to %#llx", (unsigned long long)p->src_cid,
                       (unsigned long long)p->dst_cid);
    if (p->len != c->read_bytes - VS_HDR || (p->len && p->op != VS_RW))
        host_violation("op %u with len %u in %u bytes", p->op, p->len, c->read_bytes);
    if (p->op < VS_REQUEST || p->op > VS_ASK || (p->type != 1 && p->op != VS_RST))
        host_violation("op %u of type %u", p->op, p->type);
    if (p->flags && p->op != VS_SHUTDOWN)
        host_violation("op %u with flags %#x", p->op, p->flags);
}

static void take(const struct model_chain *c)
{
    struct vs_packet *p = &vs.sent[vs.sent_count++];
    uint8_t h[VS_HDR];

    CHECK(vs.sent_count < VS_TRACE);
    model_gather(c, 0, h, VS_HDR);
    decode(h, p);
    judge(c, p);
    model_gather(c, VS_HDR, p->data, sizeof(p->data));
}

static void kicked(struct model *m, struct model_queue *q)
{
    struct model_chain c;
    unsigned n = 0;

    if (q != vs.tx || vs.hold_tx)
        return;
    for (; model_pop(m, q, &c); n++) {
        take(&c);
        model_push(m, q, &c, 0);
    }
    model_want_kick(m, q, true);
    if (n)
        model_publish(m, q);
}

void vs_release(void)
{
    vs.hold_tx = false;
    kicked(vs.m, vs.tx);
    host_run_services();
}

const struct vs_packet *vs_last(uint16_t op)
{
    CHECK(vs.sent_count > 0);
    CHECK_EQ(vs.sent[vs.sent_count - 1].op, op);
    return &vs.sent[vs.sent_count - 1];
}

unsigned vs_count(uint16_t op)
{
    unsigned n = 0;

    for (unsigned i = 0; i < vs.sent_count; i++)
        n += vs.sent[i].op == op;
    return n;
}

/* ---- to the driver --------------------------------------------------------------------------- */

struct vs_packet vs_from(uint32_t host_port, uint32_t guest_port, uint16_t op)
{
    return (struct vs_packet){.src_cid = VS_HOST,
                              .dst_cid = vs.cid,
                              .src_port = host_port,
                              .dst_port = guest_port,
                              .type = 1,
                              .op = op,
                              .buf_alloc = vs.buf_alloc};
}

void vs_deliver_as(const struct vs_packet *p, uint32_t used)
{
    struct model_chain c;
    uint8_t h[VS_HDR];

    CHECK(model_pop(vs.m, vs.rx, &c));
    if (c.read_bytes || c.write_bytes <= VS_HDR)
        host_violation("rx chain of %u readable and %u writable bytes", c.read_bytes,
                       c.write_bytes);
    encode(p, h);
    model_scatter(&c, 0, h, VS_HDR);
    model_scatter(&c, VS_HDR, p->data, p->len < VS_DATA ? p->len : VS_DATA);
    model_push(vs.m, vs.rx, &c, used);
    model_publish(vs.m, vs.rx);
    host_run_services();
}

void vs_deliver(const struct vs_packet *p)
{
    vs_deliver_as(p, VS_HDR + p->len);
}

uint8_t vs_pattern(uint32_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

void vs_deliver_data(uint32_t host_port, uint32_t guest_port, uint32_t seed, uint32_t len)
{
    struct vs_packet p = vs_from(host_port, guest_port, VS_RW);

    p.len = len;
    for (uint32_t i = 0; i < len; i++)
        p.data[i] = vs_pattern(seed + i);
    vs_deliver(&p);
}

void vs_event(uint32_t id, uint32_t len)
{
    struct model_chain c;
    uint8_t bytes[4];

    CHECK(model_pop(vs.m, vs.event, &c));
    CHECK_EQ(c.read_bytes, 0);
    CHECK_EQ(c.write_bytes, 4);
    put(bytes, id, 4);
    model_scatter(&c, 0, bytes, len < 4 ? len : 4);
    model_push(vs.m, vs.event, &c, len);
    model_publish(vs.m, vs.event);
    host_run_services();
}

/* ---- set-up ---------------------------------------------------------------------------------- */

void vs_set_cid(uint64_t cid)
{
    vs.cid = cid;
    model_field(vs.m, 0, 8, cid);
}

void vs_plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    vs.m = calloc(1, sizeof(*vs.m));
    model_init(vs.m, t, VS_ID);
    for (unsigned i = 0; i < n; i++)
        model_offer(vs.m, bits[i]);
    vs.rx = &vs.m->queues[0];
    vs.tx = &vs.m->queues[1];
    vs.event = &vs.m->queues[2];
    vs.rx->max = vs.tx->max = VS_RING;
    vs.event->max = 16;
    vs.m->on.kick = kicked;
    vs_set_cid(VS_CID);
    model_plug_mmio(vs.m, 0);
    model_watch(vs.m);
}

void vs_boot(void)
{
    host_boot();
    host_run_services();
}

void vs_boot_plain(void)
{
    static const unsigned bits[] = {VS_STREAM, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    vs_plug(MODEL_MMIO, bits, 1 + random_below(3));
    vs_boot();
    CHECK(vsock_up());
}

void vs_notify(void *ctx)
{
    CHECK(ctx == &vs);
    vs.notified++;
}

struct vsock_conn *vs_connected(uint32_t buf_alloc)
{
    struct vs_packet p = vs_from(80, 5000, VS_RESPONSE);
    struct vsock_conn *c;

    CHECK_EQ(vsock_connect((struct vsock_addr){VS_HOST, 80}, 5000, VSOCK_SPACE_DEFAULT, HAL_SEC,
                           vs_notify, &vs, &c),
             0);
    vs_last(VS_REQUEST);
    p.buf_alloc = buf_alloc;
    vs_deliver(&p);
    CHECK(!(vsock_status(c) & VSOCK_CONNECTING));
    return c;
}
