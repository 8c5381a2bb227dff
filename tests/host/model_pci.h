/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_pci.h - a PCI Express root bus for host tests, and virtio-pci functions on it (PCI 3.0,
 * chapter 6; virtio 1.4, section 4.1). Strict: access to what does not decode, a BAR that moves
 * while it decodes, two BARs at one address, a changed read-only bit are all broken rules.
 */
#ifndef VIREO_MODEL_PCI_H
#define VIREO_MODEL_PCI_H

#include "model.h"

#define MODEL_PCI_CONFIG 256
#define MODEL_PCI_MSIX   2048
#define MODEL_PCI_INTX   40 /* the first of the four lines */

enum model_pci_bar_kind { MODEL_BAR_NONE, MODEL_BAR_MEM32, MODEL_BAR_MEM64, MODEL_BAR_IO };

struct model_pci_bar {
    enum model_pci_bar_kind kind; /* MODEL_BAR_MEM64 takes this register and the next */
    uint64_t size;                /* power of two */
    uint64_t addr;                /* what was written, without the bits that do not stick */
    bool plain;                   /* 64 bits, but not prefetchable */
};

struct model_pci_msix_entry {
    uint64_t addr;
    uint32_t data, control;
    bool pending;
};

struct model_pci_fn {
    struct model_pci_fn *bridge; /* on whose bus it is; NULL: the root bus */
    uint8_t dev, fn;
    uint8_t config[MODEL_PCI_CONFIG];
    uint8_t writable[MODEL_PCI_CONFIG];
    struct model_pci_bar bar[6];
    unsigned cap_link; /* where the next capability's offset is put */
    unsigned cap_free; /* the next one lies here */
    bool gone;         /* every read is all-ones */
    bool line_held;    /* another device holds the line high */
    unsigned config_writes;

    /* MSI-X; msix_cap 0: there is none. table_bar may be any number, for tests. */
    unsigned msix_cap, msix_size, table_bar;
    uint32_t table_off;
    struct model_pci_msix_entry msix[MODEL_PCI_MSIX];

    /* Four bytes of configuration space that lead elsewhere: where, and to what. 0: none. */
    unsigned window;
    uint32_t (*window_access)(struct model_pci_fn *f, bool write, unsigned off, unsigned width,
                              uint32_t v, bool sync);

    /* Registers behind the BARs, the MSI-X table excepted. */
    uint32_t (*read)(struct model_pci_fn *f, unsigned bar, uint64_t off, unsigned width, bool sync);
    void (*write)(struct model_pci_fn *f, unsigned bar, uint64_t off, unsigned width, uint32_t v,
                  bool sync);
    void (*changed)(struct model_pci_fn *f); /* after a write of configuration space */
    /* The answer to a read of configuration space that was found to be v. May be NULL. */
    uint32_t (*answer)(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v);
    /* Takes a write of configuration space over; false: it is as any other. May be NULL. */
    bool (*write_config)(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v);
};

/* QEMU's virt machine, nearly: all windows, bus addresses unlike the CPU's. */
struct hal_pci_host model_pci_windows(void);
/* Registers the bridge, with its lines or (intx false) without. Once. */
void model_pci_bridge(const struct hal_pci_host *h, bool intx);

/* An endpoint without BARs and capabilities, put at dev.fn. It lives as long as the machine. */
void model_pci_add(struct model_pci_fn *f, unsigned dev, unsigned fn, uint16_t vendor,
                   uint16_t device);
