/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vsock_bad.c - the virtio socket device (virtio 1.4, section 5.10) when the device lies, when
 * a queue is full, when the transport is reset, and when the device dies. See vsockmodel.h.
 */
#include <string.h>

#include "check.h"
#include "virtio/virtio.h"
#include "vsock/vsock_impl.h"
#include "vsockmodel.h"

static struct vsock_listener listener = {
    .port = 7, .backlog = 200, .space = 8192, .notify = vs_notify, .ctx = &vs};

/* ---- packets that nobody expects ------------------------------------------------------------- */

static void strangers_are_reset(void)
{
    static const uint16_t ops[] = {VS_REQUEST, VS_RESPONSE, VS_SHUTDOWN, VS_RW,
                                   VS_UPDATE,  VS_ASK,      0,           99};

    vs_boot_plain();
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        struct vs_packet p = vs_from(1234, 4321, ops[i]);
        vs_deliver(&p);
        CHECK_EQ(vs.sent_count, i + 1);
        CHECK_EQ(vs_last(VS_RST)->dst_port, 1234);
        CHECK_EQ(vs_last(VS_RST)->src_port, 4321);
    }
    struct vs_packet p = vs_from(1234, 4321, VS_RST);
    vs_deliver(&p); /* else two peers would go on for ever */
    CHECK_EQ(vs_count(VS_RST), 8);
}

static void unknown_type(void)
{
    static const uint16_t types[] = {0, 2, 3, 0xffff};
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    for (unsigned i = 0; i < 4; i++) {
        struct vs_packet p = vs_from(80, 5000, VS_RW);
        p.type = types[i];
        vs_deliver(&p);
        CHECK_EQ(vs_last(VS_RST)->type, types[i]);
        CHECK_EQ(vs_last(VS_RST)->dst_port, 80);
        p.op = VS_RST;
        vs_deliver(&p);
    }
    CHECK_EQ(vs_count(VS_RST), 4);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE); /* a stream is none of theirs */
}

static void wrong_cids(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RST);
    struct vsock_stats s;
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    p.dst_cid = VS_CID + 1;
    vs_deliver(&p);
    p.dst_cid = VS_CID | 1ull << 32;
    vs_deliver(&p);
    p.dst_cid = VS_CID;
    p.src_cid = VS_HOST | 1ull << 40;
    vs_deliver(&p);
    p.src_cid = VS_CID;
    vs_deliver(&p);
    p.src_cid = 0xffffffff;
    vs_deliver(&p);
    p.src_cid = 9; /* somebody else: a stranger */
    vs_deliver(&p);
    s = vsock_device->stats;
    CHECK_EQ(s.rx_bad, 5);
    CHECK_EQ(host_log_matches("packet dropped"), 1);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
    CHECK_EQ(vs.sent_count, 1);
}

static void shorter_than_a_header(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RST);
    struct vsock_stats s;
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_deliver_as(&p, 0);
    vs_deliver_as(&p, VS_HDR - 1);
    s = vsock_device->stats;
    CHECK_EQ(s.rx_bad, 2);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
}

/* ---- rules of a connection that its peer breaks ---------------------------------------------- */

static void must_end(struct vsock_conn *c, const struct vs_packet *p, uint32_t used)
{
    unsigned resets = vs_count(VS_RST);

    vs_deliver_as(p, used);
    CHECK(vsock_status(c) & VSOCK_ENDED);
    CHECK(vsock_error(c) == -ECONNRESET || vsock_error(c) == -EPROTO);
    CHECK_EQ(vs_count(VS_RST), resets + 1);
    CHECK_EQ(vs_last(VS_RST)->dst_port, 80);
    vsock_close(c);
    CHECK_EQ(vs_count(VS_RST), resets + 1);
    /* The device is none the worse for it. */
    c = vs_connected(100);
    CHECK_EQ(vsock_send(c, "x", 1), 1);
}

static void more_than_it_carries(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RW);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    p.len = 101;
    must_end(c, &p, VS_HDR + 100);
}

static void length_that_wraps(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RW);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    p.len = UINT32_MAX - 20;
    must_end(c, &p, VS_HDR + 100);
}

