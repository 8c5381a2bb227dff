/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recovertest.c - the device of recovertest.h.
 */
#include "recovertest.h"

#include "check.h"

struct recovertest rt;

void rt_boot_queues(enum model_transport t, unsigned queues, bool ring_reset)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, TD_A, VIRTIO_F_RING_RESET};

    testdrv_one_queue(RT_SIZE, 2);
    td.queues = queues;
    for (unsigned i = 1; i < queues; i++)
        td.cfg[i] = td.cfg[0];
    td.recovers = true;
    rt.m = testdrv_boot(t, RT_SIZE, bits, ring_reset ? 3 : 2);
    rt.mq = &rt.m->queues[0];
    rt.q = td.q[0];
    host_run_services();
}

void rt_put_out(void)
{
    for (unsigned i = 0; i < RT_OUT; i++)
        CHECK_EQ(testdrv_submit(rt.q, i), 1);
    CHECK(model_pop(rt.m, rt.mq, &rt.chain[0]) && model_pop(rt.m, rt.mq, &rt.chain[1]));
}

void rt_boot(enum model_transport t)
{
    rt_boot_queues(t, 1, false);
    rt_put_out();
}

struct virtio_info rt_info(void)
{
    struct virtio_info i;

    CHECK_EQ(virtio_info(0, &i), 0);
    return i;
}

void rt_traffic(void)
{
    for (unsigned i = 0; i < 3 * RT_SIZE; i++) {
        unsigned k = i % td.queues, before = td.done_count;

        CHECK_EQ(testdrv_submit(td.q[k], i), 1);
        CHECK_EQ(model_serve(rt.m, &rt.m->queues[k]), 1);
        host_run_services();
        CHECK_EQ(td.done_count, before + 1);
        CHECK_EQ(td.done_queue[before], k);
        CHECK_EQ(testdrv_number(td.done[before].cookie), i);
        CHECK_EQ(virtq_stats(td.q[k])->late, 0);
        CHECK_EQ(virtq_free_slots(td.q[k]), RT_SIZE);
    }
}

void rt_recovered(unsigned times)
{
    CHECK_EQ(td.deaths, 0);
    CHECK_EQ(td.returns, times);
    for (unsigned i = 0; i < td.queues; i++) {
        CHECK_EQ(td.lost[i], times);
        CHECK_EQ(td.back[i], times);
        CHECK_EQ(virtq_state(td.q[i]), VIRTQ_OK);
    }
    CHECK(virtio_works(td.dev) && rt_info().alive);
    CHECK_EQ(rt_info().recoveries, times);
    CHECK_EQ(host_log_matches("works again"), times);
    CHECK_EQ(rt.m->status, model_is_legacy(rt.m) ? 7 : 15);
}

void rt_break_queue(unsigned n)
{
    model_forge(rt.m, &rt.m->queues[n], 0xffff, 0);
    model_show(rt.m, &rt.m->queues[n]);
    model_raise(rt.m, 1, &rt.m->queues[n]);
}
