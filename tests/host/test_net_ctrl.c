/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_ctrl.c - the control queue of a network device (virtio 1.4, section 5.1.6.5): what the
 * device is told and when, that it is told again after a reset, and what becomes of a device that
 * refuses, does not answer, or answers nonsense.
 */
#include <string.h>

#include "check.h"
#include "net/vnet_impl.h"
#include "netctrl.h"
#include "virtio/device.h"

static struct virtio_device *dev;
static const unsigned every[] = {NET_F_CTRL_VQ,       NET_F_CTRL_RX,         NET_F_CTRL_VLAN,
                                 NET_F_CTRL_RX_EXTRA, NET_F_GUEST_ANNOUNCE,  NET_F_CTRL_MAC_ADDR,
                                 VIRTIO_F_EVENT_IDX,  VIRTIO_F_INDIRECT_DESC};
#define EVERY (sizeof(every) / sizeof(every[0]))

static void boot_with(const unsigned *more, unsigned n)
{
    net_plug_way(more, n);
    net_boot();
    dev = virtio_find("vnet0");
    CHECK(net.dev && dev);
}

/* The device answers all that it may, within a millisecond. */
static void settle(void)
{
    netctrl_serve();
    host_run_for(HAL_MS);
}

/* With a stack of three groups, and everything that it asks for done. */
static void boot_attached(void)
{
    boot_with(every, EVERY - random_below(3));
    netctrl.groups = 3;
    netctrl_attach();
    settle();
}

static void check_table(unsigned n)
{
    uint8_t mac[6];

    CHECK_EQ(netctrl.uni, 1);
    CHECK(memcmp(netctrl.uni_mac[0], vnet_mac(net.dev), 6) == 0);
    CHECK_EQ(netctrl.multi, n);
    for (unsigned i = 0; i < n; i++) {
        netctrl_group(i, mac);
        CHECK(memcmp(netctrl.multi_mac[i], mac, 6) == 0);
    }
}

static void check_filters(unsigned groups)
{
    check_table(groups);
    CHECK(!netctrl.mode[VNET_PROMISCUOUS] && !netctrl.mode[VNET_ALL_MULTICAST]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), 0);
    CHECK(!net.dev->ctrl_pending);
}

static void asks_for_a_reset(void)
{
    net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(net.m, 2, NULL);
    host_run_for(50 * HAL_MS);
}

static void check_traffic(void)
{
    unsigned sent = net.wire_count, got = net.inputs;

    for (unsigned i = 0; i < 10; i++) {
        net_deliver_good(i, 100);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, got + i + 1);
        CHECK_EQ(net_send(i, 16, 1, 100), 0);
        vnet_flush(net.dev);
        host_run_for(12 * HAL_MS);
    }
    CHECK_EQ(net.wire_count, sent + 10);
}

/* ---- filters --------------------------------------------------------------------------------- */

/* One batch: the table, then the modes. */
static void groups_are_told(void)
{
    boot_with(every, EVERY);
    uint64_t kicks = netctrl.q->kicks;
    netctrl.groups = 3;
    netctrl_attach();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -EAGAIN);
    settle();
    check_filters(3);
    CHECK_EQ(netctrl.commands, 3);
    CHECK_EQ(netctrl.q->kicks, kicks + 1);
    netctrl.groups = 5;
    vnet_groups_changed(net.dev);
    vnet_groups_changed(net.dev);
    settle();
    check_filters(5);
    CHECK_EQ(netctrl.commands, 4);
    check_traffic();
}

static void nothing_is_said_without_a_stack(void)
{
    boot_with(every, EVERY);
    settle();
    CHECK_EQ(netctrl.commands, 0);
    vnet_groups_changed(net.dev);
    settle();
    CHECK_EQ(netctrl.commands, 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -ENOENT);
}

/* The device that offers a bit, but not those that it needs, or none at all. */
static void without_the_feature(void)
{
    static const unsigned alone[] = {NET_F_CTRL_RX, NET_F_CTRL_VLAN, NET_F_CTRL_RX_EXTRA,
                                     NET_F_GUEST_ANNOUNCE, NET_F_CTRL_MAC_ADDR};
    static const unsigned queue[] = {NET_F_CTRL_VQ};
    bool none = random_below(2);

    boot_with(none ? alone : queue, none ? 5 : 1);
    for (unsigned i = 0; i < 5; i++)
        CHECK(!model_accepted(net.m, alone[i]));
    CHECK_EQ(model_accepted(net.m, NET_F_CTRL_VQ), !none);
    netctrl_attach();
    vnet_groups_changed(net.dev);
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), -ENOTSUP);
    CHECK_EQ(vnet_mode(net.dev, VNET_NO_UNICAST, true), -ENOTSUP);
    CHECK_EQ(vnet_vlan(net.dev, 7, true), -ENOTSUP);
    CHECK_EQ(vnet_set_mac(net.dev, (const uint8_t *)"\2\0\0\0\0\1"), -ENOTSUP);
    model_field(net.m, 6, 2, 3);
    model_raise(net.m, 2, NULL);
    settle();
    CHECK_EQ(netctrl.commands, 0);
    check_traffic();
}

