/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf_text.c - the JSON texts of iperf3's protocol. Of what comes, a few numbers are looked for
 * by their names; all else is passed over.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iperf.h"

enum { LEN_TCP = 131072, LEN_UDP = 1460, LEN_UDP_MAX = 65507, UDP_HEADER = 16 };

#define NS_PER_S 1000000000.0

double iperf_number(const char *text, const char *name, double missing)
{
    char quoted[40];
    const char *at;

    snprintf(quoted, sizeof(quoted), "\"%s\"", name);
    if (!(at = strstr(text, quoted)))
        return missing;
    at += strlen(quoted);
    at += strspn(at, " \t\r\n:");
    return strncmp(at, "true", 4) == 0 ? 1 : strtod(at, NULL);
}

bool iperf_send_text(int fd, const char *text)
{
    size_t n = strlen(text);
    uint32_t length = htonl((uint32_t)n);

    return iperf_send_all(fd, &length, sizeof(length)) && iperf_send_all(fd, text, n);
}

bool iperf_receive_text(int fd, char text[IPERF_TEXT_MAX])
{
    uint32_t length;

    if (!iperf_receive_all(fd, &length, sizeof(length)) ||
        (length = ntohl(length)) >= IPERF_TEXT_MAX || !iperf_receive_all(fd, text, length))
        return false;
    text[length] = '\0';
    return true;
}

/* A number of a text, from 0 to `most`. */
static uint64_t count_in(const char *text, const char *name, uint64_t missing, uint64_t most)
{
    double value = iperf_number(text, name, (double)missing);

    return value >= 0 && value <= (double)most ? (uint64_t)value : most;
}

bool iperf_read_params(const char *text, struct iperf_params *p)
{
    uint64_t len, blocks = count_in(text, "blockcount", 0, UINT32_MAX);

    *p = (struct iperf_params){.udp = iperf_number(text, "udp", 0) > 0,
                               .reverse = iperf_number(text, "reverse", 0) > 0,
                               .both_ways = iperf_number(text, "bidirectional", 0) > 0,
                               .wide = iperf_number(text, "udp_counters_64bit", 0) > 0};
    p->streams = (uint32_t)count_in(text, "parallel", 1, IPERF_STREAMS + 1);
    len = count_in(text, "len", p->udp ? LEN_UDP : LEN_TCP, UINT32_MAX);
    p->len = (uint32_t)len;
    p->time_ns = (uint64_t)(iperf_number(text, "time", 0) * NS_PER_S);
    p->bytes = blocks ? blocks * len : count_in(text, "num", 0, UINT64_MAX / 2);
    p->rate = count_in(text, "bandwidth", 0, UINT64_MAX / 2);
    return p->streams && p->streams * (p->both_ways ? 2 : 1) <= IPERF_STREAMS &&
           len >= (p->udp ? UDP_HEADER : 1) && (!p->udp || len <= LEN_UDP_MAX) &&
           iperf_number(text, "sctp", 0) <= 0;
}

static int append(char *text, int at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    at += vsnprintf(text + at, (size_t)(IPERF_TEXT_MAX - at), format, args);
    va_end(args);
    return at < IPERF_TEXT_MAX ? at : IPERF_TEXT_MAX - 1;
}

void iperf_write_params(const struct iperf_params *p, char text[IPERF_TEXT_MAX])
{
    int at = append(text, 0, "{\"%s\":true,\"omit\":0,\"time\":%" PRIu64 ",\"num\":%" PRIu64,
                    p->udp ? "udp" : "tcp", p->time_ns / (uint64_t)NS_PER_S, p->bytes);

    at = append(text, at, ",\"blockcount\":0,\"parallel\":%" PRIu32 ",\"len\":%" PRIu32, p->streams,
                p->len);
    if (p->reverse)
        at = append(text, at, ",\"reverse\":true");
    if (p->both_ways)
        at = append(text, at, ",\"bidirectional\":true");
    if (p->rate)
        at = append(text, at, ",\"bandwidth\":%" PRIu64, p->rate);
    append(text, at, ",\"pacing_timer\":1000,\"client_version\":\"3.12\"}");
}

void iperf_write_results(const struct iperf_test *t, char text[IPERF_TEXT_MAX])
{
    double seconds = (double)(t->ended_ns - t->began_ns) / NS_PER_S;
    int at = append(text, 0,
                    "{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,"
                    "\"sender_has_retransmits\":0,\"streams\":[");

    for (unsigned i = 0; i < t->stream_count; i++) {
        const struct iperf_stream *s = &t->streams[i];

        at = append(text, at,
                    "%s{\"id\":%d,\"bytes\":%" PRIu64 ",\"retransmits\":0,\"jitter\":%f"
                    ",\"errors\":%" PRIu64 ",\"omitted_errors\":0,\"packets\":%" PRIu64
                    ",\"omitted_packets\":0,\"start_time\":0,\"end_time\":%f}",
                    i ? "," : "", s->id, s->bytes, s->jitter, s->lost,
                    s->sends ? s->packets : s->highest, seconds);
    }
    append(text, at, "]}");
}

/* The sum of a number over all streams of a text. */
static uint64_t sum_of(const char *text, const char *name)
{
    uint64_t sum = 0;

    while ((text = strstr(text, "{\"id\""))) {
        sum += count_in(text, name, 0, UINT64_MAX / 2);
        text++;
    }
    return sum;
}

void iperf_report(const struct iperf_test *t, const char *peer)
{
    double ns = (double)(t->ended_ns - t->began_ns);
    uint64_t sent = 0, received = 0, lost = 0, packets = 0;

    for (unsigned i = 0; i < t->stream_count; i++) {
        const struct iperf_stream *s = &t->streams[i];

        *(s->sends ? &sent : &received) += s->bytes;
        packets += s->sends ? s->packets : s->highest;
        lost += s->lost;
    }
    printf("netperf: iperf %s streams=%u sent=%" PRIu64 " received=%" PRIu64 " packets=%" PRIu64
           " lost=%" PRIu64 " peer_bytes=%" PRIu64 " seconds=%.3f Mbit_s=%.1f\n",
           t->params.udp ? "udp" : "tcp", t->stream_count, sent, received, packets, lost,
           peer ? sum_of(peer, "bytes") : 0, ns / NS_PER_S,
           ns > 0 ? (double)(sent + received) * 8e3 / ns : 0);
    fflush(stdout);
}
