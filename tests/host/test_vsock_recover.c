/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vsock_recover.c - the socket device is reset, or leaves and comes back (virtio 1.4, sections
 * 2.4, 2.6.1, 5.10): streams end with an error, listeners stay, and new connections work.
 */
#include <string.h>

#include "check.h"
#include "virtio/device.h"
#include "vsockmodel.h"

static struct vsock_listener listener = {
    .port = 7, .backlog = 8, .space = 4096, .notify = vs_notify, .ctx = &vs};

static void check_new_connections(uint32_t guest_port)
{
    struct vsock_conn *c, *a;
    struct vs_packet p;
    uint8_t buf[16];

    CHECK(vsock_up());
    CHECK_EQ(vsock_connect((struct vsock_addr){VS_HOST, 90}, guest_port, 9999, HAL_SEC, vs_notify,
                           &vs, &c),
             0);
    host_run_services();
    CHECK_EQ(vs_last(VS_REQUEST)->src_cid, vs.cid);
    p = vs_from(90, guest_port, VS_RESPONSE);
    vs_deliver(&p);
    CHECK_EQ(vsock_send(c, "hello", 5), 5);
    host_run_services();
    CHECK(memcmp(vs_last(VS_RW)->data, "hello", 5) == 0);
    vs_deliver_data(90, guest_port, 3, 9);
    CHECK_EQ(vsock_recv(c, buf, 16, false), 9);
    CHECK_EQ(buf[0], vs_pattern(3));
    p = vs_from(701, 7, VS_REQUEST);
    vs_deliver(&p);
    a = vsock_accept(&listener, vs_notify, &vs);
    CHECK(a && vsock_peer(a).port == 701);
    p = vs_from(701, 7, VS_RST);
    vs_deliver(&p);
    vsock_close(a);
    p = vs_from(90, guest_port, VS_RST);
    vs_deliver(&p);
    vsock_close(c);
    host_run_services();
}

static struct vsock_conn *talking, *asking;

/* A stream with data both ways, one that nobody accepted yet, and one that is not answered. */
static void busy(void)
{
    struct vs_packet p = vs_from(700, 7, VS_REQUEST);

    vs.hold_tx = false;
    talking = vs_connected(10000);
    vs_deliver_data(80, 5000, 0, 5);
    vs_deliver(&p);
    CHECK_EQ(vsock_connect((struct vsock_addr){VS_HOST, 99}, 5001, 9999, HAL_SEC, vs_notify, &vs,
                           &asking),
             0);
    host_run_services();
    vs.hold_tx = true;
    CHECK_EQ(vsock_send(talking, "lost", 4), 4);
}

static void check_ended(int error)
{
    uint8_t buf[10];

    CHECK_EQ(vsock_recv(talking, buf, 10, false), 5); /* what had come is the image's */
    CHECK_EQ(vsock_recv(talking, buf, 10, false), error);
    CHECK_EQ(vsock_send(talking, "x", 1), error);
    CHECK_EQ(vsock_error(asking), error);
    vsock_close(talking);
    vsock_close(asking);
    CHECK(!vsock_accept(&listener, vs_notify, &vs));
}

static void boot(bool ring_reset)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_RESET};

    vs_plug(MODEL_MMIO, bits, ring_reset ? 2 : 1);
    vs_boot();
    CHECK_EQ(vsock_listen(&listener), 0);
}

static void recovers(void)
{
    int64_t blocks;
    unsigned notified;

    boot(false);
    for (unsigned i = 0; i < 5; i++) {
        blocks = host_live_blocks();
        busy();
        notified = vs.notified;
        vs.m->reset_reads = 40;
        vs_set_cid(50 + i); /* the machine was moved to another host */
        vs.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(vs.m, 2, NULL);
        host_run_services();
        vs.hold_tx = false;
        host_run_for(20 * HAL_SEC);
        CHECK(vs.notified > notified);
        check_ended(-ECONNRESET);
        CHECK_EQ(vsock_cid(), 50 + i);
        check_new_connections(6000 + i);
        if (i)
            CHECK_EQ(host_live_blocks(), blocks);
    }
}

/* One queue alone: whichever it is, no stream is whole any more; the device goes on. */
static void one_queue(unsigned n)
{
    boot(true);
    for (unsigned i = 0; i < 3; i++) {
        busy();
        virtq_fail(virtio_queue(virtio_find("vsock0"), n), "test");
        vs.hold_tx = false;
        host_run_services();
        check_ended(-ECONNRESET);
        CHECK_EQ(vs.m->resets, 1);
        vs_release();
        check_new_connections(6000 + i);
        host_run_for(20 * HAL_SEC);
    }
}

static void receive_queue(void)
{
    one_queue(0);
}

static void transmit_queue(void)
{
    one_queue(1);
}

static void event_queue(void)
{
    one_queue(2);
    vs_event(0, 4);
    CHECK_EQ(host_log_matches("transport reset"), 1);
}

/* A connect or send during the recovery waits, at most until its timeout. */
static void connects_meanwhile(void)
{
    struct vsock_conn *c, *late;
    struct vs_packet p;

    boot(false);
    c = vs_connected(10000);
    vs.m->reset_reads = 100;
    virtio_fail(virtio_find("vsock0"), "test");
    host_run_services();
    CHECK_EQ(vsock_send(c, "x", 1), -EAGAIN);
    model_withdraw(vs.m, VIRTIO_F_EVENT_IDX);
    host_run_for(12 * HAL_MS); /* reset, and waiting for the next try */
    CHECK_EQ(vsock_error(c), -ECONNRESET);
    vsock_close(c);
    CHECK_EQ(vsock_connect((struct vsock_addr){VS_HOST, 99}, 5001, 9999, 5 * HAL_SEC, vs_notify,
                           &vs, &c),
             0);
    CHECK_EQ(
        vsock_connect((struct vsock_addr){VS_HOST, 99}, 5002, 9999, HAL_MS, vs_notify, &vs, &late),
        0);
    model_offer(vs.m, VIRTIO_F_EVENT_IDX);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(vsock_error(late), -ETIMEDOUT);
    vsock_close(late);
    p = vs_from(99, 5001, VS_RESPONSE);
    vs_deliver(&p);
    CHECK_EQ(vsock_status(c), VSOCK_CAN_WRITE);
    vsock_close(c);
}

static void plugged_in_again(void)
{
    struct virtio_device *dev;

    boot(false);
    dev = virtio_find("vsock0");
    for (unsigned i = 0; i < 4; i++) {
        busy();
        virtio_unplug(dev, false, i & 1);
        CHECK(!vsock_up() && vsock_cid() == VSOCK_CID_NONE);
        check_ended(-EIO);
        vs.hold_tx = false;
        host_fail_alloc_after(random_below(65));
        CHECK_EQ(virtio_replug(dev), -ENODEV);
        host_fail_alloc_after(-1);
        CHECK(!vsock_up());
        CHECK_EQ(virtio_replug(dev), 0);
        host_run_services();
        check_new_connections(6000 + i);
    }
}

/* Another CID is no reason to refuse it; none is. */
static void comes_back_without_a_cid(void)
{
    boot(false);
    vs_set_cid(1);
    virtio_fail(virtio_find("vsock0"), "test");
    host_run_services();
    CHECK(!vsock_up());
    CHECK_EQ(host_log_matches("given up"), 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(recovers, NULL),
        SHOWS(receive_queue, NULL),
        SHOWS(transmit_queue, NULL),
        SHOWS(event_queue, NULL),
        SHOWS(connects_meanwhile, NULL),
        SHOWS(plugged_in_again, NULL),
        SHOWS(comes_back_without_a_cid, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
