/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal.h - everything that drivers/ uses of the machine and of the runtime.
 *
 * A port of the drivers to another kernel or board supplies the functions of this header that its
 * drivers refer to, and the inline accessors of "hal_arch.h", which the include path chooses
 * (platform/arch/ARCH/ on a target, platform/host/ on Linux, where each access is a call into a
 * device model). Which functions these are, by the folders that are linked:
 *
 *   virtio/ with transport/mmio*.c, block/ and net/:
 *            hal_now_ns hal_alloc hal_free hal_dma_alloc hal_dma_free hal_dma_addr hal_mmio_map
 *            hal_irq_attach hal_irq_detach hal_irq_mask hal_virtio_mmio hal_service_add
 *            hal_service_wake hal_on_shutdown hal_option hal_option_u64 hal_option_bad hal_log
 *            hal_panic
 *   also pci/ and transport/vpci*.c:
 *            hal_pci_host hal_pci_intx hal_msi_alloc hal_msi_free
 *   also entropy/:
 *            hal_entropy_add
 *   also balloon/:
 *            hal_memory hal_page_lend hal_page_return
 *   also console/, vsock/:
 *            nothing
 *
 * With HAL_DMA_MAPS 1, hal_dma_map and hal_dma_unmap take the place of hal_dma_addr. Beside these
 * the drivers refer to memcpy, memset and memcmp, and to what the compiler brings along (libgcc).
 * Of the functions for interrupts, options, messages, PCI and the end a small port needs stubs
 * only: hal_defaults.c has them.
 *
 * Contexts. A handler runs in interrupt context, and may call only what is marked [handler]. All
 * other code runs in task context, and so do the functions of drivers, unless they are handlers.
 * Functions of a service never park, nor does what they call: they wait for nothing but, in a start
 * or a reset, registers, and that for a second at most. Functions of this header call no function
 * of a driver, except that hal_irq_attach may call the handler at once, as the line may be raised.
 *
 * Locks. Drivers have none. In task context one function of a driver runs at a time, on any stack
 * and any core. A handler may interrupt it at any point on the same core; a handler must not run on
 * another core meanwhile. So:
 *   - a cooperative kernel on one core needs nothing;
 *   - a preemptive kernel on one core takes one mutex around each call of a driver and around each
 *     run() and arm(), also where services have a thread of their own; handlers take none;
 *   - on several cores handlers take the lock as well: it is a spin lock that is taken with
 *     interrupts off, or the interrupts go to threads that take the mutex (a line stays masked
 *     until its thread has called the handlers).
 * A finer lock is not promised: devices share the lists of devices, the PCI configuration window
 * and the block layer's service. Callbacks of a driver (done() of a block request, input() of a
 * network card) run under that lock, and may call the driver: block_submit() from done(), for one.
 *
 * Byte order. The CPU is little-endian, as the registers and rings of virtio 1.0 are; nothing is
 * swapped, and a big-endian CPU is refused at compile time.
 *
 * Errors are negative errno values (hal_errno.h has those that drivers use).
 */
#ifndef VIREO_HAL_H
#define VIREO_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vireo_config.h"
#include "vireo_version.h"

#if __STDC_HOSTED__ && defined(__has_include)
#if __has_include(<string.h>)
#define HAL_HAS_STRING_H
#include <string.h>
#endif
#endif

#include "hal_arch.h" /* register accessors and ordering verbs; see the contract below */
#include "hal_errno.h"
#include "hal_util.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the drivers are for little-endian CPUs"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Has the compiler check a format. Not on 32-bit targets, where uint32_t may be unsigned long: %u
 * prints that correctly, as both have 32 bits, but the compiler warns.
 */
#ifdef __LP64__
#define HAL_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define HAL_FORMAT(fmt, args)
#endif

