/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served.h - a socket of the image whose connection a peer on the cable has begun (peer.h).
 */
#ifndef VIREO_TESTS_NET_SERVED_H
#define VIREO_TESTS_NET_SERVED_H

#include "peer.h"

/* Boots the image, and accepts a connection of the peer; segments to it carry 536 bytes. */
int served(struct peer_tcp *c);
/* Since then, or since the last of these calls, the image has sent nothing. */
void served_sent_nothing(void);
/* It has sent one segment, of this data, which the peer acknowledges. */
void served_sent_once(struct peer_tcp *c, const char *data);

#endif
