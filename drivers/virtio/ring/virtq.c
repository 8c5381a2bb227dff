/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.c - what all virtqueues share, whatever their ring format (virtio 1.4, section 2.6): the
 * way of buffers to the device and back, the doorbell, and the tick that liveness rests on.
 */
#include "virtio/ring/virtq_impl.h"

/* ---- submitting ------------------------------------------------------------------------------ */

static void virtq_kick_data(struct virtq *q) __attribute__((noinline, cold));
static void virtq_kick_data(struct virtq *q)
{
    uint32_t value = q->doorbell.id;

    if (q->notification_data)
        value |= q->ring->position(q) << 16;
    if (!q->doorbell.addr)
        q->owner->ops->notify(q->owner, q, value);
    else
        hal_write32_sync(q->doorbell.addr, value);
}

void virtq_kick(struct virtq *q)
{
    q->since_kick = 0;
    q->stats.kicks++;
    if (!q->doorbell.addr || q->notification_data)
        virtq_kick_data(q);
    else if (q->doorbell.width == 16)
        hal_write16_sync(q->doorbell.addr, q->doorbell.id);
    else
        hal_write32_sync(q->doorbell.addr, q->doorbell.id);
}

/* The owner is to call virtq_tick within VIRTQ_TICK. It is asked only if no tick is due anyway. */
static void virtq_want_tick(struct virtq *q)
{
    if (q->owner->tick_ns == HAL_NEVER)
        q->owner->ops->tick_later(q->owner);
}

void virtq_tell_owner(struct virtq *q) __attribute__((noinline, cold));
void virtq_tell_owner(struct virtq *q)
{
    virtq_want_tick(q);
    if (!q->free_count)
        q->owner->ops->arm_later(q->owner);
}

int virtq_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n)
{
    int taken;

    if (q->state != VIRTQ_OK)
        return -EIO;
    taken = n ? q->ring->submit(q, reqs, n) : 0;
    if (taken > 0)
        virtq_published(q, (unsigned)taken, q->wants_kick);
    return taken;
}

int virtq_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers, unsigned n)
    __attribute__((noinline));
int virtq_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers, unsigned n)
{
    if (q->state != VIRTQ_OK)
        return -EIO;
    n = q->ring->submit_tables(q, buffers, n);
    if (n)
        virtq_published(q, n, q->wants_kick);
    return (int)n;
}

bool virtq_submit_table(struct virtq *q, const struct virtq_tabled *buffer)
{
    if (q->state == VIRTQ_OK && q->ring->submit_table)
        return q->ring->submit_table(q, buffer);
    return virtq_submit_tables(q, &buffer, 1) == 1;
}

int virtq_repost(struct virtq *q, const struct virtq_done *done, unsigned n)
{
    unsigned before = q->in_flight;

    if (q->state != VIRTQ_OK)
        return -EIO;
    q->ring->repost(q, done, n);
    if (q->in_flight != before)
        virtq_published(q, q->in_flight - before, q->wants_kick);
    return 0;
}

void virtq_replace(struct virtq *q, struct virtq_done *done, void *cookie, uint64_t addr)
{
    hal_assert(done->id < q->size && cookie);
    done->cookie = cookie;
    virtq_addrs(q)[done->id] = addr;
}

void virtq_nudge(struct virtq *q)
{
    if (q->state != VIRTQ_OK)
        return;
    q->stats.nudges++;
    virtq_kick(q);
}

/* ---- reaping --------------------------------------------------------------------------------- */

/* n buffers came back; or none, or an error. Returns n. */
static inline int virtq_came_back(struct virtq *q, int n)
{
    if (n > 0) {
        q->stats.completed += (unsigned)n;
        if (q->armed) {
            q->armed = false;
            q->owner->ops->arm_later(q->owner);
        }
    }
    return n;
}

int virtq_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    return q->state == VIRTQ_OK ? virtq_came_back(q, q->ring->reap(q, done, max)) : -EIO;
}

int virtq_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max)
{
    return q->state == VIRTQ_OK ? virtq_came_back(q, q->ring->reap_kept(q, done, max)) : -EIO;
}

bool virtq_arm(struct virtq *q)
{
    if (q->state != VIRTQ_OK || q->armed)
        return false;
    q->armed = q->asks = true; /* before the ring is: a handler that comes right now disarms */
    if (q->ring->arm(q)) {
        q->armed = false;
        return true;
    }
    virtq_want_tick(q);
    return false;
}

void virtq_hold(struct virtq *q, bool hold)
{
    q->held = hold;
    q->owner->ops->arm_later(q->owner);
}

void virtq_disarm(struct virtq *q)
{
    q->armed = q->asks = false;
    if (q->state == VIRTQ_OK)
        q->ring->disarm(q);
}

/*
 * A kick was missed if two ticks saw no progress and the device asks for one: QEMU before 8.1 drops
 * a guest's barriers when the machine has one CPU, so the look at the suppression word on submit
 * can be stale. After VIRTQ_NUDGE_TICKS without progress, buffers that no kick announced are kicked
 * whatever the device asks for. Only an event index proves that a kick was missed (rekicks); a
 * flag, or mere silence, may be a slow device (nudges).
 */
uint64_t virtq_tick(struct virtq *q, uint64_t now)
{
    if (q->state != VIRTQ_OK || !q->in_flight)
        return HAL_NEVER;
    if (q->stats.completed != q->tick_completed)
        q->quiet = 0;
    else if (q->quiet < UINT16_MAX)
        q->quiet++;
    q->tick_completed = q->stats.completed;
    if (q->quiet && q->ring->kick_missed(q)) {
        q->event_idx ? q->stats.rekicks++ : q->stats.nudges++;
        virtq_kick(q);
    } else if (q->quiet >= VIRTQ_NUDGE_TICKS && q->since_kick) {
        q->stats.nudges++;
        virtq_kick(q);
    }
    return q->expects_progress || q->since_kick ? now + VIRTQ_TICK : HAL_NEVER;
}
