/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bottleneck.c - see bottleneck.h.
 */
#include "bottleneck.h"

#include "check.h"

#define NEVER  UINT64_MAX
#define RTO_US 1000000u
#define LINE   65536u /* packets and acknowledgements on the way, at most */

struct packet {
    uint64_t number, sent_us, at_us; /* at_us: its acknowledgement arrives */
    struct flow *flow;
};

/* In order of time: what is in the queue, and what is between the link's end and the sender. */
struct line {
    struct packet packet[LINE];
    uint64_t first, end;
};
static struct line queue, way;
static uint64_t link_free_us; /* when the packet in front of the queue has left */

static struct packet *line_first(struct line *l)
{
    return l->first == l->end ? NULL : &l->packet[l->first % LINE];
}

static void line_add(struct line *l, struct packet p)
{
    CHECK(l->end - l->first < LINE);
    l->packet[l->end++ % LINE] = p;
}

/* ---- a sender -------------------------------------------------------------------------------- */

static void flow_send(struct bottleneck *b, struct flow *f)
{
    tcp_cc_sent(&f->cc, BOTTLENECK_MSS);
    f->in_flight += BOTTLENECK_MSS;
    if (f->paced_us < b->now_us)
        f->paced_us = b->now_us;
    f->paced_us += tcp_cc_pacing_us(&f->cc, BOTTLENECK_MSS, f->srtt_us);
    if (queue.end - queue.first >= b->queue) {
        f->drops++;
        f->next++;
        return;
    }
    if (queue.first == queue.end)
        link_free_us = b->now_us + b->packet_us;
    line_add(&queue, (struct packet){f->next++, b->now_us, 0, f});
}

static bool flow_has_window(const struct flow *f)
{
    return f->started && f->in_flight + BOTTLENECK_MSS <= tcp_cc_window(&f->cc);
}

/* When the flow acts by itself: it starts, may send, or its timer fires. */
static uint64_t flow_next_us(const struct flow *f)
{
    uint64_t at = f->in_flight ? f->heard_us + RTO_US : NEVER;

    if (!f->started)
        return f->start_us;
    if (flow_has_window(f) && f->paced_us - TCP_PACE_AHEAD_US < at)
        at = f->paced_us > TCP_PACE_AHEAD_US ? f->paced_us - TCP_PACE_AHEAD_US : 0;
    return at;
}

static void flow_act(struct bottleneck *b, struct flow *f)
{
    if (!f->started) {
        f->started = true;
        f->heard_us = b->now_us;
        tcp_cc_init(&f->cc, f->alg);
        tcp_cc_established(&f->cc, BOTTLENECK_MSS);
    }
    if (f->in_flight && b->now_us >= f->heard_us + RTO_US) {
        tcp_cc_timeout(&f->cc, f->in_flight, false);
        f->in_flight = 0;
        f->expected = f->next;
        f->heard_us = b->now_us;
        f->timeouts++;
    }
    while (flow_has_window(f) && f->paced_us <= b->now_us + TCP_PACE_AHEAD_US)
        flow_send(b, f);
}

/* What lies before the acknowledged packet, and was not acknowledged, is lost. */
static void flow_acked(struct bottleneck *b, const struct packet *p)
{
    struct flow *f = p->flow;
    uint32_t rtt = (uint32_t)(b->now_us - p->sent_us), before = f->in_flight, lost;

    f->heard_us = b->now_us;
    if (p->number < f->expected)
        return; /* the timer took it for lost */
    f->delivered++;
    f->srtt_us = f->srtt_us ? f->srtt_us - f->srtt_us / 8 + rtt / 8 : rtt;
    lost = (uint32_t)(p->number - f->expected) * BOTTLENECK_MSS;
    f->expected = p->number + 1;
    f->in_flight -= lost + BOTTLENECK_MSS;
    if (f->cc.recovering && p->number >= f->recover)
        tcp_cc_recovered(&f->cc);
    if (lost && !f->cc.recovering) {
        f->recoveries++;
        f->recover = f->next;
        tcp_cc_enter_recovery(&f->cc, before);
    }
    if (f->cc.recovering)
        tcp_cc_recovering(&f->cc, BOTTLENECK_MSS, lost, f->in_flight, !lost);
    else
        tcp_cc_acked(&f->cc, BOTTLENECK_MSS, before, rtt, f->srtt_us, (uint32_t)b->now_us, true);
}

/* ---- the link -------------------------------------------------------------------------------- */

static void link_forward(struct bottleneck *b)
{
    struct packet p = *line_first(&queue);

    queue.first++;
    p.at_us = b->now_us + b->rtt_us;
    line_add(&way, p);
    b->busy_us += b->packet_us;
    link_free_us = b->now_us + b->packet_us;
}

void bottleneck_run(struct bottleneck *b, uint64_t until_us)
{
    for (;;) {
        uint64_t at = NEVER;
        struct flow *acts = NULL;

        for (struct flow *f = b->flow; f < b->flow + b->flows; f++)
            if (flow_next_us(f) < at) {
                at = flow_next_us(f);
                acts = f;
            }
        bool forwards = line_first(&queue) && link_free_us <= at;
        if (forwards)
            at = link_free_us;
        bool acked = line_first(&way) && line_first(&way)->at_us <= at;
        if (acked)
            at = line_first(&way)->at_us;
        if (at > until_us)
            break;
        if (at > b->now_us)
            b->now_us = at;
        if (acked)
            flow_acked(b, &way.packet[way.first++ % LINE]);
        else if (forwards)
            link_forward(b);
        else
            flow_act(b, acts);
    }
    b->now_us = until_us;
}
