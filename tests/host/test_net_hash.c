/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_hash.c - hashes of received frames (HASH_REPORT: virtio 1.4, section 5.1.6.4.3): the
 * device is asked for them, and tells them in a longer header, truly or not.
 */
#include <string.h>

#include "check.h"
#include "net/vnet_impl.h"
#include "netctrl.h"

#define HASH_CONFIG (4 * 256 + 2)
#define EVERY_TYPE  0x1ff

static const uint8_t key[VNET_HASH_KEY] = "0123456789012345678901234567890123456789";

/* A device with HASH_REPORT and `also`, that can make hashes of these types; -1: nothing more. */
static void hashing(uint32_t types, unsigned key_len, int also, int also_too)
{
    unsigned bits[4] = {NET_F_HASH_REPORT, NET_F_CTRL_VQ}, n = 2;

    if (also >= 0)
        bits[n++] = (unsigned)also;
    if (also_too >= 0)
        bits[n++] = (unsigned)also_too;
    net_plug_way(bits, n);
    model_field(net.m, 17, 1, key_len);
    model_field(net.m, 20, 4, types);
    net_boot();
    netctrl_dev = virtio_find("vnet0");
    CHECK(net.dev && netctrl_dev);
    CHECK_EQ(net.dev->hdr_len, 20);
}

/* One frame comes with this in its header. */
static void told(uint32_t len, uint16_t report, uint32_t hash)
{
    struct net_header h = {.hash = hash, .report = report};

    net_deliver_behind(&h, net_frame, len);
    model_publish(net.m, net.rx);
    host_run_services();
    CHECK_EQ(net.last_len, len);
    CHECK(memcmp(net.last_frame, net_frame, len) == 0);
}

static void hashes_are_reported(void)
{
    static const uint32_t lengths[] = {60, 256, 257, 1514};

    hashing(EVERY_TYPE, 40, -1, -1);
    CHECK_EQ(vnet_hash_types(net.dev), EVERY_TYPE);
    told(60, 2, 77); /* nobody asked for it */
    CHECK_EQ(net.last_hash_type, 0);
    CHECK_EQ(vnet_hash(net.dev, EVERY_TYPE & ~(uint32_t)VNET_HASH_UDP6, key), 0);
    told(60, 2, 77); /* the device may not have the key yet */
    CHECK_EQ(net.last_hash_type, 0);
    netctrl_settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_HASH), 0);
    CHECK_EQ(netctrl.hash_types, EVERY_TYPE & ~(uint32_t)VNET_HASH_UDP6);
    CHECK(memcmp(netctrl.hash_key, key, sizeof(key)) == 0);
    for (unsigned i = 0; i < 4; i++) {
        for (uint16_t kind = 1; kind <= VNET_HASH_KINDS; kind++) {
            told(lengths[i], kind, 0x12345678 + kind);
            CHECK_EQ(net.last_hash_type, kind == 6 ? 0 : 1u << (kind - 1));
            CHECK_EQ(net.last_hash, 0x12345678u + kind);
        }
        for (unsigned kind = 10; kind < 0x10001; kind = kind * 3) {
            told(lengths[i], (uint16_t)kind, 1);
            CHECK_EQ(net.last_hash_type, 0);
        }
        told(lengths[i], 0, 1);
        CHECK_EQ(net.last_hash_type, 0);
    }
    netctrl_check_traffic();
    net_check_buffers();
}

/* The hash of a frame in several buffers is that of the first one, which has the header. */
static void a_merged_frame_has_a_hash(void)
{
    net.mtu = 9000;
    hashing(EVERY_TYPE, 40, NET_F_MRG_RXBUF, NET_F_MTU);
    CHECK_EQ(vnet_hash(net.dev, VNET_HASH_TCP4, key), 0);
    netctrl_settle();
    told(9014, 2, 0xabcd);
    CHECK_EQ(net.last_parts, 3);
    CHECK(net.last_hash == 0xabcd && net.last_hash_type == VNET_HASH_TCP4);
    net_check_buffers();
}

