/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch.h - what arch/ and a board say to each other, beyond board.h.
 */
#ifndef VIREO_ARCH_H
#define VIREO_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- supplied by the board ------------------------------------------------------------------- */

/* Where an image that was given no device tree looks for one: the start of RAM. */
extern const uint64_t board_ram_start;

/*
 * The image does not run where it was linked (`at` is where it does). The MMU is off and nothing is
 * set up. Says so and stops.
 */
void board_misplaced(uint64_t at) __attribute__((noreturn));

/*
 * First C code with the MMU on: boot stack, interrupts masked, bss cleared. dtb: a flattened device
 * tree, or NULL if there is none. Its magic and size (at most ARCH_DTB_MAX) were checked; header,
 * structure, strings and ARCH_DTB_RESERVED reservations are mapped, the rest is not yet.
 */
void board_start(const void *dtb) __attribute__((noreturn));

/* An interrupt was taken; interrupts stay masked. */
void board_irq(void);

/* ---- supplied by arch/ ----------------------------------------------------------------------- */

#define ARCH_PAGE    4096u
#define ARCH_DTB_MAX (2u << 20)
/* Of its memory reservation block so many entries are mapped, if it has as many. */
#define ARCH_DTB_RESERVED 8u

/* RAM from this address on cannot be mapped. */
uint64_t arch_ram_end(void);

/* Maps RAM that is not mapped yet and ends below arch_ram_end(), read-write. 0 or -ENOMEM. */
int arch_map_ram(uint64_t base, uint64_t len);

/* page_alloc() works from now on: page tables may come from it. */
void arch_memory_ready(void);

/* All earlier stores have reached memory: before somebody else is told to read tables there. */
void arch_memory_sync(void);
/* The same for one who does not look into the caches: [p, p+len) leaves them. */
void arch_cache_flush(const void *p, size_t len);

/*
 * Stirs bytes into the stack canary. The caller's frame, and those of its callers, must not be
 * protected ones.
 */
void arch_canary_stir(const void *seed, size_t len);

/* The image was entered in the secure world and stays there (no PSCI, secure interrupts). */
extern bool arch_secure;

/*
 * Semihosting call (ARM semihosting 2.0). Returns with x0; where there is no semihosting, the
 * vectors step over the instruction and nothing happens.
 */
long arch_semihost(unsigned long op, void *arg);

/* PSCI call by hvc or smc, with no arguments. */
long arch_psci(bool smc, unsigned long function);

/* Prints a message, a back trace of the caller, stops devices, ends the run with status 134. */
void arch_die(const char *what) __attribute__((noreturn));

#endif
