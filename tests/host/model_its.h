/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_its.h - a GICv3's distributor, redistributor and ITS as registers on the host's bus (Arm
 * IHI 0069), strict about what may be written when, and with ways to be broken. It reads its tables
 * and commands from memory, as the real one does.
 */
#ifndef VIREO_MODEL_ITS_H
#define VIREO_MODEL_ITS_H

#include "host.h"
#include "its.h"

#define MODEL_ITS_PHYS   0x08080000ull
#define MODEL_DIST_PHYS  0x08000000ull
#define MODEL_RDIST_PHYS 0x080a0000ull
#define MODEL_ITS_CPU    3u /* the redistributor's number */

#define MODEL_ITS_DEVICES 256
#define MODEL_ITS_TABLES  8u

struct model_its {
    /* What it is; set before use. */
    struct {
        unsigned type, entry; /* type 0: no such table; bytes of an entry */
    } table[MODEL_ITS_TABLES];
    unsigned page_sizes; /* bit 0: 4 KiB, 1: 16 KiB, 2: 64 KiB */
    bool two_levels;     /* a device table may have two */
    bool shareable;      /* it looks into the caches */
    bool target_address; /* GITS_TYPER.PTA */
    unsigned device_bits, event_bits, itt_entry;
    unsigned id_bits;  /* of the distributor */
    unsigned lpi_bits; /* GICD_TYPER.num_LPIs + 1; 0: as id_bits say */
    bool no_lpis;
    /* What it does wrong. */
    uint64_t stall_after, dead_after; /* commands until then */
    bool never_quiescent, forgets_tables, lpis_stuck_on, lpis_stuck_off, dead;
    /* What happened. */
    uint64_t accesses, commands, syncs;
    uint32_t ctlr, cwriter, creadr, lpi_ctlr;
    uint64_t cbaser, propbaser, pendbaser, baser[MODEL_ITS_TABLES];
    unsigned shows, shows_at_write; /* barriers so far, and at the last CWRITER */
    bool collection;                /* 0 is mapped */
    bool unsynced;                  /* commands without a SYNC behind them */
    struct model_its_device {
        bool mapped;
        uint32_t id;
        uint64_t itt;
        unsigned bits;
        struct {
            uint32_t lpi; /* 0: not mapped */
            bool enabled; /* as of the last INV */
        } event[64];
    } device[MODEL_ITS_DEVICES];
};
extern struct model_its model_its;

/* QEMU's: one page size is as good as another, two levels, 16 bits of everything. */
void model_its_init(void);
/* Puts the registers on the bus, and the ITS into `virt`, with a PCI host whose ids begin there. */
void model_its_plug(uint32_t first_device_id);
/* A function writes a message: the LPI that it raises, or 0. */
uint32_t model_its_message(uint32_t device, uint32_t event);
/* The lines that were announced (irq_add_lines), or NULL. */
const struct gic_lines *model_its_lines(void);

#endif
