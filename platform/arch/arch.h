/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch.h - the interface between arch/ and a board, beside board.h.
 */
#ifndef VIREO_ARCH_H
#define VIREO_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- supplied by the board ------------------------------------------------------------------- */

/* Start of RAM: there an image looks for a device tree if it was given none. */
extern const uint64_t board_ram_start;

/*
 * Called if the image runs at another address, `at`, than it was linked for. The MMU is off and
 * nothing is set up. Prints that, and stops.
 */
void board_misplaced(uint64_t at) __attribute__((noreturn));

/*
 * Called by arch_start() with the MMU on, on the boot stack, interrupts masked, bss cleared. dtb: a
 * flattened device tree, or NULL if there is none. Its magic and size (at most ARCH_DTB_MAX) were
 * checked. Header, structure, strings and the first ARCH_DTB_RESERVED reservations are mapped, the
 * rest of it is not.
 */
void board_start(const void *dtb) __attribute__((noreturn));

/* ---- supplied by arch/ ----------------------------------------------------------------------- */

#define ARCH_PAGE    4096u      /* bytes */
#define ARCH_DTB_MAX (2u << 20) /* bytes of a device tree */
/* Entries of the tree's memory reservation block that are mapped. */
#define ARCH_DTB_RESERVED 64u

/* RAM at this address and above cannot be mapped. */
uint64_t arch_ram_end(void);

/* Maps RAM below arch_ram_end() read-write, except for what is mapped already. 0 or -ENOMEM. */
int arch_map_ram(uint64_t base, uint64_t len);

/* From now on page_alloc() works, and page tables are allocated with it. */
void arch_memory_ready(void);

/*
 * Returns when all earlier stores have reached memory: before a device is told to read tables
 * there. [handler]
 */
void arch_memory_sync(void);
/*
 * The same, and [p, p+len) has left the caches: for a device that does not look into them.
 * [handler]
 */
void arch_cache_flush(const void *p, size_t len);

/*
 * Changes the stack canary by `len` bytes of seed. Neither the caller nor its callers may have a
 * protected frame: their canaries would not match on return.
 */
void arch_canary_stir(const void *seed, size_t len);

/* The image runs in the secure world: there is no PSCI, and interrupts are secure ones. */
extern bool arch_secure;

/*
 * Semihosting call (ARM semihosting 2.0); its result. Without semihosting the vectors skip the
 * instruction, and the result is arbitrary.
 */
long arch_semihost(unsigned long op, void *arg);

/* PSCI call without arguments, by smc or hvc; its result. */
long arch_psci(bool smc, unsigned long function);

/* Prints a message, a back trace of the caller, stops devices, ends the run with status 134. */
void arch_die(const char *what) __attribute__((noreturn));

#endif
