/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_class_net.c - classes of bugs that network drivers have had with what a device says about a
 * frame: its length, how many buffers it takes, offsets in its header; and with receive buffers
 * that get lost. See test_class_ring.c.
 */
#include <string.h>

#include "check.h"
#include "net/vnet_ctrl.h"
#include "netmodel.h"
#include "rig.h"
#include "virtio/virtio.h"

enum { NET_F_CTRL_VQ = 17, NET_F_MQ = 22, NET_F_HASH = 57, NET_F_RSS = 60 };

#define LEN 100

static unsigned with_device; /* receive buffers, when all is quiet */

static unsigned count_rx(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < net.rx->num; i++)
        n += net.rx->outstanding[i];
    return n;
}

static void boot_with(const unsigned *more, unsigned n)
{
    unsigned bits[8] = {NET_F_MAC, NET_F_STATUS};

    memcpy(bits + 2, more, n * sizeof(*more));
    net.plug = rig_plug;
    net_plug(rig_transport(), bits, 2 + n);
    net.m->queues[2].max = NET_RING;
    net_boot();
    CHECK(net.dev != NULL);
    host_run_for(HAL_SEC);
    with_device = count_rx();
    CHECK(with_device > 0);
}

static void boot(void)
{
    static const unsigned mergeable[] = {NET_F_MRG_RXBUF};

    boot_with(mergeable, random_below(2));
}

static void run(void)
{
    model_publish(net.m, net.rx);
    host_run_services();
    host_run_for(50 * HAL_MS);
    CHECK(count_rx() >= with_device); /* the ring never shrinks */
}

/* A good frame gets through, whatever came before. */
static void check_works(void)
{
    unsigned inputs = net.inputs;

    net_deliver_good(5, LEN);
    run();
    CHECK_EQ(net.inputs, inputs + 1);
    CHECK_EQ(net.last_len, LEN);
    for (unsigned i = 0; i < LEN; i++)
        CHECK_EQ(net.last_frame[i], (uint8_t)(5 * 31 + i));
    CHECK_EQ(net_send(inputs, 16, 1, LEN), 0);
    vnet_flush(net.dev);
    host_run_for(50 * HAL_MS);
    net_check_wire(net.wire_count - 1, inputs, LEN);
}

/* ---- lengths --------------------------------------------------------------------------------- */

static void class_04_len_beyond_frame(void)
{
    static const uint8_t frame[LEN];
    static const uint32_t told[] = {2000, 0x10000, 0x80000000u, UINT32_MAX};

    boot();
    for (unsigned i = 0; i < 4; i++) {
        unsigned inputs = net.inputs;

        net_deliver(frame, LEN, told[i]);
        run(); /* netmodel.c: never more than there is room for */
        CHECK(net.inputs <= inputs + 1);
        check_works();
    }
}

static void class_05_len_below_header(void)
{
    static const uint8_t frame[LEN];

    boot();
    for (uint32_t told = 0; told < net.hdr_len + 14; told++) {
        net_deliver(frame, LEN, told);
        run();
        CHECK_EQ(net.inputs, 0);
    }
    check_works();
}

/* ---- headers --------------------------------------------------------------------------------- */

/* A frame of LEN bytes behind this header, and `told` as its length. */
static void deliver_behind(const uint8_t header[12], uint32_t told)
{
    static const uint8_t frame[LEN];
    struct model_chain c;

    CHECK(model_pop(net.m, net.rx, &c));
    model_scatter(&c, 0, header, net.hdr_len);
    model_scatter(&c, net.hdr_len, frame, LEN);
    model_push(net.m, net.rx, &c, told);
}

/* A frame whose header claims n buffers is delivered once at most. */
static void buffers_told(uint16_t n)
{
    const uint8_t header[12] = {[10] = (uint8_t)n, [11] = (uint8_t)(n >> 8)};
    unsigned inputs = net.inputs;

    deliver_behind(header, net.hdr_len + LEN);
    run();
    CHECK(net.inputs <= inputs + 1);
}

static void class_06_num_buffers_0(void)
{
    boot();
    buffers_told(0);
    check_works();
}

static void class_06_num_buffers_huge(void)
{
    boot();
    buffers_told(0xffff);
    for (unsigned i = 0; i < 4 * NET_RING; i++) {
        net_deliver_good(i, LEN);
        run();
    }
    CHECK(net.inputs > 0);
    check_works();
}

