/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_listen.c - listeners, and the connections that wait to be accepted (virtio 1.4, section
 * 5.10.6.6). A listener belongs to no device: a transport reset leaves it, and ends the connections
 * that wait.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

static struct vsock_listener *listeners;

struct vsock_listener *vsock_listener_find(uint32_t port)
{
    struct vsock_listener *l = listeners;

    while (l && l->port != port)
        l = l->next;
    return l;
}

int vsock_listen(struct vsock_listener *l)
{
    if (vsock_listener_find(l->port))
        return -EADDRINUSE;
    l->head = l->tail = NULL;
    l->waiting = 0;
    l->next = listeners;
    listeners = l;
    return 0;
}

void vsock_unlisten(struct vsock_listener *l)
{
    struct vsock_listener **at = &listeners;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    while (l->head)
        vsock_conn_reset(vsock_device, l->head, 0);
    if (vsock_up())
        vsock_tx_flush(vsock_device);
}

void vsock_listener_add(struct vsock_listener *l, struct vsock_conn *c)
{
    c->listener = l;
    HAL_QUEUE_APPEND(l->head, l->tail, c, next_waiting);
    l->waiting++;
    if (l->notify)
        l->notify(l->ctx);
}

void vsock_listener_drop(struct vsock_conn *c)
{
    struct vsock_listener *l = c->listener;
    struct vsock_conn **at = &l->head, *before = NULL;

    while (*at != c) {
        before = *at;
        at = &before->next_waiting;
    }
    *at = c->next_waiting;
    if (l->tail == c)
        l->tail = before;
    l->waiting--;
    c->listener = NULL;
}

void vsock_listeners_notify(void)
{
    for (struct vsock_listener *l = listeners; l; l = l->next)
        if (l->notify)
            l->notify(l->ctx);
}

struct vsock_conn *vsock_accept(struct vsock_listener *l, vsock_notify_fn notify, void *ctx)
{
    struct vsock_conn *c = l->head;

    if (!c)
        return NULL;
    vsock_listener_drop(c);
    c->notify = notify;
    c->ctx = ctx;
    return c;
}

#endif
