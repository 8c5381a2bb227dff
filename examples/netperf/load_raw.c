/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_raw.c - the loads of datagrams on lwIP's callbacks, without sockets: what they cost a
 * program that needs the last cycle. Calls of lwIP stand between net_enter() and net_leave();
 * callbacks come from within the network, and do not wait.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "lwip/ip_addr.h"
#include "lwip/udp.h"
#include "net_impl.h"

enum { ANSWER_MS = 200, SILENCE_MS = 2000, FULL_US = 400, WARM_UP = 3, END_BYTES = 3 };

/* Datagrams are used again and again, which spares the allocation. */
#define RAW_DATAGRAMS 512
struct raw_datagram {
    struct pbuf *p; /* NULL: not made yet */
    void *data;
};

/* A load at work. */
struct raw {
    const struct load *load;
    struct load_result *result;
    struct udp_pcb *pcb;
    uint64_t began; /* 0: what is measured has not begun */
    unsigned warm;  /* round trips before that */
    bool done;
    struct waitq ended;
    struct raw_datagram datagrams[RAW_DATAGRAMS];
    unsigned next;
};

static int raw_failed(const char *what, err_t err)
{
    fprintf(stderr, "netperf: %s: %s\n", what, strerror(net_errno(err)));
    return -1;
}

static void raw_begin(struct raw *raw)
{
    load_mark_begin();
    raw->began = hal_now_ns();
}

static void raw_end(struct raw *raw)
{
    load_mark_end();
    raw->result->ns = hal_now_ns() - raw->began;
    raw->done = true;
    waitq_wake_all(&raw->ended);
}

static bool raw_go_on(const struct raw *raw)
{
    const struct load *l = raw->load;

    if (l->operations && raw->result->operations >= l->operations)
        return false;
    return !l->time_ns || hal_now_ns() - raw->began < l->time_ns;
}

/* The next of the datagrams of a load, which the card has no more; NULL: it has all. */
static struct pbuf *raw_next(struct raw *raw)
{
    struct raw_datagram *d = &raw->datagrams[raw->next];

    if (!d->p) {
        d->p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)raw->load->size, PBUF_RAM);
        if (!d->p)
            return NULL;
        d->data = d->p->payload;
        memset(d->data, 0, raw->load->size);
    }
    if (d->p->ref > 1)
        return NULL;
    d->p->payload = d->data; /* lwIP has put headers in front */
    d->p->len = d->p->tot_len = (u16_t)raw->load->size;
    raw->next = (raw->next + 1) % RAW_DATAGRAMS;
    return d->p;
}

static err_t raw_send(struct raw *raw)
{
    struct pbuf *p = raw_next(raw);

    return p ? udp_send(raw->pcb, p) : ERR_MEM;
}

static err_t raw_send_text(struct raw *raw, const char *text)
{
    u16_t len = (u16_t)strlen(text);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_RAM);
    err_t err;

    if (!p)
        return ERR_MEM;
    memcpy(p->payload, text, len);
    err = udp_send(raw->pcb, p);
    pbuf_free(p);
    return err;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* As many as a batch has; the first error, or ERR_OK. */
static err_t raw_send_some(struct raw *raw)
{
    err_t err = ERR_OK;

    net_enter();
    for (uint32_t n = 0; n < raw->load->batch && err == ERR_OK; n++) {
        err = raw_send(raw);
        raw->result->operations += err == ERR_OK;
    }
    net_leave();
    return err;
}