/* ---- <hal_arch.h> supplies, all static inline -------------------------------------------------
 *
 * typedef ... hal_mmio_t;      an address for the accessors below (uintptr_t on a target); 0: none
 *
 * All of these are [handler].
 *
 * Register accessors. Each makes exactly one bus access of its width; accesses are never merged,
 * and are in program order among themselves (device memory):
 *   uint8_t  hal_read8 (hal_mmio_t);   void hal_write8 (hal_mmio_t, uint8_t);
 *   uint16_t hal_read16(hal_mmio_t);   void hal_write16(hal_mmio_t, uint16_t);
 *   uint32_t hal_read32(hal_mmio_t);   void hal_write32(hal_mmio_t, uint32_t);
 *   uint32_t hal_read32_sync(hal_mmio_t);         the load, then all later accesses of memory, as
 *   uint8_t  hal_read8_sync (hal_mmio_t);         the value allows (status 0, ISR, InterruptStatus)
 *   void     hal_write{8,16,32}_sync(hal_mmio_t, v);  all earlier stores to memory, then the store,
 *                                                 which may start the device (doorbell, DRIVER_OK)
 *   void     hal_ack_order(void);   between acknowledging an interrupt and draining its queues
 *
 * Words shared with a device (ordinary memory). Each is one single-copy-atomic access of an aligned
 * word. The device may change the word at any time: load it once, check the value, then use it:
 *   uint8_t  hal_shared_load8 (const uint8_t *);    (status bytes and text; never stored)
 *   uint16_t hal_shared_load16(const uint16_t *);   void hal_shared_store16(uint16_t *, uint16_t);
 *   uint32_t hal_shared_load32(const uint32_t *);   void hal_shared_store32(uint32_t *, uint32_t);
 *
 * Ordering verbs, each a barrier and one access of a shared word. platform: with
 * VIRTIO_F_ORDER_PLATFORM, the order holds for devices behind a bus too; without, for other CPUs:
 *   void     hal_publish16(uint16_t *, uint16_t v, bool platform);  earlier stores, then this one
 *   uint16_t hal_observe16(const uint16_t *, bool platform);        this load, then later accesses
 *   uint16_t hal_check16  (const uint16_t *, bool platform);  all earlier stores, then this load:
 *            of a suppression word after publishing, or of an index after arming
 *   uint32_t hal_check32  (const uint32_t *, bool platform);  the same
 *
 *   void hal_relax(void);        a hint to the CPU, in each round of a bounded busy wait
 */

/* ---- time ------------------------------------------------------------------------------------ */

/*
 * Time since boot in nanoseconds. Never goes back, and advances with interrupts off as well: the
 * functions of hal_on_shutdown wait for resets then. So it is read from a counter, not counted by a
 * tick. A resolution of 1 ms does for all deadlines; the wake-up "hybrid" spins for 50 us and wants
 * 10 us. While services run it may give the time at which the loop's round began, for some calls;
 * a wait for a register must see time pass. [handler]
 */
uint64_t hal_now_ns(void);

#define HAL_NEVER UINT64_MAX /* a time that never comes */
#define HAL_US    1000ull
#define HAL_MS    1000000ull
#define HAL_SEC   1000000000ull

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * Memory for the driver's own use: `size` bytes, zeroed, aligned to 16. NULL: out of memory.
 * hal_free(NULL) does nothing.
 */
void *hal_alloc(size_t size);
void hal_free(void *p);

/*
 * Memory that device and CPU share: `size` bytes, zeroed, contiguous on the bus, aligned to `align`
 * (a power of two, at most 64 KiB; drivers ask for no more than 4096). Each side sees what the
 * other wrote, in the order of the verbs above, without a call in between: on a machine whose
 * devices do not look into the CPU's caches it is not cached. Rings, request headers, status bytes
 * and control messages lie in it. *dma: the bus address of the first byte; all devices have the
 * same bus addresses. NULL: out of memory. hal_dma_free takes the same size, and must be called
 * only when no device can reach the memory any more. hal_dma_free(NULL, n) does nothing.
 *
 * dma NULL (only where HAL_DMA_MAPS is 1): memory for data, which is mapped before each use.
 * Devices need not reach it otherwise, and the CPU may cache it.
 */
void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma);
void hal_dma_free(void *p, size_t size);

/*
 * Mapping lends a device data in memory of any kind (heap, stack, image data, hal_dma_alloc), for
 * one use: frames, both ways, and the data of block requests. hal_arch.h says with HAL_DMA_MAPS
 * what a mapping is:
 *
 *   0, or not defined: the device reaches all memory, and looks into the CPU's caches. The port
 *      supplies hal_dma_addr, and a mapping costs no more than that call.
 *   1: the port supplies hal_dma_map and hal_dma_unmap: for an IOMMU, for devices that do not look
 *      into caches, or for memory of which devices reach a part, through which data is then copied.
 */
#ifndef HAL_DMA_MAPS
#define HAL_DMA_MAPS 0
#endif
#define HAL_DMA_NONE UINT64_MAX

/* Who writes the data: the CPU before the mapping, the device during it, or both. */
enum hal_dma_direction { HAL_DMA_TO_DEVICE = 1, HAL_DMA_FROM_DEVICE = 2, HAL_DMA_BOTH = 3 };

/*
 * HAL_DMA_MAPS 0 only: the bus address of [p, p+len). HAL_DMA_NONE: a device cannot reach it as one
 * contiguous range.
 */
