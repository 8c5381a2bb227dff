/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conmodel.c - the scripted console device of conmodel.h.
 */
#include "conmodel.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

struct con con;

struct model_queue *con_rxq(unsigned port)
{
    return &con.m->queues[port ? 2 * port + 2 : 0];
}

void con_take_control(void)
{
    struct model_queue *q = &con.m->queues[3];
    struct model_chain c;

    while (!con.hold_control && model_pop(con.m, q, &c)) {
        CHECK(c.read_bytes == 8 && !c.write_bytes && c.count == 1);
        CHECK(con.said_count < 64);
        model_gather(&c, 0, &con.said[con.said_count++], 8);
        model_complete(con.m, q, &c, con.sent_used_len);
    }
}

void con_take_data(struct model_queue *q)
{
    struct model_chain c;

    while (!con.hold_tx && model_pop(con.m, q, &c)) {
        if (c.write_bytes)
            host_violation("writable buffer on transmit queue %u", q->index);
        CHECK(con.sent_len + c.read_bytes <= sizeof(con.sent));
        con.sent_len += model_gather(&c, 0, con.sent + con.sent_len, c.read_bytes);
        model_complete(con.m, q, &c, con.sent_used_len);
    }
}

static void on_kick(struct model *model, struct model_queue *q)
{
    bool multi = model_accepted(model, CON_MULTIPORT);

    if (multi && q->index == 3)
        con_take_control();
    else if (q->index & 1)
        con_take_data(q);
    model_want_kick(model, q, true);
}

void con_plug(enum model_transport t, bool multi, bool size, unsigned ports)
{
    con.m = calloc(1, sizeof(*con.m));
    model_init(con.m, t, CON_ID);
    for (unsigned i = 0; i < (multi ? 8 : 2); i++)
        con.m->queues[i].max = 32;
    if (multi) {
        con.m->queues[2].max = con.control_max ? con.control_max : 32;
        model_offer(con.m, CON_MULTIPORT);
    }
    if (size)
        model_offer(con.m, CON_SIZE);
    if (con.ring_reset)
        model_offer(con.m, 40);
    model_offer(con.m, 2); /* EMERG_WRITE, not accepted */
    if (size) {
        model_field(con.m, 0, 2, 80);
        model_field(con.m, 2, 2, 25);
    }
    if (multi)
        model_field(con.m, 4, 4, ports);
    con.m->on.kick = on_kick;
    model_plug_mmio(con.m, 0);
    model_watch(con.m);
    host_boot();
    host_run_services();
}

void con_tell_len(uint32_t id, unsigned event, unsigned value, const void *extra, uint32_t more,
                  uint32_t len)
{
    uint8_t text[96];
    struct model_queue *q = &con.m->queues[2];
    struct model_chain c;
    uint16_t words[2] = {(uint16_t)event, (uint16_t)value};

    memcpy(text, &id, 4);
    memcpy(text + 4, words, 4);
    memcpy(text + 8, extra ? extra : "", more);
    CHECK(model_pop(con.m, q, &c));
    if (c.read_bytes)
        host_violation("readable buffer on the control receive queue");
    model_scatter(&c, 0, text, 8 + more);
    model_complete(con.m, q, &c, len);
    host_run_services();
}

void con_tell(uint32_t id, unsigned event, unsigned value)
{
    con_tell_len(id, event, value, NULL, 0, 8);
}

void con_check_said(unsigned at, uint32_t id, unsigned event, unsigned value)
{
    CHECK(at < con.said_count);
    CHECK_EQ(con.said[at].id, id);
    CHECK_EQ(con.said[at].event, event);
    CHECK_EQ(con.said[at].value, value);
}

bool con_deliver(unsigned port, const void *data, uint32_t len, uint32_t say)
{
    struct model_chain c;

    if (!model_pop(con.m, con_rxq(port), &c))
        return false;
    if (c.read_bytes || c.write_bytes != CON_BUF)
        host_violation("receive buffer of %u and %u bytes", c.read_bytes, c.write_bytes);
    model_scatter(&c, 0, data, len);
    model_complete(con.m, con_rxq(port), &c, say);
    host_run_services();
    return true;
}
