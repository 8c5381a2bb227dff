/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_core.c - lwIP in the image: its start, its timers, its counters, and the service that flushes
 * what socket calls have queued.
 */
#include <stdarg.h>

#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "net_impl.h"
#include "tcp_timer.h"

/* What is seldom called. */
void net_get_stats(struct net_stats *out) __attribute__((cold));
static void net_late_device(struct vnet *v) __attribute__((cold));
static void net_init(void) __attribute__((cold));

struct net_core net_core = {.hostname = "vireo", .memory_epoch = 1};

void net_assert_entered(void)
{
    hal_assert(net_core.entered);
}

void net_lwip_diag(const char *fmt, ...)
{
    (void)fmt; /* called in builds with LWIP_DEBUG only */
}

void net_lwip_assert(const char *what)
{
    hal_panic("lwip: %s", what);
}

u32_t sys_now(void)
{
    return (u32_t)(hal_now_ns() / HAL_MS);
}

/*
 * Connections that this side closed stay in TIME_WAIT for 2 MSL (RFC 9293, 3.4.3), but no more than
 * NET_TIME_WAIT_MAX of them: for each segment of no open connection lwIP searches the whole list.
 * The newest stand first in lwIP's list.
 */
void net_bound_time_wait(void)
{
    struct tcp_pcb *pcb = tcp_tw_pcbs;

    net_core.closes = 0;
    for (unsigned n = 1; pcb && n < NET_TIME_WAIT_MAX; n++)
        pcb = pcb->next;
    while (pcb && pcb->next)
        tcp_abort(pcb->next);
}

bool net_allow(uint64_t *spent_ns, unsigned burst, uint64_t each_ns)
{
    uint64_t now = hal_now_ns();

    if (*spent_ns > now + (burst - 1) * each_ns)
        return false;
    *spent_ns = (*spent_ns > now ? *spent_ns : now) + each_ns;
    return true;
}

static void net_wake_writers(void)
{
    net_core.memory_freed = false;
    net_core.memory_epoch++;
    waitq_wake_all(&net_core.memory);
    if (net_core.events)
        net_core.events->memory();
}

void net_loop_queued(void)
{
    net_core.loopback = true;
}

void net_end_of_work(void)
{
    if (net_core.loopback) {
        net_core.loopback = false;
        netif_poll_all(); /* answers wait for the next turn */
    }
    tcp_ack_batch_end();
    if (net_core.closes >= NET_TIME_WAIT_SLACK)
        net_bound_time_wait();
    if (net_core.memory_freed)
        net_wake_writers();
    for (struct net_dev *d = net_core.devs; d; d = d->next)
        if (vnet_queued(d->vnet))
            vnet_flush(d->vnet);
}

