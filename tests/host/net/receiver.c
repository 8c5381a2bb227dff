/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * receiver.c - the scripted receiver of receiver.h.
 */
#include "receiver.h"

#include <string.h>

#include "check.h"
#include "hal.h"
#include "host.h"
#include "net_impl.h"
#include "tasks.h"

#define PEER_ISN 7000u

struct receiver receiver;
static struct segment syn;

static void answer(const struct segment *s)
{
    uint8_t packet[200];

    path_send(PATH_B, packet, segment_make(s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
}

static void answer_syn(void *arg)
{
    struct segment s = {.sport = syn.dport,
                        .dport = syn.sport,
                        .seq = PEER_ISN,
                        .ack = syn.seq + 1,
                        .flags = SEG_SYN | SEG_ACK,
                        .window = receiver.window,
                        .mss = 1460,
                        .scale = SEG_NO_OPTS,
                        .sack_ok = receiver.sack,
                        .stamped = receiver.stamps,
                        .stamp = 1,
                        .echo = syn.stamp};

    (void)arg;
    answer(&s);
}

static void hear(const struct path_seen *s)
{
    const struct segment *t = &s->tcp;

    if (t->flags & SEG_SYN) {
        syn = *t;
        receiver.base = t->seq + 1;
        if (!receiver.mute)
            host_at(hal_now_ns(), answer_syn, NULL);
    }
    if (segment_span(t) && receiver.heard < 4096)
        receiver.told[receiver.heard++] =
            (struct told){s->ns, t->seq - receiver.base, t->len, t->stamp, t->flags};
}

static void on_error(void *arg, err_t err)
{
    (void)arg;
    receiver.err = err;
    receiver.pcb = NULL;
}

static void boot(void)
{
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(PATH_ALIAS(PATH_A)));

    receiver.window = 0xffff;
    path_boot(1);
    path_both(10000, 0);
    path_script(PATH_B, hear);
    net_enter();
    receiver.pcb = tcp_new();
    tcp_window_fix(receiver.pcb, &(struct tcp_fixed){.send = 128 << 10});
    tcp_err(receiver.pcb, on_error);
    CHECK_EQ(tcp_connect(receiver.pcb, &to, 80, NULL), ERR_OK);
    net_leave();
}

static void connected(void)
{
    boot();
    path_run_for(100 * HAL_MS);
    CHECK_EQ(receiver.pcb->state, ESTABLISHED);
    receiver_forget();
}

void receiver_boot(bool sack)
{
    receiver = (struct receiver){.sack = sack};
    connected();
}

void receiver_boot_stamps(void)
{
    receiver = (struct receiver){.sack = true, .stamps = true};
    connected();
}

void receiver_boot_mute(void)
{
    receiver = (struct receiver){.mute = true};
    boot();
}

void receiver_feed(uint32_t bytes)
{
    static const uint8_t data[SEG];

    net_enter();
    for (uint32_t n; bytes; bytes -= n) {
        n = bytes < SEG ? bytes : SEG;
        CHECK_EQ(tcp_write(receiver.pcb, data, (u16_t)n, TCP_WRITE_FLAG_COPY), ERR_OK);
    }
    tcp_output(receiver.pcb);
    net_leave();
    path_run_for(11 * HAL_MS);
}

void receiver_run_ms(uint64_t ms)
{
    path_run_for(ms * HAL_MS);
}

void receiver_forget(void)
{
    receiver.heard = 0;
}

unsigned receiver_times(uint32_t at)
{
    unsigned n = 0;

    for (unsigned i = 0; i < receiver.heard; i++)
        n += at - receiver.told[i].at < receiver.told[i].len;
    return n;
}

unsigned receiver_times_seg(unsigned seg)
{
    return receiver_times(seg * SEG);
}

struct told receiver_last(void)
{
    CHECK(receiver.heard);
    return receiver.told[receiver.heard - 1];
}

void receiver_raw(uint32_t ack, unsigned blocks, const uint32_t *edges)
{
    struct segment s = {.sport = syn.dport,
                        .dport = syn.sport,
                        .seq = PEER_ISN + 1,
                        .ack = ack,
                        .flags = SEG_ACK,
                        .window = receiver.window,
                        .scale = SEG_NO_OPTS,
                        .blocks = blocks,
                        .stamped = receiver.stamps,
                        .stamp = 1,
                        .echo = receiver.echo};

    for (unsigned i = 0; i < blocks; i++) {
        s.block[i].start = edges[2 * i];
        s.block[i].end = edges[2 * i + 1];
    }
    answer(&s);
}

void receiver_ack(uint32_t to, struct arrived a, struct arrived b, struct arrived c)
{
    const struct arrived all[] = {a, b, c};
    uint32_t edges[6];
    unsigned n = 0;

    for (unsigned i = 0; i < 3 && all[i].right; i++, n++) {
        edges[2 * i] = receiver.base + all[i].left;
        edges[2 * i + 1] = receiver.base + all[i].right;
    }
    receiver_raw(receiver.base + to, n, edges);
    path_run_for(21 * HAL_MS);
}

void receiver_say(unsigned to, unsigned left, unsigned right)
{
    uint32_t edges[] = {receiver.base + left * SEG, receiver.base + right * SEG};

    receiver_raw(receiver.base + to * SEG, right > left, edges);
}
