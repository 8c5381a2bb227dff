/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.h - what the files of runtime/ share, and what libc/ needs of them beyond vireo/.
 * Nothing outside platform/runtime/ and platform/libc/ includes it.
 */
#ifndef VIREO_RUNTIME_H
#define VIREO_RUNTIME_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul

/* Number of pages that hold len bytes. len must not exceed SIZE_MAX - PAGE_SIZE. */
static inline size_t pages_for(size_t len)
{
    return (len + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* As page_alloc (board.h), not zeroed, and aligned to `align` bytes (a power of two). */
void *page_take(size_t n, size_t align);

/*
 * Moves the end of malloc's arena by `delta` bytes and returns its former end; what is added holds
 * anything. NULL when pages or the end of memory are in the way, or when it would shrink below
 * nothing.
 */
void *arena_move(intptr_t delta);

/* ---- tasks, services ------------------------------------------------------------------------- */

/* Starts main() as a task that runs `fn`, and leaves the boot stack for good. */
void task_start_main(void (*fn)(void)) __attribute__((noreturn));

/* While true nothing may park, although a task runs: the init table is being walked. */
void task_forbid_parking(bool on);

/* One round over the services; true if one did something. `now` is the present time. */
bool services_run(uint64_t now);
/* Had they no turn for 100 us, though tasks were running? */
bool services_overdue(uint64_t now);
/* Asks every service for interrupts; true if one says that work appeared meanwhile. */
bool services_arm(void);
/* True while a service is polled: the CPU must not sleep. */
bool services_polled(void);
/* True if a handler woke a service since it last ran. */
bool services_pending(void);
/* The earliest time at which a service wants to run, or HAL_NEVER. */
uint64_t services_next(void);
/* The service whose run() or arm() is on the stack, or NULL. */
const char *services_running(void);

/* ---- console and log ------------------------------------------------------------------------- */

/* Raw output that remembers whether the cursor stands at the start of a line. Any context. */
void console_put(const char *s, size_t len);
/* A line of its own: ends an unfinished one first. */
void console_put_line(const char *s, size_t len);
/* Reads the level from the boot arguments. */
void log_init(void);

/* ---- boot arguments, entropy ----------------------------------------------------------------- */

/* Logs the arguments vireo.* that nobody asked for, with the names that were asked for. */
void option_report(void);

/* Fills buf with random bytes; warns once when nothing but timing feeds the generator. */
void entropy_fill(void *buf, size_t len);

#endif
