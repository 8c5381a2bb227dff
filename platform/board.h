/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.h - the seam inside platform/: what arch/ and a board (virt/) supply to runtime/ and libc/,
 * and the few things that they call in return. Nothing outside platform/ includes it.
 */
#ifndef VIREO_BOARD_H
#define VIREO_BOARD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- supplied by the board (found through the device tree) ----------------------------------- */

struct board_range {
    uint64_t base, len;
};
#define BOARD_RANGES 8
struct board_info {
    struct board_range ram[BOARD_RANGES]; /* all RAM */
    unsigned ram_count;
    struct board_range reserved[BOARD_RANGES]; /* image and initrd: never handed out */
    unsigned reserved_count;
    struct board_range initrd; /* len 0: none */
    char bootargs[2048];       /* NUL-terminated copy */
    bool bootargs_truncated;
    uint8_t seed[64]; /* rng-seed of the device tree */
    unsigned seed_len;
};
const struct board_info *board_info(void);

void board_console_write(const char *s, size_t len); /* raw; any context */
int board_console_getc(void);                        /* next received byte, or -1 */
/* Calls fn in handler context when input arrived. */
void board_console_on_input(void (*fn)(void));

/* One-shot: an interrupt no earlier than `when_ns` (hal_now_ns time); HAL_NEVER: none. */
void board_timer_set(uint64_t when_ns);

/*
 * Called with interrupts masked: sleeps until an interrupt is pending, then returns (still masked);
 * the caller unmasks, and the handlers run.
 */
void board_wait(void);

bool board_rtc_seconds(uint64_t *unix_seconds);

/* Ends the machine: QEMU's exit status with semihosting, else power-off. Not interruptible. */
void board_exit(int status) __attribute__((noreturn));

/* ---- supplied by arch/ ----------------------------------------------------------------------- */

unsigned long arch_irq_save(void); /* masks interrupts, returns the former state */
void arch_irq_restore(unsigned long state);

/* Callee-saved state of a parked task lives on its stack; this is its stack pointer. */
struct arch_context {
    void *sp;
};
/* Prepares a context that, when first switched to, calls entry(arg) with its stack at stack_top. */
void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg);
void arch_switch(struct arch_context *from, struct arch_context *to);

enum arch_prot { ARCH_NONE, ARCH_READ, ARCH_READ_WRITE };
/* Changes the protection of whole 4 KiB pages of RAM (stack guards). -ENOMEM: none for a table. */
int arch_protect(void *addr, size_t len, enum arch_prot prot);

/* A NOP that the instruction-counting plugin sees (hint #96 + mark, mark 0..31). */
#define ARCH_MARK_MAIN  0
#define ARCH_MARK_READY 1
#define arch_mark(n)    arch_mark_insn(n)

/* Hardware random bits where the CPU has them (RNDR); false where not. */
bool arch_random(uint64_t *out);

/* ---- supplied by runtime/ -------------------------------------------------------------------- */

/*
 * The first C code after MMU, device tree and console are up, on the boot stack, interrupts
 * masked. memory_init() has been called. Starts the timer, the init table, main(). Never returns.
 */
void runtime_start(void) __attribute__((noreturn));
/* Called by the board when board_info is complete. From here page_alloc works. */
void memory_init(const struct board_info *info);
/* n contiguous zeroed 4 KiB pages, or NULL. */
void *page_alloc(size_t n);
void page_free(void *p, size_t n);
/* Called by panic: runs the shutdown functions (bounded), never twice. */
void runtime_stop_devices(void);
/*
 * The formatter of the log and of the fault report: no libc, no floating-point registers, no memory
 * but `out`, so that handlers may call it. Writes at most `size` bytes, without a terminating NUL,
 * and returns their number; what does not fit is cut. Formats: %s %c %d %u %x %p %% with l, ll, z,
 * width, 0 and - flags, %.*s. Any other directive is copied as it stands, and so is the rest of the
 * format behind it.
 */
size_t runtime_format_args(char *out, size_t size, const char *fmt, va_list args);
size_t runtime_format(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Name of the running task, for the fault report; its stack, for the back trace. */
const char *runtime_task_name(void);
bool runtime_task_stack(uintptr_t *low, uintptr_t *high);

#endif
