/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - a disk and a network card that judge (device.h).
 */
#include "device.h"

#include <string.h>

#include "judge.h"
#include "model_ring.h"

#define LOOK_NS (50 * HAL_US) /* a quiet device looks so often */

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };

static bool offered(unsigned bit)
{
    return world.m->offered[bit / 32] >> bit % 32 & 1;
}

static void fields(unsigned bit, const uint8_t (*at)[2], unsigned n)
{
    for (unsigned i = 0; i < n && offered(bit); i++)
        model_field(world.m, at[i][0], at[i][1], 1);
}

/* Of GEOMETRY, TOPOLOGY, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES: offset and width. */
static void rare_fields(void)
{
    static const uint8_t geometry[][2] = {{16, 2}, {18, 1}, {19, 1}};
    static const uint8_t topology[][2] = {{24, 1}, {25, 1}, {26, 2}, {28, 4}};
    static const uint8_t cache[][2] = {{32, 1}}, queues[][2] = {{34, 2}};
    static const uint8_t discard[][2] = {{36, 4}, {40, 4}, {44, 4}};
    static const uint8_t zeroes[][2] = {{48, 4}, {52, 4}, {56, 1}};

    fields(4, geometry, 3);
    fields(10, topology, 4);
    fields(11, cache, 1);
    fields(12, queues, 1);
    fields(13, discard, 3);
    fields(14, zeroes, 3);
}

void device_fields(void)
{
    struct model *m = world.m;

    if (world.kind == SUITE_BLK) {
        model_field(m, 0, 8, world.capacity);
        if (offered(BLK_F_SIZE_MAX))
            model_field(m, 8, 4, world.size_max);
        if (offered(BLK_F_SEG_MAX))
            model_field(m, 12, 4, world.seg_max);
        if (offered(BLK_F_BLK_SIZE) && !m->field[20])
            model_field(m, 20, 4, 512);
        rare_fields();
        return;
    }
    for (unsigned i = 0; i < 6 && offered(NET_F_MAC); i++)
        model_field(m, i, 1, (uint8_t)DEVICE_MAC[i]);
    if (offered(NET_F_STATUS))
        model_field(m, 6, 2, 1);
    if (offered(22)) /* MQ */
        model_field(m, 8, 2, 1);
    if (offered(NET_F_MTU))
        model_field(m, 10, 2, 1500);
}

/* ---- the disk -------------------------------------------------------------------------------- */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static bool is_write(uint32_t type)
{
    return type != T_IN && type != T_FLUSH && type != T_GET_ID;
}

static void judge_data(const struct model_chain *c, const struct header *h, uint32_t bytes)
{
    uint32_t most = world.size_max;

    judge(bytes > 0 && bytes % 512 == 0, "BLK-18", "request of %u bytes", bytes);
    judge(h->sector < world.capacity && bytes / 512 <= world.capacity - h->sector, "BLK-13",
          "%u bytes at sector %llu of %llu", bytes, (unsigned long long)h->sector,
          (unsigned long long)world.capacity);
    if (world_accepted(BLK_F_SEG_MAX) && c->count >= 2)
        judge(c->count - 2 <= world.seg_max, "BLK-03", "%u data segments, at most %u", c->count - 2,
              world.seg_max);
    for (unsigned i = 0; world_accepted(BLK_F_SIZE_MAX) && i < c->count; i++)
        judge(c->segs[i].len <= most, "BLK-02", "a segment of %u bytes, at most %u", c->segs[i].len,
              most);
}

static uint8_t serve_data(const struct model_chain *c, const struct header *h, uint32_t *written)
{
    uint32_t bytes = h->type == T_IN ? c->write_bytes - 1 : c->read_bytes - 16;
    bool inside = h->sector < WORLD_SECTORS && bytes / 512 <= WORLD_SECTORS - h->sector;

    judge_data(c, h, bytes);
    judge(h->type == T_IN ? c->read_bytes == 16 : c->write_bytes == 1, "SPLIT-07 BLK-09",
          "type %u with %u readable and %u writable bytes", h->type, c->read_bytes, c->write_bytes);
    if (!inside)
        return 1;
    if (h->type == T_IN) {
        world.reads++;
        *written = model_scatter(c, 0, world.disk + 512 * h->sector, bytes);
        return 0;
    }
    if (offered(BLK_F_RO))
        return 1;
    world.writes++;
    model_gather(c, 16, world.disk + 512 * h->sector, bytes);
    return 0;
}

static uint8_t serve(const struct model_chain *c, const struct header *h, uint32_t *written)
{
    if (world_accepted(BLK_F_RO))
        judge(!is_write(h->type), "BLK-15", "a request of type %u to a read-only disk", h->type);
    if (h->type != T_IN && h->type != T_OUT && h->type < 11)
        judge(h->sector == 0, h->type == T_FLUSH ? "BLK-10 BLK-16" : "BLK-10",
              "type %u with sector %llu", h->type, (unsigned long long)h->sector);
    switch (h->type) {
    case T_IN:
    case T_OUT:
        return serve_data(c, h, written);
    case T_FLUSH:
        world.flushes++;
        judge(c->read_bytes == 16 && c->write_bytes == 1, "BLK-17", "a flush with data");
        return 0;
    case T_GET_ID:
        judge(c->write_bytes == 21, "BLK-20", "%u bytes for the serial number", c->write_bytes - 1);
        *written = model_scatter(c, 0, "SUITE-0123456789ABCD", 20);
        return 0;
    default:
        return 2;
    }
}

