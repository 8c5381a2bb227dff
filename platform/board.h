/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.h - the interface inside platform/: what arch/ and a board (virt/) supply to runtime/ and
 * libc/, and what runtime/ supplies to them. Nothing outside platform/ includes it. All is for
 * tasks and for the start, but for what is marked [handler].
 */
#ifndef VIREO_BOARD_H
#define VIREO_BOARD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- supplied by the board, which finds it through the device tree --------------------------- */

/* Addresses and lengths in bytes. */
struct board_range {
    uint64_t base, len;
};
#define BOARD_RANGES 64
struct board_info {
    struct board_range ram[BOARD_RANGES]; /* all RAM, in order of address; no two touch */
    unsigned ram_count;
    struct board_range reserved[BOARD_RANGES]; /* image, initrd, others: never handed out */
    unsigned reserved_count;
    struct board_range initrd; /* len 0: none */
    char bootargs[2048];       /* a copy, NUL-terminated; longer ones are cut */
    bool bootargs_truncated;
};
/* The same at each call; complete when memory_init() is called. [handler] */
const struct board_info *board_info(void);

/* Writes bytes to the serial line, CR before each LF; busy until the UART has them. [handler] */
void board_console_write(const char *s, size_t len);
int board_console_getc(void); /* the next received byte, or -1: none */
/* From now on fn is called, in handler context, when input has arrived. */
void board_console_on_input(void (*fn)(void));

/*
 * Asks for one interrupt, no earlier than when_ns (hal_now_ns); HAL_NEVER: for none any more.
 * [handler]
 */
void board_timer_set(uint64_t when_ns);

/*
 * Called with interrupts masked: sleeps until an interrupt is pending, and returns with interrupts
 * still masked. The handlers run when the caller unmasks, or calls board_irq().
 */
void board_wait(void);
/*
 * Takes the interrupt that is pending, if one is, and calls its handlers. Called with interrupts
 * masked: by the vectors, and by the loop after board_wait(). [handler]
 */
void board_irq(void);

/* From now on fn is called, in handler context, when the power button was pressed. */
void board_on_power_button(void (*fn)(void));

/* Seconds since 1970, from the machine's clock. False: it has none. */
bool board_rtc_seconds(uint64_t *unix_seconds);

/*
 * Ends the machine, with interrupts masked: by semihosting, where QEMU exits with `status`, else by
 * power-off. [handler]
 */
void board_exit(int status) __attribute__((noreturn));

/* ---- supplied by arch/ ----------------------------------------------------------------------- */

/* arch_irq_save() and arch_irq_restore() are inline, in hal_arch.h. */

/*
 * A context that does not run: its callee-saved registers lie on its stack, at sp. `thread` never
 * changes: what the CPU's thread pointer is while the context runs.
 */
struct arch_context {
    void *sp;
    void *thread;
};
/*
 * Prepares a context that calls entry(arg) when it is first switched to, with the stack below
 * stack_top. entry must not return. c->thread is the caller's to set.
 */
void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg);
/* Saves the running context in `from`, and continues `to`. Returns when `from` is switched to. */
void arch_switch(struct arch_context *from, struct arch_context *to);

enum arch_prot { ARCH_NONE, ARCH_READ, ARCH_READ_WRITE };
/*
 * Changes the protection of whole pages of RAM, 4096 bytes each (stack guards). 0; -EINVAL: not
 * such pages; -ENOMEM: no page for a table.
 */
int arch_protect(void *addr, size_t len, enum arch_prot prot);

/* A NOP (hint #96 + n, n from 0 to 31) that the instruction-counting plugin recognises. */
#define ARCH_MARK_MAIN  0
#define ARCH_MARK_READY 1
#define arch_mark(n)    arch_mark_insn(n)

/* 64 random bits of the CPU (RNDR). False: the CPU has no such instruction, or no bits now. */
bool arch_random(uint64_t *out);

/* ---- supplied by runtime/ -------------------------------------------------------------------- */

/*
 * The time of a round of the loop. A hal_now_ns whose counter is dear to read gives now_ns as long
 * as `reads` is not 0, and counts it down. [handler]
 */
extern struct runtime_round {
    uint64_t now_ns;
    unsigned reads;
} runtime_round;

/*
 * Called by the board when MMU, console, memory_init() and timer are done, on the boot stack with
 * interrupts masked. Runs the init table and main() in the first task.
 */
void runtime_start(void) __attribute__((noreturn));
/*
 * Takes random bytes that the board was given (rng-seed), as entropy, and wipes them. Before
 * runtime_start(); len may be 0.
 */
void runtime_seed(void *seed, size_t len);
/* Called by the board, once, when board_info is complete. page_alloc works afterwards. */
void memory_init(const struct board_info *info);
/* n contiguous pages of 4096 bytes, zeroed, which are the caller's until page_free. NULL: none. */
void *page_alloc(size_t n);
void page_free(void *p, size_t n);
/* Called by the board's timer interrupt, which has silenced the timer. [handler] */
void runtime_timer(void);
/* Calls the shutdown functions (hal_on_shutdown), each at most once in a run. [handler] */
void runtime_stop_devices(void);
/*
 * The formatter of the log and of the fault report: no libc, no floating-point registers, no memory
 * but `out`, so that handlers may call it. Writes at most `size` bytes, without a terminating NUL,
 * and returns their number; what does not fit is cut. Formats: %s %c %d %u %x %p %% with l, ll, z,
 * width, 0 and - flags, %.*s. Any other directive is copied unchanged, and so is the rest of the
 * format behind it.
 */
size_t runtime_format_args(char *out, size_t size, const char *fmt, va_list args);
size_t runtime_format(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * For the fault report: the name of the running task, "boot" before the first; and the bounds of
 * its stack, or false if there is no task. [handler]
 */
const char *runtime_task_name(void);
bool runtime_task_stack(uintptr_t *low, uintptr_t *high);

/* Clears len bytes of what must not stay in memory: the compiler never leaves that out. */
static inline void board_wipe(void *p, size_t len)
{
    __builtin_memset(p, 0, len);
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif
