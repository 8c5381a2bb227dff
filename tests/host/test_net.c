/*
 * test_net.c - virtio-net (virtio 1.4, section 5.1) against a device model that loops nothing back:
 * it checks every frame sent, and delivers what the test says, with the length that the test says.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model.h"
#include "net/vnet.h"
#include "virtio/virtio.h"

enum { F_MTU = 3, F_MAC = 5, F_STATUS = 16 };
#define RING 64
#define FRAMES 8192

static struct model *m;
static struct model_queue *rxq, *txq;
static struct vnet *net;
static unsigned hdr_len;

/* ---- the stack ----------------------------------------------------------------------------------------------- */

static struct vnet_rx *kept[FRAMES];
static unsigned kept_count, input_count, batch_ends, room_calls, link_calls, tx_done_count;
static bool keep, link_state;
static unsigned char frame_state[FRAMES]; /* of transmit frames: 1 with the driver, 2 done */
static uint32_t last_len;
static uint8_t last_frame[2048];

static void on_input(void *ctx, struct vnet_rx *rx)
{
    CHECK(ctx == &kept);
    CHECK(rx->len >= 14 && rx->len <= rx->room);
    CHECK(((uintptr_t)rx->data + 14) % 4 == 0);
    input_count++;
    last_len = rx->len;
    memcpy(last_frame, rx->data, rx->len < sizeof(last_frame) ? rx->len : sizeof(last_frame));
    memset(rx->stack, 0xaa, sizeof(rx->stack));
    if (keep)
        kept[kept_count++] = rx;
    else
        vnet_rx_free(rx);
}

static void on_batch_end(void *ctx)
{
    (void)ctx;
    batch_ends++;
}

static void on_tx_done(void *ctx, void *cookie)
{
    unsigned n = (unsigned)((unsigned char *)cookie - frame_state);

    CHECK(ctx == &kept);
    CHECK(n < FRAMES && frame_state[n] == 1);
    frame_state[n] = 2;
    tx_done_count++;
}

static void on_tx_room(void *ctx)
{
    (void)ctx;
    room_calls++;
}

static void on_link(void *ctx, bool up)
{
    (void)ctx;
    link_calls++;
    link_state = up;
}

static const struct vnet_client client = {
    .input = on_input,
    .batch_end = on_batch_end,
    .tx_done = on_tx_done,
    .tx_room = on_tx_room,
    .link = on_link,
    .ctx = &kept,
};

/* ---- the device ---------------------------------------------------------------------------------------------- */

static uint8_t wire[FRAMES][1600]; /* frames sent, in order */
static uint32_t wire_len[FRAMES];
static unsigned wire_count;
static bool hold_tx; /* leaves what is sent in the ring */

static void take_frame(const struct model_chain *c)
{
    static const uint8_t zero[16];
    uint8_t header[16];

    if (c->write_bytes || c->read_bytes < hdr_len + 14)
        host_violation("tx chain of %u readable and %u writable bytes", c->read_bytes,
                       c->write_bytes);
    if (m->transport == MODEL_MMIO_LEGACY && !model_accepted(m, VIRTIO_F_ANY_LAYOUT) &&
        c->segs[0].len != hdr_len)
        host_violation("the header shares a descriptor, without ANY_LAYOUT");
    model_gather(c, 0, header, hdr_len);
    if (memcmp(header, zero, hdr_len) != 0)
        host_violation("tx header is not zero without offloads");
    CHECK(wire_count < FRAMES);
    wire_len[wire_count] = model_gather(c, hdr_len, wire[wire_count], sizeof(wire[0]));
    wire_count++;
}

static void on_kick(struct model *model, struct model_queue *q)
{
    struct model_chain c;
    unsigned n = 0;

    if (q != txq || hold_tx)
        return;
    for (; model_pop(model, q, &c); n++) {
        take_frame(&c);
        model_push(model, q, &c, 0);
    }
    model_want_kick(model, q, true);
    if (n)
        model_publish(model, q);
}

