/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_end.c - the end of the image: what send() and its like accepted is delivered first, while
 * tasks, services and devices still work. Open connections end in order, so that their peers see
 * it.
 */
#include "lwip/priv/tcp_priv.h"
#include "sock.h"
#include "vireo/image.h"

#define END_WAIT_MS 3000         /* by default */
#define END_LOOK_NS (2 * HAL_MS) /* between two looks */

static uint64_t end_wait_ms;

/* What has not left the image yet. */
struct left {
    unsigned connections, packets; /* packets: frames, and datagrams that wait for a neighbour */
    uint32_t bytes;
};

/* Data, or the end, that the peer of a connection has not acknowledged. */
static bool end_owes(const struct tcp_pcb *pcb)
{
    return (pcb->unsent || pcb->unacked) && pcb->state >= ESTABLISHED &&
           !sock_is_local(&pcb->remote_ip);
}

static struct left end_left(void)
{
    struct left l = {0};

    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (end_owes(p)) {
            l.connections++;
            l.bytes += p->snd_lbb - p->lastack;
        }
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (!vnet_is_dead(d->vnet))
            l.packets += d->tx_out;
    l.packets += net_arp_waiting() + net_nd6_waiting();
    return l;
}

/* Ends this side of each connection that an application has. */
static void end_connections(void)
{
    struct tcp_pcb *next;

    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = next) {
        struct sock *s = sock_of_tcp(p);

        next = p->next;
        if (s && s->state == SOCK_TCP_OPEN)
            sock_tcp_shutdown(s, SHUT_WR);
    }
    net_kick();
}

static void end_of_image(void)
{
    uint64_t deadline = hal_now_ns() + end_wait_ms * HAL_MS;
    struct waitq nobody = {0};
    struct left l;

    if (!task_may_park())
        return;
    net_enter();
    end_connections();
    while ((l = end_left()), (l.connections || l.packets) && hal_now_ns() < deadline)
        net_park(&nobody, hal_now_ns() + END_LOOK_NS);
    net_leave();
    if (l.connections || l.packets)
        hal_log(
            HAL_WARN, "net",
            "the image ends after %llu ms (vireo.net_end_ms=) though %u bytes of %u connections "
            "and %u packets were not delivered",
            (unsigned long long)end_wait_ms, (unsigned)l.bytes, l.connections, l.packets);
}

void sock_end_init(void)
{
    end_wait_ms = hal_option_u64(NULL, "net_end_ms", END_WAIT_MS, 0, 3600000);
    vireo_before_end(end_of_image);
}
