/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netctrl.c - the control queue of netctrl.h.
 */
#include "netctrl.h"

#include <string.h>

#include "check.h"
#include "net/vnet_impl.h"
#include "virtio/device.h"

struct netctrl netctrl = {.refuse = -1, .answer = 1};

/* ---- commands -------------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void need(unsigned bit, const char *rows, const char *what)
{
    model_rule(model_accepted(net.m, bit), rows, "%s without feature %u", what, bit);
}

/* Reads a table at data[*at] into mac; the number of its entries. */
static unsigned take_table(const uint8_t *data, uint32_t len, uint32_t *at, uint8_t (*mac)[6])
{
    uint32_t n = *at + 4 <= len ? get32(data + *at) : UINT32_MAX;

    model_rule(n <= NETCTRL_ADDRESSES && *at + 4 + 6 * n <= len, "NET-MAC-03",
               "a table of %u addresses in %u bytes", n, len);
    for (uint32_t i = 0; i < n; i++)
        memcpy(mac[i], data + *at + 4 + 6 * i, 6);
    *at += 4 + 6 * n;
    return n;
}

static void do_mac(unsigned command, const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;

    if (command == 1) {
        need(NET_F_CTRL_MAC_ADDR, "NET-MAC-01", "MAC_ADDR_SET");
        CHECK_EQ(len, 6);
        memcpy(netctrl.mac, data, 6);
        return;
    }
    need(NET_F_CTRL_RX, "NET-MAC-01", "MAC_TABLE_SET");
    CHECK_EQ(command, 0);
    netctrl.uni = take_table(data, len, &at, netctrl.uni_mac);
    netctrl.multi = take_table(data, len, &at, netctrl.multi_mac);
    CHECK_EQ(at, len);
    netctrl.tables++;
}

static void do_vlan(unsigned command, const uint8_t *data, uint32_t len)
{
    unsigned id;

    need(NET_F_CTRL_VLAN, "", "VLAN");
    CHECK_EQ(len, 2);
    id = data[0] | (unsigned)data[1] << 8;
    CHECK(command <= 1 && id < 4096);
    netctrl.vlans += (command == 0) - netctrl.vlan[id];
    netctrl.vlan[id] = command == 0;
}

static void do_coalesce(unsigned command, const uint8_t *data, uint32_t len)
{
    need(NET_F_NOTF_COAL, "NET-COAL-02", "NOTF_COAL");
    CHECK_EQ(len, 8);
    CHECK(command <= 1);
    netctrl.coalesce[command][0] = get32(data);
    netctrl.coalesce[command][1] = get32(data + 4);
}

/* struct virtio_net_hash_config, with a key of Toeplitz for all types. */
static void do_hash(unsigned command, const uint8_t *data, uint32_t len)
{
    static const uint8_t reserved[8];

    need(NET_F_HASH_REPORT, "", "HASH_CONFIG");
    CHECK(command == 2 && len == 13 + sizeof(netctrl.hash_key) && data[12] == len - 13);
    model_rule(memcmp(data + 4, reserved, 8) == 0, "NET-HASH-04", "reserved words are not 0");
    netctrl.hash_types = get32(data);
    memcpy(netctrl.hash_key, data + 13, sizeof(netctrl.hash_key));
}

static void do_command(unsigned class, unsigned command, const uint8_t *data, uint32_t len)
{
    switch (class) {
    case 0:
        need(command > 1 ? NET_F_CTRL_RX_EXTRA : NET_F_CTRL_RX,
             command > 1 ? "NET-CTRL-04" : "NET-CTRL-03", "RX");
        CHECK(command < NETCTRL_ALL && len == 1 && data[0] <= 1);
        netctrl.mode[command] = data[0];
        break;
    case 1:
        do_mac(command, data, len);
        break;
    case 2:
        do_vlan(command, data, len);
        break;
    case 3:
        need(NET_F_GUEST_ANNOUNCE, "", "ANNOUNCE_ACK");
        CHECK(command == 0 && len == 0);
        netctrl.announced++;
        break;
    case 4:
        do_hash(command, data, len);
        break;
    case 5:
        need(NET_F_GUEST_OFFLOADS, "", "GUEST_OFFLOADS_SET");
        CHECK(command == 0 && len == 8);
        netctrl.offloads = get32(data) | (uint64_t)get32(data + 4) << 32;
        break;
    case 6:
        do_coalesce(command, data, len);
        break;
    default:
        check_fail(__FILE__, __LINE__, "class %u", class);
    }
}

/* Section 5.1.6.5: a device of before virtio 1.0 wants each part in a descriptor of its own. */
static void judge_framing(const struct model_chain *c)
{
    bool table;
    uint8_t head[2];

    model_rule(c->read_bytes >= 2 && c->write_bytes == 1, "NET-CTRL-01",
               "a command of %u bytes with %u for the answer", c->read_bytes, c->write_bytes);
    if (!model_is_legacy(net.m) || model_accepted(net.m, VIRTIO_F_ANY_LAYOUT))
        return;
    model_gather(c, 0, head, 2);
    table = head[0] == 1 && head[1] == 0;
    model_rule(c->segs[0].len == 2, "LEGACY-NET-12", "class and command share a descriptor");
    model_rule(table || c->readable <= 2, "LEGACY-NET-13", "data in %u descriptors", c->readable);
    model_rule(!table || c->readable == 3, "LEGACY-NET-14 LEGACY-NET-15 LEGACY-NET-16",
               "tables in %u descriptors", c->readable - 1);
}

