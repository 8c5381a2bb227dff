/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net.c - virtio-net (virtio 1.4, section 5.1) against the device of netmodel.h.
 */
#include <string.h>

#include "check.h"
#include "netmodel.h"
#include "virtio/virtio.h"

/* ---- sending --------------------------------------------------------------------------------- */

static void sends_frames(enum model_transport t)
{
    unsigned n = 0;

    net_boot_plain(t);
    for (unsigned headroom = 0; headroom <= 16; headroom += 4)
        for (unsigned pieces = 1; pieces <= 8; pieces++)
            for (uint32_t len = 60; len <= 1514; len += 727) {
                CHECK_EQ(net_send(n, headroom, pieces, len), 0);
                CHECK(vnet_queued(net.dev));
                vnet_flush(net.dev);
                CHECK(!vnet_queued(net.dev));
                CHECK_EQ(net.wire_count, n + 1);
                net_check_wire(n, n, len);
                host_run_for(20 * HAL_MS);
                CHECK_EQ(net.tx_done, ++n);
            }
}

static void sends_frames_modern(void)
{
    sends_frames(MODEL_MMIO);
}

static void sends_frames_legacy(void)
{
    sends_frames(MODEL_MMIO_LEGACY);
}

static void batch_is_one_kick(void)
{
    net_boot_plain(MODEL_MMIO);
    uint64_t kicks = net.tx->kicks, allocs = host_allocs();
    for (unsigned i = 0; i < 20; i++)
        CHECK_EQ(net_send(i, 16, 1, 100), 0);
    CHECK_EQ(net.tx->kicks, kicks);
    vnet_flush(net.dev);
    CHECK_EQ(net.tx->kicks, kicks + 1);
    CHECK_EQ(net.wire_count, 20);
    for (unsigned i = 0; i < 20; i++) {
        net_check_wire(i, i, 100);
        CHECK_EQ(net.wire_segs[i], 1); /* the header lies in the headroom */
    }
    host_run_for(20 * HAL_MS);
    CHECK_EQ(net.tx_done, 20);
    CHECK_EQ(host_allocs(), allocs);
}

/* Fills the ring: -EAGAIN, then tx_room when there is room, and nothing is lost or doubled. */
static void full_transmit_ring(void)
{
    unsigned n = 0;

    net_boot_plain(MODEL_MMIO);
    net.hold_tx = true;
    while (n < NET_PACKETS && net_send(n, 16, 1, 100) == 0) {
        n++;
        vnet_flush(net.dev);
    }
    CHECK(n >= NET_RING && n < NET_PACKETS);
    CHECK_EQ(net_send(n, 16, 1, 100), -EAGAIN);
    CHECK_EQ(net.room_calls, 0);
    net.hold_tx = false;
    net_serve_tx(net.m, net.tx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.room_calls, 1);
    CHECK_EQ(net.wire_count, n);
    CHECK_EQ(net.tx_done, n);
    for (unsigned i = 0; i < n; i++)
        net_check_wire(i, i, 100);
}

/*
 * A device that sends one frame at a time: a stack is refused until half of what waits has left,
 * and then has room for as many frames. None of them is lost, and they keep their order.
 */
static void one_at_a_time(void)
{
    unsigned n = 0, row = 0, longest = 0;

    net_boot_plain(MODEL_MMIO);
    net.take_most = 1;
    while (n < NET_PACKETS) {
        if (net_send(n, 16, 1 + n % 2, 100 + n % 50) == 0) {
            n++;
            row = 0;
            continue;
        }
        row++;
        longest = row > longest ? row : longest;
        net_serve_tx(net.m, net.tx);
    }
    CHECK_EQ(longest, 32);
    net.take_most = 0;
    net_serve_tx(net.m, net.tx);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.wire_count, n);
    CHECK_EQ(net.tx_done, n);
    for (unsigned i = 0; i < n; i++)
        net_check_wire(i, i, 100 + i % 50);
}

/* A queue of 4 takes chains of 4: more pieces are refused, and harm nobody. */
static void short_transmit_ring(void)
{
    static const unsigned bits[] = {NET_F_MAC, NET_F_STATUS};

    net_plug(MODEL_MMIO, bits, 2);
    net.tx->max = 4;
    net_boot();
    CHECK_EQ(net_send(0, 0, 4, 900), -EMSGSIZE); /* and one for the header */
    CHECK_EQ(net_send(1, 16, 5, 900), -EMSGSIZE);
    CHECK_EQ(net_send(2, 16, 4, 900), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 1);
    net_check_wire(0, 2, 900);
}

