/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - one loop over epoll serves all connections; nothing in it waits for a single client.
 */
#ifndef HTTPD_SERVER_H
#define HTTPD_SERVER_H

#include <stdint.h>

/* A listening, non-blocking socket on both protocols, or on IPv4 where there is no IPv6: its
 * descriptor, or a negative errno value. */
int server_listen(uint16_t port);

/* Serves until an error that no client caused; returns a negative errno value.
 * max: connections at one time. */
int server_run(int listener, unsigned max);

#endif
