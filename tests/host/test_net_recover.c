/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_recover.c - a network device, or one of its queues, is reset and comes back (virtio 1.4,
 * sections 2.1.2, 2.4, 2.6.1, 5.1): frames that were out are lost and counted, every cookie comes
 * back once, no receive buffer is lost, the link stays as it was, and traffic goes on.
 */
#include <string.h>

#include "check.h"
#include "netmodel.h"
#include "virtio/device.h"

#define OUT 10 /* frames in the ring when it happens */

static struct virtio_device *dev;
static unsigned sent; /* frames given to the driver so far */

static void boot_with(const unsigned *more, unsigned n)
{
    net_plug_way(more, n);
    net_boot();
    dev = virtio_find("vnet0");
    CHECK(net.dev && dev);
}

static struct vnet_stats stats(void)
{
    struct vnet_stats s;

    vnet_get_stats(net.dev, &s);
    return s;
}

static void check_buffers(void)
{
    struct vnet_stats s = stats();

    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(dev, 0)), s.rx_buffers);
}

/* Both ways, more than once round each ring. */
static void check_traffic(void)
{
    unsigned before = net.inputs;

    for (unsigned i = 0; i < 2 * NET_RING; i++) {
        net_deliver_good(i, 60 + i);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, before + i + 1);
        CHECK_EQ(net.last_len, 60 + i);
        CHECK_EQ(net_send(sent, 16, 1, 100), 0);
        vnet_flush(net.dev);
        net_check_wire(net.wire_count - 1, sent++, 100);
        host_run_for(12 * HAL_MS);
    }
    check_buffers();
}

/* Traffic, then one received frame is with the stack, OUT are in the ring and one is not yet. */
static void some_are_out(void)
{
    check_traffic();
    net.keep = true;
    net_deliver_good(1, 60);
    model_publish(net.m, net.rx);
    host_run_services();
    net.keep = false;
    net.hold_tx = true;
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(net_send(sent++, 16, 1 + i % 3, 100), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net_send(sent++, 16, 1, 100), 0);
}

static void check_all_back(void)
{
    CHECK_EQ(net.tx_done, sent);
    for (unsigned i = 0; i < sent; i++)
        CHECK_EQ(net.frame_state[i], 2);
}

/* CHECKs that the card was reset `times` times, lost `lost` frames, and that the stack saw no
 * change. */
static void check_recovered(unsigned times, unsigned lost)
{
    struct virtio_info info;

    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.alive && virtio_works(dev));
    CHECK_EQ(info.recoveries, times);
    CHECK_EQ(stats().tx_lost, lost);
    CHECK_EQ(net.link_calls, 0);
    CHECK(vnet_link_up(net.dev) && !vnet_is_dead(net.dev));
    check_all_back();
    check_buffers();
    net.hold_tx = false;
    if (net.kept_count)
        vnet_rx_free(net.kept[--net.kept_count]);
    check_traffic();
    CHECK_EQ(stats().rx_held, 0);
}

/* ---- what breaks it -------------------------------------------------------------------------- */

static void asks_for_a_reset(void)
{
    net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(net.m, 2, NULL);
}

static void bad_id(struct model_queue *q)
{
    model_forge(net.m, q, 0xffff, 100);
    model_show(net.m, q);
    model_raise(net.m, 1, q);
}

static void device_is_reset(void)
{
    boot_with(NULL, 0);
    some_are_out();
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    check_recovered(1, OUT + 1);
}