static void more_than_the_space(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RW);
    struct vsock_conn *c;
    uint32_t sent = 0;

    vs_boot_plain();
    c = vs_connected(10000);
    for (; sent + 4000 <= VSOCK_SPACE_DEFAULT; sent += 4000)
        vs_deliver_data(80, 5000, sent, 4000);
    CHECK_EQ(vsock_waiting(c), sent);
    p.len = VSOCK_SPACE_DEFAULT - sent + 1;
    must_end(c, &p, VS_HDR + p.len);
}

static void forwarded_more_than_was_sent(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_UPDATE);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    CHECK_EQ(vsock_send(c, "abc", 3), 3);
    p.fwd_cnt = 4;
    must_end(c, &p, VS_HDR);
}

static void forwarded_runs_backwards(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_UPDATE);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    CHECK_EQ(vsock_send(c, "abc", 3), 3);
    p.fwd_cnt = 3;
    vs_deliver(&p);
    CHECK_EQ(vsock_error(c), 0);
    p.fwd_cnt = 2;
    must_end(c, &p, VS_HDR);
}

static void unknown_op(uint16_t op)
{
    struct vs_packet p = vs_from(80, 5000, op);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    must_end(c, &p, VS_HDR);
}

static void op_0(void)
{
    unknown_op(0);
}

static void op_99(void)
{
    unknown_op(99);
}

static void answered_twice(void)
{
    unknown_op(VS_RESPONSE);
}

static void asked_for_twice(void)
{
    unknown_op(VS_REQUEST);
}

static void data_after_its_end(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_SHUTDOWN);
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    p.flags = VSOCK_SHUT_SEND;
    vs_deliver(&p);
    p.op = VS_RW;
    p.flags = 0;
    p.len = 1;
    must_end(c, &p, VS_HDR + 1);
}

static void data_instead_of_an_answer(void)
{
    struct vs_packet p = vs_from(80, 5000, VS_RW);
    struct vsock_conn *c;

    vs_boot_plain();
    CHECK_EQ(
        vsock_connect((struct vsock_addr){VS_HOST, 80}, 5000, 9999, HAL_SEC, vs_notify, &vs, &c),
        0);
    must_end(c, &p, VS_HDR);
}

/* ---- full queues (section 5.10.6.1) ---------------------------------------------------------- */

static void receives_while_transmit_is_full(void)
{
    static uint8_t block[100000];
    struct vs_packet ask, request;
    struct vsock_conn *c;
    uint8_t buf[4000];

    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    vs.buf_alloc = 1u << 30;
    ask = vs_from(80, 5000, VS_ASK);
    request = vs_from(600, 7, VS_REQUEST);
    c = vs_connected(1u << 30);
    vs.hold_tx = true;
    while (vsock_send(c, block, sizeof(block)) > 0)
        ;
    CHECK(!(vsock_status(c) & VSOCK_CAN_WRITE));
    /* Three times the ring of packets that each want an answer, and data in between. */
    for (unsigned i = 0; i < 3 * VS_RING; i++) {
        vs_deliver(&ask);
        request.src_port = 600 + i;
        if (i < 200)
            vs_deliver(&request);
        vs_deliver_data(80, 5000, i * 100, 100);
        CHECK_EQ(vsock_recv(c, buf, sizeof(buf), false), 100);
        CHECK_EQ(buf[7], vs_pattern(i * 100 + 7));
    }
    unsigned sent = vs.sent_count, notified = vs.notified;
    vs_release();
    CHECK(vs.notified > notified); /* there is room to send again */
    CHECK_EQ(vs_count(VS_RESPONSE), 3 * VS_RING);
    CHECK(vs_count(VS_UPDATE) > 0 && vs.sent_count > sent + VS_RING);
    CHECK(vsock_send(c, "x", 1) == 1);
}

/*
 * Resets to strangers wait in a table; when it is full, receiving waits, and then goes on. The
 * service sleeps meanwhile.
 */
static void strangers_while_transmit_is_full(void)
{
    struct vs_packet p = vs_from(1, 4321, VS_RW);
    static uint8_t block[100000];
    struct vsock_conn *c;
    struct vsock_stats s;

    vs_boot_plain();
    c = vs_connected(1u << 30);
    vs.hold_tx = true;
    while (vsock_send(c, block, sizeof(block)) > 0)
        ;
    for (unsigned i = 0; i < VSOCK_REPLIES + 10; i++) {
        p.src_port = i + 1;
        vs_deliver(&p);
    }
    s = vsock_device->stats;
    CHECK_EQ(s.rx_unknown, VSOCK_REPLIES);
    CHECK(s.rx_stopped > 0);
    vs_release();
    CHECK_EQ(vs_count(VS_RST), VSOCK_REPLIES + 10);
    CHECK_EQ(vs_last(VS_RST)->dst_port, VSOCK_REPLIES + 10);
    CHECK_EQ(vsock_error(c), 0);
}

