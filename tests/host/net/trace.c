/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c - records and comparison of trace.h.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "net_impl.h"
#include "path.h"

enum { WORDS = 48, UNUSED_PROTO = 253 };

/* A packet, and the state before it; of a connection, the last one in lwIP's list. */
struct record {
    uint64_t ns, len, out, packet, stats;
    uint32_t connections;
    uint32_t state[WORDS];
};

static FILE *to; /* NULL: nothing is recorded */
static bool long_way;

static uint64_t mixed(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * 0x100000001b3;
    return sum;
}

/* ---- the state of a connection ----------------------------------------------------------------
 */

static uint32_t of_timer(const struct tcp_timer *t)
{
    return tcp_timer_pending(t) ? (uint32_t)(t->due_ns / 1000) : UINT32_MAX;
}

/* Of what was not sent yet, the member net says nothing. */
static uint32_t of_queue(const struct tcp_seg *seg, bool sent)
{
    uint64_t sum = 0;

    for (; seg; seg = seg->next) {
        struct net_tcp_seg net = seg->net;

        net.next = net.prev = NULL;
        sum = mixed(sum, &seg->len, sizeof(seg->len));
        sum = mixed(sum, &net.cut, sent ? sizeof(net.cut) : 0);
        sum = mixed(sum, &net.flags, sent);
    }
    return (uint32_t)(sum ^ sum >> 32);
}

/* All of it but addresses in memory. */
static uint32_t of_recovery(const struct tcp_pcb *pcb)
{
    struct tcp_recovery r = pcb->net.rec;

    memset(&r.timer, 0, sizeof(r.timer));
    r.lost = r.resent = (struct tcp_seg_list){NULL, NULL};
    r.fresh = r.top = NULL;
    return (uint32_t)mixed(0, &r, sizeof(r));
}

static uint32_t of_option(const struct tcp_pcb *pcb)
{
    struct tcp_option o = pcb->net.opt;

    memset(&o.hold, 0, sizeof(o.hold));
    o.leaves = NULL;
    return (uint32_t)mixed(0, &o, sizeof(o));
}

static void of_connection(const struct tcp_pcb *pcb, uint32_t *w)
{
    const uint32_t words[WORDS] = {
        pcb->state,
        pcb->flags,
        pcb->tmr,
        pcb->polltmr,
        pcb->rcv_nxt,
        pcb->rcv_wnd,
        pcb->rcv_ann_wnd,
        pcb->rcv_ann_right_edge,
        (uint32_t)pcb->rtime,
        pcb->mss,
        (uint32_t)pcb->rto,
        pcb->nrtx,
        pcb->dupacks,
        pcb->lastack,
        pcb->snd_nxt,
        pcb->snd_wl1,
        pcb->snd_wl2,
        pcb->snd_lbb,
        pcb->snd_wnd,
        pcb->snd_wnd_max,
        pcb->snd_buf,
        pcb->snd_queuelen,
        pcb->unsent_oversize,
        pcb->ts_lastacksent,
        pcb->ts_recent,
        pcb->persist_cnt,
        pcb->persist_backoff,
        pcb->persist_probe,
        pcb->keep_cnt_sent,
        of_queue(pcb->unsent, false),
        of_queue(pcb->unacked, true),
        of_queue(pcb->ooseq, false),
        pcb->net.conn.sleeps,
        of_recovery(pcb),
        of_timer(&pcb->net.rec.timer),
        (uint32_t)mixed(0, &pcb->net.cc, sizeof(pcb->net.cc)),
        (uint32_t)mixed(0, &pcb->net.rtt, sizeof(pcb->net.rtt)),
        pcb->net.ack.full,
        pcb->net.ack.enough,
        pcb->net.ack.due + 2u * pcb->net.ack.young,
        of_timer(&pcb->net.ack.timer),
        (uint32_t)mixed(0, &pcb->net.stamp, sizeof(pcb->net.stamp)),
        (uint32_t)mixed(0, &pcb->net.win, sizeof(pcb->net.win)),
        of_option(pcb),
    };

    for (unsigned i = 0; i < WORDS; i++)
        w[i] = w[i] * 31 + words[i];
}

static uint64_t of_counters(void)
{
    uint64_t sum = mixed(0, &lwip_stats.ip.recv, sizeof(lwip_stats.ip.recv));

    sum = mixed(sum, &lwip_stats.ip.xmit, sizeof(lwip_stats.ip.xmit));
    return mixed(sum, &lwip_stats.tcp, sizeof(lwip_stats.tcp));
}

/* ---- recording --------------------------------------------------------------------------------
 */

static void trace_packet(const struct path_seen *s)
{
    struct record r = {.ns = s->ns, .len = s->len, .out = s->out + 2u * s->side};

    r.packet = mixed(0, s->packet, s->len);
    r.stats = of_counters();
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next, r.connections++)
        of_connection(pcb, r.state);
    CHECK(fwrite(&r, sizeof(r), 1, to) == 1);
}

void trace_begin(void)
{
    if (!to)
        return;
    path_watch(trace_packet);
    net_enter();
    net_paths_cut = long_way;
    if (long_way)
        CHECK(raw_new(UNUSED_PROTO) != NULL);
    else /* sizes of buffers follow the memory that is free */
        CHECK(net_malloc(sizeof(struct raw_pcb)) != NULL);
    net_leave();
}

static FILE *trace_of(void (*scenario)(void), bool whole)
{
    FILE *file = tmpfile();
    int status;
    pid_t pid;

    CHECK(file != NULL);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        to = file;
        long_way = whole;
        scenario();
        fflush(file);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    rewind(file);
    return file;
}

/* ---- comparison -------------------------------------------------------------------------------
 */

static void compare(const struct record *a, const struct record *b, uint64_t number)
{
    if (memcmp(a, b, sizeof(*a)) == 0)
        return;
    printf(
        "packet %llu, %.6f s and %.6f s, side and direction %llu and %llu, %llu and %llu bytes\n",
        (unsigned long long)number, (double)a->ns / 1e9, (double)b->ns / 1e9,
        (unsigned long long)a->out, (unsigned long long)b->out, (unsigned long long)a->len,
        (unsigned long long)b->len);
    if (a->packet != b->packet)
        printf("the packets differ\n");
    if (a->stats != b->stats)
        printf("counters differ\n");
    for (unsigned i = 0; i < WORDS; i++)
        if (a->state[i] != b->state[i])
            printf("word %u of the state: %u by the long way, %u by the short one\n", i,
                   a->state[i], b->state[i]);
    fflush(stdout);
    CHECK(!"both ways do the same");
}

uint64_t trace_both_ways(void (*scenario)(void))
{
    FILE *whole = trace_of(scenario, true), *brief = trace_of(scenario, false);
    struct record a, b;
    uint64_t n = 0;

    for (; fread(&a, sizeof(a), 1, whole) == 1; n++) {
        CHECK(fread(&b, sizeof(b), 1, brief) == 1);
        compare(&a, &b, n);
    }
    CHECK(fread(&b, sizeof(b), 1, brief) == 0);
    fclose(whole);
    fclose(brief);
    return n;
}