static void receive_queue_breaks(void)
{
    boot_with(NULL, 0);
    some_are_out();
    bad_id(net.rx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(host_log_matches("is broken"), 1);
    check_recovered(1, OUT + 1);
}

static void transmit_queue_breaks(void)
{
    boot_with(NULL, 0);
    some_are_out();
    bad_id(net.tx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(host_log_matches("is broken"), 1);
    check_recovered(1, OUT + 1);
}

/* With RING_RESET the other queue goes on: a broken receive queue costs no frame that is sent. */
static void queues_are_reset_alone(void)
{
    static const unsigned bits[] = {VIRTIO_F_RING_RESET};

    boot_with(bits, 1);
    if (!virtio_has(dev, VIRTIO_F_RING_RESET))
        return; /* legacy */
    uint64_t resets = net.m->resets;
    some_are_out();
    bad_id(net.rx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(stats().tx_lost, 0);
    bad_id(net.tx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.m->resets, resets);
    check_recovered(2, OUT + 1);
}

/* Class 14: while the reset is not complete nothing is handed back; then all of it. */
static void slow_reset(void)
{
    boot_with(NULL, 0);
    some_are_out();
    net.m->reset_reads = 400;
    asks_for_a_reset();
    host_run_services();
    unsigned done = net.tx_done;
    for (unsigned i = 0; i < 10; i++) {
        host_run_for(HAL_MS);
        CHECK_EQ(net.tx_done, done);
    }
    host_run_for(100 * HAL_MS);
    check_recovered(1, OUT + 1);
}

/* Frames sent during a reset are taken, dropped and counted at once, however many they are. */
static void sends_meanwhile(void)
{
    boot_with(NULL, 0);
    check_traffic();
    net.m->reset_reads = 400;
    asks_for_a_reset();
    host_run_services();
    net.wire_count = 0;
    unsigned lost = (unsigned)stats().tx_lost;
    for (unsigned i = 0; i < 100; i++) {
        unsigned done = net.tx_done;

        CHECK_EQ(net_send(sent++, 16, 1, 100), 0);
        vnet_flush(net.dev);
        CHECK(lost == stats().tx_lost || net.tx_done == done + 1);
        lost = (unsigned)stats().tx_lost;
    }
    host_run_for(100 * HAL_MS);
    CHECK_EQ(stats().tx_full, 0);
    CHECK_EQ(net.room_calls, 0);
    CHECK_EQ(net.wire_count, 0);
    check_recovered(1, 100);
}

/* A sender got -EAGAIN: after the reset tx_room is called. */
static void blocked_sender_is_told(void)
{
    boot_with(NULL, 0);
    net.hold_tx = true;
    while (net_send(sent, 16, 1, 100) == 0) {
        sent++;
        vnet_flush(net.dev);
    }
    CHECK_EQ(net.room_calls, 0);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.room_calls, 1);
    check_recovered(1, sent);
}

/* ---- is it the same card? -------------------------------------------------------------------- */

/* No change is told: only the reset leads to the status. */
static void link_went_down_meanwhile(void)
{
    boot_with(NULL, 0);
    some_are_out();
    model_field(net.m, 6, 2, 0);
    bad_id(net.tx);
    host_run_for(50 * HAL_MS);
    CHECK(net.link_calls == 1 && !net.link_up && !vnet_is_dead(net.dev));
    check_all_back();
    model_field(net.m, 6, 2, 1);
    model_raise(net.m, 2, NULL);
    host_run_services();
    CHECK(net.link_calls == 2 && net.link_up);
    net.hold_tx = false;
    check_traffic();
}

static void check_dead(void)
{
    CHECK(vnet_is_dead(net.dev) && !vnet_link_up(net.dev));
    CHECK(!net.link_up && net.link_calls >= 1);
    CHECK_EQ(net_send(sent, 16, 1, 100), -EIO);
    vnet_flush(net.dev);
    CHECK(!vnet_queued(net.dev));
}

static void another_address(void)
{
    boot_with(NULL, 0);
    some_are_out();
    model_field(net.m, 5, 1, 0x57);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    check_dead();
    check_all_back();
    check_buffers();
    CHECK_EQ(host_log_matches("another address"), 1);
}

static void another_mtu(void)
{
    static const unsigned bits[] = {NET_F_MTU};

    boot_with(bits, 1);
    model_field(net.m, 10, 2, 9000);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    check_dead();
    CHECK_EQ(host_log_matches("another mtu"), 1);
}

/* An address that we made up, since the device's cannot be used, is kept. */
static void made_up_address(void)
{
    uint8_t mac[6];

    net_plug_way(NULL, 0);
    model_field(net.m, 0, 1, 0xff);
    net_boot();
    dev = virtio_find("vnet0");
    memcpy(mac, vnet_mac(net.dev), 6);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    CHECK(memcmp(mac, vnet_mac(net.dev), 6) == 0);
    check_recovered(1, 0);
}

/* ---- the end, and after it ------------------------------------------------------------------- */

static void given_up(void)
{
    host_set_bootargs("vireo.vnet0.resets=0");
    boot_with(NULL, 0);
    some_are_out();
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    check_dead();
    check_all_back();
    CHECK_EQ(stats().tx_lost, OUT + 1);
    check_buffers();
    vnet_rx_free(net.kept[0]);
    check_buffers();
}

/* Memory that a device without a complete reset may still reach is never used again. */
static void quarantine(void)
{
    boot_with(NULL, 0);
    some_are_out();
    unsigned posted = virtq_in_flight(virtio_queue(dev, 0)), buffers = stats().rx_buffers;
    net.m->reset_never = true;
    virtq_fail(virtio_queue(dev, 1), "a test says so");
    vnet_flush(net.dev);
    host_run_for(2 * HAL_SEC);
    check_dead();
    CHECK_EQ(stats().tx_lost, OUT + 1);
    for (unsigned i = 0; i < OUT; i++)
        CHECK_EQ(net.frame_state[sent - 2 - i], 1);
    CHECK_EQ(net.frame_state[sent - 1], 2); /* it never was with the device */
    CHECK_EQ(stats().rx_buffers, buffers - posted);
    CHECK_EQ(stats().rx_spare + stats().rx_held, buffers - posted);
    vnet_rx_free(net.kept[0]);
    CHECK_EQ(stats().rx_held, 0);
}

static void link_down_before(void)
{
    host_set_bootargs("vireo.vnet0.resets=0");
    boot_with(NULL, 0);
    model_field(net.m, 6, 2, 0);
    model_raise(net.m, 2, NULL);
    host_run_services();
    CHECK_EQ(net.link_calls, 1);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.link_calls, 2); /* the stack hears of the end all the same */
    check_dead();
}

/* Away, and back in its place. */
static void plugged_in_again(void)
{
    boot_with(NULL, 0);
    for (unsigned i = 1; i <= 3; i++) {
        some_are_out();
        virtio_unplug(dev, true, false);
        check_dead();
        check_all_back();
        CHECK_EQ(net.link_calls, 2 * i - 1);
        net.hold_tx = false;
        CHECK_EQ(virtio_replug(dev), 0);
        host_run_services();
        CHECK(!vnet_is_dead(net.dev) && vnet_link_up(net.dev));
        CHECK(net.link_up && net.link_calls == 2 * i);
        vnet_rx_free(net.kept[--net.kept_count]);
        check_traffic();
    }
}

static void another_card_is_plugged_in(void)
{
    boot_with(NULL, 0);
    virtio_unplug(dev, true, false);
    model_field(net.m, 5, 1, 0x57);
    CHECK(virtio_replug(dev) != 0);
    check_dead();
    CHECK_EQ(net.link_calls, 1);
    model_field(net.m, 5, 1, 0x56);
    CHECK_EQ(virtio_replug(dev), 0);
    check_traffic();
}

/* After quarantine it works with other buffers: those that were lost are not posted again. */
static void plugged_in_after_quarantine(void)
{
    static uint64_t old[NET_RING];
    struct model_chain c;
    unsigned n = 0;

    boot_with(NULL, 0);
    check_traffic();
    while (model_pop(net.m, net.rx, &c))
        old[n++] = c.segs[0].addr;
    virtio_unplug(dev, false, false);
    check_dead();
    CHECK_EQ(virtio_replug(dev), 0);
    for (unsigned k = 0; model_pop(net.m, net.rx, &c); k++) {
        for (unsigned i = 0; i < n; i++)
            CHECK(c.segs[0].addr != old[i]);
        model_push(net.m, net.rx, &c, 0);
    }
    model_publish(net.m, net.rx);
    host_run_services();
    check_traffic();
}

/* Few buffers fit into the memory for them: each time, new buffers replace the lost ones. */
static void large_frames_after_quarantine(void)
{
    static const unsigned bits[] = {NET_F_MTU};
    unsigned posted;

    net_plug_way(bits, 1);
    model_field(net.m, 10, 2, 65521);
    net_boot();
    dev = virtio_find("vnet0");
    posted = virtq_in_flight(virtio_queue(dev, 0));
    for (unsigned i = 0; i < 5; i++) {
        virtio_unplug(dev, false, false);
        CHECK_EQ(virtio_replug(dev), 0);
        CHECK_EQ(virtq_in_flight(virtio_queue(dev, 0)), posted);
    }
    check_traffic();
}

/* ---- the deadline of what is sent ------------------------------------------------------------ */

/* Class 13: nothing is ever completed. */
static void silent_device(void)
{
    boot_with(NULL, 0);
    some_are_out();
    host_run_for(4900 * HAL_MS);
    CHECK_EQ(net.tx_done, sent - OUT - 1);
    host_run_for(300 * HAL_MS);
    CHECK_EQ(host_log_matches("not sent in time"), 1);
    check_recovered(1, OUT + 1);
}

/* A peer that takes nothing for three minutes costs frames, not the card: after 5, 10, 20 and some
 * times 40 seconds there is a reset. */
static void stalled_peer(void)
{
    unsigned first, resets;

    boot_with(NULL, 0);
    some_are_out();
    first = sent - OUT - 1;
    for (unsigned s = 0; s < 160; s++) {
        host_run_for(HAL_SEC);
        CHECK_EQ(net_send(sent++, 16, 1, 100), 0);
        vnet_flush(net.dev);
    }
    host_run_for(60 * HAL_SEC);
    resets = host_log_matches("not sent in time");
    CHECK(resets >= 5 && resets <= 7);
    CHECK_EQ(host_log_matches("given up"), 0);
    check_recovered(resets, sent - first);
}

static void deadline_by_argument(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=300");
    boot_with(NULL, 0);
    some_are_out();
    host_run_for(250 * HAL_MS);
    CHECK_EQ(net.tx_done, sent - OUT - 1);
    host_run_for(150 * HAL_MS);
    check_recovered(1, OUT + 1);
}

/* One frame in four seconds: slow, but it goes on. */
static void slow_device(void)
{
    struct model_chain c;

    boot_with(NULL, 0);
    some_are_out();
    for (unsigned i = 0; i <= OUT; i++) {
        host_run_for(4 * HAL_SEC);
        CHECK(model_pop(net.m, net.tx, &c));
        model_push(net.m, net.tx, &c, 0);
        model_publish(net.m, net.tx);
    }
    host_run_for(20 * HAL_MS);
    check_recovered(0, 0);
}

/* All come back but one, and more are sent all the time: it is found out, and no other is lost. */
static void one_is_withheld(void)
{
    struct model_chain kept, c;

    boot_with(NULL, 0);
    net.hold_tx = true;
    CHECK_EQ(net_send(sent++, 16, 1, 100), 0);
    vnet_flush(net.dev);
    CHECK(model_pop(net.m, net.tx, &kept));
    uint64_t resets = net.m->resets;
    for (unsigned i = 0; i < 400 && net.m->resets == resets; i++) {
        if (net_send(sent, 16, 1, 100) == 0)
            sent++;
        vnet_flush(net.dev);
        while (model_has_more(net.m, net.tx) && model_pop(net.m, net.tx, &c)) {
            model_push(net.m, net.tx, &c, 0);
            model_publish(net.m, net.tx);
        }
        host_run_for(40 * HAL_MS);
    }
    CHECK_EQ(host_log_matches("not sent in time"), 1);
    host_run_for(50 * HAL_MS);
    CHECK(stats().tx_lost <= 1 + 64); /* that one, and what waited for it */
    check_recovered(1, (unsigned)stats().tx_lost);
}

/* A machine that was stopped for an hour has not waited for an hour. */
static void stopped_machine(void)
{
    boot_with(NULL, 0);
    some_are_out();
    for (unsigned i = 0; i < 20; i++) {
        host_advance(3600 * HAL_SEC);
        host_run_for(20 * HAL_MS);
    }
    CHECK_EQ(net.tx_done, sent - OUT - 1);
    net.hold_tx = false;
    net_serve_tx(net.m, net.tx);
    host_run_for(50 * HAL_MS);
    check_recovered(0, 0);
}

/* ---- receive buffers, when memory is short --------------------------------------------------- */

/* Class 32: no allocation succeeds, the stack keeps what it gets, the ring is as full as ever. */
static void ring_never_shrinks(void)
{
    boot_with(NULL, 0);
    host_fail_alloc_after(0);
    net.keep = true;
    unsigned posted = virtq_in_flight(virtio_queue(dev, 0));
    for (unsigned i = 0; i < 500; i++) {
        uint64_t kicks = net.rx->kicks;

        net_deliver_good(i, 60);
        model_want_kick(net.m, net.rx, true);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(virtq_in_flight(virtio_queue(dev, 0)), posted);
        CHECK_EQ(net.rx->kicks, kicks + 1); /* a refill that is wanted is told */
        check_buffers();
    }
    CHECK(stats().rx_no_spare > 0);
    asks_for_a_reset();
    host_run_for(50 * HAL_MS);
    CHECK_EQ(virtq_in_flight(virtio_queue(dev, 0)), posted);
    while (net.kept_count)
        vnet_rx_free(net.kept[--net.kept_count]);
    net.keep = false;
    check_recovered(1, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(device_is_reset, NULL),
        EACH_WAY(receive_queue_breaks, NULL),
        EACH_WAY(transmit_queue_breaks, NULL),
        EACH_WAY(queues_are_reset_alone, NULL),
        EACH_WAY(slow_reset, NULL),
        EACH_WAY(sends_meanwhile, NULL),
        EACH_WAY(blocked_sender_is_told, NULL),
        EACH_WAY(link_went_down_meanwhile, NULL),
        EACH_WAY(another_address, NULL),
        EACH_WAY(another_mtu, NULL),
        EACH_WAY(made_up_address, NULL),
        EACH_WAY(given_up, NULL),
        EACH_WAY(quarantine, NULL),
        EACH_WAY(link_down_before, NULL),
        EACH_WAY(plugged_in_again, NULL),
        EACH_WAY(another_card_is_plugged_in, NULL),
        EACH_WAY(plugged_in_after_quarantine, NULL),
        EACH_WAY(large_frames_after_quarantine, NULL),
        EACH_WAY(silent_device, NULL),
        EACH_WAY(stalled_peer, NULL),
        EACH_WAY(deadline_by_argument, NULL),
        EACH_WAY(slow_device, NULL),
        EACH_WAY(one_is_withheld, NULL),
        EACH_WAY(stopped_machine, NULL),
        EACH_WAY(ring_never_shrinks, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
