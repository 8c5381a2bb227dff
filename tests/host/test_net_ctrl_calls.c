/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_ctrl_calls.c - what an application asks of a network device (net/vnet_ctrl.h,
 * virtio 1.4, section 5.1.6.5): receive modes, VLANs, another address, when to interrupt; and the
 * speed of the link.
 */
#include <string.h>

#include "check.h"
#include "netctrl.h"
#include "virtio/virtio.h"

/* ---- what is delivered ----------------------------------------------------------------------- */

static void modes(void)
{
    netctrl_boot_attached();
    for (unsigned i = 0; i < NETCTRL_ALL; i++) {
        CHECK_EQ(vnet_mode(net.dev, (enum vnet_mode)i, true), 0);
        netctrl_settle();
        CHECK(netctrl.mode[i]);
        CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS + i), 0);
    }
    netctrl_ask_for_reset();
    netctrl_settle();
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK(netctrl.mode[i]);
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK_EQ(vnet_mode(net.dev, (enum vnet_mode)i, false), 0);
    netctrl_settle();
    netctrl_settle();
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK(!netctrl.mode[i]);
    netctrl_check_traffic();
}

static void vlans(void)
{
    static const unsigned ids[] = {0, 1, 7, 8, 255, 2048, 4095};

    netctrl_boot_attached();
    CHECK_EQ(vnet_vlan(net.dev, 4096, true), -EINVAL);
    for (unsigned i = 0; i < 7; i++)
        CHECK_EQ(vnet_vlan(net.dev, ids[i], true), 0);
    host_run_for(10 * HAL_MS);
    CHECK_EQ(netctrl.vlans, 7);
    for (unsigned i = 0; i < 7; i++)
        CHECK(netctrl.vlan[ids[i]]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_VLAN), 0);
    netctrl_ask_for_reset();
    CHECK_EQ(netctrl.vlans, 7);
    netctrl.hold = true;
    CHECK_EQ(vnet_vlan(net.dev, 9, true), 0);
    host_run_services();
    CHECK_EQ(vnet_vlan(net.dev, 9, false), 0); /* while the device has the command */
    CHECK_EQ(vnet_vlan(net.dev, 7, false), 0);
    host_run_services();
    netctrl.hold = false;
    netctrl_serve();
    host_run_for(10 * HAL_MS);
    CHECK_EQ(netctrl.vlans, 6);
    CHECK(!netctrl.vlan[9] && !netctrl.vlan[7]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_VLAN), 0);
}

/* ---- the address ----------------------------------------------------------------------------- */

static void another_mac(void)
{
    static const uint8_t new[6] = {2, 1, 2, 3, 4, 5}, third[6] = {2, 9, 9, 9, 9, 9};

    netctrl_boot_attached();
    CHECK_EQ(vnet_set_mac(net.dev, (const uint8_t *)"\1\0\0\0\0\1"), -EINVAL);
    netctrl.hold = true;
    CHECK_EQ(vnet_set_mac(net.dev, new), 0);
    host_run_services();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) != 0); /* not before the device has it */
    netctrl.hold = false;
    netctrl_settle();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) == 0 && memcmp(netctrl.mac, new, 6) == 0);
    CHECK_EQ(netctrl.addresses, 1);
    CHECK_EQ(netctrl.announcements, 1);
    netctrl_check_filters(3);
    netctrl_ask_for_reset();
    netctrl_settle();
    CHECK(memcmp(netctrl.mac, new, 6) == 0);
    CHECK_EQ(netctrl.addresses, 1);
    netctrl_check_filters(3);
    netctrl.refuse = 256 + 1;
    CHECK_EQ(vnet_set_mac(net.dev, third), 0);
    netctrl_settle();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) == 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_ADDRESS), -EIO);
    netctrl_check_traffic();
}

/* ---- offloads ------------------------------------------------------------------------------- */

static const unsigned receiving[] = {NET_F_CTRL_VQ,    NET_F_GUEST_OFFLOADS, NET_F_GUEST_CSUM,
                                     NET_F_GUEST_TSO4, NET_F_MRG_RXBUF,      NET_F_CSUM};

/* The offloads of receiving that are on. */
static unsigned received(void)
{
    return vnet_offloads(net.dev) & (VNET_RX_CSUM | VNET_RX_TSO4 | VNET_RX_TSO6 | VNET_RX_ECN);
}

