/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_net_offload.c - offloads of virtio-net (virtio 1.4, sections 5.1.3 and 5.1.6.2): which are
 * taken, and what the headers of frames that are sent say.
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

/* ---- which are taken ------------------------------------------------------------------------- */

static void all_are_taken(void)
{
    net_boot_offloads(-1, NET_F_GUEST_HDRLEN);
    CHECK_EQ(vnet_offloads(net.dev), NET_EVERYTHING);
    for (unsigned i = 0; i < NET_OFFLOADS; i++)
        CHECK(model_accepted(net.m, net_offloads[i]));
    CHECK_EQ(model_accepted(net.m, NET_F_GUEST_HDRLEN), !model_is_legacy(net.m));
}

static void none_is_offered(void)
{
    net_plug_way(NULL, 0);
    net_boot();
    CHECK_EQ(vnet_offloads(net.dev), 0);
}

/* The bit of a legacy device that stands for all kinds of segments is not taken. */
static void legacy_gso_is_not_taken(void)
{
    static const unsigned bits[] = {NET_F_CSUM, 6, VIRTIO_F_ANY_LAYOUT};

    net_plug_way(bits, case_variant == NET_LEGACY ? 3 : 2);
    net_boot();
    CHECK(!model_accepted(net.m, 6));
    CHECK_EQ(vnet_offloads(net.dev), VNET_TX_CSUM);
}

/* Without ANY_LAYOUT the header of a frame that is sent is one of zeroes, which all share. */
static void legacy_header_of_its_own(void)
{
    net_plug_way(net_offloads, NET_OFFLOADS);
    net_boot();
    CHECK_EQ(vnet_offloads(net.dev), VNET_RX_CSUM | VNET_RX_TSO4 | VNET_RX_TSO6 | VNET_RX_ECN);
    net_check_receive(100);
    CHECK_EQ(net_send(0, 16, 3, 100), 0);
    vnet_flush(net.dev);
    net_check_wire(0, 0, 100);
}

/* What is left of all when one is not offered: what needs it is not taken either. */
static const struct {
    const char *name;
    unsigned bit, left;
} needs[] = {
    {"csum", NET_F_CSUM, VNET_RX_CSUM | VNET_RX_TSO4 | VNET_RX_TSO6 | VNET_RX_ECN},
    {"guest_csum", NET_F_GUEST_CSUM, VNET_TX_CSUM | VNET_TX_TSO4 | VNET_TX_TSO6 | VNET_TX_ECN},
    {"host_tso4", NET_F_HOST_TSO4, NET_EVERYTHING & ~(VNET_TX_TSO4 | VNET_TX_ECN)},
    {"host_tso6", NET_F_HOST_TSO6, NET_EVERYTHING & ~VNET_TX_TSO6},
    {"host_ecn", NET_F_HOST_ECN, NET_EVERYTHING & ~VNET_TX_ECN},
    {"guest_tso4", NET_F_GUEST_TSO4, NET_EVERYTHING & ~(VNET_RX_TSO4 | VNET_RX_ECN)},
    {"guest_tso6", NET_F_GUEST_TSO6, NET_EVERYTHING & ~VNET_RX_TSO6},
    {"guest_ecn", NET_F_GUEST_ECN, NET_EVERYTHING & ~VNET_RX_ECN},
    {"mrg_rxbuf", NET_F_MRG_RXBUF, NET_EVERYTHING & ~(VNET_RX_TSO4 | VNET_RX_TSO6 | VNET_RX_ECN)},
};
#define NEEDS ((unsigned)(sizeof(needs) / sizeof(needs[0])))

static unsigned which; /* of needs */

static void is_not_offered(unsigned n)
{
    net_boot_offloads((int)needs[n].bit, -1);
    CHECK_EQ(vnet_offloads(net.dev), needs[n].left);
    net_check_receive(20);
}

static void one_is_not_offered(void)
{
    is_not_offered(random_below(NEEDS));
}

static void csum_is_not_offered(void)
{
    is_not_offered(0);
    for (unsigned bit = NET_F_HOST_TSO4; bit <= NET_F_HOST_ECN; bit++)
        CHECK(!model_accepted(net.m, bit));
}

static void guest_csum_is_not_offered(void)
{
    is_not_offered(1);
    for (unsigned bit = NET_F_GUEST_TSO4; bit <= NET_F_GUEST_ECN; bit++)
        CHECK(!model_accepted(net.m, bit));
}

static void mrg_rxbuf_is_not_offered(void)
{
    is_not_offered(NEEDS - 1);
    for (unsigned bit = NET_F_GUEST_TSO4; bit <= NET_F_GUEST_ECN; bit++)
        CHECK(!model_accepted(net.m, bit));
}

static void one_is_denied(void)
{
    char args[64];

    which = random_below(NEEDS);
    snprintf(args, sizeof(args), "vireo.vnet0.deny=%s", needs[which].name);
    host_set_bootargs(args);
    boot();
    CHECK(!model_accepted(net.m, needs[which].bit));
    CHECK_EQ(vnet_offloads(net.dev), needs[which].left);
    net_check_receive(20);
}

