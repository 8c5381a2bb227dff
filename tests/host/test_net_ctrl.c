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

/* ---- filters --------------------------------------------------------------------------------- */

/* One batch: the table, then the modes. */
static void groups_are_told(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    uint64_t kicks = netctrl.q->kicks;
    netctrl.groups = 3;
    netctrl_attach();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -EAGAIN);
    netctrl_settle();
    netctrl_check_filters(3);
    CHECK_EQ(netctrl.commands, 3);
    CHECK_EQ(netctrl.q->kicks, kicks + 1);
    netctrl.groups = 5;
    vnet_groups_changed(net.dev);
    vnet_groups_changed(net.dev);
    netctrl_settle();
    netctrl_check_filters(5);
    CHECK_EQ(netctrl.commands, 4);
    netctrl_check_traffic();
}

static void nothing_is_said_without_a_stack(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
    vnet_groups_changed(net.dev);
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -ENOENT);
}

/* The device that offers a bit, but not those that it needs, or none at all. */
static void without_the_feature(void)
{
    static const unsigned alone[] = {NET_F_CTRL_RX,        NET_F_CTRL_VLAN,     NET_F_CTRL_RX_EXTRA,
                                     NET_F_GUEST_ANNOUNCE, NET_F_CTRL_MAC_ADDR, NET_F_NOTF_COAL};
    static const unsigned queue[] = {NET_F_CTRL_VQ};
    bool none = random_below(2);

    netctrl_boot(none ? alone : queue, none ? 5 + (case_variant != NET_LEGACY) : 1);
    for (unsigned i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
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
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
    netctrl_check_traffic();
}

/* 64 addresses fit a table; with one more the device passes netctrl_every multicast frame. */
static void too_many_groups(void)
{
    netctrl_boot_attached();
    netctrl.groups = 64;
    vnet_groups_changed(net.dev);
    netctrl_settle();
    netctrl_check_filters(64);
    netctrl.groups = 65;
    vnet_groups_changed(net.dev);
    netctrl_settle();
    CHECK(netctrl.mode[VNET_ALL_MULTICAST] && !netctrl.mode[VNET_PROMISCUOUS]);
    netctrl_check_table(0);
    netctrl.groups = 2;
    vnet_groups_changed(net.dev);
    netctrl_settle();
    netctrl_check_filters(2);
}

/* The device's own cannot be used: the address that was made up is in its table, and told. */
static void made_up_mac(void)
{
    net_plug_way(netctrl_every, NETCTRL_EVERY);
    model_field(net.m, 0, 1, 0xff);
    net_boot();
    netctrl_attach();
    netctrl_settle();
    netctrl_check_filters(0);
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
    netctrl_boot_attached();
    ask_to_announce();
    netctrl_settle();
    CHECK_EQ(netctrl.announcements, 1);
    CHECK_EQ(netctrl.announced, 1);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_ANNOUNCED), 0);
    CHECK_EQ(net.link_calls, 0);
    model_field(net.m, 6, 2, 1);
    model_raise(net.m, 2, NULL);
    netctrl_settle();
    CHECK_EQ(netctrl.announced, 1);
    netctrl.hold = true; /* the device asks and asks, and does not answer */
    for (unsigned i = 0; i < 20; i++)
        ask_to_announce();
    CHECK_EQ(netctrl.announcements, 2);
    netctrl.hold = false;
    netctrl_settle();
    netctrl_settle();
    CHECK_EQ(netctrl.announcements, 3);
    CHECK_EQ(netctrl.announced, 3);
    netctrl_check_filters(3);
}

