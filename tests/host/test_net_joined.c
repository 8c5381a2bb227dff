/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_joined.c - received frames with metadata, and in several buffers (virtio 1.4, sections
 * 5.1.6.3 and 5.1.6.4): what the header may say, what it may not, and a reset in the middle.
 */
#include <string.h>

#include "check.h"
#include "netmodel.h"
#include "virtio/virtio.h"

#define EACH_MODERN(f, rows)                                                                       \
    {#f "_mmio", f, rows, NET_MMIO},                                                               \
    {                                                                                              \
#f "_pci_packed", f, rows, NET_PCI_PACKED                                                  \
    }

static struct vnet_stats stats(void)
{
    struct vnet_stats s;

    vnet_get_stats(net.dev, &s);
    return s;
}

static void boot(void)
{
    net_boot_offloads(-1, -1);
}

static void run(void)
{
    model_publish(net.m, net.rx);
    host_run_services();
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* The frame arrives as it was sent, in `parts` buffers. */
static void check_came(uint32_t len)
{
    CHECK_EQ(net.last_len, len);
    CHECK(memcmp(net.last_frame, net_frame, len) == 0);
    net_check_buffers();
}

static void deliver(const struct net_header *h, uint32_t len)
{
    unsigned before = net.inputs;

    net_deliver_behind(h, net_frame, len);
    run();
    CHECK_EQ(net.inputs, before + 1);
    check_came(len);
}

static void sums_that_are_told(void)
{
    static const struct net_header partial = {.flags = 1, .csum_start = 34, .csum_offset = 16};
    static const struct net_header valid = {.flags = 2, .csum_start = 9999, .csum_offset = 9999};
    static const struct net_header both = {.flags = 3, .csum_start = 34, .csum_offset = 6};
    static const struct net_header counts = {.flags = 5, .csum_start = 9999, .csum_offset = 1};
    static const struct net_header odd = {.flags = 0xf8, .csum_start = 9999, .csum_offset = 1};
    static const struct net_header plain = {.hdr_len = 9999};

    boot();
    for (uint32_t len = 54; len <= 1514; len += 365) {
        deliver(&partial, len);
        CHECK_EQ(net.last_meta.flags, VNET_NEEDS_CSUM);
        CHECK(net.last_meta.csum_start == 34 && net.last_meta.csum_offset == 16);
        deliver(&valid, len);
        CHECK_EQ(net.last_meta.flags, VNET_CSUM_VALID);
        CHECK(!net.last_meta.csum_start && !net.last_meta.csum_offset);
        deliver(&both, len);
        CHECK_EQ(net.last_meta.flags, VNET_NEEDS_CSUM | VNET_CSUM_VALID);
        CHECK_EQ(net.last_meta.csum_offset, 6);
        deliver(&counts, len);
        CHECK(!net.last_meta.flags && !net.last_meta.csum_start);
        deliver(&odd, len);
        CHECK(!net.last_meta.flags && !net.last_meta.csum_start);
        deliver(&plain, len);
        CHECK(!net.last_meta.flags && !net.last_meta.gso && !net.last_meta.hdr_len);
    }
    CHECK_EQ(stats().rx_bad_header, 0);
}

/* Without GUEST_CSUM nothing in the header is about sums, nor about segments. */
static void sums_that_were_not_agreed(void)
{
    static const struct net_header any = {3, 0x81, 0xffff, 0, 0xffff, 0xffff, 0};

    net_boot_offloads(NET_F_GUEST_CSUM, -1);
    deliver(&any, 100);
    CHECK(!net.last_meta.flags && !net.last_meta.gso && !net.last_meta.csum_start);
    deliver(&any, 1514);
    CHECK(!net.last_meta.flags && !net.last_meta.gso && !net.last_meta.csum_start);
}

static void joined_frames(void)
{
    static const uint8_t kinds[] = {1, 4, 0x81, 0x84};
    unsigned joined = 0;

    boot();
    for (unsigned i = 0; i < 40; i++) {
        uint32_t len = i ? 1515 + random_below(VNET_FRAME_MAX - 1514) : VNET_FRAME_MAX;
        struct net_header h = {1 + (uint8_t)random_below(3), kinds[i % 4], 54, 1448, 34, 16, 0};

        deliver(&h, len);
        CHECK_EQ(net.last_meta.gso, h.gso);
        CHECK_EQ(net.last_meta.gso_size, 1448);
        CHECK_EQ(net.last_parts, 1 + (len + net.hdr_len - 1) / (net.hdr_len + 4078));
        CHECK_EQ(stats().rx_joined, ++joined);
    }
    CHECK(stats().rx_merged > 20);
}

/* The stack keeps all that comes: buffers are made up to what it allows, and no further. */
static void buffers_as_the_stack_allows(void)
{
    static const size_t rooms[] = {100, 512 << 10, 8 << 20};
    static const struct net_header plain = {.buffers = 1};

    for (unsigned i = 0; i < 3; i++) {
        size_t most = rooms[i] / 4096 < 8 ? 8 : rooms[i] / 4096, before;

        if (i == 0)
            boot();
        before = stats().rx_buffers;
        vnet_rx_room(net.dev, rooms[i]);
        net.keep = true;
        for (unsigned n = 0; n < rooms[i] / 3000 + 100 && net.kept_count < NET_FRAMES - 1; n++) {
            net_deliver_behind(&plain, net_frame, 1514);
            run();
        }
        CHECK_EQ(stats().rx_buffers, before > most ? before : most);
        CHECK(stats().rx_no_spare > 0);
        net.keep = false;
        while (net.kept_count)
            vnet_rx_free(net.kept[--net.kept_count]);
        net_check_buffers();
    }
}

/* Frames of all lengths one after the other, published together: more buffers than one run takes.
 */
static void many_at_once(void)
{
    static const struct net_header h = {1, 1, 54, 1448, 34, 16, 0};
    unsigned frames = 0, room;

    boot();
    for (unsigned round = 0; round < 20; round++) {
        room = virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0));
        while (room > 16) {
            room -= net_deliver_behind(&h, net_frame, 1600 + random_below(60000));
            frames++;
            if (random_below(3) == 0)
                continue;
            net_deliver_good(frames++, 60 + random_below(100));
            room--;
        }
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, frames);
        net_check_buffers();
    }
}

