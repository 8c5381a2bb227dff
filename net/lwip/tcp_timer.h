/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_timer.h - the timers of TCP connections, and TCP's clock. A timer lies in the structure that
 * needs it; it is set, moved and stopped in constant time, however many are set. Pure code: it
 * knows no connection. Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_TIMER_H
#define VIREO_TCP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct hal_service;

/* All zeros, but for fire(): a timer that is not set. Only tcp_timer.c reads or writes the rest. */
struct tcp_timer {
    void (*fire)(struct tcp_timer *t);
    uint64_t due_ns;
    uint64_t tick; /* when the timer is looked at next */
    struct tcp_timer *next, **link;
    uint16_t slot;
};

/* The time in microseconds. It wraps after 71 minutes, so only differences mean something. */
uint32_t tcp_now_us(void);

/*
 * Calls t->fire(t) once, when due_ns (hal_now_ns) has come and 0.27 ms more at most; at once, but
 * not from here, if that time has passed. A timer that is set is moved. To a later time that costs
 * next to nothing, as each acknowledgement does it. HAL_NEVER: as tcp_timer_stop(). The net
 * service calls fire(), in its own time and entered, with t no longer pending. fire() may set, stop
 * and free any timer, t too.
 */
void tcp_timer_set(struct tcp_timer *t, uint64_t due_ns);
/* Afterwards fire() is not called, and the timer's memory may be freed. Of any timer, also a
 * zeroed one. */
void tcp_timer_stop(struct tcp_timer *t);
static inline bool tcp_timer_pending(const struct tcp_timer *t)
{
    return t->link;
}

/*
 * The net service, once: its next_ns is lowered when a timer is set for which tcp_timers_run() has
 * to be called earlier.
 */
void tcp_timers_init(struct hal_service *service);
/* The net service: fires what is due at now_ns. */
void tcp_timers_run(uint64_t now_ns);
/*
 * When tcp_timers_run() has to be called next, which the service's next_ns is then set to;
 * HAL_NEVER: no timer is set. It may be up to a few times earlier in a timer's life than the timer
 * is due, since a timer far ahead is sorted more finely as its time comes near.
 */
uint64_t tcp_timers_next(void);

#endif
