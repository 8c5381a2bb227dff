/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_accept.c - listening sockets, and connections until accept() takes them.
 *
 * A new connection waits in its listener's queue `accepted`. With TCP_DEFER_ACCEPT it waits in
 * `deferred` before that: for data, for the peer's end, or until the time is over. Both count for
 * the backlog.
 */
#include <errno.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"

static void accept_unlink(struct sock_queue *q, struct sock *c)
{
    struct sock *before = NULL;

    for (struct sock *at = q->head; at != c; at = at->next)
        before = at;
    if (before)
        before->next = c->next;
    else
        q->head = c->next;
    if (q->tail == c)
        q->tail = before;
}

/*
 * A connection that was reset before accept() stays in the queue, as its data does, unless there
 * are more than the backlog: lwIP has given its place in the backlog back already.
 */
static bool accept_keeps(const struct sock *listener)
{
    return listener->rx_count <= ((const struct tcp_pcb_listen *)listener->tcp)->backlog;
}

bool sock_accept_forgets(struct sock *c)
{
    struct sock *listener = c->listener;

    if (c->early) {
        accept_unlink(&listener->deferred, c);
    } else {
        if (accept_keeps(listener))
            return false;
        accept_unlink(&listener->accepted, c);
        listener->rx_count--;
    }
    sock_discard(c);
    return true;
}

static void accept_append(struct sock *listener, struct sock *c)
{
    SOCK_QUEUE_APPEND(&listener->accepted, c);
    listener->rx_count++;
    sock_readable(listener);
}

void sock_accept_ready(struct sock *c)
{
    if (!c->early)
        return;
    c->early = false;
    if (c->tcp)
        tcp_poll(c->tcp, NULL, 0);
    accept_unlink(&c->listener->deferred, c);
    accept_append(c->listener, c);
}

/* lwIP's poll callback of a connection in `deferred`, twice a second. */
static err_t accept_on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct sock *c = arg;

    (void)pcb;
    if (hal_now_ns() >= c->give_up_ns)
        sock_accept_ready(c);
    return ERR_OK;
}

static void accept_defer(struct sock *listener, struct sock *c)
{
    c->early = true;
    c->give_up_ns = hal_now_ns() + sock_opt_defer_s(listener) * HAL_SEC;
    SOCK_QUEUE_APPEND(&listener->deferred, c);
    tcp_poll(c->tcp, accept_on_poll, 1);
}

/* ---- listening ------------------------------------------------------------------------------- */

/* What a connection has of its listener's. */
static void accept_inherit(struct sock *c, const struct sock *s)
{
    c->v6only = s->v6only;
    c->protocol = IPPROTO_TCP;
    c->options = s->options;
    c->options.defer = 0;
    c->low_water = s->low_water;
    c->linger = s->linger;
    c->linger_s = s->linger_s;
}

static err_t accept_on_new(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;
    struct sock *c = NULL;

    if (err == ERR_OK && pcb && s)
        c = sock_new(SOCK_KIND_TCP, s->family);
    if (!c) {
        net_core.tcp_refused++;
        return ERR_MEM; /* lwIP resets the connection */
    }
    sock_tcp_become(c, SOCK_TCP_OPEN);
    accept_inherit(c, s);
    c->port = pcb->local_port;
    sock_tcp_attach(c, pcb);
    tcp_option_opened(pcb, false);
    tcp_backlog_delayed(pcb);
    c->listener = s;
    if (s->options.defer)
        accept_defer(s, c);
    else
        accept_append(s, c);
    return ERR_OK;
}

struct sock *sock_of_listener(const struct tcp_pcb_listen *pcb)
{
    return pcb->accept == accept_on_new ? pcb->callback_arg : NULL;
}

/* lwIP's own check of the port would refuse what SO_REUSEPORT allows. */
static struct tcp_pcb *listen_start(struct sock *s, int backlog, err_t *err)
{
    struct tcp_pcb *pcb;

    ip_reset_option(s->tcp, SOF_REUSEADDR);
    pcb = tcp_listen_with_backlog_and_err(s->tcp, (u8_t)backlog, err);
    if (pcb)
        s->tcp = pcb;
    sock_apply_options(s);
    return pcb;
}

int sock_tcp_listen(struct sock *s, int backlog)
{
    err_t err = ERR_OK;
    int error;

    if (backlog < 1)
        backlog = 1;
    if (backlog > SOMAXCONN)
        backlog = SOMAXCONN;
    if (s->state == SOCK_TCP_LISTENING) {
        tcp_backlog_set(s->tcp, backlog);
        return 0;
    }
    if (s->state != SOCK_TCP_IDLE)
        return -EINVAL;
    if ((error = sock_bind_any(s)) || (error = sock_may_listen(s)))
        return error;
    if (!listen_start(s, backlog, &err))
        return -net_errno(err);
    s->error = 0;
    s->untold = false;
    sock_tcp_become(s, SOCK_TCP_LISTENING);
    tcp_arg(s->tcp, s);
    tcp_accept(s->tcp, accept_on_new);
    return 0;
}

/* ---- accept() -------------------------------------------------------------------------------- */

static struct sock *accept_pop(struct sock *s)
{
    struct sock *c = s->accepted.head;

    if (!c)
        return NULL;
    SOCK_QUEUE_POP(&s->accepted);
    s->rx_count--;
    c->listener = NULL;
    return c;
}

int sock_tcp_accept(struct sock *s, struct sock **out)
{
    uint64_t deadline = 0;
    int err;

    if (s->state != SOCK_TCP_LISTENING)
        return -EINVAL;
    while (!s->accepted.head) {
        if ((err = sock_wait(s, &s->readers, s->read_timeout, &deadline, 0)))
            return err;
        if (s->state != SOCK_TCP_LISTENING)
            return -EINVAL; /* shutdown() */
    }
    *out = s->accepted.head;
    return 0;
}

void sock_tcp_accepted(struct sock *s)
{
    struct sock *c = accept_pop(s);

    if (c->tcp)
        tcp_backlog_accepted(c->tcp);
    net_core.tcp_accepted++;
}

void sock_accept_drop_all(struct sock *s)
{
    struct sock *c;

    while (s->deferred.head)
        sock_accept_ready(s->deferred.head);
    while ((c = accept_pop(s))) {
        if (c->tcp)
            tcp_abort(sock_tcp_let_go(c)); /* nobody will read what it sent */
        c->tcp = NULL;
        sock_discard(c);
    }
}