/* A reset ends a request; the status is read once more afterwards. */
static void announces_after_a_reset(void)
{
    netctrl_boot_attached();
    netctrl.hold = true;
    ask_to_announce();
    CHECK_EQ(netctrl.announcements, 1);
    netctrl.hold = false;
    netctrl_ask_for_reset();
    netctrl_settle();
    CHECK_EQ(netctrl.announcements, 2);
    CHECK_EQ(netctrl.announced, 1);
    model_field(net.m, 6, 2, 1);
    netctrl_ask_for_reset();
    netctrl_settle();
    CHECK_EQ(netctrl.announcements, 2);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void refused(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    netctrl.refuse = 0; /* class RX, PROMISC */
    netctrl.answer = random_below(2) ? 1 : (uint8_t)(2 + random_below(254));
    netctrl_attach();
    netctrl_settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), -EIO);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), 0);
    CHECK_EQ(host_log_matches("refused"), 1);
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), 0);
    netctrl_settle();
    CHECK_EQ(host_log_matches("refused"), 1);
    netctrl.refuse = -1;
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), 0);
    netctrl_settle();
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), 0);
    CHECK_EQ(net.m->resets, 1);
    netctrl_check_traffic();
}

/* Without a table only a promiscuous device delivers what is wanted. */
static void table_is_refused(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    netctrl.refuse = 256;
    netctrl.groups = 3;
    netctrl_attach();
    netctrl_settle();
    netctrl_settle();
    CHECK(netctrl.mode[VNET_PROMISCUOUS]);
    netctrl.refuse = -1;
    vnet_groups_changed(net.dev);
    netctrl_settle();
    netctrl_settle();
    netctrl_check_filters(3);
}

/* ---- recovery -------------------------------------------------------------------------------- */

static void set_again_after_a_reset(void)
{
    netctrl_boot_attached();
    netctrl_ask_for_reset();
    CHECK(netctrl.commands >= 6);
    netctrl_check_filters(3);
    netctrl.hold = true; /* also what was on its way */
    netctrl.groups = 4;
    vnet_groups_changed(net.dev);
    host_run_services();
    netctrl.hold = false;
    netctrl_ask_for_reset();
    netctrl_settle();
    netctrl_check_filters(4);
    netctrl_check_traffic();
}

static void set_again_when_plugged_in(void)
{
    netctrl_boot_attached();
    virtio_unplug(netctrl_dev, true, false);
    CHECK_EQ(vnet_mode(net.dev, VNET_ALL_MULTICAST, true), 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_MULTICAST), -EIO);
    netctrl.groups = 6;
    vnet_groups_changed(net.dev);
    CHECK_EQ(virtio_replug(netctrl_dev), 0);
    host_run_services();
    netctrl_settle();
    netctrl_check_table(6);
    CHECK(netctrl.mode[VNET_ALL_MULTICAST]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_MULTICAST), 0);
    netctrl_check_traffic();
}

/* Memory that a device without a complete reset may write answers to is not used again. */
static void quarantine(void)
{
    netctrl_boot_attached();
    netctrl.hold = true;
    vnet_groups_changed(net.dev);
    host_run_services();
    struct model_chain c;
    CHECK(model_pop(net.m, netctrl.q, &c));
    uint64_t old = c.segs[0].addr;
    netctrl.hold = false;
    virtio_unplug(netctrl_dev, false, false);
    CHECK_EQ(virtio_replug(netctrl_dev), 0);
    host_run_services();
    netctrl_settle();
    netctrl_check_filters(3);
    netctrl.hold = true;
    vnet_groups_changed(net.dev);
    host_run_services();
    CHECK(model_pop(net.m, netctrl.q, &c));
    CHECK(c.segs[0].addr != old);
}

/* Late now and then: a reset each time, as between the two there were answers. */
static void late_answer(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    netctrl_boot_attached();
    for (unsigned i = 1; i <= 3; i++) {
        netctrl.hold = true;
        vnet_groups_changed(net.dev);
        host_run_for(90 * HAL_MS);
        CHECK_EQ(net.m->resets, i);
        host_run_for(15 * HAL_MS);
        netctrl.hold = false;
        netctrl_serve();
        host_run_for(200 * HAL_MS);
        CHECK_EQ(host_log_matches("not answered in time"), i);
        netctrl_check_filters(3);
    }
    netctrl_check_traffic();
    CHECK(virtio_works(netctrl_dev));
    CHECK_EQ(net.link_calls, 0);
}