static void a_reset_ends_hashes_for_a_while(void)
{
    hashing(EVERY_TYPE, 52, NET_F_CTRL_RX, NET_F_CTRL_RX_EXTRA);
    for (unsigned i = 0; i < NETCTRL_ALL; i++) /* more than one batch, of which hashes are last */
        CHECK_EQ(vnet_mode(net.dev, (enum vnet_mode)i, false), 0);
    CHECK_EQ(vnet_hash(net.dev, VNET_HASH_TCP4 | VNET_HASH_TCP6, key), 0);
    netctrl_settle();
    netctrl_settle();
    netctrl.hold = true;
    netctrl_ask_for_reset();
    CHECK_EQ(netctrl.hash_types, 0);
    told(60, 2, 5);
    CHECK_EQ(net.last_hash_type, 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_HASH), -EAGAIN);
    netctrl.hold = false;
    netctrl_settle();
    netctrl_settle();
    CHECK_EQ(netctrl.hash_types, VNET_HASH_TCP4 | VNET_HASH_TCP6);
    CHECK(memcmp(netctrl.hash_key, key, sizeof(key)) == 0);
    told(60, 2, 5);
    CHECK(net.last_hash == 5 && net.last_hash_type == VNET_HASH_TCP4);
    CHECK_EQ(vnet_hash(net.dev, 0, key), 0);
    netctrl_settle();
    CHECK_EQ(netctrl.hash_types, 0);
    told(60, 2, 5);
    CHECK_EQ(net.last_hash_type, 0);
}

static void a_refused_hash(void)
{
    hashing(VNET_HASH_IP4 | VNET_HASH_TCP4 | 0x8000, 40, -1, -1);
    CHECK_EQ(vnet_hash_types(net.dev), VNET_HASH_IP4 | VNET_HASH_TCP4);
    CHECK_EQ(vnet_hash(net.dev, VNET_HASH_UDP4, key), -EINVAL);
    CHECK_EQ(vnet_hash(net.dev, 0x8000, key), -EINVAL);
    netctrl.refuse = HASH_CONFIG;
    CHECK_EQ(vnet_hash(net.dev, VNET_HASH_IP4, key), 0);
    netctrl_settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_HASH), -EIO);
    told(60, 1, 5);
    CHECK_EQ(net.last_hash_type, 0);
}

static void a_short_key(void)
{
    hashing(EVERY_TYPE, 39, -1, -1);
    CHECK_EQ(vnet_hash_types(net.dev), 0);
    CHECK_EQ(vnet_hash(net.dev, VNET_HASH_IP4, key), -EINVAL);
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
}

/* HASH_REPORT needs the control queue; without, nothing of it is there. */
static void no_hashes(void)
{
    static const unsigned bits[] = {NET_F_HASH_REPORT};

    netctrl_boot(bits, 1);
    CHECK(!model_accepted(net.m, NET_F_HASH_REPORT));
    CHECK_EQ(vnet_hash_types(net.dev), 0);
    CHECK_EQ(vnet_hash(net.dev, 0, key), -ENOTSUP);
    netctrl_check_traffic();
}

/* Frames with work for the device have the longer header as well, and all of it is written. */
static void sums_are_asked_for_in_a_longer_header(void)
{
    static uint8_t memory[VNET_HDR_MAX + 200];
    struct vnet_piece piece = {memory + VNET_HDR_MAX, 200};
    struct vnet_meta m = {.flags = VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};

    hashing(EVERY_TYPE, 40, NET_F_CSUM, -1);
    memset(memory, 0xee, sizeof(memory));
    net.frame_state[0] = 1;
    CHECK_EQ(vnet_send(net.dev, &piece, 1, VNET_HDR_MAX - 1, &m, &net.frame_state[0]), -EINVAL);
    CHECK_EQ(vnet_send(net.dev, &piece, 1, VNET_HDR_MAX, &m, &net.frame_state[0]), 0);
    vnet_flush(net.dev);
    CHECK(net.wire_count == 1 && net.wire_len[0] == 200 && net.wire_segs[0] == 1);
    CHECK(net.wire_header.flags == 1 && net.wire_header.csum_start == 34);
    for (unsigned i = 0; i < 200; i++)
        CHECK_EQ(net.wire_last[i], 0xee);
    netctrl_check_traffic();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"hashes_are_reported_mmio", hashes_are_reported, "NET-HASH-04 NET-RX-04", NET_MMIO},
        {"hashes_are_reported_packed", hashes_are_reported, NULL, NET_PCI_PACKED},
        {"a_merged_frame_has_a_hash", a_merged_frame_has_a_hash, NULL, NET_MMIO},
        {"a_reset_ends_hashes_for_a_while_mmio", a_reset_ends_hashes_for_a_while, NULL, NET_MMIO},
        {"a_reset_ends_hashes_for_a_while_pci", a_reset_ends_hashes_for_a_while, NULL, NET_PCI},
        {"a_refused_hash", a_refused_hash, NULL, NET_MMIO_PACKED},
        {"a_short_key", a_short_key, NULL, NET_MMIO},
        {"no_hashes", no_hashes, "NET-CFG-16", NET_MMIO},
        {"no_hashes_of_a_legacy_device", no_hashes, NULL, NET_LEGACY},
        {"sums_are_asked_for_in_a_longer_header", sums_are_asked_for_in_a_longer_header, NULL,
         NET_MMIO},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