/* The same for connections that are over before they could be answered: they take no more memory.
 */
static void resets_while_transmit_is_full(void)
{
    struct vs_packet p = vs_from(1, 7, VS_REQUEST);
    static uint8_t block[100000];
    struct vsock_conn *c;
    int64_t blocks;

    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    c = vs_connected(1u << 30);
    vs.hold_tx = true;
    while (vsock_send(c, block, sizeof(block)) > 0)
        ;
    blocks = host_live_blocks();
    for (unsigned i = 0; i < VSOCK_REPLIES + 10; i++) {
        p.src_port = i + 1;
        p.fwd_cnt = 1; /* of nothing */
        vs_deliver(&p);
    }
    CHECK_EQ(host_live_blocks(), blocks + VSOCK_REPLIES);
    vs_release();
    CHECK_EQ(vs_count(VS_RST), VSOCK_REPLIES + 10);
    CHECK_EQ(host_live_blocks(), blocks);
    CHECK_EQ(vsock_error(c), 0);
}

static void memory_runs_out(void)
{
    struct vsock_conn *c;
    uint32_t sent = 0;

    vs_boot_plain();
    c = vs_connected(10000);
    host_fail_alloc_after(0);
    while (!(vsock_status(c) & VSOCK_ENDED) && sent + 4000 <= VSOCK_SPACE_DEFAULT) {
        vs_deliver_data(80, 5000, sent, 4000);
        sent += 4000;
    }
    CHECK_EQ(vsock_error(c), -ENOMEM);
    vs_last(VS_RST);
    vsock_close(c);
    host_fail_alloc_after(-1);
    c = vs_connected(10000); /* the ring is whole */
    CHECK_EQ(model_avail_idx(vs.rx) - vs.rx->pops, VS_RING);
    vsock_close(c);
}

/* ---- events (section 5.10.6.7) --------------------------------------------------------------- */

static void transport_reset(void)
{
    struct vs_packet p = vs_from(600, 7, VS_REQUEST);
    struct vsock_conn *c, *closing, *waiting;
    unsigned sent;

    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    closing = vs_connected(10000);
    vsock_close(closing);
    vs_deliver(&p);
    p.src_port = 601;
    vs_deliver(&p);
    c = vsock_accept(&listener, vs_notify, &vs);
    CHECK_EQ(listener.waiting, 1);
    CHECK_EQ(vsock_connect((struct vsock_addr){VS_HOST, 99}, 5001, 9999, HAL_SEC, vs_notify, &vs,
                           &waiting),
             0);
    sent = vs.sent_count;
    vs_set_cid(42);
    vs_event(0, 4);
    CHECK_EQ(vsock_cid(), 42);
    CHECK_EQ(vsock_error(c), -ECONNRESET);
    CHECK_EQ(vsock_error(waiting), -ECONNRESET);
    CHECK_EQ(listener.waiting, 0);
    CHECK(!vsock_port_used(5000) && !vsock_port_used(7));
    CHECK_EQ(vs.sent_count, sent); /* the peers are gone: nobody is told */
    vsock_close(c);
    vsock_close(waiting);
    p = vs_from(700, 7, VS_REQUEST);
    vs_deliver(&p);
    CHECK_EQ(vs_last(VS_RESPONSE)->src_cid, 42);
    CHECK_EQ(vsock_peer(vsock_accept(&listener, vs_notify, &vs)).port, 700);
}

/* More events than there are buffers, one after the other: each finds one. */
static void events_are_reposted(void)
{
    struct vsock_stats s;

    vs_boot_plain();
    for (unsigned i = 0; i < 50; i++)
        vs_event(0, 4);
    s = vsock_device->stats;
    CHECK_EQ(s.events, 50);
    CHECK_EQ(s.events_bad, 0);
    CHECK_EQ(host_log_matches("transport reset"), 50);
}

static void events_that_lie(void)
{
    struct vsock_stats s;
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_event(1, 4);
    vs_event(0xffffffff, 4);
    vs_event(0, 0);
    vs_event(0, 3);
    s = vsock_device->stats;
    CHECK_EQ(s.events_bad, 4);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
}

