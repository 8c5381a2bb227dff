/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_vsock.c - packets and events of a socket device (virtio 1.4, section 5.10.6) of any content,
 * while applications connect, listen, send, receive and close. What an application was given is
 * what came, in order, and a connection that was closed goes away.
 */
#include <string.h>

#include "fuzz.h"
#include "virtio/virtio.h"
#include "vsock/vsock_impl.h"
#include "vsockmodel.h"

#define CONNS 8
#define PORTS 4 /* of each side, so that packets find connections */

static struct vsock_conn *conns[CONNS];
static struct vsock_listener listeners[2];
static bool listening[2];

static void notify(void *ctx)
{
    (void)ctx;
}

static struct vsock_conn **place(void)
{
    return &conns[fuzz_below(CONNS)];
}

static void open_one(void)
{
    struct vsock_conn **c = place();
    struct vsock_addr peer = {VSOCK_CID_HOST, 80 + fuzz_below(PORTS)};

    if (!*c && vsock_connect(peer, 5000 + fuzz_below(PORTS), VSOCK_SPACE_MIN << fuzz_below(4),
                             (1 + fuzz_below(8)) * HAL_SEC, notify, NULL, c))
        *c = NULL;
}

static void listen_or_not(void)
{
    unsigned i = fuzz_below(2);
    struct vsock_listener *l = &listeners[i];

    if (listening[i]) {
        vsock_unlisten(l);
        listening[i] = false;
        return;
    }
    *l = (struct vsock_listener){.port = 5000 + fuzz_below(PORTS),
                                 .backlog = 1 + fuzz_below(3),
                                 .space = VSOCK_SPACE_DEFAULT,
                                 .notify = notify};
    listening[i] = vsock_listen(l) == 0;
}

static void accept_one(void)
{
    struct vsock_conn **c = place();
    unsigned i = fuzz_below(2);

    if (!*c && listening[i])
        *c = vsock_accept(&listeners[i], notify, NULL);
}

static void use_one(void)
{
    static uint8_t buf[8192];
    struct vsock_conn **c = place();
    uint8_t what = fuzz8();
    uint32_t len = 1u << what / 8 % 13;
    int n = 0;

    if (!*c)
        return;
    switch (what % 8) {
    case 0:
    case 1:
        n = vsock_send(*c, buf, len);
        break;
    case 2:
    case 3:
        n = vsock_recv(*c, buf, len, false);
        break;
    case 4:
        n = vsock_recv(*c, buf, len, true);
        break;
    case 5:
        vsock_shutdown(*c, 1 + what / 8 % 3);
        break;
    case 6:
        vsock_set_space(*c, VSOCK_SPACE_MIN << what / 8 % 8);
        break;
    default:
        vsock_close(*c), *c = NULL;
        break;
    }
    CHECK(n <= (int)len && (!*c || vsock_waiting(*c) <= VSOCK_SPACE_MAX));
}

/* To a port that may be in use, as the protocol has it or not; a bit each says what is odd. */
static void packet(void)
{
    uint8_t odd = fuzz8();
    struct vs_packet p =
        vs_from(80 + fuzz_below(PORTS), 5000 + fuzz_below(PORTS), (uint16_t)(1 + fuzz_below(7)));

    if (!vs.rx->ready || !model_has_more(vs.m, vs.rx))
        return;
    if (odd & 1)
        p.len = p.op == VS_RW ? fuzz8() * 8u : fuzz_odd32();
    if (odd & 2)
        p.op = fuzz16();
    if (odd & 4)
        p.flags = fuzz_odd32();
    if (odd & 8)
        p.buf_alloc = fuzz_odd32(), p.fwd_cnt = fuzz_odd32();
    if (odd & 16)
        p.src_cid = fuzz64();
    if (odd & 32)
        p.dst_cid = fuzz64();
    if (odd & 64)
        p.type = fuzz16();
    if (odd & 128)
        vs_deliver_as(&p, fuzz_odd32());
    else
        vs_deliver(&p);
}

static void event(void)
{
    if (fuzz8() & 1) {
        fuzz_lies(vs.m); /* without having said so */
        vs_set_cid(fuzz8() & 1 ? fuzz64() : 3 + fuzz8());
    }
    if (vs.event->ready && model_has_more(vs.m, vs.event))
        vs_event(fuzz8() & 1 ? 0 : fuzz_odd32(), fuzz8() & 1 ? 4 : fuzz_below(8));
}

static void command(void)
{
    uint8_t what = fuzz8();

    if (what < 112)
        packet();
    else if (what < 144)
        use_one();
    else if (what < 160)
        open_one();
    else if (what < 172)
        listen_or_not();
    else if (what < 184)
        accept_one();
    else if (what < 192)
        vs.hold_tx = !vs.hold_tx;
    else if (what < 200)
        event();
    else
        fuzz_device(vs.m);
}

void fuzz_one(void)
{
    static const unsigned bits[] = {VS_STREAM, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_PACKED};

    vs_plug(MODEL_MMIO, bits, 1 + fuzz_below(3));
    vs_boot();
    CHECK(vsock_up());
    for (unsigned i = 0; i < 300 && fuzz_more(); i++)
        command();
    for (unsigned i = 0; i < CONNS; i++)
        if (conns[i])
            vsock_close(conns[i]);
    for (unsigned i = 0; i < 2; i++)
        if (listening[i])
            vsock_unlisten(&listeners[i]);
    vs.m->reset_reads = 0;
    host_run_for(60 * HAL_SEC);
    CHECK_EQ(vsock_device->stats.connections, 0);
    fuzz_end(0);
}
