/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_api.h - between the functions of a socket, its file and its options.
 */
#ifndef VIREO_SOCK_API_H
#define VIREO_SOCK_API_H

#include <sys/socket.h>

struct sock;

extern const struct socket_ops net_socket_ops;

int sock_setopt(struct sock *s, int level, int name, const void *value, socklen_t len);
int sock_getopt(struct sock *s, int level, int name, void *value, socklen_t *len);

#endif
