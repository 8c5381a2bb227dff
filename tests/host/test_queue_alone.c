/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_queue_alone.c - a queue without any device: all that a queue needs of one is its struct
 * virtq_owner (virtq_owner.h), which is the test's own here. Both ring formats.
 */
#include <string.h>

#include "check.h"
#include "host.h"
#include "virtio/ring/virtq_impl.h"

enum { SIZE = 4, INDEX = 5, SLOW = 3 };

static struct {
    unsigned wakes, ticks, arms, notified, enabled, resets, looks;
    uint32_t value;
    int enable_error;
    bool hangs;
} seen;

static struct virtq *q;
static uint8_t *memory;
static uint64_t memory_dma;

static void on_wake(struct virtq_owner *owner)
{
    (void)owner;
    seen.wakes++;
}

static void on_tick_later(struct virtq_owner *owner)
{
    CHECK(owner->tick_ns == HAL_NEVER); /* asked for only when there is none */
    owner->tick_ns = hal_now_ns() + VIRTQ_TICK;
    seen.ticks++;
}

static void on_arm_later(struct virtq_owner *owner)
{
    CHECK(owner == q->owner);
    seen.arms++;
}

static void on_notify(struct virtq_owner *owner, struct virtq *of, uint32_t value)
{
    CHECK(owner == q->owner && of == q);
    seen.notified++;
    seen.value = value;
}

static int on_enable(struct virtq_owner *owner, struct virtq *of)
{
    CHECK(owner == q->owner && of == q && virtq_state(q) == VIRTQ_OFF);
    seen.enabled++;
    return seen.enable_error;
}

static void on_reset(struct virtq_owner *owner, struct virtq *of)
{
    CHECK(owner == q->owner && of == q && virtq_state(q) == VIRTQ_RESETTING);
    seen.resets++;
}

static bool on_reset_done(struct virtq_owner *owner, struct virtq *of)
{
    CHECK(owner == q->owner && of == q);
    return ++seen.looks >= SLOW && !seen.hangs;
}

static const struct virtq_owner_ops ops = {
    .wake = on_wake,
    .tick_later = on_tick_later,
    .arm_later = on_arm_later,
    .notify = on_notify,
    .enable = on_enable,
    .reset = on_reset,
    .reset_done = on_reset_done,
};

static struct virtq_owner owner;

/* RING_PACKED or no format, and these bits. */
static void make(const unsigned *bits, unsigned n)
{
    static const struct virtq_config cfg = {.name = "q", .size = SIZE, .max_segs = 2};
    static struct virtio_features accepted;

    for (unsigned i = 0; i < n; i++)
        virtio_features_set(&accepted, bits[i]);
    if (case_variant)
        virtio_features_set(&accepted, case_variant);
    owner = (struct virtq_owner){.ops = &ops, .name = "alone0", .tick_ns = HAL_NEVER};
    q = virtq_create(&(struct virtq_setup){
        .owner = &owner,
        .cfg = &cfg,
        .ring = virtq_ring_for(&accepted),
        .accepted = &accepted,
        .index = INDEX,
        .size_max = 256,
        .align = VIRTQ_ALIGN,
    });
    CHECK(q && virtq_state(q) == VIRTQ_OFF && virtq_size(q) == SIZE);
    q->doorbell = (struct virtq_doorbell){.width = 16, .id = INDEX};
    memory = hal_dma_alloc(64, 64, &memory_dma);
    memset(&seen, 0, sizeof(seen));
}

static int submit(unsigned n)
{
    struct virtq_seg seg = {memory_dma, 16};

    return virtq_submit(q, &(struct virtq_request){&seg, 1, 0, memory + n}, 1);
}

static void in_service(void)
{
    owner.live = true;
    virtq_set_state(q, VIRTQ_OK);
}

/* Kicks go through the owner, who is asked for a tick once, until it calls virtq_tick. */
static void submits(void)
{
    make(NULL, 0);
    CHECK_EQ(submit(0), -EIO);
    CHECK_EQ(seen.notified + seen.ticks, 0);
    in_service();
    CHECK_EQ(submit(0), 1);
    CHECK_EQ(submit(1), 1);
    CHECK_EQ(seen.notified, 2);
    CHECK_EQ(seen.value, INDEX);
    CHECK_EQ(seen.ticks, 1);
    owner.tick_ns = HAL_NEVER;
    CHECK_EQ(submit(2), 1);
    CHECK_EQ(seen.ticks, 2);
    CHECK_EQ(seen.wakes + seen.enabled + seen.resets, 0);
}

