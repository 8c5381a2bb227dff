/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_fast.h - the short way of TCP's usual segments, past lwIP's tcp_input() and tcp_output().
 * What goes it has the same effect as by the long way. Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_FAST_H
#define VIREO_TCP_FAST_H

#include <stdbool.h>
#include <stddef.h>

struct net_arrival;
struct pbuf;
struct tcp_pcb;

/*
 * A segment over IPv4 whose sums are right, in p from the header of IP on: is it the next one of an
 * open connection where nothing is lost or ends? Then it is handled, and p is no longer the
 * caller's. False: nothing was changed; the segment goes the long way.
 */
bool tcp_fast_input(const struct net_arrival *a, struct pbuf *p);
/*
 * tcp_write() with a copy of the data, and tcp_output(), where nothing is queued or in flight and
 * the data is one packet that may leave now. False: nothing was changed.
 */
bool tcp_fast_write(struct tcp_pcb *pcb, const void *data, size_t len);

#endif