/* 64 addresses fit a table; with one more the device passes every multicast frame. */
static void too_many_groups(void)
{
    boot_attached();
    netctrl.groups = 64;
    vnet_groups_changed(net.dev);
    settle();
    check_filters(64);
    netctrl.groups = 65;
    vnet_groups_changed(net.dev);
    settle();
    CHECK(netctrl.mode[VNET_ALL_MULTICAST] && !netctrl.mode[VNET_PROMISCUOUS]);
    check_table(0);
    netctrl.groups = 2;
    vnet_groups_changed(net.dev);
    settle();
    check_filters(2);
}

static void modes(void)
{
    boot_attached();
    for (unsigned i = 0; i < NETCTRL_ALL; i++) {
        CHECK_EQ(vnet_mode(net.dev, (enum vnet_mode)i, true), 0);
        settle();
        CHECK(netctrl.mode[i]);
        CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS + i), 0);
    }
    asks_for_a_reset();
    settle();
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK(netctrl.mode[i]);
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK_EQ(vnet_mode(net.dev, (enum vnet_mode)i, false), 0);
    settle();
    settle();
    for (unsigned i = 0; i < NETCTRL_ALL; i++)
        CHECK(!netctrl.mode[i]);
    check_traffic();
}

static void vlans(void)
{
    static const unsigned ids[] = {0, 1, 7, 8, 255, 2048, 4095};

    boot_attached();
    CHECK_EQ(vnet_vlan(net.dev, 4096, true), -EINVAL);
    for (unsigned i = 0; i < 7; i++)
        CHECK_EQ(vnet_vlan(net.dev, ids[i], true), 0);
    host_run_for(10 * HAL_MS);
    CHECK_EQ(netctrl.vlans, 7);
    for (unsigned i = 0; i < 7; i++)
        CHECK(netctrl.vlan[ids[i]]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_VLAN), 0);
    asks_for_a_reset();
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

    boot_attached();
    CHECK_EQ(vnet_set_mac(net.dev, (const uint8_t *)"\1\0\0\0\0\1"), -EINVAL);
    netctrl.hold = true;
    CHECK_EQ(vnet_set_mac(net.dev, new), 0);
    host_run_services();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) != 0); /* not before the device has it */
    netctrl.hold = false;
    settle();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) == 0 && memcmp(netctrl.mac, new, 6) == 0);
    CHECK_EQ(netctrl.addresses, 1);
    CHECK_EQ(netctrl.announcements, 1);
    check_filters(3);
    asks_for_a_reset();
    settle();
    CHECK(memcmp(netctrl.mac, new, 6) == 0);
    CHECK_EQ(netctrl.addresses, 1);
    check_filters(3);
    netctrl.refuse = 256 + 1;
    CHECK_EQ(vnet_set_mac(net.dev, third), 0);
    settle();
    CHECK(memcmp(vnet_mac(net.dev), new, 6) == 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_ADDRESS), -EIO);
    check_traffic();
}

/* The device's own cannot be used: the address that was made up is in its table, and told. */
static void made_up_mac(void)
{
    net_plug_way(every, EVERY);
    model_field(net.m, 0, 1, 0xff);
    net_boot();
    netctrl_attach();
    settle();
    check_filters(0);
    CHECK(memcmp(netctrl.mac, vnet_mac(net.dev), 6) == 0);
    CHECK_EQ(netctrl.addresses, 0);
}

/* ---- announcements (section 5.1.6.5.4) ------------------------------------------------------- */

static void ask_to_announce(void)
{
    model_field(net.m, 6, 2, 3);
    net.m->generation++;
    model_raise(net.m, 2, NULL);
    host_run_services();
}

static void announces(void)
{
    boot_attached();
    ask_to_announce();
    settle();
    CHECK_EQ(netctrl.announcements, 1);
    CHECK_EQ(netctrl.announced, 1);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_ANNOUNCED), 0);
    CHECK_EQ(net.link_calls, 0);
    model_field(net.m, 6, 2, 1);
    model_raise(net.m, 2, NULL);
    settle();
    CHECK_EQ(netctrl.announced, 1);
    netctrl.hold = true; /* the device asks and asks, and does not answer */
    for (unsigned i = 0; i < 20; i++)
        ask_to_announce();
    CHECK_EQ(netctrl.announcements, 2);
    netctrl.hold = false;
    settle();
    settle();
    CHECK_EQ(netctrl.announcements, 3);
    CHECK_EQ(netctrl.announced, 3);
    check_filters(3);
}