/* The field lies beyond what was written. */
static void class_07_num_buffers_not_there(void)
{
    static const uint8_t header[12] = {[10] = 0xff, [11] = 0xff};

    boot();
    for (uint32_t told = 0; told < 12; told++) {
        deliver_behind(header, told);
        run();
        CHECK_EQ(net.inputs, 0);
    }
    check_works();
}

/* Three are told, and one comes; then it is another frame's turn. */
static void class_08_buffers_missing(void)
{
    boot();
    for (unsigned i = 0; i < 3 * NET_RING; i++) {
        buffers_told(3);
        host_run_for(HAL_SEC);
        CHECK(count_rx() >= with_device);
    }
    for (unsigned i = 0; i < 3; i++) {
        net_deliver_good(i, LEN);
        run();
    }
    check_works();
}

/* Every field that offloads give a meaning to, at random: none was negotiated. */
static void class_24_offload_header_lies(void)
{
    uint8_t header[12];

    boot();
    for (unsigned i = 0; i < 500; i++) {
        unsigned inputs = net.inputs;

        for (unsigned k = 0; k < 10; k++)
            header[k] = (uint8_t)random32();
        header[10] = 1;
        header[11] = 0;
        deliver_behind(header, net.hdr_len + LEN);
        run();
        CHECK(net.inputs <= inputs + 1);
        CHECK(net.inputs == inputs || net.last_len == LEN);
    }
    check_works();
}

/* ---- what the configuration says ------------------------------------------------------------- */

static void class_20_queue_pairs(void)
{
    static const unsigned bits[] = {NET_F_MQ, NET_F_CTRL_VQ};

    boot_with(bits, 2); /* max_virtqueue_pairs is not even there */
    CHECK(!model_accepted(net.m, NET_F_MQ));
    check_works();
}

static void class_21_rss_key_size(void)
{
    static const unsigned bits[] = {NET_F_MQ, NET_F_CTRL_VQ, NET_F_HASH, NET_F_RSS};
    static const unsigned sizes[] = {0, 1, 39, 40, 255};
    static const uint8_t key[VNET_HASH_KEY];

    boot_with(bits, 4);
    CHECK(!model_accepted(net.m, NET_F_RSS) && model_accepted(net.m, NET_F_HASH));
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        model_field(net.m, 17, 1, sizes[i]);
        model_field(net.m, 20, 4, UINT32_MAX);
        CHECK_EQ(vnet_hash_types(net.dev), sizes[i] < VNET_HASH_KEY ? 0 : 0x1ff);
        CHECK_EQ(vnet_hash(net.dev, 1, key), sizes[i] < VNET_HASH_KEY ? -EINVAL : 0);
        check_works();
    }
}

/* ---- 32: refilling --------------------------------------------------------------------------- */

/* The device has buffers at any time, and is told of them when it asks to be. */
static void class_32_refill(void)
{
    uint64_t kicks;

    boot();
    kicks = net.rx->kicks;
    for (unsigned i = 0; i < 5 * NET_RING; i++) {
        model_want_kick(net.m, net.rx, true);
        net_deliver_good(i, LEN);
        run();
        CHECK_EQ(net.inputs, i + 1);
    }
    CHECK(net.rx->kicks - kicks >= 5 * NET_RING - 1);
    check_works();
}

/* The stack keeps frames, and memory is gone: frames are dropped, buffers are not. */
static void class_32_refill_without_memory(void)
{
    boot();
    host_fail_alloc_after(0);
    net.keep = true;
    for (unsigned i = 0; i < 5 * NET_RING; i++) {
        net_deliver_good(i, LEN);
        run();
    }
    CHECK(net.inputs < 5 * NET_RING);
    net.keep = false;
    for (unsigned i = 0; i < net.kept_count; i++)
        vnet_rx_free(net.kept[i]);
    check_works();
}

int main(int argc, char **argv)
{
#define CLASS(f, variants)                                                                         \
    {                                                                                              \
#f, f, NULL, 0, variants                                                                   \
    }
    static const struct test_case cases[] = {
        CLASS(class_04_len_beyond_frame, rig_all),
        CLASS(class_05_len_below_header, rig_all),
        CLASS(class_06_num_buffers_0, rig_modern),
        CLASS(class_06_num_buffers_huge, rig_modern),
        CLASS(class_07_num_buffers_not_there, rig_modern),
        CLASS(class_08_buffers_missing, rig_modern),
        CLASS(class_20_queue_pairs, rig_all),
        CLASS(class_21_rss_key_size, rig_modern),
        CLASS(class_24_offload_header_lies, rig_all),
        CLASS(class_32_refill, rig_all),
        CLASS(class_32_refill_without_memory, rig_all),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