/* The device used the first buffer, without writing to it. */
static void complete_first(void)
{
    uint8_t *device_area = (uint8_t *)q->memory + (q->used_dma - q->desc_dma);

    if (q->ring == &virtq_split) {
        memset(device_area + 4, 0, 8);
        hal_publish16((uint16_t *)(device_area + 2), 1, false);
    } else {
        hal_publish16((uint16_t *)q->memory + 7, 1 << 7 | 1 << 15, false);
    }
}

/* The owner hears when it has to arm the queue before the CPU sleeps. */
static void asks_to_be_armed(void)
{
    struct virtq_done done;

    make(NULL, 0);
    in_service();
    for (unsigned i = 0; i + 1 < SIZE; i++)
        CHECK_EQ(submit(i), 1);
    CHECK_EQ(seen.arms, 0);
    CHECK_EQ(submit(SIZE - 1), 1);
    CHECK_EQ(seen.arms, 1); /* a driver that reaps in passing has to wait now */
    CHECK(!virtq_arm(q));
    CHECK_EQ(virtq_reap(q, &done, 1), 0);
    CHECK_EQ(seen.arms, 1); /* as it was */
    complete_first();
    CHECK_EQ(virtq_reap(q, &done, 1), 1);
    CHECK_EQ(seen.arms, 2);
    virtq_hold(q, true);
    virtq_hold(q, false);
    CHECK(seen.arms > 2);
}

/* The log names the device as the owner does, and the owner hears of it. */
static void breaks(void)
{
    make(NULL, 0);
    in_service();
    virtq_fail(q, "a test says so");
    virtq_fail(q, "and this is not said");
    CHECK_EQ(seen.wakes, 1);
    CHECK_EQ(host_log_matches("alone0: queue q is broken: a test says so"), 1);
    CHECK(!host_logged("and this is not said"));
    CHECK_EQ(submit(0), -EIO);
}

/* A reset alone, and back: through the owner's functions only. */
static void is_reset(void)
{
    static const unsigned bits[] = {VIRTIO_F_RING_RESET};

    make(bits, 1);
    CHECK_EQ(virtq_reset(q), -EINVAL); /* not in service */
    in_service();
    CHECK_EQ(submit(0), 1);
    CHECK_EQ(virtq_reset(q), 0);
    CHECK_EQ(seen.resets, 1);
    CHECK_EQ(seen.looks, SLOW);
    CHECK(virtq_take_back(q) == memory && virtq_take_back(q) == NULL);
    seen.enable_error = -EIO;
    CHECK_EQ(virtq_restart(q), -EIO);
    CHECK_EQ(virtq_state(q), VIRTQ_OFF);
    seen.enable_error = 0;
    CHECK_EQ(virtq_restart(q), 0);
    CHECK_EQ(seen.enabled, 2);
    CHECK_EQ(seen.arms, 1); /* it asks for no interrupt yet */
    CHECK_EQ(submit(1), 1);

    seen.hangs = true;
    CHECK_EQ(virtq_reset(q), -ETIMEDOUT);
    CHECK_EQ(seen.wakes, 1);
    CHECK_EQ(virtq_in_flight(q), 1); /* still the device's */
}

static void is_freed(void)
{
    int64_t before = host_live_blocks();

    make(NULL, 0);
    virtq_destroy(q);
    hal_dma_free(memory, 64);
    CHECK_EQ(host_live_blocks(), before);
}

int main(int argc, char **argv)
{
    static const struct test_variant formats[] = {
        {"split", 0}, {"packed", VIRTIO_F_RING_PACKED}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"submits", submits, NULL, 0, formats},
        {"asks_to_be_armed", asks_to_be_armed, NULL, 0, formats},
        {"breaks", breaks, NULL, 0, formats},
        {"is_reset", is_reset, NULL, 0, formats},
        {"is_freed", is_freed, NULL, 0, formats},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