static uint64_t net_next_timer(void)
{
    u32_t ms = sys_timeouts_sleeptime();
    uint64_t tcp = tcp_timers_next(), lwip = HAL_NEVER;

    if (ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        lwip = hal_now_ns() + ms * HAL_MS;
    return tcp < lwip ? tcp : lwip;
}

void net_timers_changed(void)
{
    net_core.service.next_ns = net_next_timer();
    hal_service_changed(&net_core.service);
    net_kick();
}

static void net_run_timers(uint64_t now)
{
    tcp_timers_run(now);
    if (sys_timeouts_sleeptime() == 0) {
        sys_check_timeouts();
        net_bound_time_wait(); /* connections that were closed earlier may be in TIME_WAIT now */
    }
    net_core.service.next_ns = net_next_timer();
}

static bool net_service_run(struct hal_service *s)
{
    uint64_t now = hal_now_ns();

    net_enter_service();
    if (now >= s->next_ns)
        net_run_timers(now);
    net_end_of_work();
    net_leave_service();
    return true;
}

/* The CPU is about to sleep. */
static bool net_service_arm(struct hal_service *s)
{
    bool did;

    (void)s;
    net_enter_service();
    did = tcp_ack_before_sleep();
    if (did)
        net_end_of_work();
    net_leave_service();
    return did;
}

static void net_add_devices(void)
{
    struct vnet *v;

    for (unsigned n = 0; (v = vnet_get(n)); n++)
        net_add_device(v);
    if (!net_core.devs)
        hal_log(HAL_WARN, "net",
                "no network device: start QEMU with -netdev user,id=n -device "
                "virtio-net-device,netdev=n");
}

/* A card was plugged in. Called from the driver's probe, outside lwIP. */
static void net_late_device(struct vnet *v)
{
    struct net_dev *d;

    net_enter_service();
    d = net_add_device(v);
    if (d)
        net_configure_device(d);
    net_end_of_work();
    net_core.service.next_ns = net_next_timer();
    hal_service_changed(&net_core.service);
    net_leave_service();
}

static void net_init(void)
{
    net_random_init();
    net_mem_init();
    tcp_window_init();
    tcp_mtu_init();
    tcp_option_init();
    tcp_stamp_init();
    net_reass_init();
    net_asking_init();
    net_enter_service();
    lwip_init();
    tcp_timers_init(&net_core.service);
    net_privacy_init();
    net_add_devices();
    net_configure();
    net_end_of_work();
    net_core.service.name = "net";
    net_core.service.run = net_service_run;
    net_core.service.arm = net_service_arm;
    net_core.service.next_ns = net_next_timer();
    net_leave_service();
    hal_service_add(&net_core.service);
    vnet_on_new(net_late_device);
}
HAL_INIT(HAL_INIT_STACK, net_init);

static unsigned net_count_pcbs(const struct tcp_pcb *pcb)
{
    unsigned n = 0;

    for (; pcb; pcb = pcb->next)
        n++;
    return n;
}

static void net_add_device_stats(struct net_stats *out)
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next) {
        struct vnet_stats s;

        vnet_get_stats(d->vnet, &s);
        out->rx_frames += s.rx_frames;
        out->rx_bytes += s.rx_bytes;
        out->tx_frames += s.tx_frames;
        out->tx_bytes += s.tx_bytes;
        out->rx_dropped += s.rx_no_spare + s.rx_no_client + s.rx_bad_length + s.rx_bad_header;
        out->tx_full += s.tx_full;
    }
}

void net_get_stats(struct net_stats *out)
{
    *out = (struct net_stats){
        .rx_malformed = net_core.rx_malformed,
        .rx_no_memory = net_core.rx_no_memory,
        .rx_copied = net_core.rx_copied,
        .ip_rx = lwip_stats.ip.recv + lwip_stats.ip6.recv,
        .ip_tx = lwip_stats.ip.xmit + lwip_stats.ip6.xmit,
        .ip_dropped = lwip_stats.ip.drop + lwip_stats.ip6.drop,
        .tcp_rx = lwip_stats.tcp.recv,
        .tcp_tx = lwip_stats.tcp.xmit,
        .tcp_dropped = lwip_stats.tcp.drop,
        .udp_rx = lwip_stats.udp.recv,
        .udp_tx = lwip_stats.udp.xmit,
        .icmp_rx = lwip_stats.icmp.recv + lwip_stats.icmp6.recv,
        .icmp_tx = lwip_stats.icmp.xmit + lwip_stats.icmp6.xmit,
        .tcp_connections = net_count_pcbs(tcp_active_pcbs),
        .tcp_time_wait = net_count_pcbs(tcp_tw_pcbs),
        .sockets = net_core.sockets,
        .tcp_accepted = net_core.tcp_accepted,
        .tcp_refused = net_core.tcp_refused,
        .tcp_forged = net_core.tcp_forged,
        .tcp_challenges = net_core.tcp_challenges,
        .tcp_half_open = net_tcp_half_open(),
        .tcp_syns_dropped = net_core.tcp_syns_dropped,
        .tcp_cookies = net_core.tcp_cookies,
        .tcp_cookies_taken = net_core.tcp_cookies_taken,
        .mem_used = net_mem_used(),
        .mem_lent = net_mem_lent(),
        .mem_limit = net_mem_limit(),
        .mem_failed = net_mem_failed(),
    };
    net_arp_count(out);
    net_nd6_count(out);
    net_add_device_stats(out);
}
