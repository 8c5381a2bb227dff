/* SPDX-License-Identifier: BSD-2-Clause */
/* turn.c - names a task that keeps the CPU for long (turn.h). */
#include "turn.h"

#include "board.h"

#define QUIET_NS (10 * HAL_SEC) /* from one pair of messages to the next */

uint64_t turn_began;

void turn_report(uint64_t now, bool ended)
{
    static uint64_t told_ns, told_turn; /* when the log was last told, and of which turn */
    uint64_t ms = (now - turn_began) / HAL_MS;

    if (told_ns && now - told_ns < QUIET_NS && (told_turn != turn_began || !ended))
        return;
    if (told_turn == turn_began && !ended)
        return;
    told_ns = now;
    told_turn = turn_began;
    if (ended)
        hal_log(HAL_WARN, "vireo", "task %s kept the CPU for %llu ms, without parking",
                runtime_task_name(), (unsigned long long)ms);
    else
        hal_log(HAL_WARN, "vireo",
                "task %s keeps the CPU: for %llu ms no other task and no device had a turn; call "
                "task_yield() in long computations",
                runtime_task_name(), (unsigned long long)ms);
}