/* The stack keeps them all: those for which there is no buffer are dropped whole. */
static void joined_frames_are_kept(void)
{
    static const struct net_header h = {1, 1, 54, 1448, 34, 16, 0};
    unsigned sent = 0;

    boot();
    net.keep = true;
    for (; sent < 200; sent++) {
        net_deliver_behind(&h, net_frame, 20000);
        run();
        net_check_buffers();
    }
    CHECK(net.kept_count > 10 && net.kept_count < sent);
    CHECK_EQ(stats().rx_no_spare, sent - net.kept_count);
    CHECK(vnet_rx_tight(net.dev));
    net.keep = false;
    while (net.kept_count)
        vnet_rx_free(net.kept[--net.kept_count]);
    CHECK_EQ(stats().rx_held, 0);
    CHECK_EQ(stats().rx_records_held, 0);
    deliver(&h, 65000);
}

/* A stack may give each buffer back by itself. */
static void parts_are_given_back_alone(void)
{
    static const struct net_header h = {1, 1, 54, 1448, 34, 16, 0};
    struct vnet_rx *part, *next;
    unsigned held;

    boot();
    net.keep = true;
    net_deliver_behind(&h, net_frame, 60000);
    run();
    CHECK_EQ(net.kept_count, 1);
    held = stats().rx_held;
    for (part = net.kept[0]; part; part = next) {
        next = part->next;
        part->next = NULL;
        vnet_rx_free(part);
        CHECK_EQ(stats().rx_held, --held);
    }
    CHECK_EQ(held, 0);
    net_check_buffers();
}

/* ---- lies ------------------------------------------------------------------------------------ */

/* Nothing arrives, the reason is counted, and the next frame does. */
static void check_dropped(const struct net_header *h, uint32_t len)
{
    static const struct net_header plain;
    unsigned before = net.inputs;
    uint64_t bad = stats().rx_bad_header + stats().rx_bad_length;

    net_deliver_behind(h, net_frame, len);
    run();
    CHECK_EQ(net.inputs, before);
    CHECK_EQ(stats().rx_bad_header + stats().rx_bad_length, bad + 1);
    net_check_buffers();
    deliver(&plain, 60);
}