static void refused_frames(void)
{
    net_boot_plain(MODEL_MMIO);
    CHECK_EQ(net_send(0, 16, 0, 0), -EMSGSIZE);
    CHECK_EQ(net_send(0, 16, 9, 900), -EMSGSIZE);
    CHECK_EQ(net_send(0, 16, VNET_TX_PIECES + 1, 900), -EMSGSIZE);
    CHECK_EQ(net_send(0, 16, 1, 1515), -EMSGSIZE);
    host_dma_unreachable(true);
    CHECK_EQ(net_send(0, 16, 1, 100), -EFAULT);
    host_dma_unreachable(false);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 0);
    CHECK_EQ(net_send(1, 16, 1, 1514), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 1);
}

/* Completions are reclaimed though no interrupt says so and nothing else is sent. */
static void reclaim_without_interrupt(void)
{
    net_boot_plain(MODEL_MMIO);
    net.m->dead_silent = true;
    CHECK_EQ(net_send(0, 16, 1, 100), 0);
    vnet_flush(net.dev);
    host_run_for(15 * HAL_MS);
    CHECK_EQ(net.tx_done, 1);
}

/* The queue is not empty for a minute: each frame is handed over at once all the time. */
static void queue_that_is_never_empty(void)
{
    struct model_chain out[3], c;
    struct vnet_stats s;

    net_boot_plain(MODEL_MMIO);
    net.hold_tx = true;
    for (unsigned i = 0; i < 1500; i++) {
        CHECK_EQ(net_send(i, 16, 1, 100), 0);
        vnet_flush(net.dev);
        CHECK(model_pop(net.m, net.tx, &c));
        if (i >= 3) {
            model_push(net.m, net.tx, &out[i % 3], 0);
            model_publish(net.m, net.tx);
        }
        out[i % 3] = c;
        host_run_for(40 * HAL_MS);
        CHECK_EQ(net.tx_done + 3, i < 3 ? 3 : i + 1);
    }
    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.tx_lost, 0);
    CHECK(vnet_link_up(net.dev) && virtio_works(virtio_find("vnet0")));
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void receives_frames(enum model_transport t)
{
    net_boot_plain(t);
    net_check_receive(3000);
    CHECK_EQ(net.batch_ends, 3000);
}

static void receives_frames_modern(void)
{
    receives_frames(MODEL_MMIO);
}

static void receives_frames_legacy(void)
{
    receives_frames(MODEL_MMIO_LEGACY);
}

static void odd_length(uint32_t say, bool taken)
{
    struct vnet_stats s;
    uint8_t frame[1514] = {1};

    net_boot_plain(MODEL_MMIO);
    net_deliver(frame, 1514, say);
    net_deliver_good(7, 100);
    model_publish(net.m, net.rx);
    host_run_services();
    CHECK_EQ(net.inputs, 1 + taken);
    CHECK_EQ(net.last_len, 100);
    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_bad_length, !taken);
    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)),
             s.rx_buffers);
}

static void length_0(void)
{
    odd_length(0, false);
}

static void length_of_half_a_header(void)
{
    odd_length(5, false);
}

static void length_of_a_header(void)
{
    odd_length(12, false);
}

static void length_of_no_ethernet_header(void)
{
    odd_length(12 + 13, false);
}

static void length_beyond_the_buffer(void)
{
    odd_length(UINT32_MAX, true); /* clamped to what was posted */
}

/* The stack keeps every frame: the ring stays as full as it was, and later frames are dropped. */
static void stack_keeps(uint32_t len)
{
    bool whole = len <= VNET_RX_HEAD;
    struct vnet_stats s;
    struct virtq *q;

    net_boot_plain(MODEL_MMIO);
    q = virtio_queue(virtio_find("vnet0"), 0);
    unsigned posted = virtq_in_flight(q);
    net.keep = true;
    for (unsigned i = 0; i < 1000; i++) {
        net_deliver_good(i, len);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK(virtq_in_flight(q) >= posted);
    }
    vnet_get_stats(net.dev, &s);
    CHECK(s.rx_no_spare > 0);
    CHECK_EQ(s.rx_no_spare + net.kept_count, 1000);
    CHECK_EQ(s.rx_records_held, net.kept_count);
    CHECK_EQ(s.rx_held, whole ? 0 : net.kept_count);
    CHECK(vnet_rx_tight(net.dev));
    for (unsigned i = 0; i < net.kept_count; i++)
        vnet_rx_free(net.kept[i]);
    CHECK(!vnet_rx_tight(net.dev));
    net.keep = false;
    net_deliver_good(1, 60);
    model_publish(net.m, net.rx);
    host_run_services();
    CHECK_EQ(net.inputs, net.kept_count + 1);
    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_held, 0);
    CHECK_EQ(s.rx_records_held, 0);
}

