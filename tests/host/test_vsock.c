/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vsock.c - the virtio socket device (virtio 1.4, section 5.10): connections, data, credit and
 * ends, with a device that keeps the rules. See vsockmodel.h.
 */
#include <string.h>

#include "check.h"
#include "virtio/virtio.h"
#include "vsock/vsock_impl.h"
#include "vsockmodel.h"

static const struct vsock_addr server = {VS_HOST, 80};

/* ---- set-up ---------------------------------------------------------------------------------- */

static void sets_up(void)
{
    vs_boot_plain();
    CHECK_EQ(vsock_cid(), VS_CID);
    CHECK_EQ(vs.rx->num, VS_RING);
    CHECK_EQ(vs.tx->num, VS_RING);
    CHECK_EQ(model_avail_idx(vs.rx), VS_RING);
    CHECK_EQ(model_avail_idx(vs.event), vs.event->num < 8 ? vs.event->num : 8);
    CHECK_EQ(model_avail_idx(vs.tx), 0);
    CHECK(!vs.m->queues[3].ready);
}

static void cid_refused(uint64_t cid)
{
    static const unsigned bits[] = {VS_STREAM};

    vs_plug(MODEL_MMIO, bits, 1);
    vs_set_cid(cid);
    vs_boot();
    CHECK(!vsock_up());
    CHECK_EQ(vsock_cid(), VSOCK_CID_NONE);
    CHECK(host_logged("guest_cid"));
    CHECK(vs.m->status & VIRTIO_STATUS_FAILED);
}

static void cid_0(void)
{
    cid_refused(0);
}

static void cid_of_the_host(void)
{
    cid_refused(2);
}

static void cid_any(void)
{
    cid_refused(0xffffffff);
}

static void cid_with_an_upper_half(void)
{
    cid_refused(0x100000007);
}

/* The streams of a device whose features leave it no choice but to have them. */
static void with_features(const unsigned *bits, unsigned n, bool works)
{
    vs_plug(MODEL_MMIO, bits, n);
    vs_boot();
    CHECK_EQ(vsock_up(), works);
    if (works)
        vs_connected(1000);
    CHECK(!model_accepted(vs.m, VS_SEQPACKET));
}

static void no_feature(void)
{
    with_features(NULL, 0, true);
}

static void seqpacket_alone(void)
{
    static const unsigned bits[] = {VS_SEQPACKET};

    with_features(bits, 1, true);
}

static void all_features(void)
{
    static const unsigned bits[] = {VS_STREAM, VS_SEQPACKET, VS_NO_IMPLIED_STREAM};

    with_features(bits, 3, true);
    CHECK(model_accepted(vs.m, VS_STREAM) && model_accepted(vs.m, VS_NO_IMPLIED_STREAM));
}

static void no_streams_at_all(void)
{
    static const unsigned bits[] = {VS_SEQPACKET, VS_NO_IMPLIED_STREAM};

    with_features(bits, 2, false);
    CHECK(host_logged("no stream sockets"));
}

/* Each allocation in turn is the one that fails, until the device can be used. */
static void out_of_memory(void)
{
    static const unsigned bits[] = {VS_STREAM};

    vs_plug(MODEL_MMIO, bits, 1);
    for (int64_t n = 0; !vsock_up(); n++) {
        int64_t before = host_live_blocks();

        CHECK(n < 200);
        host_fail_alloc_after(n);
        vs_boot();
        host_fail_alloc_after(-1);
        CHECK(vsock_up() || host_live_blocks() <= before + 1); /* the transport's own */
    }
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void connects(void)
{
    const struct vs_packet *p;
    struct vsock_conn *c;

    vs_boot_plain();
    CHECK_EQ(vsock_connect(server, 5000, 9999, HAL_SEC, vs_notify, &vs, &c), 0);
    CHECK_EQ(vsock_status(c), VSOCK_CONNECTING);
    CHECK_EQ(vs.sent_count, 1);
    p = vs_last(VS_REQUEST);
    CHECK_EQ(p->src_cid, VS_CID);
    CHECK_EQ(p->dst_cid, VS_HOST);
    CHECK_EQ(p->src_port, 5000);
    CHECK_EQ(p->dst_port, 80);
    CHECK_EQ(p->type, 1);
    CHECK_EQ(p->buf_alloc, 9999);
    CHECK_EQ(p->fwd_cnt, 0);
    CHECK_EQ(vsock_send(c, "x", 1), -EAGAIN);
    CHECK_EQ(vsock_connect(server, 5000, 9999, HAL_SEC, vs_notify, &vs, &c), -EADDRINUSE);
    struct vs_packet answer = vs_from(80, 5000, VS_RESPONSE);
    vs_deliver(&answer);
    CHECK(vs.notified > 0);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
    CHECK(vsock_port_used(5000) && !vsock_port_used(5001));
    host_run_for(3 * HAL_SEC); /* the deadline was that of the answer */
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
}

static void is_refused(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RST);
    struct vsock_conn *c;

    vs_boot_plain();
    CHECK_EQ(vsock_connect(server, 5000, 9999, HAL_SEC, vs_notify, &vs, &c), 0);
    vs_deliver(&p);
    CHECK_EQ(vsock_error(c), -ECONNREFUSED);
    CHECK(vsock_status(c) & VSOCK_ENDED);
    vsock_close(c);
    CHECK_EQ(vs.sent_count, 1);
}

