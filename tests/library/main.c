/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - a kernel that has drivers/ as a library, in front of the device models of tests/host:
 * scripts/compile-matrix compiles the drivers in many ways, links each with this program, and runs
 * it. WITH_BLK, WITH_NET: what is linked.
 *
 *     main blk|net mmio|legacy|pci|pci-legacy split|packed linked|list
 *
 * linked: the drivers are those that the linker found; list: those of virtio_drivers.
 */
#include <string.h>

#include "diskmodel.h"
#include "netmodel.h"
#include "vireo_drivers.h"

static enum model_transport transport;
static bool packed, by_list;

static void print_line(enum hal_level level, const char *who, const char *fmt, va_list ap)
{
    if (level > HAL_WARN)
        return;
    fprintf(stderr, "%s: ", who);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

static void start(void)
{
    vireo_log_to(print_line);
    CHECK_EQ(vireo_start(by_list ? virtio_drivers : NULL), 0);
}

/* Until *count reaches `until`. Time is virtual: a sleep is a jump. */
static void serve(const unsigned *count, unsigned until)
{
    for (unsigned i = 0; i < 1000 && *count < until; i++) {
        uint64_t when = vireo_poll(), now = hal_now_ns();

        if (when > now && when != HAL_NEVER)
            host_advance(when - now);
    }
    CHECK_EQ(*count, until);
}

#if WITH_BLK
static int request(enum block_op op, void *buf, size_t len)
{
    static struct io io;

    io_start(&io, op, 8, buf, len);
    serve(&io.calls, 1);
    return io.r.result;
}

static void check_blk(void)
{
    static const unsigned bits[] = {DISK_F_FLUSH, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC,
                                    VIRTIO_F_RING_PACKED};
    static uint8_t out[8192], in[8192];

    disk_plug(transport, bits, packed ? 4 : 3);
    start();
    disk.dev = block_get(0);
    CHECK(disk.dev != NULL);
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + i / 512);
    CHECK_EQ(request(BLOCK_WRITE, out, sizeof(out)), 0);
    CHECK_EQ(request(BLOCK_READ, in, sizeof(in)), 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK(memcmp(disk.data + 8 * BLOCK_SECTOR, out, sizeof(out)) == 0);
    vireo_stop();
    CHECK_EQ(disk.m->status, 0);
}
#endif

#if WITH_NET
static void check_net(void)
{
    static const unsigned bits[] = {NET_F_MAC, NET_F_STATUS, VIRTIO_F_EVENT_IDX,
                                    VIRTIO_F_RING_PACKED};

    net_plug(transport, bits, packed ? 4 : 3);
    start();
    net_boot();
    CHECK(net.dev != NULL);
    serve(&net.rx->max, net.rx->max); /* once: the receive ring is filled */
    for (unsigned i = 0; i < 20; i++) {
        vireo_poll();
        net_deliver_good(i, 60 + i);
        model_publish(net.m, net.rx);
        serve(&net.inputs, i + 1);
        CHECK_EQ(net.last_len, 60 + i);
        CHECK_EQ(net_send(i, VNET_HDR_MAX, 2, 100 + i), 0);
        vnet_flush(net.dev);
        serve(&net.tx_done, i + 1);
        net_check_wire(i, i, 100 + i);
    }
    vireo_stop();
    CHECK_EQ(net.m->status, 0);
}
#endif

static const char *const *words;

static bool word(unsigned n, const char *text)
{
    return strcmp(words[n], text) == 0;
}

static void run(void)
{
    transport = word(2, "mmio")     ? MODEL_MMIO
                : word(2, "legacy") ? MODEL_MMIO_LEGACY
                : word(2, "pci")    ? MODEL_PCI
                                    : MODEL_PCI_LEGACY;
    packed = word(3, "packed");
    by_list = word(4, "list");
#if WITH_BLK
    if (word(1, "blk"))
        check_blk();
#endif
#if WITH_NET
    if (word(1, "net"))
        check_net();
#endif
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {{"library", run, NULL, 0, NULL}};

    if (argc != 5)
        return 2;
    words = (const char *const *)argv;
    return run_cases(cases, 1, 1, argv);
}
