/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h - sockets of this image that talk to each other over lwIP's loopback.
 */
#ifndef VIREO_TESTS_NET_LOOP_H
#define VIREO_TESTS_NET_LOOP_H

#include <netinet/in.h>
#include <sys/socket.h>

/* 127.0.0.1 and ::1 with a port, as arguments of bind() and its like; valid until the next call. */
struct sockaddr *loop4(uint16_t port);
struct sockaddr *loop6(uint16_t port);

/* A listening TCP socket on 127.0.0.1. */
int loop_listen(uint16_t port, int backlog);
/* Both ends of a new connection to that port. */
struct loop {
    int near, far; /* near: connect()'s; far: accept()'s */
};
struct loop loop_connect(int listener, uint16_t port);
/* The same, with a listener of its own. */
struct loop loop_pair(void);
/* A UDP socket bound to 127.0.0.1. */
int loop_datagrams(uint16_t port);

/* Reads until the end of the stream or an error; counts. */
size_t loop_drain(int fd);
void loop_set(int fd, int level, int name, int value);
int loop_get(int fd, int level, int name);

#endif