/* A reset ends a request; the status is read once more afterwards. */
static void announces_after_a_reset(void)
{
    boot_attached();
    netctrl.hold = true;
    ask_to_announce();
    CHECK_EQ(netctrl.announcements, 1);
    netctrl.hold = false;
    asks_for_a_reset();
    settle();
    CHECK_EQ(netctrl.announcements, 2);
    CHECK_EQ(netctrl.announced, 1);
    model_field(net.m, 6, 2, 1);
    asks_for_a_reset();
    settle();
    CHECK_EQ(netctrl.announcements, 2);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void refused(void)
{
    boot_with(every, EVERY);
    netctrl.refuse = 0; /* class RX, PROMISC */
    netctrl.answer = random_below(2) ? 1 : (uint8_t)(2 + random_below(254));
    netctrl_attach();
    settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), -EIO);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), 0);
    CHECK_EQ(host_log_matches("refused"), 1);
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), 0);
    settle();
    CHECK_EQ(host_log_matches("refused"), 1);
    netctrl.refuse = -1;
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), 0);
    settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), 0);
    CHECK_EQ(net.m->resets, 1);
    check_traffic();
}

/* Without a table only a promiscuous device delivers what is wanted. */
static void table_is_refused(void)
{
    boot_with(every, EVERY);
    netctrl.refuse = 256;
    netctrl.groups = 3;
    netctrl_attach();
    settle();
    settle();
    CHECK(netctrl.mode[VNET_PROMISCUOUS]);
    netctrl.refuse = -1;
    vnet_groups_changed(net.dev);
    settle();
    settle();
    check_filters(3);
}

/* ---- recovery -------------------------------------------------------------------------------- */

static void set_again_after_a_reset(void)
{
    boot_attached();
    asks_for_a_reset();
    CHECK(netctrl.commands >= 6);
    check_filters(3);
    netctrl.hold = true; /* also what was on its way */
    netctrl.groups = 4;
    vnet_groups_changed(net.dev);
    host_run_services();
    netctrl.hold = false;
    asks_for_a_reset();
    settle();
    check_filters(4);
    check_traffic();
}

static void set_again_when_plugged_in(void)
{
    boot_attached();
    virtio_unplug(dev, true, false);
    CHECK_EQ(vnet_mode(net.dev, VNET_ALL_MULTICAST, true), 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_MULTICAST), -EIO);
    netctrl.groups = 6;
    vnet_groups_changed(net.dev);
    CHECK_EQ(virtio_replug(dev), 0);
    host_run_services();
    settle();
    check_table(6);
    CHECK(netctrl.mode[VNET_ALL_MULTICAST]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_MULTICAST), 0);
    check_traffic();
}

/* Memory that a device without a complete reset may write answers to is not used again. */
static void quarantine(void)
{
    boot_attached();
    netctrl.hold = true;
    vnet_groups_changed(net.dev);
    host_run_services();
    struct model_chain c;
    CHECK(model_pop(net.m, netctrl.q, &c));
    uint64_t old = c.segs[0].addr;
    netctrl.hold = false;
    virtio_unplug(dev, false, false);
    CHECK_EQ(virtio_replug(dev), 0);
    host_run_services();
    settle();
    check_filters(3);
    netctrl.hold = true;
    vnet_groups_changed(net.dev);
    host_run_services();
    CHECK(model_pop(net.m, netctrl.q, &c));
    CHECK(c.segs[0].addr != old);
}

/* Late once: a reset. */
static void late_answer(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    boot_attached();
    netctrl.hold = true;
    vnet_groups_changed(net.dev);
    host_run_for(90 * HAL_MS);
    CHECK_EQ(net.m->resets, 1);
    host_run_for(15 * HAL_MS);
    netctrl.hold = false;
    netctrl_serve();
    host_run_for(50 * HAL_MS);
    CHECK_EQ(host_log_matches("not answered in time"), 1);
    check_filters(3);
    check_traffic();
    CHECK(virtio_works(dev));
    CHECK_EQ(net.link_calls, 0);
}