static void lies_about_metadata(void)
{
    static const struct net_header lies[] = {
        {1, 0, 0, 0, 13, 16, 0},        {1, 0, 0, 0, 0, 0, 0},
        {1, 0, 0, 0, 99, 0, 0},         {1, 0, 0, 0, 34, 65, 0},
        {1, 0, 0, 0, 34, 0xffff, 0},    {3, 0, 0, 0, 0xffff, 0xffff, 0},
        {1, 1, 54, 0, 34, 16, 0},       {0, 1, 54, 1448, 34, 16, 0},
        {0xfc, 4, 54, 1448, 34, 16, 0}, {1, 2, 54, 1448, 34, 16, 0},
        {1, 3, 54, 1448, 34, 16, 0},    {1, 5, 54, 1448, 34, 16, 0},
        {1, 0x7f, 54, 1448, 34, 16, 0}, {1, 0x21, 54, 1448, 34, 16, 0},
        {1, 0x44, 54, 1448, 34, 16, 0},
    };

    boot();
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        check_dropped(&lies[i], 100);
}

/* A kind of segments that was not agreed, where others were. */
static void segments_that_were_not_agreed(void)
{
    struct net_header h = {1, 1, 54, 1448, 34, 16, 0};
    unsigned without = random_below(3);

    net_boot_offloads(
        (int)(unsigned[]){NET_F_GUEST_TSO4, NET_F_GUEST_TSO6, NET_F_GUEST_ECN}[without], -1);
    h.gso = (uint8_t[]){1, 4, 0x84}[without];
    check_dropped(&h, 3000);
}

/* One frame of the wire is no longer than the wire takes. */
static void long_frame_that_is_not_joined(void)
{
    static const struct net_header plain = {0};
    static const struct net_header sum = {.flags = 1, .csum_start = 34, .csum_offset = 16};

    boot();
    deliver(&plain, 1514);
    check_dropped(&plain, 1515);
    check_dropped(&sum, 9000);
}

static void number_of_buffers_0(void)
{
    static const struct net_header plain;
    struct model_chain c;
    struct net_header h = {0};

    boot();
    for (unsigned i = 0; i < 3 * NET_RING; i++) {
        CHECK(model_pop(net.m, net.rx, &c));
        model_scatter(&c, 0, &h, net.hdr_len);
        model_push(net.m, net.rx, &c, net.hdr_len + 60);
        run();
        CHECK_EQ(net.inputs, 0);
        net_check_buffers();
    }
    CHECK_EQ(stats().rx_bad_header, 3 * NET_RING);
    deliver(&plain, 60);
}

/* More than there are: the queue is reset, and works again. */
static void more_buffers_than_there_are(void)
{
    static const struct net_header plain;
    struct net_header h = {.buffers = 0xffff};
    unsigned posted;

    boot();
    posted = virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0));
    if (random_below(2))
        h.buffers = (uint16_t)(posted + 1);
    net_deliver_behind(&h, net_frame, 60);
    run();
    host_run_for(50 * HAL_MS);
    CHECK_EQ(host_log_matches("more buffers than there are"), 1);
    CHECK_EQ(net.inputs, 0);
    net_check_buffers();
    CHECK_EQ(virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)), posted);
    deliver(&plain, 60);
}

/* All but the last of a frame's buffers are full: one that is not cannot have the headers. */
static void first_buffer_that_is_not_full(void)
{
    static const struct net_header plain;
    struct net_header h = {1, 1, 54, 1448, 34, 16, 3};

    boot();
    net_deliver_behind(&h, net_frame, 60);
    run();
    CHECK_EQ(stats().rx_bad_length, 1);
    net_deliver_behind(&plain, net_frame, 60); /* two that are skipped */
    net_deliver_behind(&plain, net_frame, 60);
    run();
    CHECK_EQ(net.inputs, 0);
    net_check_buffers();
    deliver(&plain, 60);
}

