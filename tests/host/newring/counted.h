/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counted.h - a made-up ring format, the example of docs/another-ring.md: the counted ring.
 *
 * The driver writes calls into one array, the device answers into another, each from entry 0 on and
 * round again. An entry is new when it holds the count that is due: 1 for the first entry that is
 * ever written, one more for each after it, over 16 bits. Calls are taken in order, and answered in
 * any order. A buffer of several segments is a list of calls, or one call with an indirect table.
 * Behind each array lies a word by which the array's writer says that it needs no notification.
 * EVENT_IDX and IN_ORDER change nothing.
 */
#ifndef COUNTED_H
#define COUNTED_H

#include "virtio/ring/virtq_impl.h"

/* The feature bit that chooses the format. */
enum { COUNTED_F_RING = 60 };

/* A segment, or a table of them. An indirect table holds the same, without ids and counts. */
struct counted_call {
    uint64_t addr;
    uint32_t len;
    uint16_t what; /* id << 3 | VIRTQ_DESC_F_* */
    uint16_t count;
};
#define COUNTED_ID_SHIFT 3

struct counted_answer {
    uint32_t len; /* bytes written, at most what was posted */
    uint16_t id;
    uint16_t count;
};

/* The word behind an array: while it is not zero, the writer of the array looks by itself. */
struct counted_awake {
    uint16_t awake, unused;
};

/* Entries of each array. */
enum { COUNTED_MIN = 2, COUNTED_MAX = 256 };

/* An entry that is written or read next, and the count that is due there. */
struct counted_place {
    uint16_t at, count;
};

/* The private state of a queue. */
struct counted_queue {
    struct virtq q; /* first: a queue is its ring's */
    struct counted_call *calls;
    const struct counted_answer *answers;
    struct counted_awake *driver;       /* not zero: no interrupts */
    const struct counted_awake *device; /* not zero: no kicks */
    struct counted_place next_call, next_answer;
};

extern const struct virtq_ring virtq_counted;

#endif