/* Never: the card is used without its control queue, until it is plugged in again. */
static void never_answers(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    boot_with(every, EVERY);
    netctrl.hold = true;
    netctrl_attach();
    host_run_for(HAL_SEC);
    CHECK_EQ(host_log_matches("control queue does not work"), 1);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -EIO);
    CHECK(virtio_works(dev) && net.dev->ctrl && !net.dev->ctrl_pending);
    check_traffic();
    asks_for_a_reset();
    host_run_for(HAL_SEC);
    check_traffic();
    CHECK_EQ(host_log_matches("control queue does not work"), 1);
    ask_to_announce();
    CHECK_EQ(netctrl.announcements, 0);
    netctrl.hold = false;
    virtio_unplug(dev, true, false);
    CHECK_EQ(virtio_replug(dev), 0);
    host_run_services();
    settle();
    check_filters(0);
    check_traffic();
}

/* A used entry that cannot be, at each command. */
static void nonsense(void)
{
    boot_with(every, EVERY);
    netctrl.hold = true;
    netctrl_attach();
    for (unsigned i = 0; i < 4; i++) {
        host_run_services();
        model_forge(net.m, netctrl.q, 0xffff, 1);
        model_show(net.m, netctrl.q);
        model_raise(net.m, 1, netctrl.q);
        host_run_for(20 * HAL_MS);
    }
    CHECK_EQ(host_log_matches("is broken"), 2);
    CHECK_EQ(host_log_matches("control queue does not work"), 1);
    CHECK(virtio_works(dev));
    check_traffic();
}

/* A used entry where no command is out keeps nobody awake, and is found by the next command. */
static void answers_without_a_command(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    boot_attached();
    model_forge(net.m, netctrl.q, 1, 1);
    model_show(net.m, netctrl.q);
    model_raise(net.m, 1, netctrl.q);
    host_run_for(20 * HAL_MS);
    check_traffic();
    vnet_groups_changed(net.dev);
    host_run_for(50 * HAL_MS);
    netctrl_serve();
    host_run_for(200 * HAL_MS);
    CHECK(virtio_works(dev));
    check_filters(3);
    check_traffic();
}

/* A queue of one entry holds no command. */
static void queue_too_small(void)
{
    net_plug_way(every, 6);
    netctrl.q->max = 1;
    net_boot();
    CHECK(net.dev != NULL);
    netctrl_attach();
    settle();
    CHECK_EQ(netctrl.commands, 0);
    CHECK_EQ(host_log_matches("holds no command"), 1);
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), -ENOTSUP);
    check_traffic();
}

static void queue_of_two(void)
{
    net_plug_way(every, 6);
    netctrl.q->max = 2;
    net_boot();
    netctrl.groups = 3;
    netctrl_attach();
    for (unsigned i = 0; i < 5; i++)
        settle();
    if (net.dev->ctrl)
        check_filters(3);
    else
        CHECK(model_is_legacy(net.m));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(groups_are_told, "NET-CTRL-01 NET-MAC-03 NET-CFG-02"),
        EACH_WAY(nothing_is_said_without_a_stack, NULL),
        EACH_WAY(without_the_feature, "NET-CFG-03 NET-CTRL-03 NET-MAC-01 NET-FDEP-16 NET-FDEP-17 "
                                      "NET-FDEP-18 NET-FDEP-20 NET-CFG-17"),
        EACH_WAY(too_many_groups, "NET-MAC-03 NET-MAC-04"),
        EACH_WAY(modes, "NET-CTRL-04"),
        EACH_WAY(vlans, "NET-CTRL-05"),
        {"groups_are_told_to_a_legacy_device", groups_are_told,
         "LEGACY-NET-07 LEGACY-NET-12 LEGACY-NET-14 LEGACY-NET-15 LEGACY-NET-16 LEGACY-NET-17",
         NET_LEGACY},
        {"vlans_of_a_legacy_device", vlans, "LEGACY-NET-08 LEGACY-NET-13", NET_LEGACY},
        EACH_WAY(another_mac, NULL),
        EACH_WAY(made_up_mac, "NET-MAC-02"),
        EACH_WAY(announces, "NET-ANN-01 NET-ANN-02"),
        EACH_WAY(announces_after_a_reset, NULL),
        EACH_WAY(refused, "NET-CTRL-02"),
        EACH_WAY(table_is_refused, NULL),
        EACH_WAY(set_again_after_a_reset, NULL),
        EACH_WAY(set_again_when_plugged_in, NULL),
        EACH_WAY(quarantine, NULL),
        EACH_WAY(late_answer, NULL),
        EACH_WAY(never_answers, NULL),
        EACH_WAY(nonsense, NULL),
        EACH_WAY(answers_without_a_command, NULL),
        EACH_WAY(queue_too_small, NULL),
        EACH_WAY(queue_of_two, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
