/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_impl.h - the inside of the lwIP port, shared by its source files.
 *
 * lwIP is entered from task context only: by the service of net_core.c, by the driver's calls of
 * struct vnet_client (net_dev.c), and by socket calls. All of them stand between net_enter() and
 * net_leave(). Nothing in between parks; net_park() leaves, parks and enters again.
 */
#ifndef VIREO_NET_IMPL_H
#define VIREO_NET_IMPL_H

#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "net.h"
#include "net/vnet.h"
#include "net/vnet_ctrl.h"
#include "net_hooks.h"
#include "net_tx.h"
#include "vireo/task.h"

#define NET_TIME_WAIT_MAX   64 /* connections in TIME_WAIT that are kept */
#define NET_TIME_WAIT_SLACK 16 /* closes between two checks of that bound */

#define NET_LEASE_ROUTES       16 /* routes of DHCP that an interface takes */
#define NET_LEASE_TIME_SERVERS 4

/* What a DHCP server granted (net_lease.c). address is "any": there is no lease. */
struct net_lease {
    ip4_addr_t address;
    uint64_t t1_ns, t2_ns, end_ns; /* HAL_NEVER: never. t1_ns, t2_ns: of the next request */
    uint64_t watch_ns;             /* another machine with the address is declined until then */
    bool claimed;                  /* one packet said that another machine has it */
    uint64_t defended_ns;          /* the address was last announced again */
    uint64_t least_ns;             /* between two requests */
    unsigned routes;
    struct {
        ip4_addr_t to, mask, via; /* via is "any": on the link */
    } route[NET_LEASE_ROUTES];
    ip4_addr_t time_server[NET_LEASE_TIME_SERVERS]; /* "any" behind the last */
};

/* An address of IPv6 that net_privacy.c has made, at the same place as in struct netif. */
struct net_temporary {
    bool used;
    uint32_t preferred_s; /* connections may begin from it that long */
    uint64_t made_ns;
};

/* One network device under lwIP. */
struct net_dev {
    struct netif netif;
    struct vnet *vnet;
    struct vnet_client client;
    struct vnet_ctrl_client ctrl_client;
    unsigned index;           /* N of vnetN */
    unsigned metric;          /* of its routes: the lower, the better */
    bool is_static;           /* its address is that of ip= */
    bool told;                /* its address was logged */
    bool had_address;         /* DHCP has answered once */
    unsigned tx_out;          /* frames that the driver has */
    unsigned tx_offloads;     /* VNET_TX_*: what the card does for frames that are sent */
    struct pbuf *tx_rest;     /* a frame of which packets wait for room in the card; NULL: none */
    struct net_tx_cut tx_cut; /* which packets */
    struct net_lease lease;
    ip_addr_t names[DNS_MAX_SERVERS]; /* name servers: half of them of IPv4; "any": none */
    bool lease_refused;               /* the log has said that its values cannot be */
    unsigned naks;                    /* refusals by servers since the last lease */
    struct net_temporary temporary[LWIP_IPV6_NUM_ADDRESSES];
    unsigned temporary_lost; /* made in a row, and found at other machines */
    char name[8];            /* "vnetN" */
    struct net_dev *next;
};

/*
 * What the sockets above want to hear of; called entered, from lwIP. The functions do not park.
 * proto: IPPROTO_TCP or IPPROTO_UDP; seq: of TCP. error: an errno value; hard: it is final.
 */
struct net_events {
    /* An interface has got an address, or has stopped to ask for one. */
    void (*address)(void);
    /* After a refusal memory was freed. */
    void (*memory)(void);
    /* A router or the peer says that a packet between these could not be delivered. */
    void (*unreachable)(unsigned proto, const ip_addr_t *local, u16_t port, const ip_addr_t *peer,
                        u16_t peer_port, u32_t seq, int error, bool hard);
    /* A neighbour, the next hop of some packets, does not answer. */
    void (*missing)(const struct netif *netif, const ip_addr_t *neighbour);
};

struct net_core {
    bool entered;
    bool in_service; /* of a device or of net_core.c: what is queued is flushed at its end */
    bool loopback;   /* packets to the image itself wait in lwIP */
    unsigned closes; /* connections that this side closed since TIME_WAIT was bounded */
    struct net_dev *devs;
    struct hal_service service;
    struct waitq address;            /* tasks in net_wait_up() */
    struct waitq asking;             /* tasks that wait while net_asking() */
    uint64_t wait_ms;                /* how long each */
    const struct net_events *events; /* NULL: there are no sockets */
    /* The server at this address has no such port, says an error to ours. NULL: nobody asks. */
    void (*question_refused)(u16_t port, const ip_addr_t *server, u16_t server_port);
    struct waitq memory;   /* tasks in send() that found no memory */
    bool memory_freed;     /* after a refusal: those tasks shall look again */
    uint32_t memory_epoch; /* how often those tasks were woken, from 1 on */
    char hostname[64];
    uint64_t rx_malformed, rx_no_memory, rx_copied, tcp_accepted, tcp_refused; /* as in net.h */
    uint64_t tcp_forged, tcp_challenges, tcp_syns_dropped, tcp_cookies, tcp_cookies_taken;
    const uint8_t *sender; /* MAC of the frame that lwIP is given now; NULL: none, or of its own */
    uint32_t sockets;      /* now */
};
extern struct net_core net_core;

