/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_rules.c - rules of virtio-net (virtio 1.4, section 5.1) for a driver without offloads:
 * what it accepts and reads, how large its buffers are, and that nothing in a received header is
 * believed.
 */
#include <string.h>

#include "check.h"
#include "netmodel.h"
#include "virtio/virtio.h"

/* ---- configuration (section 5.1.4) ----------------------------------------------------------- */

static unsigned config_reads[16], config_writes;

static void on_config_read(struct model *m, unsigned off)
{
    (void)m;
    CHECK(off < 16);
    config_reads[off]++;
}

static void on_config_write(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    (void)m;
    (void)off;
    (void)width;
    (void)v;
    config_writes++;
}

static void boot_with(const unsigned *more, unsigned n)
{
    net_plug_way(more, n);
    net.m->on.config_read = on_config_read;
    net.m->on.config_write = on_config_write;
    net_boot();
    CHECK(net.dev != NULL);
}

static void change_link(bool up)
{
    model_field(net.m, 6, 2, up);
    net.m->generation++;
    model_raise(net.m, 2, NULL);
    host_run_services();
}

static void mac_is_taken(void)
{
    boot_with(NULL, 0);
    CHECK(model_accepted(net.m, NET_F_MAC));
    CHECK(memcmp(vnet_mac(net.dev), "\x52\x54\x00\x12\x34\x56", 6) == 0);
    CHECK_EQ(config_writes, 0);
}

/* Bit 0 of a little-endian word; what else stands there says nothing. */
static void link_is_bit_0(void)
{
    boot_with(NULL, 0);
    CHECK(vnet_link_up(net.dev));
    change_link(false);
    CHECK(!vnet_link_up(net.dev) && !net.link_up);
    model_field(net.m, 6, 2, 0xfffe);
    model_raise(net.m, 2, NULL);
    host_run_services();
    CHECK(!vnet_link_up(net.dev));
    change_link(true);
    CHECK(vnet_link_up(net.dev) && net.link_up);
    CHECK_EQ(config_writes, 0);
}

/* The field is there, and says that the link is down; but it was never offered. */
static void no_status_no_link_state(void)
{
    net_plug(MODEL_MMIO, NULL, 0);
    model_field(net.m, 6, 2, 0);
    net.m->on.config_read = on_config_read;
    net_boot();
    CHECK(vnet_link_up(net.dev));
    change_link(false);
    CHECK(vnet_link_up(net.dev));
    CHECK_EQ(config_reads[6], 0);
}

static void boot_with_mtu(unsigned mtu)
{
    static const unsigned bits[] = {NET_F_MTU};

    net_plug_way(bits, 1);
    model_field(net.m, 10, 2, mtu);
    net_boot();
    CHECK(net.dev != NULL && model_accepted(net.m, NET_F_MTU));
    CHECK_EQ(vnet_mtu(net.dev), mtu);
}

/* Every buffer that is posted holds the longest frame. */
static void check_receive_room(uint32_t least)
{
    struct model_chain c;
    unsigned n = 0;

    for (; model_pop(net.m, net.rx, &c); n++)
        CHECK(c.write_bytes >= least);
    CHECK(n > 0);
}

static void buffers_hold_the_mtu(void)
{
    static const unsigned mtus[] = {68, 1500, 1501, 9000, 65521};

    boot_with_mtu(mtus[random_below(5)]);
    check_receive_room(net.hdr_len + 14 + vnet_mtu(net.dev));
}

static void buffers_hold_a_jumbo_frame(void)
{
    boot_with_mtu(9000);
    check_receive_room(net.hdr_len + 14 + 9000);
}

/* Section 5.1.6.3.1: 1526 bytes at the least, whatever the mtu. */
static void buffers_hold_a_frame(void)
{
    boot_with_mtu(68);
    check_receive_room(net.hdr_len + 1514);
}

static void nothing_longer_is_sent(void)
{
    boot_with_mtu(1000);
    CHECK_EQ(net_send(0, 16, 1, 1015), -EMSGSIZE);
    CHECK_EQ(net_send(1, 16, 3, 1015), -EMSGSIZE);
    CHECK_EQ(net_send(2, 16, 1, 1014), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 1);
    net_check_wire(0, 2, 1014);
}

/* Before anything has come, and before a service has run. */
static void receive_queue_is_filled_first(void)
{
    struct model_chain c;
    unsigned n = 0;

    net_plug_way(NULL, 0);
    host_boot();
    while (model_pop(net.m, net.rx, &c))
        n++;
    CHECK(n >= NET_RING / 2);
}