/* Never: the card is used without its control queue, until it is plugged in again. */
static void never_answers(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
    netctrl.hold = true;
    netctrl_attach();
    host_run_for(HAL_SEC);
    CHECK_EQ(host_log_matches("control queue does not work"), 1);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), -EIO);
    CHECK(virtio_works(netctrl_dev) && net.dev->ctrl && !net.dev->ctrl_pending);
    netctrl_check_traffic();
    netctrl_ask_for_reset();
    host_run_for(HAL_SEC);
    netctrl_check_traffic();
    CHECK_EQ(host_log_matches("control queue does not work"), 1);
    ask_to_announce();
    CHECK_EQ(netctrl.announcements, 0);
    netctrl.hold = false;
    virtio_unplug(netctrl_dev, true, false);
    CHECK_EQ(virtio_replug(netctrl_dev), 0);
    host_run_services();
    netctrl_settle();
    netctrl_check_filters(0);
    netctrl_check_traffic();
}

/* A used entry that cannot be, at each command. */
static void nonsense(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY);
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
    CHECK(virtio_works(netctrl_dev));
    netctrl_check_traffic();
}

/* A used entry where no command is out keeps nobody awake, and is found by the next command. */
static void answers_without_a_command(void)
{
    host_set_bootargs("vireo.vnet0.timeout_ms=100");
    netctrl_boot_attached();
    model_forge(net.m, netctrl.q, 1, 1);
    model_show(net.m, netctrl.q);
    model_raise(net.m, 1, netctrl.q);
    host_run_for(20 * HAL_MS);
    netctrl_check_traffic();
    vnet_groups_changed(net.dev);
    host_run_for(50 * HAL_MS);
    netctrl_serve();
    host_run_for(200 * HAL_MS);
    CHECK(virtio_works(netctrl_dev));
    netctrl_check_filters(3);
    netctrl_check_traffic();
}

/* A queue of one entry holds no command. */
static void queue_too_small(void)
{
    net_plug_way(netctrl_every, 6);
    netctrl.q->max = 1;
    net_boot();
    CHECK(net.dev != NULL);
    netctrl_attach();
    netctrl_settle();
    CHECK_EQ(netctrl.commands, 0);
    CHECK_EQ(host_log_matches("holds no command"), 1);
    CHECK_EQ(vnet_mode(net.dev, VNET_PROMISCUOUS, true), -ENOTSUP);
    netctrl_check_traffic();
}

static void queue_of_two(void)
{
    net_plug_way(netctrl_every, 6);
    netctrl.q->max = 2;
    net_boot();
    netctrl.groups = 3;
    netctrl_attach();
    for (unsigned i = 0; i < 5; i++)
        netctrl_settle();
    if (net.dev->ctrl)
        netctrl_check_filters(3);
    else
        CHECK(model_is_legacy(net.m));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(groups_are_told, "NET-CTRL-01 NET-MAC-03 NET-CFG-02"),
        EACH_WAY(nothing_is_said_without_a_stack, NULL),
        EACH_WAY(without_the_feature, "NET-CFG-03 NET-CTRL-03 NET-MAC-01 NET-FDEP-16 NET-FDEP-17 "
                                      "NET-FDEP-18 NET-FDEP-20 NET-FDEP-21 NET-CFG-17"),
        EACH_WAY(too_many_groups, "NET-MAC-03 NET-MAC-04"),
        {"groups_are_told_to_a_legacy_device", groups_are_told,
         "LEGACY-NET-07 LEGACY-NET-12 LEGACY-NET-14 LEGACY-NET-15 LEGACY-NET-16 LEGACY-NET-17",
         NET_LEGACY},
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