static void plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    m = calloc(1, sizeof(*m));
    model_init(m, t, VIRTIO_ID_NET);
    for (unsigned i = 0; i < n; i++)
        model_offer(m, bits[i]);
    rxq = &m->queues[0];
    txq = &m->queues[1];
    rxq->max = txq->max = RING;
    m->on.kick = on_kick;
    for (unsigned i = 0; i < 6 && m->offered[0] >> F_MAC & 1; i++)
        model_field(m, i, 1, "\x52\x54\x00\x12\x34\x56"[i]);
    if (m->offered[0] >> F_STATUS & 1)
        model_field(m, 6, 2, 1);
    if (m->offered[0] >> F_MTU & 1)
        model_field(m, 10, 2, 1400);
    hdr_len = t == MODEL_MMIO_LEGACY ? 10 : 12;
    model_plug_mmio(m, 0);
    model_watch(m);
}

static void boot(void)
{
    host_boot();
    net = vnet_get(0);
    if (net)
        CHECK_EQ(vnet_attach(net, &client), 0);
    host_run_services();
}

static void boot_plain(enum model_transport t)
{
    static const unsigned bits[] = {F_MAC, F_STATUS, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    plug(t, bits, 2 + random_below(3));
    boot();
    CHECK(net != NULL);
    CHECK_EQ(vnet_hdr_len(net), hdr_len);
}

/* Puts a frame into the next receive buffer; `say` is the length that the device claims. */
static void deliver(const void *frame, uint32_t len, uint32_t say)
{
    uint8_t header[12] = {0};
    struct model_chain c;

    CHECK(model_pop(m, rxq, &c));
    if (c.read_bytes || c.write_bytes < hdr_len + 1514)
        host_violation("rx chain of %u readable and %u writable bytes", c.read_bytes,
                       c.write_bytes);
    header[10] = m->transport != MODEL_MMIO_LEGACY; /* num_buffers */
    model_scatter(&c, 0, header, hdr_len);
    model_scatter(&c, hdr_len, frame, len);
    model_push(m, rxq, &c, say);
}

static void deliver_good(unsigned seed, uint32_t len)
{
    uint8_t frame[1514];

    for (unsigned i = 0; i < len; i++)
        frame[i] = (uint8_t)(seed * 31 + i);
    deliver(frame, len, hdr_len + len);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

#define PACKETS 512
static uint8_t packet[PACKETS][1600];

static int send_frame(unsigned n, unsigned headroom, unsigned pieces, uint32_t len)
{
    uint8_t *p = packet[n % (PACKETS)] + 16;
    struct vnet_piece piece[16];
    uint32_t off = 0;

    for (unsigned i = 0; i < len; i++)
        p[i] = (uint8_t)(n * 7 + i);
    for (unsigned i = 0; i < pieces; i++) {
        uint32_t l = i + 1 == pieces ? len - off : len / pieces;
        piece[i] = (struct vnet_piece){p + off, l};
        off += l;
    }
    int err = vnet_send(net, piece, pieces, headroom, &frame_state[n]);
    if (!err)
        frame_state[n] = 1;
    return err;
}

static void check_wire(unsigned at, unsigned n, uint32_t len)
{
    CHECK_EQ(wire_len[at], len);
    for (unsigned i = 0; i < len; i++)
        CHECK_EQ(wire[at][i], (uint8_t)(n * 7 + i));
}

static void sends_frames(enum model_transport t)
{
    unsigned n = 0;

    boot_plain(t);
    for (unsigned headroom = 0; headroom <= 16; headroom += 4)
        for (unsigned pieces = 1; pieces <= VNET_TX_PIECES; pieces++)
            for (uint32_t len = 60; len <= 1514; len += 727) {
                CHECK_EQ(send_frame(n, headroom, pieces, len), 0);
                CHECK(vnet_queued(net));
                vnet_flush(net);
                CHECK(!vnet_queued(net));
                CHECK_EQ(wire_count, n + 1);
                check_wire(n, n, len);
                host_run_for(20 * HAL_MS);
                CHECK_EQ(tx_done_count, ++n);
            }
}

static void sends_frames_modern(void)
{
    sends_frames(MODEL_MMIO);
}

static void sends_frames_legacy(void)
{
    sends_frames(MODEL_MMIO_LEGACY);
}

static void batch_is_one_kick(void)
{
    boot_plain(MODEL_MMIO);
    uint64_t kicks = txq->kicks, allocs = host_allocs();
    for (unsigned i = 0; i < 20; i++)
        CHECK_EQ(send_frame(i, 16, 1, 100), 0);
    CHECK_EQ(txq->kicks, kicks);
    vnet_flush(net);
    CHECK_EQ(txq->kicks, kicks + 1);
    CHECK_EQ(wire_count, 20);
    for (unsigned i = 0; i < 20; i++)
        check_wire(i, i, 100);
    host_run_for(20 * HAL_MS);
    CHECK_EQ(tx_done_count, 20);
    CHECK_EQ(host_allocs(), allocs);
}

/* Fills the ring: -EAGAIN, then tx_room when there is room, and nothing is lost or doubled. */
static void full_transmit_ring(void)
{
    unsigned n = 0;

    boot_plain(MODEL_MMIO);
    hold_tx = true;
    while (n < PACKETS && send_frame(n, 16, 1, 100) == 0) {
        n++;
        vnet_flush(net);
    }
    CHECK(n >= RING && n < PACKETS);
    CHECK_EQ(send_frame(n, 16, 1, 100), -EAGAIN);
    CHECK_EQ(room_calls, 0);
    hold_tx = false;
    on_kick(m, txq);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(room_calls, 1);
    CHECK_EQ(wire_count, n);
    CHECK_EQ(tx_done_count, n);
    for (unsigned i = 0; i < n; i++)
        check_wire(i, i, 100);
}

static void refused_frames(void)
{
    boot_plain(MODEL_MMIO);
    CHECK_EQ(send_frame(0, 16, 0, 0), -EMSGSIZE);
    CHECK_EQ(send_frame(0, 16, VNET_TX_PIECES + 1, 900), -EMSGSIZE);
    CHECK_EQ(send_frame(0, 16, 1, 1515), -EMSGSIZE);
    host_dma_unreachable(true);
    CHECK_EQ(send_frame(0, 16, 1, 100), -EFAULT);
    host_dma_unreachable(false);
    vnet_flush(net);
    CHECK_EQ(wire_count, 0);
    CHECK_EQ(send_frame(1, 16, 1, 1514), 0);
    vnet_flush(net);
    CHECK_EQ(wire_count, 1);
}

/* Completions are reclaimed though no interrupt says so and nothing else is sent. */
static void reclaim_without_interrupt(void)
{
    boot_plain(MODEL_MMIO);
    m->dead_silent = true;
    CHECK_EQ(send_frame(0, 16, 1, 100), 0);
    vnet_flush(net);
    host_run_for(15 * HAL_MS);
    CHECK_EQ(tx_done_count, 1);
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void receives_frames(enum model_transport t)
{
    boot_plain(t);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t len = 14 + random_below(1501);

        deliver_good(i, len);
        model_publish(m, rxq);
        host_run_services();
        CHECK_EQ(input_count, i + 1);
        CHECK_EQ(last_len, len);
        for (unsigned b = 0; b < len; b++)
            CHECK_EQ(last_frame[b], (uint8_t)(i * 31 + b));
    }
    CHECK_EQ(batch_ends, 3000);
}

static void receives_frames_modern(void)
{
    receives_frames(MODEL_MMIO);
}

static void receives_frames_legacy(void)
{
    receives_frames(MODEL_MMIO_LEGACY);
}

static void odd_length(uint32_t say, bool taken)
{
    struct vnet_stats s;
    uint8_t frame[1514] = {1};

    boot_plain(MODEL_MMIO);
    deliver(frame, 1514, say);
    deliver_good(7, 100);
    model_publish(m, rxq);
    host_run_services();
    CHECK_EQ(input_count, 1 + taken);
    CHECK_EQ(last_len, 100);
    vnet_get_stats(net, &s);
    CHECK_EQ(s.rx_bad_length, !taken);
    CHECK_EQ(s.rx_spare + s.rx_held + virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0)),
             s.rx_buffers);
}