static void disk_answer(struct model_queue *q, const struct model_chain *c)
{
    struct header h = {0};
    uint32_t written = 0;
    uint8_t status = world.status;
    bool good = c->read_bytes >= 16 && c->write_bytes >= 1;

    judge(good, "BLK-09", "a request of %u readable and %u writable bytes", c->read_bytes,
          c->write_bytes);
    if (world.legacy && !world_accepted(F_ANY_LAYOUT) && q->num > 2)
        judge(c->segs[0].len == 16 && c->segs[c->count - 1].len == 1, "LEGACY-VQ-06 LEGACY-BLK-12",
              "a header of %u bytes, a last descriptor of %u", c->segs[0].len,
              c->segs[c->count - 1].len);
    model_gather(c, 0, &h, 16);
    world.requests++;
    if (good && world.status_left > 0)
        world.status_left--;
    else if (good)
        status = serve(c, &h, &written);
    if (good)
        model_scatter(c, c->write_bytes - 1, &status, 1);
    model_push(world.m, q, c, written + 1);
}

/* ---- the network card ------------------------------------------------------------------------ */

static unsigned header_len(void)
{
    return world.legacy && !world_accepted(NET_F_MRG_RXBUF) ? 10 : 12;
}

static void judge_tx(const struct model_chain *c)
{
    uint8_t h[12] = {0};
    unsigned len = header_len();

    judge(c->write_bytes == 0, "SPLIT-07", "a frame to send with %u writable bytes",
          c->write_bytes);
    judge(c->read_bytes >= len + 14,
          world.legacy ? "NET-TX-01 LEGACY-NET-05" : "NET-TX-01 NET-TX-02",
          "a frame of %u bytes with its header", c->read_bytes);
    if (world.legacy && !world_accepted(F_ANY_LAYOUT))
        judge(c->segs[0].len == len, "LEGACY-VQ-06 LEGACY-NET-11",
              "the header lies in a descriptor of %u bytes", c->segs[0].len);
    model_gather(c, 0, h, len);
    judge(!(h[0] & 1), "NET-TX-04", "flags %#x without CSUM", h[0]);
    judge(!(h[0] & ~1), "NET-TX-48", "flags %#x", h[0]);
    judge(h[1] == 0, "NET-TX-34", "gso_type %#x", h[1]);
    if (!world.legacy)
        judge(h[10] == 0 && h[11] == 0, "NET-TX-03", "num_buffers %u", h[10] | h[11] << 8);
}

static void card_take(struct model_queue *q, const struct model_chain *c)
{
    unsigned at = world.frames % WORLD_FRAMES, len = header_len();

    judge_tx(c);
    world.frame_len[at] = c->read_bytes < len ? 0 : c->read_bytes - len;
    model_gather(c, len, world.frame[at], WORLD_FRAME);
    world.frames++;
    model_push(world.m, q, c, 0);
}

static void judge_rx(const struct model_chain *c)
{
    bool merge = world_accepted(NET_F_MRG_RXBUF);

    judge(c->read_bytes == 0, "SPLIT-07", "a receive buffer with %u readable bytes", c->read_bytes);
    judge(c->write_bytes >= (merge          ? 12u
                             : world.legacy ? 1524u
                                            : 1526u),
          merge ? "NET-RX-03" : "NET-RX-02 NET-CFG-11", "a receive buffer of %u bytes",
          c->write_bytes);
    if (world.legacy && !world_accepted(F_ANY_LAYOUT) && !merge)
        judge(c->segs[0].len == 10, "LEGACY-VQ-06 LEGACY-NET-11",
              "the receive header shares a descriptor of %u bytes", c->segs[0].len);
}

/* Address and length of the first descriptor; a packed one keeps what tells whose it is. */
static void rewrite(const struct model_queue *q, const struct model_chain *c)
{
    bool split = q->ring == &model_split_ring;
    uint8_t junk[16];

    memset(junk, 0xa5, sizeof(junk));
    host_dma_write(q->desc + 16ull * (split ? c->head : c->place.slot), junk, split ? 16 : 12);
}

static struct model_chain held[WORLD_FRAMES];
static uint32_t held_len[WORLD_FRAMES];

