/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the little kernel that carries drivers/ in kernels/: what it wants of a machine, and
 * what it has for one. One task, one CPU, memory that is mapped onto itself, no libc.
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include "hal.h"

/* ---- a machine supplies these, and of hal.h what the other files of this folder do not --------
 */

/* Sends a byte to the console. [handler] */
void machine_putc(char c);
/* Ends the machine; a status above 0 reaches whoever started it. */
void machine_exit(int status) __attribute__((noreturn));
/* Lets interrupts come, or holds them back. */
void machine_interrupts(bool on);
/*
 * Sleeps until an interrupt is pending or `when` (hal_now_ns; HAL_NEVER: the interrupt alone).
 * Called with interrupts held back: one that came before the call must end the sleep as well.
 */
void machine_wait(uint64_t when);
/* Gives the drivers memory, by vireo_give_memory(); main.c has a default: 2 MiB of the image. */
void machine_memory(void);
/* Unmasks or masks a line of 0 to KERNEL_LINES - 1. -EINVAL: the machine has no such line. */
int machine_line(hal_irq_t irq, bool on);

/* ---- for machines ---------------------------------------------------------------------------- */

#define KERNEL_LINES 256

/* The words of the boot, "vireo.poll=1 ..."; NULL until the machine sets it. */
extern const char *kernel_words;
/* Calls the handlers of a line. For the machine's interrupt entry. [handler] */
void kernel_interrupt(hal_irq_t irq);
/* The machine works: starts the drivers, checks what they drive, ends the machine. Called by
 * start.S or the machine, on a stack of 16 KiB or more, with interrupts held back. */
void kernel_main(void) __attribute__((noreturn));

/* ---- for the checks -------------------------------------------------------------------------- */

/* Prints to the console, in the formats of hal_log(). [handler] */
void kernel_print(const char *fmt, ...) HAL_FORMAT(1, 2);
/* Runs the drivers until *flag, at most limit_ns. False: the time was over. */
bool kernel_until(const volatile bool *flag, uint64_t limit_ns);

/* Each prints one line, and returns true if the device does what it should, or there is none. */
bool check_blk(void);
bool check_net(void);

#endif