uint64_t hal_dma_addr(const void *p, size_t len);

#if !HAL_DMA_MAPS
/*
 * The same, inline, or HAL_DMA_NONE if hal_dma_addr() is to be asked. A platform whose devices
 * reach memory where the CPU does may define HAL_DMA_NEAR, and keeps a range in hal_dma_range in
 * which hal_dma_addr() would find a buffer, such as that of the last one.
 */
#ifdef HAL_DMA_NEAR
struct hal_dma_range {
    uint64_t base, len;
};
extern struct hal_dma_range hal_dma_range;
#endif
static inline uint64_t hal_dma_near(const void *p, size_t len)
{
#ifdef HAL_DMA_NEAR
    uint64_t at = (uintptr_t)p - hal_dma_range.base;

    return at < hal_dma_range.len && len <= hal_dma_range.len - at ? (uintptr_t)p : HAL_DMA_NONE;
#else
    return hal_dma_addr(p, len);
#endif
}
#endif

#if HAL_DMA_MAPS
/*
 * Lends [p, p+len) to the devices and returns its bus address, valid until hal_dma_unmap.
 * HAL_DMA_NONE: not possible, or not now; a block request is then copied through memory of
 * hal_dma_alloc, a frame is dropped. The drivers map a range at most once at a time if a device
 * writes to it, and any number of times if none does. During a mapping the CPU writes nothing to
 * the range, and reads nothing that the device may write; but it may use other bytes of the first
 * and last cache line. A port that cannot have that answers HAL_DMA_NONE for ranges that do not
 * begin and end with a line, or copies them.
 */
uint64_t hal_dma_map(void *p, size_t len, enum hal_dma_direction direction);
/*
 * Ends a mapping: `dma` is what hal_dma_map returned, the rest is what it was given. The device
 * does not access the range any more, and what it wrote is at p from here on. Each mapping ends
 * once, but for those of a device that was given up while it could still access memory: they never
 * end.
 */
void hal_dma_unmap(uint64_t dma, size_t len, enum hal_dma_direction direction);
#else
static inline uint64_t hal_dma_map(void *p, size_t len, enum hal_dma_direction direction)
{
    (void)direction;
    return hal_dma_addr(p, len);
}
static inline void hal_dma_unmap(uint64_t dma, size_t len, enum hal_dma_direction direction)
{
    (void)dma;
    (void)len;
    (void)direction;
}
#endif

/* The machine's memory in bytes, and the part of it that is not in use. */
struct hal_memory {
    uint64_t total, free;
};
void hal_memory(struct hal_memory *out);

/*
 * Takes a page of 4096 bytes out of use, to lend it to the machine's host: its bus address, or
 * HAL_DMA_NONE if none is free. Nothing touches the page until hal_page_return; its content is
 * lost.
 */
uint64_t hal_page_lend(void);
void hal_page_return(uint64_t page);

/*
 * Maps [phys, phys+len), bus addresses, as device memory, for the rest of the run. 0: the range
 * cannot be mapped. A range that is mapped already has the same address again.
 */
hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len);

/* ---- interrupts ------------------------------------------------------------------------------ */

/* An opaque line number. Negative: no line, so the device is polled (its service's `polled`). */
typedef int hal_irq_t;
typedef void (*hal_irq_fn)(void *ctx);

/*
 * Attaches a handler, which is called as fn(ctx) in handler context, and unmasks the line. Handlers
 * that share a line are all called, in order of attachment. 0; -EINVAL: no such line, as all
 * negative ones; -ENOMEM; -EIO: the interrupt controller does not answer. After an error the device
 * is polled. A line of virtio-mmio or INTx is triggered by its level: it stays high until the
 * handler has acknowledged the cause.
 */
int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx);
/* Detaches that handler. The line is masked if it was the last. */
void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx);
/* Masks the line until a handler is attached again: to end a storm of interrupts. [handler] */
void hal_irq_mask(hal_irq_t irq);

/* A message-signalled interrupt: address and data that a function writes, and the line raised. */
struct hal_msi {
    uint64_t addr;
    uint32_t data;
    hal_irq_t irq;
};

/*
 * Allocates a message for the function `requester` (PCI host << 16 | bus << 8 | devfn). 0; -ENODEV:
 * no working doorbell for messages (use INTx); -ENOSPC: all messages are in use; -ENOMEM; -EIO: the
 * doorbell stopped working during this call.
 */
int hal_msi_alloc(uint32_t requester, struct hal_msi *msi);
/* Frees a message, after its handlers were detached and the function no longer writes it. */
void hal_msi_free(const struct hal_msi *msi);