static void is_not_answered(void)
{
    struct vsock_conn *c;

    vs_boot_plain();
    CHECK_EQ(vsock_connect(server, 5000, 9999, HAL_SEC, vs_notify, &vs, &c), 0);
    host_run_for(HAL_SEC / 2);
    CHECK_EQ(vsock_status(c), VSOCK_CONNECTING);
    host_run_for(HAL_SEC);
    CHECK_EQ(vsock_error(c), -ETIMEDOUT);
    vs_last(VS_RST);
    vsock_close(c);
}

static struct vsock_listener listener = {
    .port = 7, .backlog = 2, .space = 8192, .notify = vs_notify, .ctx = &vs};

static void accepts(void)
{
    struct vs_packet p = vs_from(600, 7, VS_REQUEST);
    struct vsock_conn *c;

    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    CHECK_EQ(vsock_listen(&listener), -EADDRINUSE);
    CHECK(!vsock_accept(&listener, vs_notify, &vs));
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_RESPONSE)->buf_alloc, 8192);
    CHECK_EQ(vs.notified, 1);
    p.src_port = 601;
    vs_deliver(&p);
    vs_last(VS_RESPONSE);
    p.src_port = 602; /* two wait already */
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_RST)->dst_port, 602);
    c = vsock_accept(&listener, vs_notify, &vs);
    CHECK_EQ(vsock_peer(c).port, 600);
    CHECK_EQ(c->local_port, 7);
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_RESPONSE)->dst_port, 602);
    vsock_unlisten(&listener);
    CHECK_EQ(vs_count(VS_RST), 3); /* those that waited */
    p.src_port = 603;
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_RST)->dst_port, 603);
    CHECK_EQ(vsock_send(c, "x", 1), 1);
    vsock_close(c);
}

/* ---- data ------------------------------------------------------------------------------------ */

static void receives(void)
{
    static uint8_t buf[8192];
    uint32_t sent = 0, got = 0;
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(65536);
    while (got < 1000000) {
        uint32_t len = 1 + random_below(random_below(3) ? 64 : 4000);
        if (sent - got + len <= VSOCK_SPACE_DEFAULT) {
            vs_deliver_data(80, 5000, sent, len);
            sent += len;
            CHECK_EQ(vsock_waiting(c), sent - got);
        }
        if (random_below(4))
            continue;
        len = random_below(sizeof(buf));
        if (random_below(2))
            vsock_recv(c, buf, len, true);
        int n = vsock_recv(c, buf, len, false);
        CHECK(n == -EAGAIN || n >= 0);
        for (int i = 0; i < n; i++, got++)
            CHECK_EQ(buf[i], vs_pattern(got));
        CHECK(vs.sent[vs.sent_count - 1].fwd_cnt <= got);
        if (sent - got == 0)
            CHECK_EQ(vsock_recv(c, buf, 1, false), -EAGAIN);
    }
    /* The peer learned of it in time: it never lacked more than a quarter. */
    CHECK(got - vs_last(VS_UPDATE)->fwd_cnt < VSOCK_SPACE_DEFAULT / 4);
    /* Short packets share buffers: what is held takes at most twice its size. */
    struct vsock_stats s;
    s = vsock_device->stats;
    CHECK(s.buffers <= VS_RING + 2 * VSOCK_SPACE_DEFAULT / 4000 + 32);
    CHECK_EQ(s.rx_bytes, sent);
}

static void sends(void)
{
    static uint8_t buf[50000], seen[50000];
    uint32_t at = 0;
    struct vsock_conn *c;
    uint64_t kicks;

    vs_boot_plain();
    c = vs_connected(60000);
    for (unsigned i = 0; i < sizeof(buf); i++)
        buf[i] = vs_pattern(i);
    kicks = vs.tx->kicks;
    CHECK_EQ(vsock_send(c, buf, sizeof(buf)), sizeof(buf));
    CHECK_EQ(vs.tx->kicks, kicks + 1);
    for (unsigned i = 1; i < vs.sent_count; i++) {
        CHECK_EQ(vs.sent[i].op, VS_RW);
        memcpy(seen + at, vs.sent[i].data, vs.sent[i].len);
        at += vs.sent[i].len;
    }
    CHECK_EQ(at, sizeof(buf));
    CHECK(memcmp(buf, seen, sizeof(buf)) == 0);
}