static void stack_keeps_everything(void)
{
    stack_keeps(1000);
}

/* The stack allows fewer buffers than the ring has already: none is left beside those. */
static void stack_allows_less(void)
{
    net_boot_plain(MODEL_MMIO);
    vnet_rx_room(net.dev, 0);
    CHECK(!vnet_rx_tight(net.dev));
    net.keep = true;
    net_deliver_good(1, 1000);
    model_publish(net.m, net.rx);
    host_run_services();
    CHECK_EQ(net.kept_count, 1);
    CHECK(vnet_rx_tight(net.dev));
    vnet_rx_free(net.kept[0]);
    CHECK(!vnet_rx_tight(net.dev));
}

/* Where ids follow the order of the ring, no buffer keeps its own. */
static void receives_frames_in_order(void)
{
    static const unsigned bits[] = {NET_F_MAC, VIRTIO_F_IN_ORDER, VIRTIO_F_RING_PACKED};

    net_plug(MODEL_MMIO, bits, case_variant ? 3 : 2);
    net_boot();
    net_check_receive(500);
}

/* Short frames are copied: their buffers go back at once, and the frames are bounded by number. */
static void stack_keeps_short_frames(void)
{
    stack_keeps(60);
}

/* ---- configuration --------------------------------------------------------------------------- */

static void mac_and_mtu(void)
{
    static const unsigned bits[] = {NET_F_MAC, NET_F_MTU};

    net_plug(MODEL_MMIO, bits, 2);
    net_boot();
    CHECK(memcmp(vnet_mac(net.dev), "\x52\x54\x00\x12\x34\x56", 6) == 0);
    CHECK_EQ(vnet_mtu(net.dev), 1400);
    CHECK(vnet_link_up(net.dev));
    CHECK_EQ(net_send(0, 16, 1, 1415), -EMSGSIZE);
    CHECK_EQ(net_send(0, 16, 1, 1414), 0);
}

static void no_mac(void)
{
    net_plug(MODEL_MMIO, NULL, 0);
    net_boot();
    CHECK_EQ(vnet_mac(net.dev)[0] & 3, 2);
    CHECK_EQ(vnet_mtu(net.dev), 1500);
}

static void multicast_mac(void)
{
    static const unsigned bits[] = {NET_F_MAC};

    net_plug(MODEL_MMIO, bits, 1);
    model_field(net.m, 0, 1, 0xff);
    net_boot();
    CHECK_EQ(vnet_mac(net.dev)[0] & 3, 2);
}

static void odd_mtu(unsigned mtu)
{
    static const unsigned bits[] = {NET_F_MTU};

    net_plug(MODEL_MMIO, bits, 1);
    model_field(net.m, 10, 2, mtu);
    net_boot();
    CHECK(net.dev == NULL);
    CHECK(net.m->status & 128);
    CHECK_EQ(host_live_blocks(), 0);
}

static void mtu_0(void)
{
    odd_mtu(0);
}

static void mtu_65535(void)
{
    odd_mtu(65535);
}

static void link_changes(void)
{
    static const unsigned bits[] = {NET_F_STATUS};

    net_plug(MODEL_MMIO, bits, 1);
    net_boot();
    for (unsigned i = 0; i < 4; i++) {
        bool up = i % 2;

        model_field(net.m, 6, 2, up);
        net.m->generation++;
        model_raise(net.m, 2, NULL);
        host_run_services();
        CHECK_EQ(net.link_calls, i + 1);
        CHECK_EQ(net.link_up, up);
        CHECK_EQ(vnet_link_up(net.dev), up);
    }
}

/* ---- rings of one entry ---------------------------------------------------------------------- */

