/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal.h - everything that drivers/ sees of the machine and of the runtime.
 *
 * A port of the driver stack to another kernel or board is this header: about thirty functions,
 * and the inline accessors of <hal_arch.h>, which the include path chooses (platform/arch/ARCH/ on
 * a target, platform/host/ on Linux, where each access is a call into a device model).
 *
 * Contexts. "Handler" is interrupt context: it may only call what is marked [handler]. All else
 * runs in task context: on the stack of some task, one at a time (the image is cooperative and
 * single-core), so drivers need no lock. A service's run() and everything below it never parks.
 *
 * Errors are negative errno values (hal_errno.h holds those that drivers use).
 */
#ifndef VIREO_HAL_H
#define VIREO_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal_arch.h" /* register accessors and ordering verbs; see the contract below */
#include "hal_errno.h"
#include "hal_util.h"

/*
 * Has the compiler check a format. Not on 32-bit targets: uint32_t may be unsigned long there, and
 * %u prints that as well (both are 32 bits wide), but not to the compiler's liking.
 */
#ifdef __LP64__
#define HAL_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define HAL_FORMAT(fmt, args)
#endif

/* ---- <hal_arch.h> supplies, all static inline -------------------------------------------------
 *
 * typedef ... hal_mmio_t;      an address for the accessors below (uintptr_t on a target); 0 = none
 *
 * Register accessors, one bus access each, exactly of that width, never merged, in program order
 * among themselves (device memory):
 *   uint8_t  hal_read8 (hal_mmio_t);   void hal_write8 (hal_mmio_t, uint8_t);
 *   uint16_t hal_read16(hal_mmio_t);   void hal_write16(hal_mmio_t, uint16_t);
 *   uint32_t hal_read32(hal_mmio_t);   void hal_write32(hal_mmio_t, uint32_t);
 *   uint32_t hal_read32_sync(hal_mmio_t);         load, then "memory may now be read or reused"
 *   uint8_t  hal_read8_sync (hal_mmio_t);         (status 0, ISR, InterruptStatus)
 *   void     hal_write{8,16,32}_sync(hal_mmio_t, v);  all memory stores first, then the store that
 *                                                 may start the device (doorbell, ready, DRIVER_OK)
 *   void     hal_ack_order(void);   between acknowledging an interrupt and draining its queues
 *
 * Words shared with a device (ordinary memory). Each is one single-copy-atomic access; the device
 * may change them at any time, so load once, check, then use:
 *   uint8_t  hal_shared_load8 (const uint8_t *);    (status bytes and text; never stored)
 *   uint16_t hal_shared_load16(const uint16_t *);   void hal_shared_store16(uint16_t *, uint16_t);
 *   uint32_t hal_shared_load32(const uint32_t *);   void hal_shared_store32(uint32_t *, uint32_t);
 *
 * Ordering verbs, a barrier and a plain access each ("platform": VIRTIO_F_ORDER_PLATFORM was
 * negotiated, so order as for a real device, not as for another CPU):
 *   void     hal_publish16(uint16_t *, uint16_t v, bool platform);  earlier stores, then this one
 *   uint16_t hal_observe16(const uint16_t *, bool platform);        this load, then later accesses
 *   uint16_t hal_check16  (const uint16_t *, bool platform);  all earlier stores, then this load:
 *            reading a suppression word after publishing, or an index after arming
 *   uint32_t hal_check32  (const uint32_t *, bool platform);  the same
 *
 *   void hal_relax(void);        a hint inside a bounded busy wait
 */

/* ---- time ------------------------------------------------------------------------------------ */

/* Monotonic time since boot, in nanoseconds. Never goes back. [handler] */
uint64_t hal_now_ns(void);

#define HAL_NEVER UINT64_MAX
#define HAL_US    1000ull
#define HAL_MS    1000000ull
#define HAL_SEC   1000000000ull

/* ---- memory ---------------------------------------------------------------------------------- */