/* More of the receive buffer than len says is no data. */
static void surplus_is_ignored(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RW);
    uint8_t buf[100];
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(65536);
    p.len = 3;
    memcpy(p.data, "abc", 3);
    vs_deliver_as(&p, VS_HDR + 3000);
    vs_deliver_as(&p, VS_HDR + 4);
    CHECK_EQ(vsock_recv(c, buf, sizeof(buf), false), 6);
    CHECK(memcmp(buf, "abcabc", 6) == 0);
}

/* ---- credit ---------------------------------------------------------------------------------- */

static void put_counters(struct vsock_conn *c, uint32_t tx, uint32_t rx)
{
    c->tx_cnt = c->peer_fwd_cnt = tx;
    c->rx_cnt = c->fwd_cnt = c->told_fwd_cnt = rx;
}

static void credit_from(uint32_t start)
{
    static uint8_t buf[30000];
    struct vs_packet p = vs_from(80, 5000, VS_UPDATE);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    put_counters(c, start, 0);
    CHECK_EQ(vsock_send(c, buf, sizeof(buf)), 10000);
    CHECK_EQ(vsock_send(c, buf, 1), -EAGAIN);
    vs_last(VS_ASK);
    unsigned asked = vs_count(VS_ASK), before = vs.notified;
    CHECK_EQ(vsock_send(c, buf, 1), -EAGAIN);
    CHECK_EQ(vs_count(VS_ASK), asked); /* once is enough */
    CHECK(!(vsock_status(c) & VSOCK_CAN_WRITE));
    p.buf_alloc = 10000;
    p.fwd_cnt = start + 4000;
    vs_deliver(&p);
    CHECK_EQ(vs.notified, before + 1);
    CHECK_EQ(vsock_send(c, buf, sizeof(buf)), 4000);
    p.buf_alloc = 2000; /* shrunk below what is out: no credit, and no wrap */
    p.fwd_cnt = start + 7000;
    vs_deliver(&p);
    CHECK_EQ(vsock_send(c, buf, 1), -EAGAIN);
    p.fwd_cnt = start + 14000;
    vs_deliver(&p);
    CHECK_EQ(vsock_send(c, buf, sizeof(buf)), 2000);
    CHECK_EQ(vsock_error(c), 0);
}

static void credit(void)
{
    credit_from(0);
}

static void credit_wraps(void)
{
    credit_from(UINT32_MAX - 5000);
}

static void space_wraps(void)
{
    static uint8_t buf[65536];
    struct vs_packet p = vs_from(80, 5000, VS_ASK);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    put_counters(c, 0, UINT32_MAX - 3000);
    for (unsigned i = 0; i < 8; i++)
        vs_deliver_data(80, 5000, i, 4000);
    CHECK_EQ(vsock_waiting(c), 32000);
    CHECK_EQ(vsock_recv(c, buf, 10000, false), 10000);
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_UPDATE)->fwd_cnt, 6999);
    CHECK_EQ(vs_last(VS_UPDATE)->buf_alloc, VSOCK_SPACE_DEFAULT);
    CHECK_EQ(vsock_error(c), 0);
}

/* Each packet of a connection, whatever it is for, tells the space as it is then. */
static void every_packet_tells_the_space(void)
{
    uint8_t buf[2000];
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_deliver_data(80, 5000, 0, 2000);
    CHECK_EQ(vsock_recv(c, buf, 700, false), 700);
    CHECK_EQ(vsock_send(c, "x", 1), 1);
    CHECK_EQ(vs_last(VS_RW)->fwd_cnt, 700);
    CHECK_EQ(vs_last(VS_RW)->buf_alloc, VSOCK_SPACE_DEFAULT);
    CHECK_EQ(vsock_recv(c, buf, 100, false), 100);
    vsock_shutdown(c, VSOCK_SHUT_SEND);
    CHECK_EQ(vs_last(VS_SHUTDOWN)->fwd_cnt, 800);
    vsock_set_space(c, 2 * VSOCK_SPACE_DEFAULT);
    CHECK_EQ(vs_last(VS_UPDATE)->buf_alloc, 2 * VSOCK_SPACE_DEFAULT);
    CHECK_EQ(vs_last(VS_UPDATE)->fwd_cnt, 800);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void shutdowns_are_sticky(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_SHUTDOWN);
    uint8_t buf[10];
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_deliver_data(80, 5000, 0, 5);
    p.flags = VSOCK_SHUT_SEND;
    vs_deliver(&p);
    p.flags = 0;
    vs_deliver(&p);
    CHECK_EQ(vsock_recv(c, buf, 10, false), 5); /* what came before stays */
    CHECK_EQ(vsock_recv(c, buf, 10, false), 0);
    CHECK_EQ(vsock_send(c, "x", 1), 1);
    p.flags = VSOCK_SHUT_RECEIVE;
    vs_deliver(&p); /* with the first, that is both */
    CHECK_EQ(vsock_send(c, "x", 1), -EPIPE);
    vs_last(VS_RST);
    CHECK(vsock_status(c) & VSOCK_ENDED);
    CHECK_EQ(vsock_error(c), 0);
    vsock_close(c);
}