bool device_hold(const uint8_t *frame, uint32_t len, unsigned place)
{
    struct model_queue *q = &world.m->queues[0];
    struct model_chain *c = &held[place];
    uint8_t h[12] = {world.hdr_flags, 0, (uint8_t)world.hdr_len, (uint8_t)(world.hdr_len >> 8)};
    uint8_t junk[64];

    if (!model_pop(world.m, q, c))
        return false;
    judge_rx(c);
    if (world.rewrites)
        rewrite(q, c);
    memset(junk, 0xdd, sizeof(junk));
    if (header_len() == 12)
        h[10] = (uint8_t)(1 + world.buffers); /* num_buffers */
    model_scatter(c, 0, h, header_len());
    model_scatter(c, header_len(), frame, len);
    model_scatter(c, header_len() + len, junk, world.rx_pad);
    held_len[place] = header_len() + len;
    world.rx_room = c->write_bytes - header_len();
    return true;
}

void device_give_held(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        model_push(world.m, &world.m->queues[0], &held[i], held_len[i]);
    model_publish(world.m, &world.m->queues[0]);
}

bool device_deliver(const uint8_t *frame, uint32_t len, uint32_t say)
{
    if (!device_hold(frame, len, 0))
        return false;
    held_len[0] = say == UINT32_MAX ? held_len[0] : say;
    device_give_held(1);
    return true;
}

/* ---- both ------------------------------------------------------------------------------------ */

static void serve_queue(struct model_queue *q)
{
    struct model_chain c;
    unsigned n = 0;

    if (world.silent || (world.kind == SUITE_NET && q->index != 1))
        return;
    for (; model_pop(world.m, q, &c); n++) {
        if (world.rewrites)
            rewrite(q, &c);
        if (world.kind == SUITE_BLK)
            disk_answer(q, &c);
        else
            card_take(q, &c);
    }
    if (n)
        model_publish(world.m, q);
}

static const char *rows_of_kick(bool wanted)
{
    bool packed = world_accepted(F_RING_PACKED), event = world_accepted(RING_EVENT_IDX);

    if (packed)
        return event && wanted ? "NOTIF-PACK-04" : "NOTIF-PACK-01";
    if (event)
        return wanted ? "NOTIF-10" : "NOTIF-11";
    return wanted ? "NOTIF-08" : "NOTIF-07";
}

/* Of each queue: does it know that the device wants no kick, and what did the last kick tell of? */
static bool told[MODEL_QUEUES];
static uint16_t noticed[MODEL_QUEUES];

void device_status(struct model *m, uint32_t status)
{
    (void)m;
    if (status)
        return;
    memset(told, 0, sizeof(told));
    memset(noticed, 0, sizeof(noticed));
}

/*
 * The device wants a kick at the next buffer, or none. The word that the driver is not to look at
 * tells the opposite.
 */
static void want(struct model_queue *q)
{
    bool quiet = world.quiet, event = world_accepted(RING_EVENT_IDX);
    uint32_t place = (uint32_t)(q->expose_at.slot | (q->expose_at.wrap ? 0x8000 : 0));

    if (q->ring != &model_split_ring) {
        model_put_device_event(q, quiet ? 1u << 16 : event ? 2u << 16 | place : 0);
    } else {
        model_put_used_flags(q, quiet != event);
        model_put_avail_event(q, (uint16_t)(q->published + (quiet == event ? 0x8000 : 0)));
    }
    told[q->index] = quiet;
}

void device_kick(struct model *m, struct model_queue *q)
{
    bool more = model_has_more(m, q); /* takes notice */

    if (world.honest && told[q->index])
        judge(false, rows_of_kick(false), "queue %u is kicked, and the device wants no kick",
              q->index);
    if (world.honest && !world.quiet && more) {
        judge_rule(true, rows_of_kick(true), "");
        if (q->ring == &model_split_ring) /* the other word told the opposite */
            judge_rule(true, world_accepted(RING_EVENT_IDX) ? "NOTIF-09" : "NOTIF-06", "");
    }
    noticed[q->index] = q->published;
    serve_queue(q);
    want(q);
}

void device_look(void)
{
    static uint64_t next;

    if (!world.quiet || hal_now_ns() < next)
        return;
    next = hal_now_ns() + LOOK_NS;
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        struct model_queue *q = &world.m->queues[i];

        if (!q->ready || !(world.m->status & 4))
            continue;
        if (world.honest && model_has_more(world.m, q) && told[i])
            judge_rule(true, rows_of_kick(false), "");
        serve_queue(q);
        want(q);
    }
}

void device_interrupt(void)
{
    for (unsigned i = 0; i < 100 && world.m->interrupt_status; i++)
        suite_driver.irq();
    if (world.m->interrupt_status)
        world_fail("the interrupt line is still high after 100 calls of the handler");
}

void device_judge_kicks(void)
{
    struct model *m = world.m;

    for (unsigned i = 0; i < MODEL_QUEUES && !world.quiet && !world.silent; i++) {
        struct model_queue *q = &m->queues[i];

        if (!q->ready)
            continue;
        model_has_more(m, q); /* takes notice */
        judge(q->published == noticed[i], rows_of_kick(true),
              "queue %u: buffers are available, and no kick came", i);
        noticed[i] = q->published; /* the device finds them now */
        serve_queue(q);
    }
    if (suite_driver.interrupts && m->interrupt_status)
        judge(false, "MMIO-REG-19 MMIO-NOTIF-05", "interrupt status %#x is not acknowledged",
              m->interrupt_status);
}
