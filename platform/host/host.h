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

/* ---- broken rules of the HAL or of the standard ---------------------------------------------- */

/* Records a broken rule, and prints it. Each test case ends by asserting that none was recorded. */
void host_violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned host_violations(void);
const char *host_first_violation(void); /* "" when there is none */
void host_violations_clear(void);       /* for a test that provokes one */
/*
 * From now on, rules whose text begins with `who` are printed but not counted: a device that lied
 * about its registers cannot judge how they are used afterwards.
 */
void host_excuse(const char *who);
/* false: from now on no broken rule counts, as the device itself keeps no rule any more. */
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

/* true: starts an empty log of events. When it is full, further events are dropped. */
void host_log_events(bool on);
unsigned host_event_count(void);
const struct host_event *host_event_at(unsigned n);

/* ---- the bus --------------------------------------------------------------------------------- */

/* A range of registers. offset: bytes from its start; width: 1, 2 or 4 bytes. */
struct host_bus {
    uint32_t (*read)(void *ctx, uint64_t offset, unsigned width, bool sync);
    void (*write)(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync);
};
/* Adds registers at [phys, phys+len). ops and ctx must live as long as the machine. */
void host_bus_add(uint64_t phys, uint64_t len, const struct host_bus *ops, void *ctx);

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * hal_dma_alloc takes pages from an arena, each block between guard pages, and no page twice: an
 * access after hal_dma_free, by driver or device, is found. Bus addresses of the arena are not
 * pointers: they start at HOST_DMA_BASE. For other memory the pointer is the bus address.
 */
#define HOST_DMA_BASE 0x40000000ull

/*
 * Before the first hal_dma_alloc, for a driver that knows no mappings: all bus addresses are
 * pointers, also those of the arena, and devices reach all memory of the process.
 */
void host_dma_identity(void);

/* Pointer to the memory at [bus, bus+len). NULL: no such memory, which is no violation. */
void *host_dma_pointer(uint64_t bus, size_t len);
/* Is [bus, bus+len) inside of one block that hal_dma_alloc gave out? */
bool host_dma_is_block(uint64_t bus, size_t len);

/*
 * The device takes the memory (the driver's accesses to it are then found by AddressSanitizer) ...
 */
void host_dma_own(uint64_t bus, size_t len);
/* The device gives the memory back. */
void host_dma_return(uint64_t bus, size_t len);
/* Does the device have any of these bytes? Exact to the byte, unlike AddressSanitizer. */
bool host_dma_owned(const volatile void *p, size_t len);
/*
 * false: from now on ownership is not checked, for a device that lies about which buffers it holds.
 * Such a device uses any addresses, so it reaches memory of hal_dma_alloc only.
 */
void host_dma_ownership(bool on);
/* The device's accesses. False: the range is not memory. */
bool host_dma_read(uint64_t bus, void *buf, size_t len);
bool host_dma_write(uint64_t bus, const void *buf, size_t len);

/*
 * Forgets all DMA memory and its counts: for a process that plays one machine after the other, and
 * renews the rest of its state itself.
 */
void host_memory_reset(void);

/* ---- mappings (hal_dma_map) --------------------------------------------------------------------
 *
 * The device reaches the memory of hal_dma_alloc, but for memory that was asked for without a bus
 * address, and what is mapped, in the mapping's direction. All else is a violation, and so is an
 * end without a beginning, memory that is freed while it is mapped, and memory that is mapped twice
 * though a device writes to it.
 *
 * A mapping is the memory itself, or a copy: with VIREO_HOST_DMA=copy in the environment, or after
 * host_dma_copy(true), each range that is mapped lies in an arena of the device, at an address that
 * is not used again soon. Data is copied when a mapping begins, and when it ends; meanwhile the
 * driver's accesses to memory that the device writes are found by AddressSanitizer.
 */
#define HOST_DMA_COPIES 0x200000000000ull /* bus address of that arena */

