/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pace.h - the loop while services are polled and find nothing. Reading the counter is dear, above
 * all on QEMU, which takes the lock for it that its own thread needs to serve the devices. So the
 * counter is read every few rounds; and when nothing has come for long, the CPU sleeps for a while
 * at a time, since the host may need it.
 */
#ifndef VIREO_PACE_H
#define VIREO_PACE_H

#include "hal.h"

#define PACE_ROUNDS 16 /* with one look at the counter */
#define PACE_SPIN   HAL_MS
#define PACE_SLEEP  (50 * HAL_US)

/* Zeroed: the last round found something. */
struct pace {
    unsigned rounds;   /* in a row that found nothing */
    uint64_t since_ns; /* when the first of them ended */
};

/* After each round; empty: there was nothing but polling to do, which found nothing. True: the next
 * round follows at once, with the time of this one. */
static inline bool pace_round(struct pace *p, bool empty)
{
    p->rounds = empty ? p->rounds + 1 : 0;
    return p->rounds % PACE_ROUNDS > 1;
}

/* When pace_round() was false after an empty round: until when the CPU sleeps; 0: it does not. */
static inline uint64_t pace_sleep(struct pace *p, uint64_t now)
{
    if (p->rounds == 1)
        p->since_ns = now;
    return now - p->since_ns < PACE_SPIN ? 0 : now + PACE_SLEEP;
}

#endif
