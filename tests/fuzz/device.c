/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - commands to any scripted device: what a lawful one does, and what it must not. Each
 * takes its bytes from the input (fuzz.h).
 */
#include <string.h>

#include "fuzz.h"
#include "model_pci.h"
#include "virtio/virtio.h"

/* The first ready one of the input's choice; NULL: none is. */
static struct model_queue *pick_queue(struct model *m)
{
    unsigned first = fuzz8();

    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        struct model_queue *q = &m->queues[(first + i) % MODEL_QUEUES];
        if (q->ready)
            return q;
    }
    return NULL;
}

/* ---- lawful ---------------------------------------------------------------------------------- */

static void take(struct model *m)
{
    struct model_queue *q = pick_queue(m);
    unsigned n = 1 + fuzz_below(8);
    struct model_chain c;

    if (model_accepted(m, VIRTIO_F_IN_ORDER))
        fuzz_lies(m); /* what it took may not come back in order */
    while (q && n-- && model_pop(m, q, &c))
        ;
}

/* One that the device took: the input's choice of them. NULL: it holds none. */
static struct model_chain *pick_held(struct model_queue *q)
{
    unsigned first = fuzz8();

    for (unsigned i = 0; i < q->num; i++) {
        struct model_chain *c = &q->held[(first + i) % q->num];
        if (c->count)
            return c;
    }
    return NULL;
}

/* Bytes of the input for the buffer; the length in the used entry is right, or anything. */
static void give(struct model *m)
{
    struct model_queue *q = pick_queue(m);
    const struct model_chain *held = q ? pick_held(q) : NULL;
    uint8_t how = fuzz8();
    struct model_chain c;
    size_t len;

    if (!held)
        return;
    memcpy(&c, held, offsetof(struct model_chain, segs) + held->count * sizeof(held->segs[0]));
    const uint8_t *bytes = fuzz_take(how % 64, &len);
    model_scatter(&c, 0, bytes, (uint32_t)len);
    if (how & 0x80)
        model_push(m, q, &c, fuzz_odd32());
    else
        model_push(m, q, &c, how & 0x40 ? c.write_bytes : (uint32_t)len);
    model_publish(m, q);
}

static void serve(struct model *m)
{
    struct model_queue *q = pick_queue(m);

    if (q)
        model_serve(m, q);
}

/* The device may ask for kicks or not: the driver must work with both. */
static void suppress(struct model *m)
{
    struct model_queue *q = pick_queue(m);

    if (!q)
        return;
    if (model_accepted(m, VIRTIO_F_RING_PACKED))
        model_put_device_event(q, fuzz32());
    else if (fuzz8() & 1)
        model_put_used_flags(q, fuzz16());
    else
        model_put_avail_event(q, fuzz16());
}

static void raise(struct model *m)
{
    struct model_queue *q = pick_queue(m);

    if (q && m->status & VIRTIO_STATUS_DRIVER_OK)
        model_raise(m, fuzz8() % 4, q);
}

static void change_config(struct model *m)
{
    fuzz_lies(m); /* a model may judge by what it said at first */
    m->config[fuzz8() % MODEL_CONFIG] = fuzz8();
    m->generation++;
    if (m->status & VIRTIO_STATUS_DRIVER_OK)
        model_raise(m, 2, NULL);
}

static void needs_reset(struct model *m)
{
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    if (m->status & VIRTIO_STATUS_DRIVER_OK)
        model_raise(m, 2, NULL);
}

static void run(struct model *m)
{
    (void)m;
    host_run_services();
}

static void pass_time(struct model *m)
{
    (void)m;
    host_run_for(((uint64_t)fuzz8() + 1) * HAL_MS);
}

static void pass_long_time(struct model *m)
{
    (void)m;
    host_run_for(((uint64_t)fuzz_below(32) + 1) * 500 * HAL_MS);
}

/* ---- not lawful ------------------------------------------------------------------------------ */

static void obstruct(struct model *m)
{
    uint8_t how = fuzz8();

    m->reset_never = (how & 7) == 1;
    m->reset_reads = how & 8 ? fuzz8() : 0;
    m->generation_never_settles = how & 16;
    m->generation_changes = how & 32 ? fuzz_below(32) : 0;
    m->queue_reset_never = how & 64;
    m->dead_silent = how & 128;
}

static void leave(struct model *m)
{
    fuzz_lies(m);
    m->gone = true;
}

static void forge(struct model *m)
{
    struct model_queue *q = pick_queue(m);

    if (!q)
        return;
    fuzz_lies(m);
    model_forge(m, q, fuzz_odd32(), fuzz_odd32());
    model_publish(m, q);
}

static void jump(struct model *m)
{
    struct model_queue *q = pick_queue(m);

    if (!q || model_accepted(m, VIRTIO_F_RING_PACKED))
        return;
    fuzz_lies(m);
    model_put_used_idx(q, (uint16_t)(q->used + fuzz_odd32()));
    model_raise(m, 1, q);
}

/* A few bytes anywhere in the three areas of a queue. */
static void scribble(struct model *m)
{
    struct model_queue *q = pick_queue(m);
    uint8_t where = fuzz8();
    uint16_t off = fuzz16() % 4096;
    size_t len;
    const uint8_t *bytes = fuzz_take(1 + where / 3 % 20, &len);

    if (!q)
        return;
    fuzz_lies(m);
    uint64_t area = where % 3 == 0 ? q->desc : where % 3 == 1 ? q->driver : q->device;
    host_dma_write(area + off, bytes, len);
    model_raise(m, 1, q);
}

/* ---- a word that changes between two looks --------------------------------------------------- */

static unsigned looks_left;
static uint32_t next_value;

static void change_word(const struct host_event *e, void *ctx)
{
    (void)ctx;
    if (e->kind != HOST_LOAD && e->kind != HOST_OBSERVE && e->kind != HOST_CHECKED)
        return;
    if (looks_left && --looks_left == 0)
        memcpy((void *)(uintptr_t)e->addr, &next_value, e->width < 4 ? e->width : 4);
}

static void flip(struct model *m)
{
    fuzz_lies(m);
    looks_left = 1 + fuzz_below(16);
    next_value = fuzz_odd32();
    host_set_hook(change_word, NULL);
}

void fuzz_device(struct model *m)
{
    static void (*const commands[])(struct model *) = {
        take,        give,     give,  serve,          run,      run,
        pass_time,   suppress, raise, pass_long_time, obstruct, change_config,
        needs_reset, scribble, forge, jump,           flip,     leave,
    };

    commands[fuzz_below(sizeof(commands) / sizeof(commands[0]))](m);
}
