/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite.h - the adapter between a virtio driver and the conformance suite. A driver that is to be
 * judged supplies one struct suite_driver, and reaches device, memory and time by the functions
 * below: docs/conformance-suite.md has the steps.
 *
 * The suite plugs one device, a disk or a network card, calls probe(), reads, writes, sends and
 * receives, and judges each register access and each ring entry. Each scenario runs in a process of
 * its own, with fresh variables; the driver may crash or wait for ever. There is one thread. Time
 * is virtual: it passes when the driver waits or looks at shared memory again and again.
 */
#ifndef VIREO_SUITE_H
#define VIREO_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum suite_device { SUITE_BLK = 1, SUITE_NET = 2 };
enum suite_transport { SUITE_MMIO = 1, SUITE_MMIO_LEGACY = 2 }; /* virtio-mmio version 2; 1 */

/* Functions return 0 or more if all went well, and a negative number if not. */
struct suite_driver {
    const char *name, *version;
    unsigned devices, transports; /* that the driver has code for: bits of the enums above */
    /*
     * The suite learns of every memory barrier: the driver's barriers call suite_fence, or it is
     * compiled with -fsanitize=thread and uses C11's fences, or it has none. Otherwise the rows
     * about barriers stay "not exercised".
     */
    bool fences;
    bool watched;    /* accesses of rings are seen: -fsanitize=thread, or suite_load and its like */
    bool interrupts; /* the driver handles interrupts, in irq() or by itself */

    /*
     * Looks at the window as at one where a device may be, and starts it if it is of this kind.
     * Negative: there is no such device, or it is given up.
     */
    int (*probe)(enum suite_device kind);
    void (*remove)(void); /* ends the use of the device: after it the device reaches no memory */
    void (*irq)(void);    /* the interrupt line is high; NULL: the driver looks by itself */
    void (*idle)(void);   /* what the driver does when nobody calls it; may be NULL */

    /* Sectors of 512 bytes. buf: any memory of the process. They return when the disk is done. */
    uint64_t (*blk_sectors)(void);
    int (*blk_read)(uint64_t sector, void *buf, uint32_t sectors);
    int (*blk_write)(uint64_t sector, const void *buf, uint32_t sectors);
    int (*blk_flush)(void); /* NULL: the driver has no flush */

    int (*net_mac)(uint8_t mac[6]); /* negative: the driver has none; NULL: it does not tell */
    int (*net_send)(const void *frame, uint32_t len);
    /* The next frame, at most `room` bytes of it. Returns its length; 0: there is none. */
    int (*net_recv)(void *frame, uint32_t room);
};

/* Each program has one. */
extern const struct suite_driver suite_driver;

/* ---- what the driver calls ------------------------------------------------------------------- */

#define SUITE_WINDOW 0x200u /* bytes of the window */

/*
 * A register access of `width` bytes (1, 2 or 4) at `offset` of the window. A write is ordered
 * after all accesses to memory before it, as by the accessors of most kernels.
 */
uint32_t suite_read(unsigned offset, unsigned width);
void suite_write(unsigned offset, unsigned width, uint32_t v);
/* A write that is not ordered after earlier accesses to memory. */
void suite_write_relaxed(unsigned offset, unsigned width, uint32_t v);

/*
 * Memory for rings: zeroed, physically contiguous, below 2 GiB. The device's address of a byte is
 * its pointer, as of all other memory of the process, which may hold buffers.
 */
void *suite_alloc(size_t size, size_t align); /* align: a power of two up to 64 KiB */
void suite_free(void *p, size_t size);

uint64_t suite_now_ns(void);
void suite_relax(void); /* in each loop that waits */

/*
 * What a driver does with shared memory is seen if it is compiled with -fsanitize=thread (gcc or
 * clang; linked without), whose calls end in the suite. A driver that cannot be calls these before
 * each access of a ring, and each barrier.
 */
void suite_load(const volatile void *p, unsigned width);
void suite_store(const volatile void *p, unsigned width);
enum suite_fence { SUITE_FENCE_LOAD, SUITE_FENCE_STORE, SUITE_FENCE_FULL };
void suite_fence(enum suite_fence what);

#endif
