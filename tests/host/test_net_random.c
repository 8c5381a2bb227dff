/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_random.c - thousands of steps of traffic, faults and resets of a network device in any
 * order: every cookie comes back once, and no receive buffer is lost.
 */
#include "check.h"
#include "netmodel.h"
#include "virtio/virtio.h"

static struct virtio_device *dev;
static unsigned sent; /* frames given to the driver so far */

static void check_buffers(void)
{
    struct vnet_stats s;

    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(dev, 0)), s.rx_buffers);
}

static void bad_id(struct model_queue *q)
{
    model_forge(net.m, q, 0xffff, 100);
    model_show(net.m, q);
    model_raise(net.m, 1, q);
}

static struct model_chain taken[NET_RING];
static unsigned taken_count;
static uint64_t resets_seen;

static bool queues_run(void)
{
    if (net.m->resets != resets_seen)
        taken_count = 0; /* what the device had is no longer its own */
    resets_seen = net.m->resets;
    return net.m->status & VIRTIO_STATUS_DRIVER_OK && !(net.m->status & VIRTIO_STATUS_NEEDS_RESET);
}

static void random_send(void)
{
    if (sent >= NET_PACKETS && net.frame_state[sent - NET_PACKETS] == 1)
        return; /* its memory is still out */
    if (net_send(sent, random_below(2) * 16, 1 + random_below(3), 60 + random_below(1400)) == 0)
        sent++;
    if (random_below(3) == 0)
        vnet_flush(net.dev);
}

/* The device takes some, and is done with some, in any order. */
static void random_device_tx(void)
{
    for (unsigned i = random_below(8); i && model_has_more(net.m, net.tx); i--)
        CHECK(model_pop(net.m, net.tx, &taken[taken_count++]));
    for (unsigned i = random_below(8); i && taken_count; i--) {
        unsigned which = random_below(taken_count);

        model_push(net.m, net.tx, &taken[which], random32());
        taken[which] = taken[--taken_count];
    }
    model_publish(net.m, net.tx);
}

static void random_device_rx(void)
{
    static const uint8_t frame[1514] = {1};

    for (unsigned i = random_below(20); i && model_has_more(net.m, net.rx); i--)
        net_deliver(frame, 60 + random_below(1400),
                    random_below(8) ? net.hdr_len + 60 : random32());
    model_publish(net.m, net.rx);
}

static void random_fault(void)
{
    switch (random_below(7)) {
    case 0:
        net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(net.m, 2, NULL);
        break;
    case 1:
        bad_id(net.rx);
        break;
    case 2:
        bad_id(net.tx);
        break;
    case 3:
        virtio_fail(dev, "a test says so");
        break;
    case 4:
        virtq_fail(virtio_queue(dev, random_below(2)), "a test says so");
        break;
    case 5:
        net.m->reset_reads = random_below(300);
        break;
    default:
        host_run_for(6 * HAL_SEC);
        break; /* beyond the deadline */
    }
}

static void random_step(void)
{
    unsigned what = random_below(100);

    if (what < 30)
        random_send();
    else if (what < 50 && queues_run())
        random_device_tx();
    else if (what < 70 && queues_run())
        random_device_rx();
    else if (what < 80)
        while (net.kept_count && random_below(8))
            vnet_rx_free(net.kept[--net.kept_count]);
    else if (what < 82 && queues_run())
        random_fault();
    else if (what < 84)
        net.keep = !net.keep;
    else
        host_run_for(random_below(20) * HAL_MS);
    if (!queues_run() && random_below(40) == 0)
        host_run_for(random_below(12) * HAL_SEC); /* pauses grow to 5 s; after 10 s it is healthy */
    host_run_services();
    check_buffers();
}

static void anything(void)
{
    static const unsigned bits[] = {VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX};
    struct virtio_info info;

    host_set_bootargs("vireo.resets=1000");
    net_plug_way(bits, random_below(3));
    net_boot();
    dev = virtio_find("vnet0");
    net.hold_tx = true;
    for (unsigned i = 0; i < 4000; i++)
        random_step();
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.recoveries > 20);
    net.keep = false;
    net.m->reset_reads = 0;
    host_run_for(30 * HAL_SEC);
    CHECK(virtio_works(dev));
    while (net.kept_count)
        vnet_rx_free(net.kept[--net.kept_count]);
    net.hold_tx = false;
    net.wire_count = 0;
    for (unsigned i = 0; i < 2 * NET_RING; i++) {
        CHECK_EQ(net_send(sent, 16, 1, 100), 0);
        vnet_flush(net.dev);
        net_check_wire(net.wire_count - 1, sent++, 100);
        host_run_for(12 * HAL_MS);
    }
    CHECK_EQ(net.tx_done, sent);
    for (unsigned i = 0; i < sent; i++)
        CHECK_EQ(net.frame_state[i], 2);
    CHECK_EQ(net.link_calls, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(anything, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
