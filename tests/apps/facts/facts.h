/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.h - what the files of this program share. A fact is a line "name: value" about sockets; a
 * name occurs once. The value is the result of a call, or the name of its errno. Numbers that
 * systems choose freely (descriptors, free ports, values of constants) never stand in a fact.
 */
#ifndef TESTS_FACTS_H
#define TESTS_FACTS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The interface of this machine has OWN; nobody has MISSING, on the same network, nor FOREIGN. */
#define OWN     "10.0.2.15"
#define MISSING "10.0.2.77"
#define FOREIGN "192.0.2.1"

#define MS 1000 /* microseconds */

__attribute__((format(printf, 2, 3))) void fact(const char *name, const char *value, ...);
/* The fact is a call's result: r, or the name of errno if r is -1. */
void result(const char *name, long r);
/* The name of an errno value: "0", "EINVAL". */
const char *error_name(int error);
/* A name made of parts, for fact(); valid until the 32nd next call. */
__attribute__((format(printf, 1, 2))) const char *text(const char *format, ...);

/* An address of either family. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage room;
    } u;
    socklen_t len;
};
struct address at(const char *ip, int port);
/* "127.0.0.1:80"; a port that the system chose is "that port" if it is `known`, else "a port". */
const char *shown(const struct address *a, int known);
/* What getsockname() and getpeername() say, in that form, or the name of their error. */
const char *local_name(int fd, int known);
const char *peer_name(int fd, int known);
int port_of(int fd);

/* A port that no fact has used yet. */
int new_port(void);
int bind_to(int fd, const char *ip, int port);
int connect_to(int fd, const char *ip, int port);
long send_to(int fd, const char *data, const char *ip, int port);
int set_int(int fd, int level, int name, int value);
/* The value of an option, or -1 and errno. */
int get_int(int fd, int level, int name);
int set_nonblocking(int fd);

int tcp_socket(int family);
int udp_socket(int family);
/* A listening socket on ip and a new port. */
int listener_on(const char *ip, int *port);
struct pair {
    int near, far; /* of connect(), of accept() */
};
struct pair connected(const char *ip);
void close_pair(struct pair p);

/* poll() for one descriptor: "IN|OUT"; waits up to `ms` until an event is there. */
const char *events_of(int fd, int wanted, int ms);
/* Waits up to a second until there is something to read (or an end, or an error). */
bool readable(int fd);
/* Receives, after waiting for it: the text, "end", "nothing", or the name of the error. */
const char *received(int fd, int flags);

/* Runs fn(arg) beside the caller, `ms` from now. */
void later(int ms, void (*fn)(void *), void *arg);
/* Milliseconds since an instant. */
long now_ms(void);

void text_facts(void);
void call_facts(void);
void bind_facts(void);
void udp_facts(void);
void tcp_facts(void);
void tcp_end_facts(void);
void ready_facts(void);
void option_facts(void);
void tcp_option_facts(void);
void group_facts(void);
void control_facts(void);

#endif
