/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the machine's power button ends the image as a SIGTERM ends a process: the handler that
 * signal() has set is called, in a task of its own, and may be called again for the next press.
 * Without a handler exit(0) is called in that task, so atexit() functions run, streams are flushed
 * and disks are synced.
 */
#include <reent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define END_LIMIT (20 * HAL_SEC) /* for exit(0): then the image ends without waiting any longer */

void (*signal_handlers[SIGNALS])(int);

static bool power_service_run(struct hal_service *s);
static struct hal_service power_service;
static volatile bool pressed; /* and not seen by the service, which may run without a press */
static bool ending;           /* exit(0) was called; power_service.next_ns is its limit */

static void power_task(void *arg)
{
    void (*handler)(int) = signal_handlers[SIGTERM];

    (void)arg;
    if (handler == SIG_IGN) {
        hal_log(HAL_INFO, "vireo", "power button: SIGTERM is ignored");
    } else if (handler != SIG_DFL) {
        hal_log(HAL_INFO, "vireo", "power button: SIGTERM");
        raise(SIGTERM);
    } else if (!ending) {
        hal_log(HAL_INFO, "vireo", "power button: the image ends");
        ending = true;
        power_service.next_ns = hal_now_ns() + END_LIMIT;
        hal_service_changed(&power_service);
        if (_GLOBAL_REENT->_stdin)
            _GLOBAL_REENT->_stdin->_flags2 |= __SNLK; /* a task that reads it keeps its lock */
        exit(0);
    }
}

static bool power_service_run(struct hal_service *s)
{
    if (ending && hal_now_ns() >= s->next_ns) {
        hal_log(HAL_WARN, "vireo", "the end took more than %u s: not all may have been written",
                (unsigned)(END_LIMIT / HAL_SEC));
        vireo_exit(1);
    }
    if (!pressed)
        return false;
    pressed = false;
    if (!task_spawn("power", power_task, NULL, 0))
        hal_log(HAL_WARN, "vireo", "power button: no memory for a task");
    return true;
}

static void power_pressed(void)
{
    pressed = true;
    hal_service_wake(&power_service);
}

void power_watch(void)
{
    power_service.name = "power";
    power_service.run = power_service_run;
    hal_service_add(&power_service);
    board_on_power_button(power_pressed);
}
