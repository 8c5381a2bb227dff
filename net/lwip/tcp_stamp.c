/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_stamp.c - timestamps (RFC 7323). lwIP's take the time since boot, which tells strangers when
 * the machine was started (section 7.1), echo whatever came last, and drop nothing that is old.
 *
 * A connection's clock counts milliseconds from an offset that is a keyed hash of its addresses and
 * ports: unpredictable, and in order for connections that have the same ones in turn.
 */
#include "tcp_stamp.h"

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"

#define TICKS_24_DAYS (24u * 86400 * 1000 / TCP_SLOW_INTERVAL) /* section 5.5 */

struct tcp_stamp tcp_stamp;
bool tcp_stamp_on;

void tcp_stamp_init(void)
{
    tcp_stamp_on = hal_option_u64(NULL, "tcp_timestamps", 1, 0, 1) != 0;
}

uint32_t tcp_stamp_offset(uint64_t secret)
{
    return (uint32_t)(secret >> 32);
}

uint32_t tcp_stamp_clock(uint32_t offset)
{
    return offset + (uint32_t)(hal_now_ns() / HAL_MS);
}

void tcp_stamp_open(struct tcp_pcb *pcb)
{
    if (!pcb->net.stamp.offset)
        pcb->net.stamp.offset = tcp_stamp_offset(
            net_tcp_secret(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port));
}

bool tcp_stamp_reserved(const struct tcp_pcb *pcb)
{
    return pcb->flags & TF_TIMESTAMP || (pcb->state == SYN_SENT && tcp_stamp_on);
}

void tcp_stamp_write(const struct tcp_pcb *pcb, uint32_t *option)
{
    if (!tcp_stamp_reserved(pcb)) {
        option[0] = option[1] = option[2] = PP_HTONL(0x01010101);
        return;
    }
    option[0] = PP_HTONL(0x0101080a);
    option[1] = lwip_htonl(tcp_stamp_clock(pcb->net.stamp.offset));
    option[2] = lwip_htonl(pcb->ts_recent);
}

uint32_t tcp_stamp_payload(const struct tcp_pcb *pcb)
{
    return pcb->mss - (pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0u);
}

/* ---- reading --------------------------------------------------------------------------------- */

bool tcp_stamp_read(const struct tcp_hdr *h, unsigned len, const void *rest)
{
    const uint32_t *option = (const void *)(h + 1);

    tcp_stamp.there = false;
    if (!len)
        return true;
    if (len != LWIP_TCP_OPT_LEN_TS_OUT || rest || option[0] != PP_HTONL(0x0101080a))
        return false;
    tcp_stamp = (struct tcp_stamp){true, lwip_ntohl(option[1]), lwip_ntohl(option[2])};
    return true;
}

static uint32_t stamp_read32(uint8_t (*next)(void))
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++)
        v = v << 8 | next();
    return v;
}

static void stamp_remember(struct tcp_pcb *pcb, uint32_t value)
{
    pcb->ts_recent = value;
    pcb->net.stamp.recent_tick = tcp_ticks;
}

void tcp_stamp_agreed(struct tcp_pcb *pcb, uint32_t value)
{
    tcp_set_flags(pcb, TF_TIMESTAMP);
    stamp_remember(pcb, value);
}

void tcp_stamp_option(struct tcp_pcb *pcb, unsigned flags, uint8_t (*next)(void))
{
    tcp_stamp.there = true;
    tcp_stamp.value = stamp_read32(next);
    tcp_stamp.echo = stamp_read32(next);
    if (!(flags & TCP_SYN) || !tcp_stamp_on || pcb->flags & TF_TIMESTAMP)
        return;
    tcp_stamp_agreed(pcb, tcp_stamp.value);
}

/* ---- old segments (section 5.3) -------------------------------------------------------------- */

/* The peer is told the true numbers; but about an ACK only twice a second, lest two sides that both
 * think so answer each other for ever. */
static void stamp_answer(struct tcp_pcb *pcb, uint32_t len)
{
    struct tcp_stamps *s = &pcb->net.stamp;

    if (!len && s->told_tick == tcp_ticks)
        return;
    if (!len)
        s->told_tick = tcp_ticks;
    tcp_ack_now(pcb);
}

bool tcp_stamp_old(struct tcp_pcb *pcb, uint32_t seq, uint32_t len, unsigned flags)
{
    if (!(pcb->flags & TF_TIMESTAMP) || (flags & TCP_SYN))
        return false;
    if (!tcp_stamp.there)
        return true; /* section 3.2 */
    if (TCP_SEQ_LT(tcp_stamp.value, pcb->ts_recent) &&
        tcp_ticks - pcb->net.stamp.recent_tick <= TICKS_24_DAYS) {
        stamp_answer(pcb, len);
        return true;
    }
    if (TCP_SEQ_LEQ(seq, pcb->ts_lastacksent) && TCP_SEQ_GEQ(seq + len, pcb->ts_lastacksent))
        stamp_remember(pcb, tcp_stamp.value);
    return false;
}