/* Sections 5.1.6.1 and 5.1.6.3.1, by the model: every buffer has room for header and frame. */
static void legacy_header_sizes(void)
{
    net_boot_offloads(case_variant == NET_LEGACY && random_below(2) ? NET_F_MRG_RXBUF : -1, -1);
    CHECK_EQ(net.hdr_len, model_accepted(net.m, NET_F_MRG_RXBUF) ? 12 : 10);
    net_check_receive(100);
    CHECK_EQ(net_send(0, 16, 1, 100), 0);
    vnet_flush(net.dev);
    net_check_wire(0, 0, 100);
}

/* ---- sending --------------------------------------------------------------------------------- */

static const struct vnet_meta sum4 = {
    .flags = VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
static const struct vnet_meta cut4 = {.flags = VNET_NEEDS_CSUM,
                                      .gso = VNET_GSO_TCP4,
                                      .hdr_len = 54,
                                      .gso_size = 1460,
                                      .csum_start = 34,
                                      .csum_offset = 16};

static uint8_t memory[VNET_HDR_MAX + NET_LONGEST + 1]; /* of a frame with headroom in front */

/* A frame of len bytes in n pieces, with headroom. */
static int send_long(const struct vnet_meta *m, unsigned n, uint32_t len)
{
    struct vnet_piece pieces[VNET_TX_PIECES];
    uint32_t at = 0, first = len < 54 ? len : 54;

    memcpy(memory + VNET_HDR_MAX, net_frame, len);
    for (unsigned i = 0; i < n; i++) {
        uint32_t part = i + 1 == n ? len - at : i == 0 ? first : (len - first) / (n - 1);

        pieces[i] = (struct vnet_piece){memory + VNET_HDR_MAX + at, part};
        at += part;
    }
    net.frame_state[0] = 1;
    return vnet_send(net.dev, pieces, n, VNET_HDR_MAX, m, &net.frame_state[0]);
}

static void check_sent(const struct vnet_meta *m, uint32_t len)
{
    unsigned before = net.wire_count;

    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, before + 1);
    CHECK_EQ(net.wire_len[before], len);
    CHECK(memcmp(net.wire_last, net_frame, len) == 0);
    CHECK_EQ(net.wire_header.flags, m->flags);
    CHECK_EQ(net.wire_header.gso, m->gso);
    CHECK_EQ(net.wire_header.csum_start, m->csum_start);
    CHECK_EQ(net.wire_header.csum_offset, m->csum_offset);
    CHECK_EQ(net.wire_header.gso_size, m->gso_size);
    CHECK_EQ(net.wire_header.hdr_len, m->hdr_len);
    host_run_for(20 * HAL_MS);
}

static void header_tells_of_the_sum(void)
{
    static const struct vnet_meta nothing;

    boot();
    for (uint32_t len = 60; len <= 1514; len += 727) {
        CHECK_EQ(send_long(&sum4, 1, len), 0);
        check_sent(&sum4, len);
        CHECK_EQ(send_long(NULL, 1, len), 0);
        check_sent(&nothing, len);
        CHECK_EQ(send_long(&sum4, 1, len), 0);
        check_sent(&sum4, len);
        CHECK_EQ(send_long(&nothing, 2, len), 0);
        check_sent(&nothing, len);
    }
    CHECK_EQ(stats().tx_cut, 0);
}

static void header_tells_of_segments(void)
{
    static const uint8_t kinds[] = {VNET_GSO_TCP4, VNET_GSO_TCP6, VNET_GSO_TCP4 | VNET_GSO_ECN,
                                    VNET_GSO_TCP6 | VNET_GSO_ECN};
    unsigned sent = 0;

    boot();
    for (unsigned i = 0; i < 4; i++)
        for (uint32_t len = 1515; len <= VNET_FRAME_MAX; len += 8004) {
            struct vnet_meta m = cut4;

            m.gso = kinds[i];
            CHECK_EQ(send_long(&m, 1 + random_below(VNET_TX_PIECES), len), 0);
            check_sent(&m, len);
            sent++;
        }
    CHECK_EQ(stats().tx_cut, sent);
    CHECK_EQ(stats().tx_frames, sent);
}

/* The longest frame in the most pieces takes one descriptor of the ring where tables are indirect.
 */
static void most_pieces(void)
{
    net_boot_offloads(-1, VIRTIO_F_INDIRECT_DESC);
    for (unsigned i = 0; i < 2 * NET_RING; i++) {
        CHECK_EQ(send_long(&cut4, VNET_TX_PIECES, VNET_FRAME_MAX), 0);
        check_sent(&cut4, VNET_FRAME_MAX);
        CHECK_EQ(net.wire_segs[i], VNET_TX_PIECES);
    }
}