/* Everything that uses a control queue is offered, and no queue. */
static void no_control_queue(void)
{
    static const unsigned all[] = {18, 19, 20, 21, 23};

    net_plug_way(all, sizeof(all) / sizeof(all[0]));
    net.m->queues[2].max = 64;
    net_boot();
    CHECK(net.dev != NULL);
    change_link(false);
    change_link(true);
    CHECK_EQ(net_send(0, 16, 1, 100), 0);
    vnet_flush(net.dev);
    host_run_for(20 * HAL_MS);
    CHECK_EQ(net.wire_count, 1);
    CHECK(!net.m->queues[2].ready && !net.m->queues[2].pfn && net.m->queues[2].kicks == 0);
}

/* ---- headers (section 5.1.6) ----------------------------------------------------------------- */

/*
 * Rubbish in every field: checksums to be made at any offset, segmentation of any kind, header
 * lengths, tunnel bits, any number of buffers. The frame is what the used length says.
 */
static void header_is_not_believed(void)
{
    net_plug_way(NULL, 0);
    net.lies = true;
    net_boot();
    net_check_receive(1000);
}

/* Class 6, 7, 8: 0, 2 or 65535 buffers, of which one comes: each is a frame of its own. */
static void number_of_buffers_is_not_believed(void)
{
    static const uint16_t numbers[] = {0, 2, 3, 64, 0x7fff, 0xffff};
    struct vnet_stats s;
    struct model_chain c;
    uint8_t frame[100] = {7};

    net_plug_way(NULL, 0);
    net_boot();
    for (unsigned i = 0; i < 6; i++) {
        uint8_t header[12] = {[10] = (uint8_t)numbers[i], [11] = (uint8_t)(numbers[i] >> 8)};

        CHECK(model_pop(net.m, net.rx, &c));
        model_scatter(&c, 0, header, net.hdr_len);
        model_scatter(&c, net.hdr_len, frame, 100);
        model_push(net.m, net.rx, &c, net.hdr_len + 100);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, i + 1);
        CHECK_EQ(net.last_len, 100);
    }
    vnet_get_stats(net.dev, &s);
    CHECK_EQ(s.rx_bad_length, 0);
    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)),
             s.rx_buffers);
}

/* The used length of a transmitted frame means nothing, whatever it is. */
static void length_of_a_sent_frame(void)
{
    struct model_chain c;

    net_plug_way(NULL, 0);
    net_boot();
    net.hold_tx = true;
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(net_send(i, 16, 1, 100), 0);
        vnet_flush(net.dev);
        CHECK(model_pop(net.m, net.tx, &c));
        model_push(net.m, net.tx, &c, i % 3 ? random32() : UINT32_MAX);
        model_publish(net.m, net.tx);
        host_run_for(20 * HAL_MS);
        CHECK_EQ(net.tx_done, i + 1);
    }
    CHECK(vnet_link_up(net.dev));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(mac_is_taken, "NET-CFG-04 NET-CFG-05 NET-CFG-06"),
        EACH_WAY(link_is_bit_0, "NET-CFG-04 NET-CFG-09"),
        {"link_is_bit_0_of_a_legacy_device", link_is_bit_0, "LEGACY-NET-01", NET_LEGACY},
        SHOWS(no_status_no_link_state, "NET-CFG-08 NET-CFG-18"),
        EACH_WAY(buffers_hold_the_mtu, "NET-CFG-10 NET-CFG-11"),
        EACH_WAY(buffers_hold_a_jumbo_frame, "NET-CFG-10 NET-CFG-11"),
        EACH_WAY(buffers_hold_a_frame, "NET-RX-02"),
        EACH_WAY(nothing_longer_is_sent, "NET-CFG-12"),
        EACH_WAY(receive_queue_is_filled_first, "NET-CFG-20"),
        EACH_WAY(no_control_queue, "NET-CFG-03 NET-CTRL-03 NET-CTRL-04 NET-MAC-01 NET-RSS-01 "
                                   "NET-COAL-02 NET-COAL-03"),
        EACH_WAY(header_is_not_believed, "NET-RX-04 NET-RX-06 NET-RX-08 NET-RX-09 NET-RX-11 "
                                         "NET-RX-14 NET-RX-18"),
        EACH_WAY(number_of_buffers_is_not_believed, NULL),
        EACH_WAY(length_of_a_sent_frame, NULL),
        {"length_of_a_frame_sent_by_a_legacy_device", length_of_a_sent_frame, "LEGACY-NET-06",
         NET_LEGACY},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
