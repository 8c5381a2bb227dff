/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - what unit tests and device models see of the HAL on Linux (platform/host).
 *
 * One process is one machine. Everything here is single-threaded except where said otherwise; a
 * test that wants a fresh machine forks first. Time is virtual: it advances by a small step per
 * hal_now_ns and hal_relax call, so that bounded waits end, and by host_advance.
 */
#ifndef VIREO_HOST_H
#define VIREO_HOST_H

#include <setjmp.h>

#include "hal.h"

/* ---- rules of the HAL or the standard that someone broke ------------------------------------- */

/* Records a broken rule: printed at once, and every test case ends by asserting that none was. */
void host_violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned host_violations(void);
const char *host_first_violation(void); /* "" when there is none */
void host_violations_clear(void);       /* for a test that provokes one */
/*
 * From now on what `who` says is printed, and not counted: a device that lied about its registers
 * cannot judge what came of it. The text of a broken rule begins with who found it.
 */
void host_excuse(const char *who);
/* false: nothing counts as one from now on, as the device itself keeps to no rule any more. */
void host_judge(bool on);

/* ---- events: see host_event_kind in hal_arch.h ----------------------------------------------- */

struct host_event {
    enum host_event_kind kind;
    uint64_t addr; /* bus address of a register, else the pointer to the word as a number */
    uint64_t v;
    uint8_t width;
    bool strong; /* a register access: the _sync form; a word: the ORDER_PLATFORM form */
};

/* Called at each event, before it is logged. It may change shared memory; it must not recurse. */
typedef void (*host_event_fn)(const struct host_event *e, void *ctx);
void host_set_hook(host_event_fn fn, void *ctx); /* NULL: none */

/* Starts an empty log; the newest events are dropped when it is full. */
void host_log_events(bool on);
unsigned host_event_count(void);
const struct host_event *host_event_at(unsigned n);

/* ---- the bus --------------------------------------------------------------------------------- */

/* offset is from the start of the range; width is 1, 2 or 4. */
struct host_bus {
    uint32_t (*read)(void *ctx, uint64_t offset, unsigned width, bool sync);
    void (*write)(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync);
};
/* Registers [phys, phys+len). ops and ctx must live as long as the machine. */
void host_bus_add(uint64_t phys, uint64_t len, const struct host_bus *ops, void *ctx);

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * hal_dma_alloc takes pages from an arena of its own, each block between guard pages, and never
 * gives the same page out twice, so a late access by either side is seen. Bus addresses of the
 * arena are not pointers: they start at HOST_DMA_BASE. Of other memory, hal_dma_addr gives the
 * pointer.
 */
#define HOST_DMA_BASE 0x40000000ull

/* Where the device finds [bus, bus+len); NULL (and no violation) when there is no such memory. */
void *host_dma_pointer(uint64_t bus, size_t len);
/* Is it all inside one live block of hal_dma_alloc? */
bool host_dma_is_block(uint64_t bus, size_t len);

/*
 * The device takes the memory (the driver's accesses to it are then found by AddressSanitizer) ...
 */
void host_dma_own(uint64_t bus, size_t len);
/* ... and gives it back. */
void host_dma_return(uint64_t bus, size_t len);
/* Is any byte at p the device's? Exact, where AddressSanitizer counts in steps of eight. */
bool host_dma_owned(const volatile void *p, size_t len);
/*
 * false: from now on nothing is found that way, for a device that lies about what it holds. As its
 * addresses may be anything, it reaches memory of hal_dma_alloc only.
 */
void host_dma_ownership(bool on);
/* The device's own accesses; false when the range is not memory. */
bool host_dma_read(uint64_t bus, void *buf, size_t len);
bool host_dma_write(uint64_t bus, const void *buf, size_t len);

/*
 * All DMA memory is gone, as if it was never given out, and none is counted: for a process that
 * plays one machine after the other, and makes the rest of its state new by itself.
 */
void host_memory_reset(void);

uint64_t host_allocs(void); /* calls of hal_alloc and hal_dma_alloc so far */
/* Blocks that are allocated now, of both kinds. */
int64_t host_live_blocks(void);
void host_fail_alloc_after(int64_t n); /* the n-th call from now and all later fail; < 0: never */
void host_dma_unreachable(bool on);    /* hal_dma_addr answers HAL_DMA_NONE */

/* What hal_entropy_add was given so far; the first 4096 bytes of it are kept. */
const uint8_t *host_entropy(size_t *len);

/* What hal_memory says; pages that are lent come off `free`. At first 256 MiB and 200 MiB. */
void host_set_memory(uint64_t total, uint64_t free);
bool host_page_is_lent(uint64_t page);
unsigned host_pages_lent(void);

/* ---- time, services, start-up ---------------------------------------------------------------- */

void host_advance(uint64_t ns);
/* Once the time is `when`, fn is called: what a device does by itself. Not inside of a handler. */
void host_at(uint64_t when, void (*fn)(void *ctx), void *ctx);
void host_time_step(uint64_t ns); /* how much a call of hal_now_ns takes; 1 us at first */

/*
 * The loop of hal.h until it would sleep: runs what is pending, due or polled, arms, goes round
 * again if work appeared. A violation when it has not settled after 10,000 rounds.
 */
void host_run_services(void);
/* One round of run() calls, without arming. True if one of them did anything. */
bool host_run_round(void);
/* Runs services, sleeping from one next_ns to the next, until `ns` have passed. */
void host_run_for(uint64_t ns);

/* Runs the init table (HAL_INIT) in order of level, as a boot does. */
void host_boot(void);
/* Runs the hal_on_shutdown functions once, newest first. */
void host_shutdown(void);

/* ---- interrupts ------------------------------------------------------------------------------ */

#define HOST_IRQS         128
#define HOST_MSI_FIRST    96 /* lines of hal_msi_alloc */
#define HOST_MSI_DOORBELL 0x08020040ull

/*
 * Drives a level-triggered line. While it is high and unmasked its handlers are called again and
 * again; one that is never acknowledged is a violation.
 */
void host_irq_set(hal_irq_t line, bool high);
void host_irq_pulse(hal_irq_t line); /* edge: one call of the handlers */
/* What a device does to raise a message. A violation if nobody allocated it. */
void host_msi_write(uint64_t addr, uint32_t data);
void host_irq_hold(bool hold); /* holds delivery back (interrupts off); false delivers */
bool host_irq_is_masked(hal_irq_t line);
unsigned host_irq_handlers(hal_irq_t line);
bool host_in_handler(void);
void host_msi_limit(int n); /* messages that the machine has; 0: no doorbell (-ENODEV) */

/* ---- tables ---------------------------------------------------------------------------------- */

void host_add_virtio_mmio(uint64_t phys, uint64_t len, hal_irq_t irq);
void host_add_pci(const struct hal_pci_host *h, hal_irq_t intx_first); /* 4 lines, swizzled */

/* ---- boot arguments, log, failure ------------------------------------------------------------ */

void host_set_bootargs(const char *args); /* copied; words separated by spaces */
unsigned host_log_lines(enum hal_level level);
bool host_logged(const char *part); /* does a line contain this? */
unsigned host_log_matches(const char *part);
void host_log_clear(void);

/* With `where` set, hal_panic jumps there (setjmp gives 1) instead of aborting; once. */
void host_expect_panic(jmp_buf *where);
const char *host_panic_text(void);

#endif
