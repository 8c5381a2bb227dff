/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf_stream.c - the streams of a test of iperf3's: a task each, which sends or receives.
 *
 * A datagram begins with its time (s, us) and its number, which is counted from 1; receivers find
 * losses by the numbers, and the jitter of RFC 1889 by the times.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vireo.h>

#include "iperf.h"

enum { DATA = 131072, STACK = 0 };

#define NS_PER_S 1000000000ull

static char outgoing[DATA], incoming[DATA];

struct datagram {
    uint32_t s, us, number, more; /* more: of a 64-bit number the lower half, behind the upper */
};

bool iperf_send_all(int fd, const void *data, size_t n)
{
    const char *from = data;

    for (ssize_t sent; n; from += sent, n -= (size_t)sent)
        if ((sent = send(fd, from, n, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

bool iperf_receive_all(int fd, void *data, size_t n)
{
    char *to = data;

    for (ssize_t got; n; to += got, n -= (size_t)got)
        if ((got = recv(fd, to, n, 0)) <= 0)
            return false;
    return true;
}

bool iperf_send_state(int fd, enum iperf_state state)
{
    return iperf_send_all(fd, &(signed char){(signed char)state}, 1);
}

bool iperf_add_stream(struct iperf_test *t, int fd, bool sends)
{
    struct iperf_stream *s = &t->streams[t->stream_count];

    if (t->stream_count == IPERF_STREAMS)
        return false;
    *s = (struct iperf_stream){.test = t, .fd = fd, .sends = sends};
    s->id = t->stream_count ? (int)t->stream_count + 2 : 1; /* as iperf3 counts them */
    t->stream_count++;
    return true;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static uint64_t bytes_left(const struct iperf_stream *s)
{
    uint32_t n = s->test->params.streams;
    uint64_t share = (s->test->params.bytes + n - 1) / n;

    return !share ? UINT64_MAX : share > s->bytes ? share - s->bytes : 0;
}

/* Waits until as many bytes as were sent are due at the stream's rate. */
static void keep_rate(const struct iperf_stream *s)
{
    uint64_t rate = s->test->params.rate;

    if (rate) {
        double due = (double)s->bytes * 8 / (double)rate * (double)NS_PER_S;

        if (s->test->began_ns + (uint64_t)due > hal_now_ns())
            task_sleep_until(s->test->began_ns + (uint64_t)due);
    }
}

static void send_bulk(struct iperf_stream *s)
{
    size_t len = s->test->params.len < DATA ? s->test->params.len : DATA;

    for (ssize_t n; !s->test->over && bytes_left(s); s->bytes += (uint64_t)n) {
        n = send(s->fd, outgoing, bytes_left(s) < len ? (size_t)bytes_left(s) : len, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        keep_rate(s);
    }
}

static void receive_bulk(struct iperf_stream *s)
{
    for (ssize_t n; !s->test->over && (n = recv(s->fd, incoming, DATA, 0)) > 0;)
        s->bytes += (uint64_t)n;
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static void send_datagrams(struct iperf_stream *s)
{
    struct datagram *head = (struct datagram *)outgoing;
    bool wide = s->test->params.wide;

    while (!s->test->over && bytes_left(s)) {
        uint64_t now = hal_now_ns(), number = s->packets + 1;

        *head = (struct datagram){
            htonl((uint32_t)(now / NS_PER_S)), htonl((uint32_t)(now % NS_PER_S / 1000)),
            htonl((uint32_t)(wide ? number >> 32 : number)), wide ? htonl((uint32_t)number) : 0};
        if (send(s->fd, outgoing, s->test->params.len, 0) >= 0) {
            s->packets++;
            s->bytes += s->test->params.len;
        } else if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) {
            break;
        }
        keep_rate(s);
    }
}

static void count_datagram(struct iperf_stream *s, const struct datagram *head)
{
    uint64_t number = ntohl(head->number);
    double sent = ntohl(head->s) + ntohl(head->us) / 1e6, change;
    double transit = (double)hal_now_ns() / (double)NS_PER_S - sent;

    if (s->test->params.wide)
        number = number << 32 | ntohl(head->more);
    if (number > s->highest) {
        s->lost += number - s->highest - 1;
        s->highest = number;
    } else {
        s->out_of_order++; /* was counted as lost */
        s->lost -= s->lost > 0;
    }
    change = s->packets ? transit - s->transit : 0;
    s->transit = transit;
    s->jitter += ((change < 0 ? -change : change) - s->jitter) / 16;
    s->packets++;
}

static void receive_datagrams(struct iperf_stream *s)
{
    struct datagram head;

    for (ssize_t n; !s->test->over && (n = recv(s->fd, incoming, DATA, 0)) >= 0;) {
        if ((size_t)n < sizeof(head))
            continue;
        memcpy(&head, incoming, sizeof(head));
        s->bytes += (uint64_t)n;
        count_datagram(s, &head);
    }
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void run_stream(void *arg)
{
    struct iperf_stream *s = arg;

    if (s->test->params.udp)
        (s->sends ? send_datagrams : receive_datagrams)(s);
    else
        (s->sends ? send_bulk : receive_bulk)(s);
    s->done = true;
}

void iperf_start_streams(struct iperf_test *t)
{
    t->over = false;
    t->began_ns = hal_now_ns();
    for (unsigned i = 0; i < t->stream_count; i++)
        if (!task_spawn("stream", run_stream, &t->streams[i], STACK))
            t->streams[i].done = true;
}

uint64_t iperf_bytes(const struct iperf_test *t)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < t->stream_count; i++)
        bytes += t->streams[i].bytes;
    return bytes;
}

bool iperf_carried(const struct iperf_test *t)
{
    uint64_t all = t->params.bytes * (t->params.both_ways ? 2 : 1);

    return all && iperf_bytes(t) >= all;
}

static bool streams_done(const struct iperf_test *t)
{
    for (unsigned i = 0; i < t->stream_count; i++)
        if (!t->streams[i].done)
            return false;
    return true;
}

void iperf_end_streams(struct iperf_test *t)
{
    t->over = true;
    t->ended_ns = hal_now_ns();
    for (unsigned i = 0; i < t->stream_count; i++)
        if (t->began_ns)
            shutdown(t->streams[i].fd, SHUT_RDWR); /* a task that waits goes on */
    while (t->began_ns && !streams_done(t))
        task_sleep_until(hal_now_ns() + NS_PER_S / 1000);
    for (unsigned i = 0; i < t->stream_count; i++)
        close(t->streams[i].fd);
}