/* Header and frame share it where they may; where they may not, that is said. */
static void ring_of_one(enum model_transport t)
{
    host_set_bootargs("vireo.vnet0.qsize=1");
    net_plug(t, NULL, 0);
    net_boot();
}

static void ring_of_one_modern(void)
{
    ring_of_one(MODEL_MMIO);
    CHECK(net.dev != NULL);
    net_deliver_good(1, 60);
    model_publish(net.m, net.rx);
    host_run_services();
    CHECK_EQ(net.inputs, 1);
    CHECK_EQ(net_send(0, 16, 1, 100), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 1);
    net_check_wire(0, 0, 100);
}

static void ring_of_one_legacy(void)
{
    ring_of_one(MODEL_MMIO_LEGACY);
    CHECK(net.dev == NULL);
    CHECK(host_logged("vireo.vnet0.qsize=2 is the least"));
    CHECK_EQ(host_live_blocks(), 0);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void out_of_memory(unsigned n)
{
    net_plug(MODEL_MMIO, NULL, 0);
    host_fail_alloc_after(n);
    net_boot();
    if (net.dev)
        return;
    CHECK_EQ(host_live_blocks(), 0);
}

/* As a macro: a case is a function without arguments. */
#define OUT_OF_MEMORY(n)                                                                           \
    static void out_of_memory_##n(void)                                                            \
    {                                                                                              \
        out_of_memory(n);                                                                          \
    }
OUT_OF_MEMORY(0)
OUT_OF_MEMORY(1)
OUT_OF_MEMORY(2)
OUT_OF_MEMORY(3)
OUT_OF_MEMORY(4)
OUT_OF_MEMORY(5)
OUT_OF_MEMORY(6)
OUT_OF_MEMORY(7)
OUT_OF_MEMORY(8)
OUT_OF_MEMORY(9)
OUT_OF_MEMORY(10)

int main(int argc, char **argv)
{
    static const struct test_variant rings[] = {{"split", 0}, {"packed", 1}, {NULL, 0}};
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        SHOWS(sends_frames_modern, "INIT-19 MMIO-NOTIF-01 NOTIF-13 NET-TX-01 NET-TX-02 NET-TX-03 "
                                   "NET-TX-04 NET-TX-08 NET-TX-10 NET-TX-12 NET-TX-14 "
                                   "NET-TX-16 NET-TX-17 NET-TX-20 NET-TX-23 NET-TX-25 "
                                   "NET-TX-26 NET-TX-34 NET-TX-45 NET-TX-46 NET-TX-48"),
        SHOWS(sends_frames_legacy, "LEGACY-NET-05 LEGACY-NET-11 LEGACY-VQ-06 LEGACY-MMIO-17"),
        SHOWS(batch_is_one_kick, "VQ-05 SPLIT-22"),
        CASE(full_transmit_ring),
        CASE(one_at_a_time),
        CASE(short_transmit_ring),
        CASE(refused_frames),
        CASE(reclaim_without_interrupt),
        CASE(queue_that_is_never_empty),
        SHOWS(receives_frames_modern, "NET-RX-18 NET-CFG-01"),
        SHOWS(receives_frames_legacy, "LEGACY-NET-05"),
        SHOWS(stack_allows_less, NULL),
        {"receives_frames_in_order", receives_frames_in_order, NULL, 0, rings},
        CASE(length_0),
        SHOWS(length_of_half_a_header, "SPLIT-31 SPLIT-32 NET-RX-18"),
        CASE(length_of_a_header),
        CASE(length_of_no_ethernet_header),
        CASE(length_beyond_the_buffer),
        CASE(stack_keeps_everything),
        CASE(stack_keeps_short_frames),
        CASE(mac_and_mtu),
        SHOWS(no_mac, "NET-CFG-07"),
        CASE(multicast_mac),
        CASE(mtu_0),
        CASE(mtu_65535),
        SHOWS(link_changes, "INIT-22 NET-CFG-09"),
        CASE(ring_of_one_modern),
        CASE(ring_of_one_legacy),
        CASE(out_of_memory_0),
        CASE(out_of_memory_1),
        CASE(out_of_memory_2),
        CASE(out_of_memory_3),
        CASE(out_of_memory_4),
        CASE(out_of_memory_5),
        CASE(out_of_memory_6),
        CASE(out_of_memory_7),
        CASE(out_of_memory_8),
        CASE(out_of_memory_9),
        CASE(out_of_memory_10),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