static void take_command(const struct model_chain *c)
{
    uint8_t data[600], ack = 0;
    uint32_t len;

    judge_framing(c);
    len = model_gather(c, 0, data, sizeof(data)) - 2;
    netctrl.commands++;
    netctrl.last = data[0] * 256u + data[1];
    if ((int)netctrl.last == netctrl.refuse)
        ack = netctrl.answer;
    else
        do_command(data[0], data[1], data + 2, len);
    model_scatter(c, 0, &ack, 1);
}

void netctrl_serve(void)
{
    struct model_chain c;
    unsigned n = 0;

    for (; !netctrl.hold && model_pop(net.m, netctrl.q, &c); n++) {
        take_command(&c);
        model_push(net.m, netctrl.q, &c, 1);
    }
    if (netctrl.hold)
        return;
    model_want_kick(net.m, netctrl.q, true);
    if (n)
        model_publish(net.m, netctrl.q);
}

static void on_status(struct model *m, uint32_t status)
{
    struct netctrl new = {.hold = netctrl.hold,
                          .refuse = netctrl.refuse,
                          .answer = netctrl.answer,
                          .groups = netctrl.groups,
                          .q = netctrl.q,
                          .commands = netctrl.commands,
                          .last = netctrl.last,
                          .announced = netctrl.announced,
                          .announcements = netctrl.announcements,
                          .addresses = netctrl.addresses,
                          .mode = {true}};

    (void)m;
    if (!status)
        netctrl = new;
}

void netctrl_init(void)
{
    netctrl.q = &net.m->queues[2];
    netctrl.q->max = net.m->offered[0] >> NET_F_CTRL_VQ & 1 ? 16 : 0;
    net.m->on.status = on_status;
    netctrl.mode[0] = true;
}

/* ---- the stack ------------------------------------------------------------------------------- */

void netctrl_group(unsigned n, uint8_t mac[6])
{
    static const uint8_t first[6] = {1, 0, 0x5e, 0, 0, 1};

    memcpy(mac, first, 6);
    mac[5] = (uint8_t)(1 + n);
}

static unsigned on_groups(void *ctx, uint8_t (*mac)[6], unsigned max)
{
    CHECK(ctx == &netctrl);
    for (unsigned i = 0; i < max && i < netctrl.groups; i++)
        netctrl_group(i, mac[i]);
    return netctrl.groups;
}

static void on_announce(void *ctx)
{
    (void)ctx;
    netctrl.announcements++;
}

static void on_address(void *ctx)
{
    (void)ctx;
    netctrl.addresses++;
}

void netctrl_attach(void)
{
    static const struct vnet_ctrl_client client = {on_groups, on_announce, on_address, &netctrl};

    CHECK_EQ(vnet_ctrl_attach(net.dev, &client), 0);
}

/* ---- for tests ------------------------------------------------------------------------------- */

struct virtio_device *netctrl_dev;
const unsigned netctrl_every[NETCTRL_EVERY] = {
    NET_F_CTRL_VQ,        NET_F_CTRL_RX,       NET_F_CTRL_VLAN,    NET_F_CTRL_RX_EXTRA,
    NET_F_GUEST_ANNOUNCE, NET_F_CTRL_MAC_ADDR, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

void netctrl_boot(const unsigned *more, unsigned n)
{
    net_plug_way(more, n);
    net_boot();
    netctrl_dev = virtio_find("vnet0");
    CHECK(net.dev && netctrl_dev);
}

/* The device answers all that it may, within a millisecond. */
void netctrl_settle(void)
{
    netctrl_serve();
    host_run_for(HAL_MS);
}

/* With a stack of three groups, and everything that it asks for done. */
void netctrl_boot_attached(void)
{
    netctrl_boot(netctrl_every, NETCTRL_EVERY - random_below(3));
    netctrl.groups = 3;
    netctrl_attach();
    netctrl_settle();
}

void netctrl_check_table(unsigned n)
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

void netctrl_check_filters(unsigned groups)
{
    netctrl_check_table(groups);
    CHECK(!netctrl.mode[VNET_PROMISCUOUS] && !netctrl.mode[VNET_ALL_MULTICAST]);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_TABLE), 0);
    CHECK_EQ(vnet_ctrl_result(net.dev, VNET_CTRL_PROMISCUOUS), 0);
    CHECK(!net.dev->ctrl_pending);
}

void netctrl_ask_for_reset(void)
{
    net.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(net.m, 2, NULL);
    host_run_for(50 * HAL_MS);
}

void netctrl_check_traffic(void)
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