static void own_shutdowns_add_up(void)
{
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vsock_shutdown(c, VSOCK_SHUT_SEND);
    CHECK_EQ(vs_last(VS_SHUTDOWN)->flags, VSOCK_SHUT_SEND);
    CHECK_EQ(vsock_send(c, "x", 1), -EPIPE);
    vsock_shutdown(c, VSOCK_SHUT_SEND); /* known already */
    CHECK_EQ(vs_count(VS_SHUTDOWN), 1);
    vsock_shutdown(c, VSOCK_SHUT_RECEIVE);
    CHECK_EQ(vs_last(VS_SHUTDOWN)->flags, VSOCK_SHUT_BOTH);
    host_run_for(9 * HAL_SEC);
    vs_last(VS_RST);
    CHECK(vsock_status(c) & VSOCK_ENDED);
    vsock_close(c);
}

static void closes(bool answered)
{
    struct vs_packet p = vs_from(80, 5000, VS_RST);
    struct vsock_stats before, after;
    int64_t blocks;

    vs_boot_plain();
    blocks = host_live_blocks();
    before = vsock_device->stats;
    vsock_close(vs_connected(10000));
    CHECK_EQ(vs_last(VS_SHUTDOWN)->flags, VSOCK_SHUT_BOTH);
    CHECK(vsock_port_used(5000));      /* until the peer has closed, too */
    vs_deliver_data(80, 5000, 0, 100); /* on its way already: no matter */
    if (answered)
        vs_deliver(&p);
    else
        host_run_for(9 * HAL_SEC);
    CHECK(!vsock_port_used(5000));
    CHECK_EQ(vs_count(VS_RST), answered ? 0 : 1);
    after = vsock_device->stats;
    CHECK_EQ(host_live_blocks() - blocks, after.buffers - before.buffers);
    CHECK(after.buffers <= before.buffers + 1);
}

static void close_is_answered(void)
{
    closes(true);
}

static void close_is_not_answered(void)
{
    closes(false);
}

static void peer_resets(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RST);
    uint8_t buf[10];
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_deliver_data(80, 5000, 0, 5);
    vs_deliver(&p);
    CHECK_EQ(vsock_recv(c, buf, 10, false), 5);
    CHECK_EQ(vsock_recv(c, buf, 10, false), -ECONNRESET);
    CHECK_EQ(vsock_send(c, "x", 1), -ECONNRESET);
    vsock_close(c);
    CHECK_EQ(vs.sent_count, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"sets_up", sets_up, "VSOCK-01 VSOCK-05 VSOCK-06"},
        {"cid_0", cid_0, ""},
        {"cid_of_the_host", cid_of_the_host, ""},
        {"cid_any", cid_any, ""},
        {"cid_with_an_upper_half", cid_with_an_upper_half, "VSOCK-05"},
        {"no_feature", no_feature, "VSOCK-03"},
        {"seqpacket_alone", seqpacket_alone, "VSOCK-04"},
        {"all_features", all_features, "VSOCK-02"},
        {"no_streams_at_all", no_streams_at_all, ""},
        {"out_of_memory", out_of_memory, ""},
        {"connects", connects, "VSOCK-07 VSOCK-08 VSOCK-14 VSOCK-20"},
        {"is_refused", is_refused, ""},
        {"is_not_answered", is_not_answered, ""},
        {"accepts", accepts, "VSOCK-16"},
        {"receives", receives, "VSOCK-07"},
        {"sends", sends, "VSOCK-07"},
        {"surplus_is_ignored", surplus_is_ignored, "VSOCK-09"},
        {"credit", credit, "VSOCK-11"},
        {"credit_wraps", credit_wraps, "VSOCK-11"},
        {"space_wraps", space_wraps, "VSOCK-12 VSOCK-13"},
        {"every_packet_tells_the_space", every_packet_tells_the_space, "VSOCK-12"},
        {"shutdowns_are_sticky", shutdowns_are_sticky, "VSOCK-17"},
        {"own_shutdowns_add_up", own_shutdowns_add_up, "VSOCK-17 VSOCK-18"},
        {"close_is_answered", close_is_answered, "VSOCK-18"},
        {"close_is_not_answered", close_is_not_answered, "VSOCK-18"},
        {"peer_resets", peer_resets, ""},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