/* ---- what the machine has, found in the device tree ------------------------------------------ */

/*
 * The n-th virtio-mmio window (bytes from `phys` on), in order of address. -ENOENT past the last.
 */
struct hal_virtio_mmio {
    uint64_t phys;
    uint64_t len;
    hal_irq_t irq;
};
int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out);

/*
 * The n-th PCI Express host bridge with ECAM. A window with len 0 does not exist. 0; -ENOENT: past
 * the last; -ENODEV: the host exists, but an IOMMU keeps its functions from memory (logged).
 */
struct hal_pci_window {
    uint64_t cpu; /* address for the CPU */
    uint64_t pci; /* address on the bus */
    uint64_t len; /* bytes */
};
struct hal_pci_host {
    unsigned index; /* n */
    uint8_t bus_first, bus_last;
    struct hal_pci_window ecam, io, mem32, mem64;
};
int hal_pci_host(unsigned n, struct hal_pci_host *out);

/* The line of INTx pin 1 to 4 of device `dev` (0 to 31) on the root bus; negative: not wired. */
hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin);

/* ---- services: progress outside of any task ---------------------------------------------------
 *
 * A service is a device, or a protocol stack, that makes progress when it was woken (by a handler),
 * when its time has come, or in every round if it is polled. The loop that runs when tasks park:
 *
 *     run every service that is pending, due or polled; if a task is runnable, switch to it;
 *     else, if a service did anything, go round again;
 *     else arm every service that is not polled; if work appeared at one, go round again;
 *     else, unless one is polled, sleep until an interrupt or the earliest next_ns.
 *
 * While tasks keep the CPU busy, services that are not armed run every 100 us, as if polled.
 *
 * The last look at `pending` and the begin of the sleep are one step for interrupts. A handler that
 * runs between them sets `pending`, and nobody looks until the next interrupt or next_ns: a plain
 * wfi behind the look made a boot 0.9 s longer, by a tick for each request. With interrupts masked
 * the loop looks, then sleeps by an instruction that a masked interrupt ends as well (wfi on Arm
 * and RISC-V; sti with hlt right behind on x86), then unmasks them. A kernel with a semaphore gives
 * it in hal_service_wake and takes it, with a time limit, in place of the sleep.
 *
 * next_ns and polled may change in any call of a driver, not in run() alone: block_submit() sets
 * the deadline of what it sent. A thread that sleeps until next_ns is woken after such calls of
 * other threads, to look again.
 *
 * A loop need not look at each service in each round. What has changed is in a service that was
 * woken, that has just run or was armed, or for which hal_service_changed was called. A small loop
 * looks at all, and leaves loop.changes NULL.
 */

/* A point in time in a heap of the platform's. Zeroed: not in one. */
struct hal_deadline {
    uint64_t when_ns;
    struct hal_deadline *child; /* first of its children, which are due no earlier */
    struct hal_deadline *next;  /* its next sibling */
    struct hal_deadline *prev;  /* its previous sibling; of a first child: the parent */
    bool queued;                /* it is in a heap */
};

/* What the loop keeps of a service; zeroed when the service is added. */
struct hal_service_loop {
    struct hal_service **changes; /* list of services that changed; NULL: the loop looks at all */
    struct hal_service *next_changed, *next_woken, *next_unarmed, *next_polled; /* in its lists */
    struct hal_deadline due;
    unsigned round;                        /* in which it ran last */
    bool changed, unarmed, polled, worked; /* it is in those lists; its last run did something */
};

struct hal_service {
    const char *name;
    /* Does a bounded amount of work. True: it did something, so the loop goes round again, since
     * another service or task may have work by now. False: nothing is left until one of the three
     * causes above. Never parks. */
    bool (*run)(struct hal_service *);
    /* The CPU is about to sleep: enables the device's interrupts, then looks once more; true if
     * there is work. Never parks. NULL: nothing to arm. */
    bool (*arm)(struct hal_service *);
    void *ctx;
    uint64_t next_ns;      /* run() is due then (hal_now_ns); HAL_NEVER: not. The service's own
                              functions set it; the loop only reads it */
    bool polled;           /* run() is called in every round, and the CPU does not sleep. The
                              service's own functions set it; a handler also wakes (a storm) */
    volatile bool pending; /* set by hal_service_wake, cleared by the loop before run() */
    struct hal_service *next;
    struct hal_service_loop loop;
};
/* Adds a service, for the rest of the run. next_ns 0 is taken as HAL_NEVER. */
void hal_service_add(struct hal_service *s);
/* run() is called in the next round. [handler] */
void hal_service_wake(struct hal_service *s);