/* Private driver memory, zeroed, aligned to 16. NULL when there is none. free(NULL) is allowed. */
void *hal_alloc(size_t size);
void hal_free(void *p);

/*
 * Memory that a device may reach: zeroed, physically contiguous, aligned to `align` (a power of
 * two, at most 64 KiB; drivers ask for no more than 4096). *dma is the bus address of the first
 * byte. NULL: none left. Free with the size that was asked for, and only when the device can no
 * longer reach it.
 */
void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma);
void hal_dma_free(void *p, size_t size);

/*
 * Bus address of memory that the caller owns (heap, stack, image data, hal_dma_alloc), or
 * HAL_DMA_NONE if [p, p+len) cannot be reached by a device as one contiguous range.
 */
#define HAL_DMA_NONE UINT64_MAX
uint64_t hal_dma_addr(const void *p, size_t len);

/* The machine's memory in bytes, and what of it nobody uses. */
struct hal_memory {
    uint64_t total, free;
};
void hal_memory(struct hal_memory *out);

/*
 * Lends a page of 4096 bytes to the machine's host: its bus address, or HAL_DMA_NONE when there is
 * none left. Its content is lost, and nothing touches it until it is returned.
 */
uint64_t hal_page_lend(void);
void hal_page_return(uint64_t page);

/* Maps [phys, phys+len) as device memory; 0 when the range cannot be mapped. Idempotent. */
hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len);

/* ---- interrupts ------------------------------------------------------------------------------ */

typedef int hal_irq_t; /* an opaque line number; negative = none */
typedef void (*hal_irq_fn)(void *ctx);

/*
 * Attaches a handler and unmasks the line. Several handlers may share a line: all are called.
 * -EINVAL: no such line; -ENOMEM. The handler runs in handler context.
 */
int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx);
void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx);
void hal_irq_mask(hal_irq_t irq); /* [handler] ends a storm; nothing else needs it */

/* A message-signalled interrupt: what a function writes, where, and the line that it raises. */
struct hal_msi {
    uint64_t addr;
    uint32_t data;
    hal_irq_t irq;
};

/*
 * One more message for the function `requester` (PCI host << 16 | bus << 8 | devfn). -ENODEV when
 * the machine has no doorbell for messages that works (use INTx), -ENOSPC when they are used up,
 * -ENOMEM, -EIO when the doorbell has just stopped to work.
 */
int hal_msi_alloc(uint32_t requester, struct hal_msi *msi);
void hal_msi_free(const struct hal_msi *msi);

/* ---- what the machine has, found in the device tree ------------------------------------------ */

/* The n-th virtio-mmio window, in order of address. -ENOENT past the last. */
struct hal_virtio_mmio {
    uint64_t phys;
    uint64_t len;
    hal_irq_t irq;
};
int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out);

/*
 * The n-th PCI Express host bridge with ECAM. A window with len 0 does not exist. -ENOENT past the
 * last; -ENODEV: it is there, but an IOMMU keeps its functions from memory (logged).
 */
struct hal_pci_window {
    uint64_t cpu; /* address for the CPU  */
    uint64_t pci; /* address on the bus   */
    uint64_t len;
};
struct hal_pci_host {
    unsigned index;
    uint8_t bus_first, bus_last;
    struct hal_pci_window ecam, io, mem32, mem64;
};
int hal_pci_host(unsigned n, struct hal_pci_host *out);

/* Line of INTx pin 1..4 of device `dev` (0..31) on the root bus; negative when not wired. */
hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin);

/* ---- services: progress outside of any task ---------------------------------------------------
 *
 * A service is a device, or a protocol stack, that makes progress when it is woken (by a handler),
 * when its time has come, or in every round if it is polled. The loop that runs when tasks park:
 *
 *     run every service that is pending, due or polled; if a task became runnable, switch to it;
 *     else arm every service; if one says that work appeared meanwhile, go round again;
 *     else, unless one is polled, wait for an interrupt or the earliest next_ns.
 */