/* The others of a frame: empty, or more than the longest frame has in all. */
static void other_buffers_that_lie(void)
{
    static const struct net_header plain;
    struct net_header h = {1, 1, 54, 1448, 34, 16, 20};
    bool empty = random_below(2);
    struct model_chain c;

    boot();
    net_deliver_behind(&h, net_frame, 4000 + 84 - net.hdr_len - 2 + 12);
    CHECK(net.rx->pushes == 1 || net.rx->pushes == 2);
    for (unsigned i = (unsigned)net.rx->pushes; i < 20; i++) {
        CHECK(model_pop(net.m, net.rx, &c));
        model_push(net.m, net.rx, &c, empty && i == 10 ? 0 : c.write_bytes);
        if (i == 15) {
            run();
            net_check_buffers();
        }
    }
    run();
    CHECK_EQ(net.inputs, 0);
    CHECK_EQ(stats().rx_bad_length, 1);
    net_check_buffers();
    CHECK_EQ(stats().rx_held, 0);
    deliver(&plain, 60);
}

/* ---- recovery -------------------------------------------------------------------------------- */

/* In the middle of a frame, with frames that are kept: all offloads are there again. */
static void reset_in_the_middle(void)
{
    static const struct vnet_meta cut4 = {VNET_NEEDS_CSUM, VNET_GSO_TCP4, 54, 1460, 34, 16};
    struct net_header h = {1, 1, 54, 1448, 34, 16, 4};
    struct virtio_device *dev;

    boot();
    dev = virtio_find("vnet0");
    net.hold_tx = true;
    net.meta = &cut4;
    CHECK_EQ(net_send(0, 16, 3, 1514), 0);
    vnet_flush(net.dev);
    for (unsigned i = 0; i < 5; i++) {
        unsigned before = net.inputs;

        net_deliver_behind(&h, net_frame, 5000); /* in 2 of 4 */
        run();
        CHECK_EQ(net.inputs, before);
        net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(net.m, 2, NULL);
        host_run_for(11 * HAL_SEC);
        CHECK(virtio_works(dev));
        CHECK_EQ(stats().rx_held, 0);
        CHECK_EQ(stats().rx_records_held, 0);
        CHECK_EQ(vnet_offloads(net.dev), NET_EVERYTHING);
        for (unsigned k = 0; k < NET_OFFLOADS; k++)
            CHECK(model_accepted(net.m, net_offloads[k]));
        net_check_buffers();
        h.buffers = 0;
        deliver(&h, 5000);
        h.buffers = 4;
    }
    net.hold_tx = false;
    CHECK_EQ(net_send(1, 16, 3, 1514), 0);
    vnet_flush(net.dev);
    net_check_wire(0, 1, 1514);
    CHECK_EQ(net.wire_header.gso, VNET_GSO_TCP4);
}

/* A device that comes back with fewer offloads is another one. */
static void fewer_offloads_after_a_reset(void)
{
    struct virtio_device *dev;

    boot();
    dev = virtio_find("vnet0");
    model_withdraw(net.m, NET_F_HOST_TSO4);
    net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(net.m, 2, NULL);
    host_run_for(60 * HAL_SEC);
    CHECK(!virtio_works(dev) && vnet_is_dead(net.dev));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(sums_that_are_told, "NET-RX-06 NET-RX-09 NET-RX-11"),
        EACH_WAY(sums_that_were_not_agreed, NULL),
        EACH_WAY(joined_frames, "NET-RX-03 NET-RX-10 NET-RX-11 NET-RX-17 NET-RX-20"),
        {"buffers_as_the_stack_allows", buffers_as_the_stack_allows, NULL, NET_PCI},
        EACH_WAY(many_at_once, "NET-RX-17"),
        EACH_WAY(joined_frames_are_kept, NULL),
        EACH_MODERN(parts_are_given_back_alone, NULL),
        EACH_WAY(lies_about_metadata, "NET-RX-09"),
        EACH_WAY(segments_that_were_not_agreed, "NET-RX-20"),
        EACH_WAY(long_frame_that_is_not_joined, NULL),
        EACH_WAY(number_of_buffers_0, NULL),
        EACH_WAY(more_buffers_than_there_are, NULL),
        EACH_WAY(first_buffer_that_is_not_full, NULL),
        EACH_WAY(other_buffers_that_lie, NULL),
        EACH_WAY(reset_in_the_middle, NULL),
        EACH_WAY(fewer_offloads_after_a_reset, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