static void reset_to_no_cid(void)
{
    struct vsock_conn *c;

    vs_boot_plain();
    c = vs_connected(10000);
    vs_set_cid(0);
    vs_event(0, 4);
    host_run_services();
    CHECK(!vsock_up()); /* nor is there one after the reset */
    CHECK_EQ(vsock_error(c), -ECONNRESET);
    vsock_close(c);
}

/* ---- death ----------------------------------------------------------------------------------- */

static void break_receiving(void)
{
    model_put_used(vs.rx, (uint16_t)vs.rx->used, 5000, 4);
    model_put_used_idx(vs.rx, (uint16_t)(vs.rx->used + 1));
    model_raise(vs.m, 1, vs.rx);
    host_run_for(2 * HAL_SEC);
    CHECK(!vsock_up());
}

/* A task that waits for a connection is woken. */
static void listeners_hear_of_the_end(void)
{
    unsigned notified;

    host_set_bootargs("vireo.resets=0");
    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    notified = vs.notified;
    break_receiving();
    CHECK_EQ(vs.notified, notified + 1);
    vsock_unlisten(&listener);
}

static void dies(bool reset_works)
{
    struct vsock_conn *c, *held;
    uint8_t buf[10];

    host_set_bootargs("vireo.resets=0");
    vs_boot_plain();
    CHECK_EQ(vsock_listen(&listener), 0);
    c = vs_connected(10000);
    vs_deliver_data(80, 5000, 0, 5);
    CHECK_EQ(
        vsock_connect((struct vsock_addr){VS_HOST, 99}, 5001, 9999, HAL_SEC, vs_notify, &vs, &held),
        0);
    vs.m->reset_never = !reset_works;
    break_receiving();
    CHECK_EQ(vsock_recv(c, buf, 10, false), 5); /* what had come is the image's */
    CHECK_EQ(vsock_recv(c, buf, 10, false), -EIO);
    CHECK_EQ(vsock_send(c, "x", 1), -EIO);
    CHECK_EQ(vsock_error(held), -EIO);
    vsock_close(held);
    CHECK_EQ(
        vsock_connect((struct vsock_addr){VS_HOST, 99}, 5002, 9999, HAL_SEC, vs_notify, &vs, &held),
        -ENXIO);
    vsock_shutdown(c, VSOCK_SHUT_SEND);
    vsock_close(c);
    vsock_unlisten(&listener);
    host_run_for(20 * HAL_SEC);
}

static void dies_after_reset(void)
{
    dies(true);
}

static void dies_without_reset(void)
{
    dies(false);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"strangers_are_reset", strangers_are_reset, "VSOCK-16"},
        {"unknown_type", unknown_type, "VSOCK-15"},
        {"wrong_cids", wrong_cids, "VSOCK-08"},
        {"shorter_than_a_header", shorter_than_a_header, ""},
        {"more_than_it_carries", more_than_it_carries, "VSOCK-09"},
        {"length_that_wraps", length_that_wraps, ""},
        {"more_than_the_space", more_than_the_space, ""},
        {"forwarded_more_than_was_sent", forwarded_more_than_was_sent, ""},
        {"forwarded_runs_backwards", forwarded_runs_backwards, ""},
        {"op_0", op_0, ""},
        {"op_99", op_99, ""},
        {"answered_twice", answered_twice, ""},
        {"asked_for_twice", asked_for_twice, ""},
        {"data_after_its_end", data_after_its_end, ""},
        {"data_instead_of_an_answer", data_instead_of_an_answer, ""},
        {"receives_while_transmit_is_full", receives_while_transmit_is_full, "VSOCK-10"},
        {"strangers_while_transmit_is_full", strangers_while_transmit_is_full, "VSOCK-10"},
        {"resets_while_transmit_is_full", resets_while_transmit_is_full, ""},
        {"memory_runs_out", memory_runs_out, ""},
        {"transport_reset", transport_reset, "VSOCK-22 VSOCK-23 VSOCK-24"},
        {"events_are_reposted", events_are_reposted, "VSOCK-21"},
        {"events_that_lie", events_that_lie, ""},
        {"reset_to_no_cid", reset_to_no_cid, ""},
        {"listeners_hear_of_the_end", listeners_hear_of_the_end, ""},
        {"dies_after_reset", dies_after_reset, ""},
        {"dies_without_reset", dies_without_reset, ""},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
