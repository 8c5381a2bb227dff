/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_ring.h - what the two ring formats of the scripted device share (model_ring.c), and what
 * each supplies (model_split.c, model_packed.c).
 */
#ifndef VIREO_MODEL_RING_H
#define VIREO_MODEL_RING_H

#include "model.h"

enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };
enum {
    BIT_INDIRECT = 28,
    BIT_EVENT_IDX = 29,
    BIT_PACKED = 34,
    BIT_IN_ORDER = 35,
    BIT_NOTIFICATION_DATA = 38,
    BIT_RING_RESET = 40,
};

struct model_ring {
    /* Judges the areas of a queue that starts. */
    void (*start)(struct model *m, struct model_queue *q);
    /* Takes notice of what is published by now. */
    void (*look)(struct model *m, struct model_queue *q);
    /* An event of the driver: does it publish, or write where it may not? */
    void (*on_event)(struct model *m, struct model_queue *q, const struct host_event *e);
    /* Reads the chain again that was exposed as c. */
    void (*parse_again)(struct model *m, struct model_queue *q, const struct model_chain *c,
                        struct model_chain *now);
    /* The driver may not touch what the device holds: c is as it was when it was taken. */
    void (*check_held)(struct model *m, struct model_queue *q, const struct model_chain *c);
    /* Writes a used entry for c, and for the q->skipped chains before it; not yet to be seen. */
    void (*put)(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len);
    /* Changes a word of what was put last. */
    void (*amend)(struct model_queue *q, enum model_used_word which, uint32_t v);
    /* Lets the driver see what was put. */
    void (*show)(struct model *m, struct model_queue *q);
    /* Does the driver want an interrupt for what was shown since the last question? */
    bool (*wants_irq)(struct model *m, struct model_queue *q);
    void (*want_kick)(struct model *m, struct model_queue *q, bool on);
    /* What NOTIFICATION_DATA has to say now. */
    uint16_t (*position)(const struct model_queue *q);
};
extern const struct model_ring model_split_ring, model_packed_ring;

/* model_rule about a queue, as long as the device does not lie; model_judge: of no row. */
void model_judge_rows(bool good, struct model *m, struct model_queue *q, const char *rows,
                      const char *what, unsigned v);
static inline void model_judge(bool good, struct model *m, struct model_queue *q, const char *what,
                               unsigned v)
{
    model_judge_rows(good, m, q, "", what, v);
}
void model_check_area(struct model *m, struct model_queue *q, const char *what, uint64_t addr,
                      uint64_t len, unsigned align);
void model_check_zeroed(struct model *m, struct model_queue *q, uint64_t addr, uint64_t len);
/* Appends a segment to c. */
void model_add_segment(struct model *m, struct model_queue *q, struct model_chain *c,
                       const struct model_seg *seg);
/* Judges a reference to an indirect table, and notes it. False: it cannot be followed. */
bool model_check_indirect(struct model *m, struct model_queue *q, struct model_chain *c,
                          uint64_t addr, uint32_t len, uint16_t flags, bool inner);
/* The chain that was parsed as the next one is the device's from here on. */
void model_exposed(struct model *m, struct model_queue *q, struct model_chain *c);
bool model_same_chain(const struct model_chain *a, const struct model_chain *b);
/* The place of the next chain that is exposed. */
struct model_chain *model_next_exposed(struct model_queue *q);

static inline uint16_t model_load16(const uint16_t *p)
{
    return p ? __atomic_load_n(p, __ATOMIC_ACQUIRE) : 0;
}
static inline void model_store16(uint16_t *p, uint16_t v)
{
    if (p)
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
static inline uint32_t model_load32(const uint32_t *p)
{
    return p ? __atomic_load_n(p, __ATOMIC_ACQUIRE) : 0;
}
static inline void model_store32(uint32_t *p, uint32_t v)
{
    if (p)
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#endif