static void length_0(void)
{
    odd_length(0, false);
}

static void length_of_half_a_header(void)
{
    odd_length(5, false);
}

static void length_of_a_header(void)
{
    odd_length(12, false);
}

static void length_of_no_ethernet_header(void)
{
    odd_length(12 + 13, false);
}

static void length_beyond_the_buffer(void)
{
    odd_length(UINT32_MAX, true); /* clamped to what was posted */
}

/* The stack keeps every frame: the ring stays as full as it was, and later frames are dropped. */
static void stack_keeps_everything(void)
{
    struct vnet_stats s;
    struct virtq *q;

    boot_plain(MODEL_MMIO);
    q = virtio_queue(virtio_find("vnet0"), 0);
    unsigned posted = virtq_in_flight(q);
    keep = true;
    for (unsigned i = 0; i < 1000; i++) {
        deliver_good(i, 60);
        model_publish(m, rxq);
        host_run_services();
        CHECK(virtq_in_flight(q) >= posted);
    }
    vnet_get_stats(net, &s);
    CHECK(s.rx_no_spare > 0);
    CHECK_EQ(s.rx_no_spare + kept_count, 1000);
    CHECK_EQ(s.rx_held, kept_count);
    CHECK(vnet_rx_tight(net));
    for (unsigned i = 0; i < kept_count; i++)
        vnet_rx_free(kept[i]);
    CHECK(!vnet_rx_tight(net));
    keep = false;
    deliver_good(1, 60);
    model_publish(m, rxq);
    host_run_services();
    CHECK_EQ(input_count, kept_count + 1);
    vnet_get_stats(net, &s);
    CHECK_EQ(s.rx_held, 0);
}