void host_dma_copy(bool on);
unsigned host_dma_maps(void); /* mappings that have not ended */
/* The n-th mapping from now and all later ones fail; < 0: none. */
void host_dma_fail_after(int64_t n);

uint64_t host_allocs(void); /* calls of hal_alloc and hal_dma_alloc so far */
/* Blocks of hal_alloc and hal_dma_alloc that are allocated now. */
int64_t host_live_blocks(void);
void host_fail_alloc_after(int64_t n); /* the n-th call from now and all later fail; < 0: never */
void host_dma_unreachable(bool on);    /* hal_dma_map answers HAL_DMA_NONE */

/* The bytes given to hal_entropy_add so far, *len of them; the first 4096 are kept. */
const uint8_t *host_entropy(size_t *len);

/* The result of hal_memory; lent pages are taken off `free`. At first 256 MiB and 200 MiB. */
void host_set_memory(uint64_t total, uint64_t free);
bool host_page_is_lent(uint64_t page);
unsigned host_pages_lent(void);

/* What memory.c and dma.c tell each other. */
bool host_dma_is_mapped(uint64_t bus, size_t len, enum hal_dma_direction direction);
void host_dma_check_free(const void *p, size_t len); /* before the memory is freed */
void *host_dma_copy_at(uint64_t bus);                /* NULL: no address of a copy */
void host_dma_forget(void);                          /* all mappings */
bool host_is_unreachable(void);

/* ---- time, services, start-up ---------------------------------------------------------------- */

void host_advance(uint64_t ns);
/* Calls fn(ctx) once, when the time reaches `when`, but not inside of a handler: for devices. */
void host_at(uint64_t when, void (*fn)(void *ctx), void *ctx);
void host_time_step(uint64_t ns); /* how much a call of hal_now_ns takes; 1 us at first */

/*
 * The loop of hal.h until it would sleep: runs services that are pending, due or polled, arms them,
 * and starts again if work appeared. 10,000 rounds without an end are a violation.
 */
void host_run_services(void);
/* One round of run() calls, without arming. True if one of them did anything. */
bool host_run_round(void);
/* When the next service or alarm is due; HAL_NEVER: none is. */
uint64_t host_next_due(void);
/* Runs services for `ns`; the time jumps from one next_ns or alarm to the next. */
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
 * Sets a level-triggered line. While it is high and not masked its handlers are called again and
 * again; after a million calls that is a violation.
 */
void host_irq_set(hal_irq_t line, bool high);
void host_irq_pulse(hal_irq_t line); /* edge: one call of the handlers */
/* A device writes a message. A violation if hal_msi_alloc did not give it out. */
void host_msi_write(uint64_t addr, uint32_t data);
void host_irq_hold(bool hold); /* true: interrupts are masked; false: delivers them */
bool host_irq_is_masked(hal_irq_t line);
unsigned host_irq_handlers(hal_irq_t line);
bool host_in_handler(void);
void host_msi_limit(int n); /* messages that the machine has; 0: no doorbell (-ENODEV) */

/* ---- tables ---------------------------------------------------------------------------------- */

/* From now on hal_virtio_mmio() and hal_pci_host() tell of nothing. */
void host_hide(bool hide);
void host_add_virtio_mmio(uint64_t phys, uint64_t len, hal_irq_t irq);
void host_add_pci(const struct hal_pci_host *h, hal_irq_t intx_first); /* 4 lines, swizzled */

/* ---- boot arguments, log, failure ------------------------------------------------------------ */

void host_set_bootargs(const char *args); /* copied; words separated by spaces */
unsigned host_log_lines(enum hal_level level);
bool host_logged(const char *part); /* does a line contain this? */
unsigned host_log_matches(const char *part);
void host_log_clear(void);

/* The next hal_panic jumps to `where` (setjmp returns 1) instead of aborting. */
void host_expect_panic(jmp_buf *where);
const char *host_panic_text(void);

#endif
