/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf.h - the protocol of iperf3, so that its program is a peer: as a server and as a client.
 *
 * A control connection has a cookie of the client's, then states of one byte each, and three
 * objects as JSON text behind their length: the parameters, and the results of both ends. Streams
 * are connections, or UDP sockets, to the same port; each begins with the cookie, or with one
 * datagram there and back.
 */
#ifndef NETPERF_IPERF_H
#define NETPERF_IPERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPERF_PORT = 5201,
    IPERF_COOKIE = 37, /* bytes, with a zero at the end */
    IPERF_STREAMS = 32,
    IPERF_TEXT_MAX = 16384,
    IPERF_WAIT_S = 10, /* for the other end's next step outside of the test itself */
};

enum iperf_state {
    TEST_START = 1,
    TEST_RUNNING = 2,
    TEST_END = 4,
    PARAM_EXCHANGE = 9,
    CREATE_STREAMS = 10,
    CLIENT_TERMINATE = 12,
    EXCHANGE_RESULTS = 13,
    DISPLAY_RESULTS = 14,
    IPERF_DONE = 16,
    ACCESS_DENIED = -1,
    SERVER_ERROR = -2,
};

struct iperf_params {
    bool udp, reverse, both_ways;
    uint32_t streams; /* in each direction */
    uint32_t len;     /* bytes of a write or datagram */
    uint64_t time_ns; /* of the test; 0: until what follows is done */
    uint64_t bytes;   /* to be carried; 0: no limit */
    uint64_t rate;    /* bits a second of each stream; 0: as many as can be */
    bool wide;        /* datagrams have 64-bit numbers */
};

struct iperf_stream {
    struct iperf_test *test;
    int fd, id;
    bool sends, done;
    uint64_t bytes, packets, lost, out_of_order, highest;
    double jitter, transit; /* s */
};

struct iperf_test {
    struct iperf_params params;
    char cookie[IPERF_COOKIE];
    int control;
    struct iperf_stream streams[IPERF_STREAMS];
    unsigned stream_count;
    uint64_t began_ns, ended_ns;
    volatile bool over; /* streams are to end */
};

/* ---- text (iperf_text.c) ---- */

/* The number behind that name in JSON text; `missing`: there is none. true is 1. */
double iperf_number(const char *text, const char *name, double missing);

/* Sends a text behind its length, or receives one; false: the other end is gone, or sent more than
 * IPERF_TEXT_MAX bytes. */
bool iperf_send_text(int fd, const char *text);
bool iperf_receive_text(int fd, char text[IPERF_TEXT_MAX]);

/* The parameters as text, and from it; false: they are beyond what this program does. */
void iperf_write_params(const struct iperf_params *p, char text[IPERF_TEXT_MAX]);
bool iperf_read_params(const char *text, struct iperf_params *p);

/* This end's results. */
void iperf_write_results(const struct iperf_test *t, char text[IPERF_TEXT_MAX]);

/* One line about a test that is over; peer: the other end's results, or NULL. */
void iperf_report(const struct iperf_test *t, const char *peer);

/* ---- streams (iperf_stream.c) ---- */

bool iperf_send_all(int fd, const void *data, size_t n);
bool iperf_receive_all(int fd, void *data, size_t n);
bool iperf_send_state(int fd, enum iperf_state state);

/* Adds a stream over that socket, which is the stream's from now on. false: there are too many. */
bool iperf_add_stream(struct iperf_test *t, int fd, bool sends);

/* Starts a task for each stream; they run until t->over, or the bytes are carried. */
void iperf_start_streams(struct iperf_test *t);

/* Bytes of all streams so far. */
uint64_t iperf_bytes(const struct iperf_test *t);

/* Are the bytes of a test that has a number of them carried? */
bool iperf_carried(const struct iperf_test *t);

/* Ends all streams and their sockets, and waits for the tasks. */
void iperf_end_streams(struct iperf_test *t);

/* ---- both ends ---- */

/* Serves clients one after the other, for ever; -1 after a message: the port cannot be had. */
int iperf_serve(uint16_t port);

/* One test against a server. 0, or -1 after a message. */
int iperf_run(const char *host, uint16_t port, const struct iperf_params *params);

#endif
