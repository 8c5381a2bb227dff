/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_flood.c - more frames than the driver can take: the device always has twice as many as a
 * round of the loop takes in. Each round ends, so that tasks have their turn; the interrupt stays
 * off; memory is bounded; and when the flood is over, all is as before. Bursts that the ring holds
 * lose nothing.
 */
#include "check.h"
#include "host.h"
#include "netmodel.h"
#include "virtio/virtio.h"

enum { BATCH = 64, ROUNDS = 200 }; /* frames of one round, at most */

static unsigned delivered, refused; /* by the device: it drops what finds no buffer */

/* Frames that the driver has not taken yet lie in buffers that count as posted. */
static void offer(unsigned n, uint32_t len)
{
    unsigned free =
        virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)) - (delivered - net.inputs);

    for (unsigned i = 0; i < n; i++) {
        if (i >= free) {
            refused++;
            continue;
        }
        net_deliver_good(i, len);
        delivered++;
    }
    model_publish(net.m, net.rx);
}

static uint64_t interrupts(void)
{
    struct virtio_info info;

    CHECK_EQ(virtio_info(0, &info), 0);
    return info.interrupts;
}

static void flood(uint32_t len)
{
    struct vnet_stats s, after;
    unsigned posted;
    uint64_t before;

    net_plug_way(NULL, 0);
    net_boot();
    for (unsigned i = 0; i < 20; i++) { /* buffers are made by need */
        offer(2 * BATCH, len);
        host_run_round();
    }
    vnet_get_stats(net.dev, &s);
    host_run_services();
    posted = virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0));
    offer(2 * BATCH, len);
    if (posted < BATCH)
        host_run_services();
    before = interrupts();
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned taken = net.inputs;

        offer(2 * BATCH, len);
        if (posted < BATCH)
            host_run_services(); /* one round takes all, and the next one arms */
        else
            CHECK(host_run_round()); /* there is more: a loop goes on after the tasks' turn */
        CHECK(net.inputs > taken && net.inputs - taken <= BATCH);
    }
    CHECK(refused >= ROUNDS * BATCH);
    CHECK_EQ(interrupts() - before, posted < BATCH ? ROUNDS : 0); /* off while there is work */
    before = interrupts();
    vnet_get_stats(net.dev, &after);
    CHECK_EQ(after.rx_buffers, s.rx_buffers);
    CHECK_EQ(after.rx_records, s.rx_records);
    host_run_services();
    CHECK_EQ(net.inputs, delivered);
    net_deliver_good(1, len);
    delivered++;
    model_publish(net.m, net.rx);
    CHECK_EQ(interrupts(), before + 1); /* armed again */
    host_run_services();
    CHECK_EQ(net.inputs, delivered);
    net_check_buffers();
}

static void of_small_frames(void)
{
    flood(60);
}

static void of_large_frames(void)
{
    flood(1400);
}

/*
 * The stack keeps what it may, and each round fills the ring: no frame is lost for want of a spare
 * buffer, however short the ring.
 */
static void burst_of_a_ring(unsigned size)
{
    struct vnet_stats s;

    net_plug_way(NULL, 0);
    net.rx->max = size;
    net.keep = true;
    net_boot();
    for (unsigned i = 0; i < ROUNDS; i++) {
        offer(size, 1000);
        host_run_services();
        while (vnet_rx_tight(net.dev)) {
            CHECK(net.kept_count > 0);
            vnet_rx_free(net.kept[--net.kept_count]);
        }
    }
    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_no_spare, 0);
    CHECK_EQ(net.inputs, delivered);
    CHECK(s.rx_held > 0 && delivered > ROUNDS);
    net_check_buffers();
}

static void burst_of_4(void)
{
    burst_of_a_ring(4);
}

static void burst_of_16(void)
{
    burst_of_a_ring(16);
}

static void burst_of_64(void)
{
    burst_of_a_ring(64);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(of_small_frames, NULL), EACH_WAY(of_large_frames, NULL),
        EACH_WAY(burst_of_4, NULL),      EACH_WAY(burst_of_16, NULL),
        EACH_WAY(burst_of_64, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