/* Before the first call of lwIP. Not nested. */
static inline void net_enter(void)
{
    hal_assert(!net_core.entered);
    net_core.entered = true;
}

/* Something was queued: outside a service, the service of net_core.c will flush it. */
static inline void net_kick(void)
{
    if (!net_core.in_service)
        hal_service_wake(&net_core.service);
}

/* After the last call of lwIP. */
static inline void net_leave(void)
{
    if (net_core.loopback)
        net_kick();
    net_core.entered = false;
}

/* net_enter() and net_leave() for a service's run(), which flushes queued frames at its end. */
static inline void net_enter_service(void)
{
    net_enter();
    net_core.in_service = true;
}

static inline void net_leave_service(void)
{
    net_core.in_service = false;
    net_leave();
}

/* Leaves the stack, parks as waitq_wait does, and enters again: 0 or -ETIMEDOUT. [parks] */
static inline int net_park(struct waitq *q, uint64_t deadline_ns)
{
    int err;

    hal_assert(net_core.entered);
    net_leave();
    err = waitq_wait(q, deadline_ns);
    net_core.entered = true;
    return err;
}

/* ---- net_core.c ------------------------------------------------------------------------------ */

/* Drops the oldest connections in TIME_WAIT beyond NET_TIME_WAIT_MAX. Entered. */
void net_bound_time_wait(void);
/* lwIP was given a timer outside of the service: the service must not sleep too long. */
void net_timers_changed(void);
/*
 * May one more of something be done that is limited to `burst` at once, and then to one each_ns?
 * Counts it if so, in *spent_ns: when all of the burst may be had again; 0 at first.
 */
bool net_allow(uint64_t *spent_ns, unsigned burst, uint64_t each_ns);
/* The end of a batch: flushes every device, bounds TIME_WAIT, wakes writers. Entered. */
void net_end_of_work(void);

/* ---- net_dev.c ------------------------------------------------------------------------------- */

/*
 * Makes a network device an interface of lwIP; the interface stays as long as the image. NULL (and
 * a line in the log): out of memory. Entered.
 */
struct net_dev *net_add_device(struct vnet *v);
/* Is the link up, with an address that machines beyond the link can reach? */
bool net_dev_usable(const struct net_dev *d);

/* ---- net_groups.c ---------------------------------------------------------------------------- */

/* Has the device told of the groups that its interface joins. Once, entered, before any is joined.
 */
void net_groups_init(struct net_dev *d);

/* ---- net_address.c --------------------------------------------------------------------------- */

/*
 * Is a card still asking for its first address, of IPv4 or IPv6? Then a call that finds no route
 * may wait in net_core.asking, net_asking_ns() at most, and look again each time it is woken.
 */
bool net_asking(bool ip6);
uint64_t net_asking_ns(void);
/* A call waited in vain: the log says once that there is no address. */
void net_asking_vain(void);
/* Reads vireo.net_wait_ms=. */
void net_asking_init(void);

/* ---- net_icmp.c ------------------------------------------------------------------------------ */

/* See net_hooks.h: what lwIP calls there ends in net_core.events. */

/* ---- net_arp.c, net_nd6.c -------------------------------------------------------------------- */

/* Packets that wait until their neighbours are known, of IPv4; and neighbours with some, of IPv6.
 */
unsigned net_arp_waiting(void);
/* Changes when the MAC of any neighbour of IPv4 may be another than before, and each second. */
extern uint32_t net_arp_epoch;
unsigned net_nd6_waiting(void);
/* Adds the neighbours of a family. */
void net_arp_count(struct net_stats *s);
void net_nd6_count(struct net_stats *s);

/* ---- net_names.c ----------------------------------------------------------------------------- */

/* A card has no name server of a family any more: the lease that named them is over. */
void net_names_forget(struct net_dev *d, bool six);

/* ---- net_rx.c -------------------------------------------------------------------------------- */

/* Makes the sum of TCP or UDP in a packet, in one piece, that net_arriving.partial tells of. */
void net_sum_complete(uint8_t *packet, unsigned len);

/* ---- net_reass.c ----------------------------------------------------------------------------- */

/* After net_mem_init(). */
void net_reass_init(void);

/* ---- net_input.c ----------------------------------------------------------------------------- */