/*
 * Outside of run() and arm(): next_ns was lowered, polled was set, or there is something to arm.
 * Only for a service that was added.
 */
static inline void hal_service_changed(struct hal_service *s)
{
    if (s->loop.changed || !s->loop.changes)
        return;
    s->loop.changed = true;
    s->loop.next_changed = *s->loop.changes;
    *s->loop.changes = s;
}

/* ---- start-up -------------------------------------------------------------------------------- */

/*
 * Functions that run once before main(), in order of level, if their object file was linked. They
 * must not park. A function that fails logs that; the boot goes on.
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

/*
 * Registers a function to be called as fn(ctx), with interrupts masked, when the image ends or
 * panics: it stops all DMA of its devices, within a bounded time. The last registered is called
 * first. 0, or a negative errno: no room.
 */
typedef void (*hal_shutdown_fn)(void *ctx);
int hal_on_shutdown(hal_shutdown_fn fn, void *ctx);

/* ---- randomness ------------------------------------------------------------------------------ */

/*
 * Mixes random bytes from a device into the generator behind getentropy(), and counts them as
 * entropy. The buffer stays the caller's, who should wipe it.
 */
void hal_entropy_add(const void *buf, size_t len);

/* ---- options --------------------------------------------------------------------------------- */

/*
 * Value of the option `name` of the device (or "pci") `dev` if given, else of `name` for all; NULL:
 * neither is given. dev NULL: the latter only. The string lives as long as the image. Where options
 * come from is the port's matter, and a port may have none; an image of Vireo takes them from its
 * boot arguments.
 */
const char *hal_option(const char *dev, const char *name);

/* How messages name an option: a format for a device and a name. hal_arch.h may define another. */
#ifndef HAL_OPTION
#define HAL_OPTION "option %s.%s"
#endif

/*
 * The value of hal_option() as a number, decimal or hexadecimal behind 0x. `def` if the option is
 * absent, and, with a warning in the log, if it is not such a number or outside of [min, max].
 */
uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min,
                        uint64_t max);

/*
 * Logs that the value which hal_option() gives cannot be used, and what can: once for each option,
 * by the name that was typed.
 */
void hal_option_bad(const char *dev, const char *name, const char *use);

/* ---- log and failure ------------------------------------------------------------------------- */

enum hal_level { HAL_ERROR, HAL_WARN, HAL_INFO, HAL_DEBUG };

/*
 * Logs one line: time, `who` (the name of a device or a part of the image) and the text, without a
 * newline; at most 256 bytes, the rest is cut. An image of Vireo drops levels above HAL_INFO unless
 * its options say otherwise. Formats: %s %c %d %u %x %p %% with l, ll, z, width, 0 and - flags, and
 * %.*s; nothing else. [handler]
 */
void hal_log(enum hal_level level, const char *who, const char *fmt, ...) HAL_FORMAT(3, 4);

/*
 * -DHAL_LOG_LEVEL=HAL_WARN, or another level, leaves the messages of levels above out at compile
 * time, their texts included; -1 leaves all out. The port's function is then defined as (hal_log),
 * since hal_log is a macro.
 */
#ifdef HAL_LOG_LEVEL
#ifdef VIREO_PREFIX
#error "HAL_LOG_LEVEL and VIREO_PREFIX both make hal_log a macro: choose one"
#endif
#define hal_log(level, ...)                                                                        \
    do {                                                                                           \
        if ((int)(level) <= (int)HAL_LOG_LEVEL)                                                    \
            (hal_log)((level), __VA_ARGS__);                                                       \
    } while (0)
#endif

/*
 * For broken invariants of the image itself: prints the text and a back trace, stops all devices,
 * ends the run with status 134. [handler]
 */
void hal_panic(const char *fmt, ...) __attribute__((noreturn)) HAL_FORMAT(1, 2);

/* For invariants of the image itself; never for a value that a device or a packet supplied. */
#define hal_assert(c)                                                                              \
    do {                                                                                           \
        if (__builtin_expect(!(c), 0))                                                             \
            hal_panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #c);                      \
    } while (0)

/* The same, checked in debug builds (VIREO_DEBUG) alone: for what is looked up in a table. */
#ifdef VIREO_DEBUG
#define HAL_DEBUG_BUILD 1
#else
#define HAL_DEBUG_BUILD 0
#endif
#define hal_debug_assert(c) hal_assert(!HAL_DEBUG_BUILD || (c))

/* ---- memory functions of C: all of libc that drivers use ------------------------------------- */

#ifndef HAL_HAS_STRING_H
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif

#ifdef __cplusplus
}
#endif

#endif