/* Makes it a bridge: every window there is; express: its port type (4: root port), or -1. */
void model_pci_make_bridge(struct model_pci_fn *f, int express);
/* Number of the bus that the function is on; -1: no configuration access gets there now. */
int model_pci_bus(const struct model_pci_fn *f);
/* Do all bridges above f let [addr, addr + len) through to it? */
bool model_pci_reached(const struct model_pci_fn *f, bool io, uint64_t addr, uint64_t len);
/* Would the bridge take [addr, addr + len), or a part of it, for its own? */
bool model_pci_claims(const struct model_pci_fn *bridge, bool io, uint64_t addr, uint64_t len);
void model_pci_put(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v);
uint32_t model_pci_get(const struct model_pci_fn *f, unsigned off, unsigned width);
void model_pci_bar(struct model_pci_fn *f, unsigned i, enum model_pci_bar_kind kind, uint64_t size);
/* Appends a capability of len bytes to the list; its offset. */
unsigned model_pci_cap(struct model_pci_fn *f, uint8_t id, unsigned len);
/* Appends the MSI-X capability. All entries are unmasked and hold rubbish, as if left by others. */
void model_pci_add_msix(struct model_pci_fn *f, unsigned entries, unsigned bar, uint32_t off);
bool model_pci_msix_on(const struct model_pci_fn *f);
bool model_pci_master(const struct model_pci_fn *f);
/* The function sends the message of an entry, now or when it is unmasked. */
void model_pci_message(struct model_pci_fn *f, unsigned entry);
/* Level of the function's INTA line. */
void model_pci_level(struct model_pci_fn *f, bool high);

/* ---- virtio-pci ------------------------------------------------------------------------------ */

enum { VCAP_COMMON = 1, VCAP_NOTIFY = 2, VCAP_ISR = 3, VCAP_DEVICE = 4, VCAP_PCI_CFG = 5 };

struct model_vpci {
    struct model_pci_fn fn; /* first: one is the other */
    struct model *m;
    struct {
        unsigned bar;
        uint32_t off, len;
    } region[5]; /* by type: where the registers really are, whatever a capability says */
    uint32_t multiplier;
    uint16_t num_queues;
    uint16_t config_vector;

    /* what a bad device does */
    unsigned vectors;           /* mappings of higher vectors fail; 0xffff: none does */
    unsigned vectorless;        /* nor do any of the queues of these bits; bit 31: of changes */
    bool size_fixed;            /* queue_size cannot be changed */
    bool vector_fields_lost;    /* without MSI-X on, the vectors' fields read 0 */
    bool in_use;                /* every queue is enabled from the start */
    unsigned queue_reset_reads; /* of queue_reset, before a queue's reset is complete */
    bool pfn_lost;              /* legacy: the page number reads 0 whatever was written */
    bool window;                /* VIRTIO_PCI_CAP_PCI_CFG works; else it is read-only */

    unsigned isr_reads, messages, window_uses, queue_resets, reset_left;
};

/*
 * A function for m in slot `dev`, as QEMU lays it out: BAR 1 the MSI-X table, BAR 4 all else; a
 * legacy one: BAR 0 all else. Without capabilities when `bare`, for tests that write their own.
 */
void model_plug_pci(struct model_vpci *v, struct model *m, unsigned dev, bool bare);
/* Appends a virtio capability that says what it is told; its offset. */
unsigned model_vpci_cap(struct model_vpci *v, uint8_t type, uint8_t bar, uint32_t off,
                        uint32_t len);
/* Appends the five capabilities that tell the truth. */
void model_vpci_caps(struct model_vpci *v);

/* Adds what a transitional device has: old ids, and the legacy registers' BAR 0. */
void model_vpci_transitional(struct model_vpci *v);

/* model_lpci.c: legacy registers, at offsets in BAR 0. */
uint32_t model_lpci_read(struct model_vpci *v, unsigned off, unsigned width, bool sync);
void model_lpci_write(struct model_vpci *v, unsigned off, unsigned width, uint32_t value,
                      bool sync);

/* For model.c, model_ring.c and model_lpci.c. */
uint32_t model_vpci_read_isr(struct model_vpci *v);
uint16_t model_vpci_map_vector(const struct model_vpci *v, uint32_t vector);
void model_vpci_raise(struct model *m, uint32_t cause, struct model_queue *q);
void model_vpci_reset(struct model *m);

#endif