/*
 * A frame in one pbuf that no device writes to: through the checks, into lwIP. p belongs to lwIP
 * afterwards, or is freed. tight: receive buffers are short, so what will be kept is copied.
 * Entered. Frames of a card come by net_rx.h.
 */
void net_input(struct net_dev *d, struct pbuf *p, bool tight);

/* ---- bootip.c -------------------------------------------------------------------------------- */

/* Reads the ip= boot argument, and applies it to all devices. Once, entered. */
void net_configure(void);
/* Applies it to a device that was plugged in later. Entered. */
void net_configure_device(struct net_dev *d);

/* Can one machine of a network with that mask have the address? Host byte order. */
bool net_ip4_of_one_machine(uint32_t address, uint32_t mask);
/* Is the mask some ones, and then zeros? Host byte order. */
bool net_ip4_mask_ok(uint32_t mask);

/* ---- net_lease.c ----------------------------------------------------------------------------- */

/*
 * The next hop of the longest route of a card's lease to an address, *bits: its prefix length, from
 * 1 on; NULL: none of the routes leads there.
 */
const ip4_addr_t *net_lease_gateway(const struct netif *netif, const ip4_addr_t *to,
                                    unsigned *bits);
/* An ARP packet (28 bytes) from the wire: another machine may have the address. Entered. */
void net_lease_arp(struct net_dev *d, const uint8_t *arp);

/* ---- net_privacy.c --------------------------------------------------------------------------- */

/* Reads vireo.net_privacy=. Entered, after lwip_init(). */
void net_privacy_init(void);
/* Addresses of the device have changed: those that are temporary may have to. Entered. */
void net_privacy_update(struct net_dev *d);

/* ---- tcp_guard.c ----------------------------------------------------------------------------- */

/* May a connection challenge now? Counts it if so. *challenges_ns: the connection's own, 0 at
 * first. */
bool net_tcp_may_challenge(uint64_t *challenges_ns);

/* ---- tcp_half_open.c ------------------------------------------------------------------------- */

/* Connections that peers have begun to open, and that lwIP has not heard of. */
unsigned net_tcp_half_open(void);

/* ---- net_mem.c ------------------------------------------------------------------------------- */

/* Before lwIP's first allocation. A quarter of the machine's memory is the limit. */
void net_mem_init(void);
/*
 * May a use that can wait take more memory? Each use stops at some eighths of the limit: data that
 * came out of order, at three; data that peers send, at half; data for a connection that holds
 * little, a little later; data that applications send, later still. The rest is for what ends a
 * shortage: connections, replies, the first bytes of each connection. After false, memory that is
 * freed wakes the writers that wait.
 */
enum { NET_MEM_OOSEQ = 3, NET_MEM_RX = 4, NET_MEM_RX_SMALL = 5, NET_MEM_TX = 7 }; /* eighths */
bool net_mem_admit(unsigned eighths);
/* A quarter of what is free of the limit's first half, in bytes: what one of many users may hold.
 */
uint64_t net_mem_share(void);
/* Is so little in use that nobody's share is small? */
extern struct net_mem_level {
    uint64_t lent;   /* bytes that are allocated now */
    uint64_t plenty; /* an eighth of the limit */
} net_mem_level;
/* Is less than so many eighths of the limit in use? As net_mem_admit(), but nobody waits for more.
 */
static inline bool net_mem_below(unsigned eighths)
{
    return net_mem_level.lent < eighths * net_mem_level.plenty;
}
static inline bool net_mem_plenty(void)
{
    return net_mem_level.lent < net_mem_level.plenty;
}
uint64_t net_mem_used(void);   /* bytes taken from the machine */
uint64_t net_mem_lent(void);   /* bytes of them that are allocated now */
uint64_t net_mem_limit(void);  /* bytes that may be taken */
uint64_t net_mem_failed(void); /* allocations that were refused */

/* ---- net_random.c, net_errno.c --------------------------------------------------------------- */

/*
 * A keyed hash of both ends of a connection: of its sequence numbers the lower half, of its
 * timestamps the upper one. Ports in host byte order.
 */
uint64_t net_tcp_secret(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                        u16_t remote_port);
/* An initial sequence number (RFC 6528) of a connection with that hash. Host byte order. */
u32_t net_tcp_isn(uint64_t secret, u16_t local_port, u16_t remote_port);
/*
 * The next connection with these ports begins beyond `last`, the last number of one before it with
 * the same addresses (RFC 9293, 3.10.7.4).
 */
void net_tcp_isn_above(uint32_t last, u16_t local_port, u16_t remote_port);
/* Takes the key from getentropy(); without entropy, from the clock, with a warning in the log. */
void net_random_init(void);
/* SipHash-2-4 of the data, with that key. */
uint64_t net_hash(const void *data, size_t len);

/* The errno value, positive, of an lwIP result; 0 of ERR_OK. */
int net_errno(err_t err);

#endif