static int raw_send_datagrams(struct raw *raw)
{
    if (load_count_at_peer(raw->load, raw->result))
        return -1;
    raw_begin(raw);
    while (raw_go_on(raw)) {
        err_t err = raw_send_some(raw);

        if (err == ERR_MEM)
            task_sleep_until(hal_now_ns() + FULL_US * HAL_US); /* the card's queue is full */
        else if (err != ERR_OK)
            return raw_failed("udp_send", err);
    }
    raw_end(raw);
    task_sleep_until(hal_now_ns() + 300 * HAL_MS); /* what is under way arrives */
    return load_count_at_peer(raw->load, raw->result);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void raw_count(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                      u16_t port)
{
    struct raw *raw = arg;
    bool last = p->tot_len <= END_BYTES;

    (void)pcb, (void)from, (void)port;
    pbuf_free(p);
    if (raw->done)
        return;
    if (!raw->began)
        raw_begin(raw);
    if (last)
        raw_end(raw);
    else
        raw->result->operations++;
}

static int raw_receive_datagrams(struct raw *raw)
{
    uint64_t wanted = raw->load->operations ? raw->load->operations : 1000, before = 0;
    char text[64];
    err_t err;

    snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu32 " %" PRIu32, wanted, raw->load->size,
             raw->load->rate);
    net_enter();
    udp_recv(raw->pcb, raw_count, raw);
    err = raw_send_text(raw, text);
    do
        before = raw->result->operations;
    while (!raw->done && (net_park(&raw->ended, hal_now_ns() + SILENCE_MS * HAL_MS) == 0 ||
                          before != raw->result->operations));
    if (!raw->done)
        raw_end(raw);
    net_leave();
    raw->result->lost = wanted - raw->result->operations;
    return err == ERR_OK ? 0 : raw_failed("udp_send", err);
}

/* ---- round trips ----------------------------------------------------------------------------- */

/* An answer came, or none: the next question. */
static void raw_ask(struct raw *raw)
{
    if (!raw->began && ++raw->warm > WARM_UP)
        raw_begin(raw);
    if (raw->began && !raw_go_on(raw))
        raw_end(raw);
    else
        raw_send(raw);
}

static void raw_on_answer(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                          u16_t port)
{
    struct raw *raw = arg;

    (void)pcb, (void)from, (void)port;
    pbuf_free(p);
    if (raw->done)
        return;
    raw->result->operations += raw->began != 0;
    raw_ask(raw);
}

static int raw_round_trips(struct raw *raw)
{
    net_enter();
    udp_recv(raw->pcb, raw_on_answer, raw);
    raw_ask(raw);
    while (!raw->done) {
        uint64_t before = raw->result->operations;

        net_park(&raw->ended, hal_now_ns() + ANSWER_MS * HAL_MS);
        if (raw->done || raw->result->operations != before)
            continue;
        raw->result->lost++;
        raw->result->operations += raw->began != 0; /* as one that was answered late */
        raw_ask(raw);
    }
    net_leave();
    return 0;
}

/* ---- by name --------------------------------------------------------------------------------- */

static const struct raw_kind {
    const char *name;
    enum load_port service;
    int (*run)(struct raw *raw);
} raw_kinds[] = {
    {"udprr", PORT_UDP_ECHO, raw_round_trips},
    {"udptx", PORT_UDP_SINK, raw_send_datagrams},
    {"udprx", PORT_UDP_BLAST, raw_receive_datagrams},
};

static const struct raw_kind *raw_find(const char *name)
{
    for (size_t i = 0; i < sizeof(raw_kinds) / sizeof(raw_kinds[0]); i++)
        if (!strcmp(raw_kinds[i].name, name))
            return &raw_kinds[i];
    fprintf(stderr, "netperf: raw=1 goes with udprr, udptx, udprx\n");
    return NULL;
}

/* A control block that is connected to a service of the peer. */
static err_t raw_open(struct raw *raw, enum load_port service)
{
    ip_addr_t peer;
    err_t err = ipaddr_aton(raw->load->host, &peer) ? ERR_OK : ERR_VAL;

    net_enter();
    raw->pcb = err == ERR_OK ? udp_new() : NULL;
    if (raw->pcb)
        err = udp_connect(raw->pcb, &peer, (u16_t)(raw->load->port + service));
    else if (err == ERR_OK)
        err = ERR_MEM;
    net_leave();
    return err;
}

int load_run_raw(const char *name, const struct load *load, struct load_result *out)
{
    const struct raw_kind *kind = raw_find(name);
    static struct raw raw;
    int result = -1;
    err_t err;

    if (!kind)
        return -1;
    *out = (struct load_result){0};
    raw = (struct raw){.load = load, .result = out};
    err = raw_open(&raw, kind->service);
    if (err == ERR_OK)
        result = kind->run(&raw);
    else
        raw_failed(load->host, err);
    net_enter();
    if (raw.pcb)
        udp_remove(raw.pcb);
    for (unsigned i = 0; i < RAW_DATAGRAMS && raw.datagrams[i].p; i++)
        pbuf_free(raw.datagrams[i].p);
    net_leave();
    return result;
}