/* ---- configuration --------------------------------------------------------------------------------------------- */

static void mac_and_mtu(void)
{
    static const unsigned bits[] = {F_MAC, F_MTU};

    plug(MODEL_MMIO, bits, 2);
    boot();
    CHECK(memcmp(vnet_mac(net), "\x52\x54\x00\x12\x34\x56", 6) == 0);
    CHECK_EQ(vnet_mtu(net), 1400);
    CHECK(vnet_link_up(net));
    CHECK_EQ(send_frame(0, 16, 1, 1415), -EMSGSIZE);
    CHECK_EQ(send_frame(0, 16, 1, 1414), 0);
}

static void no_mac(void)
{
    plug(MODEL_MMIO, NULL, 0);
    boot();
    CHECK_EQ(vnet_mac(net)[0] & 3, 2);
    CHECK_EQ(vnet_mtu(net), 1500);
}

static void multicast_mac(void)
{
    static const unsigned bits[] = {F_MAC};

    plug(MODEL_MMIO, bits, 1);
    model_field(m, 0, 1, 0xff);
    boot();
    CHECK_EQ(vnet_mac(net)[0] & 3, 2);
}

static void odd_mtu(unsigned mtu)
{
    static const unsigned bits[] = {F_MTU};

    plug(MODEL_MMIO, bits, 1);
    model_field(m, 10, 2, mtu);
    boot();
    CHECK(net == NULL);
    CHECK(m->status & 128);
    CHECK_EQ(host_live_blocks(), 0);
}

static void mtu_0(void)
{
    odd_mtu(0);
}

static void mtu_65535(void)
{
    odd_mtu(65535);
}

