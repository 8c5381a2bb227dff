/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turn.h - the turn of a task, from when the task gets the CPU until it parks. Tasks are
 * cooperative: a task that computes for long keeps all others, and all devices, from the CPU. The
 * log names a task whose turn lasts a second: at the timer's interrupt, and with the length when
 * the task parks; once in ten seconds.
 */
#ifndef VIREO_TURN_H
#define VIREO_TURN_H

#include "hal.h"

#define TURN_LONG HAL_SEC

extern uint64_t turn_began; /* 0: no task has the CPU */

/* Logs the name of the task whose turn is too long; ended: the turn is over. [handler] */
void turn_report(uint64_t now, bool ended);

static inline void turn_begin(uint64_t now)
{
    turn_began = now;
}

static inline void turn_end(uint64_t now)
{
    if (turn_began && now - turn_began >= TURN_LONG)
        turn_report(now, true);
    turn_began = 0;
}

/* At an interrupt of the timer. True: a task has its turn, so look again in a second. [handler] */
static inline bool turn_check(uint64_t now)
{
    if (turn_began && now - turn_began >= TURN_LONG)
        turn_report(now, false);
    return turn_began != 0;
}

#endif