static void switched_offloads(void)
{
    netctrl_boot(receiving, 6);
    CHECK_EQ(received(), VNET_RX_CSUM | VNET_RX_TSO4);
    CHECK_EQ(vnet_rx_offloads(net.dev, VNET_RX_CSUM | VNET_RX_TSO6), -EINVAL);
    CHECK_EQ(vnet_rx_offloads(net.dev, VNET_RX_TSO4), -EINVAL);
    CHECK_EQ(vnet_rx_offloads(net.dev, VNET_TX_CSUM), -EINVAL);
    CHECK_EQ(vnet_rx_offloads(net.dev, VNET_RX_CSUM), 0);
    netctrl_settle();
    CHECK_EQ(netctrl.offloads, 1u << NET_F_GUEST_CSUM);
    CHECK_EQ(received(), VNET_RX_CSUM);
    CHECK(net.link_calls == 1 && net.link_up);
    netctrl_ask_for_reset();
    netctrl_settle();
    CHECK_EQ(netctrl.offloads, 1u << NET_F_GUEST_CSUM);
    CHECK_EQ(vnet_rx_offloads(net.dev, VNET_RX_CSUM | VNET_RX_TSO4), 0);
    netctrl_settle();
    CHECK_EQ(netctrl.offloads, 1u << NET_F_GUEST_CSUM | 1u << NET_F_GUEST_TSO4);
    CHECK_EQ(received(), VNET_RX_CSUM | VNET_RX_TSO4);
    netctrl.refuse = 5 * 256;
    CHECK_EQ(vnet_rx_offloads(net.dev, 0), 0);
    netctrl_settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_OFFLOADS), -EIO);
    CHECK_EQ(received(), VNET_RX_CSUM | VNET_RX_TSO4);
    CHECK_EQ(net.link_calls, 2);
}

static void not_switched(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    CHECK_EQ(vnet_rx_offloads(net.dev, 0), -ENOTSUP);
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
}

/* ---- interrupts, speed ------------------------------------------------------------------------
 */

static void coalesces(void)
{
    static const unsigned bits[] = {NET_F_CTRL_VQ, NET_F_NOTF_COAL};

    netctrl_boot(bits, 2);
    CHECK_EQ(vnet_coalesce(net.dev, true, 32, 100), 0);
    CHECK_EQ(vnet_coalesce(net.dev, false, 64, 0x12345), 0);
    netctrl_settle();
    netctrl_ask_for_reset();
    netctrl_settle();
    CHECK(netctrl.coalesce[0][0] == 64 && netctrl.coalesce[0][1] == 0x12345);
    CHECK(netctrl.coalesce[1][0] == 32 && netctrl.coalesce[1][1] == 100);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_COALESCE_RX), 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_COALESCE_TX), 0);
}

static void does_not_coalesce(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    CHECK_EQ(vnet_coalesce(net.dev, true, 32, 100), -ENOTSUP);
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
}

static const struct {
    unsigned speed, duplex, is;
    int full;
} speeds[] = {
    {0, 0, 0, 0},
    {1000, 1, 1000, 1},
    {0x7fffffff, 2, 0x7fffffff, -1},
    {0x80000000, 0, VNET_SPEED_UNKNOWN, 0},
    {0xffffffff, 0xff, VNET_SPEED_UNKNOWN, -1},
};

/* What is asked for is what stands there now. */
static void speed_of_the_link(void)
{
    static const unsigned bits[] = {NET_F_SPEED_DUPLEX};
    int full;

    net_plug_way(bits, 1);
    model_field(net.m, 12, 4, 10);
    model_field(net.m, 16, 1, 1);
    net_boot();
    for (unsigned i = 0; i < 5; i++) {
        model_field(net.m, 12, 4, speeds[i].speed);
        model_field(net.m, 16, 1, speeds[i].duplex);
        model_raise(net.m, 2, NULL);
        host_run_services();
        CHECK_EQ(vnet_speed(net.dev, &full), speeds[i].is);
        CHECK_EQ(full, speeds[i].full);
    }
}

static void no_speed(void)
{
    int full;

    netctrl_boot(NULL, 0);
    CHECK_EQ(vnet_speed(net.dev, &full), VNET_SPEED_UNKNOWN);
    CHECK_EQ(full, -1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(modes, "NET-CTRL-04"),
        EACH_WAY(vlans, "NET-CTRL-05"),
        {"vlans_of_a_legacy_device", vlans, "LEGACY-NET-08 LEGACY-NET-13", NET_LEGACY},
        EACH_WAY(switched_offloads, "NET-OFFL-01"),
        {"switched_offloads_of_a_legacy_device", switched_offloads, "LEGACY-NET-10", NET_LEGACY},
        SHOWS(not_switched, ""),
        {"coalesces_mmio", coalesces, "NET-FDEP-21", NET_MMIO},
        {"coalesces_pci_packed", coalesces, NULL, NET_PCI_PACKED},
        EACH_WAY(does_not_coalesce, "NET-COAL-02"),
        {"speed_of_the_link_mmio", speed_of_the_link, "NET-CFG-14 NET-CFG-15", NET_MMIO},
        {"speed_of_the_link_pci_packed", speed_of_the_link, NULL, NET_PCI_PACKED},
        SHOWS(no_speed, ""),
        EACH_WAY(another_mac, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