static void link_changes(void)
{
    static const unsigned bits[] = {F_STATUS};

    plug(MODEL_MMIO, bits, 1);
    boot();
    for (unsigned i = 0; i < 4; i++) {
        bool up = i % 2;

        model_field(m, 6, 2, up);
        m->generation++;
        model_raise(m, 2, NULL);
        host_run_services();
        CHECK_EQ(link_calls, i + 1);
        CHECK_EQ(link_state, up);
        CHECK_EQ(vnet_link_up(net), up);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void dies(bool reset_works)
{
    struct vnet_stats s;

    boot_plain(MODEL_MMIO);
    keep = true;
    deliver_good(1, 60);
    model_publish(m, rxq);
    host_run_services();
    hold_tx = true;
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(send_frame(i, 16, 1, 100), 0);
    vnet_flush(net);
    CHECK_EQ(send_frame(10, 16, 1, 100), 0); /* queued, not flushed */
    m->reset_never = !reset_works;
    m->status |= 0x40;
    model_raise(m, 2, NULL);
    host_run_services();
    host_run_for(HAL_SEC);
    CHECK(!link_state && link_calls >= 1);
    CHECK(!vnet_link_up(net));
    vnet_get_stats(net, &s);
    CHECK_EQ(s.tx_lost, 11);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(frame_state[i], reset_works ? 2 : 1);
    CHECK_EQ(send_frame(20, 16, 1, 100), -EIO);
    vnet_flush(net);
    vnet_rx_free(kept[0]);
    CHECK(tx_done_count == 11 || !reset_works);
}

static void dies_after_reset(void)
{
    dies(true);
}

static void dies_without_reset(void)
{
    dies(false);
}

static void receive_ring_breaks(void)
{
    boot_plain(MODEL_MMIO);
    model_put_used(rxq, 0, 0xffff, 100);
    model_put_used_idx(rxq, 1);
    model_raise(m, 1, rxq);
    host_run_services();
    CHECK(!vnet_link_up(net));
    CHECK_EQ(send_frame(0, 16, 1, 100), -EIO);
    CHECK_EQ(host_log_matches("broken"), 1);
}

static void transmit_ring_breaks(void)
{
    boot_plain(MODEL_MMIO);
    hold_tx = true;
    CHECK_EQ(send_frame(0, 16, 1, 100), 0);
    vnet_flush(net);
    model_put_used_idx(txq, 9);
    model_raise(m, 1, txq);
    host_run_for(50 * HAL_MS);
    CHECK(!vnet_link_up(net));
    CHECK_EQ(tx_done_count, 1);
    CHECK_EQ(host_log_matches("broken"), 1);
}

static void out_of_memory(unsigned n)
{
    plug(MODEL_MMIO, NULL, 0);
    host_fail_alloc_after(n);
    boot();
    if (net)
        return;
    CHECK_EQ(host_live_blocks(), 0);
}

/* As a macro: a case is a function without arguments. */
#define OUT_OF_MEMORY(n)                                                                          \
    static void out_of_memory_##n(void) { out_of_memory(n); }
OUT_OF_MEMORY(0)
OUT_OF_MEMORY(1)
OUT_OF_MEMORY(2)
OUT_OF_MEMORY(3)
OUT_OF_MEMORY(4)
OUT_OF_MEMORY(5)
OUT_OF_MEMORY(6)
OUT_OF_MEMORY(7)
OUT_OF_MEMORY(8)
OUT_OF_MEMORY(9)
OUT_OF_MEMORY(10)

int main(int argc, char **argv)
{
#define CASE(f) {#f, f}
    static const struct test_case cases[] = {
        CASE(sends_frames_modern),
        CASE(sends_frames_legacy),
        CASE(batch_is_one_kick),
        CASE(full_transmit_ring),
        CASE(refused_frames),
        CASE(reclaim_without_interrupt),
        CASE(receives_frames_modern),
        CASE(receives_frames_legacy),
        CASE(length_0),
        CASE(length_of_half_a_header),
        CASE(length_of_a_header),
        CASE(length_of_no_ethernet_header),
        CASE(length_beyond_the_buffer),
        CASE(stack_keeps_everything),
        CASE(mac_and_mtu),
        CASE(no_mac),
        CASE(multicast_mac),
        CASE(mtu_0),
        CASE(mtu_65535),
        CASE(link_changes),
        CASE(dies_after_reset),
        CASE(dies_without_reset),
        CASE(receive_ring_breaks),
        CASE(transmit_ring_breaks),
        CASE(out_of_memory_0),
        CASE(out_of_memory_1),
        CASE(out_of_memory_2),
        CASE(out_of_memory_3),
        CASE(out_of_memory_4),
        CASE(out_of_memory_5),
        CASE(out_of_memory_6),
        CASE(out_of_memory_7),
        CASE(out_of_memory_8),
        CASE(out_of_memory_9),
        CASE(out_of_memory_10),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
