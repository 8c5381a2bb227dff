/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer6.h - the machine of peer.h as a neighbour and router of IPv6, fe80::1, by frames of a test's
 * making.
 */
#ifndef VIREO_TESTS_NET_PEER6_H
#define VIREO_TESTS_NET_PEER6_H

#include <stdbool.h>
#include <stdint.h>

extern const uint8_t peer6_image_mac[6], peer6_group_mac[6]; /* the image's; that of all nodes */

/* A frame with that target, and perhaps four bytes of a tag. */
void peer6_frame(const uint8_t *mac, const void *tag, uint16_t type, const void *packet,
                 uint32_t len);
/* The sum of 16-bit words, added to another one. */
uint32_t peer6_sum(uint32_t sum, const uint8_t *p, uint32_t len);

/* Boots the image with this boot argument beside ip=10.0.2.15/24, and lets five seconds pass. */
void peer6_boot(const char *argument);
/* Called for each IPv6 packet of the image, while it is sent: must not send itself. */
void peer6_listen(void (*fn)(const uint8_t *packet));

/* From fe80::1 to the image's link-local address, or to all nodes. The checksum at `at` is set. */
void peer6_send(const uint8_t *mac, uint8_t next, unsigned at, uint8_t *body, uint32_t len);
/* A router advertisement: the prefix 2001:db8:0:N::/64, with lifetimes in seconds. */
void peer6_advertise(unsigned prefix, uint32_t valid, uint32_t preferred);

#endif
