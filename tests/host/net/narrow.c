/* SPDX-License-Identifier: BSD-2-Clause */
/* narrow.c - the connection of narrow.h. */
#include "narrow.h"

#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

struct flow_end a, b, c, d;
struct narrow narrow;

static void narrow_watch(const struct path_seen *s)
{
    if (!s->tcp.sport)
        return;
    if (!s->out && s->side == PATH_B && s->tcp.len) {
        if (narrow.last_arrival && s->ns - narrow.last_arrival > narrow.worst_gap)
            narrow.worst_gap = s->ns - narrow.last_arrival;
        narrow.last_arrival = s->ns;
    }
    if (!s->out || s->side != PATH_A)
        return;
    if (s->len > narrow.longest)
        narrow.longest = s->len;
    if (s->packet[0] >> 4 == 4 && s->tcp.len)
        *(s->packet[6] & 0x40 ? &narrow.whole : &narrow.cuttable) += 1;
    if (s->tcp.flags & SEG_SYN)
        narrow.offered = s->tcp.mss;
    if (s->len > 600) {
        memcpy(narrow.packet, s->packet, s->len);
        narrow.len = s->len;
    }
}

void narrow_forget(void)
{
    memset(&narrow, 0, sizeof(narrow));
}

bool narrow_ip6(void)
{
    return case_variant == 6;
}

unsigned narrow_headers(void)
{
    return narrow_ip6() ? 60 : 40;
}

const char *narrow_bootarg = "";

void narrow_boot(void)
{
    static char args[100];

    snprintf(args, sizeof(args), "vireo.tcp_buffer=128%s",
             narrow_bootarg); /* what is sent arrives soon */
    host_set_bootargs(args);
    path_boot(1);
    path_both(5000, 0);
    path_watch(narrow_watch);
    narrow_forget();
}

void narrow_begin(uint64_t bytes, uint16_t port)
{
    a = (struct flow_end){.to_send = bytes, .key = 1, .ip6 = narrow_ip6()};
    b = (struct flow_end){.to_send = 0, .key = 2, .ip6 = narrow_ip6()};
    flow_listen(&b, PATH_B, port);
    flow_connect(&a, PATH_A, 0, port, &b);
}

void narrow_step(void)
{
    if (a.pcb)
        narrow.recovered |= a.pcb->net.rec.state != TCP_REC_OPEN;
    flow_step(&a);
    flow_step(&b);
    if (c.peer) {
        flow_step(&c);
        flow_step(&d);
    }
}

static bool narrow_over(void)
{
    narrow_step();
    return flow_over(&a) && (!c.peer || flow_over(&c));
}

bool narrow_half(void)
{
    narrow_step();
    return b.received > MB;
}

static bool narrow_never(void)
{
    narrow_step();
    return false;
}

void narrow_run(uint64_t ns)
{
    path_run(ns, narrow_never);
}

void narrow_all_arrives(uint64_t bytes)
{
    CHECK(path_run(60 * HAL_SEC, narrow_over));
    CHECK_EQ(b.received, bytes);
    CHECK_EQ(b.wrong, 0);
    CHECK_EQ(a.err, ERR_OK);
}

void narrow_begin_endless(void)
{
    path.link[PATH_A].rate = 5 * MB;
    path.link[PATH_A].queue_ns = PATH_QUEUE_ENDLESS;
    narrow_begin(FLOW_ENDLESS, 80);
}

void narrow_end(void)
{
    path.link[PATH_A].rate = 0;
    c.to_send = c.written;
    a.to_send = a.written;
    narrow_all_arrives(a.written);
}
