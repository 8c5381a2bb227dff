/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.h - what the files of runtime/ share, and what libc/ needs of them beside vireo/. Nothing
 * outside platform/runtime/ and platform/libc/ includes it. All is for tasks, but for what is
 * marked [handler].
 */
#ifndef VIREO_RUNTIME_H
#define VIREO_RUNTIME_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"

#define PAGE_SIZE 4096ul

/* Number of pages that hold len bytes (at most SIZE_MAX - PAGE_SIZE). */
static inline size_t pages_for(size_t len)
{
    return (len + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* As page_alloc (board.h), but not zeroed, and aligned to `align` bytes (a power of two). */
void *page_take(size_t n, size_t align);

/*
 * len bytes for the heap (heap.h), whole pages that are not cleared: where possible those behind
 * the ones of the last call. NULL: no range has as many. memory_heap_give takes any part of them
 * back.
 */
void *memory_heap_take(size_t len);
void memory_heap_give(void *p, size_t len);

/* ---- tasks, services ------------------------------------------------------------------------- */

/* Makes the first task, "main", which runs `fn`, and leaves the boot stack for good. */
void task_start_main(void (*fn)(void)) __attribute__((noreturn));

/* true: a task that parks ends in a panic, as functions of the init table must not. */
void task_forbid_parking(bool on);

/* What the loop knows of the services (service.c). */
struct services {
    /* Those that were woken, first come, first served, and where the next is appended unless the
     * list is empty. The loop takes the whole list; each of it stays pending until it runs. A
     * service may be woken before it is added: a probe has its device work. [handler] */
    struct hal_service *volatile woken, *volatile *woken_end;
    struct hal_service *running; /* its run() or arm() is on the stack; NULL: none */
    struct hal_service *changes; /* hal_service_changed: not noted yet */
    struct hal_service *unarmed; /* ran since they were last armed */
    struct hal_service *polled;  /* in each round */
    struct deadline_heap due;    /* those with a time at which they want to run */
    uint64_t swept_ns;           /* when the last sweep was; 0: services were just armed */
    unsigned round;              /* number of this one */
};
extern struct services services;

/* Runs the services that are pending, due or polled, once each; true if one did something. */
bool services_run(uint64_t now);
/* Is the last round in which all services ran, or their arming, 100 us or more ago? */
bool services_overdue(uint64_t now);
/* Calls arm() of all services that are not polled; true if work appeared at one of them. */
bool services_arm(void);
/* The earliest time at which a service wants to run, or HAL_NEVER. */
uint64_t services_next(void);

/* True if a service is polled: the CPU must not sleep. */
bool services_any_polled(void);
static inline bool services_polled(void)
{
    return services.polled && services_any_polled();
}

/* True if a service was woken and has not run since. */
static inline bool services_pending(void)
{
    return services.woken != NULL;
}

/* The name of the service whose run() or arm() is on the stack, or NULL. */
static inline const char *services_running(void)
{
    return services.running ? services.running->name : NULL;
}

/* ---- thread-local variables (tls.c) -------------------------------------------------------------
 */

/* Bytes that the block of a task's thread-local variables needs; 0: the image has none. */
size_t tls_room(void);
/*
 * Makes a block with all initial values in the tls_room() bytes below `end`. Returns the thread
 * pointer, where the block begins, or `end` if the image has no such variables.
 */
void *tls_make(char *end);

/* ---- the power button ------------------------------------------------------------------------ */

/* From now on the power button ends the image (power.c). Before main(). */
void power_watch(void);
/* The handlers of signals, by number, which libc's signal() sets: NULL: SIG_DFL. */
#define SIGNALS 32
extern void (*signal_handlers[SIGNALS])(int);

/* ---- console and log ------------------------------------------------------------------------- */

/* Writes bytes to the console as they are. [handler] */
void console_put(const char *s, size_t len);
/* Writes a whole line; an unfinished one before it is ended first. [handler] */
void console_put_line(const char *s, size_t len);
/* Sets the log's level by the boot argument vireo.log. */
void log_init(void);

/* ---- time ------------------------------------------------------------------------------------ */

/*
 * Nanoseconds since 1970, by the machine's clock; right also after the machine stood still (a
 * pause, a snapshot, a migration). Without such a clock: since boot. In the first second after boot
 * or a pause the time may step forward, by less than a second.
 */
uint64_t wall_clock_ns(void);

/* ---- boot arguments, entropy ----------------------------------------------------------------- */

/* Logs the arguments vireo.* that no code asked for or that have no value. */
void option_report(void);
/* What follows the word "--" in the boot arguments, in a copy that stays; NULL: no such word. */
const char *option_rest(void);
/* "NAME=VALUE" of the n-th boot argument env.NAME=VALUE, the image's own; NULL: no more. */
char *option_variable(unsigned n);
/*
 * argv of main(), and *argc: the image's name, and what follows "--" in the boot arguments. Once,
 * before main(). There where main() takes arguments.
 */
char **args_begin(int *argc);

/*
 * Fills buf with random bytes. False, with a warning in the log once: the generator has fewer than
 * 16 bytes of entropy, and nothing was written.
 */
bool entropy_fill(void *buf, size_t len);

#endif
