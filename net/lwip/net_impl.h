/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_impl.h - the inside of the lwIP port, shared by its source files.
 *
 * lwIP is entered from task context only: by the services of stack.c and netif.c, and by socket
 * calls between net_enter() and net_leave(). Nothing in between parks; net_park() leaves, parks and
 * enters again.
 */
#ifndef VIREO_NET_IMPL_H
#define VIREO_NET_IMPL_H

#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "net.h"
#include "net/vnet.h"
#include "vireo/task.h"

#define NET_TIME_WAIT_MAX   64 /* closed connections that are remembered */
#define NET_TIME_WAIT_SLACK 16

/* One network device under lwIP. */
struct net_dev {
    struct netif netif;
    struct vnet *vnet;
    struct vnet_client client;
    unsigned index;
    bool is_static;
    bool told; /* its address was logged */
    char name[8];
    struct net_dev *next;
};

struct net_core {
    bool entered;
    bool in_service; /* of a device or of ours: frames are flushed at its end */
    unsigned closes; /* connections that we closed since TIME_WAIT was bounded */
    struct net_dev *devs;
    struct hal_service service;
    struct waitq address; /* waiting for an address */
    struct waitq memory;  /* writers waiting for memory */
    bool memory_freed;
    uint32_t memory_epoch; /* counts the times that writers were told of free memory */
    char hostname[64];
    uint64_t rx_malformed, rx_no_memory, rx_copied, tcp_accepted, tcp_refused;
    uint32_t sockets;
};
extern struct net_core net_core;

static inline void net_enter(void)
{
    hal_assert(!net_core.entered);
    net_core.entered = true;
}

/* stack.c: something was queued outside a service; the service will see to it. */
static inline void net_kick(void)
{
    if (!net_core.in_service)
        hal_service_wake(&net_core.service);
}

/* lwIP queues packets to ourselves and tells nobody. */
static inline void net_kick_loopback(void)
{
    for (const struct netif *netif = netif_list; netif; netif = netif->next)
        if (netif->loop_first)
            net_kick();
}

static inline void net_leave(void)
{
    net_kick_loopback();
    net_core.entered = false;
}

/* Leaves the stack, parks as waitq_wait does, and enters again. */
static inline int net_park(struct waitq *q, uint64_t deadline_ns)
{
    int err;

    hal_assert(net_core.entered);
    net_leave();
    err = waitq_wait(q, deadline_ns);
    net_core.entered = true;
    return err;
}

void net_bound_time_wait(void); /* forgets the oldest closed connections beyond the limit */
void net_end_of_work(void);     /* after a batch: flush, TIME_WAIT, waiting writers */

/* netif.c */
/* NULL: it is not used; logged. */
struct net_dev *net_add_device(struct vnet *v);
bool net_dev_usable(const struct net_dev *d);

/*
 * input.c: the checks in front of lwIP. Takes over p. tight: receive buffers are short, so that
 * what will be kept is copied.
 */
void net_input(struct net_dev *d, struct pbuf *p, bool tight);

/* bootip.c: reads the ip= boot argument and applies it to all devices; to one that came later. */
void net_configure(void);
void net_configure_device(struct net_dev *d);

/* mem.c */
void net_mem_init(void);
/*
 * May something that can wait take more memory? Data that peers made us keep stops at half of the
 * limit, or a little later for a connection that holds little, and data that applications send
 * later still. The rest is for what ends a shortage: connections, replies, the first bytes of each.
 */
enum { NET_MEM_RX = 4, NET_MEM_RX_SMALL = 5, NET_MEM_TX = 7 }; /* eighths of the limit */
bool net_mem_admit(unsigned eighths);
uint64_t net_mem_used(void);
uint64_t net_mem_lent(void);
uint64_t net_mem_limit(void);
uint64_t net_mem_failed(void);

/* random.c */
void net_random_init(void);
uint64_t net_hash(const void *data, size_t len); /* keyed, SipHash-2-4 */

/* err.c: errno (positive) of an lwIP result. */
int net_errno(err_t err);

#endif
