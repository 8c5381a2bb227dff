/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_control.c - the control queue of a console device (virtio 1.4, section 5.3.6): messages of
 * any content about ports that are there and that are not, while programs open, read, write and
 * close them.
 */
#include <string.h>

#include "console/vcon.h"
#include "fuzz.h"
#include "virtio/virtio.h"

enum { CONSOLE = 3, F_SIZE = 0, F_MULTIPORT = 1, CONTROL_RX = 2, CONTROL_TX = 3 };

static struct model *m;
static bool hold;

/* The device takes every message of the driver. */
static void on_kick(struct model *model, struct model_queue *q)
{
    struct model_chain c;

    if (!(q->index & 1) || hold)
        return;
    while (model_pop(model, q, &c)) {
        if (q->index == CONTROL_TX && (c.read_bytes != 8 || c.write_bytes))
            host_violation("a control message of %u bytes", c.read_bytes);
        model_complete(model, q, &c, 0);
    }
    model_want_kick(model, q, true);
}

static void plug(void)
{
    uint8_t how = fuzz8();
    bool multi = (how & 3) != 1;

    m = calloc(1, sizeof(*m));
    model_init(m, how & 128 ? MODEL_MMIO_LEGACY : MODEL_MMIO, CONSOLE);
    for (unsigned i = 0; i < (multi ? 8 : 2); i++)
        m->queues[i].max = 1u << how / 8 % 8;
    if (multi)
        model_offer(m, F_MULTIPORT);
    if (how & 64 && !(how & 128))
        model_offer(m, VIRTIO_F_RING_PACKED);
    if (how & 4) {
        model_offer(m, F_SIZE);
        model_field(m, 0, 2, fuzz16());
        model_field(m, 2, 2, fuzz16());
    }
    if (multi)
        model_field(m, 4, 4, fuzz8() & 3 ? 1 + fuzz_below(4) : fuzz_odd32());
    m->on.kick = on_kick;
    model_plug_mmio(m, 0);
    model_watch(m);
    host_boot();
    host_run_services();
}

/* id, event, value, and what follows; the used length may say otherwise. */
static void message(void)
{
    struct model_queue *q = &m->queues[CONTROL_RX];
    uint8_t how = fuzz8(), text[128];
    uint32_t id = how & 1 ? fuzz_odd32() : how / 32 % 4u;
    uint16_t event = how & 2 ? fuzz16() : fuzz_below(8), value = how & 4 ? fuzz16() : how / 16 % 2;
    size_t len = fuzz_below(64);
    const uint8_t *extra = fuzz_take(len, &len);
    struct model_chain c;

    if (!q->ready || !model_pop(m, q, &c))
        return;
    memcpy(text, &id, 4);
    memcpy(text + 4, &event, 2);
    memcpy(text + 6, &value, 2);
    memcpy(text + 8, extra, len);
    model_scatter(&c, 0, text, (uint32_t)len + 8);
    model_complete(m, q, &c, how & 8 ? fuzz_odd32() : (uint32_t)len + 8);
}

static void use_port(void)
{
    static uint8_t buf[1024];
    uint8_t what = fuzz8();
    struct vcon_port *p = vcon_port(what / 16 % 4);
    uint16_t cols, rows;

    if (!p)
        return;
    CHECK(strlen(vcon_label(p)) < 128 && vcon_port_number(p) < 64);
    vcon_size(p, &cols, &rows);
    switch (what % 5) {
    case 0:
        vcon_open(p);
        break;
    case 1:
        vcon_close(p);
        break;
    case 2:
        CHECK(vcon_write(p, buf, 1 + what * 4) <= sizeof(buf));
        break;
    default:
        CHECK(vcon_read(p, buf, 1 + what) <= (size_t)1 + what);
        break;
    }
}

void fuzz_one(void)
{
    CHECK(!vcon_port(0));
    plug();
    for (unsigned i = 0; i < 300 && fuzz_more(); i++) {
        uint8_t what = fuzz8();
        if (what < 112)
            message();
        else if (what < 160)
            use_port();
        else if (what < 168)
            hold = !hold;
        else if (what < 180)
            host_run_services();
        else
            fuzz_device(m);
    }
    m->reset_reads = 0;
    fuzz_end(10 * HAL_SEC);
}
