/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arrival.h - a frame of one pbuf comes to an interface of the image, as from a card (net_rx.c).
 */
#ifndef VIREO_TESTS_NET_ARRIVAL_H
#define VIREO_TESTS_NET_ARRIVAL_H

#include <stdint.h>

struct net_dev;
struct pbuf;

/* Judges the frame and passes it on; its sums are known to be right. p is lwIP's, or freed. */
void arrival_pass(struct net_dev *d, struct pbuf *p);
/* A neighbour of that address (host byte order) asks for the MAC of the interface. */
void arrival_neighbour(struct net_dev *d, uint32_t address);

#endif