/* Each is refused with nothing taken; a good frame follows. */
static void bad_metadata_is_refused(void)
{
    static const struct vnet_meta bad[] = {
        {.flags = VNET_CSUM_VALID},
        {.flags = VNET_NEEDS_CSUM | VNET_CSUM_VALID, .csum_start = 34, .csum_offset = 16},
        {.flags = VNET_NEEDS_CSUM, .csum_start = 13, .csum_offset = 16},
        {.flags = VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 1965},
        {.flags = VNET_NEEDS_CSUM, .csum_start = 0xffff, .csum_offset = 0xffff},
        {.gso = VNET_GSO_TCP4, .gso_size = 1460, .hdr_len = 54},
        {VNET_NEEDS_CSUM, 3, 54, 1460, 34, 16},
        {VNET_NEEDS_CSUM, 5, 54, 1460, 34, 16},
        {VNET_NEEDS_CSUM, VNET_GSO_ECN, 54, 1460, 34, 16},
        {VNET_NEEDS_CSUM, VNET_GSO_TCP4, 54, 0, 34, 16},
        {VNET_NEEDS_CSUM, VNET_GSO_TCP4, 54, 1461, 34, 16},
        {VNET_NEEDS_CSUM, VNET_GSO_TCP4, 34, 1460, 34, 16},
        {VNET_NEEDS_CSUM, VNET_GSO_TCP4, 2000, 1460, 34, 16},
    };

    boot();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(send_long(&bad[i], 1, bad[i].gso ? 2000 : 1000), -EINVAL);
    CHECK_EQ(send_long(&sum4, 1, 51), -EINVAL);
    CHECK_EQ(send_long(&sum4, 1, 1515), -EMSGSIZE);
    CHECK_EQ(send_long(&cut4, 1, VNET_FRAME_MAX + 1), -EMSGSIZE);
    net.meta = &sum4;
    CHECK_EQ(net_send(0, 8, 1, 100), -EINVAL); /* there is no room for the header */
    CHECK(!vnet_queued(net.dev));
    CHECK_EQ(send_long(&cut4, 1, 3000), 0);
    check_sent(&cut4, 3000);
}

/* What was not negotiated cannot be asked for. */
static void nothing_more_than_agreed(void)
{
    struct vnet_meta cut6 = cut4, ecn4 = cut4;

    cut6.gso = VNET_GSO_TCP6;
    ecn4.gso |= VNET_GSO_ECN;
    static const uint8_t missing[] = {0, 4, 2, 3, 0}; /* of needs, by the way */

    net_boot_offloads((int)needs[missing[case_variant]].bit, -1);
    bool sums = vnet_offloads(net.dev) & VNET_TX_CSUM;
    CHECK_EQ(send_long(&sum4, 1, 1000), sums ? 0 : -EINVAL);
    CHECK_EQ(send_long(&cut4, 1, 1514), vnet_offloads(net.dev) & VNET_TX_TSO4 ? 0 : -EINVAL);
    CHECK_EQ(send_long(&cut6, 1, 1514), vnet_offloads(net.dev) & VNET_TX_TSO6 ? 0 : -EINVAL);
    CHECK_EQ(send_long(&ecn4, 1, 1514), vnet_offloads(net.dev) & VNET_TX_ECN ? 0 : -EINVAL);
}

/* A device that cuts no segments needs no long lists. */
static void fewer_pieces_without_segments(void)
{
    static const unsigned bits[] = {NET_F_CSUM, VIRTIO_F_ANY_LAYOUT};

    net_plug_way(bits, case_variant == NET_LEGACY ? 2 : 1);
    net_boot();
    CHECK_EQ(send_long(&sum4, 9, 900), -EMSGSIZE);
    CHECK_EQ(send_long(&sum4, 8, 900), 0);
    vnet_flush(net.dev);
    CHECK_EQ(net.wire_count, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(all_are_taken, "NET-TX-47"),
        EACH_WAY(none_is_offered, NULL),
        EACH_WAY(legacy_gso_is_not_taken, NULL),
        EACH_WAY(csum_is_not_offered, "NET-FDEP-09 NET-FDEP-10 NET-FDEP-11"),
        EACH_WAY(guest_csum_is_not_offered, "NET-FDEP-01 NET-FDEP-02 NET-FDEP-03"),
        EACH_WAY(mrg_rxbuf_is_not_offered, NULL),
        EACH_WAY(one_is_not_offered, NULL),
        EACH_WAY(one_is_denied, NULL),
        {"legacy_header_of_its_own", legacy_header_of_its_own, "LEGACY-NET-11", NET_LEGACY},
        {"legacy_header_sizes", legacy_header_sizes, "LEGACY-NET-05", NET_LEGACY},
        EACH_WAY(header_tells_of_the_sum, "NET-TX-30 NET-TX-33"),
        EACH_WAY(header_tells_of_segments, "NET-TX-09 NET-TX-11 NET-TX-18 NET-TX-35 NET-TX-36 "
                                           "NET-TX-37 NET-TX-38"),
        {"header_tells_of_segments_to_a_legacy_device", header_tells_of_segments,
         "LEGACY-NET-04 LEGACY-NET-05", NET_LEGACY},
        EACH_MODERN(most_pieces, NULL),
        EACH_WAY(bad_metadata_is_refused, "NET-TX-33 NET-TX-35 NET-TX-36"),
        EACH_WAY(nothing_more_than_agreed, "NET-TX-04 NET-TX-10 NET-TX-12 NET-TX-17 NET-TX-34"),
        EACH_WAY(fewer_pieces_without_segments, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