struct hal_service {
    const char *name;
    /* Does what is there to do, within a bound; true if anything was done. Never parks. */
    bool (*run)(struct hal_service *);
    /* About to sleep: asks for interrupts; true if work appeared in between. May be NULL. */
    bool (*arm)(struct hal_service *);
    void *ctx;
    uint64_t next_ns;      /* run no later than this, HAL_NEVER for none; the service sets it */
    bool polled;           /* run in every round; the CPU does not sleep while one is polled */
    volatile bool pending; /* set by hal_service_wake, cleared before run() */
    struct hal_service *next;
};
void hal_service_add(struct hal_service *s);
void hal_service_wake(struct hal_service *s); /* [handler] */

/* ---- start-up -------------------------------------------------------------------------------- */

/*
 * Functions that run once before main(), in order of level, and only if their object file was
 * linked. They may not park. A failure is logged by the function itself and never stops the boot.
 */
enum { HAL_INIT_BUS = 1, HAL_INIT_DEVICE = 2, HAL_INIT_STACK = 3, HAL_INIT_LEVELS = 4 };
struct hal_init {
    unsigned level;
    const char *name;
    void (*fn)(void);
};
#ifndef HAL_TABLE_ATTR
#define HAL_TABLE_ATTR(table)                                                                      \
    __attribute__((used, section("vireo_" #table), aligned(sizeof(void *))))
#endif
#define HAL_INIT(lvl, func)                                                                        \
    static const struct hal_init hal_init_##func HAL_TABLE_ATTR(init) = {(lvl), #func, (func)}

/* Called with interrupts off when the image ends, is reset or panics: stop all DMA (bounded). */
typedef void (*hal_shutdown_fn)(void *ctx);
int hal_on_shutdown(hal_shutdown_fn fn, void *ctx);

/* ---- randomness ------------------------------------------------------------------------------ */

/*
 * Random bytes from outside, for the generator that getentropy() reads: mixed in, and counted as
 * entropy. The caller's copy should be wiped.
 */
void hal_entropy_add(const void *buf, size_t len);

/* ---- boot arguments -------------------------------------------------------------------------- */

/*
 * Value of "vireo.<dev>.<name>=" if given, else of "vireo.<name>="; NULL if neither is. dev may be
 * NULL. The string lives for ever. An argument that nobody asked for by the time main() starts is
 * reported once in the log.
 */
const char *hal_option(const char *dev, const char *name);

/*
 * Same, as a number (decimal or 0x); `def` when absent, and after a warning when malformed or
 * outside [min, max].
 */
uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min,
                        uint64_t max);

/* Value of the boot argument "<name>=" that is not Vireo's own ("ip"); NULL when absent. */
const char *hal_bootarg(const char *name);

/* ---- log and failure ------------------------------------------------------------------------- */

enum hal_level { HAL_ERROR, HAL_WARN, HAL_INFO, HAL_DEBUG };

/*
 * One line: time, `who` (a device's or room's name) and the text. Formats: %s %c %d %u %x %p %%
 * with l, ll, z, width, 0 and - flags, %.*s; nothing else. [handler]
 */
void hal_log(enum hal_level level, const char *who, const char *fmt, ...) HAL_FORMAT(3, 4);

/* One of our own invariants broke: prints, stops all devices, ends the run with status 134. */
void hal_panic(const char *fmt, ...) __attribute__((noreturn)) HAL_FORMAT(1, 2);

/* For invariants of our own only, never for a value that a device or a packet supplied. */
#define hal_assert(c)                                                                              \
    do {                                                                                           \
        if (__builtin_expect(!(c), 0))                                                             \
            hal_panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #c);                      \
    } while (0)

/* ---- freestanding string helpers (drivers use no other libc) --------------------------------- */

void *memcpy(void *restrict, const void *restrict, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);

#endif
