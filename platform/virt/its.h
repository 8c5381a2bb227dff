/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its.h - what the files of the interrupt translation service share (Arm IHI 0069, chapters 5 and
 * 12.18). The ITS turns a message (device id, event id) into an LPI of one redistributor.
 *
 *     lpi.c        configuration and pending tables of the LPIs, which the redistributor reads
 *     its_table.c  the ITS's own tables: devices, collections
 *     its_queue.c  its command queue
 *     its.c        set-up, devices and their events, lines, the doorbell
 */
#ifndef VIREO_ITS_H
#define VIREO_ITS_H

#include "virt.h"

#define ITS_WAIT_NS (100 * HAL_MS) /* limit of each wait for the GIC */

enum {
    GITS_CTLR = 0x0,
    GITS_TYPER = 0x8,
    GITS_CBASER = 0x80,
    GITS_CWRITER = 0x88,
    GITS_CREADR = 0x90,
    GITS_BASER = 0x100,
    GITS_TRANSLATER = 0x10040,
    GITS_LEN = 0x20000,
};

/* Fields for cacheability and shareability, the same in all these registers. */
#define GIC_INNER_SHAREABLE (1u << 10)
#define GIC_SHAREABILITY    (3u << 10)
#define GIC_CACHEABLE       7u /* read and write allocate, write-back */
#define GIC_NON_CACHEABLE   1u

/* Registers of 64 bits are written low half first: their valid bit is in the high half. */
static inline uint64_t its_read64(hal_mmio_t reg)
{
    uint64_t low = hal_read32(reg);

    return (uint64_t)hal_read32(reg + 4) << 32 | low;
}

static inline void its_write64(hal_mmio_t reg, uint64_t v)
{
    hal_write32(reg, (uint32_t)v);
    hal_write32(reg + 4, (uint32_t)(v >> 32));
}

/*
 * Writes v, a table's address and its other fields, to a base register, for shareable and cacheable
 * memory; `inner` is the shift of the field for inner cacheability. True: the GIC does not look
 * into caches, and what is written to the table must be flushed.
 */
bool its_write_base(hal_mmio_t reg, uint64_t v, unsigned inner);

/* Makes changed memory visible to the GIC. */
static inline void its_show(const void *p, size_t len, bool flush)
{
    if (flush)
        arch_cache_flush(p, len);
    else
        arch_memory_sync();
}

/* ---- lpi.c ----------------------------------------------------------------------------------- */

/* Gives the redistributor its tables and switches LPIs on. 0, -ENODEV, -ENOMEM, -EIO. */
int lpi_open(void);
/* The number of LPIs, from GIC_LPI_FIRST on. */
unsigned lpi_count(void);
/* Sets an LPI's priority, and whether it is enabled. The GIC takes it at the ITS command INV. */
void lpi_set(unsigned id, bool enabled);
/* The ITS's name of this redistributor: its address, or its number << 16. */
uint64_t lpi_target(bool by_address);

/* ---- its_table.c ----------------------------------------------------------------------------- */

/* The device table: flat, or of two levels. */
struct its_devices {
    uint64_t *first;   /* indirect: addresses of pages of entries; flat: the entries */
    uint64_t ids;      /* device ids below this have room */
    uint32_t page;     /* bytes */
    uint32_t per_page; /* entries of a second-level page */
    bool indirect, flush;
};

/* Allocates and sets all tables that the ITS asks for. 0, -ENOMEM, -EIO, -ENODEV. */
int its_tables_open(hal_mmio_t regs, uint64_t ids, struct its_devices *devices);
/* Makes room for the entry of a device id. 0; -ENOSPC: the id is too large; -ENOMEM. */
int its_devices_hold(struct its_devices *devices, uint64_t id);

/* ---- its_queue.c ----------------------------------------------------------------------------- */

struct its_command {
    uint64_t word[4];
};

struct its_queue {
    hal_mmio_t regs;
    struct its_command *ring;
    uint32_t write; /* CWRITER: offset in bytes of the next command */
    bool flush;
    bool broken; /* the ITS stopped taking commands */
};

/* Allocates the queue and gives it to the ITS, which is off. 0, -ENOMEM. */
int its_queue_open(struct its_queue *q, hal_mmio_t regs);
/*
 * Hands over n commands (fewer than the ring has places, which are 128) and waits until the ITS has
 * done all of them, at most ITS_WAIT_NS. 0, or -EIO: the queue is broken. [handler]
 */
int its_queue_run(struct its_queue *q, const struct its_command *commands, unsigned n);

struct its_command its_mapd(uint32_t device, uint64_t itt, unsigned bits); /* itt 0: unmap */
struct its_command its_mapc(unsigned collection, uint64_t target);
struct its_command its_mapti(uint32_t device, uint32_t event, uint32_t lpi, unsigned collection);
struct its_command its_inv(uint32_t device, uint32_t event);
struct its_command its_discard(uint32_t device, uint32_t event);
struct its_command its_sync(uint64_t target);

#endif
